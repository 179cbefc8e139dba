//! The command line without a network: every command as a process of its own.

mod edits;
mod ends;
mod files;
mod runner;
