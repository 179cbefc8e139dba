//! Edits of layers and of the map itself.

use bivouac_journal::ids::{FeatureId, LayerId, Object};
use bivouac_journal::operation::Verb;
use bivouac_journal::path::Path;
use bivouac_journal::project;
use bivouac_store::{LayerView, Query};
use serde_json::{Map, Value, json};

use super::Planner;
use crate::edits::key;
use crate::error::{AppError, Result};

impl Planner<'_> {
    pub(super) fn add_layer(
        &mut self,
        name: &str,
        parent: Option<&str>,
        settings: Map<String, Value>,
    ) -> Result<Object> {
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

    pub(super) fn write_layer(&mut self, layer: &str, key: &str, value: Option<Value>) -> Result<Object> {
        let what = "edit the layer";
        let layer = self.layer(layer)?;
        self.rights.may_edit_layer(what, &layer)?;
        let path = key::of_layer(key)?;
        let value = match (key, value) {
            ("rank", Some(value)) if !value.is_i64() => {
                return Err(AppError::bad(what, "a rank is a whole number"));
            }
            ("rank", None) => return Err(AppError::bad(what, "a layer always has a rank")),
            ("parentId", Some(Value::String(parent))) => {
                let parent = self.layer(&parent)?;
                if parent == layer {
                    return Err(AppError::bad(what, "a layer cannot lie in itself"));
                }
                if self.lies_in(&parent, &layer) {
                    return Err(AppError::bad(what, "that layer lies in this one: move it out first"));
                }
                Some(Value::String(parent.to_string()))
            }
            ("parentId", Some(_)) => {
                return Err(AppError::bad(what, "a parent is named by its id or name"));
            }
            (_, value) => value,
        };
        if path == Path::property("name") && !value.as_ref().is_some_and(Value::is_string) {
            return Err(AppError::bad(what, "a layer's name is text, in quotes"));
        }
        let object = Object::Layer(layer);
        self.write_setting(&object, &path, value)?;
        Ok(object)
    }

    /// Whether a layer lies in a group, at any depth, as the map stands before this batch.
    fn lies_in(&self, layer: &LayerId, group: &LayerId) -> bool {
        let of = |layer: &LayerId| {
            let view = self.layers.iter().find(|view| view.id == *layer);
            view.and_then(|view| view.layer.parent.as_ref())
        };
        std::iter::successors(of(layer), |parent| of(parent)).any(|parent| parent == group)
    }

    /// Its features go first, in the same unit (rule 44); sending cuts it into batches (M6).
    pub(super) fn delete_layer(&mut self, layer: &str) -> Result<Object> {
        let what = "delete the layer";
        let layer = self.layer(layer)?;
        self.rights.may_edit_map(what)?;
        self.rights.may_edit_layer(what, &layer)?;
        let inside =
            |view: &LayerView| view.layer.parent.as_ref() == Some(&layer) && !self.gone_layers.contains(&view.id);
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

    pub(super) fn write_map(&mut self, key: &str, value: Option<Value>) -> Result<Object> {
        let what = "edit the map";
        self.rights.may_edit_map(what)?;
        let path = key::of_map(key)?;
        let is_name = path == Path::property("name");
        let good_name =
            |value: &Value| value.as_str().is_some_and(|name| !name.trim().is_empty() && name.chars().count() <= 200);
        if is_name && !value.as_ref().is_some_and(good_name) {
            return Err(AppError::bad(what, "a map's name is text of 1 to 200 characters, in quotes"));
        }
        if path == Path::property("center") && !value.as_ref().is_some_and(is_center) {
            return Err(AppError::bad(what, "a centre is {\"lat\": …, \"lng\": …}"));
        }
        self.write_setting(&Object::Map, &path, value)?;
        Ok(Object::Map)
    }

    /// Browsers ignore a write below an object that they do not have: there the shallowest
    /// missing object is written, with the value in it (rule 47).
    fn write_setting(&mut self, object: &Object, path: &Path, value: Option<Value>) -> Result<()> {
        let segments: Vec<&str> = path.segments().collect();
        let missing = match &value {
            Some(_) => self.missing_above(object, &segments)?,
            None => None,
        };
        let (Some(depth), Some(value)) = (missing, &value) else {
            self.push(Verb::Update, object.clone(), Some(path.clone()), value.as_ref());
            return Ok(());
        };
        let (above, below) = segments.split_at(depth + 1);
        let nested = below.iter().rev().fold(value.clone(), |value, name| json!({ (*name).to_owned(): value }));
        self.push(Verb::Update, object.clone(), Some(Path::of(above)), Some(&nested));
        Ok(())
    }

    /// The place of the first segment, `properties` apart, that names no object yet.
    fn missing_above(&self, object: &Object, segments: &[&str]) -> Result<Option<usize>> {
        let made = self
            .drafts
            .iter()
            .rev()
            .find(|draft| draft.object == *object && draft.verb == Verb::Upsert)
            .and_then(|draft| draft.value.as_ref());
        let shown = match made {
            Some(made) => made.value(),
            None => Value::Object(project::document(&self.store.state(object)?)),
        };
        let Some((_, above)) = segments.split_last() else {
            return Ok(None);
        };
        let mut at = Some(&shown);
        for (place, name) in above.iter().enumerate() {
            at = at.and_then(|value| value.get(*name));
            if place == 0 || at.is_some_and(Value::is_object) {
                continue;
            }
            let here = Path::of(segments.get(..=place).unwrap_or(segments));
            let written = self.drafts.iter().any(|draft| {
                draft.object == *object && draft.path.as_ref().is_some_and(|path| *path == here || here.covers(path))
            });
            return Ok((!written).then_some(place));
        }
        Ok(None)
    }
}

fn is_center(value: &Value) -> bool {
    let number = |name: &str, most: f64| value.get(name).and_then(Value::as_f64).is_some_and(|n| n.abs() <= most);
    number("lat", 90.0) && number("lng", 360.0)
}
