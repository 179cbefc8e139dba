//! The maps on this laptop.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// The library.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct LibraryView {
    /// By name.
    pub maps: Vec<MapCard>,
    /// Where the maps lie, for people.
    pub folder: String,
    /// The map that is open in this window.
    pub open: Option<String>,
}

/// One map on this laptop.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct MapCard {
    /// Its name for good.
    pub id: String,
    /// What people call it; its id when its file cannot be read.
    pub name: String,
    /// The server's origin.
    pub server: Option<String>,
    /// Whether the server knows it; a map born offline may have a server and not be there yet.
    pub on_server: bool,
    /// Who opens it there: a user's name, or `edit link`.
    pub account: Option<String>,
    /// How many features.
    pub features: u64,
    /// How many layers.
    pub layers: u64,
    /// When it was last equal to the server.
    pub synced_at: Option<u64>,
    /// When it was opened last.
    pub opened_at: Option<u64>,
    /// Own edits that were not read back from the server yet.
    pub waiting: u64,
    /// Decisions that wait.
    pub conflicts: u64,
    /// Whether the server lets us only see it.
    pub read_only: bool,
    /// Why its file cannot be used as it should.
    pub trouble: Option<Trouble>,
}

/// Why a map's file cannot be used as it should.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Trouble {
    /// `damaged`, `newer`, `foreign`, `missing`, `in_use`, …
    pub code: String,
    /// In English.
    pub text: String,
    /// The program that has it, for `in_use`.
    pub holder: Option<String>,
}

/// Which map is taken offline, and with whose rights.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct TakeOffline {
    /// The map's address, or its secret edit link.
    pub address: String,
    /// A user of that server.
    #[serde(default)]
    #[ts(optional)]
    pub user: Option<String>,
    /// The user's password.
    #[serde(default)]
    #[ts(optional)]
    pub password: Option<String>,
    /// The map's secret edit link, where the address is the plain one.
    #[serde(default)]
    #[ts(optional)]
    pub edit_link: Option<String>,
    /// Whether the password is kept, not only the session.
    #[serde(default)]
    pub keep_password: bool,
    /// Whether plain http to another computer is fine.
    #[serde(default)]
    pub allow_http: bool,
}

/// A copy of a map's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct BackUp {
    /// Whether it is a sound map; a damaged or newer file was copied as it is.
    pub sound: bool,
    /// Its size.
    pub bytes: u64,
}

/// What a damaged map still gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Rescue {
    /// How many layers.
    pub layers: u64,
    /// How many features.
    pub features: u64,
    /// In how many places nothing could be read.
    pub unreadable: u64,
}

/// What this program is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct About {
    /// The program's version.
    pub version: String,
    /// The version of uMap that it was tested against.
    pub umap: String,
    /// SQLite's version.
    pub sqlite: String,
    /// The webview's version; empty outside one.
    pub webview: String,
    /// How the window is drawn: `default` or `software`.
    pub renderer: String,
    /// Where the maps lie.
    pub data_folder: String,
}

/// A format of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum FileKind {
    /// GeoJSON: the features alone.
    Geojson,
    /// uMap's own: settings, layers and features.
    Umap,
}

/// What became of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ImportReport {
    /// The layers that the features went to.
    pub layers: Vec<String>,
    /// How many of them are new.
    pub new_layers: u64,
    /// How many features came.
    pub features: u64,
    /// What was changed, with how often; in English.
    pub changed: BTreeMap<String, u64>,
    /// What was left out, with how often; in English.
    pub dropped: BTreeMap<String, u64>,
}
