//! What is said about a map when it is made, saved or shared.

use std::fmt;

use serde::{Deserialize, Deserializer};

use crate::account::Person;
use crate::secret::Secret;

/// A position in degrees, longitude first as in GeoJSON.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LonLat {
    /// Degrees east.
    pub lon: f64,
    /// Degrees north.
    pub lat: f64,
}

/// Who may edit, as uMap numbers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EditStatus {
    /// 0, layers only: as the map says.
    Inherit,
    /// 1: everyone.
    Everyone,
    /// 2: the editors and the team.
    Editors,
    /// 3: the owner; for an anonymous map whoever has the secret edit link.
    Owner,
    /// A number that this version of Bivouac does not know.
    Other(i64),
}

impl EditStatus {
    /// uMap's number.
    pub fn number(self) -> i64 {
        match self {
            Self::Inherit => 0,
            Self::Everyone => 1,
            Self::Editors => 2,
            Self::Owner => 3,
            Self::Other(number) => number,
        }
    }
}

impl From<i64> for EditStatus {
    fn from(number: i64) -> Self {
        match number {
            0 => Self::Inherit,
            1 => Self::Everyone,
            2 => Self::Editors,
            3 => Self::Owner,
            other => Self::Other(other),
        }
    }
}

impl<'de> Deserialize<'de> for EditStatus {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        i64::deserialize(deserializer).map(Self::from)
    }
}

/// Who may see the map, as uMap numbers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShareStatus {
    /// 0: a draft, seen by those who may edit it.
    Draft,
    /// 1: everyone, and listed.
    Public,
    /// 2: anyone with the link.
    Link,
    /// 3: the editors and the team.
    Editors,
    /// 9: blocked by the server's people.
    Blocked,
    /// 99: deleted.
    Deleted,
    /// A number that this version of Bivouac does not know.
    Other(i64),
}

impl ShareStatus {
    /// uMap's number.
    pub fn number(self) -> i64 {
        match self {
            Self::Draft => 0,
            Self::Public => 1,
            Self::Link => 2,
            Self::Editors => 3,
            Self::Blocked => 9,
            Self::Deleted => 99,
            Self::Other(number) => number,
        }
    }
}

impl From<i64> for ShareStatus {
    fn from(number: i64) -> Self {
        match number {
            0 => Self::Draft,
            1 => Self::Public,
            2 => Self::Link,
            3 => Self::Editors,
            9 => Self::Blocked,
            99 => Self::Deleted,
            other => Self::Other(other),
        }
    }
}

impl<'de> Deserialize<'de> for ShareStatus {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        i64::deserialize(deserializer).map(Self::from)
    }
}

/// Who may do what with a map, as its document says.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Permissions {
    /// Who may edit.
    pub edit_status: EditStatus,
    /// Who may see.
    pub share_status: ShareStatus,
    /// The owner; none for an anonymous map.
    #[serde(default)]
    pub owner: Option<Person>,
    /// The editors; the whole list.
    #[serde(default)]
    pub editors: Vec<Person>,
    /// The team that owns it together.
    #[serde(default)]
    pub team: Option<Person>,
    /// The secret edit link, shown by the server to whoever holds the right already.
    #[serde(default)]
    pub anonymous_edit_url: Option<Secret>,
}

/// Permissions to be set. An owned map's owner and whole editors list always go along, because
/// the server takes their absence for their removal (rule 30).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PermissionsSave {
    /// A map with an owner.
    Owned {
        /// Who may edit.
        edit_status: EditStatus,
        /// Who may see.
        share_status: ShareStatus,
        /// The owner's user id.
        owner: String,
        /// The user ids of all editors.
        editors: Vec<String>,
        /// The team's id.
        team: Option<String>,
    },
    /// A map without an owner.
    Anonymous {
        /// Who may edit.
        edit_status: EditStatus,
        /// Who may see.
        share_status: ShareStatus,
    },
}

/// A map to be created.
#[derive(Clone, PartialEq)]
pub struct NewMap {
    /// Its name, at most 200 characters.
    pub name: String,
    /// Its centre.
    pub center: LonLat,
    /// Its properties: a JSON object.
    pub settings: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// Whether it is a template.
    pub is_template: bool,
}

/// A map's settings to be saved: all of them, since the server replaces what it has (rule 30).
#[derive(Clone, PartialEq)]
pub struct Settings {
    /// The map's name, at most 200 characters; wins over a `name` in `settings`.
    pub name: String,
    /// The map's centre.
    pub center: LonLat,
    /// The properties: a JSON object, see [`crate::MapDocument::settings`].
    pub settings: String,
    /// All tags; the server forgets them when they are not sent.
    pub tags: Vec<String>,
    /// Whether the map is a template; the server takes silence for no.
    pub is_template: bool,
}

impl fmt::Debug for NewMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The settings may hold the address of a tile server, with its key.
        f.debug_struct("NewMap").field("name", &self.name).finish_non_exhaustive()
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The server's answer to a created map.
#[derive(Debug, Clone)]
pub struct CreatedMap {
    /// The server's number of the map.
    pub id: String,
    /// Its full address.
    pub url: String,
    /// The secret edit link, for a map made without signing in; it is the only right to edit.
    pub anonymous_edit_url: Option<Secret>,
    /// Who may do what.
    pub permissions: Permissions,
    /// The server's clock, in milliseconds since 1970.
    pub server_time_ms: Option<i64>,
}

/// The server's answer to saved settings.
#[derive(Debug, Clone)]
pub struct SavedSettings {
    /// The map's full address, which changes with its name.
    pub url: String,
    /// Who may do what.
    pub permissions: Permissions,
    /// The server's clock, in milliseconds since 1970.
    pub server_time_ms: Option<i64>,
}
