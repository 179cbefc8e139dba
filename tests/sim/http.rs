//! A model of uMap's documents over HTTP: versions, the three-way merge over whole features, and
//! the lost-save race (PROTOCOL.md, 2; rule 19).

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use bivouac_app::server::{Failure, Saved, Version};
use bivouac_journal::ids::LayerId;
use bivouac_store::{ServerLayer, ServerMap};
use serde_json::{Map, Value, json};

use super::random::Rng;
use super::world::World;

/// How many versions the server keeps.
const KEPT: usize = 10;

/// A layer as it is posted.
#[derive(Clone, Debug)]
pub struct Post {
    pub id: String,
    pub name: String,
    pub rank: i64,
    pub parent: Option<String>,
    pub settings: Map<String, Value>,
    pub body: String,
}

#[derive(Clone, Debug)]
pub struct Kept {
    pub version: u64,
    pub body: String,
    pub by: String,
}

#[derive(Clone, Debug)]
pub struct Layer {
    pub rank: i64,
    pub parent: Option<String>,
    pub settings: Map<String, Value>,
    pub deleted: bool,
    /// Oldest first.
    pub versions: Vec<Kept>,
}

pub struct Http {
    world: Rc<World>,
    rng: RefCell<Rng>,
    pub layers: RefCell<BTreeMap<String, Layer>>,
    pub settings: RefCell<Map<String, Value>>,
    modified_at: Cell<u64>,
    /// In percent: handling a save takes long enough to overlap another.
    pub slow_saves: Cell<u64>,
    /// Versions whose content was overwritten by a save that did not know them: (layer, version, whose, by whom).
    pub buried: RefCell<Vec<(String, u64, String, String)>>,
    /// The server takes the right to edit away (rule 37).
    pub read_only: Cell<bool>,
    /// How many saves it refused for that.
    pub refused: Cell<u64>,
}

impl Http {
    pub fn new(world: Rc<World>, rng: Rng) -> Rc<Self> {
        let settings = json!({"name": "Trip", "zoom": 7, "center": {"lat": 48.5, "lng": 7.5}, "syncEnabled": true});
        let Value::Object(settings) = settings else { unreachable!() };
        let modified_at = Cell::new(world.now());
        Rc::new(Self {
            world,
            rng: RefCell::new(rng),
            layers: RefCell::default(),
            settings: RefCell::new(settings),
            modified_at,
            slow_saves: Cell::new(0),
            buried: RefCell::default(),
            read_only: Cell::new(false),
            refused: Cell::new(0),
        })
    }

    pub fn read_map(&self) -> ServerMap {
        let layers = self.layers.borrow();
        let mut listed: Vec<ServerLayer> = layers
            .iter()
            .filter(|(_, layer)| !layer.deleted)
            .filter_map(|(id, layer)| {
                Some(ServerLayer {
                    id: LayerId::parse(id)?,
                    rank: layer.rank,
                    parent: layer.parent.as_deref().and_then(LayerId::parse),
                    properties: layer.settings.clone(),
                    edit_status: 0,
                    edit_mode: Some("advanced".to_owned()),
                    reference: layer.versions.last().map(|kept| kept.version.to_string()),
                })
            })
            .collect();
        listed.sort_by_key(|layer| layer.parent.is_some());
        ServerMap {
            settings: self.settings.borrow().clone(),
            layers: listed,
            modified_at_ms: self.modified_at.get(),
            server_time_ms: i64::try_from(self.world.now()).ok(),
            urls: None,
            rights: None,
            may_edit: !self.read_only.get(),
        }
    }

    pub fn read_layer(&self, id: &str) -> Result<(String, String), Failure> {
        let layers = self.layers.borrow();
        let newest = layers.get(id).and_then(|layer| layer.versions.last());
        let newest = newest.ok_or_else(|| Failure::NotFound(format!("no layer {id}")))?;
        Ok((newest.body.clone(), newest.version.to_string()))
    }

    pub fn versions(&self, id: &str) -> Result<Vec<Version>, Failure> {
        let layers = self.layers.borrow();
        let layer = layers.get(id).ok_or_else(|| Failure::NotFound(format!("no layer {id}")))?;
        let newest_first = layer.versions.iter().rev();
        Ok(newest_first.map(|kept| Version { reference: kept.version.to_string(), at_ms: kept.version }).collect())
    }

    pub fn read_version(&self, id: &str, reference: &str) -> Result<String, Failure> {
        let layers = self.layers.borrow();
        let kept = layers.get(id).and_then(|layer| layer.versions.iter().find(|k| k.version.to_string() == reference));
        kept.map(|kept| kept.body.clone()).ok_or_else(|| Failure::NotFound(format!("no version {reference}")))
    }

    fn may_edit(&self) -> Result<(), Failure> {
        if self.read_only.get() {
            self.refused.set(self.refused.get() + 1);
            return Err(Failure::Refused("403".to_owned()));
        }
        Ok(())
    }

    /// A form that names a parent which the server does not know is not valid.
    fn knows_parent(&self, post: &Post) -> Result<(), Failure> {
        match &post.parent {
            Some(parent) if !self.layers.borrow().contains_key(parent) => {
                Err(Failure::Refused(format!("no parent {parent}")))
            }
            _ => Ok(()),
        }
    }

