//! One uMap map in one SQLite file: the log, the registers, the documents that they show.
//!
//! Everything that belongs to one edit commits together: log row, registers, document, R-tree
//! and clock. What the state is, is decided by [`bivouac_journal::merge`] alone; this crate keeps
//! it. It knows no network, no clock and no randomness: times and bits come in as arguments.
//!
//! [`Store`] is the one writing connection; [`Tx`] is one transaction, the only way to write.

mod ahead;
mod alias;
mod append;
mod base;
mod codec;
mod compact;
mod conflict;
mod covered;
mod document;
mod edit;
mod error;
mod foreign;
mod frame;
mod fresh;
mod hash;
mod layer;
mod listed;
mod log;
mod lookahead;
mod lost;
mod map;
mod moved;
mod names;
mod object;
mod open;
mod park;
mod people;
mod read;
mod resolve;
mod rows;
mod salvage;
mod schema;
mod settings;
mod stage;
mod sync;
mod tx;
mod undo;
mod verify;

pub use ahead::Settling;
pub use compact::Compacted;
pub use conflict::{Conflict, ConflictKind, ConflictState};
pub use edit::{MAX_GEOMETRY, Receipt};
pub use error::{Error, Result};
pub use foreign::{ForeignReport, Incoming, Standing};
pub use frame::Frame;
pub use layer::LayerFacts;
pub use log::{NewRow, Origin, Row, SaveState};
pub use lost::{Suspect, Suspects};
pub use map::{MapRecord, NewMap};
pub use object::Base;
pub use open::Store;
pub use people::{Event, Peer};
pub use read::{
    Changes, Counts, FeatureView, LayerView, NumberedLayer, Past, PastFeature, Query, Scan, Scanned, Seen, Shown, Slot,
};
pub use resolve::Choice;
pub use salvage::Piece;
pub use schema::APPLICATION_ID;
pub use sync::{Assembled, Received, SaveTask, ServerLayer, ServerMap, SettingsTask};
pub use tx::Tx;
pub use undo::{LeftOut, UndoReport, Unit};
pub use verify::{Disagreement, Verified};
