//! Creating, reading, saving and deleting layers, and uMap's merge.

use bivouac_link::{LinkError, Reference};

use super::*;

#[tokio::test]
async fn a_layer_reads_back_byte_for_byte() {
    let client = signed_in("alice").await;
    let map = a_map(&client).await;
    let id = uuid();
    let mut save = layer(&id, &[]);
    save.geojson =
        "{\r\n \"type\" : \"FeatureCollection\",\t\"features\":[ ],\n\"\u{e9}\u{1f3d4}\":[1.0,1e2,0.1000,-0.0]}\n\n"
            .to_owned();
    let sent = save.geojson.clone();
    let saved = client.create_layer(&map.id, save).await.unwrap();
    assert!(saved.merged.is_none());
    assert_eq!(saved.layer.id, id);
    let read = client.read_layer(&map.id, &id).await.unwrap();
    assert_eq!(read.body, sent);
    assert_eq!(read.version, saved.version);
    assert!(read.server_time_ms.is_some());
}

#[tokio::test]
async fn the_map_lists_layers_with_rank_parent_and_version() {
    let client = signed_in("alice").await;
    let map = a_map(&client).await;
    let (group, inside) = (uuid(), uuid());
    let mut outer = layer(&group, &[]);
    outer.settings = r#"{"name":"Group","group":true,"displayOnLoad":true,"x-ours":1.0}"#.to_owned();
    outer.name = "Group".to_owned();
    client.create_layer(&map.id, outer).await.unwrap();
    let mut inner = layer(&inside, &[("abcde", "one")]);
    inner.parent = Some(group.clone());
    inner.rank = 7;
    inner.settings = r#"{"name":"Inside","displayOnLoad":false}"#.to_owned();
    inner.display_on_load = false;
    let saved = client.create_layer(&map.id, inner).await.unwrap();
    assert_eq!(saved.layer.parent.as_deref(), Some(group.as_str()));

    let layers = client.read_map(&map.id).await.unwrap().layers;
    let ids: Vec<&str> = layers.iter().map(|layer| layer.id.as_str()).collect();
    assert_eq!(ids, [group.as_str(), inside.as_str()], "a layer before those in it");
    assert_eq!(layers[0].parent, None);
    assert_eq!(layers[0].name, "Group");
    assert!(layers[0].settings.contains("1.0"), "{}", layers[0].settings);
    assert_eq!(layers[0].display_on_load, Some(true));
    assert_eq!(layers[1].parent.as_deref(), Some(group.as_str()));
    assert_eq!(layers[1].rank, Some(7));
    assert_eq!(layers[1].display_on_load, Some(false));
    assert_eq!(layers[1].reference_version.as_deref(), Some(saved.version.as_str()));
}

#[tokio::test]
async fn a_save_on_the_current_version_replaces_and_keeps_the_old_versions() {
    let client = signed_in("alice").await;
    let map = a_map(&client).await;
    let id = uuid();
    let first = client.create_layer(&map.id, layer(&id, &[("aaaaa", "1")])).await.unwrap();
    let second = layer(&id, &[("aaaaa", "2")]);
    let sent = second.geojson.clone();
    let second = client.save_layer(&map.id, second, &first.version).await.unwrap();
    assert_ne!(first.version, second.version);
    assert!(second.merged.is_none());
    assert_eq!(client.read_layer(&map.id, &id).await.unwrap().body, sent);

    let versions = client.versions(&map.id, &id).await.unwrap();
    let references: Vec<&Reference> = versions.iter().map(|version| &version.reference).collect();
    assert_eq!(references, [&second.version, &first.version], "newest first");
    assert_eq!(versions[0].size, sent.len() as u64);
    assert!(versions[0].at_ms >= versions[1].at_ms && versions[1].at_ms > 1_700_000_000_000);
    assert!(versions[0].name.starts_with(&id));
    let old = client.read_version(&map.id, &id, &first.version).await.unwrap();
    assert_eq!(old.body, layer(&id, &[("aaaaa", "1")]).geojson);
    let unknown = Reference::new("12345").unwrap();
    let error = client.read_version(&map.id, &id, &unknown).await.unwrap_err();
    assert!(matches!(error, LinkError::NotFound { .. }), "{error}");
}

