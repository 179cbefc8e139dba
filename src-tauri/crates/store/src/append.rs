//! Appending to the log: one row, or those of a list several at once.
//!
//! A statement opens the table and each of its indexes anew, which costs as much as writing a
//! row. So the rows that a list appends wait for each other, and whoever reads or changes the log
//! writes them first.

use std::sync::LazyLock;

use bivouac_journal::clock::Stamp;
use bivouac_journal::json::Json;
use bivouac_journal::operation::Marks;
use rusqlite::{CachedStatement, params};

use crate::error::{Error, Result};
use crate::log::{NewRow, marks_text, type_number, verb_number, wall};
use crate::lookahead::Place;
use crate::stage::{Origin, SaveState};
use crate::tx::Tx;

/// So many rows are written by one statement.
const MANY: usize = 64;

// FAIL, not ABORT: an error ends the transaction anyway, so SQLite need not keep the pages as they
// were before each statement.
const PLAIN: &str =
    "INSERT OR FAIL INTO operations (wall, counter, clock, idx, object, verb, path, value, origin, applied, at,
        sender, dirty, feature_type, state)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
static PLAIN_MANY: LazyLock<String> = LazyLock::new(|| {
    let more = ", (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)".repeat(MANY - 1);
    format!("{PLAIN}{more}")
});

/// Rows that wait to be written.
#[derive(Debug, Default)]
pub(crate) struct Appended {
    together: bool,
    rows: Vec<Plain>,
    /// The number that SQLite gives to the next row.
    next: Option<i64>,
}

/// A row with nothing but what every operation has.
#[derive(Debug)]
struct Plain {
    wall: i64,
    counter: u32,
    clock: i64,
    index: u32,
    object: i64,
    verb: i64,
    path: Option<i64>,
    value: Option<Json>,
    origin: Origin,
    applied: bool,
    at_ms: u64,
    sender: Option<i64>,
    dirty: Option<bool>,
    feature_type: Option<i64>,
    state: SaveState,
}

impl Appended {
    /// Whether rows may wait from now on.
    pub fn together(&mut self, together: bool) {
        self.together = together;
    }

    /// Whether a row of that identity waits.
    pub fn holds(&self, place: Place) -> bool {
        self.rows.iter().any(|row| (row.wall, row.counter, row.clock, row.index) == place)
    }

    /// For when rows were taken out of the log.
    pub fn forget_the_next(&mut self) {
        self.next = None;
    }
}

impl Plain {
    fn bind(&self, statement: &mut CachedStatement<'_>, before: usize) -> rusqlite::Result<()> {
        statement.raw_bind_parameter(before + 1, self.wall)?;
        statement.raw_bind_parameter(before + 2, self.counter)?;
        statement.raw_bind_parameter(before + 3, self.clock)?;
        statement.raw_bind_parameter(before + 4, self.index)?;
        statement.raw_bind_parameter(before + 5, self.object)?;
        statement.raw_bind_parameter(before + 6, self.verb)?;
        statement.raw_bind_parameter(before + 7, self.path)?;
        statement.raw_bind_parameter(before + 8, self.value.as_ref().map(Json::as_str))?;
        statement.raw_bind_parameter(before + 9, self.origin)?;
        statement.raw_bind_parameter(before + 10, self.applied)?;
        statement.raw_bind_parameter(before + 11, self.at_ms)?;
        statement.raw_bind_parameter(before + 12, self.sender)?;
        statement.raw_bind_parameter(before + 13, self.dirty)?;
        statement.raw_bind_parameter(before + 14, self.feature_type)?;
        statement.raw_bind_parameter(before + 15, self.state)
    }
}

