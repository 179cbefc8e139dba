//! The maps on this laptop: listing, making, taking offline, opening, removing.

use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use bivouac_link::Secret;
use bivouac_store::Store;
use serde_json::{Map, Value};

use super::open::{Closed, Open};
use super::stay::Wish;
use super::types::{DeskEvent, LibraryView, MapCard, MapView, TakeOffline, Trouble};
use super::work::Leave;
use super::{Answer, Desk, sample};
use crate::account::Account;
use crate::edits::{self, Edit};
use crate::error::{AppError, Result};
use crate::host::Host;
use crate::library::{Birth, Entry, FILE, OpenMap};
use crate::take::{self, Request};

impl Desk {
    /// Every map on this laptop.
    ///
    /// # Errors
    /// When the folder cannot be read; a damaged map is listed as such.
    pub fn library(&self) -> Answer<LibraryView> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(|open| open.id.clone());
        let maps = self.library.maps()?.iter().map(card).collect();
        Ok(LibraryView { maps, folder: self.library.root().display().to_string(), open })
    }

    /// Makes a map that no server knows, with one layer to begin in.
    ///
    /// # Errors
    /// When the name is none, or it cannot be written.
    pub fn create_map(&self, name: &str, layer: &str, server: Option<&str>) -> Answer<String> {
        let host = self.work.host(None);
        let server = match server.map(str::trim).filter(|server| !server.is_empty()) {
            Some(server) => {
                let vault = self.work.vault(&host);
                Some(self.work.door(&host, &vault, &Leave::default()).client(server)?.server())
            }
            None => None,
        };
        let birth = Birth { name: name.to_owned(), server, account: None };
        let mut map = self.library.new_map(&birth, &host)?;
        let first = Edit::LayerAdd { name: layer.to_owned(), parent: None, properties: Map::new() };
        let name = Edit::MapSet { key: "name".to_owned(), value: Value::String(name.trim().to_owned()) };
        edits::apply(&mut map.store, "new-map", vec![name, first], &host)?;
        self.tell(DeskEvent::Library {});
        Ok(map.record()?.uuid)
    }

    /// Puts the bundled sample map into the library.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn add_sample(&self) -> Answer<String> {
        let id = sample::add(&self.library, &self.work.host(None))?;
        self.tell(DeskEvent::Library {});
        Ok(id)
    }

    /// Takes a map offline; waits for the server, tells how far it is, and can be cancelled.
    ///
    /// # Errors
    /// When it is on this laptop already, the server refuses, or it was cancelled; nothing is left then.
    pub fn take_offline(&self, wanted: &TakeOffline) -> Answer<String> {
        self.work.cancel.store(false, Ordering::Relaxed);
        let given = |text: &Option<String>| text.clone().map(|text| text.trim().to_owned()).filter(|t| !t.is_empty());
        let request =
            Request::new(wanted.address.trim(), given(&wanted.user).as_deref(), given(&wanted.edit_link).as_deref())?;
        let leave = Leave {
            password: wanted.password.as_deref().map(Secret::new),
            keep_password: wanted.keep_password,
            allow_http: wanted.allow_http,
        };
        let host = self.work.host(leave.password.clone());
        let vault = self.work.vault(&host);
        let door = self.work.door(&host, &vault, &leave);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(AppError::io("start the runtime of a request"))?;
        let stopped = async {
            while !host.cancelled() {
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        };
        let map = runtime.block_on(async {
            tokio::select! {
                biased;
                () = stopped => Err(AppError::Cancelled("take the map offline".to_owned())),
                map = take::take(&self.library, &request, &door) => map,
            }
        })?;
        self.tell(DeskEvent::Library {});
        Ok(map.record()?.uuid)
    }

    /// Takes a map from this laptop.
    ///
    /// # Errors
    /// While edits are unsent, unless `discard`; or when a program, this one too, has it open.
    pub fn remove_map(&self, id: &str, discard: bool) -> Answer<()> {
        self.library.remove(&self.entry(id)?, discard)?;
        self.tell(DeskEvent::Library {});
        Ok(())
    }

    /// Opens a map, for editing where that is possible; the one that was open is closed. A map on
    /// a server goes online by itself.
    ///
    /// # Errors
    /// When its file cannot be read.
    pub fn open_map(&self, id: &str) -> Answer<MapView> {
        self.close_map();
        let entry = self.entry(id)?;
        let open = match self.library.write(&entry.uuid) {
            Ok(mut map) => {
                self.opened_now(&mut map)?;
                Open::to_write(map, &self.work)?
            }
            Err(AppError::InUse { .. }) => Open::to_read(&entry.uuid, &entry.folder, Closed::InUse),
            Err(error) => return Err(error.into()),
        };
        self.put(open)
    }

    /// Opens a map for reading only.
    ///
    /// # Errors
    /// When its file cannot be read.
    pub fn open_read_only(&self, id: &str) -> Answer<MapView> {
        self.close_map();
        let entry = self.entry(id)?;
        // Also brings an older format up to date. A damaged file is opened all the same: what can
        // be read of it is shown.
        match entry.found {
            Ok(_) => drop(self.library.read(&entry.uuid)?),
            Err(error) if error.code() == "damaged" => {}
            Err(error) => return Err(error.into()),
        }
        self.put(Open::to_read(&entry.uuid, &entry.folder, Closed::Wanted))
    }

    /// Closes the open map.
    pub fn close_map(&self) {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(open) = open {
            if let Ok(seat) = &open.seat {
                seat.close();
            }
            self.tell(DeskEvent::Library {});
        }
    }

    fn put(&self, open: Open) -> Answer<MapView> {
        let view = self.put_down(open);
        if view.is_err() {
            self.close_map();
        }
        view
    }

    fn put_down(&self, open: Open) -> Answer<MapView> {
        let open = Arc::new(open);
        *self.open.lock().unwrap_or_else(PoisonError::into_inner) = Some(open.clone());
        let (server, known) = open.read(|store| {
            let record = store.map()?;
            Ok((record.server.is_some(), record.server_map_id.is_some()))
        })?;
        if let (Ok(seat), true, true) = (&open.seat, server, known) {
            seat.online(Wish::default());
        }
        self.map_view()
    }

    fn opened_now(&self, map: &mut OpenMap) -> Result<()> {
        let mut tx = map.store.begin()?;
        let mut record = tx.map()?;
        record.opened_at = self.work.surroundings.now_ms();
        tx.set_map(&record)?;
        Ok(tx.commit()?)
    }

    pub(super) fn entry(&self, id: &str) -> Result<Entry> {
        let missing = || AppError::NotFound { what: "the map".to_owned(), why: "it is not on this laptop".to_owned() };
        self.library.maps()?.into_iter().find(|entry| entry.uuid == id).ok_or_else(missing)
    }
}

