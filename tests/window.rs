//! The real window, by mouse and keyboard.

use std::time::Duration;

use serde_json::json;
use support::{Browser, MapSpec, Proxy, TestMap, UmapServer, Window, WindowHome, marker};

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
    let found = window.features_named(name);
    found.iter().map(|item| item["object"].as_str().unwrap().to_owned()).collect()
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
    support::wait_until("the point with its name", Duration::from_secs(20), || {
        let found = named(&window, "Cairn");
        if found.len() == 1 { Ok(()) } else { Err(found) }
    });
    window.picture("sample-point");
    window.press("Undo");
    window.press("Undo");
    support::wait_until("the point gone again", Duration::from_secs(20), || {
        let found = named(&window, "Cairn");
        if found.is_empty() { Ok(()) } else { Err(found) }
    });
    window.press("Redo");
    window.press("Redo");
    support::wait_until("the point again", Duration::from_secs(20), || {
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

/// A page that cannot be reached: the server is there again at another time.
#[test]
fn edits_made_while_the_server_was_away_arrive_after_a_restart_and_the_chip_says_so() {
    let server = UmapServer::shared();
    let map = TestMap::create(&server, &MapSpec::new("field day"));
    let layer = map.add_layer("Found", &[marker("aaaa1", "Well", 7.70, 48.60), marker("aaaa2", "Oak", 7.74, 48.62)]);
    let cable = Proxy::to(server.address());
    let home = WindowHome::new();
    let window = Window::open(&home, &[]);
    window.press("Take a map offline");
    window.type_into("//input[@id='address']", &map.url_at(&cable.url()));
    window.click(&window.find("//input[@value='password']/.."));
    window.type_into("//input[@id='user']", "alice");
    window.type_into("//input[@id='password']", server.password());
    window.key("Enter", &[]);
    window.find("//h1[contains(., 'field day')]");
    window.wait_for_chip("up to date", 60, |chip| chip.starts_with("Up to date"));
    cable.refuse();
    cable.cut();
    window.quit();

    let window = Window::open(&home, &[]);
    window.press("field day");
    window.find("//canvas");
    let (x, y) = window.map_middle();
    window.press("Draw a point");
    window.click_at((x + 40.0, y + 30.0));
    window.type_into(NAME, "Spring");
    window.key("Enter", &[]);
    window.press("Draw a line");
    for (dx, dy) in [(-160.0, -60.0), (-90.0, -20.0), (-30.0, -70.0)] {
        window.click_at((x + dx, y + dy));
    }
    window.press("Finish");
    let waiting = window.wait_for_chip("what waits", 40, |chip| chip.contains("wait") || chip.contains("to send"));
    assert!(waiting.chars().any(|c| c.is_ascii_digit()), "{waiting}");
    window.picture("server-away");
    cable.pass();
    let chip = window.wait_for_chip("up to date", 120, |chip| chip.starts_with("Up to date"));
    assert!(!chip.is_empty());
    window.picture("server-back");
    let saved = map.layer(&layer).json;
    let features = saved["features"].as_array().unwrap();
    let kinds: Vec<&str> = features.iter().filter_map(|f| f["geometry"]["type"].as_str()).collect();
    assert_eq!(features.len(), 4, "{saved}");
    assert!(kinds.contains(&"LineString"), "{kinds:?}");
    assert!(features.iter().any(|f| f["properties"]["name"] == json!("Spring")), "{saved}");
    window.quit();
}

#[test]
fn a_browser_in_the_same_room_sees_the_windows_edits_and_the_window_sees_its() {
    let server = UmapServer::shared();
    let map = TestMap::create(&server, &MapSpec::new("together"));
    let layer = map.add_layer("Found", &[marker("aaaa1", "Well", 7.70, 48.60), marker("aaaa2", "Oak", 7.74, 48.62)]);
    let home = WindowHome::new();
    let window = Window::open(&home, &[]);
    window.press("Take a map offline");
    window.type_into("//input[@id='address']", &map.url);
    window.key("Enter", &[]);
    window.find("//h1[contains(., 'together')]");
    window.wait_for_chip("up to date", 60, |chip| chip.starts_with("Up to date"));
    let browser = Browser::launch();
    let bob = browser.signed_in(&server, "bob");
    bob.open(&map);
    bob.wait_connected(Duration::from_secs(30));
    bob.rename((&layer, "aaaa2"), "Old oak");
    support::wait_until("the browser's edit in the window", Duration::from_secs(20), || {
        let found = named(&window, "Old oak");
        if found.len() == 1 { Ok(()) } else { Err(found) }
    });
    window.press("Synchronising");
    window.press("Others here");
    // An edit may arrive before the list that names its writer.
    support::wait_until("bob's name among the others", Duration::from_secs(20), || {
        let there = window.text("//aside[.//h2[contains(., 'Others here')]]");
        if there.contains("bob") { Ok(()) } else { Err(there) }
    });
    window.picture("together");
    let edit = json!([{"do": "set", "feature": format!("{layer}/aaaa1"), "key": "name", "value": "Deep well"}]);
    window.command("edit", json!({"label": "rename", "edits": edit})).unwrap();
    support::wait_until("the window's edit in the browser", Duration::from_secs(20), || {
        let state = bob.state();
        let name = state.feature_name((&layer, "aaaa1")).map(str::to_owned);
        if name.as_deref() == Some("Deep well") { Ok(()) } else { Err(name) }
    });
    window.quit();
}
