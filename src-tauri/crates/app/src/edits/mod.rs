//! Edits as people make them, turned into one undo unit of operations.
//!
//! A whole batch is planned before anything is written: if one edit makes no sense, nothing
//! of the batch is kept.

mod key;
mod plan;
mod rights;
mod typing;

use bivouac_journal::ids::{FeatureId, LayerId, Object};
use bivouac_store::{Receipt, Store, UndoReport};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

pub(crate) use key::{is_layer_setting, is_usable, without_dots};
pub use rights::Rights;
pub use typing::{Field, TYPING_MS, Typed, Typing};

use crate::error::{AppError, Result};
use crate::host::Host;
use plan::Planner;

/// One edit. Layers are named by id, the beginning of one, or name; features by id, or by
/// `layer/id` where several layers hold one of that id.
#[derive(Clone, Debug, PartialEq, Deserialize, ts_rs::TS)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Edit {
    /// Adds a feature.
    Add {
        /// Where.
        layer: String,
        /// A GeoJSON feature.
        #[ts(
            type = "{ type: \"Feature\", geometry: { type: string, coordinates: unknown }, properties: Record<string, unknown>, id?: string }"
        )]
        feature: Value,
    },
    /// Sets a property, or with `_umap_options.` before its name a style option, of a feature.
    Set {
        /// Of which feature.
        feature: String,
        /// Which.
        key: String,
        /// To what; null is a value.
        #[serde(deserialize_with = "present")]
        #[ts(type = "unknown")]
        value: Value,
    },
    /// Takes a property or style option from a feature.
    Unset {
        /// Of which feature.
        feature: String,
        /// Which.
        key: String,
    },
    /// Replaces a feature's geometry.
    Geometry {
        /// Of which feature.
        feature: String,
        /// A GeoJSON geometry.
        #[ts(type = "{ type: string, coordinates: unknown }")]
        geometry: Value,
    },
    /// Deletes a feature.
    Delete {
        /// Which.
        feature: String,
    },
    /// Moves a feature to another layer.
    Move {
        /// Which.
        feature: String,
        /// Where.
        to: String,
    },
    /// Adds a layer.
    LayerAdd {
        /// Its name.
        name: String,
        /// The group that it lies in.
        #[serde(default)]
        #[ts(optional)]
        parent: Option<String>,
        /// Further settings.
        #[serde(default)]
        #[ts(type = "Record<string, unknown>", optional)]
        properties: serde_json::Map<String, Value>,
    },
    /// Sets a setting of a layer, its `rank` or its `parentId`.
    LayerSet {
        /// Of which layer.
        layer: String,
        /// Which.
        key: String,
        /// To what.
        #[serde(deserialize_with = "present")]
        #[ts(type = "unknown")]
        value: Value,
    },
    /// Takes a setting from a layer.
    LayerUnset {
        /// Of which layer.
        layer: String,
        /// Which.
        key: String,
    },
    /// Deletes a layer with its features.
    LayerDelete {
        /// Which.
        layer: String,
    },
    /// Sets a setting of the map.
    MapSet {
        /// Which.
        key: String,
        /// To what.
        #[serde(deserialize_with = "present")]
        #[ts(type = "unknown")]
        value: Value,
    },
    /// Takes a setting from the map.
    MapUnset {
        /// Which.
        key: String,
    },
}

/// A member that has to be there: `null` is a value, silence is none (rule 7).
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
    Value::deserialize(deserializer)
}

/// What became of edits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edited {
    /// The undo unit and its log rows.
    pub receipt: Receipt,
    /// What each edit made or changed, in their order.
    pub objects: Vec<Object>,
    /// What was not taken as it was given, for people.
    pub notes: Vec<String>,
}

/// Commits edits as one undo unit.
///
/// # Errors
/// When one of them makes no sense or is not allowed; nothing is kept then.
pub fn apply(store: &mut Store, label: &str, edits: Vec<Edit>, host: &dyn Host) -> Result<Edited> {
    apply_within(store, None, label, edits, host)
}

/// As [`apply`], as more of an undo unit when that is still the last thing that was done.
pub(crate) fn apply_within(
    store: &mut Store,
    unit: Option<i64>,
    label: &str,
    edits: Vec<Edit>,
    host: &dyn Host,
) -> Result<Edited> {
    let mut planner = Planner::new(store, host)?;
    let total = edits.len();
    for (at, edit) in edits.into_iter().enumerate() {
        planner.plan(edit).map_err(|error| if total > 1 { at_edit(at + 1, error) } else { error })?;
    }
    let (drafts, objects, notes) = planner.finish();
    if drafts.is_empty() {
        return Err(AppError::bad("edit the map", "there is nothing to do"));
    }
    let now = host.now_ms();
    let more = match unit {
        Some(unit) => store.commit_more(unit, drafts.clone(), now)?,
        None => None,
    };
    let receipt = match more {
        Some(receipt) => receipt,
        None => store.commit_local(label, drafts, now)?,
    };
    Ok(Edited { receipt, objects, notes })
}

