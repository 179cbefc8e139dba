//! The support itself, on the real server and in real browsers: what the other tests take for granted.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};
use std::{panic, thread};

use serde_json::json;
use support::{
    Browser, Direction, MapSpec, PageState, Proxy, TestMap, UmapServer, Visitor, WebPeer, marker, wait_until,
};

const SOON: Duration = Duration::from_secs(10);

/// Waits until a page shows something.
#[track_caller]
fn sees(peer: &WebPeer, what: &str, test: impl Fn(&PageState) -> bool) -> PageState {
    wait_until(what, SOON, || {
        let state = peer.state();
        if test(&state) { Ok(state) } else { Err((state.layers, state.peers, state.errors)) }
    })
}

#[test]
fn two_browsers_in_one_room_see_each_others_edits() {
    let server = UmapServer::shared();
    let map = TestMap::create(&server, &MapSpec::new("Two browsers"));
    let layer = map.add_layer("Huts", &[marker("AAAAA", "first", 8.54, 47.37)]);
    let first = (layer.as_str(), "AAAAA");
    let browser = Browser::launch();
    let alice = browser.signed_in(&server, "alice");
    let bob = browser.signed_in(&server, "bob");
    alice.open(&map);
    bob.open(&map);
    let state = sees(&alice, "alice's page lists two peers", |s| s.peers.len() == 2);
    assert_eq!(state.feature_name(first), Some("first"));
    assert!(!state.dirty && !state.save_enabled);

    alice.rename(first, "from alice");
    sees(&bob, "bob's page shows the new name", |s| s.feature_name(first) == Some("from alice"));
    assert!(alice.state().save_enabled);

    bob.set_geometry(first, &json!({"type": "Point", "coordinates": [8.6, 47.4]}));
    sees(&alice, "alice's page shows the new place", |s| {
        s.feature(first).is_some_and(|f| f["geometry"]["coordinates"] == json!([8.6, 47.4]))
    });

    let added = bob.add(&layer, &marker("BBBBB", "second", 8.55, 47.38));
    assert_eq!(added, "BBBBB");
    sees(&alice, "alice's page has the added marker", |s| s.feature((&layer, "BBBBB")).is_some());
    alice.delete((&layer, "BBBBB"));
    sees(&bob, "bob's page lost it", |s| s.feature((&layer, "BBBBB")).is_none());
    alice.undo();
    sees(&bob, "undo brought one back", |s| s.layer(&layer).features.len() == 2);
    alice.redo();
    sees(&bob, "redo took it away again", |s| s.layer(&layer).features.len() == 1);

    let new_layer = alice.add_layer("Springs");
    alice.set_layer(&new_layer, "properties.color", Some(json!("Lime")));
    alice.set_map("properties.name", Some(json!("Renamed map")));
    let state = sees(&bob, "bob's page has the new layer and name", |s| {
        s.layers.iter().any(|l| l.id == new_layer && l.properties["color"] == "Lime")
            && s.name.as_deref() == Some("Renamed map")
    });
    assert_eq!(state.layer(&new_layer).name.as_deref(), Some("Springs"));
    alice.set_layer(&new_layer, "properties.color", None);
    sees(&bob, "the colour is unset", |s| s.layer(&new_layer).properties.get("color").is_none());
    alice.delete_layer(&new_layer);
    sees(&bob, "bob's page shows the layer deleted", |s| s.layers.iter().all(|l| l.id != new_layer || l.deleted));

    let sent = alice.frames(0);
    assert!(sent.iter().any(|f| f.dir == "sent" && f.text.contains("\"from alice\"")));
    assert!(sent.iter().any(|f| f.dir == "recv" && f.text.contains("JoinResponse")));
}

#[test]
fn a_save_by_a_browser_lands_on_the_server() {
    let server = UmapServer::shared();
    let map = TestMap::create(&server, &MapSpec::new("A save"));
    let layer = map.add_layer("Huts", &[marker("AAAAA", "before", 8.54, 47.37)]);
    let before = map.layer(&layer);
    let browser = Browser::launch();
    let alice = browser.signed_in(&server, "alice");
    alice.open(&map);
    assert!(!alice.save().clicked);

    alice.type_name((&layer, "AAAAA"), "typed");
    alice.drag_marker((&layer, "AAAAA"), [8.54, 47.37], [8.56, 47.375]);
    let (clicked_layer, clicked) = alice.click_marker(8.53, 47.36);
    assert_eq!(clicked_layer, layer);
    alice.set_map("properties.name", Some(json!("Saved name")));
    let report = alice.save();
    assert!(report.clicked && !report.dirty && !report.conflict, "{report:?}");
    assert_eq!(report.posts.iter().map(|p| p.status).collect::<Vec<_>>(), [200, 200], "{report:?}");

    let after = map.layer(&layer);
    assert_ne!(after.version, before.version);
    let saved = report.posts.iter().find(|p| p.reference.is_some()).expect("a layer was saved");
    assert_eq!(saved.reference.as_deref(), Some(before.version.as_str()));
    assert_eq!(saved.version.as_deref(), Some(after.version.as_str()));
    let features = after.json["features"].as_array().unwrap();
    let find = |id: &str| features.iter().find(|f| f["id"] == id).unwrap();
    assert_eq!(find("AAAAA")["properties"]["name"], "typed");
    let lng = find("AAAAA")["geometry"]["coordinates"][0].as_f64().unwrap();
    assert!((lng - 8.56).abs() < 0.005, "dragged to {lng}");
    assert!(find(&clicked)["geometry"]["coordinates"][1].as_f64().is_some_and(|lat| (lat - 47.36).abs() < 0.002));
    assert_eq!(map.versions(&layer).len(), 2);
    assert_eq!(map.layer_version(&layer, &before.version), before.json);
    assert_eq!(map.read()["properties"]["name"], "Saved name");

    alice.reload(true);
    let state = alice.state();
    assert_eq!(state.feature_name((&layer, "AAAAA")), Some("typed"));
    assert_eq!(state.layer(&layer).reference_version.as_deref(), Some(after.version.as_str()));
}

