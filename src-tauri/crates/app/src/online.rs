//! A map on a real uMap server: [`crate::server::Server`] over HTTP and websocket.

use std::time::Instant;

use bivouac_journal::ids::LayerId;
use bivouac_journal::session::Timestamp;
use bivouac_link::{Client, EditMode, LinkError, LonLat, MapDocument, Reference, Settings, Socket};
use bivouac_store::{ServerLayer, ServerMap};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::server::{Clock, Failure, LayerRead, LayerSave, Room, Saved, Server, SettingsSave, Version};

/// One map on one server, through one account.
pub struct OnlineMap {
    client: Client,
    map: String,
}

impl OnlineMap {
    /// The map of that number, through this client's account.
    #[must_use]
    pub fn new(client: Client, map: &str) -> Self {
        Self { client, map: map.to_owned() }
    }

    /// The client.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }
}

impl From<LinkError> for Failure {
    fn from(error: LinkError) -> Self {
        let text = error.to_string();
        match error {
            LinkError::SignInNeeded { .. } | LinkError::WrongPassword => Failure::SignIn(text),
            LinkError::Refused { .. } => Failure::Refused(text),
            LinkError::Conflict { .. } => Failure::Conflict(text),
            LinkError::LayerExists { .. } => Failure::Exists(text),
            LinkError::NotFound { .. } | LinkError::Gone { .. } => Failure::NotFound(text),
            LinkError::Offline { .. }
            | LinkError::Timeout { .. }
            | LinkError::Dns { .. }
            | LinkError::Busy { .. }
            | LinkError::Server { .. } => Failure::Offline(text),
            LinkError::Tls { .. }
            | LinkError::Form { .. }
            | LinkError::Protocol { .. }
            | LinkError::TooLarge { .. }
            | LinkError::OriginRefused { .. }
            | LinkError::BadArgument { .. }
            | LinkError::Rejected { .. } => Failure::Rejected(text),
        }
    }
}

impl Server for OnlineMap {
    type Room = OnlineRoom;

    async fn token(&self) -> Result<String, Failure> {
        match self.client.ws_token(&self.map).await {
            Ok(token) => Ok(token.expose().to_owned()),
            // A server without real time has no such address.
            Err(error @ LinkError::NotFound { .. }) => Err(Failure::NoRealTime(error.to_string())),
            Err(error) => Err(error.into()),
        }
    }

    async fn connect(&self) -> Result<OnlineRoom, Failure> {
        Ok(OnlineRoom { socket: self.client.open_socket(&self.map).await? })
    }

    async fn read_map(&self) -> Result<ServerMap, Failure> {
        server_map(&self.client.read_map(&self.map).await?)
    }

    async fn read_layer(&self, layer: &LayerId) -> Result<LayerRead, Failure> {
        let read = self.client.read_layer(&self.map, layer.as_str()).await?;
        let version = self.full_name(layer, read.version.as_str()).await?;
        Ok(LayerRead { body: read.body, version })
    }

    async fn versions(&self, layer: &LayerId) -> Result<Vec<Version>, Failure> {
        let versions = self.client.versions(&self.map, layer.as_str()).await?;
        Ok(versions
            .into_iter()
            .map(|version| Version {
                reference: version.reference.as_str().to_owned(),
                at_ms: u64::try_from(version.at_ms).unwrap_or(0),
            })
            .collect())
    }

    async fn read_version(&self, layer: &LayerId, reference: &str) -> Result<String, Failure> {
        let reference = Reference::new(reference)?;
        Ok(self.client.read_version(&self.map, layer.as_str(), &reference).await?.body)
    }

    async fn create_layer(&self, save: LayerSave) -> Result<Saved, Failure> {
        Ok(saved(self.client.create_layer(&self.map, layer_save(save)).await?))
    }

    async fn save_layer(&self, save: LayerSave, reference: &str) -> Result<Saved, Failure> {
        let reference = Reference::new(short_name(reference))?;
        Ok(saved(self.client.save_layer(&self.map, layer_save(save), &reference).await?))
    }

    async fn delete_layer(&self, layer: &LayerId) -> Result<(), Failure> {
        Ok(self.client.delete_layer(&self.map, layer.as_str()).await?)
    }

    async fn save_settings(&self, save: SettingsSave) -> Result<(), Failure> {
        let (lon, lat) = save.center;
        let settings = Settings {
            name: save.name,
            center: LonLat { lon, lat },
            settings: save.settings,
            tags: save.tags,
            is_template: save.is_template,
        };
        self.client.save_settings(&self.map, settings).await?;
        Ok(())
    }
}

/// The server names the second save of one millisecond by the suffix of its file alone.
fn short_name(version: &str) -> &str {
    version.split_once('_').map_or(version, |(_, suffix)| suffix)
}

