//! Hash index from keys to the places of entries.

use std::fmt;
use std::hash::{BuildHasher, Hash};

use crate::{KeyedHash, Place};

/// Hash index with open addressing. The index stores only places, and the keys are in the caller's table.
///
/// Probing is linear, and at most half of the cells are used. Removal closes the gap, so that lookups do not slow down
/// after many removals.
///
/// An index of [`PlaceIndex::new`] grows with its entries, so that the cells of few entries stay in the caches of the
/// processor. An index of [`PlaceIndex::preallocated`] allocates no memory later. An index never shrinks.
pub struct PlaceIndex {
    /// Each cell holds a place plus one, or zero if empty: new cells are zeroed memory, which is not written.
    cells: Box<[Place]>,
    mask: usize,
    /// Number of entries.
    len: usize,
    /// Number of cells for the maximum number of entries.
    full_size: usize,
    hash: KeyedHash,
}

impl PlaceIndex {
    /// Number of cells of a new index, unless its full size is smaller.
    const FIRST_SIZE: usize = 64;
    /// Largest number of cells before the full size. The next growth moves at most 8,192 entries.
    const LARGEST_STEP: usize = 1 << 15;

    /// Creates an index for up to `bound` entries. A full index has two to four cells per entry.
    pub fn new(bound: usize, seed: u64) -> PlaceIndex {
        let full_size = Self::full_size(bound);
        PlaceIndex::with_size(full_size.min(Self::FIRST_SIZE), full_size, KeyedHash::new(seed))
    }

    /// Creates an index for up to `bound` entries, with the cells for all of them.
    pub fn preallocated(bound: usize, seed: u64) -> PlaceIndex {
        let full_size = Self::full_size(bound);
        PlaceIndex::with_size(full_size, full_size, KeyedHash::new(seed))
    }

    fn full_size(bound: usize) -> usize {
        bound.saturating_mul(2).next_power_of_two()
    }

    fn with_size(size: usize, full_size: usize, hash: KeyedHash) -> PlaceIndex {
        PlaceIndex { cells: vec![0; size].into_boxed_slice(), mask: size - 1, len: 0, full_size, hash }
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

    /// Adds the place of a key that is not in the index. `key_at` returns the key at another place. The index must
    /// contain fewer entries than its bound: a full index would be searched without end.
    pub fn insert<K: Hash>(&mut self, key: K, place: Place, key_at: impl Fn(Place) -> Option<K>) {
        if self.len >= self.cells.len() / 4 && self.cells.len() < self.full_size {
            self.grow(key_at);
        }
        self.add(&key, place);
    }

    fn add<K: Hash>(&mut self, key: &K, place: Place) {
        let mut cell = self.home(key);
        while self.get(cell).is_some() {
            cell = self.after(cell);
        }
        self.set(cell, Some(place));
        self.len += 1;
    }

    /// Doubles the number of cells, or increases it to the full size.
    #[cold]
    fn grow<K: Hash>(&mut self, key_at: impl Fn(Place) -> Option<K>) {
        let doubled = self.cells.len() * 2;
        let size = if doubled > Self::LARGEST_STEP { self.full_size } else { doubled.min(self.full_size) };
        let mut grown = PlaceIndex::with_size(size, self.full_size, self.hash.clone());
        for place in self.cells.iter().filter_map(|cell| cell.checked_sub(1)) {
            if let Some(key) = key_at(place) {
                grown.add(&key, place);
            }
        }
        *self = grown;
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
        self.len -= 1;
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
