//! The key path of a register: which part of an object a write replaces.
//!
//! On the wire a key is text with dots. Only keys that uMap itself writes are let in
//! (rule 35); a property whose name holds a dot exists in documents only and has no wire key.

use std::fmt;
use std::sync::{Arc, LazyLock};

use crate::hash::HashMap;

/// The most segments of a key (rule 35).
pub const MAX_SEGMENTS: usize = 6;
/// The most bytes of a key (rule 35).
pub const MAX_BYTES: usize = 256;

/// Separates the segments inside [`Path`]; cannot occur in a name.
const SEPARATOR: char = '\u{1f}';
const SEPARATOR_BYTE: u8 = 0x1f;

/// What the server adds to a map's properties when it hands them out; never a setting, never
/// written by an operation (rules 10 and 34).
pub const INJECTED: [&str; 31] = [
    "permissions",
    "urls",
    "tilelayers",
    "editMode",
    "schema",
    "id",
    "starred",
    "stars",
    "licences",
    "umap_version",
    "featuresHaveOwner",
    "websocketEnabled",
    "importers",
    "defaultLabelKeys",
    "help_links",
    "created_at",
    "modified_at",
    "edit_statuses",
    "datalayer_edit_statuses",
    "share_statuses",
    "shortUrl",
    "user",
    "lang",
    "locale",
    "author",
    "datalayers",
    "owner",
    "editors",
    "team",
    "edit_status",
    "share_status",
];

/// The kind of object that a key belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The map.
    Map,
    /// A layer.
    Layer,
    /// A feature.
    Feature,
}

/// The path of one register within its object.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Path(Arc<str>);

impl Path {
    /// The stored form of [`Path::existence`].
    pub const EXISTENCE: &str = "@";
    /// The stored form of [`Path::geometry`].
    pub const GEOMETRY: &str = "geometry";

    /// Whether this is [`Path::existence`].
    #[must_use]
    pub fn is_existence(&self) -> bool {
        &*self.0 == Self::EXISTENCE
    }

    /// Whether this is [`Path::geometry`].
    #[must_use]
    pub fn is_geometry(&self) -> bool {
        &*self.0 == Self::GEOMETRY
    }

    /// The register that says whether the object is alive (M3).
    #[must_use]
    pub fn existence() -> Self {
        static EXISTENCE: LazyLock<Path> = LazyLock::new(|| Path(Path::EXISTENCE.into()));
        EXISTENCE.clone()
    }

    /// The geometry of a feature, one register (M2).
    #[must_use]
    pub fn geometry() -> Self {
        static GEOMETRY: LazyLock<Path> = LazyLock::new(|| Path(Path::GEOMETRY.into()));
        GEOMETRY.clone()
    }

    /// A path of these segments, not checked against the allow-list: for documents.
    #[must_use]
    pub fn of(segments: &[&str]) -> Self {
        let mut text = String::new();
        Self(Self::stored(&mut text, segments).into())
    }

    /// The stored form of [`Path::of`], written over what the buffer held.
    pub(crate) fn stored<'b>(text: &'b mut String, segments: &[&str]) -> &'b str {
        text.clear();
        for (place, segment) in segments.iter().enumerate() {
            if place > 0 {
                text.push(SEPARATOR);
            }
            if segment.contains(SEPARATOR) {
                text.extend(segment.chars().filter(|c| *c != SEPARATOR));
            } else {
                text.push_str(segment);
            }
        }
        text
    }

    /// The register of a feature's or layer's or map's property.
    #[must_use]
    pub fn property(name: &str) -> Self {
        Self::of(&["properties", name])
    }

    /// The register of a style option of a feature.
    #[must_use]
    pub fn option(name: &str) -> Self {
        Self::of(&["properties", "_umap_options", name])
    }

    /// Reads a key from the wire; `None` when it is not one that uMap writes (rule 35).
    #[must_use]
    pub fn from_wire(subject: Subject, key: &str) -> Option<Self> {
        if key.len() > MAX_BYTES || key.chars().any(char::is_control) {
            return None;
        }
        let segments: Vec<&str> = key.split('.').collect();
        let poisonous = |s: &&str| matches!(*s, "" | "__proto__" | "prototype" | "constructor");
        if segments.len() > MAX_SEGMENTS || segments.iter().any(poisonous) {
            return None;
        }
        let allowed = match (subject, segments.as_slice()) {
            (Subject::Feature, ["geometry"])
            | (Subject::Feature, ["properties", _] | ["properties", "_umap_options", _])
            | (Subject::Layer, ["properties" | "rank" | "parentId" | "referenceVersion"])
            | (Subject::Layer, ["properties", _, ..]) => true,
            (Subject::Map, ["properties", name, ..]) => !INJECTED.contains(name),
            (Subject::Map | Subject::Layer | Subject::Feature, _) => false,
        };
        allowed.then(|| Self::of(&segments))
    }

    /// The key for the wire; `None` when it has none, such as a name with a dot.
    #[must_use]
    pub fn to_wire(&self, subject: Subject) -> Option<String> {
        let key = self.to_string();
        (Self::from_wire(subject, &key).as_ref() == Some(self)).then_some(key)
    }

    /// The names from the object down to the register.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        self.0.split(SEPARATOR)
    }

    /// The one name below `container`, when that is all that this path has; `None` for others.
    #[must_use]
    pub fn directly_below(&self, container: &[&str]) -> Option<&str> {
        let mut rest = &*self.0;
        for name in container {
            rest = rest.strip_prefix(name)?.strip_prefix(SEPARATOR)?;
        }
        (!rest.as_bytes().contains(&SEPARATOR_BYTE)).then_some(rest)
    }

    /// Whether a write here replaces `other` too (M1); a path does not cover itself.
    #[must_use]
    pub fn covers(&self, other: &Path) -> bool {
        other.0.strip_prefix(&*self.0).is_some_and(|rest| rest.starts_with(SEPARATOR))
    }

    /// The paths above this one, nearest last.
    pub fn ancestors(&self) -> impl Iterator<Item = Path> + '_ {
        self.0.match_indices(SEPARATOR).map(|(at, _)| Path(self.0.get(..at).unwrap_or("").into()))
    }

    /// As [`Path::ancestors`], in the stored form.
    pub fn stored_ancestors(&self) -> impl Iterator<Item = &str> + '_ {
        self.0.match_indices(SEPARATOR).map(|(at, _)| self.0.get(..at).unwrap_or(""))
    }

    /// The form kept in the database.
    #[must_use]
    pub fn as_stored(&self) -> &str {
        &self.0
    }

    /// Reads the form kept in the database.
    #[must_use]
    pub fn from_stored(text: &str) -> Self {
        Self(text.into())
    }
}