impl OnlineMap {
    /// A version with its time, which the server leaves out for the second save of a millisecond.
    async fn full_name(&self, layer: &LayerId, version: &str) -> Result<String, Failure> {
        if version.bytes().all(|b| b.is_ascii_digit()) {
            return Ok(version.to_owned());
        }
        let kept = self.versions(layer).await?;
        let named = kept.into_iter().find(|kept| short_name(&kept.reference) == version);
        Ok(named.map_or_else(|| version.to_owned(), |kept| kept.reference))
    }
}

fn layer_save(save: LayerSave) -> bivouac_link::LayerSave {
    let settings: Option<Value> = serde_json::from_str(&save.settings).ok();
    let display_on_load = settings.as_ref().and_then(|s| s.get("displayOnLoad")?.as_bool()).unwrap_or(true);
    bivouac_link::LayerSave {
        id: save.id.to_string(),
        name: save.name,
        rank: save.rank,
        parent: save.parent.map(|parent| parent.to_string()),
        settings: save.settings,
        display_on_load,
        geojson: save.geojson,
    }
}

fn saved(saved: bivouac_link::Saved) -> Saved {
    Saved { version: saved.version.as_str().to_owned(), merged: saved.merged }
}

/// What a map's document says, as the store merges it.
///
/// # Errors
/// When the document's settings are not a JSON object.
pub fn server_map(document: &MapDocument) -> Result<ServerMap, Failure> {
    let object = |text: &str| -> Result<Map<String, Value>, Failure> {
        serde_json::from_str(text).map_err(|e| Failure::Rejected(format!("read a map's settings: {e}")))
    };
    let mut settings = object(&document.settings())?;
    settings.insert("name".to_owned(), Value::String(document.name.clone()));
    // Where the map lies counts, as for a browser; the settings of older maps name no centre.
    if let Some(center) = document.center
        && !names_center(&settings, center)
    {
        settings.insert("center".to_owned(), json!({ "lat": center.lat, "lng": center.lon }));
    }
    let mut layers = Vec::new();
    for entry in &document.layers {
        let Some(id) = LayerId::parse(&entry.id) else { continue };
        layers.push(ServerLayer {
            id,
            rank: entry.rank.unwrap_or(0),
            parent: entry.parent.as_deref().and_then(LayerId::parse),
            properties: object(&entry.settings)?,
            edit_status: entry.edit_status.number(),
            edit_mode: Some(mode(entry.edit_mode).to_owned()),
            reference: entry.reference_version.clone(),
        });
    }
    let modified_at = document.modified_at.as_deref().and_then(|text| OffsetDateTime::parse(text, &Rfc3339).ok());
    let modified_at_ms = modified_at.and_then(|at| u64::try_from(at.unix_timestamp_nanos() / 1_000_000).ok());
    Ok(ServerMap {
        settings,
        layers,
        modified_at_ms: modified_at_ms.unwrap_or(0),
        server_time_ms: document.server_time_ms,
        urls: facts(document),
        rights: rights(document),
        may_edit: document.edit_mode != EditMode::Disabled,
    })
}

fn names_center(settings: &Map<String, Value>, center: LonLat) -> bool {
    let number = |name: &str| settings.get("center").and_then(|there| there.get(name)?.as_f64());
    number("lat") == Some(center.lat) && number("lng") == Some(center.lon)
}

/// What the server lets us do, kept so that the interface offers nothing else (rule 38).
fn rights(document: &MapDocument) -> Option<String> {
    let rights = serde_json::json!({
        "editMode": mode(document.edit_mode),
        "edit_status": document.permissions.edit_status.number(),
        "share_status": document.permissions.share_status.number(),
    });
    Some(rights.to_string())
}

/// The server's addresses, and under `tilelayer` the background of maps that name none.
fn facts(document: &MapDocument) -> Option<String> {
    let mut facts = serde_json::to_value(&document.urls).ok()?;
    let background = document.default_background.as_deref().and_then(|text| serde_json::from_str(text).ok());
    if let (Some(facts), Some(background)) = (facts.as_object_mut(), background) {
        facts.insert("tilelayer".to_owned(), background);
    }
    Some(facts.to_string())
}

fn mode(mode: EditMode) -> &'static str {
    match mode {
        EditMode::Advanced => "advanced",
        EditMode::Simple => "simple",
        EditMode::Disabled => "disabled",
    }
}

/// A websocket to a map's room.
pub struct OnlineRoom {
    socket: Socket,
}

impl Room for OnlineRoom {
    async fn send(&mut self, text: String) -> Result<(), String> {
        self.socket.send(text).await.map_err(|error| error.to_string())
    }

    async fn receive(&mut self) -> Result<String, String> {
        match self.socket.recv().await {
            bivouac_link::Event::Text(text) => Ok(text),
            bivouac_link::Event::Closed(reason) => Err(format!("{reason:?}")),
        }
    }
}

/// The laptop's own clocks.
pub struct SystemClock {
    start: Instant,
}

impl Default for SystemClock {
    fn default() -> Self {
        Self { start: Instant::now() }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let wall = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp {
            wall_ms: u64::try_from(wall.as_millis()).unwrap_or(0),
            mono_ms: u64::try_from(self.start.elapsed().as_millis()).unwrap_or(0),
        }
    }
}
