//! Copies for safety, and what is left to do with a map whose file cannot be used as it should.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use bivouac_store::Store;

use super::types::{BackUp, Rescue};
use super::{Answer, Desk};
use crate::error::{AppError, Result};
use crate::exchange;
use crate::library::{Entry, FILE};

impl Desk {
    /// A name for a copy of a map's file.
    ///
    /// # Errors
    /// When there is no such map.
    pub fn back_up_name(&self, id: &str) -> Answer<String> {
        Ok(format!("{}.sqlite", plain(self.entry(id)?.name())))
    }

    /// A name for what a damaged map still gives.
    ///
    /// # Errors
    /// When there is no such map.
    pub fn rescue_name(&self, id: &str) -> Answer<String> {
        Ok(format!("{}.umap", plain(self.entry(id)?.name())))
    }

    /// Copies a map's file while it may be in use. What SQLite cannot read is copied as it is,
    /// its log beside it.
    ///
    /// # Errors
    /// When it cannot be read as a file, or the copy cannot be written.
    pub fn back_up_to(&self, id: &str, path: &Path) -> Answer<BackUp> {
        let entry = self.entry(id)?;
        let file = entry.folder.join(FILE);
        if same(&file, path) {
            return Err(AppError::bad("copy a map", "that is the map itself").into());
        }
        let sound =
            entry.found.is_ok() && Store::open_read_only(&file).and_then(|store| store.back_up_to(path)).is_ok();
        if !sound {
            copy_as_it_is(&entry, path)?;
        }
        let bytes = fs::metadata(path).map_err(AppError::io(format!("look at {}", path.display())))?.len();
        Ok(BackUp { sound, bytes })
    }

    /// Writes what can be read of a map that may be damaged as a `.umap` file.
    ///
    /// # Errors
    /// When nothing of it can be read, or the file cannot be written.
    pub fn rescue_to(&self, id: &str, path: &Path) -> Answer<Rescue> {
        let file = self.entry(id)?.folder.join(FILE);
        let what = || format!("write the file {}", path.display());
        let part = path.with_extension(format!("part-{}", std::process::id()));
        let written: Result<exchange::Salvaged> = (|| {
            let mut out = BufWriter::new(File::create(&part).map_err(AppError::io(what()))?);
            let salvaged = exchange::salvage(&file, &mut out)?;
            out.flush().and_then(|()| out.get_ref().sync_all()).map_err(AppError::io(what()))?;
            drop(out);
            fs::rename(&part, path).map_err(AppError::io(what()))?;
            Ok(salvaged)
        })();
        if written.is_err() {
            let _ = fs::remove_file(&part);
        }
        let done = written?;
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        Ok(Rescue { layers: count(done.layers), features: count(done.features), unreadable: done.unreadable })
    }
}

fn copy_as_it_is(entry: &Entry, path: &Path) -> Result<()> {
    for suffix in ["", "-wal"] {
        let from = entry.folder.join(format!("{FILE}{suffix}"));
        if suffix.is_empty() || from.is_file() {
            let mut to = path.as_os_str().to_owned();
            to.push(suffix);
            let what = format!("copy {} to {}", from.display(), Path::new(&to).display());
            fs::copy(&from, PathBuf::from(to)).map_err(AppError::io(what))?;
        }
    }
    Ok(())
}

fn same(one: &Path, other: &Path) -> bool {
    let (one, other) = (fs::canonicalize(one), fs::canonicalize(other));
    matches!((one, other), (Ok(one), Ok(other)) if one == other)
}

/// A map's name as the name of a file.
pub(super) fn plain(name: &str) -> String {
    let plain: String = name.chars().map(|c| if c.is_alphanumeric() || " -_".contains(c) { c } else { '_' }).collect();
    let plain = plain.trim();
    if plain.is_empty() { "map".to_owned() } else { plain.to_owned() }
}
