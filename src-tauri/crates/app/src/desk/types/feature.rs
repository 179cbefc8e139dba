//! One feature, what was done to it, and what became of an edit.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};
use ts_rs::TS;

use super::map::Field;

/// A feature for its panel.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct FeatureDetail {
    /// `layer/id`.
    pub object: String,
    /// Its layer.
    pub layer: String,
    /// Its id.
    pub id: String,
    /// Its layer's name.
    pub layer_name: String,
    /// Whether it is there; a deleted one can be looked at too.
    pub alive: bool,
    /// Its geometry as it is stored: JSON text, each number as it was written.
    pub geometry: String,
    /// Its properties without `_umap_options`.
    #[ts(type = "Record<string, unknown>")]
    pub properties: Map<String, Value>,
    /// Its own style, `_umap_options`.
    #[ts(type = "Record<string, unknown>")]
    pub options: Map<String, Value>,
    /// What holds where it has no style of its own.
    pub inherited: BTreeMap<String, Inherited>,
    /// How far our edits of it have come; the least far counts.
    pub save_state: SaveStep,
    /// Whether it may be edited.
    pub may_edit: bool,
    /// Its fields.
    pub fields: Vec<Field>,
}

/// A style value that a feature has from above.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Inherited {
    /// The value.
    #[ts(type = "unknown")]
    pub value: Value,
    /// Where it is set.
    pub from: InheritedFrom,
}

/// Where a style value is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum InheritedFrom {
    /// In the layer.
    Layer,
    /// In the map.
    Map,
    /// Nowhere: uMap's own.
    Default,
}

/// How far something of ours has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum SaveStep {
    /// On this laptop.
    Local,
    /// Sent, its echo not seen.
    Sent,
    /// Others have it, the server's document not.
    Echoed,
    /// Saved on the server, read back not yet twice.
    Saved,
    /// Read back twice.
    Verified,
    /// Replaced by a later edit of ours.
    Superseded,
    /// Lost to another's value.
    Lost,
    /// Somebody else's, saved by nobody as far as we know.
    Unsaved,
    /// Nothing of ours.
    None,
}

impl From<bivouac_store::SaveState> for SaveStep {
    fn from(state: bivouac_store::SaveState) -> Self {
        use bivouac_store::SaveState;
        match state {
            SaveState::None => Self::None,
            SaveState::Local => Self::Local,
            SaveState::Sent => Self::Sent,
            SaveState::Echoed => Self::Echoed,
            SaveState::Saved => Self::Saved,
            SaveState::Verified => Self::Verified,
            SaveState::Superseded => Self::Superseded,
            SaveState::Lost => Self::Lost,
            SaveState::Unsaved => Self::Unsaved,
        }
    }
}

/// One thing that was done to an object.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct HistoryEntry {
    /// The log row, to take back to.
    pub row: i64,
    /// When it was made, by its maker's clock.
    pub at: u64,
    /// Who, as far as somebody said so; `None` for the server's documents and the unnamed.
    pub who: Option<String>,
    /// Whether it was this laptop.
    pub mine: bool,
    /// Whether it was read from the server's documents.
    pub server: bool,
    /// `upsert`, `update` or `delete`.
    pub verb: String,
    /// The register, as uMap names it; `None` for the whole object.
    pub key: Option<String>,
    /// What was there before, where that is known.
    #[ts(type = "unknown")]
    pub from: Value,
    /// What was written.
    #[ts(type = "unknown")]
    pub to: Value,
    /// How far it has come.
    pub state: SaveStep,
    /// Whether this very row holds now.
    pub current: bool,
}

/// What became of edits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct WrittenEdit {
    /// What each edit made or changed, in their order: `layer/id`, a layer's id, or `map`.
    pub objects: Vec<String>,
    /// What was not taken as it was given.
    pub notes: Vec<String>,
    /// The map's revision with it.
    pub revision: u64,
}

/// What became of an undo or redo.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct UndoSummary {
    /// What was taken back, in the words of its maker.
    pub label: String,
    /// How many operations it took.
    pub changed: u32,
    /// What was left as it is, because somebody else wrote there since.
    pub left_out: Vec<Undone>,
    /// The map's revision with it.
    pub revision: u64,
}

/// Something that an undo left as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Undone {
    /// Where.
    pub object: String,
    /// Which register.
    pub key: String,
    /// Who wrote there, as far as somebody said so.
    pub by: Option<String>,
}

/// Features with every number as it is stored, for hit tests, snapping and box selection. What
/// crosses is the text of this.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ExactFeatures {
    /// Whether there were more than asked for.
    pub more: bool,
    /// The features.
    pub features: Vec<ExactFeature>,
}

/// A feature with every number as it is stored.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ExactFeature {
    /// `layer/id`.
    pub object: String,
    /// The GeoJSON feature.
    #[ts(
        type = "{ type: \"Feature\", geometry: { type: string, coordinates: unknown }, properties: Record<string, unknown>, id: string }"
    )]
    pub feature: Value,
}
