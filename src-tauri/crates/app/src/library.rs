//! The maps on this laptop: one folder each, found again by what people call them.
//!
//! A damaged file is listed as what it is, with the reason; it hides no other map.

mod owned;

use std::fs;
use std::path::{Path, PathBuf};

use bivouac_journal::ids::FeatureId;
use bivouac_link::{MapRef, find_map};
use bivouac_store::{Counts, Error as StoreError, MapRecord, NewMap, Store};
use serde_json::Value;

use crate::error::{AppError, Result};
use crate::host::Host;
use crate::lock::Lock;
pub use owned::OpenMap;
use owned::own;

/// The name of a map's file in its folder.
pub const FILE: &str = "map.sqlite";
/// Folders whose names begin so are not maps yet, or no more.
const HIDDEN: &str = ".";

/// The folder of all maps.
#[derive(Clone, Debug)]
pub struct Library {
    root: PathBuf,
}

/// A map on this laptop.
#[derive(Debug)]
pub struct Entry {
    /// Its name on this laptop, for good: the name of its folder.
    pub uuid: String,
    /// Where it lies.
    pub folder: PathBuf,
    /// What its file says, or why it cannot be read.
    pub found: Result<Found>,
}

/// What a map's file says.
#[derive(Debug)]
pub struct Found {
    /// Its row, with the name that the map has now.
    pub record: MapRecord,
    /// What it was called when it came onto this laptop.
    pub first_name: String,
    /// How far the edits have come.
    pub counts: Counts,
}

/// What a map born offline begins with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Birth {
    /// Its name.
    pub name: String,
    /// The server that it will be created on.
    pub server: Option<String>,
    /// The account there.
    pub account: Option<String>,
}

