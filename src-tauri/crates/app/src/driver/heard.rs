//! What others tell while we are live, from the room to the disk.
//!
//! It is shown at once: committed ahead of the disk, which takes it a moment later on another
//! thread (see [`bivouac_store::Settling`]). When the room never pauses, what it says is
//! committed together a hundred times a second, for a commit costs more than an operation.

use std::collections::VecDeque;

use bivouac_journal::catchup::Log;
use bivouac_journal::ids::PeerId;
use bivouac_journal::session::State;
use bivouac_store::Result as StoreResult;
use tokio::task::JoinHandle;

use super::{Driver, DriverError, Shared};
use crate::server::{Clock, Server};

/// Commits that may follow each other at once: a room of people is never made to wait.
const AT_ONCE: usize = 24;
/// The time in which one more may follow, in ms.
const ONE_MORE_MS: u64 = 10;
/// How far commits may run ahead of the disk, in ms.
const AHEAD_MS: u64 = 50;

/// What was heard and is on its way to the disk.
#[derive(Debug, Default)]
pub(super) struct Heard {
    gathered: Vec<(Option<PeerId>, Log)>,
    /// When the last commits were.
    commits: VecDeque<u64>,
    /// When the disk is to take what was committed.
    settle_at: Option<u64>,
    settling: Option<JoinHandle<StoreResult<()>>>,
}

impl Heard {
    pub(super) fn gather(&mut self, from: Option<PeerId>, log: Log) {
        self.gathered.push((from, log));
    }

    /// Something was committed ahead of the disk.
    pub(super) fn runs_ahead(&mut self, now_ms: u64) {
        self.settle_at = self.settle_at.or(Some(now_ms + AHEAD_MS));
    }

    /// When something is to be done, in ms of the monotonic clock.
    pub(super) fn next_due(&self) -> Option<u64> {
        let commit = (!self.gathered.is_empty()).then(|| self.commit_at());
        let settle = self.settle_at.filter(|_| self.settling.is_none());
        [commit, settle].into_iter().flatten().min()
    }

    /// When the next commit may be.
    fn commit_at(&self) -> u64 {
        match self.commits.front() {
            Some(first) if self.commits.len() >= AT_ONCE => {
                let last = self.commits.back().copied().unwrap_or(0);
                (last + ONE_MORE_MS).min(first + AT_ONCE as u64 * ONE_MORE_MS)
            }
            Some(_) | None => 0,
        }
    }

    fn committed(&mut self, now_ms: u64) {
        self.commits.push_back(now_ms);
        while self.commits.len() > AT_ONCE {
            self.commits.pop_front();
        }
    }

    /// Ends when the disk has taken what it was given; never when it was given nothing.
    pub(super) async fn settled(&mut self) -> Result<(), DriverError> {
        let Some(settling) = &mut self.settling else { return std::future::pending().await };
        let taken = settling.await;
        self.settling = None;
        match taken {
            Ok(taken) => Ok(taken?),
            // The thread is gone with its runtime.
            Err(_) => Ok(()),
        }
    }
}

/// While live, an edit is committed together with what it has to say in the room (M8). However a
/// stay ends, edits speak to nobody any more.
pub(super) struct Voice(Shared);

impl Voice {
    pub(super) fn new(store: Shared) -> Self {
        Self(store)
    }

    pub(super) fn raise(&self, me: PeerId, seed: u64) {
        self.0.borrow_mut().speak_as(Some((me, seed)));
    }

    pub(super) fn lower(&self) {
        self.0.borrow_mut().speak_as(None);
    }
}

impl Drop for Voice {
    fn drop(&mut self) {
        if let Ok(mut store) = self.0.try_borrow_mut() {
            store.speak_as(None);
        }
    }
}

impl<S: Server + 'static, C: Clock + 'static> Driver<S, C>
where
    S::Room: 'static,
{
    /// Whether what was heard may wait for more.
    pub(super) fn may_gather(&self) -> bool {
        self.session.state() == State::Live && self.heard.commit_at() > self.clock.now().mono_ms
    }

    /// Commits what was heard so far.
    pub(super) fn commit_heard(&mut self) -> Result<(), DriverError> {
        if self.heard.gathered.is_empty() {
            return Ok(());
        }
        let messages = std::mem::take(&mut self.heard.gathered);
        let input = self.commit(messages)?;
        let now = self.clock.now();
        self.heard.committed(now.mono_ms);
        self.session.handle(input, now);
        Ok(())
    }

    /// Commits what waited long enough.
    pub(super) fn commit_due(&mut self) -> Result<(), DriverError> {
        if self.may_gather() { Ok(()) } else { self.commit_heard() }
    }

    /// Has the disk take what was committed ahead of it.
    pub(super) fn settle_due(&mut self) -> Result<(), DriverError> {
        let is_due = self.heard.settle_at.is_some_and(|at| self.clock.now().mono_ms >= at);
        if !is_due || self.heard.settling.is_some() {
            return Ok(());
        }
        self.heard.settle_at = None;
        if let Some(settling) = self.store.borrow_mut().settling()? {
            self.heard.settling = Some(tokio::task::spawn_blocking(move || settling.wait()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How long each message waits for its commit, when they come at these instants.
    fn waits(arrivals: impl Iterator<Item = u64>) -> (Vec<u64>, usize) {
        let (mut heard, mut waiting, mut waited, mut commits) = (Heard::default(), Vec::new(), Vec::new(), 0);
        let mut arrivals = arrivals.peekable();
        let mut now = 0;
        while arrivals.peek().is_some() || !waiting.is_empty() {
            while arrivals.next_if(|at| *at <= now).is_some() {
                waiting.push(now);
            }
            if !waiting.is_empty() && heard.commit_at() <= now {
                waited.extend(waiting.drain(..).map(|at| now - at));
                heard.committed(now);
                commits += 1;
            }
            now += 1;
        }
        (waited, commits)
    }

    #[test]
    fn a_room_of_people_is_never_made_to_wait() {
        let (waited, _) = waits((0..3_000).map(|n| n * 20 - n % 7 * 3));
        assert!(waited.iter().all(|ms| *ms == 0), "fifty a second, not evenly");
        let (waited, _) = waits((0..AT_ONCE as u64).map(|n| n + 5));
        assert!(waited.iter().all(|ms| *ms == 0), "one gesture of a browser");
    }

    #[test]
    fn what_never_pauses_is_committed_a_hundred_times_a_second() {
        let (waited, commits) = waits((0..8_000).map(|n| n * 10 / 8));
        assert_eq!(waited.len(), 8_000);
        assert!(waited.iter().all(|ms| *ms <= ONE_MORE_MS), "nothing waits longer than that");
        assert!((990..=1_030).contains(&commits), "{commits} commits in ten seconds");
    }
}
