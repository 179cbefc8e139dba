//! `status`, `layers`, `features`, `verify`: reading, beside whoever writes.

use std::process::ExitCode;

use bivouac_app::{AppError, Result};
use bivouac_journal::geometry::Bounds;
use bivouac_store::{Query, Store};
use serde_json::{Value, json};

use super::Context;
use crate::args;
use crate::out::{instant, skew};

/// `status`.
pub fn status(context: &Context, args: &args::OfMap) -> Result<ExitCode> {
    let store = context.library.read(&args.map)?;
    let (record, counts) = (store.map()?, store.counts()?);
    let peers: Vec<Value> = store
        .peers()?
        .into_iter()
        .filter(|peer| !peer.own)
        .take(50)
        .map(|peer| {
            json!({
                "peer": peer.peer, "name": peer.username, "last_seen": instant(peer.last_seen),
                "refused": peer.refused, "unsaved": peer.unsaved,
            })
        })
        .collect();
    let (undo, redo) = store.undo_state()?;
    let state = state(&record, &counts);
    // The hash reads the whole map: for scripts only.
    let hash = if context.out.is_json() { Some(store.state_hash()?) } else { None };
    let value = json!({
        "uuid": record.uuid, "name": record.name, "server": record.server, "server_map_id": record.server_map_id,
        "account": record.account, "read_only": record.read_only, "state": state.0,
        "edits": {
            "local": counts.local, "sent": counts.sent, "echoed": counts.echoed, "saved": counts.saved,
            "verified": counts.verified, "superseded": counts.superseded, "lost": counts.lost,
        },
        "foreign_unsaved": counts.foreign_unsaved, "conflicts": counts.conflicts, "proposals": counts.proposals,
        "parked": counts.parked, "peers": peers, "synced_at": instant(record.synced_at),
        "clock_skew_ms": record.clock_skew, "state_hash": hash,
        "undo": undo.as_ref().map(|unit| &unit.label), "redo": redo.as_ref().map(|unit| &unit.label),
    });
    context.out.result(&value, || {
        let mut lines = vec![format!("{}: {}", record.name, state.1)];
        let place = match (&record.server, record.server_map_id) {
            (Some(server), Some(id)) => format!("map {id} on {server}"),
            (Some(server), None) => format!("to be created on {server}"),
            (None, _) => "on no server yet".to_owned(),
        };
        let account = record.account.as_deref().unwrap_or("nobody");
        lines.push(format!("{place}, opened as {account}"));
        lines.push(format!(
            "edits: {} local, {} sent, {} echoed, {} saved, {} verified",
            counts.local, counts.sent, counts.echoed, counts.saved, counts.verified
        ));
        lines.push(format!("decisions: {} conflicts, {} proposals", counts.conflicts, counts.proposals));
        lines.push(format!("others' edits that nobody saved yet: {}", counts.foreign_unsaved));
        lines.push(format!("last sync: {}", instant(record.synced_at).unwrap_or_else(|| "never".to_owned())));
        if record.clock_skew.abs() > 120_000 {
            lines.push(skew(record.clock_skew));
        }
        for peer in &peers {
            let name = peer.get("name").and_then(Value::as_str).unwrap_or("somebody");
            let seen = peer.get("last_seen").and_then(Value::as_str).unwrap_or("");
            lines.push(format!("met {name}, last at {seen}"));
        }
        lines
    })?;
    Ok(ExitCode::SUCCESS)
}

fn state(record: &bivouac_store::MapRecord, counts: &bivouac_store::Counts) -> (&'static str, String) {
    let waiting = counts.unverified();
    if counts.conflicts > 0 {
        return ("conflicts", format!("{} decisions wait", counts.conflicts));
    }
    if record.server_map_id.is_none() {
        return ("unborn", format!("on this laptop only, {waiting} edits to send"));
    }
    if waiting > 0 {
        return ("unsaved", format!("{waiting} edits to send and save"));
    }
    if record.read_only {
        return ("read_only", "up to date as of the last sync, read-only".to_owned());
    }
    ("up_to_date", "up to date as of the last sync".to_owned())
}