impl Library {
    /// The library in that folder, which is made if need be.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn at(root: &Path) -> Result<Self> {
        let maps = root.join("maps");
        fs::create_dir_all(&maps).map_err(AppError::io(format!("make the folder {}", maps.display())))?;
        only_ours(root);
        Ok(Self { root: root.to_owned() })
    }

    /// The library in the platform's folder for data.
    ///
    /// # Errors
    /// When there is none.
    pub fn platform() -> Result<Self> {
        let folders = directories::ProjectDirs::from("org", "bivouac", "bivouac").ok_or_else(|| {
            AppError::bad("find the folder for data", "this account has no home folder: say --data-dir")
        })?;
        Self::at(folders.data_dir())
    }

    /// The folder of all this.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn folder(&self, uuid: &str) -> PathBuf {
        self.root.join("maps").join(uuid)
    }

    /// Every map, by name.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn maps(&self) -> Result<Vec<Entry>> {
        let maps = self.root.join("maps");
        let what = || format!("list the folder {}", maps.display());
        let mut entries = Vec::new();
        for item in fs::read_dir(&maps).map_err(AppError::io(what()))? {
            let item = item.map_err(AppError::io(what()))?;
            let uuid = item.file_name().to_string_lossy().into_owned();
            if uuid.starts_with(HIDDEN) || !item.path().is_dir() {
                continue;
            }
            let folder = item.path();
            let found = look(&folder);
            entries.push(Entry { uuid, folder, found });
        }
        entries.sort_by_key(|entry| (entry.name().to_owned(), entry.uuid.clone()));
        Ok(entries)
    }

    /// The map that is called so: by uuid, the unique beginning of one, name or address.
    ///
    /// # Errors
    /// [`AppError::NotFound`], [`AppError::Ambiguous`], [`AppError::Closed`], or that its file cannot be read.
    pub fn find(&self, text: &str) -> Result<Entry> {
        let mut entries = self.maps()?;
        let address = find_map(text).ok();
        type Test<'t> = Box<dyn Fn(&Entry) -> bool + 't>;
        let ways: [Test<'_>; 6] = [
            Box::new(|entry| entry.uuid == text),
            Box::new(|entry| address.as_ref().is_some_and(|address| entry.is_at(address))),
            Box::new(|entry| entry.found.is_ok() && entry.name() == text),
            Box::new(|entry| text.len() >= 4 && entry.uuid.starts_with(text)),
            Box::new(|entry| entry.found.is_ok() && entry.name().to_lowercase() == text.to_lowercase()),
            // Whoever has the map under its first name finds it though somebody renamed it.
            Box::new(|entry| entry.found.as_ref().is_ok_and(|found| found.first_name == text)),
        ];
        for way in ways {
            let hits: Vec<usize> = entries.iter().enumerate().filter(|(_, e)| way(e)).map(|(at, _)| at).collect();
            match hits.as_slice() {
                [] => {}
                [one] => return Ok(entries.swap_remove(*one)),
                several => {
                    let names = several.iter().filter_map(|at| entries.get(*at)).map(|entry| entry.uuid.clone());
                    let among = names.collect::<Vec<_>>().join(", ");
                    return Err(AppError::Ambiguous { what: format!("the map {text:?}"), among });
                }
            }
        }
        let what = format!("the map {text:?}");
        // Which names those have that cannot be opened, nobody knows.
        let closed = entries.into_iter().filter_map(|entry| Some((entry.uuid, entry.found.err()?)));
        if let Some((uuid, why)) = closed.last() {
            return Err(AppError::Closed { what, uuid, why: Box::new(why) });
        }
        let why = format!("no map of that name, id or address in {}; `bivouac maps` lists them", self.root.display());
        Err(AppError::NotFound { what, why })
    }

    /// Opens a map for reading, beside whoever writes to it.
    ///
    /// # Errors
    /// As [`Library::find`], or when the file cannot be read.
    pub fn read(&self, text: &str) -> Result<Store> {
        let entry = self.find(text)?;
        let found = entry.found?;
        match Store::open_read_only(&entry.folder.join(FILE)) {
            Ok(store) => Ok(store),
            // A file of an older format is brought up to date by opening it for writing once.
            Err(StoreError::Older { .. }) => Ok(own(&entry.folder, &found.record.name)?.store),
            Err(error) => Err(error.into()),
        }
    }

    /// Opens a map for writing; this process owns it until it is dropped.
    ///
    /// # Errors
    /// [`AppError::InUse`], or as [`Library::read`].
    pub fn write(&self, text: &str) -> Result<OpenMap> {
        let entry = self.find(text)?;
        let found = entry.found?;
        own(&entry.folder, &found.record.name)
    }

    /// The map that is on this laptop already under that address.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn at_address(&self, address: &MapRef) -> Result<Option<Entry>> {
        Ok(self.maps()?.into_iter().find(|entry| entry.is_at(address)))
    }

    /// Makes a map that no server knows yet.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn new_map(&self, birth: &Birth, host: &dyn Host) -> Result<OpenMap> {
        let name = birth.name.trim();
        if name.is_empty() || name.chars().count() > 200 {
            return Err(AppError::bad("name the map", "a name has 1 to 200 characters"));
        }
        let uuid = fresh_uuid();
        let new = NewMap {
            uuid: uuid.clone(),
            name: name.to_owned(),
            server: birth.server.clone(),
            server_map_id: None,
            slug: None,
            account: birth.account.clone(),
            clock_id: clock_id(host),
            created_at: host.now_ms(),
        };
        let part = self.part()?;
        drop(Store::create(&part.folder.join(FILE), &new)?);
        self.place(part, &uuid)
    }

    /// A folder that is not a map yet.
    pub(crate) fn part(&self) -> Result<Part> {
        self.sweep();
        let folder = self.folder(&format!(".part-{}", fresh_uuid()));
        fs::create_dir(&folder).map_err(AppError::io(format!("make the folder {}", folder.display())))?;
        let lock = Lock::take(&folder, "that is being made")?;
        Ok(Part { folder, lock: Some(lock) })
    }

    /// Makes a finished folder a map of that name.
    pub(crate) fn place(&self, mut part: Part, uuid: &str) -> Result<OpenMap> {
        let folder = self.folder(uuid);
        // Some systems rename no folder with an open file in it.
        drop(part.lock.take());
        fs::rename(&part.folder, &folder).map_err(AppError::io(format!("name the folder {}", folder.display())))?;
        own(&folder, uuid)
    }

    /// Takes a map from this laptop; the server's copy stays as it is.
    ///
    /// # Errors
    /// [`AppError::Unsent`] while there are edits that were never verified, unless `discard`;
    /// [`AppError::InUse`] when another process has it.
    pub fn remove(&self, entry: &Entry, discard: bool) -> Result<()> {
        if let Ok(found) = &entry.found
            && found.counts.unverified() > 0
            && !discard
        {
            let count = found.counts.unverified();
            return Err(AppError::Unsent { map: found.record.name.clone(), count });
        }
        if entry.found.is_err() && !discard {
            let why =
                "its file cannot be read, so nobody knows what would be lost: say --discard to remove it all the same";
            return Err(AppError::bad(format!("remove the map {}", entry.uuid), why));
        }
        let lock = Lock::take(&entry.folder, entry.name())?;
        let gone = self.folder(&format!(".gone-{}", entry.uuid));
        let what = || format!("remove the folder {}", entry.folder.display());
        drop(lock);
        fs::rename(&entry.folder, &gone).map_err(AppError::io(what()))?;
        fs::remove_dir_all(&gone).map_err(AppError::io(what()))
    }

    /// Removes what a process left that ended in the middle; failing is harmless.
    fn sweep(&self) {
        let Ok(items) = fs::read_dir(self.root.join("maps")) else {
            return;
        };
        for item in items.flatten() {
            let name = item.file_name().to_string_lossy().into_owned();
            let left = name.starts_with(".gone-") || name.starts_with(".part-");
            if left && Lock::take(&item.path(), &name).is_ok() {
                let _ = fs::remove_dir_all(item.path());
            }
        }
    }
}

