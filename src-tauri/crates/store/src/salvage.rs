//! What a damaged file still gives. Each row is asked for alone, so that one page that cannot be
//! read costs what lies on it and no more. Nothing is written, and nothing is believed to be whole.

use std::path::Path;

use rusqlite::{Connection, OpenFlags, OptionalExtension};

use crate::error::{Error, Result};
use crate::open::{Store, connect_settled};

/// Where the number of objects cannot be read, so many are tried.
const TRIED: i64 = 1_000_000;

/// A row that could be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// The map's own document.
    Map(String),
    /// A layer.
    Layer {
        /// Its number in this file.
        number: i64,
        /// Its id.
        id: String,
        /// Its document.
        document: String,
    },
    /// A living feature.
    Feature {
        /// The number of its layer.
        layer: i64,
        /// The GeoJSON feature.
        document: String,
    },
}

impl Store {
    /// Gives every row of a damaged file that can be read; the number of places that cannot.
    ///
    /// # Errors
    /// When not even the list of its tables can be read.
    pub fn salvage(path: &Path, take: &mut dyn FnMut(Piece)) -> Result<u64> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let beside = Connection::open_with_flags(path, flags).map_err(Error::from);
        let readable = |connection: Connection| {
            connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0))?;
            Ok::<_, Error>(connection)
        };
        // A log that is damaged too keeps the file from being opened with it.
        let connection = match beside.and_then(readable) {
            Ok(connection) => connection,
            Err(_) => readable(connect_settled(path)?)?,
        };
        let last = connection.query_row("SELECT max(id) FROM objects", [], |row| row.get::<_, Option<i64>>(0));
        let last = last.ok().flatten();
        let mut statement =
            connection.prepare("SELECT kind, layer, uid, alive, document FROM objects WHERE id = ?1")?;
        let (mut unreadable, mut found) = (0, 0_u64);
        for number in 1..=last.unwrap_or(TRIED) {
            let row = statement
                .query_row([number], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)));
            let read: Option<(i64, i64, String, bool, String)> = match row.optional() {
                Ok(read) => read,
                Err(_) => {
                    unreadable += 1;
                    // A file without a readable end would be tried for long.
                    if last.is_none() && unreadable > 10_000 + found {
                        break;
                    }
                    continue;
                }
            };
            let Some((kind, layer, id, alive, document)) = read else { continue };
            found += 1;
            match (kind, alive) {
                (0, _) => take(Piece::Map(document)),
                (1, true) => take(Piece::Layer { number, id, document }),
                (2, true) => take(Piece::Feature { layer, document }),
                _ => {}
            }
        }
        Ok(unreadable)
    }
}
