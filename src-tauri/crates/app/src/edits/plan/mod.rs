//! Planning edits against what is there and what earlier edits of the same batch will have made.

mod find;
mod layers;

use std::collections::{BTreeMap, BTreeSet};

use bivouac_journal::geometry;
use bivouac_journal::ids::{FeatureId, LayerId, Object};
use bivouac_journal::json::Json;
use bivouac_journal::operation::{Draft, Verb};
use bivouac_journal::path::Path;
use bivouac_store::{LayerView, Store};
use serde_json::{Map, Value, json};

use super::rights::Rights;
use super::{Edit, key};
use find::not_found;

use crate::error::{AppError, Result};
use crate::host::Host;
pub(crate) use find::find_layer;

/// A batch that is being planned.
pub(super) struct Planner<'s> {
    store: &'s Store,
    host: &'s dyn Host,
    rights: Rights,
    layers: Vec<LayerView>,
    /// Layers of this batch: made, or gone.
    made_layers: BTreeMap<LayerId, String>,
    gone_layers: BTreeSet<LayerId>,
    /// Features of this batch: made (with what they are), or gone.
    made: BTreeMap<(LayerId, FeatureId), Value>,
    gone: BTreeSet<(LayerId, FeatureId)>,
    /// Features of this batch by the ids that they were given, where those could not be kept.
    called: BTreeMap<String, (LayerId, FeatureId)>,
    drafts: Vec<Draft>,
    objects: Vec<Object>,
    notes: Vec<String>,
}

impl<'s> Planner<'s> {
    pub(super) fn new(store: &'s Store, host: &'s dyn Host) -> Result<Self> {
        Ok(Self {
            store,
            host,
            rights: Rights::of(store)?,
            layers: store.layers()?,
            made_layers: BTreeMap::new(),
            gone_layers: BTreeSet::new(),
            made: BTreeMap::new(),
            gone: BTreeSet::new(),
            called: BTreeMap::new(),
            drafts: Vec::new(),
            objects: Vec::new(),
            notes: Vec::new(),
        })
    }

    pub(super) fn finish(self) -> (Vec<Draft>, Vec<Object>, Vec<String>) {
        (self.drafts, self.objects, self.notes)
    }

    pub(super) fn plan(&mut self, edit: Edit) -> Result<()> {
        let object = match edit {
            Edit::Add { layer, feature } => self.add(&layer, feature)?,
            Edit::Set { feature, key, value } => self.write(&feature, &key, Some(value))?,
            Edit::Unset { feature, key } => self.write(&feature, &key, None)?,
            Edit::Geometry { feature, geometry } => self.geometry(&feature, &geometry)?,
            Edit::Delete { feature } => {
                let (layer, id) = self.feature(&feature)?;
                self.rights.may_edit_layer("delete the feature", &layer)?;
                self.delete_feature(layer, id)
            }
            Edit::Move { feature, to } => self.move_to(&feature, &to)?,
            Edit::LayerAdd { name, parent, properties } => self.add_layer(&name, parent.as_deref(), properties)?,
            Edit::LayerSet { layer, key, value } => self.write_layer(&layer, &key, Some(value))?,
            Edit::LayerUnset { layer, key } => self.write_layer(&layer, &key, None)?,
            Edit::LayerDelete { layer } => self.delete_layer(&layer)?,
            Edit::MapSet { key, value } => self.write_map(&key, Some(value))?,
            Edit::MapUnset { key } => self.write_map(&key, None)?,
        };
        self.objects.push(object);
        Ok(())
    }

    fn push(&mut self, verb: Verb, object: Object, path: Option<Path>, value: Option<&Value>) {
        self.drafts.push(Draft { verb, object, path, value: value.map(Json::from_value) });
    }

