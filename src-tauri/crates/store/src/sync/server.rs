//! The server's documents, merged as server operations (M11).

use std::collections::BTreeSet;

use bivouac_journal::clock::Order;
use bivouac_journal::document as journal_document;
use bivouac_journal::ids::{FeatureId, LayerId, Object};
use bivouac_journal::json::Json;
use bivouac_journal::operation::{Verb, Write};
use bivouac_journal::path::Path;
use serde_json::{Map, Value, json};

use super::listing;
use crate::error::{Error, Result};
use crate::layer::LayerFacts;
use crate::log::{Origin, SaveState};
use crate::object::key;
use crate::open::Store;
use crate::tx::Tx;

/// A map as the server lists it, without its features.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ServerMap {
    /// The settings that may be saved back, the name among them.
    pub settings: Map<String, Value>,
    /// The layers that it lists, a layer before those in it.
    pub layers: Vec<ServerLayer>,
    /// When settings or layers changed last, in ms since 1970; 0 when the server does not say.
    pub modified_at_ms: u64,
    /// The server's own clock in ms since 1970, when it said.
    pub server_time_ms: Option<i64>,
    /// Its address templates and rights as JSON objects, kept for showing.
    pub urls: Option<String>,
    /// Who may do what.
    pub rights: Option<String>,
    /// Whether we may save.
    pub may_edit: bool,
}

/// One layer as the server lists it.
#[derive(Clone, Debug, PartialEq)]
pub struct ServerLayer {
    /// Which.
    pub id: LayerId,
    /// Its place among its siblings.
    pub rank: i64,
    /// The group that it lies in.
    pub parent: Option<LayerId>,
    /// Its settings.
    pub properties: Map<String, Value>,
    /// Who may edit it: 0 as the map, 1 everyone, 2 editors, 3 owner.
    pub edit_status: i64,
    /// What we may do with it.
    pub edit_mode: Option<String>,
    /// The version that a save of it has to name.
    pub reference: Option<String>,
}

impl ServerLayer {
    pub(super) fn document(&self) -> Value {
        let mut document = json!({ "rank": self.rank, "properties": self.properties });
        if let (Some(parent), Value::Object(members)) = (&self.parent, &mut document) {
            members.insert("parentId".to_owned(), Value::String(parent.to_string()));
        }
        document
    }
}

impl Store {
    /// Merges settings and the list of layers; the layers whose documents have to be read.
    ///
    /// # Errors
    /// When the database fails.
    pub fn merge_map(&mut self, map: &ServerMap, now_ms: u64) -> Result<Vec<LayerId>> {
        let mut tx = self.begin()?;
        listing::clear(&tx)?;
        let settings = json!({ "properties": map.settings });
        let advance = !listing::is_posting(&tx)?;
        listing::keep(&mut tx, &Object::Map, &settings)?;
        tx.merge_object(&Object::Map, Some(&settings.to_string()), map.modified_at_ms, advance, now_ms)?;
        tx.keep_named(&Object::Map, &map.settings, map.modified_at_ms, now_ms)?;
        let mut to_read = Vec::new();
        let mut listed = BTreeSet::new();
        for layer in &map.layers {
            listed.insert(layer.id.clone());
            if tx.merge_listed(layer, map.modified_at_ms, now_ms)? {
                to_read.push(layer.id.clone());
            }
        }
        for object in tx.based(None)? {
            if let Object::Layer(id) = &object
                && !listed.contains(id)
            {
                tx.merge_object(&object, None, map.modified_at_ms, true, now_ms)?;
                let facts = tx.layer_facts(id)?.unwrap_or_default();
                tx.set_layer_facts(id, &LayerFacts { listed: false, ..facts })?;
            }
        }
        // A layer that we created and that was never verified has no base yet; gone is gone.
        for id in tx.listed_layers()? {
            if !listed.contains(&id) {
                let facts = tx.layer_facts(&id)?.unwrap_or_default();
                tx.set_layer_facts(&id, &LayerFacts { listed: false, ..facts })?;
            }
        }
        tx.note_server(map, now_ms)?;
        tx.commit()?;
        Ok(to_read)
    }

    /// Merges one version of a layer's document. `at_ms` is when the version was saved. A version
    /// older than the base says nothing any more and is passed over.
    ///
    /// # Errors
    /// When it is no layer document or the database fails.
    pub fn merge_layer(&mut self, layer: &LayerId, version: &str, at_ms: u64, body: &str, now_ms: u64) -> Result<()> {
        let mut tx = self.begin()?;
        let facts = tx.layer_facts(layer)?.unwrap_or_default();
        let advance = facts.provisional.is_none();
        // Compared with a newer base, what that one added would look deleted.
        let is_older = |reference: &String| version_ms(version) < version_ms(reference);
        if facts.reference.as_ref().is_some_and(is_older) {
            return Ok(());
        }
        tx.merge_features(layer, at_ms, body, advance, now_ms)?;
        if advance {
            tx.set_layer_facts(layer, &LayerFacts { reference: Some(version.to_owned()), ..facts })?;
        }
        tx.commit()
    }

