//! Rule 24: one feature under two ids, and ids that nobody else knows yet.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use bivouac_journal::catchup::{self, Log};
use bivouac_journal::clock::Hlc;
use bivouac_journal::ids::{FeatureId, Object, PeerId};
use bivouac_journal::operation::Operation;
use bivouac_journal::path::Path;
use bivouac_store::{SaveTask, ServerLayer, ServerMap, Store};
use common::*;
use serde_json::{Value, json};

fn named(id: &str) -> Object {
    Object::Feature(layer(1), FeatureId::parse(id).unwrap())
}

fn text(id: &str, name: &str, lon: f64) -> Value {
    let mut value =
        json!({"type":"Feature","geometry":{"type":"Point","coordinates":[lon,2]},"properties":{"name":name}});
    if !id.is_empty() {
        value["id"] = json!(id);
    }
    value
}

fn body(features: &[Value]) -> String {
    json!({"type":"FeatureCollection","features":features}).to_string()
}

fn listing(reference: u64) -> ServerMap {
    let listed = ServerLayer {
        id: layer(1),
        rank: 1,
        parent: None,
        properties: serde_json::Map::new(),
        edit_status: 0,
        edit_mode: None,
        reference: Some(reference.to_string()),
    };
    ServerMap { layers: vec![listed], may_edit: true, ..ServerMap::default() }
}

fn read(store: &mut Store, at: u64, features: &[Value]) {
    store.merge_map(&listing(at), at).unwrap();
    store.merge_layer(&layer(1), &at.to_string(), at, &body(features), at).unwrap();
}

fn reader(features: &[Value]) -> Store {
    let mut store = Store::in_memory(&new_map()).unwrap();
    read(&mut store, NOW, features);
    store
}

fn receive(store: &mut Store, operations: Vec<Operation>, announced: Option<&str>) {
    let operations = operations
        .into_iter()
        .map(|operation| {
            let writes = operation.writes().unwrap();
            catchup::Incoming { operation, standing: catchup::Standing::Live, writes }
        })
        .collect();
    let announced = announced.map(|at| (layer(1), Hlc::parse(at).unwrap())).into_iter().collect();
    let log = Log { operations, announced, ..Log::default() };
    store.commit_received(Some(&PeerId::trusted("peerA")), log, NOW + 500).unwrap();
}

fn at(ms: u64) -> String {
    format!("{}:0:other", NOW + ms)
}

fn told(id: &str, name: &str, ms: u64) -> Operation {
    upsert(&at(ms), named(id), &bivouac_journal::json::Json::from_value(&text(id, name, 1.0)))
}

fn name() -> Path {
    Path::property("name")
}

#[test]
fn rule_24_what_a_browser_reads_out_of_a_merged_answer_is_not_there_twice() {
    let mut store = reader(&[text("aaaa1", "a", 1.0), text("aaaa2", "a", 1.0), text("aaaa3", "b", 1.0)]);
    let hash = store.state_hash().unwrap();
    receive(
        &mut store,
        vec![told("aaaa1", "a", 98), told("aaaa2", "a", 99), told("new01", "a", 100), told("new02", "a", 101)],
        Some(&at(150)),
    );
    assert_eq!(store.state_hash().unwrap(), hash);
    // Each of the two is one of the two that are equal to them.
    let now: Vec<Object> = ["new01", "new02"].iter().map(|id| store.called_now(&named(id)).unwrap()).collect();
    assert_eq!(now, [named("aaaa1"), named("aaaa2")]);
    assert_sound(&store);
}

#[test]
fn rule_24_what_others_write_to_the_other_id_counts_for_the_feature() {
    let mut store = reader(&[text("aaaa1", "a", 1.0)]);
    let rename = |id: &str, ms| update(&at(ms), named(id), name(), Some("\"renamed\""));
    // Before it was recognised, and after.
    receive(&mut store, vec![told("aaaa1", "a", 99), told("new01", "a", 100), rename("new01", 110)], Some(&at(150)));
    assert_eq!(shown(&store, &named("aaaa1"), &name()).as_deref(), Some("\"renamed\""));
    let later = update(&at(300), named("new01"), Path::property("note"), Some("7"));
    receive(&mut store, vec![later.clone()], None);
    assert_eq!(shown(&store, &named("aaaa1"), &Path::property("note")).as_deref(), Some("7"));
    assert!(shown(&store, &named("new01"), &name()).is_none());
    let hash = store.state_hash().unwrap();
    receive(&mut store, vec![later], None);
    assert_eq!(store.state_hash().unwrap(), hash);
    assert_sound(&store);
}

