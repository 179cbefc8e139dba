//! One laptop's way to the server: the traits of the driver, with a network that fails and a
//! power plug that is pulled at the worst moment.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use bivouac_app::server::{Clock, Failure, LayerRead, LayerSave, Room, Saved, Server, SettingsSave, Version};
use bivouac_journal::ids::LayerId;
use bivouac_journal::session::Timestamp;
use bivouac_store::ServerMap;
use serde_json::{Map, Value};

use super::http::{Http, Post};
use super::random::Rng;
use super::relay::{Relay, Socket};
use super::world::World;

/// The network between one program and the server.
pub struct Link {
    pub name: String,
    pub world: Rc<World>,
    pub http: Rc<Http>,
    pub relay: Rc<Relay>,
    rng: RefCell<Rng>,
    /// Whether there is a network.
    pub up: Cell<bool>,
    /// In percent: a request or its answer is lost.
    pub flaky: Cell<u64>,
    /// So many more sends or requests, and the power fails.
    pub fuse: Cell<Option<u64>>,
    pub died: Cell<bool>,
    socket: RefCell<Option<std::rc::Weak<Socket>>>,
}

impl Link {
    pub fn new(name: &str, world: &Rc<World>, http: &Rc<Http>, relay: &Rc<Relay>, rng: Rng) -> Rc<Self> {
        Rc::new(Self {
            name: name.to_owned(),
            world: world.clone(),
            http: http.clone(),
            relay: relay.clone(),
            rng: RefCell::new(rng),
            up: Cell::new(true),
            flaky: Cell::new(0),
            fuse: Cell::new(None),
            died: Cell::new(false),
            socket: RefCell::default(),
        })
    }

    /// The network goes: sockets fall silent, requests fail.
    pub fn cut(&self) {
        self.up.set(false);
        if let Some(socket) = self.open_socket() {
            socket.cut();
        }
    }

    /// The connection to the room breaks; a new one may be made at once.
    pub fn reset(&self) {
        if let Some(socket) = self.open_socket() {
            socket.reset();
        }
    }

    pub fn open_socket(&self) -> Option<Rc<Socket>> {
        self.socket.borrow().as_ref().and_then(std::rc::Weak::upgrade)
    }

    /// Connects to the room.
    pub async fn dial(&self) -> Result<Rc<Socket>, Failure> {
        self.there().await?;
        let socket = Rc::new(self.relay.connect());
        *self.socket.borrow_mut() = Some(Rc::downgrade(&socket));
        Ok(socket)
    }

    /// Burns the fuse; at its end nothing happens any more, until somebody drops the program.
    pub async fn burn(&self) {
        let Some(left) = self.fuse.get() else { return };
        if left > 0 {
            self.fuse.set(Some(left - 1));
            return;
        }
        self.fuse.set(None);
        self.world.say(&self.name, || "the power fails".to_owned());
        self.died.set(true);
        std::future::pending::<()>().await;
    }

    /// A request on its way there; `Err` when it never arrives.
    pub async fn there(&self) -> Result<(), Failure> {
        self.burn().await;
        self.world.events.set(self.world.events.get() + 1);
        self.on_the_way("the request was lost").await
    }

    /// The answer on its way back; `Err` when it never arrives although the server did its part.
    pub async fn back(&self) -> Result<(), Failure> {
        self.on_the_way("the answer was lost").await?;
        self.burn().await;
        Ok(())
    }

    async fn on_the_way(&self, lost: &str) -> Result<(), Failure> {
        let (is_lost, takes) = {
            let mut rng = self.rng.borrow_mut();
            (rng.percent(self.flaky.get()), rng.between(1, 15))
        };
        if !self.up.get() || is_lost {
            let waits = self.rng.borrow_mut().between(500, 8_000);
            self.world.sleep(waits).await;
            return Err(Failure::Offline(lost.to_owned()));
        }
        self.world.sleep(takes).await;
        Ok(())
    }
}

/// The link as the driver uses it.
pub struct Laptop(pub Rc<Link>);

fn post(save: LayerSave) -> Post {
    Post {
        id: save.id.to_string(),
        name: save.name,
        rank: save.rank,
        parent: save.parent.map(|parent| parent.to_string()),
        settings: object(&save.settings),
        body: save.geojson,
    }
}

