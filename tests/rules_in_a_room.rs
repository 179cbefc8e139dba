//! One rule at a time: the real driver over a real store, in the simulation's room and beside its
//! server, with a peer whose every message the test writes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr, dead_code)]
#![allow(clippy::cmp_owned, clippy::map_entry, clippy::type_complexity)]

mod sim;

use std::cell::RefCell;
use std::rc::Rc;

use bivouac_app::driver::{Command, Driver, Event, Stay, Summary};
use bivouac_app::events::describe;
use bivouac_journal::ids::{FeatureId, LayerId, Object};
use bivouac_journal::path::Path;
use bivouac_store::{ConflictKind, NewMap, Store};
use serde_json::{Value, json};
use sim::edits::{marker, update};
use sim::http::{Http, Post};
use sim::link::{Laptop, Link, SkewedClock};
use sim::page::{feature_metadata, operation};
use sim::random::Rng;
use sim::relay::{Relay, Socket};
use sim::world::World;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

const LAYER: &str = "00000000-0000-4000-8000-000000000001";

struct Place {
    world: Rc<World>,
    http: Rc<Http>,
    relay: Rc<Relay>,
}

/// A stay of a laptop, and what it told.
struct Laptops {
    store: Rc<RefCell<Store>>,
    link: Rc<Link>,
    told: Rc<RefCell<Vec<Event>>>,
    commands: mpsc::UnboundedSender<Command>,
    run: JoinHandle<Result<Summary, String>>,
}

/// A peer that says what the test wants, and hears everything.
struct Peer {
    name: String,
    socket: Rc<Socket>,
    heard: Rc<RefCell<Vec<Value>>>,
}

fn point() -> Value {
    json!({"type": "Point", "coordinates": [7.5, 48.5]})
}

fn layer() -> LayerId {
    LayerId::parse(LAYER).unwrap()
}

fn named(id: &str) -> Object {
    Object::Feature(layer(), FeatureId::parse(id).unwrap())
}

impl Place {
    /// One layer with these features.
    fn new(features: &[Value]) -> Self {
        let world = Rc::new(World::new(std::env::var_os("BIVOUAC_SIM_LIVE").is_some()));
        let place =
            Self { http: Http::new(world.clone(), Rng::new(1)), relay: Relay::new(world.clone(), Rng::new(2)), world };
        let body = json!({"type": "FeatureCollection", "features": features});
        let settings = json!({"name": "L1"}).as_object().unwrap().clone();
        let post = Post {
            id: LAYER.to_owned(),
            name: "L1".to_owned(),
            rank: 1,
            parent: None,
            settings,
            body: body.to_string(),
        };
        place.http.create("furnish", post).unwrap();
        place
    }

    fn link(&self, name: &str) -> Rc<Link> {
        Link::new(name, &self.world, &self.http, &self.relay, Rng::new(3))
    }

    fn store(&self) -> Rc<RefCell<Store>> {
        let new = NewMap {
            uuid: "00000000-0000-4000-9000-000000000001".to_owned(),
            name: "map".to_owned(),
            server: Some("https://umap.example".to_owned()),
            server_map_id: Some(7),
            slug: None,
            account: None,
            clock_id: "mecla".to_owned(),
            created_at: self.world.now(),
        };
        Rc::new(RefCell::new(Store::in_memory(&new).unwrap()))
    }

    fn stay(&self, store: &Rc<RefCell<Store>>, stay: Stay, skew_ms: i64) -> Laptops {
        let link = self.link("laptop");
        let (events, mut coming) = mpsc::unbounded_channel();
        let told = Rc::new(RefCell::new(Vec::new()));
        let (commands, for_driver) = mpsc::unbounded_channel();
        let clock = Rc::new(SkewedClock { world: self.world.clone(), skew_ms });
        let driver = Driver::new(store.clone(), Rc::new(Laptop(link.clone())), clock, stay, 7, None, events);
        let keep = told.clone();
        tokio::task::spawn_local(async move {
            while let Some(event) = coming.recv().await {
                keep.borrow_mut().push(event);
            }
        });
        let run = tokio::task::spawn_local(async move { driver.run(for_driver).await.map_err(|e| format!("{e:?}")) });
        Laptops { store: store.clone(), link, told, commands, run }
    }

