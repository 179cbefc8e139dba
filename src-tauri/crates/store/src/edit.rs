//! Our own edits: one transaction, one undo unit, one instant.

use bivouac_journal::clock::{Hlc, Order};
use bivouac_journal::ids::Object;
use bivouac_journal::merge::{Applied, ObjectState, Outcome, Register};
use bivouac_journal::operation::{Draft, Operation, Verb, Write};
use bivouac_journal::path::Path;
use bivouac_journal::project;
use serde_json::{Value, json};

use crate::error::{Error, Result};
use crate::log::NewRow;
use crate::open::Store;
use crate::stage::{Origin, SaveState};
use crate::tx::Tx;

/// The largest geometry that a server takes: it goes alone in one message (M6).
pub const MAX_GEOMETRY: usize = 15 * 1024 * 1024;

/// What became of an edit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Its undo unit.
    pub unit: i64,
    /// Its log rows, in the order of the drafts.
    pub rows: Vec<i64>,
}

/// What kind of undo unit an edit makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UnitKind {
    /// The user's own.
    Edit,
    /// Takes that unit back.
    Undo(i64),
    /// Takes that undo back.
    Redo(i64),
}

impl Store {
    /// Commits one edit of the user's, on disk before this returns.
    ///
    /// # Errors
    /// When a draft is unsound, too large, or speaks of what is not there; nothing is kept then.
    pub fn commit_local(&mut self, label: &str, drafts: Vec<Draft>, now_ms: u64) -> Result<Receipt> {
        let mut tx = self.begin()?;
        let receipt = tx.edit(label, drafts, now_ms)?;
        tx.commit()?;
        Ok(receipt)
    }
}

impl Store {
    /// Commits more of an edit: undo takes it back together with what its unit did before. `None`
    /// when that is no longer the last thing that was done.
    ///
    /// # Errors
    /// As [`Store::commit_local`]; nothing is kept then.
    pub fn commit_more(&mut self, unit: i64, drafts: Vec<Draft>, now_ms: u64) -> Result<Option<Receipt>> {
        if drafts.is_empty() {
            return Err(Error::Empty);
        }
        let mut tx = self.begin()?;
        let is_last: bool = tx
            .connection
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM units WHERE id = ?1 AND kind = 0 AND undone_at IS NULL)
                AND NOT EXISTS (SELECT 1 FROM units WHERE id > ?1)",
            )?
            .query_row([unit], |row| row.get(0))?;
        if !is_last {
            return Ok(None);
        }
        let receipt = tx.edit_in(unit, drafts, now_ms)?;
        tx.commit()?;
        Ok(Some(receipt))
    }
}

