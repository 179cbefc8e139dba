//! What nobody has to decide, and what nobody has to delete twice.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use bivouac_journal::ids::{Object, PeerId};
use bivouac_journal::path::Path;
use bivouac_store::{SaveTask, ServerLayer, ServerMap, Store};
use common::*;

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

#[test]
fn m5_groups_are_created_before_what_lies_in_them_and_no_circle_reaches_the_server() {
    let mut store = Store::in_memory(&new_map()).unwrap();
    let named = |n: u32| format!("\"{}\"", layer(n));
    let lies_in = |inner: u32, outer: u32| {
        draft_update(Object::Layer(layer(inner)), Path::of(&["parentId"]), Some(&named(outer)))
    };
    let made = [1, 2, 3].map(|n| draft_upsert(Object::Layer(layer(n)), layer_value(n))).to_vec();
    store.commit_local("layers", made, NOW).unwrap();
    store.commit_local("groups", vec![lies_in(1, 2), lies_in(2, 3)], NOW + 1).unwrap();
    send_all(&mut store);
    let inward = [3, 2, 1].map(|n| SaveTask::Create(layer(n)));
    assert_eq!(store.save_tasks(&[]).unwrap(), inward);
    assert_eq!(store.assemble(&layer(1)).unwrap().parent, Some(layer(2)));
    // Somebody else put the outermost into the innermost: the oldest of the three is dropped.
    let outermost = Object::Layer(layer(3));
    let theirs = update(&format!("{}:0:other", NOW + 500), outermost, Path::of(&["parentId"]), Some(&named(1)));
    store.commit_foreign(vec![live(theirs)], NOW + 600).unwrap();
    let saved = [1, 2, 3].map(|n| store.assemble(&layer(n)).unwrap().parent);
    assert_eq!(saved.iter().flatten().count(), 2, "{saved:?}");
    assert_eq!(saved[2], Some(layer(1)));
    // The server says the same, and there is no more to save.
    let listed = [1, 2, 3].map(|n| ServerLayer {
        id: layer(n),
        rank: i64::from(n),
        parent: saved[n as usize - 1].clone(),
        properties: serde_json::Map::from_iter([("name".to_owned(), format!("L{n}").into())]),
        edit_status: 0,
        edit_mode: None,
        reference: Some((NOW + 700).to_string()),
    });
    [1, 2, 3].into_iter().for_each(|n| store.created(&layer(n), &(NOW + 700).to_string()).unwrap());
    store.merge_map(&ServerMap { layers: listed.to_vec(), may_edit: true, ..ServerMap::default() }, NOW + 800).unwrap();
    for n in [1, 2, 3] {
        let body = store.assemble(&layer(n)).unwrap().geojson;
        assert!(!store.differs(&layer(n), &body).unwrap(), "layer {n}");
    }
    let cut = [1, 2].into_iter().find(|n| saved[*n as usize - 1].is_none()).unwrap();
    for n in [1, 2, 3] {
        let body = store.assemble(&layer(n)).unwrap().geojson;
        let upto = store.last_row().unwrap();
        store.verified(&layer(n), &(NOW + 700).to_string(), &body, upto, NOW + 900).unwrap();
    }
    assert_eq!(store.save_tasks(&[]).unwrap(), []);
    // A server that lists the circle is told otherwise.
    let mut whole = listed.to_vec();
    whole[cut as usize - 1].parent = Some(layer(cut + 1));
    store.merge_map(&ServerMap { layers: whole, may_edit: true, ..ServerMap::default() }, NOW + 1_000).unwrap();
    assert_eq!(store.save_tasks(&[]).unwrap(), [SaveTask::Save(layer(cut))]);
}

#[test]
fn a_map_or_layer_without_a_name_takes_the_one_that_the_server_has() {
    let mut store = store_with_layer();
    let listed = ServerLayer {
        id: layer(1),
        rank: 1,
        parent: None,
        properties: serde_json::Map::from_iter([("name".to_owned(), "L1".into())]),
        edit_status: 0,
        edit_mode: None,
        reference: Some(NOW.to_string()),
    };
    let settings = serde_json::Map::from_iter([("name".to_owned(), "Trip".into())]);
    let map = ServerMap { settings, layers: vec![listed], may_edit: true, ..ServerMap::default() };
    store.merge_map(&map, NOW).unwrap();
    let (name, there) = (Path::property("name"), Object::Layer(layer(1)));
    let mine = draft_update(Object::Map, name.clone(), None);
    store.commit_local("no name", vec![mine], NOW + 1).unwrap();
    send_all(&mut store);
    let theirs = update(&format!("{}:0:other", NOW + 500), there.clone(), name.clone(), None);
    store.commit_foreign(vec![live(theirs)], NOW + 600).unwrap();
    store.merge_map(&map, NOW + 700).unwrap();
    assert_eq!(shown(&store, &Object::Map, &name).as_deref(), Some("\"Trip\""));
    assert_eq!(shown(&store, &there, &name).as_deref(), Some("\"L1\""));
    assert!(store.settings_to_save(&[]).unwrap().is_none_or(|task| !task.differs), "or it would be saved for ever");
    assert_sound(&store);
}
