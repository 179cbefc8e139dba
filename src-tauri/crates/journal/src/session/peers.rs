//! Who is in the room, and whom to ask for what we missed (rules 8, 10, 11, 15, 48).

use std::collections::BTreeMap;

use crate::ids::PeerId;

/// When a peer that did not answer is asked again, in ms after joining (rule 10).
const ASK_AGAIN_MS: [u64; 2] = [5_000, 30_000];
/// How far back each question reaches, in ms; `None` is everything (rule 48).
pub(super) const REACH_MS: [Option<u64>; 4] = [Some(3_600_000), Some(21_600_000), Some(86_400_000), None];
/// An answer of this size is the last that we ask for (rule 48).
pub(super) const LARGE_ANSWER_BYTES: usize = 4 * 1024 * 1024;

/// Silence after which a peer is asked for a sign of life, in ms: leaving is often not announced (rule 15).
const QUIET_MS: u64 = 20_000;
/// The same for each peer in the room, where that is longer: a large room is not filled with questions.
const QUIET_EACH_MS: u64 = 2_000;
/// How long the sign may take, in ms.
const SIGN_MS: u64 = 15_000;

/// So many questions of one peer are answered in so many ms (rule 40).
const MOST_ANSWERS: usize = 10;
const ANSWERS_IN_MS: u64 = 30_000;

/// A peer, as far as we know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peer {
    /// The name it gave; a label (rule 36).
    pub name: String,
    /// Whether it introduced itself as a Bivouac.
    pub bivouac: bool,
    /// Whether the server lists it; some are only known by what they send (rule 11).
    pub listed: bool,
    /// How many questions were answered to the end: an index into [`REACH_MS`].
    pub(super) reach: usize,
    /// Whether its last answer was the last that we need.
    pub(super) answered: bool,
    pub(super) asked: bool,
    pub(super) greeted: bool,
    pub(super) bytes: usize,
    ask_at: Vec<u64>,
    heard_at: u64,
    sign_until: Option<u64>,
    /// It gave no sign of life; the server may go on listing it.
    absent: bool,
    /// When it asked us, lately.
    answered_at: Vec<u64>,
}

/// When a peer that was met now is asked for what it has.
fn questions(now: u64) -> Vec<u64> {
    std::iter::once(now).chain(ASK_AGAIN_MS.map(|after| now + after)).collect()
}

impl Peer {
    /// When it is asked for a sign of life; not while the questions of joining are still open.
    fn sign_due(&self, quiet_ms: u64) -> Option<u64> {
        (self.answered || self.ask_at.is_empty()).then_some(self.heard_at + quiet_ms)
    }

    /// Whether a question of this peer is answered: a few in a while are, a storm of them is not
    /// (rule 40). Four reaches and as many repetitions are all that anybody needs.
    pub(super) fn may_ask(&mut self, now: u64) -> bool {
        self.answered_at.retain(|at| now < *at + ANSWERS_IN_MS);
        let may = self.answered_at.len() < MOST_ANSWERS;
        if may {
            self.answered_at.push(now);
        }
        may
    }
}

/// Everybody in the room but us.
#[derive(Debug, Default)]
pub(super) struct Peers {
    by_id: BTreeMap<PeerId, Peer>,
    list_came: bool,
}

impl Peers {
    pub(super) fn iter(&self) -> impl Iterator<Item = (&PeerId, &Peer)> {
        self.by_id.iter().filter(|(_, peer)| !peer.absent)
    }

    pub(super) fn get_mut(&mut self, id: &PeerId) -> Option<&mut Peer> {
        self.by_id.get_mut(id)
    }

    /// Whether a list of peers came with ourselves in it.
    pub(super) fn is_listed(&self) -> bool {
        self.list_came
    }

    pub(super) fn list_came(&mut self) {
        self.list_came = true;
    }

    /// Forgets everybody; who was there.
    pub(super) fn clear(&mut self) -> Vec<PeerId> {
        self.list_came = false;
        let there = std::mem::take(&mut self.by_id).into_iter().filter(|(_, peer)| !peer.absent);
        there.map(|(id, _)| id).collect()
    }

