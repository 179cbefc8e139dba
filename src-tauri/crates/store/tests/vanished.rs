//! Rule 23: what a stale page wrote over is saved again; what somebody deleted is not.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use bivouac_journal::catchup::live;
use bivouac_journal::ids::{FeatureId, LayerId, Object, PeerId};
use bivouac_journal::json::Json;
use bivouac_journal::operation::{Draft, Verb};
use bivouac_journal::wire::{Frame, parse};
use bivouac_store::{NewMap, SaveTask, ServerLayer, ServerMap, Store};
use serde_json::json;

const LAYER: &str = "28dbd2a5-bbd6-4ad3-a94d-e8e38ee5fece";

fn layer() -> LayerId {
    LayerId::parse(LAYER).unwrap()
}

fn document(ids: &[&str]) -> String {
    let features: Vec<_> = ids
        .iter()
        .map(|id| json!({"type":"Feature","geometry":{"type":"Point","coordinates":[1,2]},"properties":{},"id":id}))
        .collect();
    json!({"type":"FeatureCollection","features":features}).to_string()
}

fn listing(reference: &str) -> ServerMap {
    let layer = ServerLayer {
        id: layer(),
        rank: 0,
        parent: None,
        properties: json!({"name":"One"}).as_object().unwrap().clone(),
        edit_status: 0,
        edit_mode: None,
        reference: Some(reference.to_owned()),
    };
    ServerMap { layers: vec![layer], may_edit: true, ..ServerMap::default() }
}

/// A store whose added feature `added` was saved and verified in version 200.
fn saved_once() -> Store {
    let new = NewMap {
        uuid: "u".to_owned(),
        name: "m".to_owned(),
        server: None,
        server_map_id: None,
        slug: None,
        account: None,
        clock_id: "clock".to_owned(),
        created_at: 1,
    };
    let mut store = Store::in_memory(&new).unwrap();
    store.merge_map(&listing("100"), 1_000).unwrap();
    store.merge_layer(&layer(), "100", 100, &document(&["aaaa1"]), 1_000).unwrap();
    let value = json!({"type":"Feature","geometry":{"type":"Point","coordinates":[1,2]},"properties":{},"id":"added"});
    let object = Object::Feature(layer(), FeatureId::parse("added").unwrap());
    let draft = Draft { verb: Verb::Upsert, object, path: None, value: Some(Json::from_value(&value)) };
    store.commit_local("add", vec![draft], 2_000).unwrap();
    let me = PeerId::parse("myself").unwrap();
    let frames = store.prepare_frames(&me, 2_100, &mut || 1).unwrap();
    store.echoed(frames[0].id, 2_200).unwrap();
    let upto = store.last_row().unwrap();
    store.verified(&layer(), "200", &document(&["aaaa1", "added"]), upto, 2_300).unwrap();
    assert!(store.save_tasks(&[]).unwrap().is_empty());
    store
}

#[test]
fn rule_23_an_addition_that_vanished_without_a_delete_is_saved_again() {
    let mut store = saved_once();
    let stale = document(&["aaaa1"]);
    assert_eq!(store.reassert_vanished(&layer(), &stale).unwrap(), 1);
    store.merge_layer(&layer(), "300", 300_000, &stale, 3_000).unwrap();
    assert!(store.find_feature(&FeatureId::parse("added").unwrap()).unwrap().len() == 1);
    assert_eq!(store.save_tasks(&[]).unwrap(), [SaveTask::Save(layer())]);
    assert!(store.differs(&layer(), &stale).unwrap());
}

#[test]
fn a_save_from_outside_the_room_that_lacks_it_has_deleted_it() {
    let mut store = saved_once();
    store.merge_layer(&layer(), "300", 300_000, &document(&["aaaa1"]), 3_000).unwrap();
    assert!(store.save_tasks(&[]).unwrap().is_empty());
    let object = Object::Feature(layer(), FeatureId::parse("added").unwrap());
    assert!(!store.state(&object).unwrap().is_alive());
}

#[test]
fn rule_27_what_a_peer_left_unsaved_is_saved_by_whoever_is_still_there() {
    let mut store = saved_once();
    let text = format!(
        r#"{{"sender":"gonee","verb":"update","subject":"feature","metadata":{{"id":"aaaa1","layerId":"{LAYER}","featureType":"marker"}},"key":"properties.name","value":"theirs","dirty":true,"hlc":"400000:0:other","kind":"OperationMessage"}}"#
    );
    let Frame::Operation(envelope) = parse(&text).unwrap() else { panic!("{text}") };
    let peer = PeerId::parse("gonee").unwrap();
    store.commit_received(Some(&peer), live(envelope), 4_000).unwrap();
    assert_eq!(store.unsaved_of(&peer).unwrap(), 1);
    assert!(store.save_tasks(std::slice::from_ref(&peer)).unwrap().is_empty(), "it may save its own");
    assert_eq!(store.save_tasks(&[]).unwrap(), [SaveTask::Save(layer())]);
}
