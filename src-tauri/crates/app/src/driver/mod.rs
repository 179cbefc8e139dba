//! The driver: the only place where session, store and server meet.
//!
//! It feeds the session with what happens, does what the session asks for, and runs the two
//! long errands beside it: reading the server's documents and saving ours. Everything that it
//! tells anybody was committed before.

mod announce;
mod errands;
mod events;
mod flood;
mod heard;
mod lost;
mod read;
mod save;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use bivouac_journal::catchup::Log;
use bivouac_journal::ids::{LayerId, Object, PeerId};
use bivouac_journal::operation::Operation;
use bivouac_journal::path::Path;
use bivouac_journal::session::{Event as SessionEvent, Input, Output, Session, State, Timestamp};
use bivouac_store::{Error as StoreError, Store};
use tokio::sync::mpsc;

pub use events::{Command, Event, Summary};

use crate::server::{Clock, Failure, Room, Server};
use errands::{Errand, Outcome};

/// A pause in editing after which a watching driver saves, in ms.
const SAVE_AFTER_MS: u64 = 3_000;
/// After another's save, how long to wait before reading what it changed, in ms.
const READ_AFTER_MS: u64 = 300;
/// The most frames that are committed together.
const MOST_TOGETHER: usize = 1_000;
/// How long to wait before an errand that failed is tried again, in ms.
const RETRY_MS: u64 = 5_000;

