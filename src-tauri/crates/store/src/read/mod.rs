//! What the screens and the command line read; nothing in here writes.

mod changes;
mod extent;
mod feature;
mod layer;
mod log;
mod past;
mod viewport;

use bivouac_journal::ids::{FeatureId, Object};
use bivouac_journal::merge::ObjectState;
use bivouac_journal::project::{self, StateHash};
use serde_json::{Map, Value};

pub use changes::{Changes, NumberedLayer, Scan, Scanned, Seen};
pub use feature::{FeatureView, Slot};
pub use layer::LayerView;
pub use log::Counts;
pub use past::{Past, PastFeature};
pub use viewport::{Query, Shown};

use crate::error::Result;
use crate::names::Names;
use crate::object;
use crate::open::Store;

impl Store {
    /// The registers of an object; empty for an unknown one.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn state(&self, object: &Object) -> Result<ObjectState> {
        match object::number(&self.connection, object)? {
            Some(id) => Ok(object::read(&self.connection, &mut Names::default(), id)?.1),
            None => Ok(ObjectState::default()),
        }
    }

    /// The map's settings, as its registers show them.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn settings(&self) -> Result<Map<String, Value>> {
        Ok(project::document(&self.state(&Object::Map)?))
    }

    /// The hash of what the map shows; equal on all replicas that know the same (RULES, laws).
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn state_hash(&self) -> Result<String> {
        let mut names = Names::default();
        let mut hash = StateHash::new(&self.settings()?);
        let layers = self.layer_states(&mut names)?;
        for (_, id, layer) in &layers {
            hash.layer(id, layer);
        }
        let sql = "SELECT uid, id FROM objects WHERE kind = 2 AND layer = ?1 AND alive = 1 ORDER BY uid";
        let mut statement = self.connection.prepare_cached(sql)?;
        for (number, layer, _) in &layers {
            let mut features = statement.query([number])?;
            while let Some(row) = features.next()? {
                let feature = FeatureId::trusted(&row.get::<_, String>(0)?);
                let state = object::read(&self.connection, &mut names, row.get(1)?)?.1;
                hash.feature(layer, &feature, &project::feature(&feature, &state));
            }
        }
        Ok(hash.finish())
    }
}
