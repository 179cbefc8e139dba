//! What the server held when it was last merged, object by object (M11), and first reads.

use std::sync::Arc;

use bivouac_journal::clock::Order;
use bivouac_journal::ids::{FeatureId, LayerId, Object};
use bivouac_journal::merge::{ObjectState, apply_writes};
use rusqlite::params;

use crate::codec;
use crate::error::{Error, Result};
use crate::object::server_writes;
use crate::tx::Tx;

/// The server document merged last, and the orders that it reflected (M11).
#[derive(Clone, Debug, PartialEq)]
pub struct Base {
    /// The document's text for this object; empty for an object that it did not hold.
    pub document: Arc<str>,
    /// Per register what the document said, and the order that it reflected.
    pub state: ObjectState,
}

impl Tx<'_> {
    /// Takes a feature of a first read as it is: state, document and base in one, without a log
    /// row until somebody touches it (M11).
    ///
    /// # Errors
    /// When the text is no feature, or the object has registers already.
    pub fn seed_feature(&mut self, layer: &LayerId, id: &FeatureId, text: &str, at_ms: u64) -> Result<()> {
        let object = Object::Feature(layer.clone(), id.clone());
        let writes = server_writes(text)?;
        let held = self.hold(&object)?;
        if !held.state.is_empty() {
            return Err(Error::Damaged(format!("feature {id} was read for the first time twice")));
        }
        let _ = apply_writes(&mut held.state, writes, &Order::server(0), 0);
        held.document = Some(text.into());
        held.read_at = Some(at_ms);
        held.same_base = true;
        held.changed = true;
        Ok(())
    }

    /// The object's base; `None` when the server never showed it.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn base(&mut self, object: &Object) -> Result<Option<Base>> {
        if !self.is_based(object)? {
            return Ok(None);
        }
        self.flush_one(object)?;
        let id = self.hold(object)?.id;
        let (same, document, registers): (i64, Option<Arc<str>>, Option<Vec<u8>>) = self
            .connection
            .prepare_cached(
                "SELECT base_same, CASE base_same WHEN 1 THEN document ELSE base END,
                        CASE base_same WHEN 1 THEN registers ELSE base_registers END
                 FROM objects WHERE id = ?1",
            )?
            .query_row([id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        let (true, Some(document), Some(registers)) = (same != 0, document, registers) else { return Ok(None) };
        let state = codec::decode(self.connection, self.names, &registers, &document)?;
        Ok(Some(Base { document, state }))
    }

    /// Whether the server ever showed the object, as far as is noted here.
    pub(crate) fn is_based(&mut self, object: &Object) -> Result<bool> {
        let held = self.hold(object)?;
        Ok(held.based || held.same_base)
    }

    /// Keeps the object's base; `None` forgets it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn set_base(&mut self, object: &Object, base: Option<&Base>) -> Result<()> {
        let id = self.object_id(object)?;
        self.flush_one(object)?;
        let registers = match base {
            Some(base) => Some(codec::encode(self.connection, self.names, &base.state, &base.document)?),
            None => None,
        };
        self.connection
            .prepare_cached("UPDATE objects SET base_same = ?2, base = ?3, base_registers = ?4 WHERE id = ?1")?
            .execute(params![id, if base.is_some() { 2 } else { 0 }, base.map(|b| &*b.document), registers])?;
        self.hold(object)?.based = base.is_some();
        Ok(())
    }

    /// Says that the base is what the object shows now; `document` is the server's own text for
    /// it, kept byte for byte from now on (rule 32).
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn set_base_same(&mut self, object: &Object, document: Option<&str>) -> Result<()> {
        let id = self.object_id(object)?;
        let held = self.hold(object)?;
        if let Some(document) = document {
            held.document = Some(document.into());
            held.changed = true;
        }
        self.flush_one(object)?;
        self.connection
            .prepare_cached(
                "UPDATE objects SET base_same = 1, base = NULL, base_registers = NULL WHERE id = ?1 AND base_same <> 1",
            )?
            .execute([id])?;
        self.hold(object)?.based = true;
        Ok(())
    }

    /// Every object with a base in a layer, or the layer and map themselves for `None`.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn based(&mut self, layer: Option<&LayerId>) -> Result<Vec<Object>> {
        self.flush()?;
        let number = match layer {
            Some(layer) => self.object_id(&Object::Layer(layer.clone()))?,
            None => 0,
        };
        let ids: Vec<i64> = self
            .connection
            .prepare_cached(
                "SELECT id FROM objects WHERE kind IN (0, 1, 2) AND layer = ?1 AND base_same <> 0 ORDER BY id",
            )?
            .query_map([number], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        ids.into_iter().map(|id| self.object_name(id)).collect()
    }
}
