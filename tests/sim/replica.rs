//! One Bivouac: the real store and the real driver on a laptop of the model.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use bivouac_app::driver::{Command, Driver, DriverError, Stay, Summary};
use bivouac_app::server::Clock;
use bivouac_journal::ids::{FeatureId, Object};
use bivouac_journal::operation::{Draft, Verb};
use bivouac_store::{NewMap, Query, Store};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::ledger::Ledger;
use super::link::{Laptop, Link, SkewedClock};
use super::random::Rng;

/// A driver on its way.
type Running = JoinHandle<Result<Summary, DriverError>>;

pub struct Replica {
    pub name: String,
    pub link: Rc<Link>,
    pub store: Rc<RefCell<Store>>,
    pub clock: Rc<SkewedClock>,
    ledger: Rc<Ledger>,
    rng: RefCell<Rng>,
    stay: RefCell<Option<(Running, mpsc::UnboundedSender<Command>)>>,
    once: Cell<bool>,
    /// Numbers its edits, so that every value written is the only one of its kind.
    pub edits: Cell<u64>,
}

impl Replica {
    pub fn new(name: &str, link: Rc<Link>, skew_ms: i64, ledger: Rc<Ledger>, mut rng: Rng) -> Rc<Self> {
        let new = NewMap {
            uuid: format!("00000000-0000-4000-9000-{:012x}", rng.below(1 << 40)),
            name: "map".to_owned(),
            server: Some("https://umap.example".to_owned()),
            server_map_id: Some(7),
            slug: None,
            account: Some(name.to_owned()),
            clock_id: FeatureId::from_bits(rng.bits()).to_string(),
            created_at: link.world.now(),
        };
        let clock = Rc::new(SkewedClock { world: link.world.clone(), skew_ms });
        link.world.say(name, || format!("clock id {}, skewed by {skew_ms} ms", new.clock_id));
        Rc::new(Self {
            name: name.to_owned(),
            link,
            store: Rc::new(RefCell::new(Store::in_memory(&new).unwrap_or_else(|e| panic!("make a store: {e}")))),
            clock,
            ledger,
            rng: RefCell::new(rng),
            stay: RefCell::default(),
            once: Cell::new(false),
            edits: Cell::new(0),
        })
    }

    pub fn wall_ms(&self) -> u64 {
        self.clock.now().wall_ms
    }

    pub fn is_online(&self) -> bool {
        self.stay.borrow().as_ref().is_some_and(|(task, _)| !task.is_finished())
    }

    /// Whether the power failed and nobody cleared up yet.
    pub fn has_died(&self) -> bool {
        self.link.died.get()
    }

    /// Whether the stay under way, or the last one, was to end by itself.
    pub fn stays_once(&self) -> bool {
        self.once.get()
    }

    /// Another program opens the map: it finds what the file holds and nothing else.
    fn open_anew(&self) {
        let copy = self.store.borrow().copy_in_memory().unwrap_or_else(|e| panic!("open the map anew: {e}"));
        *self.store.borrow_mut() = copy;
    }

    /// Starts a stay, unless one is under way; often by a program that was started for it.
    pub fn go_online(&self, stay: Stay) {
        if self.is_online() {
            return;
        }
        if self.rng.borrow_mut().percent(50) {
            self.open_anew();
        }
        self.link.world.say(&self.name, || format!("goes online: {stay:?}"));
        self.once.set(stay == Stay::Once);
        let (events, mut told) = mpsc::unbounded_channel();
        if self.link.world.is_traced() {
            let (world, name) = (self.link.world.clone(), self.name.clone());
            tokio::task::spawn_local(async move {
                while let Some(event) = told.recv().await {
                    world.say(&name, || format!("tells {event:?}"));
                }
            });
        }
        let (commands, for_driver) = mpsc::unbounded_channel();
        let server = Rc::new(Laptop(self.link.clone()));
        let seed = self.rng.borrow_mut().bits();
        let driver =
            Driver::new(self.store.clone(), server, self.clock.clone(), stay, seed, Some(self.name.clone()), events);
        let task = tokio::task::spawn_local(driver.run(for_driver));
        *self.stay.borrow_mut() = Some((task, commands));
    }

