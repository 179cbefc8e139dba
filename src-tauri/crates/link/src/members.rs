//! The members of a JSON object in their order, each value kept as the text that it was.
//!
//! What the server holds and we do not understand must come back unchanged, so a value is parsed
//! only where it is looked at.

use std::fmt;

use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// An object's members: name and verbatim value, in the order of the text.
#[derive(Debug, Clone, Default)]
pub(crate) struct Members(Vec<(String, Box<RawValue>)>);

impl Members {
    pub(crate) fn parse(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    pub(crate) fn raw(&self, name: &str) -> Option<&str> {
        // Of doubled members the last one counts, as in browsers.
        let (_, value) = self.0.iter().rev().find(|(key, _)| key == name)?;
        Some(value.get())
    }

    /// The value, when it is there and has the wanted type.
    pub(crate) fn get<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        self.raw(name).and_then(|text| serde_json::from_str(text).ok())
    }

    /// The object's text without the members that `leave_out` names.
    pub(crate) fn text_without(&self, leave_out: &[&str]) -> String {
        let mut text = String::from("{");
        for (name, value) in &self.0 {
            if leave_out.contains(&name.as_str()) {
                continue;
            }
            if text.len() > 1 {
                text.push(',');
            }
            text.push_str(&json_string(name));
            text.push(':');
            text.push_str(value.get());
        }
        text.push('}');
        text
    }
}

/// A text as a JSON string.
pub(crate) fn json_string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Members;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_and_text_of_what_stays_are_untouched() {
        let members = Members::parse(r#"{"b": 1.0, "user": {}, "a":[ 1e2 ],"\u00e9\"":"x" }"#).unwrap();
        assert_eq!(members.text_without(&["user"]), "{\"b\":1.0,\"a\":[ 1e2 ],\"é\\\"\":\"x\"}");
        assert_eq!(members.get::<f64>("b"), Some(1.0));
        assert_eq!(members.get::<String>("b"), None);
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for text in ["[]", "1", "{", "", "{\"a\":1}x"] {
            assert!(Members::parse(text).is_err(), "{text}");
        }
    }
}
