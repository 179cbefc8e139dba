//! How a mark looks. Colours are CSS colours as uMap keeps them (`DarkBlue`, `#ab12cd`); sizes are
//! CSS pixels; opacities 0 to 1.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// How a mark looks: feature, rule, layer type, layer, map and uMap's own defaults resolved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Style {
    /// A point with an icon.
    Marker {
        /// Its icon.
        icon: Icon,
        /// Its label; the text stands in the mark.
        label: Option<Label>,
    },
    /// A line.
    Line {
        /// `None` when it is not to be seen.
        stroke: Option<Stroke>,
        /// A text along it.
        text: Option<PathText>,
        /// Its label.
        label: Option<Label>,
        /// Whether it reacts to the pointer.
        interactive: bool,
    },
    /// An area.
    Area {
        /// Its outline.
        stroke: Option<Stroke>,
        /// What it is filled with.
        fill: Option<Fill>,
        /// A text along its outline.
        text: Option<PathText>,
        /// Its label.
        label: Option<Label>,
        /// Whether it reacts to the pointer.
        interactive: bool,
        /// Whether everything but the area is filled; the mark's geometry is the world without it.
        mask: bool,
    },
    /// A circle of the radius that stands in the mark.
    Circle {
        /// Its outline.
        stroke: Option<Stroke>,
        /// What it is filled with.
        fill: Option<Fill>,
        /// Its label.
        label: Option<Label>,
        /// Whether it reacts to the pointer.
        interactive: bool,
    },
    /// Points together: a disc with the number that stands in the mark. uMap's is 40 pixels wide,
    /// 4 of them a white border on each side.
    Cluster {
        /// What it is filled with.
        color: String,
        /// The number's colour.
        text_color: String,
    },
    /// A spot of heat: a disc of `radius` with a soft edge of `blur`, of opacity
    /// `max(v, minOpacity)`; the sum of all is coloured by opacity: 0.4 blue, 0.6 cyan, 0.7 lime,
    /// 0.8 yellow, 1 red.
    Heat {
        /// The disc.
        radius: f64,
        /// Its soft edge, outside the radius.
        blur: f64,
        /// The least opacity of a spot.
        min_opacity: f64,
    },
}

/// An outline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Stroke {
    /// Its colour.
    pub color: String,
    /// How wide.
    pub width: f64,
    /// How opaque.
    pub opacity: f64,
    /// Dashes and gaps in turn; empty for none.
    pub dash: Vec<f64>,
}

/// What an area is filled with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Fill {
    /// Its colour.
    pub color: String,
    /// How opaque.
    pub opacity: f64,
}

/// An icon, of one of uMap's six classes. Sizes, all in CSS pixels, and the point of the icon that
/// lies on the map:
///
/// | class | drawn as | lies on the map |
/// |---|---|---|
/// | `Default` | square of 32, corners of 4, with a tip of 16 × 8 below | 16, 40 |
/// | `Drop` | disc of 32 with a tip of 20 × 16 that begins 4 above its lower edge | 16, 42 |
/// | `Ball` | shaded ball of 16 on a black pin of 2 × 16 | 8, 30 |
/// | `Circle` | disc of 12 with a white border of 2 | its middle |
/// | `LargeCircle` | white disc of `size` with a border of 2 in `color` | its middle |
/// | `Raw` | the symbol alone, `size` wide and high | its middle |
///
/// A symbol is at most 24 wide and high in `Default` and `Drop`; `Circle` and `Ball` show none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Icon {
    /// Its form.
    pub class: IconClass,
    /// The colour of its body.
    pub color: String,
    /// How opaque.
    pub opacity: f64,
    /// How wide and high, for `LargeCircle` and `Raw`.
    pub size: f64,
    /// What stands on it.
    pub symbol: Symbol,
}

/// uMap's icon classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub enum IconClass {
    /// A square with a tip.
    Default,
    /// A small disc.
    Circle,
    /// A ring around a symbol.
    LargeCircle,
    /// A disc with a tip.
    Drop,
    /// A ball on a pin.
    Ball,
    /// The symbol alone.
    Raw,
}

/// What stands on an icon.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Symbol {
    /// Which kind of thing.
    pub kind: SymbolKind,
    /// As the map has it: the text, or an address (`http…`, `/…` on the map's server, `data:image…`).
    pub value: String,
    /// Whether it has to be white to be seen on the icon: a text, and an SVG image by inverting it.
    pub light: bool,
}

/// Kinds of symbols.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum SymbolKind {
    /// Nothing.
    None,
    /// uMap's own: a white disc of 13 with a thin dark edge.
    Dot,
    /// Some letters or an emoji.
    Text,
    /// An image.
    Url,
}

/// Where and when a mark's text is shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Label {
    /// On which side of the mark.
    pub side: LabelSide,
    /// Only under the pointer.
    pub hover: bool,
    /// Whether the label itself can be clicked.
    pub interactive: bool,
}

/// Sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum LabelSide {
    /// Right of it, or left where the right half of the window is.
    Auto,
    /// Left of it.
    Left,
    /// Right of it.
    Right,
    /// Above it.
    Top,
    /// Below it.
    Bottom,
}

/// A text along a line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct PathText {
    /// The text.
    pub text: String,
    /// Its colour.
    pub color: String,
    /// How opaque.
    pub opacity: f64,
    /// How high the letters are.
    pub size: f64,
    /// How far beside the line, to its right.
    pub offset: f64,
    /// Where along it, when it is not repeated.
    pub place: PathPlace,
    /// Over and over along the whole line.
    pub repeat: bool,
    /// Each letter turned by so many degrees.
    pub rotate: f64,
}

/// Places along a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum PathPlace {
    /// At its beginning.
    Start,
    /// In its middle.
    Center,
    /// At its end.
    End,
}
