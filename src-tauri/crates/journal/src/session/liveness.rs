//! Whether the room still reaches us (rule 14).
//!
//! After a Redis restart the socket stays open and `pong` is answered while nothing arrives.
//! Room messages and peer messages are two subscriptions that can die alone; each is proven by
//! a message of ours that comes back.

use super::Session;
use crate::ids::PeerId;
use crate::wire::{Frame, PeerBody, print_frame};

/// Silence after which a subscription is tested, in ms.
const SILENCE_MS: u64 = 20_000;
/// How long the proof may take, in ms.
const PROOF_MS: u64 = 10_000;
/// A clock that marks nothing as saved in any browser (rule 11).
const NOTHING_SAVED: &str = "0:0:0";

#[derive(Debug, Default)]
struct Channel {
    heard_at: u64,
    heard: bool,
    probe_until: Option<u64>,
}

impl Channel {
    fn hear(&mut self, now: u64) {
        self.heard_at = now;
        self.heard = true;
        self.probe_until = None;
    }

    fn next_due(&self) -> u64 {
        self.probe_until.unwrap_or(self.heard_at + SILENCE_MS)
    }
}

/// The two subscriptions.
#[derive(Debug, Default)]
pub(super) struct Liveness {
    room: Channel,
    peer: Channel,
}

impl Liveness {
    pub(super) fn restart(&mut self, now: u64) {
        *self = Self::default();
        self.room.heard_at = now;
        self.peer.heard_at = now;
    }

    pub(super) fn both_heard(&self) -> bool {
        self.room.heard && self.peer.heard
    }

    pub(super) fn hear_room(&mut self, now: u64) {
        self.room.hear(now);
    }

    pub(super) fn hear_peer(&mut self, now: u64) {
        self.peer.hear(now);
    }

    pub(super) fn next_due(&self) -> Option<u64> {
        Some(self.room.next_due().min(self.peer.next_due()))
    }
}

/// The message that tells browsers we are there and comes back as the room's echo.
pub(super) fn announcement(me: &PeerId) -> String {
    print_frame(&Frame::Saved { sender: me.clone(), last_known: NOTHING_SAVED.to_owned() })
}

fn self_addressed(me: &PeerId, n: u64) -> String {
    print_frame(&Frame::Peer { sender: me.clone(), recipient: me.clone(), body: PeerBody::Probe(n) })
}

impl Session {
    /// Sends both proofs of life.
    pub(super) fn probe_both(&mut self) {
        self.send(announcement(&self.me));
        let n = self.now.mono_ms;
        self.send(self_addressed(&self.me, n));
    }

    /// Tests subscriptions that fell silent; hangs up when one does not answer.
    pub(super) fn probe_due(&mut self) {
        let now = self.now.mono_ms;
        let late = |channel: &Channel| channel.probe_until.is_some_and(|until| now >= until);
        if late(&self.liveness.room) || late(&self.liveness.peer) {
            self.hang_up("the server stopped passing messages on");
            return;
        }
        let silent = |channel: &Channel| channel.probe_until.is_none() && now >= channel.heard_at + SILENCE_MS;
        if silent(&self.liveness.room) {
            self.liveness.room.probe_until = Some(now + PROOF_MS);
            self.send(announcement(&self.me));
        }
        if silent(&self.liveness.peer) {
            self.liveness.peer.probe_until = Some(now + PROOF_MS);
            self.send(self_addressed(&self.me, now));
        }
    }
}
