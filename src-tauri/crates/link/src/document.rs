//! A map as the server describes it: its settings, its layers without their features, its rights.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::account::{User, id_text};
use crate::answer::parse;
use crate::error::LinkError;
use crate::members::Members;
use crate::types::{EditStatus, LonLat, Permissions};

/// The keys that the server adds to a map's properties when it shows them, and that must not be
/// saved back.
const INJECTED: &[&str] = &[
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
    "is_template",
    "name",
    "datalayers",
];

/// What the reader of the document may edit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EditMode {
    /// Everything.
    Advanced,
    /// Some layers only.
    Simple,
    /// Nothing.
    Disabled,
}

/// One layer as a map's document lists it, without its features.
#[derive(Clone, PartialEq)]
pub struct LayerEntry {
    /// The layer's UUID.
    pub id: String,
    /// Its place among its siblings.
    pub rank: Option<i64>,
    /// The layer that it lies in.
    pub parent: Option<String>,
    /// Its name.
    pub name: String,
    /// Its properties: a JSON object, verbatim.
    pub settings: String,
    /// Whether it is shown at first; `None` when the settings do not say.
    pub display_on_load: Option<bool>,
    /// Who may edit it.
    pub edit_status: EditStatus,
    /// What the reader may do with it.
    pub edit_mode: EditMode,
    /// The version that a save of it has to name; none for a layer that was never saved.
    pub reference_version: Option<String>,
}

impl fmt::Debug for LayerEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The settings may hold the address of remote data, with its key.
        f.debug_struct("LayerEntry")
            .field("id", &self.id)
            .field("parent", &self.parent)
            .field("reference_version", &self.reference_version)
            .finish_non_exhaustive()
    }
}

/// A map's document, as `/geojson/` gives it.
#[derive(Clone)]
pub struct MapDocument {
    /// The server's number of the map.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its centre.
    pub center: Option<LonLat>,
    /// Its first zoom.
    pub zoom: Option<f64>,
    /// All layers, a layer before those in it, siblings in the server's order.
    pub layers: Vec<LayerEntry>,
    /// What the reader may edit.
    pub edit_mode: EditMode,
    /// Who may do what.
    pub permissions: Permissions,
    /// Whether the map's real time is switched on.
    pub sync_enabled: bool,
    /// Whether the server offers real time at all.
    pub websocket_enabled: bool,
    /// Whoever is signed in.
    pub user: Option<User>,
    /// When the map's settings or layers changed last, as the server writes it (ISO 8601).
    pub modified_at: Option<String>,
    /// The server's uMap version.
    pub umap_version: Option<String>,
    /// Whether the map is a template.
    pub is_template: bool,
    /// The tags, as far as the settings hold them.
    pub tags: Vec<String>,
    /// The server's address templates, by uMap's names.
    pub urls: BTreeMap<String, String>,
    /// The background that the server shows where the map names none: a JSON object of uMap's.
    pub default_background: Option<String>,
    /// The properties, verbatim. They may hold the secret edit link: not to be logged.
    pub properties: String,
    /// The server's clock, in milliseconds since 1970.
    pub server_time_ms: Option<i64>,
    members: Members,
}

impl fmt::Debug for MapDocument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The properties hold the user's data, and the edit link for whoever has that right.
        f.debug_struct("MapDocument")
            .field("id", &self.id)
            .field("layers", &self.layers.len())
            .field("edit_mode", &self.edit_mode)
            .finish_non_exhaustive()
    }
}

impl MapDocument {
    /// The properties that may be saved back: a JSON object without what the server adds, the
    /// rest in its order and its own text.
    pub fn settings(&self) -> String {
        self.members.text_without(INJECTED)
    }

    pub(crate) fn read(action: &'static str, text: &str, server_time_ms: Option<i64>) -> Result<Self, LinkError> {
        let missing = |what: &str| LinkError::protocol(action, format!("it has no usable {what}"));
        let map: WireMap = parse(action, text)?;
        let properties = map.properties.get().to_owned();
        let members = Members::parse(&properties).map_err(|_| missing("properties"))?;
        let id: WireId = members.get("id").ok_or_else(|| missing("id"))?;
        let tree: Vec<WireLayer> = match members.raw("datalayers") {
            None => return Err(missing("list of layers")),
            Some(text) => parse(action, text)?,
        };
        let mut layers = Vec::new();
        for layer in tree {
            layer.flatten(None, &mut layers);
        }
        Ok(Self {
            id: id.0,
            name: members.get("name").unwrap_or_default(),
            center: map.geometry.and_then(WirePoint::position),
            zoom: members.get("zoom"),
            layers,
            edit_mode: members.get("editMode").ok_or_else(|| missing("edit mode"))?,
            permissions: members.get("permissions").ok_or_else(|| missing("permissions"))?,
            // As the browser does: only a real `true` counts.
            sync_enabled: members.get("syncEnabled").unwrap_or(false),
            websocket_enabled: members.get("websocketEnabled").unwrap_or(false),
            user: members.get("user"),
            modified_at: members.get("modified_at"),
            umap_version: members.get("umap_version"),
            is_template: members.get("is_template").unwrap_or(false),
            tags: members.get("tags").unwrap_or_default(),
            urls: members.get("urls").unwrap_or_default(),
            default_background: members
                .get::<Vec<Box<RawValue>>>("tilelayers")
                .and_then(|known| Some(known.first()?.get().to_owned())),
            properties,
            server_time_ms,
            members,
        })
    }
}

#[derive(Deserialize)]
struct WireMap {
    #[serde(default)]
    geometry: Option<WirePoint>,
    properties: Box<RawValue>,
}

#[derive(Deserialize)]
struct WirePoint {
    #[serde(default)]
    coordinates: Vec<f64>,
}

