//! Lists that come again, whole, changed or in another order (M0).
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use bivouac_journal::path::Path;
use bivouac_store::{Incoming, Standing, Store};
use common::*;

const MANY: u64 = 400;

fn unsaved(operation: bivouac_journal::operation::Operation) -> Incoming {
    Incoming { operation, standing: Standing::Unsaved }
}

/// An upsert of each feature, then a name for each, every third of them history only.
fn list() -> Vec<Incoming> {
    let stamp = |number: u64| format!("{}:{}:c{}", NOW + number, number % 3, number % 5);
    let mut list: Vec<Incoming> = (0..MANY)
        .map(|number| {
            let object = feature(1, number);
            unsaved(upsert(&stamp(number), object.clone(), &point(&object, 1.0, 2.0, "a")))
        })
        .collect();
    list.extend((0..MANY).map(|number| {
        let name = format!("\"name {number}\"");
        let operation = update(&stamp(MANY + number), feature(1, number), Path::property("name"), Some(&name));
        let standing = if number % 3 == 0 { Standing::History } else { Standing::Unsaved };
        Incoming { operation, standing }
    }));
    list
}

fn with_list() -> Store {
    let mut store = store_with_layer();
    let report = store.commit_foreign(list(), NOW).unwrap();
    assert_eq!((report.repeated, report.applied + report.history), (0, 2 * MANY));
    store
}

#[test]
fn a_list_that_comes_again_is_known_row_by_row() {
    let mut store = with_list();
    let (last, hash) = (store.last_row().unwrap(), store.state_hash().unwrap());
    let report = store.commit_foreign(list(), NOW + 1).unwrap();
    assert_eq!((report.repeated, report.applied, report.history), (2 * MANY, 0, 0));
    let backwards: Vec<_> = list().into_iter().rev().collect();
    assert_eq!(store.commit_foreign(backwards, NOW + 2).unwrap().repeated, 2 * MANY);
    let thinned: Vec<_> = list().into_iter().step_by(7).collect();
    assert_eq!(store.commit_foreign(thinned.clone(), NOW + 3).unwrap().repeated, thinned.len() as u64);
    assert_eq!((store.last_row().unwrap(), store.state_hash().unwrap()), (last, hash));
    assert_sound(&store);
}

#[test]
fn what_is_new_in_a_list_that_comes_again_is_taken_in() {
    let mut store = with_list();
    let mut list = list();
    // Another value under the same identity is another operation, and so is another place.
    let changed = MANY as usize + 100;
    list[changed].operation.value = Some(bivouac_journal::json::Json::parse("\"zzz\"").unwrap());
    list[50].operation.index = 1;
    list[changed + 1].operation.object = feature(1, 3);
    let other = format!("{}:0:other", NOW + 10_000);
    list.insert(200, unsaved(update(&other, feature(1, 9), Path::property("name"), Some("\"nine\""))));
    let report = store.commit_foreign(list.clone(), NOW + 1).unwrap();
    assert_eq!((report.repeated, report.applied), (2 * MANY - 3, 4));
    assert_eq!(shown(&store, &feature(1, 9), &Path::property("name")).as_deref(), Some("\"nine\""));
    assert_eq!(store.commit_foreign(list, NOW + 2).unwrap().repeated, 2 * MANY + 1);
    assert_sound(&store);
}

#[test]
fn history_that_comes_again_unsaved_counts_in_the_middle_of_a_list() {
    let mut store = with_list();
    let name = Path::property("name");
    assert_eq!(shown(&store, &feature(1, 300), &name).as_deref(), Some("\"a\""));
    let all: Vec<_> = list().into_iter().map(|incoming| unsaved(incoming.operation)).collect();
    for round in 1..3 {
        let report = store.commit_foreign(all.clone(), NOW + round).unwrap();
        assert_eq!(report.repeated, 2 * MANY);
    }
    for number in 0..MANY {
        let wanted = format!("\"name {number}\"");
        assert_eq!(shown(&store, &feature(1, number), &name), Some(wanted));
    }
    assert_sound(&store);
}
