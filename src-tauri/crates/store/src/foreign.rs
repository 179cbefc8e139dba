//! Operations of others: each one is judged, kept, and applied if it may be.
//!
//! Repetitions are told by identity and content (M0), history is only recorded (rule 16), what
//! speaks of unknown layers waits (rule 26), what touches strict layers becomes a proposal (33).

use std::collections::{BTreeMap, BTreeSet};

use bivouac_journal::clock::Order;
use bivouac_journal::ids::{LayerId, Object, PeerId};
use bivouac_journal::merge::{Applied, Outcome};
use bivouac_journal::operation::{Operation, OperationError, Verb, Write};
use bivouac_journal::path::Path;

use crate::error::Result;
use crate::hash::HashMap;
use crate::layer;
use crate::log::{NewRow, Row};
use crate::open::Store;
use crate::stage::{Origin, SaveState};
use crate::tx::Tx;

/// What is known about an operation beside its text (rule 16).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It came live: it applies, whatever its `dirty`.
    Live,
    /// From a peer's log, unsaved there: it applies.
    Unsaved,
    /// From a peer's log, saved or superseded there: recorded only.
    History,
}

/// An operation that came in.
#[derive(Clone, Debug, PartialEq)]
pub struct Incoming {
    /// The operation.
    pub operation: Operation,
    /// What is known about it.
    pub standing: Standing,
}

/// What became of the operations of one commit.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ForeignReport {
    /// Logged and put to the registers, won or lost.
    pub applied: u64,
    /// Known before, our own coming back included.
    pub repeated: u64,
    /// Recorded only.
    pub history: u64,
    /// Waiting for their layer's upsert.
    pub parked: u64,
    /// Parked before and applied now, because their layer appeared.
    pub replayed: u64,
    /// Kept as proposals.
    pub proposed: u64,
    /// Unsound, each with its reason and sender; not logged.
    pub refused: Vec<(Option<PeerId>, OperationError)>,
    /// How far the furthest clock is ahead, in milliseconds, if beyond the limit (rule 3).
    pub skewed: Option<u64>,
    /// Registers for which writers contend live (rule 1).
    pub contended: BTreeSet<(Object, Path)>,
    /// Conflicts that were opened.
    pub conflicts: Vec<i64>,
    /// Objects of which history was recorded.
    recorded: BTreeSet<Object>,
}

/// What a transaction remembers about a layer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Standings {
    known: bool,
    strict: bool,
    /// Whether a document of it was read from the server.
    pub(crate) was_read: bool,
}

pub(crate) type LayerStandings = HashMap<LayerId, Standings>;

impl Store {
    /// Commits what others wrote.
    ///
    /// # Errors
    /// When the database fails; unsound operations are counted in the report instead.
    pub fn commit_foreign(&mut self, operations: Vec<Incoming>, now_ms: u64) -> Result<ForeignReport> {
        let mut tx = self.begin()?;
        let report = tx.receive(operations, now_ms)?;
        tx.commit()?;
        Ok(report)
    }
}

