//! A peer that means no good, or is broken: what it sends must change nothing it may not change.

use std::cell::RefCell;
use std::rc::Rc;

use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::ledger::Ledger;
use super::liar::{self, Victim};
use super::link::Link;
use super::page::{feature_metadata, operation};
use super::random::Rng;
use super::relay::Socket;

pub struct Hostile {
    link: Rc<Link>,
    socket: Option<Rc<Socket>>,
    count: u64,
    answering: Option<JoinHandle<()>>,
}

impl Hostile {
    pub fn new(link: Rc<Link>) -> Self {
        Self { link, socket: None, count: 0, answering: None }
    }

    /// Joins if it has to, and sends one thing.
    pub async fn strike(&mut self, rng: &mut Rng) {
        self.join().await;
        self.count += 1;
        let text = self.something(rng);
        self.link.world.say("hostile", || text.clone());
        if let Some(socket) = &self.socket {
            let _ = socket.send(&text);
        }
    }

    async fn join(&mut self) {
        if self.socket.as_ref().is_none_or(|socket| !socket.is_open()) {
            let Ok(socket) = self.link.dial().await else { return };
            let join = json!({"kind": "JoinRequest", "token": "token", "peer": "EVIL1"});
            let _ = socket.send(&join.to_string());
            self.socket = Some(socket);
        }
    }

    /// Joins if it has to, and answers from now on whoever asks for its operations.
    pub async fn lie(&mut self, rng: &mut Rng, ledger: &Rc<Ledger>) {
        self.join().await;
        self.stop_answering();
        let Some(socket) = self.socket.clone() else { return };
        let (link, ledger, rng) = (self.link.clone(), ledger.clone(), RefCell::new(rng.fork()));
        self.answering = Some(tokio::task::spawn_local(async move {
            let mut heard: Vec<Value> = Vec::new();
            while let Ok(text) = socket.receive().await {
                let Ok(message) = serde_json::from_str::<Value>(&text) else { continue };
                if message["kind"] == "OperationMessage" && heard.len() < 50 {
                    heard.push(message);
                } else if message["message"]["verb"] == "ListOperationsRequest" {
                    let to = super::page::text(&message["sender"]);
                    let victims = victims(&link);
                    let rng = &mut *rng.borrow_mut();
                    for answer in liar::answers(&to, &victims, &heard, link.world.now(), &ledger, rng) {
                        link.world.say("hostile", || answer.clone());
                        let _ = socket.send(&answer);
                    }
                }
            }
        }));
    }

    fn stop_answering(&mut self) {
        if let Some(task) = self.answering.take() {
            task.abort();
        }
    }

    pub fn leave(&mut self) {
        self.stop_answering();
        self.socket = None;
    }

    fn something(&self, rng: &mut Rng) -> String {
        let (layer, id, value) = self.victim(rng);
        let now = self.link.world.now();
        let name = json!(format!("H-{}", self.count));
        let metadata = feature_metadata(&layer, &id, &value);
        let hlc = |wall: u64| json!(format!("{wall}:0:EVILc"));
        let mut message = match rng.below(14) {
            // A clock from the future, near, far, and beyond all bounds.
            0 => stamped(
                operation("update", "feature", metadata, Some("properties.name"), Some(name)),
                hlc(now + 600_000),
            ),
            1 => stamped(
                operation("update", "feature", metadata, Some("properties.name"), Some(name)),
                hlc(4_000_000_000_000),
            ),
            2 => stamped(
                operation("update", "feature", metadata, Some("properties.name"), Some(name)),
                json!("99999999999999999:0:x"),
            ),
            3 => stamped(operation("update", "feature", metadata, Some("properties.name"), Some(name)), json!("now")),
            4 => stamped(operation("update", "feature", metadata, Some("properties.name"), Some(name)), hlc(7)),
            // Keys that nobody may write.
            5 => stamped(
                operation("update", "feature", metadata, Some("__proto__.polluted"), Some(json!(true))),
                hlc(now),
            ),
            6 => stamped(
                operation("update", "feature", metadata, Some("properties.constructor.x"), Some(json!(1))),
                hlc(now),
            ),
            7 => stamped(
                operation("update", "map", Value::Null, Some("properties.permissions.owner"), Some(json!(1))),
                hlc(now),
            ),
            // Geometries that are none.
            8 => stamped(
                operation(
                    "update",
                    "feature",
                    metadata,
                    Some("geometry"),
                    Some(json!({"type": "Point", "coordinates": "x"})),
                ),
                hlc(now),
            ),
            // Ids that are none.
            9 => {
                let odd = json!({"id": "../../etc", "layerId": "nowhere", "featureType": "marker"});
                stamped(operation("delete", "feature", odd, None, None), hlc(now))
            }
            // Permissions inside a batch, which the server does not look at.
            10 => {
                let nested = json!({"verb": "update", "subject": "mappermissions", "key": "edit_status", "value": 1});
                let mut batch = operation("batch", "map", json!({}), None, None);
                batch["operations"] = json!([nested, "junk", 7]);
                stamped(batch, hlc(now))
            }
            // A list that nobody asked for.
            11 => {
                let delete = stamped(operation("delete", "feature", metadata, None, None), hlc(now + 1000));
                let body = json!({"operations": [delete], "verb": "ListOperationsResponse"});
                return json!({"kind": "PeerMessage", "sender": "EVIL1", "recipient": "nobody", "message": body})
                    .to_string();
            }
            12 => return "{\"kind\":\"OperationMessage\",".to_owned(),
            _ => return json!({"kind": "Nonsense", "x": [[[]]]}).to_string(),
        };
        message["kind"] = json!("OperationMessage");
        message["sender"] = json!("EVIL1");
        message.to_string()
    }

    fn victim(&self, rng: &mut Rng) -> (String, String, Value) {
        let layers = self.link.http.layers.borrow();
        let all: Vec<(String, Value)> = layers
            .iter()
            .filter_map(|(id, layer)| Some((id, layer.versions.last()?)))
            .flat_map(|(id, kept)| super::http::features(&kept.body).into_iter().map(|f| (id.clone(), f)))
            .collect();
        let (layer, value) = rng.pick(&all).cloned().unwrap_or_default();
        let id = super::page::text(&value["id"]);
        (layer, id, value)
    }
}

fn victims(link: &Link) -> Vec<Victim> {
    let layers = link.http.layers.borrow();
    let newest = layers.iter().filter_map(|(id, layer)| Some((id, layer.versions.last()?)));
    let features = newest.flat_map(|(id, kept)| super::http::features(&kept.body).into_iter().map(move |f| (id, f)));
    features.map(|(layer, value)| Victim { layer: layer.clone(), id: super::page::text(&value["id"]), value }).collect()
}

pub fn stamped(mut message: Value, hlc: Value) -> Value {
    message["hlc"] = hlc;
    message["dirty"] = json!(true);
    message
}
