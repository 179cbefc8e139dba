//! One object with who wrote what and when.

use bivouac_journal::clock::Order;
use bivouac_journal::ids::{FeatureId, LayerId, Object, PeerId};
use bivouac_journal::json::Json;
use bivouac_journal::path::Path;
use rusqlite::OptionalExtension;

use crate::error::Result;
use crate::log;
use crate::names::Names;
use crate::object;
use crate::open::Store;
use crate::stage::{Origin, SaveState};

/// One register and its winner.
#[derive(Clone, Debug, PartialEq)]
pub struct Slot {
    /// Which register.
    pub path: Path,
    /// Its value; `None` is unset.
    pub value: Option<Json>,
    /// Its place among all writes; its wall clock says when, its id who.
    pub order: Order,
    /// The log row that wrote it; 0 when it was read from the server and never touched.
    pub row: i64,
    /// Where that row comes from.
    pub origin: Origin,
    /// The connection that sent it: a label, never proof (rule 36).
    pub sender: Option<PeerId>,
    /// How far our own write has come.
    pub state: SaveState,
}

/// An object as it is, dead ones included.
#[derive(Clone, Debug, PartialEq)]
pub struct FeatureView {
    /// Its name.
    pub object: Object,
    /// Its number in this file.
    pub number: i64,
    /// Whether it is alive.
    pub alive: bool,
    /// What its registers show; for a feature the whole GeoJSON feature.
    pub text: String,
    /// Every register, by path.
    pub slots: Vec<Slot>,
    /// What the server held when it was last merged.
    pub base: Option<String>,
}

impl Store {
    /// A feature with its registers; `None` when nobody ever spoke of it.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn feature(&self, layer: &LayerId, id: &FeatureId) -> Result<Option<FeatureView>> {
        self.object(&Object::Feature(layer.clone(), id.clone()))
    }

    /// Any object with its registers; `None` when nobody ever spoke of it.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn object(&self, object: &Object) -> Result<Option<FeatureView>> {
        let Some(number) = object::number(&self.connection, object)? else { return Ok(None) };
        let mut names = Names::default();
        let (text, state) = object::read(&self.connection, &mut names, number)?;
        let base = self
            .connection
            .prepare_cached("SELECT CASE base_same WHEN 1 THEN document ELSE base END FROM objects WHERE id = ?1")?
            .query_row([number], |row| row.get(0))?;
        let mut slots = Vec::with_capacity(state.registers().len());
        for (path, register) in state.registers() {
            let row = log::one(&self.connection, &mut names, register.row)?;
            slots.push(Slot {
                path: path.clone(),
                value: register.value.clone(),
                order: register.order.clone(),
                row: register.row,
                origin: row.as_ref().map_or(Origin::Server, |row| row.origin),
                sender: row.as_ref().and_then(|row| row.operation.sender.clone()),
                state: self.own_state(register.row)?.or(row.map(|row| row.state)).unwrap_or(SaveState::None),
            });
        }
        let (object, text, alive) = (object.clone(), text.to_string(), state.is_alive());
        Ok(Some(FeatureView { object, number, alive, text, slots, base }))
    }

    /// The features of that id, in whichever layers, living ones first (ids are unique per layer only, rule 43).
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn find_feature(&self, id: &FeatureId) -> Result<Vec<Object>> {
        let sql = "SELECT l.uid FROM objects o JOIN objects l ON l.id = o.layer
                   WHERE o.kind = 2 AND o.uid = ?1 AND o.layer IN (SELECT id FROM objects WHERE kind = 1)
                     AND length(o.registers) > 0
                   ORDER BY o.alive AND l.alive DESC, o.id";
        let mut statement = self.connection.prepare_cached(sql)?;
        let layers = statement.query_map([id.as_str()], |row| row.get::<_, String>(0))?;
        let objects = layers.map(|layer| Ok(Object::Feature(LayerId::trusted(&layer?), id.clone())));
        objects.collect()
    }

    /// How far the local rows behind a wire row have come.
    fn own_state(&self, wire: i64) -> Result<Option<SaveState>> {
        Ok(self
            .connection
            .prepare_cached("SELECT state FROM operations WHERE sent_as = ?1 ORDER BY row DESC LIMIT 1")?
            .query_row([wire], |row| row.get(0))
            .optional()?)
    }
}
