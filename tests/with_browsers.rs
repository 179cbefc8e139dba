//! Unmodified uMap browsers in the room: both sides' work survives, and all show the same.

mod laptop;

use std::time::Duration;

use laptop::{Laptop, add, add_layer, delete, rename};
use serde_json::{Value, json};
use support::{Browser, MapSpec, TestMap, UmapServer, WebPeer, marker, wait_until};

struct Scene {
    server: UmapServer,
    map: TestMap,
    layer: String,
    browser: Browser,
}

fn scene() -> Scene {
    let server = UmapServer::shared();
    let map = TestMap::create(&server, &MapSpec::new("with browsers"));
    let layer = map.add_layer("One", &[marker("aaaa1", "A1", 7.7, 48.6), marker("aaaa2", "A2", 7.72, 48.6)]);
    Scene { server, map, layer, browser: Browser::launch() }
}

impl Scene {
    fn web_peer(&self, user: &str) -> WebPeer {
        let peer = self.browser.signed_in(&self.server, user);
        peer.open(&self.map);
        peer.wait_connected(Duration::from_secs(30));
        peer
    }

    fn saved(&self, layer: &str) -> Vec<(String, Value)> {
        sorted(self.map.layer(layer).json["features"].as_array().unwrap().clone())
    }

    fn assert_equal(&self, layers: &[&str], laptop: &Laptop, browsers: &[&WebPeer]) {
        for layer in layers {
            let saved = self.saved(layer);
            let here: Vec<Value> = laptop::features(&laptop.store(), layer)
                .iter()
                .map(|f| serde_json::from_str(&f.text).unwrap())
                .collect();
            assert_same(&format!("layer {layer}: server and laptop"), &saved, &sorted(here));
            for browser in browsers {
                let state = browser.state();
                let shown = state.layer(layer).features.clone();
                assert_same(&format!("layer {layer}: server and browser"), &saved, &sorted(shown));
            }
        }
    }
}

/// By id; without what a browser leaves out or puts in when it shows a feature.
fn sorted(features: Vec<Value>) -> Vec<(String, Value)> {
    let mut features: Vec<(String, Value)> = features
        .into_iter()
        .map(|mut f| {
            if let Some(properties) = f["properties"].as_object_mut()
                && properties.get("_umap_options").is_some_and(|o| o.as_object().is_some_and(|o| o.is_empty()))
            {
                properties.remove("_umap_options");
            }
            (f["id"].as_str().unwrap_or_default().to_owned(), json!([f["geometry"], f["properties"]]))
        })
        .collect();
    features.sort_by(|a, b| a.0.cmp(&b.0));
    features
}

#[track_caller]
fn assert_same(what: &str, a: &[(String, Value)], b: &[(String, Value)]) {
    let ids = |list: &[(String, Value)]| list.iter().map(|(id, _)| id.clone()).collect::<Vec<_>>();
    assert_eq!(ids(a), ids(b), "{what}");
    for ((id, a), (_, b)) in a.iter().zip(b) {
        assert!(bivouac_journal::json::same(a, b), "{what}, feature {id}:\n{a}\n{b}");
    }
}

