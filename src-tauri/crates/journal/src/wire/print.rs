//! Writing messages, member by member in the browsers' order.

use std::fmt::Write as _;

use super::envelope::{Entry, Envelope};
use super::frame::{Frame, PeerBody};
use crate::clock::{Hlc, Stamp};
use crate::geometry::FeatureType;
use crate::ids::{FeatureId, LayerId, Object, PeerId};
use crate::json::{Members, string};
use crate::operation::{Marks, Operation};

/// A JSON object in the making.
struct Writer(String);

impl Writer {
    fn new() -> Self {
        Self("{".to_owned())
    }

    fn raw(&mut self, name: &str, value: &str) {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        let _ = write!(self.0, "\"{name}\":{value}");
    }

    fn text(&mut self, name: &str, value: &str) {
        self.raw(name, &quote(value));
    }

    fn finish(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

fn quote(text: &str) -> String {
    serde_json::Value::String(text.to_owned()).to_string()
}

/// Where an operation stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Live,
    Listed,
    Nested,
}

pub(super) fn join_request(token: &str, peer: &PeerId, username: Option<&str>) -> String {
    let mut out = Writer::new();
    out.text("kind", "JoinRequest");
    out.text("token", token);
    out.text("peer", peer.as_str());
    if let Some(username) = username {
        out.text("username", username);
    }
    out.finish()
}

/// One operation as a live message of its own. `sender` is this connection.
#[must_use]
pub fn print_loose(operation: &Operation, sender: &PeerId) -> String {
    print_operation(operation, Some(sender), Place::Live)
}

/// One operation as an entry of a list: its own sender, if it had one, and no kind.
#[must_use]
pub fn print_listed(operation: &Operation) -> String {
    print_operation(operation, operation.sender.as_ref(), Place::Listed)
}

/// A batch as browsers can merge it: subject and metadata that no other message shares
/// (rule 17). `fresh` is an id that was never used, `layer` a layer that every peer has.
#[must_use]
pub fn print_batch(operations: &[Operation], hlc: &Hlc, fresh: &FeatureId, layer: &LayerId, sender: &PeerId) -> String {
    let nested: Vec<String> = operations.iter().map(|o| print_operation(o, None, Place::Nested)).collect();
    let mut out = Writer::new();
    out.text("sender", sender.as_str());
    out.text("verb", "batch");
    out.raw("operations", &format!("[{}]", nested.join(",")));
    out.text("subject", "feature");
    out.raw("metadata", &format!("{{\"id\":\"{fresh}\",\"layerId\":\"{layer}\",\"featureType\":\"batch\"}}"));
    out.raw("dirty", "true");
    out.text("hlc", &hlc.to_string());
    out.text("kind", "OperationMessage");
    out.finish()
}

/// The announcement that browsers take as the base of their next save (rule 23).
#[must_use]
pub fn print_reference_version(layer: &LayerId, version: &str, hlc: &Hlc, sender: &PeerId) -> String {
    let mut out = Writer::new();
    out.text("sender", sender.as_str());
    out.text("verb", "update");
    out.text("subject", "datalayer");
    out.raw("metadata", &format!("{{\"id\":\"{layer}\"}}"));
    out.text("key", "referenceVersion");
    out.text("value", version);
    out.text("hlc", &hlc.to_string());
    out.text("kind", "OperationMessage");
    out.finish()
}

fn print_operation(operation: &Operation, sender: Option<&PeerId>, place: Place) -> String {
    let extra = operation.extra.as_ref().and_then(|extra| Members::parse(extra.as_str()).ok());
    let extra_has = |name: &str| extra.as_ref().is_some_and(|e| e.get(name).is_some());
    let mut out = Writer::new();
    if let Some(sender) = sender {
        out.text("sender", sender.as_str());
    }
    out.text("verb", operation.verb.as_str());
    out.text("subject", subject(&operation.object));
    if !extra_has("metadata")
        && let Some(metadata) = metadata(&operation.object, operation.feature_type)
    {
        out.raw("metadata", &metadata);
    }
    if let Some(key) = operation.path.as_ref().and_then(|p| p.to_wire(operation.subject())) {
        out.text("key", &key);
    }
    if let Some(value) = &operation.value {
        out.raw("value", value.as_str());
    }
    if let Some(dirty) = operation.dirty.filter(|_| place != Place::Nested && !extra_has("dirty")) {
        out.raw("dirty", if dirty { "true" } else { "false" });
    }
    match &operation.stamp {
        Stamp::Invalid(text) if text.is_empty() => {}
        stamp if place != Place::Nested => out.text("hlc", &stamp.to_string()),
        Stamp::Valid(_) | Stamp::Invalid(_) => {}
    }
    if !extra_has("x")
        && let Some(marks) = marks(&operation.marks)
    {
        out.raw("x", &marks);
    }
    if let Some(extra) = &extra {
        for (name, value) in &extra.0 {
            out.raw(name, value.get());
        }
    }
    if place == Place::Live {
        out.text("kind", "OperationMessage");
    }
    out.finish()
}

fn subject(object: &Object) -> &'static str {
    match object {
        Object::Map => "map",
        Object::Layer(_) => "datalayer",
        Object::Feature(..) => "feature",
    }
}

/// Exactly the members that browsers compare, in their order (rule 6).
fn metadata(object: &Object, feature_type: Option<FeatureType>) -> Option<String> {
    match object {
        Object::Map => None,
        Object::Layer(id) => Some(format!("{{\"id\":\"{id}\"}}")),
        Object::Feature(layer, id) => {
            let kind = feature_type.map(|t| format!(",\"featureType\":\"{}\"", t.as_str()));
            Some(format!("{{\"id\":\"{id}\",\"layerId\":\"{layer}\"{}}}", kind.unwrap_or_default()))
        }
    }
}

