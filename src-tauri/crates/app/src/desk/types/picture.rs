//! Pictures of the web: the background, and which hosts may be asked.

use serde::Serialize;
use ts_rs::TS;

/// The background of tiles of the open map.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct BackgroundView {
    /// What people call it.
    pub name: String,
    /// Whom it is owed to, in uMap's text syntax.
    pub attribution: String,
    /// The first zoom that has tiles.
    pub min_zoom: u32,
    /// The last one; beyond it its tiles are drawn larger.
    pub max_zoom: u32,
    /// Who is asked for tiles, as the user is asked about it.
    pub host: String,
    /// Whether that host may be asked.
    pub leave: Leave,
    /// Whether tiles may be loaded now; without that the kept ones are shown.
    pub online: bool,
    /// Different for different tiles.
    pub key: String,
}

/// Whether a host may be asked for pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum Leave {
    /// Nobody said so yet.
    Unasked,
    /// It may.
    Yes,
    /// It may not.
    No,
    /// It lies in a private network, and no map of that server does.
    Private,
}

/// What was said about hosts, and what is kept of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct PictureHosts {
    /// By name.
    pub hosts: Vec<PictureHost>,
    /// How much is kept, in bytes.
    pub bytes: u64,
}

/// What was said about a host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct PictureHost {
    /// Its name, with the port where that is an odd one.
    pub host: String,
    /// Whether it may be asked.
    pub allowed: bool,
}
