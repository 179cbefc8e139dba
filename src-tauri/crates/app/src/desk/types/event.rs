//! What a window is told without asking: one stream.

use serde::Serialize;
use ts_rs::TS;

use super::map::Spot;
use super::sync::SyncView;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum DeskEvent {
    /// The open map changed.
    Changed {
        /// Its revision now.
        revision: u64,
        /// What changed: `layer/id`, a layer's id, or `map`; `None` for more than is listed.
        objects: Option<Vec<String>>,
        /// Whether the change was made here.
        mine: bool,
    },
    /// Synchronising stands elsewhere.
    Sync {
        /// Where.
        view: SyncView,
    },
    /// Long work has come so far.
    Progress {
        /// `reading-layers`, `importing`, …
        what: String,
        /// How much of it is done.
        done: u64,
        /// Of how much; 0 when nobody knows.
        total: u64,
    },
    /// Something worth knowing, which stops nothing.
    Notice {
        /// How bad.
        level: Level,
        /// For the window's own words.
        code: String,
        /// In English.
        text: String,
    },
    /// Somebody else edited here just now.
    Touched {
        /// `layer/id`.
        object: String,
        /// The name that it gave itself; empty for none.
        who: String,
        /// Where: degrees east.
        lon: f64,
        /// Where: degrees north.
        lat: f64,
    },
    /// Where another Bivouac looks now; nowhere and nothing when it tells no more.
    Presence {
        /// Its connection.
        peer: String,
        /// The name that it gave itself; empty for none.
        who: String,
        /// Its cursor.
        at: Option<Spot>,
        /// What it has selected: `layer/id`.
        selected: Vec<String>,
    },
    /// Somebody signed in on a server's own page.
    SignedIn {
        /// The server's origin.
        server: String,
        /// Who.
        user: String,
    },
    /// The list of maps changed.
    Library {},
    /// Something has to be asked; [`super::super::Desk::answer`] takes what is said.
    Asked {
        /// Its number.
        id: u64,
        /// What.
        question: Question,
        /// What it is about, in English.
        text: String,
    },
    /// A file or an address was given to the program from outside: asked before it is opened.
    OpenWanted {
        /// The address, or the file's name.
        what: String,
        /// An import that waits under this id, for a file.
        import: Option<String>,
    },
    /// Somebody closes the window while edits wait; they are kept.
    QuitWanted {
        /// How many.
        waiting: u64,
    },
}

/// How bad something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// Good to know.
    Info,
    /// To be looked at.
    Warning,
    /// Something failed.
    Error,
}

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum Question {
    /// The passphrase of the file of secrets that is there.
    Passphrase,
    /// A new passphrase, because there is no keyring; none means that secrets live in memory only.
    NewPassphrase,
    /// A yes or no: any text is a yes.
    Confirm,
}
