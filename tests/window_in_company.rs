//! The real window beside uMap browsers and the command line.

mod terminal;

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::{Browser, MapSpec, Proxy, TestMap, UmapServer, Window, WindowHome, marker};

const OTHERS: &str = "//aside[.//h2[contains(., 'Others here')]]";

/// Takes a map offline as somebody with an account, and waits until it is up to date.
fn taken_offline(home: &WindowHome, server: &UmapServer, url: &str, name: &str) -> Window {
    let window = Window::open(home, &[]);
    window.press("Take a map offline");
    window.type_into("//input[@id='address']", url);
    window.click(&window.find("//input[@value='password']/.."));
    window.type_into("//input[@id='user']", "alice");
    window.type_into("//input[@id='password']", server.password());
    window.key("Enter", &[]);
    window.find(&format!("//h1[contains(., '{name}')]"));
    window.wait_for_chip("up to date", 60, |chip| chip.starts_with("Up to date"));
    window
}

/// Two people name one thing while one of them has no network; the window's user is offline first.
fn named_twice(server: &UmapServer, cable: &Proxy, map: &TestMap, layer: &str, window: &Window) {
    cable.refuse();
    cable.cut();
    let edit = json!([{"do": "set", "feature": format!("{layer}/aaaa1"), "key": "name", "value": "Dry well"}]);
    window.command("edit", json!({"label": "rename", "edits": edit})).unwrap();
    let browser = Browser::launch();
    let bob = browser.signed_in(server, "bob");
    bob.open(map);
    bob.rename((layer, "aaaa1"), "Deep well");
    assert_eq!(bob.save().posts.last().map(|post| post.status), Some(200));
    drop(bob);
    cable.pass();
    window.wait_for_chip("that somebody is asked", 120, |chip| chip.starts_with("1 decision"));
}

fn saved_name(map: &TestMap, layer: &str) -> Value {
    map.layer(layer).json["features"][0]["properties"]["name"].clone()
}

#[test]
fn a_conflict_is_shown_with_both_values_and_decided_while_the_command_line_is_told_who_has_the_map() {
    let server = UmapServer::shared();
    let map = TestMap::create(&server, &MapSpec::new("two names"));
    let layer = map.add_layer("Found", &[marker("aaaa1", "Well", 7.70, 48.60)]);
    let cable = Proxy::to(server.address());
    let home = WindowHome::new();
    let window = taken_offline(&home, &server, &map.url_at(&cable.url()), "two names");

    let beside = |arguments: &[&str]| {
        let mut command = Command::new(terminal::bivouac());
        command.args(arguments).env("BIVOUAC_DATA_DIR", home.data()).env("BIVOUAC_SECRETS", "memory");
        command.stdin(Stdio::null()).output().unwrap()
    };
    let refused = beside(&["edit", "two names", "set", "aaaa1", "name", "\"Spring\""]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(7), "{said}");
    assert!(said.contains("in use by bivouac-desktop"), "it says by what: {said}");
    let read = beside(&["features", "two names"]);
    assert!(String::from_utf8_lossy(&read.stdout).contains("Well"), "reading goes on beside the window");

    named_twice(&server, &cable, &map, &layer, &window);
    window.press("Synchronising");
    window.press("Decisions");
    let panel = window.text("//aside[.//h2[contains(., 'Decisions')]]");
    assert!(panel.contains("Dry well") && panel.contains("Deep well"), "{panel}");
    window.picture("conflict");
    window.press("Use mine");
    window.wait_for_chip("up to date", 60, |chip| chip.starts_with("Up to date"));
    assert_eq!(saved_name(&map, &layer), json!("Dry well"));
    window.picture("conflict-decided");
    window.quit();
}

#[test]
fn a_conflict_is_decided_without_a_mouse() {
    let server = UmapServer::shared();
    let map = TestMap::create(&server, &MapSpec::new("by keys"));
    let layer = map.add_layer("Found", &[marker("aaaa1", "Well", 7.70, 48.60)]);
    let cable = Proxy::to(server.address());
    let home = WindowHome::new();
    let window = taken_offline(&home, &server, &map.url_at(&cable.url()), "by keys");
    named_twice(&server, &cable, &map, &layer, &window);
    window.tab_to("Synchronising");
    window.key("Enter", &[]);
    window.tab_to("Decisions");
    window.key("Enter", &[]);
    window.find("//aside//h2[contains(., 'Decisions')]");
    window.tab_to("Keep theirs");
    window.picture("conflict-by-keys");
    window.key("Enter", &[]);
    window.wait_for_chip("up to date", 60, |chip| chip.starts_with("Up to date"));
    assert_eq!(saved_name(&map, &layer), json!("Deep well"));
    window.quit();
}

