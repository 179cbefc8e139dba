//! What happens inside the room: joining, peers coming and going, operations, questions.

use std::collections::BTreeMap;

use super::peers::{LARGE_ANSWER_BYTES, REACH_MS};
use super::types::{Event, Output};
use super::{GREETING_RETRY_MS, GREETING_TRIES, Phase, Session};
use crate::catchup;
use crate::ids::PeerId;
use crate::wire::{Entry, Envelope, Frame, Hello, PeerBody, print_frame};

/// So far in the future is the clock of a question whose answer is to be empty, in ms.
const NOTHING_SINCE_MS: u64 = 86_400_000;

impl Session {
    pub(super) fn joined(&mut self, peers: &BTreeMap<PeerId, String>) {
        let now = self.now.mono_ms;
        self.liveness.restart(now);
        self.enter(Phase::Greeting { again_at: now + GREETING_RETRY_MS, tries: 1 });
        for (id, name) in peers {
            self.meet(id, Some(name));
        }
        // Our own list may have come before the subscription stood; the echoes tell.
        self.probe_both();
    }

    /// The subscription may have missed what we sent first (rule 13).
    pub(super) fn greet_again(&mut self, tries: u32) {
        if tries >= GREETING_TRIES {
            // A list that never came is made up for by the echoes: peers are known from joining.
            if self.liveness.both_heard() {
                self.peers.list_came();
            } else {
                self.hang_up("the server did not pass our first messages on");
            }
            return;
        }
        self.phase = Phase::Greeting { again_at: self.now.mono_ms + GREETING_RETRY_MS, tries: tries + 1 };
        self.probe_both();
    }

    pub(super) fn listed(&mut self, peers: &BTreeMap<PeerId, String>) {
        // An empty list, or one without us, is the server's race with its own subscription.
        if !peers.contains_key(&self.me) {
            return;
        }
        self.peers.list_came();
        for gone in self.peers.keep_listed(peers) {
            self.glances.forget(&gone);
            self.notify(Event::PeerLeft(gone));
        }
        for (id, name) in peers {
            self.meet(id, Some(name));
        }
        self.ask_due();
    }

    fn meet(&mut self, id: &PeerId, name: Option<&str>) {
        if *id == self.me || self.past_ids.contains(id) {
            return;
        }
        if self.peers.meet(id, name, self.now.mono_ms) {
            self.notify(Event::PeerJoined(id.clone(), name.unwrap_or_default().to_owned()));
        }
    }

    /// Asks the peers whose turn it is, and introduces us to them once.
    pub(super) fn ask_due(&mut self) {
        if matches!(self.phase, Phase::Greeting { .. }) {
            return;
        }
        for id in self.peers.due(self.now.mono_ms) {
            let silent = self.peers.get_mut(&id).is_some_and(|peer| peer.asked);
            if silent {
                self.notify(Event::PeerSilent(id.clone()));
            }
            self.greet(&id);
            self.ask(&id);
        }
    }

    /// Asks quiet peers for a sign of life and takes note of those that gave none: a server tells that
    /// somebody left only when the connection was closed properly, and not even then always (rule 15).
    pub(super) fn signs_due(&mut self) {
        if matches!(self.phase, Phase::Greeting { .. }) {
            return;
        }
        let (quiet, gone) = self.peers.quiet(self.now.mono_ms);
        for id in gone {
            self.glances.forget(&id);
            self.notify(Event::PeerLeft(id));
        }
        for id in quiet {
            // Whoever still owes an answer is asked the same again; an answer to the other question is empty.
            if self.peers.get_mut(&id).is_some_and(|peer| peer.answered) {
                let last_known = Some(format!("{}:0:0", self.now.wall_ms + NOTHING_SINCE_MS));
                self.send_to(id, PeerBody::ListOperationsRequest { last_known });
            } else {
                self.ask(&id);
            }
        }
    }

    /// A peer is there: it sent something.
    fn hear(&mut self, id: &PeerId) {
        if let Some(name) = self.peers.hear(id, self.now.mono_ms) {
            self.notify(Event::PeerJoined(id.clone(), name));
        }
    }

    fn greet(&mut self, id: &PeerId) {
        let Some(peer) = self.peers.get_mut(id) else {
            return;
        };
        if std::mem::replace(&mut peer.greeted, true) {
            return;
        }
        let hello = Hello { version: env!("CARGO_PKG_VERSION").to_owned() };
        self.send_to(id.clone(), PeerBody::Hello(hello));
    }

    fn ask(&mut self, id: &PeerId) {
        let wall = self.now.wall_ms;
        let Some(peer) = self.peers.get_mut(id) else {
            return;
        };
        peer.asked = true;
        peer.bytes = 0;
        let reach = REACH_MS.get(peer.reach).copied().flatten();
        let last_known = reach.map(|reach| format!("{}:0:0", wall.saturating_sub(reach)));
        self.send_to(id.clone(), PeerBody::ListOperationsRequest { last_known });
    }

