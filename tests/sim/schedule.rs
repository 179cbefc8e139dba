//! One schedule: from a seed to a course of edits and faults, healing, and the verdict.

use std::rc::Rc;

use bivouac_app::driver::Stay;

use super::browser::Browser;
use super::check;
use super::edits::{layer_value, marker, point, random_edit};
use super::extras::{self, Extras};
use super::hostile::Hostile;
use super::http::{Http, Post};
use super::ledger::Ledger;
use super::link::Link;
use super::random::Rng;
use super::relay::{Relay, RoomFaults};
use super::replica::Replica;
use super::world::World;

/// What kind of company the Bivouacs are in; each has its own promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Company {
    /// Bivouacs alone.
    None,
    /// Browsers without real time, which only load and save.
    Plain,
    /// Browsers in the room, with every fault.
    Room,
    /// Browsers in a sound room, at least one Bivouac there: all screens end equal (rule 1).
    Calm,
}

pub struct Sim {
    pub company: Company,
    pub world: Rc<World>,
    pub http: Rc<Http>,
    pub relay: Rc<Relay>,
    pub ledger: Rc<Ledger>,
    pub replicas: Vec<Rc<Replica>>,
    pub browsers: Vec<Rc<Browser>>,
    pub hostile: Hostile,
    pub extras: Extras,
    rng: Rng,
    trouble: u64,
}

impl Sim {
    fn new(seed: u64, generation: u32, world: Rc<World>) -> Self {
        let mut rng = Rng::new(seed);
        let company = match rng.below(100) {
            0..=29 => Company::None,
            30..=49 => Company::Plain,
            50..=79 => Company::Room,
            _ => Company::Calm,
        };
        let http = Http::new(world.clone(), rng.fork());
        let relay = Relay::new(world.clone(), rng.fork());
        let ledger = Rc::new(Ledger::default());
        let link = |name: &str, rng: &mut Rng| Link::new(name, &world, &http, &relay, rng.fork());
        let count = match rng.below(10) {
            0 => 5,
            1..=2 => 4,
            _ => 3,
        };
        let replicas = (1..=count)
            .map(|n| {
                let name = format!("R{n}");
                let link = link(&name, &mut rng);
                let skew = skew(&mut rng, company);
                Replica::new(&name, link, skew, ledger.clone(), rng.fork())
            })
            .collect();
        let browsers = match company {
            Company::None => 0,
            Company::Plain => rng.between(1, 2),
            Company::Room => rng.between(1, 2),
            Company::Calm => rng.between(2, 3),
        };
        let browsers = (1..=browsers)
            .map(|n| {
                let name = format!("B{n}");
                let link = link(&name, &mut rng);
                let skew = skew(&mut rng, Company::Calm);
                Browser::new(&name, link, company == Company::Plain, skew, ledger.clone(), rng.fork())
            })
            .collect();
        let hostile = Hostile::new(link("hostile", &mut rng));
        let trouble = if rng.percent(20) || company == Company::Calm { 0 } else { rng.between(1, 30) };
        let extras = Extras::new(seed, generation);
        world.say("sim", || {
            format!("seed {seed}: {company:?}, {count} Bivouacs, trouble {trouble}, {:?}", extras.themes)
        });
        Self { company, world, http, relay, ledger, replicas, browsers, hostile, extras, rng, trouble }
    }

    /// Two layers with a few features, as the map stood before anybody went offline.
    fn furnish(&mut self) {
        for n in 1..=2 {
            let id = format!("00000000-0000-4000-8000-00000000000{n}");
            let count = self.rng.between(2, 3);
            let features: Vec<_> = (1..=count)
                .map(|f| marker(&format!("aaa{n}{f}"), &point(&mut self.rng), &format!("base {n}{f}")))
                .collect();
            let value = layer_value(&id, n, &format!("L{n}"));
            let body = serde_json::json!({"type": "FeatureCollection", "features": features, "properties": value["properties"], "id": id, "rank": n});
            let settings = value["properties"].as_object().cloned().unwrap_or_default();
            let post = Post { id, name: format!("L{n}"), rank: n, parent: None, settings, body: body.to_string() };
            self.http.create("furnish", post).unwrap_or_else(|e| panic!("furnish: {e}"));
        }
    }

