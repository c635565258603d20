//! Tables to look things up in, and never to walk through, so that no order of theirs can reach a plan. They hash without
//! a secret: their keys come from AWS and the configuration, and equal facts shall cost equal work.

use std::collections::HashMap;

use foldhash::fast::FixedState;

/// A table that is looked up and never walked through. Its keys are best held by value: with a hundred thousand of
/// them, following a pointer for each comparison is most of what a look-up costs.
pub type Index<K, V> = HashMap<K, V, FixedState>;

/// An index with room for so many entries.
#[must_use]
pub fn index_for<K, V>(entries: usize) -> Index<K, V> {
    Index::with_capacity_and_hasher(entries, FixedState::default())
}
