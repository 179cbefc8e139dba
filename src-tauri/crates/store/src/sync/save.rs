//! What has to be saved on the server, and how far each save has come.

use bivouac_journal::clock::Order;
use bivouac_journal::document::assemble;
use bivouac_journal::ids::{LayerId, Object, PeerId};
use bivouac_journal::operation::{Write, dead};
use bivouac_journal::path::Path;
use bivouac_journal::project;
use serde_json::{Map, Value};

use super::{document::parse, groups, listing, server::version_ms};
use crate::document::shown;
use crate::error::{Error, Result};
use crate::layer::LayerFacts;
use crate::log::{Row, SaveState};
use crate::open::Store;
use crate::tx::Tx;

/// Something to be done about a layer on the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SaveTask {
    /// It does not list the layer.
    Create(LayerId),
    /// It does.
    Save(LayerId),
    /// We deleted it.
    Delete(LayerId),
}

impl SaveTask {
    /// The layer.
    #[must_use]
    pub fn layer(&self) -> &LayerId {
        match self {
            SaveTask::Create(layer) | SaveTask::Save(layer) | SaveTask::Delete(layer) => layer,
        }
    }
}

/// A layer as it is to be saved.
#[derive(Clone, Debug, PartialEq)]
pub struct Assembled {
    /// Its name.
    pub name: String,
    /// Its place among its siblings.
    pub rank: i64,
    /// The group that it lies in.
    pub parent: Option<LayerId>,
    /// Its settings: a JSON object.
    pub settings: String,
    /// The whole document; untouched features byte for byte (rule 32).
    pub geojson: String,
}

/// The map's settings as they are to be saved.
#[derive(Clone, Debug, PartialEq)]
pub struct SettingsTask {
    /// The map's name.
    pub name: String,
    /// Its centre: longitude and latitude.
    pub center: (f64, f64),
    /// The settings: a JSON object.
    pub settings: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// Whether it is a template.
    pub is_template: bool,
    /// Whether the server, as read last, has others.
    pub differs: bool,
}

impl Store {
    /// The layers that hold operations of ours which are not verified, groups before what lies
    /// in them. What others left unsaved is ours to save too, unless they are still `present`
    /// and may do so themselves (M9, rules 27 and 33).
    ///
    /// # Errors
    /// When the database fails.
    pub fn save_tasks(&mut self, present: &[PeerId]) -> Result<Vec<SaveTask>> {
        let mut tx = self.begin()?;
        let mut wanted: Vec<LayerId> = Vec::new();
        let derived = tx.has_derived()?;
        for row in tx.pending(None)? {
            // What waits for an id to be saved is what asks for that save (rule 24).
            let goes = row.state != SaveState::Local || (derived && tx.is_derived(&row.operation.object)?);
            if goes
                && let Some(layer) = row.operation.object.layer()
                && !wanted.contains(layer)
            {
                wanted.push(layer.clone());
            }
        }
        for row in tx.left_unsaved(present)? {
            if let Some(layer) = row.operation.object.layer()
                && !wanted.contains(layer)
            {
                wanted.push(layer.clone());
            }
        }
        let groups = tx.groups()?;
        tx.add_cut_circles(&groups, &mut wanted)?;
        tx.add_groups(&groups, &mut wanted)?;
        let mut tasks = Vec::new();
        for layer in wanted {
            let object = Object::Layer(layer.clone());
            let listed = tx.layer_facts(&layer)?.is_some_and(|facts| facts.listed);
            let alive = tx.state(&object)?.is_alive();
            match (alive, listed) {
                (true, true) => tasks.push(SaveTask::Save(layer)),
                (true, false) => tasks.push(SaveTask::Create(layer)),
                (false, true) => tasks.push(SaveTask::Delete(layer)),
                // Never saved and gone again: nothing is left to do for it.
                (false, false) => {
                    tx.verify_rows(&layer, i64::MAX)?;
                    tx.verify_foreign(&layer, i64::MAX)?;
                }
            }
        }
        let depth = |layer: &LayerId| groups::around(&groups, layer).count();
        // What was moved out of a group is out before the group goes, or it would go with it.
        tasks.sort_by_cached_key(|task| match task {
            SaveTask::Create(layer) | SaveTask::Save(layer) => (false, depth(layer)),
            SaveTask::Delete(_) => (true, 0),
        });
        tx.commit()?;
        Ok(tasks)
    }