    async fn peer(&self, name: &str) -> Peer {
        let link = self.link(name);
        let socket = link.dial().await.unwrap();
        socket.send(&json!({"kind": "JoinRequest", "token": "token", "peer": name}).to_string()).unwrap();
        let heard = Rc::new(RefCell::new(Vec::new()));
        let (keep, ears) = (heard.clone(), socket.clone());
        tokio::task::spawn_local(async move {
            while let Ok(text) = ears.receive().await {
                if let Ok(message) = serde_json::from_str::<Value>(&text) {
                    keep.borrow_mut().push(message);
                }
            }
        });
        self.world.sleep(200).await;
        Peer { name: name.to_owned(), socket, heard }
    }

    fn server_features(&self) -> Vec<Value> {
        let (body, _) = self.http.read_layer(LAYER).unwrap();
        sim::http::features(&body)
    }
}

impl Laptops {
    fn told(&self, wanted: impl Fn(&Event) -> bool) -> bool {
        self.told.borrow().iter().any(wanted)
    }

    fn rename(&self, id: &str, name: &str, world: &World) {
        let draft = update(named(id), Path::property("name"), Some(&json!(name)));
        self.store.borrow_mut().commit_local("rename", vec![draft], world.now()).unwrap();
        let _ = self.commands.send(Command::Edited);
    }

    fn name_of(&self, id: &str) -> Option<String> {
        let state = self.store.borrow().state(&named(id)).unwrap();
        state.winner(&Path::property("name")).and_then(|register| register.value.clone()?.as_text())
    }
}

impl Peer {
    fn say(&self, mut message: Value, wall: u64, dirty: bool) {
        message["hlc"] = json!(format!("{wall}:0:theyc"));
        message["dirty"] = json!(dirty);
        let mut envelope = json!({"sender": self.name});
        for (name, value) in message.as_object().unwrap() {
            envelope[name] = value.clone();
        }
        envelope["kind"] = json!("OperationMessage");
        self.socket.send(&envelope.to_string()).unwrap();
    }

    fn rename(&self, id: &str, name: &str, wall: u64) {
        let value = marker(id, &point(), "x");
        let metadata = feature_metadata(LAYER, id, &value);
        self.say(operation("update", "feature", metadata, Some("properties.name"), Some(json!(name))), wall, true);
    }

    fn answer(&self, to: &str, operations: &[Value], part: Option<(u32, u32)>) {
        let mut message = json!({"operations": operations, "verb": "ListOperationsResponse"});
        if let Some((part, of)) = part {
            message["x"] = json!({"part": part, "of": of});
        }
        let text = json!({"sender": self.name, "recipient": to, "message": message, "kind": "PeerMessage"});
        self.socket.send(&text.to_string()).unwrap();
    }

    /// Who asked for our operations.
    fn asked_by(&self) -> Option<String> {
        let heard = self.heard.borrow();
        let question = heard.iter().find(|m| m["message"]["verb"] == "ListOperationsRequest")?;
        Some(question["sender"].as_str()?.to_owned())
    }

    fn heard(&self, wanted: impl Fn(&Value) -> bool) -> usize {
        self.heard.borrow().iter().filter(|message| wanted(message)).count()
    }
}

fn listed(id: &str, name: &str, wall: u64, dirty: bool) -> Value {
    let value = marker(id, &point(), "x");
    let mut message =
        operation("update", "feature", feature_metadata(LAYER, id, &value), Some("properties.name"), Some(json!(name)));
    message["hlc"] = json!(format!("{wall}:0:theyc"));
    message["dirty"] = json!(dirty);
    message
}