    /// Merges a version that another save overtook: its changes count, its base does not move.
    ///
    /// # Errors
    /// When it is no layer document or the database fails.
    pub fn merge_overtaken(&mut self, layer: &LayerId, at_ms: u64, body: &str, now_ms: u64) -> Result<()> {
        let mut tx = self.begin()?;
        tx.merge_features(layer, at_ms, body, false, now_ms)?;
        tx.commit()
    }

    /// Features that we added and that a save from within the room does not hold, though nobody
    /// there deleted them: a stale page wrote over them. They are saved again (rule 23); how many.
    /// To be called before that document is merged.
    ///
    /// # Errors
    /// When it is no layer document or the database fails.
    pub fn reassert_vanished(&mut self, layer: &LayerId, body: &str) -> Result<usize> {
        let mut tx = self.begin()?;
        let document = tx.parse(layer, body)?;
        let based = tx.based(Some(layer))?;
        // What is there under another id has not vanished (rule 24).
        let rekeyed: BTreeSet<Object> = tx.rekeyed(layer, &document, &based)?.into_iter().map(|(old, _)| old).collect();
        let present: BTreeSet<FeatureId> = document.features.into_iter().map(|f| f.id).collect();
        let mut count = 0;
        for object in based {
            if let Object::Feature(_, id) = &object
                && !present.contains(id)
                && !rekeyed.contains(&object)
                && tx.reassert(&object)?
            {
                count += 1;
            }
        }
        tx.commit()?;
        Ok(count)
    }

