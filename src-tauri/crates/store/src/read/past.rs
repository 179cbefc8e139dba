//! The map as this laptop knew it at a past instant (M12): the log up to then, merged again.

use std::collections::BTreeMap;

use bivouac_journal::ids::{FeatureId, LayerId, Object};
use bivouac_journal::merge::{ObjectState, apply_writes};
use bivouac_journal::project::{self, Layer};
use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::log;
use crate::names::Names;
use crate::object;
use crate::open::Store;

/// A feature at a past instant.
#[derive(Clone, Debug, PartialEq)]
pub struct PastFeature {
    /// Its layer.
    pub layer: LayerId,
    /// Its id.
    pub id: FeatureId,
    /// The whole GeoJSON feature.
    pub text: String,
}

/// A map at a past instant.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Past {
    /// Its settings.
    pub settings: Map<String, Value>,
    /// Its listed layers, by id.
    pub layers: BTreeMap<LayerId, Layer>,
    /// The living features of listed layers, by layer and id.
    pub features: Vec<PastFeature>,
}

impl Store {
    /// The map as it was on this laptop at that instant, in milliseconds by its commits.
    ///
    /// # Errors
    /// [`Error::BeforeHorizon`] when the log was compacted since, or when it cannot be read.
    pub fn past(&self, at_ms: u64) -> Result<Past> {
        let horizon_ms = self.map()?.horizon;
        if at_ms < horizon_ms {
            return Err(Error::BeforeHorizon { horizon_ms });
        }
        let states = self.replay(at_ms)?;
        let layers = project::layers(states.iter().filter_map(|(object, state)| match object {
            Object::Layer(id) => Some((id, state)),
            Object::Map | Object::Feature(..) => None,
        }));
        let mut past = Past { layers, ..Past::default() };
        for (object, state) in &states {
            match object {
                Object::Map => past.settings = project::document(state),
                Object::Feature(layer, id) if state.is_alive() && past.layers.contains_key(layer) => {
                    let text = crate::document::shown(object, state);
                    past.features.push(PastFeature { layer: layer.clone(), id: id.clone(), text });
                }
                Object::Layer(_) | Object::Feature(..) => {}
            }
        }
        Ok(past)
    }

    /// Every object's registers out of the log up to an instant and, where a first read never
    /// came into the log, out of the document that still is it.
    pub(crate) fn replay(&self, at_ms: u64) -> Result<BTreeMap<Object, ObjectState>> {
        let mut names = Names::default();
        let mut states: BTreeMap<Object, ObjectState> = BTreeMap::new();
        let mut statement = self.connection.prepare("SELECT id FROM objects WHERE read_at <= ?1 ORDER BY id")?;
        let mut unread = statement.query([at_ms])?;
        while let Some(row) = unread.next()? {
            let id = row.get(0)?;
            let (_, state) = object::read(&self.connection, &mut names, id)?;
            states.insert(object::name(&self.connection, id)?, state);
        }
        let mut after = 0;
        loop {
            // In pages, so that a long log is never in memory as a whole.
            let sql = "WHERE row > ?1 AND at <= ?2 AND applied = 1 ORDER BY row LIMIT 5000";
            let at = i64::try_from(at_ms).unwrap_or(i64::MAX);
            let rows = log::rows(&self.connection, &mut names, sql, [after, at], |id, connection| {
                object::name(connection, id)
            })?;
            let Some(last) = rows.last() else { return Ok(states) };
            after = last.row;
            for row in rows {
                let writes = row.writes()?;
                let state = states.entry(row.operation.object.clone()).or_default();
                let _ = apply_writes(state, writes, &row.operation.order(), row.row);
            }
        }
    }
}
