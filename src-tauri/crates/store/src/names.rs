//! Texts that repeat in every row of the log, kept once and named by a number.

use std::sync::Arc;

use bivouac_journal::path::Path;
use rusqlite::{Connection, OptionalExtension, params};

use crate::error::{Error, Result};
use crate::hash::HashMap;

/// Both directions, as far as they were needed since the file was opened.
#[derive(Debug, Default)]
pub(crate) struct Names {
    numbers: HashMap<Arc<str>, i64>,
    texts: HashMap<i64, (Arc<str>, Path)>,
}

impl Names {
    /// Forgets everything, for numbers that were given in a transaction that is gone.
    pub fn forget(&mut self) {
        self.numbers.clear();
        self.texts.clear();
    }

    /// The number of a text, a new one if need be.
    pub fn number(&mut self, connection: &Connection, text: &str) -> Result<i64> {
        if let Some(number) = self.known(connection, text)? {
            return Ok(number);
        }
        connection.prepare_cached("INSERT INTO names (text) VALUES (?1)")?.execute([text])?;
        let number = connection.last_insert_rowid();
        self.remember(number, text);
        Ok(number)
    }

    /// The number of a text that may never have been named.
    pub fn known(&mut self, connection: &Connection, text: &str) -> Result<Option<i64>> {
        if let Some(number) = self.numbers.get(text) {
            return Ok(Some(*number));
        }
        let found: Option<i64> = connection
            .prepare_cached("SELECT id FROM names WHERE text = ?1")?
            .query_row([text], |row| row.get(0))
            .optional()?;
        if let Some(number) = found {
            self.remember(number, text);
        }
        Ok(found)
    }

    /// The text of a number.
    pub fn text(&mut self, connection: &Connection, number: i64) -> Result<Arc<str>> {
        Ok(self.entry(connection, number)?.0)
    }

    /// The path of a number.
    pub fn path(&mut self, connection: &Connection, number: i64) -> Result<Path> {
        Ok(self.entry(connection, number)?.1)
    }

    fn entry(&mut self, connection: &Connection, number: i64) -> Result<(Arc<str>, Path)> {
        if let Some(entry) = self.texts.get(&number) {
            return Ok(entry.clone());
        }
        let text: String = connection
            .prepare_cached("SELECT text FROM names WHERE id = ?1")?
            .query_row(params![number], |row| row.get(0))
            .optional()?
            .ok_or_else(|| Error::Damaged(format!("name {number} is missing")))?;
        Ok(self.remember(number, &text))
    }

    fn remember(&mut self, number: i64, text: &str) -> (Arc<str>, Path) {
        let name: Arc<str> = text.into();
        let entry = (name.clone(), Path::from_stored(text));
        self.numbers.insert(name, number);
        self.texts.insert(number, entry.clone());
        entry
    }
}
