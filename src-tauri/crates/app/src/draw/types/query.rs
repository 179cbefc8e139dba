//! What a window asks.

use bivouac_journal::geometry::Bounds;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A window over a part of the map.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ViewportQuery {
    /// Its western edge, in degrees; the box may be larger than what is on screen.
    pub west: f64,
    /// Its southern edge.
    pub south: f64,
    /// Its eastern edge; less than `west` plus 360.
    pub east: f64,
    /// Its northern edge.
    pub north: f64,
    /// Zoom as uMap counts it: the world is 256 · 2^zoom pixels wide. May be between two levels.
    pub zoom: f64,
    /// How wide the window is, in CSS pixels.
    pub width: f64,
    /// How high.
    pub height: f64,
    /// Device pixels for one CSS pixel.
    pub pixel_ratio: f64,
    /// Layers (or groups, with all that lies in them) that the user switched off.
    #[serde(default)]
    pub hidden: Vec<String>,
    /// Layers (or groups) that the user switched on: shown whatever their zoom range says. Those
    /// in neither list are shown as the map says: `displayOnLoad`, `fromZoom`, `toZoom`.
    #[serde(default)]
    pub shown: Vec<String>,
    /// Features as `layer/id` that are drawn in any case, with their exact geometry.
    #[serde(default)]
    pub selected: Vec<String>,
}

impl ViewportQuery {
    /// The box.
    #[must_use]
    pub fn bounds(&self) -> Bounds {
        Bounds { west: self.west, south: self.south, east: self.east, north: self.north }
    }
}
