//! Undo and redo: new operations that write back what registers showed, where nobody else wrote
//! since (M7, rule 45). A deleted object that others know as deleted comes back under a fresh id,
//! and what was done to the old one before can still be undone on the new one (rules 28 and 42).

use std::collections::BTreeMap;

use bivouac_journal::ids::{Object, PeerId};
use bivouac_journal::json::Json;
use bivouac_journal::merge::Register;
use bivouac_journal::operation::{Draft, Verb};
use bivouac_journal::path::Path;
use rusqlite::{OptionalExtension, params};
use serde_json::Value;

use crate::edit::{Receipt, UnitKind, before_values};
use crate::error::{Error, Result};
use crate::fresh::Fresh;
use crate::log::Row;
use crate::open::Store;
use crate::tx::Tx;

/// An undo unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// Its number.
    pub id: i64,
    /// What the user did, in the caller's words.
    pub label: String,
    /// When, in milliseconds.
    pub at: u64,
}

/// A register that could not be taken back because somebody wrote there since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// Where.
    pub object: Object,
    /// Which register.
    pub path: Path,
    /// The clock id of who wrote there; empty for the server.
    pub writer: String,
    /// The connection that sent it: a label.
    pub sender: Option<PeerId>,
}

/// What became of an undo or redo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UndoReport {
    /// The unit that was taken back.
    pub unit: Unit,
    /// The new operations; `None` when everything was left out.
    pub receipt: Option<Receipt>,
    /// What was left out.
    pub left_out: Vec<LeftOut>,
}

/// Everything one unit did to one object.
struct Deed {
    /// The object, and the one that it is called by now.
    object: Object,
    target: Object,
    /// The unit's rows on it, and the rows that they were sent as.
    rows: Vec<i64>,
    /// What each register showed before the unit.
    before: BTreeMap<Path, Option<Value>>,
    /// Whether nobody can know of it yet.
    unsent: bool,
}

#[derive(Default)]
struct Plan {
    drafts: Vec<(u8, Draft)>,
    /// Objects that come back under another id.
    revived: Vec<(Object, Object)>,
    left_out: Vec<LeftOut>,
}

impl Store {
    /// Takes the last unit back that was not taken back yet. `bits` are random, for fresh ids.
    ///
    /// # Errors
    /// [`Error::NothingToUndo`], or when the database fails.
    pub fn undo(&mut self, bits: u64, now_ms: u64) -> Result<UndoReport> {
        let mut tx = self.begin()?;
        let unit = tx.undoable()?.ok_or(Error::NothingToUndo)?;
        let report = tx.take_back(UnitKind::Undo(unit.id), unit, bits, now_ms)?;
        tx.commit()?;
        Ok(report)
    }

    /// Takes the last undo back, unless the user edited since. `bits` are random, for fresh ids.
    ///
    /// # Errors
    /// [`Error::NothingToRedo`], or when the database fails.
    pub fn redo(&mut self, bits: u64, now_ms: u64) -> Result<UndoReport> {
        let mut tx = self.begin()?;
        let unit = tx.redoable()?.ok_or(Error::NothingToRedo)?;
        let report = tx.take_back(UnitKind::Redo(unit.id), unit, bits, now_ms)?;
        tx.commit()?;
        Ok(report)
    }

    /// Takes these own rows back, whichever units they belong to, as one new edit that can be
    /// undone itself. `bits` are random, for fresh ids.
    ///
    /// # Errors
    /// [`Error::NothingToUndo`] when none of them is an edit of ours, or when the database fails.
    pub fn discard(&mut self, rows: &[i64], label: &str, bits: u64, now_ms: u64) -> Result<UndoReport> {
        let mut tx = self.begin()?;
        let mut own = Vec::with_capacity(rows.len());
        for row in rows {
            own.extend(tx.rows("WHERE row = ?1 AND origin = 1", [row])?);
        }
        own.sort_by_key(|row| row.row);
        own.dedup_by_key(|row| row.row);
        if own.is_empty() {
            return Err(Error::NothingToUndo);
        }
        let deeds = tx.deeds(own)?;
        let (receipt, left_out) = tx.take_back_writes(UnitKind::Edit, label, deeds, bits, now_ms)?;
        tx.commit()?;
        let unit = Unit { id: receipt.as_ref().map_or(0, |receipt| receipt.unit), label: label.to_owned(), at: now_ms };
        Ok(UndoReport { unit, receipt, left_out })
    }

    /// What undo would take back, and redo.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn undo_state(&self) -> Result<(Option<Unit>, Option<Unit>)> {
        Ok((unit(&self.connection, UNDOABLE)?, unit(&self.connection, REDOABLE)?))
    }
}

