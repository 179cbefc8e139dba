//! What nobody has to decide, and what nobody has to delete twice.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use bivouac_journal::ids::{Object, PeerId};
use bivouac_journal::path::Path;
use bivouac_store::{SaveTask, ServerLayer, ServerMap, Store};
use common::*;

/// Sends everything; the server echoes it.
fn send_all(store: &mut Store) {
    let mut bits = 7;
    let frames = store.prepare_frames(&PeerId::trusted("meeee"), NOW + 100, &mut || {
        bits += 1;
        bits
    });
    for frame in frames.unwrap() {
        store.echoed(frame.id, NOW + 101).unwrap();
    }
}

#[test]
fn an_edit_of_what_we_deleted_ourselves_is_replaced_not_lost() {
    let mut store = store_with_layer();
    let object = feature(1, 1);
    let value = point(&object, 1.0, 2.0, "first");
    store.commit_local("add", vec![draft_upsert(object.clone(), value)], NOW + 1).unwrap();
    send_all(&mut store);
    let rename = draft_update(object.clone(), Path::property("name"), Some("\"mine\""));
    store.commit_local("rename", vec![rename], NOW + 200).unwrap();
    store.commit_local("delete", vec![draft_delete(object.clone())], NOW + 300).unwrap();
    let theirs = update(&format!("{}:0:other", NOW + 250), object, Path::property("name"), Some("\"theirs\""));
    store.commit_foreign(vec![live(theirs)], NOW + 400).unwrap();
    send_all(&mut store);
    let counts = store.counts().unwrap();
    assert_eq!((counts.lost, counts.conflicts), (0, 0), "{counts:?}");
}

#[test]
fn a_layer_that_we_created_and_somebody_deleted_is_not_deleted_again_and_again() {
    let mut store = store_with_layer();
    send_all(&mut store);
    store.created(&layer(1), &NOW.to_string()).unwrap();
    store.commit_local("delete", vec![draft_delete(Object::Layer(layer(1)))], NOW + 200).unwrap();
    send_all(&mut store);
    assert_eq!(store.save_tasks(&[]).unwrap(), [SaveTask::Delete(layer(1))]);
    store.merge_map(&ServerMap { may_edit: true, ..ServerMap::default() }, NOW + 300).unwrap();
    assert_eq!(store.save_tasks(&[]).unwrap(), []);
    assert_eq!(store.counts().unwrap().unverified(), 0);
}

#[test]
fn rule_23_a_first_read_is_not_told_as_a_change() {
    let mut store = Store::in_memory(&new_map()).unwrap();
    let value = point(&feature(1, 1), 1.0, 2.0, "as it always was");
    let body = format!(r#"{{"type":"FeatureCollection","features":[{}]}}"#, value.as_str());
    let listed = ServerLayer {
        id: layer(1),
        rank: 1,
        parent: None,
        properties: serde_json::Map::new(),
        edit_status: 0,
        edit_mode: None,
        reference: Some(NOW.to_string()),
    };
    store.merge_map(&ServerMap { layers: vec![listed], ..ServerMap::default() }, NOW).unwrap();
    store.merge_layer(&layer(1), &NOW.to_string(), NOW, &body, NOW).unwrap();
    let theirs = update(&format!("{}:0:other", NOW + 5), feature(1, 1), Path::option("color"), Some("\"Lime\""));
    store.commit_foreign(vec![live(theirs)], NOW + 10).unwrap();
    let upto = store.last_row().unwrap();
    let told = store.retell_server_changes(&layer(1), 0, upto, 500, &PeerId::trusted("meeee"), NOW + 20).unwrap();
    assert_eq!(told, Some(vec![]));
}
