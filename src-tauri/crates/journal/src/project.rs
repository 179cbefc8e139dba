//! What registers show: features, layers and settings as uMap writes them, and the state hash.
//!
//! Winners are laid over each other from the oldest to the newest; a write below a path makes
//! every container above it an object. So the picture depends on the winners only.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::ids::{FeatureId, LayerId, Object};
use crate::json::canonical;
use crate::merge::{ObjectState, Register, shown_parents};
use crate::path::Path;

/// The document that the registers show, without existence: for a feature
/// `{"geometry":…,"properties":…}` and what else was written.
#[must_use]
pub fn document(state: &ObjectState) -> Map<String, Value> {
    let existence = Path::existence();
    let mut writes: Vec<(&Path, &Register)> =
        state.registers().iter().filter(|(path, _)| **path != existence).collect();
    // Of one order, what lies deeper is laid on top.
    writes.sort_by(|a, b| (&a.1.order, a.0).cmp(&(&b.1.order, b.0)));
    let mut document = Map::new();
    for (path, register) in writes {
        let segments: Vec<&str> = path.segments().collect();
        let Some((last, above)) = segments.split_last() else {
            continue;
        };
        lay(&mut document, above, last, register);
    }
    document
}

fn lay(place: &mut Map<String, Value>, above: &[&str], last: &str, register: &Register) {
    if let Some((next, rest)) = above.split_first() {
        let slot = place.entry((*next).to_owned()).or_insert_with(|| Value::Object(Map::new()));
        if !slot.is_object() {
            *slot = Value::Object(Map::new());
        }
        if let Value::Object(inner) = slot {
            lay(inner, rest, last, register);
        }
        return;
    }
    match &register.value {
        Some(value) => {
            place.insert(last.to_owned(), value.value());
        }
        None => {
            place.shift_remove(last);
        }
    }
}

/// A feature as it is saved: GeoJSON members first, the id last, as a browser writes it.
#[must_use]
pub fn feature(id: &FeatureId, state: &ObjectState) -> Value {
    let mut shown = document(state);
    let mut feature = Map::new();
    feature.insert("type".to_owned(), Value::String("Feature".to_owned()));
    feature.insert("geometry".to_owned(), shown.shift_remove("geometry").unwrap_or(Value::Null));
    let mut properties = shown.shift_remove("properties").unwrap_or_else(|| Value::Object(Map::new()));
    // Browsers leave an empty set of options out.
    if let Value::Object(properties) = &mut properties
        && properties.get("_umap_options").and_then(Value::as_object).is_some_and(Map::is_empty)
    {
        properties.shift_remove("_umap_options");
    }
    feature.insert("properties".to_owned(), properties);
    feature.extend(shown.into_iter().filter(|(name, _)| !matches!(name.as_str(), "type" | "id")));
    feature.insert("id".to_owned(), Value::String(id.as_str().to_owned()));
    Value::Object(feature)
}

/// A layer as it is shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// Its place among its siblings; ties by id (M5).
    pub rank: i64,
    /// The group that it lies in, cycles already cut (M5).
    pub parent: Option<LayerId>,
    /// Its settings.
    pub properties: Map<String, Value>,
}

impl Layer {
    /// Its name; empty when it has none.
    #[must_use]
    pub fn name(&self) -> &str {
        self.properties.get("name").and_then(Value::as_str).unwrap_or("")
    }
}

/// The listed layers among these objects, parents resolved.
#[must_use]
pub fn layers<'a>(states: impl Iterator<Item = (&'a LayerId, &'a ObjectState)>) -> BTreeMap<LayerId, Layer> {
    let parent_path = Path::of(&["parentId"]);
    let mut wanted = BTreeMap::new();
    let mut layers = BTreeMap::new();
    for (id, state) in states.filter(|(_, state)| state.is_alive()) {
        let mut shown = document(state);
        let rank = shown.get("rank").and_then(Value::as_f64).unwrap_or(0.0);
        let parent = shown.get("parentId").and_then(Value::as_str).and_then(LayerId::parse);
        if let (Some(parent), Some(register)) = (parent, state.winner(&parent_path)) {
            wanted.insert(id.clone(), (parent, register.order.clone()));
        }
        let properties = match shown.shift_remove("properties") {
            Some(Value::Object(properties)) => properties,
            Some(_) | None => Map::new(),
        };
        #[allow(clippy::cast_possible_truncation)]
        layers.insert(id.clone(), Layer { rank: rank as i64, parent: None, properties });
    }
    // A parent that is not listed counts as none.
    wanted.retain(|_, (parent, _)| layers.contains_key(parent));
    for (layer, parent) in shown_parents(&wanted) {
        if let Some(layer) = layers.get_mut(&layer) {
            layer.parent = Some(parent);
        }
    }
    layers
}

