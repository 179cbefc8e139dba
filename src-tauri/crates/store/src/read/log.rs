//! The log as people read it: an object's history, pages, and how many edits are how far.

use bivouac_journal::ids::Object;

use crate::error::Result;
use crate::log::{self, Row};
use crate::names::Names;
use crate::object;
use crate::open::Store;
use crate::stage::SaveState;

/// How many own edits are how far, and what else waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Committed on this laptop, not sent.
    pub local: u64,
    /// Sent, its echo not seen.
    pub sent: u64,
    /// Echoed, not saved.
    pub echoed: u64,
    /// In a save that is not verified.
    pub saved: u64,
    /// Read back twice.
    pub verified: u64,
    /// Replaced by later own edits.
    pub superseded: u64,
    /// Lost to another's value.
    pub lost: u64,
    /// Others' edits that nobody saved, as far as we know.
    pub foreign_unsaved: u64,
    /// Open conflicts.
    pub conflicts: u64,
    /// Open proposals.
    pub proposals: u64,
    /// Operations that wait for their layer.
    pub parked: u64,
}

impl Counts {
    /// Own edits that are not verified yet.
    #[must_use]
    pub fn unverified(&self) -> u64 {
        self.local + self.sent + self.echoed + self.saved
    }
}

impl Store {
    /// Every log row of an object, oldest first.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn history(&self, object: &Object) -> Result<Vec<Row>> {
        let Some(id) = object::number(&self.connection, object)? else { return Ok(Vec::new()) };
        let rows = object::rows(&self.connection, id)?.rows()?;
        log::listed_rows(rows, |row| Ok(self.read_rows("WHERE row = ?1 AND object = ?2", [row, id])?.pop()))
    }

    /// The latest log rows before `before` (all for `None`), latest first.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn log(&self, before: Option<i64>, limit: usize) -> Result<Vec<Row>> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.read_rows("WHERE row < ?1 ORDER BY row DESC LIMIT ?2", [before.unwrap_or(i64::MAX), limit])
    }

    /// How many edits are how far.
    ///
    /// # Errors
    /// When they cannot be counted.
    pub fn counts(&self) -> Result<Counts> {
        let mut counts = Counts::default();
        let mut statement = self.connection.prepare_cached(
            "SELECT state, count(*) FROM operations WHERE state BETWEEN 1 AND 4 GROUP BY state
             UNION ALL SELECT 8, count(*) FROM operations WHERE state = 8
             UNION ALL SELECT state, count(*) FROM operations WHERE unit IS NOT NULL AND state IN (5, 6, 7) GROUP BY state",
        )?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let count: u64 = row.get(1)?;
            match row.get::<_, SaveState>(0)? {
                SaveState::None => {}
                SaveState::Local => counts.local = count,
                SaveState::Sent => counts.sent = count,
                SaveState::Echoed => counts.echoed = count,
                SaveState::Saved => counts.saved = count,
                SaveState::Verified => counts.verified = count,
                SaveState::Superseded => counts.superseded = count,
                SaveState::Lost => counts.lost = count,
                SaveState::Unsaved => counts.foreign_unsaved = count,
            }
        }
        let count = |sql: &str| self.connection.prepare_cached(sql)?.query_row([], |row| row.get::<_, u64>(0));
        counts.conflicts = count("SELECT count(*) FROM conflicts WHERE state = 0")?;
        counts.proposals = count("SELECT count(*) FROM proposals WHERE state = 0")?;
        counts.parked = count("SELECT count(*) FROM parked")?;
        Ok(counts)
    }

    /// Own rows that are on their way: from committed here to saved but not verified.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn waiting(&self) -> Result<Vec<Row>> {
        self.read_rows("INDEXED BY operations_pending WHERE state BETWEEN 1 AND 4 ORDER BY row", [])
    }

    /// The log rows after `row`, oldest first, at most so many.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn rows_after(&self, row: i64, limit: usize) -> Result<Vec<Row>> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.read_rows("WHERE row > ?1 ORDER BY row LIMIT ?2", [row, limit])
    }

    /// One log row.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn log_row(&self, row: i64) -> Result<Option<Row>> {
        Ok(self.read_rows("WHERE row = ?1", [row])?.pop())
    }

    pub(crate) fn read_rows(&self, rest: &str, params: impl rusqlite::Params) -> Result<Vec<Row>> {
        log::rows(&self.connection, &mut Names::default(), rest, params, |id, connection| object::name(connection, id))
    }
}
