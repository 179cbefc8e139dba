//! A uMap browser: a page, its connection to the room, its user's edits and saves.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;

use bivouac_app::server::Failure;
use bivouac_journal::ids::five_letters;
use serde_json::{Map, Value, json};
use tokio::task::JoinHandle;

use super::edits::{layer_value, marker, point};
use super::http::{Post, features};
use super::ledger::Ledger;
use super::link::Link;
use super::page::{Page, PageLayer, exported, feature_metadata, operation, text};
use super::random::Rng;

pub struct Browser {
    pub name: String,
    pub link: Rc<Link>,
    pub page: RefCell<Page>,
    pub(super) ledger: Rc<Ledger>,
    rng: RefCell<Rng>,
    peer: RefCell<String>,
    skew_ms: i64,
    task: RefCell<Option<JoinHandle<()>>>,
    edits: Cell<u64>,
    pub joined: Cell<bool>,
    /// It does not join the room: it loads, edits and saves.
    pub plain: bool,
    pub saving: Cell<bool>,
    /// Its user says "keep mine" when a save is refused with a 412.
    pub(super) insists: Cell<bool>,
}

impl Browser {
    pub fn new(name: &str, link: Rc<Link>, plain: bool, skew_ms: i64, ledger: Rc<Ledger>, rng: Rng) -> Rc<Self> {
        Rc::new(Self {
            name: name.to_owned(),
            link,
            page: RefCell::default(),
            ledger,
            rng: RefCell::new(rng),
            peer: RefCell::default(),
            skew_ms,
            task: RefCell::default(),
            edits: Cell::new(0),
            joined: Cell::new(false),
            plain,
            saving: Cell::new(false),
            insists: Cell::new(false),
        })
    }

    pub fn is_open(&self) -> bool {
        self.task.borrow().is_some()
    }

    fn now(&self) -> u64 {
        self.link.world.now().saturating_add_signed(self.skew_ms)
    }

    pub(super) fn say(&self, what: impl FnOnce() -> String) {
        self.link.world.say(&self.name, what);
    }

    /// Loads the page; it joins the room by itself.
    pub fn open(self: &Rc<Self>) {
        if self.is_open() {
            return;
        }
        let (clock_id, peer) = {
            let mut rng = self.rng.borrow_mut();
            (five_letters(rng.bits()), five_letters(rng.bits()))
        };
        self.say(|| format!("opens as {peer}, clock {clock_id}"));
        *self.peer.borrow_mut() = peer;
        *self.page.borrow_mut() = Page::new(clock_id);
        self.load();
        let browser = self.clone();
        *self.task.borrow_mut() = Some(tokio::task::spawn_local(async move { browser.stay().await }));
    }

    /// Closes the page; what was not saved is gone.
    pub async fn close(&self) {
        let Some(task) = self.task.borrow_mut().take() else { return };
        self.say(|| "closes".to_owned());
        self.joined.set(false);
        task.abort();
        if let Err(error) = task.await
            && error.is_panic()
        {
            std::panic::resume_unwind(error.into_panic());
        }
    }

    fn load(&self) {
        let map = self.link.http.read_map();
        let mut page = self.page.borrow_mut();
        page.settings = map.settings;
        for layer in map.layers {
            let id = layer.id.to_string();
            let Ok((body, version)) = self.link.http.read_layer(&id) else { continue };
            let mut seen = BTreeSet::new();
            let mut held = Vec::new();
            for mut feature in features(&body) {
                let mut id = text(&feature["id"]);
                if !seen.insert(id.clone()) {
                    id = five_letters(self.rng.borrow_mut().bits());
                    feature["id"] = json!(id);
                }
                held.push((id, feature));
            }
            let layer = PageLayer {
                rank: layer.rank,
                parent: layer.parent.map(|parent| parent.to_string()),
                properties: layer.properties,
                features: held,
                reference: Some(version),
                on_server: true,
            };
            page.layers.insert(id, layer);
        }
    }

