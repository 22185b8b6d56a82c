//! Hash index from keys to the places of entries.

use std::fmt;
use std::hash::{BuildHasher, Hash};

use crate::{KeyedHash, Place};

/// Hash index with open addressing. The index stores only places, and the keys are in the caller's table.
///
/// Probing is linear, and at most half of the cells are used. Removal closes the gap, so that lookups do not slow down
/// after many removals.
pub struct PlaceIndex {
    /// Each cell holds a place plus one, or zero if empty: a new index is zeroed memory, which is not written.
    cells: Box<[Place]>,
    mask: usize,
    hash: KeyedHash,
}

impl PlaceIndex {
    /// Creates an index for up to `bound` entries, with two to four cells per entry.
    pub fn new(bound: usize, seed: u64) -> PlaceIndex {
        let cells = bound.saturating_mul(2).next_power_of_two();
        PlaceIndex { cells: vec![0; cells].into_boxed_slice(), mask: cells - 1, hash: KeyedHash::new(seed) }
    }

    /// Returns the place of the entry with this key. `is_match` reports whether the entry at a place has this key.
    // Inlined across crates, because every received frame causes a lookup.
    #[inline]
    pub fn find<K: Hash>(&self, key: K, is_match: impl Fn(Place) -> bool) -> Option<Place> {
        let mut cell = self.home(&key);
        loop {
            let place = self.get(cell)?;
            if is_match(place) {
                return Some(place);
            }
            cell = self.after(cell);
        }
    }

    /// Adds the place of a key that is not in the index. The index must contain fewer entries than its bound: a full
    /// index would be searched without end.
    pub fn insert<K: Hash>(&mut self, key: K, place: Place) {
        let mut cell = self.home(&key);
        while self.get(cell).is_some() {
            cell = self.after(cell);
        }
        self.set(cell, Some(place));
    }

    /// Removes the place of a key. `key_at` returns the key at another place.
    pub fn remove<K: Hash>(&mut self, key: K, place: Place, key_at: impl Fn(Place) -> Option<K>) {
        let mut gap = self.home(&key);
        while self.get(gap) != Some(place) {
            if self.get(gap).is_none() {
                return;
            }
            gap = self.after(gap);
        }
        // Fill the gap with the next place that has its home cell at or before the gap, and repeat from there.
        let mut cell = gap;
        loop {
            cell = self.after(cell);
            let Some(next) = self.get(cell) else { break };
            let Some(key) = key_at(next) else { break };
            let from_home = cell.wrapping_sub(self.home(&key)) & self.mask;
            let from_gap = cell.wrapping_sub(gap) & self.mask;
            if from_home >= from_gap {
                self.set(gap, Some(next));
                gap = cell;
            }
        }
        self.set(gap, None);
    }

    /// Returns the cell where the search for a key starts.
    #[inline]
    fn home<K: Hash>(&self, key: &K) -> usize {
        usize::try_from(self.hash.hash_one(key) >> 32).unwrap_or_default() & self.mask
    }

    #[inline]
    fn after(&self, cell: usize) -> usize {
        (cell + 1) & self.mask
    }

    #[inline]
    fn get(&self, cell: usize) -> Option<Place> {
        self.cells.get(cell).and_then(|place| place.checked_sub(1))
    }

    fn set(&mut self, cell: usize, place: Option<Place>) {
        if let Some(cell) = self.cells.get_mut(cell) {
            *cell = place.map_or(0, |place| place.saturating_add(1));
        }
    }
}

impl fmt::Debug for PlaceIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Omits the cells, which would reveal the secret hash.
        write!(f, "PlaceIndex({} cells)", self.cells.len())
    }
}

#[cfg(test)]
mod tests;
