//! Storage for fragments, in blocks of equal size.

use base::list::index;

/// Bytes of data in a block. Three blocks hold the data of an Ethernet frame.
pub(super) const BLOCK: usize = 512;

/// Index of a block. A fragment is identified by its first block.
pub(super) type Place = u32;

/// Storage of fragments with a hard bound in bytes. The fragments of a datagram form a linked list in the order of
/// their offsets.
#[derive(Debug)]
pub(super) struct FragmentStore {
    /// Position of each fragment, by its first block.
    fragments: Vec<StoredFragment>,
    /// Next block of the same fragment for a used block, next free block for a free block.
    next: Vec<Place>,
    data: Vec<[u8; BLOCK]>,
    first_free: Place,
    free: usize,
}

/// Position of a stored fragment in its datagram.
#[derive(Clone, Copy, Debug)]
pub(super) struct StoredFragment {
    /// Offset in the data of the datagram, in bytes.
    pub(super) offset: usize,
    /// Length in bytes.
    pub(super) length: usize,
    /// Next fragment of the datagram.
    pub(super) next: Place,
}

impl StoredFragment {
    pub(super) fn end(&self) -> usize {
        self.offset + self.length
    }
}

/// Returns the number of blocks for a number of bytes.
pub(super) fn blocks_for(bytes: usize) -> usize {
    bytes.div_ceil(BLOCK)
}

impl FragmentStore {
    /// No fragment.
    pub(super) const NONE: Place = Place::MAX;

    /// Creates a store of up to `bound` blocks. Unused blocks take no physical memory.
    pub(super) fn new(bound: usize) -> FragmentStore {
        FragmentStore {
            fragments: Vec::with_capacity(bound),
            next: Vec::with_capacity(bound),
            data: Vec::with_capacity(bound),
            first_free: Self::NONE,
            free: bound,
        }
    }

    /// Returns the number of free blocks.
    pub(super) fn free(&self) -> usize {
        self.free
    }

    /// Stores a fragment before the fragment `next` of its datagram. Returns `None` if too few blocks are free.
    pub(super) fn insert(&mut self, offset: usize, bytes: &[u8], next: Place) -> Option<Place> {
        if blocks_for(bytes.len()) > self.free {
            return None;
        }
        let mut first = Self::NONE;
        // The blocks are filled in reverse order, because each block links to the next block.
        for part in bytes.chunks(BLOCK).rev() {
            first = self.take_block(part, first)?;
        }
        *self.fragments.get_mut(index(first))? = StoredFragment { offset, length: bytes.len(), next };
        Some(first)
    }

    fn take_block(&mut self, part: &[u8], next: Place) -> Option<Place> {
        if self.first_free == Self::NONE {
            self.first_free = Place::try_from(self.data.len()).ok()?;
            self.data.push([0; BLOCK]);
            self.next.push(Self::NONE);
            self.fragments.push(StoredFragment { offset: 0, length: 0, next: Self::NONE });
        }
        let place = self.first_free;
        let link = self.next.get_mut(index(place))?;
        self.first_free = std::mem::replace(link, next);
        self.data.get_mut(index(place))?.get_mut(..part.len())?.copy_from_slice(part);
        self.free -= 1;
        Some(place)
    }

    /// Removes a fragment. Returns the next fragment of its datagram.
    pub(super) fn remove(&mut self, place: Place) -> Place {
        let Some(fragment) = self.get(place) else { return Self::NONE };
        let mut block = place;
        while let Some(link) = self.next.get_mut(index(block)) {
            let next = std::mem::replace(link, self.first_free);
            self.first_free = block;
            self.free += 1;
            block = next;
        }
        fragment.next
    }

    pub(super) fn get(&self, place: Place) -> Option<StoredFragment> {
        self.fragments.get(index(place)).copied()
    }

    /// Links a fragment to the next fragment of its datagram.
    pub(super) fn set_next(&mut self, place: Place, next: Place) {
        if let Some(fragment) = self.fragments.get_mut(index(place)) {
            fragment.next = next;
        }
    }

    /// Returns the bytes of a fragment, block by block.
    pub(super) fn bytes(&self, place: Place) -> impl Iterator<Item = &[u8]> {
        let mut rest = self.get(place).map_or(0, |fragment| fragment.length);
        let mut block = place;
        std::iter::from_fn(move || {
            let part = self.data.get(index(block))?.get(..rest.min(BLOCK))?;
            rest -= part.len();
            block = *self.next.get(index(block))?;
            Some(part)
        })
    }

    /// Returns whether a fragment has exactly these bytes.
    pub(super) fn equals(&self, place: Place, bytes: &[u8]) -> bool {
        self.get(place).is_some_and(|fragment| fragment.length == bytes.len())
            && self.bytes(place).zip(bytes.chunks(BLOCK)).all(|(stored, new)| stored == new)
    }
}
