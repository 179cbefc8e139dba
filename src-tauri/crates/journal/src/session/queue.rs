//! Our own frames on their way: one at a time, each until its echo came.
//!
//! One at a time keeps rule 26 (a layer is echoed before anything speaks of it) and rule 48
//! (200 messages a second) by themselves; an echo takes about 2 ms.

use std::collections::VecDeque;

use super::Session;
use super::types::{OutFrame, Output};

/// Frames waiting for their turn or their echo.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: VecDeque<OutFrame>,
    in_flight: Option<OutFrame>,
    expecting: bool,
}

impl Queue {
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.in_flight.is_none() && !self.expecting
    }

    /// Frames were asked for and are being prepared.
    pub(super) fn expect(&mut self) {
        self.expecting = true;
    }

    pub(super) fn is_expecting(&self) -> bool {
        self.expecting
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

impl Session {
    /// Takes prepared frames; those already waiting are not taken twice.
    pub(super) fn outgoing(&mut self, frames: Vec<OutFrame>) {
        self.queue.expecting = false;
        for frame in frames {
            let known = self.queue.waiting.iter().chain(&self.queue.in_flight).any(|f| f.id == frame.id);
            if !known {
                self.queue.waiting.push_back(frame);
            }
        }
        self.send_next();
    }

    fn send_next(&mut self) {
        if self.queue.in_flight.is_some() || !self.in_room() {
            return;
        }
        let Some(frame) = self.queue.waiting.pop_front() else {
            return;
        };
        self.send(frame.text.clone());
        self.queue.in_flight = Some(frame);
    }

    /// Whether this stamp is that of the frame whose echo we wait for; then the next one goes.
    pub(super) fn take_echo(&mut self, hlc: &str) -> bool {
        let is_echo = self.queue.in_flight.as_ref().is_some_and(|frame| frame.hlc == hlc);
        if is_echo && let Some(frame) = self.queue.in_flight.take() {
            self.outputs.push_back(Output::Echoed(frame.id));
            self.send_next();
        }
        is_echo
    }
}
