//! Answers for peers that missed something, and repairs (rules 1, 8, 10, 12, 18).

use bivouac_journal::clock::{Hlc, Order, Stamp};
use bivouac_journal::ids::{FeatureId, Object, PeerId};
use bivouac_journal::operation::{Marks, Operation, Verb, dead};
use bivouac_journal::outgoing::feature_type;
use bivouac_journal::path::Path;
use bivouac_journal::wire::{MAX_ANSWER, MAX_SENT_BYTES, print_answer, print_batch, print_listed, print_loose};

use crate::error::Result;
use crate::log::{Origin, Row, SaveState};
use crate::open::Store;
use crate::tx::Tx;

/// Room for an envelope around its operations, in bytes.
const ENVELOPE_BYTES: usize = 4096;
/// A question reaches back so much further than it says, in ms: an operation made earlier can
/// arrive later (rule 9).
const SLACK_MS: u64 = 3_600_000;

impl Store {
    /// The answer to "which operations do you hold since then?": the winners, layers first.
    /// Who names no instant has just read the server's documents: what they hold is left out, and
    /// a browser gets the rest as batches, for it reads a list of loose operations in quadratic
    /// time (rule 18). `bits` draws ids for batches.
    ///
    /// # Errors
    /// When the database fails.
    pub fn answer(
        &mut self,
        me: &PeerId,
        peer: &PeerId,
        since: Option<&str>,
        bivouac: bool,
        now_ms: u64,
        bits: &mut dyn FnMut() -> u64,
    ) -> Result<Vec<String>> {
        let mut tx = self.begin()?;
        let since = since.and_then(Hlc::parse);
        let mut winners = Vec::new();
        for row in tx.exchanged(since.as_ref().map(|hlc| hlc.wall.saturating_sub(SLACK_MS)))? {
            let unsaved = tx.is_unsaved(&row)?;
            if (unsaved || since.is_some()) && tx.wins(&row)? {
                winners.push((row.operation, unsaved));
            }
        }
        winners.sort_by_key(|(operation, _)| (!creates_layer(operation), operation.order()));
        let is_fresh_browser = since.is_none() && !bivouac;
        let chunks = if is_fresh_browser {
            tx.compacted(winners.into_iter().map(|(operation, _)| operation).collect(), me, now_ms, bits)?
        } else {
            chunks(winners.into_iter().map(|(operation, unsaved)| listed(operation, unsaved)).collect())
        };
        tx.commit()?;
        let of = u32::try_from(chunks.len()).unwrap_or(u32::MAX);
        let number = |part: u32| bivouac.then_some((part, of));
        Ok(chunks
            .iter()
            .zip(1_u32..)
            .map(|(operations, part)| print_answer(me, peer, operations, number(part)))
            .collect())
    }

    /// The winners of contended registers once more, under their own clocks (rule 1).
    ///
    /// # Errors
    /// When the database fails.
    pub fn repair_frames(&mut self, me: &PeerId, registers: &[(Object, Path, Order)]) -> Result<Vec<String>> {
        let mut tx = self.begin_ahead()?;
        let mut texts = Vec::new();
        for (object, path, order) in registers {
            if let Some(operation) = tx.repair(object, path, order, me)? {
                texts.push(print_loose(&operation, me));
            }
        }
        // Nothing was written; but rolled back, it would forget the names that the next one needs.
        tx.commit()?;
        Ok(texts)
    }
}

/// One part, possibly empty: an answer has to come in any case.
fn chunks(texts: Vec<String>) -> Vec<Vec<String>> {
    let mut chunks = vec![Vec::new()];
    let mut bytes = ENVELOPE_BYTES;
    for text in texts {
        let full =
            chunks.last().is_some_and(|c: &Vec<String>| c.len() >= MAX_ANSWER || bytes + text.len() > MAX_SENT_BYTES);
        if full && chunks.last().is_some_and(|c| !c.is_empty()) {
            chunks.push(Vec::new());
            bytes = ENVELOPE_BYTES;
        }
        bytes += text.len() + 1;
        if let Some(chunk) = chunks.last_mut() {
            chunk.push(text);
        }
    }
    chunks
}

fn creates_layer(operation: &Operation) -> bool {
    operation.verb == Verb::Upsert && matches!(operation.object, Object::Layer(_))
}

/// An operation as an entry of a list, with its place in its batch.
fn listed(mut operation: Operation, unsaved: bool) -> String {
    operation.dirty = Some(unsaved);
    if operation.index > 0 {
        operation.marks.index = Some(operation.index);
    }
    print_listed(&operation)
}

