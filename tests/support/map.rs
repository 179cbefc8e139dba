//! Maps on the real server, made and read by plain HTTP.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::http::{Answer, Visitor};
use crate::server::UmapServer;

/// How a map for a test is made.
#[derive(Debug, Clone)]
pub struct MapSpec {
    /// The map's name.
    pub name: String,
    /// A user, or nobody: then the edit right is a secret link.
    pub owner: Option<String>,
    /// Whether browsers join the room (`properties.syncEnabled`).
    pub real_time: bool,
}

impl MapSpec {
    /// A map of alice's with real time.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), owner: Some("alice".to_owned()), real_time: true }
    }

    /// Nobody's map: edited by its secret link.
    pub fn anonymous(mut self) -> Self {
        self.owner = None;
        self
    }

    /// Browsers open it without a socket.
    pub fn without_real_time(mut self) -> Self {
        self.real_time = false;
        self
    }
}

/// A map on the server: public, and everybody may edit it.
#[derive(Debug, Clone)]
pub struct TestMap {
    /// The server's number of it.
    pub id: u64,
    /// Its page.
    pub url: String,
    /// The secret edit link of a map without an owner.
    pub edit_link: Option<String>,
    /// Who made it, with the cookies of it.
    pub maker: Visitor,
    server: String,
}

/// A layer as the server keeps it.
#[derive(Debug, Clone)]
pub struct SavedLayer {
    /// The version of this document, as in `X-Datalayer-Version`.
    pub version: String,
    /// The stored bytes.
    pub text: String,
    /// The same, parsed.
    pub json: Value,
}

/// One kept version of a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// The `ref`, which is the version number.
    pub reference: String,
    /// When it was saved, milliseconds as text.
    pub at: String,
    /// Bytes.
    pub size: u64,
}

impl TestMap {
    /// Makes a map as `spec` says.
    #[track_caller]
    pub fn create(server: &UmapServer, spec: &MapSpec) -> Self {
        let maker = match &spec.owner {
            Some(user) => Visitor::signed_in(server, user),
            None => Visitor::anonymous(server),
        };
        let settings = settings(&spec.name, spec.real_time);
        let answer = maker.post("/en/map/create/", &as_fields(&settings));
        let made = answer.json();
        let (Some(id), Some(page)) = (made["id"].as_u64(), made["url"].as_str()) else {
            panic!("making the map {:?} was answered {}: {}", spec.name, answer.status, answer.text);
        };
        let map = Self {
            id,
            url: format!("{}{page}", server.url()),
            edit_link: made["permissions"]["anonymous_edit_url"].as_str().map(str::to_owned),
            maker,
            server: server.url().to_owned(),
        };
        map.open_to_everybody(made["permissions"]["owner"]["id"].as_u64());
        map
    }

    /// Public, edited by everyone. A permissions POST without the owner would remove the owner.
    #[track_caller]
    fn open_to_everybody(&self, owner: Option<u64>) {
        let owner = owner.map(|id| id.to_string());
        let mut fields = vec![("edit_status", "1"), ("share_status", "1")];
        if let Some(owner) = &owner {
            fields.push(("owner", owner));
        }
        let answer = self.maker.post(&self.path("update/permissions/"), &fields);
        assert!(answer.status == 200 && answer.json()["info"].is_string(), "permissions: {}", answer.text);
    }

    /// Adds a layer with these features (GeoJSON features with ids), and gives its id.
    #[track_caller]
    pub fn add_layer(&self, name: &str, features: &[Value]) -> String {
        let id = Uuid::new_v4().to_string();
        let rank = self.layers().len();
        let document = json!({
            "type": "FeatureCollection", "features": features,
            "properties": layer_properties(name), "id": id, "rank": rank,
        });
        let answer =
            self.send_layer(("create", &id), (name, &layer_properties(name)), rank, &document.to_string(), None);
        assert!(answer.status == 200 && answer.json()["id"].is_string(), "adding {name:?}: {}", answer.text);
        id
    }

    /// Adds a layer with these settings and this document's text.
    #[track_caller]
    pub fn add_document(&self, id: &str, rank: usize, settings: &Value, document: &str) {
        let name = settings["name"].as_str().unwrap_or("Layer");
        let answer = self.send_layer(("create", id), (name, settings), rank, document, None);
        assert!(answer.status == 200 && answer.json()["id"].is_string(), "adding {name:?}: {}", answer.text);
    }

    /// Saves a whole layer document as a plain client would; the answer may be a refusal.
    /// Without `reference` the server overwrites whatever is there.
    #[track_caller]
    pub fn save_layer(&self, id: &str, document: &Value, reference: Option<&str>) -> Answer {
        let name = document["properties"]["name"].as_str().unwrap_or("Layer").to_owned();
        let rank = document["rank"].as_u64().and_then(|rank| usize::try_from(rank).ok());
        self.send_layer(
            ("update", id),
            (&name, &layer_properties(&name)),
            rank.unwrap_or(0),
            &document.to_string(),
            reference,
        )
    }

