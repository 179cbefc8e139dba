//! uMap over HTTP and websocket: this crate carries documents and frames and decides nothing.
//!
//! It knows uMap's ways of answering (errors inside a 200, `login_required`, CSRF, Referer) and
//! turns each into one typed result. What to do about an answer, when to try again and what to
//! merge belongs to the journal's session and to the driver, never here. No URL with a secret,
//! no token and no cookie appears in an error, a log line or a `Debug` of this crate; at level
//! `trace` the libraries below it (tungstenite, hyper) log what they carry, so a program
//! must not let them speak at that level.

mod account;
mod answer;
mod client;
mod close;
mod cookies;
mod dial;
mod document;
mod error;
mod http;
mod layers;
mod map_url;
mod maps;
mod members;
mod policy;
mod save;
mod secret;
mod socket;
mod tls;
mod types;
mod urls;
mod web;

pub use account::{Person, User};
pub use client::{Client, ServerTime};
pub use close::CloseReason;
pub use cookies::{Cookie, SavedCookies};
pub use document::{EditMode, LayerEntry, MapDocument};
pub use error::{FormError, LinkError};
pub use map_url::{MapRef, find_map};
pub use policy::Policy;
pub use save::{LayerDocument, LayerSave, Reference, Saved, Version};
pub use secret::Secret;
pub use socket::{Event, SendError, Socket, SocketReceiver, SocketSender};
pub use types::{
    CreatedMap, EditStatus, LonLat, NewMap, Permissions, PermissionsSave, SavedSettings, Settings, ShareStatus,
};
pub use web::{Fetched, Web, is_among, is_private, picture_host, picture_origin};

/// The largest answer that is read, and the largest layer that is sent: 100 MiB.
pub const MAX_ANSWER_BYTES: usize = 100 * 1024 * 1024;
/// The largest websocket message that is read or sent: 16 MiB, the bound of uMap's own server.
pub const MAX_FRAME_BYTES: usize = 16 * 1024 * 1024;
/// The largest form data besides files that a uMap server takes: 2.5 MiB (Django's default).
pub const MAX_SETTINGS_BYTES: usize = 2_621_440;
