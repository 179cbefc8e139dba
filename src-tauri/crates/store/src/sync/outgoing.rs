//! Our own operations on their way out (M8): each frame is committed with its wire clocks and
//! its exact text before anybody hears of it.

use std::collections::{BTreeMap, BTreeSet};

use bivouac_journal::clock::{Hlc, MAX_AHEAD_MS, Order, Stamp};
use bivouac_journal::ids::{FeatureId, Object, PeerId};
use bivouac_journal::merge::Register;
use bivouac_journal::operation::{Marks, Operation};
use bivouac_journal::outgoing::{Group, Outgoing, OwnWrite, Pending, Plan, Unsent, group, plan};
use bivouac_journal::path::Path;
use bivouac_journal::session::OutFrame;
use bivouac_journal::winners::Winners;
use bivouac_journal::wire::{MAX_SENT_BYTES, Peek, print_batch, print_loose};

use crate::conflict::{ConflictKind, NewConflict};
use crate::error::Result;
use crate::log::{NewRow, Origin, Row, SaveState};
use crate::open::Store;
use crate::tx::Tx;

/// Room for an envelope around its operations, in bytes.
const ENVELOPE_BYTES: usize = 4096;

impl Store {
    /// Everything of ours that the room has not echoed: frames sent before, byte for byte, then
    /// new ones. `bits` draws ids for batches.
    ///
    /// # Errors
    /// When the database fails; nothing is sent then.
    pub fn prepare_frames(&mut self, me: &PeerId, now_ms: u64, bits: &mut dyn FnMut() -> u64) -> Result<Vec<OutFrame>> {
        let mut tx = self.begin()?;
        let mut frames: Vec<OutFrame> = tx.unechoed()?.into_iter().filter_map(|f| out_frame(f.id, f.text)).collect();
        frames.extend(tx.frame_unsent(me, now_ms, bits)?);
        tx.commit()?;
        Ok(frames)
    }

    /// A frame of ours came back from the room. If the disk forgets it, the frame is sent once
    /// more, byte for byte.
    ///
    /// # Errors
    /// When the database fails.
    pub fn echoed(&mut self, frame: i64, now_ms: u64) -> Result<()> {
        let mut tx = self.begin_ahead()?;
        tx.mark_echoed(frame, now_ms)?;
        tx.commit()
    }
}

fn out_frame(id: i64, text: String) -> Option<OutFrame> {
    let hlc = Peek::of(&text)?.hlc;
    Some(OutFrame { id, text, hlc })
}

