//! What objects, their layers and their makers are called in a window.

use std::collections::BTreeMap;

use bivouac_journal::ids::{LayerId, Object, PeerId};
use bivouac_journal::path::{Path, Subject};
use bivouac_store::{Origin, Row, Store};
use serde_json::Value;

use crate::error::Result;

/// `layer/id`, a layer's id, or `map`.
pub(super) fn object_name(object: &Object) -> String {
    match object {
        Object::Map => "map".to_owned(),
        Object::Layer(layer) => layer.to_string(),
        Object::Feature(layer, id) => format!("{layer}/{id}"),
    }
}

/// The object of that name.
pub(super) fn object_of(store: &Store, name: &str) -> Result<Object> {
    if name == "map" {
        return Ok(Object::Map);
    }
    match LayerId::parse(name) {
        Some(layer) => Ok(Object::Layer(layer)),
        None => crate::edits::find_object(store, name),
    }
}

/// A register as uMap names it; `None` for the whole object.
pub(super) fn key_of(object: &Object, path: &Path) -> Option<String> {
    let subject = match object {
        Object::Map => Subject::Map,
        Object::Layer(_) => Subject::Layer,
        Object::Feature(..) => Subject::Feature,
    };
    if path.is_existence() { None } else { Some(path.to_wire(subject).unwrap_or_else(|| path.to_string())) }
}

/// Who is who in one map.
pub(super) struct People {
    clock: String,
    layers: BTreeMap<LayerId, String>,
    peers: BTreeMap<PeerId, Option<String>>,
}

impl People {
    pub(super) fn of(store: &Store) -> Result<Self> {
        Ok(Self {
            clock: store.map()?.clock_id,
            layers: store.layers()?.into_iter().map(|view| (view.id, view.layer.name().to_owned())).collect(),
            peers: store.peers()?.into_iter().map(|peer| (peer.peer, peer.username)).collect(),
        })
    }

    /// Whether a row was made on this laptop.
    pub(super) fn is_mine(&self, row: &Row) -> bool {
        match row.origin {
            Origin::Local => true,
            Origin::Server => false,
            Origin::Wire | Origin::Foreign => *row.operation.order().id == *self.clock,
        }
    }

    /// The name that a connection gave itself.
    pub(super) fn name_of(&self, peer: Option<&PeerId>) -> Option<String> {
        self.peers.get(peer?)?.clone().filter(|name| !name.is_empty())
    }

    /// The name of the layer that an object is or lies in.
    pub(super) fn layer_name(&self, object: &Object) -> String {
        object.layer().and_then(|layer| self.layers.get(layer)).cloned().unwrap_or_default()
    }
}

/// What a person would call an object: its name as the map shows it, or as it was last.
pub(super) fn called(store: &Store, object: &Object) -> Result<String> {
    match object {
        Object::Map => Ok(store.map()?.name),
        Object::Layer(_) | Object::Feature(..) => {
            let shown = Value::Object(bivouac_journal::project::document(&store.state(object)?));
            let name = ["name", "label", "title", "nom"].iter().find_map(|key| {
                let value = shown.get("properties")?.get(key)?;
                match value {
                    Value::String(text) if !text.trim().is_empty() => Some(text.clone()),
                    Value::Number(number) => Some(number.to_string()),
                    Value::String(_) | Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
                }
            });
            Ok(name.unwrap_or_default())
        }
    }
}
