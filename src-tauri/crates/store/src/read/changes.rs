//! What changed since somebody looked, and the changed rows as they stand in the file: whoever
//! keeps a picture of the map in memory keeps it up to date with this.
//!
//! Everything that changes what is shown leaves a row in the log, but features of a first read,
//! which are new objects, and operations that waited for their layer, which come with its row.

use std::collections::BTreeSet;

use bivouac_journal::ids::LayerId;
use bivouac_journal::project::Layer;
use rusqlite::{OptionalExtension, params};

use crate::error::Result;
use crate::names::Names;
use crate::open::Store;
use crate::read::layer::{LayerView, in_order};

/// How far a reader has seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    row: i64,
    /// That row's stamp: rows at the end of the log may go, and their numbers come again.
    stamp: Option<(i64, i64, i64, i64)>,
    object: i64,
}

impl Seen {
    /// Grows with what was seen.
    #[must_use]
    pub fn revision(&self) -> u64 {
        u64::try_from(self.row.saturating_add(self.object)).unwrap_or(0)
    }
}

/// What changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// How far was seen now.
    pub seen: Seen,
    /// Nobody knows what changed: everything has to be read again.
    pub everything: bool,
    /// The map's settings or a layer changed.
    pub outline: bool,
    /// The numbers of the features that changed or came, alive or not.
    pub features: BTreeSet<i64>,
}

impl Changes {
    /// Whether nothing changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.everything && !self.outline && self.features.is_empty()
    }
}

/// A listed layer with its number in this file.
#[derive(Clone, Debug, PartialEq)]
pub struct NumberedLayer {
    /// Its number.
    pub number: i64,
    /// Its id.
    pub id: LayerId,
    /// Place, group and settings.
    pub layer: Layer,
    /// How deep it lies in groups; 0 at the top.
    pub depth: usize,
}

/// A row of a feature, borrowed from the database.
#[derive(Clone, Copy, Debug)]
pub struct Scanned<'r> {
    /// Its number in this file; grows in the order in which features came.
    pub number: i64,
    /// Its layer's number.
    pub layer: i64,
    /// Its id.
    pub id: &'r str,
    /// Whether it is alive.
    pub alive: bool,
    /// The whole GeoJSON feature.
    pub text: &'r str,
}

/// Which features are scanned.
#[derive(Clone, Copy, Debug)]
pub enum Scan<'s> {
    /// The living ones of every layer.
    All,
    /// The living ones of the layer of that number.
    Layer(i64),
    /// Those of these numbers, dead ones too.
    These(&'s BTreeSet<i64>),
}

impl Store {
    /// Reads several things as they are at one instant.
    ///
    /// # Errors
    /// When reading cannot begin, and what `read` says.
    pub fn at_one_instant<T, E: From<crate::Error>>(
        &self,
        read: impl FnOnce(&Self) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        let transaction = self.connection.unchecked_transaction().map_err(crate::Error::from)?;
        let result = read(self)?;
        transaction.finish().map_err(crate::Error::from)?;
        Ok(result)
    }

    /// What changed since then; since ever for `None`.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn changes(&self, since: Option<&Seen>) -> Result<Changes> {
        let number =
            |sql: &str| -> Result<i64> { Ok(self.connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?) };
        let row = number("SELECT coalesce(max(row), 0) FROM operations")?;
        let object = number("SELECT coalesce(max(id), 0) FROM objects")?;
        let seen = Seen { row, stamp: self.stamp_of(row)?, object };
        let Some(since) = since else { return Ok(Changes { seen, everything: true, ..Changes::default() }) };
        if *since == seen {
            return Ok(Changes { seen, ..Changes::default() });
        }
        if object < since.object || (since.row > 0 && self.stamp_of(since.row)? != since.stamp) {
            return Ok(Changes { seen, everything: true, ..Changes::default() });
        }
        let mut changes = Changes { seen, ..Changes::default() };
        let mut statement = self.connection.prepare_cached(
            "SELECT o.id, o.kind FROM objects o
             WHERE o.id IN (SELECT object FROM operations WHERE row > ?1) OR o.id > ?2",
        )?;
        let mut rows = statement.query(params![since.row, since.object])?;
        while let Some(row) = rows.next()? {
            match row.get::<_, i64>(1)? {
                2 => {
                    changes.features.insert(row.get(0)?);
                }
                _ => changes.outline = true,
            }
        }
        Ok(changes)
    }

    fn stamp_of(&self, row: i64) -> Result<Option<(i64, i64, i64, i64)>> {
        let sql = "SELECT wall, counter, clock, idx FROM operations WHERE row = ?1";
        let stamp = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?));
        Ok(self.connection.prepare_cached(sql)?.query_row([row], stamp).optional()?)
    }

    /// The listed layers in the order of [`Store::layers`], without counting their features.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn numbered_layers(&self) -> Result<Vec<NumberedLayer>> {
        let states = self.layer_states(&mut Names::default())?;
        let mut numbers = std::collections::BTreeMap::new();
        let mut views = Vec::with_capacity(states.len());
        for (number, id, layer) in states {
            numbers.insert(id.clone(), number);
            views.push(LayerView { id, layer, depth: 0, features: 0, facts: None });
        }
        let numbered = |view: LayerView| {
            let number = numbers.get(&view.id).copied()?;
            Some(NumberedLayer { number, id: view.id, layer: view.layer, depth: view.depth })
        };
        Ok(in_order(views).into_iter().filter_map(numbered).collect())
    }

    /// Goes over features by number without copying them.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn scan(&self, which: Scan<'_>, each: &mut dyn FnMut(Scanned<'_>)) -> Result<()> {
        const COLUMNS: &str = "SELECT id, layer, uid, alive, document FROM objects";
        match which {
            // In the order of the table: by the index of kinds each row would be looked up and sorted.
            Scan::All => {
                let mut statement = self
                    .connection
                    .prepare_cached(&format!("{COLUMNS} NOT INDEXED WHERE kind = 2 AND alive = 1 ORDER BY id"))?;
                visit(&mut statement.query([])?, each)
            }
            Scan::Layer(layer) => {
                let mut statement = self
                    .connection
                    .prepare_cached(&format!("{COLUMNS} WHERE kind = 2 AND layer = ?1 AND alive = 1 ORDER BY id"))?;
                visit(&mut statement.query([layer])?, each)
            }
            Scan::These(numbers) => {
                let mut statement = self.connection.prepare_cached(&format!("{COLUMNS} WHERE id = ?1 AND kind = 2"))?;
                for number in numbers {
                    visit(&mut statement.query([number])?, each)?;
                }
                Ok(())
            }
        }
    }
}

fn visit(rows: &mut rusqlite::Rows<'_>, each: &mut dyn FnMut(Scanned<'_>)) -> Result<()> {
    while let Some(row) = rows.next()? {
        each(Scanned {
            number: row.get(0)?,
            layer: row.get(1)?,
            id: row.get_ref(2)?.as_str().map_err(rusqlite::Error::from)?,
            alive: row.get(3)?,
            text: row.get_ref(4)?.as_str().map_err(rusqlite::Error::from)?,
        });
    }
    Ok(())
}
