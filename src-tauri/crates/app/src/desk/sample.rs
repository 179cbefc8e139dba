//! The bundled sample map: an island that is on no chart, with a layer of each kind.

use crate::error::Result;
use crate::exchange;
use crate::host::Host;
use crate::library::{Birth, Library};

/// uMap's own format; what it shows is made up.
const SAMPLE: &str = include_str!("sample.umap");

/// Adds it to the library, and gives its id.
pub(super) fn add(library: &Library, host: &dyn Host) -> Result<String> {
    let content: serde_json::Value =
        serde_json::from_str(SAMPLE).map_err(|error| crate::AppError::bad("read the sample", error.to_string()))?;
    let settings = content.get("properties").and_then(serde_json::Value::as_object).cloned().unwrap_or_default();
    let name = settings.get("name").and_then(serde_json::Value::as_str).unwrap_or("Bivouac").to_owned();
    let mut map = library.new_map(&Birth { name: name.clone(), server: None, account: None }, host)?;
    let edits = settings.into_iter().map(|(key, value)| crate::edits::Edit::MapSet { key, value });
    crate::edits::apply(&mut map.store, "sample", edits.collect(), host)?;
    exchange::import(&mut map.store, SAMPLE, None, &name, host)?;
    Ok(map.record()?.uuid)
}
