//! Where each of us is looking: cursor and selection, between Bivouacs alone. It is no operation:
//! nothing of it is stored, and browsers never get it. Told only when it changed, twice a second
//! at most, and not in a crowd.

use std::collections::BTreeMap;

use super::Session;
use super::types::Event;
use crate::ids::PeerId;
use crate::wire::{Here, PeerBody};

/// Between two tellings, in ms.
const PAUSE_MS: u64 = 500;
/// With more peers in the room nobody tells.
const CROWD: usize = 20;
/// A peer that tells more often than this, in ms, is not listened to in between.
const HEARD_MS: u64 = 100;

/// What we tell, and whom we heard.
#[derive(Debug, Default)]
pub(super) struct Glances {
    ours: Option<Here>,
    /// What each peer was told last.
    told: BTreeMap<PeerId, Here>,
    next_at: u64,
    heard: BTreeMap<PeerId, u64>,
}

impl Glances {
    /// Forgets a room that is gone; what we would tell stays.
    pub(super) fn leave(&mut self) {
        self.told.clear();
        self.heard.clear();
    }

    pub(super) fn forget(&mut self, peer: &PeerId) {
        self.told.remove(peer);
        self.heard.remove(peer);
    }
}

impl Session {
    /// Where we look from now on; `None` to be seen no more.
    pub(super) fn here(&mut self, here: Option<Here>) {
        self.glances.ours = here.map(Here::bounded);
        self.glance_due();
    }

    /// Tells those who do not know yet, when it is time.
    pub(super) fn glance_due(&mut self) {
        let now = self.now.mono_ms;
        if now < self.glances.next_at {
            return;
        }
        let whom = self.glance_whom();
        if whom.is_empty() {
            return;
        }
        self.glances.next_at = now + PAUSE_MS;
        for peer in whom {
            let here = self.glances.ours.clone().unwrap_or_default();
            self.glances.told.insert(peer.clone(), here.clone());
            self.send_to(peer, PeerBody::Here(here));
        }
    }

    /// When that is due.
    pub(super) fn glance_at(&self) -> Option<u64> {
        (!self.glance_whom().is_empty()).then_some(self.glances.next_at)
    }

    /// The Bivouacs that were told something else. Who was never told anything needs no farewell.
    fn glance_whom(&self) -> Vec<PeerId> {
        let gone = Here::default();
        let ours = self.glances.ours.as_ref();
        if self.peers.iter().count() > CROWD && ours.is_some() {
            return Vec::new();
        }
        let bivouacs = self.peers.iter().filter(|(_, peer)| peer.bivouac);
        let stale = bivouacs.filter(|(id, _)| {
            let told = self.glances.told.get(*id);
            match ours {
                Some(ours) => told != Some(ours),
                None => told.is_some_and(|told| *told != gone),
            }
        });
        stale.map(|(id, _)| id.clone()).collect()
    }

    /// Where a Bivouac looks; from anybody else it is nothing.
    pub(super) fn glanced(&mut self, peer: PeerId, here: Here) {
        if !self.peers.get_mut(&peer).is_some_and(|peer| peer.bivouac) {
            return;
        }
        let now = self.now.mono_ms;
        let too_soon = self.glances.heard.get(&peer).is_some_and(|at| now < at + HEARD_MS);
        // A farewell is heard in any case.
        if too_soon && here != Here::default() {
            return;
        }
        self.glances.heard.insert(peer.clone(), now);
        self.notify(Event::PeerHere(peer, here.bounded()));
    }
}