    /// The power fails: the program is gone, the file stays.
    pub async fn crash(&self) {
        self.link.fuse.set(None);
        self.link.died.set(false);
        let Some((task, _)) = self.stay.borrow_mut().take() else { return };
        self.link.world.say(&self.name, || "crashes".to_owned());
        task.abort();
        if let Err(error) = task.await
            && error.is_panic()
        {
            std::panic::resume_unwind(error.into_panic());
        }
        self.open_anew();
    }

    /// Leaves as the user would, and says what the stay came to; `None` when there was none.
    pub async fn leave(&self) -> Option<Result<Summary, String>> {
        let (task, commands) = self.stay.borrow_mut().take()?;
        self.link.world.say(&self.name, || "leaves".to_owned());
        let _ = commands.send(Command::Leave);
        Some(self.end(task, 60).await)
    }

    /// Waits for a stay that ends by itself.
    pub async fn finish(&self, seconds: u64) -> Option<Result<Summary, String>> {
        let (task, _commands) = self.stay.borrow_mut().take()?;
        Some(self.end(task, seconds).await)
    }

    async fn end(&self, mut task: Running, seconds: u64) -> Result<Summary, String> {
        tokio::select! {
            biased;
            ended = &mut task => match ended {
                Ok(result) => result.map_err(|error| format!("{}: {error:?}", self.name)),
                Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
                Err(error) => Err(format!("{}: {error}", self.name)),
            },
            () = tokio::time::sleep(Duration::from_secs(seconds)) => {
                task.abort();
                let _ = task.await;
                Err(format!("{}: not done after {seconds} s", self.name))
            }
        }
    }

    /// Commits an edit of the user's and tells the driver, if there is one.
    pub fn edit(&self, label: &str, drafts: Vec<Draft>) {
        self.link.world.say(&self.name, || format!("edits: {label}"));
        for draft in drafts.iter().filter(|draft| draft.verb == Verb::Delete) {
            match &draft.object {
                Object::Feature(layer, id) => self.ledger.delete(layer.as_str(), id.as_str()),
                Object::Layer(layer) => self.ledger.delete_layer(layer.as_str()),
                Object::Map => {}
            }
        }
        let now = self.wall_ms();
        if let Err(error) = self.store.borrow_mut().commit_local(label, drafts, now) {
            panic!("{}: the edit {label:?} was refused: {error}", self.name);
        }
        self.tell(Command::Edited);
    }

    /// Second thoughts: an edit that may also take something away, which then somebody meant.
    pub fn reconsider(&self, label: &str, act: impl FnOnce(&mut Store) -> Result<(), bivouac_store::Error>) {
        if self.store.borrow().map().unwrap().read_only {
            return;
        }
        self.link.world.say(&self.name, || format!("reconsiders: {label}"));
        let before = self.living();
        if let Err(error) = act(&mut self.store.borrow_mut()) {
            panic!("{}: {label:?} was refused: {error}", self.name);
        }
        let after = self.living();
        for object in before.difference(&after) {
            match object {
                Object::Feature(layer, id) => self.ledger.delete(layer.as_str(), id.as_str()),
                Object::Layer(layer) => self.ledger.delete_layer(layer.as_str()),
                Object::Map => {}
            }
        }
        self.tell(Command::Edited);
    }

    /// All that is shown.
    fn living(&self) -> BTreeSet<Object> {
        let store = self.store.borrow();
        let query = Query { limit: usize::MAX >> 1, ..Query::default() };
        let layers = store.layers().unwrap().into_iter().map(|view| Object::Layer(view.id));
        let features = store.features(&query).unwrap().into_iter().map(|f| Object::Feature(f.layer, f.id));
        layers.chain(features).collect()
    }

    pub fn tell(&self, command: Command) {
        if let Some((_, commands)) = &*self.stay.borrow() {
            let _ = commands.send(command);
        }
    }
}
