//! What a window draws. Names are short where thousands of them cross.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::Style;

/// What lies in a viewport, ready to be drawn.
///
/// `marks` are in drawing order: lines, areas and circles first, from the lowest layer to the
/// highest; then what has an icon, likewise, since uMap draws icons above all paths. Clusters
/// lie with the icons, heat with the paths of its layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ViewportAnswer {
    /// Grows with each change of the map.
    pub revision: u64,
    /// The zoom that was asked for.
    pub zoom: f64,
    /// Whether features were left out, or lines simplified by more than a pixel.
    pub thinned: bool,
    /// How many features of shown layers lie in the box, drawn or not.
    pub features: u64,
    /// The layers that marks speak of, by id, lowest first.
    pub layers: Vec<String>,
    /// The styles that marks speak of.
    pub styles: Vec<Style>,
    /// In drawing order.
    pub marks: Vec<Mark>,
}

/// One thing to draw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Mark {
    /// The feature, as `layer/id`; `None` for a cluster or a spot of heat.
    pub o: Option<String>,
    /// Which of the answer's layers.
    pub l: u32,
    /// Which of the answer's styles.
    pub s: u32,
    /// Where: as stored for selected features, otherwise as exact as the zoom needs.
    pub g: MarkGeometry,
    /// The label's text, where the style has a label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub t: Option<String>,
    /// How many features a cluster stands for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub n: Option<u32>,
    /// A circle's radius, in CSS pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub r: Option<f64>,
    /// A spot's share of the greatest heat of its layer at this zoom, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub v: Option<f64>,
    /// What a cluster covers: west, south, east, north.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub b: Option<[f64; 4]>,
}

/// A geometry as GeoJSON writes it: longitude, latitude, in degrees.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "type", content = "coordinates")]
pub enum MarkGeometry {
    /// A point.
    Point(Vec<f64>),
    /// Points that are one feature.
    MultiPoint(Vec<Vec<f64>>),
    /// A line.
    LineString(Vec<Vec<f64>>),
    /// Lines that are one feature.
    MultiLineString(Vec<Vec<Vec<f64>>>),
    /// An area: the outer ring, then its holes.
    Polygon(Vec<Vec<Vec<f64>>>),
    /// Areas that are one feature.
    MultiPolygon(Vec<Vec<Vec<Vec<f64>>>>),
}