    pub(super) fn operation(&mut self, envelope: Envelope) {
        self.liveness.hear_room(self.now.mono_ms);
        if let Some(hlc) = stamp(&envelope) {
            let is_echo = self.take_echo(&hlc);
            if is_echo {
                return;
            }
        }
        let sender = envelope.sender.clone();
        // What we sent without waiting for it (answers, repairs, announcements) comes back too.
        if sender.as_ref() == Some(&self.me) {
            return;
        }
        if let Some(sender) = &sender {
            self.meet(sender, None);
            self.hear(sender);
            self.ask_due();
        }
        if let Some((layer, version)) = envelope.reference_version() {
            let announced = Some((layer.clone(), version));
            self.outputs.push_back(Output::Commit { from: sender, log: catchup::live(envelope) });
            self.outputs.push_back(Output::ForeignSave { announced });
            return;
        }
        let log = catchup::live(envelope);
        self.outputs.push_back(Output::Commit { from: sender, log });
    }

    pub(super) fn saved(&mut self, sender: &PeerId, last_known: &str) {
        self.liveness.hear_room(self.now.mono_ms);
        if *sender == self.me {
            return;
        }
        self.meet(sender, None);
        self.hear(sender);
        self.ask_due();
        if last_known != "0:0:0" {
            self.outputs.push_back(Output::ForeignSave { announced: None });
        }
    }

    pub(super) fn peer_message(&mut self, sender: PeerId, recipient: &PeerId, body: PeerBody) {
        if *recipient != self.me {
            return;
        }
        self.liveness.hear_peer(self.now.mono_ms);
        if sender == self.me {
            return;
        }
        self.meet(&sender, None);
        self.hear(&sender);
        match body {
            PeerBody::Probe(_) | PeerBody::Unknown(_) => {}
            PeerBody::Hello(_) => {
                let known = self.peers.get_mut(&sender).is_none_or(|peer| std::mem::replace(&mut peer.bivouac, true));
                if !known {
                    self.notify(Event::PeerBivouac(sender.clone()));
                }
                self.greet(&sender);
                self.glance_due();
            }
            PeerBody::Here(here) => self.glanced(sender, here),
            PeerBody::ListOperationsRequest { last_known } => {
                let now = self.now.mono_ms;
                let Some(peer) = self.peers.get_mut(&sender) else { return };
                let bivouac = peer.bivouac;
                if !peer.may_ask(now) {
                    return;
                }
                self.outputs.push_back(Output::Answer { peer: sender, since: last_known, bivouac });
            }
            PeerBody::ListOperationsResponse { operations, part } => self.answer(sender, operations, part),
        }
    }

    /// Takes an answer, if we asked (rule 34), and asks further back as long as answers are
    /// small (rule 48).
    fn answer(&mut self, sender: PeerId, operations: Vec<Envelope>, part: Option<(u32, u32)>) {
        let Some(peer) = self.peers.get_mut(&sender).filter(|peer| peer.asked) else {
            return;
        };
        // A sign of life, no more.
        if peer.answered && operations.is_empty() {
            return;
        }
        peer.bytes += operations.iter().map(weight).sum::<usize>();
        let is_last_part = part.is_none_or(|(part, of)| part >= of);
        let (is_large, was_all) = (peer.bytes > LARGE_ANSWER_BYTES, peer.reach + 1 >= REACH_MS.len());
        if is_last_part {
            if is_large || was_all {
                peer.answered = true;
            } else {
                peer.reach += 1;
            }
        }
        let ask_on = is_last_part && !peer.answered;
        let log = catchup::sort_log(operations);
        self.outputs.push_back(Output::Commit { from: Some(sender.clone()), log });
        if ask_on {
            self.ask(&sender);
        } else if is_last_part && is_large && !was_all {
            self.notify(Event::LogTooLarge(sender));
        }
    }

    pub(super) fn send_to(&mut self, recipient: PeerId, body: PeerBody) {
        let sender = self.me.clone();
        self.send(print_frame(&Frame::Peer { sender, recipient, body }));
    }
}

/// The envelope's own stamp: that of a single operation, or the batch's.
fn stamp(envelope: &Envelope) -> Option<String> {
    if let Some(batch) = &envelope.batch {
        return crate::json::Members::parse(batch.as_str()).ok()?.text("hlc").map(|text| text.into_owned());
    }
    match envelope.entries.first()? {
        Entry::Operation(operation) => Some(operation.stamp.to_string()),
        Entry::Refused { .. } => None,
    }
}

/// About how many bytes an envelope took on the wire.
fn weight(envelope: &Envelope) -> usize {
    let of = |entry: &Entry| match entry {
        Entry::Operation(operation) => operation.value.as_ref().map_or(0, |v| v.as_str().len()) + 200,
        Entry::Refused { text, .. } => text.as_str().len(),
    };
    envelope.entries.iter().map(of).sum()
}
