//! A desk against the real server: online and offline without giving the map up, and a decision.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bivouac_app::desk::types::{ChipKind, DeskEvent, Side, SyncView, TakeOffline};
use bivouac_app::desk::{Desk, Surroundings};
use bivouac_app::edits::Edit;
use bivouac_app::secrets::Kind;
use serde_json::{Value, json};
use support::{MapSpec, Proxy, TestMap, UmapServer, marker, wait_until};

#[derive(Default)]
struct Ears(Mutex<Vec<DeskEvent>>);

impl Surroundings for Ears {
    fn now_ms(&self) -> u64 {
        u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
    }

    fn tell(&self, event: DeskEvent) {
        self.0.lock().unwrap().push(event);
    }
}

struct Person {
    desk: Desk,
    ears: Arc<Ears>,
    _folder: tempfile::TempDir,
}

impl Person {
    /// A laptop with the map open and up to date.
    fn with(map: &str, user: &str, server: &UmapServer) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ears = Arc::new(Ears::default());
        let desk = Desk::new(folder.path(), Some(Kind::Memory), ears.clone()).unwrap();
        let wanted = TakeOffline {
            address: map.to_owned(),
            user: Some(user.to_owned()),
            password: Some(server.password().to_owned()),
            ..TakeOffline::default()
        };
        let id = desk.take_offline(&wanted).unwrap();
        desk.open_map(&id).unwrap();
        let person = Self { desk, ears, _folder: folder };
        person.wait_for(ChipKind::UpToDate);
        person
    }

    fn wait_for(&self, kind: ChipKind) -> SyncView {
        wait_until(&format!("the chip {kind:?}"), Duration::from_secs(90), || {
            let view = self.desk.sync_view().unwrap();
            if view.chip.kind == kind { Ok(view) } else { Err(Box::new(view)) }
        })
    }

    fn name(&self, object: &str, name: &str) {
        let edit = Edit::Set { feature: object.to_owned(), key: "name".to_owned(), value: json!(name) };
        self.desk.edit("rename", vec![edit]).unwrap();
    }
}

#[test]
fn a_map_goes_offline_and_online_again_while_it_stays_open_and_the_server_may_be_away() {
    let server = UmapServer::shared();
    let map = TestMap::create(&server, &MapSpec::new("desk"));
    let layer = map.add_layer("Found", &[marker("aaaa1", "Well", 7.7, 48.6)]);
    let cable = Proxy::to(server.address());
    let alice = Person::with(&map.url_at(&cable.url()), "alice", &server);
    let object = format!("{layer}/aaaa1");
    alice.desk.go_offline().unwrap();
    alice.name(&object, "Dry well");
    let chip = alice.wait_for(ChipKind::Offline).chip;
    assert_eq!((chip.to_send, chip.to_save), (1, 0));
    cable.refuse();
    alice.desk.go_online().unwrap();
    alice.wait_for(ChipKind::Waiting);
    // Editing goes on while the server is away.
    alice.name(&object, "Deep well");
    assert_eq!(alice.desk.pending().unwrap().len(), 1);
    cable.pass();
    let view = alice.wait_for(ChipKind::UpToDate);
    assert_eq!(view.counts.local + view.counts.sent + view.counts.echoed + view.counts.saved, 0);
    let saved = map.layer(&layer).json;
    assert_eq!(saved["features"][0]["properties"]["name"], json!("Deep well"));
    assert!(alice.desk.sync_log(None).unwrap().iter().any(|line| line.code == "verified"));
    let told = alice.ears.0.lock().unwrap().clone();
    let kinds: Vec<ChipKind> = told
        .iter()
        .filter_map(|event| if let DeskEvent::Sync { view } = event { Some(view.chip.kind) } else { None })
        .collect();
    for kind in [ChipKind::Syncing, ChipKind::Waiting, ChipKind::UpToDate] {
        assert!(kinds.contains(&kind), "{kind:?} was not told: {kinds:?}");
    }
}

#[test]
fn two_who_moved_one_feature_get_a_decision_with_both_places_and_mine_wins_everywhere() {
    let server = UmapServer::shared();
    let map = TestMap::create(&server, &MapSpec::new("decision"));
    let layer = map.add_layer("Found", &[marker("aaaa1", "Well", 7.7, 48.6)]);
    let object = format!("{layer}/aaaa1");
    let (alice, bob) = (Person::with(&map.url, "alice", &server), Person::with(&map.url, "bob", &server));
    let to = |person: &Person, lon: f64| {
        let geometry = json!({"type": "Point", "coordinates": [lon, 48.6]});
        person.desk.edit("move", vec![Edit::Geometry { feature: object.clone(), geometry }]).unwrap();
    };
    bob.desk.go_offline().unwrap();
    to(&bob, 7.71);
    // Later than bob's, and sent before it.
    std::thread::sleep(Duration::from_millis(50));
    to(&alice, 7.72);
    alice.wait_for(ChipKind::UpToDate);
    bob.desk.go_online().unwrap();
    bob.wait_for(ChipKind::Decisions);
    let conflict = bob.desk.conflicts().unwrap().remove(0);
    let lon = |text: &Option<String>| {
        serde_json::from_str::<Value>(text.as_ref().unwrap()).unwrap()["coordinates"][0].as_f64().unwrap()
    };
    assert_eq!((lon(&conflict.mine_geometry), lon(&conflict.theirs_geometry)), (7.71, 7.72));
    bob.desk.resolve(conflict.id, Side::Mine).unwrap();
    bob.wait_for(ChipKind::UpToDate);
    wait_until("alice seeing bob's place", Duration::from_secs(30), || {
        let geometry = alice.desk.feature(&object).unwrap().geometry;
        if geometry.contains("7.71") { Ok(()) } else { Err(geometry) }
    });
    let touched = |event: &DeskEvent| matches!(event, DeskEvent::Touched { who, .. } if who == "bob");
    assert!(alice.ears.0.lock().unwrap().iter().any(touched), "alice was not told where bob edited");
}
