//! Compaction (M12): foreign rows that write no register any more and are older than thirty days
//! leave the log. No order, no tombstone, no alias and no operation of ours ever does.

use rusqlite::{Connection, params};

use crate::error::Result;
use crate::map;
use crate::object;
use crate::open::Store;

const KEPT_MS: u64 = 30 * 24 * 60 * 60 * 1000;

/// What compaction did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Compacted {
    /// Rows that left the log.
    pub removed: u64,
    /// The oldest instant that history can show from now on, in milliseconds.
    pub horizon: u64,
}

impl Store {
    /// Makes the log shorter; what the map shows stays as it is.
    ///
    /// # Errors
    /// When it cannot be written; nothing changed then.
    pub fn compact(&mut self, now_ms: u64) -> Result<Compacted> {
        let cutoff = now_ms.saturating_sub(KEPT_MS);
        let tx = self.begin()?;
        let mut removed = 0;
        for (row, object) in candidates(tx.connection, cutoff)? {
            let standing = object::read(tx.connection, tx.names, object)?.1;
            if !standing.registers().values().any(|register| register.row == row) {
                removed += tx.connection.prepare_cached("DELETE FROM operations WHERE row = ?1")?.execute([row])?;
            }
        }
        let mut record = map::read(tx.connection)?;
        if removed > 0 {
            record.horizon = record.horizon.max(cutoff);
            map::write(tx.connection, &record)?;
        }
        tx.connection.execute("UPDATE frames SET text = '' WHERE echoed_at < ?1 AND text <> ''", params![cutoff])?;
        tx.commit()?;
        Ok(Compacted { removed: removed as u64, horizon: record.horizon })
    }
}

/// Old foreign rows that nothing points at, by object.
fn candidates(connection: &Connection, cutoff: u64) -> Result<Vec<(i64, i64)>> {
    let mut statement = connection.prepare(
        "SELECT row, object FROM operations o
         WHERE origin = 0 AND at < ?1
           AND NOT EXISTS (SELECT 1 FROM parked p WHERE p.row = o.row)
           AND NOT EXISTS (SELECT 1 FROM proposals p WHERE p.row = o.row)
           AND NOT EXISTS (SELECT 1 FROM conflicts c WHERE c.theirs_row = o.row)
         ORDER BY object, row",
    )?;
    let rows = statement.query_map([cutoff], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<std::result::Result<_, _>>()?)
}
