//! Pictures on the disk, within a bound: what was looked at longest ago goes first.
//!
//! Losing it loses nothing but a way to the network, so a file that cannot be read is made anew,
//! and without one everything works as long as there is a network.

use std::fs;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, params};

/// A picture that says nothing about it holds a week.
const FRESH_MS: u64 = 7 * 24 * 3_600_000;
/// Nothing is asked for again sooner, whatever its server says.
const LEAST_FRESH_MS: u64 = 24 * 3_600_000;
/// Looking is written down when the last time is further back.
const USED_MS: u64 = 3_600_000;
const FILE: &str = "pictures.sqlite";

/// How much is kept, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Of tiles.
    pub tiles: u64,
    /// Of pictograms and pictures in texts.
    pub pictures: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { tiles: 200 * 1024 * 1024, pictures: 50 * 1024 * 1024 }
    }
}

/// Pictures on the disk.
#[derive(Debug)]
pub(super) struct Cache {
    connection: Option<Connection>,
    limits: Limits,
}

/// One that is kept.
#[derive(Debug)]
pub(super) struct Kept {
    pub bytes: Vec<u8>,
    /// Whether it need not be asked for again.
    pub fresh: bool,
}

impl Cache {
    /// The cache in a folder.
    pub(super) fn at(folder: &Path, limits: Limits) -> Self {
        let connection = fs::create_dir_all(folder)
            .map_err(|error| error.to_string())
            .and_then(|()| {
                let file = folder.join(FILE);
                open(&file).or_else(|error| {
                    tracing::warn!(%error, "the file of pictures is made anew");
                    for suffix in ["", "-wal", "-shm"] {
                        let _ = fs::remove_file(folder.join(format!("{FILE}{suffix}")));
                    }
                    open(&file).map_err(|error| error.to_string())
                })
            })
            .inspect_err(|error| tracing::warn!(%error, "pictures are not kept"))
            .ok();
        Self { connection, limits }
    }

    /// What is kept of an address.
    pub(super) fn get(&self, address: &str, now_ms: u64) -> Option<Kept> {
        let connection = self.connection.as_ref()?;
        let found = connection
            .query_row("SELECT bytes, fresh_until, used_at FROM pictures WHERE address = ?1", [address], |row| {
                Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, u64>(1)?, row.get::<_, u64>(2)?))
            })
            .optional();
        let (bytes, fresh_until, used_at) = told("read a kept picture", found)??;
        if used_at + USED_MS < now_ms {
            let written =
                connection.execute("UPDATE pictures SET used_at = ?2 WHERE address = ?1", params![address, now_ms]);
            told("note that a picture was looked at", written);
        }
        Some(Kept { bytes, fresh: fresh_until > now_ms })
    }

    /// Keeps a picture, and gives up others for it.
    pub(super) fn put(&self, address: &str, tile: bool, bytes: &[u8], fresh_for: Option<Duration>, now_ms: u64) {
        let Some(connection) = &self.connection else { return };
        let said = fresh_for.and_then(|fresh| u64::try_from(fresh.as_millis()).ok());
        let fresh_until = now_ms.saturating_add(said.unwrap_or(FRESH_MS).clamp(LEAST_FRESH_MS, 365 * LEAST_FRESH_MS));
        let written = connection.execute(
            "INSERT OR REPLACE INTO pictures (address, tile, bytes, size, fresh_until, used_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![address, tile, bytes, bytes.len(), fresh_until, now_ms],
        );
        told("keep a picture", written);
        told("give up old pictures", self.make_room(connection, tile));
    }

    /// How much is kept.
    pub(super) fn bytes(&self) -> u64 {
        let Some(connection) = &self.connection else { return 0 };
        let sum = connection.query_row("SELECT coalesce(sum(size), 0) FROM pictures", [], |row| row.get(0));
        told("count what is kept", sum).unwrap_or(0)
    }

    /// Forgets everything.
    pub(super) fn clear(&self) {
        let Some(connection) = &self.connection else { return };
        told("forget pictures", connection.execute_batch("DELETE FROM pictures; PRAGMA incremental_vacuum;"));
    }

    fn make_room(&self, connection: &Connection, tile: bool) -> rusqlite::Result<()> {
        let limit = if tile { self.limits.tiles } else { self.limits.pictures };
        let sum = "SELECT coalesce(sum(size), 0) FROM pictures WHERE tile = ?1";
        let kept: u64 = connection.query_row(sum, [tile], |row| row.get(0))?;
        if kept <= limit {
            return Ok(());
        }
        // A tenth more than needed, so that this is seldom.
        let surplus = kept - limit / 10 * 9;
        connection.execute(
            "DELETE FROM pictures WHERE address IN (
                 SELECT address FROM (
                     SELECT address,
                            sum(size) OVER (ORDER BY used_at, address ROWS UNBOUNDED PRECEDING) - size AS before
                     FROM pictures
                     WHERE tile = ?1
                 )
                 WHERE before < ?2
             )",
            params![tile, surplus],
        )?;
        connection.execute_batch("PRAGMA incremental_vacuum")
    }
}

