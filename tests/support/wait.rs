//! Waiting for something that becomes true, without guessing how long it takes.

use std::fmt::Debug;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Calls `look` until it answers `Ok`, every 50 ms, and gives its value; fails with `what` and the last
/// `Err` value seen after `timeout`.
#[track_caller]
pub fn wait_until<T, E: Debug>(what: &str, timeout: Duration, mut look: impl FnMut() -> Result<T, E>) -> T {
    let start = Instant::now();
    loop {
        match look() {
            Ok(value) => return value,
            Err(seen) if start.elapsed() >= timeout => {
                panic!("not within {timeout:?}: {what}; last seen: {seen:#?}")
            }
            Err(_) => sleep(Duration::from_millis(50)),
        }
    }
}