    fn set_faults(&mut self) {
        let trouble = self.trouble;
        self.relay.faults.set(RoomFaults {
            join_races: trouble,
            ghosts: trouble * 2,
            reorder: trouble > 15,
            duplicates: trouble / 2,
            drops: if self.rng.percent(40) { trouble / 6 } else { 0 },
            slow: trouble / 2,
        });
        if self.company != Company::Calm {
            self.http.slow_saves.set(self.rng.between(0, 50));
        }
        for replica in &self.replicas {
            let flaky = if self.rng.percent(50) { trouble / 4 } else { 0 };
            replica.link.flaky.set(flaky);
        }
    }

    async fn run(&mut self) -> Result<(), String> {
        self.furnish();
        self.world.sleep(1_000).await;
        // Most were there before; late joiners come with empty hands.
        for replica in &self.replicas {
            if self.rng.percent(85) || self.company == Company::Calm {
                replica.go_online(Stay::Once);
            }
        }
        for replica in &self.replicas {
            if let Some(result) = replica.finish(300).await {
                result.map_err(|error| format!("taking the map offline: {error}"))?;
            }
        }
        self.set_faults();
        if self.company == Company::Calm {
            return self.run_calm().await;
        }
        let steps = self.rng.between(6, 24);
        for _ in 0..steps {
            extras::act(self).await;
            self.step().await;
            let gap = match self.rng.below(10) {
                0..=4 => self.rng.between(0, 60),
                5..=7 => self.rng.between(100, 2_500),
                _ => self.rng.between(3_000, 30_000),
            };
            self.world.sleep(gap).await;
            self.reap().await;
        }
        self.heal().await?;
        self.settle().await?;
        check::all(self)
    }

    /// Programs whose power failed are gone.
    async fn reap(&self) {
        for replica in &self.replicas {
            if replica.has_died() {
                replica.crash().await;
            }
        }
    }

    async fn step(&mut self) {
        let who = self.rng.below(self.replicas.len() as u64) as usize;
        let replica = self.replicas[who].clone();
        match self.rng.below(100) {
            0..=39 => random_edit(&replica, &mut self.rng),
            40..=57 => self.online_or_offline(&replica).await,
            58..=61 => {
                replica.link.fuse.set(Some(self.rng.between(0, 25)));
            }
            62..=63 => replica.crash().await,
            64..=68 if self.trouble > 0 => self.break_something(&replica),
            69..=71 if self.trouble > 0 => {
                let mut rng = self.rng.fork();
                self.hostile.strike(&mut rng).await;
            }
            _ => self.browse().await,
        }
    }

    async fn online_or_offline(&mut self, replica: &Rc<Replica>) {
        if replica.is_online() {
            if self.rng.percent(50) {
                // Leaving in the middle may fail; what counts is what is there afterwards.
                let _ = replica.leave().await;
            }
        } else if self.rng.percent(65) {
            replica.go_online(Stay::Watch);
        } else {
            replica.go_online(Stay::Once);
        }
    }

    fn break_something(&mut self, replica: &Rc<Replica>) {
        match self.rng.below(10) {
            0..=2 if replica.link.up.get() => {
                self.world.say(&replica.name, || "the cable is cut".to_owned());
                replica.link.cut();
            }
            0..=4 => {
                self.world.say(&replica.name, || "the network is there".to_owned());
                replica.link.up.set(true);
            }
            5..=6 => replica.link.reset(),
            7..=8 => self.relay.restart_redis(),
            _ => self.relay.restart_server(),
        }
    }

    async fn browse(&mut self) {
        let Some(browser) = self.rng.pick(&self.browsers).cloned() else {
            let who = self.rng.below(self.replicas.len() as u64) as usize;
            let replica = self.replicas[who].clone();
            return random_edit(&replica, &mut self.rng);
        };
        if !browser.is_open() {
            return browser.open();
        }
        match self.rng.below(100) {
            0..=59 => browser.random_edit(&mut self.rng),
            60..=84 => {
                tokio::task::spawn_local(async move { browser.save().await });
            }
            85..=92 => browser.link.reset(),
            _ => browser.close().await,
        }
    }

    /// Live contention in a sound room: at rest, every screen shows the same (rule 1).
    async fn run_calm(&mut self) -> Result<(), String> {
        let watchers = self.rng.between(1, 2) as usize;
        for replica in self.replicas.iter().take(watchers) {
            replica.go_online(Stay::Watch);
        }
        self.world.sleep(15_000).await;
        for browser in &self.browsers {
            browser.open();
            self.world.sleep(1_500).await;
        }
        let steps = self.rng.between(3, 14);
        for _ in 0..steps {
            if self.rng.percent(25) {
                let replica = self.replicas[self.rng.below(watchers as u64) as usize].clone();
                super::edits::contend(&replica, &mut self.rng);
            } else if let Some(browser) = self.rng.pick(&self.browsers).cloned() {
                browser.contend(&mut self.rng);
            }
            let gap = if self.rng.percent(75) { self.rng.between(0, 15) } else { self.rng.between(100, 4_000) };
            self.world.sleep(gap).await;
        }
        self.world.sleep(12_000).await;
        check::screens(self)?;
        self.heal().await?;
        self.settle().await?;
        check::all(self)
    }