    async fn stay(&self) {
        if self.plain {
            std::future::pending::<()>().await;
        }
        let mut pause = 2_000;
        loop {
            if let Ok(socket) = self.link.dial().await {
                let peer = self.peer.borrow().clone();
                let join = json!({"kind": "JoinRequest", "token": "token", "peer": peer, "username": self.name});
                let _ = socket.send(&join.to_string());
                pause = 2_000;
                while let Ok(frame) = socket.receive().await {
                    self.say(|| format!("<- {frame}"));
                    if let Ok(message) = serde_json::from_str::<Value>(&frame) {
                        self.hear(&message);
                    }
                }
                self.joined.set(false);
                self.say(|| "is disconnected".to_owned());
            }
            self.link.world.sleep(pause).await;
            pause = (pause * 2).min(32_000);
        }
    }

    fn send(&self, message: &Value) {
        if let Some(socket) = self.link.open_socket().filter(|_| self.joined.get()) {
            self.say(|| format!("-> {message}"));
            let _ = socket.send(&message.to_string());
        }
    }

    fn send_operation(&self, message: Value) {
        let mut envelope = json!({"sender": *self.peer.borrow()});
        if let (Value::Object(envelope), Value::Object(members)) = (&mut envelope, message) {
            envelope.extend(members);
            envelope.insert("kind".to_owned(), json!("OperationMessage"));
        }
        self.send(&envelope);
    }

    fn hear(&self, message: &Value) {
        let me = self.peer.borrow().clone();
        let now = self.now();
        match message["kind"].as_str() {
            Some("JoinResponse") => {
                self.joined.set(true);
                self.ask(message, &me);
            }
            Some("OperationMessage") if message["sender"] != me.as_str() => {
                let thrown = self.page.borrow_mut().receive(message, now);
                if let Err(thrown) = thrown {
                    self.say(|| format!("{thrown:?}"));
                }
                let outbox = std::mem::take(&mut self.page.borrow_mut().outbox);
                outbox.into_iter().for_each(|message| self.send_operation(message));
            }
            Some("SavedMessage") if message["sender"] != me.as_str() => {
                self.page.borrow_mut().saved(&text(&message["lastKnownHLC"]));
            }
            Some("PeerMessage") => self.hear_peer(message, &me, now),
            _ => {}
        }
    }

    /// Asks one peer, drawn by lot, and nobody else.
    fn ask(&self, message: &Value, me: &str) {
        let others: Vec<String> = message["peers"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(id, _)| id.clone())
            .filter(|id| id != me)
            .collect();
        let Some(whom) = self.rng.borrow_mut().pick(&others).cloned() else { return };
        let mut question = json!({"verb": "ListOperationsRequest"});
        if let Some(last) = self.page.borrow().last_known() {
            question["lastKnownHLC"] = json!(last);
        }
        self.send(&json!({"kind": "PeerMessage", "sender": me, "recipient": whom, "message": question}));
    }

    fn hear_peer(&self, message: &Value, me: &str, now: u64) {
        let body = &message["message"];
        match body["verb"].as_str() {
            Some("ListOperationsRequest") => {
                let operations = self.page.borrow().since(body["lastKnownHLC"].as_str());
                let answer = json!({"operations": operations, "verb": "ListOperationsResponse"});
                let to = text(&message["sender"]);
                self.send(&json!({"sender": me, "recipient": to, "message": answer, "kind": "PeerMessage"}));
            }
            Some("ListOperationsResponse") => {
                let operations = body["operations"].as_array().cloned().unwrap_or_default();
                let thrown = self.page.borrow_mut().receive_list(&operations, now);
                if let Err(thrown) = thrown {
                    self.say(|| format!("{thrown:?} and dropped the rest of the list"));
                }
                let outbox = std::mem::take(&mut self.page.borrow_mut().outbox);
                outbox.into_iter().for_each(|message| self.send_operation(message));
            }
            _ => {}
        }
    }

    pub(super) fn act(&self, message: Value) {
        let message = self.page.borrow_mut().act(message, true, self.now());
        self.say(|| format!("its user: {message}"));
        self.send_operation(message);
    }

