//! The real window, by mouse and keyboard.

use serde_json::{Value, json};
use support::{Window, WindowHome};

const NAME: &str = "//aside//label[starts-with(normalize-space(.), 'Name')]/following::input[1]";

/// Opens the sample from an empty library.
fn with_sample(home: &WindowHome) -> Window {
    let window = Window::open(home, &[]);
    window.press("Sample map");
    window.find("//h1[contains(., 'Null Island')]");
    window.find("//canvas");
    window
}

/// The living features of that name, as `layer/id`.
fn named(window: &Window, name: &str) -> Vec<String> {
    let bounds = json!({"west": -180, "south": -85, "east": 180, "north": 85});
    let script = "const done = arguments[1];
        window.__TAURI_INTERNALS__.invoke('features_in', {bounds: arguments[0], limit: 100000})
          .then((bytes) => done(new TextDecoder().decode(new Uint8Array(bytes))))";
    let text = window.later(script, json!([bounds]));
    let all: Value = serde_json::from_str(text.as_str().unwrap()).unwrap();
    let of_name = |item: &&Value| item["feature"]["properties"]["name"] == json!(name);
    let objects = all["features"].as_array().unwrap().iter().filter(of_name);
    objects.map(|item| item["object"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_point_drawn_on_the_sample_is_named_undone_redone_and_there_after_a_restart() {
    let home = WindowHome::new();
    let window = with_sample(&home);
    window.picture("sample");
    let (x, y) = window.map_middle();
    window.press("Draw a point");
    window.click_at((x + 130.0, y - 60.0));
    window.type_into(NAME, "Cairn");
    window.key("Enter", &[]);
    support::wait_until("the point with its name", std::time::Duration::from_secs(20), || {
        let found = named(&window, "Cairn");
        if found.len() == 1 { Ok(()) } else { Err(found) }
    });
    window.picture("sample-point");
    window.press("Undo");
    window.press("Undo");
    support::wait_until("the point gone again", std::time::Duration::from_secs(20), || {
        let found = named(&window, "Cairn");
        if found.is_empty() { Ok(()) } else { Err(found) }
    });
    window.press("Redo");
    window.press("Redo");
    support::wait_until("the point again", std::time::Duration::from_secs(20), || {
        let found = named(&window, "Cairn");
        if found.len() == 1 { Ok(()) } else { Err(found) }
    });
    window.quit();

    let window = Window::open(&home, &[]);
    window.picture("library");
    window.press("Null Island");
    window.find("//canvas");
    assert_eq!(named(&window, "Cairn").len(), 1);
    window.quit();
}
