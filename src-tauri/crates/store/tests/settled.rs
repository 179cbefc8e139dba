//! What nobody has to decide, and what nobody has to delete twice.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use bivouac_journal::ids::{Object, PeerId};
use bivouac_journal::path::Path;
use bivouac_store::{SaveTask, ServerMap};
use common::*;

/// Sends everything; the server echoes it.
fn send_all(store: &mut bivouac_store::Store) {
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
