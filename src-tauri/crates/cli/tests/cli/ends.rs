//! How commands end: exit codes, locks, damage, questions that nobody can answer.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use serde_json::Value;

use crate::runner::Laptop;

#[test]
fn help_and_version_are_done_and_every_other_usage_error_is_bad_input() {
    let laptop = Laptop::new();
    for good in [vec!["--help"], vec!["--version"], vec!["edit", "--help"], vec!["sync", "--help"]] {
        assert_eq!(laptop.run(&good).code, 0, "{good:?}");
    }
    assert!(laptop.run(&["--help"]).out.contains("7  the map is in use by another process"));
    for bad in [
        vec![],
        vec!["frobnicate"],
        vec!["open"],
        vec!["edit", "M"],
        vec!["edit", "M", "set", "F"],
        vec!["export", "M", "--format", "kml", "x"],
        vec!["sync", "M", "--once", "--watch"],
        vec!["sync", "M", "--edits"],
        vec!["resolve", "1"],
        vec!["open", "http://localhost/m/1", "--user", "a", "--edit-link", "b"],
    ] {
        let ran = laptop.run(&bad);
        assert_eq!(ran.code, 1, "{bad:?}: {}", ran.err);
        assert!(!ran.err.is_empty(), "{bad:?}");
    }
}

