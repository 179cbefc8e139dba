//! Virtual time and the trace of what happened in it.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use tokio::time::Instant;

/// The true time at which every schedule begins, in ms since 1970.
pub const EPOCH_MS: u64 = 1_795_440_000_000;

/// What all actors share.
pub struct World {
    start: Instant,
    trace: RefCell<Option<Vec<String>>>,
    /// Printed as it happens: for a schedule that does not end.
    live: bool,
    /// How many messages and requests were exchanged: the measure of a schedule's size.
    pub events: Cell<u64>,
}

impl World {
    /// Made inside the runtime, whose clock stands still but for sleeping.
    pub fn new(traced: bool) -> Self {
        Self {
            start: Instant::now(),
            trace: RefCell::new(traced.then(Vec::new)),
            live: std::env::var_os("BIVOUAC_SIM_LIVE").is_some(),
            events: Cell::new(0),
        }
    }

    /// Virtual ms since the beginning.
    pub fn elapsed(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// The true time in ms since 1970.
    pub fn now(&self) -> u64 {
        EPOCH_MS + self.elapsed()
    }

    pub async fn sleep(&self, ms: u64) {
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }

    pub async fn until(&self, at: u64) {
        tokio::time::sleep_until(self.start + Duration::from_millis(at - EPOCH_MS)).await;
    }

    pub fn is_traced(&self) -> bool {
        self.trace.borrow().is_some()
    }

    pub fn say(&self, who: &str, what: impl FnOnce() -> String) {
        let elapsed = self.elapsed();
        if let Some(trace) = &mut *self.trace.borrow_mut() {
            let mut what = what();
            let limit = if self.live { 100_000 } else { 700 };
            if what.len() > limit {
                let end = (0..limit).rev().find(|at| what.is_char_boundary(*at)).unwrap_or(0);
                what.truncate(end);
                what.push_str(" ...");
            }
            let line = format!("{:>8}.{:03} {who:<8} {what}", elapsed / 1000, elapsed % 1000);
            if self.live {
                eprintln!("{line}");
            }
            trace.push(line);
        }
    }

    pub fn trace(&self) -> Vec<String> {
        self.trace.borrow().clone().unwrap_or_default()
    }
}
