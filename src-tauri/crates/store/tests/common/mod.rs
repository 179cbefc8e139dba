//! Small makers of maps and operations for the store's tests.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used)]

use bivouac_journal::clock::Stamp;
use bivouac_journal::ids::{FeatureId, LayerId, Object, PeerId};
use bivouac_journal::json::Json;
use bivouac_journal::operation::{Draft, Marks, Operation, Verb};
use bivouac_journal::path::Path;
use bivouac_store::{Incoming, NewMap, Standing, Store};

pub const NOW: u64 = 1_795_440_000_000;

pub fn new_map() -> NewMap {
    NewMap {
        uuid: "5b9b24b4-0d8e-4d27-9d6f-0f8b8c8d7a11".to_owned(),
        name: "Trip".to_owned(),
        server: Some("https://umap.example".to_owned()),
        server_map_id: Some(7),
        slug: None,
        account: None,
        clock_id: "mecla".to_owned(),
        created_at: NOW,
    }
}

pub fn layer(number: u32) -> LayerId {
    LayerId::parse(&format!("00000000-0000-4000-8000-{number:012x}")).unwrap()
}

pub fn id(number: u64) -> FeatureId {
    FeatureId::from_bits(number)
}

pub fn feature(layer_number: u32, number: u64) -> Object {
    Object::Feature(layer(layer_number), id(number))
}

pub fn point(object: &Object, lon: f64, lat: f64, name: &str) -> Json {
    let Object::Feature(_, id) = object else { panic!("not a feature") };
    Json::parse(&format!(
        r#"{{"type":"Feature","geometry":{{"type":"Point","coordinates":[{lon},{lat}]}},"properties":{{"name":"{name}"}},"id":"{id}"}}"#
    ))
    .unwrap()
}

pub fn layer_value(number: u32) -> Json {
    Json::parse(&format!(r#"{{"id":"{}","rank":{number},"properties":{{"name":"L{number}"}}}}"#, layer(number)))
        .unwrap()
}

pub fn operation(stamp: &str, verb: Verb, object: Object, path: Option<Path>, value: Option<&str>) -> Operation {
    Operation {
        stamp: Stamp::parse(stamp),
        index: 0,
        verb,
        object,
        feature_type: None,
        path,
        value: value.map(|text| Json::parse(text).unwrap()),
        sender: Some(PeerId::trusted("peerA")),
        dirty: Some(true),
        marks: Marks::default(),
        extra: None,
    }
}

pub fn upsert(stamp: &str, object: Object, value: &Json) -> Operation {
    operation(stamp, Verb::Upsert, object, None, Some(value.as_str()))
}

pub fn update(stamp: &str, object: Object, path: Path, value: Option<&str>) -> Operation {
    operation(stamp, Verb::Update, object, Some(path), value)
}

pub fn delete(stamp: &str, object: Object) -> Operation {
    operation(stamp, Verb::Delete, object, None, None)
}

pub fn live(operation: Operation) -> Incoming {
    Incoming { operation, standing: Standing::Live }
}

pub fn draft_upsert(object: Object, value: Json) -> Draft {
    Draft { verb: Verb::Upsert, object, path: None, value: Some(value) }
}

pub fn draft_update(object: Object, path: Path, value: Option<&str>) -> Draft {
    Draft { verb: Verb::Update, object, path: Some(path), value: value.map(|text| Json::parse(text).unwrap()) }
}

pub fn draft_delete(object: Object) -> Draft {
    Draft { verb: Verb::Delete, object, path: None, value: None }
}

/// A map in memory with one layer made here.
pub fn store_with_layer() -> Store {
    let mut store = Store::in_memory(&new_map()).unwrap();
    store.commit_local("layer", vec![draft_upsert(Object::Layer(layer(1)), layer_value(1))], NOW).unwrap();
    store
}

pub fn shown(store: &Store, object: &Object, path: &Path) -> Option<String> {
    let state = store.state(object).unwrap();
    if !state.is_alive() && *object != Object::Map {
        return None;
    }
    state.winner(path).and_then(|register| register.value.clone()).map(|value| value.as_str().to_owned())
}

pub fn assert_sound(store: &Store) {
    let verified = store.verify().unwrap();
    assert!(verified.disagreements.is_empty(), "{:?}", verified.disagreements);
}

/// Sends everything; the server echoes it.
pub fn send_all(store: &mut Store) {
    let mut bits = 7;
    let frames = store.prepare_frames(&PeerId::trusted("meeee"), NOW + 100, &mut || {
        bits += 1;
        bits
    });
    for frame in frames.unwrap() {
        store.echoed(frame.id, NOW + 101).unwrap();
    }
}
