//! What a hostile peer answers when it is asked for its operations: lists of lies. Only what any
//! member of the room may write may come of it.

use serde_json::{Value, json};

use super::hostile::stamped;
use super::ledger::Ledger;
use super::page::{feature_metadata, operation, text};
use super::random::Rng;

/// A feature of the server's, as something to lie about.
pub struct Victim {
    pub layer: String,
    pub id: String,
    pub value: Value,
}

/// Answers to one question, as they go over the wire. `heard` is what others told the room.
pub fn answers(to: &str, victims: &[Victim], heard: &[Value], now: u64, ledger: &Ledger, rng: &mut Rng) -> Vec<String> {
    let answer = |sender: &str, body: Value| {
        json!({"kind": "PeerMessage", "sender": sender, "recipient": to, "message": body}).to_string()
    };
    let list = |operations: Vec<Value>| json!({"operations": operations, "verb": "ListOperationsResponse"});
    let count = rng.between(1, 6);
    let mut lies: Vec<Value> = (0..count).filter_map(|_| lie(victims, heard, now, ledger, rng)).collect();
    match rng.below(12) {
        0 => vec![],
        1 => vec![answer("EVIL1", json!({"operations": "all of them", "verb": "ListOperationsResponse"}))],
        2 => vec![answer("EVIL1", json!({"verb": "ListOperationsResponse"}))],
        3 => {
            // Too many, and nothing in them (rule 26: what is for unknown layers waits, bounded).
            let many = (0..rng.between(500, 1_500)).map(|n| {
                let metadata = json!({"id": format!("z{n:04}"), "layerId": "no-such-layer", "featureType": "marker"});
                stamped(
                    operation("update", "feature", metadata, Some("properties.name"), Some(json!(n))),
                    json!(format!("{}:{}:EVILc", now - n, n % 20)),
                )
            });
            lies.extend(many);
            vec![answer("EVIL1", list(lies))]
        }
        // The first part of an answer that never ends.
        4 => {
            let mut body = list(lies);
            body["x"] = json!({"part": 1, "of": 3});
            vec![answer("EVIL1", body)]
        }
        // In somebody else's name.
        5 => vec![answer(to, list(lies.clone())), answer("Other", list(lies))],
        // The same again, and what was not asked for.
        6 => {
            let body = list(lies);
            vec![answer("EVIL1", body.clone()), answer("EVIL1", body)]
        }
        7 => vec![answer("EVIL1", json!({"operations": lies.first(), "verb": "ListOperationsResponse"}))],
        8 => {
            let mut batch = operation(
                "batch",
                "feature",
                json!({"id": "evilb", "layerId": "x", "featureType": "batch"}),
                None,
                None,
            );
            // Operations that claim an identity of their own inside the batch (rule 18).
            for (place, lie) in (0_u64..).zip(&mut lies) {
                lie["x"] = json!({"h": lie["hlc"], "i": rng.below(3) + place});
            }
            batch["operations"] = Value::Array(lies);
            vec![answer("EVIL1", list(vec![stamped(batch, json!(format!("{now}:0:EVILc")))]))]
        }
        _ => vec![answer("EVIL1", list(lies))],
    }
}

fn lie(victims: &[Victim], heard: &[Value], now: u64, ledger: &Ledger, rng: &mut Rng) -> Option<Value> {
    let victim = rng.pick(victims)?;
    let metadata = feature_metadata(&victim.layer, &victim.id, &victim.value);
    let name = json!(format!("lie {}", rng.below(1_000_000)));
    let rename = |name: Value| operation("update", "feature", metadata.clone(), Some("properties.name"), Some(name));
    let walls = [now - 864_000_000, now - 60_000, now, now + 240_000, 0, now + 7_200_000, 4_000_000_000_000];
    let wall = rng.pick(&walls).copied().unwrap_or(now);
    let near = json!(format!("{}:{}:EVILc", wall.min(now + 240_000), rng.below(30)));
    let hlc = json!(format!("{wall}:{}:EVILc", rng.below(30)));
    let mut told = match rng.below(11) {
        0..=2 => stamped(rename(name), hlc),
        3 => {
            ledger.delete(&victim.layer, &victim.id);
            stamped(operation("delete", "feature", metadata, None, None), near)
        }
        4 => stamped(operation("upsert", "feature", metadata, None, Some(victim.value.clone())), near),
        // Somebody's own operation with another value in it (M0).
        5 | 6 => {
            let mut forged = rng.pick(heard)?.clone();
            if forged["verb"] != "update" || forged["value"].as_str().is_none() {
                return None;
            }
            forged["value"] =
                json!(format!("{}{}", text(&forged["value"]), if rng.percent(50) { "!" } else { " forged" }));
            if rng.percent(50) {
                forged["value"] = json!("a lie");
            }
            forged
        }
        7 => stamped(rename(name), json!("yesterday")),
        8 => stamped(operation("update", "feature", metadata, Some("__proto__.x"), Some(name)), hlc),
        9 => stamped(operation("update", "feature", metadata, Some("geometry"), Some(json!({"type": "Point"}))), hlc),
        _ => json!(["no", "operation"]),
    };
    if told.is_object() {
        match rng.below(3) {
            0 => told["dirty"] = json!(false),
            1 => told["dirty"] = json!(true),
            _ => {
                if let Some(members) = told.as_object_mut() {
                    members.shift_remove("dirty");
                }
            }
        }
    }
    Some(told)
}
