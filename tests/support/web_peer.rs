//! One person at a real uMap page: what they do, and what their page holds.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::browser::Driver;
use crate::map::TestMap;

/// A uMap page in a browser, with cookies of its own. Methods may be called from several threads at once.
/// Features are named `(layer, feature)`: uMap's feature ids are unique per layer only.
#[derive(Debug)]
pub struct WebPeer {
    driver: Arc<Driver>,
    name: String,
}

/// What a page holds, read from its own objects.
#[derive(Debug, Clone, Deserialize)]
pub struct PageState {
    /// The map's name.
    pub name: Option<String>,
    /// The settings that a save would send.
    pub properties: Value,
    /// All layers, groups and their children too; deleted ones stay until the next save.
    pub layers: Vec<PageLayer>,
    /// Whether the page has something to save.
    pub dirty: bool,
    /// Whether a Save button can be clicked.
    pub save_enabled: bool,
    /// Whether the page is in the room.
    pub connected: bool,
    /// The page's id in the room.
    pub peer_id: String,
    /// The page's list of who is in the room: id to user name.
    pub peers: BTreeMap<String, Value>,
    /// The page's log of operations, in its own order.
    pub operations: Vec<Value>,
    /// Whether the dialog about a refused save is open.
    pub conflict: bool,
    /// Exceptions that the page's own scripts threw since it was made.
    pub errors: Vec<String>,
}

/// One layer of a page.
#[derive(Debug, Clone, Deserialize)]
pub struct PageLayer {
    /// The UUID.
    pub id: String,
    /// Its name.
    pub name: Option<String>,
    /// Its place among its siblings.
    pub rank: Option<i64>,
    /// The group that it is in.
    pub parent: Option<String>,
    /// Deleted here, not yet on the server.
    pub deleted: bool,
    /// Whether its features were fetched.
    pub loaded: bool,
    /// The version that the next save will name.
    pub reference_version: Option<String>,
    /// All its properties.
    pub properties: Value,
    /// Its features as GeoJSON with ids.
    pub features: Vec<Value>,
}

/// What a click on Save did.
#[derive(Debug, Clone, Deserialize)]
pub struct SaveReport {
    /// False when there was nothing to save.
    pub clicked: bool,
    /// The requests of this save, in order.
    pub posts: Vec<Post>,
    /// Still something to save afterwards.
    pub dirty: bool,
    /// The dialog about a refused save is open.
    pub conflict: bool,
}

/// One answered POST of a page.
#[derive(Debug, Clone, Deserialize)]
pub struct Post {
    /// The path.
    pub path: String,
    /// The HTTP status; 0 when no answer came.
    pub status: u16,
    /// The version that the answer named.
    pub version: Option<String>,
    /// The version that the request said it was based on.
    pub reference: Option<String>,
}

/// One message on the page's websockets.
#[derive(Debug, Clone, Deserialize)]
pub struct Frame {
    /// `sent` or `recv`.
    pub dir: String,
    /// The text.
    pub text: String,
}

impl WebPeer {
    pub(crate) fn new(driver: Arc<Driver>, name: String) -> Self {
        Self { driver, name }
    }

    /// Signs in at a server; cookies count for its host.
    #[track_caller]
    pub fn sign_in(&self, server: &str, user: &str, password: &str) {
        self.call("signIn", json!({"server": server, "user": user, "password": password}));
    }

    /// Opens a map for editing, and waits until it is loaded and in the room.
    #[track_caller]
    pub fn open(&self, map: &TestMap) {
        self.open_url(&map.url, true);
    }

    /// Opens a map without real time for editing, and waits until it is loaded.
    #[track_caller]
    pub fn open_without_room(&self, map: &TestMap) {
        self.open_url(&map.url, false);
    }

    /// Opens any address of a map, such as one through a proxy; `in_room` waits for the room too.
    #[track_caller]
    pub fn open_url(&self, url: &str, in_room: bool) {
        self.call("open", json!({"url": url, "realTime": in_room}));
    }

    /// Opens a map without an owner through its secret edit link.
    #[track_caller]
    pub fn open_with_link(&self, map: &TestMap, in_room: bool) {
        self.call("open", json!({"url": map.url, "editLink": map.edit_link, "realTime": in_room}));
    }

    /// Loads the page again, throwing away what was not saved.
    #[track_caller]
    pub fn reload(&self, in_room: bool) {
        self.call("reload", json!({"realTime": in_room}));
    }

    /// Waits until the page is in the room. After being offline uMap itself waits 2 to 32 s before it tries again.
    #[track_caller]
    pub fn wait_connected(&self, timeout: Duration) {
        let milliseconds = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
        self.call("waitConnected", json!({"timeout": milliseconds}));
    }

    /// What the page holds now.
    #[track_caller]
    pub fn state(&self) -> PageState {
        self.read("state", json!({}))
    }

    /// Sets a property of a feature, such as `properties.name`; `None` takes it away.
    #[track_caller]
    pub fn set(&self, (layer, feature): (&str, &str), key: &str, value: Option<Value>) {
        self.set_on(json!({"layer": layer, "feature": feature}), key, value);
    }

    /// Renames a feature.
    #[track_caller]
    pub fn rename(&self, feature: (&str, &str), name: &str) {
        self.set(feature, "properties.name", Some(json!(name)));
    }

    /// Renames a feature as a person does: its panel, typing, closing. Takes about 1 s.
    #[track_caller]
    pub fn type_name(&self, feature: (&str, &str), name: &str) {
        self.call("typeName", json!({"where": place(feature), "name": name}));
    }