fn play<F: Future<Output = ()>>(scene: impl FnOnce() -> F) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, async move { scene().await });
}

#[test]
fn rule_3_a_laptop_whose_clock_is_wrong_is_told_so_and_one_whose_clock_is_right_is_not() {
    for (skew_ms, warned) in [(0, false), (119_000, false), (130_000, true), (-130_000, true)] {
        play(|| async move {
            let place = Place::new(&[marker("aaa11", &point(), "a")]);
            let laptop = place.stay(&place.store(), Stay::Watch, skew_ms);
            place.world.sleep(5_000).await;
            let said = laptop.told(|event| matches!(event, Event::ClockSkew { ms } if (ms - skew_ms).abs() < 1_000));
            assert_eq!(said, warned, "{skew_ms} ms ahead");
        });
    }
}

#[test]
fn rule_21_a_saved_message_is_not_believed_and_ours_is_sent_only_when_nothing_is_unsaved() {
    play(|| async {
        let place = Place::new(&[marker("aaa11", &point(), "a"), marker("aaa12", &point(), "b")]);
        let laptop = place.stay(&place.store(), Stay::Watch, 0);
        place.world.sleep(5_000).await;
        let peer = place.peer("They1").await;
        place.world.sleep(15_000).await;
        peer.rename("aaa11", "theirs", place.world.now());
        place.world.sleep(100).await;
        // It says that all is saved, and nothing is.
        let last = format!("{}:0:theyc", place.world.now());
        peer.socket
            .send(&json!({"sender": "They1", "lastKnownHLC": last, "kind": "SavedMessage"}).to_string())
            .unwrap();
        place.world.sleep(2_000).await;
        assert_eq!(laptop.store.borrow().counts().unwrap().foreign_unsaved, 1, "a SavedMessage saves nothing");
        let by_us = |message: &Value| {
            let from_us = message["kind"] == "SavedMessage" && message["sender"] != "They1";
            from_us && message["lastKnownHLC"] != "0:0:0"
        };
        assert_eq!(peer.heard(by_us), 0);
        // Our save holds ours and theirs: then nothing is unsaved any more.
        laptop.rename("aaa12", "ours", &place.world);
        place.world.sleep(30_000).await;
        assert!(laptop.told(|event| *event == Event::Verified));
        assert_eq!(peer.heard(by_us), 1);
        let names: Vec<Value> = place.server_features().iter().map(|f| f["properties"]["name"].clone()).collect();
        assert_eq!(names, [json!("theirs"), json!("ours")]);
    });
}

#[test]
fn rule_21_no_saved_message_while_something_is_unsaved_that_is_in_no_save_of_ours() {
    play(|| async {
        let place = Place::new(&[marker("aaa11", &point(), "a")]);
        let laptop = place.stay(&place.store(), Stay::Watch, 0);
        let peer = place.peer("They1").await;
        place.world.sleep(20_000).await;
        // A setting of the map: its writer is here and saves it, or not.
        peer.say(
            operation("update", "map", Value::Null, Some("properties.description"), Some(json!("theirs"))),
            place.world.now(),
            true,
        );
        laptop.rename("aaa11", "ours", &place.world);
        place.world.sleep(30_000).await;
        assert!(laptop.told(|event| *event == Event::Verified));
        assert_eq!(peer.heard(|m| m["kind"] == "SavedMessage" && m["lastKnownHLC"] != "0:0:0"), 0);
    });
}

