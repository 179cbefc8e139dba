//! The live path: what the client adds to the room's own time in both directions, and what
//! keeping up with a server's whole throughput costs of a processor.
//!
//! The real driver, a real websocket, a real file. The room is another process, so that the
//! processor's time of this one is the client's. A client that does nothing but listen and talk
//! goes through the same room first: what that takes is the room's, the network's and the
//! scheduler's, and is subtracted.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use bivouac_app::driver::{Command, Driver, Event, Stay};
use bivouac_app::server::{Clock, Failure, LayerRead, LayerSave, Room as Line, Saved, Server, SettingsSave, Version};
use bivouac_journal::ids::{FeatureId, LayerId, Object};
use bivouac_journal::json::Json;
use bivouac_journal::operation::{Draft, Verb};
use bivouac_journal::path::Path;
use bivouac_journal::session::Timestamp;
use bivouac_link::{Policy, Socket};
use bivouac_store::{ServerLayer, ServerMap, Store};
use futures_util::{SinkExt as _, StreamExt as _};
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;

use crate::Outcome;
use crate::catch_up::{new_store, take};
use crate::report::{Limit, Report, quantile};
use crate::room::{BEFORE, EDITED, Room, nanos};
use crate::workload::{self, NOW};

const RUNS: usize = 3;
/// A lively room: operations a second, and how many.
const LIVELY: (u32, usize) = (50, 500);
/// All that a server passes on.
const BUSY: (u32, usize) = (800, 8_800);
/// The user's own edits, and the time between two.
const EDITS: (usize, Duration) = (250, Duration::from_millis(20));
/// How far behind the room a client may be that keeps up with it, in ms.
const KEEPS_UP_MS: f64 = 100.0;

pub(crate) fn run(report: &mut Report) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let local = tokio::task::LocalSet::new();
    let mut figures = Vec::new();
    for _ in 0..RUNS {
        let bare = local.block_on(&runtime, bare())?;
        figures.push((bare, local.block_on(&runtime, driven())?));
    }
    let of = |value: fn(&Bare, &Driven) -> f64| -> Vec<f64> { figures.iter().map(|(b, d)| value(b, d)).collect() };
    let others = |b: &Bare, d: &Driven| quantile(&d.shown, 0.99) - quantile(&b.heard, 0.99);
    let own = |b: &Bare, d: &Driven| quantile(&d.told, 0.99) - quantile(&b.told, 0.99);
    let worse = figures.iter().map(|(b, d)| others(b, d).max(own(b, d))).collect::<Vec<_>>();
    report.add("live_p99_added_ms", "ms", Limit::AtMost(2.0), &worse);
    report.add("live_800_cpu_share", "x", Limit::AtMost(0.1), &of(|_, d| d.share));
    report.add(
        "live_p99_added_to_others_ms",
        "ms",
        Limit::None,
        &figures.iter().map(|(b, d)| others(b, d)).collect::<Vec<_>>(),
    );
    report.add(
        "live_p99_added_to_own_ms",
        "ms",
        Limit::None,
        &figures.iter().map(|(b, d)| own(b, d)).collect::<Vec<_>>(),
    );
    report.add(
        "live_p50_added_to_others_ms",
        "ms",
        Limit::None,
        &of(|b, d| quantile(&d.shown, 0.5) - quantile(&b.heard, 0.5)),
    );
    report.add(
        "live_p50_added_to_own_ms",
        "ms",
        Limit::None,
        &of(|b, d| quantile(&d.told, 0.5) - quantile(&b.told, 0.5)),
    );
    let behind = of(|_, d| d.busy.last().copied().unwrap_or(f64::NAN));
    report.add("live_800_last_ms", "ms", Limit::AtMost(KEEPS_UP_MS), &behind);
    report.add("live_800_p99_ms", "ms", Limit::None, &of(|_, d| quantile(&d.busy, 0.99)));
    report.add("live_edit_acknowledged_p50_ms", "ms", Limit::None, &of(|_, d| quantile(&d.acknowledged, 0.5)));
    report.add("live_room_p99_ms", "ms", Limit::None, &of(|b, _| quantile(&b.heard, 0.99)));
    Ok(())
}

