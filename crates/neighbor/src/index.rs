//! Hash index from IP addresses to the places of entries.

use std::fmt;
use std::hash::{BuildHasher, Hash};

use base::{KeyedHash, Place};

/// Hash index with open addressing. The index stores only places, and the addresses are in the table.
///
/// Probing is linear, and at most half of the cells are used. Removal closes the gap, so that lookups do not slow down
/// after many removals.
pub(super) struct Index {
    /// Each cell holds a place plus one, or zero if empty: a new index is zeroed memory, which is not written.
    cells: Box<[Place]>,
    mask: usize,
    hash: KeyedHash,
}

impl Index {
    /// Creates an index for up to `bound` entries, with two to four cells per entry.
    pub(super) fn new(bound: usize, seed: u64) -> Index {
        let cells = bound.saturating_mul(2).next_power_of_two();
        Index { cells: vec![0; cells].into_boxed_slice(), mask: cells - 1, hash: KeyedHash::new(seed) }
    }

    /// Returns the place of the entry with this address. `is_match` reports whether the entry at a place has this
    /// address.
    pub(super) fn find<A: Hash>(&self, address: A, is_match: impl Fn(u32) -> bool) -> Option<u32> {
        let mut cell = self.home(&address);
        loop {
            let place = self.get(cell)?;
            if is_match(place) {
                return Some(place);
            }
            cell = self.after(cell);
        }
    }

    /// Adds the place of an address that is not in the index.
    pub(super) fn insert<A: Hash>(&mut self, address: A, place: u32) {
        let mut cell = self.home(&address);
        while self.get(cell).is_some() {
            cell = self.after(cell);
        }
        self.set(cell, Some(place));
    }

    /// Removes the place of an address. `address_at` returns the address at another place.
    pub(super) fn remove<A: Hash>(&mut self, address: A, place: u32, address_at: impl Fn(u32) -> Option<A>) {
        let mut gap = self.home(&address);
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
            let Some(address) = address_at(next) else { break };
            let from_home = cell.wrapping_sub(self.home(&address)) & self.mask;
            let from_gap = cell.wrapping_sub(gap) & self.mask;
            if from_home >= from_gap {
                self.set(gap, Some(next));
                gap = cell;
            }
        }
        self.set(gap, None);
    }

    /// Returns the cell where the search for an address starts.
    fn home<A: Hash>(&self, address: &A) -> usize {
        usize::try_from(self.hash.hash_one(address) >> 32).unwrap_or_default() & self.mask
    }

    fn after(&self, cell: usize) -> usize {
        (cell + 1) & self.mask
    }

    fn get(&self, cell: usize) -> Option<Place> {
        self.cells.get(cell).and_then(|place| place.checked_sub(1))
    }

    fn set(&mut self, cell: usize, place: Option<Place>) {
        if let Some(cell) = self.cells.get_mut(cell) {
            *cell = place.map_or(0, |place| place.saturating_add(1));
        }
    }
}

impl fmt::Debug for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Omits the cells, which would reveal the secret hash.
        write!(f, "Index({} cells)", self.cells.len())
    }
}

#[cfg(test)]
mod tests;
