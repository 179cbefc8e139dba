//! The laws (RULES.md, "Merge semantics"): the state is a function of the set of operations,
//! whatever the order, the grouping and the repetition in which they come.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use bivouac_journal::clock::{Clock, Hlc, MAX_COUNTER, Order, Stamp};
use bivouac_journal::ids::{FeatureId, LayerId, Object, PeerId};
use bivouac_journal::json::Json;
use bivouac_journal::merge::{MemoryRegisters, apply};
use bivouac_journal::operation::{Marks, Operation, Verb};
use bivouac_journal::path::Path;
use bivouac_journal::project::state_hash;
use bivouac_journal::wire::{Frame, PeerBody, parse, print_answer, print_listed};
use proptest::prelude::*;

const NOW: u64 = 1_795_440_000_000;

fn layer(number: u8) -> LayerId {
    LayerId::parse(&format!("00000000-0000-4000-8000-00000000000{number}")).unwrap()
}

/// Few instants of few clocks, so that equal ones meet; some that are none (rule 4).
fn stamps() -> impl Strategy<Value = Stamp> {
    prop_oneof![
        8 => (0..6_u64, 0..12_u32, "[abc]").prop_map(|(wall, counter, id)| format!("{}:{counter}:{id}", NOW + wall)),
        1 => (1..9_u64, "[ab]").prop_map(|(wall, id)| format!("{wall}:0:{id}")),
        1 => prop::sample::select(vec!["", "now", "1:2", "9999999999999:0:x:y", "4102444800000:0:z"]).prop_map(str::to_owned),
    ]
    .prop_map(|text| Stamp::parse(&text))
}

fn objects() -> impl Strategy<Value = Object> {
    prop_oneof![
        1 => Just(Object::Map),
        2 => (1..4_u8).prop_map(|number| Object::Layer(layer(number))),
        5 => (1..3_u8, 0..3_u64).prop_map(|(number, id)| Object::Feature(layer(number), FeatureId::from_bits(id))),
    ]
}

fn values() -> impl Strategy<Value = Option<Json>> {
    let texts = vec!["null", "1", "1.0", "\"a\"", "\"b\"", "{\"x\":2}", "{\"x\":{\"y\":1}}", "[1,2]", "true", "{}"];
    prop_oneof![
        1 => Just(None),
        9 => prop::sample::select(texts).prop_map(|text| Some(Json::parse(text).unwrap())),
    ]
}

