//! The numbered migrations, embedded from the top-level folder `migrations`.

use rusqlite::Connection;
use rusqlite_migration::{M, Migrations};

use crate::error::{Error, Result};

/// Marks a file as one of ours: the bytes `Biva`.
pub const APPLICATION_ID: i64 = 1_114_207_841;

const STEPS: &[M<'static>] = &[
    M::up(include_str!("../../../../migrations/0001_init.sql")),
    M::up(include_str!("../../../../migrations/0002_rules.sql")),
];

/// The format that this program writes.
pub(crate) fn known() -> i64 {
    i64::try_from(STEPS.len()).unwrap_or(i64::MAX)
}

/// Brings a database to the current format.
pub(crate) fn migrate(connection: &mut Connection) -> Result<()> {
    Migrations::from_slice(STEPS).to_latest(connection).map_err(Error::Migration)
}
