//! The real window and the web: tiles and pictograms through the core, a server's own sign-in page,
//! links and files from outside.

use std::time::Duration;

use serde_json::{Value, json};
use support::{MapSpec, Proxy, TestMap, UmapServer, Window, WindowHome, marker, wait_until};

/// Takes a map offline as anybody.
fn taken(home: &WindowHome, address: &str, name: &str) -> Window {
    let window = Window::open(home, &[]);
    window.press("Take a map offline");
    window.type_into("//input[@id='address']", address);
    window.key("Enter", &[]);
    window.find(&format!("//h1[contains(., '{name}')]"));
    window
}

/// The first bytes of an image that the core gives.
fn image(window: &Window, command: &str, arguments: Value) -> Result<Vec<u8>, String> {
    let script = "const done = arguments[2];
        window.__TAURI_INTERNALS__.invoke(arguments[0], arguments[1])
          .then((bytes) => done([...new Uint8Array(bytes)].slice(0, 5)), (error) => done(error.code))";
    let answer = window.later(script, json!([command, arguments]));
    match answer.as_array() {
        Some(bytes) => Ok(bytes.iter().map(|byte| byte.as_u64().unwrap() as u8).collect()),
        None => Err(answer.to_string()),
    }
}

#[test]
fn tiles_and_pictograms_of_the_maps_own_server_are_drawn_kept_and_there_without_it() {
    let server = UmapServer::shared();
    let map = TestMap::create(&server, &MapSpec::new("tiled"));
    let mut tent = marker("aaaa1", "Tent", 7.70, 48.60);
    tent["properties"]["_umap_options"] = json!({"iconUrl": "/static/umap/img/home.svg", "color": "#2b7bba"});
    map.add_layer("Found", &[tent]);
    let cable = Proxy::to(server.address());
    let home = WindowHome::new();
    let window = taken(&home, &map.url_at(&cable.url()), "tiled");
    wait_until("to be online", Duration::from_secs(60), || {
        let view = window.command("sync_view", json!({})).unwrap();
        if matches!(view["state"].as_str(), Some("live" | "documents")) {
            Ok(())
        } else {
            Err(view["state"].to_string())
        }
    });
    let template = format!("{}/static/umap/img/logo_filigree.png?{{z}}/{{x}}/{{y}}", cable.url());
    // The server's own default is asked about, for it lies elsewhere; ours is the map's server.
    let unasked = window.command("background", json!({})).unwrap();
    assert!(unasked.is_null() || unasked["leave"] == json!("unasked"), "{unasked}");
    let tiles =
        json!({"name": "Own", "url_template": template, "attribution": "© [[https://example.org|Us]]", "maxZoom": 19});
    let edit = json!([{"do": "map-set", "key": "tilelayer", "value": tiles}]);
    window.command("edit", json!({"label": "background", "edits": edit})).unwrap();
    let tile = json!({"zoom": 3, "column": 4, "row": 2});
    assert_eq!(image(&window, "tile", tile.clone()).unwrap()[..4], *b"\x89PNG");
    assert_eq!(image(&window, "picture", json!({"said": "/static/umap/img/home.svg"})).unwrap()[0], b'<');
    window.find("//a[contains(., 'Us')]");
    std::thread::sleep(Duration::from_secs(2));
    window.picture("web-tiles");
    cable.refuse();
    cable.cut();
    assert_eq!(image(&window, "tile", tile).unwrap()[..4], *b"\x89PNG", "kept");
    assert_eq!(image(&window, "picture", json!({"said": "/static/umap/img/home.svg"})).unwrap()[0], b'<');
    let missing = image(&window, "tile", json!({"zoom": 9, "column": 1, "row": 1})).unwrap_err();
    assert!(missing.contains("picture_offline"), "{missing}");
    window.quit();
}

#[test]
fn signing_in_on_the_servers_own_page_takes_its_session_and_closes_the_page() {
    let server = UmapServer::shared();
    let map = TestMap::create(&server, &MapSpec::new("by its page"));
    map.add_layer("Found", &[marker("aaaa1", "Well", 7.70, 48.60)]);
    let home = WindowHome::new();
    let window = Window::open(&home, &[]);
    window.press("Take a map offline");
    window.type_into("//input[@id='address']", &map.url_at(server.url()));
    window.click(&window.find("//input[@value='password']/.."));
    window.press("Sign in on the server");
    let title = server.address().to_owned();
    std::thread::sleep(Duration::from_secs(4));
    window.picture("web-sign-in-page");
    window.type_elsewhere(&title, &["alice", "key:Tab", server.password(), "key:Return"]);
    window.find("//*[contains(., 'signed in as alice')]");
    window.picture("web-signed-in");
    window.click(&window.find("//dialog//footer//button[contains(@class, 'primary')]"));
    window.find("//h1[contains(., 'by its page')]");
    window.wait_for_chip("up to date", 60, |chip| chip.starts_with("Up to date"));
    assert_eq!(window.command("map_view", json!({})).unwrap()["account"], json!("alice"));
    window.quit();
}

#[test]
fn a_second_start_hands_its_link_to_the_open_window_which_asks_first() {
    let home = WindowHome::new();
    let window = Window::open(&home, &[]);
    window.start_again(&home, &["bivouac:https://umap.example.org/en/map/walk_12"]);
    window.find("//dialog//h2[contains(., 'Take a map offline')]");
    let given = window.js("return document.querySelector('#address').value", json!([]));
    assert_eq!(given, json!("https://umap.example.org/en/map/walk_12"));
    window.picture("web-link");
    window.press("Cancel");
    window.start_again(&home, &["bivouac:http://umap.example.org/en/map/walk_12"]);
    window.find("//*[contains(., 'This link was not opened')]");
    window.quit();
}
