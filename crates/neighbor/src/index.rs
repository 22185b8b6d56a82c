//! From a protocol address to the place of its entry.

use std::fmt;
use std::hash::{BuildHasher, Hash};

use base::KeyedHash;
use base::Place;

/// An open-addressed hash index: places only, the addresses lie in the table. Probing is linear, at
/// most half of the cells are used, and removal closes the gap, so that a look-up costs the same
/// after a million removals.
pub(super) struct Index {
    /// Each holds a place and one more; zero is an empty cell, so that a new index touches no memory.
    cells: Box<[Place]>,
    mask: usize,
    hash: KeyedHash,
}

impl Index {
    /// An index for up to `bound` entries, with two to four cells for each.
    pub(super) fn new(bound: usize, seed: u64) -> Index {
        let cells = bound.saturating_mul(2).next_power_of_two();
        Index { cells: vec![0; cells].into_boxed_slice(), mask: cells - 1, hash: KeyedHash::new(seed) }
    }

    /// The place of the entry that `is` recognizes, among those with this address.
    pub(super) fn find<A: Hash>(&self, address: A, is: impl Fn(u32) -> bool) -> Option<u32> {
        let mut cell = self.home(&address);
        loop {
            let place = self.get(cell)?;
            if is(place) {
                return Some(place);
            }
            cell = self.after(cell);
        }
    }

    /// Enters the place of an address that is not there yet.
    pub(super) fn insert<A: Hash>(&mut self, address: A, place: u32) {
        let mut cell = self.home(&address);
        while self.get(cell).is_some() {
            cell = self.after(cell);
        }
        self.set(cell, Some(place));
    }

    /// Removes the place of an address; `address_at` tells the address at any other place.
    pub(super) fn remove<A: Hash>(&mut self, address: A, place: u32, address_at: impl Fn(u32) -> Option<A>) {
        let mut gap = self.home(&address);
        while self.get(gap) != Some(place) {
            if self.get(gap).is_none() {
                return;
            }
            gap = self.after(gap);
        }
        // Whoever stands behind the gap and not at home may move into it.
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

    /// The cell where the search for an address starts.
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
        // Where an address is looked for is a secret.
        write!(f, "Index({} cells)", self.cells.len())
    }
}

#[cfg(test)]
mod tests;