impl Tx<'_> {
    /// Winners as batches, each nested operation with its own identity; layers loose before them.
    fn compacted(
        &mut self,
        operations: Vec<Operation>,
        me: &PeerId,
        now_ms: u64,
        bits: &mut dyn FnMut() -> u64,
    ) -> Result<Vec<Vec<String>>> {
        let (nested, loose): (Vec<Operation>, Vec<Operation>) =
            operations.into_iter().partition(|o| matches!(o.object, Object::Feature(..)) && o.stamp.hlc().is_some());
        let mut answers = chunks(loose.into_iter().map(|operation| listed(operation, true)).collect());
        let mut batch: Vec<Operation> = Vec::new();
        let mut bytes = ENVELOPE_BYTES;
        for mut operation in nested {
            operation.marks.stamp = operation.stamp.hlc().cloned();
            operation.marks.index = Some(operation.index);
            let weight = print_listed(&operation).len();
            if batch.len() >= MAX_ANSWER || (bytes + weight > MAX_SENT_BYTES && !batch.is_empty()) {
                answers.push(self.batch(&std::mem::take(&mut batch), me, now_ms, bits)?);
                bytes = ENVELOPE_BYTES;
            }
            bytes += weight;
            batch.push(operation);
        }
        answers.push(self.batch(&batch, me, now_ms, bits)?);
        answers.retain(|answer| !answer.is_empty());
        if answers.is_empty() {
            answers.push(Vec::new());
        }
        Ok(answers)
    }

    fn batch(
        &mut self,
        operations: &[Operation],
        me: &PeerId,
        now_ms: u64,
        bits: &mut dyn FnMut() -> u64,
    ) -> Result<Vec<String>> {
        let Some(layer) = operations.first().and_then(|o| o.object.layer()) else { return Ok(Vec::new()) };
        let hlc = self.clock()?.tick(now_ms);
        Ok(vec![print_batch(operations, &hlc, &FeatureId::from_bits(bits()), layer, me)])
    }

    /// Operations that travelled through a room, from an instant on.
    fn exchanged(&mut self, from_wall: Option<u64>) -> Result<Vec<Row>> {
        let from = i64::try_from(from_wall.unwrap_or(0)).unwrap_or(i64::MAX);
        self.rows("WHERE wall >= ?1 AND origin IN (0, 2) AND applied = 1 ORDER BY row", [from])
    }

    /// Whether no version of the server holds it, as far as we know.
    fn is_unsaved(&mut self, row: &Row) -> Result<bool> {
        match row.origin {
            Origin::Foreign => Ok(row.state == SaveState::Unsaved),
            Origin::Wire => {
                let locals = self.sent_as(row.row)?;
                Ok(locals.iter().any(|l| matches!(l.state, SaveState::Sent | SaveState::Echoed | SaveState::Saved)))
            }
            Origin::Local | Origin::Server => Ok(false),
        }
    }

    /// Whether any register still shows this row.
    fn wins(&mut self, row: &Row) -> Result<bool> {
        let state = self.state(&row.operation.object)?;
        Ok(state.registers().values().any(|register| register.row == row.row))
    }

    fn repair(&mut self, object: &Object, path: &Path, order: &Order, me: &PeerId) -> Result<Option<Operation>> {
        let state = self.state(object)?.clone();
        let Some(winner) = state.winner(path).filter(|winner| winner.order == *order && winner.row != 0).cloned()
        else {
            return Ok(None);
        };
        let Some(row) = self.row(winner.row)?.filter(|row| matches!(row.origin, Origin::Foreign | Origin::Wire)) else {
            return Ok(None);
        };
        let is_existence = *path == Path::existence();
        let is_dead = winner.value.as_ref() == Some(&dead());
        if is_existence && !is_dead && self.was_ever_deleted(object)? {
            // Browsers would give the feature another id (rule 42).
            return Ok(None);
        }
        if !is_existence && *object != Object::Map && !state.is_alive() {
            return Ok(None);
        }
        let (verb, path, value) = match (is_existence, is_dead) {
            (true, true) => (Verb::Delete, None, None),
            (true, false) => (Verb::Upsert, None, row.operation.value.clone()),
            (false, _) => (Verb::Update, Some(path.clone()), winner.value.clone()),
        };
        let Stamp::Valid(_) = &row.operation.stamp else { return Ok(None) };
        let index = Some(row.operation.index).filter(|index| *index > 0);
        let dirty = self.is_unsaved(&row)?;
        Ok(Some(Operation {
            stamp: row.operation.stamp.clone(),
            index: row.operation.index,
            verb,
            object: object.clone(),
            feature_type: feature_type(object, &state),
            path,
            value,
            sender: Some(me.clone()),
            dirty: Some(dirty),
            marks: Marks { origin: None, stamp: None, index },
            extra: None,
        }))
    }

    fn was_ever_deleted(&mut self, object: &Object) -> Result<bool> {
        Ok(self.rows_of(object)?.iter().any(|row| row.operation.verb == Verb::Delete))
    }
}
