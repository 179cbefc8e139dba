//! Sending a contended register's winner again, so that browsers agree too (rule 1).
//!
//! Two browsers that write at once end with each other's value. One Bivouac waits until the
//! register is quiet and sends the winner once more; among several the one with the lowest peer
//! id goes first and the others hear it and keep still.

use std::collections::BTreeMap;

use super::Session;
use super::types::Output;
use crate::clock::Order;
use crate::ids::Object;
use crate::path::Path;

/// How long a register has to be quiet, in ms.
const QUIET_MS: u64 = 1_500;
/// The jitter between several Bivouacs, in ms.
const JITTER_MS: u64 = 500;
/// A register's winner is repaired at most once in this time, in ms (rule 40).
const ONCE_PER_MS: u64 = 30_000;

type Register = (Object, Path);

#[derive(Debug, Default)]
pub(super) struct Repairs {
    due: BTreeMap<Register, (Order, u64)>,
    done: BTreeMap<Register, (Order, u64)>,
}

impl Repairs {
    pub(super) fn clear(&mut self) {
        self.due.clear();
    }

    pub(super) fn next_due(&self) -> Option<u64> {
        self.due.values().map(|(_, at)| *at).min()
    }
}

impl Session {
    /// Schedules contended registers and drops those that somebody else repaired.
    pub(super) fn committed(&mut self, contended: Vec<(Object, Path, Order)>, settled: &[(Object, Path, Order)]) {
        let now = self.now.mono_ms;
        self.repairs.done.retain(|_, (_, at)| now < *at + ONCE_PER_MS);
        for (object, path, winner) in settled {
            let register = (object.clone(), path.clone());
            match self.repairs.due.get_mut(&register) {
                Some((order, _)) if order == winner => {
                    self.repairs.due.remove(&register);
                    self.repairs.done.insert(register, (winner.clone(), now));
                }
                // The same writer wrote once more: still contended, with another winner.
                Some((order, at)) => {
                    *order = winner.clone();
                    *at = (*at).max(now + QUIET_MS);
                }
                None => {}
            }
        }
        let turn = u64::try_from(self.peers.bivouacs_before(&self.me)).unwrap_or(0).min(4);
        for (object, path, winner) in contended {
            // Ranks alternate among browsers without end; they are left alone (rule 40).
            if path == Path::of(&["rank"]) {
                continue;
            }
            let register = (object, path);
            if self.repairs.done.get(&register).is_some_and(|(order, _)| *order == winner) {
                continue;
            }
            let at = now + QUIET_MS + turn * JITTER_MS + self.random.below(JITTER_MS);
            self.repairs.due.insert(register, (winner, at));
        }
    }

    pub(super) fn repair_due(&mut self) {
        let now = self.now.mono_ms;
        let ready: Vec<Register> =
            self.repairs.due.iter().filter(|(_, (_, at))| now >= *at).map(|(register, _)| register.clone()).collect();
        let mut registers = Vec::new();
        for register in ready {
            let Some((winner, _)) = self.repairs.due.remove(&register) else {
                continue;
            };
            self.repairs.done.insert(register.clone(), (winner.clone(), now));
            registers.push((register.0, register.1, winner));
        }
        if !registers.is_empty() {
            self.outputs.push_back(Output::Repair(registers));
        }
    }
}
