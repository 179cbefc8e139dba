//! The registers in memory and those in SQLite are the same function of the same operations.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use bivouac_journal::ids::Object;
use bivouac_journal::merge::{MemoryRegisters, apply};
use bivouac_journal::operation::{Operation, Verb};
use bivouac_journal::path::Path;
use bivouac_journal::project;
use bivouac_store::Store;
use common::*;
use proptest::prelude::*;

fn stamps() -> impl Strategy<Value = String> {
    prop_oneof![
        9 => (0..12_u64, 0..12_u32, "[ab]").prop_map(|(wall, counter, id)| format!("{}:{counter}:{id}", NOW + wall)),
        1 => "[xyz]",
    ]
}

fn objects() -> impl Strategy<Value = Object> {
    prop_oneof![
        1 => Just(Object::Map),
        2 => (1..4_u32).prop_map(|n| Object::Layer(layer(n))),
        6 => (1..3_u32, 0..3_u64).prop_map(|(l, n)| feature(l, n)),
    ]
}

fn value() -> impl Strategy<Value = Option<&'static str>> {
    prop::sample::select(vec![
        None,
        Some("null"),
        Some("1"),
        Some("1.0"),
        Some("\"a\""),
        Some("{\"x\":2}"),
        Some("true"),
    ])
}

fn operations() -> impl Strategy<Value = Operation> {
    (stamps(), objects(), 0..10_u8, value(), 0..3_u32, -10..10_i32).prop_map(
        |(stamp, object, kind, value, index, lon)| {
            let mut operation = match (&object, kind) {
                (Object::Map, _) => update(&stamp, object, Path::of(&["properties", "slideshow", "active"]), value),
                (Object::Layer(_), 0..=2) => {
                    let number = 1;
                    upsert(&stamp, object, &layer_value(number))
                }
                (Object::Layer(_), 3) => delete(&stamp, object),
                (Object::Layer(_), 4) => update(&stamp, object, Path::of(&["properties"]), Some("{\"name\":\"all\"}")),
                (Object::Layer(_), 5) => update(&stamp, object, Path::of(&["rank"]), Some("3")),
                (Object::Layer(_), _) => update(&stamp, object, Path::of(&["properties", "heat", "radius"]), value),
                (Object::Feature(..), 0..=3) => {
                    let value = point(&object, f64::from(lon), 1.5, "n");
                    upsert(&stamp, object, &value)
                }
                (Object::Feature(..), 4) => delete(&stamp, object),
                (Object::Feature(..), 5) => update(
                    &stamp,
                    object,
                    Path::geometry(),
                    Some(r#"{"type":"LineString","coordinates":[[1,2],[3,4]]}"#),
                ),
                (Object::Feature(..), 6) => update(&stamp, object, Path::option("color"), value),
                (Object::Feature(..), _) => update(&stamp, object, Path::property("name"), value),
            };
            operation.index = index;
            operation
        },
    )
}

/// Every layer is known from the start, so that nothing waits for one.
fn beginnings() -> Vec<Operation> {
    (1..4).map(|n| upsert("5:0:z", Object::Layer(layer(n)), &layer_value(n))).collect()
}

fn in_memory(operations: &[Operation]) -> MemoryRegisters {
    let mut registers = MemoryRegisters::default();
    for (row, operation) in operations.iter().enumerate() {
        apply(&mut registers, operation, row as i64).unwrap();
    }
    registers
}

fn in_sqlite(operations: &[Operation], sizes: &[usize]) -> Store {
    let mut store = Store::in_memory(&new_map()).unwrap();
    let mut rest = operations;
    let mut sizes = sizes.iter().cycle();
    while !rest.is_empty() {
        let size = (*sizes.next().unwrap()).min(rest.len());
        let (now, later) = rest.split_at(size);
        store.commit_foreign(now.iter().cloned().map(live).collect(), NOW).unwrap();
        rest = later;
    }
    store
}

fn assert_same(store: &Store, memory: &MemoryRegisters) {
    for (object, expected) in memory.objects() {
        let state = store.state(object).unwrap();
        let plain = |state: &bivouac_journal::merge::ObjectState| -> Vec<_> {
            state.registers().iter().map(|(p, r)| (p.clone(), r.order.clone(), r.value.clone())).collect()
        };
        assert_eq!(plain(&state), plain(expected), "{object:?}");
    }
    assert_eq!(store.state_hash().unwrap(), project::state_hash(memory.objects().iter()));
    assert_sound(store);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn memory_and_sqlite_agree_in_any_order_grouping_and_repetition(
        operations in prop::collection::vec(operations(), 0..60),
        seed in any::<u64>(),
        sizes in prop::collection::vec(1..20_usize, 1..5),
    ) {
        let mut all = beginnings();
        all.extend(operations);
        let memory = in_memory(&all);
        // Every operation a second time, or not, somewhere else.
        let mut shuffled: Vec<(u64, Operation)> = Vec::new();
        let mut bits = seed;
        for operation in &all {
            bits = (bits ^ (bits >> 31)).wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(0x1234_5678_9abc_def1);
            shuffled.push((bits, operation.clone()));
            if bits % 3 == 0 {
                shuffled.push((bits.rotate_left(17), operation.clone()));
            }
        }
        shuffled.sort_by_key(|(bits, _)| *bits);
        let shuffled: Vec<Operation> = shuffled.into_iter().map(|(_, operation)| operation).collect();
        assert_same(&in_sqlite(&shuffled, &sizes), &memory);
    }
}

#[test]
fn the_same_list_again_is_only_counted() {
    let all: Vec<Operation> = beginnings();
    let mut store = in_sqlite(&all, &[10]);
    let before = store.state_hash().unwrap();
    let report = store.commit_foreign(all.iter().cloned().map(live).collect(), NOW + 5).unwrap();
    assert_eq!((report.repeated, report.applied), (3, 0));
    assert_eq!(store.state_hash().unwrap(), before);
    assert_eq!(store.verify().unwrap().operations, 3);
}

#[test]
fn one_identity_with_two_contents_is_settled_by_bytes() {
    let object = feature(1, 0);
    let value = point(&object, 1.0, 1.0, "n");
    let mut both = beginnings();
    both.push(upsert("6:0:a", object.clone(), &value));
    both.push(update("9:0:a", object.clone(), Path::property("name"), Some("\"aa\"")));
    both.push(update("9:0:a", object.clone(), Path::property("name"), Some("\"zz\"")));
    let forward = in_sqlite(&both, &[100]);
    both.reverse();
    let (last, first) = both.split_at(3);
    let turned: Vec<Operation> = first.iter().chain(last).cloned().collect();
    let backward = in_sqlite(&turned, &[1]);
    assert_eq!(shown(&forward, &object, &Path::property("name")).as_deref(), Some("\"zz\""));
    assert_eq!(forward.state_hash().unwrap(), backward.state_hash().unwrap());
    assert_eq!(forward.history(&object).unwrap().iter().filter(|row| row.operation.verb == Verb::Update).count(), 2);
}