impl WirePoint {
    fn position(self) -> Option<LonLat> {
        match self.coordinates.as_slice() {
            [lon, lat, ..] => Some(LonLat { lon: *lon, lat: *lat }),
            _ => None,
        }
    }
}

#[derive(Deserialize)]
struct WireId(#[serde(deserialize_with = "id_text")] String);

/// A layer in the map's tree, and in the answer to a save.
#[derive(Deserialize)]
pub(crate) struct WireLayer {
    id: String,
    #[serde(default)]
    rank: Option<i64>,
    #[serde(default)]
    parent: Option<String>,
    properties: Box<RawValue>,
    #[serde(default)]
    permissions: Option<WireLayerPermissions>,
    #[serde(default, rename = "editMode")]
    edit_mode: Option<EditMode>,
    #[serde(default, rename = "referenceVersion")]
    reference_version: Option<WireVersion>,
    #[serde(default)]
    layers: Vec<WireLayer>,
}

#[derive(Deserialize)]
struct WireLayerPermissions {
    edit_status: EditStatus,
}

#[derive(Deserialize)]
struct WireVersion(#[serde(deserialize_with = "id_text")] String);

impl WireLayer {
    /// The layer itself; those in it are dropped.
    pub(crate) fn entry(self, parent: Option<&str>) -> LayerEntry {
        let settings = self.properties.get().to_owned();
        let members = Members::parse(&settings).unwrap_or_default();
        LayerEntry {
            id: self.id,
            rank: self.rank,
            parent: self.parent.or_else(|| parent.map(str::to_owned)),
            name: members.get("name").unwrap_or_default(),
            display_on_load: members.get("displayOnLoad"),
            edit_status: self.permissions.map_or(EditStatus::Inherit, |said| said.edit_status),
            // Silence is taken for the lesser right: a save would tell.
            edit_mode: self.edit_mode.unwrap_or(EditMode::Disabled),
            reference_version: self.reference_version.map(|version| version.0),
            settings,
        }
    }

    fn flatten(mut self, parent: Option<&str>, into: &mut Vec<LayerEntry>) {
        let inside = std::mem::take(&mut self.layers);
        let id = self.id.clone();
        into.push(self.entry(parent));
        for layer in inside {
            layer.flatten(Some(&id), into);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAP: &str = r#"{"type":"Feature","geometry":{"type":"Point","coordinates":[1.5,2]},"properties":{
        "zoom": 7.0, "x-ours":{"a":1e2}, "tags":["food"], "syncEnabled": 1, "name":"A", "id":12,
        "editMode":"simple", "umap_version":"3.7.3", "websocketEnabled":true, "user":null,
        "permissions":{"edit_status":3,"share_status":42,"anonymous_edit_url":"https://u.org/en/map/anonymous-edit/12:SIG"},
        "urls":{"whoami":"/en/whoami"},
        "datalayers":[
            {"id":"a","rank":0,"properties":{"name":"Group","remoteData":{"url":"https://k.org/?key=KEY"}},"permissions":{"edit_status":0},"editMode":"advanced","referenceVersion":"1",
             "layers":[{"id":"b","properties":{},"editMode":"disabled","referenceVersion":null}]},
            {"id":"c","rank":1,"properties":{"displayOnLoad":false},"referenceVersion":17}]}}"#;

    fn read(text: &str) -> Result<MapDocument, LinkError> {
        MapDocument::read("reading", text, Some(5))
    }

    #[test]
    fn a_document_is_read_and_what_may_be_saved_back_keeps_its_text() {
        let map = read(MAP).unwrap();
        assert_eq!(map.settings(), r#"{"zoom":7.0,"x-ours":{"a":1e2},"tags":["food"],"syncEnabled":1}"#);
        assert!(!map.sync_enabled, "only a real true counts");
        assert_eq!(map.permissions.share_status, crate::ShareStatus::Other(42));
        assert_eq!((map.edit_mode, map.user.clone()), (EditMode::Simple, None));
        let layers: Vec<_> = map.layers.iter().map(|layer| (layer.id.as_str(), layer.parent.as_deref())).collect();
        assert_eq!(layers, [("a", None), ("b", Some("a")), ("c", None)]);
        assert_eq!(map.layers[1].reference_version, None);
        assert_eq!(map.layers[2].reference_version.as_deref(), Some("17"));
        assert_eq!(map.layers[2].edit_mode, EditMode::Disabled, "silence is the lesser right");
    }

    #[test]
    fn printing_a_document_shows_no_link_and_no_key() {
        let map = read(MAP).unwrap();
        let shown = format!("{map:?} {:?} {:?}", map.layers, map.permissions);
        for secret in ["SIG", "KEY"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }

    #[test]
    fn a_document_without_its_needed_parts_is_a_protocol_error() {
        for (part, other) in [
            ("\"datalayers\"", "\"other\""),
            ("\"editMode\":\"simple\"", "\"editMode\":\"new\""),
            ("\"share_status\"", "\"other\""),
            ("\"id\":12", "\"id\":{}"),
            ("\"properties\":{\n", "\"other\":{\n"),
        ] {
            let text = MAP.replacen(part, other, 1);
            assert_ne!(text, MAP);
            assert!(matches!(read(&text), Err(LinkError::Protocol { .. })), "{part}");
        }
        assert!(read("[]").is_err() && read("").is_err());
    }

    #[test]
    fn layers_nested_without_end_are_an_error_and_no_crash() {
        let deep = format!("{}{}", r#"{"id":"a","properties":{},"layers":["#.repeat(100_000), "]}".repeat(100_000));
        let text = MAP.replace("\"datalayers\":[", &format!("\"datalayers\":[{deep},"));
        assert!(matches!(read(&text), Err(LinkError::Protocol { .. })));
    }
}
