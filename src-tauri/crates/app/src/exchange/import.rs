//! A file becomes features of a map, all of them or none, as one step that can be undone.

use std::collections::{BTreeMap, BTreeSet};

use bivouac_journal::ids::{FeatureId, LayerId, Object};
use bivouac_journal::json::Json;
use bivouac_journal::operation::{Draft, Verb};
use bivouac_store::{Receipt, Store};
use serde_json::{Map, Value, json};

use super::reading::{FileContent, FileFeature, FileLayer, read};
use crate::edits::{Rights, is_layer_setting};
use crate::error::{AppError, Result};
use crate::host::{Host, Progress};
use crate::library::fresh_uuid;

const WHAT: &str = "import the file";

/// What became of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// The undo unit; `None` when the file held nothing to import.
    pub receipt: Option<Receipt>,
    /// The layers that the features went to.
    pub layers: Vec<LayerId>,
    /// How many of them are new.
    pub new_layers: usize,
    /// How many features came.
    pub features: usize,
    /// How many of them kept the id that they had in the file.
    pub kept_ids: usize,
    /// What was changed, with how often.
    pub changed: BTreeMap<String, usize>,
    /// What was left out, with how often.
    pub dropped: BTreeMap<String, usize>,
}

/// Imports a file's text, into one layer or into new ones. `name` is for a new layer of a file
/// that names none.
///
/// # Errors
/// When the file makes no sense, or the map may not be edited; nothing is kept then.
pub fn import(store: &mut Store, text: &str, into: Option<&LayerId>, name: &str, host: &dyn Host) -> Result<Imported> {
    let content = read(text)?;
    let rights = Rights::of(store)?;
    match into {
        Some(layer) => rights.may_edit_layer(WHAT, layer)?,
        None => rights.may_edit_map(WHAT)?,
    }
    let mut plan = Plan {
        drafts: Vec::new(),
        used: BTreeSet::new(),
        made: Vec::new(),
        imported: Imported {
            receipt: None,
            layers: into.cloned().into_iter().collect(),
            new_layers: 0,
            features: 0,
            kept_ids: 0,
            changed: BTreeMap::new(),
            dropped: BTreeMap::new(),
        },
    };
    plan.content(store, content, into, name, host)?;
    let mut imported = plan.imported;
    if plan.drafts.is_empty() && !imported.dropped.is_empty() {
        let reasons: Vec<String> =
            imported.dropped.iter().map(|(what, times)| format!("{times} times {what}")).collect();
        return Err(AppError::bad(WHAT, format!("nothing in it can be kept: {}", reasons.join("; "))));
    }
    if !plan.drafts.is_empty() {
        imported.receipt = Some(store.commit_local("import", plan.drafts, host.now_ms())?);
    }
    Ok(imported)
}

struct Plan {
    drafts: Vec<Draft>,
    used: BTreeSet<FeatureId>,
    /// The ids of the file's layers, by their places; none for one that was passed over.
    made: Vec<Option<LayerId>>,
    imported: Imported,
}

impl Plan {
    fn content(
        &mut self,
        store: &Store,
        content: FileContent,
        into: Option<&LayerId>,
        name: &str,
        host: &dyn Host,
    ) -> Result<()> {
        let FileContent { layers, mut notes } = content;
        let total: usize = layers.iter().map(|layer| layer.features.len()).sum();
        let rank = store.layers()?.iter().map(|view| view.layer.rank + 1).max().unwrap_or(0);
        let groups: BTreeSet<usize> = layers.iter().filter_map(|layer| layer.parent).collect();
        for ((place, number), layer) in (0_i64..).zip(0_usize..).zip(layers) {
            let (settings, parent) = (layer.settings, layer.parent);
            let id = match into {
                Some(id) => {
                    if !settings.is_empty() {
                        notes.dropped("the settings of a layer: its features went into a layer that is there");
                    }
                    id.clone()
                }
                None if layer.features.is_empty() && settings.is_empty() && !groups.contains(&number) => {
                    self.made.push(None);
                    continue;
                }
                None => {
                    let bare = FileLayer { settings, parent, features: Vec::new() };
                    self.new_layer(bare, rank + place, name, &mut notes)
                }
            };
            self.made.push(Some(id.clone()));
            for feature in layer.features {
                self.feature(store, &id, feature, host)?;
                if self.imported.features.is_multiple_of(1000) {
                    self.step(total, host)?;
                }
            }
        }
        self.step(total, host)?;
        let made = self.imported.features - self.imported.kept_ids;
        if made > 0 {
            *notes
                .changed
                .entry("features got an id of uMap's form: theirs was none, or taken".to_owned())
                .or_default() += made;
        }
        self.imported.changed = notes.changed;
        self.imported.dropped = notes.dropped;
        Ok(())
    }

    fn step(&self, total: usize, host: &dyn Host) -> Result<()> {
        let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        host.progress(Progress {
            what: "importing features",
            done: count(self.imported.features),
            total: count(total),
        });
        if host.cancelled() { Err(AppError::Cancelled(WHAT.to_owned())) } else { Ok(()) }
    }

    fn new_layer(&mut self, layer: FileLayer, rank: i64, name: &str, notes: &mut super::reading::Notes) -> LayerId {
        let id = LayerId::trusted(&fresh_uuid());
        let mut properties = Map::new();
        for (setting, value) in [
            ("displayOnLoad", json!(true)),
            ("inCaption", json!(true)),
            ("browsable", json!(true)),
            ("name", json!(name)),
            ("remoteData", json!({})),
            ("fields", json!([])),
        ] {
            properties.insert(setting.to_owned(), value);
        }
        for (setting, value) in layer.settings {
            let is_server_s = matches!(
                setting.as_str(),
                "id" | "rank" | "parent" | "permissions" | "editMode" | "_referenceVersion" | "referenceVersion"
            );
            if is_server_s || !is_layer_setting(&setting) || (setting == "name" && !value.is_string()) {
                notes.dropped("settings of a layer that cannot be a layer's");
                continue;
            }
            properties.insert(setting, value);
        }
        let mut value = json!({ "id": id.as_str(), "rank": rank, "properties": properties });
        let parent = layer.parent.and_then(|place| self.made.get(place)?.as_ref());
        if let (Some(parent), Value::Object(members)) = (parent, &mut value) {
            members.insert("parentId".to_owned(), Value::String(parent.to_string()));
        }
        self.push(Object::Layer(id.clone()), &value);
        self.imported.layers.push(id.clone());
        self.imported.new_layers += 1;
        id
    }

    fn feature(&mut self, store: &Store, layer: &LayerId, feature: FileFeature, host: &dyn Host) -> Result<()> {
        let wanted = feature.id.as_deref().and_then(FeatureId::parse);
        let id = match wanted {
            Some(id) if !self.used.contains(&id) && store.find_feature(&id)?.is_empty() => {
                self.imported.kept_ids += 1;
                id
            }
            Some(_) | None => loop {
                let id = FeatureId::from_bits(host.random());
                if !self.used.contains(&id) && store.find_feature(&id)?.is_empty() {
                    break id;
                }
            },
        };
        self.used.insert(id.clone());
        let value = json!({
            "type": "Feature", "geometry": feature.geometry, "properties": feature.properties, "id": id.as_str(),
        });
        self.push(Object::Feature(layer.clone(), id), &value);
        self.imported.features += 1;
        Ok(())
    }

    fn push(&mut self, object: Object, value: &Value) {
        self.drafts.push(Draft { verb: Verb::Upsert, object, path: None, value: Some(Json::from_value(value)) });
    }
}
