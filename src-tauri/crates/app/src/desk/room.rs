//! Where the connection stands, from what a stay online tells; and the chip's words from that and
//! the rows in the map's file. Nothing here counts by itself what the file can count.

use std::collections::{BTreeMap, BTreeSet};

use bivouac_journal::ids::PeerId;
use bivouac_journal::session::{Event as SessionEvent, State};
use bivouac_store::{Counts, MapRecord, Peer};

use super::types::{Chip, ChipKind, CountsView, PeerCard, SyncState, SyncView};
use crate::driver::Event;
use crate::error::AppError;

/// A clock further off is told (rule 3), in ms.
const SKEW_MS: i64 = 120_000;

/// Where the connection stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Room {
    /// Whether the user wants to be online.
    pub(super) online: bool,
    pub(super) state: SyncState,
    /// Who is there, and the name that it gave itself.
    peers: BTreeMap<PeerId, String>,
    /// Those of them that said that they are Bivouacs.
    bivouacs: BTreeSet<PeerId>,
    /// The code of what stopped the stay.
    problem: Option<String>,
    /// How many edits the present exchange began with.
    total: u64,
    real_time: bool,
    since: Option<u64>,
}

impl Default for Room {
    fn default() -> Self {
        Self {
            online: false,
            state: SyncState::Offline,
            peers: BTreeMap::new(),
            bivouacs: BTreeSet::new(),
            problem: None,
            total: 0,
            real_time: true,
            since: None,
        }
    }
}

impl Room {
    /// The user wants to be online, or not.
    pub(super) fn wish(&mut self, online: bool, now_ms: u64) {
        self.online = online;
        self.since = Some(now_ms);
        if online {
            self.problem = None;
            self.real_time = true;
            self.state = SyncState::Connecting;
        } else {
            self.state = SyncState::Offline;
            self.peers.clear();
        }
    }

    /// A stay ended with an error; the wish stays.
    pub(super) fn stopped(&mut self, error: &AppError, again: bool, now_ms: u64) {
        self.peers.clear();
        self.since = Some(now_ms);
        self.state = if again && self.online { SyncState::Waiting } else { SyncState::Offline };
        self.problem = if again { None } else { Some(error.code().to_owned()) };
    }

    /// The map may only be seen; there is nothing to stay for.
    pub(super) fn only_read(&mut self, now_ms: u64) {
        self.since = Some(now_ms);
        self.state = SyncState::Documents;
        self.real_time = false;
    }

    /// Whether a stay goes on.
    pub(super) fn is_connected(&self) -> bool {
        let going_on = match self.state {
            SyncState::Connecting | SyncState::CatchingUp | SyncState::Live | SyncState::Documents => true,
            SyncState::Offline | SyncState::Waiting => false,
        };
        self.online && going_on
    }

    /// Whether nothing goes on before somebody signs in.
    pub(super) fn needs_sign_in(&self) -> bool {
        self.problem.as_deref() == Some("sign_in_needed")
    }

    /// The name of a connection that is there.
    pub(super) fn name_of(&self, peer: &PeerId) -> Option<&str> {
        self.peers.get(peer).map(String::as_str)
    }

    /// Takes in what a driver told.
    pub(super) fn told(&mut self, event: &Event, now_ms: u64) {
        match event {
            Event::Session(event) => self.session(event, now_ms),
            Event::Failed(failure) => {
                let error = AppError::from(failure.clone());
                if !matches!(error, AppError::Offline(_)) {
                    self.problem = Some(error.code().to_owned());
                }
            }
            Event::RealTimeOff { .. } => self.real_time = false,
            Event::Saved { .. } | Event::Verified => self.problem = None,
            Event::NotSaved { failure, .. } => {
                self.problem = Some(AppError::from(failure.clone()).code().to_owned());
            }
            Event::Changed
            | Event::Refused { .. }
            | Event::PeerClockAhead { .. }
            | Event::ClockSkew { .. }
            | Event::LeftUnsaved { .. } => {}
        }
    }

