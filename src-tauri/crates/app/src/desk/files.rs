//! Files in and out. A window names no paths: they come from dialogs, drops and the command line,
//! all of which end here, and a file that waits is known to the window by a number.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use bivouac_journal::ids::LayerId;
use serde_json::Value;

use super::types::{DeskEvent, FileKind, ImportReport};
use super::{Answer, Desk};
use crate::edits::{self, Edit};
use crate::error::{AppError, Result};
use crate::exchange::{self, Format, MOST_BYTES};
use crate::library::Birth;

/// Files that wait to be imported.
#[derive(Default)]
pub(super) struct Imports(Mutex<BTreeMap<String, PathBuf>>);

impl Desk {
    /// A name for an export of the open map.
    ///
    /// # Errors
    /// When no map is open.
    pub fn export_name(&self, kind: FileKind) -> Answer<String> {
        let name = self.opened()?.read(|store| Ok(store.map()?.name))?;
        let stem = super::trouble::plain(&name);
        Ok(match kind {
            FileKind::Geojson => format!("{stem}.geojson"),
            FileKind::Umap => format!("{stem}.umap"),
        })
    }

    /// Writes the open map, or one layer of it, to a file; gives the number of features. The file
    /// appears under its name only when it is whole.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn export_to(&self, kind: FileKind, layer: Option<&str>, path: &Path) -> Answer<u64> {
        let layer = layer.map(parse_layer).transpose()?;
        let format = match kind {
            FileKind::Geojson => Format::GeoJson,
            FileKind::Umap => Format::Umap,
        };
        let open = self.opened()?;
        let what = || format!("write the file {}", path.display());
        let part = path.with_extension(format!("part-{}", std::process::id()));
        let written: Result<usize> = (|| {
            let mut out = BufWriter::new(File::create(&part).map_err(AppError::io(what()))?);
            let exported = open.read(|store| exchange::export(store, format, layer.as_ref(), None, &mut out))?;
            out.flush().and_then(|()| out.get_ref().sync_all()).map_err(AppError::io(what()))?;
            drop(out);
            fs::rename(&part, path).map_err(AppError::io(what()))?;
            Ok(exported.features)
        })();
        if written.is_err() {
            let _ = fs::remove_file(&part);
        }
        Ok(written.map(|features| u64::try_from(features).unwrap_or(u64::MAX))?)
    }

    /// Keeps a file for [`Desk::import`] and tells the window of it.
    pub fn offer_file(&self, path: &Path) {
        let id = crate::library::fresh_uuid();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        self.imports.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone(), path.to_owned());
        self.tell(DeskEvent::OpenWanted { what: name, import: Some(id) });
    }

    /// Imports a file that was offered, into one layer or into new ones.
    ///
    /// # Errors
    /// When it makes no sense, or the map may not be edited; nothing is kept then.
    pub fn import(&self, id: &str, layer: Option<&str>) -> Answer<ImportReport> {
        let path = self.imports.0.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
        let missing = || AppError::NotFound { what: "the file".to_owned(), why: "it was imported already".to_owned() };
        self.import_from(&path.ok_or_else(missing)?, layer)
    }

    /// Makes a new map of a file that was offered, named after it.
    ///
    /// # Errors
    /// When the file makes no sense; no map is made then.
    pub fn create_from(&self, id: &str) -> Answer<String> {
        let path = self.imports.0.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
        let missing = || AppError::NotFound { what: "the file".to_owned(), why: "it was imported already".to_owned() };
        let path = path.ok_or_else(missing)?;
        let text = text_of(&path)?;
        let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let name: String = stem.chars().take(200).collect();
        let host = self.work.host(None);
        let birth = Birth { name, server: None, account: None };
        let mut map = self.library.new_map(&birth, &host)?;
        let uuid = map.record()?.uuid;
        let named = Edit::MapSet { key: "name".to_owned(), value: Value::String(birth.name.trim().to_owned()) };
        let filled = edits::apply(&mut map.store, "new-map", vec![named], &host)
            .and_then(|_| exchange::import(&mut map.store, &text, None, &stem, &host));
        drop(map);
        if let Err(error) = filled {
            self.library.remove(&self.entry(&uuid)?, true)?;
            return Err(error.into());
        }
        self.tell(DeskEvent::Library {});
        Ok(uuid)
    }

    /// Imports a file as one step that can be undone.
    ///
    /// # Errors
    /// When it makes no sense, or the map may not be edited; nothing is kept then.
    pub fn import_from(&self, path: &Path, layer: Option<&str>) -> Answer<ImportReport> {
        self.work.cancel.store(false, std::sync::atomic::Ordering::Relaxed);
        let text = text_of(path)?;
        let into = layer.map(parse_layer).transpose()?;
        let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let (report, _) = self.opened()?.write(&self.work, move |store, host| {
            let imported = exchange::import(store, &text, into.as_ref(), &name, host)?;
            let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
            let counted = |notes: BTreeMap<String, usize>| notes.into_iter().map(|(k, n)| (k, count(n))).collect();
            let layers: Vec<String> = imported.layers.iter().map(ToString::to_string).collect();
            let report = ImportReport {
                layers: layers.clone(),
                new_layers: count(imported.new_layers),
                features: count(imported.features),
                changed: counted(imported.changed),
                dropped: counted(imported.dropped),
            };
            Ok((report, layers))
        })?;
        Ok(report)
    }
}

fn parse_layer(text: &str) -> Result<LayerId> {
    let missing = || AppError::NotFound { what: format!("the layer {text:?}"), why: "it is none".to_owned() };
    LayerId::parse(text).ok_or_else(missing)
}

fn text_of(path: &Path) -> Result<String> {
    let what = || format!("read the file {}", path.display());
    let file = File::open(path).map_err(AppError::io(what()))?;
    let most = u64::try_from(MOST_BYTES).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes).map_err(AppError::io(what()))?;
    if bytes.len() > MOST_BYTES {
        return Err(AppError::bad(what(), "it is larger than 100 MiB"));
    }
    String::from_utf8(bytes).map_err(|_| AppError::bad(what(), "it is no UTF-8 text"))
}
