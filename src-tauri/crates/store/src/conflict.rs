//! What merging could not keep of ours: both values are kept, and the user has the last word.
//!
//! Equal values and different fields are never a conflict. A write of ours that was not sent yet
//! is compared by when the edits were made; if ours is the later one, sending it settles the
//! matter (M8) and nothing is opened here.

use bivouac_journal::clock::Order;
use bivouac_journal::ids::{LayerId, Object, PeerId};
use bivouac_journal::json::Json;
use bivouac_journal::merge::{Applied, Outcome, Register};
use bivouac_journal::operation::{Operation, Write, dead};
use bivouac_journal::path::Path;
use rusqlite::{Connection, OptionalExtension, params};

use crate::error::Result;
use crate::log::Row;
use crate::names::Names;
use crate::object;
use crate::open::Store;
use crate::stage::{SaveState, numbered};
use crate::tx::Tx;

numbered! {
    /// What kind of conflict.
    ConflictKind {
        /// Two values for one register.
        Value = 0,
        /// We edited, somebody deleted.
        DeletedWhileEdited = 1,
        /// We deleted, somebody edited later.
        EditedWhileDeleted = 2,
        /// A layer was deleted while we worked in it.
        LayerDeleted = 3,
        /// A peer's log calls a value saved that no version of the server held (rule 16).
        LostChange = 4,
    }
}

numbered! {
    /// How a conflict stands.
    ConflictState {
        /// It waits for the user.
        Open = 0,
        /// Ours was used.
        Mine = 1,
        /// Theirs was kept.
        Theirs = 2,
    }
}

/// A conflict, open or settled.
#[derive(Clone, Debug, PartialEq)]
pub struct Conflict {
    /// Its number.
    pub id: i64,
    /// Where.
    pub object: Object,
    /// On which register; existence for all kinds but `Value`.
    pub path: Path,
    /// What kind.
    pub kind: ConflictKind,
    /// Our value; for `DeletedWhileEdited` the document with our edit.
    pub mine: Option<Json>,
    /// Our log row.
    pub mine_row: i64,
    /// Their value.
    pub theirs: Option<Json>,
    /// Their log row.
    pub theirs_row: i64,
    /// Their clock id; empty for the server.
    pub theirs_clock: String,
    /// The connection that sent theirs: a label.
    pub theirs_sender: Option<PeerId>,
    /// Their wall clock in milliseconds; 0 when it was invalid.
    pub theirs_at: u64,
    /// How it stands.
    pub state: ConflictState,
    /// When it was opened, in milliseconds.
    pub at: u64,
    /// When it was settled.
    pub settled_at: Option<u64>,
}

/// A conflict that is about to be opened.
pub(crate) struct NewConflict<'a> {
    pub object: &'a Object,
    pub path: &'a Path,
    pub kind: ConflictKind,
    pub mine: Option<Json>,
    pub mine_row: i64,
    pub theirs: Option<Json>,
    pub theirs_row: i64,
    pub theirs_order: Order,
    pub theirs_sender: Option<PeerId>,
}