/// A folder that becomes a map, or goes.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) folder: PathBuf,
    lock: Option<Lock>,
}

impl Drop for Part {
    fn drop(&mut self) {
        if self.lock.take().is_some() {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

impl Entry {
    /// What people call it; its uuid when its file cannot be read.
    #[must_use]
    pub fn name(&self) -> &str {
        match &self.found {
            Ok(found) => &found.record.name,
            Err(_) => &self.uuid,
        }
    }

    fn is_at(&self, address: &MapRef) -> bool {
        let Ok(found) = &self.found else { return false };
        let id = found.record.server_map_id.map(|id| id.to_string());
        found.record.server.as_deref() == Some(&address.server) && id.as_deref() == Some(&address.id)
    }
}

fn look(folder: &Path) -> Result<Found> {
    let file = folder.join(FILE);
    let store = match Store::open_read_only(&file) {
        Ok(store) => store,
        Err(StoreError::Older { .. }) => Store::open(&file)?,
        Err(error) => return Err(error.into()),
    };
    let mut record = store.map()?;
    let first_name = record.name.clone();
    // People call a map what it is called now; damage to its settings hides no map.
    let settings = crate::sync::settings(&store).unwrap_or_default();
    if let Some(name) = settings.get("name").and_then(Value::as_str).filter(|name| !name.is_empty()) {
        name.clone_into(&mut record.name);
    }
    Ok(Found { record, first_name, counts: store.counts()? })
}

pub(crate) fn fresh_uuid() -> String {
    uuid::Uuid::new_v4().to_string()
}

/// The id in every stamp of a map's clock: five letters, new for each map on each laptop.
pub(crate) fn clock_id(host: &dyn Host) -> String {
    FeatureId::from_bits(host.random()).to_string()
}

/// Maps are nobody else's business on a shared computer.
#[cfg(unix)]
fn only_ours(folder: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let private = fs::Permissions::from_mode(0o700);
    if let Err(error) = fs::set_permissions(folder, private) {
        tracing::debug!(%error, "make the folder of maps private");
    }
}

#[cfg(not(unix))]
fn only_ours(_: &Path) {}

#[cfg(test)]
mod tests;