/// Areas of 20 by 15, each with a number.
fn three_hundred_areas() -> Value {
    let area = |at: u32| {
        let (x, y) = (7.0 + f64::from(at % 20) * 0.05, 48.0 + f64::from(at / 20) * 0.05);
        let ring = [[x, y], [x + 0.05, y], [x + 0.05, y + 0.05], [x, y + 0.05], [x, y]];
        json!({"type": "Feature", "properties": {"name": format!("Area {at}"), "density": at},
               "geometry": {"type": "Polygon", "coordinates": [ring]}})
    };
    json!({"type": "FeatureCollection", "features": (0..300).map(area).collect::<Vec<_>>()})
}

/// The layer of that name, as the window lists it.
fn card(window: &Window, name: &str) -> Value {
    let view = window.command("map_view", json!({})).unwrap();
    view["layers"]
        .as_array()
        .and_then(|cards| cards.iter().find(|card| card["name"] == name).cloned())
        .unwrap_or_default()
}

/// The light greens to dark greens of the classes that cover a good part of the screen.
fn classes_seen(window: &Window) -> usize {
    const GREENS: [&str; 5] = ["#edf8e9", "#bae4b3", "#74c476", "#31a354", "#006d2c"];
    let seen = support::colours(&window.picture_now("areas-arriving"));
    GREENS.iter().filter(|green| seen.get(**green).is_some_and(|pixels| *pixels > 2000)).count()
}

#[test]
fn three_hundred_areas_imported_in_a_browser_are_on_the_screen_in_their_classes_and_its_leaving_is_noticed() {
    let server = UmapServer::shared();
    let map = TestMap::create(&server, &MapSpec::new("densities"));
    let layer = map.add_layer("Found", &[marker("aaaa1", "Well", 7.0, 48.0), marker("aaaa2", "Oak", 8.0, 48.75)]);
    let home = WindowHome::new();
    let window = taken_offline(&home, &server, &map.url, "densities");
    let browser = Browser::launch();
    let bob = browser.signed_in(&server, "bob");
    bob.open(&map);
    bob.wait_connected(Duration::from_secs(30));
    window.press("Synchronising");
    window.press("Others here");
    support::wait_until("bob among the others", Duration::from_secs(20), || {
        let there = window.text(OTHERS);
        if there.contains("bob") { Ok(()) } else { Err(there) }
    });
    // An edit each way, each shown within 2 s.
    let asked = Instant::now();
    bob.rename((&layer, "aaaa2"), "Old oak");
    let path = format!("{layer}/aaaa2");
    support::wait_until("the browser's edit in the window", Duration::from_secs(2), || {
        let feature = window.command("feature", json!({"object": path})).unwrap();
        if feature["properties"]["name"] == "Old oak" { Ok(()) } else { Err(feature) }
    });
    println!("browser to window: {:?}", asked.elapsed());
    let edit = json!([{"do": "set", "feature": format!("{layer}/aaaa1"), "key": "name", "value": "Deep well"}]);
    window.command("edit", json!({"label": "rename", "edits": edit})).unwrap();
    support::wait_until("the window's edit in the browser", Duration::from_secs(2), || {
        let name = bob.state().feature_name((&layer, "aaaa1")).map(str::to_owned);
        if name.as_deref() == Some("Deep well") { Ok(()) } else { Err(name) }
    });

    let areas = bob.import("Densities", &three_hundred_areas());
    bob.set_layer(&areas, "properties.fillOpacity", Some(json!(1)));
    bob.set_layer(
        &areas,
        "properties.choropleth",
        Some(json!({"property": "density", "mode": "equidistant", "classes": 5, "brewer": "Greens"})),
    );
    bob.set_layer(&areas, "properties.type", Some(json!("Choropleth")));
    let told = Instant::now();
    support::wait_until("300 areas in the window's list", Duration::from_secs(20), || {
        let card = card(&window, "Densities");
        if card["features"] == 300 && card["kind"] == "Choropleth" { Ok(()) } else { Err(card) }
    });
    println!("the import was in the window's file after {:?}", told.elapsed());
    window.press("Show the whole map");
    support::wait_until("all five classes on the screen", Duration::from_secs(20), || {
        let seen = classes_seen(&window);
        if seen == 5 { Ok(()) } else { Err(seen) }
    });
    println!("and on the screen after {:?}", told.elapsed());
    window.picture("areas");
    assert_eq!(bob.save().posts.last().map(|post| post.status), Some(200));
    drop(bob);
    support::wait_until("bob's leaving", Duration::from_secs(40), || {
        let there = window.text(OTHERS);
        if there.contains("Nobody else is here") { Ok(()) } else { Err(there) }
    });
    window.wait_for_chip("up to date", 60, |chip| chip.starts_with("Up to date"));
    window.quit();
}