    #[track_caller]
    fn send_layer(
        &self,
        (verb, id): (&str, &str),
        (name, settings): (&str, &Value),
        rank: usize,
        document: &str,
        reference: Option<&str>,
    ) -> Answer {
        let (rank, settings) = (rank.to_string(), settings.to_string());
        let fields = [
            ("name", name),
            ("rank", rank.as_str()),
            ("settings", settings.as_str()),
            ("display_on_load", "true"),
            ("parent", ""),
        ];
        let path = self.path(&format!("datalayer/{verb}/{id}/"));
        self.maker.post_document(&path, &fields, document, reference)
    }

    /// The stored document of a layer.
    #[track_caller]
    pub fn layer(&self, id: &str) -> SavedLayer {
        let answer = self.maker.get(&format!("/en/datalayer/{}/{id}/", self.id));
        assert_eq!(answer.status, 200, "reading the layer {id}: {:.300}", answer.text);
        let json = answer.json();
        SavedLayer { version: answer.version.unwrap_or_default(), text: answer.text, json }
    }

    /// The kept versions of a layer, newest first.
    #[track_caller]
    pub fn versions(&self, id: &str) -> Vec<Version> {
        let answer = self.maker.get(&format!("/en/datalayer/{}/{id}/versions/", self.id));
        let list = answer.json();
        let Some(versions) = list["versions"].as_array() else {
            panic!("the versions of {id} were answered {}: {:.300}", answer.status, answer.text);
        };
        versions.iter().map(version).collect()
    }

    /// One kept version of a layer.
    #[track_caller]
    pub fn layer_version(&self, id: &str, reference: &str) -> Value {
        self.maker.get(&format!("/en/datalayer/{}/{id}/{reference}", self.id)).json()
    }

    /// Deletes a layer on the server.
    #[track_caller]
    pub fn delete_layer(&self, id: &str) -> Answer {
        self.maker.post(&self.path(&format!("datalayer/delete/{id}/")), &[])
    }

    /// The map as the server tells it: a GeoJSON feature with settings, rights, URLs and the tree of layers.
    #[track_caller]
    pub fn read(&self) -> Value {
        self.maker.get(&self.path("geojson/")).json()
    }

    /// The top layers, as the server lists them (without features).
    #[track_caller]
    pub fn layers(&self) -> Vec<Value> {
        self.read()["properties"]["datalayers"].as_array().cloned().unwrap_or_default()
    }

    /// Saves the map's settings: a name, and whether browsers join the room.
    #[track_caller]
    pub fn save_settings(&self, name: &str, real_time: bool) -> Answer {
        let settings = settings(name, real_time);
        self.maker.post(&self.path("update/settings/"), &as_fields(&settings))
    }

    /// Saves the map's settings: these properties, with real time.
    #[track_caller]
    pub fn save_properties(&self, properties: &Value) {
        let mut properties = properties.clone();
        properties["syncEnabled"] = json!(true);
        let name = properties["name"].as_str().unwrap_or_default().to_owned();
        let center = json!({"type": "Point", "coordinates": [4.0, 46.0]});
        let feature = json!({"type": "Feature", "geometry": center, "properties": properties});
        let fields = [("name", name), ("center", center.to_string()), ("settings", feature.to_string())];
        let answer = self.maker.post(&self.path("update/settings/"), &as_fields(&fields));
        assert_eq!(answer.status, 200, "saving settings: {:.300}", answer.text);
    }

    /// The map's page at another address, such as a proxy's.
    pub fn url_at(&self, server: &str) -> String {
        self.url.replacen(&self.server, server, 1)
    }

    fn path(&self, rest: &str) -> String {
        format!("/en/map/{}/{rest}", self.id)
    }
}

/// A marker as a GeoJSON feature; `id` is 5 letters or digits.
pub fn marker(id: &str, name: &str, lng: f64, lat: f64) -> Value {
    json!({
        "type": "Feature", "id": id,
        "geometry": {"type": "Point", "coordinates": [lng, lat]},
        "properties": {"name": name},
    })
}

fn layer_properties(name: &str) -> Value {
    json!({
        "displayOnLoad": true, "inCaption": true, "browsable": true, "name": name, "remoteData": {},
        "fields": [{"key": "name", "type": "String"}, {"key": "description", "type": "Text"}],
    })
}

fn settings(name: &str, real_time: bool) -> [(&'static str, String); 3] {
    let center = json!({"type": "Point", "coordinates": [8.54, 47.37]});
    let feature = json!({
        "type": "Feature", "geometry": center,
        "properties": {"name": name, "zoom": 12, "syncEnabled": real_time},
    });
    [("name", name.to_owned()), ("center", center.to_string()), ("settings", feature.to_string())]
}

fn as_fields<'a>(settings: &'a [(&'static str, String); 3]) -> Vec<(&'a str, &'a str)> {
    settings.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

fn version(entry: &Value) -> Version {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    Version { reference: text(&entry["ref"]), at: text(&entry["at"]), size: entry["size"].as_u64().unwrap_or_default() }
}
