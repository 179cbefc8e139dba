//! What a driver tells, and what it can be told.

use bivouac_journal::ids::{LayerId, PeerId};
use bivouac_journal::session::Event as SessionEvent;
use bivouac_journal::wire::Here;

use crate::server::Failure;

/// Told to a driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// An edit was committed.
    Edited,
    /// Send and save now.
    SaveNow,
    /// Where the user looks, for other Bivouacs; `None` to be seen no more.
    Here(Option<Here>),
    /// Go offline.
    Leave,
}

/// Told by a driver.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// From the room.
    Session(SessionEvent),
    /// Something in the database changed: counts, states or features.
    Changed,
    /// A layer's save was read back once.
    Saved {
        /// Which layer.
        layer: LayerId,
        /// The version that it made.
        version: String,
    },
    /// Everything of ours was read back twice.
    Verified,
    /// A request failed.
    Failed(Failure),
    /// Operations of a peer were refused; nothing changed.
    Refused {
        /// Whose.
        from: Option<PeerId>,
        /// How many.
        count: usize,
    },
    /// A peer's clock is far ahead and was not followed (rule 3).
    PeerClockAhead {
        /// By how much, in ms.
        by_ms: u64,
    },
    /// A peer switched the map's real time off (rule 39).
    RealTimeOff {
        /// Who.
        by: Option<PeerId>,
    },
    /// This laptop's clock differs from the server's (rule 3).
    ClockSkew {
        /// Ours minus the server's, in ms.
        ms: i64,
    },
    /// A peer left with changes that no version of the server holds (rule 27).
    LeftUnsaved {
        /// Who.
        peer: PeerId,
        /// How many of its operations.
        count: usize,
    },
    /// A layer could not be saved; its edits stay on this laptop.
    NotSaved {
        /// Which layer.
        layer: LayerId,
        /// Why.
        failure: Failure,
    },
}

/// What a stay came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Summary {
    /// Frames of our own operations that were sent.
    pub sent: usize,
    /// Operations of others that were applied.
    pub received: usize,
    /// Layers read from the server because they had changed.
    pub read: usize,
    /// Saves that the server accepted.
    pub saved: usize,
    /// Conflicts that came up.
    pub conflicts: usize,
    /// Registers sent again so that browsers agree (rule 1).
    pub repaired: usize,
    /// Requests that failed.
    pub failures: usize,
    /// How often the room was lost.
    pub disconnects: usize,
    /// Whether everything of ours was read back twice.
    pub verified: bool,
}
