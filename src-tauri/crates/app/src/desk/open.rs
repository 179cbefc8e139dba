//! The open map: the thread that writes, and readers beside it that never wait for it.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bivouac_store::Store;

use super::room::Room;
use super::seat::Seat;
use super::surroundings::WorkHost;
use super::work::Work;
use crate::draw::Drawing;
use crate::error::{AppError, Result};
use crate::library::{FILE, OpenMap};

/// Why nothing can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Closed {
    /// It was opened so.
    Wanted,
    /// Another program has it.
    InUse,
}

/// The open map.
pub(super) struct Open {
    pub(super) id: String,
    pub(super) seat: std::result::Result<Seat, Closed>,
    pub(super) room: Arc<Mutex<Room>>,
    revision: Arc<AtomicU64>,
    readers: Readers,
    /// What is kept between two viewports; one is drawn at a time.
    drawing: Mutex<Drawing>,
}

impl Open {
    /// Opens for writing.
    pub(super) fn to_write(map: OpenMap, work: &Work) -> Result<Self> {
        let (id, file) = (map.record()?.uuid, map.folder.join(FILE));
        let (room, revision) = (Arc::new(Mutex::new(Room::default())), Arc::new(AtomicU64::new(1)));
        let seat = Seat::take(map, work.clone(), room.clone(), revision.clone())?;
        Ok(Self { id, seat: Ok(seat), room, revision, readers: Readers::of(&file), drawing: Mutex::default() })
    }

    /// Opens for reading only.
    pub(super) fn to_read(id: &str, folder: &Path, why: Closed) -> Self {
        let (room, revision) = (Arc::new(Mutex::new(Room::default())), Arc::new(AtomicU64::new(1)));
        let readers = Readers::of(&folder.join(FILE));
        Self { id: id.to_owned(), seat: Err(why), room, revision, readers, drawing: Mutex::default() }
    }

    pub(super) fn revision(&self) -> u64 {
        self.revision.load(Ordering::SeqCst)
    }

    /// The thread that writes.
    pub(super) fn seat(&self) -> Result<&Seat> {
        self.seat.as_ref().map_err(|why| AppError::NotAllowed {
            what: "edit the map".to_owned(),
            why: match why {
                Closed::Wanted => "it was opened for reading only".to_owned(),
                Closed::InUse => "another program has it open".to_owned(),
            },
        })
    }

    /// Reads beside the writer.
    pub(super) fn read<T>(&self, look: impl FnOnce(&Store) -> Result<T>) -> Result<T> {
        self.readers.with(look)
    }

    /// Draws beside the writer.
    pub(super) fn draw<T>(&self, draw: impl FnOnce(&mut Drawing, &Store) -> Result<T>) -> Result<T> {
        let mut drawing = self.drawing.lock().unwrap_or_else(PoisonError::into_inner);
        self.readers.with(|store| draw(&mut drawing, store))
    }

    /// Writes one step; `act` gives the names of the objects that it changed, and its answer gets
    /// the map's revision with them.
    pub(super) fn write<T: Send + 'static>(
        &self,
        work: &Work,
        act: impl FnOnce(&mut Store, &WorkHost) -> Result<(T, Vec<String>)> + Send + 'static,
    ) -> Result<(T, u64)> {
        let (work, revision) = (work.clone(), self.revision.clone());
        self.seat()?.with(move |store, host| {
            let (value, objects) = act(store, host)?;
            let revision = super::seat::changed_here(&work, &revision, objects);
            Ok(((value, revision), true))
        })
    }
}

/// Connections that only read, kept for the next look.
struct Readers {
    file: PathBuf,
    idle: Mutex<Vec<Store>>,
}

/// More than these are not kept.
const MOST_IDLE: usize = 4;

impl Readers {
    fn of(file: &Path) -> Self {
        Self { file: file.to_owned(), idle: Mutex::new(Vec::new()) }
    }

    fn with<T>(&self, look: impl FnOnce(&Store) -> Result<T>) -> Result<T> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let store = match idle {
            Some(store) => store,
            None => Store::open_read_only(&self.file)?,
        };
        let found = look(&store);
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if found.is_ok() && idle.len() < MOST_IDLE {
            idle.push(store);
        }
        found
    }
}