impl Tx<'_> {
    /// Opens a conflict, or renews the open one on that register.
    pub(crate) fn open_conflict(&mut self, new: &NewConflict<'_>, now_ms: u64) -> Result<i64> {
        self.open_conflicts = Some(true);
        let object = self.object_id(new.object)?;
        let path = self.intern(new.path.as_stored())?;
        // An offer gives way to what has to be decided.
        self.settle_lost(object, path, u64::MAX >> 1, now_ms)?;
        let clock = self.intern(&new.theirs_order.id)?;
        let sender = new.theirs_sender.as_ref().map(|peer| self.intern(peer.as_str())).transpose()?;
        Ok(self
            .connection
            .prepare_cached(
                "INSERT INTO conflicts (object, path, kind, mine, mine_row, theirs, theirs_row, theirs_clock,
                        theirs_sender, theirs_at, at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
                 ON CONFLICT (object, path) WHERE state = 0 DO UPDATE SET kind = excluded.kind,
                     theirs = excluded.theirs, theirs_row = excluded.theirs_row,
                     theirs_clock = excluded.theirs_clock, theirs_sender = excluded.theirs_sender,
                     theirs_at = excluded.theirs_at
                 RETURNING id",
            )?
            .query_row(
                params![
                    object,
                    path,
                    new.kind,
                    new.mine.as_ref().map(Json::as_str),
                    new.mine_row,
                    new.theirs.as_ref().map(Json::as_str),
                    new.theirs_row,
                    clock,
                    sender,
                    new.theirs_order.wall,
                    now_ms,
                ],
                |row| row.get(0),
            )?)
    }

    /// Looks for what an applied operation of somebody else, or of the server, took from us.
    pub(crate) fn find_conflicts(
        &mut self,
        operation: &Operation,
        applied: &Applied,
        row: i64,
        now_ms: u64,
        opened: &mut Vec<i64>,
    ) -> Result<()> {
        if !applied.changed() {
            return Ok(());
        }
        let gone = self.state(&operation.object)?.registers().get(Path::EXISTENCE).is_some_and(|r| is_dead(&r.value));
        for (write, outcome) in &applied.writes {
            let Outcome::Won(before) = outcome else { continue };
            let died = write.path.is_existence() && is_dead(&write.value);
            self.renew(operation, write, row, now_ms)?;
            if gone && !died {
                // What a dead object's registers hold is nobody's quarrel; its life is, below.
                continue;
            }
            let found = if died {
                self.death(operation, before.as_ref())?
            } else {
                self.lost(operation, before.as_ref(), &write.value)?
            };
            let Some((kind, mine, mine_row)) = found else { continue };
            let new = NewConflict {
                object: &operation.object,
                path: &write.path,
                kind,
                mine,
                mine_row,
                theirs: write.value.clone(),
                theirs_row: row,
                theirs_order: operation.order(),
                theirs_sender: operation.sender.clone(),
            };
            opened.push(self.open_conflict(&new, now_ms)?);
            if let Some(before) = before {
                self.settle_loser(&operation.object, before, SaveState::Lost)?;
            }
        }
        self.edited_after_our_delete(operation, row, now_ms, opened)
    }

    /// A register with an open conflict went to a third value: that is theirs now, and if it is
    /// ours after all, nothing is left to decide.
    fn renew(&mut self, operation: &Operation, write: &Write, row: i64, now_ms: u64) -> Result<()> {
        if !self.has_open_conflicts()? {
            return Ok(());
        }
        let (object, path) = (self.object_id(&operation.object)?, self.intern(write.path.as_stored())?);
        let open: Option<(i64, ConflictKind, Option<String>)> = self
            .connection
            .prepare_cached("SELECT id, kind, mine FROM conflicts WHERE object = ?1 AND path = ?2 AND state = 0")?
            .query_row([object, path], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .optional()?;
        let Some((id, kind, mine)) = open else { return Ok(()) };
        if kind == ConflictKind::LostChange {
            return self.settle_lost(object, path, operation.order().wall, now_ms);
        }
        if kind == ConflictKind::Value && mine.as_deref().map(Json::trusted) == write.value {
            return self.close_conflict(id, ConflictState::Mine, now_ms);
        }
        let clock = self.intern(&operation.order().id)?;
        let sender = operation.sender.as_ref().map(|peer| self.intern(peer.as_str())).transpose()?;
        self.connection
            .prepare_cached(
                "UPDATE conflicts SET theirs = ?2, theirs_row = ?3, theirs_clock = ?4, theirs_sender = ?5, theirs_at = ?6
                 WHERE id = ?1",
            )?
            .execute(params![id, write.value.as_ref().map(Json::as_str), row, clock, sender, operation.order().wall])?;
        Ok(())
    }

    /// A register that was ours went to another value.
    fn lost(&mut self, operation: &Operation, before: Option<&Register>, value: &Option<Json>) -> Result<Found> {
        let Some(before) = before else { return Ok(None) };
        let Some(local) = self.locals_behind(before)?.pop() else { return Ok(None) };
        if before.value == *value || ours_is_later(&local, operation) {
            return Ok(None);
        }
        let kind = if before.value == Some(dead()) && local.operation.path.is_none() {
            ConflictKind::EditedWhileDeleted
        } else {
            ConflictKind::Value
        };
        Ok(Some((kind, before.value.clone(), local.row)))
    }

    /// Somebody's delete took an object in which we have something pending.
    fn death(&mut self, operation: &Operation, before: Option<&Register>) -> Result<Found> {
        if before.is_some_and(|before| before.value == Some(dead())) {
            return Ok(None);
        }
        let object = &operation.object;
        let edits = |rows: Vec<Row>| {
            rows.into_iter().rfind(|row| {
                row.operation.verb != bivouac_journal::operation::Verb::Delete && !ours_is_later(row, operation)
            })
        };
        if let Object::Layer(layer) = object {
            let inside = self.pending_in(layer)?;
            let mine = edits(inside).map(|row| row.row);
            return Ok(mine.map(|row| (ConflictKind::LayerDeleted, None, row)));
        }
        let Some(local) = edits(self.pending(Some(object))?) else { return Ok(None) };
        let document = self.document(object)?;
        Ok(Some((ConflictKind::DeletedWhileEdited, Some(Json::trusted(&document)), local.row)))
    }

    /// Somebody wrote to what we deleted, after we did.
    fn edited_after_our_delete(
        &mut self,
        operation: &Operation,
        row: i64,
        now_ms: u64,
        opened: &mut Vec<i64>,
    ) -> Result<()> {
        let state = self.state(&operation.object)?;
        let delete = state.registers().get(Path::EXISTENCE).filter(|register| is_dead(&register.value)).cloned();
        let Some(delete) = delete else { return Ok(()) };
        let Some(local) = self.locals_behind(&delete)?.pop() else { return Ok(()) };
        if operation.order() < delete.order || ours_is_later(&local, operation) {
            return Ok(());
        }
        let new = NewConflict {
            object: &operation.object,
            path: &Path::existence(),
            kind: ConflictKind::EditedWhileDeleted,
            mine: delete.value.clone(),
            mine_row: local.row,
            theirs: operation.value.clone(),
            theirs_row: row,
            theirs_order: operation.order(),
            theirs_sender: operation.sender.clone(),
        };
        opened.push(self.open_conflict(&new, now_ms)?);
        Ok(())
    }

    /// Own rows on their way that speak of a layer or of what lies in it.
    pub(crate) fn pending_in(&mut self, layer: &LayerId) -> Result<Vec<Row>> {
        let rows = self.pending(None)?;
        Ok(rows.into_iter().filter(|row| row.operation.object.layer() == Some(layer)).collect())
    }

    /// A later write of our own settles what was open on its registers.
    pub(crate) fn settle_by_edit(&mut self, object: i64, paths: &[Path], now_ms: u64) -> Result<()> {
        if !self.has_open_conflicts()? {
            return Ok(());
        }
        for path in paths {
            let path = self.intern(path.as_stored())?;
            self.connection
                .prepare_cached(
                    "UPDATE conflicts SET state = 1, settled_at = ?3 WHERE object = ?1 AND path = ?2 AND state = 0",
                )?
                .execute(params![object, path, now_ms])?;
        }
        Ok(())
    }

    fn has_open_conflicts(&mut self) -> Result<bool> {
        let open = match self.open_conflicts {
            Some(open) => open,
            None => self
                .connection
                .prepare_cached("SELECT EXISTS (SELECT 1 FROM conflicts WHERE state = 0)")?
                .query_row([], |row| row.get(0))?,
        };
        self.open_conflicts = Some(open);
        Ok(open)
    }

    pub(crate) fn close_conflict(&mut self, id: i64, state: ConflictState, now_ms: u64) -> Result<()> {
        self.connection
            .prepare_cached("UPDATE conflicts SET state = ?2, settled_at = ?3 WHERE id = ?1 AND state = 0")?
            .execute(params![id, state, now_ms])?;
        Ok(())
    }

    pub(crate) fn conflict(&mut self, id: i64) -> Result<Option<Conflict>> {
        Ok(read(self.connection, self.names, "WHERE id = ?1", [id])?.pop())
    }
}

