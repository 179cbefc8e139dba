//! Everything that can stop a command, told apart by a code that stays the same for scripts.

use bivouac_link::LinkError;
use bivouac_store::Error as StoreError;

use crate::driver::DriverError;
use crate::server::Failure;

/// Short for results of this crate.
pub type Result<T, E = AppError> = std::result::Result<T, E>;

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// What was given makes no sense.
    #[error("{what}: {why}")]
    BadInput {
        /// What was attempted.
        what: String,
        /// What is wrong, and what to do.
        why: String,
    },
    /// There is no such map, layer or feature.
    #[error("find {what}: {why}")]
    NotFound {
        /// What was looked for.
        what: String,
        /// Where it was looked for, and what to do.
        why: String,
    },
    /// There is no such map, but one that cannot be opened and so has no name.
    #[error("find {what}: no map of that name can be opened; {uuid} cannot, and may be it: {why}")]
    Closed {
        /// What was looked for.
        what: String,
        /// The map that cannot be opened.
        uuid: String,
        /// Why it cannot.
        #[source]
        why: Box<AppError>,
    },
    /// Several things go by that name.
    #[error("find {what}: several go by that name ({among})")]
    Ambiguous {
        /// What was looked for.
        what: String,
        /// What it may be.
        among: String,
    },
    /// The server would refuse it, as it said when the map was read last (rule 38).
    #[error("{what}: {why}")]
    NotAllowed {
        /// What was attempted.
        what: String,
        /// Which right is missing.
        why: String,
    },
    /// Signing in is needed first.
    #[error("{0}")]
    SignIn(String),
    /// The server cannot be reached.
    #[error("{0}")]
    Offline(String),
    /// The server said no.
    #[error("{0}")]
    Refused(String),
    /// Another program has the map.
    #[error("write to the map {map}: it is in use by {holder}")]
    InUse {
        /// Which map.
        map: String,
        /// The program and its process.
        holder: String,
    },
    /// Work would be lost.
    #[error("remove the map {map}: {count} edits were never verified on the server")]
    Unsent {
        /// Which map.
        map: String,
        /// How many edits.
        count: u64,
    },
    /// The user stopped it.
    #[error("{0}: stopped")]
    Cancelled(String),
    /// The secrets store failed.
    #[error("{what}: {why}")]
    Secrets {
        /// What was attempted.
        what: String,
        /// Why it failed.
        why: String,
    },
    /// A file or folder could not be read or written.
    #[error("{what}: {source}")]
    Io {
        /// What was attempted.
        what: String,
        /// The operating system's words.
        #[source]
        source: std::io::Error,
    },
    /// A map's file.
    #[error("{}", with_causes(.0))]
    Store(#[from] StoreError),
}

impl AppError {
    /// Short for [`AppError::BadInput`].
    pub fn bad(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self::BadInput { what: what.into(), why: why.into() }
    }

    /// Short for [`AppError::Io`].
    pub fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }

    /// The code, the same for good.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::BadInput { .. } => "bad_input",
            Self::NotFound { .. } => "not_found",
            Self::Closed { why, .. } => why.code(),
            Self::Ambiguous { .. } => "ambiguous",
            Self::NotAllowed { .. } => "not_allowed",
            Self::SignIn(_) => "sign_in_needed",
            Self::Offline(_) => "offline",
            Self::Refused(_) => "refused",
            Self::InUse { .. } => "in_use",
            Self::Unsent { .. } => "unsent",
            Self::Cancelled(_) => "cancelled",
            Self::Secrets { .. } => "secrets",
            Self::Io { .. } => "io",
            Self::Store(error) => store_code(error),
        }
    }

    /// The exit code of a command that ends with this.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::BadInput { .. }
            | Self::NotFound { .. }
            | Self::Ambiguous { .. }
            | Self::Unsent { .. }
            | Self::Cancelled(_)
            | Self::Secrets { .. }
            | Self::Io { .. } => 1,
            Self::Closed { why, .. } => why.exit_code(),
            Self::SignIn(_) => 2,
            Self::Offline(_) => 3,
            Self::Refused(_) | Self::NotAllowed { .. } => 6,
            Self::InUse { .. } => 7,
            Self::Store(error) => match store_code(error) {
                "damaged" | "newer" | "foreign" | "missing" => 5,
                "busy" => 7,
                "bad_document" => 6,
                _ => 1,
            },
        }
    }

    /// What the user can do about it, where the text does not say so already.
    #[must_use]
    pub fn advice(&self) -> Option<&'static str> {
        match self.code() {
            "damaged" => {
                Some("restore the file from a backup, or take the map offline again; `bivouac verify` says more")
            }
            "newer" => Some("install a newer Bivouac; the file was not changed"),
            "foreign" => Some("the file is not one of Bivouac's; it was not changed"),
            "missing" => Some(
                "the folder of this map has lost its file: restore it from a backup, or take the map offline again",
            ),
            "sign_in_needed" => Some("use --user NAME with a password or BIVOUAC_PASSWORD, or --edit-link URL"),
            "offline" => Some("nothing is lost: edits stay on this laptop until the next sync"),
            "disk_full" => Some("make room on the disk; nothing was acknowledged that is not written"),
            "unsent" => Some("sync first, or say --discard to lose them"),
            "refused" => Some("edits stay on this laptop, and `bivouac export` writes them to a file"),
            "in_use" => Some("close it there first, or only read here"),
            _ => None,
        }
    }
}