    fn session(&mut self, event: &SessionEvent, now_ms: u64) {
        match event {
            SessionEvent::State(state) if self.online => {
                let before = self.state;
                self.state = match state {
                    // Without the room it is documents alone; told by `Refused`, which comes after.
                    State::Offline => SyncState::Offline,
                    State::FetchingToken | State::Opening | State::Joining => SyncState::Connecting,
                    State::CatchingUp => SyncState::CatchingUp,
                    State::Live => SyncState::Live,
                    State::Waiting => SyncState::Waiting,
                };
                if before != self.state {
                    self.since = Some(now_ms);
                }
                if self.state == SyncState::Live {
                    self.problem = None;
                }
            }
            SessionEvent::State(_) => {}
            SessionEvent::Refused if self.online && self.problem.is_none() => {
                self.state = SyncState::Documents;
                self.real_time = false;
            }
            SessionEvent::Refused => {}
            SessionEvent::PeerJoined(peer, name) => {
                self.peers.insert(peer.clone(), name.clone());
            }
            SessionEvent::PeerLeft(peer) => {
                self.peers.remove(peer);
                self.bivouacs.remove(peer);
            }
            SessionEvent::Disconnected(_) => self.peers.clear(),
            SessionEvent::PeerBivouac(peer) => {
                self.bivouacs.insert(peer.clone());
            }
            SessionEvent::CaughtUp
            | SessionEvent::PeerHere(..)
            | SessionEvent::PeerSilent(_)
            | SessionEvent::BadFrame(_)
            | SessionEvent::LogTooLarge(_) => {}
        }
    }

    /// Everything for the chip and the peers list.
    pub(super) fn view(&mut self, record: &MapRecord, counts: &Counts, peers: &[Peer]) -> SyncView {
        SyncView {
            chip: self.chip(record, counts),
            state: self.state,
            online: self.online,
            counts: CountsView {
                local: counts.local,
                sent: counts.sent,
                echoed: counts.echoed,
                saved: counts.saved,
                verified: counts.verified,
                lost: counts.lost,
                foreign_unsaved: counts.foreign_unsaved,
                conflicts: counts.conflicts,
                proposals: counts.proposals,
            },
            peers: self.cards(record, peers),
            clock_skew_ms: Some(record.clock_skew).filter(|skew| skew.abs() > SKEW_MS),
            synced_at: Some(record.synced_at).filter(|at| *at > 0),
            account: record.account.clone(),
            real_time: self.real_time,
        }
    }

    fn cards(&self, record: &MapRecord, seen: &[Peer]) -> Vec<PeerCard> {
        let past = |peer: &PeerId| seen.iter().find(|seen| seen.peer == *peer);
        let mut cards = Vec::new();
        if matches!(self.state, SyncState::Live | SyncState::CatchingUp) {
            let name = record.account.clone().filter(|name| name != "edit link").unwrap_or_default();
            let id = "me".to_owned();
            cards.push(PeerCard { id, name, mine: true, bivouac: true, here: true, last_seen: None, unsaved: 0 });
        }
        cards.extend(self.peers.iter().map(|(peer, name)| PeerCard {
            id: peer.to_string(),
            name: name.clone(),
            mine: false,
            bivouac: self.bivouacs.contains(peer),
            here: true,
            last_seen: past(peer).map(|seen| seen.last_seen),
            unsaved: past(peer).map_or(0, |seen| seen.unsaved),
        }));
        let gone = seen.iter().filter(|seen| seen.unsaved > 0 && !self.peers.contains_key(&seen.peer));
        cards.extend(gone.map(|seen| PeerCard {
            id: seen.peer.to_string(),
            name: seen.username.clone().unwrap_or_default(),
            mine: seen.own,
            bivouac: false,
            here: false,
            last_seen: Some(seen.last_seen),
            unsaved: seen.unsaved,
        }));
        cards
    }

