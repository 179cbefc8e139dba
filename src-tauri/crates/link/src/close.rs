//! Why a websocket ended, as far as one can know.

use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::error::CapacityError;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use crate::MAX_FRAME_BYTES;

/// Why a socket ended. uMap's server explains nothing: it drops the connection where others would
/// close it with a reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloseReason {
    /// We closed it.
    Ours,
    /// The connection ended without a word (1006): a bad token, a refused message, a dead network.
    Dropped,
    /// The server closed it in the ordinary way (1000, 1001, or without a code).
    Normal,
    /// The server found our message too big (1009).
    TooBig,
    /// The server restarts (1012), or asks to come back later (1013).
    Restart,
    /// The server failed (1011).
    ServerError,
    /// The server objects to what we said (1002, 1003, 1007, 1008).
    Objection {
        /// The code.
        code: u16,
    },
    /// Another code.
    Other {
        /// The code.
        code: u16,
    },
    /// A message larger than [`MAX_FRAME_BYTES`] arrived; we closed the socket.
    ReceivedTooBig {
        /// The limit, in bytes.
        limit: usize,
    },
    /// What arrived is no text message of a websocket; we closed the socket.
    Garbage,
}

impl CloseReason {
    pub(crate) fn from_frame(frame: Option<&CloseFrame>) -> Self {
        match frame.map(|frame| u16::from(frame.code)) {
            None | Some(1000 | 1001 | 1005) => Self::Normal,
            Some(1006) => Self::Dropped,
            Some(1009) => Self::TooBig,
            Some(1011) => Self::ServerError,
            Some(1012 | 1013) => Self::Restart,
            Some(code @ (1002 | 1003 | 1007 | 1008)) => Self::Objection { code },
            Some(code) => Self::Other { code },
        }
    }

    pub(crate) fn from_error(error: &Error) -> Self {
        use tokio_tungstenite::tungstenite::error::ProtocolError;
        match error {
            Error::Capacity(CapacityError::MessageTooLong { .. }) => Self::ReceivedTooBig { limit: MAX_FRAME_BYTES },
            Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => Self::Dropped,
            Error::Protocol(_) | Error::Utf8(_) => Self::Garbage,
            // tungstenite's enum, not ours: whatever else it reports, the connection is no more.
            _ => Self::Dropped,
        }
    }
}
