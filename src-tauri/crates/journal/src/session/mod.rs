//! One stay in a uMap room, without any input or output of its own.
//!
//! [`Session::handle`] takes what happened, [`Session::poll_output`] gives what is to be done,
//! [`Session::poll_timeout`] says when to call [`Session::handle_timeout`]. Sockets, files and
//! clocks belong to the caller; so a whole stay can be replayed from its inputs.
//!
//! The order of coming back online is RULES.md's: token, connect, join, list of peers and both
//! echoes (rule 14), everybody's operations, then the server's documents, then our own.

mod here;
mod live;
mod liveness;
mod peers;
mod queue;
mod repair;
mod types;

use std::collections::VecDeque;

pub use peers::Peer;
pub use types::{Event, Input, OutFrame, Output, State, Timestamp};

use crate::ids::PeerId;
use crate::wire::{self, Frame};
use here::Glances;
use liveness::Liveness;
use peers::Peers;
use queue::Queue;
use repair::Repairs;
use types::Random;

/// How long a server may take from the socket to the JoinResponse, in ms.
const JOIN_TIMEOUT_MS: u64 = 10_000;
/// When the first steps after joining are tried again, in ms (rule 13).
const GREETING_RETRY_MS: u64 = 2_000;
/// How often they are tried before connecting anew (rule 13).
const GREETING_TRIES: u32 = 3;
/// The first and the longest pause before connecting again, in ms.
const BACKOFF_MS: (u64, u64) = (2_000, 32_000);
/// How long asking the peers may take before we go on without them, in ms.
const ASKING_MS: u64 = 10_000;

/// The phases of a connection, each with what only it needs.
#[derive(Debug)]
enum Phase {
    Offline,
    FetchingToken,
    Opening {
        token: String,
    },
    Joining {
        since: u64,
    },
    /// In the room, waiting for our list of peers and both echoes.
    Greeting {
        again_at: u64,
        tries: u32,
    },
    /// Asking everybody for what we missed.
    Asking {
        until: u64,
    },
    /// The server's documents are being read.
    Reading,
    /// Our own operations go out.
    Sending,
    Live,
    Waiting {
        until: u64,
    },
}

/// A stay in a room; see the module.
#[derive(Debug)]
pub struct Session {
    phase: Phase,
    username: Option<String>,
    me: PeerId,
    past_ids: Vec<PeerId>,
    random: Random,
    backoff_ms: u64,
    peers: Peers,
    liveness: Liveness,
    queue: Queue,
    repairs: Repairs,
    glances: Glances,
    outputs: VecDeque<Output>,
    now: Timestamp,
}

impl Session {
    /// A session that is offline. `seed` feeds peer ids and jitter; `username` is a label that
    /// others see.
    #[must_use]
    pub fn new(seed: u64, username: Option<String>) -> Self {
        let mut random = Random::new(seed);
        Self {
            phase: Phase::Offline,
            username,
            me: PeerId::from_bits(random.next()),
            past_ids: Vec::new(),
            random,
            backoff_ms: BACKOFF_MS.0,
            peers: Peers::default(),
            liveness: Liveness::default(),
            queue: Queue::default(),
            repairs: Repairs::default(),
            glances: Glances::default(),
            outputs: VecDeque::new(),
            now: Timestamp::default(),
        }
    }

    /// Where the session stands.
    #[must_use]
    pub fn state(&self) -> State {
        match self.phase {
            Phase::Offline => State::Offline,
            Phase::FetchingToken => State::FetchingToken,
            Phase::Opening { .. } => State::Opening,
            Phase::Joining { .. } | Phase::Greeting { .. } => State::Joining,
            Phase::Asking { .. } | Phase::Reading | Phase::Sending => State::CatchingUp,
            Phase::Live => State::Live,
            Phase::Waiting { .. } => State::Waiting,
        }
    }

    /// Our id in the room; fresh for each connection (rule 12).
    #[must_use]
    pub fn me(&self) -> &PeerId {
        &self.me
    }

    /// Who else is in the room.
    pub fn peers(&self) -> impl Iterator<Item = (&PeerId, &Peer)> {
        self.peers.iter()
    }

    /// Whether everything that we sent has come back to us.
    #[must_use]
    pub fn all_echoed(&self) -> bool {
        self.queue.is_empty()
    }

