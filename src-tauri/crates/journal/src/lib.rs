//! The pure heart of Bivouac: clocks, operations, merging, and the protocol of a uMap room.
//!
//! Nothing in here reads a clock, draws a random number, opens a file or a socket: time, seeds
//! and ids come in as arguments. So every behaviour can be replayed from its inputs.
//!
//! Modules in the order in which they build on each other: [`ids`], [`json`], [`clock`],
//! [`path`], [`geometry`], [`operation`], [`merge`], [`project`], [`document`], [`base`],
//! [[`wire`], [`catchup`],
//! [`outgoing`], [`session`].

pub mod base;
pub mod catchup;
pub mod clock;
pub mod document;
pub mod geometry;
mod hash;
pub mod ids;
pub mod json;
pub mod merge;
pub mod operation;
pub mod outgoing;
pub mod path;
pub mod project;
mod scan;
pub mod session;
pub mod winners;
pub mod wire;
