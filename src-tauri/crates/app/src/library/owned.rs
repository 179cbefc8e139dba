//! A map that this process owns: its lock first, then its file.

use std::path::{Path, PathBuf};

use bivouac_store::{MapRecord, Store};

use super::FILE;
use crate::error::Result;
use crate::lock::Lock;

/// A map that this process owns for writing.
#[derive(Debug)]
pub struct OpenMap {
    /// The map's file.
    pub store: Store,
    /// Where it lies.
    pub folder: PathBuf,
    // Dropped last: the file is closed before the map is given free.
    _lock: Lock,
}

impl OpenMap {
    /// The map's row.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn record(&self) -> Result<MapRecord> {
        Ok(self.store.map()?)
    }

    /// Gives the store to a stay online, keeping the map owned.
    pub(crate) fn split(self) -> (Store, OwnedFolder) {
        (self.store, OwnedFolder { _lock: self._lock })
    }
}

/// A map whose store is lent out.
#[derive(Debug)]
pub(crate) struct OwnedFolder {
    _lock: Lock,
}

pub(super) fn own(folder: &Path, name: &str) -> Result<OpenMap> {
    let lock = Lock::take(folder, name)?;
    let store = Store::open(&folder.join(FILE))?;
    Ok(OpenMap { store, folder: folder.to_owned(), _lock: lock })
}
