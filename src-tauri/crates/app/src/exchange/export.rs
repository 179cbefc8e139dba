//! A map as a file, as it is or as this laptop knew it at a past instant.

use std::io::Write;

use bivouac_journal::ids::LayerId;
use bivouac_journal::project::Layer;
use bivouac_store::{Query, Store};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::error::{AppError, Result};

/// Features are read in pages, so that a large map is never in memory as a whole.
const PAGE: usize = 100_000;

/// A file format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// GeoJSON: the features alone.
    GeoJson,
    /// uMap's own: settings, layers and features.
    Umap,
}

/// What was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exported {
    /// How many layers.
    pub layers: usize,
    /// How many features.
    pub features: usize,
}

/// A layer that goes into the file.
struct Section {
    id: LayerId,
    layer: Layer,
}

/// Where features come from.
enum Source<'s> {
    Now(&'s Store),
    Past(Vec<bivouac_store::PastFeature>),
}

/// Reads an instant: RFC 3339, or milliseconds since 1970.
///
/// # Errors
/// When it is neither.
pub fn at(text: &str) -> Result<u64> {
    if let Ok(ms) = text.parse::<u64>() {
        return Ok(ms);
    }
    let time = OffsetDateTime::parse(text, &Rfc3339).ok();
    let ms = time.and_then(|time| u64::try_from(time.unix_timestamp_nanos() / 1_000_000).ok());
    ms.ok_or_else(|| {
        AppError::bad(
            format!("read the time {text:?}"),
            "write it as 2026-05-01T12:00:00Z, or in milliseconds since 1970",
        )
    })
}

/// Writes a map, or one layer of it, to `out`.
///
/// # Errors
/// When the map cannot be read, did not exist here at that instant, or `out` fails.
pub fn export(
    store: &Store,
    format: Format,
    layer: Option<&LayerId>,
    at_ms: Option<u64>,
    out: &mut dyn Write,
) -> Result<Exported> {
    let (settings, sections, source) = match at_ms {
        None => {
            let sections: Vec<Section> =
                store.layers()?.into_iter().map(|view| Section { id: view.id, layer: view.layer }).collect();
            (crate::sync::settings(store)?, sections, Source::Now(store))
        }
        Some(at_ms) => past(store, at_ms)?,
    };
    let sections: Vec<Section> =
        sections.into_iter().filter(|section| layer.is_none_or(|layer| section.id == *layer)).collect();
    if let (Some(layer), true) = (layer, sections.is_empty()) {
        let why = "the map had no such layer then".to_owned();
        return Err(AppError::NotFound { what: format!("the layer {layer}"), why });
    }
    let mut writer = Writer { out, source, exported: Exported { layers: sections.len(), features: 0 } };
    match format {
        Format::GeoJson => writer.geojson(&sections)?,
        Format::Umap => writer.umap(store, &settings, &sections)?,
    }
    Ok(writer.exported)
}

fn past(store: &Store, at_ms: u64) -> Result<(Map<String, Value>, Vec<Section>, Source<'static>)> {
    if at_ms < store.map()?.created_at {
        return Err(AppError::bad("look at a past instant", "the map was not on this laptop yet"));
    }
    let mut past = store.past(at_ms)?;
    let settings = match past.settings.shift_remove("properties") {
        Some(Value::Object(settings)) => settings,
        Some(_) | None => Map::new(),
    };
    let mut sections: Vec<Section> = past.layers.into_iter().map(|(id, layer)| Section { id, layer }).collect();
    sections.sort_by(|a, b| (a.layer.rank, &a.id).cmp(&(b.layer.rank, &b.id)));
    Ok((settings, sections, Source::Past(past.features)))
}

struct Writer<'w, 's> {
    out: &'w mut dyn Write,
    source: Source<'s>,
    exported: Exported,
}

impl Writer<'_, '_> {
    fn text(&mut self, text: &str) -> Result<()> {
        self.out.write_all(text.as_bytes()).map_err(AppError::io("write the export"))
    }