#[test]
fn rule_24_only_what_was_told_just_before_an_announcement_is_recognised() {
    let others = format!("{}:0:third", NOW + 150);
    let cases: [(&str, Vec<Operation>, Option<String>); 6] = [
        ("the feature itself was not told: somebody added another one", vec![told("new01", "a", 100)], Some(at(150))),
        ("nothing was announced", vec![told("aaaa1", "a", 99), told("new01", "a", 100)], None),
        ("too long before", vec![told("aaaa1", "a", 99), told("new01", "a", 100)], Some(at(2_101))),
        ("by somebody else", vec![told("aaaa1", "a", 99), told("new01", "a", 100)], Some(others)),
        ("after it", vec![told("aaaa1", "a", 99), told("new01", "a", 151)], Some(at(150))),
        ("another content", vec![told("aaaa1", "a", 99), told("new01", "z", 100)], Some(at(150))),
    ];
    for (why, operations, announced) in cases {
        let mut store = reader(&[text("aaaa1", "a", 1.0)]);
        receive(&mut store, operations, announced.as_deref());
        assert!(store.state(&named("new01")).unwrap().is_alive(), "{why}");
    }
}

#[test]
fn rule_24_the_same_log_in_another_order_gives_the_same() {
    let operations = [
        told("aaaa1", "a", 99),
        told("new01", "a", 100),
        update(&at(110), named("new01"), name(), Some("\"x\"")),
        update(&at(120), named("aaaa1"), name(), Some("\"y\"")),
    ];
    let mut hashes = Vec::new();
    for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2]] {
        let mut store = reader(&[text("aaaa1", "a", 1.0)]);
        for place in order {
            // What is written to either id before the announcement came does not change whose twin it is.
            if place == 0 {
                receive(&mut store, vec![operations[0].clone()], Some(&at(150)));
            }
        }
        for place in order {
            receive(&mut store, vec![operations[place].clone()], None);
        }
        hashes.push(store.state_hash().unwrap());
    }
    assert!(hashes.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn rule_24_a_base_feature_that_is_gone_and_a_new_id_of_its_content_are_one_and_our_edits_follow() {
    let mut store = reader(&[text("aaaa1", "a", 1.0), text("aaaa2", "b", 2.0)]);
    let drafts = vec![draft_update(named("aaaa1"), Path::property("note"), Some("\"mine\""))];
    store.commit_local("note", drafts, NOW + 10).unwrap();
    read(&mut store, NOW + 1_000, &[text("fresh", "a", 1.0), text("aaaa2", "b", 2.0)]);
    assert!(!store.state(&named("aaaa1")).unwrap().is_alive());
    assert_eq!(shown(&store, &named("fresh"), &Path::property("note")).as_deref(), Some("\"mine\""));
    assert!(store.conflicts().unwrap().is_empty(), "nobody deleted anything");
    assert_eq!(store.called_now(&named("aaaa1")).unwrap(), named("fresh"));
    // It is sent and saved there, and can be undone there.
    let frames = store.prepare_frames(&PeerId::trusted("meeee"), NOW + 1_100, &mut || 7).unwrap();
    assert_eq!(frames.len(), 1);
    assert!(frames[0].text.contains("fresh") && !frames[0].text.contains("aaaa1"), "{}", frames[0].text);
    let report = store.undo(1, NOW + 1_200).unwrap();
    assert_eq!(report.left_out, []);
    assert_eq!(shown(&store, &named("fresh"), &Path::property("note")), None);
    assert_sound(&store);
}

#[test]
fn rule_24_a_late_operation_on_the_old_id_and_a_proposal_follow_too() {
    let mut store = reader(&[text("aaaa1", "a", 1.0)]);
    let early = update(&at(10), named("aaaa1"), Path::property("early"), Some("1"));
    receive(&mut store, vec![early], None);
    read(&mut store, NOW + 1_000, &[text("fresh", "a", 1.0)]);
    let late = update(&at(20), named("aaaa1"), Path::property("late"), Some("2"));
    receive(&mut store, vec![late], None);
    for property in ["early", "late"] {
        assert!(shown(&store, &named("fresh"), &Path::property(property)).is_some(), "{property}");
    }
    assert_sound(&store);
}

#[test]
fn a_feature_that_is_gone_beside_a_new_one_of_other_content_was_deleted() {
    let mut store = reader(&[text("aaaa1", "a", 1.0)]);
    let drafts = vec![draft_update(named("aaaa1"), Path::property("note"), Some("\"mine\""))];
    store.commit_local("note", drafts, NOW + 10).unwrap();
    read(&mut store, NOW + 1_000, &[text("fresh", "z", 1.0)]);
    assert_eq!(store.conflicts().unwrap().len(), 1);
    assert_eq!(shown(&store, &named("fresh"), &Path::property("note")), None);
}

#[test]
fn rule_24_an_id_that_was_joined_becomes_the_feature_when_the_server_holds_it_alone() {
    let mut store = reader(&[text("aaaa1", "a", 1.0)]);
    let saved = Operation { dirty: Some(false), ..told("aaaa1", "a", 99) };
    receive(&mut store, vec![saved, told("new01", "a", 100)], Some(&at(150)));
    assert!(!store.state(&named("new01")).unwrap().is_alive());
    read(&mut store, NOW + 1_000, &[text("new01", "a", 1.0)]);
    assert!(store.state(&named("new01")).unwrap().is_alive());
    assert!(!store.state(&named("aaaa1")).unwrap().is_alive());
    assert_eq!(store.called_now(&named("aaaa1")).unwrap(), named("new01"));
    assert_sound(&store);
}

#[test]
fn rule_24_nothing_is_sent_about_a_derived_id_before_its_layer_was_saved() {
    let mut store = reader(&[text("", "without an id", 1.0), text("aaaa2", "b", 2.0)]);
    let features = store.features(&bivouac_store::Query { limit: 9, ..bivouac_store::Query::default() }).unwrap();
    let derived = features.iter().find(|f| f.id.as_str() != "aaaa2").unwrap().id.clone();
    let object = Object::Feature(layer(1), derived.clone());
    let me = PeerId::trusted("meeee");
    let drafts = vec![draft_update(object.clone(), name(), Some("\"mine\""))];
    store.commit_local("rename", drafts, NOW + 10).unwrap();
    assert_eq!(store.prepare_frames(&me, NOW + 20, &mut || 7).unwrap(), []);
    assert_eq!(store.held_back().unwrap(), 1);
    assert_eq!(store.save_tasks(&[]).unwrap(), [SaveTask::Save(layer(1))], "that save is asked for");
    let saved = [text(derived.as_str(), "mine", 1.0), text("aaaa2", "b", 2.0)];
    read(&mut store, NOW + 1_000, &saved);
    assert_eq!(store.held_back().unwrap(), 0);
    assert_eq!(store.prepare_frames(&me, NOW + 1_100, &mut || 7).unwrap().len(), 1);
    assert_sound(&store);
}

#[test]
fn rule_24_two_features_of_one_id_are_both_there_after_every_reading_and_are_saved_apart() {
    let doubled = [text("aaaaa", "one", 1.0), text("aaaaa", "two", 2.0)];
    let mut store = reader(&doubled);
    let rename = draft_update(named("aaaaa"), name(), Some("\"renamed\""));
    store.commit_local("rename", vec![rename], NOW + 1).unwrap();
    read(&mut store, NOW + 100, &doubled);
    let assembled = store.assemble(&layer(1)).unwrap();
    let saved: Value = serde_json::from_str(&assembled.geojson).unwrap();
    let mut names: Vec<&str> =
        saved["features"].as_array().unwrap().iter().map(|f| f["properties"]["name"].as_str().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["renamed", "two"]);
    assert_sound(&store);
}