    fn chip(&mut self, record: &MapRecord, counts: &Counts) -> Chip {
        let (to_send, to_save) = (counts.local + counts.sent, counts.echoed + counts.saved);
        let left = to_send + to_save;
        let decisions = counts.conflicts + counts.proposals;
        let busy = matches!(self.state, SyncState::Connecting | SyncState::CatchingUp)
            || (matches!(self.state, SyncState::Live | SyncState::Documents) && left > 0);
        // An exchange keeps the number that it began with, and grows with what comes while it lasts.
        self.total = if busy { self.total.max(left) } else { 0 };
        let synced = Some(record.synced_at).filter(|at| *at > 0);
        let kind = match () {
            () if record.server.is_none() => ChipKind::LocalOnly,
            () if self.needs_sign_in() => ChipKind::SignIn,
            () if record.read_only => ChipKind::ReadOnly,
            () if self.problem.is_some() => ChipKind::Trouble,
            () if busy => ChipKind::Syncing,
            () if self.state == SyncState::Waiting => ChipKind::Waiting,
            () if decisions > 0 => ChipKind::Decisions,
            () if !self.online || self.state == SyncState::Offline => ChipKind::Offline,
            () => ChipKind::UpToDate,
        };
        Chip {
            kind,
            to_send,
            to_save,
            done: self.total.saturating_sub(left),
            total: self.total,
            decisions,
            at: if kind == ChipKind::UpToDate { synced } else { self.since.or(synced) },
            code: self.problem.clone().filter(|_| kind == ChipKind::Trouble),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::Failure;

    fn record() -> MapRecord {
        MapRecord {
            uuid: String::new(),
            name: "m".to_owned(),
            server: Some("https://umap.example.org".to_owned()),
            server_map_id: Some(1),
            slug: None,
            account: Some("alice".to_owned()),
            clock_id: "aaaaa".to_owned(),
            created_at: 1,
            opened_at: 1,
            synced_at: 5,
            clock_skew: 0,
            modified_at: 0,
            urls: None,
            rights: None,
            read_only: false,
            horizon: 0,
        }
    }

    fn state(state: State) -> Event {
        Event::Session(SessionEvent::State(state))
    }

    #[test]
    fn the_chip_goes_from_offline_through_syncing_to_up_to_date() {
        let mut room = Room::default();
        let mut counts = Counts { local: 12, ..Counts::default() };
        let chip = |room: &mut Room, counts: &Counts| {
            let chip = room.view(&record(), counts, &[]).chip;
            (chip.kind, chip.to_send, chip.to_save, chip.done, chip.total)
        };
        assert_eq!(chip(&mut room, &counts), (ChipKind::Offline, 12, 0, 0, 0));
        room.wish(true, 10);
        assert_eq!(chip(&mut room, &counts), (ChipKind::Syncing, 12, 0, 0, 12));
        room.told(&state(State::CatchingUp), 11);
        counts = Counts { local: 8, sent: 0, verified: 4, ..Counts::default() };
        assert_eq!(chip(&mut room, &counts), (ChipKind::Syncing, 8, 0, 4, 12));
        room.told(&state(State::Live), 12);
        counts = Counts { saved: 2, verified: 10, ..Counts::default() };
        assert_eq!(chip(&mut room, &counts), (ChipKind::Syncing, 0, 2, 10, 12));
        counts = Counts { verified: 12, ..Counts::default() };
        assert_eq!(chip(&mut room, &counts), (ChipKind::UpToDate, 0, 0, 0, 0));
        counts.conflicts = 2;
        assert_eq!(chip(&mut room, &counts).0, ChipKind::Decisions);
    }

    #[test]
    fn what_stops_a_stay_is_said_and_what_heals_by_itself_is_tried_again() {
        let mut room = Room::default();
        room.wish(true, 1);
        room.stopped(&AppError::Offline("no answer".into()), true, 2);
        assert_eq!(room.view(&record(), &Counts::default(), &[]).chip.kind, ChipKind::Waiting);
        room.told(&Event::Failed(Failure::SignIn("expired".into())), 3);
        assert_eq!(room.view(&record(), &Counts::default(), &[]).chip.kind, ChipKind::SignIn);
        room.wish(true, 4);
        room.stopped(&AppError::Refused("no".into()), false, 5);
        let chip = room.view(&record(), &Counts::default(), &[]).chip;
        assert_eq!((chip.kind, chip.code.as_deref()), (ChipKind::Trouble, Some("refused")));
        let alone = MapRecord { server: None, ..record() };
        assert_eq!(Room::default().view(&alone, &Counts::default(), &[]).chip.kind, ChipKind::LocalOnly);
        let seen = MapRecord { read_only: true, ..record() };
        assert_eq!(Room::default().view(&seen, &Counts::default(), &[]).chip.kind, ChipKind::ReadOnly);
    }

    #[test]
    fn the_peers_list_names_who_is_there_and_who_left_with_unsaved_changes() {
        let mut room = Room::default();
        room.wish(true, 1);
        room.told(&state(State::Live), 2);
        let peer = PeerId::trusted("abcde");
        room.told(&Event::Session(SessionEvent::PeerJoined(peer.clone(), "bob".to_owned())), 3);
        room.told(&Event::Session(SessionEvent::PeerBivouac(peer.clone())), 3);
        let gone = Peer {
            peer: PeerId::trusted("zzzzz"),
            own: false,
            username: Some("carol".to_owned()),
            first_seen: 1,
            last_seen: 2,
            refused: 0,
            unsaved: 3,
        };
        let cards = room.view(&record(), &Counts::default(), std::slice::from_ref(&gone)).peers;
        assert_eq!(cards.iter().map(|card| card.bivouac).collect::<Vec<_>>(), [true, true, false]);
        let short: Vec<_> = cards.iter().map(|card| (card.name.as_str(), card.mine, card.here, card.unsaved)).collect();
        assert_eq!(short, [("alice", true, true, 0), ("bob", false, true, 0), ("carol", false, false, 3)]);
        room.told(&Event::Session(SessionEvent::PeerLeft(peer)), 4);
        assert_eq!(room.view(&record(), &Counts::default(), &[]).peers.len(), 1);
    }
}
