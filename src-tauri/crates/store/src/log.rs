//! The log: one row per operation, as it came, also when it lost or was only recorded.

use std::collections::BTreeSet;
use std::sync::Arc;

use bivouac_journal::clock::{Hlc, Order, Stamp};
use bivouac_journal::geometry::FeatureType;
use bivouac_journal::ids::{Object, PeerId};
use bivouac_journal::json::Json;
use bivouac_journal::operation::{Marks, Operation, Verb, Write};
use bivouac_journal::path::Path;
use rusqlite::{Connection, params};

use crate::error::{Error, Result};
use crate::names::Names;
use crate::object;
use crate::tx::Tx;

pub use crate::stage::{Origin, SaveState};

/// A row that is about to be appended.
#[derive(Clone, Copy, Debug)]
pub struct NewRow<'a> {
    /// The operation.
    pub operation: &'a Operation,
    /// Where it comes from.
    pub origin: Origin,
    /// Whether its writes go to the registers.
    pub applied: bool,
    /// When, in milliseconds by this laptop.
    pub at_ms: u64,
    /// How far it has come.
    pub state: SaveState,
    /// Its undo unit.
    pub unit: Option<i64>,
    /// What each written register held before, as JSON.
    pub before: Option<&'a str>,
    /// The frame that carries it.
    pub frame: Option<i64>,
}

impl<'a> NewRow<'a> {
    /// An applied row without a life of its own.
    #[must_use]
    pub fn of(operation: &'a Operation, origin: Origin, at_ms: u64) -> Self {
        let state = match origin {
            Origin::Local => SaveState::Local,
            Origin::Foreign | Origin::Wire | Origin::Server => SaveState::None,
        };
        Self { operation, origin, applied: true, at_ms, state, unit: None, before: None, frame: None }
    }
}

/// A row of the log.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Its number.
    pub row: i64,
    /// The operation.
    pub operation: Operation,
    /// Where it comes from.
    pub origin: Origin,
    /// Whether its writes went to the registers.
    pub applied: bool,
    /// When it was committed, in milliseconds by this laptop.
    pub at_ms: u64,
    /// How far it has come.
    pub state: SaveState,
    /// The wire row that it was sent as.
    pub sent_as: Option<i64>,
    /// Its undo unit.
    pub unit: Option<i64>,
    /// What each written register held before, as JSON.
    pub before: Option<String>,
    /// The frame that carried it.
    pub frame: Option<i64>,
}

impl Row {
    /// The register writes of this row.
    ///
    /// # Errors
    /// When it is unsound, which only a row that was not applied may be.
    pub fn writes(&self) -> Result<Vec<Write>> {
        match (self.origin, self.operation.verb, &self.operation.object, &self.operation.value) {
            (Origin::Server, Verb::Upsert, Object::Feature(..), Some(text)) => object::server_writes(text.as_str()),
            // A document is kept as it is, sound or not (rule 32).
            (Origin::Server, Verb::Update, ..) => {
                let path = self.operation.path.clone();
                Ok(path.map(|path| Write { path, value: self.operation.value.clone() }).into_iter().collect())
            }
            _ => Ok(self.operation.writes()?),
        }
    }
}

/// Wall clock, counter, clock's number, and the text of an invalid stamp.
type Identity<'a> = (i64, u32, i64, Option<&'a str>);

const COLUMNS: &str = "row, wall, counter, clock, idx, object, verb, path, value, origin, applied, at, sender, dirty,
    feature_type, marks, stamp, extra, state, sent_as, unit, frame, before";

