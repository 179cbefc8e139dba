//! Where synchronising stands.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Where synchronising stands, for the chip and the peers list.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct SyncView {
    /// The chip.
    pub chip: Chip,
    /// Where the connection stands.
    pub state: SyncState,
    /// Whether the user wants to be online.
    pub online: bool,
    /// The rows behind the chip's numbers.
    pub counts: CountsView,
    /// Who is in the room now, this laptop first; and who left with unsaved changes.
    pub peers: Vec<PeerCard>,
    /// How far this laptop's clock is ahead of the server's, when that is over two minutes.
    pub clock_skew_ms: Option<i64>,
    /// When the map was last equal to the server.
    pub synced_at: Option<u64>,
    /// Who opens the map there.
    pub account: Option<String>,
    /// Whether edits travel as they are made; without it only documents are exchanged.
    pub real_time: bool,
}

/// What the chip says. Its numbers are counted in the map's file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Chip {
    /// Which words.
    pub kind: ChipKind,
    /// Edits that nobody else has yet.
    pub to_send: u64,
    /// Edits that others have, and no read document of the server.
    pub to_save: u64,
    /// Of the present exchange: how many of `total` are done.
    pub done: u64,
    /// Of the present exchange: how many edits it began with.
    pub total: u64,
    /// Conflicts and proposals that wait for a decision.
    pub decisions: u64,
    /// Since when, or when last.
    pub at: Option<u64>,
    /// The problem's code, for `trouble`.
    pub code: Option<String>,
}

/// Which words the chip says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum ChipKind {
    /// Everything is on the server, and what is there is here.
    UpToDate,
    /// Not connected because the user wants so; `to_send` and `to_save` may be more than 0.
    Offline,
    /// Connecting or exchanging.
    Syncing,
    /// The user wants to be online and the server cannot be reached; it is tried again.
    Waiting,
    /// Decisions wait.
    Decisions,
    /// Signing in is needed.
    SignIn,
    /// The server lets us only see the map.
    ReadOnly,
    /// Something is wrong, see the code.
    Trouble,
    /// On no server.
    LocalOnly,
}

/// Where the connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum SyncState {
    /// Not connected, and not trying.
    Offline,
    /// Signing in and asking for the right to join.
    Connecting,
    /// In the room, exchanging what was missed.
    CatchingUp,
    /// Edits go both ways as they are made.
    Live,
    /// Connected through documents only.
    Documents,
    /// Disconnected; trying again soon.
    Waiting,
}

/// How many edits are how far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct CountsView {
    /// On this laptop only.
    pub local: u64,
    /// Sent, no echo.
    pub sent: u64,
    /// Echoed, not saved.
    pub echoed: u64,
    /// Saved, not verified.
    pub saved: u64,
    /// Verified.
    pub verified: u64,
    /// Lost to another's value.
    pub lost: u64,
    /// Others' edits that nobody saved.
    pub foreign_unsaved: u64,
    /// Open conflicts.
    pub conflicts: u64,
    /// Open proposals.
    pub proposals: u64,
}

/// A connection in the room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct PeerCard {
    /// Its label.
    pub id: String,
    /// The name that it gave itself; empty for none.
    pub name: String,
    /// Whether it is this laptop.
    pub mine: bool,
    /// Whether it said that it is a Bivouac.
    pub bivouac: bool,
    /// Whether it is there now.
    pub here: bool,
    /// When it was seen last.
    pub last_seen: Option<u64>,
    /// How many of its operations nobody saved.
    pub unsaved: u64,
}

/// A line of the log of synchronising.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct LogLine {
    /// Its number, to ask for what came before.
    pub id: i64,
    /// When.
    pub at: u64,
    /// What, as `bivouac sync --events` names it.
    pub code: String,
    /// Further words, in English; may be empty.
    pub detail: String,
}

/// Another right to open the map with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct SignIn {
    /// A user of the server.
    #[serde(default)]
    #[ts(optional)]
    pub user: Option<String>,
    /// The user's password.
    #[serde(default)]
    #[ts(optional)]
    pub password: Option<String>,
    /// Or the map's secret edit link.
    #[serde(default)]
    #[ts(optional)]
    pub edit_link: Option<String>,
    /// Or, for a map that is on no server yet, where it is to be.
    #[serde(default)]
    #[ts(optional)]
    pub server: Option<String>,
    /// Whether the password is kept, not only the session.
    #[serde(default)]
    pub keep_password: bool,
    /// Whether plain http to another computer is fine.
    #[serde(default)]
    pub allow_http: bool,
}
