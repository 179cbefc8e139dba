//! One operation, and the register writes that it stands for.
//!
//! Identity is the stamp and the place inside a batch (M0). An upsert writes existence, the
//! geometry and every property that it carries; an update writes one path; a delete writes
//! existence only (M2, M3).

use std::sync::LazyLock;

use crate::clock::{Hlc, Order, Stamp};
use crate::geometry::{self, FeatureType};
use crate::ids::{Object, PeerId};
use crate::json::{Json, Members, Raw};
use crate::path::{Path, Paths, Subject};

/// What an operation does. A batch is an envelope, not a verb of its own (M6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verb {
    /// Creates the object or gives it all these values.
    Upsert,
    /// Writes one path.
    Update,
    /// Ends the object's life.
    Delete,
}

impl Verb {
    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Verb::Upsert => "upsert",
            Verb::Update => "update",
            Verb::Delete => "delete",
        }
    }
}

/// What Bivouac adds under the member `x`, which servers and browsers pass on unread (M0).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// `x.o`: the writer's local clock when the edit was made (M8).
    pub origin: Option<Hlc>,
    /// `x.h`: the operation's own stamp, when it travels inside another envelope.
    pub stamp: Option<Hlc>,
    /// `x.i`: its own place in its batch, when it travels inside another envelope.
    pub index: Option<u32>,
}

/// One operation.
#[derive(Clone, Debug, PartialEq)]
pub struct Operation {
    /// When it was written, as its writer says.
    pub stamp: Stamp,
    /// Its place inside its batch; 0 when loose.
    pub index: u32,
    /// What it does.
    pub verb: Verb,
    /// What it speaks of.
    pub object: Object,
    /// The kind that a feature's metadata names; empty for layers and the map, and where a peer left it out.
    pub feature_type: Option<FeatureType>,
    /// The path of an update.
    pub path: Option<Path>,
    /// The value; absent unsets, JSON `null` stores null (rule 7).
    pub value: Option<Json>,
    /// The connection that sent it: a label (rule 36).
    pub sender: Option<PeerId>,
    /// The wire's `dirty`; not the same as unsaved (rule 16).
    pub dirty: Option<bool>,
    /// Bivouac's own marks.
    pub marks: Marks,
    /// Members that we do not know, as one JSON object, kept for forwarding.
    pub extra: Option<Json>,
}

/// An edit of our own that has no clock yet.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// What it does.
    pub verb: Verb,
    /// What it speaks of.
    pub object: Object,
    /// The path of an update.
    pub path: Option<Path>,
    /// The value; absent unsets.
    pub value: Option<Json>,
}

impl Draft {
    /// The operation that this becomes at that instant and place.
    #[must_use]
    pub fn stamped(self, hlc: Hlc, index: u32) -> Operation {
        let feature_type = None;
        Operation {
            stamp: Stamp::Valid(hlc),
            index,
            verb: self.verb,
            object: self.object,
            feature_type,
            path: self.path,
            value: self.value,
            sender: None,
            dirty: Some(true),
            marks: Marks::default(),
            extra: None,
        }
    }
}

/// One write to one register.
#[derive(Clone, Debug, PartialEq)]
pub struct Write {
    /// Which register.
    pub path: Path,
    /// The value; `None` unsets.
    pub value: Option<Json>,
}

/// The value of [`Path::existence`] after an upsert.
#[must_use]
pub fn alive() -> Json {
    static ALIVE: LazyLock<Json> = LazyLock::new(|| Json::trusted("true"));
    ALIVE.clone()
}

/// The value of [`Path::existence`] after a delete.
#[must_use]
pub fn dead() -> Json {
    static DEAD: LazyLock<Json> = LazyLock::new(|| Json::trusted("false"));
    DEAD.clone()
}

/// Why an operation cannot be applied, whoever sent it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OperationError {
    /// The value is not what the verb needs.
    #[error("read the value of an {verb}: {what}")]
    BadValue {
        /// The verb's word.
        verb: &'static str,
        /// What is wrong with it.
        what: String,
    },
    /// An update without a key that may be written (rule 35).
    #[error("read an update: its key is missing or may not be written")]
    BadKey,
}

impl Operation {
    /// Its place among all writes (M1).
    #[must_use]
    pub fn order(&self) -> Order {
        Order::new(&self.stamp, self.index)
    }

    /// The kind of object it speaks of.
    #[must_use]
    pub fn subject(&self) -> Subject {
        match self.object {
            Object::Map => Subject::Map,
            Object::Layer(_) => Subject::Layer,
            Object::Feature(..) => Subject::Feature,
        }
    }

    /// When the edit was made, for the comparison before sending: `x.o`, else the stamp (M8).
    #[must_use]
    pub fn made_at(&self) -> Option<&Hlc> {
        self.marks.origin.as_ref().or(self.stamp.hlc())
    }

