//! A model of a uMap page: what a browser shows, remembers and does with what it is told
//! (PROTOCOL.md, 4 and 5), with its real faults. It does no input or output.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

/// A layer as the page holds it.
#[derive(Clone, Debug, Default)]
pub struct PageLayer {
    pub rank: i64,
    pub parent: Option<String>,
    pub properties: Map<String, Value>,
    /// In the order in which they came.
    pub features: Vec<(String, Value)>,
    /// The base of the next save.
    pub reference: Option<String>,
    pub on_server: bool,
}

/// A remembered operation.
#[derive(Clone, Debug)]
pub struct Logged {
    pub message: Value,
    pub own: bool,
    pub dirty: bool,
}

impl Logged {
    fn hlc(&self) -> &str {
        self.message["hlc"].as_str().unwrap_or("")
    }
}

/// The page threw: what it was doing is left half done.
#[derive(Debug, PartialEq, Eq)]
pub struct Thrown(pub String);

#[derive(Default)]
pub struct Page {
    pub layers: BTreeMap<String, PageLayer>,
    pub settings: Map<String, Value>,
    pub log: Vec<Logged>,
    pub deleted_layers: BTreeSet<String>,
    clock_id: String,
    clock: (u64, u64),
    /// What the page sends because of what it was told.
    pub outbox: Vec<Value>,
}

