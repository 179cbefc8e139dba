//! The text that an object's registers show, and reading a register's value back out of it.
//!
//! Values are laid in as they were written, number by number (rule 32). Objects whose registers
//! lie above each other go through [`bivouac_journal::project`].

use std::fmt::Write as _;

use bivouac_journal::ids::{FeatureId, Object};
use bivouac_journal::json::{Members, Raw};
use bivouac_journal::merge::{ObjectState, Register};
use bivouac_journal::path::Path;
use bivouac_journal::project;

const OPTIONS: &str = "_umap_options";

/// What the registers show, as one JSON text: for a feature the whole GeoJSON feature.
pub(crate) fn shown(object: &Object, state: &ObjectState) -> String {
    match object {
        Object::Map | Object::Layer(_) => serde_json::Value::Object(project::document(state)).to_string(),
        Object::Feature(_, id) => plain_feature(id, state).unwrap_or_else(|| project::feature(id, state).to_string()),
    }
}

/// As [`shown`], when every value stands in the text as its register holds it: but for names that
/// the text takes from elsewhere, which [`is_taken`] tells.
pub(crate) fn shown_verbatim(object: &Object, state: &ObjectState) -> Option<String> {
    match object {
        Object::Map | Object::Layer(_) => None,
        Object::Feature(_, id) => plain_feature(id, state),
    }
}

/// Whether a feature's text has something else at that path than the register's value.
pub(crate) fn is_taken(path: &Path) -> bool {
    matches!(path.as_stored(), "type" | "id")
}