#[test]
fn a_save_on_an_old_version_is_refused_and_the_page_says_so() {
    let server = UmapServer::shared();
    let map = TestMap::create(&server, &MapSpec::new("No room").without_real_time());
    let layer = map.add_layer("Huts", &[marker("AAAAA", "before", 8.54, 47.37)]);
    let browser = Browser::launch();
    let bob = browser.signed_in(&server, "bob");
    bob.open_without_room(&map);
    let mut document = map.layer(&layer);
    document.json["features"][0]["properties"]["name"] = json!("theirs");
    let saved = map.save_layer(&layer, &document.json, Some(&document.version));
    assert_eq!(saved.status, 200);

    bob.rename((&layer, "AAAAA"), "mine");
    let report = bob.save();
    assert!(report.conflict && report.dirty, "{report:?}");
    assert_eq!(report.posts.last().map(|p| p.status), Some(412));
    assert!(!bob.state().connected);
    assert_eq!(map.layer(&layer).json["features"][0]["properties"]["name"], "theirs");
    assert_eq!(
        map.save_layer(&layer, &document.json, Some(&document.version)).status,
        200,
        "equal content is accepted"
    );
    document.json["features"][0]["properties"]["name"] = json!("stale");
    assert_eq!(map.save_layer(&layer, &document.json, Some(&document.version)).status, 412);
}

#[test]
fn a_map_without_owner_is_edited_through_its_secret_link() {
    let server = UmapServer::shared();
    let map = TestMap::create(&server, &MapSpec::new("Anonymous").anonymous());
    assert!(map.edit_link.is_some());
    assert!(map.maker.cookie(&format!("anonymous_owner|{}", map.id)).is_some());
    let layer = map.add_layer("Huts", &[marker("AAAAA", "before", 8.54, 47.37)]);
    let browser = Browser::launch();
    let somebody = browser.anonymous();
    somebody.open_with_link(&map, true);
    somebody.rename((&layer, "AAAAA"), "after");
    let report = somebody.save();
    assert!(report.clicked && !report.dirty, "{report:?}");
    assert_eq!(map.layer(&layer).json["features"][0]["properties"]["name"], "after");
    assert_eq!(map.delete_layer(&layer).status, 200);
    assert!(map.layers().is_empty());
}

#[test]
fn an_offline_browser_comes_back_to_the_room() {
    let server = UmapServer::shared();
    let map = TestMap::create(&server, &MapSpec::new("Offline"));
    let layer = map.add_layer("Huts", &[marker("AAAAA", "before", 8.54, 47.37)]);
    let browser = Browser::launch();
    let alice = browser.signed_in(&server, "alice");
    let bob = browser.signed_in(&server, "bob");
    alice.open(&map);
    bob.open(&map);
    bob.offline();
    sees(&bob, "bob left the room", |s| !s.connected);
    alice.rename((&layer, "AAAAA"), "meanwhile");
    thread::sleep(Duration::from_secs(1));
    assert_eq!(bob.state().feature_name((&layer, "AAAAA")), Some("before"));
    bob.online();
    bob.wait_connected(Duration::from_secs(40));
    sees(&bob, "bob asked alice", |s| s.feature_name((&layer, "AAAAA")) == Some("meanwhile"));
}