fn marks(marks: &Marks) -> Option<String> {
    if *marks == Marks::default() {
        return None;
    }
    let mut out = Writer::new();
    if let Some(origin) = &marks.origin {
        out.text("o", &origin.to_string());
    }
    if let Some(stamp) = &marks.stamp {
        out.text("h", &stamp.to_string());
    }
    if let Some(index) = marks.index {
        out.raw("i", &index.to_string());
    }
    Some(out.finish())
}

/// Writes a frame that was read: the same members with the same values.
#[must_use]
pub fn print_frame(frame: &Frame) -> String {
    let mut out = Writer::new();
    match frame {
        Frame::JoinRequest(text) => return text.as_str().to_owned(),
        Frame::Pong => return "pong".to_owned(),
        Frame::Operation(envelope) => return print_envelope(envelope),
        Frame::JoinResponse { peer, peers } => {
            out.raw("peers", &serde_json::to_string(peers).unwrap_or_default());
            out.text("peer", peer.as_str());
            out.text("kind", "JoinResponse");
        }
        Frame::ListPeersResponse(peers) => {
            out.raw("peers", &serde_json::to_string(peers).unwrap_or_default());
            out.text("kind", "ListPeersResponse");
        }
        Frame::Saved { sender, last_known } => {
            out.text("sender", sender.as_str());
            out.text("lastKnownHLC", last_known);
            out.text("kind", "SavedMessage");
        }
        Frame::Peer { sender, recipient, body } => {
            out.text("sender", sender.as_str());
            out.text("recipient", recipient.as_str());
            out.raw("message", &print_body(body));
            out.text("kind", "PeerMessage");
        }
    }
    out.finish()
}

fn print_body(body: &PeerBody) -> String {
    let mut out = Writer::new();
    match body {
        PeerBody::Unknown(text) => return text.as_str().to_owned(),
        PeerBody::ListOperationsRequest { last_known } => {
            out.text("verb", "ListOperationsRequest");
            if let Some(last_known) = last_known {
                out.text("lastKnownHLC", last_known);
            }
        }
        PeerBody::ListOperationsResponse { operations, part } => {
            let operations: Vec<String> = operations.iter().map(print_envelope).collect();
            out.raw("operations", &format!("[{}]", operations.join(",")));
            out.text("verb", "ListOperationsResponse");
            if let Some((part, of)) = part {
                out.raw("x", &format!("{{\"part\":{part},\"of\":{of}}}"));
            }
        }
        PeerBody::Hello(hello) => {
            out.text("verb", "x-hello");
            out.text("version", &hello.version);
        }
        PeerBody::Here(here) => {
            out.text("verb", "x-here");
            if let Some((lon, lat)) = here.at {
                out.raw("at", &format!("[{lon},{lat}]"));
            }
            let selected: Vec<String> =
                here.selected.iter().map(|name| serde_json::Value::from(name.as_str()).to_string()).collect();
            out.raw("selected", &format!("[{}]", selected.join(",")));
        }
        PeerBody::Probe(n) => {
            out.text("verb", "x-probe");
            out.raw("n", &n.to_string());
        }
    }
    out.finish()
}

fn print_envelope(envelope: &Envelope) -> String {
    let Some(batch) = &envelope.batch else {
        return match envelope.entries.first() {
            Some(Entry::Operation(operation)) => {
                let place = if envelope.kind { Place::Live } else { Place::Listed };
                print_operation(operation, operation.sender.as_ref(), place)
            }
            Some(Entry::Refused { text, .. }) => text.as_str().to_owned(),
            None => "{}".to_owned(),
        };
    };
    let entries: Vec<String> = envelope
        .entries
        .iter()
        .map(|entry| match entry {
            Entry::Operation(operation) => print_operation(operation, None, Place::Nested),
            Entry::Refused { text, .. } => text.as_str().to_owned(),
        })
        .collect();
    let mut out = Writer::new();
    if let Ok(members) = Members::parse(batch.as_str()) {
        for (name, value) in &members.0 {
            out.raw(name, value.get());
        }
    }
    out.raw("operations", &format!("[{}]", entries.join(",")));
    out.finish()
}

/// What a frame of ours carries, read back from its exact text: to know the echo when it comes
/// without keeping a second copy of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peek {
    /// The envelope's stamp as text.
    pub hlc: String,
}

impl Peek {
    /// Reads the stamp of an operation message; `None` for other messages.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        let members = Members::parse(text).ok()?;
        Some(Self { hlc: string(members.get("hlc")?)?.into_owned() })
    }
}

/// An answer for a peer that asked for operations, ready to send.
#[must_use]
pub fn print_answer(sender: &PeerId, recipient: &PeerId, operations: &[String], part: Option<(u32, u32)>) -> String {
    let mut body = Writer::new();
    body.raw("operations", &format!("[{}]", operations.join(",")));
    body.text("verb", "ListOperationsResponse");
    if let Some((part, of)) = part {
        body.raw("x", &format!("{{\"part\":{part},\"of\":{of}}}"));
    }
    let mut out = Writer::new();
    out.text("sender", sender.as_str());
    out.text("recipient", recipient.as_str());
    out.raw("message", &body.finish());
    out.text("kind", "PeerMessage");
    out.finish()
}
