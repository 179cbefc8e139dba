//! Layer documents as the server keeps them: every feature's text untouched, every id usable.
//!
//! A feature without a usable id gets one derived from its content, the same on every laptop
//! that reads the document (rule 24). An id that stands there twice is one feature when it was
//! known before, for the server's own merge doubles additions (rule 20); otherwise the second
//! one gets a derived id, and keeps it at every later reading until the layer is saved.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde_json::Value;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use crate::ids::{FeatureId, LayerId};
use crate::json::{Json, Members, Raw, canonical, depth_is_fine};

/// Why a document could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// Not a JSON object with a list of features.
    #[error("read a layer document: {0}")]
    Malformed(String),
    /// Nested deeper than [`crate::json::MAX_DEPTH`].
    #[error("read a layer document: nested deeper than 64")]
    TooDeep,
}

/// One feature of a document.
#[derive(Clone, Debug, PartialEq)]
pub struct DocumentFeature {
    /// Its id, from the document or derived.
    pub id: FeatureId,
    /// Whether the id was derived: the layer has to be saved before it is spoken of (rule 24).
    pub derived: bool,
    /// The feature's text, byte for byte as it stands there, but for a derived id.
    pub text: Json,
}

/// One layer's document.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerDocument {
    /// The features in their order; an id twice only for variants of one known feature.
    pub features: Vec<DocumentFeature>,
    /// Every other member as it came, as one JSON object.
    pub rest: Json,
    /// Whether the document differs from what these features would write: doubled features or
    /// derived ids, so that it has to be saved once.
    pub unclean: bool,
}

/// Reads a layer document. `known` tells whether an id was known on this layer before.
///
/// # Errors
/// When it is not a document at all; single features that are not objects are left out and make
/// the document unclean.
pub fn parse(layer: &LayerId, body: &str, known: impl Fn(&FeatureId) -> bool) -> Result<LayerDocument, DocumentError> {
    if !depth_is_fine(body) {
        return Err(DocumentError::TooDeep);
    }
    let malformed = |e: serde_json::Error| DocumentError::Malformed(e.to_string());
    let members = Members::parse(body).map_err(malformed)?;
    let raw_features: Vec<&RawValue> = match members.get("features") {
        Some(raw) => serde_json::from_str(raw.get()).map_err(malformed)?,
        None => return Err(DocumentError::Malformed("no features".to_owned())),
    };
    let rest = Members(members.0.iter().filter(|(name, _)| name != "features").cloned().collect());
    let rest = Json::trusted(&serde_json::to_string(&rest).map_err(malformed)?);
    let mut reader = Reader { layer, features: Vec::new(), unclean: false, seen: BTreeSet::new() };
    let mut later: Vec<(Raw<'_>, Members<'_>)> = Vec::new();
    for raw in raw_features.into_iter().map(Raw::from) {
        let Ok(members) = Members::parse(raw.get()) else {
            reader.unclean = true;
            continue;
        };
        match members.text("id").as_deref().and_then(FeatureId::parse) {
            Some(id) if reader.seen.insert(id.clone()) => reader.keep(id, raw),
            Some(id) if reader.holds(&id, raw) => reader.unclean = true,
            // A variant of a known feature, unless it was told apart from it at an earlier reading.
            Some(id) if known(&id) && !known(&reader.first_derived(raw)) => {
                reader.unclean = true;
                reader.keep(id, raw);
            }
            Some(_) | None => later.push((raw, members)),
        }
    }
    for (raw, members) in later {
        reader.derive(raw, &members);
    }
    Ok(LayerDocument { features: reader.features, rest, unclean: reader.unclean })
}

struct Reader<'a> {
    layer: &'a LayerId,
    features: Vec<DocumentFeature>,
    unclean: bool,
    seen: BTreeSet<FeatureId>,
}

impl Reader<'_> {
    fn keep(&mut self, id: FeatureId, raw: Raw<'_>) {
        self.features.push(DocumentFeature { id, derived: false, text: Json::from_raw(raw) });
    }

    fn holds(&self, id: &FeatureId, raw: Raw<'_>) -> bool {
        let text = Json::from_raw(raw);
        self.features.iter().any(|feature| &feature.id == id && feature.text == text)
    }

    /// The id that this feature gets when it has none.
    fn first_derived(&self, raw: Raw<'_>) -> FeatureId {
        derived_id(self.layer, &content(&Json::from_raw(raw)), 0)
    }

    /// The id is a hash of layer, content and occurrence, so that every laptop finds the same.
    fn derive(&mut self, raw: Raw<'_>, members: &Members<'_>) {
        self.unclean = true;
        let content = content(&Json::from_raw(raw));
        let id = (0_u32..1000)
            .map(|occurrence| derived_id(self.layer, &content, occurrence))
            .find(|id| self.seen.insert(id.clone()));
        let Some(id) = id else { return };
        let quoted = format!("\"{id}\"");
        let Ok(value) = serde_json::from_str::<&RawValue>(&quoted) else {
            return;
        };
        let mut with_id = Members(members.0.iter().filter(|(name, _)| name != "id").cloned().collect());
        with_id.0.push((Cow::Borrowed("id"), Raw::from(value)));
        let Ok(text) = serde_json::to_string(&with_id) else {
            return;
        };
        self.features.push(DocumentFeature { id, derived: true, text: Json::trusted(&text) });
    }
}

