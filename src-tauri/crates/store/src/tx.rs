//! One transaction: everything inside commits together or not at all.

use bivouac_journal::clock::Clock;
use rusqlite::{CachedStatement, Connection};

use crate::ahead::Voice;
use crate::alias::SameFeatures;
use crate::append::Appended;
use crate::error::Result;
use crate::foreign::LayerStandings;
use crate::lookahead::Lookahead;
use crate::map;
use crate::names::Names;
use crate::object::Objects;
use crate::open::Store;

/// One writing transaction. Dropped without [`Tx::commit`] it leaves no trace.
pub struct Tx<'s> {
    pub(crate) connection: &'s Connection,
    pub(crate) names: &'s mut Names,
    pub(crate) objects: Objects,
    /// The greatest wall clock in the log: what is later cannot be a repetition.
    pub(crate) newest: Option<i64>,
    /// What was looked up once: layers, how many operations are parked, whether conflicts are open.
    pub(crate) standings: LayerStandings,
    pub(crate) parked: Option<i64>,
    pub(crate) open_conflicts: Option<bool>,
    pub(crate) hot: Hot<'s>,
    /// Rows that a list appended and that are written together.
    pub(crate) appended: Appended,
    /// Rows of the log that a list which comes again will hold next.
    pub(crate) again: Lookahead,
    /// Features that are known by two ids.
    pub(crate) same: Option<SameFeatures>,
    /// When the user edited in it, in milliseconds.
    pub(crate) edited_at: Option<u64>,
    voice: Option<&'s mut Voice>,
    clock: Option<Clock>,
    done: bool,
}

/// Statements that a long list runs for each of its operations or objects.
#[derive(Default)]
pub(crate) struct Hot<'s> {
    pub append: Slot<'s>,
    pub append_plain: Slot<'s>,
    pub append_many: Slot<'s>,
    pub probe: Slot<'s>,
    pub find_object: Slot<'s>,
    pub read_object: Slot<'s>,
    pub read_ahead: Slot<'s>,
    pub insert_object: Slot<'s>,
    pub update_object: Slot<'s>,
    pub update_based: Slot<'s>,
    pub insert_place: Slot<'s>,
}

/// One of them, prepared when it is needed first.
#[derive(Default)]
pub(crate) struct Slot<'s>(Option<CachedStatement<'s>>);

impl<'s> Slot<'s> {
    pub fn get(&mut self, connection: &'s Connection, sql: &str) -> rusqlite::Result<&mut CachedStatement<'s>> {
        let statement = match self.0.take() {
            Some(statement) => statement,
            None => connection.prepare_cached(sql)?,
        };
        Ok(self.0.insert(statement))
    }
}

impl Store {
    /// Begins to write.
    ///
    /// # Errors
    /// When the file is read-only or another program writes to it for too long.
    pub fn begin(&mut self) -> Result<Tx<'_>> {
        self.wait_for_disk(true)?;
        self.begin_as_set()
    }

    /// As [`Store::begin`], but the commit runs ahead of the disk: for what others tell, see
    /// [`Store::settling`].
    ///
    /// # Errors
    /// As [`Store::begin`].
    pub fn begin_ahead(&mut self) -> Result<Tx<'_>> {
        self.wait_for_disk(false)?;
        self.begin_as_set()
    }

    fn begin_as_set(&mut self) -> Result<Tx<'_>> {
        self.connection.execute_batch("BEGIN IMMEDIATE")?;
        Ok(Tx {
            connection: &self.connection,
            names: &mut self.names,
            objects: Objects::default(),
            newest: None,
            standings: LayerStandings::default(),
            parked: None,
            open_conflicts: None,
            hot: Hot::default(),
            appended: Appended::default(),
            again: Lookahead::default(),
            same: None,
            edited_at: None,
            voice: self.voice.as_mut(),
            clock: None,
            done: false,
        })
    }
}

impl Tx<'_> {
    /// Writes everything that changed and commits it, on disk before this returns unless the
    /// transaction was begun ahead of the disk.
    ///
    /// # Errors
    /// When it cannot be written; nothing of the transaction is kept then.
    pub fn commit(mut self) -> Result<()> {
        if let (Some(now_ms), Some(voice)) = (self.edited_at.take(), self.voice.take()) {
            let me = voice.me.clone();
            self.frame_unsent(&me, now_ms, &mut || voice.bits())?;
        }
        self.write_appended()?;
        self.flush()?;
        if let Some(clock) = &self.clock {
            map::keep_clock(self.connection, clock)?;
        }
        self.connection.execute_batch("COMMIT")?;
        self.done = true;
        Ok(())
    }

    /// Our own clock; what it becomes is kept at the commit.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn clock(&mut self) -> Result<&mut Clock> {
        let clock = match self.clock.take() {
            Some(clock) => clock,
            None => map::clock(self.connection)?,
        };
        Ok(self.clock.insert(clock))
    }

    /// The number of a text in `names`, a new one if need be.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn intern(&mut self, text: &str) -> Result<i64> {
        self.names.number(self.connection, text)
    }
}

impl std::fmt::Debug for Tx<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tx").field("clock", &self.clock).field("done", &self.done).finish_non_exhaustive()
    }
}

impl Drop for Tx<'_> {
    fn drop(&mut self) {
        if self.done {
            return;
        }
        // Numbers that were given to new names are void now.
        self.names.forget();
        if let Err(error) = self.connection.execute_batch("ROLLBACK") {
            tracing::warn!(%error, "roll a transaction back");
        }
    }
}