fn open(file: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(file)?;
    connection.execute_batch(
        "PRAGMA auto_vacuum = INCREMENTAL;
         PRAGMA journal_mode = WAL;
         PRAGMA synchronous = NORMAL;
         PRAGMA busy_timeout = 2000;
         CREATE TABLE IF NOT EXISTS pictures (
             address TEXT NOT NULL PRIMARY KEY,
             tile INTEGER NOT NULL,
             bytes BLOB NOT NULL,
             size INTEGER NOT NULL,
             fresh_until INTEGER NOT NULL,
             used_at INTEGER NOT NULL
         ) STRICT;
         CREATE INDEX IF NOT EXISTS by_use ON pictures (tile, used_at, address, size);",
    )?;
    Ok(connection)
}

fn told<T>(what: &str, result: rusqlite::Result<T>) -> Option<T> {
    result.inspect_err(|error| tracing::warn!(%error, "{what}")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 3_600_000;

    #[test]
    fn what_was_looked_at_longest_ago_goes_first_and_tiles_never_push_out_pictograms() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path(), Limits { tiles: 1_000, pictures: 1_000 });
        cache.put("pictogram", false, &[1; 900], None, 0);
        for (at, name) in (0_u64..).zip(["a", "b", "c"]) {
            cache.put(name, true, &[1; 300], None, at);
        }
        assert!(cache.get("a", 2 * HOUR).is_some(), "looked at now");
        cache.put("d", true, &[1; 300], None, 2 * HOUR);
        let kept = |name: &str| cache.get(name, 2 * HOUR).is_some();
        assert_eq!(["a", "b", "c", "d", "pictogram"].map(kept), [true, false, true, true, true]);
        assert!(cache.bytes() <= 1_800);
        let again = Cache::at(folder.path(), Limits::default());
        assert_eq!(again.get("a", 0).unwrap().bytes, [1; 300]);
        again.clear();
        assert_eq!((again.bytes(), again.get("a", 0).is_some()), (0, false));
    }

    #[test]
    fn a_picture_is_fresh_as_long_as_its_server_says_and_a_day_at_least() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path(), Limits::default());
        cache.put("short", true, b"x", Some(Duration::from_secs(1)), 0);
        cache.put("long", true, b"x", Some(Duration::from_secs(40 * 24 * 3600)), 0);
        let fresh = |name: &str, days: u64| cache.get(name, days * 24 * HOUR - 1).unwrap().fresh;
        assert_eq!((fresh("short", 1), fresh("short", 2), fresh("long", 30)), (true, false, true));
    }

    #[test]
    fn a_damaged_file_is_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE), [7; 9_000]).unwrap();
        let cache = Cache::at(folder.path(), Limits::default());
        cache.put("a", true, b"x", None, 0);
        assert!(cache.get("a", 0).is_some());
    }
}
