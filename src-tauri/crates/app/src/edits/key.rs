//! What people call a property, as the register that it is.

use bivouac_journal::path::{Path, Subject};
use bivouac_store::FeatureView;

use crate::error::{AppError, Result};

/// The prefix of style options.
const OPTIONS: &str = "_umap_options.";

/// A feature's register, and a note when it was not taken as it was given (rule 47).
pub(super) fn of_feature(key: &str, known: Option<&FeatureView>) -> Result<(Path, Option<String>)> {
    let name = key.strip_prefix("properties.").unwrap_or(key);
    if let Some(option) = name.strip_prefix(OPTIONS) {
        return Ok((checked(Subject::Feature, key, &format!("properties.{OPTIONS}{option}"))?, None));
    }
    let exact = Path::property(name);
    if known.is_some_and(|view| view.slots.iter().any(|slot| slot.path == exact)) && !name.is_empty() {
        return Ok((exact, None));
    }
    let plain = without_dots(name);
    let note =
        (plain != name).then(|| format!("the property {name:?} is called {plain:?}: uMap takes no dots in names"));
    Ok((checked(Subject::Feature, key, &format!("properties.{plain}"))?, note))
}

/// A layer's register.
pub(super) fn of_layer(key: &str) -> Result<Path> {
    match key {
        "rank" | "parentId" => checked(Subject::Layer, key, key),
        "properties" => Err(unknown(key, "name one setting")),
        "referenceVersion" | "id" => Err(unknown(key, "it is the server's")),
        setting => {
            let name = setting.strip_prefix("properties.").unwrap_or(setting);
            checked(Subject::Layer, key, &format!("properties.{name}"))
        }
    }
}

/// A register of the map's.
pub(super) fn of_map(key: &str) -> Result<Path> {
    let name = key.strip_prefix("properties.").unwrap_or(key);
    checked(Subject::Map, key, &format!("properties.{name}"))
}

/// A name without dots.
pub(crate) fn without_dots(name: &str) -> String {
    name.replace('.', "_")
}

/// Whether a name can be a property's at all.
pub(crate) fn is_usable(name: &str) -> bool {
    Path::from_wire(Subject::Feature, &format!("properties.{name}")).is_some()
}

/// Whether a name can be a layer's setting.
pub(crate) fn is_layer_setting(name: &str) -> bool {
    !name.contains('.') && Path::from_wire(Subject::Layer, &format!("properties.{name}")).is_some()
}

fn checked(subject: Subject, key: &str, wire: &str) -> Result<Path> {
    Path::from_wire(subject, wire).ok_or_else(|| {
        unknown(
            key,
            "a key has 1 to 6 names between dots, at most 256 bytes, and none that the server or JavaScript reserves",
        )
    })
}

fn unknown(key: &str, why: &str) -> AppError {
    AppError::bad(format!("use the key {key:?}"), why)
}
