//! The translation table.

use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::fmt;
use std::hash::{BuildHasher, Hash, Hasher};

use link::{Instant, MacAddr};

/// Protocol addresses and their hardware addresses, never more than a bound.
///
/// All memory is set aside when the table is made. The hash is seeded, so that nobody on the wire
/// can aim at one bucket. A full table refuses strangers and keeps what it has.
#[derive(Debug)]
pub struct Table<A> {
    entries: HashMap<A, Entry, Seed>,
    bound: usize,
}

/// What is known of one protocol address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its hardware address.
    pub hardware: MacAddr,
    /// When a packet last said so.
    pub confirmed: Instant,
}

/// The table holds as many entries as it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

impl<A: Eq + Hash + Copy + Ord> Table<A> {
    /// An empty table for up to `bound` entries.
    pub fn new(bound: usize, seed: u64) -> Table<A> {
        Table { entries: HashMap::with_capacity_and_hasher(bound, Seed(seed)), bound }
    }

    /// The entry of a protocol address.
    pub fn get(&self, protocol: A) -> Option<&Entry> {
        self.entries.get(&protocol)
    }

    /// The entry of a protocol address, to change.
    pub fn get_mut(&mut self, protocol: A) -> Option<&mut Entry> {
        self.entries.get_mut(&protocol)
    }

    /// Enters a protocol address, or replaces its entry.
    pub fn add(&mut self, protocol: A, entry: Entry) -> Result<(), Full> {
        // spec: table-bound
        if self.entries.len() >= self.bound && !self.entries.contains_key(&protocol) {
            return Err(Full);
        }
        self.entries.insert(protocol, entry);
        Ok(())
    }

    /// All entries, in the order of their protocol addresses.
    pub fn list(&self) -> Vec<(A, Entry)> {
        let mut entries: Vec<_> = self.entries.iter().map(|(a, entry)| (*a, *entry)).collect();
        entries.sort_unstable_by_key(|(protocol, _)| *protocol);
        entries
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

/// Makes hashers that start from a secret.
#[derive(Clone, Copy)]
struct Seed(u64);

impl BuildHasher for Seed {
    type Hasher = DefaultHasher;

    fn build_hasher(&self) -> DefaultHasher {
        let mut hasher = DefaultHasher::new();
        hasher.write_u64(self.0);
        hasher
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed(secret)")
    }
}

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the translation table is full")
    }
}

impl std::error::Error for Full {}

#[cfg(test)]
mod tests;
