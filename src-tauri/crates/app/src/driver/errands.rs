//! The long errands beside the room: one at a time, each a future of its own.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

use tokio::sync::mpsc;

use bivouac_journal::ids::{LayerId, PeerId};
use bivouac_journal::session::{Input, State};

use super::announce::Announcement;
use super::save::SaveDone;
use super::{Driver, DriverError, Event, RETRY_MS, Random, Shared, Stay};
use crate::server::{Clock, Failure, Server};

/// What vanished is saved again at most once in this time, in ms (rule 40).
const REASSERT_EVERY_MS: u64 = 30_000;

/// An errand under way.
pub(super) type Errand = Pin<Box<dyn Future<Output = Outcome>>>;

/// How an errand ended.
pub(super) enum Outcome {
    Read(Result<ReadDone, DriverError>),
    Saved(Result<SaveDone, DriverError>),
}

/// What reading the server came to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ReadDone {
    pub(super) layers: usize,
    pub(super) skew_ms: Option<i64>,
    /// Changes of others that were offered because nobody saved them (rule 16).
    pub(super) lost: usize,
    /// Additions of ours that vanished and are saved again (rule 23).
    pub(super) again: usize,
}

/// What an errand works with.
pub(super) struct Desk<S, C> {
    pub(super) store: Shared,
    pub(super) server: Rc<S>,
    pub(super) clock: Rc<C>,
    pub(super) random: std::cell::RefCell<Random>,
    pub(super) events: mpsc::UnboundedSender<Event>,
    pub(super) announcements: mpsc::UnboundedSender<Announcement>,
    /// Who is in the room, and saves what is theirs.
    pub(super) present: Vec<PeerId>,
    /// Versions that somebody in the room saved and announced (rule 23).
    pub(super) saved_by_room: BTreeSet<(LayerId, String)>,
    /// Additions of ours that vanished meanwhile and are saved again (rule 23).
    pub(super) again: std::cell::Cell<usize>,
}

impl<S: Server, C: Clock> Desk<S, C> {
    pub(super) fn now_ms(&self) -> u64 {
        self.clock.now().wall_ms
    }

    pub(super) fn tell(&self, event: Event) {
        let _ = self.events.send(event);
    }
}

impl<S: Server + 'static, C: Clock + 'static> Driver<S, C>
where
    S::Room: 'static,
{
    fn desk(&mut self) -> Desk<S, C> {
        Desk {
            store: self.store.clone(),
            server: self.server.clone(),
            clock: self.clock.clone(),
            random: std::cell::RefCell::new(Random::new(self.random.bits())),
            events: self.events.clone(),
            announcements: self.frames.0.clone(),
            present: self.session.peers().map(|(id, _)| id.clone()).collect(),
            saved_by_room: std::mem::take(&mut self.saved_by_room),
            again: std::cell::Cell::new(0),
        }
    }

    /// Whether saving may begin: nothing of ours is on its way to the room.
    fn may_save(&self) -> bool {
        self.without_room || (self.session.state() == State::Live && self.session.all_echoed())
    }

    pub(super) fn start_due_errand(&mut self) -> Result<(), DriverError> {
        if self.errand.is_some() {
            return Ok(());
        }
        let now = self.clock.now().mono_ms;
        if self.read_at.is_some_and(|at| now >= at) {
            self.read_at = None;
            let desk = self.desk();
            self.errand = Some(Box::pin(async move { Outcome::Read(desk.read_server().await) }));
        } else if self.save_at.is_some_and(|at| now >= at) {
            if self.may_save() {
                self.save_at = None;
                if std::mem::take(&mut self.reasserts) {
                    self.reasserted_at = Some(now);
                }
                let desk = self.desk();
                self.errand = Some(Box::pin(async move { Outcome::Saved(desk.save_all().await) }));
            } else {
                // Looked at again when the room has taken everything.
                self.save_at = Some(now + 200);
            }
        }
        Ok(())
    }

    pub(super) async fn errand_done(&mut self, outcome: Outcome) -> Result<(), DriverError> {
        match outcome {
            Outcome::Read(Ok(done)) => self.read_done(done).await,
            Outcome::Saved(Ok(done)) => self.save_done(done).await,
            Outcome::Read(Err(error)) => self.errand_failed(error, true),
            Outcome::Saved(Err(error)) => self.errand_failed(error, false),
        }
    }

    async fn read_done(&mut self, done: ReadDone) -> Result<(), DriverError> {
        self.summary.read += done.layers;
        self.summary.conflicts += done.lost;
        if let Some(ms) = done.skew_ms {
            self.tell(Event::ClockSkew { ms });
        }
        self.tell(Event::Changed);
        if self.without_room {
            // Nobody to exchange with: settle what is ours, then save (RULES, "Nobody online").
            self.settle_alone()?;
        } else if self.session_waits_for_read {
            self.session_waits_for_read = false;
            self.input(Input::ServerRead).await?;
        } else if self.session.state() == State::Live {
            // What vanished from the server without a delete is saved again (rule 23).
            self.touch();
            self.space_out(done.again);
        }
        Ok(())
    }

    /// A page that writes over us again and again is answered twice a minute, not each time (rule 40).
    fn space_out(&mut self, again: usize) {
        self.reasserts |= again > 0;
        if self.reasserts
            && self.stay == Stay::Watch
            && let Some(last) = self.reasserted_at
        {
            self.save_at = self.save_at.max(Some(last + REASSERT_EVERY_MS));
        }
    }

    /// Without a room: what is ours competes with what was read, and is saved.
    fn settle_alone(&mut self) -> Result<(), DriverError> {
        let me = self.session.me().clone();
        let now = self.clock.now().wall_ms;
        let random = &mut self.random;
        self.store.borrow_mut().prepare_frames(&me, now, &mut || random.bits())?;
        self.touch();
        Ok(())
    }

    async fn save_done(&mut self, done: SaveDone) -> Result<(), DriverError> {
        self.summary.saved += done.saves;
        self.tell(Event::Changed);
        for (layer, failure) in done.not_saved {
            self.summary.failures += 1;
            self.tell(Event::NotSaved { layer, failure: failure.clone() });
            if self.stay == Stay::Once {
                return Err(failure.into());
            }
        }
        if done.released {
            if self.without_room {
                self.settle_alone()?;
            } else {
                self.touch();
                self.input(Input::LocalEdit).await?;
            }
        } else if done.verified {
            self.summary.verified = true;
            self.tell(Event::Verified);
        } else {
            self.save_at = Some(self.clock.now().mono_ms + RETRY_MS);
        }
        self.space_out(done.again);
        Ok(())
    }

    fn errand_failed(&mut self, error: DriverError, was_read: bool) -> Result<(), DriverError> {
        let failure = match error {
            DriverError::Store(_) | DriverError::Spill(_) => return Err(error),
            DriverError::Server(failure) => failure,
        };
        self.fail(&failure)?;
        let gives_up = matches!(failure, Failure::Refused(_) | Failure::SignIn(_));
        if gives_up && !was_read {
            return Ok(());
        }
        let at = Some(self.clock.now().mono_ms + RETRY_MS);
        if was_read {
            self.read_at = at;
        } else {
            self.save_at = at;
        }
        Ok(())
    }

    /// Staying once: whether there is nothing left to do.
    pub(super) fn is_done(&self) -> Result<bool, DriverError> {
        if self.stay == Stay::Watch
            || !self.flood.is_empty()
            || self.errand.is_some()
            || self.read_at.is_some()
            || self.save_at.is_some()
        {
            return Ok(false);
        }
        Ok(self.summary.verified && self.may_save())
    }
}
