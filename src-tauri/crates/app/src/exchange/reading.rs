//! Reading a file: what is sound in it, and a list of what is not.

use std::collections::BTreeMap;
use std::str::FromStr;

use bivouac_journal::geometry;
use bivouac_journal::json::depth_is_fine;
use geojson::{Feature, GeometryValue};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::MOST_BYTES;
use crate::edits::{is_usable, without_dots};
use crate::error::{AppError, Result};

const WHAT: &str = "read the file";

/// A layer of a file.
#[derive(Debug, Default)]
pub(super) struct FileLayer {
    /// Its settings; of GeoJSON there are none.
    pub(super) settings: Map<String, Value>,
    pub(super) features: Vec<FileFeature>,
    /// The place of the group that it lies in among the file's layers.
    pub(super) parent: Option<usize>,
}

/// A feature of a file.
#[derive(Debug)]
pub(super) struct FileFeature {
    pub(super) id: Option<String>,
    /// Sound, as it stood in the file; made anew only where a collection was split.
    pub(super) geometry: Value,
    pub(super) properties: Map<String, Value>,
}

/// What a file holds.
#[derive(Debug, Default)]
pub(super) struct FileContent {
    pub(super) layers: Vec<FileLayer>,
    pub(super) notes: Notes,
}

/// What was changed or left out, counted by reason.
#[derive(Debug, Default)]
pub(super) struct Notes {
    pub(super) changed: BTreeMap<String, usize>,
    pub(super) dropped: BTreeMap<String, usize>,
}

impl Notes {
    pub(super) fn changed(&mut self, what: impl Into<String>) {
        *self.changed.entry(what.into()).or_default() += 1;
    }

    pub(super) fn dropped(&mut self, what: impl Into<String>) {
        *self.dropped.entry(what.into()).or_default() += 1;
    }
}

#[derive(Deserialize)]
struct Top<'a> {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(borrow, default)]
    features: Option<Vec<&'a RawValue>>,
    #[serde(borrow, default)]
    layers: Option<Vec<&'a RawValue>>,
    #[serde(default)]
    properties: Option<Value>,
    #[serde(rename = "_umap_options", default)]
    options: Option<Value>,
}

#[derive(Deserialize)]
struct Parts<'a> {
    #[serde(borrow, default)]
    geometry: Option<&'a RawValue>,
}

/// Reads GeoJSON or uMap's own format.
pub(super) fn read(text: &str) -> Result<FileContent> {
    if text.len() > MOST_BYTES {
        return Err(AppError::bad(WHAT, "it is larger than 100 MiB"));
    }
    let text = text.trim_start_matches('\u{feff}');
    if !depth_is_fine(text) {
        return Err(AppError::bad(WHAT, "it nests deeper than 64"));
    }
    let top: Top<'_> = serde_json::from_str(text).map_err(|error| {
        AppError::bad(WHAT, format!("it is no GeoJSON and no .umap file: {}", plainly(&error.to_string())))
    })?;
    let mut content = FileContent::default();
    match top.kind.as_str() {
        "umap" => {
            if top.properties.is_some() {
                content.notes.dropped("the settings of the map itself");
            }
            content.umap_layers(top.layers.unwrap_or_default(), None)?;
        }
        "FeatureCollection" => {
            let features =
                top.features.ok_or_else(|| AppError::bad(WHAT, "the FeatureCollection has no list of features"))?;
            let mut layer = FileLayer::default();
            for feature in features {
                content.notes.feature(feature.get(), &mut layer.features);
            }
            content.layers.push(layer);
        }
        "Feature" => {
            let mut layer = FileLayer::default();
            content.notes.feature(text, &mut layer.features);
            content.layers.push(layer);
        }
        "Point" | "MultiPoint" | "LineString" | "MultiLineString" | "Polygon" | "MultiPolygon"
        | "GeometryCollection" => {
            let mut layer = FileLayer::default();
            let feature = format!("{{\"type\":\"Feature\",\"properties\":{{}},\"geometry\":{text}}}");
            content.notes.feature(&feature, &mut layer.features);
            content.layers.push(layer);
        }
        other => {
            let why =
                format!("its type is {:?}, neither GeoJSON's nor uMap's", other.chars().take(40).collect::<String>());
            return Err(AppError::bad(WHAT, why));
        }
    }
    Ok(content)
}

