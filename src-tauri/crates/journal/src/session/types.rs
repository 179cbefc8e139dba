//! What goes into a session and what comes out of it.

use crate::catchup::Log;
use crate::clock::Order;
use crate::ids::{LayerId, Object, PeerId};
use crate::path::Path;
use crate::wire::Here;

/// An instant, from both of the caller's clocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timestamp {
    /// Milliseconds since 1970, for clocks that others see.
    pub wall_ms: u64,
    /// Milliseconds of a clock that never jumps, for timers.
    pub mono_ms: u64,
}

/// Where a session stands, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Not connected, and not trying.
    Offline,
    /// Asking the server for the right to join.
    FetchingToken,
    /// Connecting.
    Opening,
    /// Connected, not yet certain to hear everything.
    Joining,
    /// Exchanging what was missed.
    CatchingUp,
    /// Edits go both ways as they are made.
    Live,
    /// Disconnected; trying again soon.
    Waiting,
}

/// A frame of our own operations, committed before it was handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutFrame {
    /// Its row in the store.
    pub id: i64,
    /// The exact text: sent again byte for byte until its echo comes (M8).
    pub text: String,
    /// The envelope's stamp, to know the echo by.
    pub hlc: String,
}

/// Something that happened.
#[derive(Debug)]
pub enum Input {
    /// The user wants to be online.
    GoOnline,
    /// The user wants to be offline.
    GoOffline,
    /// The server gave a token, or did not: `true` when asking again is of no use.
    Token(Result<String, bool>),
    /// The socket is open.
    Connected,
    /// The socket is gone; why, for people.
    Closed(String),
    /// A text frame came.
    Received(String),
    /// An own edit was committed.
    LocalEdit,
    /// What was received is in the database now.
    Committed {
        /// Registers to repair once they are quiet, with their winner (rule 1).
        contended: Vec<(Object, Path, Order)>,
        /// Registers on which this very winner was seen again: somebody repaired them.
        settled: Vec<(Object, Path, Order)>,
    },
    /// The server's documents were read and merged.
    ServerRead,
    /// Our own operations, each frame committed with its wire clock.
    Outgoing(Vec<OutFrame>),
    /// Where the user looks, for other Bivouacs; `None` to be seen no more.
    Here(Option<Here>),
    /// Texts to send as they are: answers, repairs, announcements.
    Frames(Vec<String>),
}

/// Something to be done.
#[derive(Debug, PartialEq)]
pub enum Output {
    /// Fetch a ws-token.
    FetchToken,
    /// Open the socket.
    OpenSocket,
    /// Send a text frame.
    Send(String),
    /// Commit what a peer sent, then give [`Input::Committed`].
    Commit {
        /// Who sent it.
        from: Option<PeerId>,
        /// What.
        log: Log,
    },
    /// This frame of ours has come back.
    Echoed(i64),
    /// Prepare own operations for sending, then give [`Input::Outgoing`].
    PrepareOutgoing,
    /// Read the map and what changed of its layers, then give [`Input::ServerRead`].
    ReadServer,
    /// Answer a peer, then give [`Input::Frames`].
    Answer {
        /// Whom.
        peer: PeerId,
        /// What it knows already, as it says.
        since: Option<String>,
        /// Whether it is a Bivouac: then winners travel loose, numbered (rules 10 and 18).
        bivouac: bool,
    },
    /// Send the winners of these registers again, then give [`Input::Frames`] (rule 1).
    Repair(Vec<(Object, Path, Order)>),
    /// Somebody announced a saved version of a layer, or a save: read what changed.
    ForeignSave {
        /// The layer and its version, when that was announced.
        announced: Option<(LayerId, String)>,
    },
    /// Close the socket.
    CloseSocket,
    /// Tell the user.
    Notify(Event),
}

/// Something to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The session entered this state.
    State(State),
    /// Everything missed is here and everything of ours was echoed.
    CaughtUp,
    /// The server does not let us in; asking again is of no use.
    Refused,
    /// The connection is gone.
    Disconnected(String),
    /// A peer is there; its name, empty when it gave none.
    PeerJoined(PeerId, String),
    /// A peer said that it is a Bivouac.
    PeerBivouac(PeerId),
    /// Where another Bivouac looks; nowhere and nothing when it tells no more.
    PeerHere(PeerId, Here),
    /// A peer is gone.
    PeerLeft(PeerId),
    /// A peer did not answer and counts as absent (rule 15).
    PeerSilent(PeerId),
    /// A frame could not be read; nothing changed.
    BadFrame(String),
    /// A peer's log is larger than can be asked for (rule 48).
    LogTooLarge(PeerId),
}

/// A small generator of jitter and ids (splitmix64): the same seed, the same stay.
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from 0 up to but without `bound`.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }
}
