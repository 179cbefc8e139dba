//! What crosses between [`super::Desk`] and a window: plain values, ids as strings, times in
//! milliseconds since 1970. The TypeScript of all of it lies in `ui/src/generated`.

mod event;
mod feature;
mod library;
mod map;
mod picture;
mod problem;
mod sync;
mod waiting;

pub use event::{DeskEvent, Level, Question};
pub use feature::{
    ExactFeature, ExactFeatures, FeatureDetail, HistoryEntry, Inherited, InheritedFrom, SaveStep, UndoSummary, Undone,
    WrittenEdit,
};
pub use library::{About, BackUp, FileKind, ImportReport, LibraryView, MapCard, Rescue, TakeOffline, Trouble};
pub use map::{Field, LayerCard, LayerKind, LonLatBox, MapView, RightsView, Spot};
pub use picture::{BackgroundView, Leave, PictureHost, PictureHosts};
pub use problem::Problem;
pub use sync::{Chip, ChipKind, CountsView, LogLine, PeerCard, SignIn, SyncState, SyncView};
pub use waiting::{ConflictCard, ConflictCardKind, PendingEntry, PendingVerb, ProposalCard, Side};