#[tokio::test]
async fn a_save_on_an_older_version_comes_back_merged() {
    let client = signed_in("alice").await;
    let map = a_map(&client).await;
    let id = uuid();
    let base = client.create_layer(&map.id, layer(&id, &[("aaaaa", "a")])).await.unwrap();
    let theirs = layer(&id, &[("aaaaa", "a"), ("bbbbb", "b")]);
    client.save_layer(&map.id, theirs, &base.version).await.unwrap();
    let ours = layer(&id, &[("aaaaa", "a"), ("ccccc", "c")]);
    let saved = client.save_layer(&map.id, ours, &base.version).await.unwrap();
    let merged: serde_json::Value = serde_json::from_str(&saved.merged.unwrap()).unwrap();
    let ids: Vec<&str> = merged["features"].as_array().unwrap().iter().map(|f| f["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["aaaaa", "bbbbb", "ccccc"]);
    let read = client.read_layer(&map.id, &id).await.unwrap();
    assert_eq!(read.version, saved.version);
    assert_eq!(serde_json::from_str::<serde_json::Value>(&read.body).unwrap(), merged);
}

#[tokio::test]
async fn a_contradicting_save_is_a_conflict_and_force_overwrites() {
    let client = signed_in("alice").await;
    let map = a_map(&client).await;
    let id = uuid();
    let base = client.create_layer(&map.id, layer(&id, &[("aaaaa", "a")])).await.unwrap();
    client.save_layer(&map.id, layer(&id, &[("aaaaa", "theirs")]), &base.version).await.unwrap();
    let ours = layer(&id, &[("aaaaa", "ours")]);
    let error = client.save_layer(&map.id, ours.clone(), &base.version).await.unwrap_err();
    assert!(matches!(error, LinkError::Conflict { .. }), "{error}");
    assert!(!error.is_permanent());
    let current = client.read_layer(&map.id, &id).await.unwrap();
    assert!(current.body.contains("theirs"));
    client.force_save_layer(&map.id, ours.clone(), &current).await.unwrap();
    assert_eq!(client.read_layer(&map.id, &id).await.unwrap().body, ours.geojson);
}

#[tokio::test]
async fn a_taken_uuid_and_a_bad_one_are_told_apart() {
    let client = signed_in("alice").await;
    let map = a_map(&client).await;
    let id = uuid();
    client.create_layer(&map.id, layer(&id, &[])).await.unwrap();
    let error = client.create_layer(&map.id, layer(&id, &[])).await.unwrap_err();
    assert!(matches!(error, LinkError::LayerExists { .. }), "{error}");
    let error = client.create_layer(&map.id, layer("no-uuid", &[])).await.unwrap_err();
    assert!(matches!(error, LinkError::NotFound { .. }), "{error}");
}

#[tokio::test]
async fn a_deleted_layer_is_unlisted_yet_readable_and_its_uuid_stays_taken() {
    let client = signed_in("alice").await;
    let map = a_map(&client).await;
    let id = uuid();
    let saved = client.create_layer(&map.id, layer(&id, &[("aaaaa", "a")])).await.unwrap();
    client.delete_layer(&map.id, &id).await.unwrap();
    client.delete_layer(&map.id, &id).await.unwrap();
    assert!(client.read_map(&map.id).await.unwrap().layers.is_empty());
    assert!(client.read_layer(&map.id, &id).await.unwrap().body.contains("aaaaa"));
    let error = client.create_layer(&map.id, layer(&id, &[])).await.unwrap_err();
    assert!(matches!(error, LinkError::LayerExists { .. }), "{error}");
    client.save_layer(&map.id, layer(&id, &[]), &saved.version).await.unwrap();
    assert!(client.read_map(&map.id).await.unwrap().layers.is_empty(), "rule 28: it stays hidden");
    let unknown = client.read_layer(&map.id, &uuid()).await.unwrap_err();
    assert!(matches!(unknown, LinkError::NotFound { .. }), "{unknown}");
}

#[tokio::test]
async fn a_layer_of_somebody_else_is_refused_to_a_user_and_asks_nobody_to_sign_in() {
    let alice = signed_in("alice").await;
    let map = a_map(&alice).await;
    let id = uuid();
    let saved = alice.create_layer(&map.id, layer(&id, &[])).await.unwrap();
    let bob = signed_in("bob").await;
    let error = bob.save_layer(&map.id, layer(&id, &[]), &saved.version).await.unwrap_err();
    assert!(matches!(error, LinkError::Refused { .. }), "{error}");
    assert!(error.is_permanent());
    let nobody = nobody();
    let error = nobody.save_layer(&map.id, layer(&id, &[]), &saved.version).await.unwrap_err();
    assert!(error.needs_sign_in(), "{error}");
    let error = nobody.create_layer(&map.id, layer(&uuid(), &[])).await.unwrap_err();
    assert!(error.needs_sign_in(), "{error}");
    let error = nobody.delete_layer(&map.id, &id).await.unwrap_err();
    assert!(error.needs_sign_in(), "{error}");
}

#[tokio::test]
async fn four_megabytes_of_layer_are_saved_and_read() {
    let client = signed_in("alice").await;
    let map = a_map(&client).await;
    let id = uuid();
    let names: Vec<String> = (0..20_000).map(|n| format!("name-{n}-{}", "x".repeat(120))).collect();
    let features: Vec<(&str, &str)> = names.iter().map(|name| ("aaaaa", name.as_str())).collect();
    let save = layer(&id, &features);
    assert!(save.geojson.len() > 4_000_000);
    client.create_layer(&map.id, save.clone()).await.unwrap();
    assert!(client.read_layer(&map.id, &id).await.unwrap().body == save.geojson);
}
