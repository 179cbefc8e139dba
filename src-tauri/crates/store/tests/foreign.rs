//! What others send: repeated, recorded, waiting, proposed, refused, in conflict.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use bivouac_journal::ids::Object;
use bivouac_journal::operation::Verb;
use bivouac_journal::path::Path;
use bivouac_store::{
    Choice, ConflictKind, ConflictState, Error, Incoming, LayerFacts, NewRow, Origin, SaveState, ServerLayer,
    ServerMap, Standing, Store,
};
use common::*;

fn name() -> Path {
    Path::property("name")
}

fn later(ms: u64) -> String {
    format!("{}:0:other", NOW + ms)
}

fn with_feature() -> (Store, Object) {
    let mut store = store_with_layer();
    let object = feature(1, 1);
    store.commit_local("add", vec![draft_upsert(object.clone(), point(&object, 1.0, 2.0, "a"))], NOW).unwrap();
    (store, object)
}

#[test]
fn rule_16_history_is_recorded_and_counts_once_it_comes_live() {
    let (mut store, object) = with_feature();
    let old = update(&later(10), object.clone(), name(), Some("\"x\""));
    let history = Incoming { operation: old.clone(), standing: Standing::History };
    let report = store.commit_foreign(vec![history.clone()], NOW + 20).unwrap();
    assert_eq!((report.history, report.applied), (1, 0));
    assert_eq!(shown(&store, &object, &name()).as_deref(), Some("\"a\""));
    assert_eq!(store.commit_foreign(vec![history], NOW + 30).unwrap().repeated, 1);
    store.commit_foreign(vec![live(old)], NOW + 40).unwrap();
    assert_eq!(shown(&store, &object, &name()).as_deref(), Some("\"x\""));
    assert_sound(&store);
}

#[test]
fn rule_26_operations_on_unknown_layers_wait_for_them() {
    let mut store = store_with_layer();
    let object = feature(2, 1);
    let early = vec![
        live(update(&later(1), Object::Layer(layer(2)), Path::of(&["rank"]), Some("7"))),
        live(upsert(&later(2), object.clone(), &point(&object, 1.0, 2.0, "a"))),
    ];
    let report = store.commit_foreign(early.clone(), NOW).unwrap();
    assert_eq!((report.parked, report.applied), (2, 0));
    assert_eq!(store.commit_foreign(early, NOW).unwrap().repeated, 2);
    assert!(!store.state(&object).unwrap().is_alive());
    assert_sound(&store);
    let upsert = upsert(&later(0), Object::Layer(layer(2)), &layer_value(2));
    let report = store.commit_foreign(vec![live(upsert)], NOW + 5).unwrap();
    assert_eq!((report.applied, report.replayed), (3, 2));
    assert!(store.state(&object).unwrap().is_alive());
    assert_eq!(store.layers().unwrap().last().unwrap().layer.rank, 7);
    assert_eq!(store.counts().unwrap().parked, 0);
    assert_sound(&store);
}

#[test]
fn rule_26_what_waits_too_long_is_forgotten() {
    let mut store = store_with_layer();
    let object = feature(2, 1);
    let early = live(upsert(&later(2), object.clone(), &point(&object, 1.0, 2.0, "a")));
    store.commit_foreign(vec![early.clone()], NOW).unwrap();
    let mut tx = store.begin().unwrap();
    assert_eq!(tx.expire_parked(NOW + 6 * 24 * 3600 * 1000).unwrap(), 0);
    assert_eq!(tx.expire_parked(NOW + 8 * 24 * 3600 * 1000).unwrap(), 1);
    tx.commit().unwrap();
    assert_eq!(store.commit_foreign(vec![early], NOW).unwrap().parked, 1, "it may come again");
}

#[test]
fn rule_33_strict_layers_turn_foreign_operations_into_proposals() {
    let (mut store, object) = with_feature();
    let mut tx = store.begin().unwrap();
    tx.set_layer_facts(&layer(1), &LayerFacts { edit_status: 3, listed: true, ..LayerFacts::default() }).unwrap();
    tx.commit().unwrap();
    let theirs = update(&later(10), object.clone(), name(), Some("\"x\""));
    let report = store.commit_foreign(vec![live(theirs)], NOW + 20).unwrap();
    assert_eq!((report.proposed, report.applied), (1, 0));
    assert_eq!(shown(&store, &object, &name()).as_deref(), Some("\"a\""));
    let proposal = store.proposals().unwrap().pop().unwrap();
    store.approve_proposal(proposal.row, "approve", NOW + 30).unwrap();
    assert_eq!(shown(&store, &object, &name()).as_deref(), Some("\"x\""));
    assert_eq!(store.history(&object).unwrap().last().unwrap().origin, Origin::Local);
    assert!(matches!(store.dismiss_proposal(proposal.row), Err(Error::UnknownProposal(_))));
}