    /// A layer as it stands here.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn assemble(&mut self, layer: &LayerId) -> Result<Assembled> {
        let mut tx = self.begin()?;
        let object = Object::Layer(layer.clone());
        let number = tx.object_id(&object)?;
        let state = tx.state(&object)?.clone();
        let shown = project::layers(std::iter::once((layer, &state)));
        let settings = shown.get(layer).map(|layer| layer.properties.clone()).unwrap_or_default();
        let rank = shown.get(layer).map_or(0, |layer| layer.rank);
        let parent = tx.groups()?.remove(layer).flatten();
        let name = settings.get("name").and_then(Value::as_str).filter(|name| !name.is_empty());
        let name = name.unwrap_or("Layer").chars().take(200).collect();
        let features: Vec<String> = tx
            .connection
            .prepare_cached("SELECT document FROM objects WHERE kind = 2 AND layer = ?1 AND alive = 1 ORDER BY id")?
            .query_map([number], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        let settings = Value::Object(settings);
        let geojson = assemble(layer, features.iter().map(String::as_str), &settings, rank, parent.as_ref());
        Ok(Assembled { name, rank, parent, settings: settings.to_string(), geojson })
    }

    /// Whether the server's document, and what it lists of the layer, is not what we hold.
    ///
    /// # Errors
    /// When it is no layer document or the database fails.
    pub fn differs(&mut self, layer: &LayerId, body: &str) -> Result<bool> {
        let mut tx = self.begin()?;
        let object = Object::Layer(layer.clone());
        if !tx.is_listed_as_shown(layer)? {
            return Ok(true);
        }
        let document = tx.parse(layer, body)?;
        if document.unclean {
            return Ok(true);
        }
        for feature in &document.features {
            let object = Object::Feature(layer.clone(), feature.id.clone());
            if !tx.state(&object)?.is_alive() {
                return Ok(true);
            }
            let same_text = *tx.document(&object)? == *feature.text.as_str();
            if !same_text && !tx.state_shows(&object, &feature.text.value())? {
                return Ok(true);
            }
        }
        let number = tx.object_id(&object)?;
        let alive: i64 = tx
            .connection
            .prepare_cached("SELECT count(*) FROM objects WHERE kind = 2 AND layer = ?1 AND alive = 1")?
            .query_row([number], |row| row.get(0))?;
        Ok(usize::try_from(alive).unwrap_or(0) != document.features.len())
    }

    /// Whether the server, as listed last, has the layer and nobody deleted it.
    ///
    /// # Errors
    /// When the database fails.
    pub fn is_listed(&mut self, layer: &LayerId) -> Result<bool> {
        let mut tx = self.begin()?;
        let object = Object::Layer(layer.clone());
        Ok(tx.state(&object)?.is_alive() && listing::listed(&mut tx, &object)?.is_some())
    }

    /// The server holds a layer of ours, as it says itself, and does not list it: somebody deleted
    /// it (rule 28). What we did in it is kept and shown.
    ///
    /// # Errors
    /// When the database fails.
    pub fn gone_from_server(&mut self, layer: &LayerId, now_ms: u64) -> Result<()> {
        let mut tx = self.begin()?;
        let object = Object::Layer(layer.clone());
        let life = tx.state(&object)?.winner(&Path::existence()).cloned();
        if let Some(life) = life.filter(|life| life.value.as_ref() != Some(&dead())) {
            let at_ms = tx.map()?.modified_at.max(life.order.wall.saturating_add(1));
            let death = Write { path: Path::existence(), value: Some(dead()) };
            tx.log_server_write(&object, death, &Order::server(at_ms), now_ms)?;
            tx.set_base(&object, None)?;
        }
        tx.commit()
    }

