//! A laptop with one map: the real store in a file, the real driver, against the real server.
#![allow(dead_code)]

use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::mpsc as std_mpsc;
use std::thread::JoinHandle;

use bivouac_app::driver::{Command, Driver, DriverError, Event, Stay, Summary};
use bivouac_app::online::{OnlineMap, SystemClock};
use bivouac_app::server::Clock;
use bivouac_journal::ids::{FeatureId, LayerId, Object};
use bivouac_journal::json::Json;
use bivouac_journal::operation::{Draft, Verb};
use bivouac_journal::path::Path;
use bivouac_link::{Client, Policy};
use bivouac_store::{NewMap, Store};
use serde_json::{Value, json};
use support::{TestMap, UmapServer};
use tokio::sync::mpsc;

/// A laptop that has taken one map offline.
pub struct Laptop {
    pub user: String,
    folder: tempfile::TempDir,
    server: String,
    password: String,
    map: String,
    seed: u64,
}

impl Laptop {
    /// A laptop with an empty file for that map; the first synchronising fills it.
    pub fn new(server: &UmapServer, url: &str, map: &TestMap, user: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let seed = u64::from(rand_seed());
        let new = NewMap {
            uuid: uuid::Uuid::new_v4().to_string(),
            name: "map".to_owned(),
            server: Some(url.to_owned()),
            server_map_id: map.id.to_string().parse().ok(),
            slug: None,
            account: Some(user.to_owned()),
            clock_id: FeatureId::from_bits(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15)).to_string(),
            created_at: now(),
        };
        drop(Store::create(&folder.path().join("map.sqlite"), &new).unwrap());
        Self {
            user: user.to_owned(),
            folder,
            server: url.to_owned(),
            password: server.password().to_owned(),
            map: map.id.to_string(),
            seed,
        }
    }

    /// The same laptop, which has synchronised once.
    pub fn offline(server: &UmapServer, map: &TestMap, user: &str) -> Self {
        let laptop = Self::new(server, server.url(), map, user);
        laptop.sync().unwrap();
        laptop
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("map.sqlite")
    }

    pub fn store(&self) -> Store {
        Store::open(&self.file()).unwrap()
    }

    /// Synchronises once, to the end.
    pub fn sync(&self) -> Result<Summary, DriverError> {
        let store = Rc::new(RefCell::new(self.store()));
        let (events, mut told) = mpsc::unbounded_channel();
        let (_keep, commands) = mpsc::unbounded_channel();
        runtime().block_on(async {
            let driver = self.driver(store, Stay::Once, events).await;
            let result = tokio::time::timeout(std::time::Duration::from_secs(120), driver.run(commands)).await;
            if std::env::var_os("BIVOUAC_TEST_TRACE").is_some() {
                while let Ok(event) = told.try_recv() {
                    eprintln!("{}: {event:?}", self.user);
                }
            }
            result.expect("synchronising takes no two minutes")
        })
    }

    async fn driver(
        &self,
        store: Rc<RefCell<Store>>,
        stay: Stay,
        events: mpsc::UnboundedSender<Event>,
    ) -> Driver<OnlineMap, SystemClock> {
        let client = Client::new(&self.server, &Policy::default()).unwrap();
        client.sign_in(&self.user, &self.password).await.unwrap();
        let server = Rc::new(OnlineMap::new(client, &self.map));
        let seed = u64::from(rand_seed()) ^ self.seed;
        Driver::new(store, server, Rc::new(SystemClock::default()), stay, seed, Some(self.user.clone()), events)
    }

    /// Stays in the room until the returned stay is ended.
    pub fn watch(&self) -> Watch {
        let (edits, mut to_do) = mpsc::unbounded_channel::<Edit>();
        let (tell, told) = std_mpsc::channel();
        let (ready, is_ready) = std_mpsc::channel();
        let copy = Self {
            user: self.user.clone(),
            folder: tempfile::tempdir().unwrap(),
            server: self.server.clone(),
            password: self.password.clone(),
            map: self.map.clone(),
            seed: self.seed,
        };
        let file = self.file();
        let thread = std::thread::spawn(move || {
            let store = Rc::new(RefCell::new(Store::open(&file).unwrap()));
            let (events, mut from_driver) = mpsc::unbounded_channel();
            let (commands, for_driver) = mpsc::unbounded_channel();
            let local = tokio::task::LocalSet::new();
            local.block_on(&runtime(), async {
                let driver = copy.driver(store.clone(), Stay::Watch, events).await;
                let _ = ready.send(());
                tokio::task::spawn_local(async move {
                    while let Some(event) = from_driver.recv().await {
                        let _ = tell.send(event);
                    }
                });
                tokio::task::spawn_local(async move {
                    while let Some(edit) = to_do.recv().await {
                        let command = edit(&mut store.borrow_mut());
                        let _ = commands.send(command);
                    }
                });
                driver.run(for_driver).await
            })
        });
        is_ready.recv().unwrap();
        Watch { edits, told: RefCell::new(Vec::new()), events: told, thread: Some(thread) }
    }
}

