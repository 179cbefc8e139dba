//! Creating, reading, saving and sharing maps.

use bivouac_link::{EditMode, EditStatus, LinkError, PermissionsSave, Settings, ShareStatus, find_map};

use super::*;

#[tokio::test]
async fn a_created_map_reads_back_with_its_settings_in_their_own_words() {
    let client = signed_in("alice").await;
    let map = a_map(&client).await;
    assert_eq!(find_map(&map.url).unwrap().id, map.id);
    assert!(map.server_time_ms.is_some());
    let read = client.read_map(&map.id).await.unwrap();
    assert_eq!((read.id.as_str(), read.name.as_str()), (map.id.as_str(), "A map"));
    assert_eq!(read.center, Some(LonLat { lon: 7.5, lat: 51.25 }));
    assert_eq!(read.zoom, Some(7.0));
    assert!(read.sync_enabled && read.websocket_enabled && !read.is_template);
    assert_eq!(read.edit_mode, EditMode::Advanced);
    assert_eq!(read.umap_version.as_deref(), Some("3.7.3"));
    assert!(read.user.clone().unwrap().is_owner);
    assert_eq!(read.permissions.owner.clone().unwrap().name, "alice");
    assert_eq!(read.permissions.share_status, ShareStatus::Draft);
    assert!(read.urls.contains_key("ws_sync"));
    assert!(read.modified_at.is_some());
    let wanted: serde_json::Value = serde_json::from_str(&new_map("").settings).unwrap();
    let settings: serde_json::Value = serde_json::from_str(&read.settings()).unwrap();
    assert_eq!(settings, wanted, "nothing of the server's is in what may be saved back");
    assert!(read.settings().contains("1.0"), "numbers keep their text: {}", read.settings());
}

#[tokio::test]
async fn the_answer_tells_the_servers_time() {
    let client = nobody();
    assert!(client.server_time().is_none());
    client.whoami().await.unwrap();
    let told = client.server_time().unwrap();
    let here = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let skew = told.server_ms - i64::try_from(here.as_millis()).unwrap();
    assert!(skew.abs() < 60_000, "same computer, yet {skew} ms apart");
}

#[tokio::test]
async fn saved_settings_replace_the_old_ones_and_unknown_keys_survive() {
    let client = signed_in("alice").await;
    let map = a_map(&client).await;
    let settings = Settings {
        name: "Renamed".to_owned(),
        center: LonLat { lon: -1.5, lat: 2.0 },
        settings: r#"{"zoom":3,"not-of-umap":[null]}"#.to_owned(),
        tags: vec!["sport".to_owned()],
        is_template: true,
    };
    let saved = client.save_settings(&map.id, settings).await.unwrap();
    assert!(saved.url.contains("renamed_"), "{}", saved.url);
    let read = client.read_map(&map.id).await.unwrap();
    assert_eq!(read.name, "Renamed");
    assert_eq!(read.center, Some(LonLat { lon: -1.5, lat: 2.0 }));
    assert!(read.is_template && !read.sync_enabled);
    let now: serde_json::Value = serde_json::from_str(&read.settings()).unwrap();
    assert_eq!(now, serde_json::json!({"zoom": 3, "not-of-umap": [null]}));
}

#[tokio::test]
async fn a_form_error_names_its_field() {
    let client = signed_in("alice").await;
    let error = client.create_map(new_map(&"x".repeat(201))).await.unwrap_err();
    let LinkError::Form { errors, .. } = &error else {
        panic!("{error:?}");
    };
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0].field, "name");
    assert!(!errors[0].messages.is_empty());
    assert!(error.is_permanent());
}

#[tokio::test]
async fn settings_that_are_no_object_or_too_large_are_not_even_sent() {
    let client = nobody();
    let mut map = new_map("x");
    map.settings = "[]".to_owned();
    let error = client.create_map(map.clone()).await.unwrap_err();
    assert!(matches!(error, LinkError::BadArgument { .. }));
    map.settings = format!("{{\"x\":\"{}\"}}", "y".repeat(3_000_000));
    let error = client.create_map(map).await.unwrap_err();
    assert!(matches!(error, LinkError::TooLarge { .. }));
    assert!(client.server_time().is_none(), "something was sent");
}

#[tokio::test]
async fn two_megabytes_of_settings_arrive() {
    let client = signed_in("alice").await;
    let mut map = new_map("large");
    map.settings = format!("{{\"description\":\"{}\"}}", "\u{e9}\\\"".repeat(500_000));
    let made = client.create_map(map.clone()).await.unwrap();
    let read = client.read_map(&made.id).await.unwrap().settings();
    let (sent, got): (serde_json::Value, serde_json::Value) =
        (serde_json::from_str(&map.settings).unwrap(), serde_json::from_str(&read).unwrap());
    assert!(sent == got);
}

#[tokio::test]
async fn rights_are_told_from_sign_in_and_sharing_keeps_owner_and_editors() {
    let alice = signed_in("alice").await;
    let bob = signed_in("bob").await;
    let bob_id = bob.whoami().await.unwrap().unwrap().id;
    let map = a_map(&alice).await;

    let stranger = bob.read_map(&map.id).await.unwrap_err();
    assert!(matches!(stranger, LinkError::Refused { .. }), "{stranger}");
    let nobody_at_all = nobody().read_map(&map.id).await.unwrap_err();
    assert!(nobody_at_all.needs_sign_in(), "{nobody_at_all}");
    let token = nobody().ws_token(&map.id).await.unwrap_err();
    assert!(token.needs_sign_in(), "200 with login_required is no token: {token}");
    let token = bob.ws_token(&map.id).await.unwrap_err();
    assert!(matches!(token, LinkError::Refused { .. }), "{token}");

    let share = PermissionsSave::Owned {
        edit_status: EditStatus::Editors,
        share_status: ShareStatus::Public,
        owner: map.permissions.owner.clone().unwrap().id,
        editors: vec![bob_id],
        team: None,
    };
    alice.save_permissions(&map.id, share).await.unwrap();
    let read = bob.read_map(&map.id).await.unwrap();
    assert_eq!(read.edit_mode, EditMode::Advanced);
    assert_eq!(read.permissions.owner.unwrap().name, "alice");
    assert_eq!(read.permissions.editors[0].name, "bob");
    assert_eq!(read.permissions.edit_status, EditStatus::Editors);
    let public = nobody().read_map(&map.id).await.unwrap();
    assert_eq!(public.edit_mode, EditMode::Disabled);
    assert!(public.user.is_none());
}

#[tokio::test]
async fn a_deleted_map_is_refused_and_an_unknown_one_not_found() {
    let alice = signed_in("alice").await;
    let map = a_map(&alice).await;
    let bob = signed_in("bob").await.delete_map(&map.id).await.unwrap_err();
    assert!(matches!(bob, LinkError::Refused { .. }), "{bob}");
    alice.delete_map(&map.id).await.unwrap();
    let deleted = alice.read_map(&map.id).await.unwrap_err();
    assert!(matches!(deleted, LinkError::Refused { .. }), "{deleted}");
    let unknown = alice.read_map("999999999").await.unwrap_err();
    assert!(matches!(unknown, LinkError::NotFound { .. }), "{unknown}");
    for odd in ["", "1/../2", "x"] {
        let error = alice.read_map(odd).await.unwrap_err();
        assert!(matches!(error, LinkError::BadArgument { .. }), "{odd}: {error}");
    }
}
