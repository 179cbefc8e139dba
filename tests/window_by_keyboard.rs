//! The real window without a mouse.

use std::time::Duration;

use serde_json::Value;
use support::{Window, WindowHome};

/// The outer ring of the only feature of that name.
fn ring(window: &Window, name: &str) -> Result<Vec<Value>, String> {
    let found = window.features_named(name);
    let [item] = found.as_slice() else { return Err(format!("not one {name}")) };
    item["feature"]["geometry"]["coordinates"][0].as_array().cloned().ok_or_else(|| item.to_string())
}

/// Moves the map under the crosshair, and waits until it has come to rest.
fn pan(window: &Window, key: &str) {
    window.key(key, &[]);
    std::thread::sleep(Duration::from_millis(400));
}

#[test]
fn an_area_is_drawn_named_and_reshaped_without_a_mouse() {
    let home = WindowHome::new();
    let window = Window::open(&home, &[]);
    window.tab_to("Sample map");
    window.key("Enter", &[]);
    window.find("//canvas");
    window.tab_to("Map Null Island");
    window.key("p", &["Control"]);
    for step in ["ArrowRight", "ArrowDown", "ArrowLeft"] {
        window.key("Enter", &[]);
        pan(&window, step);
    }
    window.key("Enter", &["Control"]);
    window.find("//aside//label[starts-with(normalize-space(.), 'Name')]");
    window.keys("Meadow");
    window.key("Enter", &[]);
    let drawn = support::wait_until("the area with its name", Duration::from_secs(20), || ring(&window, "Meadow"));
    assert_eq!(drawn.len(), 4, "three corners and the first again: {drawn:?}");
    assert_eq!(drawn.first(), drawn.last());
    window.picture("by-keys-drawn");

    // Back to the map; the next vertex is taken, moved and dropped.
    window.tab_to("Map Null Island");
    window.key("v", &[]);
    std::thread::sleep(Duration::from_millis(400));
    window.key("Enter", &[]);
    // Upwards: to the right the next corner would catch it.
    pan(&window, "ArrowUp");
    window.key("Enter", &[]);
    let edited = support::wait_until("one corner elsewhere", Duration::from_secs(20), || {
        let now = ring(&window, "Meadow")?;
        if now == drawn { Err("nothing moved".to_owned()) } else { Ok(now) }
    });
    assert_eq!(edited.len(), 4);
    assert_eq!(edited.first(), edited.last());
    let kept = edited.iter().filter(|corner| drawn.contains(corner)).count();
    assert!(kept == 2 || kept == 3, "the other corners keep their numbers: {drawn:?} {edited:?}");
    window.picture("by-keys-edited");
    window.key("z", &["Control"]);
    support::wait_until("the shape undone", Duration::from_secs(20), || {
        let now = ring(&window, "Meadow")?;
        if now == drawn { Ok(()) } else { Err(format!("{now:?}")) }
    });
    window.quit();
}