/// Takes the last edit back.
///
/// # Errors
/// When there is none, or the map may not be edited.
pub fn undo(store: &mut Store, host: &dyn Host) -> Result<UndoReport> {
    Rights::of(store)?.may_edit_something("undo")?;
    Ok(store.undo(host.random(), host.now_ms())?)
}

/// Takes the last undo back.
///
/// # Errors
/// When there is none, or the map may not be edited.
pub fn redo(store: &mut Store, host: &dyn Host) -> Result<UndoReport> {
    Rights::of(store)?.may_edit_something("redo")?;
    Ok(store.redo(host.random(), host.now_ms())?)
}

/// Makes the value that somebody proposed for a protected layer an edit of ours (rule 33).
///
/// # Errors
/// When it is not open, or the layer may not be edited.
pub fn approve(store: &mut Store, row: i64, host: &dyn Host) -> Result<Receipt> {
    let what = "approve the proposal";
    let proposal = store.proposals()?.into_iter().find(|proposal| proposal.row == row);
    match proposal.as_ref().and_then(|proposal| proposal.operation.object.layer()) {
        Some(layer) => Rights::of(store)?.may_edit_layer(what, layer)?,
        None => Rights::of(store)?.may_edit_map(what)?,
    }
    Ok(store.approve_proposal(row, "approve", host.now_ms())?)
}

/// Reads a batch: one edit as a JSON object on each line.
///
/// # Errors
/// Names the first line that is none.
pub fn parse_batch(text: &str) -> Result<Vec<Edit>> {
    let mut edits = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim().is_empty() {
            continue;
        }
        edits.push(parse_edit(line).map_err(|error| at_edit(number, error))?);
    }
    Ok(edits)
}

/// Reads one edit.
///
/// # Errors
/// When it is none.
pub fn parse_edit(line: &str) -> Result<Edit> {
    let what = "read an edit";
    if !bivouac_journal::json::depth_is_fine(line) {
        return Err(AppError::bad(what, "it nests deeper than 64"));
    }
    serde_json::from_str(line).map_err(|error| AppError::bad(what, error.to_string()))
}

fn at_edit(number: usize, error: AppError) -> AppError {
    match error {
        AppError::BadInput { what, why } => AppError::BadInput { what: format!("edit {number}: {what}"), why },
        AppError::NotFound { what, why } => AppError::NotFound { what: format!("{what} (edit {number})"), why },
        AppError::NotAllowed { what, why } => AppError::NotAllowed { what: format!("edit {number}: {what}"), why },
        other => other,
    }
}

/// The layer of a map that is called so.
///
/// # Errors
/// [`AppError::NotFound`] or [`AppError::Ambiguous`].
pub fn find_layer_in(store: &Store, text: &str) -> Result<LayerId> {
    let layers = store.layers()?;
    let all: Vec<(LayerId, String)> =
        layers.iter().map(|view| (view.id.clone(), view.layer.name().to_owned())).collect();
    plan::find_layer(&all, text)
}

/// The feature of a map that is called so, deleted ones included; a living one before a dead one.
///
/// # Errors
/// [`AppError::NotFound`] or [`AppError::Ambiguous`].
pub fn find_object(store: &Store, text: &str) -> Result<Object> {
    let (layer, id) = match text.rsplit_once('/') {
        Some((layer, id)) => (Some(layer), id),
        None => (None, text),
    };
    let not_found = |why: &str| AppError::NotFound { what: format!("the feature {text:?}"), why: why.to_owned() };
    let id = FeatureId::parse(id).ok_or_else(|| not_found("an id is five letters or digits"))?;
    if let Some(layer) = layer {
        let layer = match LayerId::parse(layer) {
            Some(layer) => layer,
            None => find_layer_in(store, layer)?,
        };
        return Ok(Object::Feature(layer, id));
    }
    let mut alive = Vec::new();
    let found = store.find_feature(&id)?;
    for object in &found {
        if store.state(object)?.is_alive() {
            alive.push(object.clone());
        }
    }
    let among = if alive.is_empty() { found } else { alive };
    match among.as_slice() {
        [] => Err(not_found("nobody ever spoke of it")),
        [one] => Ok(one.clone()),
        several => {
            let names = several.iter().filter_map(Object::layer).map(|layer| format!("{layer}/{id}"));
            let among = names.collect::<Vec<_>>().join(", ");
            Err(AppError::Ambiguous { what: format!("the feature {text:?}"), among })
        }
    }
}