fn is_dead(existence: &Option<Json>) -> bool {
    existence.as_ref().is_some_and(|value| value.as_str() == "false" || *value == dead())
}

type Found = Option<(ConflictKind, Option<Json>, i64)>;

/// Whether a write of ours that waits to be sent was made after theirs (M8).
fn ours_is_later(local: &Row, operation: &Operation) -> bool {
    local.state == SaveState::Local && operation.made_at() < local.operation.made_at()
}

impl Store {
    /// Every conflict, the open ones first, then by number.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn conflicts(&self) -> Result<Vec<Conflict>> {
        read(&self.connection, &mut Names::default(), "ORDER BY state <> 0, id", [])
    }
}

fn read(
    connection: &Connection,
    names: &mut Names,
    rest: &str,
    params: impl rusqlite::Params,
) -> Result<Vec<Conflict>> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT id, object, path, kind, mine, mine_row, theirs, theirs_row, theirs_clock, theirs_sender, theirs_at,
                state, at, settled_at
         FROM conflicts {rest}"
    ))?;
    let mut rows = statement.query(params)?;
    let mut conflicts = Vec::new();
    while let Some(row) = rows.next()? {
        let json = |text: Option<String>| text.map(|text| Json::trusted(&text));
        let sender = row.get::<_, Option<i64>>(9)?.map(|peer| names.text(connection, peer)).transpose()?;
        conflicts.push(Conflict {
            id: row.get(0)?,
            object: object::name(connection, row.get(1)?)?,
            path: names.path(connection, row.get(2)?)?,
            kind: row.get(3)?,
            mine: json(row.get(4)?),
            mine_row: row.get(5)?,
            theirs: json(row.get(6)?),
            theirs_row: row.get(7)?,
            theirs_clock: names.text(connection, row.get(8)?)?.to_string(),
            theirs_sender: sender.map(|peer| PeerId::trusted(&peer)),
            theirs_at: row.get(10)?,
            state: row.get(11)?,
            at: row.get(12)?,
            settled_at: row.get(13)?,
        });
    }
    Ok(conflicts)
}