/// A chain of aliases or of undone undos is never longer.
const MOST_STEPS: usize = 10_000;

const LOCAL: &str = "WHERE origin = 1 AND (row = ?1 OR sent_as = ?1) ORDER BY row";

const UNDOABLE: &str = "kind IN (0, 2) AND undone_at IS NULL";
const REDOABLE: &str =
    "kind = 1 AND undone_at IS NULL AND id > coalesce((SELECT max(id) FROM units WHERE kind = 0), 0)";

fn unit(connection: &rusqlite::Connection, which: &str) -> Result<Option<Unit>> {
    Ok(connection
        .prepare_cached(&format!("SELECT id, label, at FROM units WHERE {which} ORDER BY id DESC LIMIT 1"))?
        .query_row([], |row| Ok(Unit { id: row.get(0)?, label: row.get(1)?, at: row.get(2)? }))
        .optional()?)
}

impl Tx<'_> {
    fn undoable(&mut self) -> Result<Option<Unit>> {
        unit(self.connection, UNDOABLE)
    }

    fn redoable(&mut self) -> Result<Option<Unit>> {
        unit(self.connection, REDOABLE)
    }

    fn take_back(&mut self, kind: UnitKind, unit: Unit, bits: u64, now_ms: u64) -> Result<UndoReport> {
        let rows = self.rows("WHERE unit = ?1 AND origin = 1 ORDER BY row", [unit.id])?;
        let deeds = self.deeds(rows)?;
        let (receipt, left_out) = self.take_back_writes(kind, &unit.label, deeds, bits, now_ms)?;
        self.connection
            .prepare_cached("UPDATE units SET undone_at = ?2 WHERE id = ?1")?
            .execute(params![unit.id, now_ms])?;
        Ok(UndoReport { unit, receipt, left_out })
    }

    /// Commits what takes these deeds back, and names what somebody else wrote since.
    fn take_back_writes(
        &mut self,
        kind: UnitKind,
        label: &str,
        mut deeds: Vec<Deed>,
        bits: u64,
        now_ms: u64,
    ) -> Result<(Option<Receipt>, Vec<LeftOut>)> {
        let mut fresh = Fresh::new(bits);
        let mut plan = Plan::default();
        // Layers first: their features may have to follow them.
        deeds.sort_by_key(|deed| matches!(deed.object, Object::Feature(..)));
        for deed in &deeds {
            self.plan(deed, &mut plan, &mut fresh)?;
        }
        let Plan { mut drafts, revived, left_out } = plan;
        drafts.sort_by_key(|(rank, _)| *rank);
        let drafts: Vec<Draft> = drafts.into_iter().map(|(_, draft)| draft).collect();
        let objects: Vec<Object> = drafts.iter().map(|draft| draft.object.clone()).collect();
        let receipt = if drafts.is_empty() { None } else { Some(self.edit_as(kind, label, drafts, now_ms)?) };
        for (old, new) in revived {
            let made = objects.iter().position(|object| *object == new);
            let row = made.and_then(|at| receipt.as_ref().and_then(|receipt| receipt.rows.get(at)));
            self.alias(&old, &new, row.copied().unwrap_or(0))?;
        }
        Ok((receipt, left_out))
    }

    /// What rows did, object by object.
    fn deeds(&mut self, rows: Vec<Row>) -> Result<Vec<Deed>> {
        let mut deeds: Vec<Deed> = Vec::new();
        let mut places: BTreeMap<Object, usize> = BTreeMap::new();
        for row in rows {
            let object = row.operation.object.clone();
            let place = match places.get(&object) {
                Some(place) => *place,
                None => {
                    let target = self.called_now(&object)?;
                    let (rows, before) = (Vec::new(), BTreeMap::new());
                    deeds.push(Deed { object: object.clone(), target, rows, before, unsent: true });
                    places.insert(object, deeds.len() - 1);
                    deeds.len() - 1
                }
            };
            let Some(deed) = deeds.get_mut(place) else { continue };
            deed.add(&row);
        }
        Ok(deeds)
    }

    fn plan(&mut self, deed: &Deed, plan: &mut Plan, fresh: &mut Fresh) -> Result<()> {
        let existence = Path::existence();
        if self.has_no_layer(&deed.target, plan)? {
            // Nothing is written into a layer that somebody deleted.
            for path in deed.before.keys() {
                let winner = self.state(&deed.target)?.winner(path).cloned();
                plan.left_out.push(self.left_out(&deed.target, path, winner)?);
            }
            return Ok(());
        }
        let Some(was_alive) = deed.before.get(&existence) else { return self.plan_values(deed, plan) };
        let was_alive = *was_alive == Some(Value::Bool(true));
        let is_alive = self.state(&deed.target)?.is_alive();
        match (was_alive, is_alive) {
            (false, true) => self.plan_delete(deed, plan),
            (true, false) => self.plan_revival(deed, plan, fresh),
            (true, true) => self.plan_values(deed, plan),
            (false, false) => Ok(()),
        }
    }

    /// Whether it is a feature whose layer is gone and does not come back by this plan.
    fn has_no_layer(&mut self, object: &Object, plan: &Plan) -> Result<bool> {
        let Object::Feature(layer, _) = object else { return Ok(false) };
        let layer = Object::Layer(layer.clone());
        let comes_back = plan.revived.iter().any(|(old, _)| *old == layer)
            || plan.drafts.iter().any(|(_, draft)| draft.verb == Verb::Upsert && draft.object == layer);
        Ok(!comes_back && !self.state(&layer)?.is_alive())
    }

    /// Registers go back to what they showed, where the unit's write still stands.
    fn plan_values(&mut self, deed: &Deed, plan: &mut Plan) -> Result<()> {
        let gone = !matches!(deed.target, Object::Map) && !self.state(&deed.target)?.is_alive();
        for (path, value) in deed.before.iter().filter(|(path, _)| **path != Path::existence()) {
            let judged = if gone { Path::existence() } else { path.clone() };
            if gone || !self.still_ours(deed, path)? {
                let winner = self.state(&deed.target)?.winner(&judged).cloned();
                plan.left_out.push(self.left_out(&deed.target, path, winner)?);
                continue;
            }
            let value = value.as_ref().map(Json::from_value);
            if value.is_none() && *path == Path::geometry() {
                continue;
            }
            let draft = Draft { verb: Verb::Update, object: deed.target.clone(), path: Some(path.clone()), value };
            plan.drafts.push((2, draft));
        }
        Ok(())
    }

    /// What the unit made goes, unless somebody else worked on it since.
    fn plan_delete(&mut self, deed: &Deed, plan: &mut Plan) -> Result<()> {
        let registers = self.state(&deed.target)?.registers().clone();
        let before = plan.left_out.len();
        for (path, register) in registers {
            // Own later edits that were taken back leave the creation as it was.
            if !self.shows(deed, register.row, &path)? && !self.is_own(&register)? {
                let left_out = self.left_out(&deed.target, &path, Some(register))?;
                plan.left_out.push(left_out);
            }
        }
        if plan.left_out.len() == before {
            // An object that had been there before keeps, dead again, the values that it had dead.
            if deed.before.iter().any(|(path, value)| *path != Path::existence() && value.is_some()) {
                self.plan_values(deed, plan)?;
            }
            let rank = if matches!(deed.target, Object::Feature(..)) { 3 } else { 4 };
            let object = deed.target.clone();
            plan.drafts.push((rank, Draft { verb: Verb::Delete, object, path: None, value: None }));
        }
        Ok(())
    }

    /// What the unit deleted comes back, with what it showed before the unit.
    fn plan_revival(&mut self, deed: &Deed, plan: &mut Plan, fresh: &mut Fresh) -> Result<()> {
        let existence = Path::existence();
        if !self.still_ours(deed, &existence)? {
            let winner = self.state(&deed.target)?.winner(&existence).cloned();
            plan.left_out.push(self.left_out(&deed.target, &existence, winner)?);
            return Ok(());
        }
        let moved = |layer: &bivouac_journal::ids::LayerId, plan: &Plan| {
            let old = Object::Layer(layer.clone());
            plan.revived.iter().find(|(from, _)| *from == old).and_then(|(_, to)| to.layer().cloned())
        };
        let object = match &deed.target {
            Object::Map => return Ok(()),
            target if deed.unsent && target.layer().is_some_and(|layer| moved(layer, plan).is_none()) => target.clone(),
            Object::Layer(_) => Object::Layer(fresh.layer()),
            Object::Feature(layer, _) => {
                let layer = moved(layer, plan).unwrap_or_else(|| layer.clone());
                Object::Feature(layer, self.fresh_feature(fresh)?)
            }
        };
        let value = Some(self.revival(&deed.target, &object)?);
        let rank = if matches!(object, Object::Layer(_)) { 0 } else { 1 };
        plan.drafts.push((rank, Draft { verb: Verb::Upsert, object: object.clone(), path: None, value }));
        for (path, value) in deed.before.iter().filter(|(path, _)| **path != existence) {
            let value = value.as_ref().map(Json::from_value);
            let draft = Draft { verb: Verb::Update, object: object.clone(), path: Some(path.clone()), value };
            plan.drafts.push((2, draft));
        }
        if object != deed.target {
            plan.revived.push((deed.target.clone(), object));
        }
        Ok(())
    }

    fn still_ours(&mut self, deed: &Deed, path: &Path) -> Result<bool> {
        match self.state(&deed.target)?.winner(path).map(|register| register.row) {
            Some(row) => self.shows(deed, row, path),
            None => Ok(false),
        }
    }

    /// Whether a register's winning row shows what the deed wrote: it is a row of the deed, or an
    /// undo that shows again what stood before the unit that it took back, also under another id.
    fn shows(&mut self, deed: &Deed, row: i64, path: &Path) -> Result<bool> {
        let mut row = row;
        for _ in 0..MOST_STEPS {
            if deed.rows.contains(&row) {
                return Ok(true);
            }
            let Some(local) = self.rows(LOCAL, [row])?.pop() else { return Ok(false) };
            let Some(of) = local.unit.map(|unit| self.taken_back(unit)).transpose()?.flatten() else {
                return Ok(false);
            };
            let object = self.object_id(&local.operation.object)?;
            let source = self.revived_from(object, local.row)?;
            let touched = self
                .rows("WHERE unit = ?1 AND origin = 1 AND object = ?2 ORDER BY row", [of, source.unwrap_or(object)])?
                .iter()
                .flat_map(|row| before_values(row.before.as_deref()))
                .find(|before| before.path == *path);
            let next = match (touched, source) {
                (Some(before), _) => before.row,
                (None, Some(source)) => {
                    let source = self.object_name(source)?;
                    self.state(&source)?.winner(path).map(|register| register.row)
                }
                (None, None) => {
                    let before = before_values(local.before.as_deref());
                    before.into_iter().find(|before| before.path == *path).and_then(|before| before.row)
                }
            };
            match next {
                Some(next) => row = next,
                None => return Ok(false),
            }
        }
        Ok(false)
    }

    /// The unit that an undo or redo took back.
    fn taken_back(&mut self, unit: i64) -> Result<Option<i64>> {
        Ok(self
            .connection
            .prepare_cached("SELECT of FROM units WHERE id = ?1")?
            .query_row([unit], |row| row.get(0))
            .optional()?
            .flatten())
    }

    fn revived_from(&mut self, object: i64, row: i64) -> Result<Option<i64>> {
        Ok(self
            .connection
            .prepare_cached("SELECT object FROM aliases WHERE becomes = ?1 AND row = ?2")?
            .query_row([object, row], |row| row.get(0))
            .optional()?)
    }

    fn is_own(&mut self, register: &Register) -> Result<bool> {
        Ok(*register.order.id == *self.clock()?.id())
    }

    fn left_out(&mut self, object: &Object, path: &Path, winner: Option<Register>) -> Result<LeftOut> {
        let writer = winner.as_ref().map(|register| register.order.id.to_string()).unwrap_or_default();
        let row = match winner {
            Some(register) if register.row != 0 => self.row(register.row)?,
            Some(_) | None => None,
        };
        let sender = row.and_then(|row| row.operation.sender);
        Ok(LeftOut { object: object.clone(), path: path.clone(), writer, sender })
    }

    /// What an object is called by now.
    fn called_now(&mut self, object: &Object) -> Result<Object> {
        let mut now = object.clone();
        for _ in 0..MOST_STEPS {
            let id = self.hold(&now)?.id;
            let next: Option<i64> = self
                .connection
                .prepare_cached("SELECT becomes FROM aliases WHERE object = ?1")?
                .query_row([id], |row| row.get(0))
                .optional()?;
            let Some(becomes) = next else { break };
            now = self.object_name(becomes)?;
        }
        Ok(now)
    }

    pub(crate) fn alias(&mut self, old: &Object, new: &Object, row: i64) -> Result<()> {
        let (old, new) = (self.object_id(old)?, self.object_id(new)?);
        self.connection
            .prepare_cached("INSERT OR REPLACE INTO aliases (object, becomes, row) VALUES (?1, ?2, ?3)")?
            .execute(params![old, new, row])?;
        self.same = None;
        Ok(())
    }
}

impl Deed {
    fn add(&mut self, row: &Row) {
        self.rows.push(row.row);
        self.rows.extend(row.sent_as);
        self.unsent &= row.sent_as.is_none();
        for before in before_values(row.before.as_deref()) {
            self.before.entry(before.path).or_insert(before.value);
        }
    }
}
