//! The map's own row: where it comes from, its clock, what the server allows.

use bivouac_journal::clock::Clock;
use rusqlite::{Connection, params};

use crate::error::{Error, Result};
use crate::open::Store;
use crate::tx::Tx;

/// What a new map begins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMap {
    /// The map's name on this laptop, for good.
    pub uuid: String,
    /// What people call it.
    pub name: String,
    /// The server's origin; `None` while it is nobody's.
    pub server: Option<String>,
    /// The server's id; `None` for a map born offline.
    pub server_map_id: Option<i64>,
    /// The readable part of the server's address.
    pub slug: Option<String>,
    /// A label of the account that opens it.
    pub account: Option<String>,
    /// The id in each stamp of our clock: five letters.
    pub clock_id: String,
    /// When, in milliseconds.
    pub created_at: u64,
}

/// The map's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapRecord {
    /// The map's name on this laptop, for good.
    pub uuid: String,
    /// What people call it.
    pub name: String,
    /// The server's origin.
    pub server: Option<String>,
    /// The server's id; `None` while born offline.
    pub server_map_id: Option<i64>,
    /// The readable part of the server's address.
    pub slug: Option<String>,
    /// A label of the account that opens it.
    pub account: Option<String>,
    /// The id in each stamp of our clock.
    pub clock_id: String,
    /// When it was created here, in milliseconds, as all times below.
    pub created_at: u64,
    /// When it was opened last.
    pub opened_at: u64,
    /// When it was last equal to the server.
    pub synced_at: u64,
    /// How far the laptop's clock is ahead of the server's; may be negative.
    pub clock_skew: i64,
    /// The server's `modified_at` of the settings read last.
    pub modified_at: u64,
    /// The server's addresses, as JSON.
    pub urls: Option<String>,
    /// What the server allows, as JSON.
    pub rights: Option<String>,
    /// Whether the server refuses our edits (rule 37).
    pub read_only: bool,
    /// The oldest instant that history can show (M12).
    pub horizon: u64,
}

pub(crate) fn insert(connection: &Connection, new: &NewMap) -> Result<()> {
    connection.execute(
        "INSERT INTO map (only, uuid, name, server, server_map_id, slug, account, clock_id, created_at, opened_at)
         VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8)",
        params![new.uuid, new.name, new.server, new.server_map_id, new.slug, new.account, new.clock_id, new.created_at],
    )?;
    Ok(())
}

pub(crate) fn read(connection: &Connection) -> Result<MapRecord> {
    let read = connection
        .prepare_cached(
            "SELECT uuid, name, server, server_map_id, slug, account, clock_id, created_at, opened_at, synced_at,
                    clock_skew, modified_at, urls, rights, read_only, horizon
             FROM map WHERE only = 1",
        )?
        .query_row([], |row| {
            Ok(MapRecord {
                uuid: row.get(0)?,
                name: row.get(1)?,
                server: row.get(2)?,
                server_map_id: row.get(3)?,
                slug: row.get(4)?,
                account: row.get(5)?,
                clock_id: row.get(6)?,
                created_at: row.get(7)?,
                opened_at: row.get(8)?,
                synced_at: row.get(9)?,
                clock_skew: row.get(10)?,
                modified_at: row.get(11)?,
                urls: row.get(12)?,
                rights: row.get(13)?,
                read_only: row.get(14)?,
                horizon: row.get(15)?,
            })
        });
    match read {
        Err(rusqlite::Error::QueryReturnedNoRows) => Err(Error::Damaged("the map's row is missing".to_owned())),
        other => Ok(other?),
    }
}

pub(crate) fn write(connection: &Connection, map: &MapRecord) -> Result<()> {
    connection
        .prepare_cached(
            "UPDATE map SET name = ?1, server = ?2, server_map_id = ?3, slug = ?4, account = ?5, opened_at = ?6,
                    synced_at = ?7, clock_skew = ?8, modified_at = ?9, urls = ?10, rights = ?11, read_only = ?12,
                    horizon = ?13
             WHERE only = 1",
        )?
        .execute(params![
            map.name,
            map.server,
            map.server_map_id,
            map.slug,
            map.account,
            map.opened_at,
            map.synced_at,
            map.clock_skew,
            map.modified_at,
            map.urls,
            map.rights,
            map.read_only,
            map.horizon,
        ])?;
    Ok(())
}

pub(crate) fn clock(connection: &Connection) -> Result<Clock> {
    let (id, wall, counter): (String, u64, u32) = connection
        .prepare_cached("SELECT clock_id, clock_wall, clock_counter FROM map WHERE only = 1")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    Ok(Clock::resume(&id, wall, counter))
}

pub(crate) fn keep_clock(connection: &Connection, clock: &Clock) -> Result<()> {
    let last = clock.last();
    connection
        .prepare_cached("UPDATE map SET clock_wall = ?1, clock_counter = ?2 WHERE only = 1")?
        .execute(params![last.wall, last.counter])?;
    Ok(())
}

impl Store {
    /// The map's row.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn map(&self) -> Result<MapRecord> {
        read(&self.connection)
    }
}

impl Tx<'_> {
    /// The map's row.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn map(&self) -> Result<MapRecord> {
        read(self.connection)
    }

    /// Keeps the map's row, all but its uuid, its clock and its birth.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn set_map(&mut self, map: &MapRecord) -> Result<()> {
        write(self.connection, map)
    }
}
