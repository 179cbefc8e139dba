//! Reading on in the log: a list that comes again holds rows that stand there one after the other.
//!
//! After two repetitions in neighbouring rows the next ones are read many at once and compared in
//! their order, which is much less work than looking for each by its identity. What is read here
//! are candidates only: a row counts when it holds the very operation.

use bivouac_journal::operation::Operation;

use crate::error::Result;
use crate::log::{is_same, verb_number};
use crate::tx::Tx;

/// So many repetitions in neighbouring rows make a list that comes again.
const RUN: u32 = 2;
const READ_ON: &str = "SELECT row, applied, wall, counter, clock, idx, verb, path, object, value, extra FROM operations
     WHERE row > ?1 AND stamp IS NULL ORDER BY row LIMIT 128";

/// An operation's valid stamp and place in its batch, as columns.
pub(crate) type Place = (i64, u32, i64, u32);

#[derive(Debug, Default)]
pub(crate) struct Lookahead {
    /// The repetition found last, and how many stood before it, row by row.
    last: i64,
    run: u32,
    /// The rows after it, and which of them is next.
    rows: Vec<Known>,
    next: usize,
    /// Their values, one after the other.
    texts: String,
}

/// A row of the log as far as it tells whether an operation is the same.
#[derive(Debug)]
struct Known {
    row: i64,
    applied: bool,
    place: Place,
    verb: i64,
    path: Option<i64>,
    object: i64,
    value: Option<(usize, usize)>,
    extra: Option<String>,
}

impl Lookahead {
    /// A repetition was found in that row.
    pub fn found(&mut self, row: i64) {
        self.run = if row == self.last + 1 { self.run.saturating_add(1) } else { 0 };
        self.last = row;
        let rest = self.rows.get(self.next..).unwrap_or_default();
        match rest.iter().position(|known| known.row == row) {
            Some(place) => self.next += place + 1,
            None => self.forget(),
        }
    }

    /// Something new came in between; what was read may still be needed.
    pub fn pause(&mut self) {
        self.run = 0;
    }

    /// What was read is no longer what the log holds.
    pub fn stop(&mut self) {
        self.run = 0;
        self.forget();
    }

    fn forget(&mut self) {
        self.rows.clear();
        self.texts.clear();
        self.next = 0;
    }
}

impl Tx<'_> {
    /// The row after the repetition found last, if it holds this operation, and whether its
    /// writes went to the registers.
    pub(crate) fn next_repetition(
        &mut self,
        operation: &Operation,
        place: Place,
        path: Option<i64>,
    ) -> Result<Option<(i64, bool)>> {
        if self.again.run < RUN {
            return Ok(None);
        }
        if self.again.next == self.again.rows.len() {
            self.read_on()?;
        }
        let Some(known) = self.again.rows.get(self.again.next) else { return Ok(None) };
        let text = |(from, to): (usize, usize)| self.again.texts.get(from..to);
        let same = known.place == place
            && known.verb == verb_number(operation.verb)
            && known.path == path
            && is_same(known.value.and_then(text), operation.value.as_ref())
            && is_same(known.extra.as_deref(), operation.extra.as_ref())
            && self.objects.is_named(self.connection, known.object, &operation.object)?;
        if !same {
            return Ok(None);
        }
        let found = (known.row, known.applied);
        self.again.next += 1;
        self.again.last = found.0;
        Ok(Some(found))
    }

    fn read_on(&mut self) -> Result<()> {
        self.again.forget();
        let statement = self.hot.read_ahead.get(self.connection, READ_ON)?;
        let mut rows = statement.query([self.again.last])?;
        while let Some(row) = rows.next()? {
            let value = row.get_ref(9)?.as_str_or_null().map_err(rusqlite::Error::from)?.map(|text| {
                let from = self.again.texts.len();
                self.again.texts.push_str(text);
                (from, self.again.texts.len())
            });
            self.again.rows.push(Known {
                row: row.get(0)?,
                applied: row.get(1)?,
                place: (row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?),
                verb: row.get(6)?,
                path: row.get(7)?,
                object: row.get(8)?,
                value,
                extra: row.get(10)?,
            });
        }
        Ok(())
    }
}
