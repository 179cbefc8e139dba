//! Export, import and captured traffic.

use serde_json::{Value, json};

use crate::runner::Laptop;

fn features(laptop: &Laptop, map: &str) -> Vec<Value> {
    let found = laptop.json(&["features", map]);
    let mut features: Vec<Value> = found.as_array().unwrap().iter().map(|f| f["feature"].clone()).collect();
    features.sort_by_key(|f| f["id"].as_str().unwrap().to_owned());
    features
}

#[test]
fn geojson_and_umap_come_back_as_they_went() {
    let laptop = Laptop::with_map();
    laptop.fine(&[
        "edit",
        "Field",
        "geometry",
        "bbbb2",
        r#"{"type":"Point","coordinates":[7.123456789012345,48.1,120.5]}"#,
    ]);
    laptop.fine(&["edit", "Field", "layer", "add", "Group"]);
    laptop.fine(&["edit", "Field", "layer", "add", "Inside", "--parent", "Group"]);
    laptop.fine(&["edit", "Field", "move", "bbbb2", "--to", "Inside"]);
    for format in ["geojson", "umap"] {
        let file = laptop.path(&format!("out.{format}"));
        laptop.fine(&["export", "Field", "--format", format, &file]);
        let copy = format!("Copy {format}");
        laptop.fine(&["new", &copy]);
        let report = laptop.json(&["import", &copy, &file]);
        assert_eq!((&report["features"], &report["kept_ids"]), (&json!(2), &json!(2)), "{report}");
        assert_eq!(features(&laptop, &copy), features(&laptop, "Field"), "{format}");
        if format == "umap" {
            let names = |map: &str| -> Vec<(String, u64)> {
                let layers = laptop.json(&["layers", map]);
                let name = |l: &Value| (l["name"].as_str().unwrap().to_owned(), l["depth"].as_u64().unwrap());
                layers.as_array().unwrap().iter().map(name).collect()
            };
            assert_eq!(names(&copy), names("Field"), "layers and groups come too");
        }
        laptop.fine(&["edit", &copy, "undo"]);
        assert_eq!(features(&laptop, &copy).len(), 0, "one undo takes the whole import back");
    }
}

#[test]
fn an_import_says_what_it_changed_and_what_it_left_out() {
    let laptop = Laptop::with_map();
    let file = laptop.write(
        "in.geojson",
        r#"{"type":"FeatureCollection","features":[
        {"type":"Feature","id":"keep1","geometry":{"type":"Point","coordinates":[1,2]},"properties":{"a.b":1}},
        {"type":"Feature","id":"keep1","geometry":{"type":"Point","coordinates":[1,2]},"properties":null},
        {"type":"Feature","id":"aaaa1","geometry":{"type":"Point","coordinates":[1,2]},"properties":{}},
        {"type":"Feature","geometry":{"type":"GeometryCollection","geometries":[
            {"type":"Point","coordinates":[1,2]},
            {"type":"GeometryCollection","geometries":[{"type":"LineString","coordinates":[[1,2],[3,4]]}]}]},"properties":{"name":"C"}},
        {"type":"Feature","geometry":null,"properties":{}},
        {"type":"Feature","geometry":{"type":"Point","coordinates":[1,91]},"properties":{}},
        {"type":"Feature","geometry":{"type":"Point","coordinates":["x",1]},"properties":{}},
        {"type":"Feature","geometry":{"type":"LineString","coordinates":[]},"properties":{}}]}"#,
    );
    let report = laptop.json(&["import", "Field", &file, "--layer", "L"]);
    assert_eq!(
        (&report["features"], &report["kept_ids"], &report["new_layers"]),
        (&json!(5), &json!(1), &json!(0)),
        "{report}"
    );
    let sum = |notes: &Value| notes.as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum::<u64>();
    assert_eq!(sum(&report["dropped"]), 4, "{report}");
    assert_eq!(sum(&report["changed"]), 1 + 1 + 4, "a name, a collection, four ids: {report}");
    assert_eq!(laptop.properties("keep1"), json!({"a_b": 1}));
    assert_eq!(laptop.properties("aaaa1")["name"], "A", "a feature that is there is not overwritten");
}