#[test]
fn rule_11_who_is_not_listed_is_known_by_what_it_sends_and_we_announce_ourselves_harmlessly() {
    play(|| async {
        let place = Place::new(&[marker("aaa11", &point(), "a")]);
        let peer = place.peer("They1").await;
        let laptop = place.stay(&place.store(), Stay::Watch, 0);
        place.world.sleep(20_000).await;
        // Ghost1 never joined, as far as any list says; its operation comes all the same.
        let value = marker("aaa11", &point(), "x");
        let mut message = operation(
            "update",
            "feature",
            feature_metadata(LAYER, "aaa11", &value),
            Some("properties.name"),
            Some(json!("g")),
        );
        message["sender"] = json!("Ghost");
        message["hlc"] = json!(format!("{}:0:ghost", place.world.now()));
        message["kind"] = json!("OperationMessage");
        peer.socket.send(&message.to_string()).unwrap();
        place.world.sleep(1_000).await;
        use bivouac_journal::session::Event as Room;
        assert!(
            laptop.told(|event| matches!(event, Event::Session(Room::PeerJoined(peer, _)) if peer.as_str() == "Ghost"))
        );
        let announced = peer.heard(|m| m["kind"] == "SavedMessage" && m["lastKnownHLC"] == "0:0:0");
        assert!(announced > 0, "we announce ourselves");
        assert_eq!(peer.heard(|m| m["kind"] == "SavedMessage" && m["lastKnownHLC"] == ""), 0);
    });
}

#[test]
fn rule_39_who_switches_real_time_off_is_told_and_the_room_is_not_left() {
    play(|| async {
        let place = Place::new(&[marker("aaa11", &point(), "a")]);
        let laptop = place.stay(&place.store(), Stay::Watch, 0);
        let peer = place.peer("They1").await;
        place.world.sleep(20_000).await;
        peer.say(
            operation("update", "map", Value::Null, Some("properties.syncEnabled"), Some(json!(false))),
            place.world.now(),
            true,
        );
        place.world.sleep(3_000).await;
        assert!(laptop.told(|event| matches!(event, Event::RealTimeOff { by: Some(by) } if by.as_str() == "They1")));
        assert!(laptop.told.borrow().iter().any(|event| describe(event)["event"] == "real_time_off"));
        use bivouac_journal::session::Event as Room;
        assert!(!laptop.told(|event| matches!(event, Event::Session(Room::Disconnected(_)))), "the room was left");
        peer.rename("aaa11", "still heard", place.world.now());
        place.world.sleep(1_000).await;
        assert_eq!(laptop.name_of("aaa11").as_deref(), Some("still heard"));
        drop(laptop);
    });
}

#[test]
fn rule_27_what_a_peer_leaves_unsaved_is_told_kept_and_saved() {
    play(|| async {
        let place = Place::new(&[marker("aaa11", &point(), "a")]);
        let laptop = place.stay(&place.store(), Stay::Watch, 0);
        let peer = place.peer("They1").await;
        place.world.sleep(20_000).await;
        peer.rename("aaa11", "unsaved", place.world.now());
        place.world.sleep(10_000).await;
        assert_eq!(place.server_features()[0]["properties"]["name"], "a", "it is here and may save itself");
        peer.socket.reset();
        drop(peer);
        place.world.sleep(60_000).await;
        let left = |event: &Event| matches!(event, Event::LeftUnsaved { peer, count: 1 } if peer.as_str() == "They1");
        assert!(laptop.told(left), "{:?}", laptop.told.borrow());
        assert_eq!(place.server_features()[0]["properties"]["name"], "unsaved");
    });
}

#[test]
fn rule_22_a_hidden_layer_is_on_the_laptop_like_any_other() {
    play(|| async {
        let place = Place::new(&[marker("aaa11", &point(), "a")]);
        let hidden = "00000000-0000-4000-8000-000000000002";
        let settings = json!({"name": "Hidden", "displayOnLoad": false}).as_object().unwrap().clone();
        let features = [marker("bbb11", &point(), "unseen"), marker("bbb12", &point(), "unseen too")];
        let body = json!({"type": "FeatureCollection", "features": features}).to_string();
        let post = Post { id: hidden.to_owned(), name: "Hidden".to_owned(), rank: 2, parent: None, settings, body };
        place.http.create("furnish", post).unwrap();
        let store = place.store();
        place.stay(&store, Stay::Once, 0).run.await.unwrap().unwrap();
        let object = Object::Feature(LayerId::parse(hidden).unwrap(), FeatureId::parse("bbb12").unwrap());
        let draft = update(object, Path::property("name"), Some(&json!("seen")));
        store.borrow_mut().commit_local("rename", vec![draft], place.world.now()).unwrap();
        place.stay(&store, Stay::Once, 0).run.await.unwrap().unwrap();
        let (body, _) = place.http.read_layer(hidden).unwrap();
        let names: Vec<Value> = sim::http::features(&body).iter().map(|f| f["properties"]["name"].clone()).collect();
        assert_eq!(names, [json!("unseen"), json!("seen")], "saved from what is here, which is all of it");
    });
}

