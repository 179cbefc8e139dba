//! The open map and its layers.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use ts_rs::TS;

/// The open map.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct MapView {
    /// Its name on this laptop, for good.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// The server's origin.
    pub server: Option<String>,
    /// The map's page on the server; `None` while it is not there.
    pub address: Option<String>,
    /// Who opens it there.
    pub account: Option<String>,
    /// Whether nothing can be edited: opened so, or the server says so.
    pub read_only: bool,
    /// Why, when so: `opened`, `in_use`, `server`.
    pub read_only_why: Option<String>,
    /// What may be edited.
    pub rights: RightsView,
    /// The map's properties, as uMap writes them.
    #[ts(type = "Record<string, unknown>")]
    pub settings: Map<String, Value>,
    /// In the order in which uMap lists them, each group before what lies in it.
    pub layers: Vec<LayerCard>,
    /// Where its features lie.
    pub bounds: Option<LonLatBox>,
    /// The centre that the settings name.
    pub center: Option<Spot>,
    /// The zoom that the settings name.
    pub zoom: Option<f64>,
    /// What undo would take back.
    pub undo: Option<String>,
    /// What redo would do again.
    pub redo: Option<String>,
    /// Grows with each change of the map.
    pub revision: u64,
}

/// What the server lets us edit, as it said when the map was read last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct RightsView {
    /// Features of some layer.
    pub may_edit: bool,
    /// The map's settings and its list of layers.
    pub may_edit_map: bool,
    /// Who may edit, as uMap numbers it: 1 everyone, 2 collaborators, 3 the owner. Nothing is
    /// known of a map that was never on a server.
    pub edit_status: Option<u32>,
    /// Who may see it, as uMap numbers it: 0 nobody yet, 1 everyone, 2 whoever has the link, 3
    /// its editors.
    pub share_status: Option<u32>,
}

/// A place.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Spot {
    /// Degrees east.
    pub lon: f64,
    /// Degrees north.
    pub lat: f64,
}

/// A box.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct LonLatBox {
    /// Its western edge, in degrees.
    pub west: f64,
    /// Its southern edge.
    pub south: f64,
    /// Its eastern edge.
    pub east: f64,
    /// Its northern edge.
    pub north: f64,
}

impl From<bivouac_journal::geometry::Bounds> for LonLatBox {
    fn from(bounds: bivouac_journal::geometry::Bounds) -> Self {
        Self { west: bounds.west, south: bounds.south, east: bounds.east, north: bounds.north }
    }
}

impl From<LonLatBox> for bivouac_journal::geometry::Bounds {
    fn from(bounds: LonLatBox) -> Self {
        Self { west: bounds.west, south: bounds.south, east: bounds.east, north: bounds.north }
    }
}

/// How a layer is drawn: uMap's own words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
pub enum LayerKind {
    /// Each feature for itself.
    Default,
    /// Near points together.
    Cluster,
    /// Density.
    Heat,
    /// Classes of a number by colour.
    Choropleth,
    /// Values by colour.
    Categorized,
    /// A number by radius.
    Circles,
}

impl LayerKind {
    /// Reads the layer's `type`; anything unknown is drawn as `Default`, as uMap does.
    #[must_use]
    pub fn of(settings: &Map<String, Value>) -> Self {
        match settings.get("type").and_then(Value::as_str) {
            Some("Cluster") => Self::Cluster,
            Some("Heat") => Self::Heat,
            Some("Choropleth") => Self::Choropleth,
            Some("Categorized") => Self::Categorized,
            Some("Circles") => Self::Circles,
            Some(_) | None => Self::Default,
        }
    }
}

/// A layer of the open map.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct LayerCard {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The group that it lies in.
    pub parent: Option<String>,
    /// How deep it lies in groups; 0 at the top.
    pub depth: u32,
    /// Its place among its siblings.
    pub rank: i64,
    /// Whether it is a group, for layers and not for features.
    pub group: bool,
    /// How it is drawn.
    pub kind: LayerKind,
    /// Its colour, or what it inherits.
    pub color: String,
    /// How many features.
    pub features: u64,
    /// Whether it is shown at first.
    pub display_on_load: bool,
    /// Shown from this zoom on.
    pub from_zoom: Option<f64>,
    /// Shown up to this zoom.
    pub to_zoom: Option<f64>,
    /// Whether its features may be edited.
    pub may_edit: bool,
    /// The layer's properties, as uMap writes them.
    #[ts(type = "Record<string, unknown>")]
    pub settings: Map<String, Value>,
    /// The fields of its features: the layer's, then the map's.
    pub fields: Vec<Field>,
}

/// A field of a layer's features.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Field {
    /// The property.
    pub key: String,
    /// `String`, `Text`, `Number`, `Date`, `Datetime`, `Boolean` or `Enum`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What it may be, for `Enum`.
    pub values: Vec<String>,
    /// Where it is declared.
    pub from_map: bool,
}