    /// Takes note of a peer; `true` when it is new.
    pub(super) fn meet(&mut self, id: &PeerId, name: Option<&str>, now: u64) -> bool {
        let is_new = !self.by_id.contains_key(id);
        let peer = self.by_id.entry(id.clone()).or_insert_with(|| Peer {
            ask_at: questions(now),
            heard_at: now,
            ..Peer::default()
        });
        if let Some(name) = name {
            name.clone_into(&mut peer.name);
            peer.listed = true;
        }
        is_new
    }

    /// A peer gave a sign of life; its name when it had been taken for gone, for it is new again.
    pub(super) fn hear(&mut self, id: &PeerId, now: u64) -> Option<String> {
        let peer = self.by_id.get_mut(id)?;
        peer.heard_at = now;
        peer.sign_until = None;
        if !std::mem::take(&mut peer.absent) {
            return None;
        }
        // What it did meanwhile, nobody told us.
        (peer.ask_at, peer.answered, peer.reach) = (questions(now), false, 0);
        Some(peer.name.clone())
    }

    /// The peers to be asked for a sign of life now, and those that gave none (rule 15).
    pub(super) fn quiet(&mut self, now: u64) -> (Vec<PeerId>, Vec<PeerId>) {
        let quiet_ms = self.quiet_ms();
        let (mut ask, mut gone) = (Vec::new(), Vec::new());
        for (id, peer) in self.by_id.iter_mut().filter(|(_, peer)| !peer.absent) {
            match peer.sign_until {
                Some(until) if now >= until => {
                    (peer.sign_until, peer.absent) = (None, true);
                    gone.push(id.clone());
                }
                None if peer.sign_due(quiet_ms).is_some_and(|due| now >= due) => {
                    peer.sign_until = Some(now + SIGN_MS);
                    ask.push(id.clone());
                }
                Some(_) | None => {}
            }
        }
        (ask, gone)
    }

    pub(super) fn next_quiet(&self) -> Option<u64> {
        let quiet_ms = self.quiet_ms();
        let there = self.by_id.values().filter(|peer| !peer.absent);
        there.filter_map(|peer| peer.sign_until.or_else(|| peer.sign_due(quiet_ms))).min()
    }

    fn quiet_ms(&self) -> u64 {
        let each = u64::try_from(self.by_id.len()).unwrap_or(u64::MAX);
        each.saturating_mul(QUIET_EACH_MS).max(QUIET_MS)
    }

    /// Drops the listed peers that are not on this list; who they were.
    pub(super) fn keep_listed(&mut self, list: &BTreeMap<PeerId, String>) -> Vec<PeerId> {
        let dropped = self.by_id.extract_if(.., |id, peer| peer.listed && !list.contains_key(id));
        // Who was taken for gone is not told again.
        dropped.filter(|(_, peer)| !peer.absent).map(|(id, _)| id).collect()
    }

    /// Whether every listed peer answered to the end.
    pub(super) fn all_answered(&self) -> bool {
        self.by_id.values().all(|peer| peer.answered || peer.absent || !peer.listed)
    }

    /// The peers to be asked now.
    pub(super) fn due(&mut self, now: u64) -> Vec<PeerId> {
        let mut due = Vec::new();
        for (id, peer) in self.by_id.iter_mut().filter(|(_, peer)| !peer.absent) {
            let before = peer.ask_at.len();
            peer.ask_at.retain(|at| *at > now);
            if before > peer.ask_at.len() && !peer.answered {
                due.push(id.clone());
            }
        }
        due
    }

    pub(super) fn next_due(&self) -> Option<u64> {
        self.by_id.values().filter(|p| !p.answered && !p.absent).flat_map(|p| p.ask_at.iter().copied()).min()
    }

    /// How many Bivouacs come before us when it is settled who repairs first (rule 1).
    pub(super) fn bivouacs_before(&self, me: &PeerId) -> usize {
        self.iter().filter(|(id, peer)| peer.bivouac && *id < me).count()
    }
}
