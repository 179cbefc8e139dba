//! The application without its shells: maps on this laptop, edits, synchronising, exchange.

pub mod account;
pub mod desk;
pub mod draw;
pub mod driver;
pub mod edits;
pub mod error;
pub mod events;
pub mod exchange;
pub mod host;
pub mod library;
pub mod lock;
pub mod online;
pub mod pictures;
pub mod secrets;
pub mod server;
pub mod sync;
pub mod take;
pub mod wire_check;

pub use error::{AppError, Result};
pub use host::Host;
