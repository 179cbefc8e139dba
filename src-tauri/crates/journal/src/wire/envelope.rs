//! Operation messages: one operation or a batch, live or inside a list.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::known::Known;
use crate::clock::{Hlc, Stamp};
use crate::geometry::FeatureType;
use crate::ids::{FeatureId, LayerId, Object, PeerId};
use crate::json::{Json, Members, Raw, string};
use crate::operation::{Marks, Operation, Verb};
use crate::path::{Path, Subject};
use crate::scan::Scanner;

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
        let fields = Fields::of(members);
        let sender = fields.sender.and_then(string).and_then(|s| known.peer(&s));
        let kind = fields.kind.is_some();
        if fields.verb.and_then(string).as_deref() != Some("batch") {
            let entry = read_one(members, &fields, text, None, known);
            return Self { sender, entries: vec![entry], batch: None, kind };
        }
        let frame = Members(members.0.iter().filter(|(name, _)| name != "operations").cloned().collect());
        let batch = serde_json::to_string(&frame).ok().map(|text| Json::trusted(&text));
        let stamp = known.stamp(fields.hlc.and_then(string));
        let dirty = fields.dirty.and_then(boolean);
        let operations: Vec<&RawValue> =
            members.get("operations").and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default();
        let entries = operations
            .into_iter()
            .zip(0_u32..)
            .map(|(raw, index)| match Members::parse(raw.get()) {
                Ok(inner) => {
                    let shared = Shared { stamp: &stamp, index, sender: sender.as_ref(), dirty };
                    read_one(&inner, &Fields::of(&inner), raw.into(), Some(shared), known)
                }
                Err(_) => Entry::Refused { why: Refusal::Malformed, text: Json::from_raw(raw.into()) },
            })
            .collect();
        Self { sender, entries, batch, kind }
    }
}

/// The members of an operation that mean something, the last one of each name.
#[derive(Default)]
struct Fields<'a> {
    verb: Option<Raw<'a>>,
    subject: Option<Raw<'a>>,
    metadata: Option<Raw<'a>>,
    key: Option<Raw<'a>>,
    value: Option<Raw<'a>>,
    sender: Option<Raw<'a>>,
    dirty: Option<Raw<'a>>,
    hlc: Option<Raw<'a>>,
    x: Option<Raw<'a>>,
    kind: Option<Raw<'a>>,
    /// Whether there are others.
    others: bool,
}

impl<'a> Fields<'a> {
    fn of(members: &Members<'a>) -> Self {
        let mut fields = Self::default();
        for (name, value) in &members.0 {
            let place = match name.as_ref() {
                "verb" => &mut fields.verb,
                "subject" => &mut fields.subject,
                "metadata" => &mut fields.metadata,
                "key" => &mut fields.key,
                "value" => &mut fields.value,
                "sender" => &mut fields.sender,
                "dirty" => &mut fields.dirty,
                "hlc" => &mut fields.hlc,
                "x" => &mut fields.x,
                "kind" => &mut fields.kind,
                _ => {
                    fields.others = true;
                    continue;
                }
            };
            *place = Some(*value);
        }
        fields
    }
}

/// What a nested operation takes from its batch.
struct Shared<'a> {
    stamp: &'a Stamp,
    index: u32,
    sender: Option<&'a PeerId>,
    dirty: Option<bool>,
}

