//! From a protocol address to the place of its entry.

use std::fmt;
use std::hash::{Hash, Hasher};

/// No place at all.
pub(super) const NONE: u32 = u32::MAX;

/// An open-addressed hash index: places only, the addresses lie in the table. Probing is linear, at
/// most half of the cells are used, and removal closes the gap, so that a look-up costs the same
/// after a million removals.
pub(super) struct Index {
    cells: Box<[u32]>,
    mask: usize,
    seed: u64,
}

impl Index {
    /// An index for up to `bound` entries. The cells are zero pages until they are used.
    pub(super) fn new(bound: usize, seed: u64) -> Index {
        let cells = bound.saturating_mul(2).next_power_of_two().max(8);
        Index { cells: vec![0; cells].into_boxed_slice(), mask: cells - 1, seed }
    }

    /// The place of the entry that `is` recognizes, among those with this address.
    pub(super) fn find<A: Hash>(&self, address: A, is: impl Fn(u32) -> bool) -> Option<u32> {
        let mut cell = self.home(&address);
        loop {
            let place = self.get(cell)?;
            if is(place) {
                return Some(place);
            }
            cell = (cell + 1) & self.mask;
        }
    }

    /// Enters the place of an address that is not there yet.
    pub(super) fn insert<A: Hash>(&mut self, address: A, place: u32) {
        let mut cell = self.home(&address);
        while self.get(cell).is_some() {
            cell = (cell + 1) & self.mask;
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
            gap = (gap + 1) & self.mask;
        }
        // Whoever stands behind the gap and not at home may move into it.
        let mut cell = gap;
        loop {
            cell = (cell + 1) & self.mask;
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
        let mut hasher = Folded(self.seed);
        address.hash(&mut hasher);
        usize::try_from(hasher.finish() >> 32).unwrap_or_default() & self.mask
    }

    /// Zero stands for an empty cell, so that a new index touches no memory.
    fn get(&self, cell: usize) -> Option<u32> {
        self.cells.get(cell).and_then(|place| place.checked_sub(1))
    }

    fn set(&mut self, cell: usize, place: Option<u32>) {
        if let Some(cell) = self.cells.get_mut(cell) {
            *cell = place.map_or(0, |place| place.saturating_add(1));
        }
    }
}

impl fmt::Debug for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The seed is a secret.
        write!(f, "Index({} cells)", self.cells.len())
    }
}

/// Folds octets into a seed by 128-bit products: fast, and without the seed nobody can tell which
/// addresses meet in one cell.
struct Folded(u64);

impl Folded {
    fn fold(&mut self, word: u64) {
        let product = u128::from(self.0 ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
        let [low, high] = halves(product);
        // The rotation keeps a zero product from swallowing what comes later.
        self.0 = low ^ high.rotate_left(23) ^ self.0.rotate_left(41);
    }
}

/// The two halves of a product, low one first.
fn halves(product: u128) -> [u64; 2] {
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = product.to_le_bytes();
    [u64::from_le_bytes([a, b, c, d, e, f, g, h]), u64::from_le_bytes([i, j, k, l, m, n, o, p])]
}

impl Hasher for Folded {
    fn write(&mut self, octets: &[u8]) {
        for chunk in octets.chunks(8) {
            let mut word = [0; 8];
            for (to, from) in word.iter_mut().zip(chunk) {
                *to = *from;
            }
            self.fold(u64::from_le_bytes(word));
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
