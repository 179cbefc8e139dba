//! What the end-to-end tests share: a real uMap server, real uMap browsers, a proxy that can be cut.
//!
//! Everything here panics with a full sentence when the world does not play along: a test cannot go on
//! without its server, and a missing one must fail the test, never skip it.

mod browser;
mod footprint;
mod hand;
mod http;
mod map;
mod pixels;
mod ports;
mod proxy;
mod server;
mod wait;
mod web_peer;
mod window;

pub use browser::Browser;
pub use footprint::footprints;
pub use http::{Answer, Visitor};
pub use map::{MapSpec, SavedLayer, TestMap, Version, marker};
pub use pixels::colours;
pub use ports::free_port;
pub use proxy::{Counts, Direction, Proxy};
pub use server::UmapServer;
pub use wait::wait_until;
pub use web_peer::{Frame, PageLayer, PageState, Post, SaveReport, WebPeer};
pub use window::{Element, Window, WindowHome};
