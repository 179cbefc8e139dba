//! Tells the window what came into the map from elsewhere, and where synchronising stands; at
//! most ten times a second, however much happens.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bivouac_journal::ids::Object;
use bivouac_store::{Origin, Row, Store};

use super::naming::object_name;
use super::seat::Inside;
use super::types::{DeskEvent, SyncState};
use crate::error::Result;

/// Between two tellings.
const PAUSE: Duration = Duration::from_millis(100);
/// More changed objects than these are told as "many".
const MOST_OBJECTS: usize = 500;
/// So many rows are looked through for what changed; more is "many".
const MOST_ROWS: usize = 2_000;
/// So many marks of others' edits are shown at once.
const MOST_TOUCHED: usize = 10;

/// How far the log was told.
pub(super) struct Bulletin {
    row: Cell<i64>,
    object: Cell<i64>,
}

impl Bulletin {
    /// What is in the file now needs no telling.
    pub(super) fn new(store: &Store) -> Self {
        let (row, object) = (store.last_row().unwrap_or(0), store.newest_object().unwrap_or(0));
        Self { row: Cell::new(row), object: Cell::new(object) }
    }

    /// Tells, for as long as the map is open.
    pub(super) async fn tell(&self, inside: &Inside) {
        loop {
            inside.news.notified().await;
            if let Err(error) = self.once(inside) {
                tracing::warn!(%error, "tell the window what changed");
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    fn once(&self, inside: &Inside) -> Result<()> {
        let store = inside.store.borrow();
        self.changes(inside, &store)?;
        let (record, counts, peers) = (store.map()?, store.counts()?, store.peers()?);
        let view = inside.room().view(&record, &counts, &peers);
        drop(store);
        inside.work.surroundings.tell(DeskEvent::Sync { view });
        Ok(())
    }

    fn changes(&self, inside: &Inside, store: &Store) -> Result<()> {
        let (last, newest) = (store.last_row()?, store.newest_object()?);
        let rows = if last > self.row.get() { store.rows_after(self.row.get(), MOST_ROWS)? } else { Vec::new() };
        let foreign: Vec<&Row> = rows.iter().filter(|row| row.applied && is_foreign(row.origin)).collect();
        let objects: BTreeSet<&Object> = foreign.iter().map(|row| &row.operation.object).collect();
        // A layer that was read for the first time is in no log.
        let silent = newest > self.object.get() && !rows.iter().any(|row| row.origin == Origin::Local);
        self.row.set(last);
        self.object.set(newest);
        if objects.is_empty() && !silent {
            return Ok(());
        }
        let many = objects.len() > MOST_OBJECTS || rows.len() == MOST_ROWS || (silent && objects.is_empty());
        let names = (!many).then(|| objects.iter().map(|object| object_name(object)).collect());
        let revision = inside.revision.fetch_add(1, Ordering::SeqCst) + 1;
        inside.work.surroundings.tell(DeskEvent::Changed { revision, objects: names, mine: false });
        if inside.room().state == SyncState::Live {
            self.touched(inside, store, &foreign)?;
        }
        Ok(())
    }

    /// Where others edited just now.
    fn touched(&self, inside: &Inside, store: &Store, rows: &[&Row]) -> Result<()> {
        let mut seen = BTreeSet::new();
        for row in rows.iter().rev().filter(|row| row.origin == Origin::Foreign) {
            let object = &row.operation.object;
            if seen.len() >= MOST_TOUCHED || !seen.insert(object) {
                continue;
            }
            let Some(bounds) = store.extent_of(object)? else { continue };
            let who = row.operation.sender.as_ref().and_then(|peer| inside.room().name_of(peer).map(str::to_owned));
            inside.work.surroundings.tell(DeskEvent::Touched {
                object: object_name(object),
                who: who.unwrap_or_default(),
                lon: (bounds.west + bounds.east) / 2.0,
                lat: (bounds.south + bounds.north) / 2.0,
            });
        }
        Ok(())
    }
}

fn is_foreign(origin: Origin) -> bool {
    match origin {
        Origin::Foreign | Origin::Server => true,
        Origin::Local | Origin::Wire => false,
    }
}