impl Tx<'_> {
    /// As [`Store::commit_foreign`], inside a transaction.
    ///
    /// # Errors
    /// When the database fails.
    pub fn receive(&mut self, operations: Vec<Incoming>, now_ms: u64) -> Result<ForeignReport> {
        self.receive_with_writes(operations.into_iter().map(|incoming| (incoming, None)), now_ms)
    }

    /// As [`Tx::receive`], where the writes of an operation may be known already.
    pub(crate) fn receive_with_writes(
        &mut self,
        operations: impl Iterator<Item = (Incoming, Option<Vec<Write>>)>,
        now_ms: u64,
    ) -> Result<ForeignReport> {
        let mut report = ForeignReport::default();
        self.appended.together(true);
        for (incoming, writes) in operations {
            self.receive_one(incoming, writes, now_ms, &mut report)?;
        }
        self.appended.together(false);
        self.write_appended()?;
        for object in std::mem::take(&mut report.recorded) {
            self.count_held_by_base(&object, now_ms)?;
        }
        let mut refused: BTreeMap<&PeerId, u64> = BTreeMap::new();
        for sender in report.refused.iter().filter_map(|(sender, _)| sender.as_ref()) {
            *refused.entry(sender).or_default() += 1;
        }
        for (peer, count) in refused {
            self.count_refused(peer, count, now_ms)?;
        }
        Ok(report)
    }

    pub(crate) fn receive_one(
        &mut self,
        incoming: Incoming,
        writes: Option<Vec<Write>>,
        now_ms: u64,
        report: &mut ForeignReport,
    ) -> Result<()> {
        let Incoming { operation, standing } = incoming;
        if let Some((row, applied)) = self.repetition(&operation)? {
            report.repeated += 1;
            if !applied
                && standing != Standing::History
                && let Some(known) = self.row(row)?
            {
                self.promote(&known, standing, now_ms, report)?;
            }
            return Ok(());
        }
        let writes = match writes.map_or_else(|| operation.writes(), Ok) {
            Ok(writes) => writes,
            Err(error) => {
                report.refused.push((operation.sender, error));
                return Ok(());
            }
        };
        if let Some(hlc) = operation.stamp.hlc()
            && let Err(ahead) = self.clock()?.receive(hlc, now_ms)
        {
            report.skewed = report.skewed.max(Some(ahead.by_ms));
        }
        let mut new = NewRow { applied: false, ..NewRow::of(&operation, Origin::Foreign, now_ms) };
        if operation.verb == Verb::Update
            && let Some(other) = self.same_as(&operation.object)?
        {
            // Rule 24: kept as it came, counted where the feature is.
            self.append(&new)?;
            let operation = Operation { object: other, ..operation };
            return self.receive_one(Incoming { operation, standing }, Some(writes), now_ms, report);
        }
        if standing == Standing::History {
            self.append(&new)?;
            report.history += 1;
            report.recorded.insert(operation.object);
            return Ok(());
        }
        if let Some(layer) = operation.object.layer().cloned() {
            let standings = self.layer_standings(&layer)?;
            let names_it = operation.verb != Verb::Update && matches!(operation.object, Object::Layer(_));
            if !standings.known && !names_it {
                let row = self.append(&new)?;
                self.park(row, &layer, now_ms)?;
                report.parked += 1;
                return Ok(());
            }
            if standings.strict {
                let row = self.append(&new)?;
                self.propose(row, &layer, now_ms)?;
                report.proposed += 1;
                return Ok(());
            }
        }
        new.applied = true;
        if operation.dirty != Some(false) && !writes.is_empty() {
            new.state = SaveState::Unsaved;
        }
        let row = self.append(&new)?;
        self.take_in(&operation, writes, row, standing, now_ms, report)
    }

    /// Puts a logged operation to the registers and sees to what follows from it.
    fn take_in(
        &mut self,
        operation: &Operation,
        writes: Vec<Write>,
        row: i64,
        standing: Standing,
        now_ms: u64,
        report: &mut ForeignReport,
    ) -> Result<()> {
        let order = operation.order();
        let below = self.below(&operation.object, &writes)?;
        let applied = self.apply_writes(&operation.object, writes, &order, row)?;
        self.settle_covered(operation, below, Some(row), now_ms, &mut report.conflicts)?;
        if operation.dirty == Some(false) && standing == Standing::Live {
            // Told again from a document: what the document said is as new as this now.
            self.reflect(&operation.object, &order)?;
        }
        report.applied += 1;
        if standing == Standing::Live {
            contend(operation, &order, &applied, report);
        }
        self.find_conflicts(operation, &applied, row, now_ms, &mut report.conflicts)?;
        if let (Object::Layer(layer), true) = (&operation.object, operation.verb != Verb::Update) {
            let layer = layer.clone();
            self.layer_is_known(&layer);
            let replayed = self.replay_parked_into(&layer, now_ms, report)?;
            report.replayed += replayed;
        }
        Ok(())
    }

    /// A row that was only recorded turns out to count now.
    fn promote(&mut self, known: &Row, standing: Standing, now_ms: u64, report: &mut ForeignReport) -> Result<()> {
        if known.origin != Origin::Foreign || self.waits(known.row)? {
            return Ok(());
        }
        if let Some(layer) = known.operation.object.layer().cloned() {
            let standings = self.layer_standings(&layer)?;
            if !standings.known {
                return self.park(known.row, &layer, now_ms);
            }
            if standings.strict {
                return self.propose(known.row, &layer, now_ms);
            }
        }
        self.set_applied(known.row)?;
        self.set_state(&[known.row], SaveState::Unsaved)?;
        self.take_in(&known.operation, known.writes()?, known.row, standing, now_ms, report)
    }

    /// Whether a row waits for its layer, or for approval.
    pub(crate) fn waits(&mut self, row: i64) -> Result<bool> {
        let waits =
            "SELECT (SELECT count(*) FROM parked WHERE row = ?1) + (SELECT count(*) FROM proposals WHERE row = ?1)";
        let waiting: i64 = self.connection.prepare_cached(waits)?.query_row([row], |row| row.get(0))?;
        Ok(waiting > 0)
    }

    /// A row that was only recorded counts, for the server holds what it says.
    pub(crate) fn count(&mut self, known: Row, now_ms: u64) -> Result<()> {
        let mut unseen = ForeignReport::default();
        self.set_applied(known.row)?;
        let writes = known.writes()?;
        self.take_in(&known.operation, writes, known.row, Standing::History, now_ms, &mut unseen)
    }

    /// Applies what waited for a layer; for our own edits, which want no report.
    pub(crate) fn replay_parked(&mut self, layer: &LayerId, now_ms: u64) -> Result<()> {
        let mut unseen = ForeignReport::default();
        self.replay_parked_into(layer, now_ms, &mut unseen)?;
        Ok(())
    }

    fn replay_parked_into(&mut self, layer: &LayerId, now_ms: u64, report: &mut ForeignReport) -> Result<u64> {
        let mut replayed = 0;
        for row in self.unpark(layer)? {
            if self.layer_standings(layer)?.strict {
                self.propose(row.row, layer, now_ms)?;
                continue;
            }
            self.set_applied(row.row)?;
            self.set_state(&[row.row], SaveState::Unsaved)?;
            self.take_in(&row.operation, row.writes()?, row.row, Standing::Unsaved, now_ms, report)?;
            replayed += 1;
        }
        Ok(replayed)
    }

    pub(crate) fn layer_standings(&mut self, layer: &LayerId) -> Result<Standings> {
        if let Some(standings) = self.standings.get(layer) {
            return Ok(*standings);
        }
        let held = self.hold(&Object::Layer(layer.clone()))?;
        let known = held.state.registers().contains_key(&Path::existence());
        let id = held.id;
        let facts = layer::facts(self.connection, id)?.unwrap_or_default();
        let standings = Standings { known, strict: facts.is_strict(), was_read: facts.reference.is_some() };
        self.standings.insert(layer.clone(), standings);
        Ok(standings)
    }

    /// Looks at a layer's standing again after something about it changed.
    pub(crate) fn layer_is_known(&mut self, layer: &LayerId) {
        self.standings.remove(layer);
    }
}

/// Rule 1: a write arrived whose writer is not the register's previous one, or which lost.
fn contend(operation: &Operation, order: &Order, applied: &Applied, report: &mut ForeignReport) {
    for (write, outcome) in &applied.writes {
        let contended = match outcome {
            Outcome::Won(Some(before)) => before.order.id != order.id && !before.order.id.is_empty(),
            Outcome::Lost(_) => true,
            Outcome::Won(None) | Outcome::Repeated => false,
        };
        if contended {
            report.contended.insert((operation.object.clone(), write.path.clone()));
        }
    }
}
