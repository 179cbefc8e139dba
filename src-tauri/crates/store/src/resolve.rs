//! The user's last word on a conflict: a new operation of ours, or theirs as it stands.

use std::collections::BTreeSet;

use bivouac_journal::ids::{LayerId, Object};
use bivouac_journal::operation::{Draft, Verb};
use bivouac_journal::path::Path;

use crate::conflict::{Conflict, ConflictKind, ConflictState};
use crate::edit::Receipt;
use crate::error::{Error, Result};
use crate::fresh::Fresh;
use crate::open::Store;
use crate::stage::SaveState;
use crate::tx::Tx;

/// Whose value. Of a lost change (rule 16) theirs is the one that was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Ours: our value, our edited feature, our delete, our features of a layer that is gone.
    Mine,
    /// Theirs.
    Theirs,
}

impl Store {
    /// Settles a conflict; `bits` are random, for ids of what comes back. The receipt is that of
    /// the edit that it took, if it took one.
    ///
    /// # Errors
    /// [`Error::UnknownConflict`] when it is not open, or when the edit is refused.
    pub fn resolve(&mut self, conflict: i64, choice: Choice, bits: u64, now_ms: u64) -> Result<Option<Receipt>> {
        let mut tx = self.begin()?;
        let found = tx.conflict(conflict)?.filter(|found| found.state == ConflictState::Open);
        let found = found.ok_or(Error::UnknownConflict(conflict))?;
        let state = match choice {
            Choice::Mine => ConflictState::Mine,
            Choice::Theirs => ConflictState::Theirs,
        };
        tx.close_conflict(conflict, state, now_ms)?;
        let receipt = tx.carry_out(&found, choice, &mut Fresh::new(bits), now_ms)?;
        tx.commit()?;
        Ok(receipt)
    }
}

impl Tx<'_> {
    fn carry_out(
        &mut self,
        found: &Conflict,
        choice: Choice,
        fresh: &mut Fresh,
        now_ms: u64,
    ) -> Result<Option<Receipt>> {
        let object = &found.object;
        let alive = self.state(object)?.is_alive();
        match (found.kind, choice) {
            (ConflictKind::Value | ConflictKind::DeletedWhileEdited | ConflictKind::LayerDeleted, Choice::Theirs) => {
                Ok(None)
            }
            (ConflictKind::LostChange, Choice::Mine) => Ok(None),
            (ConflictKind::LostChange, Choice::Theirs) => match self.take_lost(found, fresh)? {
                Some(draft) => Ok(Some(self.edit("resolve", vec![draft], now_ms)?)),
                None => Ok(None),
            },
            (ConflictKind::Value, Choice::Mine) if found.path == Path::existence() => Ok(None),
            (ConflictKind::Value, Choice::Mine) => {
                let (path, value) = (Some(found.path.clone()), found.mine.clone());
                let draft = Draft { verb: Verb::Update, object: object.clone(), path, value };
                Ok(Some(self.edit("resolve", vec![draft], now_ms)?))
            }
            (ConflictKind::DeletedWhileEdited, Choice::Mine) if !alive => {
                let followed = match self.moved_to(object)? {
                    Some(there) => self.edit_where_it_is(object, &there, now_ms)?,
                    None => None,
                };
                if followed.is_some() { Ok(followed) } else { self.bring_back(object, fresh, now_ms) }
            }
            (ConflictKind::DeletedWhileEdited, Choice::Mine) | (ConflictKind::EditedWhileDeleted, Choice::Theirs) => {
                if alive {
                    Ok(None)
                } else {
                    self.bring_back(object, fresh, now_ms)
                }
            }
            (ConflictKind::EditedWhileDeleted, Choice::Mine) => {
                let draft = Draft { verb: Verb::Delete, object: object.clone(), path: None, value: None };
                if alive { Ok(Some(self.edit("resolve", vec![draft], now_ms)?)) } else { Ok(None) }
            }
            (ConflictKind::LayerDeleted, Choice::Mine) => {
                let Object::Layer(layer) = object else { return Ok(None) };
                if alive { Ok(None) } else { self.rescue(layer, fresh, now_ms) }
            }
        }
    }

    /// A dead object comes back under a fresh id (rule 42).
    fn bring_back(&mut self, object: &Object, fresh: &mut Fresh, now_ms: u64) -> Result<Option<Receipt>> {
        let new = match object {
            Object::Map => return Ok(None),
            Object::Layer(_) => Object::Layer(fresh.layer()),
            Object::Feature(layer, _) => Object::Feature(layer.clone(), self.fresh_feature(fresh)?),
        };
        let value = Some(self.revival(object, &new)?);
        let draft = Draft { verb: Verb::Upsert, object: new.clone(), path: None, value };
        let receipt = self.edit("resolve", vec![draft], now_ms)?;
        self.alias(object, &new, receipt.rows.first().copied().unwrap_or(0))?;
        let left: Vec<i64> = self.pending(Some(object))?.iter().map(|row| row.row).collect();
        self.set_state(&left, SaveState::Superseded)?;
        Ok(Some(receipt))
    }

    /// Our features of a layer that is gone move to a new layer of the same settings.
    fn rescue(&mut self, layer: &LayerId, fresh: &mut Fresh, now_ms: u64) -> Result<Option<Receipt>> {
        let old = Object::Layer(layer.clone());
        let new_layer = fresh.layer();
        let new = Object::Layer(new_layer.clone());
        let value = Some(self.revival(&old, &new)?);
        let mut drafts = vec![Draft { verb: Verb::Upsert, object: new.clone(), path: None, value }];
        let (mut moved, mut left) = (Vec::new(), Vec::new());
        let mut seen = BTreeSet::new();
        for row in self.pending_in(layer)? {
            left.push(row.row);
            let Object::Feature(_, id) = &row.operation.object else { continue };
            let wanted = row.operation.verb != Verb::Delete;
            if wanted && seen.insert(id.clone()) {
                let target = Object::Feature(new_layer.clone(), id.clone());
                let value = Some(self.revival(&row.operation.object, &target)?);
                drafts.push(Draft { verb: Verb::Upsert, object: target.clone(), path: None, value });
                moved.push((row.operation.object.clone(), target));
            }
        }
        let receipt = self.edit("resolve", drafts, now_ms)?;
        self.set_state(&left, SaveState::Superseded)?;
        let mut rows = receipt.rows.iter().copied();
        self.alias(&old, &new, rows.next().unwrap_or(0))?;
        for ((from, to), row) in moved.into_iter().zip(rows) {
            self.alias(&from, &to, row)?;
        }
        Ok(Some(receipt))
    }
}
