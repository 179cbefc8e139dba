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

/// The deepest nesting of arrays and objects that is read from anybody.
pub const MAX_DEPTH: usize = 64;

/// One JSON value as text. Equality is of meaning: `1` equals `1.0`, member order is free.
#[derive(Clone)]
pub struct Json(Arc<str>);

impl Json {
    /// Takes text that a JSON parser has already accepted.
    #[must_use]
    pub fn from_raw(raw: &RawValue) -> Self {
        Self(raw.get().into())
    }

    /// Checks that `text` is one JSON value and keeps it as it is.
    ///
    /// # Errors
    /// When the text is not JSON.
    pub fn parse(text: &str) -> Result<Self, serde_json::Error> {
        let raw: &RawValue = serde_json::from_str(text)?;
        Ok(Self::from_raw(raw))
    }

    /// Text that was checked before, such as text read back from the database.
    #[must_use]
    pub fn trusted(text: &str) -> Self {
        Self(text.into())
    }

    /// Writes a parsed value.
    #[must_use]
    pub fn from_value(value: &Value) -> Self {
        Self(value.to_string().into())
    }

    /// A JSON string.
    #[must_use]
    pub fn string(text: &str) -> Self {
        Self::from_value(&Value::String(text.to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The parsed value; `null` should the text be unreadable, which its constructors rule out.
    #[must_use]
    pub fn value(&self) -> Value {
        serde_json::from_str(&self.0).unwrap_or(Value::Null)
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
        if self.0 == other.0 {
            return true;
        }
        // Of these, unequal texts are unequal values.
        if is_one_spelling(&self.0) && is_one_spelling(&other.0) {
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
        f.write_str(&self.0)
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw: &RawValue = serde_json::from_str(&self.0).map_err(serde::ser::Error::custom)?;
        raw.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Ok(Self::from_raw(&raw))
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
pub struct Members<'a>(pub Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Members<'a> {
    /// Splits an object's text into its members.
    ///
    /// # Errors
    /// When the text is not a JSON object.
    pub fn parse(text: &'a str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// The last member of that name, as JSON parsers in browsers see it.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&'a RawValue> {
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
pub fn string(raw: &RawValue) -> Option<Cow<'_, str>> {
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
                    members.push((key, map.next_value()?));
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
