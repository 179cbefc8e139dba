//! One feature with everything that its panel shows, its history, and exact geometry by place.

use std::collections::{BTreeMap, BTreeSet};

use bivouac_journal::ids::{LayerId, Object};
use bivouac_journal::json::{Json, Members};
use bivouac_journal::path::Path;
use bivouac_store::{FeatureView, Origin, Query, Row, Store};
use serde_json::{Map, Value, json};

use super::naming::{People, key_of, object_of};
use super::open::Open;
use super::types::{FeatureDetail, Field, HistoryEntry, Inherited, InheritedFrom, LonLatBox, SaveStep};
use super::view::{COLOR, fields};
use super::{Answer, Desk};
use crate::edits::Rights;
use crate::error::{AppError, Result};

/// So many features of a layer are looked through for the values of an `Enum` field.
const MOST_FOR_VALUES: usize = 5_000;
/// More values than these are not offered.
const MOST_VALUES: usize = 100;

impl Desk {
    /// A feature, deleted ones included.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn feature(&self, name: &str) -> Answer<FeatureDetail> {
        let open = self.opened()?;
        Ok(open.read(|store| detail(&open, store, name))?)
    }

    /// Features that meet a box, every number as it is stored: the text of an `ExactFeatures`.
    ///
    /// # Errors
    /// When no map is open, or its file cannot be read.
    pub fn features_in(&self, bounds: LonLatBox, limit: usize) -> Answer<Vec<u8>> {
        let open = self.opened()?;
        let found = open.read(|store| Ok(store.viewport(bounds.into(), limit.saturating_add(1))?))?;
        let more = found.len() > limit;
        let items = found
            .iter()
            .take(limit)
            .map(|shown| format!("{{\"object\":\"{}/{}\",\"feature\":{}}}", shown.layer, shown.id, shown.text));
        let items = items.collect::<Vec<_>>().join(",");
        Ok(format!("{{\"more\":{more},\"features\":[{items}]}}").into_bytes())
    }

    /// What was done to an object, the latest first.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn history(&self, name: &str) -> Answer<Vec<HistoryEntry>> {
        let open = self.opened()?;
        Ok(open.read(|store| history(store, name))?)
    }
}

fn detail(open: &Open, store: &Store, name: &str) -> Result<FeatureDetail> {
    let missing = || AppError::NotFound { what: format!("the feature {name:?}"), why: "it is none".to_owned() };
    let Object::Feature(layer, id) = object_of(store, name)? else { return Err(missing()) };
    let view = store.feature(&layer, &id)?.ok_or_else(missing)?;
    let members = Members::parse(&view.text).map_err(|error| AppError::bad("read a feature", error.to_string()))?;
    let geometry = members.get("geometry").map_or_else(|| "null".to_owned(), |raw| raw.get().to_owned());
    let mut properties = match members.get("properties").map(|raw| serde_json::from_str(raw.get())) {
        Some(Ok(Value::Object(properties))) => properties,
        Some(_) | None => Map::new(),
    };
    let options = match properties.shift_remove("_umap_options") {
        Some(Value::Object(options)) => options,
        Some(_) | None => Map::new(),
    };
    let map_settings = crate::sync::settings(store)?;
    let layers = store.layers()?;
    let of_layer = layers.iter().find(|view| view.id == layer);
    let empty = Map::new();
    let layer_settings = of_layer.map_or(&empty, |view| &view.layer.properties);
    let mut fields = fields(layer_settings, &map_settings);
    offer_values(store, &layer, &mut fields)?;
    Ok(FeatureDetail {
        object: format!("{layer}/{id}"),
        layer_name: of_layer.map(|view| view.layer.name().to_owned()).unwrap_or_default(),
        alive: view.alive,
        geometry,
        properties,
        options,
        inherited: inherited(layer_settings, &map_settings),
        save_state: least(&view),
        may_edit: open.seat.is_ok() && view.alive && Rights::of(store)?.may_edit_layer("", &layer).is_ok(),
        fields,
        layer: layer.to_string(),
        id: id.to_string(),
    })
}

/// How far the least far of our writes has come.
fn least(view: &FeatureView) -> SaveStep {
    let on_the_way = |step: &SaveStep| *step <= SaveStep::Verified;
    view.slots.iter().map(|slot| SaveStep::from(slot.state)).filter(on_the_way).min().unwrap_or(SaveStep::None)
}

