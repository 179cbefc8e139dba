//! Two laptops edit offline and come back, in either order: they and the server end equal.

mod laptop;

use bivouac_journal::ids::{LayerId, Object};
use bivouac_journal::path::Path;
use laptop::{Laptop, add, add_layer, delete, delete_layer, rename, set};
use serde_json::{Value, json};
use support::{MapSpec, TestMap, UmapServer, marker};

fn map(server: &UmapServer) -> (TestMap, String) {
    let map = TestMap::create(server, &MapSpec::new("two laptops"));
    let layer = map.add_layer(
        "One",
        &[marker("aaaa1", "A1", 7.7, 48.6), marker("aaaa2", "A2", 7.72, 48.6), marker("aaaa3", "A3", 7.74, 48.6)],
    );
    (map, layer)
}

/// The server's document, both laptops, feature by feature.
fn assert_equal(map: &TestMap, layers: &[&str], laptops: &[&Laptop]) {
    let hashes: Vec<String> = laptops.iter().map(|l| l.store().state_hash().unwrap()).collect();
    assert!(hashes.windows(2).all(|pair| pair[0] == pair[1]), "the laptops differ: {hashes:?}");
    for layer in layers {
        let saved = map.layer(layer);
        let mut on_server: Vec<(String, Value)> = saved.json["features"]
            .as_array()
            .unwrap()
            .iter()
            .map(|f| (f["id"].as_str().unwrap_or("").to_owned(), f.clone()))
            .collect();
        on_server.sort_by(|a, b| a.0.cmp(&b.0));
        let store = laptops[0].store();
        let mut here: Vec<(String, Value)> = laptop::features(&store, layer)
            .into_iter()
            .map(|f| (f.id.to_string(), serde_json::from_str(&f.text).unwrap()))
            .collect();
        here.sort_by(|a, b| a.0.cmp(&b.0));
        let ids = |list: &[(String, Value)]| list.iter().map(|(id, _)| id.clone()).collect::<Vec<_>>();
        assert_eq!(ids(&on_server), ids(&here));
        for (a, b) in on_server.iter().zip(&here) {
            assert!(bivouac_journal::json::same(&a.1, &b.1), "server {} here {}", a.1, b.1);
        }
    }
}

fn name_of(laptop: &Laptop, of: (&str, &str)) -> Value {
    let store = laptop.store();
    let features = laptop::features(&store, of.0);
    let found = features.into_iter().find(|f| f.id.as_str() == of.1);
    found.map_or(Value::Null, |f| serde_json::from_str::<Value>(&f.text).unwrap()["properties"]["name"].clone())
}

#[test]
fn one_laptop_takes_a_map_offline_edits_and_comes_back() {
    let server = UmapServer::shared();
    let (map, layer) = map(&server);
    let laptop = Laptop::offline(&server, &map, "alice");
    let mut store = laptop.store();
    rename(&mut store, (&layer, "aaaa1"), "renamed in the field");
    add(&mut store, (&layer, "newf1"), "found", 7.5, 48.5);
    delete(&mut store, (&layer, "aaaa3"));
    drop(store);
    let summary = laptop.sync().unwrap();
    assert!(summary.verified, "{summary:?}");
    assert_eq!(name_of(&laptop, (&layer, "aaaa1")), json!("renamed in the field"));
    assert_equal(&map, &[&layer], &[&laptop]);
    assert_eq!(map.layer(&layer).json["features"].as_array().unwrap().len(), 3);
}

#[test]
fn two_laptops_that_edited_the_same_map_end_equal_in_either_order() {
    for first_comes_back_first in [true, false] {
        let server = UmapServer::shared();
        let (map, layer) = map(&server);
        let (alice, bob) = (Laptop::offline(&server, &map, "alice"), Laptop::offline(&server, &map, "bob"));
        let mut store = alice.store();
        rename(&mut store, (&layer, "aaaa1"), "by alice");
        rename(&mut store, (&layer, "aaaa2"), "A2 by alice");
        delete(&mut store, (&layer, "aaaa3"));
        add(&mut store, (&layer, "alic1"), "alice's", 7.1, 48.1);
        drop(store);
        let mut store = bob.store();
        set(&mut store, laptop::feature((&layer, "aaaa1")), Path::property("description"), Some(json!("by bob")));
        rename(&mut store, (&layer, "aaaa2"), "A2 by bob");
        rename(&mut store, (&layer, "aaaa3"), "A3 by bob");
        add(&mut store, (&layer, "bobs1"), "bob's", 7.2, 48.2);
        drop(store);
        let order = if first_comes_back_first { [&alice, &bob] } else { [&bob, &alice] };
        for laptop in order {
            assert!(laptop.sync().unwrap().verified);
        }
        order[0].sync().unwrap();
        assert_equal(&map, &[&layer], &[&alice, &bob]);
        assert_eq!(name_of(&alice, (&layer, "aaaa1")), json!("by alice"));
        for id in ["alic1", "bobs1"] {
            assert_ne!(name_of(&bob, (&layer, id)), Value::Null, "{id} is there");
        }
        let conflicts: Vec<_> = [&alice, &bob].iter().flat_map(|l| l.store().conflicts().unwrap()).collect();
        assert!(conflicts.len() >= 2, "the same field, and the delete against the edit: {conflicts:?}");
    }
}

#[test]
fn a_layer_made_offline_arrives_with_its_features() {
    let server = UmapServer::shared();
    let (map, layer) = map(&server);
    let (alice, bob) = (Laptop::offline(&server, &map, "alice"), Laptop::offline(&server, &map, "bob"));
    let fresh = uuid::Uuid::new_v4().to_string();
    let mut store = alice.store();
    add_layer(&mut store, &fresh, "Made in the field");
    add(&mut store, (&fresh, "fresh"), "in the new layer", 7.3, 48.3);
    drop(store);
    assert!(alice.sync().unwrap().verified);
    bob.sync().unwrap();
    assert_equal(&map, &[&layer, &fresh], &[&alice, &bob]);
}