/// Of a client that does nothing, in ms.
struct Bare {
    heard: Vec<f64>,
    told: Vec<f64>,
}

async fn bare() -> Outcome<Bare> {
    let mut room = Room::open().await?;
    let (socket, _) = tokio_tungstenite::connect_async(&room.url).await?;
    let (mut sink, mut source) = socket.split();
    sink.send(Message::text(json!({"kind": "JoinRequest", "token": "any", "peer": "barec"}).to_string())).await?;
    let arrived = Rc::new(RefCell::new(Vec::new()));
    let listening = tokio::task::spawn_local({
        let arrived = arrived.clone();
        async move {
            while let Some(Ok(message)) = source.next().await {
                if matches!(&message, Message::Text(text) if text.as_str().ends_with("\"OperationMessage\"}")) {
                    arrived.borrow_mut().push(nanos());
                }
            }
        }
    });
    let sent = room.feed(LIVELY.0, LIVELY.1).await?;
    wait_until(|| arrived.borrow().len() >= sent.len()).await?;
    let heard = pairs(&sent, &arrived.borrow())?;
    let mut said = Vec::new();
    for number in 0..EDITS.0 {
        tokio::time::sleep(EDITS.1).await;
        let text = json!({
            "sender": "barec", "verb": "update", "subject": "map", "key": "properties.name",
            "value": format!("{EDITED} {number}"), "kind": "OperationMessage",
        });
        said.push(nanos());
        sink.send(Message::text(text.to_string())).await?;
    }
    wait_until(|| arrived.borrow().len() >= sent.len() + said.len()).await?;
    let told = pairs(&said, &room.heard().await?)?;
    listening.abort();
    Ok(Bare { heard, told })
}

/// Of the driver, in ms.
struct Driven {
    /// From an operation's sending to a committed one that the window was told of.
    shown: Vec<f64>,
    /// From an edit's acknowledgement to its arrival in the room.
    told: Vec<f64>,
    acknowledged: Vec<f64>,
    /// As `shown`, when the server passes on all it can.
    busy: Vec<f64>,
    /// Of one processor meanwhile.
    share: f64,
}

async fn driven() -> Outcome<Driven> {
    let mut room = Room::open().await?;
    let folder = tempfile::tempdir()?;
    let mut store = new_store(&folder.path().join("map"))?;
    take(&mut store, &workload::parts(&workload::operations(BEFORE as u64, 0), workload::LARGEST_PART))?;
    let window = Window::new(store)?;
    let server = Still { url: room.url.clone(), layer: LayerId::parse(workload::LAYER).ok_or("a layer's name")? };
    let (events, mut told) = mpsc::unbounded_channel();
    let (commands, for_driver) = mpsc::unbounded_channel();
    let clock = Rc::new(After(Instant::now()));
    let driver = Driver::new(window.store.clone(), Rc::new(server), clock, Stay::Watch, 5, None, events);
    let staying = tokio::task::spawn_local({
        let window = window.clone();
        async move {
            let mut run = std::pin::pin!(driver.run(for_driver));
            loop {
                tokio::select! {
                    biased;
                    ended = &mut run => return ended.map_err(|error| error.to_string()),
                    Some(event) = told.recv() => window.told(&event),
                }
            }
        }
    });
    wait_until(|| window.is_settled.get()).await?;

    let shown = window.watch(&mut room, LIVELY).await?;
    let (spent, since) = (spent(), Instant::now());
    let busy = window.watch(&mut room, BUSY).await?;
    let share = (self::spent() - spent) / since.elapsed().as_secs_f64();
    // What browsers wrote at once is repaired when it is quiet.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let (acknowledged, told) = window.edit(&mut room, &commands).await?;
    commands.send(Command::Leave)?;
    staying.await??;
    Ok(Driven { shown, told, acknowledged, busy, share })
}

