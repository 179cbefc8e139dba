//! What a peer's log calls saved counts as soon as a document of the server holds it (rule 16).
//!
//! Recorded alone, a saved operation lends its value to nobody: the document's value would get
//! the time of its version, and an older operation with a clock ahead, which everybody else
//! knows to have lost, would win here.

use std::collections::BTreeMap;

use bivouac_journal::clock::Order;
use bivouac_journal::ids::Object;
use bivouac_journal::json::Json;
use bivouac_journal::operation::{Write, alive, dead};
use bivouac_journal::path::Path;

use super::document::document_writes;
use crate::error::Result;
use crate::log::{Origin, Row, SaveState};
use crate::object::Base;
use crate::tx::Tx;

/// Per register what a document holds.
type Held = BTreeMap<Path, Option<Json>>;

impl Tx<'_> {
    /// Applies what was only recorded and what this document, which is about to be merged, holds
    /// (`None`: it does not hold the object).
    pub(crate) fn count_held(&mut self, object: &Object, document: Option<&str>, now_ms: u64) -> Result<()> {
        if !self.has_recorded(object)? {
            return Ok(());
        }
        let base = self.base(object)?;
        let held = held(object, document)?;
        for row in self.countable(object, &held, base.as_ref())? {
            self.count(row, now_ms)?;
        }
        Ok(())
    }

    /// The same for what was just recorded, where the base holds it already. What our user wrote
    /// over the base and what is not sent yet was written with that value before his eyes,
    /// whatever the clocks say: there the value stays as old as it was.
    pub(crate) fn count_held_by_base(&mut self, object: &Object, now_ms: u64) -> Result<()> {
        // Told without a look into the file, for a list may hold history of every object.
        let is_held = self.is_based(object)? || self.was_read_without(object)?;
        if !is_held || !self.has_recorded(object)? {
            return Ok(());
        }
        let base = self.base(object)?;
        let document = base.as_ref().map(|base| base.document.to_string()).filter(|text| !text.is_empty());
        let held = held(object, document.as_deref())?;
        let mut unsent = Vec::new();
        for row in self.pending(Some(object))?.into_iter().filter(|row| row.state == SaveState::Local) {
            unsent.extend(row.writes()?.into_iter().map(|write| write.path));
        }
        for row in self.countable(object, &held, base.as_ref())? {
            let over_unsent = row.writes()?.iter().any(|write| unsent.contains(&write.path));
            if !over_unsent {
                let order = row.operation.order();
                self.count(row, now_ms)?;
                self.reflect(object, &order)?;
            }
        }
        Ok(())
    }

    fn has_recorded(&mut self, object: &Object) -> Result<bool> {
        Ok(self.hold(object)?.recorded)
    }

    /// Whether the server's document of its layer was read and did not hold the feature.
    fn was_read_without(&mut self, object: &Object) -> Result<bool> {
        match object {
            Object::Feature(layer, _) => Ok(self.layer_standings(layer)?.was_read),
            Object::Layer(_) | Object::Map => Ok(false),
        }
    }

    /// The recorded rows that count, newest first: a register of theirs is held, none is held
    /// otherwise unless somebody wrote there later, and no newer recorded row stands before them.
    fn countable(&mut self, object: &Object, held: &Held, base: Option<&Base>) -> Result<Vec<Row>> {
        let state = self.state(object)?.clone();
        let mut rows: Vec<Row> = self.rows_of(object)?;
        rows.retain(|row| !row.applied && row.origin == Origin::Foreign && row.operation.order().valid);
        if rows.is_empty() {
            let held = self.hold(object)?;
            (held.recorded, held.logged) = (false, true);
        }
        rows.sort_by_key(|row| std::cmp::Reverse(row.operation.order()));
        let mut later: Vec<(Path, bool)> = Vec::new();
        let mut countable = Vec::new();
        for row in rows {
            let (order, writes) = (row.operation.order(), row.writes()?);
            let is_held = |write: &Write| held.get(&write.path).cloned().flatten() == write.value;
            let reflected = |path: &Path| base.and_then(|b| b.state.winner(path)).map(|r| r.order.clone());
            let is_news = |path: &Path| reflected(path).unwrap_or_else(Order::lowest) < order;
            let covered = |path: &Path, counts: bool| {
                later.iter().any(|(other, counted)| *counted == counts && (other == path || other.covers(path)))
            };
            let is_older = |path: &Path| state.winner(path).is_some_and(|winner| winner.order > order);
            let some = writes.iter().any(|w| is_held(w) && is_news(&w.path) && !covered(&w.path, false));
            let all = writes.iter().all(|w| is_held(w) || is_older(&w.path) || covered(&w.path, true));
            let counts = some && all && !self.waits(row.row)?;
            later.extend(writes.into_iter().map(|write| (write.path, counts)));
            if counts {
                countable.push(row);
            }
        }
        Ok(countable)
    }
}

fn held(object: &Object, document: Option<&str>) -> Result<Held> {
    let mut held: Held = match document {
        Some(text) => document_writes(object, text)?.into_iter().map(|write| (write.path, write.value)).collect(),
        None => Held::new(),
    };
    if *object != Object::Map {
        held.insert(Path::existence(), Some(if document.is_some() { alive() } else { dead() }));
    }
    Ok(held)
}
