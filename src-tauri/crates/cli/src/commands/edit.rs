//! `edit`: every edit is on the disk before its result is printed.

use std::io::Read;
use std::path::Path;
use std::process::ExitCode;

use bivouac_app::edits::{self, Edit, Edited};
use bivouac_app::{AppError, Result};
use bivouac_journal::ids::Object;
use bivouac_store::UndoReport;
use serde_json::{Value, json};

use super::Context;
use crate::args::{self, EditWhat, LayerWhat, MapWhat};

/// The most that is read of one argument or batch.
const MOST_BYTES: u64 = 100 * 1024 * 1024;

/// `edit`.
pub fn edit(context: &Context, args: &args::Edit) -> Result<ExitCode> {
    // Bad input is told before the map is locked.
    let planned = planned(&args.what)?;
    let mut map = context.library.write(&args.map)?;
    match planned {
        Planned::Edits(label, edits) => {
            let edited = edits::apply(&mut map.store, label, edits, &context.host)?;
            told(context, &edited)?;
        }
        Planned::Undo => undone(context, "undone", &edits::undo(&mut map.store, &context.host)?)?,
        Planned::Redo => undone(context, "done again", &edits::redo(&mut map.store, &context.host)?)?,
    }
    Ok(ExitCode::SUCCESS)
}

