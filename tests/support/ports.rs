//! Ports for servers of our own. Below the kernel's own range, so that no outgoing connection takes one
//! between the choice and its use.

use std::net::TcpListener;
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

static TRIES: AtomicU32 = AtomicU32::new(0);

/// A port of loopback that nobody listens on.
#[track_caller]
pub fn free_port() -> u16 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |t| t.subsec_nanos());
    for _ in 0..200 {
        let step = TRIES.fetch_add(1, Ordering::Relaxed);
        let mix = (process::id() ^ now).wrapping_add(step).wrapping_mul(2_654_435_761);
        let port = 15_000 + u16::try_from((mix >> 8) % 16_000).unwrap_or(0);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no free port between 15000 and 31000")
}
