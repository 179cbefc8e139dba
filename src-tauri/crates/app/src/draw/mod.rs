//! What a map window shows: computed here, from the store, for one viewport at a time.
//!
//! Everything that uMap decides about looks is decided in here: which option a feature inherits,
//! which class, category, radius, cluster or rule gives it its colour, what its label says. A
//! window only draws marks. It never holds the map, and at most some thousand marks.
//!
//! A [`Drawing`] keeps of each feature what drawing needs (about 200 bytes for a polygon of 40
//! points on top of its points) and follows the file by reading what changed.

mod answer;
mod breaks;
mod brewer;
mod classes;
mod cluster;
mod collation;
mod color;
mod cursor;
mod heat;
mod item;
mod js;
mod legend;
mod level;
mod look;
mod moment;
mod plan;
mod reading;
mod rules;
mod scene;
mod simplify;
mod template;
mod thin;
pub mod types;
mod world;
mod write;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use bivouac_store::Store;

use crate::error::Result;
use answer::Gathered;
pub use brewer::schemes;
use scene::Scene;
use types::{LayerLegend, ViewportQuery};

/// A map as it is drawn. Each call first takes in what changed in the file; a reading connection
/// beside the one that writes is enough.
#[derive(Debug, Default)]
pub struct Drawing {
    scene: Scene,
    gathered: Gathered,
}

impl Drawing {
    /// Draws a viewport: a [`types::ViewportAnswer`] as JSON.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn viewport(&mut self, store: &Store, query: &ViewportQuery) -> Result<Vec<u8>> {
        self.refresh(store)?;
        answer::answer(&self.scene, &mut self.gathered, store, query)
    }

    /// What the colours and sizes of each layer mean, lowest layer first.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn legends(&mut self, store: &Store) -> Result<Vec<LayerLegend>> {
        self.refresh(store)?;
        Ok(legend::legends(&self.scene))
    }

    /// What the map says of its pictograms that are images, as far as it shows them.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn pictograms(&mut self, store: &Store) -> Result<BTreeSet<String>> {
        self.refresh(store)?;
        Ok(self.scene.styles.pictograms())
    }

    /// Takes in what changed; the revision that is drawn from now on.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn refresh(&mut self, store: &Store) -> Result<u64> {
        if self.scene.refresh(store)? {
            self.gathered.forget();
        }
        Ok(self.scene.revision())
    }
}