    /// Ends every fault and brings everybody together once more.
    async fn heal(&mut self) -> Result<(), String> {
        self.world.say("sim", || "---- healing".to_owned());
        self.hostile.leave();
        self.relay.heal();
        self.http.slow_saves.set(0);
        self.http.read_only.set(false);
        for replica in &self.replicas {
            replica.link.flaky.set(0);
            replica.link.up.set(true);
            if replica.link.fuse.take().is_some() && replica.has_died() {
                replica.crash().await;
            }
        }
        self.reap().await;
        for replica in &self.replicas {
            if !replica.is_online() || replica.stays_once() {
                // A stay that met the faults may end with them; its user tries again.
                let _ = replica.finish(60).await;
                replica.go_online(Stay::Watch);
            }
        }
        self.world.sleep(90_000).await;
        for browser in &self.browsers {
            if browser.is_open() {
                while browser.saving.get() {
                    self.world.sleep(500).await;
                }
                // What the server refuses its user gives up.
                browser.save().await;
                self.world.sleep(2_000).await;
                browser.close().await;
            }
        }
        self.world.sleep(45_000).await;
        for replica in &self.replicas {
            if let Some(Err(error)) = replica.leave().await {
                return Err(error);
            }
        }
        Ok(())
    }

    /// Each synchronises once more; a save in that round gives the others something to read.
    async fn settle(&mut self) -> Result<(), String> {
        for round in 1..=4 {
            self.world.say("sim", || format!("---- round {round}"));
            let mut saves = 0;
            for replica in &self.replicas {
                replica.go_online(Stay::Once);
                if let Some(summary) = replica.finish(600).await {
                    let summary = summary.map_err(|error| {
                        format!("the last synchronising: {error}; not verified: {:?}", check::pending(replica))
                    })?;
                    if !summary.verified {
                        return Err(format!(
                            "{}: not verified after the last synchronising: {summary:?}",
                            replica.name
                        ));
                    }
                    saves += summary.saved;
                }
            }
            if saves == 0 {
                return Ok(());
            }
        }
        Err("the server's documents change with every synchronising".to_owned())
    }
}

/// A laptop's clock is off by seconds, or by up to an hour.
fn skew(rng: &mut Rng, company: Company) -> i64 {
    let most = match rng.below(10) {
        _ if company == Company::Calm => 2_000,
        0..=3 => 1_500,
        4..=7 => 60_000,
        _ => 3_600_000,
    };
    rng.between(0, 2 * most) as i64 - most as i64
}

/// What a schedule came to.
pub struct Outcome {
    pub result: Result<(), String>,
    pub trace: Vec<String>,
    pub events: u64,
    pub company: Company,
}

/// Runs one seed from beginning to end, in virtual time.
pub fn run(seed: u64, generation: u32, traced: bool) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.unwrap_or_else(|error| panic!("make a runtime: {error}"));
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, async move {
        let world = Rc::new(World::new(traced));
        let mut sim = Sim::new(seed, generation, world.clone());
        let limit = std::time::Duration::from_secs(6 * 3600);
        let run = std::panic::AssertUnwindSafe(tokio::time::timeout(limit, sim.run()));
        let result = match catch(run).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err("the schedule does not end".to_owned()),
            Err(panic) => Err(format!("panicked: {panic}")),
        };
        Outcome { result, trace: world.trace(), events: world.events.get(), company: sim.company }
    })
}

async fn catch<F: Future>(future: std::panic::AssertUnwindSafe<F>) -> Result<F::Output, String> {
    let mut future = Box::pin(future.0);
    std::future::poll_fn(move |context| {
        let poll = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| future.as_mut().poll(context)));
        match poll {
            Ok(std::task::Poll::Pending) => std::task::Poll::Pending,
            Ok(std::task::Poll::Ready(output)) => std::task::Poll::Ready(Ok(output)),
            Err(panic) => std::task::Poll::Ready(Err(message(&*panic))),
        }
    })
    .await
}

fn message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "without a word".to_owned())
}
