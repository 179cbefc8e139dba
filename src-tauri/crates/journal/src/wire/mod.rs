//! The messages of a uMap room, in and out.
//!
//! Reading is strict about what is applied and lenient about what is kept: members that we do
//! not know travel on unchanged, an operation that may not be applied is named with its reason
//! and its text. Writing puts the members in the order in which browsers write them (rule 6).

mod envelope;
mod frame;
mod known;
mod list;
mod print;

pub use envelope::{Entry, Envelope, Refusal};
pub use frame::{Frame, Hello, Here, PeerBody, WireError, join_request, parse};
pub use print::{Peek, print_answer, print_batch, print_frame, print_listed, print_loose, print_reference_version};

/// The most bytes of one message that we send (rule 48).
pub const MAX_SENT_BYTES: usize = 1024 * 1024;
/// The most bytes of one message that we read (rule 48).
pub const MAX_RECEIVED_BYTES: usize = 16 * 1024 * 1024;
/// The most bytes of a message that carries one single geometry (M6).
pub const MAX_SINGLE_BYTES: usize = 15 * 1024 * 1024;
/// The most operations of one batch that we send (M6).
pub const MAX_BATCH: usize = 500;
/// The most operations of one answer to a browser (rule 18).
pub const MAX_ANSWER: usize = 300;
