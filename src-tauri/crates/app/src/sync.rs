//! Going online with a map: its account, its rights, its birth on the server, and the driver.

use std::cell::RefCell;
use std::rc::Rc;

use bivouac_journal::ids::LayerId;
use bivouac_link::{Client, EditMode, LonLat, MapDocument, NewMap, find_map};
use bivouac_store::{Counts, Store};
use serde_json::Value;
use tokio::sync::mpsc;

use crate::account::{Account, Door};
use crate::driver::{Command, Driver, Event, Shared, Stay, Summary};
use crate::error::{AppError, Result};
use crate::library::OpenMap;
use crate::online::{OnlineMap, OnlineRoom, SystemClock};
use crate::server::{Failure, LayerRead, LayerSave, Saved, Server, SettingsSave, Version};
use crate::take;

/// What going online is asked for.
#[derive(Clone, Debug)]
pub struct Request {
    /// How long.
    pub stay: Stay,
    /// Another account than the one that the map was opened with.
    pub account: Option<Account>,
    /// The server of a map that is on none yet.
    pub server: Option<String>,
}

/// What going online came to.
#[derive(Clone, Debug)]
pub struct Done {
    /// What was exchanged.
    pub summary: Summary,
    /// How far the edits are now.
    pub counts: Counts,
    /// The address of a map that was created on the way.
    pub created: Option<String>,
    /// Whether the server lets us only read.
    pub read_only: bool,
}

/// An edit that is made while online.
pub type EditOnline = Box<dyn FnOnce(&mut Store)>;

/// Something for whoever watches a stay.
#[allow(async_fn_in_trait)]
pub trait Watcher {
    /// The driver tells something. The store may be read and written; edits are announced by
    /// the returned command.
    fn told(&self, event: &Event);

    /// Ends when the stay should end.
    async fn leave(&self);

    /// The next edit that is to be made while online; pending when there is none.
    async fn edit(&self) -> EditOnline {
        std::future::pending().await
    }

    /// The next command for the driver, from whoever edits the store beside it; pending when
    /// there is none. Dropping the future loses nothing.
    async fn command(&self) -> Command {
        std::future::pending().await
    }
}

/// Goes online with a map.
///
/// # Errors
/// What stops it; every edit stays on this laptop then.
pub async fn sync(map: OpenMap, request: &Request, door: &Door<'_>, watcher: &impl Watcher) -> Result<Done> {
    let (store, _owned) = map.split();
    stay(&Rc::new(RefCell::new(store)), request, door, watcher).await
}

/// As [`sync`], with a store that its owner goes on using: it is borrowed for one step at a time and
/// never while the network is waited for.
///
/// # Errors
/// What stops it; every edit stays on this laptop then.
pub async fn stay(store: &Shared, request: &Request, door: &Door<'_>, watcher: &impl Watcher) -> Result<Done> {
    let account = remember(&mut store.borrow_mut(), request)?;
    let record = store.borrow().map()?;
    let Some(server) = record.server.clone() else {
        return Err(AppError::bad(
            "sync the map",
            "it is on no server yet: say --server URL, and --user NAME unless it is to be anonymous",
        ));
    };
    let id = record.server_map_id.map(|id| id.to_string());
    let (client, id, account, created) = match id {
        Some(id) => (door.connect(&server, &account, Some(&id)).await?, id, account, None),
        None => {
            let born = create(store, &server, &account, door).await?;
            (born.client, born.id, born.account, Some(born.url))
        }
    };
    let document = client.read_map(&id).await?;
    let unsent = store.borrow().counts()?.unverified();
    let outcome = match document.edit_mode {
        EditMode::Disabled => read_only(store, &client, &id, &document, door, unsent).await,
        EditMode::Advanced | EditMode::Simple => {
            let staying = Staying {
                client: client.clone(),
                id,
                alone: document.edit_mode == EditMode::Simple,
                account: account.clone(),
            };
            staying.drive(store, request.stay, door, watcher).await
        }
    };
    // The session may have been renewed, also when the rest failed.
    door.leave(&client, &account)?;
    let summary = outcome?;
    tidy(&mut store.borrow_mut(), door.host.now_ms());
    let read_only = store.borrow().map()?.read_only;
    let counts = store.borrow().counts()?;
    Ok(Done { summary, counts, created, read_only })
}

