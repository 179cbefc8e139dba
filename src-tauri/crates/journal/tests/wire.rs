//! What we write, byte for byte, and what we refuse to read.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use bivouac_journal::clock::{Hlc, Stamp};
use bivouac_journal::geometry::FeatureType;
use bivouac_journal::ids::{FeatureId, LayerId, Object, PeerId};
use bivouac_journal::json::Json;
use bivouac_journal::operation::{Marks, Operation, Verb};
use bivouac_journal::path::Path;
use bivouac_journal::wire::{
    Entry, Frame, MAX_RECEIVED_BYTES, PeerBody, Refusal, WireError, parse, print_batch, print_listed, print_loose,
    print_reference_version,
};

const LAYER: &str = "28dbd2a5-bbd6-4ad3-a94d-e8e38ee5fece";

fn layer() -> LayerId {
    LayerId::parse(LAYER).unwrap()
}

fn me() -> PeerId {
    PeerId::parse("4mVV4").unwrap()
}

fn hlc(text: &str) -> Hlc {
    Hlc::parse(text).unwrap()
}

fn rename() -> Operation {
    Operation {
        stamp: Stamp::Valid(hlc("1795440656049:0:4uzaG")),
        index: 0,
        verb: Verb::Update,
        object: Object::Feature(layer(), FeatureId::parse("Rx5xl").unwrap()),
        feature_type: Some(FeatureType::Marker),
        path: Some(Path::property("name")),
        value: Some(Json::trusted("\"n\"")),
        sender: None,
        dirty: Some(true),
        marks: Marks { origin: Some(hlc("1795440000000:0:4uzaG")), ..Marks::default() },
        extra: None,
    }
}

fn of_layer(key: &str, value: &str) -> Operation {
    Operation {
        object: Object::Layer(layer()),
        feature_type: None,
        path: Some(Path::of(&key.split('.').collect::<Vec<_>>())),
        value: Some(Json::trusted(value)),
        marks: Marks::default(),
        ..rename()
    }
}

fn of_map(key: &str, value: &str) -> Operation {
    Operation { object: Object::Map, ..of_layer(key, value) }
}

#[test]
fn rule_6_metadata_is_exactly_what_browsers_compare() {
    let golden = [
        (
            print_loose(&rename(), &me()),
            r#"{"sender":"4mVV4","verb":"update","subject":"feature","metadata":{"id":"Rx5xl","layerId":"28dbd2a5-bbd6-4ad3-a94d-e8e38ee5fece","featureType":"marker"},"key":"properties.name","value":"n","dirty":true,"hlc":"1795440656049:0:4uzaG","x":{"o":"1795440000000:0:4uzaG"},"kind":"OperationMessage"}"#,
        ),
        (
            print_loose(&of_layer("properties.name", "\"L\""), &me()),
            r#"{"sender":"4mVV4","verb":"update","subject":"datalayer","metadata":{"id":"28dbd2a5-bbd6-4ad3-a94d-e8e38ee5fece"},"key":"properties.name","value":"L","dirty":true,"hlc":"1795440656049:0:4uzaG","kind":"OperationMessage"}"#,
        ),
        (
            print_loose(&of_map("properties.zoom", "9"), &me()),
            r#"{"sender":"4mVV4","verb":"update","subject":"map","key":"properties.zoom","value":9,"dirty":true,"hlc":"1795440656049:0:4uzaG","kind":"OperationMessage"}"#,
        ),
        (
            print_listed(&of_map("properties.zoom", "9")),
            r#"{"verb":"update","subject":"map","key":"properties.zoom","value":9,"dirty":true,"hlc":"1795440656049:0:4uzaG"}"#,
        ),
        (
            print_reference_version(&layer(), "1795440995468", &hlc("1795440995509:0:4uzaG"), &me()),
            r#"{"sender":"4mVV4","verb":"update","subject":"datalayer","metadata":{"id":"28dbd2a5-bbd6-4ad3-a94d-e8e38ee5fece"},"key":"referenceVersion","value":"1795440995468","hlc":"1795440995509:0:4uzaG","kind":"OperationMessage"}"#,
        ),
    ];
    for (printed, expected) in golden {
        assert_eq!(printed, expected);
    }
}

#[test]
fn rule_7_unset_null_and_a_value_are_three_states() {
    let with = |value: Option<&str>| Operation { value: value.map(Json::trusted), ..rename() };
    for (value, on_the_wire) in [(None, ""), (Some("null"), "\"value\":null,"), (Some("0"), "\"value\":0,")] {
        let text = print_loose(&with(value), &me());
        assert!(text.contains(&format!("\"properties.name\",{on_the_wire}\"dirty\"")), "{text}");
        let Frame::Operation(read) = parse(&text).unwrap() else { panic!("{text}") };
        assert_eq!(read.entries[0].operation().unwrap().value, value.map(Json::trusted));
    }
}