impl Tx<'_> {
    /// Frames for what was never sent.
    pub(crate) fn frame_unsent(
        &mut self,
        me: &PeerId,
        now_ms: u64,
        bits: &mut dyn FnMut() -> u64,
    ) -> Result<Vec<OutFrame>> {
        let mut send = Vec::new();
        let derived = self.has_derived()?;
        for pending in self.unsent()? {
            if derived && self.is_derived(&pending.object)? {
                // Nobody knows this id before the layer was saved with it (rule 24).
                continue;
            }
            if self.lies_in_a_dead_layer(&pending.object)? {
                self.keep_from_a_dead_layer(&pending, now_ms)?;
                continue;
            }
            let object = pending.object.clone();
            let before = pending.state.registers().clone();
            let Plan { send: wanted, unsent } = plan(pending);
            let sent: BTreeSet<i64> = wanted.iter().flat_map(|o| o.rows.iter().copied()).collect();
            self.leave_behind(&object, &before, unsent, &sent, now_ms)?;
            send.extend(wanted);
        }
        let mut frames = Vec::new();
        for group in group(send, MAX_SENT_BYTES - ENVELOPE_BYTES, now_ms.saturating_add(MAX_AHEAD_MS)) {
            frames.extend(self.frame(group, me, now_ms, bits)?);
        }
        Ok(frames)
    }

    /// The objects with edits that were never sent, with what they compete against.
    fn unsent(&mut self) -> Result<Vec<Pending>> {
        let mut by_object: BTreeMap<Object, Vec<Row>> = BTreeMap::new();
        // Out of the index, where nothing else lies: this is asked at each edit, and the log is long.
        let unsent = "INDEXED BY operations_pending WHERE state BETWEEN 1 AND 4 AND state = 1 ORDER BY row";
        for row in self.own_rows(unsent, [])? {
            by_object.entry(row.operation.object.clone()).or_default().push(row);
        }
        let mut all = Vec::new();
        for (object, rows) in by_object {
            let mut own: BTreeMap<Path, OwnWrite> = BTreeMap::new();
            for row in rows {
                let made = row.operation.order();
                for write in row.writes()? {
                    let newer = own.get(&write.path).is_none_or(|known| known.made < made);
                    if newer {
                        let write = OwnWrite { row: row.row, made: made.clone(), path: write.path, value: write.value };
                        own.insert(write.path.clone(), write);
                    }
                }
            }
            let state = self.state(&object)?.clone();
            let mut winners_made = BTreeMap::new();
            for path in own.keys() {
                if let Some(winner) = state.winner(path) {
                    winners_made.insert(path.clone(), self.made(winner)?);
                }
            }
            all.push(Pending { object, state, own: own.into_values().collect(), winners_made });
        }
        Ok(all)
    }

    fn lies_in_a_dead_layer(&mut self, object: &Object) -> Result<bool> {
        let Object::Feature(layer, _) = object else { return Ok(false) };
        Ok(!self.state(&Object::Layer(layer.clone()))?.is_alive())
    }

    /// What we did in a layer that is gone is sent to nobody, for browsers stumble over it
    /// (rule 26). It stays here (M4), and the conflict offers to move it (one for the layer).
    fn keep_from_a_dead_layer(&mut self, pending: &Pending, now_ms: u64) -> Result<()> {
        let Object::Feature(layer, _) = &pending.object else { return Ok(()) };
        let object = Object::Layer(layer.clone());
        let rows: Vec<i64> = pending.own.iter().map(|write| write.row).collect();
        let death = self.state(&object)?.winner(&Path::existence()).cloned();
        let by_ourselves = match &death {
            Some(death) => *death.order.id == *self.clock()?.id(),
            None => false,
        };
        let gone = pending.state.winner(&Path::existence()).filter(|_| !pending.state.is_alive());
        let gone_by_us = match gone {
            Some(gone) => *gone.order.id == *self.clock()?.id(),
            None => false,
        };
        if by_ourselves || gone_by_us {
            return self.set_state(&rows, SaveState::Superseded);
        }
        if let (Some(death), Some(mine)) = (death, rows.last()) {
            let sender = self.row(death.row)?.and_then(|row| row.operation.sender);
            let new = NewConflict {
                object: &object,
                path: &Path::existence(),
                kind: ConflictKind::LayerDeleted,
                mine: None,
                mine_row: *mine,
                theirs: death.value.clone(),
                theirs_row: death.row,
                theirs_order: death.order,
                theirs_sender: sender,
            };
            self.open_conflict(&new, now_ms)?;
        }
        self.set_state(&rows, SaveState::Lost)
    }

    /// When a register's winner was made: `x.o`, else its clock.
    fn made(&mut self, winner: &Register) -> Result<Order> {
        let row = if winner.row == 0 { None } else { self.row(winner.row)? };
        let made = row.and_then(|row| row.operation.marks.origin);
        Ok(made.map_or_else(|| winner.order.clone(), |hlc| Order::new(&Stamp::Valid(hlc), 0)))
    }

    /// Ends the life of edits that are not sent; those that lost to another value are shown.
    fn leave_behind(
        &mut self,
        object: &Object,
        registers: &Winners,
        unsent: Vec<Unsent>,
        sent: &BTreeSet<i64>,
        now_ms: u64,
    ) -> Result<()> {
        for Unsent { write, mut conflict } in unsent {
            if conflict {
                let deleted = registers.get(&Path::existence());
                let is_dead = *object != Object::Map && !self.state(object)?.is_alive();
                let (kind, path, winner) = match deleted {
                    Some(death) if is_dead => (ConflictKind::DeletedWhileEdited, Path::existence(), death.clone()),
                    Some(_) | None => match self.state(object)?.winner(&write.path) {
                        Some(winner) => (ConflictKind::Value, write.path.clone(), winner.clone()),
                        None => continue,
                    },
                };
                // What we wrote or deleted ourselves later replaces it: nobody is to decide (M8).
                conflict = *winner.order.id != *self.clock()?.id();
                if conflict {
                    let sender = self.row(winner.row)?.and_then(|row| row.operation.sender);
                    let new = NewConflict {
                        object,
                        path: &path,
                        kind,
                        mine: write.value.clone(),
                        mine_row: write.row,
                        theirs: winner.value.clone(),
                        theirs_row: winner.row,
                        theirs_order: winner.order.clone(),
                        theirs_sender: sender,
                    };
                    self.open_conflict(&new, now_ms)?;
                }
            }
            if !sent.contains(&write.row) {
                let state = if conflict { SaveState::Lost } else { SaveState::Superseded };
                self.set_state(&[write.row], state)?;
            }
        }
        Ok(())
    }

    /// Gives a group its clock, its rows and its text.
    fn frame(
        &mut self,
        group: Group,
        me: &PeerId,
        now_ms: u64,
        bits: &mut dyn FnMut() -> u64,
    ) -> Result<Option<OutFrame>> {
        // What a document of the server made unsound meanwhile stays behind until it is sound.
        let mut group = group;
        let probe = Hlc { wall: 0, counter: 0, id: "".into() };
        group.operations.retain(|outgoing| on_the_wire(outgoing, &probe, 0, me).writes().is_ok());
        let above = group.operations.iter().filter_map(|o| o.above.clone()).max();
        let hlc = self.clock()?.tick_after(above.as_ref(), now_ms);
        let operations: Vec<Operation> =
            group.operations.iter().zip(0_u32..).map(|(o, index)| on_the_wire(o, &hlc, index, me)).collect();
        let text = match (operations.as_slice(), &group.layer) {
            ([], _) => return Ok(None),
            ([one], _) => print_loose(one, me),
            (several, Some(layer)) => print_batch(several, &hlc, &FeatureId::from_bits(bits()), layer, me),
            (several, None) => {
                // Writes to the map alone are sent loose (rule 17); groups see to that.
                debug_assert!(several.len() < 2, "a batch without a layer");
                return Ok(None);
            }
        };
        let frame = self.insert_frame(&text, now_ms)?;
        for (operation, outgoing) in operations.iter().zip(&group.operations) {
            let new = NewRow { frame: Some(frame), ..NewRow::of(operation, Origin::Wire, now_ms) };
            let row = self.append(&new)?;
            self.apply_writes(&operation.object, operation.writes()?, &operation.order(), row)?;
            self.set_sent_as(&outgoing.rows, row)?;
            self.set_state(&outgoing.rows, SaveState::Sent)?;
        }
        Ok(Some(OutFrame { id: frame, text, hlc: hlc.to_string() }))
    }
}

fn on_the_wire(outgoing: &Outgoing, hlc: &Hlc, index: u32, me: &PeerId) -> Operation {
    let made = &outgoing.made;
    let origin = Hlc { wall: made.wall, counter: made.counter, id: made.id.clone() };
    Operation {
        stamp: Stamp::Valid(hlc.clone()),
        index,
        verb: outgoing.verb,
        object: outgoing.object.clone(),
        feature_type: outgoing.feature_type,
        path: outgoing.path.clone(),
        value: outgoing.value.clone(),
        sender: Some(me.clone()),
        dirty: Some(true),
        marks: Marks { origin: Some(origin), stamp: None, index: None },
        extra: None,
    }
}