/// Whoever looks at the map.
#[derive(Clone)]
struct Window {
    store: Rc<RefCell<Store>>,
    /// Up to which row of the log the map was shown, and when.
    shown: Rc<RefCell<Vec<(i64, u64)>>>,
    is_settled: Rc<std::cell::Cell<bool>>,
}

impl Window {
    fn new(store: Store) -> Outcome<Self> {
        Ok(Self { store: Rc::new(RefCell::new(store)), shown: Rc::default(), is_settled: Rc::default() })
    }

    fn told(&self, event: &Event) {
        match event {
            Event::Changed => {
                if let Ok(row) = self.store.borrow().last_row() {
                    self.shown.borrow_mut().push((row, nanos()));
                }
            }
            Event::Verified => self.is_settled.set(true),
            _ => {}
        }
    }

    /// How long after its sending each operation of the browsers was shown, in ms.
    async fn watch(&self, room: &mut Room, (per_second, count): (u32, usize)) -> Outcome<Vec<f64>> {
        let before = self.store.borrow().last_row()?;
        self.shown.borrow_mut().clear();
        let sent = room.feed(per_second, count).await?;
        let last = before + i64::try_from(count)?;
        wait_until(|| self.shown.borrow().last().is_some_and(|(row, _)| *row >= last)).await?;
        let mut told = self.shown.borrow().clone().into_iter().peekable();
        let arrived: Vec<u64> = (before + 1..=last)
            .map_while(|row| {
                while told.next_if(|(shown, _)| *shown < row).is_some() {}
                told.peek().map(|(_, at)| *at)
            })
            .collect();
        pairs(&sent, &arrived)
    }

    /// How long each own edit took to be acknowledged, and from there to the room, in ms.
    async fn edit(&self, room: &mut Room, commands: &mpsc::UnboundedSender<Command>) -> Outcome<(Vec<f64>, Vec<f64>)> {
        let features = workload::operations(BEFORE as u64, 0);
        let mut features = features.iter().filter(|made| made.verb == "upsert" && !made.feature.is_empty());
        let layer = LayerId::parse(workload::LAYER).ok_or("a layer's name")?;
        room.heard().await?;
        let (mut acknowledged, mut said) = (Vec::new(), Vec::new());
        while said.len() < EDITS.0 {
            tokio::time::sleep(EDITS.1).await;
            let feature = FeatureId::parse(&features.next().ok_or("a feature")?.feature).ok_or("a feature's name")?;
            let object = Object::Feature(layer.clone(), feature);
            let path = Path::property("name");
            if !self.store.borrow_mut().begin()?.state(&object)?.is_alive() {
                continue;
            }
            let value = Some(Json::string(&format!("{EDITED} {}", said.len())));
            let draft = Draft { verb: Verb::Update, object, path: Some(path), value };
            let started = Instant::now();
            self.store.borrow_mut().commit_local("edit", vec![draft], NOW + 200_000_000 + said.len() as u64)?;
            acknowledged.push(started.elapsed().as_secs_f64() * 1000.0);
            said.push(nanos());
            commands.send(Command::Edited)?;
        }
        let mut heard = Vec::new();
        let until = Instant::now() + Duration::from_secs(10);
        while heard.len() < said.len() && Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(50)).await;
            heard.extend(room.heard().await?);
        }
        Ok((acknowledged, pairs(&said, &heard)?))
    }
}

/// The differences, in ms; as many as there must be.
fn pairs(from: &[u64], to: &[u64]) -> Outcome<Vec<f64>> {
    if from.len() != to.len() {
        return Err(format!("{} operations were sent and {} arrived", from.len(), to.len()).into());
    }
    #[allow(clippy::cast_precision_loss)]
    let between = |(from, to): (&u64, &u64)| (*to as f64 - *from as f64) / 1e6;
    Ok(from.iter().zip(to).map(between).collect())
}

