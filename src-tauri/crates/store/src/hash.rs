//! Hashing that is fast on short texts and numbers, and seeded, for peers choose what is looked up.

/// A map that nobody iterates.
pub(crate) type HashMap<K, V> = std::collections::HashMap<K, V, foldhash::fast::RandomState>;
