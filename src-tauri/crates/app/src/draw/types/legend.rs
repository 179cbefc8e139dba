//! What a layer's colours and sizes mean.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::Symbol;

/// What stands in a layer's legend.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct LayerLegend {
    /// The layer.
    pub layer: String,
    /// From the first class to the last.
    pub entries: Vec<LegendEntry>,
}

/// One line of a legend.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct LegendEntry {
    /// What it is about.
    pub kind: LegendKind,
    /// Numbers, a value, a rule's name; empty for the layer's own colour.
    pub label: String,
    /// The colour.
    pub color: String,
    /// How opaque.
    pub opacity: f64,
    /// A circle's radius, in CSS pixels.
    pub radius: Option<f64>,
    /// What stands on the icon, for a rule that names one.
    pub symbol: Option<Symbol>,
    /// How many features look so; `None` where that is not counted.
    pub count: Option<u64>,
}

/// What a line of a legend is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum LegendKind {
    /// The layer's own colour.
    Layer,
    /// A conditional rule.
    Rule,
    /// A class of numbers.
    Class,
    /// A category.
    Category,
    /// A circle's size.
    Size,
}
