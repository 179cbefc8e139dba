//! What the server says of layers, which is no operation: rights, versions, whether it lists them.

use bivouac_journal::ids::{LayerId, Object};
use rusqlite::{Connection, OptionalExtension, params};

use crate::error::Result;
use crate::tx::Tx;

/// The server's facts about one layer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LayerFacts {
    /// uMap's edit_status: 0 as the map, 1 everyone, 2 editors, 3 owner.
    pub edit_status: i64,
    /// uMap's editMode.
    pub edit_mode: Option<String>,
    /// The version that our base holds.
    pub reference: Option<String>,
    /// The version of our own save that is not verified yet (rule 19).
    pub provisional: Option<String>,
    /// Whether the server lists it.
    pub listed: bool,
}

impl LayerFacts {
    /// Whether foreign operations only count as proposals (rule 33).
    #[must_use]
    pub fn is_strict(&self) -> bool {
        matches!(self.edit_status, 2 | 3)
    }
}

pub(crate) fn facts(connection: &Connection, id: i64) -> Result<Option<LayerFacts>> {
    Ok(connection
        .prepare_cached("SELECT edit_status, edit_mode, reference, provisional, listed FROM layers WHERE object = ?1")?
        .query_row([id], |row| {
            Ok(LayerFacts {
                edit_status: row.get(0)?,
                edit_mode: row.get(1)?,
                reference: row.get(2)?,
                provisional: row.get(3)?,
                listed: row.get(4)?,
            })
        })
        .optional()?)
}

impl Tx<'_> {
    /// The server's facts about a layer; `None` for one that it never named.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn layer_facts(&mut self, layer: &LayerId) -> Result<Option<LayerFacts>> {
        let id = self.hold(&Object::Layer(layer.clone()))?.id;
        facts(self.connection, id)
    }

    /// The layers that the server listed, as far as is noted here.
    pub(crate) fn listed_layers(&mut self) -> Result<Vec<LayerId>> {
        let sql = "SELECT o.uid FROM layers l JOIN objects o ON o.id = l.object WHERE l.listed = 1 ORDER BY o.uid";
        let mut statement = self.connection.prepare_cached(sql)?;
        let ids = statement.query_map([], |row| row.get::<_, String>(0))?;
        Ok(ids.map(|uid| uid.map(|uid| LayerId::trusted(&uid))).collect::<rusqlite::Result<_>>()?)
    }

    /// Keeps the server's facts about a layer.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn set_layer_facts(&mut self, layer: &LayerId, facts: &LayerFacts) -> Result<()> {
        let id = self.object_id(&Object::Layer(layer.clone()))?;
        self.layer_is_known(layer);
        self.connection
            .prepare_cached(
                "INSERT INTO layers (object, edit_status, edit_mode, reference, provisional, listed)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT (object) DO UPDATE SET edit_status = excluded.edit_status,
                     edit_mode = excluded.edit_mode, reference = excluded.reference,
                     provisional = excluded.provisional, listed = excluded.listed",
            )?
            .execute(params![
                id,
                facts.edit_status,
                facts.edit_mode,
                facts.reference,
                facts.provisional,
                facts.listed
            ])?;
        Ok(())
    }
}