    /// One edit by this browser's user.
    pub fn random_edit(&self, rng: &mut Rng) {
        self.edits.set(self.edits.get() + 1);
        let value = format!("{}-{}", self.name, self.edits.get());
        let layers: Vec<String> = self.page.borrow().layers.keys().cloned().collect();
        let Some(layer) = rng.pick(&layers).cloned() else { return };
        let held = self.page.borrow().layers.get(&layer).map(|layer| layer.features.clone()).unwrap_or_default();
        let feature = rng.pick(&held).cloned();
        match (rng.below(100), feature) {
            (0..=34, Some((id, feature))) => {
                self.set(&layer, &id, &feature, "properties.name", Some(json!(value)));
            }
            (35..=44, Some((id, feature))) => {
                self.set(&layer, &id, &feature, "properties._umap_options.color", Some(json!(value)));
            }
            (45..=59, Some((id, feature))) => {
                let geometry = point(rng);
                self.set(&layer, &id, &feature, "geometry", Some(geometry));
            }
            (60..=66, Some((id, feature))) => {
                self.ledger.delete(&layer, &id);
                self.act(operation("delete", "feature", feature_metadata(&layer, &id, &feature), None, None));
            }
            (67..=69, Some((id, feature))) => self.set(&layer, &id, &feature, "properties.description", None),
            (70..=74, _) => {
                self.act(operation(
                    "update",
                    "datalayer",
                    json!({"id": layer}),
                    Some("properties.name"),
                    Some(json!(value)),
                ));
            }
            (75..=79, _) => {
                self.act(operation("update", "map", Value::Null, Some("properties.description"), Some(json!(value))));
            }
            (80..=83, _) => self.new_layer(&value, rng),
            _ => {
                let id = five_letters(rng.bits());
                let feature = marker(&id, &point(rng), &value);
                self.act(operation("upsert", "feature", feature_metadata(&layer, &id, &feature), None, Some(feature)));
            }
        }
    }

    /// Writes one property or the geometry of a feature that it shows.
    pub fn set(&self, layer: &str, id: &str, feature: &Value, key: &str, value: Option<Value>) {
        self.act(operation("update", "feature", feature_metadata(layer, id, feature), Some(key), value));
    }

    /// Writes to one of few registers, as somebody else does at this moment.
    pub fn contend(&self, rng: &mut Rng) {
        self.edits.set(self.edits.get() + 1);
        let value = json!(format!("{}-{}", self.name, self.edits.get()));
        let first = self
            .page
            .borrow()
            .layers
            .iter()
            .find_map(|(id, layer)| Some((id.clone(), layer.features.first()?.clone())));
        let Some((layer, (id, feature))) = first else { return };
        match rng.below(3) {
            0 => self.set(&layer, &id, &feature, "geometry", Some(point(rng))),
            1 => self.set(&layer, &id, &feature, "properties.name", Some(value)),
            _ => self.set(&layer, &id, &feature, "properties._umap_options.color", Some(value)),
        }
    }

    /// The rank comes before anybody knows the layer (rule 41).
    fn new_layer(&self, name: &str, rng: &mut Rng) {
        let id = format!("00000000-0000-4000-8000-{:012x}", rng.below(1 << 44));
        let rank = rng.below(9) as i64;
        let first = operation("update", "datalayer", json!({"id": id}), Some("rank"), Some(json!(rank)));
        let first = self.page.borrow_mut().act(first, false, self.now());
        self.send_operation(first);
        self.act(operation("upsert", "datalayer", json!({"id": id}), None, Some(layer_value(&id, rank, name))));
    }

    fn dirty(&self) -> (Vec<String>, bool, bool) {
        let page = self.page.borrow();
        let (mut layers, mut map, mut own) = (Vec::new(), false, false);
        for logged in page.log.iter().filter(|logged| logged.dirty) {
            own |= logged.own;
            let operations = match logged.message["operations"].as_array() {
                Some(operations) => operations.clone(),
                None => vec![logged.message.clone()],
            };
            for operation in operations {
                let layer = match operation["subject"].as_str() {
                    Some("feature") => text(&operation["metadata"]["layerId"]),
                    Some("datalayer") => text(&operation["metadata"]["id"]),
                    _ => {
                        map = true;
                        continue;
                    }
                };
                if !layers.contains(&layer) {
                    layers.push(layer);
                }
            }
        }
        (layers, map, own)
    }

