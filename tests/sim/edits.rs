//! What users do on a laptop, drawn from what their map shows.

use std::collections::BTreeSet;

use bivouac_journal::ids::{FeatureId, LayerId, Object};
use bivouac_journal::json::Json;
use bivouac_journal::operation::{Draft, Verb};
use bivouac_journal::path::Path;
use bivouac_store::{Query, Shown};
use serde_json::{Value, json};

use super::random::Rng;
use super::replica::Replica;

pub fn upsert(object: Object, value: &Value) -> Draft {
    Draft { verb: Verb::Upsert, object, path: None, value: Some(Json::from_value(value)) }
}

pub fn update(object: Object, path: Path, value: Option<&Value>) -> Draft {
    Draft { verb: Verb::Update, object, path: Some(path), value: value.map(Json::from_value) }
}

pub fn delete(object: Object) -> Draft {
    Draft { verb: Verb::Delete, object, path: None, value: None }
}

pub fn point(rng: &mut Rng) -> Value {
    let coordinate = |rng: &mut Rng| rng.between(0, 80_000_000) as f64 / 1e6;
    json!({"type": "Point", "coordinates": [coordinate(rng), coordinate(rng)]})
}

pub fn marker(id: &str, geometry: &Value, name: &str) -> Value {
    json!({"type": "Feature", "geometry": geometry, "properties": {"name": name}, "id": id})
}

pub fn layer_value(id: &str, rank: i64, name: &str) -> Value {
    json!({"id": id, "rank": rank, "properties": {"displayOnLoad": true, "inCaption": true, "browsable": true, "name": name, "remoteData": {}, "fields": []}})
}

fn object_of(shown: &Shown) -> Object {
    Object::Feature(shown.layer.clone(), shown.id.clone())
}

/// One edit by this laptop's user.
pub fn random_edit(replica: &Replica, rng: &mut Rng) {
    // Nobody is offered to edit what the server lets one only see (rule 38).
    if replica.store.borrow().map().unwrap().read_only {
        return;
    }
    let (layers, parents, features) = {
        let store = replica.store.borrow();
        let query = Query { limit: 1000, ..Query::default() };
        let views = store.layers().unwrap();
        let parents: BTreeSet<LayerId> = views.iter().filter_map(|view| view.layer.parent.clone()).collect();
        let layers: Vec<LayerId> = views.into_iter().map(|view| view.id).collect();
        (layers, parents, store.features(&query).unwrap())
    };
    replica.edits.set(replica.edits.get() + 1);
    let value = format!("{}-{}", replica.name, replica.edits.get());
    let text = json!(value);
    let kind = rng.below(100);
    let feature = rng.pick(&features).cloned();
    let (label, drafts) = match (kind, feature) {
        (0..=24, Some(feature)) => {
            let name = *rng.pick(&["name", "name", "description", "name", "kind"]).unwrap_or(&"name");
            (
                format!("{name} of {} = {value}", feature.id),
                vec![update(object_of(&feature), Path::property(name), Some(&text))],
            )
        }
        (25..=33, Some(feature)) => {
            let draft = update(object_of(&feature), Path::option("color"), Some(&text));
            (format!("color of {} = {value}", feature.id), vec![draft])
        }
        (34..=36, Some(feature)) => {
            let draft = update(object_of(&feature), Path::property("description"), None);
            (format!("no description of {}", feature.id), vec![draft])
        }
        (37..=51, Some(feature)) => {
            let geometry = point(rng);
            let draft = update(object_of(&feature), Path::geometry(), Some(&geometry));
            (format!("{} to {geometry}", feature.id), vec![draft])
        }
        (52..=60, Some(feature)) => (format!("delete {}", feature.id), vec![delete(object_of(&feature))]),
        (61..=63, Some(feature)) => move_feature(&feature, &layers, rng),
        (64..=67, _) => {
            let several: Vec<Draft> = features
                .iter()
                .filter(|_| rng.percent(50))
                .map(|feature| update(object_of(feature), Path::property("name"), Some(&text)))
                .collect();
            (format!("several names = {value}"), several)
        }
        (68..=70, _) => new_layer(&value, rng),
        (71..=73, _) if layers.len() > 1 => match rng.pick(&layers) {
            // What other layers lie in is not deleted.
            Some(layer) if parents.contains(layer) => return,
            Some(layer) => {
                let mut drafts: Vec<Draft> =
                    features.iter().filter(|f| f.layer == *layer).map(|feature| delete(object_of(feature))).collect();
                drafts.push(delete(Object::Layer(layer.clone())));
                (format!("delete layer {layer}"), drafts)
            }
            None => return,
        },
        (74..=77, _) => match rng.pick(&layers) {
            Some(layer) => {
                let draft = update(Object::Layer(layer.clone()), Path::property("name"), Some(&text));
                (format!("layer {layer} is called {value}"), vec![draft])
            }
            None => return,
        },
        (78..=79, _) => match rng.pick(&layers) {
            Some(layer) => {
                let rank = json!(rng.below(9));
                (
                    format!("rank of {layer} = {rank}"),
                    vec![update(Object::Layer(layer.clone()), Path::of(&["rank"]), Some(&rank))],
                )
            }
            None => return,
        },
        (80..=83, _) => {
            let name = *rng.pick(&["name", "description"]).unwrap_or(&"name");
            (format!("{name} of the map = {value}"), vec![update(Object::Map, Path::property(name), Some(&text))])
        }
        _ => match rng.pick(&layers) {
            Some(layer) => {
                let id = FeatureId::from_bits(rng.bits());
                let feature = marker(id.as_str(), &point(rng), &value);
                (format!("add {id}: {value}"), vec![upsert(Object::Feature(layer.clone(), id), &feature)])
            }
            None => new_layer(&value, rng),
        },
    };
    if !drafts.is_empty() {
        replica.edit(&label, drafts);
    }
}

