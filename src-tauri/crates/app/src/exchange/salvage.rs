//! What a damaged map still gives, as a `.umap` file.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use bivouac_store::{Piece, Store};
use serde_json::{Map, Value, json};

use crate::error::{AppError, Result};

/// What became of a damaged map.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Salvaged {
    /// How many layers were found; those of which only features were found count too.
    pub layers: usize,
    /// How many features.
    pub features: usize,
    /// In how many places nothing could be read.
    pub unreadable: u64,
}

/// Writes what can be read of a damaged file.
///
/// # Errors
/// When nothing can be, or `out` fails.
pub fn salvage(file: &Path, out: &mut dyn Write) -> Result<Salvaged> {
    let mut settings = Map::new();
    let mut layers: BTreeMap<i64, (Map<String, Value>, Vec<String>)> = BTreeMap::new();
    let unreadable = Store::salvage(file, &mut |piece| match piece {
        Piece::Map(document) => settings = properties(&document),
        Piece::Layer { number, id, document } => {
            let mut said = properties(&document);
            said.insert("id".to_owned(), Value::String(id));
            layers.entry(number).or_default().0 = said;
        }
        Piece::Feature { layer, document } => {
            // Half a feature is none.
            if serde_json::from_str::<Map<String, Value>>(&document).is_ok() {
                layers.entry(layer).or_default().1.push(document);
            }
        }
    })?;
    let done = Salvaged {
        layers: layers.len(),
        features: layers.values().map(|(_, features)| features.len()).sum(),
        unreadable,
    };
    if done.layers == 0 {
        return Err(AppError::bad("read a damaged map", "nothing of it can be read"));
    }
    let center = |name: &str| settings.get("center").and_then(|center| center.get(name)?.as_f64()).unwrap_or(0.0);
    let geometry = json!({ "type": "Point", "coordinates": [center("lng"), center("lat")] });
    let mut text = |text: &str| out.write_all(text.as_bytes()).map_err(AppError::io("write the export"));
    text(&format!(
        "{{\"type\":\"umap\",\"geometry\":{geometry},\"properties\":{},\"layers\":[",
        Value::Object(settings.clone())
    ))?;
    for (at, (said, features)) in layers.values().enumerate() {
        let options = Value::Object(said.clone());
        let comma = if at > 0 { ",\n" } else { "\n" };
        text(&format!("{comma}{{\"type\":\"FeatureCollection\",\"_umap_options\":{options},\"features\":["))?;
        for (at, feature) in features.iter().enumerate() {
            text(if at > 0 { ",\n" } else { "\n" })?;
            text(feature)?;
        }
        text("]}")?;
    }
    text("]}\n")?;
    Ok(done)
}

fn properties(document: &str) -> Map<String, Value> {
    let read: Map<String, Value> = serde_json::from_str(document).unwrap_or_default();
    match read.get("properties") {
        Some(Value::Object(properties)) => properties.clone(),
        Some(_) | None => Map::new(),
    }
}