impl Tx<'_> {
    /// The row that holds this very operation (M0), and whether its writes went to the registers.
    pub(crate) fn repetition(&mut self, operation: &Operation) -> Result<Option<(i64, bool)>> {
        let Some((wall, counter, clock, text)) = self.identity(&operation.stamp)? else { return Ok(None) };
        let path = match &operation.path {
            Some(path) => match self.names.known(self.connection, path.as_stored())? {
                Some(path) => Some(path),
                None => return Ok(None),
            },
            None => None,
        };
        // Rows with an invalid stamp neither wait nor are read ahead.
        if text.is_none() {
            let place = (wall, counter, clock, operation.index);
            let found = self.next_repetition(operation, place, path)?;
            if found.is_some() {
                return Ok(found);
            }
            if self.appended.holds(place) {
                self.write_appended()?;
            }
        }
        let connection = self.connection;
        let probe = self.hot.probe.get(
            connection,
            "SELECT row, applied, verb, path, object, value, extra FROM operations
             WHERE wall = ?1 AND counter = ?2 AND clock = ?3 AND idx = ?4 AND stamp IS ?5 ORDER BY row",
        )?;
        let mut rows = probe.query(params![wall, counter, clock, operation.index, text])?;
        while let Some(row) = rows.next()? {
            if row.get::<_, i64>(2)? != verb_number(operation.verb)
                || row.get::<_, Option<i64>>(3)? != path
                || !is_same(row.get_ref(5)?.as_str_or_null().map_err(rusqlite::Error::from)?, operation.value.as_ref())
                || !is_same(row.get_ref(6)?.as_str_or_null().map_err(rusqlite::Error::from)?, operation.extra.as_ref())
                || !self.objects.is_named(connection, row.get(4)?, &operation.object)?
            {
                continue;
            }
            let found = (row.get(0)?, row.get(1)?);
            self.again.found(found.0);
            return Ok(Some(found));
        }
        self.again.pause();
        Ok(None)
    }

    /// The identity's columns; `None` when no row can hold it.
    fn identity<'a>(&mut self, stamp: &'a Stamp) -> Result<Option<Identity<'a>>> {
        match stamp {
            Stamp::Invalid(text) => Ok(Some((-1, 0, 0, Some(text)))),
            Stamp::Valid(hlc) => {
                if wall(hlc.wall) > self.newest()? {
                    return Ok(None);
                }
                let clock = self.names.known(self.connection, &hlc.id)?;
                Ok(clock.map(|clock| (wall(hlc.wall), hlc.counter, clock, None)))
            }
        }
    }

    /// The rows of that identity (M0), oldest first; more than one only when somebody erred.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn find(&mut self, stamp: &Stamp, index: u32) -> Result<Vec<Row>> {
        let Some((wall, counter, clock, text)) = self.identity(stamp)? else { return Ok(Vec::new()) };
        let sql = "WHERE wall = ?1 AND counter = ?2 AND clock = ?3 AND idx = ?4 AND stamp IS ?5 ORDER BY row";
        self.rows(sql, params![wall, counter, clock, index, text])
    }

    /// One row.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn row(&mut self, row: i64) -> Result<Option<Row>> {
        Ok(self.rows("WHERE row = ?1", [row])?.pop())
    }

    /// The log rows of an object, oldest first.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn rows_of(&mut self, object: &Object) -> Result<Vec<Row>> {
        let held = self.hold(object)?;
        let (id, listed) = (held.id, held.rows.rows()?);
        listed_rows(listed, |row| Ok(self.rows("WHERE row = ?1 AND object = ?2", [row, id])?.pop()))
    }

    /// Own rows on their way (local to saved), oldest first; of one object or of all.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn pending(&mut self, object: Option<&Object>) -> Result<Vec<Row>> {
        match object {
            Some(object) => {
                let id = self.object_id(object)?;
                self.own_rows("WHERE object = ?1 AND state BETWEEN 1 AND 4 ORDER BY row", [id])
            }
            // Left to itself SQLite reads the whole log, which is in that order already.
            None => self.own_rows("INDEXED BY operations_pending WHERE state BETWEEN 1 AND 4 ORDER BY row", []),
        }
    }

    /// Local rows that went out as that wire row.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn sent_as(&mut self, wire: i64) -> Result<Vec<Row>> {
        self.rows("WHERE sent_as = ?1 ORDER BY row", [wire])
    }

    /// Foreign rows that nobody saved, as far as we know, of one layer's features and itself.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn unsaved(&mut self, layer: i64) -> Result<Vec<Row>> {
        self.rows(
            "WHERE state = 8 AND object IN (SELECT id FROM objects WHERE (kind = 2 AND layer = ?1) OR id = ?1) ORDER BY row",
            [layer],
        )
    }

    /// Whether an operation newer than `order` wrote this value to this register (M11).
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn carries(&mut self, object: &Object, path: &Path, order: &Order, value: Option<&Json>) -> Result<bool> {
        for row in self.rows_of(object)? {
            if !row.applied || row.operation.order() <= *order {
                continue;
            }
            if row.writes()?.iter().any(|write| write.path == *path && write.value.as_ref() == value) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Says how far rows have come.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn set_state(&mut self, rows: &[i64], state: SaveState) -> Result<()> {
        self.write_appended()?;
        let mut update = self.connection.prepare_cached("UPDATE operations SET state = ?2 WHERE row = ?1")?;
        for row in rows {
            update.execute(params![row, state])?;
        }
        Ok(())
    }

    /// Ties local rows to the wire row that they go out as.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn set_sent_as(&mut self, rows: &[i64], wire: i64) -> Result<()> {
        self.write_appended()?;
        let mut update = self.connection.prepare_cached("UPDATE operations SET sent_as = ?2 WHERE row = ?1")?;
        for row in rows {
            update.execute(params![row, wire])?;
        }
        Ok(())
    }

    pub(crate) fn set_applied(&mut self, row: i64) -> Result<()> {
        self.write_appended()?;
        self.again.stop();
        self.connection.prepare_cached("UPDATE operations SET applied = 1 WHERE row = ?1")?.execute([row])?;
        Ok(())
    }

    pub(crate) fn rows(&mut self, rest: &str, params: impl rusqlite::Params) -> Result<Vec<Row>> {
        self.write_appended()?;
        self.own_rows(rest, params)
    }

    /// As [`Tx::rows`], for rows on their way, which no list of others appends.
    pub(crate) fn own_rows(&mut self, rest: &str, params: impl rusqlite::Params) -> Result<Vec<Row>> {
        // Objects that are new in this transaction have no row to read their name from yet.
        rows(self.connection, self.names, rest, params, |id, connection| {
            self.objects.name(id).map_or_else(|| object::name(connection, id), Ok)
        })
    }

    pub(crate) fn newest(&mut self) -> Result<i64> {
        match self.newest {
            Some(newest) => Ok(newest),
            None => {
                let sql = "SELECT coalesce(max(wall), -1) FROM operations";
                let newest = self.connection.query_row(sql, [], |row| row.get(0))?;
                self.newest = Some(newest);
                Ok(newest)
            }
        }
    }
}