/// Once a day the log loses what nobody needs any more (M12, rule 26). Nothing depends on it.
fn tidy(store: &mut Store, now_ms: u64) {
    match store.tidy(now_ms) {
        Ok(Some(done)) => tracing::info!(done.removed, done.expired, "the log was compacted"),
        Ok(None) => {}
        Err(error) => tracing::warn!(%error, "compact the log"),
    }
}

/// Keeps a newly named server or account in the map's row.
fn remember(store: &mut Store, request: &Request) -> Result<Account> {
    let mut tx = store.begin()?;
    let mut record = tx.map()?;
    if let Some(server) = &request.server {
        if record.server_map_id.is_some() && record.server.as_ref() != Some(server) {
            return Err(AppError::bad("sync the map", "it is on another server already"));
        }
        record.server = Some(server.clone());
    }
    if let Some(account) = &request.account {
        record.account = account.label();
    }
    tx.set_map(&record)?;
    tx.commit()?;
    Ok(Account::from_label(record.account.as_deref()))
}

struct Born {
    client: Client,
    id: String,
    url: String,
    account: Account,
}

/// Creates a map that was born offline on its server.
async fn create(store: &Shared, server: &str, account: &Account, door: &Door<'_>) -> Result<Born> {
    let client = match account {
        Account::User(_) => door.connect(server, account, None).await?,
        Account::Nobody | Account::EditLink => {
            // Without an account the link will be the only right: it must have a place to stay.
            door.can_keep_link()?;
            door.client(server)?
        }
    };
    let new = birth(&store.borrow())?;
    let made = client.create_map(new).await?;
    let mut account = account.clone();
    if let Some(link) = &made.anonymous_edit_url {
        // Before the map is ours: a link that is lost cannot be asked for again.
        door.keep_link(&client.server(), &made.id, link)?;
        account = Account::EditLink;
    }
    let address = find_map(&made.url)?;
    let mut store = store.borrow_mut();
    let mut tx = store.begin()?;
    let mut record = tx.map()?;
    record.server = Some(client.server());
    record.server_map_id = made.id.parse().ok();
    record.slug = address.slug;
    record.account = account.label();
    tx.set_map(&record)?;
    tx.commit()?;
    Ok(Born { client, id: made.id, url: made.url, account })
}

/// What a map that was born offline begins with on its server.
fn birth(store: &Store) -> Result<NewMap> {
    let settings = settings(store)?;
    let name = match settings.get("name").and_then(Value::as_str) {
        Some(name) => name.to_owned(),
        None => store.map()?.name,
    };
    Ok(NewMap {
        name: name.chars().take(200).collect(),
        center: center(store, &settings)?,
        settings: Value::Object(settings).to_string(),
        tags: Vec::new(),
        is_template: false,
    })
}

/// The map's properties, as its registers show them.
pub(crate) fn settings(store: &Store) -> Result<serde_json::Map<String, Value>> {
    match store.settings()?.shift_remove("properties") {
        Some(Value::Object(settings)) => Ok(settings),
        Some(_) | None => Ok(serde_json::Map::new()),
    }
}

/// The centre that the settings name, else the middle of the features.
fn center(store: &Store, settings: &serde_json::Map<String, Value>) -> Result<LonLat> {
    let number = |name: &str| settings.get("center")?.get(name)?.as_f64();
    if let (Some(lon), Some(lat)) = (number("lng"), number("lat")) {
        return Ok(LonLat { lon, lat });
    }
    let query = bivouac_store::Query { limit: 1000, ..bivouac_store::Query::default() };
    let mut all: Option<bivouac_journal::geometry::Bounds> = None;
    for feature in store.features(&query)? {
        let text: Value = serde_json::from_str(&feature.text).unwrap_or(Value::Null);
        let geometry = text.get("geometry").map(Value::to_string).unwrap_or_default();
        let bounds = bivouac_journal::geometry::inspect(&geometry).ok().and_then(|shape| shape.bounds);
        all = match (all, bounds) {
            (Some(a), Some(b)) => Some(a.union(b)),
            (a, b) => a.or(b),
        };
    }
    let middle = all.map(|b| LonLat { lon: (b.west + b.east) / 2.0, lat: (b.south + b.north) / 2.0 });
    Ok(middle.unwrap_or(LonLat { lon: 0.0, lat: 0.0 }))
}