    /// Saves as its user would: only the user's own edits light the button, and all that is dirty
    /// goes along. `true` when everything was taken.
    pub async fn save(&self) -> bool {
        let (layers, map, own) = self.dirty();
        if !own || self.saving.replace(true) {
            return !own;
        }
        let saved = self.save_all(&layers, map).await;
        self.saving.set(false);
        self.say(|| format!("saved: {saved:?}"));
        saved.is_ok()
    }

    async fn save_all(&self, layers: &[String], map: bool) -> Result<(), Failure> {
        let until = self.page.borrow().log.len();
        let gone: Vec<String> = std::mem::take(&mut self.page.borrow_mut().deleted_layers).into_iter().collect();
        for layer in gone {
            self.link.there().await?;
            self.link.http.delete(&self.name, &layer)?;
        }
        if map {
            self.link.there().await?;
            let settings: Map<String, Value> = self.page.borrow().settings.clone();
            self.link.http.save_settings(&self.name, settings)?;
        }
        for layer in layers {
            self.save_layer(layer).await?;
        }
        let mut page = self.page.borrow_mut();
        let last = page.last_known();
        page.log.iter_mut().take(until).for_each(|logged| logged.dirty = false);
        drop(page);
        if let Some(last) = last {
            self.page.borrow_mut().saved(&last);
            self.send(&json!({"sender": *self.peer.borrow(), "lastKnownHLC": last, "kind": "SavedMessage"}));
        }
        Ok(())
    }

    async fn save_layer(&self, id: &str) -> Result<(), Failure> {
        let Some(layer) = self.page.borrow().layers.get(id).cloned() else { return Ok(()) };
        let exported: Vec<Value> = layer.features.iter().map(|(_, value)| exported(value)).collect();
        let mut document = json!({"type": "FeatureCollection", "features": exported, "properties": layer.properties, "id": id, "rank": layer.rank});
        if let Some(parent) = &layer.parent {
            document["parent"] = json!(parent);
        }
        let before = layer.reference.as_deref().and_then(|version| self.link.http.read_version(id, version).ok());
        let before: BTreeSet<String> = features(&before.unwrap_or_default()).iter().map(|f| text(&f["id"])).collect();
        let added: Vec<String> =
            layer.features.iter().map(|(id, _)| id.clone()).filter(|id| !before.contains(id)).collect();
        let post = Post {
            id: id.to_owned(),
            name: text(&layer.properties.get("name").cloned().unwrap_or_default()),
            rank: layer.rank,
            parent: layer.parent.clone(),
            settings: layer.properties.clone(),
            body: document.to_string(),
        };
        self.link.there().await?;
        let saved = if layer.on_server {
            let reference = layer.reference.clone();
            let saved = self.link.http.save(&self.name, post.clone(), reference.as_deref()).await;
            match saved {
                Err(Failure::Conflict(_)) if self.insists.get() => self.insist(post).await?,
                other => other?,
            }
        } else {
            self.link.http.create(&self.name, post)?
        };
        for feature in added {
            let version = saved.version.parse().unwrap_or(0);
            self.ledger.saved_additions.borrow_mut().insert((id.to_owned(), feature), (self.name.clone(), version));
        }
        {
            let mut page = self.page.borrow_mut();
            let Some(layer) = page.layers.get_mut(id) else { return Ok(()) };
            layer.on_server = true;
            layer.reference = Some(saved.version.clone());
        }
        if let Some(body) = &saved.merged {
            self.take_merged(id, body);
        }
        let told =
            operation("update", "datalayer", json!({"id": id}), Some("referenceVersion"), Some(json!(saved.version)));
        let told = self.page.borrow_mut().act(told, false, self.now());
        self.send_operation(told);
        Ok(())
    }

    /// The merged answer replaces the layer, and every feature of it is broadcast.
    fn take_merged(&self, layer: &str, body: &str) {
        if let Some(layer) = self.page.borrow_mut().layers.get_mut(layer) {
            layer.features.clear();
        }
        for mut feature in features(body) {
            let mut id = text(&feature["id"]);
            let is_there =
                self.page.borrow().layers.get(layer).is_some_and(|l| l.features.iter().any(|(other, _)| *other == id));
            if is_there {
                id = five_letters(self.rng.borrow_mut().bits());
                feature["id"] = json!(id);
            }
            self.act(operation("upsert", "feature", feature_metadata(layer, &id, &feature), None, Some(feature)));
        }
    }
}
