//! What waits: to be sent, for a decision, for approval.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use ts_rs::TS;

use super::feature::SaveStep;
use super::map::LonLatBox;

/// Edits of one object that are not on the server yet.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct PendingEntry {
    /// Their log rows.
    pub rows: Vec<i64>,
    /// `layer/id`, a layer's id, or `map`.
    pub object: String,
    /// The layer's name; empty for the map.
    pub layer_name: String,
    /// What the object is called, as far as it has a name.
    pub name: String,
    /// What became of it, all in all.
    pub verb: PendingVerb,
    /// The registers that were written.
    pub keys: Vec<String>,
    /// When it was edited last.
    pub at: u64,
    /// How far the least far of them is.
    pub state: SaveStep,
    /// Where it lies.
    pub bounds: Option<LonLatBox>,
}

/// What became of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum PendingVerb {
    /// It is new.
    Added,
    /// It was there and is different.
    Changed,
    /// It is gone.
    Deleted,
}

/// A decision that waits.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ConflictCard {
    /// Its number.
    pub id: i64,
    /// What kind.
    pub kind: ConflictCardKind,
    /// `layer/id`, a layer's id, or `map`.
    pub object: String,
    /// The layer's name; empty for the map.
    pub layer_name: String,
    /// What the object is called.
    pub name: String,
    /// The register, for `value`.
    pub key: Option<String>,
    /// Our value; for `deleted-while-edited` the whole feature.
    #[ts(type = "unknown")]
    pub mine: Value,
    /// Their value.
    #[ts(type = "unknown")]
    pub theirs: Value,
    /// Who wrote theirs, as far as somebody said so.
    pub theirs_by: Option<String>,
    /// When, by their clock.
    pub theirs_at: Option<u64>,
    /// When ours was made.
    pub mine_at: Option<u64>,
    /// Our geometry, as it is stored: JSON text.
    pub mine_geometry: Option<String>,
    /// Their geometry, as it is stored: JSON text.
    pub theirs_geometry: Option<String>,
    /// Where it lies.
    pub bounds: Option<LonLatBox>,
}

/// What kind of decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum ConflictCardKind {
    /// Two values for one register.
    Value,
    /// We edited, somebody deleted.
    DeletedWhileEdited,
    /// We deleted, somebody edited later.
    EditedWhileDeleted,
    /// A layer was deleted while we worked in it.
    LayerDeleted,
    /// Somebody's change that reached no version of the server.
    LostChange,
}

/// Whose value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// Ours.
    Mine,
    /// Theirs.
    Theirs,
}

/// An edit by somebody else on a protected layer, which waits for approval.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ProposalCard {
    /// Its log row.
    pub row: i64,
    /// `layer/id` or a layer's id.
    pub object: String,
    /// The layer's name.
    pub layer_name: String,
    /// What the object is called.
    pub name: String,
    /// `upsert`, `update` or `delete`.
    pub verb: String,
    /// The register; `None` for the whole object.
    pub key: Option<String>,
    /// What is there.
    #[ts(type = "unknown")]
    pub now: Value,
    /// What is proposed.
    #[ts(type = "unknown")]
    pub proposed: Value,
    /// Who, as far as somebody said so.
    pub by: Option<String>,
    /// When, by their clock.
    pub at: Option<u64>,
}