#[test]
fn rule_37_without_the_right_nothing_is_posted_the_map_is_read_only_and_edits_stay() {
    play(|| async {
        let place = Place::new(&[marker("aaa11", &point(), "a")]);
        let store = place.store();
        let laptop = place.stay(&store, Stay::Watch, 0);
        place.world.sleep(5_000).await;
        assert!(!store.borrow().map().unwrap().read_only);
        place.http.read_only.set(true);
        laptop.rename("aaa11", "mine", &place.world);
        place.world.sleep(10_000).await;
        use bivouac_app::server::Failure;
        let refused = |event: &Event| {
            matches!(event, Event::NotSaved { failure: Failure::Refused(_), .. } | Event::Failed(Failure::Refused(_)))
        };
        assert!(laptop.told(refused), "{:?}", laptop.told.borrow());
        assert_eq!(place.http.refused.get(), 0, "rights are looked at before each save");
        assert!(store.borrow().map().unwrap().read_only);
        assert_eq!(store.borrow().counts().unwrap().unverified(), 1, "the edit stays");
        assert_eq!(laptop.name_of("aaa11").as_deref(), Some("mine"));
        // The right comes back.
        place.http.read_only.set(false);
        let _ = laptop.commands.send(Command::Leave);
        laptop.run.await.unwrap().unwrap();
        let summary = place.stay(&store, Stay::Once, 0).run.await.unwrap().unwrap();
        assert!(summary.verified && !store.borrow().map().unwrap().read_only);
        assert_eq!(place.server_features()[0]["properties"]["name"], "mine");
    });
}

#[test]
fn rule_10_an_answer_in_parts_is_taken_part_by_part_and_ends_with_the_last() {
    play(|| async {
        let place = Place::new(&[marker("aaa11", &point(), "a"), marker("aaa12", &point(), "b")]);
        let peer = place.peer("They1").await;
        let laptop = place.stay(&place.store(), Stay::Watch, 0);
        place.world.sleep(1_000).await;
        let me = peer.asked_by().expect("it is asked");
        let wall = place.world.now();
        peer.answer(&me, &[listed("aaa11", "one", wall, true)], Some((1, 2)));
        place.world.sleep(500).await;
        let questions = |peer: &Peer| peer.heard(|m| m["message"]["verb"] == "ListOperationsRequest");
        assert_eq!(questions(&peer), 1, "one part is not the answer");
        peer.answer(&me, &[listed("aaa12", "two", wall, true)], Some((2, 2)));
        place.world.sleep(500).await;
        assert_eq!(questions(&peer), 2, "then it is asked further back");
        place.world.sleep(20_000).await;
        assert_eq!(laptop.name_of("aaa11").as_deref(), Some("one"));
        assert_eq!(laptop.name_of("aaa12").as_deref(), Some("two"));
    });
}

