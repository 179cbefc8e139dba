//! The command line without a network: every command as a process of its own.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, missing_docs)]

mod edits;
mod ends;
mod files;
mod full;
mod runner;