#[test]
fn a_browser_that_holds_unsaved_edits_and_a_laptop_that_comes_back_both_keep_theirs() {
    let scene = scene();
    let layer = &scene.layer;
    let laptop = Laptop::offline(&scene.server, &scene.map, "alice");
    let browser = scene.web_peer("bob");
    browser.rename((layer, "aaaa2"), "A2 by the browser");
    let by_browser = browser.add(layer, &marker("brow1", "by the browser", 7.6, 48.5));
    let mut store = laptop.store();
    rename(&mut store, (layer, "aaaa1"), "A1 by the laptop");
    add(&mut store, (layer, "lapt1"), "by the laptop", 7.61, 48.51);
    drop(store);

    let summary = laptop.sync().unwrap();
    assert!(summary.verified && summary.received > 0, "{summary:?}");
    wait_until("the browser shows the laptop's edits", Duration::from_secs(5), || {
        let state = browser.state();
        let names =
            (state.feature_name((layer, "aaaa1")).map(str::to_owned), state.feature((layer, "lapt1")).is_some());
        if names == (Some("A1 by the laptop".to_owned()), true) { Ok(()) } else { Err(names) }
    });
    let report = browser.save();
    assert!(!report.conflict, "{report:?}");
    laptop.sync().unwrap();
    browser.reload(true);
    scene.assert_equal(&[layer], &laptop, &[&browser]);
    let saved = scene.saved(layer);
    let name = |id: &str| saved.iter().find(|(found, _)| found == id).map(|(_, f)| f[1]["name"].clone());
    assert_eq!(name("aaaa1"), Some(json!("A1 by the laptop")));
    assert_eq!(name("aaaa2"), Some(json!("A2 by the browser")));
    assert_eq!(name(&by_browser), Some(json!("by the browser")));
    assert_eq!(name("lapt1"), Some(json!("by the laptop")));
}

#[test]
fn two_laptops_come_back_into_a_room_with_a_browser_in_either_order() {
    for first_comes_back_first in [true, false] {
        let scene = scene();
        let layer = scene.layer.as_str();
        let (alice, bob) =
            (Laptop::offline(&scene.server, &scene.map, "alice"), Laptop::offline(&scene.server, &scene.map, "bob"));
        let browser = scene.web_peer("carol");
        let fresh = uuid::Uuid::new_v4().to_string();
        let mut store = alice.store();
        rename(&mut store, (layer, "aaaa1"), "A1 by alice");
        add(&mut store, (layer, "alic1"), "alice's", 7.1, 48.1);
        add_layer(&mut store, &fresh, "Alice's layer");
        add(&mut store, (&fresh, "fresh"), "in it", 7.15, 48.15);
        drop(store);
        let mut store = bob.store();
        rename(&mut store, (layer, "aaaa1"), "A1 by bob");
        delete(&mut store, (layer, "aaaa2"));
        add(&mut store, (layer, "bobs1"), "bob's", 7.2, 48.2);
        drop(store);
        browser.set((layer, "aaaa1"), "properties.description", Some(json!("by the browser")));
        let order = if first_comes_back_first { [&alice, &bob] } else { [&bob, &alice] };
        for laptop in order {
            assert!(laptop.sync().unwrap().verified);
        }
        let report = browser.save();
        assert!(!report.conflict, "{report:?}");
        for laptop in [&alice, &bob, &alice] {
            laptop.sync().unwrap();
        }
        browser.reload(true);
        scene.assert_equal(&[layer, &fresh], &alice, &[&browser]);
        assert_eq!(alice.store().state_hash().unwrap(), bob.store().state_hash().unwrap());
        let saved = scene.saved(layer);
        let first = &saved.iter().find(|(id, _)| id == "aaaa1").unwrap().1[1];
        assert_eq!(first["description"], json!("by the browser"));
        assert!(first["name"] == json!("A1 by alice") || first["name"] == json!("A1 by bob"));
        let conflicts: Vec<_> = [&alice, &bob].iter().flat_map(|l| l.store().conflicts().unwrap()).collect();
        assert!(!conflicts.is_empty(), "the name that lost is shown");
        let ids: Vec<_> = saved.iter().map(|(id, _)| id.as_str()).collect();
        assert_eq!(ids, ["aaaa1", "alic1", "bobs1"]);
    }
}