/// Writes to one of few registers, as somebody else does at this moment.
pub fn contend(replica: &Replica, rng: &mut Rng) {
    let query = Query { limit: 1000, ..Query::default() };
    let features = replica.store.borrow().features(&query).unwrap();
    let first = features.iter().min_by_key(|f| (f.layer.clone(), f.id.clone()));
    let Some(object) = first.map(object_of) else { return };
    replica.edits.set(replica.edits.get() + 1);
    let value = json!(format!("{}-{}", replica.name, replica.edits.get()));
    let draft = match rng.below(3) {
        0 => update(object, Path::geometry(), Some(&point(rng))),
        1 => update(object, Path::property("name"), Some(&value)),
        _ => update(object, Path::option("color"), Some(&value)),
    };
    replica.edit("contends", vec![draft]);
}

fn new_layer(name: &str, rng: &mut Rng) -> (String, Vec<Draft>) {
    let id = LayerId::trusted(&format!("00000000-0000-4000-8000-{:012x}", rng.below(1 << 44)));
    let inside = FeatureId::from_bits(rng.bits());
    let layer = upsert(Object::Layer(id.clone()), &layer_value(id.as_str(), rng.below(9) as i64, name));
    let feature = upsert(Object::Feature(id.clone(), inside.clone()), &marker(inside.as_str(), &point(rng), name));
    (format!("new layer {id} with {inside}: {name}"), vec![layer, feature])
}

fn move_feature(feature: &Shown, layers: &[LayerId], rng: &mut Rng) -> (String, Vec<Draft>) {
    let others: Vec<&LayerId> = layers.iter().filter(|layer| **layer != feature.layer).collect();
    let Some(to) = rng.pick(&others) else { return (String::new(), Vec::new()) };
    let value: Value = serde_json::from_str(&feature.text).unwrap();
    let there = Object::Feature((*to).clone(), feature.id.clone());
    (format!("move {} to {to}", feature.id), vec![delete(object_of(feature)), upsert(there, &value)])
}