    /// Takes note of something that happened.
    pub fn handle(&mut self, input: Input, now: Timestamp) {
        self.now = now;
        match input {
            Input::GoOnline => self.go_online(),
            Input::GoOffline => self.go_offline(),
            Input::Token(Ok(token)) => self.token(token),
            Input::Token(Err(permanent)) => self.no_token(permanent),
            Input::Connected => self.connected(),
            Input::Closed(reason) => self.lost(&reason),
            Input::Received(text) => self.received(&text),
            Input::LocalEdit => self.local_edit(),
            Input::Committed { contended, settled } => self.committed(contended, &settled),
            Input::ServerRead => self.server_read(),
            Input::Outgoing(frames) => self.outgoing(frames),
            Input::Here(here) => self.here(here),
            Input::Frames(texts) => texts.into_iter().for_each(|text| self.send(text)),
        }
        self.advance();
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        self.now = now;
        let mono = now.mono_ms;
        match self.phase {
            Phase::Waiting { until } if mono >= until => {
                self.phase = Phase::Offline;
                self.go_online();
            }
            Phase::Joining { since } if mono >= since + JOIN_TIMEOUT_MS => {
                self.hang_up("the server did not let us join within 10 seconds");
            }
            Phase::Greeting { again_at, tries } if mono >= again_at => self.greet_again(tries),
            Phase::Asking { until } if mono >= until => self.asked_enough(),
            Phase::Offline
            | Phase::FetchingToken
            | Phase::Opening { .. }
            | Phase::Joining { .. }
            | Phase::Greeting { .. }
            | Phase::Asking { .. }
            | Phase::Reading
            | Phase::Sending
            | Phase::Live
            | Phase::Waiting { .. } => {}
        }
        if self.in_room() {
            self.ask_due();
            self.signs_due();
            self.probe_due();
            self.repair_due();
            self.glance_due();
        }
        self.advance();
    }