/// Why a stay ended.
#[derive(Debug, thiserror::Error)]
pub enum DriverError {
    /// The database could not be read or written: nothing more may be acknowledged.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The server cannot be worked with.
    #[error(transparent)]
    Server(#[from] Failure),
    /// What came too fast could not be kept.
    #[error("keep operations that came too fast in a temporary file")]
    Spill(#[source] std::io::Error),
}

/// The store, shared between the driver and its errands within one thread.
pub type Shared = Rc<RefCell<Store>>;

/// How long to stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stay {
    /// Until everything is exchanged, saved and verified.
    Once,
    /// Until told to leave.
    Watch,
}

/// One stay online with one map.
pub struct Driver<S: Server, C: Clock> {
    pub(crate) store: Shared,
    pub(crate) server: Rc<S>,
    pub(crate) clock: Rc<C>,
    session: Session,
    random: Random,
    stay: Stay,
    room: Option<S::Room>,
    events: mpsc::UnboundedSender<Event>,
    errand: Option<Pin<Box<dyn Future<Output = Outcome>>>>,
    frames: (mpsc::UnboundedSender<announce::Announcement>, mpsc::UnboundedReceiver<announce::Announcement>),
    /// The room is not needed, or not to be had: documents alone (RULES, "Nobody online").
    without_room: bool,
    read_at: Option<u64>,
    save_at: Option<u64>,
    session_waits_for_read: bool,
    announced: announce::Announced,
    summary: Summary,
    /// Versions that somebody in the room announced and that were not read yet (rule 23).
    saved_by_room: BTreeSet<(LayerId, String)>,
    /// Whether something that vanished waits to be saved again, and when that was done last.
    reasserts: bool,
    reasserted_at: Option<u64>,
    /// Operations of others that came too fast (rule 40).
    flood: flood::Flood,
    /// What was told live and is about to be committed, or was and is about to be on the disk.
    heard: heard::Heard,
    voice: heard::Voice,
}

/// Ids for what is made on the way; seeded, so that a simulated stay can be replayed.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// A generator from a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed ^ 0x5851_f42d_4c95_7f2d)
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

impl<S: Server + 'static, C: Clock + 'static> Driver<S, C>
where
    S::Room: 'static,
{
    /// A driver that has not gone online yet. `seed` feeds ids and jitter.
    pub fn new(
        store: Shared,
        server: Rc<S>,
        clock: Rc<C>,
        stay: Stay,
        seed: u64,
        username: Option<String>,
        events: mpsc::UnboundedSender<Event>,
    ) -> Self {
        Self {
            voice: heard::Voice::new(store.clone()),
            store,
            server,
            clock,
            session: Session::new(seed, username),
            random: Random::new(seed),
            stay,
            room: None,
            events,
            errand: None,
            frames: mpsc::unbounded_channel(),
            without_room: false,
            read_at: None,
            save_at: None,
            session_waits_for_read: false,
            announced: announce::Announced::default(),
            summary: Summary::default(),
            saved_by_room: BTreeSet::new(),
            reasserts: false,
            reasserted_at: None,
            flood: flood::Flood::default(),
            heard: heard::Heard::default(),
        }
    }

    /// Stays online until done, told to leave, or stopped by an error.
    ///
    /// # Errors
    /// When the database fails, or, staying once, when the server cannot be worked with.
    pub async fn run(mut self, mut commands: mpsc::UnboundedReceiver<Command>) -> Result<Summary, DriverError> {
        self.input(Input::GoOnline).await?;
        loop {
            if self.is_done()? {
                return self.leave().await;
            }
            self.start_due_errand()?;
            let now = self.clock.now().mono_ms;
            // One errand at a time: the next one is looked at when this one has ended, not before.
            let errands = [self.read_at, self.save_at].into_iter().flatten().filter(|_| self.errand.is_none());
            let waits = [self.flood.next_due(), self.heard.next_due()].into_iter().flatten();
            let due = errands.chain(self.session.poll_timeout()).chain(waits).min();
            let pause = due.map_or(Duration::from_secs(3600), |due| Duration::from_millis(due.saturating_sub(now)));
            tokio::select! {
                biased;
                command = commands.recv() => match command {
                    Some(Command::Edited) => {
                        self.touch();
                        self.input(Input::LocalEdit).await?;
                    }
                    Some(Command::SaveNow) => {
                        self.save_at = Some(self.clock.now().mono_ms);
                        self.input(Input::LocalEdit).await?;
                    }
                    Some(Command::Here(here)) => self.input(Input::Here(here)).await?,
                    Some(Command::Leave) | None => {
                        return self.leave().await;
                    }
                },
                Some(announcement) = self.frames.1.recv() => self.announce(announcement).await?,
                outcome = run_errand(&mut self.errand) => self.errand_done(outcome).await?,
                settled = self.heard.settled() => settled?,
                frame = receive(&mut self.room) => match frame {
                    Ok(text) => self.received(text).await?,
                    Err(reason) => {
                        self.room = None;
                        self.input(Input::Closed(reason)).await?;
                    }
                },
                () = tokio::time::sleep(pause) => {
                    let now = self.clock.now();
                    self.session.handle_timeout(now);
                    self.let_in(now)?;
                    self.commit_due()?;
                    self.settle_due()?;
                    self.pump().await?;
                }
            }
        }
    }

    async fn leave(mut self) -> Result<Summary, DriverError> {
        self.input(Input::GoOffline).await?;
        if let Some(settling) = self.store.borrow_mut().settling()? {
            settling.wait()?;
        }
        Ok(self.summary)
    }

    async fn input(&mut self, input: Input) -> Result<(), DriverError> {
        self.session.handle(input, self.clock.now());
        self.pump().await
    }

    /// Takes a frame, and those that came with it: they are committed together.
    async fn received(&mut self, text: String) -> Result<(), DriverError> {
        let now = self.clock.now();
        self.take(text, now)?;
        for _ in 1..MOST_TOGETHER {
            let more = tokio::select! {
                biased;
                frame = receive(&mut self.room) => frame,
                () = std::future::ready(()) => break,
            };
            match more {
                Ok(text) => self.take(text, now)?,
                Err(reason) => {
                    self.room = None;
                    self.session.handle(Input::Closed(reason), now);
                    break;
                }
            }
        }
        // A room that never pauses must not keep the rest waiting.
        self.let_in(now)?;
        if self.session.poll_timeout().is_some_and(|due| now.mono_ms >= due) {
            self.session.handle_timeout(now);
        }
        self.pump().await
    }

    /// Hands a frame to the session, or lets it wait (rule 40).
    fn take(&mut self, text: String, now: Timestamp) -> Result<(), DriverError> {
        let me = self.session.me().as_str().to_owned();
        if let Some(text) = self.flood.admit(text, &me, now.mono_ms).map_err(DriverError::Spill)? {
            self.session.handle(Input::Received(text), now);
        }
        Ok(())
    }

    /// Takes in what waited long enough.
    fn let_in(&mut self, now: Timestamp) -> Result<(), DriverError> {
        while let Some(text) = self.flood.next(now.mono_ms).map_err(DriverError::Spill)? {
            self.session.handle(Input::Received(text), now);
        }
        Ok(())
    }

    /// Does what the session asks for until it asks for nothing more. What is to be committed
    /// is gathered until something else has to be done.
    async fn pump(&mut self) -> Result<(), DriverError> {
        loop {
            match self.session.poll_output() {
                Some(Output::Commit { from, log }) => self.heard.gather(from, log),
                Some(Output::Notify(event)) => self.session_event(event)?,
                other => {
                    let idle = other.is_none();
                    if !(idle && self.may_gather()) {
                        self.commit_heard()?;
                    }
                    let Some(output) = other else {
                        if self.session.is_idle() {
                            return Ok(());
                        }
                        continue;
                    };
                    if let Some(input) = self.execute(output).await? {
                        self.session.handle(input, self.clock.now());
                    }
                }
            }
        }
    }

    async fn execute(&mut self, output: Output) -> Result<Option<Input>, DriverError> {
        let now = self.clock.now();
        Ok(match output {
            Output::FetchToken => return self.fetch_token().await,
            Output::OpenSocket => match self.server.connect().await {
                Ok(room) => {
                    self.room = Some(room);
                    Some(Input::Connected)
                }
                Err(failure) => Some(Input::Closed(failure.to_string())),
            },
            Output::Send(text) => match &mut self.room {
                Some(room) => match room.send(text).await {
                    Ok(()) => None,
                    Err(reason) => {
                        self.room = None;
                        Some(Input::Closed(reason))
                    }
                },
                None => None,
            },
            Output::CloseSocket => {
                self.room = None;
                None
            }
            Output::Commit { from, log } => Some(self.commit(vec![(from, log)])?),
            Output::Echoed(frame) => {
                self.store.borrow_mut().echoed(frame, now.wall_ms)?;
                self.heard.runs_ahead(now.mono_ms);
                self.tell(Event::Changed);
                None
            }
            Output::PrepareOutgoing => {
                let me = self.session.me().clone();
                let random = &mut self.random;
                let frames = self.store.borrow_mut().prepare_frames(&me, now.wall_ms, &mut || random.bits())?;
                self.summary.sent += frames.len();
                self.tell(Event::Changed);
                Some(Input::Outgoing(frames))
            }
            Output::ReadServer => {
                self.session_waits_for_read = true;
                self.read_at = Some(now.mono_ms);
                None
            }
            Output::ForeignSave { announced } => {
                self.saved_by_room.extend(announced);
                self.read_at = self.read_at.or(Some(now.mono_ms + READ_AFTER_MS));
                None
            }
            Output::Answer { peer, since, bivouac } => {
                let me = self.session.me().clone();
                let random = &mut self.random;
                let texts =
                    self.store
                        .borrow_mut()
                        .answer(&me, &peer, since.as_deref(), bivouac, now.wall_ms, &mut || random.bits())?;
                Some(Input::Frames(texts))
            }
            Output::Repair(registers) => {
                let me = self.session.me().clone();
                let texts = self.store.borrow_mut().repair_frames(&me, &registers)?;
                self.summary.repaired += texts.len();
                Some(Input::Frames(texts))
            }
            Output::Notify(event) => {
                self.session_event(event)?;
                None
            }
        })
    }

    async fn fetch_token(&mut self) -> Result<Option<Input>, DriverError> {
        match self.server.token().await {
            Ok(token) => Ok(Some(Input::Token(Ok(token)))),
            Err(Failure::NoRealTime(_)) => {
                self.without_room = true;
                self.read_at = Some(self.clock.now().mono_ms);
                Ok(Some(Input::Token(Err(true))))
            }
            Err(failure) => {
                self.fail(&failure)?;
                let permanent = !matches!(failure, Failure::Offline(_));
                Ok(Some(Input::Token(Err(permanent))))
            }
        }
    }

    fn commit(&mut self, messages: Vec<(Option<PeerId>, Log)>) -> Result<Input, DriverError> {
        let now = self.clock.now().wall_ms;
        let mut refused: Vec<(Option<PeerId>, usize)> = Vec::new();
        for (from, log) in &messages {
            let count: usize = log.refused.values().sum();
            if count > 0 {
                refused.push((from.clone(), count));
            }
            if log.operations.iter().any(|incoming| switches_real_time_off(&incoming.operation)) {
                self.tell(Event::RealTimeOff { by: from.clone() });
            }
        }
        let report = if self.session.state() == State::Live {
            self.heard.runs_ahead(self.clock.now().mono_ms);
            self.store.borrow_mut().commit_heard(messages, now)?
        } else {
            self.store.borrow_mut().commit_all_received(messages, now)?
        };
        self.summary.received += report.applied;
        self.summary.conflicts += report.conflicts;
        if report.refused > 0 {
            refused.push((None, report.refused));
        }
        for (from, count) in refused {
            self.tell(Event::Refused { from, count });
        }
        if let Some(by_ms) = report.clock_ahead_ms {
            self.tell(Event::PeerClockAhead { by_ms });
        }
        if report.applied > 0 {
            self.tell(Event::Changed);
        }
        Ok(Input::Committed { contended: report.contended, settled: report.settled })
    }

    fn session_event(&mut self, event: SessionEvent) -> Result<(), DriverError> {
        match &event {
            SessionEvent::CaughtUp => self.touch(),
            SessionEvent::PeerLeft(peer) => {
                let unsaved = self.store.borrow().unsaved_of(peer)?;
                if unsaved > 0 {
                    self.touch();
                    self.tell(Event::LeftUnsaved { peer: peer.clone(), count: unsaved });
                }
            }
            SessionEvent::State(State::Joining) => {
                let last = self.store.borrow().last_row()?;
                self.announced.joined(last);
            }
            SessionEvent::State(State::Live) => {
                let seed = self.random.bits();
                self.voice.raise(self.session.me().clone(), seed);
            }
            SessionEvent::State(State::Waiting | State::Offline) => {
                self.voice.lower();
                self.session_waits_for_read = false;
                self.announced.forget_room();
                self.flood.clear();
            }
            SessionEvent::Disconnected(reason) if self.stay == Stay::Once => {
                self.summary.disconnects += 1;
                tracing::debug!(reason, "the room was lost");
            }
            SessionEvent::State(_)
            | SessionEvent::Refused
            | SessionEvent::Disconnected(_)
            | SessionEvent::PeerJoined(..)
            | SessionEvent::PeerBivouac(_)
            | SessionEvent::PeerHere(..)
            | SessionEvent::PeerSilent(_)
            | SessionEvent::BadFrame(_)
            | SessionEvent::LogTooLarge(_) => {}
        }
        self.tell(Event::Session(event));
        Ok(())
    }

    /// Staying once, a failure that time does not heal ends the stay; watching, it is told.
    fn fail(&mut self, failure: &Failure) -> Result<(), DriverError> {
        self.tell(Event::Failed(failure.clone()));
        let retries = matches!(failure, Failure::Offline(_)) && self.summary.failures < 3;
        self.summary.failures += 1;
        if self.stay == Stay::Once && !retries {
            return Err(failure.clone().into());
        }
        Ok(())
    }

    /// Something of ours changed: it is saved after a short pause.
    fn touch(&mut self) {
        let now = self.clock.now().mono_ms;
        let pause = if self.stay == Stay::Once { 0 } else { SAVE_AFTER_MS };
        self.save_at = Some(now + pause);
    }

    fn tell(&self, event: Event) {
        // Nobody listening is no reason to stop.
        let _ = self.events.send(event);
    }
}

/// Rule 39: shown and asked about; the room is not left because of it.
fn switches_real_time_off(operation: &Operation) -> bool {
    operation.path.as_ref() == Some(&Path::property("syncEnabled"))
        && operation.object == Object::Map
        && operation.value.as_ref().is_none_or(|value| value.as_str() == "false")
}

async fn receive<R: Room>(room: &mut Option<R>) -> Result<String, String> {
    match room {
        Some(room) => room.receive().await,
        None => std::future::pending().await,
    }
}

async fn run_errand(errand: &mut Option<Errand>) -> Outcome {
    match errand {
        Some(future) => {
            let outcome = future.as_mut().await;
            *errand = None;
            outcome
        }
        None => std::future::pending().await,
    }
}