/// A map that we may only see is read anew; what was edited before the right went stays.
async fn read_only(
    store: &Shared,
    client: &Client,
    id: &str,
    document: &MapDocument,
    door: &Door<'_>,
    unsent: u64,
) -> Result<Summary> {
    let read = take::merge(store, client, id, document, door).await?;
    let now = door.host.now_ms();
    {
        let mut store = store.borrow_mut();
        let mut tx = store.begin()?;
        let mut record = tx.map()?;
        record.synced_at = now;
        tx.set_map(&record)?;
        tx.commit()?;
    }
    if unsent > 0 {
        return Err(AppError::Refused(format!(
            "save the map: the server lets you only see it; {unsent} edits stay on this laptop, and `bivouac export` writes them to a file"
        )));
    }
    Ok(Summary { read: read.layers, verified: true, ..Summary::default() })
}

struct Staying {
    client: Client,
    id: String,
    /// Without the room: whoever may edit some layers only gets no token for it.
    alone: bool,
    account: Account,
}

impl Staying {
    async fn drive(self, store: &Shared, stay: Stay, door: &Door<'_>, watcher: &impl Watcher) -> Result<Summary> {
        let (events, mut told) = mpsc::unbounded_channel();
        let (commands, for_driver) = mpsc::unbounded_channel();
        let server = OneMap { online: OnlineMap::new(self.client.clone(), &self.id), alone: self.alone };
        let driver = Driver::new(
            store.clone(),
            Rc::new(server),
            Rc::new(SystemClock::default()),
            stay,
            door.host.random(),
            self.account.username(),
            events,
        );
        let result = {
            let mut run = std::pin::pin!(driver.run(for_driver));
            let mut leave = std::pin::pin!(watcher.leave());
            let mut leaving = false;
            loop {
                tokio::select! {
                    biased;
                    result = &mut run => break result,
                    Some(event) = told.recv() => watcher.told(&event),
                    edit = watcher.edit() => {
                        edit(&mut store.borrow_mut());
                        let _ = commands.send(Command::Edited);
                    }
                    command = watcher.command() => {
                        let _ = commands.send(command);
                    }
                    () = &mut leave, if !leaving => {
                        leaving = true;
                        let _ = commands.send(Command::Leave);
                    }
                }
            }
        };
        while let Ok(event) = told.try_recv() {
            watcher.told(&event);
        }
        result.map_err(AppError::from)
    }
}

/// A map online, with or without its room.
struct OneMap {
    online: OnlineMap,
    alone: bool,
}

impl Server for OneMap {
    type Room = OnlineRoom;

    async fn token(&self) -> Result<String, Failure> {
        if self.alone {
            return Err(Failure::NoRealTime("join the room: only some layers may be edited".to_owned()));
        }
        self.online.token().await
    }

    async fn connect(&self) -> Result<OnlineRoom, Failure> {
        self.online.connect().await
    }

    async fn read_map(&self) -> Result<bivouac_store::ServerMap, Failure> {
        self.online.read_map().await
    }

    async fn read_layer(&self, layer: &LayerId) -> Result<LayerRead, Failure> {
        self.online.read_layer(layer).await
    }

    async fn versions(&self, layer: &LayerId) -> Result<Vec<Version>, Failure> {
        self.online.versions(layer).await
    }

    async fn read_version(&self, layer: &LayerId, reference: &str) -> Result<String, Failure> {
        self.online.read_version(layer, reference).await
    }

    async fn create_layer(&self, save: LayerSave) -> Result<Saved, Failure> {
        self.online.create_layer(save).await
    }

    async fn save_layer(&self, save: LayerSave, reference: &str) -> Result<Saved, Failure> {
        self.online.save_layer(save, reference).await
    }

    async fn delete_layer(&self, layer: &LayerId) -> Result<(), Failure> {
        self.online.delete_layer(layer).await
    }

    async fn save_settings(&self, save: SettingsSave) -> Result<(), Failure> {
        self.online.save_settings(save).await
    }
}
