//! JSON values kept as the text in which they came.
//!
//! A coordinate that is parsed and printed again may count as an edit on the server (rule 32),
//! so values travel as text and are parsed only to be compared or looked into.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::de::{Deserializer, MapAccess, Visitor};
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::scan;

/// The deepest nesting of arrays and objects that is read from anybody.
pub const MAX_DEPTH: usize = 64;

/// One JSON value where it stands, inside a text that was found to be JSON.
#[derive(Clone, Copy, Debug)]
pub struct Raw<'a>(&'a str);

impl<'a> Raw<'a> {
    /// A part of a text that was found to be JSON.
    pub(crate) fn of(text: &'a str) -> Self {
        Self(text)
    }

    /// The value's text.
    #[must_use]
    pub fn get(self) -> &'a str {
        self.0
    }
}

impl<'a> From<&'a RawValue> for Raw<'a> {
    fn from(raw: &'a RawValue) -> Self {
        Self(raw.get())
    }
}

impl Serialize for Raw<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw: &RawValue = serde_json::from_str(self.0).map_err(serde::ser::Error::custom)?;
        raw.serialize(serializer)
    }
}

/// One JSON value as text. Equality is of meaning: `1` equals `1.0`, member order is free.
///
/// A value may be a part of another's text and then shares it.
#[derive(Clone)]
pub struct Json {
    text: Arc<str>,
    from: u32,
    to: u32,
}

impl Json {
    /// Takes text that a JSON parser has already accepted.
    #[must_use]
    pub fn from_raw(raw: Raw<'_>) -> Self {
        Self::trusted(raw.get())
    }

    /// A value that stands inside this one's text; `part` has to come from [`Json::as_str`].
    pub(crate) fn part(&self, part: Raw<'_>) -> Self {
        Self::inside(&self.text, part.get())
    }

    /// A value that stands inside a text which was found to be JSON, and shares it.
    #[must_use]
    pub fn inside(text: &Arc<str>, part: &str) -> Self {
        let start = (part.as_ptr() as usize).wrapping_sub(text.as_ptr() as usize);
        let end = start.wrapping_add(part.len());
        match (u32::try_from(start), u32::try_from(end)) {
            (Ok(from), Ok(to)) if end <= text.len() => Self { text: text.clone(), from, to },
            _ => Self::trusted(part),
        }
    }

    /// Checks that `text` is one JSON value and keeps it as it is.
    ///
    /// # Errors
    /// When the text is not JSON.
    pub fn parse(text: &str) -> Result<Self, serde_json::Error> {
        let raw: &RawValue = serde_json::from_str(text)?;
        Ok(Self::trusted(raw.get()))
    }

    /// Text that was checked before, such as text read back from the database.
    #[must_use]
    pub fn trusted(text: &str) -> Self {
        Self::whole(text.into())
    }

    fn whole(text: Arc<str>) -> Self {
        // Nothing that comes in is as long as that: messages are bounded, and so is SQLite's text.
        let to = u32::try_from(text.len()).unwrap_or(u32::MAX);
        Self { text, from: 0, to }
    }

    /// Writes a parsed value.
    #[must_use]
    pub fn from_value(value: &Value) -> Self {
        Self::whole(value.to_string().into())
    }

    /// A JSON string.
    #[must_use]
    pub fn string(text: &str) -> Self {
        Self::from_value(&Value::String(text.to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let (from, to) = (usize::try_from(self.from).unwrap_or(0), usize::try_from(self.to).unwrap_or(0));
        self.text.get(from..to).unwrap_or(&self.text)
    }

    /// The parsed value; `null` should the text be unreadable, which its constructors rule out.
    #[must_use]
    pub fn value(&self) -> Value {
        serde_json::from_str(self.as_str()).unwrap_or(Value::Null)
    }

    /// The text when this is a JSON string.
    #[must_use]
    pub fn as_text(&self) -> Option<String> {
        match self.value() {
            Value::String(text) => Some(text),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => None,
        }
    }

    /// One text for all spellings of the same value.
    #[must_use]
    pub fn canonical(&self) -> String {
        canonical(&self.value())
    }
}

impl PartialEq for Json {
    fn eq(&self, other: &Self) -> bool {
        if self.as_str() == other.as_str() {
            return true;
        }
        // Of these, unequal texts are unequal values.
        if is_one_spelling(self.as_str()) && is_one_spelling(other.as_str()) {
            return false;
        }
        same(&self.value(), &other.value())
    }
}

/// Whether the text is a string without escapes, `true`, `false` or `null`, and nothing around it.
fn is_one_spelling(text: &str) -> bool {
    match text.as_bytes() {
        [b'"', inside @ .., b'"'] => !inside.contains(&b'\\'),
        other => matches!(other, b"true" | b"false" | b"null"),
    }
}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Raw(self.as_str()).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Ok(Self::trusted(raw.get()))
    }
}

/// Whether two values mean the same to uMap's server: numbers by value, members in any order.
#[must_use]
pub fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => {
            a == b || matches!((a.as_f64(), b.as_f64()), (Some(a), Some(b)) if a == b)
        }
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(k, v)| b.get(k).is_some_and(|other| same(v, other)))
        }
        (a, b) => a == b,
    }
}