fn object(text: &str) -> Map<String, Value> {
    match serde_json::from_str(text) {
        Ok(Value::Object(members)) => members,
        other => panic!("settings are no object: {other:?}"),
    }
}

impl Server for Laptop {
    type Room = LaptopRoom;

    async fn token(&self) -> Result<String, Failure> {
        self.0.there().await?;
        let refused = self.0.http.read_only.get();
        self.0.back().await?;
        if refused {
            return Err(Failure::Refused("no right to edit, no token".to_owned()));
        }
        Ok(format!("token:{}", self.0.world.now()))
    }

    async fn connect(&self) -> Result<LaptopRoom, Failure> {
        Ok(LaptopRoom { socket: self.0.dial().await?, link: self.0.clone() })
    }

    async fn read_map(&self) -> Result<ServerMap, Failure> {
        self.0.there().await?;
        let map = self.0.http.read_map();
        self.0.back().await?;
        Ok(map)
    }

    async fn read_layer(&self, layer: &LayerId) -> Result<LayerRead, Failure> {
        self.0.there().await?;
        let read = self.0.http.read_layer(layer.as_str());
        self.0.back().await?;
        read.map(|(body, version)| LayerRead { body, version })
    }

    async fn versions(&self, layer: &LayerId) -> Result<Vec<Version>, Failure> {
        self.0.there().await?;
        let versions = self.0.http.versions(layer.as_str());
        self.0.back().await?;
        versions
    }

    async fn read_version(&self, layer: &LayerId, reference: &str) -> Result<String, Failure> {
        self.0.there().await?;
        let body = self.0.http.read_version(layer.as_str(), reference);
        self.0.back().await?;
        body
    }

    async fn create_layer(&self, save: LayerSave) -> Result<Saved, Failure> {
        self.0.there().await?;
        let saved = self.0.http.create(&self.0.name, post(save));
        self.0.back().await?;
        saved
    }

    async fn save_layer(&self, save: LayerSave, reference: &str) -> Result<Saved, Failure> {
        self.0.there().await?;
        // The server goes on whether or not anybody waits for the answer.
        let (http, name, reference) = (self.0.http.clone(), self.0.name.clone(), reference.to_owned());
        let handled = tokio::task::spawn_local(async move { http.save(&name, post(save), Some(&reference)).await });
        let saved = handled.await.unwrap_or_else(|error| panic!("handling a save: {error}"));
        self.0
            .world
            .say(&self.0.name, || format!("save: {:?}", saved.as_ref().map(|s| (&s.version, s.merged.is_some()))));
        self.0.back().await?;
        saved
    }

    async fn delete_layer(&self, layer: &LayerId) -> Result<(), Failure> {
        self.0.there().await?;
        let deleted = self.0.http.delete(&self.0.name, layer.as_str());
        self.0.back().await?;
        deleted
    }

    async fn save_settings(&self, save: SettingsSave) -> Result<(), Failure> {
        self.0.there().await?;
        let mut settings = object(&save.settings);
        settings.insert("name".to_owned(), Value::String(save.name));
        let saved = self.0.http.save_settings(&self.0.name, settings);
        self.0.back().await?;
        saved
    }
}

pub struct LaptopRoom {
    socket: Rc<Socket>,
    link: Rc<Link>,
}

impl Room for LaptopRoom {
    async fn send(&mut self, text: String) -> Result<(), String> {
        self.link.burn().await;
        self.link.world.say(&self.link.name, || format!("-> {text}"));
        self.socket.send(&text)
    }

    async fn receive(&mut self) -> Result<String, String> {
        let text = self.socket.receive().await?;
        self.link.world.say(&self.link.name, || format!("<- {text}"));
        Ok(text)
    }
}

/// A laptop's clocks: the wall clock is wrong by a fixed amount.
pub struct SkewedClock {
    pub world: Rc<World>,
    pub skew_ms: i64,
}

impl Clock for SkewedClock {
    fn now(&self) -> Timestamp {
        Timestamp { wall_ms: self.world.now().saturating_add_signed(self.skew_ms), mono_ms: self.world.elapsed() }
    }
}
