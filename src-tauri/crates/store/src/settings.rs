//! How a connection is set up, and the proof that it took: each setting is read back.

use std::time::Duration;

use rusqlite::Connection;
use rusqlite::config::DbConfig;

use crate::error::{Error, Result};

/// The first SQLite without the bug that could reset a write-ahead log too early.
const OLDEST_SQLITE: i32 = 3_051_003;

const BUSY: Duration = Duration::from_secs(5);

/// 32 MB: a catch-up in parts, or a row of edits, does not pay for a checkpoint each time.
const CHECKPOINT_PAGES: i64 = 8000;

/// Settings of the connection; none of them changes the file.
pub(crate) fn connection(connection: &Connection) -> Result<()> {
    if rusqlite::version_number() < OLDEST_SQLITE {
        return Err(Error::Setting { setting: "sqlite", found: rusqlite::version().to_owned() });
    }
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(96);
    let flags = [
        ("defensive", DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        ("trusted_schema", DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        ("foreign_keys", DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, true),
    ];
    for (setting, flag, wanted) in flags {
        connection.set_db_config(flag, wanted)?;
        let found = connection.db_config(flag)?;
        if found != wanted {
            return Err(Error::Setting { setting, found: found.to_string() });
        }
    }
    for (setting, wanted) in [("synchronous", 2), ("cell_size_check", 1), ("temp_store", 2), ("cache_size", -32_768)] {
        connection.pragma_update(None, setting, wanted)?;
        let found: i64 = connection.pragma_query_value(None, setting, |row| row.get(0))?;
        if found != wanted {
            return Err(Error::Setting { setting, found: found.to_string() });
        }
    }
    Ok(())
}

/// The write-ahead log, which is a property of the file.
pub(crate) fn write_ahead_log(connection: &Connection) -> Result<()> {
    let found: String = connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))?;
    if !found.eq_ignore_ascii_case("wal") {
        return Err(Error::Setting { setting: "journal_mode", found });
    }
    connection.pragma_update(None, "journal_size_limit", 16 * 1024 * 1024)?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    Ok(())
}
