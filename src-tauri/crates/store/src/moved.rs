//! A feature that was moved: dead in one layer, alive under its id in another (M3).
//!
//! An edit made meanwhile is offered for the moved feature and never brings a second one into the
//! layer that it left.

use bivouac_journal::ids::{LayerId, Object};
use bivouac_journal::operation::{Draft, Verb};
use bivouac_journal::path::Path;

use crate::edit::Receipt;
use crate::error::Result;
use crate::log::{Origin, SaveState};
use crate::tx::Tx;

impl Tx<'_> {
    /// Where a dead feature lives on, when whoever let it die put it there.
    pub(crate) fn moved_to(&mut self, object: &Object) -> Result<Option<Object>> {
        let Object::Feature(_, id) = object else { return Ok(None) };
        let Some(death) = self.state(object)?.winner(&Path::existence()).map(|life| life.order.clone()) else {
            return Ok(None);
        };
        let ours = self.rows_of(object)?.into_iter().filter(|row| row.origin == Origin::Local);
        let Some(edited_at) = ours.map(|row| row.at_ms).max() else { return Ok(None) };
        self.flush()?;
        let layers: Vec<(String, Option<i64>)> = self
            .connection
            .prepare_cached(
                "SELECT l.uid, o.read_at FROM objects o JOIN objects l ON l.id = o.layer
                 WHERE o.kind = 2 AND o.uid = ?1 AND o.alive = 1 AND l.alive = 1 ORDER BY o.id",
            )?
            .query_map([id.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<rusqlite::Result<_>>()?;
        let mut found = None;
        for (layer, read_at) in layers {
            let there = Object::Feature(LayerId::trusted(&layer), id.clone());
            let Some(life) = self.state(&there)?.winner(&Path::existence()).map(|life| life.order.clone()) else {
                continue;
            };
            // What was always there under that id is another feature; what only documents tell
            // names nobody.
            let by_the_same = life.id == death.id || life.id.is_empty() || death.id.is_empty();
            let is_new = life.wall > 0 || read_at.is_some_and(|at| u64::try_from(at).is_ok_and(|at| at >= edited_at));
            if is_new && by_the_same && found.replace(there).is_some() {
                return Ok(None);
            }
        }
        Ok(found)
    }

    /// Edits of ours that the moved feature does not have become edits of it.
    pub(crate) fn edit_where_it_is(&mut self, from: &Object, to: &Object, now_ms: u64) -> Result<Option<Receipt>> {
        let ours = self.clock()?.id().to_string();
        let written: Vec<_> = self
            .state(from)?
            .registers()
            .iter()
            .filter(|(path, register)| !path.is_existence() && *register.order.id == *ours)
            .map(|(path, register)| (path.clone(), register.clone()))
            .collect();
        let mut drafts = Vec::new();
        for (path, register) in written {
            let rows = self.rows("WHERE row = ?1", [register.row])?;
            if rows.iter().all(|row| row.operation.verb == Verb::Update && row.state != SaveState::Verified) {
                drafts.push(Draft {
                    verb: Verb::Update,
                    object: to.clone(),
                    path: Some(path),
                    value: register.value.clone(),
                });
            }
        }
        if drafts.is_empty() {
            return Ok(None);
        }
        let receipt = self.edit("resolve", drafts, now_ms)?;
        self.alias(from, to, receipt.rows.first().copied().unwrap_or(0))?;
        let left: Vec<i64> = self.pending(Some(from))?.iter().map(|row| row.row).collect();
        self.set_state(&left, SaveState::Superseded)?;
        Ok(Some(receipt))
    }
}
