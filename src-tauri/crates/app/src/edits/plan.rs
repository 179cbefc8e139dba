//! Planning edits against what is there and what earlier edits of the same batch will have made.

use std::collections::{BTreeMap, BTreeSet};

use bivouac_journal::geometry;
use bivouac_journal::ids::{FeatureId, LayerId, Object};
use bivouac_journal::json::Json;
use bivouac_journal::operation::{Draft, Verb};
use bivouac_journal::path::Path;
use bivouac_store::{LayerView, Query, Store};
use serde_json::{Map, Value, json};

use super::rights::Rights;
use super::{Edit, key};
use crate::error::{AppError, Result};
use crate::host::Host;

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

    fn add_layer(&mut self, name: &str, parent: Option<&str>, settings: Map<String, Value>) -> Result<Object> {
        let what = "add a layer";
        self.rights.may_edit_map(what)?;
        if name.trim().is_empty() || name.chars().count() > 200 {
            return Err(AppError::bad(what, "a name has 1 to 200 characters"));
        }
        let parent = parent.map(|parent| self.layer(parent)).transpose()?;
        let id = LayerId::trusted(&crate::library::fresh_uuid());
        let made = i64::try_from(self.made_layers.len()).unwrap_or(0);
        let rank = self.layers.iter().map(|view| view.layer.rank + 1).max().unwrap_or(0) + made;
        let mut properties = json!({
            "displayOnLoad": true, "inCaption": true, "browsable": true,
            "name": name, "remoteData": {}, "fields": [],
        });
        if let Value::Object(members) = &mut properties {
            for (setting, value) in settings {
                key::of_layer(&format!("properties.{setting}"))?;
                members.insert(setting, value);
            }
            members.insert("name".to_owned(), Value::String(name.to_owned()));
        }
        let mut value = json!({ "id": id.as_str(), "rank": rank, "properties": properties });
        if let (Some(parent), Value::Object(members)) = (parent, &mut value) {
            members.insert("parentId".to_owned(), Value::String(parent.to_string()));
        }
        let object = Object::Layer(id.clone());
        self.push(Verb::Upsert, object.clone(), None, Some(&value));
        self.made_layers.insert(id, name.to_owned());
        Ok(object)
    }

    fn write_layer(&mut self, layer: &str, key: &str, value: Option<Value>) -> Result<Object> {
        let what = "edit the layer";
        let layer = self.layer(layer)?;
        self.rights.may_edit_layer(what, &layer)?;
        let path = key::of_layer(key)?;
        let value = match (key, value) {
            ("rank", Some(value)) if !value.is_i64() => return Err(AppError::bad(what, "a rank is a whole number")),
            ("rank", None) => return Err(AppError::bad(what, "a layer always has a rank")),
            ("parentId", Some(Value::String(parent))) => {
                let parent = self.layer(&parent)?;
                if parent == layer {
                    return Err(AppError::bad(what, "a layer cannot lie in itself"));
                }
                Some(Value::String(parent.to_string()))
            }
            ("parentId", Some(_)) => return Err(AppError::bad(what, "a parent is named by its id or name")),
            (_, value) => value,
        };
        if path == Path::property("name") && !value.as_ref().is_some_and(Value::is_string) {
            return Err(AppError::bad(what, "a layer's name is text, in quotes"));
        }
        let object = Object::Layer(layer);
        self.push(Verb::Update, object.clone(), Some(path), value.as_ref());
        Ok(object)
    }

    /// Its features go first, in the same unit (rule 44); sending cuts it into batches (M6).
    fn delete_layer(&mut self, layer: &str) -> Result<Object> {
        let what = "delete the layer";
        let layer = self.layer(layer)?;
        self.rights.may_edit_map(what)?;
        self.rights.may_edit_layer(what, &layer)?;
        let inside = |view: &LayerView| view.layer.parent.as_ref() == Some(&layer) && !self.gone_layers.contains(&view.id);
        if self.layers.iter().any(inside) {
            return Err(AppError::bad(what, "other layers lie in it: delete or move them first"));
        }
        let query = Query { layer: Some(layer.clone()), limit: usize::MAX, ..Query::default() };
        let mut ids: Vec<FeatureId> = self.store.features(&query)?.into_iter().map(|shown| shown.id).collect();
        ids.retain(|id| !self.gone.contains(&(layer.clone(), id.clone())));
        ids.extend(self.made.keys().filter(|(of, _)| *of == layer).map(|(_, id)| id.clone()));
        for id in ids {
            self.delete_feature(layer.clone(), id);
        }
        let object = Object::Layer(layer.clone());
        self.push(Verb::Delete, object.clone(), None, None);
        self.made_layers.remove(&layer);
        self.gone_layers.insert(layer);
        Ok(object)
    }

    fn write_map(&mut self, key: &str, value: Option<Value>) -> Result<Object> {
        let what = "edit the map";
        self.rights.may_edit_map(what)?;
        let path = key::of_map(key)?;
        let is_name = path == Path::property("name");
        let good_name = |value: &Value| value.as_str().is_some_and(|name| !name.trim().is_empty() && name.chars().count() <= 200);
        if is_name && !value.as_ref().is_some_and(good_name) {
            return Err(AppError::bad(what, "a map's name is text of 1 to 200 characters, in quotes"));
        }
        if path == Path::property("center") && !value.as_ref().is_some_and(is_center) {
            return Err(AppError::bad(what, "a centre is {\"lat\": …, \"lng\": …}"));
        }
        self.push(Verb::Update, Object::Map, Some(path), value.as_ref());
        Ok(Object::Map)
    }

    fn layer(&self, text: &str) -> Result<LayerId> {
        let there = self.layers.iter().filter(|view| !self.gone_layers.contains(&view.id));
        let mut all: Vec<(LayerId, String)> = there.map(|view| (view.id.clone(), view.layer.name().to_owned())).collect();
        all.extend(self.made_layers.iter().map(|(id, name)| (id.clone(), name.clone())));
        find_layer(&all, text)
    }

    fn feature(&self, text: &str) -> Result<(LayerId, FeatureId)> {
        if let Some(place) = self.called.get(text).filter(|place| self.made.contains_key(*place)) {
            return Ok(place.clone());
        }
        let (wanted_layer, id) = match text.rsplit_once('/') {
            Some((layer, id)) => (Some(self.layer(layer)?), id),
            None => (None, text),
        };
        let id = FeatureId::parse(id).ok_or_else(|| not_found(&format!("the feature {text:?}"), "an id is five letters or digits"))?;
        let mut hits: BTreeSet<LayerId> = BTreeSet::new();
        for object in self.store.find_feature(&id)? {
            let Some(layer) = object.layer() else { continue };
            if !self.gone.contains(&(layer.clone(), id.clone())) && self.is_there(layer, &id)? {
                hits.insert(layer.clone());
            }
        }
        hits.extend(self.made.keys().filter(|(_, made)| *made == id).map(|(layer, _)| layer.clone()));
        if let Some(layer) = wanted_layer {
            hits.retain(|hit| *hit == layer);
        }
        let mut hits = hits.into_iter();
        match (hits.next(), hits.next()) {
            (None, _) => Err(not_found(&format!("the feature {text:?}"), "the map has no such feature")),
            (Some(layer), None) => Ok((layer, id)),
            (Some(first), Some(second)) => {
                let among = format!("{first}/{id}, {second}/{id}");
                Err(AppError::Ambiguous { what: format!("the feature {text:?}"), among })
            }
        }
    }

    fn is_there(&self, layer: &LayerId, id: &FeatureId) -> Result<bool> {
        if self.made.contains_key(&(layer.clone(), id.clone())) {
            return Ok(true);
        }
        let listed = self.layers.iter().any(|view| view.id == *layer) && !self.gone_layers.contains(layer);
        let gone = self.gone.contains(&(layer.clone(), id.clone()));
        Ok(listed && !gone && self.store.state(&Object::Feature(layer.clone(), id.clone()))?.is_alive())
    }

    /// Unique over the whole map, dead ones included (rule 43).
    fn is_free(&self, id: &FeatureId) -> Result<bool> {
        Ok(!self.made.keys().any(|(_, made)| made == id)
            && !self.gone.iter().any(|(_, gone)| gone == id)
            && self.store.find_feature(id)?.is_empty())
    }

    fn fresh_id(&self) -> Result<FeatureId> {
        loop {
            let id = FeatureId::from_bits(self.host.random());
            if self.is_free(&id)? {
                return Ok(id);
            }
        }
    }
}