/// Paths that repeat, made once and shared: a long list writes few different ones.
#[derive(Debug, Default)]
pub struct Paths {
    known: HashMap<Arc<str>, Path>,
    buffer: String,
}

impl Paths {
    /// So many are kept.
    const MOST: usize = 4096;

    /// As [`Path::of`].
    pub(crate) fn of(&mut self, segments: &[&str]) -> Path {
        let text = Path::stored(&mut self.buffer, segments);
        if let Some(path) = self.known.get(text) {
            return path.clone();
        }
        let path = Path(text.into());
        if self.known.len() < Self::MOST {
            self.known.insert(path.0.clone(), path.clone());
        }
        path
    }
}

/// Equal paths are mostly the very same one.
impl Ord for Path {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        if Arc::ptr_eq(&self.0, &other.0) { std::cmp::Ordering::Equal } else { self.0.cmp(&other.0) }
    }
}

impl PartialOrd for Path {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// Maps by path are looked into by the stored form.
impl std::borrow::Borrow<str> for Path {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, segment) in self.segments().enumerate() {
            if place > 0 {
                f.write_str(".")?;
            }
            f.write_str(segment)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_35_only_keys_that_umap_writes_are_let_in() {
        let cases = [
            (Subject::Feature, "geometry", true),
            (Subject::Feature, "properties.name", true),
            (Subject::Feature, "properties._umap_options.color", true),
            (Subject::Feature, "properties", false),
            (Subject::Feature, "properties.nested.x", false),
            (Subject::Feature, "id", false),
            (Subject::Feature, "properties.__proto__", false),
            (Subject::Feature, "properties._umap_options.constructor", false),
            (Subject::Layer, "properties", true),
            (Subject::Layer, "properties.heat.radius", true),
            (Subject::Layer, "rank", true),
            (Subject::Layer, "parentId", true),
            (Subject::Layer, "referenceVersion", true),
            (Subject::Layer, "permissions.edit_status", false),
            (Subject::Layer, "properties.a.b.c.d.e", true),
            (Subject::Layer, "properties.a.b.c.d.e.f", false),
            (Subject::Map, "properties.name", true),
            (Subject::Map, "properties.slideshow.active", true),
            (Subject::Map, "name", false),
            (Subject::Map, "properties", false),
            (Subject::Map, "properties.permissions.edit_status", false),
            (Subject::Map, "properties..x", false),
        ];
        for (subject, key, allowed) in cases {
            assert_eq!(Path::from_wire(subject, key).is_some(), allowed, "{subject:?} {key}");
        }
        assert!(Path::from_wire(Subject::Map, &format!("properties.{}", "x".repeat(300))).is_none());
    }

    #[test]
    fn a_path_covers_what_lies_below_it() {
        let all = Path::of(&["properties"]);
        let name = Path::property("name");
        assert!(all.covers(&name) && all.covers(&Path::option("color")));
        assert!(!name.covers(&Path::property("name2")) && !name.covers(&name));
        assert_eq!(Path::option("c").ancestors().count(), 2);
        assert_eq!(Path::existence().ancestors().count(), 0);
    }

    #[test]
    fn a_name_with_a_dot_has_no_wire_key() {
        let dotted = Path::property("a.b");
        assert_eq!(dotted.to_wire(Subject::Feature), None);
        assert_eq!(Path::property("ab").to_wire(Subject::Feature).as_deref(), Some("properties.ab"));
    }
}
