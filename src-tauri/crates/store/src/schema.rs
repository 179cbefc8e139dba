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
    Migrations::from_slice(STEPS).to_latest(connection).map_err(failed)
}

fn failed(error: rusqlite_migration::Error) -> Error {
    use rusqlite_migration::Error as Failed;
    match error {
        Failed::RusqliteError { err, .. } => match err {
            // A step that does not fit: the file is not of the format that it names.
            rusqlite::Error::SqlInputError { msg, .. } => Error::Damaged(msg),
            err if err.sqlite_error_code() == Some(rusqlite::ErrorCode::Unknown) => Error::Damaged(one_line(&err)),
            err => err.into(),
        },
        other => Error::Migration(one_line(&other)),
    }
}

fn one_line(error: &dyn std::error::Error) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}