/// The layer of that id, name or unique beginning of an id.
pub(crate) fn find_layer(all: &[(LayerId, String)], text: &str) -> Result<LayerId> {
    type Test<'t> = &'t dyn Fn(&(LayerId, String)) -> bool;
    let ways: [Test<'_>; 3] = [
        &|(id, _)| id.as_str() == text,
        &|(_, name)| name == text,
        &|(id, _)| text.len() >= 4 && id.as_str().starts_with(text),
    ];
    for way in ways {
        let hits: Vec<&(LayerId, String)> = all.iter().filter(|layer| way(layer)).collect();
        match hits.as_slice() {
            [] => {}
            [(id, _)] => return Ok(id.clone()),
            several => {
                let among = several.iter().map(|(id, _)| id.to_string()).collect::<Vec<_>>().join(", ");
                return Err(AppError::Ambiguous { what: format!("the layer {text:?}"), among });
            }
        }
    }
    Err(not_found(&format!("the layer {text:?}"), "the map has no layer of that name or id"))
}

fn not_found(what: &str, why: &str) -> AppError {
    AppError::NotFound { what: what.to_owned(), why: why.to_owned() }
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

fn is_center(value: &Value) -> bool {
    let number = |name: &str, most: f64| value.get(name).and_then(Value::as_f64).is_some_and(|n| n.abs() <= most);
    number("lat", 90.0) && number("lng", 360.0)
}
