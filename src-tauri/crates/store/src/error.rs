//! Everything that can go wrong with a map's file, told apart where a caller acts differently.

use bivouac_journal::ids::{FeatureId, LayerId};
use bivouac_journal::operation::OperationError;

/// Short for results of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no file.
    #[error("open a map: there is no file {0}")]
    Missing(String),
    /// There is a file already.
    #[error("create a map: {0} exists already")]
    Exists(String),
    /// Written by a newer program.
    #[error("open a map: its format {found} is newer than this program's {known}")]
    Newer {
        /// The file's format.
        found: i64,
        /// The newest that this program reads.
        known: i64,
    },
    /// Opened for reading only, but it needs a migration first.
    #[error("read a map: its format {found} must be brought to {known} by opening it for writing")]
    Older {
        /// The file's format.
        found: i64,
        /// The one that this program reads.
        known: i64,
    },
    /// Not one of our files.
    #[error("open a map: the file is not a Bivouac map")]
    Foreign,
    /// Broken.
    #[error("read a map: the file is damaged: {0}")]
    Damaged(String),
    /// What the server sent as a layer is none; nothing of it was merged.
    #[error("merge a document of the server: {0}")]
    BadDocument(String),
    /// Opened for reading only.
    #[error("write to a map that is open for reading only")]
    ReadOnly,
    /// Another program holds the write lock for too long.
    #[error("write to a map: another program is writing to it")]
    Busy,
    /// No room is left.
    #[error("write to a map: the disk is full, or refuses to be written")]
    Full,
    /// A setting of the connection did not take.
    #[error("set up the database: {setting} is {found}")]
    Setting {
        /// Which one.
        setting: &'static str,
        /// What it is instead.
        found: String,
    },
    /// Any other failure of the database.
    #[error("reach the database")]
    Sqlite(#[source] rusqlite::Error),
    /// A migration failed; without its statements, which fill a screen.
    #[error("bring the database to the current format: {0}")]
    Migration(String),
    /// Preparing the file outside the database failed.
    #[error("prepare the file {path}")]
    File {
        /// Which one.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// An edit that means nothing.
    #[error("edit the map")]
    Unsound(#[from] OperationError),
    /// An edit in a layer that is not there.
    #[error("edit layer {0}: the map has no such layer")]
    UnknownLayer(LayerId),
    /// An edit of a feature that is not there.
    #[error("edit feature {1} of layer {0}: there is no such feature")]
    UnknownFeature(LayerId, FeatureId),
    /// A geometry that no server would take.
    #[error("edit a geometry: {bytes} bytes are more than {most}")]
    GeometryTooLarge {
        /// Its size.
        bytes: usize,
        /// The most that can be sent.
        most: usize,
    },
    /// An edit without a single operation.
    #[error("edit the map: nothing to do")]
    Empty,
    /// Every unit is undone.
    #[error("undo: there is nothing to undo")]
    NothingToUndo,
    /// No unit was undone.
    #[error("redo: there is nothing to redo")]
    NothingToRedo,
    /// No such conflict, or it is settled.
    #[error("settle conflict {0}: there is no such open conflict")]
    UnknownConflict(i64),
    /// No such proposal, or it is settled.
    #[error("approve proposal {0}: there is no such open proposal")]
    UnknownProposal(i64),
    /// The log was compacted since (M12).
    #[error("look at a past instant: history goes back to {horizon_ms} only")]
    BeforeHorizon {
        /// The oldest instant, in milliseconds.
        horizon_ms: u64,
    },
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        use rusqlite::ffi::{SQLITE_IOERR_SHMOPEN, SQLITE_IOERR_SHMSIZE, SQLITE_IOERR_WRITE};
        // What SQLite cannot extend, it calls an I/O error: a log beyond a limit, the shared index.
        let extended = error.sqlite_error().map(|error| error.extended_code);
        if matches!(extended, Some(SQLITE_IOERR_SHMOPEN | SQLITE_IOERR_SHMSIZE | SQLITE_IOERR_WRITE)) {
            return Error::Full;
        }
        // Our statements fit our schema: where they do not, somebody changed the file.
        let said = match &error {
            rusqlite::Error::SqlInputError { msg, .. } | rusqlite::Error::SqliteFailure(_, Some(msg)) => msg.as_str(),
            _ => "",
        };
        if said.starts_with("no such table") || said.starts_with("no such column") {
            return Error::Damaged(said.to_owned());
        }
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt) => Error::Damaged(error.to_string()),
            Some(ErrorCode::NotADatabase) => Error::Foreign,
            Some(ErrorCode::ReadOnly) => Error::ReadOnly,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Error::Busy,
            Some(ErrorCode::DiskFull) => Error::Full,
            // rusqlite's enum grows; every other code is told as it came.
            Some(_) | None => Error::Sqlite(error),
        }
    }
}
