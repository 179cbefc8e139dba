//! What a peer is answered that asks for the operations which we hold (rules 9, 10 and 18).
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use bivouac_journal::catchup;
use bivouac_journal::clock::Order;
use bivouac_journal::ids::PeerId;
use bivouac_journal::operation::Verb;
use bivouac_journal::path::Path;
use bivouac_journal::wire::{Frame, PeerBody, parse};
use bivouac_store::Store;
use common::*;
use serde_json::Value;

const HOUR: u64 = 3_600_000;

fn at(ms: u64) -> String {
    format!("{}:0:other", NOW + ms)
}

/// A map with so many features of others, each renamed once, the first one renamed often.
fn furnished(features: u64) -> Store {
    let mut store = store_with_layer();
    let mut operations = Vec::new();
    for n in 0..features {
        let object = feature(1, n + 1);
        let mut added = upsert(&at(n), object.clone(), &point(&object, 1.0, 2.0, "a"));
        // As if it had come in a batch.
        added.index = u32::try_from(n % 3).unwrap();
        operations.push(live(added));
        operations.push(live(update(&at(n + 100_000), object, Path::property("name"), Some("\"b\""))));
    }
    for n in 0..50 {
        operations.push(live(update(&at(n + 200_000), feature(1, 1), Path::property("name"), Some("\"c\""))));
    }
    store.commit_foreign(operations, NOW + HOUR).unwrap();
    store
}

fn ask(store: &mut Store, since: Option<&str>, bivouac: bool) -> Vec<String> {
    let (me, peer) = (PeerId::trusted("meeee"), PeerId::trusted("asker"));
    let mut bits = 7;
    store
        .answer(&me, &peer, since, bivouac, NOW + 2 * HOUR, &mut || {
            bits += 1;
            bits
        })
        .unwrap()
}

fn operations(text: &str) -> Vec<Value> {
    let value: Value = serde_json::from_str(text).unwrap();
    assert_eq!(value["message"]["verb"], "ListOperationsResponse");
    value["message"]["operations"].as_array().unwrap().clone()
}

/// What a Bivouac reads out of an answer.
fn received(text: &str) -> Vec<catchup::Incoming> {
    let Frame::Peer { body: PeerBody::ListOperationsResponse { operations, .. }, .. } = parse(text).unwrap() else {
        panic!("{text}")
    };
    catchup::sort_log(operations).operations
}

#[test]
fn rule_18_a_fresh_browser_gets_batches_of_winners_that_keep_their_own_identity() {
    let mut store = furnished(700);
    let answers = ask(&mut store, None, false);
    assert!(answers.len() >= 5, "{} answers", answers.len());
    let (mut nested, mut batches) = (0, 0);
    for text in &answers {
        assert!(text.len() <= 1024 * 1024);
        for operation in operations(text) {
            if operation["verb"] != "batch" {
                continue;
            }
            batches += 1;
            assert_eq!(
                (&operation["subject"], &operation["metadata"]["featureType"]),
                (&"feature".into(), &"batch".into())
            );
            let inside = operation["operations"].as_array().unwrap();
            assert!(inside.len() <= 300, "{}", inside.len());
            nested += inside.len();
            for one in inside {
                assert!(one["x"]["h"].as_str().unwrap().ends_with(":other"), "its own stamp: {one}");
                assert!(one["x"]["i"].is_u64(), "its own place: {one}");
            }
        }
    }
    assert_eq!(batches, answers.len(), "one batch in each, for a browser reads loose ones in quadratic time");
    assert_eq!(nested, 1_400, "two winners of each feature; what was replaced stays behind");
    // Whoever reads them comes to the same orders as if each had come alone.
    let mut orders: Vec<Order> = Vec::new();
    for text in &answers {
        orders.extend(received(text).into_iter().map(|incoming| incoming.operation.order()));
    }
    for text in ask(&mut store, None, true) {
        for incoming in received(&text) {
            assert!(orders.contains(&incoming.operation.order()), "{:?}", incoming.operation);
        }
    }
}

#[test]
fn rule_18_an_answer_reproduces_the_map_on_another_laptop() {
    let mut store = furnished(400);
    for bivouac in [true, false] {
        let mut other = store_with_layer();
        for text in ask(&mut store, None, bivouac) {
            let Frame::Peer { body: PeerBody::ListOperationsResponse { operations, .. }, .. } = parse(&text).unwrap()
            else {
                panic!("{text}")
            };
            other.commit_received(Some(&PeerId::trusted("peerA")), catchup::sort_log(operations), NOW + HOUR).unwrap();
        }
        assert_eq!(other.state_hash().unwrap(), store.state_hash().unwrap(), "bivouac: {bivouac}");
        assert_sound(&other);
    }
}

#[test]
fn rule_18_between_bivouacs_and_for_who_rejoins_winners_travel_loose_300_at_most() {
    let mut store = furnished(400);
    let since = at(0);
    for (since, bivouac) in [(None, true), (Some(since.as_str()), true), (Some(since.as_str()), false)] {
        let answers = ask(&mut store, since, bivouac);
        let counts: Vec<usize> = answers.iter().map(|text| operations(text).len()).collect();
        assert_eq!(counts, [300, 300, 200]);
        for (text, part) in answers.iter().zip(1..) {
            assert!(operations(text).iter().all(|operation| operation["verb"] != "batch"));
            let value: Value = serde_json::from_str(text).unwrap();
            let numbered = value["message"].get("x").map(|x| (x["part"].clone(), x["of"].clone()));
            assert_eq!(
                numbered,
                bivouac.then(|| (part.into(), 3.into())),
                "parts are numbered between Bivouacs (rule 10)"
            );
        }
    }
}

#[test]
fn rule_18_an_answer_stays_below_a_mebibyte() {
    let mut store = store_with_layer();
    let long = format!("\"{}\"", "x".repeat(300_000));
    let mut all = Vec::new();
    for n in 0..8 {
        let object = feature(1, n + 1);
        all.push(live(upsert(&at(n), object.clone(), &point(&object, 1.0, 2.0, "a"))));
        all.push(live(update(&at(n + 50), object, Path::property("text"), Some(&long))));
    }
    store.commit_foreign(all, NOW + HOUR).unwrap();
    for bivouac in [true, false] {
        let answers = ask(&mut store, None, bivouac);
        assert!(answers.len() >= 3);
        assert!(answers.iter().all(|text| text.len() <= 1024 * 1024), "{:?}", answers.iter().map(String::len));
    }
}

#[test]
fn rule_9_an_answer_reaches_an_hour_further_back_than_the_question() {
    let mut store = store_with_layer();
    let ages = [("older", HOUR + 60_000), ("within", HOUR - 60_000), ("after", 0)];
    let question = NOW + 10 * HOUR;
    let mut all = Vec::new();
    for ((_, age), n) in ages.iter().zip(1..) {
        let object = feature(1, n);
        let stamp = format!("{}:0:other", question - age + 1_000);
        all.push(live(upsert(&stamp, object.clone(), &point(&object, 1.0, 2.0, "a"))));
    }
    store.commit_foreign(all, question).unwrap();
    let answers = ask(&mut store, Some(&format!("{question}:0:asker")), false);
    let ids: Vec<String> = answers
        .iter()
        .flat_map(|text| received(text))
        .filter(|incoming| incoming.operation.verb == Verb::Upsert)
        .map(|incoming| format!("{:?}", incoming.operation.object))
        .collect();
    assert_eq!(ids, [format!("{:?}", feature(1, 2)), format!("{:?}", feature(1, 3))]);
}
