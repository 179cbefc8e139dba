//! The laws of undo and redo (M7, rules 42 and 45).
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use bivouac_journal::ids::Object;
use bivouac_journal::path::Path;
use bivouac_store::{Error, Origin, SaveState, Store};
use common::*;
use proptest::prelude::*;

const BITS: u64 = 99;

fn name() -> Path {
    Path::property("name")
}

fn with_feature() -> (Store, Object) {
    let mut store = store_with_layer();
    let object = feature(1, 1);
    store.commit_local("add", vec![draft_upsert(object.clone(), point(&object, 1.0, 2.0, "a"))], NOW).unwrap();
    (store, object)
}

fn rename(store: &mut Store, object: &Object, to: &str, now: u64) {
    let value = format!("\"{to}\"");
    store.commit_local("rename", vec![draft_update(object.clone(), name(), Some(&value))], now).unwrap();
}

#[test]
fn undo_brings_a_value_back_and_redo_takes_it_away_again() {
    let (mut store, object) = with_feature();
    rename(&mut store, &object, "b", NOW + 1);
    let report = store.undo(BITS, NOW + 2).unwrap();
    assert_eq!(report.unit.label, "rename");
    assert_eq!(shown(&store, &object, &name()).as_deref(), Some("\"a\""));
    store.redo(BITS, NOW + 3).unwrap();
    assert_eq!(shown(&store, &object, &name()).as_deref(), Some("\"b\""));
    assert!(matches!(store.redo(BITS, NOW + 4), Err(Error::NothingToRedo)));
    assert_sound(&store);
}

#[test]
fn a_value_that_was_not_there_is_unset_again() {
    let (mut store, object) = with_feature();
    let path = Path::option("color");
    store.commit_local("color", vec![draft_update(object.clone(), path.clone(), Some("\"Lime\""))], NOW + 1).unwrap();
    store.undo(BITS, NOW + 2).unwrap();
    assert_eq!(shown(&store, &object, &path), None);
    let rows = store.history(&object).unwrap();
    assert_eq!(rows.last().unwrap().operation.value, None, "an absent value unsets (rule 7)");
}

#[test]
fn rule_45_undo_never_overwrites_a_newer_foreign_write() {
    let (mut store, object) = with_feature();
    let drafts = vec![
        draft_update(object.clone(), name(), Some("\"b\"")),
        draft_update(object.clone(), Path::property("note"), Some("\"mine\"")),
    ];
    store.commit_local("edit", drafts, NOW + 1).unwrap();
    let theirs = update(&format!("{}:0:other", NOW + 50), object.clone(), name(), Some("\"theirs\""));
    store.commit_foreign(vec![live(theirs)], NOW + 60).unwrap();
    let report = store.undo(BITS, NOW + 100).unwrap();
    assert_eq!(shown(&store, &object, &name()).as_deref(), Some("\"theirs\""));
    assert_eq!(shown(&store, &object, &Path::property("note")), None);
    let [left_out] = report.left_out.as_slice() else { panic!("{:?}", report.left_out) };
    assert_eq!((left_out.writer.as_str(), &left_out.path), ("other", &name()));
    assert_eq!(left_out.sender.as_ref().unwrap().as_str(), "peerA");
}

#[test]
fn what_others_worked_on_is_not_deleted_by_undoing_its_creation() {
    let (mut store, object) = with_feature();
    let theirs = update(&format!("{}:0:other", NOW + 50), object.clone(), Path::property("note"), Some("1"));
    store.commit_foreign(vec![live(theirs)], NOW + 60).unwrap();
    let report = store.undo(BITS, NOW + 100).unwrap();
    assert!(report.receipt.is_none() && report.left_out.len() == 1);
    assert!(store.state(&object).unwrap().is_alive());
}

#[test]
fn m7_what_lies_in_a_layer_that_somebody_deleted_is_left_out_and_does_not_stop_undo() {
    let (mut store, object) = with_feature();
    let rename = draft_update(object.clone(), name(), Some("\"mine\""));
    store.commit_local("rename", vec![rename], NOW + 1).unwrap();
    store.commit_local("delete", vec![draft_delete(object)], NOW + 2).unwrap();
    let gone = delete(&format!("{}:0:other", NOW + 50), Object::Layer(layer(1)));
    store.commit_foreign(vec![live(gone)], NOW + 60).unwrap();
    for at in 1..=2 {
        let report = store.undo(BITS, NOW + 100 + at).unwrap();
        assert!(report.receipt.is_none() && !report.left_out.is_empty(), "{report:?}");
    }
    assert_sound(&store);
}

