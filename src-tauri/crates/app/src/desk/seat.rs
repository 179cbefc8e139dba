//! A thread that owns an open map: its lock, the one store that writes, and, while the user wants
//! so, the stay online. Edits are closures that come through a channel; they never wait for the
//! network, because the store is lent for one step at a time.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc as std_mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use bivouac_journal::wire::Here;
use bivouac_store::Store;
use tokio::sync::{Notify, mpsc, watch};

use super::bulletin::Bulletin;
use super::room::Room;
use super::stay::{Wish, stay_online};
use super::surroundings::WorkHost;
use super::types::DeskEvent;
use super::work::Work;
use crate::driver::{Command, Shared};
use crate::error::{AppError, Result};
use crate::library::OpenMap;

/// How long the end of a stay is waited for when a map is closed.
const LEAVING: Duration = Duration::from_secs(4);

/// One step with the store: whether it wrote something.
type Step = Box<dyn FnOnce(&mut Store, &WorkHost) -> bool + Send>;

enum Call {
    Do(Step),
    Online(Wish),
    Offline,
    SaveNow,
    Here(Option<Here>),
    Close,
}

/// The thread of an open map.
pub(super) struct Seat {
    calls: mpsc::UnboundedSender<Call>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What the futures of a seat share.
pub(super) struct Inside {
    pub(super) store: Shared,
    pub(super) work: Work,
    pub(super) room: Arc<Mutex<Room>>,
    pub(super) revision: Arc<AtomicU64>,
    /// Something is to be told.
    pub(super) news: Notify,
    /// Where the user looks, for other Bivouacs.
    pub(super) here: RefCell<Option<Here>>,
    /// Commands for the driver of the present stay.
    pub(super) commands: RefCell<Option<mpsc::UnboundedSender<Command>>>,
    pub(super) closing: Cell<bool>,
}

impl Inside {
    pub(super) fn room(&self) -> std::sync::MutexGuard<'_, Room> {
        self.room.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn command(&self, command: Command) {
        if let Some(commands) = &*self.commands.borrow() {
            let _ = commands.send(command);
        }
    }
}

impl Seat {
    /// Sits down at a map.
    pub(super) fn take(map: OpenMap, work: Work, room: Arc<Mutex<Room>>, revision: Arc<AtomicU64>) -> Result<Self> {
        let (calls, called) = mpsc::unbounded_channel();
        let thread = std::thread::Builder::new()
            .name("map".to_owned())
            .spawn(move || run(map, work, room, revision, called))
            .map_err(AppError::io("start the thread of a map"))?;
        Ok(Self { calls, thread: Mutex::new(Some(thread)) })
    }

    /// Does something with the store, and gives what it answers when it is done. `act` says
    /// besides whether it wrote.
    pub(super) fn with<T: Send + 'static>(
        &self,
        act: impl FnOnce(&mut Store, &WorkHost) -> Result<(T, bool)> + Send + 'static,
    ) -> Result<T> {
        let (answer, answered) = std_mpsc::channel();
        let step: Step = Box::new(move |store, host| {
            let result = act(store, host);
            let wrote = matches!(result, Ok((_, true)));
            let _ = answer.send(result.map(|(value, _)| value));
            wrote
        });
        let gone = || AppError::bad("edit the map", "it is being closed");
        self.calls.send(Call::Do(step)).map_err(|_| gone())?;
        answered.recv().map_err(|_| gone())?
    }

    pub(super) fn online(&self, wish: Wish) {
        let _ = self.calls.send(Call::Online(wish));
    }

    pub(super) fn offline(&self) {
        let _ = self.calls.send(Call::Offline);
    }

    pub(super) fn save_now(&self) {
        let _ = self.calls.send(Call::SaveNow);
    }

    pub(super) fn here(&self, here: Option<Here>) {
        let _ = self.calls.send(Call::Here(here));
    }

    /// Gives the map free; everything acknowledged is on the disk already.
    pub(super) fn close(&self) {
        let _ = self.calls.send(Call::Close);
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread
            && thread.join().is_err()
        {
            tracing::error!("the thread of a map ended badly");
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.close();
    }
}

fn run(
    map: OpenMap,
    work: Work,
    room: Arc<Mutex<Room>>,
    revision: Arc<AtomicU64>,
    called: mpsc::UnboundedReceiver<Call>,
) {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(%error, "start the runtime of a map");
            return;
        }
    };
    let (store, _owned) = map.split();
    let inside = Inside {
        store: Rc::new(RefCell::new(store)),
        work,
        room,
        revision,
        news: Notify::new(),
        here: RefCell::new(None),
        commands: RefCell::new(None),
        closing: Cell::new(false),
    };
    runtime.block_on(async {
        let (wishes, wished) = watch::channel(None);
        let mut stay = std::pin::pin!(stay_online(&inside, wished));
        let bulletin = Bulletin::new(&inside.store.borrow());
        tokio::select! {
            biased;
            () = calls(&inside, called, &wishes) => {}
            () = bulletin.tell(&inside) => {}
            () = &mut stay => {}
        }
        inside.closing.set(true);
        wishes.send_replace(None);
        if tokio::time::timeout(LEAVING, stay).await.is_err() {
            tracing::info!("a map was closed before its stay online had ended");
        }
    });
}

async fn calls(inside: &Inside, mut called: mpsc::UnboundedReceiver<Call>, wishes: &watch::Sender<Option<Wish>>) {
    while let Some(call) = called.recv().await {
        match call {
            Call::Do(step) => {
                let wrote = step(&mut inside.store.borrow_mut(), &inside.work.host(None));
                if wrote {
                    inside.command(Command::Edited);
                    inside.news.notify_one();
                }
                // A long row of edits must not keep the room waiting.
                tokio::task::yield_now().await;
            }
            // A stay that goes on is not begun anew for nothing.
            Call::Online(wish) if wish.is_plain() && inside.room().is_connected() => {}
            Call::Online(wish) => {
                let now = inside.work.surroundings.now_ms();
                inside.room().wish(true, now);
                wishes.send_replace(Some(wish));
                inside.news.notify_one();
            }
            Call::Offline => {
                let now = inside.work.surroundings.now_ms();
                inside.room().wish(false, now);
                wishes.send_replace(None);
                inside.news.notify_one();
            }
            Call::SaveNow => inside.command(Command::SaveNow),
            Call::Here(here) => {
                inside.here.borrow_mut().clone_from(&here);
                inside.command(Command::Here(here));
            }
            Call::Close => return,
        }
    }
}

/// Tells that the map changed here.
pub(super) fn changed_here(work: &Work, revision: &AtomicU64, objects: Vec<String>) -> u64 {
    let revision = revision.fetch_add(1, Ordering::SeqCst) + 1;
    work.surroundings.tell(DeskEvent::Changed { revision, objects: Some(objects), mine: true });
    revision
}