#[test]
fn bad_input_says_what_was_attempted_and_changes_nothing() {
    let laptop = Laptop::with_map();
    let before = laptop.json(&["status", "Field"])["state_hash"].clone();
    let point = |coordinates: &str| {
        format!(r#"{{"type":"Feature","geometry":{{"type":"Point","coordinates":{coordinates}}},"properties":{{}}}}"#)
    };
    let range = point("[7,99]");
    let empty = point("[]");
    let long = "x".repeat(300);
    let deep = format!("{}{}", "[".repeat(65), "]".repeat(65));
    for (args, said) in [
        (vec!["status", "Nowhere"], "no map of that name"),
        (vec!["show", "Field", "zzzzz"], "nobody ever spoke of it"),
        (vec!["show", "Field", "too-long"], "five letters or digits"),
        (vec!["edit", "Field", "set", "aaaa1", "name", "Oak"], "text goes in quotes"),
        (vec!["edit", "Field", "set", "aaaa1", "", "1"], "a key has"),
        (vec!["edit", "Field", "set", "aaaa1", "__proto__", "1"], "a key has"),
        (vec!["edit", "Field", "set", "aaaa1", &long, "1"], "a key has"),
        (vec!["edit", "Field", "set", "aaaa1", "x", &deep], "deeper than 64"),
        (vec!["edit", "Field", "set", "aaaa1", "_umap_options", "1"], "_umap_options"),
        (vec!["edit", "Field", "set", "zzzzz", "x", "1"], "no such feature"),
        (vec!["edit", "Field", "add", "--layer", "Nope", &range], "no layer"),
        (vec!["edit", "Field", "add", "--layer", "L", &range], "out of range"),
        (vec!["edit", "Field", "add", "--layer", "L", &empty], "coordinates"),
        (vec!["edit", "Field", "add", "--layer", "L", "{}"], "no GeoJSON feature"),
        (vec!["edit", "Field", "add", "--layer", "L", "[1]"], "no GeoJSON object"),
        (vec!["edit", "Field", "geometry", "aaaa1", r#"{"type":"GeometryCollection","geometries":[]}"#], "geometry"),
        (vec!["edit", "Field", "layer", "set", "L", "name", "1"], "in quotes"),
        (vec!["edit", "Field", "layer", "set", "L", "rank", "1.5"], "whole number"),
        (vec!["edit", "Field", "map", "set", "name", "\"\""], "1 to 200"),
        (vec!["edit", "Field", "map", "set", "permissions", "1"], "a key has"),
        (vec!["edit", "Field", "move", "aaaa1", "--to", "L"], "already"),
        (vec!["resolve", "Field", "7", "mine"], "no such open conflict"),
        (vec!["resolve", "Field", "7", "perhaps"], "neither mine nor theirs"),
        (vec!["new", ""], "1 to 200"),
        (vec!["new", "X", "--server", "ftp://x"], "http"),
        (vec!["open", "https://example.org/"], "not the address of a uMap map"),
        (vec!["open", "http://example.org/m/1/"], "--allow-http"),
        (vec!["sync", "Field"], "--server URL"),
    ] {
        let ran = laptop.run(&args);
        assert_eq!(ran.code, 1, "{args:?}: {} {}", ran.out, ran.err);
        assert!(ran.err.contains(said), "{args:?}: {}", ran.err);
        let mut json = args.clone();
        json.push("--json");
        let error: Value = serde_json::from_str(&laptop.run(&json).err).unwrap();
        assert_eq!(error["error"]["exit"], 1);
    }
    assert_eq!(laptop.json(&["status", "Field"])["state_hash"], before);
}

#[test]
fn two_maps_of_one_name_are_told_apart_by_their_ids() {
    let laptop = Laptop::new();
    let id = laptop.json(&["new", "Twin"])["uuid"].as_str().unwrap().to_owned();
    laptop.fine(&["new", "Twin"]);
    let ran = laptop.run(&["status", "Twin"]);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains(&id), "{}", ran.err);
    assert_eq!(laptop.json(&["status", &id[..8]])["uuid"], id.as_str());
}

#[test]
fn a_second_process_that_would_write_is_told_who_has_the_map_and_may_read() {
    let laptop = Laptop::with_map();
    let lock = std::fs::OpenOptions::new().read(true).write(true).open(laptop.map_folder().join("lock")).unwrap();
    lock.try_lock().unwrap();
    std::fs::write(laptop.map_folder().join("lock"), "window (pid 4711)").unwrap();
    for args in [
        vec!["edit", "Field", "delete", "aaaa1"],
        vec!["sync", "Field"],
        vec!["remove", "Field", "--discard"],
        vec!["edit", "Field", "undo"],
    ] {
        let ran = laptop.run(&args);
        assert_eq!(ran.code, 7, "{args:?}: {}", ran.err);
        assert!(ran.err.contains("window (pid 4711)"), "{}", ran.err);
    }
    assert_eq!(laptop.json(&["features", "Field"]).as_array().unwrap().len(), 2);
    laptop.fine(&["status", "Field"]);
    drop(lock);
    laptop.fine(&["edit", "Field", "delete", "aaaa1"]);
}

#[test]
fn a_batch_that_is_still_being_typed_keeps_nobody_from_the_map() {
    let laptop = Laptop::with_map();
    let mut waiting = laptop.command(&["edit", "Field", "batch", "-"]).stdin(Stdio::piped()).spawn().unwrap();
    laptop.fine(&["edit", "Field", "set", "aaaa1", "name", "\"meanwhile\""]);
    waiting.kill().unwrap();
    waiting.wait().unwrap();
    laptop.fine(&["edit", "Field", "set", "aaaa1", "name", "\"after\""]);
}

#[test]
fn damaged_newer_and_foreign_files_are_named_as_such_and_never_changed() {
    let laptop = Laptop::with_map();
    laptop.fine(&["new", "Healthy"]);
    let entry = laptop.json(&["status", "Field"])["uuid"].as_str().unwrap().to_owned();
    let file = laptop.folder.path().join("maps").join(&entry).join("map.sqlite");
    let whole = std::fs::read(&file).unwrap();
    let mut newer = whole.clone();
    newer[60..64].copy_from_slice(&9999_u32.to_be_bytes());
    let mut torn = whole.clone();
    torn.truncate(4096 * 2);
    for (what, bytes, code) in [
        ("newer", newer, "newer"),
        ("foreign", b"not a database at all".repeat(400), "foreign"),
        ("torn", torn, "damaged"),
    ] {
        std::fs::write(&file, &bytes).unwrap();
        for args in [
            vec!["status", &entry],
            vec!["edit", &entry, "undo"],
            vec!["verify", &entry],
            vec!["sync", &entry],
            vec!["edit", "Field", "undo"],
        ] {
            let ran = laptop.run(&args);
            assert_eq!(ran.code, 5, "{what} {args:?}: {} {}", ran.out, ran.err);
        }
        assert_eq!(std::fs::read(&file).unwrap(), bytes, "{what}: the file was changed");
        let maps = laptop.json(&["maps"]);
        let listed = maps.as_array().unwrap().iter().find(|m| m["uuid"] == entry.as_str()).unwrap();
        assert_eq!(listed["state"], code, "{what}: {listed}");
        assert!(listed["advice"].is_string());
        assert!(maps.as_array().unwrap().iter().any(|m| m["name"] == "Healthy" && m["state"] == "fine"), "{maps}");
    }
    std::fs::write(&file, &whole).unwrap();
    laptop.fine(&["verify", "Field"]);
}

#[test]
fn without_a_server_a_sync_is_offline_and_without_a_password_it_needs_one() {
    let laptop = Laptop::new();
    laptop.fine(&["new", "Far", "--server", "http://127.0.0.1:9", "--user", "alice"]);
    laptop.fine(&["edit", "Far", "layer", "add", "L"]);
    let ran = laptop.run(&["sync", "Far"]);
    assert_eq!(ran.code, 2, "nobody can be asked: {}", ran.err);
    let ran = super::runner::Ran::of(laptop.command(&["sync", "Far"]).env("BIVOUAC_PASSWORD", "secret-word"));
    assert_eq!(ran.code, 3, "{}", ran.err);
    assert!(!ran.err.contains("secret-word"));
    assert_eq!(laptop.json(&["status", "Far"])["edits"]["local"], 2, "the edits are still there");
    let ran = laptop.run(&["open", "http://127.0.0.1:9/m/1/"]);
    assert_eq!(ran.code, 3, "{}", ran.err);
    assert_eq!(laptop.json(&["maps"]).as_array().unwrap().len(), 1, "nothing half taken is left");
}

#[test]
fn an_anonymous_map_is_not_created_when_its_edit_link_would_be_lost() {
    let laptop = Laptop::new();
    laptop.fine(&["new", "Anon", "--server", "http://127.0.0.1:9"]);
    let ran = laptop.run(&["sync", "Anon"]);
    assert_eq!(ran.code, 1, "{}", ran.err);
    assert!(ran.err.contains("BIVOUAC_PASSPHRASE"), "{}", ran.err);
    assert_eq!(laptop.run(&["sync", "Anon", "--yes"]).code, 3, "with a yes it goes on");
}

#[test]
fn a_map_with_unsent_work_is_not_removed_without_a_word() {
    let laptop = Laptop::with_map();
    let ran = laptop.run(&["remove", "Field"]);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("4 edits"), "{}", ran.err);
    laptop.fine(&["remove", "Field", "--discard"]);
    assert_eq!(laptop.json(&["maps"]), serde_json::json!([]));
}

#[test]
fn a_reader_that_goes_away_is_no_fault() {
    let laptop = Laptop::with_map();
    let mut batch = String::new();
    for n in 0..3000 {
        batch.push_str(&format!(
            "{{\"do\":\"add\",\"layer\":\"L\",\"feature\":{{\"type\":\"Feature\",\"geometry\":{{\"type\":\"Point\",\"coordinates\":[{},1]}},\"properties\":{{}}}}}}\n",
            n % 90
        ));
    }
    assert_eq!(laptop.run_with_input(&["edit", "Field", "batch", "-"], &batch).code, 0);
    for args in [vec!["features", "Field"], vec!["export", "Field", "--format", "geojson", "-"]] {
        let mut child = laptop.command(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut first = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{args:?}");
    }
}