fn is_five_letters(id: &str) -> bool {
    id.len() == 5 && id.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// Three parts, or the receiver throws; the first two are numbers.
fn parse_hlc(hlc: &Value) -> Option<(u64, u64)> {
    let mut parts = hlc.as_str()?.split(':');
    let (wall, counter, _) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    Some((wall.parse().ok()?, counter.parse().ok()?))
}

impl Page {
    pub fn new(clock_id: String) -> Self {
        Self { clock_id, ..Self::default() }
    }

    /// The next clock of its own; the counter grows past 9 (rule 2).
    fn tick(&mut self, now: u64) -> String {
        self.clock = if now > self.clock.0 { (now, 0) } else { (self.clock.0, self.clock.1 + 1) };
        format!("{}:{}:{}", self.clock.0, self.clock.1, self.clock_id)
    }

    /// A foreign clock drags this one along, however far ahead it is (rule 3).
    fn follow(&mut self, theirs: (u64, u64), now: u64) {
        let greatest = self.clock.0.max(theirs.0).max(now);
        let counter = match (greatest == self.clock.0, greatest == theirs.0) {
            (true, true) => self.clock.1.max(theirs.1) + 1,
            (true, false) => self.clock.1 + 1,
            (false, true) => theirs.1 + 1,
            (false, false) => 0,
        };
        self.clock = (greatest, counter);
    }

    /// An operation of this browser's user: applied, remembered and to be sent.
    pub fn act(&mut self, mut message: Value, dirty: bool, now: u64) -> Value {
        message["hlc"] = Value::String(self.tick(now));
        if dirty {
            message["dirty"] = Value::Bool(true);
        }
        // Its own interface shows the change before the operation is made.
        let _ = self.apply_own(&message);
        self.log.push(Logged { message: message.clone(), own: true, dirty });
        message
    }

    fn apply_own(&mut self, message: &Value) -> Result<(), Thrown> {
        if message["verb"] == "upsert" && message["subject"] == "feature" {
            let (layer, id) = (text(&message["metadata"]["layerId"]), text(&message["metadata"]["id"]));
            if let Some(layer) = self.layers.get_mut(&layer) {
                layer.features.retain(|(other, _)| *other != id);
                layer.features.push((id, message["value"].clone()));
            }
            return Ok(());
        }
        self.apply(message, 0)
    }

    /// The last clock that it remembers.
    pub fn last_known(&self) -> Option<String> {
        self.log.last().map(|logged| logged.hlc().to_owned())
    }

    /// A live operation: applied in the order of arrival, whatever its clock.
    pub fn receive(&mut self, message: &Value, now: u64) -> Result<(), Thrown> {
        let Some(hlc) = parse_hlc(&message["hlc"]) else { return Err(Thrown("no clock".to_owned())) };
        self.follow(hlc, now);
        let applied = self.apply(message, now);
        let dirty = message["dirty"] == true;
        self.log.push(Logged { message: message.clone(), own: false, dirty });
        applied
    }

    /// A list of operations: sorted as strings, the stale ones passed over, up to the first throw.
    pub fn receive_list(&mut self, operations: &[Value], now: u64) -> Result<(), Thrown> {
        let mut sorted: Vec<&Value> = operations.iter().collect();
        sorted.sort_by_key(|message| text(&message["hlc"]));
        for message in sorted {
            let Some(hlc) = parse_hlc(&message["hlc"]) else { return Err(Thrown("no clock".to_owned())) };
            if self.log.iter().any(|logged| {
                logged.message["hlc"] == message["hlc"] && logged.message["metadata"] == message["metadata"]
            }) {
                continue;
            }
            self.follow(hlc, now);
            let is_stale = message["verb"] != "upsert" && self.is_stale(message);
            if !is_stale {
                self.apply(message, now)?;
            }
            let dirty = message["dirty"] == true;
            self.log.push(Logged { message: message.clone(), own: false, dirty });
        }
        Ok(())
    }

    /// Whether a newer operation on the same thing is remembered: the metadata is compared as
    /// text, the key only when both have one (rules 6 and 17).
    fn is_stale(&self, message: &Value) -> bool {
        let metadata = message["metadata"].to_string();
        self.log.iter().any(|logged| {
            let other = &logged.message;
            let same_key = match (message.get("key"), other.get("key")) {
                (Some(a), Some(b)) => a == b,
                _ => true,
            };
            logged.hlc() > message["hlc"].as_str().unwrap_or("")
                && other["subject"] == message["subject"]
                && metadata == other["metadata"].to_string()
                && same_key
        })
    }

    /// The answer to a question; live references, so a layer's upsert shows its present values.
    pub fn since(&self, last_known: Option<&str>) -> Vec<Value> {
        let newer = self.log.iter().filter(|logged| last_known.is_none_or(|last| logged.hlc() > last));
        newer
            .map(|logged| {
                let mut message = logged.message.clone();
                if let Value::Object(members) = &mut message {
                    members.shift_remove("kind");
                    members.insert("dirty".to_owned(), Value::Bool(logged.dirty));
                }
                message
            })
            .collect()
    }

    /// A SavedMessage clears what it names, saved or not (rule 21).
    pub fn saved(&mut self, last_known: &str) {
        for logged in &mut self.log {
            if logged.hlc() <= last_known {
                logged.dirty = false;
            }
        }
    }

    fn apply(&mut self, message: &Value, now: u64) -> Result<(), Thrown> {
        if message["verb"] == "batch" {
            for nested in message["operations"].as_array().into_iter().flatten() {
                self.apply(nested, now)?;
            }
            return Ok(());
        }
        match message["subject"].as_str() {
            Some("map") => self.apply_map(message),
            Some("datalayer") => self.apply_layer(message, now),
            Some("feature") => self.apply_feature(message),
            _ => Ok(()),
        }
    }

    fn apply_map(&mut self, message: &Value) -> Result<(), Thrown> {
        let key = text(&message["key"]);
        let Some(name) = key.strip_prefix("properties.") else {
            return Err(Thrown(format!("a map's {key}")));
        };
        put(&mut self.settings, &name.split('.').collect::<Vec<_>>(), message.get("value"));
        Ok(())
    }

    fn apply_layer(&mut self, message: &Value, now: u64) -> Result<(), Thrown> {
        let id = text(&message["metadata"]["id"]);
        match message["verb"].as_str() {
            Some("upsert") => {
                self.layers.entry(id).or_insert_with(|| {
                    let value = &message["value"];
                    PageLayer {
                        rank: value["rank"].as_i64().unwrap_or(0),
                        parent: value["parentId"].as_str().map(str::to_owned),
                        properties: value["properties"].as_object().cloned().unwrap_or_default(),
                        ..PageLayer::default()
                    }
                });
                Ok(())
            }
            Some("delete") => {
                let layer = self.layers.remove(&id).ok_or_else(|| Thrown(format!("no layer {id}")))?;
                if layer.on_server {
                    self.deleted_layers.insert(id.clone());
                }
                if now > 0 {
                    for (feature, value) in &layer.features {
                        let delete = operation("delete", "feature", feature_metadata(&id, feature, value), None, None);
                        let delete = self.act(delete, true, now);
                        self.outbox.push(delete);
                    }
                }
                Ok(())
            }
            _ => self.update_layer(&id, message, now),
        }
    }

    fn update_layer(&mut self, id: &str, message: &Value, now: u64) -> Result<(), Thrown> {
        let layer = self.layers.get_mut(id).ok_or_else(|| Thrown(format!("no layer {id}")))?;
        let (key, value) = (text(&message["key"]), message.get("value"));
        match key.as_str() {
            "rank" => {
                let rank = value.and_then(Value::as_i64).unwrap_or(0);
                if layer.rank != rank {
                    layer.rank = rank;
                    // Every browser that is told a rank tells it again (rule 40).
                    if now > 0 {
                        let again = operation("update", "datalayer", json!({"id": id}), Some("rank"), value.cloned());
                        let again = self.act(again, false, now);
                        self.outbox.push(again);
                    }
                }
            }
            "parentId" => layer.parent = value.and_then(Value::as_str).map(str::to_owned),
            "referenceVersion" => layer.reference = value.and_then(Value::as_str).map(str::to_owned),
            "properties" => layer.properties = value.and_then(Value::as_object).cloned().unwrap_or_default(),
            key => {
                if let Some(name) = key.strip_prefix("properties.") {
                    put(&mut layer.properties, &name.split('.').collect::<Vec<_>>(), value);
                }
            }
        }
        Ok(())
    }

    fn apply_feature(&mut self, message: &Value) -> Result<(), Thrown> {
        let layer_id = text(&message["metadata"]["layerId"]);
        let layer = self.layers.get_mut(&layer_id).ok_or_else(|| Thrown(format!("no layer {layer_id}")))?;
        let id = text(&message["metadata"]["id"]);
        let place = layer.features.iter().position(|(other, _)| *other == id);
        match (message["verb"].as_str(), place) {
            (Some("upsert"), Some(place)) => {
                layer.features[place].1["geometry"] = message["value"]["geometry"].clone();
            }
            (Some("upsert"), None) => {
                let given = text(&message["value"]["id"]);
                // An id that it does not like is replaced by one that nobody else knows.
                let id = if is_five_letters(&given) { given } else { format!("{:05}", self.log.len()) };
                let mut value = message["value"].clone();
                value["id"] = Value::String(id.clone());
                layer.features.retain(|(other, _)| *other != id);
                layer.features.push((id, value));
            }
            (Some("delete"), Some(place)) => {
                layer.features.remove(place);
            }
            (Some("update"), Some(place)) => {
                let feature = &mut layer.features[place].1;
                let key = text(&message["key"]);
                if key == "geometry" {
                    feature["geometry"] = message["value"].clone();
                } else if let (Some(name), Value::Object(members)) = (key.strip_prefix("properties."), feature) {
                    let properties = members.entry("properties").or_insert_with(|| json!({}));
                    if let Value::Object(properties) = properties {
                        if name.starts_with("_umap_options.") && !properties.contains_key("_umap_options") {
                            properties.insert("_umap_options".to_owned(), json!({}));
                        }
                        put(properties, &name.split('.').collect::<Vec<_>>(), message.get("value"));
                    }
                }
            }
            // Unknown features: a line in the console.
            _ => {}
        }
        Ok(())
    }

    /// The features of a layer as they are saved.
    pub fn exported(&self, layer: &str) -> Vec<Value> {
        let features = self.layers.get(layer).map(|layer| layer.features.as_slice()).unwrap_or_default();
        features.iter().map(|(_, value)| exported(value)).collect()
    }
}

/// A feature as it is written: empty options are left out.
pub fn exported(value: &Value) -> Value {
    let mut value = value.clone();
    if let Some(properties) = value.get_mut("properties").and_then(Value::as_object_mut)
        && properties.get("_umap_options").and_then(Value::as_object).is_some_and(Map::is_empty)
    {
        properties.shift_remove("_umap_options");
    }
    value
}

/// Sets or, without a value, unsets; a missing object on the way means that nothing happens.
fn put(members: &mut Map<String, Value>, path: &[&str], value: Option<&Value>) {
    match path {
        [] => {}
        [last] => match value {
            Some(value) => {
                members.insert((*last).to_owned(), value.clone());
            }
            None => {
                members.shift_remove(*last);
            }
        },
        [next, rest @ ..] => {
            if let Some(Value::Object(inner)) = members.get_mut(*next) {
                put(inner, rest, value);
            }
        }
    }
}

pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or("").to_owned()
}

/// Exactly what a browser compares (rule 6).
pub fn feature_metadata(layer: &str, id: &str, value: &Value) -> Value {
    let kind = match value["geometry"]["type"].as_str() {
        Some("LineString" | "MultiLineString") => "polyline",
        Some("Polygon" | "MultiPolygon") => "polygon",
        _ => "marker",
    };
    json!({"id": id, "layerId": layer, "featureType": kind})
}

pub fn operation(verb: &str, subject: &str, metadata: Value, key: Option<&str>, value: Option<Value>) -> Value {
    let mut message = json!({"verb": verb, "subject": subject});
    if !metadata.is_null() {
        message["metadata"] = metadata;
    }
    if let Some(key) = key {
        message["key"] = json!(key);
    }
    if let Some(value) = value {
        message["value"] = value;
    }
    message
}