    /// A save of ours on top of `reference` is about to be posted: until it is verified the
    /// base stays where it is (M11).
    ///
    /// # Errors
    /// When the database fails.
    pub fn posting(&mut self, layer: &LayerId, reference: &str) -> Result<()> {
        let mut tx = self.begin()?;
        let facts = tx.layer_facts(layer)?.unwrap_or_default();
        tx.set_layer_facts(layer, &LayerFacts { provisional: Some(reference.to_owned()), ..facts })?;
        tx.commit()
    }

    /// The server created a layer of ours.
    ///
    /// # Errors
    /// When the database fails.
    pub fn created(&mut self, layer: &LayerId, version: &str) -> Result<()> {
        let mut tx = self.begin()?;
        let facts = tx.layer_facts(layer)?.unwrap_or_default();
        let provisional = Some(version.to_owned());
        tx.set_layer_facts(layer, &LayerFacts { listed: true, provisional, ..facts })?;
        // From now on a list without the layer means that somebody deleted it (rule 28).
        tx.set_base_same(&Object::Layer(layer.clone()), None)?;
        tx.commit()
    }

    /// The layer was read back once with everything up to that log row in it.
    ///
    /// # Errors
    /// When the database fails.
    pub fn saved(&mut self, layer: &LayerId, upto: i64) -> Result<()> {
        let mut tx = self.begin()?;
        for row in tx.pending_in(layer)? {
            let on_its_way = matches!(row.state, SaveState::Sent | SaveState::Echoed);
            if row.row <= upto && on_its_way {
                tx.set_state(&[row.row], SaveState::Saved)?;
            }
        }
        tx.commit()
    }

    /// The layer was read back twice: this document is its base now, and what was logged up to
    /// that row is verified.
    ///
    /// # Errors
    /// When the database fails.
    pub fn verified(&mut self, layer: &LayerId, version: &str, body: &str, upto: i64, now_ms: u64) -> Result<()> {
        let mut tx = self.begin()?;
        let facts = tx.layer_facts(layer)?.unwrap_or_default();
        let at_ms = version_ms(version);
        let reference = Some(version.to_owned());
        tx.set_layer_facts(layer, &LayerFacts { provisional: None, reference, ..facts })?;
        let object = Object::Layer(layer.clone());
        if let Some(listed) = listing::listed(&mut tx, &object)? {
            tx.merge_object(&object, Some(&listed), at_ms, true, now_ms)?;
        }
        tx.merge_features(layer, at_ms, body, true, now_ms)?;
        tx.verify_rows(layer, upto)?;
        tx.verify_foreign(layer, upto)?;
        tx.note_synced(now_ms)?;
        tx.commit()
    }

    /// The server does not list a layer that we deleted.
    ///
    /// # Errors
    /// When the database fails.
    pub fn verified_deleted(&mut self, layer: &LayerId, now_ms: u64) -> Result<()> {
        let mut tx = self.begin()?;
        let facts = tx.layer_facts(layer)?.unwrap_or_default();
        if !facts.listed {
            tx.verify_rows(layer, i64::MAX)?;
            tx.verify_foreign(layer, i64::MAX)?;
            tx.note_synced(now_ms)?;
        }
        tx.commit()
    }

    /// The settings to save, when operations of ours on them are not verified, or operations of
    /// somebody who is not `present` any more.
    ///
    /// # Errors
    /// When the database fails.
    pub fn settings_to_save(&mut self, present: &[PeerId]) -> Result<Option<SettingsTask>> {
        let mut tx = self.begin()?;
        let pending = tx.pending(Some(&Object::Map))?;
        let left = tx.left_unsaved(present)?;
        let left = left.iter().any(|row| row.operation.object == Object::Map);
        if !left && pending.iter().all(|row| row.state == SaveState::Local) {
            return Ok(None);
        }
        let shown = tx.shown_document(&Object::Map)?;
        let settings = match shown.get("properties") {
            Some(Value::Object(settings)) => settings.clone(),
            Some(_) | None => Map::new(),
        };
        let listed = listing::listed(&mut tx, &Object::Map)?.map(|listed| parse(&listed)).transpose()?;
        let differs = match &listed {
            Some(listed) => !tx.state_shows(&Object::Map, listed)?,
            None => true,
        };
        let of = |center: Option<&Value>| {
            let number = |name: &str| center?.get(name)?.as_f64();
            Some((number("lng")?, number("lat")?))
        };
        // What is no place leaves the map where the server has it.
        let there = listed.as_ref().and_then(|listed| listed.pointer("/properties/center"));
        let center = of(settings.get("center")).or_else(|| of(there)).unwrap_or_default();
        let tags = settings.get("tags").and_then(Value::as_array).cloned().unwrap_or_default();
        let name = settings.get("name").and_then(Value::as_str).unwrap_or("Map").chars().take(200).collect();
        Ok(Some(SettingsTask {
            name,
            center,
            tags: tags.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            is_template: settings.get("is_template").and_then(Value::as_bool).unwrap_or(false),
            settings: Value::Object(settings).to_string(),
            differs,
        }))
    }