impl Tx<'_> {
    /// Appends a row to the log; its writes are applied apart.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn append(&mut self, new: &NewRow<'_>) -> Result<i64> {
        let operation = new.operation;
        let object = self.object_id(&operation.object)?;
        let (wall, counter, clock, stamp) = match &operation.stamp {
            Stamp::Valid(hlc) => (wall(hlc.wall), hlc.counter, self.intern(&hlc.id)?, None),
            Stamp::Invalid(text) => (-1, 0, 0, Some(text.clone())),
        };
        let path = operation.path.as_ref().map(|path| self.intern(path.as_stored())).transpose()?;
        let sender = operation.sender.as_ref().map(|peer| self.intern(peer.as_str())).transpose()?;
        let newest = self.newest()?;
        self.newest = Some(newest.max(wall));
        let plain = Plain {
            wall,
            counter,
            clock,
            index: operation.index,
            object,
            verb: verb_number(operation.verb),
            path,
            value: operation.value.clone(),
            origin: new.origin,
            applied: new.applied,
            at_ms: new.at_ms,
            sender,
            dirty: operation.dirty,
            feature_type: operation.feature_type.map(type_number),
            state: new.state,
        };
        let is_plain = stamp.is_none()
            && operation.extra.is_none()
            && operation.marks == Marks::default()
            && (new.unit, new.frame, new.before) == (None, None, None);
        let row = if is_plain { self.append_plain(plain)? } else { self.append_whole(new, &plain, stamp.as_deref())? };
        let held = self.hold(&operation.object)?;
        held.rows.push(row);
        held.logged = true;
        held.recorded |= !new.applied && new.origin == Origin::Foreign;
        Ok(row)
    }

    fn append_plain(&mut self, plain: Plain) -> Result<i64> {
        let row = match self.appended.next {
            Some(next) => next,
            None => {
                let next = "SELECT coalesce(max(row), 0) + 1 FROM operations";
                self.connection.query_row(next, [], |row| row.get(0))?
            }
        };
        self.appended.next = Some(row + 1);
        self.appended.rows.push(plain);
        if !self.appended.together || self.appended.rows.len() == MANY {
            self.write_appended()?;
        }
        Ok(row)
    }

    /// Writes the rows that wait.
    pub(crate) fn write_appended(&mut self) -> Result<()> {
        if self.appended.rows.is_empty() {
            return Ok(());
        }
        let connection = self.connection;
        if self.appended.rows.len() == MANY {
            let statement = self.hot.append_many.get(connection, &PLAIN_MANY)?;
            for (place, plain) in self.appended.rows.iter().enumerate() {
                plain.bind(statement, place * 15)?;
            }
            statement.raw_execute()?;
        } else {
            let statement = self.hot.append_plain.get(connection, PLAIN)?;
            for plain in &self.appended.rows {
                plain.bind(statement, 0)?;
                statement.raw_execute()?;
            }
        }
        self.appended.rows.clear();
        let (last, next) = (connection.last_insert_rowid(), self.appended.next);
        if next != Some(last + 1) {
            return Err(Error::Damaged(format!("row {last} of the log was not the next one, {next:?}")));
        }
        Ok(())
    }

    fn append_whole(&mut self, new: &NewRow<'_>, plain: &Plain, stamp: Option<&str>) -> Result<i64> {
        self.write_appended()?;
        let operation = new.operation;
        let insert = self.hot.append.get(
            self.connection,
            "INSERT INTO operations (wall, counter, clock, idx, object, verb, path, value, origin, applied, at,
                    sender, dirty, feature_type, marks, stamp, extra, state, unit, frame, before)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21)",
        )?;
        let row = insert.insert(params![
            plain.wall,
            plain.counter,
            plain.clock,
            plain.index,
            plain.object,
            plain.verb,
            plain.path,
            plain.value.as_ref().map(Json::as_str),
            plain.origin,
            plain.applied,
            plain.at_ms,
            plain.sender,
            plain.dirty,
            plain.feature_type,
            marks_text(&operation.marks),
            stamp,
            operation.extra.as_ref().map(Json::as_str),
            plain.state,
            new.unit,
            new.frame,
            new.before,
        ])?;
        self.appended.next = Some(row + 1);
        Ok(row)
    }
}
