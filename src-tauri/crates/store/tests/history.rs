//! Rule 16 and M11: what was only recorded counts once a document holds it, and no document
//! reflects an edit that nobody was told.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod common;

use bivouac_journal::ids::{Object, PeerId};
use bivouac_journal::json::Json;
use bivouac_journal::operation::Operation;
use bivouac_journal::path::Path;
use bivouac_store::{Incoming, ServerLayer, ServerMap, Standing, Store};
use common::{assert_sound, delete, draft_update, draft_upsert, feature, layer, live, new_map, shown, update, upsert};
use serde_json::{Value, json};

fn listing() -> ServerMap {
    let properties = json!({"name": "One"}).as_object().unwrap().clone();
    let layer = ServerLayer {
        id: layer(1),
        rank: 0,
        parent: None,
        properties,
        edit_status: 0,
        edit_mode: None,
        reference: Some("100".to_owned()),
    };
    ServerMap { layers: vec![layer], may_edit: true, ..ServerMap::default() }
}

/// A document that holds the feature with that name, or with none.
fn document(name: Option<&str>) -> String {
    let (_, id) = parts();
    let properties = name.map_or_else(|| json!({}), |name| json!({ "name": name }));
    let point = json!({"type": "Point", "coordinates": [1, 2]});
    let feature = json!({"type": "Feature", "geometry": point, "properties": properties, "id": id});
    json!({"type": "FeatureCollection", "features": [feature]}).to_string()
}

fn parts() -> (Object, String) {
    let object = feature(1, 1);
    let Object::Feature(_, id) = &object else { panic!("no feature") };
    let id = id.to_string();
    (object, id)
}

fn value(name: &str) -> Json {
    let parsed: Value = serde_json::from_str(&document(Some(name))).unwrap();
    Json::from_value(&parsed["features"][0])
}

fn store(read: &str) -> Store {
    let mut store = Store::in_memory(&new_map()).unwrap();
    store.merge_map(&listing(), 1_000).unwrap();
    store.merge_layer(&layer(1), "100", 100, read, 1_000).unwrap();
    store
}

fn history(operation: Operation) -> Incoming {
    Incoming { operation, standing: Standing::History }
}

fn name(store: &Store) -> Option<String> {
    shown(store, &parts().0, &Path::property("name"))
}

fn rename(stamp: &str, to: Option<&str>) -> Operation {
    update(stamp, parts().0, Path::property("name"), to)
}

#[test]
fn rule_16_a_saved_operation_counts_when_a_document_with_its_value_is_read() {
    let mut store = store(&document(Some("base")));
    // Both were made by a clock ahead of the server's; only the older one came live.
    let older = rename("900000:0:other", Some("\"older\""));
    let newer = rename("900500:0:other", Some("\"newer\""));
    store.commit_foreign(vec![live(older), history(newer)], 2_000).unwrap();
    assert_eq!(name(&store).as_deref(), Some("\"older\""), "recorded, not applied");
    store.merge_layer(&layer(1), "200", 200, &document(Some("newer")), 3_000).unwrap();
    assert_eq!(name(&store).as_deref(), Some("\"newer\""));
    assert_sound(&store);
}

#[test]
fn rule_16_a_saved_operation_counts_at_once_where_the_base_holds_its_value() {
    let mut store = store(&document(None));
    let ours = draft_update(parts().0, Path::property("name"), Some("\"ours\""));
    store.commit_local("name", vec![ours], 900_000).unwrap();
    let me = PeerId::parse("myself").unwrap();
    let frames = store.prepare_frames(&me, 900_000, &mut || 1).unwrap();
    store.echoed(frames[0].id, 900_000).unwrap();
    // Somebody unset it again and saved; the document says what it said before our edit.
    store.commit_foreign(vec![history(rename("900500:0:other", None))], 901_000).unwrap();
    assert_eq!(name(&store), None);
    assert_eq!(store.conflicts().unwrap().len(), 1, "what we lost is shown");
    assert_sound(&store);
}

#[test]
fn rule_16_what_was_written_over_the_base_is_not_older_than_it() {
    let mut store = store(&document(Some("base")));
    let ours = draft_update(parts().0, Path::property("name"), Some("\"ours\""));
    // This laptop's clock is behind.
    store.commit_local("name", vec![ours], 500_000).unwrap();
    store.commit_foreign(vec![history(rename("900500:0:other", Some("\"base\"")))], 501_000).unwrap();
    assert_eq!(name(&store).as_deref(), Some("\"ours\""));
    assert!(store.conflicts().unwrap().is_empty());
}

#[test]
fn rule_16_a_saved_delete_counts_where_the_layer_was_read_without_the_feature() {
    let empty = json!({"type": "FeatureCollection", "features": []}).to_string();
    let mut store = store(&empty);
    let object = parts().0;
    store.commit_foreign(vec![live(upsert("900000:0:other", object.clone(), &value("added")))], 2_000).unwrap();
    assert!(store.state(&object).unwrap().is_alive());
    store.commit_foreign(vec![history(delete("900500:0:other", object.clone()))], 3_000).unwrap();
    assert!(!store.state(&object).unwrap().is_alive());
    assert_sound(&store);
}

#[test]
fn a_document_that_equals_an_unsent_edit_does_not_lend_the_next_one_its_clock() {
    let empty = json!({"type": "FeatureCollection", "features": []}).to_string();
    let mut store = store(&empty);
    let object = parts().0;
    store.commit_local("add", vec![draft_upsert(object, value("ours"))], 900_000).unwrap();
    store.merge_layer(&layer(1), "200", 200, &document(Some("ours")), 900_100).unwrap();
    store.merge_layer(&layer(1), "300", 300, &document(Some("theirs")), 900_100).unwrap();
    assert_eq!(name(&store).as_deref(), Some("\"ours\""), "made long after both versions");
    assert_sound(&store);
}