/// Writes a value with sorted members and one spelling for each number.
#[must_use]
pub fn canonical(value: &Value) -> String {
    let mut out = String::new();
    write_canonical(value, &mut out);
    out
}

fn write_canonical(value: &Value, out: &mut String) {
    match value {
        Value::Object(map) => {
            let mut members: Vec<_> = map.iter().collect();
            members.sort_unstable_by(|a, b| a.0.cmp(b.0));
            out.push('{');
            for (place, (key, member)) in members.into_iter().enumerate() {
                if place > 0 {
                    out.push(',');
                }
                out.push_str(&Value::String(key.clone()).to_string());
                out.push(':');
                write_canonical(member, out);
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (place, item) in items.iter().enumerate() {
                if place > 0 {
                    out.push(',');
                }
                write_canonical(item, out);
            }
            out.push(']');
        }
        Value::Number(number) => match number.as_f64() {
            // Whole numbers that a float holds exactly are written without a fraction.
            Some(float) if float.fract() == 0.0 && float.abs() < 9e15 => {
                out.push_str(&format!("{float:.0}"));
                if float == 0.0 && out.ends_with("-0") {
                    out.truncate(out.len() - 2);
                    out.push('0');
                }
            }
            Some(_) | None => out.push_str(&number.to_string()),
        },
        Value::Null | Value::Bool(_) | Value::String(_) => out.push_str(&value.to_string()),
    }
}

/// Whether nesting stays within [`MAX_DEPTH`], told by a flat pass before any parser recurses.
#[must_use]
pub fn depth_is_fine(text: &str) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in text.bytes() {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'{' | b'[' => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return false;
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    true
}

/// The members of one JSON object in their order, values unparsed.
#[derive(Clone, Debug, Default)]
pub struct Members<'a>(pub Vec<(Cow<'a, str>, Raw<'a>)>);

impl<'a> Members<'a> {
    /// Splits an object's text into its members.
    ///
    /// # Errors
    /// When the text is not a JSON object.
    pub fn parse(text: &'a str) -> Result<Self, serde_json::Error> {
        match scan::members(text) {
            Some(members) => Ok(Self(members)),
            None => serde_json::from_str(text),
        }
    }

    /// The last member of that name, as JSON parsers in browsers see it.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Raw<'a>> {
        self.0.iter().rev().find(|(key, _)| key == name).map(|(_, value)| *value)
    }

    /// The text of a member that is a JSON string.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<Cow<'a, str>> {
        self.get(name).and_then(string)
    }
}

/// The text of a raw value that is a JSON string.
#[must_use]
pub fn string(raw: Raw<'_>) -> Option<Cow<'_, str>> {
    let inside = raw.get().strip_prefix('"')?.strip_suffix('"')?;
    // Without an escape the text is what stands there.
    if !inside.as_bytes().contains(&b'\\') {
        return Some(Cow::Borrowed(inside));
    }
    #[derive(Deserialize)]
    struct Borrowed<'a>(#[serde(borrow)] Cow<'a, str>);
    let Borrowed(text) = serde_json::from_str(raw.get()).ok()?;
    Some(text)
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each<'a>(std::marker::PhantomData<&'a ()>);
        impl<'de: 'a, 'a> Visitor<'de> for Each<'a> {
            type Value = Members<'a>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'a>, A::Error> {
                #[derive(Deserialize)]
                struct Name<'a>(#[serde(borrow)] Cow<'a, str>);
                let mut members = Vec::with_capacity(8);
                while let Some(Name(key)) = map.next_key()? {
                    members.push((key, Raw::from(map.next_value::<&'de RawValue>()?)));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Each(std::marker::PhantomData))
    }
}

impl Serialize for Members<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (key, value) in &self.0 {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equality_is_of_meaning() {
        let json = |text: &str| Json::parse(text).unwrap();
        assert_eq!(json(r#"{"a":1,"b":[2.0]}"#), json(r#"{ "b" : [2], "a" : 1.0 }"#));
        assert_ne!(json("null"), json("0"));
        assert_ne!(json("[1,2]"), json("[2,1]"));
        assert_eq!(json("1.0").canonical(), json("1").canonical());
        assert_eq!(json("-0.0").canonical(), json("0").canonical());
    }

    #[test]
    fn nesting_is_bounded_before_parsing() {
        assert!(depth_is_fine(&("[".repeat(64) + &"]".repeat(64))));
        assert!(!depth_is_fine(&"[".repeat(65)));
        assert!(depth_is_fine(&format!("\"{}\\\"[\"", "[".repeat(500))));
    }

    #[test]
    fn members_keep_order_and_text() {
        let text = r#"{"z":1.50,"a":{"x":[1, 2]}}"#;
        let members = Members::parse(text).unwrap();
        assert_eq!(serde_json::to_string(&members).unwrap(), text);
        assert_eq!(members.get("z").unwrap().get(), "1.50");
    }
}