#[test]
fn two_browsers_that_rename_one_feature_at_once_agree_while_a_laptop_is_in_the_room() {
    let scene = scene();
    let layer = scene.layer.clone();
    let laptop = Laptop::offline(&scene.server, &scene.map, "alice");
    let watch = laptop.watch();
    watch.wait_for("the laptop is live", 30, |e| {
        matches!(e, bivouac_app::driver::Event::Session(bivouac_journal::session::Event::CaughtUp))
    });
    let (one, two) = (scene.web_peer("bob"), scene.web_peer("carol"));
    for trial in 0..5 {
        let names = [format!("one {trial}"), format!("two {trial}")];
        std::thread::scope(|scope| {
            for (peer, name) in [&one, &two].into_iter().zip(&names) {
                let layer = &layer;
                scope.spawn(move || peer.rename((layer, "aaaa1"), name));
            }
        });
        let agreed = wait_until("both browsers show one of the names", Duration::from_secs(5), || {
            let shown = [&one, &two].map(|peer| peer.state().feature_name((&layer, "aaaa1")).map(str::to_owned));
            let [a, b] = shown.clone();
            match (a, b) {
                (Some(a), Some(b)) if a == b && names.contains(&a) => Ok(a),
                _ => Err(shown),
            }
        });
        std::thread::sleep(Duration::from_millis(2500));
        let settled = [&one, &two].map(|peer| peer.state().feature_name((&layer, "aaaa1")).map(str::to_owned));
        assert_eq!(settled[0], settled[1], "they agreed on {agreed} and stay agreed");
        let here = watch.look({
            let layer = layer.clone();
            move |store| laptop::features(store, &layer).into_iter().find(|f| f.id.as_str() == "aaaa1").map(|f| f.text)
        });
        let here: Value = serde_json::from_str(&here.unwrap()).unwrap();
        assert_eq!(here["properties"]["name"].as_str(), settled[0].as_deref());
    }
    watch.leave().unwrap();
}

#[test]
fn edits_go_both_ways_while_a_laptop_watches() {
    let scene = scene();
    let layer = scene.layer.clone();
    let laptop = Laptop::offline(&scene.server, &scene.map, "alice");
    let browser = scene.web_peer("bob");
    let watch = laptop.watch();
    watch.wait_for("the laptop is live", 30, |e| {
        matches!(e, bivouac_app::driver::Event::Session(bivouac_journal::session::Event::CaughtUp))
    });
    let fresh = uuid::Uuid::new_v4().to_string();
    watch.edit({
        let (layer, fresh) = (layer.clone(), fresh.clone());
        move |store| {
            rename(store, (&layer, "aaaa1"), "from the laptop");
            delete(store, (&layer, "aaaa2"));
            add_layer(store, &fresh, "Fresh");
            add(store, (&fresh, "fresh"), "in fresh", 7.3, 48.3);
        }
    });
    wait_until("the browser shows it", Duration::from_secs(5), || {
        let state = browser.state();
        let has_layer = state.layers.iter().any(|l| l.id == fresh);
        let seen = (
            state.feature_name((&layer, "aaaa1")) == Some("from the laptop"),
            state.feature((&layer, "aaaa2")).is_none(),
            has_layer && state.feature((&fresh, "fresh")).is_some(),
        );
        if seen == (true, true, true) { Ok(()) } else { Err((seen, state.errors)) }
    });
    browser.rename((&layer, "aaaa1"), "from the browser");
    wait_until("the laptop shows the browser's edit", Duration::from_secs(5), || {
        let layer = layer.clone();
        let texts =
            watch.look(move |store| laptop::features(store, &layer).into_iter().map(|f| f.text).collect::<Vec<_>>());
        if texts.iter().any(|t| t.contains("from the browser")) { Ok(()) } else { Err(texts) }
    });
    watch.wait_for("what the laptop did is verified", 40, |e| matches!(e, bivouac_app::driver::Event::Verified));
    watch.leave().unwrap();
    let report = browser.save();
    assert!(!report.conflict, "{report:?}");
    laptop.sync().unwrap();
    browser.reload(true);
    scene.assert_equal(&[&layer, &fresh], &laptop, &[&browser]);
}

/// Thirty times, on several maps beside each other: each round waits for the second reading of its save (rule 19),
/// which costs nobody anything.
const MAPS: usize = 3;

fn rounds() -> usize {
    std::env::var("ROUNDS").map_or(30, |n| n.parse().unwrap()) / MAPS
}