/// One hash for one map: listed layers, living features and settings, sorted by id. Orders,
/// tombstones, orphans and proposals do not count (RULES, laws).
#[must_use]
pub fn state_hash<'a>(objects: impl Iterator<Item = (&'a Object, &'a ObjectState)>) -> String {
    let mut map = ObjectState::default();
    let mut layer_states = BTreeMap::new();
    let mut features: BTreeMap<(LayerId, FeatureId), &ObjectState> = BTreeMap::new();
    for (object, state) in objects {
        match object {
            Object::Map => map = state.clone(),
            Object::Layer(id) => {
                layer_states.insert(id.clone(), state);
            }
            Object::Feature(layer, id) if state.is_alive() => {
                features.insert((layer.clone(), id.clone()), state);
            }
            Object::Feature(..) => {}
        }
    }
    let layers = layers(layer_states.iter().map(|(id, state)| (id, *state)));
    let mut hash = StateHash::new(&document(&map));
    for (id, layer) in &layers {
        hash.layer(id, layer);
    }
    for ((layer, id), state) in features.iter().filter(|((layer, _), _)| layers.contains_key(layer)) {
        hash.feature(layer, id, &feature(id, state));
    }
    hash.finish()
}

/// The state hash, fed piece by piece: settings first, then layers by id, then features by
/// layer and id.
pub struct StateHash(Sha256);

impl StateHash {
    /// Begins with what the map's registers show.
    #[must_use]
    pub fn new(map: &Map<String, Value>) -> Self {
        let mut hash = Self(Sha256::new());
        hash.line(&canonical(&Value::Object(map.clone())));
        hash
    }

    /// Adds a listed layer.
    pub fn layer(&mut self, id: &LayerId, layer: &Layer) {
        let parent = layer.parent.as_ref().map_or("", LayerId::as_str);
        let settings = canonical(&Value::Object(layer.properties.clone()));
        self.line(&format!("layer {id} {} {parent} {settings}", layer.rank));
    }

    /// Adds a living feature of a listed layer.
    pub fn feature(&mut self, layer: &LayerId, id: &FeatureId, feature: &Value) {
        self.line(&format!("feature {layer} {id} {}", canonical(feature)));
    }

    /// The hash in hexadecimal.
    #[must_use]
    pub fn finish(self) -> String {
        self.0.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn line(&mut self, text: &str) {
        self.0.update(text.as_bytes());
        self.0.update(b"\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Order, Stamp};
    use crate::json::Json;
    use crate::operation::Write;

    fn put(state: &mut ObjectState, path: Path, at: &str, value: Option<&str>) {
        let write = Write { path, value: value.map(Json::trusted) };
        state.write(write, Order::new(&Stamp::parse(at), 0), 0);
    }

    #[test]
    fn absent_unsets_and_null_stays_null() {
        let mut state = ObjectState::default();
        put(&mut state, Path::property("a"), "1:0:a", Some("1"));
        put(&mut state, Path::property("b"), "1:0:a", Some("1"));
        put(&mut state, Path::property("a"), "2:0:a", None);
        put(&mut state, Path::property("b"), "2:0:a", Some("null"));
        assert_eq!(Value::Object(document(&state)).to_string(), r#"{"properties":{"b":null}}"#);
    }

    #[test]
    fn a_deeper_write_makes_its_containers_objects_in_any_order() {
        let writes = [
            (Path::property("x"), "1:0:a", Some("\"text\"")),
            (Path::of(&["properties", "x", "y"]), "2:0:a", Some("3")),
            (Path::of(&["properties", "x", "y"]), "3:0:a", None),
        ];
        let mut pictures = Vec::new();
        for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2], [0, 2, 1], [2, 0, 1], [1, 2, 0]] {
            let mut state = ObjectState::default();
            for place in order {
                let (path, at, value) = writes[place].clone();
                put(&mut state, path, at, value);
            }
            pictures.push(Value::Object(document(&state)).to_string());
        }
        assert!(pictures.iter().all(|p| p == r#"{"properties":{"x":{}}}"#), "{pictures:?}");
    }

    #[test]
    fn a_feature_is_written_as_a_browser_writes_it() {
        let mut state = ObjectState::default();
        put(&mut state, Path::geometry(), "1:0:a", Some(r#"{"type":"Point","coordinates":[1.50,2]}"#));
        put(&mut state, Path::property("name"), "1:0:a", Some("\"n\""));
        put(&mut state, Path::option("color"), "1:0:a", Some("\"Lime\""));
        put(&mut state, Path::option("color"), "2:0:a", None);
        let id = FeatureId::parse("abcde").unwrap();
        assert_eq!(
            feature(&id, &state).to_string(),
            r#"{"type":"Feature","geometry":{"type":"Point","coordinates":[1.5,2]},"properties":{"name":"n"},"id":"abcde"}"#
        );
    }
}