#[test]
fn a_silent_cable_between_a_browser_and_the_server_holds_everything_back() {
    let server = UmapServer::shared();
    let map = TestMap::create(&server, &MapSpec::new("Cable"));
    let layer = map.add_layer("Huts", &[marker("AAAAA", "before", 8.54, 47.37)]);
    let proxy = Proxy::to(server.address());
    let browser = Browser::launch();
    let alice = browser.signed_in(&server, "alice");
    let bob = browser.signed_in_at(&proxy.url(), &server, "bob");
    alice.open(&map);
    bob.open_url(&map.url_at(&proxy.url()), true);
    sees(&alice, "both are there", |s| s.peers.len() == 2);

    proxy.silence(Direction::Both);
    alice.rename((&layer, "AAAAA"), "unheard");
    thread::sleep(Duration::from_secs(1));
    let state = bob.state();
    assert!(state.connected, "nobody told bob");
    assert_eq!(state.feature_name((&layer, "AAAAA")), Some("before"));
    proxy.pass();
    sees(&bob, "what was held back arrives", |s| s.feature_name((&layer, "AAAAA")) == Some("unheard"));

    proxy.cut();
    sees(&bob, "a cut is noticed", |s| !s.connected);
    bob.wait_connected(Duration::from_secs(40));
    assert!(proxy.counts().connections > 2);
}

#[test]
fn a_restarted_redis_leaves_browsers_deaf_and_a_restarted_server_does_not() {
    let server = UmapServer::own("redis");
    let map = TestMap::create(&server, &MapSpec::new("Redis"));
    let layer = map.add_layer("Huts", &[marker("AAAAA", "before", 8.54, 47.37)]);
    let first = (layer.as_str(), "AAAAA");
    let browser = Browser::launch();
    let alice = browser.signed_in(&server, "alice");
    let bob = browser.signed_in(&server, "bob");
    alice.open(&map);
    bob.open(&map);
    sees(&alice, "both are there", |s| s.peers.len() == 2);

    server.restart_redis();
    alice.rename(first, "not heard");
    thread::sleep(Duration::from_secs(2));
    let state = bob.state();
    assert!(state.connected, "the socket stays open");
    assert_eq!(state.feature_name(first), Some("before"), "and deaf");

    server.stop_web();
    sees(&bob, "a stopped server is noticed", |s| !s.connected);
    server.start_web();
    alice.wait_connected(Duration::from_secs(60));
    bob.wait_connected(Duration::from_secs(60));
    alice.rename(first, "heard again");
    sees(&bob, "the room works again", |s| s.feature_name(first) == Some("heard again"));
}

#[test]
fn the_proxy_passes_holds_delays_cuts_refuses_and_counts() {
    let echo = TcpListener::bind("127.0.0.1:0").unwrap();
    let target = echo.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for stream in echo.incoming().map_while(Result::ok) {
            thread::spawn(move || {
                let (mut from, mut to) = (stream.try_clone().unwrap(), stream);
                std::io::copy(&mut from, &mut to)
            });
        }
    });
    let proxy = Proxy::to(&target);
    let mut client = TcpStream::connect(proxy.address()).unwrap();
    client.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let mut four = [0; 4];
    let mut says = |client: &mut TcpStream| client.read_exact(&mut four).map(|()| four);

    client.write_all(b"pass").unwrap();
    assert_eq!(&says(&mut client).unwrap(), b"pass");
    for direction in [Direction::Up, Direction::Down, Direction::Both] {
        proxy.silence(direction);
        client.write_all(b"hold").unwrap();
        client.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
        assert!(says(&mut client).is_err(), "{direction:?} lets something through");
        proxy.pass();
        client.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        assert_eq!(&says(&mut client).unwrap(), b"hold");
    }
    proxy.delay(Duration::from_millis(200));
    let start = Instant::now();
    client.write_all(b"slow").unwrap();
    assert_eq!(&says(&mut client).unwrap(), b"slow");
    assert!(start.elapsed() >= Duration::from_millis(400));
    proxy.pass();
    let counts = proxy.counts();
    assert_eq!((counts.connections, counts.open, counts.up, counts.down), (1, 1, 20, 20));

    proxy.cut();
    assert_eq!(says(&mut client).unwrap_err().kind(), std::io::ErrorKind::ConnectionReset);
    assert_eq!(proxy.counts().open, 0);
    proxy.refuse();
    let mut refused = TcpStream::connect(proxy.address()).unwrap();
    let _ = refused.write_all(b"none");
    assert!(says(&mut refused).is_err());
}

#[test]
fn waiting_fails_with_what_was_seen_last() {
    let outcome = panic::catch_unwind(|| {
        let mut looks = 0;
        wait_until("the third look", Duration::from_millis(120), || {
            looks += 1;
            Err::<(), _>(format!("look {}", looks.min(2)))
        });
    });
    let message = *outcome.unwrap_err().downcast::<String>().unwrap();
    assert!(message.contains("the third look") && message.contains("look 2"), "{message}");
}

#[test]
fn a_wrong_password_is_no_sign_in() {
    let server = UmapServer::shared();
    let outcome = panic::catch_unwind(|| Visitor::signed_in(&server, "nobody"));
    assert!(outcome.is_err());
    let visitor = Visitor::signed_in(&server, "carol");
    assert_eq!(visitor.get("/en/whoami").json()["user"]["name"], "carol");
}