/// Whether a text of the log is the same value.
pub(crate) fn is_same(found: Option<&str>, ours: Option<&Json>) -> bool {
    match (found, ours) {
        (Some(found), Some(ours)) => found == ours.as_str() || Json::trusted(found) == *ours,
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    }
}

/// Reads rows of the log; `rest` begins with INDEXED BY, WHERE or ORDER BY.
pub(crate) fn rows(
    connection: &Connection,
    names: &mut Names,
    rest: &str,
    params: impl rusqlite::Params,
    mut name: impl FnMut(i64, &Connection) -> Result<Object>,
) -> Result<Vec<Row>> {
    let mut statement = connection.prepare_cached(&format!("SELECT {COLUMNS} FROM operations {rest}"))?;
    let mut found = statement.query(params)?;
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        let stamp = match row.get::<_, Option<Arc<str>>>(16)? {
            Some(text) => Stamp::Invalid(text),
            None => {
                let id = names.text(connection, row.get(3)?)?;
                Stamp::Valid(Hlc { wall: row.get(1)?, counter: row.get(2)?, id })
            }
        };
        let path = row.get::<_, Option<i64>>(7)?.map(|path| names.path(connection, path)).transpose()?;
        let sender = row.get::<_, Option<i64>>(12)?.map(|peer| names.text(connection, peer)).transpose()?;
        let json = |text: Option<String>| text.map(|text| Json::trusted(&text));
        rows.push(Row {
            row: row.get(0)?,
            operation: Operation {
                stamp,
                index: row.get(4)?,
                verb: verb_of(row.get(6)?)?,
                object: name(row.get(5)?, connection)?,
                feature_type: row.get::<_, Option<i64>>(14)?.and_then(type_of),
                path,
                value: json(row.get(8)?),
                sender: sender.map(|peer| PeerId::trusted(&peer)),
                dirty: row.get(13)?,
                marks: marks_of(row.get(15)?),
                extra: json(row.get(17)?),
            },
            origin: row.get(9)?,
            applied: row.get(10)?,
            at_ms: row.get(11)?,
            state: row.get(18)?,
            sent_as: row.get(19)?,
            unit: row.get(20)?,
            before: row.get(22)?,
            frame: row.get(21)?,
        });
    }
    Ok(rows)
}