fn read_one(
    members: &Members<'_>,
    fields: &Fields<'_>,
    text: Raw<'_>,
    shared: Option<Shared<'_>>,
    known: &mut Known,
) -> Entry {
    match operation(members, fields, shared, known) {
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

fn operation(
    members: &Members<'_>,
    fields: &Fields<'_>,
    shared: Option<Shared<'_>>,
    names: &mut Known,
) -> Result<Operation, Refusal> {
    let verb = match fields.verb.and_then(string).as_deref() {
        Some("upsert") => Verb::Upsert,
        Some("update") => Verb::Update,
        Some("delete") => Verb::Delete,
        Some(_) => return Err(Refusal::UnknownVerb),
        None => return Err(Refusal::Malformed),
    };
    let subject = match fields.subject.and_then(string).as_deref() {
        Some("map") => Subject::Map,
        Some("datalayer") => Subject::Layer,
        Some("feature") => Subject::Feature,
        Some(_) => return Err(Refusal::Subject),
        None => return Err(Refusal::Malformed),
    };
    let metadata = fields.metadata.map(Metadata::read).transpose()?;
    let (object, feature_type) = object(subject, metadata.as_ref(), names)?;
    let key = match fields.key {
        Some(raw) => Some(string(raw).ok_or(Refusal::Malformed)?),
        None => None,
    };
    let path = match (verb, &key) {
        (Verb::Update, Some(key)) => Some(names.path(subject, key).ok_or(Refusal::Key)?),
        (Verb::Update, None) => return Err(Refusal::Key),
        (Verb::Upsert | Verb::Delete, _) => None,
    };
    let value = fields.value.map(Json::from_raw);
    let inside = match verb {
        Verb::Upsert => Some(value_of_its_object(&object, fields.value)?),
        Verb::Update | Verb::Delete => None,
    };
    let (marks, marks_are_known) = marks(fields.x);
    let index = marks.index.unwrap_or(shared.as_ref().map_or(0, |s| s.index));
    let hlc = fields.hlc.and_then(string);
    let has_hlc = hlc.is_some();
    let stamp = match (&marks.stamp, &shared) {
        (Some(own), Some(_)) => Stamp::Valid(own.clone()),
        (_, Some(shared)) => shared.stamp.clone(),
        (_, None) => names.stamp(hlc),
    };
    let own_dirty = fields.dirty.and_then(boolean);
    let dirty = own_dirty.or(shared.as_ref().and_then(|s| s.dirty));
    let sender = match &shared {
        Some(shared) => shared.sender.cloned(),
        None => fields.sender.and_then(string).and_then(|s| names.peer(&s)),
    };
    let metadata_is_known = metadata.is_none_or(|metadata| metadata.is_plain);
    let key_is_known = path.is_some();
    let sender_is_known = sender.is_some();
    let dirty_is_known = shared.is_none() && own_dirty.is_some();
    let hlc_is_known = shared.is_none() && has_hlc;
    let all_are_known = !fields.others
        && metadata_is_known
        && (key_is_known || fields.key.is_none())
        && (sender_is_known || fields.sender.is_none())
        && (dirty_is_known || fields.dirty.is_none())
        && (hlc_is_known || fields.hlc.is_none())
        && marks_are_known;
    let extra = if all_are_known {
        None
    } else {
        let known = |name: &str| match name {
            "verb" | "subject" | "value" | "kind" => true,
            "metadata" => metadata_is_known,
            "key" => key_is_known,
            "sender" => sender_is_known,
            "dirty" => dirty_is_known,
            "hlc" => hlc_is_known,
            "x" => marks_are_known,
            _ => false,
        };
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

/// What an operation's metadata says.
#[derive(Default)]
struct Metadata<'a> {
    id: Option<Raw<'a>>,
    layer: Option<Raw<'a>>,
    feature_type: Option<Raw<'a>>,
    /// Whether it holds nothing but what we print ourselves.
    is_plain: bool,
}

impl<'a> Metadata<'a> {
    fn read(raw: Raw<'a>) -> Result<Self, Refusal> {
        let mut metadata = Self { is_plain: true, ..Self::default() };
        Scanner::new(raw.get())
            .each_member(&mut |scanner, name| {
                let value = scanner.value()?;
                match name.as_ref() {
                    "id" => metadata.id = Some(value),
                    "layerId" => metadata.layer = Some(value),
                    "featureType" => {
                        metadata.feature_type = Some(value);
                        metadata.is_plain &= matches!(value.get(), "\"marker\"" | "\"polyline\"" | "\"polygon\"");
                    }
                    _ => metadata.is_plain = false,
                }
                Some(())
            })
            .ok_or(Refusal::Metadata)?;
        Ok(metadata)
    }
}

fn object(
    subject: Subject,
    metadata: Option<&Metadata<'_>>,
    known: &mut Known,
) -> Result<(Object, Option<FeatureType>), Refusal> {
    fn text(raw: Option<Raw<'_>>) -> Result<Cow<'_, str>, Refusal> {
        raw.and_then(string).ok_or(Refusal::Metadata)
    }
    let id = || text(metadata.and_then(|m| m.id));
    match subject {
        Subject::Map => Ok((Object::Map, None)),
        Subject::Layer => Ok((Object::Layer(known.layer(&id()?).ok_or(Refusal::Metadata)?), None)),
        Subject::Feature => {
            let layer = text(metadata.and_then(|m| m.layer))?;
            let layer = known.layer(&layer).ok_or(Refusal::Metadata)?;
            let id = FeatureId::parse(&id()?).ok_or(Refusal::Metadata)?;
            let feature_type = match text(metadata.and_then(|m| m.feature_type)).as_deref() {
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

/// Bivouac's marks, and whether the member holds nothing else.
fn marks(x: Option<Raw<'_>>) -> (Marks, bool) {
    let Some(raw) = x else {
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