#[test]
fn a_layer_deleted_while_somebody_works_in_it_is_gone_and_the_work_is_kept_and_shown() {
    for deleter_comes_back_first in [true, false] {
        let server = UmapServer::shared();
        let (map, layer) = map(&server);
        let other = map.add_layer("Two", &[marker("bbbb1", "B1", 7.7, 48.7)]);
        let (alice, bob) = (Laptop::offline(&server, &map, "alice"), Laptop::offline(&server, &map, "bob"));
        delete_layer(&mut alice.store(), &layer);
        add(&mut bob.store(), (&layer, "found"), "found by bob", 7.2, 48.2);
        rename(&mut bob.store(), (&layer, "aaaa1"), "renamed by bob");
        let order = if deleter_comes_back_first { [&alice, &bob] } else { [&bob, &alice] };
        for laptop in order {
            assert!(laptop.sync().unwrap().verified);
        }
        order[0].sync().unwrap();
        assert_equal(&map, &[&other], &[&alice, &bob]);
        assert!(map.layers().iter().all(|listed| listed["id"] != layer.as_str()), "the layer is gone");
        let kept = bob.store().find_feature(&bivouac_journal::ids::FeatureId::parse("found").unwrap()).unwrap();
        assert!(!kept.is_empty(), "the work is still on the laptop");
        if deleter_comes_back_first {
            let conflicts = bob.store().conflicts().unwrap();
            assert!(!conflicts.is_empty(), "and it is shown");
        }
    }
}

#[test]
fn rule_50_layers_that_two_laptops_put_into_each_other_leave_the_map_readable() {
    let server = UmapServer::shared();
    let (map, one) = map(&server);
    let two = map.add_layer("Two", &[marker("bbbb1", "B1", 7.8, 48.7)]);
    let (alice, bob) = (Laptop::offline(&server, &map, "alice"), Laptop::offline(&server, &map, "bob"));
    for (laptop, layer, group) in [(&alice, &one, &two), (&bob, &two, &one)] {
        let mut store = laptop.store();
        set(&mut store, Object::Layer(LayerId::trusted(layer)), Path::of(&["parentId"]), Some(json!(group)));
        rename(&mut store, if layer == &one { (&one, "aaaa1") } else { (&two, "bbbb1") }, "moved");
    }
    for laptop in [&alice, &bob, &alice, &bob] {
        assert!(laptop.sync().unwrap().verified);
    }
    let tree = map.layers();
    assert_eq!(tree.len(), 1, "one lies in the other: {tree:?}");
    assert_equal(&map, &[&one, &two], &[&alice, &bob]);
    assert_eq!((name_of(&bob, (&one, "aaaa1")), name_of(&alice, (&two, "bbbb1"))), (json!("moved"), json!("moved")));
}

#[test]
fn a_layer_put_into_a_group_that_somebody_deletes_stays_on_the_map() {
    let server = UmapServer::shared();
    let (map, layer) = map(&server);
    let group = map.add_layer("Group", &[]);
    let bob = Laptop::offline(&server, &map, "bob");
    let mut store = bob.store();
    set(&mut store, Object::Layer(LayerId::trusted(&layer)), Path::of(&["parentId"]), Some(json!(group)));
    rename(&mut store, (&layer, "aaaa1"), "worked on");
    drop(store);
    assert_eq!(map.delete_layer(&group).status, 200);
    assert!(bob.sync().unwrap().verified);
    assert_eq!(map.layers().len(), 1);
    assert_equal(&map, &[&layer], &[&bob]);
    assert_eq!(name_of(&bob, (&layer, "aaaa1")), json!("worked on"));
    assert_eq!(bob.store().counts().unwrap().lost, 0);
}

#[test]
fn a_map_whose_settings_name_no_centre_stays_where_it_is_when_its_settings_are_saved() {
    let server = UmapServer::shared();
    let (map, _) = map(&server);
    let before = map.read();
    assert_eq!(before["properties"]["center"], Value::Null, "as in maps of older versions");
    let bob = Laptop::offline(&server, &map, "bob");
    set(&mut bob.store(), Object::Map, Path::property("description"), Some(json!("drier this year")));
    assert!(bob.sync().unwrap().verified);
    let after = map.read();
    assert_eq!(after["properties"]["description"], "drier this year");
    assert_eq!(after["geometry"]["coordinates"], before["geometry"]["coordinates"]);
}

#[test]
fn a_layer_that_nobody_can_read_keeps_nobody_from_the_others_and_is_not_written_over() {
    let server = UmapServer::shared();
    let (map, layer) = map(&server);
    let broken = map.add_layer("Broken", &[]);
    assert_eq!(map.save_layer(&broken, &json!({"properties": {"name": "Broken"}}), None).status, 200);
    let before = map.layer(&broken).text;
    let alice = Laptop::offline(&server, &map, "alice");
    rename(&mut alice.store(), (&layer, "aaaa1"), "renamed all the same");
    assert!(alice.sync().unwrap().verified);
    assert_equal(&map, &[&layer], &[&alice]);
    add(&mut alice.store(), (&broken, "added"), "in the broken one", 7.3, 48.3);
    rename(&mut alice.store(), (&layer, "aaaa2"), "renamed too");
    let error = alice.sync().unwrap_err().to_string();
    assert!(error.contains(&broken), "{error}");
    assert_equal(&map, &[&layer], &[&alice]);
    assert_eq!(map.layer(&broken).text, before);
    assert_eq!(alice.store().counts().unwrap().unverified(), 1, "the edit waits");
}