    /// The next thing to be done, if any.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Whether nothing is to be done at the moment.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.outputs.is_empty()
    }

    /// When [`Self::handle_timeout`] is to be called next, in monotonic ms.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<u64> {
        let phase = match self.phase {
            Phase::Waiting { until } | Phase::Asking { until } => Some(until),
            Phase::Joining { since } => Some(since + JOIN_TIMEOUT_MS),
            Phase::Greeting { again_at, .. } => Some(again_at),
            Phase::Offline
            | Phase::FetchingToken
            | Phase::Opening { .. }
            | Phase::Reading
            | Phase::Sending
            | Phase::Live => None,
        };
        // Nobody is asked before the greeting is over: a question that is due would never be taken
        // off, and the caller would be called again at once, for ever.
        let greeting = matches!(self.phase, Phase::Greeting { .. });
        let room = self.in_room().then(|| {
            let asking = [self.peers.next_due(), self.peers.next_quiet()].into_iter().flatten().min();
            [asking.filter(|_| !greeting), self.liveness.next_due(), self.repairs.next_due(), self.glance_at()]
                .into_iter()
                .flatten()
                .min()
        });
        [phase, room.flatten()].into_iter().flatten().min()
    }

    fn in_room(&self) -> bool {
        matches!(
            self.phase,
            Phase::Greeting { .. } | Phase::Asking { .. } | Phase::Reading | Phase::Sending | Phase::Live
        )
    }

    fn go_online(&mut self) {
        if matches!(self.phase, Phase::Offline | Phase::Waiting { .. }) {
            self.enter(Phase::FetchingToken);
            self.outputs.push_back(Output::FetchToken);
        }
    }

    fn go_offline(&mut self) {
        let had_socket = !matches!(self.phase, Phase::Offline | Phase::FetchingToken | Phase::Waiting { .. });
        self.leave_room();
        self.backoff_ms = BACKOFF_MS.0;
        self.enter(Phase::Offline);
        if had_socket {
            self.outputs.push_back(Output::CloseSocket);
        }
    }

    fn token(&mut self, token: String) {
        if matches!(self.phase, Phase::FetchingToken) {
            self.enter(Phase::Opening { token });
            self.outputs.push_back(Output::OpenSocket);
        }
    }

    fn no_token(&mut self, permanent: bool) {
        if !matches!(self.phase, Phase::FetchingToken) {
            return;
        }
        if permanent {
            self.enter(Phase::Offline);
            self.notify(Event::Refused);
        } else {
            self.wait();
        }
    }

    fn connected(&mut self) {
        let Phase::Opening { token } = &self.phase else {
            return;
        };
        let fresh = PeerId::from_bits(self.random.next());
        let past = std::mem::replace(&mut self.me, fresh);
        self.past_ids.push(past);
        let join = wire::join_request(token, &self.me, self.username.as_deref());
        self.enter(Phase::Joining { since: self.now.mono_ms });
        self.send(join);
    }

    fn lost(&mut self, reason: &str) {
        if matches!(self.phase, Phase::Offline | Phase::FetchingToken | Phase::Waiting { .. }) {
            return;
        }
        self.leave_room();
        self.notify(Event::Disconnected(reason.to_owned()));
        self.wait();
    }

    /// Gives the connection up from our side and tries again later.
    fn hang_up(&mut self, reason: &str) {
        self.outputs.push_back(Output::CloseSocket);
        self.lost(reason);
    }

    fn leave_room(&mut self) {
        self.queue.clear();
        self.repairs.clear();
        self.glances.leave();
        for peer in self.peers.clear() {
            self.outputs.push_back(Output::Notify(Event::PeerLeft(peer)));
        }
    }

    fn wait(&mut self) {
        // Half to one and a half of the pause, so that a room does not come back in one wave.
        let jitter = self.random.below(self.backoff_ms + 1);
        let until = self.now.mono_ms + self.backoff_ms / 2 + jitter;
        self.backoff_ms = (self.backoff_ms * 2).min(BACKOFF_MS.1);
        self.enter(Phase::Waiting { until });
    }

    fn received(&mut self, text: &str) {
        match wire::parse(text) {
            Ok(frame) => self.frame(frame),
            Err(error) => self.notify(Event::BadFrame(error.to_string())),
        }
    }

    fn frame(&mut self, frame: Frame) {
        if let (Frame::JoinResponse { peers, .. }, Phase::Joining { .. }) = (&frame, &self.phase) {
            let peers = peers.clone();
            self.joined(&peers);
            return;
        }
        if !self.in_room() {
            return;
        }
        match frame {
            Frame::ListPeersResponse(peers) | Frame::JoinResponse { peers, .. } => self.listed(&peers),
            Frame::Operation(envelope) => self.operation(envelope),
            Frame::Saved { sender, last_known } => self.saved(&sender, &last_known),
            Frame::Peer { sender, recipient, body } => self.peer_message(sender, &recipient, body),
            Frame::JoinRequest(_) | Frame::Pong => {}
        }
    }

    /// Moves on as soon as a phase has all it waited for.
    fn advance(&mut self) {
        match self.phase {
            Phase::Greeting { .. } if self.peers.is_listed() && self.liveness.both_heard() => {
                self.backoff_ms = BACKOFF_MS.0;
                self.enter(Phase::Asking { until: self.now.mono_ms + ASKING_MS });
                self.ask_due();
                self.advance();
            }
            Phase::Asking { .. } if self.peers.all_answered() => self.asked_enough(),
            Phase::Sending if self.queue.is_empty() => {
                self.enter(Phase::Live);
                self.notify(Event::CaughtUp);
            }
            Phase::Offline
            | Phase::FetchingToken
            | Phase::Opening { .. }
            | Phase::Joining { .. }
            | Phase::Greeting { .. }
            | Phase::Asking { .. }
            | Phase::Reading
            | Phase::Sending
            | Phase::Live
            | Phase::Waiting { .. } => {}
        }
    }

    fn asked_enough(&mut self) {
        if matches!(self.phase, Phase::Asking { .. }) {
            self.enter(Phase::Reading);
            self.outputs.push_back(Output::ReadServer);
        }
    }

    fn server_read(&mut self) {
        if matches!(self.phase, Phase::Reading) {
            self.enter(Phase::Sending);
            self.queue.expect();
            self.outputs.push_back(Output::PrepareOutgoing);
        }
    }

    fn local_edit(&mut self) {
        if matches!(self.phase, Phase::Sending | Phase::Live) && !self.queue.is_expecting() {
            self.queue.expect();
            self.outputs.push_back(Output::PrepareOutgoing);
        }
    }

    fn enter(&mut self, phase: Phase) {
        let before = self.state();
        self.phase = phase;
        let after = self.state();
        if before != after {
            self.notify(Event::State(after));
        }
    }

    fn notify(&mut self, event: Event) {
        self.outputs.push_back(Output::Notify(event));
    }

    fn send(&mut self, text: String) {
        self.outputs.push_back(Output::Send(text));
    }
}

#[cfg(test)]
mod tests;