impl FileContent {
    fn umap_layers(&mut self, layers: Vec<&RawValue>, parent: Option<usize>) -> Result<()> {
        for (place, layer) in layers.into_iter().enumerate() {
            let bad = |error: serde_json::Error| {
                AppError::bad(WHAT, format!("its layer {}: {}", place + 1, plainly(&error.to_string())))
            };
            let top: Top<'_> = serde_json::from_str(layer.get()).map_err(bad)?;
            // Older files call the settings of a layer `_umap_options`.
            let settings = match top.properties.or(top.options) {
                Some(Value::Object(settings)) => settings,
                Some(_) | None => Map::new(),
            };
            let mut read = FileLayer { settings, parent, ..FileLayer::default() };
            for feature in top.features.unwrap_or_default() {
                self.notes.feature(feature.get(), &mut read.features);
            }
            let at = self.layers.len();
            self.layers.push(read);
            self.umap_layers(top.layers.unwrap_or_default(), Some(at))?;
        }
        Ok(())
    }
}

impl Notes {
    /// A feature, or several where its geometry is a collection.
    fn feature(&mut self, text: &str, features: &mut Vec<FileFeature>) {
        let feature = match Feature::from_str(text) {
            Ok(feature) => feature,
            Err(error) => {
                return self.dropped(format!("a feature that is none: {}", reason(&error.to_string())));
            }
        };
        let Some(geometry) = feature.geometry else {
            return self.dropped("a feature without geometry");
        };
        if feature.foreign_members.is_some_and(|members| !members.is_empty()) {
            self.changed("members beside id, geometry and properties were left out");
        }
        let id = match feature.id {
            Some(geojson::feature::Id::String(id)) => Some(id),
            Some(geojson::feature::Id::Number(id)) => Some(id.to_string()),
            None => None,
        };
        let properties = self.properties(feature.properties.unwrap_or_default());
        if let GeometryValue::GeometryCollection { .. } = geometry.value {
            let mut id = id;
            let parts = flattened(geometry);
            if parts.is_empty() {
                return self.dropped("a feature whose geometry is empty");
            }
            self.changed("a collection of geometries became features of their own");
            for part in parts {
                let value = serde_json::to_value(&part).unwrap_or(Value::Null);
                self.sound(id.take(), value, properties.clone(), features);
            }
            return;
        }
        // As it stood: no coordinate is printed anew (rule 32).
        let raw = serde_json::from_str::<Parts<'_>>(text).ok().and_then(|parts| parts.geometry);
        let value = raw.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or(Value::Null);
        self.sound(id, value, properties, features);
    }

    fn sound(
        &mut self,
        id: Option<String>,
        geometry: Value,
        properties: Map<String, Value>,
        features: &mut Vec<FileFeature>,
    ) {
        let text = geometry.to_string();
        if text.len() > bivouac_store::MAX_GEOMETRY {
            return self.dropped("a geometry larger than 15 MiB");
        }
        match geometry::inspect(&text) {
            Err(error) => self.dropped(format!("a feature whose geometry is unsound: {}", reason(&error.to_string()))),
            Ok(shape) if shape.bounds.is_none() => self.dropped("a feature whose geometry is empty"),
            Ok(_) => features.push(FileFeature { id, geometry, properties }),
        }
    }

    /// Names that uMap takes (rule 47).
    fn properties(&mut self, properties: Map<String, Value>) -> Map<String, Value> {
        let mut tidy = Map::new();
        for (name, value) in properties {
            if name == "_umap_options" && !value.is_object() {
                self.changed("_umap_options that were no object were left out");
                continue;
            }
            let mut plain = without_dots(&name);
            if !is_usable(&plain) {
                self.changed("properties with unusable names were left out");
                continue;
            }
            if plain != name {
                self.changed("dots in property names became _");
            }
            while tidy.contains_key(&plain) {
                plain.push('_');
            }
            tidy.insert(plain, value);
        }
        tidy
    }
}

fn flattened(geometry: geojson::Geometry) -> Vec<geojson::Geometry> {
    match geometry.value {
        GeometryValue::GeometryCollection { geometries } => geometries.into_iter().flat_map(flattened).collect(),
        GeometryValue::Point { .. }
        | GeometryValue::MultiPoint { .. }
        | GeometryValue::LineString { .. }
        | GeometryValue::MultiLineString { .. }
        | GeometryValue::Polygon { .. }
        | GeometryValue::MultiPolygon { .. } => vec![geometry],
    }
}

/// A parser's message without the names of our types.
fn plainly(text: &str) -> String {
    match text.split_once(", expected struct ") {
        Some((text, place)) => {
            let place = place.find(" at line ").and_then(|at| place.get(at..)).unwrap_or("");
            format!("{text}, expected an object{place}")
        }
        None => text.to_owned(),
    }
}

/// One reason for many features: without the numbers and places in it.
fn reason(text: &str) -> String {
    let text = text.strip_prefix("Error while deserializing GeoJSON: ").unwrap_or(text);
    let text: String = plainly(text).chars().take(120).collect();
    match text.find(" at line ") {
        Some(at) => text.get(..at).unwrap_or(&text).to_owned(),
        None => text,
    }
}