enum Planned {
    Edits(&'static str, Vec<Edit>),
    Undo,
    Redo,
}

fn planned(what: &EditWhat) -> Result<Planned> {
    let one = |label, edit| Ok(Planned::Edits(label, vec![edit]));
    match what {
        EditWhat::Add { layer, feature } => {
            one("add", Edit::Add { layer: layer.clone(), feature: document("the feature", feature)? })
        }
        EditWhat::Set { feature, key, value } => {
            one("set", Edit::Set { feature: feature.clone(), key: key.clone(), value: json_value(value)? })
        }
        EditWhat::Unset { feature, key } => one("unset", Edit::Unset { feature: feature.clone(), key: key.clone() }),
        EditWhat::Geometry { feature, geometry } => {
            one("geometry", Edit::Geometry { feature: feature.clone(), geometry: document("the geometry", geometry)? })
        }
        EditWhat::Delete { feature } => one("delete", Edit::Delete { feature: feature.clone() }),
        EditWhat::Move { feature, to } => one("move", Edit::Move { feature: feature.clone(), to: to.clone() }),
        EditWhat::Layer { what } => match what {
            LayerWhat::Add { name, parent } => one(
                "add layer",
                Edit::LayerAdd { name: name.clone(), parent: parent.clone(), properties: serde_json::Map::new() },
            ),
            LayerWhat::Set { layer, key, value } => {
                one("set layer", Edit::LayerSet { layer: layer.clone(), key: key.clone(), value: json_value(value)? })
            }
            LayerWhat::Unset { layer, key } => {
                one("unset layer", Edit::LayerUnset { layer: layer.clone(), key: key.clone() })
            }
            LayerWhat::Delete { layer } => one("delete layer", Edit::LayerDelete { layer: layer.clone() }),
        },
        EditWhat::Map { what } => match what {
            MapWhat::Set { key, value } => one("set map", Edit::MapSet { key: key.clone(), value: json_value(value)? }),
            MapWhat::Unset { key } => one("unset map", Edit::MapUnset { key: key.clone() }),
        },
        EditWhat::Batch { file } => {
            let edits = edits::parse_batch(&text_of(file)?)?;
            if edits.is_empty() {
                return Err(AppError::bad(format!("read the batch {}", file.display()), "it holds no edit"));
            }
            Ok(Planned::Edits("batch", edits))
        }
        EditWhat::Undo => Ok(Planned::Undo),
        EditWhat::Redo => Ok(Planned::Redo),
    }
}

fn told(context: &Context, edited: &Edited) -> Result<()> {
    let objects: Vec<Value> = edited.objects.iter().map(object_value).collect();
    let value = json!({ "unit": edited.receipt.unit, "objects": objects, "notes": edited.notes });
    context.out.result(&value, || {
        let mut lines: Vec<String> = edited.objects.iter().take(20).map(object_line).collect();
        if edited.objects.len() > 20 {
            lines.push(format!("… {} edits in all", edited.objects.len()));
        }
        lines.extend(edited.notes.iter().map(|note| format!("note: {note}")));
        lines
    })
}

fn undone(context: &Context, what: &str, report: &UndoReport) -> Result<()> {
    let left: Vec<Value> = report
        .left_out
        .iter()
        .map(|out| json!({ "object": object_value(&out.object), "key": out.path.to_string(), "by": out.writer, "sender": out.sender }))
        .collect();
    let value = json!({ "unit": report.unit.id, "label": report.unit.label, "done": report.receipt.is_some(), "left_out": left });
    context.out.result(&value, || {
        let mut lines = vec![format!("{what}: {}", report.unit.label)];
        for out in &report.left_out {
            let by = if out.writer.is_empty() { "the server" } else { &out.writer };
            lines.push(format!("left as it is: {} {}, changed by {by} meanwhile", object_line(&out.object), out.path));
        }
        lines
    })
}

/// An object for scripts.
pub fn object_value(object: &Object) -> Value {
    match object {
        Object::Map => json!({ "map": true }),
        Object::Layer(layer) => json!({ "layer": layer }),
        Object::Feature(layer, id) => json!({ "layer": layer, "feature": id }),
    }
}

/// An object for people.
pub fn object_line(object: &Object) -> String {
    match object {
        Object::Map => "map".to_owned(),
        Object::Layer(layer) => format!("layer {layer}"),
        Object::Feature(layer, id) => format!("feature {id} of layer {layer}"),
    }
}

fn json_value(text: &str) -> Result<Value> {
    json(text, "the value").map_err(|error| match error {
        AppError::BadInput { what, why } => AppError::bad(
            what,
            format!("{why}; a value is JSON: text goes in quotes, as in '\"{}\"'", text.replace('"', "")),
        ),
        other => other,
    })
}

/// JSON from an argument, a file (`@name`) or the standard input (`-`).
fn document(what: &str, text: &str) -> Result<Value> {
    match text.strip_prefix('@') {
        Some(file) => json(&text_of(Path::new(file))?, what),
        None if text == "-" => json(&text_of(Path::new("-"))?, what),
        None => json(text, what),
    }
}

fn json(text: &str, what: &str) -> Result<Value> {
    let what = format!("read {what}");
    if !bivouac_journal::json::depth_is_fine(text) {
        return Err(AppError::bad(what, "it nests deeper than 64"));
    }
    serde_json::from_str(text).map_err(|error| AppError::bad(what, error.to_string()))
}

/// A whole text file, or the standard input for `-`.
pub fn text_of(file: &Path) -> Result<String> {
    let what = format!("read the file {}", file.display());
    let mut text = String::new();
    let read = if file == Path::new("-") {
        std::io::stdin().lock().take(MOST_BYTES + 1).read_to_string(&mut text)
    } else {
        std::fs::File::open(file).and_then(|file| file.take(MOST_BYTES + 1).read_to_string(&mut text))
    };
    let length = read.map_err(|error| match error.kind() {
        std::io::ErrorKind::InvalidData => AppError::bad(what.clone(), "it is no UTF-8 text: save it as UTF-8 first"),
        _ => AppError::Io { what: what.clone(), source: error },
    })?;
    if u64::try_from(length).unwrap_or(u64::MAX) > MOST_BYTES {
        return Err(AppError::bad(what, "it is larger than 100 MiB"));
    }
    // Some editors begin a file with this mark.
    if text.starts_with('\u{feff}') {
        text.remove(0);
    }
    Ok(text)
}