/// uMap's own style values, for what is set nowhere.
fn own_style() -> [(&'static str, Value); 15] {
    [
        ("color", json!(COLOR)),
        ("opacity", json!(0.5)),
        ("weight", json!(3)),
        ("stroke", json!(true)),
        ("fill", json!(true)),
        ("fillColor", Value::Null),
        ("fillOpacity", json!(0.3)),
        ("dashArray", Value::Null),
        ("iconClass", json!("Default")),
        ("iconUrl", Value::Null),
        ("iconOpacity", json!(1)),
        ("showLabel", json!(false)),
        ("labelKey", json!("name")),
        ("labelDirection", json!("auto")),
        ("interactive", json!(true)),
    ]
}

fn inherited(layer: &Map<String, Value>, map: &Map<String, Value>) -> BTreeMap<String, Inherited> {
    let set = |settings: &Map<String, Value>, key: &str| {
        settings.get(key).filter(|value| !value.is_null() && **value != json!("")).cloned()
    };
    let one = |(key, own): (&str, Value)| {
        let (value, from) = match (set(layer, key), set(map, key)) {
            (Some(value), _) => (value, InheritedFrom::Layer),
            (None, Some(value)) => (value, InheritedFrom::Map),
            (None, None) => (own, InheritedFrom::Default),
        };
        (key.to_owned(), Inherited { value, from })
    };
    own_style().into_iter().map(one).collect()
}

/// What the features of a layer have in a field of a fixed list, as uMap offers it.
fn offer_values(store: &Store, layer: &LayerId, fields: &mut [Field]) -> Result<()> {
    let mut wanted: Vec<&mut Field> = fields.iter_mut().filter(|field| field.kind == "Enum").collect();
    if wanted.is_empty() {
        return Ok(());
    }
    let query = Query { layer: Some(layer.clone()), limit: MOST_FOR_VALUES, ..Query::default() };
    let shown = store.features(&query)?;
    for field in &mut wanted {
        let mut values: BTreeSet<String> = field.values.drain(..).collect();
        for feature in &shown {
            let Ok(members) = Members::parse(&feature.text) else { continue };
            let Some(Ok(properties)) = members.get("properties").map(|raw| Members::parse(raw.get())) else { continue };
            if let Some(value) = properties.text(&field.key).filter(|value| !value.is_empty()) {
                values.insert(value.into_owned());
            }
            if values.len() >= MOST_VALUES {
                break;
            }
        }
        field.values = values.into_iter().collect();
    }
    Ok(())
}

fn history(store: &Store, name: &str) -> Result<Vec<HistoryEntry>> {
    let object = object_of(store, name)?;
    let people = People::of(store)?;
    let view = store.object(&object)?;
    let rows = store.history(&object)?;
    let mut shown: BTreeMap<Path, Option<Json>> = BTreeMap::new();
    let mut entries = Vec::new();
    for row in &rows {
        // What was sent of ours is told by the edit that it carries.
        let carries = row.origin == Origin::Wire;
        let writes = row.writes().unwrap_or_default();
        let before = row.operation.path.as_ref().and_then(|path| shown.get(path).cloned().flatten());
        if row.applied {
            shown.extend(writes.into_iter().map(|write| (write.path, write.value)));
        }
        if !carries {
            entries.push(entry(&object, row, before, &people, view.as_ref()));
        }
    }
    entries.reverse();
    Ok(entries)
}

fn entry(
    object: &Object,
    row: &Row,
    before: Option<Json>,
    people: &People,
    view: Option<&FeatureView>,
) -> HistoryEntry {
    let operation = &row.operation;
    let mine = people.is_mine(row);
    let value = |json: Option<&Json>| json.map_or(Value::Null, Json::value);
    let wins = |slot: &bivouac_store::Slot| slot.row == row.row || row.sent_as == Some(slot.row);
    HistoryEntry {
        row: row.row,
        at: operation.made_at().map_or(row.at_ms, |made| made.wall),
        who: if mine { None } else { people.name_of(operation.sender.as_ref()) },
        mine,
        server: row.origin == Origin::Server,
        verb: operation.verb.as_str().to_owned(),
        key: operation.path.as_ref().and_then(|path| key_of(object, path)),
        from: value(before.as_ref()),
        to: value(operation.value.as_ref()),
        state: row.state.into(),
        current: view.is_some_and(|view| view.slots.iter().any(wins)),
    }
}