    pub fn create(&self, by: &str, post: Post) -> Result<Saved, Failure> {
        self.may_edit()?;
        self.knows_parent(&post)?;
        if self.layers.borrow().contains_key(&post.id) {
            return Err(Failure::Exists("UUID already exists".to_owned()));
        }
        let layer = Layer { rank: 0, parent: None, settings: Map::new(), deleted: false, versions: Vec::new() };
        self.layers.borrow_mut().insert(post.id.clone(), layer);
        let version = self.write(by, &post, post.body.clone());
        Ok(Saved { version, merged: None })
    }

    /// A save. What is compared and what is written lie some time apart, and nothing is locked:
    /// of two saves that overlap, the second one overwrites the first.
    pub async fn save(&self, by: &str, post: Post, reference: Option<&str>) -> Result<Saved, Failure> {
        self.may_edit()?;
        self.knows_parent(&post)?;
        let (latest, old) = {
            let layers = self.layers.borrow();
            let layer = layers.get(&post.id).ok_or_else(|| Failure::NotFound(format!("no layer {}", post.id)))?;
            let old = reference.and_then(|r| layer.versions.iter().find(|k| k.version.to_string() == r)).cloned();
            (layer.versions.last().cloned(), old)
        };
        let latest = latest.ok_or_else(|| Failure::NotFound("no version".to_owned()))?;
        let based_on_latest = reference.is_none_or(|reference| latest.version.to_string() == reference);
        let merged = if based_on_latest {
            None
        } else {
            let conflict = || Failure::Conflict("412".to_owned());
            let old = old.ok_or_else(conflict)?;
            Some(three_way(&old.body, &latest.body, &post.body).ok_or_else(conflict)?)
        };
        let takes = {
            let mut rng = self.rng.borrow_mut();
            if rng.percent(self.slow_saves.get()) { rng.between(50, 400) } else { rng.between(0, 15) }
        };
        self.world.sleep(takes).await;
        let overtaken: Vec<(u64, String)> = {
            let layers = self.layers.borrow();
            let kept = layers.get(&post.id).into_iter().flat_map(|layer| &layer.versions);
            kept.filter(|kept| kept.version > latest.version).map(|kept| (kept.version, kept.by.clone())).collect()
        };
        for (version, whose) in overtaken {
            self.world.say("server", || format!("the save by {by} buries version {version} by {whose}"));
            self.buried.borrow_mut().push((post.id.clone(), version, whose, by.to_owned()));
        }
        let body = merged.clone().unwrap_or_else(|| post.body.clone());
        let version = self.write(by, &post, body);
        Ok(Saved { version, merged })
    }

    fn write(&self, by: &str, post: &Post, body: String) -> String {
        let mut layers = self.layers.borrow_mut();
        let Some(layer) = layers.get_mut(&post.id) else { return String::new() };
        layer.rank = post.rank;
        layer.parent.clone_from(&post.parent);
        layer.settings = post.settings.clone();
        layer.settings.insert("name".to_owned(), Value::String(post.name.clone()));
        let version = self.world.now().max(layer.versions.last().map_or(0, |kept| kept.version + 1));
        self.world.say("server", || format!("version {version} of {} by {by}: {body}", short(&post.id)));
        layer.versions.push(Kept { version, body, by: by.to_owned() });
        if layer.versions.len() > KEPT {
            layer.versions.remove(0);
        }
        self.modified_at.set(self.world.now());
        version.to_string()
    }

    pub fn delete(&self, by: &str, id: &str) -> Result<(), Failure> {
        self.may_edit()?;
        let mut layers = self.layers.borrow_mut();
        let layer = layers.get_mut(id).ok_or_else(|| Failure::NotFound(format!("no layer {id}")))?;
        layer.deleted = true;
        self.world.say("server", || format!("layer {} deleted by {by}", short(id)));
        self.modified_at.set(self.world.now());
        Ok(())
    }

    pub fn save_settings(&self, by: &str, settings: Map<String, Value>) -> Result<(), Failure> {
        self.may_edit()?;
        self.world.say("server", || format!("settings by {by}: {}", Value::Object(settings.clone())));
        *self.settings.borrow_mut() = settings;
        self.modified_at.set(self.world.now());
        Ok(())
    }
}

/// The end of a long id, for the trace.
pub fn short(id: &str) -> &str {
    id.get(id.len().saturating_sub(4)..).unwrap_or(id)
}

/// The features of a document.
pub fn features(body: &str) -> Vec<Value> {
    let document: Value = serde_json::from_str(body).unwrap_or(Value::Null);
    document["features"].as_array().cloned().unwrap_or_default()
}

/// The server's merge: lists of whole objects, ids without meaning; `None` is a 412.
fn three_way(reference: &str, latest: &str, incoming: &str) -> Option<String> {
    let (old, now, new) = (features(reference), features(latest), features(incoming));
    let is_in = |list: &[Value], feature: &Value| list.iter().any(|other| equal(other, feature));
    if new.len() == now.len() && new.iter().all(|feature| is_in(&now, feature)) {
        return Some(latest.to_owned());
    }
    let mut merged = now;
    for removed in old.iter().filter(|feature| !is_in(&new, feature)) {
        let place = merged.iter().position(|feature| equal(feature, removed))?;
        merged.remove(place);
    }
    merged.extend(new.iter().filter(|feature| !is_in(&old, feature)).cloned());
    let mut document: Value = serde_json::from_str(latest).ok()?;
    document["features"] = Value::Array(merged);
    Some(document.to_string())
}

/// Python's `==` on what JSON holds.
fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(name, a)| b.get(name).is_some_and(|b| equal(a, b)))
        }
        _ => a == b,
    }
}
