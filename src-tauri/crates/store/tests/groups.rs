//! Layers in groups: what is saved of them, and in which order (M5, rule 50).
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use bivouac_journal::ids::{LayerId, Object};
use bivouac_journal::path::Path;
use bivouac_store::{SaveTask, ServerLayer, ServerMap, Store};
use common::*;

fn listed(number: u32, group: Option<u32>) -> ServerLayer {
    let properties = serde_json::json!({"name": format!("L{number}")});
    ServerLayer {
        id: layer(number),
        rank: i64::from(number),
        parent: group.map(layer),
        properties: properties.as_object().unwrap().clone(),
        edit_status: 0,
        edit_mode: None,
        reference: Some("1".to_owned()),
    }
}

/// A map whose layers lie in these groups on the server.
fn store_with(layers: &[(u32, Option<u32>)]) -> Store {
    let mut store = Store::in_memory(&new_map()).unwrap();
    list(&mut store, layers);
    store
}

fn list(store: &mut Store, layers: &[(u32, Option<u32>)]) {
    let layers = layers.iter().map(|(number, group)| listed(*number, *group)).collect();
    store.merge_map(&ServerMap { layers, may_edit: true, ..ServerMap::default() }, NOW).unwrap();
}

fn put(store: &mut Store, number: u32, group: Option<u32>, at: u64) {
    let group = group.map(|group| format!("\"{}\"", layer(group)));
    let path = Path::of(&["parentId"]);
    let draft = draft_update(Object::Layer(layer(number)), path, group.as_deref());
    store.commit_local("move", vec![draft], at).unwrap();
}

fn make(store: &mut Store, number: u32) {
    store.commit_local("layer", vec![draft_upsert(Object::Layer(layer(number)), layer_value(number))], NOW).unwrap();
}

fn group_of(store: &mut Store, number: u32) -> Option<LayerId> {
    store.assemble(&layer(number)).unwrap().parent
}

#[test]
fn rule_50_a_circle_of_groups_is_saved_as_it_is_shown_and_never_stands_on_the_server() {
    // Somebody put 1 into 2, which the server has; we put 2 into 1 later.
    let mut store = store_with(&[(1, Some(2)), (2, None)]);
    put(&mut store, 2, Some(1), NOW + 1);
    send_all(&mut store);
    // 1 leaves 2 before 2 goes into it, though nobody here touched 1.
    assert_eq!(store.save_tasks(&[]).unwrap(), [SaveTask::Save(layer(1)), SaveTask::Save(layer(2))]);
    assert_eq!(group_of(&mut store, 1), None);
    assert_eq!(group_of(&mut store, 2), Some(layer(1)));
    assert!(store.differs(&layer(1), r#"{"type":"FeatureCollection","features":[]}"#).unwrap());
    list(&mut store, &[(1, None), (2, None)]);
    assert!(!store.differs(&layer(1), r#"{"type":"FeatureCollection","features":[]}"#).unwrap());
    assert_eq!(store.save_tasks(&[]).unwrap(), [SaveTask::Save(layer(2))]);
}

#[test]
fn a_layer_is_not_saved_into_a_group_that_is_gone() {
    let mut store = store_with(&[(1, None), (2, None)]);
    put(&mut store, 2, Some(1), NOW + 1);
    send_all(&mut store);
    list(&mut store, &[(2, None)]);
    assert_eq!(store.save_tasks(&[]).unwrap(), [SaveTask::Save(layer(2))]);
    assert_eq!(group_of(&mut store, 2), None);
    assert!(!store.differs(&layer(2), r#"{"type":"FeatureCollection","features":[]}"#).unwrap());
}

#[test]
fn groups_are_made_before_what_lies_in_them_at_any_depth() {
    let mut store = Store::in_memory(&new_map()).unwrap();
    for number in [1, 2, 3] {
        make(&mut store, number);
    }
    put(&mut store, 1, Some(2), NOW + 1);
    put(&mut store, 2, Some(3), NOW + 2);
    send_all(&mut store);
    let tasks = store.save_tasks(&[]).unwrap();
    assert_eq!(tasks, [3, 2, 1].map(|number| SaveTask::Create(layer(number))));
}

#[test]
fn a_layer_leaves_a_group_before_the_group_is_deleted() {
    let mut store = store_with(&[(1, None), (2, Some(1)), (3, None)]);
    let rename = draft_update(Object::Layer(layer(1)), Path::property("name"), Some("\"old\""));
    store.commit_local("rename", vec![rename], NOW).unwrap();
    put(&mut store, 2, Some(3), NOW + 1);
    store.commit_local("delete", vec![draft_delete(Object::Layer(layer(1)))], NOW + 2).unwrap();
    send_all(&mut store);
    assert_eq!(store.save_tasks(&[]).unwrap(), [SaveTask::Save(layer(2)), SaveTask::Delete(layer(1))]);
}
