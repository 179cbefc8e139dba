//! The deterministic simulation: real drivers over real stores, a modelled uMap around them.

pub mod browser;
pub mod check;
pub mod edits;
pub mod hostile;
pub mod http;
pub mod ledger;
pub mod link;
pub mod page;
pub mod random;
pub mod relay;
pub mod replica;
pub mod schedule;
pub mod world;
