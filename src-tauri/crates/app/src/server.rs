//! A map's server as the driver sees it: documents and a room, wherever they come from.
//!
//! The product speaks to a real uMap server through [`crate::online`]; the simulation puts a
//! model of one, with its races and faults, in its place and runs the same driver.

use bivouac_journal::ids::LayerId;
use bivouac_store::ServerMap;

/// Why a request failed, as far as the driver decides by it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// No answer: try again later.
    #[error("{0}")]
    Offline(String),
    /// Signing in again is needed.
    #[error("{0}")]
    SignIn(String),
    /// The right is missing.
    #[error("{0}")]
    Refused(String),
    /// The server holds a contradicting version (412).
    #[error("{0}")]
    Conflict(String),
    /// A layer with this id exists already.
    #[error("{0}")]
    Exists(String),
    /// There is no such thing.
    #[error("{0}")]
    NotFound(String),
    /// The server offers no real time for this map.
    #[error("{0}")]
    NoRealTime(String),
    /// The answer makes no sense, or the request was not accepted.
    #[error("{0}")]
    Rejected(String),
}

/// A layer's document at one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerRead {
    /// The document, verbatim.
    pub body: String,
    /// The version that a save of it has to name.
    pub version: String,
}

/// One kept version of a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Its name.
    pub reference: String,
    /// When it was saved, in ms since 1970.
    pub at_ms: u64,
}

/// What is saved of a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerSave {
    /// Which.
    pub id: LayerId,
    /// Its name.
    pub name: String,
    /// Its place among its siblings.
    pub rank: i64,
    /// The group that it lies in.
    pub parent: Option<LayerId>,
    /// Its properties: a JSON object.
    pub settings: String,
    /// The whole document.
    pub geojson: String,
}

/// The server's answer to a save.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saved {
    /// The version that it made.
    pub version: String,
    /// The document that the server merged instead of taking ours as it was.
    pub merged: Option<String>,
}

/// What is saved of the map itself.
#[derive(Clone, Debug, PartialEq)]
pub struct SettingsSave {
    /// The map's name.
    pub name: String,
    /// Its centre: longitude and latitude.
    pub center: (f64, f64),
    /// Its properties: a JSON object without what the server adds.
    pub settings: String,
    /// Its tags, which the server forgets when they are not sent.
    pub tags: Vec<String>,
    /// Whether it is a template.
    pub is_template: bool,
}

/// One map on a server.
#[allow(async_fn_in_trait)]
pub trait Server {
    /// A connection to the map's room.
    type Room: Room;

    /// The right to join the room, valid for half a minute.
    async fn token(&self) -> Result<String, Failure>;
    /// Connects to the room; joining is the session's.
    async fn connect(&self) -> Result<Self::Room, Failure>;
    /// Reads the map's settings and its list of layers.
    async fn read_map(&self) -> Result<ServerMap, Failure>;
    /// Reads a layer's document.
    async fn read_layer(&self, layer: &LayerId) -> Result<LayerRead, Failure>;
    /// Lists the kept versions of a layer.
    async fn versions(&self, layer: &LayerId) -> Result<Vec<Version>, Failure>;
    /// Reads a kept version.
    async fn read_version(&self, layer: &LayerId, reference: &str) -> Result<String, Failure>;
    /// Creates a layer.
    async fn create_layer(&self, save: LayerSave) -> Result<Saved, Failure>;
    /// Saves a layer on top of the version `reference` (rule 29: there is no save without one).
    async fn save_layer(&self, save: LayerSave, reference: &str) -> Result<Saved, Failure>;
    /// Deletes a layer.
    async fn delete_layer(&self, layer: &LayerId) -> Result<(), Failure>;
    /// Saves the map's settings.
    async fn save_settings(&self, save: SettingsSave) -> Result<(), Failure>;
}

/// A connection to a room.
#[allow(async_fn_in_trait)]
pub trait Room {
    /// Sends a text frame.
    async fn send(&mut self, text: String) -> Result<(), String>;
    /// The next text frame, or why there is none. Dropping the future loses nothing.
    async fn receive(&mut self) -> Result<String, String>;
}

/// The two clocks of a laptop.
pub trait Clock {
    /// Both at this instant.
    fn now(&self) -> bivouac_journal::session::Timestamp;
}