#[test]
fn a_laptop_and_a_browser_without_real_time_save_at_once_thirty_times_and_lose_nothing() {
    let (server, browser) = (UmapServer::shared(), Browser::launch());
    std::thread::scope(|scope| {
        for _ in 0..MAPS {
            scope.spawn(|| a_laptop_and_a_browser_save_at_once(&server, &browser));
        }
    });
}

fn a_laptop_and_a_browser_save_at_once(server: &UmapServer, browser: &Browser) {
    let map = TestMap::create(server, &MapSpec::new("plain").without_real_time());
    let layer = map.add_layer("One", &[marker("aaaa1", "A1", 7.7, 48.6)]);
    let laptop = Laptop::offline(server, &map, "alice");
    let page = browser.signed_in(server, "bob");
    page.open_without_room(&map);
    let mut expected = Vec::new();
    for round in 0..rounds() {
        let mine = format!("lap{round:02}");
        let theirs = page.add(&layer, &marker(&format!("bro{round:02}"), "browser", 7.5, 48.5));
        add(&mut laptop.store(), (&layer, &mine), "laptop", 7.4, 48.4);
        expected.extend([mine, theirs]);
        std::thread::scope(|scope| {
            let saving = scope.spawn(|| page.save());
            laptop.sync().unwrap();
            let report = saving.join().unwrap();
            assert!(!report.conflict, "round {round}: {report:?}");
        });
        // The browser does not hear of the laptop's save: as its user would, it loads anew.
        page.reload(false);
    }
    laptop.sync().unwrap();
    assert_all_there(&map, &layer, &expected, &[&laptop]);
}

#[test]
fn two_laptops_save_at_once_thirty_times_and_lose_nothing() {
    let server = UmapServer::shared();
    std::thread::scope(|scope| {
        for _ in 0..MAPS {
            scope.spawn(|| two_laptops_save_at_once(&server));
        }
    });
}

fn two_laptops_save_at_once(server: &UmapServer) {
    let map = TestMap::create(server, &MapSpec::new("at once"));
    let layer = map.add_layer("One", &[marker("aaaa1", "A1", 7.7, 48.6)]);
    let laptops = [Laptop::offline(server, &map, "alice"), Laptop::offline(server, &map, "bob")];
    let mut expected = Vec::new();
    for round in 0..rounds() {
        for (name, laptop) in ["a", "b"].iter().zip(&laptops) {
            let id = format!("{name}{round:04}");
            add(&mut laptop.store(), (&layer, &id), "added", 7.4, 48.4);
            expected.push(id);
        }
        std::thread::scope(|scope| {
            for laptop in &laptops {
                scope.spawn(|| assert!(laptop.sync().unwrap().verified));
            }
        });
    }
    for laptop in &laptops {
        laptop.sync().unwrap();
    }
    assert_all_there(&map, &layer, &expected, &[&laptops[0], &laptops[1]]);
    let hashes: Vec<_> = laptops.iter().map(|l| l.store().state_hash().unwrap()).collect();
    assert_eq!(hashes[0], hashes[1]);
}

/// Each addition is in the server's file, once.
fn assert_all_there(map: &TestMap, layer: &str, expected: &[String], laptops: &[&Laptop]) {
    let saved = sorted(map.layer(layer).json["features"].as_array().unwrap().clone());
    let ids: Vec<String> = saved.into_iter().map(|(id, _)| id).collect();
    let lost: Vec<_> = expected.iter().filter(|id| !ids.contains(id)).collect();
    for id in &lost {
        for laptop in laptops {
            for row in laptop.store().begin().unwrap().rows_of(&laptop::feature((layer, id))).unwrap() {
                eprintln!("{} {:?}", laptop.user, row);
            }
        }
    }
    assert!(lost.is_empty(), "lost: {lost:?}");
    assert_eq!(ids.len(), expected.len() + 1, "nothing is doubled: {ids:?}");
}
