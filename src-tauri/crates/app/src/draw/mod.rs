//! What a map window shows: computed here, from the store, for one viewport at a time.
//!
//! Everything that uMap decides about looks is decided in here: which option a feature inherits,
//! which class, category, radius, cluster or rule gives it its colour, what its label says. A
//! window only draws marks. It never holds the map, and at most some thousand marks.

pub mod types;