    /// Gives a feature another geometry.
    #[track_caller]
    pub fn set_geometry(&self, feature: (&str, &str), geometry: &Value) {
        self.call("setGeometry", json!({"where": place(feature), "geometry": geometry}));
    }

    /// Drags a marker with the mouse. The result lies near `to`, not on it.
    #[track_caller]
    pub fn drag_marker(&self, feature: (&str, &str), from: [f64; 2], to: [f64; 2]) {
        self.call("dragMarker", json!({"where": place(feature), "from": from, "to": to}));
    }

    /// Adds a GeoJSON feature to a layer, and gives the id that the page chose (its own, if it is valid).
    #[track_caller]
    pub fn add(&self, layer: &str, feature: &Value) -> String {
        self.read("addFeature", json!({"layer": layer, "feature": feature}))
    }

    /// Draws a marker as a person does: the tool, then a click on the map. Gives `(layer, feature)`.
    #[track_caller]
    pub fn click_marker(&self, lng: f64, lat: f64) -> (String, String) {
        let made = self.call("clickMarker", json!({"lng": lng, "lat": lat}));
        let text = |key: &str| made[key].as_str().unwrap_or_default().to_owned();
        (text("layer"), text("feature"))
    }

    /// Deletes a feature.
    #[track_caller]
    pub fn delete(&self, feature: (&str, &str)) {
        self.call("deleteFeature", json!({"where": place(feature)}));
    }

    /// Adds a layer, and gives its id.
    #[track_caller]
    pub fn add_layer(&self, name: &str) -> String {
        self.read("addLayer", json!({"name": name}))
    }

    /// Sets a property of a layer, such as `properties.name`.
    #[track_caller]
    pub fn set_layer(&self, layer: &str, key: &str, value: Option<Value>) {
        self.set_on(json!({"layer": layer}), key, value);
    }

    /// Imports GeoJSON text into a new layer through the page's own import form, and gives the layer's id.
    #[track_caller]
    pub fn import(&self, layer_name: &str, collection: &Value) -> String {
        self.read("importText", json!({"name": layer_name, "text": collection.to_string()}))
    }

    /// Deletes a layer and its features.
    #[track_caller]
    pub fn delete_layer(&self, layer: &str) {
        self.call("deleteLayer", json!({"layer": layer}));
    }

    /// Sets a property of the map, such as `properties.name`.
    #[track_caller]
    pub fn set_map(&self, key: &str, value: Option<Value>) {
        self.set_on(json!({}), key, value);
    }

    /// Clicks Save and waits until the save has ended, well or not.
    #[track_caller]
    pub fn save(&self) -> SaveReport {
        self.read("save", json!({}))
    }

    /// Clicks Undo.
    #[track_caller]
    pub fn undo(&self) {
        self.call("undo", json!({}));
    }

    /// Clicks Redo.
    #[track_caller]
    pub fn redo(&self) {
        self.call("redo", json!({}));
    }

    /// Takes the network away: requests fail, the socket is closed.
    #[track_caller]
    pub fn offline(&self) {
        self.call("offline", json!({}));
    }

    /// Gives the network back; see [`WebPeer::wait_connected`].
    #[track_caller]
    pub fn online(&self) {
        self.call("online", json!({}));
    }

    /// The websocket messages since number `from`, both ways.
    #[track_caller]
    pub fn frames(&self, from: usize) -> Vec<Frame> {
        self.read("frames", json!({"from": from}))
    }

    /// Runs JavaScript in the page and gives its value.
    #[track_caller]
    pub fn evaluate(&self, script: &str) -> Value {
        self.call("evaluate", json!({"script": script}))
    }

    /// A picture of the page as PNG.
    #[track_caller]
    pub fn screenshot(&self, path: &Path) {
        self.call("screenshot", json!({"path": path}));
    }

    #[track_caller]
    fn set_on(&self, target: Value, key: &str, value: Option<Value>) {
        let mut arguments = json!({"where": target, "key": key});
        // An absent value unsets, null stores null.
        if let (Some(value), Some(fields)) = (value, arguments.as_object_mut()) {
            fields.insert("value".to_owned(), value);
        }
        self.call("set", arguments);
    }

    #[track_caller]
    fn call(&self, command: &str, arguments: Value) -> Value {
        self.driver.call(command, &self.name, arguments)
    }

    #[track_caller]
    fn read<T: DeserializeOwned>(&self, command: &str, arguments: Value) -> T {
        let value = self.call(command, arguments);
        match serde_json::from_value(value) {
            Ok(read) => read,
            Err(error) => panic!("web peer {}: {command} gave something else: {error}", self.name),
        }
    }
}

impl Drop for WebPeer {
    fn drop(&mut self) {
        // The browser may have ended before.
        let _ = self.driver.try_call("close", &self.name, json!({}));
    }
}

impl PageState {
    /// A layer by its id.
    #[track_caller]
    pub fn layer(&self, id: &str) -> &PageLayer {
        match self.layers.iter().find(|layer| layer.id == id) {
            Some(layer) => layer,
            None => panic!("the page has no layer {id}"),
        }
    }

    /// A feature of a layer, if the page has both.
    pub fn feature(&self, (layer, feature): (&str, &str)) -> Option<&Value> {
        let layer = self.layers.iter().find(|it| it.id == layer)?;
        layer.features.iter().find(|it| it["id"] == feature)
    }

    /// The name of a feature, if there is one.
    pub fn feature_name(&self, feature: (&str, &str)) -> Option<&str> {
        self.feature(feature)?["properties"]["name"].as_str()
    }
}

fn place((layer, feature): (&str, &str)) -> Value {
    json!({"layer": layer, "feature": feature})
}