#[test]
fn rule_16_a_change_that_a_log_calls_saved_and_nobody_saved_is_offered_after_the_versions_were_read() {
    for (saved, offered) in [(false, 1), (true, 0)] {
        play(|| async move {
            let place = Place::new(&[marker("aaa11", &point(), "a")]);
            place.world.sleep(60_000).await;
            let wall = place.world.now();
            place.world.sleep(1_000).await;
            let save = async |name: &str| {
                let body = json!({"type": "FeatureCollection", "features": [marker("aaa11", &point(), name)]});
                let (_, reference) = place.http.read_layer(LAYER).unwrap();
                let settings = json!({"name": "L1"}).as_object().unwrap().clone();
                let post = Post {
                    id: LAYER.to_owned(),
                    name: "L1".to_owned(),
                    rank: 1,
                    parent: None,
                    settings,
                    body: body.to_string(),
                };
                place.http.save("other", post, Some(&reference)).await.unwrap();
            };
            if saved {
                save("said to be saved").await;
                save("replaced since").await;
            }
            let peer = place.peer("They1").await;
            let laptop = place.stay(&place.store(), Stay::Watch, 0);
            place.world.sleep(1_000).await;
            let me = peer.asked_by().unwrap();
            peer.answer(&me, &[listed("aaa11", "said to be saved", wall, false)], None);
            place.world.sleep(30_000).await;
            let conflicts = laptop.store.borrow().conflicts().unwrap();
            assert_eq!(conflicts.len(), offered, "{conflicts:?}");
            assert!(conflicts.iter().all(|conflict| conflict.kind == ConflictKind::LostChange));
            assert_ne!(laptop.name_of("aaa11").as_deref(), Some("said to be saved"));
        });
    }
}

#[test]
fn rule_24_an_edit_of_a_feature_without_an_id_is_sent_after_its_layer_was_saved_and_all_is_verified() {
    for company in [true, false] {
        play(|| async move {
            let mut nameless = marker("aaa12", &point(), "without an id");
            nameless.as_object_mut().unwrap().shift_remove("id");
            let place = Place::new(&[marker("aaa11", &point(), "a"), nameless]);
            let peer = place.peer("They1").await;
            let store = place.store();
            let first = place.stay(&store, Stay::Once, 0);
            first.run.await.unwrap().unwrap();
            let features = store.borrow().features(&bivouac_store::Query { limit: 9, ..Default::default() }).unwrap();
            let derived = features.iter().map(|f| f.id.to_string()).find(|id| id != "aaa11").unwrap();
            let draft = update(named(&derived), Path::property("name"), Some(&json!("mine")));
            store.borrow_mut().commit_local("rename", vec![draft], place.world.now()).unwrap();
            if !company {
                peer.socket.reset();
            }
            let laptop = place.stay(&store, Stay::Once, 0);
            let summary = laptop.run.await.unwrap().unwrap();
            assert!(summary.verified);
            assert_eq!((store.borrow().counts().unwrap().unverified(), summary.sent), (0, 1));
            let held: Vec<Value> = place.server_features().iter().map(|f| f["id"].clone()).collect();
            assert_eq!(held, [json!("aaa11"), json!(derived)]);
            let layers = place.http.layers.borrow();
            let saved = layers[LAYER].versions.iter().find(|kept| kept.by == "laptop").unwrap().version;
            let frames = store.borrow().history(&named(&derived)).unwrap();
            let sent: Vec<u64> = frames
                .iter()
                .filter(|row| row.origin == bivouac_store::Origin::Wire)
                .filter_map(|row| Some(row.operation.stamp.hlc()?.wall))
                .collect();
            assert!(sent.len() == 1 && sent[0] > saved, "sent at {sent:?}, saved at {saved}");
            if company {
                let told = peer.heard(|m| m["metadata"]["id"] == derived.as_str());
                assert_eq!(told, 1, "the room hears of it once");
            }
        });
    }
}