async fn wait_until(is_so: impl Fn() -> bool) -> Outcome {
    let until = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        if Instant::now() > until {
            return Err("what was waited for did not come".into());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

/// What this process has spent of the processors, in seconds.
fn spent() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    #[allow(clippy::cast_precision_loss)]
    let seconds = time.tv_sec as f64 + time.tv_nsec as f64 / 1e9;
    seconds
}

/// A laptop's clock, which runs in the workload's time.
struct After(Instant);

impl Clock for After {
    fn now(&self) -> Timestamp {
        let mono_ms = u64::try_from(self.0.elapsed().as_millis()).unwrap_or(0);
        Timestamp { wall_ms: NOW + 200_000_000 + mono_ms, mono_ms }
    }
}

/// The room with a map in it whose documents never change.
struct Still {
    url: String,
    layer: LayerId,
}

struct Wire(Socket);

impl Line for Wire {
    async fn send(&mut self, text: String) -> Result<(), String> {
        self.0.send(text).await.map_err(|error| error.to_string())
    }

    async fn receive(&mut self) -> Result<String, String> {
        match self.0.recv().await {
            bivouac_link::Event::Text(text) => Ok(text),
            bivouac_link::Event::Closed(reason) => Err(format!("{reason:?}")),
        }
    }
}

impl Still {
    fn keeps_nothing<T>() -> Result<T, Failure> {
        Err(Failure::Rejected("this map is not saved".to_owned()))
    }
}

impl Server for Still {
    type Room = Wire;

    async fn token(&self) -> Result<String, Failure> {
        Ok("any".to_owned())
    }

    async fn connect(&self) -> Result<Wire, Failure> {
        let socket = Socket::connect(&self.url, &Policy::default()).await;
        socket.map(Wire).map_err(|error| Failure::Offline(error.to_string()))
    }

    async fn read_map(&self) -> Result<ServerMap, Failure> {
        let settings = json!({"displayOnLoad": true, "name": "Layer", "fields": []});
        let Value::Object(properties) = settings else { return Self::keeps_nothing() };
        let layer = ServerLayer {
            id: self.layer.clone(),
            rank: 0,
            parent: None,
            properties,
            edit_status: 0,
            edit_mode: None,
            reference: Some("1".to_owned()),
        };
        Ok(ServerMap {
            settings: serde_json::Map::new(),
            layers: vec![layer],
            modified_at_ms: 0,
            server_time_ms: None,
            urls: None,
            rights: None,
            may_edit: true,
        })
    }

    async fn read_layer(&self, layer: &LayerId) -> Result<LayerRead, Failure> {
        let body = json!({"type": "FeatureCollection", "features": [], "properties": {}, "id": layer.as_str()});
        Ok(LayerRead { body: body.to_string(), version: "1".to_owned() })
    }

    async fn versions(&self, _: &LayerId) -> Result<Vec<Version>, Failure> {
        Ok(vec![Version { reference: "1".to_owned(), at_ms: 1 }])
    }

    async fn read_version(&self, layer: &LayerId, _: &str) -> Result<String, Failure> {
        Ok(self.read_layer(layer).await?.body)
    }

    async fn create_layer(&self, _: LayerSave) -> Result<Saved, Failure> {
        Self::keeps_nothing()
    }

    async fn save_layer(&self, _: LayerSave, _: &str) -> Result<Saved, Failure> {
        Self::keeps_nothing()
    }

    async fn delete_layer(&self, _: &LayerId) -> Result<(), Failure> {
        Self::keeps_nothing()
    }

    async fn save_settings(&self, _: SettingsSave) -> Result<(), Failure> {
        Self::keeps_nothing()
    }
}