impl Tx<'_> {
    /// As [`Store::commit_local`], inside a transaction.
    ///
    /// # Errors
    /// When a draft is unsound, too large, or speaks of what is not there; roll back then.
    pub fn edit(&mut self, label: &str, drafts: Vec<Draft>, now_ms: u64) -> Result<Receipt> {
        self.edit_as(UnitKind::Edit, label, drafts, now_ms)
    }

    pub(crate) fn edit_as(&mut self, kind: UnitKind, label: &str, drafts: Vec<Draft>, now_ms: u64) -> Result<Receipt> {
        if drafts.is_empty() {
            return Err(Error::Empty);
        }
        let unit = self.insert_unit(kind, label, now_ms)?;
        self.edit_in(unit, drafts, now_ms)
    }

    fn edit_in(&mut self, unit: i64, drafts: Vec<Draft>, now_ms: u64) -> Result<Receipt> {
        let hlc = self.clock()?.tick(now_ms);
        self.edited_at = Some(now_ms);
        let mut rows = Vec::with_capacity(drafts.len());
        for (index, draft) in drafts.into_iter().enumerate() {
            let index = u32::try_from(index).unwrap_or(u32::MAX);
            rows.push(self.edit_one(draft, &hlc, index, unit, now_ms)?);
        }
        Ok(Receipt { unit, rows })
    }

    fn edit_one(&mut self, draft: Draft, hlc: &Hlc, index: u32, unit: i64, now_ms: u64) -> Result<i64> {
        self.refuse_the_unknown(&draft)?;
        refuse_the_large(&draft)?;
        let mut operation = draft.stamped(hlc.clone(), index);
        let writes = operation.writes()?;
        let winner = self.newest_winner(&operation.object, &writes)?;
        if winner.as_ref().is_some_and(|winner| *winner >= operation.order()) {
            // Rule 3: over a write from the future, one stamp of its own.
            operation.stamp = bivouac_journal::clock::Stamp::Valid(self.clock()?.tick_after(winner.as_ref(), now_ms));
        }
        let paths: Vec<Path> = writes.iter().map(|write| write.path.clone()).collect();
        let object = self.object_id(&operation.object)?;
        self.settle_by_edit(object, &paths, now_ms)?;
        let before = before(self.state(&operation.object)?, &writes);
        let row = NewRow { unit: Some(unit), before: Some(&before), ..NewRow::of(&operation, Origin::Local, now_ms) };
        let row = self.append(&row)?;
        let below = self.below(&operation.object, &writes)?;
        let applied = self.apply_writes(&operation.object, writes, &operation.order(), row)?;
        self.settle_covered(&operation, below, None, now_ms, &mut Vec::new())?;
        self.supersede(&operation, &applied)?;
        if let Object::Layer(layer) = &operation.object {
            self.layer_is_known(layer);
            self.replay_parked(layer, now_ms)?;
        }
        Ok(row)
    }

    fn refuse_the_unknown(&mut self, draft: &Draft) -> Result<()> {
        if let Object::Feature(layer, _) = &draft.object
            && !self.state(&Object::Layer(layer.clone()))?.is_alive()
        {
            return Err(Error::UnknownLayer(layer.clone()));
        }
        if draft.verb == Verb::Upsert || self.state(&draft.object)?.is_alive() {
            return Ok(());
        }
        match &draft.object {
            Object::Map => Ok(()),
            Object::Layer(layer) => Err(Error::UnknownLayer(layer.clone())),
            Object::Feature(layer, id) => Err(Error::UnknownFeature(layer.clone(), id.clone())),
        }
    }

    fn newest_winner(&mut self, object: &Object, writes: &[Write]) -> Result<Option<Order>> {
        let state = self.state(object)?;
        let orders = writes.iter().filter_map(|write| state.winner(&write.path)).map(|register| &register.order);
        Ok(orders.max().cloned())
    }

    /// Own earlier writes of which this one left nothing are neither sent nor shown (M8).
    fn supersede(&mut self, operation: &Operation, applied: &Applied) -> Result<()> {
        for (_, outcome) in &applied.writes {
            if let Outcome::Won(Some(before)) = outcome {
                self.settle_loser(&operation.object, before, SaveState::Superseded)?;
            }
        }
        Ok(())
    }

    /// Gives own pending rows behind a register that was lost their end, when they win nothing more.
    pub(crate) fn settle_loser(&mut self, object: &Object, lost: &Register, state: SaveState) -> Result<()> {
        for local in self.locals_behind(lost)? {
            if !self.wins_anything(object, local.row, local.sent_as)? {
                self.set_state(&[local.row], state)?;
            }
        }
        Ok(())
    }

    /// The own pending rows behind a register: the row itself, or those sent as it.
    pub(crate) fn locals_behind(&mut self, register: &Register) -> Result<Vec<crate::log::Row>> {
        if register.row == 0 || *register.order.id != *self.clock()?.id() {
            return Ok(Vec::new());
        }
        self.own_rows("WHERE (row = ?1 OR sent_as = ?1) AND state BETWEEN 1 AND 4 ORDER BY row", [register.row])
    }

    pub(crate) fn wins_anything(&mut self, object: &Object, row: i64, sent_as: Option<i64>) -> Result<bool> {
        let registers = self.state(object)?.registers();
        Ok(registers.values().any(|register| register.row == row || Some(register.row) == sent_as))
    }

    fn insert_unit(&mut self, kind: UnitKind, label: &str, now_ms: u64) -> Result<i64> {
        let (kind, of) = match kind {
            UnitKind::Edit => (0, None),
            UnitKind::Undo(of) => (1, Some(of)),
            UnitKind::Redo(of) => (2, Some(of)),
        };
        self.connection
            .prepare_cached("INSERT INTO units (label, at, kind, of) VALUES (?1, ?2, ?3, ?4)")?
            .execute(rusqlite::params![label, now_ms, kind, of])?;
        Ok(self.connection.last_insert_rowid())
    }
}

fn refuse_the_large(draft: &Draft) -> Result<()> {
    let carries_geometry = draft.verb == Verb::Upsert || draft.path == Some(Path::geometry());
    match &draft.value {
        Some(value) if carries_geometry && value.as_str().len() > MAX_GEOMETRY => {
            Err(Error::GeometryTooLarge { bytes: value.as_str().len(), most: MAX_GEOMETRY })
        }
        Some(_) | None => Ok(()),
    }
}

/// What each register showed before, and the row that had written it, for undo: a list of
/// [path, row] or [path, row, value].
fn before(state: &ObjectState, writes: &[Write]) -> String {
    let document = if state.is_empty() { Value::Null } else { Value::Object(project::document(state)) };
    let existence = Path::existence();
    let shown = writes.iter().map(|write| {
        let row = state.winner(&write.path).map(|register| register.row);
        let value = if state.is_empty() {
            None
        } else if write.path == existence {
            Some(Value::Bool(state.is_alive()))
        } else {
            write.path.segments().try_fold(&document, |at, segment| at.get(segment)).cloned()
        };
        match value {
            Some(value) => json!([write.path.as_stored(), row, value]),
            None => json!([write.path.as_stored(), row]),
        }
    });
    Value::Array(shown.collect()).to_string()
}

/// What one register held before an operation.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Before {
    pub path: Path,
    pub row: Option<i64>,
    pub value: Option<Value>,
}

/// Reads [`before`] back.
pub(crate) fn before_values(text: Option<&str>) -> Vec<Before> {
    let Ok(Value::Array(items)) = serde_json::from_str(text.unwrap_or("[]")) else { return Vec::new() };
    let one = |item: Value| {
        let Value::Array(parts) = item else { return None };
        let mut parts = parts.into_iter();
        let path = Path::from_stored(parts.next()?.as_str()?);
        let row = parts.next().and_then(|row| row.as_i64());
        Some(Before { path, row, value: parts.next() })
    };
    items.into_iter().filter_map(one).collect()
}