    /// The register writes that this operation stands for.
    ///
    /// `referenceVersion` is no register and yields none (rule 23).
    ///
    /// # Errors
    /// When the value is not what the verb needs; nothing of it may be applied then.
    pub fn writes(&self) -> Result<Vec<Write>, OperationError> {
        self.written(&mut Paths::default(), true)
    }

    /// As [`Operation::writes`]; without `inspect` for what [`Operation::is_sound`] said is sound.
    pub(crate) fn written(&self, paths: &mut Paths, inspect: bool) -> Result<Vec<Write>, OperationError> {
        match (self.verb, &self.object) {
            (Verb::Delete, Object::Map) | (Verb::Upsert, Object::Map) => Err(self.bad("a map is only updated")),
            (Verb::Delete, _) => Ok(vec![Write { path: Path::existence(), value: Some(dead()) }]),
            (Verb::Update, _) => self.update(inspect),
            (Verb::Upsert, Object::Feature(..)) => {
                let value = self.value.as_ref().ok_or_else(|| self.bad("no value"))?;
                feature(value, paths, inspect).map_err(|what| self.bad(&what))
            }
            (Verb::Upsert, Object::Layer(_)) => {
                let text = self.value.as_ref().ok_or_else(|| self.bad("no value"))?;
                layer_writes(text.as_str()).map_err(|what| self.bad(&what))
            }
        }
    }

    /// Whether [`Operation::writes`] would succeed, told without making them; `members` are those
    /// of an upsert's value.
    pub(crate) fn is_sound(&self, members: Option<&Members<'_>>) -> bool {
        let plain = |text: &Json| !text.as_str().as_bytes().contains(&b'\\');
        let object =
            |name| members.and_then(|members| members.get(name)).is_none_or(|value| value.get().starts_with('{'));
        match (self.verb, &self.object, &self.value) {
            // Escapes may hide what only taking the value apart finds.
            (Verb::Upsert, Object::Feature(..), Some(text)) if plain(text) => {
                let geometry = members.and_then(|members| members.get("geometry"));
                let nothing =
                    members.and_then(|members| members.get("properties")).is_some_and(|value| value.get() == "null");
                let twice =
                    members.is_none_or(|members| members.0.iter().filter(|(name, _)| name == "properties").count() > 1);
                if twice {
                    return self.writes().is_ok();
                }
                geometry.is_some_and(|text| geometry::inspect(text.get()).is_ok()) && (nothing || object("properties"))
            }
            (Verb::Delete, Object::Layer(_) | Object::Feature(..), _) => true,
            (Verb::Update, _, _) if self.path.as_ref().is_some_and(|path| !path.is_geometry()) => true,
            _ => self.writes().is_ok(),
        }
    }

    fn update(&self, inspect: bool) -> Result<Vec<Write>, OperationError> {
        let path = self.path.clone().ok_or(OperationError::BadKey)?;
        if path.as_stored() == "referenceVersion" {
            return Ok(Vec::new());
        }
        if inspect && path.is_geometry() {
            let text = self.value.as_ref().ok_or_else(|| self.bad("a geometry cannot be unset"))?;
            geometry::inspect(text.as_str()).map_err(|e| self.bad(&e.to_string()))?;
        }
        Ok(vec![Write { path, value: self.value.clone() }])
    }

    fn bad(&self, what: &str) -> OperationError {
        OperationError::BadValue { verb: self.verb.as_str(), what: what.to_owned() }
    }
}

/// The registers that a whole feature fills (M2). Style options are registers of their own;
/// members that GeoJSON does not know are registers too, so that nothing depends on arrival.
///
/// # Errors
/// Says what is wrong with the feature.
pub fn feature_writes(text: &str) -> Result<Vec<Write>, String> {
    feature(&Json::trusted(text), &mut Paths::default(), true)
}

/// As [`feature_writes`]; the values share the feature's text.
fn feature(value: &Json, paths: &mut Paths, inspect: bool) -> Result<Vec<Write>, String> {
    let members = Members::parse(value.as_str()).map_err(|e| e.to_string())?;
    let geometry = members.get("geometry").ok_or("a feature without a geometry")?;
    if inspect {
        geometry::inspect(geometry.get()).map_err(|e| e.to_string())?;
    }
    members_writes(&members, paths, &|raw| value.part(raw))
}

/// As [`feature_writes`], for a feature that stands in a server document: whatever its geometry
/// is, it is kept as it is.
///
/// # Errors
/// Says what is wrong with the feature.
pub fn document_feature_writes(members: &Members<'_>) -> Result<Vec<Write>, String> {
    members_writes(members, &mut Paths::default(), &Json::from_raw)
}

