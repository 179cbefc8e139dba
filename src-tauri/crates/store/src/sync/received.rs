//! What a peer sent, committed, with what the session wants to know of it.

use bivouac_journal::catchup::{Incoming, Log, Standing as Sorted};
use bivouac_journal::clock::Order;
use bivouac_journal::ids::{Object, PeerId};
use bivouac_journal::path::Path;

use crate::error::Result;
use crate::foreign::{self, Standing};
use crate::open::Store;
use crate::tx::Tx;

/// What became of a peer's message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Received {
    /// Operations put to the registers.
    pub applied: usize,
    /// Operations known before.
    pub repeated: usize,
    /// Operations that may not be applied.
    pub refused: usize,
    /// Conflicts that were opened.
    pub conflicts: usize,
    /// How far the furthest clock is ahead, in ms, when beyond the limit (rule 3).
    pub clock_ahead_ms: Option<u64>,
    /// Registers to repair, with their winner (rule 1).
    pub contended: Vec<(Object, Path, Order)>,
    /// Registers whose winner was sent once more by somebody.
    pub settled: Vec<(Object, Path, Order)>,
}

impl Store {
    /// Commits what a peer sent.
    ///
    /// # Errors
    /// When the database fails; nothing is kept then.
    pub fn commit_received(&mut self, from: Option<&PeerId>, log: Log, now_ms: u64) -> Result<Received> {
        self.commit_all_received(vec![(from.cloned(), log)], now_ms)
    }

    /// Commits what several messages brought, in their order, in one transaction: waiting for
    /// the disk once keeps up with a room that sends hundreds a second.
    ///
    /// # Errors
    /// When the database fails; nothing is kept then.
    pub fn commit_all_received(&mut self, messages: Vec<(Option<PeerId>, Log)>, now_ms: u64) -> Result<Received> {
        self.receive_all(messages, false, now_ms)
    }

    /// As [`Store::commit_all_received`], ahead of the disk: for what is told live.
    ///
    /// # Errors
    /// When the database fails; nothing is kept then.
    pub fn commit_heard(&mut self, messages: Vec<(Option<PeerId>, Log)>, now_ms: u64) -> Result<Received> {
        self.receive_all(messages, true, now_ms)
    }

    fn receive_all(&mut self, messages: Vec<(Option<PeerId>, Log)>, ahead: bool, now_ms: u64) -> Result<Received> {
        let mut tx = if ahead { self.begin_ahead()? } else { self.begin()? };
        let mut seen: Vec<(Object, Path, Order)> = Vec::new();
        let (mut incoming, mut announced) = (Vec::new(), Vec::new());
        for (from, log) in messages {
            let refused: usize = log.refused.values().sum();
            if let Some(peer) = &from {
                tx.see_peer(peer, false, None, now_ms)?;
                if refused > 0 {
                    tx.count_refused(peer, u64::try_from(refused).unwrap_or(u64::MAX), now_ms)?;
                }
            }
            announced.extend(log.announced);
            for Incoming { operation, writes, .. } in log.operations.iter().filter(|one| one.standing == Sorted::Live) {
                let paths = writes.iter().map(|write| write.path.clone());
                seen.extend(paths.map(|path| (operation.object.clone(), path, operation.order())));
            }
            if incoming.is_empty() {
                // A long list comes alone, and is not copied.
                incoming = log.operations;
            } else {
                incoming.extend(log.operations);
            }
        }
        tx.expect(incoming.len())?;
        let incoming = incoming.into_iter().map(|sorted| {
            let incoming = foreign::Incoming { standing: standing(sorted.standing), operation: sorted.operation };
            // Without any it may be unsound, which is found again where it is counted.
            (incoming, Some(sorted.writes).filter(|writes| !writes.is_empty()))
        });
        let mut report = tx.receive_with_writes(incoming, now_ms)?;
        for (layer, stamp) in announced {
            tx.recognise(&layer, &stamp, now_ms, &mut report)?;
        }
        let mut received = Received {
            applied: usize::try_from(report.applied).unwrap_or(usize::MAX),
            repeated: usize::try_from(report.repeated).unwrap_or(usize::MAX),
            refused: report.refused.len(),
            conflicts: report.conflicts.len(),
            clock_ahead_ms: report.skewed,
            ..Received::default()
        };
        for (object, path) in report.contended {
            if let Some(winner) = tx.winning_order(&object, &path)? {
                received.contended.push((object, path, winner));
            }
        }
        for (object, path, order) in seen {
            if tx.winning_order(&object, &path)?.as_ref() == Some(&order) {
                received.settled.push((object, path, order));
            }
        }
        tx.commit()?;
        Ok(received)
    }

    /// How many operations of a peer no version of the server holds, as far as we know (rule 27).
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn unsaved_of(&self, peer: &PeerId) -> Result<usize> {
        let count: i64 = self.connection.query_row(
            "SELECT count(*) FROM operations WHERE state = 8 AND sender = (SELECT id FROM names WHERE text = ?1)",
            [peer.as_str()],
            |row| row.get(0),
        )?;
        Ok(usize::try_from(count).unwrap_or(0))
    }
}

fn standing(sorted: Sorted) -> Standing {
    match sorted {
        Sorted::Live => Standing::Live,
        Sorted::Unsaved => Standing::Unsaved,
        Sorted::History => Standing::History,
    }
}

impl Tx<'_> {
    fn winning_order(&mut self, object: &Object, path: &Path) -> Result<Option<Order>> {
        Ok(self.state(object)?.winner(path).map(|register| register.order.clone()))
    }
}