/// The log rows of an object out of its list, oldest first; `read` tells whether a row is the object's.
pub(crate) fn listed_rows(listed: Vec<i64>, mut read: impl FnMut(i64) -> Result<Option<Row>>) -> Result<Vec<Row>> {
    let mut rows = Vec::with_capacity(listed.len());
    for row in listed.into_iter().collect::<BTreeSet<i64>>() {
        rows.extend(read(row)?);
    }
    rows.sort_by_key(|row| (row.at_ms, row.row));
    Ok(rows)
}

/// One row by its number.
pub(crate) fn one(connection: &Connection, names: &mut Names, row: i64) -> Result<Option<Row>> {
    Ok(rows(connection, names, "WHERE row = ?1", [row], |id, connection| object::name(connection, id))?.pop())
}

pub(crate) fn wall(wall: u64) -> i64 {
    i64::try_from(wall).unwrap_or(i64::MAX)
}

pub(crate) fn verb_number(verb: Verb) -> i64 {
    match verb {
        Verb::Upsert => 0,
        Verb::Update => 1,
        Verb::Delete => 2,
    }
}

fn verb_of(number: i64) -> Result<Verb> {
    match number {
        0 => Ok(Verb::Upsert),
        1 => Ok(Verb::Update),
        2 => Ok(Verb::Delete),
        other => Err(Error::Damaged(format!("verb {other} in the log"))),
    }
}

pub(crate) fn type_number(kind: FeatureType) -> i64 {
    match kind {
        FeatureType::Marker => 0,
        FeatureType::Polyline => 1,
        FeatureType::Polygon => 2,
    }
}

fn type_of(number: i64) -> Option<FeatureType> {
    match number {
        0 => Some(FeatureType::Marker),
        1 => Some(FeatureType::Polyline),
        2 => Some(FeatureType::Polygon),
        _ => None,
    }
}

/// `o|h|i`, since most rows have none of the three.
pub(crate) fn marks_text(marks: &Marks) -> Option<String> {
    let text = |hlc: &Option<Hlc>| hlc.as_ref().map(ToString::to_string).unwrap_or_default();
    let index = marks.index.map(|index| index.to_string()).unwrap_or_default();
    (*marks != Marks::default()).then(|| format!("{}\u{1f}{}\u{1f}{index}", text(&marks.origin), text(&marks.stamp)))
}

fn marks_of(text: Option<String>) -> Marks {
    let text = text.unwrap_or_default();
    let mut parts = text.split('\u{1f}');
    let mut hlc = || parts.next().and_then(Hlc::parse);
    let (origin, stamp) = (hlc(), hlc());
    Marks { origin, stamp, index: parts.next().and_then(|index| index.parse().ok()) }
}
