//! The names that uMap gives to things, as types that cannot be mixed up.
//!
//! Layers are UUIDs, features and peers five letters or digits (rule 43). What a peer sends is
//! checked here once; everything above may rely on it.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

macro_rules! name {
    ($(#[$doc:meta])* $name:ident($text:ty)) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name($text);

        impl $name {
            /// The name as it stands on the wire.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// A name that was checked before, such as one read back from the database.
            #[must_use]
            pub fn trusted(text: &str) -> Self {
                Self(text.into())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0)
            }
        }
    };
}

name!(
    /// A layer: a hyphenated UUID. Few, and each shared by all that lies in it.
    LayerId(Arc<str>)
);
name!(
    /// A feature within its layer: five of `[A-Za-z0-9]` (rule 43). Many, so their text stands in place.
    FeatureId(SmolStr)
);
name!(
    /// A connection to a room. A label, never authority (rule 36); fresh for each connection
    /// (rule 12).
    PeerId(Arc<str>)
);

impl LayerId {
    /// Reads a hyphenated UUID of 36 characters; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if is_plain_uuid(text) {
            return Some(Self(text.into()));
        }
        let uuid = uuid::Uuid::try_parse(text).ok()?;
        (text.len() == 36).then(|| Self(uuid.hyphenated().to_string().into()))
    }
}

impl FeatureId {
    /// Reads the form that every browser accepts; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        (text.len() == 5 && text.bytes().all(|b| b.is_ascii_alphanumeric())).then(|| Self(text.into()))
    }

    /// A five-letter id made from 64 bits that the caller drew or derived.
    #[must_use]
    pub fn from_bits(bits: u64) -> Self {
        Self(five_letters(bits).into())
    }
}

impl PeerId {
    /// Reads a peer's label: 1 to 64 characters without control characters.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let fits = !text.is_empty() && text.len() <= 64 && !text.chars().any(char::is_control);
        fits.then(|| Self(text.into()))
    }

    /// A fresh id for one connection, made from 64 bits that the caller drew (rule 12).
    #[must_use]
    pub fn from_bits(bits: u64) -> Self {
        Self(five_letters(bits).into())
    }
}

/// Whether it is a UUID as we write it: hyphens in their places, digits and small letters.
fn is_plain_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(place, byte)| match place {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
        })
}

/// Five of `[A-Za-z0-9]` from 64 bits.
#[must_use]
pub fn five_letters(mut bits: u64) -> String {
    const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut text = String::with_capacity(5);
    for _ in 0..5 {
        let place = usize::try_from(bits % 62).unwrap_or(0);
        text.push(char::from(ALPHABET.get(place).copied().unwrap_or(b'A')));
        bits /= 62;
    }
    text
}

/// What an operation speaks of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Object {
    /// The map itself.
    Map,
    /// One layer.
    Layer(LayerId),
    /// One feature; its id is unique within its layer only (rule 43).
    Feature(LayerId, FeatureId),
}

impl Object {
    /// The layer that this object is or lies in.
    #[must_use]
    pub fn layer(&self) -> Option<&LayerId> {
        match self {
            Object::Map => None,
            Object::Layer(layer) | Object::Feature(layer, _) => Some(layer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_five_letters_or_digits_name_a_feature() {
        for good in ["Rx5xl", "00000", "zzzzz"] {
            assert!(FeatureId::parse(good).is_some(), "{good}");
        }
        for bad in ["", "abcd", "abcdef", "ab-de", "abcdé", "longid123"] {
            assert!(FeatureId::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_layer_is_a_hyphenated_uuid() {
        assert!(LayerId::parse("28dbd2a5-bbd6-4ad3-a94d-e8e38ee5fece").is_some());
        assert!(LayerId::parse("28dbd2a5bbd64ad3a94de8e38ee5fece").is_none());
        assert!(LayerId::parse("../../etc/passwd").is_none());
    }

    #[test]
    fn ids_made_from_bits_are_valid() {
        for bits in [0, 1, u64::MAX, 0x1234_5678_9abc_def0] {
            let id = FeatureId::from_bits(bits);
            assert!(FeatureId::parse(id.as_str()).is_some());
        }
    }
}
