//! Foreign operations that may not touch the registers yet: those on unknown layers wait for the
//! layer (rule 26), those on strict layers for the user (rule 33).

use bivouac_journal::ids::{LayerId, Object};
use bivouac_journal::json::Json;
use bivouac_journal::operation::Verb;
use bivouac_journal::path::Path;
use rusqlite::params;

use crate::error::{Error, Result};
use crate::log::Row;
use crate::open::Store;
use crate::stage::SaveState;
use crate::tx::Tx;

/// So many operations wait at most (rule 26).
const MOST_PARKED: i64 = 10_000;
/// And so long, in milliseconds (rule 26).
const LONGEST_PARKED_MS: u64 = 7 * 24 * 60 * 60 * 1000;

impl Tx<'_> {
    pub(crate) fn park(&mut self, row: i64, layer: &LayerId, now_ms: u64) -> Result<()> {
        let id = self.object_id(&Object::Layer(layer.clone()))?;
        self.connection
            .prepare_cached("INSERT INTO parked (row, layer, at) VALUES (?1, ?2, ?3)")?
            .execute(params![row, id, now_ms])?;
        if self.parked_rows()? > MOST_PARKED {
            self.drop_parked("row IN (SELECT row FROM parked ORDER BY row LIMIT 1)", [])?;
        }
        Ok(())
    }

    fn parked_rows(&mut self) -> Result<i64> {
        let count = match self.parked {
            Some(count) => count + 1,
            None => self.connection.query_row("SELECT count(*) FROM parked", [], |row| row.get(0))?,
        };
        self.parked = Some(count.min(MOST_PARKED));
        Ok(count)
    }

    /// What waited for a layer, oldest first; it waits no longer.
    pub(crate) fn unpark(&mut self, layer: &LayerId) -> Result<Vec<Row>> {
        let id = self.object_id(&Object::Layer(layer.clone()))?;
        let rows = self.rows("WHERE row IN (SELECT row FROM parked WHERE layer = ?1) ORDER BY row", [id])?;
        if !rows.is_empty() {
            self.connection.prepare_cached("DELETE FROM parked WHERE layer = ?1")?.execute([id])?;
            self.parked = None;
        }
        Ok(rows)
    }

    /// Forgets what waited for more than seven days (rule 26). Tells how many.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn expire_parked(&mut self, now_ms: u64) -> Result<usize> {
        self.parked = None;
        self.drop_parked("at < ?1", [now_ms.saturating_sub(LONGEST_PARKED_MS)])
    }

    /// A row that is dropped leaves the log too, or it could never come again.
    fn drop_parked(&mut self, which: &str, params: impl rusqlite::Params + Copy) -> Result<usize> {
        self.write_appended()?;
        self.appended.forget_the_next();
        self.again.stop();
        self.connection
            .prepare_cached(&format!("DELETE FROM operations WHERE row IN (SELECT row FROM parked WHERE {which})"))?
            .execute(params)?;
        Ok(self.connection.prepare_cached(&format!("DELETE FROM parked WHERE {which}"))?.execute(params)?)
    }

    pub(crate) fn propose(&mut self, row: i64, layer: &LayerId, now_ms: u64) -> Result<()> {
        let id = self.object_id(&Object::Layer(layer.clone()))?;
        self.connection
            .prepare_cached("INSERT INTO proposals (row, layer, at) VALUES (?1, ?2, ?3)")?
            .execute(params![row, id, now_ms])?;
        Ok(())
    }

    /// The open proposals, oldest first; of one layer or of all.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn proposals(&mut self, layer: Option<&LayerId>) -> Result<Vec<Row>> {
        match layer {
            Some(layer) => {
                let id = self.object_id(&Object::Layer(layer.clone()))?;
                self.rows("WHERE row IN (SELECT row FROM proposals WHERE state = 0 AND layer = ?1) ORDER BY row", [id])
            }
            None => self.rows("WHERE row IN (SELECT row FROM proposals WHERE state = 0) ORDER BY row", []),
        }
    }

    /// Closes the proposals for a layer whose values the server's documents hold by now: somebody
    /// with the right to it saved them (rule 33).
    pub(crate) fn settle_proposals(&mut self, layer: &LayerId) -> Result<()> {
        for row in self.proposals(Some(layer))? {
            if self.is_on_the_server(&row)? {
                self.close_proposal(row.row, 2)?;
            }
        }
        Ok(())
    }

    fn is_on_the_server(&mut self, row: &Row) -> Result<bool> {
        let object = &row.operation.object;
        let object = self.same_as(object)?.unwrap_or_else(|| object.clone());
        let base = self.base(&object)?.filter(|base| !base.document.is_empty());
        let Some(base) = base else { return Ok(row.operation.verb == Verb::Delete) };
        if row.operation.verb == Verb::Delete {
            return Ok(false);
        }
        let document = Json::trusted(&base.document).value();
        let held =
            |path: &Path| path.segments().try_fold(&document, |at, segment| at.get(segment)).map(Json::from_value);
        let mut writes = row.writes()?.into_iter().filter(|write| !write.path.is_existence());
        Ok(writes.all(|write| held(&write.path) == write.value))
    }

    fn close_proposal(&mut self, row: i64, state: i64) -> Result<()> {
        let closed = self
            .connection
            .prepare_cached("UPDATE proposals SET state = ?2 WHERE row = ?1 AND state = 0")?
            .execute(params![row, state])?;
        if closed == 0 { Err(Error::UnknownProposal(row)) } else { Ok(()) }
    }
}

impl Store {
    /// Makes a proposal's value an edit of our own (rule 33).
    ///
    /// # Errors
    /// When it is not open, or the edit is refused.
    pub fn approve_proposal(&mut self, row: i64, label: &str, now_ms: u64) -> Result<crate::edit::Receipt> {
        let mut tx = self.begin()?;
        tx.close_proposal(row, 1)?;
        let found = tx.row(row)?.ok_or(Error::UnknownProposal(row))?;
        tx.set_state(&[row], SaveState::None)?;
        let operation = found.operation;
        // By its present id (rule 24).
        let object = tx.same_as(&operation.object)?.unwrap_or(operation.object);
        let draft = bivouac_journal::operation::Draft {
            verb: operation.verb,
            object,
            path: operation.path,
            value: operation.value,
        };
        let receipt = tx.edit(label, vec![draft], now_ms)?;
        tx.commit()?;
        Ok(receipt)
    }

    /// Closes a proposal without taking its value.
    ///
    /// # Errors
    /// When it is not open.
    pub fn dismiss_proposal(&mut self, row: i64) -> Result<()> {
        let mut tx = self.begin()?;
        tx.close_proposal(row, 3)?;
        tx.commit()
    }

    /// The open proposals, oldest first.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn proposals(&self) -> Result<Vec<Row>> {
        let mut names = crate::names::Names::default();
        crate::log::rows(
            &self.connection,
            &mut names,
            "WHERE row IN (SELECT row FROM proposals WHERE state = 0) ORDER BY row",
            [],
            |id, connection| crate::object::name(connection, id),
        )
    }
}