    /// Whether a document contends with an operation of ours that is not verified (M11).
    ///
    /// # Errors
    /// When it is no layer document or the database fails.
    pub fn contends(&mut self, layer: &LayerId, body: &str) -> Result<bool> {
        let mut tx = self.begin()?;
        let mut pending = tx.pending_in(layer)?;
        pending.retain(|row| matches!(row.operation.object, Object::Feature(..)));
        if pending.is_empty() {
            return Ok(false);
        }
        let document = tx.parse(layer, body)?;
        let objects: BTreeSet<Object> = pending.into_iter().map(|row| row.operation.object).collect();
        for object in objects {
            let (_, id) = key(&object);
            let text = document.features.iter().find(|f| f.id.as_str() == id).map(|f| f.text.clone());
            if !tx.difference(&object, text.as_ref().map(Json::as_str), 1)?.writes.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The version that our base of a layer holds.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn reference(&self, layer: &LayerId) -> Result<Option<String>> {
        let facts = match crate::object::number(&self.connection, &Object::Layer(layer.clone()))? {
            Some(id) => crate::layer::facts(&self.connection, id)?,
            None => None,
        };
        Ok(facts.and_then(|facts| facts.reference))
    }

    /// This laptop's clock minus the server's, in ms, as far as the server told (rule 3).
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn clock_skew(&self) -> Result<i64> {
        Ok(self.map()?.clock_skew)
    }
}

/// A version's name is the time of its save in ms; the second one of a millisecond has a suffix.
pub(super) fn version_ms(version: &str) -> u64 {
    version.split('_').next().and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

fn is_name(name: &Value) -> bool {
    name.as_str().is_some_and(|name| (1..=200).contains(&name.chars().count()))
}

impl Tx<'_> {
    /// Merges what the server says of a listed layer; whether its document has to be read.
    fn merge_listed(&mut self, layer: &ServerLayer, modified_at_ms: u64, now_ms: u64) -> Result<bool> {
        let object = Object::Layer(layer.id.clone());
        let facts = self.layer_facts(&layer.id)?.unwrap_or_default();
        let document = layer.document();
        listing::keep(self, &object, &document)?;
        let at_ms = layer.reference.as_deref().map(version_ms).filter(|at| *at > 0).unwrap_or(modified_at_ms);
        let advance = facts.provisional.is_none();
        self.merge_object(&object, Some(&document.to_string()), at_ms, advance, now_ms)?;
        self.keep_named(&object, &layer.properties, at_ms, now_ms)?;
        if advance {
            self.settle_proposals(&layer.id)?;
        }
        let is_new = layer.reference.is_some() && layer.reference != facts.reference;
        self.set_layer_facts(
            &layer.id,
            &LayerFacts { edit_status: layer.edit_status, edit_mode: layer.edit_mode.clone(), listed: true, ..facts },
        )?;
        self.replay_parked(&layer.id, now_ms)?;
        Ok(is_new)
    }

    /// On the server a map and a layer always have a name. One that cannot be saved, unset or too
    /// long, gives way to the name that is there: saving it would never end.
    fn keep_named(&mut self, object: &Object, theirs: &Map<String, Value>, at_ms: u64, now_ms: u64) -> Result<()> {
        let Some(name) = theirs.get("name").filter(|name| is_name(name)) else { return Ok(()) };
        let shown = self.shown_document(object)?;
        let is_named = shown.get("properties").and_then(|shown| shown.get("name")).is_some_and(is_name);
        let is_gone = *object != Object::Map && !self.state(object)?.is_alive();
        // What was not sent yet may still be given another name.
        if is_named || is_gone || self.has_unsent(object)? {
            return Ok(());
        }
        let path = Path::property("name");
        let write = Write { path: path.clone(), value: Some(Json::from_value(name)) };
        let state = self.state(object)?;
        let stands =
            [path, Path::of(&["properties"])].into_iter().filter_map(|path| state.winner(&path)).map(|r| r.order.wall);
        let after = stands.max().unwrap_or(0).saturating_add(1);
        self.log_server_write(object, write, &Order::server(at_ms.max(after)), now_ms)
    }

    pub(crate) fn parse(&mut self, layer: &LayerId, body: &str) -> Result<journal_document::LayerDocument> {
        let known = self.known_ids(layer)?;
        journal_document::parse(layer, body, |id| known.contains(id))
            .map_err(|error| Error::BadDocument(format!("layer {layer}: {error}")))
    }

    pub(crate) fn known_ids(&mut self, layer: &LayerId) -> Result<BTreeSet<FeatureId>> {
        self.flush()?;
        let number = self.object_id(&Object::Layer(layer.clone()))?;
        let ids = self
            .connection
            .prepare_cached("SELECT uid FROM objects WHERE kind = 2 AND layer = ?1")?
            .query_map([number], |row| row.get::<_, String>(0))?
            .map(|uid| uid.map(|uid| FeatureId::trusted(&uid)))
            .collect::<rusqlite::Result<_>>()?;
        Ok(ids)
    }

    pub(crate) fn merge_features(
        &mut self,
        layer: &LayerId,
        at_ms: u64,
        body: &str,
        advance: bool,
        now_ms: u64,
    ) -> Result<()> {
        let document = self.parse(layer, body)?;
        let based = self.based(Some(layer))?;
        let rekeyed = self.rekeyed(layer, &document, &based)?;
        for (_, new) in &rekeyed {
            self.wake(new, at_ms, now_ms)?;
        }
        let had_derived = self.has_derived()?;
        let mut present = BTreeSet::new();
        for feature in &document.features {
            let object = Object::Feature(layer.clone(), feature.id.clone());
            let again = !present.insert(feature.id.clone());
            // Of a doubled feature every variant is merged; the base is the first one.
            self.merge_object(&object, Some(feature.text.as_str()), at_ms, advance && !again, now_ms)?;
            // What a provisional save holds is not settled before it was read again.
            if feature.derived || (had_derived && advance) {
                self.note_derived(&object, feature.derived)?;
            }
        }
        for (old, new) in &rekeyed {
            self.rekey(old, new, now_ms)?;
        }
        for object in &based {
            if let Object::Feature(_, id) = object
                && !present.contains(id)
            {
                self.merge_object(object, None, at_ms, advance, now_ms)?;
            }
        }
        if advance { self.settle_proposals(layer) } else { Ok(()) }
    }

    /// Lets a feature of ours start over as unsaved, unless somebody deleted it.
    fn reassert(&mut self, object: &Object) -> Result<bool> {
        let state = self.state(object)?;
        let Some(life) = state.winner(&Path::existence()).filter(|_| state.is_alive()).cloned() else {
            return Ok(false);
        };
        let is_ours = *life.order.id == *self.clock()?.id();
        let rows = self.rows_of(object)?;
        if !is_ours || rows.iter().any(|row| row.operation.verb == Verb::Delete) {
            return Ok(false);
        }
        let ours: Vec<i64> = rows
            .into_iter()
            .filter(|row| row.origin == Origin::Local && row.state == SaveState::Verified)
            .map(|row| row.row)
            .collect();
        self.set_state(&ours, SaveState::Echoed)?;
        self.set_base(object, None)?;
        Ok(!ours.is_empty())
    }

    fn note_server(&mut self, map: &ServerMap, now_ms: u64) -> Result<()> {
        let mut record = self.map()?;
        if let Some(name) = map.settings.get("name").and_then(Value::as_str) {
            name.clone_into(&mut record.name);
        }
        if let Some(server) = map.server_time_ms {
            record.clock_skew = i64::try_from(now_ms).unwrap_or(i64::MAX).saturating_sub(server);
        }
        record.modified_at = map.modified_at_ms;
        record.urls.clone_from(&map.urls);
        record.rights.clone_from(&map.rights);
        record.read_only = !map.may_edit;
        self.set_map(&record)
    }
}