    /// The settings are about to be posted: their base stays until they are verified.
    ///
    /// # Errors
    /// When the database fails.
    pub fn posting_settings(&mut self) -> Result<()> {
        let tx = self.begin()?;
        listing::set_posting(&tx, true)?;
        tx.commit()
    }

    /// The settings were read back, once or (`verified`) twice, with all up to that row.
    ///
    /// # Errors
    /// When the database fails.
    pub fn settings_saved(&mut self, upto: i64, verified: bool, now_ms: u64) -> Result<()> {
        let mut tx = self.begin()?;
        let state = if verified { SaveState::Verified } else { SaveState::Saved };
        for row in tx.pending(Some(&Object::Map))? {
            if row.row <= upto && row.state != SaveState::Local {
                tx.set_state(&[row.row], state)?;
            }
        }
        if verified {
            tx.connection.execute(
                "UPDATE operations SET state = 0 WHERE state = 8 AND row <= ?1
                 AND object IN (SELECT id FROM objects WHERE kind = 0)",
                [upto],
            )?;
            listing::set_posting(&tx, false)?;
            if let Some(listed) = listing::listed(&mut tx, &Object::Map)? {
                let at_ms = tx.map()?.modified_at;
                tx.merge_object(&Object::Map, Some(&listed), at_ms, true, now_ms)?;
            }
            tx.note_synced(now_ms)?;
        }
        tx.commit()
    }

    /// The number of the last log row.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn last_row(&self) -> Result<i64> {
        Ok(self.connection.query_row("SELECT coalesce(max(row), 0) FROM operations", [], |row| row.get(0))?)
    }
}

impl Tx<'_> {
    pub(super) fn shown_document(&mut self, object: &Object) -> Result<Map<String, Value>> {
        let state = self.state(object)?;
        match parse(&shown(object, state))? {
            Value::Object(members) => Ok(members),
            _ => Err(Error::Damaged("a document is no object".to_owned())),
        }
    }

    fn verify_rows(&mut self, layer: &LayerId, upto: i64) -> Result<()> {
        for row in self.pending_in(layer)? {
            if row.row <= upto && row.state != SaveState::Local {
                self.set_state(&[row.row], SaveState::Verified)?;
            }
        }
        Ok(())
    }

    /// Operations that no version of the server holds, as far as we know, of people who are gone.
    fn left_unsaved(&mut self, present: &[PeerId]) -> Result<Vec<Row>> {
        let mut rows = self.rows("WHERE state = 8 ORDER BY row", [])?;
        rows.retain(|row| row.operation.sender.as_ref().is_none_or(|sender| !present.contains(sender)));
        Ok(rows)
    }

    /// What others wrote is in the saved document too.
    fn verify_foreign(&mut self, layer: &LayerId, upto: i64) -> Result<()> {
        let number = self.object_id(&Object::Layer(layer.clone()))?;
        let rows: Vec<i64> = self.unsaved(number)?.into_iter().map(|row| row.row).filter(|row| *row <= upto).collect();
        self.set_state(&rows, SaveState::None)
    }

    fn note_synced(&mut self, now_ms: u64) -> Result<()> {
        let mut record = self.map()?;
        record.synced_at = now_ms;
        self.set_map(&record)
    }
}
