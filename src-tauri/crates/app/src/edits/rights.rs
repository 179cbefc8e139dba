//! What the server lets us edit, as it said when the map was read last (rule 38). The server
//! decides again at each save (rule 37); this only spares the user work that would be refused.

use std::collections::BTreeMap;

use bivouac_journal::ids::LayerId;
use bivouac_store::Store;
use serde_json::Value;

use crate::error::{AppError, Result};

/// What may be edited.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rights {
    read_only: bool,
    /// Some layers only, not the map.
    simple: bool,
    /// Layers that may not be edited, and layers that the server named as ours to edit.
    layers: BTreeMap<LayerId, bool>,
}

impl Rights {
    /// Reads what the server said.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn of(store: &Store) -> Result<Self> {
        let record = store.map()?;
        let rights: Value =
            record.rights.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or(Value::Null);
        let mode = |view: bivouac_store::LayerView| {
            let mode = view.facts.and_then(|facts| facts.edit_mode)?;
            Some((view.id, mode != "disabled"))
        };
        Ok(Self {
            read_only: record.read_only,
            simple: rights.get("editMode").and_then(Value::as_str) == Some("simple"),
            layers: store.layers()?.into_iter().filter_map(mode).collect(),
        })
    }

    /// Whether features of that layer, and its settings, may be edited.
    ///
    /// # Errors
    /// [`AppError::NotAllowed`] when not.
    pub fn may_edit_layer(&self, what: &str, layer: &LayerId) -> Result<()> {
        self.may_edit_something(what)?;
        match (self.layers.get(layer), self.simple) {
            (Some(false), _) => Err(not_allowed(what, "the server lets you only see this layer")),
            (None, true) => {
                Err(not_allowed(what, "the server lets you edit some layers only, and this is none of them"))
            }
            (Some(true), _) | (None, false) => Ok(()),
        }
    }

    /// Whether the map's settings and its list of layers may be edited.
    ///
    /// # Errors
    /// [`AppError::NotAllowed`] when not.
    pub fn may_edit_map(&self, what: &str) -> Result<()> {
        self.may_edit_something(what)?;
        if self.simple {
            Err(not_allowed(what, "the server lets you edit some layers only, not the map itself"))
        } else {
            Ok(())
        }
    }

    /// Whether anything may be edited.
    ///
    /// # Errors
    /// [`AppError::NotAllowed`] when not.
    pub fn may_edit_something(&self, what: &str) -> Result<()> {
        if self.read_only {
            let why =
                "the server lets you only see this map; sync with --user NAME or --edit-link URL to use other rights";
            return Err(not_allowed(what, why));
        }
        Ok(())
    }
}

fn not_allowed(what: &str, why: &str) -> AppError {
    AppError::NotAllowed { what: what.to_owned(), why: why.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: &str = "28dbd2a5-bbd6-4ad3-a94d-e8e38ee5fece";
    const NEW: &str = "494734a5-c17d-440d-85b6-a3ca92087585";

    fn rights(read_only: bool, simple: bool, may_edit_here: bool) -> Rights {
        Rights { read_only, simple, layers: BTreeMap::from([(LayerId::trusted(HERE), may_edit_here)]) }
    }

    #[test]
    fn only_what_the_server_would_take_is_offered() {
        // (read-only, some layers only, this layer) -> (this layer, a layer made here, the map)
        for ((read_only, simple, here), (layer, new, map)) in [
            ((false, false, true), (true, true, true)),
            ((false, false, false), (false, true, true)),
            ((false, true, true), (true, false, false)),
            ((false, true, false), (false, false, false)),
            ((true, false, true), (false, false, false)),
        ] {
            let rights = rights(read_only, simple, here);
            let case = format!("{rights:?}");
            assert_eq!(rights.may_edit_layer("x", &LayerId::trusted(HERE)).is_ok(), layer, "{case}");
            assert_eq!(rights.may_edit_layer("x", &LayerId::trusted(NEW)).is_ok(), new, "{case}");
            assert_eq!(rights.may_edit_map("x").is_ok(), map, "{case}");
        }
        assert_eq!(rights(true, false, true).may_edit_map("x").unwrap_err().exit_code(), 6);
    }
}