fn derived_id(layer: &LayerId, content: &str, occurrence: u32) -> FeatureId {
    let digest = Sha256::new()
        .chain_update(layer.as_str())
        .chain_update([0])
        .chain_update(content)
        .chain_update(occurrence.to_le_bytes())
        .finalize();
    let bits = digest.iter().take(8).fold(0_u64, |bits, byte| (bits << 8) | u64::from(*byte));
    FeatureId::from_bits(bits)
}

/// A feature's content without its id, in one spelling: to recognise it under another id.
#[must_use]
pub fn content(feature: &Json) -> String {
    match feature.value() {
        Value::Object(mut members) => {
            members.shift_remove("id");
            canonical(&Value::Object(members))
        }
        other => canonical(&other),
    }
}

/// Writes a layer document around feature texts, as a browser does: type, features, the
/// layer's properties, id, rank and, in a group, parent.
#[must_use]
pub fn assemble<'a>(
    layer: &LayerId,
    features: impl Iterator<Item = &'a str>,
    properties: &Value,
    rank: i64,
    parent: Option<&LayerId>,
) -> String {
    let mut text = String::from("{\"type\":\"FeatureCollection\",\"features\":[");
    for (place, feature) in features.enumerate() {
        if place > 0 {
            text.push(',');
        }
        text.push_str(feature);
    }
    text.push_str(&format!("],\"properties\":{properties},\"id\":\"{layer}\",\"rank\":{rank}"));
    if let Some(parent) = parent {
        text.push_str(&format!(",\"parent\":\"{parent}\""));
    }
    text.push('}');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer() -> LayerId {
        LayerId::parse("28dbd2a5-bbd6-4ad3-a94d-e8e38ee5fece").unwrap()
    }

    fn point(id: &str, name: &str) -> String {
        let id = if id.is_empty() { String::new() } else { format!(",\"id\":\"{id}\"") };
        format!(
            r#"{{"type":"Feature","geometry":{{"type":"Point","coordinates":[1.50,2]}},"properties":{{"name":"{name}"}}{id}}}"#
        )
    }

    fn body(features: &[String]) -> String {
        format!(r#"{{"type":"FeatureCollection","features":[{}],"_umap_options":{{}}}}"#, features.join(","))
    }

    #[test]
    fn rule_32_the_text_of_a_feature_is_kept_byte_for_byte() {
        let text = point("abcde", "x");
        let document = parse(&layer(), &body(std::slice::from_ref(&text)), |_| false).unwrap();
        assert_eq!(document.features[0].text.as_str(), text);
        assert!(!document.unclean);
        assert_eq!(document.rest.as_str(), r#"{"type":"FeatureCollection","_umap_options":{}}"#);
    }

    #[test]
    fn rule_24_a_feature_without_an_id_gets_the_same_one_on_every_laptop() {
        let text = body(&[point("", "a"), point("too-long", "a"), point("", "a")]);
        let one = parse(&layer(), &text, |_| false).unwrap();
        let two = parse(&layer(), &text, |_| false).unwrap();
        assert_eq!(one, two);
        let ids: BTreeSet<_> = one.features.iter().map(|f| f.id.clone()).collect();
        assert_eq!(ids.len(), 3, "each one has its own");
        assert!(one.unclean && one.features.iter().all(|f| f.derived));
    }

    #[test]
    fn rule_20_a_doubled_addition_is_one_feature() {
        let same = body(&[point("abcde", "x"), point("abcde", "x")]);
        assert_eq!(parse(&layer(), &same, |_| false).unwrap().features.len(), 1);
        let differing = body(&[point("abcde", "x"), point("abcde", "y")]);
        let known = parse(&layer(), &differing, |id| id.as_str() == "abcde").unwrap();
        assert!(known.features.iter().all(|f| f.id.as_str() == "abcde") && known.unclean);
        let unknown = parse(&layer(), &differing, |_| false).unwrap();
        assert_ne!(unknown.features[0].id, unknown.features[1].id);
    }

    #[test]
    fn rule_24_two_features_of_one_id_stay_two_however_often_they_are_read() {
        let (one, two) = (point("abcde", "one"), point("abcde", "two"));
        let first = parse(&layer(), &body(&[one.clone(), two.clone()]), |_| false).unwrap();
        let ids: BTreeSet<FeatureId> = first.features.iter().map(|f| f.id.clone()).collect();
        assert_eq!(ids.len(), 2);
        let again = parse(&layer(), &body(&[one.clone(), two.clone()]), |id| ids.contains(id)).unwrap();
        assert_eq!(again, first);
        // Also when the one that kept the id has changed meanwhile.
        let changed = parse(&layer(), &body(&[point("abcde", "three"), two]), |id| ids.contains(id)).unwrap();
        assert_eq!(changed.features.iter().map(|f| f.id.clone()).collect::<BTreeSet<_>>(), ids);
    }

    #[test]
    fn what_is_no_document_is_refused() {
        for bad in ["", "[]", "{}", r#"{"features":{}}"#, "<html>"] {
            assert!(parse(&layer(), bad, |_| false).is_err(), "{bad}");
        }
    }
}
