//! The application as a window sees it, without a window toolkit: the maps on this laptop, the
//! one that is open, and everything that can be done with it.

mod room;
mod surroundings;
pub mod types;

pub use surroundings::Surroundings;

#[cfg(test)]
mod typescript;
