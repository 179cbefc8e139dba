//! Compaction (M12): foreign rows that write no register any more and are older than thirty days
//! leave the log. No order, no tombstone, no alias and no operation of ours ever does, nor what a
//! document of the server may still turn out to hold.

use std::collections::BTreeMap;

use bivouac_journal::clock::Order;
use bivouac_journal::path::Path;
use rusqlite::{Connection, params};

use crate::error::Result;
use crate::map;
use crate::object;
use crate::open::Store;
use crate::tx::Tx;

const DAY_MS: u64 = 24 * 60 * 60 * 1000;
const KEPT_MS: u64 = 30 * DAY_MS;

/// What compaction did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Compacted {
    /// Rows that left the log.
    pub removed: u64,
    /// Operations that had waited too long for their layer (rule 26).
    pub expired: u64,
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
        let mut tx = self.begin()?;
        let expired = u64::try_from(tx.expire_parked(now_ms)?).unwrap_or(u64::MAX);
        let mut by_object: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
        for (row, object) in candidates(tx.connection, cutoff)? {
            by_object.entry(object).or_default().push(row);
        }
        let mut removed = 0;
        for (object, rows) in by_object {
            removed += tx.compact_object(object, &rows)?;
        }
        let mut record = map::read(tx.connection)?;
        if removed > 0 {
            record.horizon = record.horizon.max(cutoff);
            map::write(tx.connection, &record)?;
        }
        tx.drop_frames(cutoff)?;
        tx.connection.execute("UPDATE map SET tidied_at = ?1 WHERE only = 1", [now_ms])?;
        tx.commit()?;
        Ok(Compacted { removed, expired, horizon: record.horizon })
    }

    /// As [`Store::compact`], at most once a day; `None` when it is not time yet.
    ///
    /// # Errors
    /// When it cannot be written; nothing changed then.
    pub fn tidy(&mut self, now_ms: u64) -> Result<Option<Compacted>> {
        let last: u64 = self.connection.query_row("SELECT tidied_at FROM map WHERE only = 1", [], |row| row.get(0))?;
        // A clock that was set back does not stop it for ever.
        let waits = now_ms >= last && now_ms - last < DAY_MS;
        if waits { Ok(None) } else { Ok(Some(self.compact(now_ms)?)) }
    }

    /// Gives the room that compaction left back to the disk. It takes as much again while it runs.
    ///
    /// # Errors
    /// When there is no room for that, or another program reads at the moment.
    pub fn shrink(&mut self) -> Result<()> {
        self.connection.execute_batch("VACUUM")?;
        self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        Ok(())
    }
}

impl Tx<'_> {
    fn compact_object(&mut self, id: i64, rows: &[i64]) -> Result<u64> {
        let standing = object::read(self.connection, self.names, id)?.1;
        let object = self.object_name(id)?;
        let base = self.base(&object)?;
        let reflected: Option<BTreeMap<Path, Order>> =
            base.map(|base| base.state.registers().iter().map(|(path, r)| (path.clone(), r.order.clone())).collect());
        let mut removed = 0;
        for number in rows {
            if standing.registers().values().any(|register| register.row == *number) {
                continue;
            }
            let Some(row) = self.row(*number)? else { continue };
            if row.applied {
                // A later document may hold this value; then it stands for this operation (M11).
                let Some(reflected) = &reflected else { continue };
                let order = row.operation.order();
                let is_behind = |path: &Path| reflected.get(path).is_some_and(|seen| *seen >= order);
                if !row.writes()?.iter().all(|write| is_behind(&write.path)) {
                    continue;
                }
            }
            removed += self.connection.prepare_cached("DELETE FROM operations WHERE row = ?1")?.execute([number])?;
        }
        Ok(removed as u64)
    }
}

/// Old foreign rows that nothing points at, by object. Deletes stay: an id that was ever deleted
/// may not be used again (rule 42).
fn candidates(connection: &Connection, cutoff: u64) -> Result<Vec<(i64, i64)>> {
    let mut statement = connection.prepare(
        "SELECT row, object FROM operations o
         WHERE origin = 0 AND at < ?1 AND verb <> 2 AND state = 0
           AND (applied = 1 OR row <= (SELECT judged FROM map))
           AND NOT EXISTS (SELECT 1 FROM parked p WHERE p.row = o.row)
           AND NOT EXISTS (SELECT 1 FROM proposals p WHERE p.row = o.row)
           AND NOT EXISTS (SELECT 1 FROM conflicts c WHERE c.theirs_row = o.row)
           AND NOT EXISTS (SELECT 1 FROM aliases a WHERE a.object = o.object OR a.becomes = o.object)
         ORDER BY object, row",
    )?;
    let rows = statement.query_map(params![cutoff], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<std::result::Result<_, _>>()?)
}
