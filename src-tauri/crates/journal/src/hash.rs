//! Hashing that is fast on short texts, and seeded, for what peers send is looked up with it.

/// A map that nobody iterates.
pub(crate) type HashMap<K, V> = std::collections::HashMap<K, V, foldhash::fast::RandomState>;
