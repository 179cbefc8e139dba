//! The application as a window sees it, without a window toolkit: the maps on this laptop, the
//! one that is open, and everything that can be done with it.

pub mod types;

#[cfg(test)]
mod typescript;
