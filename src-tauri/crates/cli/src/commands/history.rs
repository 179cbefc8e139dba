//! `show` and `log`: one feature, and who wrote what when.

use std::process::ExitCode;

use bivouac_app::edits::find_object;
use bivouac_app::{AppError, Result};
use bivouac_journal::ids::Object;
use bivouac_store::{Origin, Row, SaveState};
use serde_json::{Value, json};

use super::Context;
use crate::args;
use crate::out::instant;

/// `show`.
pub fn show(context: &Context, args: &args::Show) -> Result<ExitCode> {
    let store = context.library.read(&args.map)?;
    let object = find_object(&store, &args.feature)?;
    let view = store.object(&object)?.ok_or_else(|| AppError::NotFound {
        what: format!("the feature {:?}", args.feature),
        why: "nobody ever spoke of it".to_owned(),
    })?;
    let feature: Value = serde_json::from_str(&view.text).unwrap_or(Value::Null);
    let mine = store.map()?.clock_id;
    let registers: Vec<Value> = view
        .slots
        .iter()
        .map(|slot| {
            let by = writer(slot.origin, &slot.order.id, &mine);
            json!({
                "key": slot.path.to_string(), "value": slot.value.as_ref().map(bivouac_journal::json::Json::value),
                "by": by, "sender": slot.sender, "at": instant(slot.order.wall), "state": state_word(slot.state),
            })
        })
        .collect();
    let value = json!({
        "layer": object.layer(), "alive": view.alive, "feature": feature, "registers": registers,
    });
    context.out.result(&value, || {
        let mut lines = Vec::new();
        if !view.alive {
            lines.push("it is deleted".to_owned());
        }
        lines.push(serde_json::to_string_pretty(&feature).unwrap_or_default());
        let mut lines: Vec<String> = lines.iter().flat_map(|text| text.lines().map(str::to_owned)).collect();
        for register in &registers {
            let word = |name: &str| register.get(name).and_then(Value::as_str).unwrap_or("");
            lines.push(format!("{}  by {}  {}  {}", word("key"), word("by"), word("at"), word("state")));
        }
        lines
    })?;
    Ok(ExitCode::SUCCESS)
}

/// `log`.
pub fn log(context: &Context, args: &args::Log) -> Result<ExitCode> {
    let store = context.library.read(&args.map)?;
    let rows = match &args.feature {
        Some(feature) => {
            let mut rows = store.history(&find_object(&store, feature)?)?;
            rows.reverse();
            rows.truncate(args.limit);
            rows
        }
        None => store.log(None, args.limit)?,
    };
    let mine = store.map()?.clock_id;
    let values: Vec<Value> = rows.iter().map(|row| row_value(row, &mine)).collect();
    context.out.result(&Value::Array(values.clone()), || values.iter().map(row_line).collect())?;
    Ok(ExitCode::SUCCESS)
}

fn row_value(row: &Row, mine: &str) -> Value {
    let operation = &row.operation;
    let feature = match &operation.object {
        Object::Feature(_, id) => Some(id),
        Object::Map | Object::Layer(_) => None,
    };
    json!({
        "row": row.row, "at": instant(row.at_ms), "verb": operation.verb.as_str(),
        "layer": operation.object.layer(), "feature": feature,
        "key": operation.path.as_ref().map(ToString::to_string),
        "value": operation.value.as_ref().map(bivouac_journal::json::Json::value),
        "hlc": operation.stamp.hlc().map(ToString::to_string), "by": writer(row.origin, &operation.order().id, mine),
        "sender": operation.sender, "applied": row.applied, "state": state_word(row.state), "unit": row.unit,
    })
}

fn row_line(value: &Value) -> String {
    let word = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or("");
    let object = match (word("feature"), word("layer")) {
        ("", "") => "map",
        ("", layer) => layer,
        (feature, _) => feature,
    };
    let shown = value
        .get("value")
        .filter(|value| !value.is_null())
        .map(|value| shortened(&value.to_string()))
        .unwrap_or_default();
    let line = format!("{}  {}  {object}  {}  {shown}", word("at"), word("verb"), word("key"));
    format!("{line}  by {} {}", word("by"), word("state"))
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= 60 { text.to_owned() } else { text.chars().take(59).chain(['…']).collect() }
}

fn writer(origin: Origin, clock: &str, mine: &str) -> String {
    match origin {
        Origin::Local => "me".to_owned(),
        Origin::Server => "the server".to_owned(),
        Origin::Wire | Origin::Foreign if clock == mine => "me".to_owned(),
        Origin::Wire | Origin::Foreign => clock.to_owned(),
    }
}

fn state_word(state: SaveState) -> &'static str {
    match state {
        SaveState::None => "",
        SaveState::Local => "local",
        SaveState::Sent => "sent",
        SaveState::Echoed => "echoed",
        SaveState::Saved => "saved",
        SaveState::Verified => "verified",
        SaveState::Superseded => "superseded",
        SaveState::Lost => "lost",
        SaveState::Unsaved => "unsaved",
    }
}