type Edit = Box<dyn FnOnce(&mut Store) -> Command + Send>;

/// A stay in the room.
pub struct Watch {
    edits: mpsc::UnboundedSender<Edit>,
    events: std_mpsc::Receiver<Event>,
    told: RefCell<Vec<Event>>,
    thread: Option<JoinHandle<Result<Summary, DriverError>>>,
}

impl Watch {
    /// Edits while online.
    pub fn edit(&self, edit: impl FnOnce(&mut Store) + Send + 'static) {
        let edit: Edit = Box::new(move |store| {
            edit(store);
            Command::Edited
        });
        self.edits.send(edit).unwrap_or_else(|_| panic!("the stay has ended"));
    }

    /// Looks at the store while online.
    pub fn look<T: Send + 'static>(&self, look: impl FnOnce(&mut Store) -> T + Send + 'static) -> T {
        let (answer, answered) = std_mpsc::channel();
        let edit: Edit = Box::new(move |store| {
            let _ = answer.send(look(store));
            Command::Edited
        });
        self.edits.send(edit).unwrap_or_else(|_| panic!("the stay has ended"));
        answered.recv().unwrap()
    }

    /// Everything told so far.
    pub fn events(&self) -> Vec<Event> {
        let mut told = self.told.borrow_mut();
        told.extend(self.events.try_iter());
        told.clone()
    }

    /// Waits for an event.
    pub fn wait_for(&self, what: &str, seconds: u64, is_it: impl Fn(&Event) -> bool) {
        support::wait_until(what, std::time::Duration::from_secs(seconds), || {
            if self.events().iter().any(&is_it) { Ok(()) } else { Err(self.events().len()) }
        });
    }

    /// Leaves the room.
    pub fn leave(mut self) -> Result<Summary, DriverError> {
        let leave: Edit = Box::new(|_| Command::Leave);
        let _ = self.edits.send(leave);
        self.thread.take().unwrap().join().unwrap()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            let leave: Edit = Box::new(|_| Command::Leave);
            let _ = self.edits.send(leave);
            let _ = thread.join();
        }
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

fn rand_seed() -> u32 {
    u32::from_le_bytes(uuid::Uuid::new_v4().as_bytes()[..4].try_into().unwrap())
}

pub fn now() -> u64 {
    SystemClock::default().now().wall_ms
}

pub fn layer(id: &str) -> LayerId {
    LayerId::parse(id).unwrap()
}

pub fn feature((layer_id, id): (&str, &str)) -> Object {
    Object::Feature(layer(layer_id), FeatureId::parse(id).unwrap())
}

pub fn set(store: &mut Store, object: Object, path: Path, value: Option<Value>) {
    let value = value.as_ref().map(Json::from_value);
    let draft = Draft { verb: Verb::Update, object, path: Some(path), value };
    store.commit_local("set", vec![draft], now()).unwrap();
}

pub fn rename(store: &mut Store, of: (&str, &str), name: &str) {
    set(store, feature(of), Path::property("name"), Some(json!(name)));
}

pub fn add(store: &mut Store, of: (&str, &str), name: &str, lng: f64, lat: f64) {
    let value = Json::from_value(&support::marker(of.1, name, lng, lat));
    let draft = Draft { verb: Verb::Upsert, object: feature(of), path: None, value: Some(value) };
    store.commit_local("add", vec![draft], now()).unwrap();
}

pub fn delete(store: &mut Store, of: (&str, &str)) {
    let draft = Draft { verb: Verb::Delete, object: feature(of), path: None, value: None };
    store.commit_local("delete", vec![draft], now()).unwrap();
}

pub fn add_layer(store: &mut Store, id: &str, name: &str) {
    let value = json!({"id": id, "rank": 5, "properties": {"displayOnLoad": true, "inCaption": true, "browsable": true, "name": name, "remoteData": {}, "fields": []}});
    let draft = Draft {
        verb: Verb::Upsert,
        object: Object::Layer(layer(id)),
        path: None,
        value: Some(Json::from_value(&value)),
    };
    store.commit_local("add layer", vec![draft], now()).unwrap();
}

pub fn features(store: &Store, of: &str) -> Vec<bivouac_store::Shown> {
    let query = bivouac_store::Query { layer: Some(layer(of)), limit: 1_000_000, ..bivouac_store::Query::default() };
    store.features(&query).unwrap()
}

/// As the program deletes a layer: its features before it, in one unit (rule 44).
pub fn delete_layer(store: &mut Store, id: &str) {
    let delete = |object| Draft { verb: Verb::Delete, object, path: None, value: None };
    let mut drafts: Vec<Draft> =
        features(store, id).into_iter().map(|f| delete(Object::Feature(f.layer, f.id))).collect();
    drafts.push(delete(Object::Layer(layer(id))));
    store.commit_local("delete layer", drafts, now()).unwrap();
}