    fn add(&mut self, layer: &str, feature: Value) -> Result<Object> {
        let what = "add a feature";
        let layer = self.layer(layer)?;
        self.rights.may_edit_layer(what, &layer)?;
        let Value::Object(mut members) = feature else {
            return Err(AppError::bad(what, "it is no GeoJSON object"));
        };
        if members.get("type").and_then(Value::as_str) != Some("Feature") {
            return Err(AppError::bad(what, "it is no GeoJSON feature: its type must be \"Feature\""));
        }
        let geometry = members.remove("geometry").unwrap_or(Value::Null);
        check_geometry(what, &geometry)?;
        let properties = match members.remove("properties") {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(properties)) => properties,
            Some(_) => return Err(AppError::bad(what, "its properties are no object")),
        };
        let properties = self.tidy(properties)?;
        let wanted = members.get("id").and_then(Value::as_str).and_then(FeatureId::parse);
        let id = match wanted {
            Some(id) if self.is_free(&id)? => id,
            Some(_) | None => self.fresh_id()?,
        };
        if let Some(given) = members.get("id")
            && given.as_str() != Some(id.as_str())
        {
            self.notes.push(format!("the feature's id is {id}: {given} is no free id of five letters or digits"));
            let given = given.as_str().map_or_else(|| given.to_string(), str::to_owned);
            self.called.insert(given, (layer.clone(), id.clone()));
        }
        let value = json!({ "type": "Feature", "geometry": geometry, "properties": properties, "id": id.as_str() });
        Ok(self.upsert(layer, id, value))
    }

    /// Property names without dots, options as an object (rule 47).
    fn tidy(&mut self, properties: Map<String, Value>) -> Result<Map<String, Value>> {
        let what = "add a feature";
        let mut tidy = Map::new();
        for (name, value) in properties {
            if name == "_umap_options" && !value.is_object() {
                return Err(AppError::bad(what, "_umap_options is no object"));
            }
            let plain = key::without_dots(&name);
            if !key::is_usable(&plain) {
                return Err(AppError::bad(what, format!("the property name {name:?} cannot be used")));
            }
            if plain != name {
                self.notes.push(format!("the property {name:?} is called {plain:?}: uMap takes no dots in names"));
            }
            tidy.insert(plain, value);
        }
        Ok(tidy)
    }

    fn upsert(&mut self, layer: LayerId, id: FeatureId, value: Value) -> Object {
        let object = Object::Feature(layer.clone(), id.clone());
        self.push(Verb::Upsert, object.clone(), None, Some(&value));
        self.gone.remove(&(layer.clone(), id.clone()));
        self.made.insert((layer, id), value);
        object
    }

    fn write(&mut self, feature: &str, key: &str, value: Option<Value>) -> Result<Object> {
        let (layer, id) = self.feature(feature)?;
        self.rights.may_edit_layer("edit the feature", &layer)?;
        let known = self.store.feature(&layer, &id)?;
        let (path, note) = key::of_feature(key, known.as_ref())?;
        self.notes.extend(note);
        if path == Path::property("_umap_options") && !value.as_ref().is_some_and(Value::is_object) {
            return Err(AppError::bad("edit the feature", "_umap_options can only be an object: name one option"));
        }
        let object = Object::Feature(layer, id);
        self.push(Verb::Update, object.clone(), Some(path), value.as_ref());
        Ok(object)
    }

    fn geometry(&mut self, feature: &str, geometry: &Value) -> Result<Object> {
        let what = "change the geometry";
        let (layer, id) = self.feature(feature)?;
        self.rights.may_edit_layer(what, &layer)?;
        check_geometry(what, geometry)?;
        let object = Object::Feature(layer, id);
        self.push(Verb::Update, object.clone(), Some(Path::geometry()), Some(geometry));
        Ok(object)
    }

    fn delete_feature(&mut self, layer: LayerId, id: FeatureId) -> Object {
        let object = Object::Feature(layer.clone(), id.clone());
        self.push(Verb::Delete, object.clone(), None, None);
        self.made.remove(&(layer.clone(), id.clone()));
        self.gone.insert((layer, id));
        object
    }

    /// As browsers do: gone in the one layer, there under the same id in the other (M3).
    fn move_to(&mut self, feature: &str, to: &str) -> Result<Object> {
        let what = "move the feature";
        let (layer, id) = self.feature(feature)?;
        let to = self.layer(to)?;
        self.rights.may_edit_layer(what, &layer)?;
        self.rights.may_edit_layer(what, &to)?;
        if layer == to {
            return Err(AppError::bad(what, "it is in that layer already"));
        }
        let mut value = match self.made.get(&(layer.clone(), id.clone())) {
            Some(_) => {
                return Err(AppError::bad(what, "it is added in the same batch: add it where it is to be"));
            }
            None => {
                let touched = self.drafts.iter().any(|d| d.object == Object::Feature(layer.clone(), id.clone()));
                if touched {
                    return Err(AppError::bad(what, "it is edited in the same batch before: move it first"));
                }
                let view = self.store.feature(&layer, &id)?;
                let view = view.ok_or_else(|| not_found(&format!("the feature {id}"), "it is gone"))?;
                serde_json::from_str::<Value>(&view.text).unwrap_or(Value::Null)
            }
        };
        let taken = self.is_there(&to, &id)?;
        let new_id = if taken { self.fresh_id()? } else { id.clone() };
        if let Value::Object(members) = &mut value {
            members.insert("id".to_owned(), Value::String(new_id.to_string()));
        }
        self.delete_feature(layer, id);
        Ok(self.upsert(to, new_id, value))
    }
}

pub(crate) fn check_geometry(what: &str, geometry: &Value) -> Result<()> {
    if geometry.is_null() {
        return Err(AppError::bad(what, "there is no geometry"));
    }
    let text = geometry.to_string();
    let shape = geometry::inspect(&text).map_err(|error| AppError::bad(what, error.to_string()))?;
    if shape.bounds.is_none() {
        return Err(AppError::bad(what, "the geometry has no coordinates"));
    }
    Ok(())
}
