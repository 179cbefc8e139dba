//! What crosses to the window when it draws: plain values, all inheritance resolved.

mod legend;
mod mark;
mod query;
mod style;

pub use legend::{LayerLegend, LegendEntry, LegendKind};
pub use mark::{Mark, MarkGeometry, ViewportAnswer};
pub use query::ViewportQuery;
pub use style::{Fill, Icon, IconClass, Label, LabelSide, PathPlace, PathText, Stroke, Style, Symbol, SymbolKind};