fn members_writes(
    members: &Members<'_>,
    paths: &mut Paths,
    keep: &dyn Fn(Raw<'_>) -> Json,
) -> Result<Vec<Write>, String> {
    let mut writes = Vec::with_capacity(8);
    writes.push(Write { path: Path::existence(), value: Some(alive()) });
    for (name, value) in &members.0 {
        match name.as_ref() {
            "type" | "id" => {}
            "geometry" => writes.push(Write { path: Path::geometry(), value: Some(keep(*value)) }),
            "properties" if value.get() == "null" => {}
            "properties" => {
                let properties = Members::parse(value.get()).map_err(|e| e.to_string())?;
                for (name, value) in &properties.0 {
                    if name == "_umap_options" && value.get().starts_with('{') {
                        let options = Members::parse(value.get()).map_err(|e| e.to_string())?;
                        writes.extend(options.0.iter().map(|(option, value)| Write {
                            path: paths.of(&["properties", "_umap_options", option]),
                            value: Some(keep(*value)),
                        }));
                    } else {
                        writes.push(Write { path: paths.of(&["properties", name]), value: Some(keep(*value)) });
                    }
                }
            }
            other => writes.push(Write { path: paths.of(&[other]), value: Some(keep(*value)) }),
        }
    }
    Ok(writes)
}

/// The registers that a layer's upsert fills. Features inside it are not read: whoever sends
/// them sends each one as an operation too.
fn layer_writes(text: &str) -> Result<Vec<Write>, String> {
    let members = Members::parse(text).map_err(|e| e.to_string())?;
    let mut writes = vec![Write { path: Path::existence(), value: Some(alive()) }];
    for (name, value) in &members.0 {
        match name.as_ref() {
            "rank" | "parentId" => {
                writes.push(Write { path: Path::of(&[name]), value: Some(Json::from_raw(*value)) });
            }
            "properties" => {
                let properties = Members::parse(value.get()).map_err(|e| e.to_string())?;
                writes.extend(
                    properties
                        .0
                        .iter()
                        .map(|(name, value)| Write { path: Path::property(name), value: Some(Json::from_raw(*value)) }),
                );
            }
            _ => {}
        }
    }
    Ok(writes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upsert_writes_existence_geometry_and_each_property() {
        let writes = feature_writes(
            r#"{"type":"Feature","geometry":{"type":"Point","coordinates":[1,2]},"properties":{"name":"a","_umap_options":{"color":"Lime"}},"id":"abcde"}"#,
        )
        .unwrap();
        let paths: Vec<_> = writes.iter().map(|w| w.path.to_string()).collect();
        assert_eq!(paths, ["@", "geometry", "properties.name", "properties._umap_options.color"]);
    }

    #[test]
    fn what_is_told_without_taking_values_apart_is_what_taking_them_apart_tells() {
        let point = r#""geometry":{"type":"Point","coordinates":[1,2]}"#;
        let values = [
            format!(r#"{{{point},"properties":{{"name":"a","_umap_options":{{"color":"Lime"}}}},"bbox":[1]}}"#),
            format!(r#"{{{point},"properties":{{"na\u006de":"a","\ud800":1}}}}"#),
            format!(r#"{{{point},"properties":{{"name":"a \"quoted\" text"}}}}"#),
            format!(r#"{{{point},"properties":{{"_umap_options":7,"name":1}},"properties":{{"b":1}}}}"#),
            format!(r#"{{{point},"properties":{{"_umap_options":{{"a":1}},"_umap_options":{{"b":1}}}}}}"#),
            format!(r#"{{{point},"properties":null}}"#),
            format!(r#"{{{point},"properties":3}}"#),
            format!(r#"{{{point},"properties":3,"properties":{{}}}}"#),
            format!(r#"{{{point}}}"#),
            r#"{"geometry":{"type":"Point","coordinates":[1,200]},"properties":{}}"#.to_owned(),
            r#"{"properties":{}}"#.to_owned(),
        ];
        for value in values {
            let operation = Draft {
                verb: Verb::Upsert,
                object: Object::Feature(crate::ids::LayerId::trusted("l"), crate::ids::FeatureId::trusted("abcde")),
                path: None,
                value: Some(Json::trusted(&value)),
            }
            .stamped(Hlc::parse("1:0:a").unwrap(), 0);
            let writes = operation.writes();
            let members = Members::parse(&value).unwrap();
            assert_eq!(operation.is_sound(Some(&members)), writes.is_ok(), "{value}");
            if writes.is_ok() {
                assert_eq!(operation.written(&mut Paths::default(), false), writes, "{value}");
            }
        }
    }

    #[test]
    fn a_feature_with_an_unsound_geometry_is_refused_whole() {
        assert!(feature_writes(r#"{"type":"Feature","properties":{}}"#).is_err());
        assert!(feature_writes(r#"{"geometry":{"type":"Point","coordinates":[1]},"properties":{}}"#).is_err());
    }
}