#[test]
fn unsound_operations_are_counted_and_change_nothing() {
    let (mut store, object) = with_feature();
    let before = (store.state_hash().unwrap(), store.verify().unwrap().operations);
    let bad = update(&later(10), object.clone(), Path::geometry(), Some(r#"{"type":"Point","coordinates":[1,91]}"#));
    let report = store.commit_foreign(vec![live(bad), live(delete(&later(11), Object::Map))], NOW + 20).unwrap();
    assert_eq!(report.refused.len(), 2);
    assert_eq!((store.state_hash().unwrap(), store.verify().unwrap().operations), before);
    assert_eq!(store.peers().unwrap()[0].refused, 2);
}

#[test]
fn rule_3_a_clock_far_ahead_is_told_and_the_next_edit_follows_it_alone() {
    let (mut store, object) = with_feature();
    let day = 24 * 3600 * 1000;
    let ahead = update(&later(day), object.clone(), name(), Some("\"future\""));
    let report = store.commit_foreign(vec![live(ahead)], NOW).unwrap();
    assert_eq!(report.skewed, Some(day));
    let drafts = vec![
        draft_update(object.clone(), name(), Some("\"mine\"")),
        draft_update(object.clone(), Path::property("note"), Some("1")),
    ];
    store.commit_local("edit", drafts, NOW + 5).unwrap();
    assert_eq!(shown(&store, &object, &name()).as_deref(), Some("\"mine\""));
    let state = store.state(&object).unwrap();
    assert_eq!(state.winner(&name()).unwrap().order.wall, NOW + day + 1);
    assert!(state.winner(&Path::property("note")).unwrap().order.wall < NOW + 100);
}

#[test]
fn rule_1_contended_registers_are_told() {
    let (mut store, object) = with_feature();
    let first = update(&format!("{}:0:aaaaa", NOW + 10), object.clone(), Path::property("n"), Some("1"));
    assert!(store.commit_foreign(vec![live(first)], NOW + 10).unwrap().contended.is_empty());
    let second = update(&format!("{}:0:bbbbb", NOW + 9), object.clone(), Path::property("n"), Some("2"));
    let report = store.commit_foreign(vec![live(second)], NOW + 10).unwrap();
    assert_eq!(report.contended.into_iter().collect::<Vec<_>>(), [(object, Path::property("n"))]);
}

#[test]
fn our_own_operation_coming_back_is_a_repetition() {
    let (mut store, object) = with_feature();
    let mut tx = store.begin().unwrap();
    let local = tx.pending(Some(&object)).unwrap().remove(0);
    let mut wire = local.operation.clone();
    wire.stamp = bivouac_journal::clock::Stamp::Valid(tx.clock().unwrap().tick(NOW + 10));
    let frame = tx.insert_frame("{the frame}", NOW + 10).unwrap();
    let row = tx.append(&NewRow { frame: Some(frame), ..NewRow::of(&wire, Origin::Wire, NOW + 10) }).unwrap();
    tx.apply(&wire, row).unwrap();
    tx.set_sent_as(&[local.row], row).unwrap();
    tx.set_state(&[local.row], SaveState::Sent).unwrap();
    assert_eq!(tx.unechoed().unwrap().len(), 1);
    tx.commit().unwrap();
    wire.sender = Some(bivouac_journal::ids::PeerId::trusted("mypeer"));
    let report = store.commit_foreign(vec![live(wire)], NOW + 20).unwrap();
    assert_eq!((report.repeated, report.applied), (1, 0));
    let mut tx = store.begin().unwrap();
    assert!(tx.mark_echoed(frame, NOW + 20).unwrap());
    assert!(!tx.mark_echoed(frame, NOW + 21).unwrap());
    assert_eq!(tx.row(local.row).unwrap().unwrap().state, SaveState::Echoed);
    tx.commit().unwrap();
    assert_sound(&store);
}

#[test]
fn a_value_lost_to_another_is_a_conflict_and_an_equal_one_is_not() {
    let (mut store, object) = with_feature();
    let same = update(&later(10), object.clone(), name(), Some("\"a\""));
    assert!(store.commit_foreign(vec![live(same)], NOW + 10).unwrap().conflicts.is_empty());
    store.commit_local("edit", vec![draft_update(object.clone(), name(), Some("\"mine\""))], NOW + 20).unwrap();
    let theirs = update(&later(30), object.clone(), name(), Some("\"theirs\""));
    let report = store.commit_foreign(vec![live(theirs)], NOW + 30).unwrap();
    let [conflict] = report.conflicts.as_slice() else { panic!("{:?}", report.conflicts) };
    let found = store.conflicts().unwrap().remove(0);
    assert_eq!((found.id, found.kind, found.theirs_clock.as_str()), (*conflict, ConflictKind::Value, "other"));
    assert_eq!((found.mine.unwrap().as_str(), found.theirs.unwrap().as_str()), ("\"mine\"", "\"theirs\""));
    assert_eq!(store.counts().unwrap().lost, 1);
    store.resolve(*conflict, Choice::Mine, 1, NOW + 40).unwrap().unwrap();
    assert_eq!(shown(&store, &object, &name()).as_deref(), Some("\"mine\""));
    assert_eq!(store.conflicts().unwrap()[0].state, ConflictState::Mine);
    assert!(matches!(store.resolve(*conflict, Choice::Mine, 1, NOW), Err(Error::UnknownConflict(_))));
}

#[test]
fn m8_an_unsent_edit_made_later_than_theirs_is_no_conflict_yet() {
    let (mut store, object) = with_feature();
    store.commit_local("edit", vec![draft_update(object.clone(), name(), Some("\"mine\""))], NOW + 20).unwrap();
    let mut theirs = update(&later(30), object.clone(), name(), Some("\"theirs\""));
    theirs.marks.origin = bivouac_journal::clock::Hlc::parse(&later(10));
    assert!(store.commit_foreign(vec![live(theirs)], NOW + 30).unwrap().conflicts.is_empty());
    assert_eq!(store.counts().unwrap().lost, 0);
}

#[test]
fn a_delete_of_what_we_edited_can_be_taken_back_with_our_edit() {
    let (mut store, object) = with_feature();
    store.commit_local("edit", vec![draft_update(object.clone(), name(), Some("\"mine\""))], NOW + 20).unwrap();
    let report = store.commit_foreign(vec![live(delete(&later(30), object.clone()))], NOW + 30).unwrap();
    let found = store.conflicts().unwrap().remove(0);
    assert_eq!((report.conflicts.len(), found.kind), (1, ConflictKind::DeletedWhileEdited));
    let receipt = store.resolve(found.id, Choice::Mine, 5, NOW + 40).unwrap().unwrap();
    let row = store.log(None, 1).unwrap().remove(0);
    assert_eq!(row.row, receipt.rows[0]);
    assert_ne!(row.operation.object, object, "a fresh id (rule 42)");
    assert_eq!(shown(&store, &row.operation.object, &name()).as_deref(), Some("\"mine\""));
}

#[test]
fn m3_an_edit_of_what_was_moved_meanwhile_is_made_where_it_is_now() {
    let (mut store, object) = with_feature();
    let Object::Feature(_, number) = &object else { panic!("a feature") };
    store.commit_local("layer", vec![draft_upsert(Object::Layer(layer(2)), layer_value(2))], NOW + 15).unwrap();
    store.commit_local("edit", vec![draft_update(object.clone(), name(), Some("\"mine\""))], NOW + 20).unwrap();
    let moved = Object::Feature(layer(2), number.clone());
    let there = point(&moved, 3.0, 4.0, "theirs");
    let (gone, new) = (delete(&later(30), object.clone()), upsert(&later(31), moved.clone(), &there));
    store.commit_foreign(vec![live(gone), live(new)], NOW + 31).unwrap();
    let found = store.conflicts().unwrap().remove(0);
    assert_eq!(found.kind, ConflictKind::DeletedWhileEdited);
    store.resolve(found.id, Choice::Mine, 5, NOW + 40).unwrap().unwrap();
    assert_eq!(shown(&store, &moved, &name()).as_deref(), Some("\"mine\""));
    assert!(shown(&store, &moved, &Path::geometry()).unwrap().contains('3'), "the rest is as it was moved");
    let layer_of = |number| bivouac_store::Query { layer: Some(layer(number)), limit: 10, ..Default::default() };
    let count = |number| store.features(&layer_of(number)).unwrap().len();
    assert_eq!((count(1), count(2)), (0, 1), "nothing comes back where it was");
    assert_sound(&store);
}

#[test]
fn an_edit_of_what_we_deleted_is_offered() {
    let (mut store, object) = with_feature();
    store.commit_local("delete", vec![draft_delete(object.clone())], NOW + 20).unwrap();
    let theirs = update(&later(30), object.clone(), name(), Some("\"theirs\""));
    store.commit_foreign(vec![live(theirs)], NOW + 30).unwrap();
    let found = store.conflicts().unwrap().remove(0);
    assert_eq!(found.kind, ConflictKind::EditedWhileDeleted);
    assert!(store.resolve(found.id, Choice::Mine, 5, NOW + 40).unwrap().is_none(), "it stays deleted");
    assert!(!store.state(&object).unwrap().is_alive());
}

#[test]
fn our_features_of_a_layer_that_was_deleted_move_to_a_new_one() {
    let (mut store, object) = with_feature();
    let report = store.commit_foreign(vec![live(delete(&later(30), Object::Layer(layer(1))))], NOW + 30).unwrap();
    assert_eq!(report.conflicts.len(), 1);
    assert!(store.layers().unwrap().is_empty());
    let found = store.conflicts().unwrap().remove(0);
    assert_eq!(found.kind, ConflictKind::LayerDeleted);
    store.resolve(found.id, Choice::Mine, 5, NOW + 40).unwrap().unwrap();
    let layers = store.layers().unwrap();
    assert_eq!((layers.len(), layers[0].layer.name(), layers[0].features), (1, "L1", 1));
    assert_ne!(layers[0].id, layer(1));
    assert!(store.state(&object).unwrap().is_alive(), "the orphan stays (M4)");
    assert_sound(&store);
}

#[test]
fn edits_of_what_is_not_there_are_refused_whole() {
    let (mut store, object) = with_feature();
    let before = store.state_hash().unwrap();
    let drafts = vec![draft_update(object.clone(), name(), Some("1")), draft_update(feature(1, 9), name(), Some("1"))];
    assert!(matches!(store.commit_local("edit", drafts, NOW), Err(Error::UnknownFeature(..))));
    let other = feature(9, 1);
    let drafts = vec![draft_upsert(other.clone(), point(&other, 1.0, 1.0, "n"))];
    assert!(matches!(store.commit_local("edit", drafts, NOW), Err(Error::UnknownLayer(..))));
    let drafts = vec![draft_update(object.clone(), Path::geometry(), Some("{\"type\":\"Point\"}"))];
    assert!(matches!(store.commit_local("edit", drafts, NOW), Err(Error::Unsound(_))));
    let huge = format!(r#"{{"type":"LineString","coordinates":[{}[1,2]]}}"#, "[1.5,2.5],".repeat(1_600_000));
    let drafts = vec![draft_update(object, Path::geometry(), Some(&huge))];
    assert!(matches!(store.commit_local("edit", drafts, NOW), Err(Error::GeometryTooLarge { .. })));
    assert!(matches!(store.commit_local("edit", Vec::new(), NOW), Err(Error::Empty)));
    assert_eq!(store.state_hash().unwrap(), before);
    assert_sound(&store);
}

#[test]
fn a_setting_of_ours_that_vanishes_under_a_whole_replacement_is_a_conflict() {
    let (mut store, _) = with_feature();
    let layer = Object::Layer(layer(1));
    let path = Path::of(&["properties", "color"]);
    store.commit_local("edit", vec![draft_update(layer.clone(), path.clone(), Some("\"Lime\""))], NOW + 20).unwrap();
    let all = update(&later(30), layer.clone(), Path::of(&["properties"]), Some("{\"name\":\"L1\"}"));
    let report = store.commit_foreign(vec![live(all)], NOW + 30).unwrap();
    let found: Vec<_> = store.conflicts().unwrap().into_iter().map(|c| (c.object, c.path, c.theirs)).collect();
    assert_eq!((found, report.conflicts.len()), (vec![(layer, path, None)], 1), "the equal name is no conflict");
}

#[test]
fn history_of_an_unknown_layer_can_be_delivered_again() {
    let mut store = Store::in_memory(&new_map()).unwrap();
    let operation = update("5:0:a", feature(9, 1), Path::property("name"), Some("\"x\""));
    let history = || vec![Incoming { operation: operation.clone(), standing: Standing::History }];
    store.commit_foreign(history(), NOW).unwrap();
    let report = store.commit_foreign(history(), NOW).unwrap();
    assert_eq!((report.history, report.repeated), (0, 1));
    assert_eq!(store.history(&feature(9, 1)).unwrap().len(), 1);
}

#[test]
fn rule_33_a_proposal_is_settled_when_a_server_version_holds_its_value() {
    let strict = |reference: &str| ServerMap {
        layers: vec![ServerLayer {
            id: layer(1),
            rank: 1,
            parent: None,
            properties: serde_json::Map::new(),
            edit_status: 3,
            edit_mode: None,
            reference: Some(reference.to_owned()),
        }],
        may_edit: true,
        ..ServerMap::default()
    };
    let (kept, gone) = (feature(1, 1), feature(1, 2));
    let body = |names: &[(&Object, &str)]| {
        let features: Vec<_> = names.iter().map(|(o, name)| point(o, 1.0, 2.0, name).as_str().to_owned()).collect();
        format!(r#"{{"type":"FeatureCollection","features":[{}]}}"#, features.join(","))
    };
    let mut store = Store::in_memory(&new_map()).unwrap();
    store.merge_map(&strict("100"), NOW).unwrap();
    store.merge_layer(&layer(1), "100", 100, &body(&[(&kept, "a"), (&gone, "b")]), NOW).unwrap();
    let added = feature(1, 3);
    let proposed = vec![
        live(update(&later(10), kept.clone(), name(), Some("\"x\""))),
        live(delete(&later(11), gone.clone())),
        live(upsert(&later(12), added.clone(), &point(&added, 1.0, 2.0, "new"))),
        live(update(&later(13), kept.clone(), Path::property("note"), Some("1"))),
    ];
    assert_eq!(store.commit_foreign(proposed, NOW + 20).unwrap().proposed, 4);
    store.merge_map(&strict("200"), NOW + 30).unwrap();
    store.merge_layer(&layer(1), "200", 200, &body(&[(&kept, "another"), (&gone, "b")]), NOW + 30).unwrap();
    assert_eq!(store.counts().unwrap().proposals, 4, "another value settles nothing");
    store.merge_map(&strict("300"), NOW + 40).unwrap();
    store.merge_layer(&layer(1), "300", 300, &body(&[(&kept, "x"), (&added, "new")]), NOW + 40).unwrap();
    let open: Vec<_> = store.proposals().unwrap().into_iter().map(|row| row.operation.path).collect();
    assert_eq!(open, [Some(Path::property("note"))]);
    assert_eq!(shown(&store, &kept, &name()).as_deref(), Some("\"x\""));
    assert_sound(&store);
}

#[test]
fn m12_the_log_is_compacted_once_a_day_and_deletes_and_own_edits_stay() {
    let day = 24 * 3600 * 1000;
    let mut store = store_with_layer();
    let early = live(upsert(&later(2), feature(2, 1), &point(&feature(2, 1), 1.0, 2.0, "a")));
    let gone = vec![
        live(upsert(&later(1), feature(1, 7), &point(&feature(1, 7), 1.0, 2.0, "a"))),
        live(delete(&later(2), feature(1, 7))),
        live(upsert(&later(3), feature(1, 7), &point(&feature(1, 7), 1.0, 2.0, "b"))),
    ];
    store.commit_foreign(vec![early], NOW).unwrap();
    store.commit_foreign(gone, NOW).unwrap();
    assert!(store.tidy(NOW).unwrap().is_some());
    assert_eq!(store.counts().unwrap().parked, 1);
    assert_eq!(store.tidy(NOW + day - 1).unwrap(), None);
    let done = store.tidy(NOW + 8 * day).unwrap().unwrap();
    assert_eq!((done.expired, store.counts().unwrap().parked), (1, 0), "a week is over (rule 26)");
    let body =
        format!(r#"{{"type":"FeatureCollection","features":[{}]}}"#, point(&feature(1, 7), 1.0, 2.0, "b").as_str());
    let upto = store.last_row().unwrap();
    store.verified(&layer(1), &(NOW + 40).to_string(), &body, upto, NOW + 40).unwrap();
    let hash = store.state_hash().unwrap();
    let done = store.tidy(NOW + 40 * day).unwrap().unwrap();
    assert_eq!(done.removed, 1, "the first upsert; its delete is a tombstone");
    let left: Vec<_> = store.history(&feature(1, 7)).unwrap().into_iter().map(|row| row.operation.verb).collect();
    assert_eq!(left, [Verb::Delete, Verb::Upsert]);
    assert_eq!(store.history(&Object::Layer(layer(1))).unwrap().len(), 1, "an edit of ours stays");
    store.shrink().unwrap();
    assert_eq!(store.state_hash().unwrap(), hash);
    assert_sound(&store);
}