#[test]
fn a_file_that_is_none_changes_nothing() {
    let laptop = Laptop::with_map();
    let before = laptop.json(&["status", "Field"])["state_hash"].clone();
    let deep = format!("{}{}", "[".repeat(70), "]".repeat(70));
    for (name, text) in [
        ("empty", ""),
        ("text", "hello"),
        ("array", "[1,2]"),
        ("type", r#"{"type":"Topology"}"#),
        ("none", r#"{"features":[]}"#),
        ("deep", deep.as_str()),
        ("features", r#"{"type":"FeatureCollection"}"#),
        ("layer", r#"{"type":"umap","layers":[5]}"#),
        ("cut", r#"{"type":"FeatureCollection","features":[{"type":"Feature","#),
    ] {
        let file = laptop.write(name, text);
        let ran = laptop.run(&["import", "Field", &file]);
        assert_eq!(ran.code, 1, "{name}: {}", ran.out);
        assert!(ran.err.contains("read the file"), "{name}: {}", ran.err);
    }
    assert_eq!(laptop.run(&["import", "Field", "/no/such/file"]).code, 1);
    let latin = laptop.path("latin1");
    std::fs::write(&latin, b"{\"type\":\"FeatureCollection\",\"features\":[],\"name\":\"H\xe9ron\"}").unwrap();
    let ran = laptop.run(&["import", "Field", &latin]);
    assert_eq!((ran.code, ran.err.contains("UTF-8")), (1, true), "{}", ran.err);
    assert_eq!(laptop.json(&["status", "Field"])["state_hash"], before);
}

#[test]
fn an_export_can_look_back() {
    let laptop = Laptop::with_map();
    let at = laptop.json(&["log", "Field", "--limit", "1"])[0]["at"].as_str().unwrap().to_owned();
    std::thread::sleep(std::time::Duration::from_millis(20));
    laptop.fine(&["edit", "Field", "delete", "aaaa1"]);
    laptop.fine(&["edit", "Field", "set", "bbbb2", "name", "\"later\""]);
    for format in ["geojson", "umap"] {
        let then = laptop.fine(&["export", "Field", "--format", format, "--at", &at, "-"]).out;
        assert!(then.contains("aaaa1") && !then.contains("later"), "{then}");
        let now = laptop.fine(&["export", "Field", "--format", format, "-"]).out;
        assert!(!now.contains("aaaa1") && now.contains("later"), "{now}");
    }
    assert_eq!(laptop.run(&["export", "Field", "--format", "geojson", "--at", "2001-01-01T00:00:00Z", "-"]).code, 1);
    assert_eq!(laptop.run(&["export", "Field", "--format", "geojson", "--at", "yesterday", "-"]).code, 1);
}

#[test]
fn an_export_leaves_no_half_file() {
    let laptop = Laptop::with_map();
    let missing = laptop.path("no/such/folder/out.geojson");
    assert_eq!(laptop.run(&["export", "Field", "--format", "geojson", &missing]).code, 1);
    let file = laptop.write("out.geojson", "before");
    laptop.fine(&["export", "Field", "--format", "geojson", &file]);
    let written: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!(written["features"].as_array().unwrap().len(), 2);
    let left: Vec<String> = std::fs::read_dir(laptop.folder.path())
        .unwrap()
        .map(|item| item.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| name.contains(".part"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn captured_traffic_is_understood_and_what_is_new_is_named() {
    let laptop = Laptop::new();
    let captures = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/fixtures/wire");
    let mut all = String::new();
    for item in std::fs::read_dir(captures).unwrap() {
        let path = item.unwrap().path();
        // What browsers send of their own accord; the P files also hold what no browser sends.
        if path.file_name().unwrap().to_string_lossy().starts_with(['A', 'E']) {
            all.push_str(&std::fs::read_to_string(path).unwrap());
        }
    }
    let file = laptop.write("all.jsonl", &all);
    let report = laptop.json(&["check-wire", &file]);
    assert!(report["messages"].as_u64().unwrap() > 100, "{report}");
    assert_eq!(report["findings"], json!([]));
    let file =
        laptop.write("new.jsonl", "{\"kind\":\"OperationMessage\",\"verb\":\"rotate\"}\n{\"kind\":\"Future\"}\n");
    let ran = laptop.run(&["check-wire", &file, "--json"]);
    assert_eq!(ran.code, 1);
    assert_eq!(ran.json()["findings"].as_array().unwrap().len(), 2);
}

#[test]
fn a_file_of_which_nothing_can_be_kept_is_refused_with_the_reasons() {
    let laptop = Laptop::with_map();
    let nothing = r#"{"type":"FeatureCollection","features":[5,{"type":"Feature","geometry":null,"properties":{}},
        {"type":"Feature","geometry":{"type":"GeometryCollection","geometries":[]},"properties":{}}]}"#;
    let ran = laptop.run(&["import", "Field", &laptop.write("nothing.geojson", nothing)]);
    assert_eq!(ran.code, 1, "{}", ran.out);
    for reason in ["without geometry", "is empty", "a feature that is none"] {
        assert!(ran.err.contains(reason), "{}", ran.err);
    }
    assert!(!ran.err.contains("struct"), "no names of ours: {}", ran.err);
    let empty = laptop.write("empty.geojson", r#"{"type":"FeatureCollection","features":[]}"#);
    assert_eq!(laptop.json(&["import", "Field", &empty])["features"], 0);
}

#[test]
fn the_marks_of_other_systems_editors_are_no_obstacle() {
    let laptop = Laptop::with_map();
    let file = laptop.write(
        "windows.geojson",
        "\u{feff}{\"type\":\"Feature\",\r\n\"id\":\"wwww1\",\"properties\":{},\"geometry\":{\"type\":\"Point\",\"coordinates\":[1,2]}}\r\n",
    );
    assert_eq!(laptop.json(&["import", "Field", &file])["kept_ids"], 1);
    let batch = laptop
        .write("windows.jsonl", "\u{feff}{\"do\":\"set\",\"feature\":\"wwww1\",\"key\":\"name\",\"value\":\"W\"}\r\n");
    laptop.fine(&["edit", "Field", "batch", &batch]);
    assert_eq!(laptop.properties("wwww1")["name"], "W");
}

#[test]
fn groups_of_a_file_keep_what_lies_in_them_also_where_they_have_no_settings() {
    let laptop = Laptop::new();
    laptop.fine(&["new", "Field"]);
    let file = laptop.write(
        "groups.umap",
        r#"{"type":"umap","layers":[
        {"type":"FeatureCollection","features":[]},
        {"layers":[{"type":"FeatureCollection","features":[],"properties":{"name":"In the nameless"}}]},
        {"properties":{"name":"Group"},"layers":[{"properties":{"name":"In the group"}}]}]}"#,
    );
    laptop.fine(&["import", "Field", &file]);
    let layers = laptop.json(&["layers", "Field"]);
    let name = |l: &Value| (l["name"].as_str().unwrap().to_owned(), l["depth"].as_u64().unwrap());
    let names: Vec<(String, u64)> = layers.as_array().unwrap().iter().map(name).collect();
    let wanted = [("groups", 0), ("In the nameless", 1), ("Group", 0), ("In the group", 1)];
    assert_eq!(names, wanted.map(|(name, depth)| (name.to_owned(), depth)));
}
