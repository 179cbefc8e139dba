//! The arguments of `edit`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `edit`.
#[derive(Debug, Args)]
pub struct Edit {
    /// The map.
    pub map: String,
    /// The edit.
    #[command(subcommand)]
    pub what: EditWhat,
}

/// The edits.
#[derive(Debug, Subcommand)]
pub enum EditWhat {
    /// Add a feature.
    Add {
        /// The layer.
        #[arg(long)]
        layer: String,
        /// A GeoJSON feature; @FILE reads it from a file, - from the standard input.
        feature: String,
    },
    /// Set a property, or _umap_options.NAME for a style option.
    Set {
        /// The feature.
        feature: String,
        /// The property.
        key: String,
        /// A JSON value: text in quotes.
        #[arg(allow_hyphen_values = true)]
        value: String,
    },
    /// Take a property or option away.
    Unset {
        /// The feature.
        feature: String,
        /// The property.
        key: String,
    },
    /// Replace the geometry.
    Geometry {
        /// The feature.
        feature: String,
        /// A GeoJSON geometry; @FILE or - as for add.
        geometry: String,
    },
    /// Delete a feature.
    Delete {
        /// The feature.
        feature: String,
    },
    /// Move a feature to another layer.
    Move {
        /// The feature.
        feature: String,
        /// The layer.
        #[arg(long)]
        to: String,
    },
    /// Add, change or delete a layer.
    Layer {
        /// What to do with it.
        #[command(subcommand)]
        what: LayerWhat,
    },
    /// Change a setting of the map.
    Map {
        /// What to change.
        #[command(subcommand)]
        what: MapWhat,
    },
    /// Many edits at once, one JSON object a line: one transaction, one undo.
    Batch {
        /// The file; - for the standard input.
        file: PathBuf,
    },
    /// Take the last edit back.
    Undo,
    /// Take the last undo back.
    Redo,
}

/// What is done with a layer.
#[derive(Debug, Subcommand)]
pub enum LayerWhat {
    /// Add a layer.
    Add {
        /// Its name.
        name: String,
        /// The group that it lies in.
        #[arg(long)]
        parent: Option<String>,
    },
    /// Set a setting, rank or parentId.
    Set {
        /// The layer.
        layer: String,
        /// The setting.
        key: String,
        /// A JSON value.
        #[arg(allow_hyphen_values = true)]
        value: String,
    },
    /// Take a setting away.
    Unset {
        /// The layer.
        layer: String,
        /// The setting.
        key: String,
    },
    /// Delete a layer with its features.
    Delete {
        /// The layer.
        layer: String,
    },
}

/// What is done with the map's settings.
#[derive(Debug, Subcommand)]
pub enum MapWhat {
    /// Set a setting.
    Set {
        /// The setting.
        key: String,
        /// A JSON value.
        #[arg(allow_hyphen_values = true)]
        value: String,
    },
    /// Take a setting away.
    Unset {
        /// The setting.
        key: String,
    },
}
