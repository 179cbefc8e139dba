//! What the server listed last, for as long as this connection lives: to see whether a save of
//! a layer's settings or of the map's has arrived, while their base waits for it.

use bivouac_journal::ids::Object;
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::Value;

use crate::error::Result;
use crate::tx::Tx;

const TABLES: &str = "CREATE TEMP TABLE listing (object INTEGER PRIMARY KEY, document TEXT NOT NULL);
    CREATE TEMP TABLE posting (object INTEGER PRIMARY KEY)";

/// Makes room for it, once for each connection that writes.
pub(crate) fn prepare(connection: &Connection) -> Result<()> {
    Ok(connection.execute_batch(TABLES)?)
}

pub(super) fn clear(tx: &Tx<'_>) -> Result<()> {
    tx.connection.prepare_cached("DELETE FROM listing")?.execute([])?;
    Ok(())
}

pub(super) fn keep(tx: &mut Tx<'_>, object: &Object, document: &Value) -> Result<()> {
    let id = tx.object_id(object)?;
    tx.connection
        .prepare_cached("INSERT OR REPLACE INTO listing (object, document) VALUES (?1, ?2)")?
        .execute(params![id, document.to_string()])?;
    Ok(())
}

/// What the server listed of an object; `None` when it did not.
pub(super) fn listed(tx: &mut Tx<'_>, object: &Object) -> Result<Option<String>> {
    let id = tx.object_id(object)?;
    Ok(tx
        .connection
        .prepare_cached("SELECT document FROM listing WHERE object = ?1")?
        .query_row([id], |row| row.get(0))
        .optional()?)
}

/// Whether the map's settings were posted and not yet verified.
pub(super) fn is_posting(tx: &Tx<'_>) -> Result<bool> {
    let posting = "SELECT EXISTS (SELECT 1 FROM posting)";
    Ok(tx.connection.prepare_cached(posting)?.query_row([], |row| row.get(0))?)
}

/// Says that the map's settings are posted, or that they are verified.
pub(super) fn set_posting(tx: &Tx<'_>, posting: bool) -> Result<()> {
    let sql = if posting { "INSERT OR IGNORE INTO posting VALUES (0)" } else { "DELETE FROM posting" };
    tx.connection.execute_batch(sql)?;
    Ok(())
}