fn store_code(error: &StoreError) -> &'static str {
    match error {
        StoreError::Missing(_) => "missing",
        StoreError::Exists(_) => "exists",
        StoreError::Newer { .. } => "newer",
        StoreError::Older { .. } => "older",
        StoreError::Foreign => "foreign",
        StoreError::Damaged(_) => "damaged",
        StoreError::BadDocument(_) => "bad_document",
        StoreError::ReadOnly => "read_only",
        StoreError::Busy => "busy",
        StoreError::Full => "disk_full",
        StoreError::Setting { .. } | StoreError::Sqlite(_) | StoreError::Migration(_) | StoreError::File { .. } => {
            "database"
        }
        StoreError::Unsound(_) | StoreError::GeometryTooLarge { .. } | StoreError::Empty => "bad_input",
        StoreError::UnknownLayer(_) | StoreError::UnknownFeature(..) => "not_found",
        StoreError::NothingToUndo => "nothing_to_undo",
        StoreError::NothingToRedo => "nothing_to_redo",
        StoreError::UnknownConflict(_) | StoreError::UnknownProposal(_) => "not_found",
        StoreError::BeforeHorizon { .. } => "before_horizon",
    }
}

/// The whole chain in one line: a database's own words are in its causes.
fn with_causes(error: &StoreError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = error.source();
    }
    text
}

impl From<Failure> for AppError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Offline(text) => Self::Offline(text),
            Failure::SignIn(text) => Self::SignIn(text),
            Failure::Refused(text)
            | Failure::Conflict(text)
            | Failure::Exists(text)
            | Failure::NotFound(text)
            | Failure::NoRealTime(text)
            | Failure::Rejected(text) => Self::Refused(text),
        }
    }
}

impl From<LinkError> for AppError {
    fn from(error: LinkError) -> Self {
        match error {
            LinkError::BadArgument { action, detail } => Self::bad(action, detail),
            LinkError::OriginRefused { .. } => {
                Self::bad(error.to_string(), "for a plain http server that you trust say --allow-http")
            }
            other => Failure::from(other).into(),
        }
    }
}

impl From<DriverError> for AppError {
    fn from(error: DriverError) -> Self {
        match error {
            DriverError::Store(error) => Self::Store(error),
            DriverError::Server(failure) => failure.into(),
            DriverError::Spill(source) => {
                Self::Io { what: "keep operations that came too fast in a temporary file".to_owned(), source }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_documented_exit_code_is_reached_by_its_errors() {
        let cases: [(AppError, &str, u8); 9] = [
            (AppError::bad("read", "no"), "bad_input", 1),
            (AppError::SignIn("x".into()), "sign_in_needed", 2),
            (AppError::Offline("x".into()), "offline", 3),
            (AppError::Store(StoreError::Damaged("x".into())), "damaged", 5),
            (AppError::Store(StoreError::Newer { found: 9, known: 1 }), "newer", 5),
            (AppError::Store(StoreError::Foreign), "foreign", 5),
            (AppError::Refused("x".into()), "refused", 6),
            (AppError::InUse { map: "m".into(), holder: "h".into() }, "in_use", 7),
            (AppError::Store(StoreError::Busy), "busy", 7),
        ];
        for (error, code, exit) in cases {
            assert_eq!((error.code(), error.exit_code()), (code, exit), "{error}");
        }
    }

    #[test]
    fn the_networks_failures_keep_their_meaning() {
        let offline: AppError = LinkError::Dns { action: "reading the map" }.into();
        assert_eq!(offline.exit_code(), 3);
        let sign_in: AppError = LinkError::SignInNeeded { action: "reading the map" }.into();
        assert_eq!(sign_in.exit_code(), 2);
        let refused: AppError = LinkError::Refused { action: "saving" }.into();
        assert_eq!(refused.exit_code(), 6);
        let address: AppError = LinkError::BadArgument { action: "reading", detail: "no address" }.into();
        assert_eq!(address.exit_code(), 1);
    }
}
