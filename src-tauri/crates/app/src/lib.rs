//! The application without its shells: maps on this laptop, edits, synchronising, exchange.

pub mod driver;
pub mod online;
pub mod server;
