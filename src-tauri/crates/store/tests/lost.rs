//! Rule 16: what a peer's log calls saved and no version of the server ever held is offered.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use bivouac_journal::ids::Object;
use bivouac_journal::operation::Operation;
use bivouac_journal::path::Path;
use bivouac_store::{Choice, ConflictKind, ConflictState, Incoming, ServerLayer, ServerMap, Standing, Store, Suspect};
use common::*;

fn name() -> Path {
    Path::property("name")
}

fn at(ms: u64) -> String {
    format!("{}:0:other", NOW + ms)
}

fn body(features: &[(&Object, &str)]) -> String {
    let features: Vec<String> =
        features.iter().map(|(object, name)| point(object, 1.0, 2.0, name).as_str().to_owned()).collect();
    format!(r#"{{"type":"FeatureCollection","features":[{}]}}"#, features.join(","))
}

/// A map read from the server, with the feature (1, 1) called "server".
fn reader() -> Store {
    let mut store = Store::in_memory(&new_map()).unwrap();
    let listed = ServerLayer {
        id: layer(1),
        rank: 1,
        parent: None,
        properties: serde_json::Map::new(),
        edit_status: 0,
        edit_mode: None,
        reference: Some(NOW.to_string()),
    };
    store.merge_map(&ServerMap { layers: vec![listed], may_edit: true, ..ServerMap::default() }, NOW).unwrap();
    let body = body(&[(&feature(1, 1), "server")]);
    store.merge_layer(&layer(1), &NOW.to_string(), NOW, &body, NOW).unwrap();
    store
}

fn history(store: &mut Store, operations: Vec<Operation>) {
    let incoming = operations.into_iter().map(|operation| Incoming { operation, standing: Standing::History });
    store.commit_foreign(incoming.collect(), NOW + 500).unwrap();
}

fn suspected(store: &mut Store) -> Vec<Suspect> {
    store.suspects().unwrap().values
}

#[test]
fn rule_16_a_value_that_only_a_log_holds_is_offered_and_can_be_taken() {
    let mut store = reader();
    history(&mut store, vec![update(&at(10), feature(1, 1), name(), Some("\"lost\""))]);
    assert_eq!(shown(&store, &feature(1, 1), &name()).as_deref(), Some("\"server\""), "it is not applied");
    let suspects = store.suspects().unwrap();
    assert_eq!(suspects.values.len(), 1);
    assert_eq!(store.offer(&suspects, &suspects.values, NOW + 600).unwrap(), 1);
    let found = store.conflicts().unwrap().remove(0);
    assert_eq!((found.kind, found.state), (ConflictKind::LostChange, ConflictState::Open));
    assert_eq!((found.mine.unwrap().as_str(), found.theirs.unwrap().as_str()), ("\"server\"", "\"lost\""));
    assert_eq!(suspected(&mut store), [], "it is asked about once");
    store.resolve(found.id, Choice::Theirs, 1, NOW + 700).unwrap().unwrap();
    assert_eq!(shown(&store, &feature(1, 1), &name()).as_deref(), Some("\"lost\""));
    assert_eq!(store.counts().unwrap().local, 1, "taking it is an edit of ours");
    assert_sound(&store);
}

#[test]
fn rule_16_a_lost_change_that_is_dismissed_changes_nothing_and_stays_away() {
    let mut store = reader();
    let lost = update(&at(10), feature(1, 1), name(), Some("\"lost\""));
    history(&mut store, vec![lost.clone()]);
    let suspects = store.suspects().unwrap();
    store.offer(&suspects, &suspects.values, NOW + 600).unwrap();
    let id = store.conflicts().unwrap()[0].id;
    assert_eq!(store.resolve(id, Choice::Mine, 1, NOW + 700).unwrap(), None);
    history(&mut store, vec![lost]);
    assert_eq!(suspected(&mut store), []);
    assert_eq!(shown(&store, &feature(1, 1), &name()).as_deref(), Some("\"server\""));
}

#[test]
fn rule_16_what_the_server_holds_or_what_was_replaced_is_not_lost() {
    let cases: [(&str, Vec<Operation>); 4] = [
        ("the server holds it", vec![update(&at(10), feature(1, 1), name(), Some("\"server\""))]),
        (
            "replaced in the same log by what the server holds",
            vec![
                update(&at(10), feature(1, 1), name(), Some("\"older\"")),
                update(&at(20), feature(1, 1), name(), Some("\"server\"")),
            ],
        ),
        (
            "added and deleted again",
            vec![upsert(&at(10), feature(1, 5), &point(&feature(1, 5), 1.0, 2.0, "x")), delete(&at(20), feature(1, 5))],
        ),
        ("of an invalid clock", vec![update("junk", feature(1, 1), name(), Some("\"lost\""))]),
    ];
    for (why, operations) in cases {
        let mut store = reader();
        history(&mut store, operations);
        assert_eq!(suspected(&mut store), [], "{why}");
    }
}

#[test]
fn rule_16_what_a_kept_version_held_was_saved_once() {
    let mut store = reader();
    let (first, added) = (feature(1, 1), feature(1, 5));
    history(
        &mut store,
        vec![
            update(&at(10), first.clone(), name(), Some("\"lost\"")),
            upsert(&at(11), added.clone(), &point(&added, 1.0, 2.0, "new")),
        ],
    );
    let suspects = suspected(&mut store);
    let held: Vec<bool> = suspects.iter().map(|s| s.is_in(&body(&[(&first, "lost"), (&added, "renamed")]))).collect();
    assert_eq!(held, [true, true]);
    let held: Vec<bool> = suspects.iter().map(|s| s.is_in(&body(&[(&first, "another")]))).collect();
    assert_eq!(held, [false, false]);
}

#[test]
fn rule_16_an_addition_that_nobody_saved_comes_back_with_its_later_changes() {
    let mut store = reader();
    let added = feature(1, 5);
    history(
        &mut store,
        vec![
            upsert(&at(10), added.clone(), &point(&added, 1.0, 2.0, "new")),
            update(&at(20), added.clone(), name(), Some("\"renamed\"")),
        ],
    );
    let suspects = store.suspects().unwrap();
    let paths: Vec<Path> = suspects.values.iter().map(|s| s.path.clone()).collect();
    assert_eq!(paths, [Path::existence()], "one offer for the whole feature");
    store.offer(&suspects, &suspects.values, NOW + 600).unwrap();
    let id = store.conflicts().unwrap()[0].id;
    store.resolve(id, Choice::Theirs, 1, NOW + 700).unwrap().unwrap();
    assert_eq!(shown(&store, &added, &name()).as_deref(), Some("\"renamed\""));
    assert_sound(&store);
}

#[test]
fn rule_16_an_offer_ends_when_somebody_writes_there_later() {
    for (value, expected) in [("\"lost\"", "\"lost\""), ("\"third\"", "\"third\"")] {
        let mut store = reader();
        history(&mut store, vec![update(&at(10), feature(1, 1), name(), Some("\"lost\""))]);
        let suspects = store.suspects().unwrap();
        store.offer(&suspects, &suspects.values, NOW + 600).unwrap();
        let later = update(&at(700), feature(1, 1), name(), Some(value));
        store.commit_foreign(vec![live(later)], NOW + 700).unwrap();
        assert_eq!(shown(&store, &feature(1, 1), &name()).as_deref(), Some(expected));
        assert_eq!(store.counts().unwrap().conflicts, 0);
    }
}

#[test]
fn rule_16_an_offer_gives_way_to_a_conflict_on_the_same_register() {
    let mut store = reader();
    history(&mut store, vec![update(&at(10), feature(1, 1), name(), Some("\"lost\""))]);
    let suspects = store.suspects().unwrap();
    store.offer(&suspects, &suspects.values, NOW + 600).unwrap();
    let drafts = vec![draft_update(feature(1, 1), name(), Some("\"mine\""))];
    store.commit_local("rename", drafts, NOW + 650).unwrap();
    assert_eq!(store.counts().unwrap().conflicts, 0, "an edit of ours settles it");
    let theirs = update(&at(700), feature(1, 1), name(), Some("\"theirs\""));
    store.commit_foreign(vec![live(theirs)], NOW + 700).unwrap();
    let open: Vec<_> = store.conflicts().unwrap().into_iter().filter(|c| c.state == ConflictState::Open).collect();
    assert_eq!(open.len(), 1);
    assert_eq!((open[0].kind, open[0].mine.as_ref().unwrap().as_str()), (ConflictKind::Value, "\"mine\""));
}
