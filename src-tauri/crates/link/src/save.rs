//! What is read and saved of a layer; a save that names no reference cannot be written down.

use std::fmt;

use crate::document::LayerEntry;
use crate::error::LinkError;

/// The version that an edit is based on. It cannot be empty (rule 29): the server takes a save
/// without it as an unconditional overwrite.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reference(String);

impl Reference {
    /// A version as the server named it.
    ///
    /// # Errors
    /// [`LinkError::BadArgument`] when it is empty or holds anything but letters, digits, `_`, `-`.
    pub fn new(version: impl Into<String>) -> Result<Self, LinkError> {
        let version = version.into();
        let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
        if version.is_empty() || version.len() > 64 || !version.bytes().all(is_plain) {
            return Err(LinkError::BadArgument {
                action: "naming the version that an edit is based on",
                detail: "it is no version of a layer",
            });
        }
        Ok(Self(version))
    }

    /// The version's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A layer to be created or saved, whole: the server resets what is not sent.
#[derive(Clone, PartialEq, Eq)]
pub struct LayerSave {
    /// The layer's UUID.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its place among its siblings.
    pub rank: i64,
    /// The layer that it lies in.
    pub parent: Option<String>,
    /// Its properties: a JSON object.
    pub settings: String,
    /// Whether it is shown at first. The server reads it back from `displayOnLoad` in `settings`,
    /// and from here only when those are empty: both should say the same.
    pub display_on_load: bool,
    /// The whole file, sent byte for byte.
    pub geojson: String,
}

impl fmt::Debug for LayerSave {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LayerSave").field("id", &self.id).field("bytes", &self.geojson.len()).finish_non_exhaustive()
    }
}

/// A layer's file as the server holds it.
#[derive(Clone, PartialEq, Eq)]
pub struct LayerDocument {
    /// The file, byte for byte. The server checks nothing: it may be no JSON at all.
    pub body: String,
    /// The version that it is.
    pub version: Reference,
    /// The server's clock, in milliseconds since 1970.
    pub server_time_ms: Option<i64>,
}

impl fmt::Debug for LayerDocument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LayerDocument")
            .field("version", &self.version)
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// One kept version of a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// Its reference.
    pub reference: Reference,
    /// When it was saved by the server's clock, in milliseconds since 1970.
    pub at_ms: i64,
    /// The file's size in bytes.
    pub size: u64,
    /// The file's name on the server.
    pub name: String,
}

/// The server's answer to a created or saved layer.
#[derive(Clone)]
pub struct Saved {
    /// The new version.
    pub version: Reference,
    /// The whole document, verbatim, when the server merged ours with a newer one; its
    /// `properties` are theirs. It can also be a left-over of an earlier merge in the same session
    /// whose form was refused, so it is never proof that this save was merged.
    pub merged: Option<String>,
    /// The layer as the server lists it now.
    pub layer: LayerEntry,
    /// The server's clock, in milliseconds since 1970.
    pub server_time_ms: Option<i64>,
}

impl fmt::Debug for Saved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Saved")
            .field("version", &self.version)
            .field("merged", &self.merged.is_some())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_cannot_be_empty_or_break_out_of_its_header() {
        for bad in ["", " ", "1\r\nX: y", "1 2", "a/b"] {
            assert!(Reference::new(bad).is_err(), "{bad:?}");
        }
        assert_eq!(Reference::new("1795466347973").unwrap().as_str(), "1795466347973");
    }
}
