//! Edits, undo, and what reading shows of them.

use serde_json::{Value, json};

use crate::runner::Laptop;

#[test]
fn a_map_born_offline_takes_every_kind_of_edit() {
    let laptop = Laptop::with_map();
    laptop.fine(&["edit", "Field", "set", "aaaa1", "name", "\"Oak\""]);
    laptop.fine(&["edit", "Field", "set", "aaaa1", "height", "-12.5"]);
    laptop.fine(&["edit", "Field", "set", "aaaa1", "_umap_options.color", "\"Red\""]);
    laptop.fine(&["edit", "Field", "set", "aaaa1", "empty", "null"]);
    assert_eq!(
        laptop.properties("aaaa1"),
        json!({"name": "Oak", "height": -12.5, "empty": null, "_umap_options": {"color": "Red"}})
    );
    laptop.fine(&["edit", "Field", "unset", "aaaa1", "empty"]);
    laptop.fine(&["edit", "Field", "unset", "aaaa1", "_umap_options.color"]);
    assert_eq!(laptop.properties("aaaa1"), json!({"name": "Oak", "height": -12.5}));
    laptop.fine(&["edit", "Field", "geometry", "aaaa1", r#"{"type":"LineString","coordinates":[[1,2],[3,4]]}"#]);
    let shown = laptop.json(&["show", "Field", "aaaa1"]);
    assert_eq!(shown["feature"]["geometry"]["type"], "LineString");
    laptop.fine(&["edit", "Field", "layer", "add", "Second"]);
    laptop.fine(&["edit", "Field", "layer", "set", "Second", "color", "\"Blue\""]);
    laptop.fine(&["edit", "Field", "move", "aaaa1", "--to", "Second"]);
    let layers = laptop.json(&["layers", "Field"]);
    let counts: Vec<(&str, u64)> = layers
        .as_array()
        .unwrap()
        .iter()
        .map(|l| (l["name"].as_str().unwrap(), l["features"].as_u64().unwrap()))
        .collect();
    assert_eq!(counts, [("L", 1), ("Second", 1)]);
    assert_eq!(layers[1]["properties"]["color"], "Blue");
    laptop.fine(&["edit", "Field", "delete", "bbbb2"]);
    assert_eq!(laptop.json(&["show", "Field", "bbbb2"])["alive"], false);
    laptop.fine(&["edit", "Field", "map", "set", "name", "\"Renamed\""]);
    assert_eq!(laptop.json(&["maps"])[0]["name"], "Renamed");
    assert_eq!(laptop.json(&["features", "Renamed"]), laptop.json(&["features", "Field"]), "both names find it");
    laptop.fine(&["edit", "Field", "layer", "delete", "Second"]);
    assert_eq!(laptop.json(&["features", "Field"]), json!([]));
    assert_eq!(laptop.json(&["verify", "Field"])["fine"], true);
}

#[test]
fn undo_takes_the_last_edit_back_and_redo_brings_it_again() {
    let laptop = Laptop::with_map();
    laptop.fine(&["edit", "Field", "set", "aaaa1", "name", "\"Oak\""]);
    laptop.fine(&["edit", "Field", "undo"]);
    assert_eq!(laptop.properties("aaaa1")["name"], "A");
    laptop.fine(&["edit", "Field", "redo"]);
    assert_eq!(laptop.properties("aaaa1")["name"], "Oak");
    assert_eq!(laptop.run(&["edit", "Field", "redo"]).code, 1);
    laptop.fine(&["edit", "Field", "layer", "delete", "L"]);
    laptop.fine(&["edit", "Field", "undo"]);
    assert_eq!(
        laptop.json(&["features", "Field"]).as_array().unwrap().len(),
        2,
        "the layer came back with its features"
    );
}

#[test]
fn a_batch_is_one_step_and_all_of_it_or_nothing() {
    let laptop = Laptop::with_map();
    let batch = [
        r#"{"do":"layer-add","name":"New"}"#,
        r#"{"do":"add","layer":"New","feature":{"type":"Feature","id":"cccc3","geometry":{"type":"Point","coordinates":[1,2]},"properties":{}}}"#,
        r#"{"do":"set","feature":"cccc3","key":"name","value":null}"#,
        r#"{"do":"delete","feature":"aaaa1"}"#,
        r#"{"do":"map-set","key":"zoom","value":7}"#,
    ]
    .join("\n");
    let file = laptop.write("batch.jsonl", &batch);
    laptop.fine(&["edit", "Field", "batch", &file]);
    assert_eq!(laptop.properties("cccc3"), json!({"name": null}));
    assert_eq!(laptop.json(&["status", "Field"])["undo"], "batch");
    laptop.fine(&["edit", "Field", "undo"]);
    let ids: Vec<Value> = laptop
        .json(&["features", "Field"])
        .as_array()
        .unwrap()
        .iter()
        .map(|f| f["feature"]["properties"]["name"].clone())
        .collect();
    assert_eq!(ids.len(), 2, "one undo takes the whole batch back: {ids:?}");
    laptop.fine(&["edit", "Field", "batch", &file]);
    let layers = laptop.json(&["layers", "Field"]);
    assert_eq!(layers[1]["features"], 1, "the id is taken by now, and the batch still means its own feature: {layers}");
    laptop.fine(&["edit", "Field", "undo"]);
    let before = laptop.json(&["status", "Field"])["state_hash"].clone();
    let bad = format!("{batch}\n{}", r#"{"do":"set","feature":"zzzzz","key":"name","value":1}"#);
    let ran = laptop.run_with_input(&["edit", "Field", "batch", "-"], &bad);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("edit 6"), "{}", ran.err);
    assert_eq!(laptop.json(&["status", "Field"])["state_hash"], before, "nothing of it was kept");
    let ran = laptop.run_with_input(&["edit", "Field", "batch", "-"], r#"{"do":"set","feature":"bbbb2","key":"name"}"#);
    assert_eq!(ran.code, 1, "silence is no value: {}", ran.out);
}

#[test]
fn an_id_is_kept_when_it_is_free_and_made_when_not() {
    let laptop = Laptop::with_map();
    laptop.fine(&["edit", "Field", "layer", "add", "Other"]);
    let taken = r#"{"type":"Feature","id":"aaaa1","geometry":{"type":"Point","coordinates":[1,2]},"properties":{"with.dot":1}}"#;
    let ran = laptop.json(&["edit", "Field", "add", "--layer", "Other", taken]);
    let id = ran["objects"][0]["feature"].as_str().unwrap();
    assert_ne!(id, "aaaa1", "ids are unique over the whole map");
    assert_eq!(id.len(), 5);
    assert_eq!(laptop.properties(id), json!({"with_dot": 1}));
    assert_eq!(ran["notes"].as_array().unwrap().len(), 2, "{ran}");
}

#[test]
fn a_box_finds_what_lies_in_it() {
    let laptop = Laptop::with_map();
    let far = r#"{"type":"Feature","geometry":{"type":"Point","coordinates":[-70,-30]},"properties":{"name":"far"}}"#;
    laptop.fine(&["edit", "Field", "add", "--layer", "L", far]);
    let found = laptop.json(&["features", "Field", "--bbox", "-71,-31,-69,-29"]);
    assert_eq!(found.as_array().unwrap().len(), 1);
    assert_eq!(found[0]["feature"]["properties"]["name"], "far");
    assert_eq!(laptop.run(&["features", "Field", "--bbox", "1,2,3"]).code, 1);
    assert_eq!(laptop.run(&["features", "Field", "--bbox", "3,2,1,4"]).code, 1);
}

#[test]
fn the_log_says_who_wrote_what_and_how_far_it_came() {
    let laptop = Laptop::with_map();
    laptop.fine(&["edit", "Field", "set", "aaaa1", "name", "\"Oak\""]);
    let log = laptop.json(&["log", "Field", "--feature", "aaaa1"]);
    let rows = log.as_array().unwrap();
    assert_eq!(rows.len(), 2);
    assert_eq!((&rows[0]["value"], &rows[0]["by"], &rows[0]["state"]), (&json!("Oak"), &json!("me"), &json!("local")));
    assert_eq!(rows[1]["verb"], "upsert");
    assert_eq!(laptop.json(&["log", "Field", "--limit", "1"]).as_array().unwrap().len(), 1);
    let edits = laptop.json(&["status", "Field"])["edits"]["local"].as_u64().unwrap();
    assert!(edits >= 4, "{edits}");
}

#[test]
fn a_setting_inside_an_object_that_is_not_there_brings_the_object() {
    let laptop = Laptop::with_map();
    laptop.fine(&["edit", "Field", "layer", "set", "L", "choropleth.property", "\"n\""]);
    laptop.fine(&["edit", "Field", "layer", "set", "L", "choropleth.classes", "5"]);
    let layers = laptop.json(&["layers", "Field"]);
    assert_eq!(layers[0]["properties"]["choropleth"], json!({"property": "n", "classes": 5}));
    let log = laptop.json(&["log", "Field", "--limit", "2"]);
    let keys: Vec<&str> = log.as_array().unwrap().iter().map(|row| row["key"].as_str().unwrap()).collect();
    assert_eq!(
        keys,
        ["properties.choropleth.classes", "properties.choropleth"],
        "the shallowest that browsers surely have"
    );
    let batch = "{\"do\":\"map-set\",\"key\":\"slideshow.active\",\"value\":true}\n{\"do\":\"map-set\",\"key\":\"slideshow.delay\",\"value\":3}";
    assert_eq!(laptop.run_with_input(&["edit", "Field", "batch", "-"], batch).code, 0);
    let file = laptop.fine(&["export", "Field", "--format", "umap", "-"]).out;
    let map: Value = serde_json::from_str(&file).unwrap();
    assert_eq!(map["properties"]["slideshow"], json!({"active": true, "delay": 3}));
}

#[test]
fn a_layer_is_not_put_into_itself_or_into_what_lies_in_it() {
    let laptop = Laptop::with_map();
    laptop.fine(&["edit", "Field", "layer", "add", "Outer"]);
    laptop.fine(&["edit", "Field", "layer", "add", "Middle", "--parent", "Outer"]);
    laptop.fine(&["edit", "Field", "layer", "set", "L", "parentId", "\"Middle\""]);
    for group in ["\"Outer\"", "\"Middle\"", "\"L\""] {
        let refused = laptop.run(&["edit", "Field", "layer", "set", "Outer", "parentId", group]);
        assert_eq!(refused.code, 1, "{}", refused.err);
    }
    laptop.fine(&["edit", "Field", "layer", "unset", "Middle", "parentId"]);
    laptop.fine(&["edit", "Field", "layer", "set", "Outer", "parentId", "\"L\""]);
}
