//! The deterministic simulation: real drivers over real stores, a modelled uMap around them.

pub mod browser;
pub mod check;
pub mod deeds;
pub mod edits;
pub mod extras;
pub mod hostile;
pub mod http;
pub mod ledger;
pub mod liar;
pub mod link;
pub mod page;
pub mod random;
pub mod relay;
pub mod replica;
pub mod schedule;
pub mod world;