    fn geojson(&mut self, sections: &[Section]) -> Result<()> {
        self.text("{\"type\":\"FeatureCollection\",\"features\":[")?;
        let mut first = true;
        for section in sections {
            self.features(&section.id, &mut first)?;
        }
        self.text("\n]}\n")
    }

    /// As uMap's own download: groups hold their layers under `layers`.
    fn umap(&mut self, store: &Store, settings: &Map<String, Value>, sections: &[Section]) -> Result<()> {
        let center = |name: &str| settings.get("center").and_then(|c| c.get(name)?.as_f64()).unwrap_or(0.0);
        let geometry = json!({ "type": "Point", "coordinates": [center("lng"), center("lat")] });
        self.text(&format!(
            "{{\"type\":\"umap\",\"geometry\":{geometry},\"properties\":{}",
            Value::Object(settings.clone())
        ))?;
        let record = store.map()?;
        if let (Some(server), Some(id)) = (record.server, record.server_map_id) {
            let slug = record.slug.unwrap_or_else(|| "map".to_owned());
            self.text(&format!(",\"uri\":{}", Value::String(format!("{server}/en/map/{slug}_{id}"))))?;
        }
        self.text(",\"layers\":")?;
        self.level(sections, None)?;
        self.text("}\n")
    }

    fn level(&mut self, sections: &[Section], parent: Option<&LayerId>) -> Result<()> {
        let is_root = |section: &Section| match &section.layer.parent {
            None => true,
            // One layer alone is written as if it lay in no group.
            Some(parent) => !sections.iter().any(|other| other.id == *parent),
        };
        let here = sections.iter().filter(|section| match parent {
            None => is_root(section),
            Some(parent) => section.layer.parent.as_ref() == Some(parent),
        });
        self.text("[")?;
        for (place, section) in here.enumerate() {
            self.text(if place == 0 {
                "\n{\"type\":\"FeatureCollection\""
            } else {
                ",\n{\"type\":\"FeatureCollection\""
            })?;
            if sections.iter().any(|other| other.layer.parent.as_ref() == Some(&section.id)) {
                self.text(",\"layers\":")?;
                self.level(sections, Some(&section.id))?;
            }
            self.text(",\"features\":[")?;
            self.features(&section.id, &mut true)?;
            let properties = Value::Object(section.layer.properties.clone());
            self.text(&format!("\n],\"properties\":{properties},\"rank\":{}}}", section.layer.rank))?;
        }
        self.text("]")
    }

    /// The features of a layer, each as its text stands.
    fn features(&mut self, layer: &LayerId, first: &mut bool) -> Result<()> {
        let mut offset = 0;
        loop {
            let page: Vec<String> = match &self.source {
                Source::Now(store) => {
                    let query = Query { layer: Some(layer.clone()), limit: PAGE, offset, ..Query::default() };
                    store.features(&query)?.into_iter().map(|shown| shown.text).collect()
                }
                Source::Past(features) => {
                    let of_layer = features.iter().filter(|feature| feature.layer == *layer);
                    of_layer.skip(offset).take(PAGE).map(|feature| feature.text.clone()).collect()
                }
            };
            for text in &page {
                self.text(if *first { "\n" } else { ",\n" })?;
                self.text(text)?;
                *first = false;
            }
            self.exported.features += page.len();
            offset += PAGE;
            if page.len() < PAGE {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_rfc_3339_or_milliseconds() {
        assert_eq!(at("1700000000123").unwrap(), 1_700_000_000_123);
        assert_eq!(at("2023-11-14T22:13:20.123Z").unwrap(), 1_700_000_000_123);
        assert_eq!(at("2023-11-14T23:13:20+01:00").unwrap(), 1_700_000_000_000);
        for bad in ["", "yesterday", "2023-11-14", "-5"] {
            assert_eq!(at(bad).unwrap_err().exit_code(), 1, "{bad}");
        }
    }
}