#[test]
fn rule_17_a_batch_shares_subject_and_metadata_with_nothing_and_unpacks_in_order() {
    let operations = [rename(), Operation { index: 1, ..of_layer("rank", "3") }];
    let stamp = hlc("1795440656049:0:4uzaG");
    let text = print_batch(&operations, &stamp, &FeatureId::parse("fresh").unwrap(), &layer(), &me());
    assert!(text.contains(r#""subject":"feature","metadata":{"id":"fresh","layerId":"28dbd2a5-bbd6-4ad3-a94d-e8e38ee5fece","featureType":"batch"}"#));
    let Frame::Operation(read) = parse(&text).unwrap() else { panic!("{text}") };
    let places: Vec<_> =
        read.entries.iter().map(|e| e.operation().unwrap()).map(|o| (o.stamp.clone(), o.index)).collect();
    assert_eq!(places, [(Stamp::Valid(stamp.clone()), 0), (Stamp::Valid(stamp), 1)]);
}

#[test]
fn rule_18_a_nested_operation_keeps_its_own_identity() {
    let marks = Marks { stamp: Some(hlc("5:0:other")), index: Some(7), origin: None };
    let nested = [Operation { marks, ..rename() }];
    let text = print_batch(&nested, &hlc("9:0:4uzaG"), &FeatureId::parse("fresh").unwrap(), &layer(), &me());
    let Frame::Operation(read) = parse(&text).unwrap() else { panic!("{text}") };
    let operation = read.entries[0].operation().unwrap();
    assert_eq!((operation.stamp.to_string().as_str(), operation.index), ("5:0:other", 7));
}

#[test]
fn rule_34_only_maps_layers_and_features_are_accepted_at_every_depth() {
    let nested = r#"{"sender":"aaaaa","verb":"batch","operations":[{"verb":"update","subject":"mappermissions","key":"edit_status","value":1},{"verb":"update","subject":"map","key":"properties.name","value":"n"},{"verb":"batch","operations":[],"subject":"map"}],"subject":"map","hlc":"5:0:a","kind":"OperationMessage"}"#;
    let Frame::Operation(read) = parse(nested).unwrap() else { panic!() };
    let why: Vec<_> = read
        .entries
        .iter()
        .map(|entry| match entry {
            Entry::Operation(_) => None,
            Entry::Refused { why, .. } => Some(*why),
        })
        .collect();
    assert_eq!(why, [Some(Refusal::Subject), None, Some(Refusal::UnknownVerb)]);
}

#[test]
fn hostile_operations_are_refused_each_with_its_reason() {
    let feature = |inner: &str| {
        format!(
            r#"{{"sender":"aaaaa","subject":"feature","metadata":{{"id":"abcde","layerId":"{LAYER}","featureType":"marker"}},{inner},"hlc":"5:0:a","kind":"OperationMessage"}}"#
        )
    };
    let cases = [
        (feature(r#""verb":"update","key":"properties.__proto__","value":1"#), Refusal::Key),
        (feature(r#""verb":"update","key":"id","value":"x""#), Refusal::Key),
        (feature(r#""verb":"update","value":1"#), Refusal::Key),
        (feature(r#""verb":"update","key":7,"value":1"#), Refusal::Malformed),
        (feature(r#""verb":"update","key":"geometry""#), Refusal::Value),
        (feature(r#""verb":"update","key":"geometry","value":{"type":"Point","coordinates":[1,1e400]}"#), Refusal::Value),
        (feature(r#""verb":"upsert""#), Refusal::Value),
        (feature(r#""verb":"upsert","value":{"type":"Feature","geometry":null,"properties":{},"id":"abcde"}"#), Refusal::Value),
        (feature(r#""verb":"upsert","value":{"geometry":{"type":"Point","coordinates":[1,2]},"properties":{},"id":"other"}"#), Refusal::Metadata),
        (feature(r#""verb":"explode""#), Refusal::UnknownVerb),
        (r#"{"sender":"aaaaa","verb":"delete","subject":"map","hlc":"5:0:a","kind":"OperationMessage"}"#.to_owned(), Refusal::Value),
        (r#"{"sender":"aaaaa","verb":"delete","subject":"feature","metadata":{"id":"toolong","layerId":"x"},"hlc":"5:0:a","kind":"OperationMessage"}"#.to_owned(), Refusal::Metadata),
    ];
    for (text, expected) in cases {
        let Ok(Frame::Operation(read)) = parse(&text) else { panic!("{text}") };
        let [Entry::Refused { why, .. }] = read.entries.as_slice() else { panic!("{text}: {read:?}") };
        assert_eq!(*why, expected, "{text}");
    }
}

#[test]
fn frames_that_cannot_be_read_say_why() {
    assert!(matches!(parse(&" ".repeat(MAX_RECEIVED_BYTES + 1)), Err(WireError::TooLarge(_))));
    assert_eq!(parse(&"[".repeat(100)), Err(WireError::TooDeep));
    assert!(matches!(parse("{\"kind\":\"Surprise\"}"), Err(WireError::UnknownKind(_))));
    for bad in
        ["", "null", "{}", "{\"kind\":7}", "{\"kind\":\"SavedMessage\"}", "{\"kind\":\"JoinResponse\",\"peer\":\"a\"}"]
    {
        assert!(matches!(parse(bad), Err(WireError::Malformed(_))), "{bad}");
    }
}

#[test]
fn a_peer_message_of_an_unknown_verb_is_no_error() {
    let text = r#"{"sender":"aaaaa","recipient":"bbbbb","message":{"verb":"NewInUmap","x":1},"kind":"PeerMessage"}"#;
    let Ok(Frame::Peer { body: PeerBody::Unknown(_), .. }) = parse(text) else { panic!() };
}
