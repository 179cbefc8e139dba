//! The command line against the real server.

mod terminal;

use std::io::BufRead;

use serde_json::{Value, json};
use support::{MapSpec, TestMap, UmapServer, marker};
use terminal::Terminal;

fn point(name: &str, lng: f64, lat: f64) -> String {
    json!({"type":"Feature","geometry":{"type":"Point","coordinates":[lng, lat]},"properties":{"name":name}})
        .to_string()
}

fn names(document: &Value) -> Vec<String> {
    let mut names: Vec<String> = document["features"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| f["properties"]["name"].as_str().unwrap_or_default().to_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn a_map_born_offline_is_created_at_its_first_sync() {
    let server = UmapServer::shared();
    let laptop = Terminal::new(Some(server.password()));
    laptop.run(&["new", "Born offline", "--server", server.url(), "--user", "alice"]);
    laptop.run(&["edit", "Born offline", "layer", "add", "Trees"]);
    laptop.run(&["edit", "Born offline", "add", "--layer", "Trees", &point("oak", 7.1, 48.1)]);
    laptop.run(&["edit", "Born offline", "add", "--layer", "Trees", &point("elm", 7.2, 48.2)]);
    let told = laptop.run(&["sync", "Born offline", "--once"]);
    let url = told.split_whitespace().find(|word| word.starts_with("http")).expect(&told).to_owned();
    // Somebody else, who may: a second laptop of the same user takes it offline.
    let other = Terminal::new(Some(server.password()));
    other.run(&["open", &url, "--user", "alice"]);
    let features = other.json(&["features", "Born offline"]).to_string();
    assert!(features.contains("oak") && features.contains("elm"), "{features}");
}

#[test]
fn an_anonymous_map_is_edited_through_its_secret_link() {
    let server = UmapServer::shared();
    let map = TestMap::create(&server, &MapSpec::new("Anonymous").anonymous());
    let layer = map.add_layer("One", &[marker("aaaa1", "A1", 7.7, 48.6)]);
    let laptop = Terminal { passphrase: Some("a passphrase of the user's".to_owned()), ..Terminal::new(None) };
    laptop.run(&["open", &map.url, "--edit-link", map.edit_link.as_ref().unwrap()]);
    laptop.run(&["edit", "Anonymous", "add", "--layer", "One", &point("added", 7.1, 48.1)]);
    laptop.run(&["sync", "Anonymous", "--once"]);
    let kept = names(&map.layer(&layer).json);
    assert_eq!(kept, ["A1", "added"]);
    let file = std::fs::read_dir(laptop.data.path()).unwrap().filter_map(Result::ok).find(|f| f.path().is_file());
    let secret = map.edit_link.as_ref().unwrap().rsplit(':').next().unwrap().to_owned();
    if let Some(file) = file {
        let bytes = std::fs::read(file.path()).unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains(&secret), "the secret is not in the clear");
    }
}

#[test]
fn a_public_map_is_read_without_an_account_and_not_edited_on_the_server() {
    let server = UmapServer::shared();
    let map = TestMap::create(&server, &MapSpec::new("Public"));
    map.add_layer("One", &[marker("aaaa1", "A1", 7.7, 48.6)]);
    let laptop = Terminal::new(None);
    laptop.run(&["open", &map.url]);
    assert!(laptop.json(&["features", "Public"]).to_string().contains("A1"));
    assert!(laptop.json(&["layers", "Public"]).to_string().contains("One"));
}

#[test]
fn undo_batch_and_export_work_on_what_the_server_gave() {
    let server = UmapServer::shared();
    let map = TestMap::create(&server, &MapSpec::new("Batch"));
    let layer = map.add_layer("One", &[marker("aaaa1", "A1", 7.7, 48.6), marker("aaaa2", "A2", 7.8, 48.6)]);
    let laptop = Terminal::new(Some(server.password()));
    laptop.run(&["open", &map.url, "--user", "alice"]);
    laptop.run(&["edit", "Batch", "set", "aaaa1", "properties.name", "\"first\""]);
    laptop.run(&["edit", "Batch", "delete", "aaaa2"]);
    laptop.run(&["edit", "Batch", "undo"]);
    laptop.run(&["edit", "Batch", "map", "set", "description", "\"from the field\""]);
    laptop.run(&["sync", "Batch", "--once"]);
    assert_eq!(names(&map.layer(&layer).json), ["A2", "first"]);
    assert_eq!(map.read()["properties"]["description"], json!("from the field"));
    let file = laptop.data.path().join("out.geojson");
    laptop.run(&["export", "Batch", "--format", "geojson", file.to_str().unwrap()]);
    let exported: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!(names(&exported), ["A2", "first"]);
    laptop.run(&["verify", "Batch"]);
}

#[test]
fn what_goes_wrong_has_its_exit_code() {
    let server = UmapServer::shared();
    let map = TestMap::create(&server, &MapSpec::new("Codes"));
    map.add_layer("One", &[marker("aaaa1", "A1", 7.7, 48.6)]);
    let laptop = Terminal::new(Some(server.password()));
    laptop.run(&["open", &map.url, "--user", "alice"]);
    assert_eq!(laptop.code(&["nonsense"]).0, 1);
    assert_eq!(laptop.code(&["edit", "Codes", "set", "zzzzz", "properties.name", "1"]).0, 1);
    let wrong = Terminal::new(Some("not the password"));
    assert_eq!(wrong.code(&["open", &map.url, "--user", "alice"]).0, 2);
    let closed = format!("http://127.0.0.1:{}/en/map/x_1", support::free_port());
    assert_eq!(laptop.code(&["open", &closed]).0, 3);
    let secret = TestMap::create(&server, &MapSpec::new("Gone"));
    let gone = secret.url.replace(&secret.id.to_string(), "999999");
    let (code, text) = laptop.code(&["open", &gone, "--user", "alice"]);
    assert!([1, 6].contains(&code), "{code}: {text}");
    // Another process in the room has the map.
    let mut watching = laptop.command(&["sync", "Codes", "--watch", "--events"]).spawn().unwrap();
    let mut told = String::new();
    std::io::BufReader::new(watching.stdout.as_mut().unwrap()).read_line(&mut told).unwrap();
    assert!(!told.is_empty(), "the watch began");
    let (code, text) = laptop.code(&["edit", "Codes", "set", "aaaa1", "properties.name", "\"n\""]);
    assert_eq!(code, 7, "{text}");
    watching.kill().unwrap();
    watching.wait().unwrap();
}
