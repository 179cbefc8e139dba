//! Operation messages: one operation or a batch, live or inside a list.

use serde_json::value::RawValue;

use super::known::Known;
use crate::clock::{Hlc, Stamp};
use crate::geometry::FeatureType;
use crate::ids::{FeatureId, LayerId, Object, PeerId};
use crate::json::{Json, Members, Raw, string};
use crate::operation::{Marks, Operation, Verb};
use crate::path::{Path, Subject};

/// Why an operation is not applied. It is counted against its sender and changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
pub enum Refusal {
    /// Not a JSON object, or a member of the wrong type.
    #[error("malformed")]
    Malformed,
    /// Not upsert, update or delete (or a batch inside a batch).
    #[error("unknown verb")]
    UnknownVerb,
    /// Not map, datalayer or feature (rule 34); permissions are never operations (rule 10).
    #[error("subject not accepted")]
    Subject,
    /// The metadata does not name an object.
    #[error("metadata does not name an object")]
    Metadata,
    /// A key that uMap does not write (rule 35).
    #[error("key not accepted")]
    Key,
    /// The value is unsound for its place.
    #[error("value not accepted")]
    Value,
}

/// One operation of an envelope.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    /// It may be applied.
    Operation(Box<Operation>),
    /// It may not; its text is kept as it came.
    Refused {
        /// Why.
        why: Refusal,
        /// The operation's own text.
        text: Json,
    },
}

impl Entry {
    /// The operation, when it may be applied.
    #[must_use]
    pub fn operation(&self) -> Option<&Operation> {
        match self {
            Entry::Operation(operation) => Some(operation),
            Entry::Refused { .. } => None,
        }
    }
}

/// One operation message: what all its operations share, and the operations.
#[derive(Clone, Debug, PartialEq)]
pub struct Envelope {
    /// The connection that sent it (rule 36).
    pub sender: Option<PeerId>,
    /// The operations, in order.
    pub entries: Vec<Entry>,
    /// For a batch: every member but `operations`, as it came. `None` for a single operation.
    pub batch: Option<Json>,
    /// Whether it said `"kind"`; entries of a list do not.
    pub kind: bool,
}

impl Envelope {
    /// A `referenceVersion` announcement, which is no register (rule 23): layer and version.
    #[must_use]
    pub fn reference_version(&self) -> Option<(&LayerId, String)> {
        let [Entry::Operation(operation)] = self.entries.as_slice() else {
            return None;
        };
        let Object::Layer(layer) = &operation.object else {
            return None;
        };
        if operation.path.as_ref()? != &Path::of(&["referenceVersion"]) {
            return None;
        }
        let value = operation.value.as_ref()?;
        Some((layer, value.as_text().unwrap_or_else(|| value.as_str().to_owned())))
    }

    /// Reads an operation message that is already split into members.
    ///
    /// `text` is the message's own text, which only a refusal needs.
    pub(super) fn read(members: &Members<'_>, text: Raw<'_>, known: &mut Known) -> Self {
        let sender = members.text("sender").and_then(|s| known.peer(&s));
        let kind = members.get("kind").is_some();
        if members.text("verb").as_deref() != Some("batch") {
            let entry = read_one(members, text, None, known);
            return Self { sender, entries: vec![entry], batch: None, kind };
        }
        let frame = Members(members.0.iter().filter(|(name, _)| name != "operations").cloned().collect());
        let batch = serde_json::to_string(&frame).ok().map(|text| Json::trusted(&text));
        let stamp = known.stamp(members.text("hlc"));
        let dirty = members.get("dirty").and_then(boolean);
        let operations: Vec<&RawValue> =
            members.get("operations").and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default();
        let entries = operations
            .into_iter()
            .zip(0_u32..)
            .map(|(raw, index)| match Members::parse(raw.get()) {
                Ok(inner) => {
                    let shared = Shared { stamp: &stamp, index, sender: sender.as_ref(), dirty };
                    read_one(&inner, raw.into(), Some(shared), known)
                }
                Err(_) => Entry::Refused { why: Refusal::Malformed, text: Json::from_raw(raw.into()) },
            })
            .collect();
        Self { sender, entries, batch, kind }
    }
}

/// What a nested operation takes from its batch.
struct Shared<'a> {
    stamp: &'a Stamp,
    index: u32,
    sender: Option<&'a PeerId>,
    dirty: Option<bool>,
}

fn read_one(members: &Members<'_>, text: Raw<'_>, shared: Option<Shared<'_>>, known: &mut Known) -> Entry {
    match operation(members, shared, known) {
        Ok(operation) => Entry::Operation(Box::new(operation)),
        Err(why) => Entry::Refused { why, text: Json::from_raw(text) },
    }
}