/// `layers`.
pub fn layers(context: &Context, args: &args::OfMap) -> Result<ExitCode> {
    let layers = context.library.read(&args.map)?.layers()?;
    let values: Vec<Value> = layers
        .iter()
        .map(|view| {
            let facts = view.facts.clone().unwrap_or_default();
            json!({
                "id": view.id, "name": view.layer.name(), "features": view.features, "rank": view.layer.rank,
                "parent": view.layer.parent, "depth": view.depth, "edit_status": facts.edit_status,
                "edit_mode": facts.edit_mode, "on_server": facts.listed, "properties": view.layer.properties,
            })
        })
        .collect();
    context.out.result(&Value::Array(values), || {
        let line = |view: &bivouac_store::LayerView| {
            format!("{}  {}{}  {} features", view.id, "  ".repeat(view.depth), view.layer.name(), view.features)
        };
        layers.iter().map(line).collect()
    })?;
    Ok(ExitCode::SUCCESS)
}

/// `features`.
pub fn features(context: &Context, args: &args::Features) -> Result<ExitCode> {
    let store = context.library.read(&args.map)?;
    let layer = args.layer.as_deref().map(|layer| bivouac_app::edits::find_layer_in(&store, layer)).transpose()?;
    let bounds = args.bbox.as_deref().map(bbox).transpose()?;
    let query = Query { layer, bounds, limit: args.limit, offset: args.offset };
    let found = store.features(&query)?;
    if context.out.is_json() {
        // The texts are JSON as they are: nothing is parsed for it.
        let items = found.iter().map(|shown| {
            format!("{{\"layer\":\"{}\",\"id\":\"{}\",\"feature\":{}}}", shown.layer, shown.id, shown.text)
        });
        context.out.raw(&format!("[{}]", items.collect::<Vec<_>>().join(",\n")))?;
        return Ok(ExitCode::SUCCESS);
    }
    for shown in found {
        let feature: Value = serde_json::from_str(&shown.text).unwrap_or(Value::Null);
        let name = feature.pointer("/properties/name").map(told).unwrap_or_default();
        let kind = feature.pointer("/geometry/type").and_then(Value::as_str).unwrap_or("no geometry");
        context.out.line(&format!("{}  {kind}  {name}  ({})", shown.id, shown.layer))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn bbox(text: &str) -> Result<Bounds> {
    let bad = || AppError::bad(format!("read the box {text:?}"), "a box is west,south,east,north in degrees");
    let numbers: Vec<f64> =
        text.split(',').map(|part| part.trim().parse().ok()).collect::<Option<_>>().ok_or_else(bad)?;
    let [west, south, east, north] = numbers.as_slice() else {
        return Err(bad());
    };
    let fine = numbers.iter().all(|n| n.is_finite()) && west <= east && south <= north;
    if fine { Ok(Bounds { west: *west, south: *south, east: *east, north: *north }) } else { Err(bad()) }
}

fn told(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

/// `verify`.
pub fn verify(context: &Context, args: &args::OfMap) -> Result<ExitCode> {
    let store: Store = context.library.read(&args.map)?;
    let verified = store.verify()?;
    let found: Vec<String> = verified.disagreements.iter().map(|one| format!("{one:?}")).collect();
    let value = json!({
        "operations": verified.operations, "objects": verified.objects, "state_hash": verified.state_hash,
        "fine": found.is_empty(), "disagreements": found,
    });
    context.out.result(&value, || {
        let mut lines = vec![format!(
            "{} operations, {} objects, state {}",
            verified.operations, verified.objects, verified.state_hash
        )];
        if found.is_empty() {
            lines.push("log, registers, features and file agree".to_owned());
        } else {
            lines.push(format!("{} disagreements: the file is damaged", found.len()));
            lines.extend(found.iter().take(50).cloned());
        }
        lines
    })?;
    Ok(if found.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(5) })
}