#[test]
fn rule_40_a_flood_is_taken_in_at_a_thousand_a_second_and_nothing_of_it_is_lost() {
    play(|| async {
        let place = Place::new(&[marker("aaa11", &point(), "a")]);
        let laptop = place.stay(&place.store(), Stay::Watch, 0);
        let peer = place.peer("They1").await;
        place.world.sleep(20_000).await;
        let (count, wall) = (3_000_u64, place.world.now());
        for n in 0..count {
            peer.rename("aaa11", &format!("n{n}"), wall + n);
        }
        place.world.sleep(600).await;
        let received = |laptop: &Laptops| laptop.store.borrow().history(&named("aaa11")).unwrap().len();
        let early = received(&laptop);
        assert!((1..=1_100).contains(&early), "{early} in the first moment");
        place.world.sleep(10_000).await;
        assert_eq!(laptop.name_of("aaa11"), Some(format!("n{}", count - 1)));
        assert!(received(&laptop) >= 3_000);
        use bivouac_journal::session::Event as Room;
        assert!(!laptop.told(|event| matches!(event, Event::Session(Room::Disconnected(_)))), "and the room stays");
    });
}

#[test]
fn rule_40_ranks_that_browsers_throw_at_each_other_are_not_answered() {
    play(|| async {
        let place = Place::new(&[marker("aaa11", &point(), "a")]);
        let _laptop = place.stay(&place.store(), Stay::Watch, 0);
        let (one, two) = (place.peer("They1").await, place.peer("They2").await);
        place.world.sleep(20_000).await;
        let before = one.heard(|m| m["key"] == "rank");
        for n in 0..20_u64 {
            let peer = if n % 2 == 0 { &one } else { &two };
            let mut rank = operation("update", "datalayer", json!({"id": LAYER}), Some("rank"), Some(json!(n % 2)));
            rank["hlc"] = json!(format!("{}:0:cloc{}", place.world.now(), n % 2));
            rank["sender"] = json!(peer.name);
            rank["kind"] = json!("OperationMessage");
            peer.socket.send(&rank.to_string()).unwrap();
            place.world.sleep(1_000).await;
        }
        place.world.sleep(10_000).await;
        assert_eq!(one.heard(|m| m["key"] == "rank") - before, 20, "nobody added to it");
    });
}

#[test]
fn rule_40_a_page_that_writes_over_us_again_and_again_is_answered_twice_a_minute() {
    play(|| async {
        let place = Place::new(&[marker("aaa11", &point(), "a")]);
        let laptop = place.stay(&place.store(), Stay::Watch, 0);
        let peer = place.peer("They1").await;
        place.world.sleep(20_000).await;
        let added = marker("mine1", &point(), "mine");
        let draft = sim::edits::upsert(named("mine1"), &added);
        laptop.store.borrow_mut().commit_local("add", vec![draft], place.world.now()).unwrap();
        let _ = laptop.commands.send(Command::Edited);
        place.world.sleep(20_000).await;
        assert_eq!(place.server_features().len(), 2);
        let by_us = || place.http.layers.borrow()[LAYER].versions.iter().filter(|kept| kept.by == "laptop").count();
        let first = by_us();
        // Every twelve seconds a stale page saves without it and announces that.
        for _ in 0..6 {
            let (_, reference) = place.http.read_layer(LAYER).unwrap();
            let body = json!({"type": "FeatureCollection", "features": [marker("aaa11", &point(), "a")]});
            let settings = json!({"name": "L1"}).as_object().unwrap().clone();
            let post = Post {
                id: LAYER.to_owned(),
                name: "L1".to_owned(),
                rank: 1,
                parent: None,
                settings,
                body: body.to_string(),
            };
            let saved = place.http.save("stale", post, Some(&reference)).await.unwrap();
            peer.say(
                operation(
                    "update",
                    "datalayer",
                    json!({"id": LAYER}),
                    Some("referenceVersion"),
                    Some(json!(saved.version)),
                ),
                place.world.now(),
                false,
            );
            place.world.sleep(12_000).await;
        }
        let again = by_us().saturating_sub(first);
        assert!((1..=3).contains(&again), "{again} saves in 72 seconds");
        place.world.sleep(90_000).await;
        assert_eq!(place.server_features().len(), 2, "and it is there in the end");
    });
}