/// What the library shows of a map.
fn card(entry: &Entry) -> MapCard {
    let empty = MapCard {
        id: entry.uuid.clone(),
        name: entry.name().to_owned(),
        server: None,
        on_server: false,
        account: None,
        features: 0,
        layers: 0,
        synced_at: None,
        opened_at: None,
        waiting: 0,
        conflicts: 0,
        read_only: false,
        trouble: None,
    };
    let found = match &entry.found {
        Ok(found) => found,
        Err(error) => return MapCard { trouble: Some(trouble(error)), ..empty },
    };
    let (record, counts) = (&found.record, &found.counts);
    let layers = Store::open_read_only(&entry.folder.join(FILE)).and_then(|store| store.layers()).unwrap_or_default();
    MapCard {
        server: record.server.clone(),
        on_server: record.server_map_id.is_some(),
        account: Account::from_label(record.account.as_deref()).label(),
        features: layers.iter().map(|layer| layer.features).sum(),
        layers: u64::try_from(layers.len()).unwrap_or(u64::MAX),
        synced_at: Some(record.synced_at).filter(|at| *at > 0),
        opened_at: Some(record.opened_at).filter(|at| *at > 0),
        waiting: counts.unverified(),
        conflicts: counts.conflicts + counts.proposals,
        read_only: record.read_only,
        ..empty
    }
}

fn trouble(error: &AppError) -> Trouble {
    let holder = match error {
        AppError::InUse { holder, .. } => Some(holder.clone()),
        _ => None,
    };
    Trouble { code: error.code().to_owned(), text: error.to_string(), holder }
}