/// Where a register stands in a feature's text.
enum Stands<'a> {
    Nowhere,
    Geometry,
    Property(&'a str),
    Option(&'a str),
    Beside(&'a str),
    /// Above or below where others may stand.
    Across,
}

fn stands(path: &Path) -> Stands<'_> {
    match path.as_stored() {
        Path::EXISTENCE | "type" | "id" => return Stands::Nowhere,
        Path::GEOMETRY => return Stands::Geometry,
        _ => {}
    }
    if let Some(name) = path.directly_below(&["properties"]) {
        return if name == OPTIONS { Stands::Across } else { Stands::Property(name) };
    }
    if let Some(name) = path.directly_below(&["properties", OPTIONS]) {
        return Stands::Option(name);
    }
    match path.directly_below(&[]) {
        Some(name) if name != "properties" => Stands::Beside(name),
        Some(_) | None => Stands::Across,
    }
}

/// A feature none of whose registers lies above another.
fn plain_feature(id: &FeatureId, state: &ObjectState) -> Option<String> {
    let mut bytes = 128;
    let mut geometry = "null";
    let (mut properties, mut options, mut beside) = (Vec::with_capacity(8), Vec::with_capacity(8), Vec::new());
    for (path, register) in state.registers() {
        let (list, name, value) = match (stands(path), text(register)) {
            (Stands::Across, _) => return None,
            (Stands::Nowhere, _) | (_, None) => continue,
            (Stands::Geometry, Some(value)) => {
                geometry = value;
                bytes += value.len();
                continue;
            }
            (Stands::Property(name), Some(value)) => (&mut properties, name, value),
            (Stands::Option(name), Some(value)) => (&mut options, name, value),
            (Stands::Beside(name), Some(value)) => (&mut beside, name, value),
        };
        list.push((name, value));
        bytes += name.len() + value.len() + 4;
    }
    let mut out = String::with_capacity(bytes);
    out.push_str(r#"{"type":"Feature","geometry":"#);
    out.push_str(geometry);
    out.push_str(r#","properties":{"#);
    let mut first = true;
    for (name, value) in &properties {
        member(&mut out, &mut first, name, value);
    }
    if !options.is_empty() {
        separate(&mut out, &mut first);
        out.push('"');
        out.push_str(OPTIONS);
        out.push_str("\":{");
        let mut first = true;
        for (name, value) in &options {
            member(&mut out, &mut first, name, value);
        }
        out.push('}');
    }
    out.push('}');
    for (name, value) in &beside {
        member(&mut out, &mut false, name, value);
    }
    out.push_str(r#","id":""#);
    out.push_str(id.as_str());
    out.push_str("\"}");
    Some(out)
}

fn member(out: &mut String, first: &mut bool, name: &str, value: &str) {
    separate(out, first);
    let plain = name.bytes().all(|b| b >= b' ' && b != b'"' && b != b'\\');
    if plain {
        out.push('"');
        out.push_str(name);
        out.push_str("\":");
    } else {
        let _ = write!(out, "{}:", serde_json::Value::String(name.to_owned()));
    }
    out.push_str(value);
}

fn separate(out: &mut String, first: &mut bool) {
    if !std::mem::take(first) {
        out.push(',');
    }
}

fn text(register: &Register) -> Option<&str> {
    register.value.as_ref().map(bivouac_journal::json::Json::as_str)
}

/// A document taken apart as far as registers reach in the common case.
pub(crate) struct Parts<'a> {
    top: Members<'a>,
    properties: Members<'a>,
    options: Members<'a>,
}

impl<'a> Parts<'a> {
    /// Takes a document apart; one that is no JSON object shows nothing.
    pub fn of(document: &'a str) -> Self {
        let inside = |raw: Option<Raw<'a>>| {
            raw.filter(|raw| raw.get().starts_with('{'))
                .and_then(|raw| Members::parse(raw.get()).ok())
                .unwrap_or_default()
        };
        let top = Members::parse(document).unwrap_or_default();
        let properties = inside(top.get("properties"));
        let options = inside(properties.get(OPTIONS));
        Self { top, properties, options }
    }

    /// The text at a path.
    pub fn get(&self, path: &Path) -> Option<&'a str> {
        let mut segments = path.segments();
        let parts = (segments.next(), segments.next(), segments.next(), segments.next());
        let found = match parts {
            (Some(name), None, ..) => self.top.get(name),
            (Some("properties"), Some(name), None, _) => self.properties.get(name),
            (Some("properties"), Some(OPTIONS), Some(name), None) => self.options.get(name),
            _ => deep(&self.top, path),
        };
        found.map(Raw::get)
    }
}

fn deep<'a>(top: &Members<'a>, path: &Path) -> Option<Raw<'a>> {
    let mut segments = path.segments();
    let mut at = top.get(segments.next()?)?;
    for segment in segments {
        at = Members::parse(at.get()).ok()?.get(segment)?;
    }
    Some(at)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use bivouac_journal::clock::Order;
    use bivouac_journal::ids::LayerId;
    use bivouac_journal::json::Json;

    use super::*;

    fn state(values: &[(Path, Option<&str>)]) -> ObjectState {
        let register =
            |value: &Option<&str>| Register { order: Order::server(1), value: value.map(Json::trusted), row: 1 };
        ObjectState::from_registers(values.iter().map(|(p, v)| (p.clone(), register(v))).collect())
    }

    #[test]
    fn a_feature_is_written_with_its_numbers_as_they_came() {
        let object = Object::Feature(LayerId::trusted("l"), FeatureId::trusted("abcde"));
        let state = state(&[
            (Path::geometry(), Some(r#"{"type":"Point","coordinates":[1.50,2]}"#)),
            (Path::property("na\"me"), Some("1e2")),
            (Path::property("gone"), None),
            (Path::option("color"), None),
            (Path::of(&["bbox"]), Some("[1, 2]")),
            (Path::existence(), Some("true")),
        ]);
        let text = shown(&object, &state);
        assert_eq!(
            text,
            r#"{"type":"Feature","geometry":{"type":"Point","coordinates":[1.50,2]},"properties":{"na\"me":1e2},"bbox":[1, 2],"id":"abcde"}"#
        );
        let id = FeatureId::trusted("abcde");
        assert_eq!(Json::trusted(&text), Json::from_value(&project::feature(&id, &state)));
    }

    #[test]
    fn a_value_is_read_back_at_its_path() {
        let parts = Parts::of(r#"{"a":{"b":{"c":7}},"properties":{"n":1.0,"_umap_options":{"o":"x"}}}"#);
        assert_eq!(parts.get(&Path::property("n")), Some("1.0"));
        assert_eq!(parts.get(&Path::option("o")), Some("\"x\""));
        assert_eq!(parts.get(&Path::of(&["a", "b", "c"])), Some("7"));
        assert_eq!(parts.get(&Path::of(&["a", "x", "c"])), None);
    }
}