fn boolean(raw: Raw<'_>) -> Option<bool> {
    match raw.get() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

fn operation(members: &Members<'_>, shared: Option<Shared<'_>>, names: &mut Known) -> Result<Operation, Refusal> {
    let verb = match members.text("verb").as_deref() {
        Some("upsert") => Verb::Upsert,
        Some("update") => Verb::Update,
        Some("delete") => Verb::Delete,
        Some(_) => return Err(Refusal::UnknownVerb),
        None => return Err(Refusal::Malformed),
    };
    let subject = match members.text("subject").as_deref() {
        Some("map") => Subject::Map,
        Some("datalayer") => Subject::Layer,
        Some("feature") => Subject::Feature,
        Some(_) => return Err(Refusal::Subject),
        None => return Err(Refusal::Malformed),
    };
    let metadata = members.get("metadata").map(|raw| Members::parse(raw.get())).transpose();
    let metadata = metadata.map_err(|_| Refusal::Metadata)?;
    let (object, feature_type) = object(subject, metadata.as_ref(), names)?;
    let key = match members.get("key") {
        Some(raw) => Some(string(raw).ok_or(Refusal::Malformed)?),
        None => None,
    };
    let path = match (verb, &key) {
        (Verb::Update, Some(key)) => Some(names.path(subject, key).ok_or(Refusal::Key)?),
        (Verb::Update, None) => return Err(Refusal::Key),
        (Verb::Upsert | Verb::Delete, _) => None,
    };
    let value = members.get("value").map(Json::from_raw);
    let inside = match verb {
        Verb::Upsert => Some(value_of_its_object(&object, members.get("value"))?),
        Verb::Update | Verb::Delete => None,
    };
    let (marks, marks_are_known) = marks(members);
    let index = marks.index.unwrap_or(shared.as_ref().map_or(0, |s| s.index));
    let stamp = match (&marks.stamp, &shared) {
        (Some(own), Some(_)) => Stamp::Valid(own.clone()),
        (_, Some(shared)) => shared.stamp.clone(),
        (_, None) => names.stamp(members.text("hlc")),
    };
    let own_dirty = members.get("dirty").and_then(boolean);
    let dirty = own_dirty.or(shared.as_ref().and_then(|s| s.dirty));
    let sender = match &shared {
        Some(shared) => shared.sender.cloned(),
        None => members.text("sender").and_then(|s| names.peer(&s)),
    };
    let plain_metadata = metadata.is_none_or(|m| is_plain(&m));
    let known = |name: &str| match name {
        "verb" | "subject" | "value" | "kind" => true,
        "metadata" => plain_metadata,
        "key" => path.is_some(),
        "sender" => sender.is_some(),
        "dirty" => shared.is_none() && own_dirty.is_some(),
        "hlc" => members.text("hlc").is_some() && shared.is_none(),
        "x" => marks_are_known,
        _ => false,
    };
    let extra = if members.0.iter().all(|(name, _)| known(name)) {
        None
    } else {
        let unknown = members.0.iter().filter(|(name, _)| !known(name));
        serde_json::to_string(&Members(unknown.cloned().collect())).ok()
    };
    let operation = Operation {
        stamp,
        index,
        verb,
        object,
        feature_type,
        path,
        value,
        sender,
        dirty,
        marks,
        extra: extra.map(|text| Json::trusted(&text)),
    };
    if operation.is_sound(inside.as_ref()) { Ok(operation) } else { Err(Refusal::Value) }
}

fn object(
    subject: Subject,
    metadata: Option<&Members<'_>>,
    known: &mut Known,
) -> Result<(Object, Option<FeatureType>), Refusal> {
    let text = |name: &str| metadata.and_then(|m| m.text(name)).ok_or(Refusal::Metadata);
    match subject {
        Subject::Map => Ok((Object::Map, None)),
        Subject::Layer => {
            let id = known.layer(&text("id")?).ok_or(Refusal::Metadata)?;
            Ok((Object::Layer(id), None))
        }
        Subject::Feature => {
            let layer = known.layer(&text("layerId")?).ok_or(Refusal::Metadata)?;
            let id = FeatureId::parse(&text("id")?).ok_or(Refusal::Metadata)?;
            let feature_type = match text("featureType").as_deref() {
                Ok("marker") => Some(FeatureType::Marker),
                Ok("polyline") => Some(FeatureType::Polyline),
                Ok("polygon") => Some(FeatureType::Polygon),
                Ok(_) | Err(_) => None,
            };
            Ok((Object::Feature(layer, id), feature_type))
        }
    }
}

/// Browsers take the id from the value: one that names another object than the metadata would
/// mean two different things to two peers.
fn value_of_its_object<'a>(object: &Object, value: Option<Raw<'a>>) -> Result<Members<'a>, Refusal> {
    let members = value.and_then(|value| Members::parse(value.get()).ok()).ok_or(Refusal::Value)?;
    let expected = match object {
        Object::Map => return Err(Refusal::Value),
        Object::Layer(id) => id.as_str(),
        Object::Feature(_, id) => id.as_str(),
    };
    match members.text("id") {
        Some(id) if id != expected => Err(Refusal::Metadata),
        Some(_) | None => Ok(members),
    }
}

/// Whether the metadata holds nothing but what we print ourselves.
fn is_plain(metadata: &Members<'_>) -> bool {
    metadata.0.iter().all(|(name, value)| match name.as_ref() {
        "id" | "layerId" => true,
        "featureType" => matches!(value.get(), "\"marker\"" | "\"polyline\"" | "\"polygon\""),
        _ => false,
    })
}

/// Bivouac's marks, and whether the member holds nothing else.
fn marks(members: &Members<'_>) -> (Marks, bool) {
    let Some(raw) = members.get("x") else {
        return (Marks::default(), true);
    };
    let Ok(x) = Members::parse(raw.get()) else {
        return (Marks::default(), false);
    };
    let hlc = |name: &str| x.text(name).and_then(|text| Hlc::parse(&text));
    let index = x.get("i").and_then(|raw| serde_json::from_str(raw.get()).ok());
    let marks = Marks { origin: hlc("o"), stamp: hlc("h"), index };
    let found = usize::from(marks.origin.is_some()) + usize::from(marks.stamp.is_some()) + usize::from(index.is_some());
    (marks, found == x.0.len())
}