fn geometry(place: u8) -> String {
    match place % 3 {
        0 => format!(r#"{{"type":"Point","coordinates":[{place},2.5]}}"#),
        1 => format!(r#"{{"type":"LineString","coordinates":[[{place},2],[3,4.25]]}}"#),
        _ => format!(r#"{{"type":"Polygon","coordinates":[[[0,0],[{place},0],[1,1],[0,0]]]}}"#),
    }
}

fn written(object: &Object, kind: u8, value: Option<Json>, place: u8) -> (Verb, Option<Path>, Option<Json>) {
    let update = |path: Path| (Verb::Update, Some(path), value.clone());
    let upsert = |text: String| (Verb::Upsert, None, Some(Json::parse(&text).unwrap()));
    let shown = value.as_ref().map_or("0", Json::as_str);
    match (object, kind) {
        (Object::Map, 0..=2) => update(Path::of(&["properties", "slideshow"])),
        (Object::Map, 3..=5) => update(Path::of(&["properties", "slideshow", "active"])),
        (Object::Map, _) => update(Path::property("name")),
        (Object::Layer(_), 0..=1) => (Verb::Delete, None, None),
        (Object::Layer(id), 2..=4) => {
            upsert(format!(r#"{{"id":"{id}","rank":{place},"properties":{{"name":"L","heat":{shown}}}}}"#))
        }
        (Object::Layer(_), 5) => update(Path::of(&["properties"])),
        (Object::Layer(_), 6) => {
            (Verb::Update, Some(Path::of(&["parentId"])), Some(Json::string(layer(1 + place % 3).as_str())))
        }
        (Object::Layer(_), 7) => update(Path::of(&["rank"])),
        (Object::Layer(_), _) => update(Path::of(&["properties", "heat", "radius"])),
        (Object::Feature(..), 0..=1) => (Verb::Delete, None, None),
        (Object::Feature(_, id), 2..=4) => upsert(format!(
            r#"{{"type":"Feature","geometry":{},"properties":{{"name":{shown},"_umap_options":{{"color":"Lime"}}}},"id":"{id}"}}"#,
            geometry(place)
        )),
        (Object::Feature(..), 5) => {
            (Verb::Update, Some(Path::geometry()), Some(Json::parse(&geometry(place)).unwrap()))
        }
        (Object::Feature(..), 6) => update(Path::option("color")),
        (Object::Feature(..), _) => update(Path::property("name")),
    }
}

fn operations() -> impl Strategy<Value = Operation> {
    (stamps(), objects(), 0..10_u8, values(), 0..3_u32, 0..9_u8).prop_map(
        |(stamp, object, kind, value, index, place)| {
            let (verb, path, value) = written(&object, kind, value, place);
            let marks = Marks { index: Some(index).filter(|index| *index > 0), ..Marks::default() };
            Operation {
                stamp,
                index,
                verb,
                object,
                feature_type: None,
                path,
                value,
                sender: Some(PeerId::trusted("peerA")),
                dirty: Some(true),
                marks,
                extra: None,
            }
        },
    )
}

fn state(operations: &[Operation]) -> MemoryRegisters {
    let mut registers = MemoryRegisters::default();
    for operation in operations {
        apply(&mut registers, operation, 0).unwrap();
    }
    registers
}

/// Another order, some operations twice.
fn shuffled(operations: &[Operation], seed: u64) -> Vec<Operation> {
    let mut bits = seed;
    let mut next = || {
        bits = bits.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z ^ (z >> 31)
    };
    let mut places: Vec<(u64, Operation)> = Vec::new();
    for operation in operations {
        places.push((next(), operation.clone()));
        if next() % 3 == 0 {
            places.push((next(), operation.clone()));
        }
    }
    places.sort_by_key(|(place, _)| *place);
    places.into_iter().map(|(_, operation)| operation).collect()
}

/// The same operations after a journey: in lists of that size, written, and read again.
fn carried(operations: &[Operation], size: usize) -> Vec<Operation> {
    let (me, you) = (PeerId::trusted("aaaaa"), PeerId::trusted("bbbbb"));
    let mut arrived = Vec::new();
    for group in operations.chunks(size.max(1)) {
        let texts: Vec<String> = group.iter().map(print_listed).collect();
        let Frame::Peer { body: PeerBody::ListOperationsResponse { operations, .. }, .. } =
            parse(&print_answer(&me, &you, &texts, None)).unwrap()
        else {
            panic!("a list was read as something else")
        };
        let entries = operations.into_iter().flat_map(|envelope| envelope.entries);
        arrived.extend(entries.map(|entry| entry.operation().expect("what we write is read").clone()));
    }
    arrived
}

fn order(stamp: &Stamp, index: u32) -> Order {
    Order::new(stamp, index)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, ..ProptestConfig::default() })]

    #[test]
    fn any_order_grouping_and_repetition_of_a_set_gives_one_state(
        set in prop::collection::vec(operations(), 0..24),
        seed in any::<u64>(),
        size in 1..9_usize,
    ) {
        let expected = state(&set);
        let turned = state(&shuffled(&set, seed));
        prop_assert_eq!(&turned, &expected);
        let after_a_journey = state(&carried(&shuffled(&set, !seed), size));
        prop_assert_eq!(&after_a_journey, &expected);
        prop_assert_eq!(state_hash(turned.objects().iter()), state_hash(expected.objects().iter()));
    }

    #[test]
    fn a_clock_survives_writing_and_reading(wall in 0..4_102_444_800_000_u64, counter in 0..1_000_000_000_u32, id in "[A-Za-z0-9_-]{1,64}") {
        let hlc = Hlc { wall, counter, id: id.as_str().into() };
        prop_assert_eq!(Hlc::parse(&hlc.to_string()), Some(hlc));
    }

    #[test]
    fn the_order_is_total(a in stamps(), b in stamps(), c in stamps(), i in 0..3_u32, j in 0..3_u32, k in 0..3_u32) {
        let (a, b, c) = (order(&a, i), order(&b, j), order(&c, k));
        prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
        if a <= b && b <= c {
            prop_assert!(a <= c);
        }
    }

    #[test]
    fn rule_2_our_own_clock_only_rises_also_when_compared_as_text(
        steps in prop::collection::vec((0..3_u64, any::<bool>(), 0..400_000_u64, 0..20_u32), 1..40),
    ) {
        let mut clock = Clock::resume("mecla", 0, 0);
        let (mut now, mut last) = (NOW, String::new());
        for (passed, hears, ahead, counter) in steps {
            now += passed;
            if hears {
                let _ = clock.receive(&Hlc { wall: now + ahead, counter, id: "other".into() }, now);
            }
            let made = clock.tick(now);
            prop_assert!(made.counter <= MAX_COUNTER);
            prop_assert!(last < made.to_string(), "{} then {}", last, made);
            last = made.to_string();
        }
    }
}
