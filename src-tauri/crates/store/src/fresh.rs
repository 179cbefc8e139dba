//! Fresh ids out of bits that the caller drew, and the values that a revived object begins with.

use bivouac_journal::ids::{FeatureId, LayerId, Object};
use bivouac_journal::json::Json;
use bivouac_journal::project;
use serde_json::{Value, json};

use crate::document;
use crate::error::Result;
use crate::tx::Tx;

/// A stream of bits out of 64 (splitmix64).
pub(crate) struct Fresh(u64);

impl Fresh {
    pub fn new(bits: u64) -> Self {
        Self(bits)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// A random UUID, version 4.
    pub fn layer(&mut self) -> LayerId {
        let (high, low) = (self.next(), self.next());
        LayerId::trusted(&format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xfff,
            0x8000 | ((low >> 48) & 0x3fff),
            low & 0xffff_ffff_ffff
        ))
    }
}

impl Tx<'_> {
    /// A feature id that no layer uses (rule 43).
    pub(crate) fn fresh_feature(&mut self, fresh: &mut Fresh) -> Result<FeatureId> {
        loop {
            let id = FeatureId::from_bits(fresh.next());
            let used: bool = self
                .connection
                .prepare_cached(
                    "SELECT EXISTS (SELECT 1 FROM objects WHERE kind = 2 AND uid = ?1
                                    AND layer IN (SELECT id FROM objects WHERE kind = 1))",
                )?
                .query_row([id.as_str()], |row| row.get(0))?;
            let held = self.objects.keys().any(|object| matches!(object, Object::Feature(_, other) if *other == id));
            if !used && !held {
                return Ok(id);
            }
        }
    }

    /// The value of an upsert that brings `old` back as `new`.
    pub(crate) fn revival(&mut self, old: &Object, new: &Object) -> Result<Json> {
        let state = self.state(old)?;
        if let Object::Feature(..) = new {
            return Ok(Json::trusted(&document::shown(new, state)));
        }
        let mut shown = project::document(state);
        shown.shift_remove("referenceVersion");
        let mut value = json!({ "id": new.layer().map_or("", LayerId::as_str) });
        if let Value::Object(members) = &mut value {
            members.extend(shown);
        }
        Ok(Json::from_value(&value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fresh_layer_id_is_a_uuid() {
        let mut fresh = Fresh::new(7);
        for _ in 0..100 {
            let id = fresh.layer();
            assert_eq!(LayerId::parse(id.as_str()), Some(id));
        }
    }
}