#[test]
fn a_delete_that_nobody_knows_of_is_undone_under_the_same_id() {
    let (mut store, object) = with_feature();
    let before = store.state_hash().unwrap();
    store.commit_local("delete", vec![draft_delete(object.clone())], NOW + 1).unwrap();
    store.undo(BITS, NOW + 2).unwrap();
    assert_eq!(store.state_hash().unwrap(), before);
    store.redo(BITS, NOW + 3).unwrap();
    assert!(!store.state(&object).unwrap().is_alive());
    assert_sound(&store);
}

/// Sends every local row as the sync logic does: a wire row of a later order takes its place.
fn send(store: &mut Store, object: &Object) {
    let mut tx = store.begin().unwrap();
    for local in tx.pending(Some(object)).unwrap() {
        let mut operation = local.operation.clone();
        operation.stamp = bivouac_journal::clock::Stamp::Valid(tx.clock().unwrap().tick(NOW + 1000));
        let wire = tx.append(&bivouac_store::NewRow::of(&operation, Origin::Wire, NOW + 1000)).unwrap();
        tx.apply(&operation, wire).unwrap();
        tx.set_sent_as(&[local.row], wire).unwrap();
        tx.set_state(&[local.row], SaveState::Sent).unwrap();
    }
    tx.commit().unwrap();
}

#[test]
fn rule_42_a_delete_that_was_sent_is_undone_under_a_fresh_id_and_older_edits_follow() {
    let (mut store, object) = with_feature();
    rename(&mut store, &object, "b", NOW + 1);
    store.commit_local("delete", vec![draft_delete(object.clone())], NOW + 2).unwrap();
    send(&mut store, &object);
    let report = store.undo(BITS, NOW + 2000).unwrap();
    let row = report.receipt.unwrap().rows[0];
    let log = store.log(None, 100).unwrap();
    let fresh = log.iter().find(|r| r.row == row).unwrap().operation.object.clone();
    assert_ne!(fresh, object);
    assert!(!store.state(&object).unwrap().is_alive());
    assert_eq!(shown(&store, &fresh, &name()).as_deref(), Some("\"b\""));
    store.undo(BITS, NOW + 3000).unwrap();
    assert_eq!(shown(&store, &fresh, &name()).as_deref(), Some("\"a\""), "the rename is undone on the new id");
    assert_sound(&store);
}

#[test]
fn undo_survives_closing_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.bivouac");
    let mut store = Store::create(&path, &new_map()).unwrap();
    store.commit_local("layer", vec![draft_upsert(Object::Layer(layer(1)), layer_value(1))], NOW).unwrap();
    let object = feature(1, 1);
    store.commit_local("add", vec![draft_upsert(object.clone(), point(&object, 1.0, 2.0, "a"))], NOW).unwrap();
    drop(store);
    let mut store = Store::open(&path).unwrap();
    assert_eq!(store.undo_state().unwrap().0.unwrap().label, "add");
    store.undo(BITS, NOW + 1).unwrap();
    drop(store);
    let mut store = Store::open(&path).unwrap();
    assert!(!store.state(&object).unwrap().is_alive());
    store.redo(BITS, NOW + 2).unwrap();
    assert!(store.state(&object).unwrap().is_alive());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn undoing_everything_alone_gives_the_beginning_and_redoing_everything_the_end(
        edits in prop::collection::vec((0..4_u64, 0..5_u8, 0..9_i32), 1..25)
    ) {
        let mut store = store_with_layer();
        let mut hashes = vec![store.state_hash().unwrap()];
        let mut now = NOW;
        for (number, kind, value) in edits {
            now += 1;
            let object = feature(1, number);
            let text = value.to_string();
            let draft = match (kind, store.state(&object).unwrap().is_alive()) {
                (0, true) => draft_delete(object),
                (1, true) => draft_update(object, name(), None),
                (_, true) => draft_update(object, name(), Some(&text)),
                (_, false) => draft_upsert(object.clone(), point(&object, f64::from(value), 2.0, "n")),
            };
            store.commit_local("edit", vec![draft], now).unwrap();
            hashes.push(store.state_hash().unwrap());
        }
        for hash in hashes.iter().rev().skip(1) {
            now += 1;
            store.undo(BITS, now).unwrap();
            prop_assert_eq!(&store.state_hash().unwrap(), hash);
        }
        for hash in hashes.iter().skip(1) {
            now += 1;
            store.redo(BITS, now).unwrap();
            prop_assert_eq!(&store.state_hash().unwrap(), hash);
        }
        assert_sound(&store);
    }
}
