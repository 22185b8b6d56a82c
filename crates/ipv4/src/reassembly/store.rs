//! The octets of fragments, in blocks of one size.

/// Octets of data in a block. Three of them take what an Ethernet carries.
pub(super) const BLOCK: usize = 512;

/// No block at all.
pub(super) const NONE: u32 = u32::MAX;

/// Where a fragment is kept: its first block.
pub(super) type Place = u32;

/// Fragments with a hard bound on the octets they take. Each stands in one chain, that of its datagram,
/// and knows where it belongs there.
#[derive(Debug)]
pub(super) struct Store {
    pieces: Vec<Piece>,
    /// For each block the next one of its fragment, or the next free one.
    chains: Vec<u32>,
    data: Vec<[u8; BLOCK]>,
    free: u32,
    unused: usize,
}

/// What is known of the fragment that starts in a block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    /// Its offset in the datagram's data, in octets.
    pub(super) offset: usize,
    /// Its length in octets.
    pub(super) length: usize,
    /// The fragment behind it in its datagram.
    pub(super) behind: Place,
}

impl Piece {
    pub(super) fn end(&self) -> usize {
        self.offset + self.length
    }
}

/// How many blocks so many octets take.
pub(super) fn blocks_for(octets: usize) -> usize {
    octets.div_ceil(BLOCK)
}

impl Store {
    /// A store of so many blocks. They are zero pages until they are used.
    pub(super) fn new(bound: usize) -> Store {
        Store {
            pieces: Vec::with_capacity(bound),
            chains: Vec::with_capacity(bound),
            data: Vec::with_capacity(bound),
            free: NONE,
            unused: bound,
        }
    }

    /// How many blocks are free.
    pub(super) fn free(&self) -> usize {
        self.unused
    }

    /// Keeps a fragment, if there is room.
    pub(super) fn insert(&mut self, offset: usize, octets: &[u8], behind: Place) -> Option<Place> {
        if blocks_for(octets.len()) > self.unused {
            return None;
        }
        let mut first = NONE;
        // From its end on, so that each block knows the next.
        for part in octets.chunks(BLOCK).rev() {
            first = self.take(part, first)?;
        }
        *self.pieces.get_mut(to_usize(first))? = Piece { offset, length: octets.len(), behind };
        Some(first)
    }

    fn take(&mut self, part: &[u8], next: u32) -> Option<u32> {
        if self.free == NONE {
            self.free = u32::try_from(self.data.len()).ok()?;
            self.data.push([0; BLOCK]);
            self.chains.push(NONE);
            self.pieces.push(Piece { offset: 0, length: 0, behind: NONE });
        }
        let place = self.free;
        let chain = self.chains.get_mut(to_usize(place))?;
        self.free = std::mem::replace(chain, next);
        self.data.get_mut(to_usize(place))?.get_mut(..part.len())?.copy_from_slice(part);
        self.unused -= 1;
        Some(place)
    }

    /// Forgets a fragment. Returns the one behind it.
    pub(super) fn remove(&mut self, place: Place) -> Place {
        let Some(piece) = self.get(place) else { return NONE };
        let mut block = place;
        while let Some(chain) = self.chains.get_mut(to_usize(block)) {
            let next = std::mem::replace(chain, self.free);
            self.free = block;
            self.unused += 1;
            block = next;
        }
        piece.behind
    }

    /// A fragment.
    pub(super) fn get(&self, place: Place) -> Option<Piece> {
        self.pieces.get(to_usize(place)).copied()
    }

    /// Puts another fragment behind one.
    pub(super) fn put_behind(&mut self, place: Place, behind: Place) {
        if let Some(piece) = self.pieces.get_mut(to_usize(place)) {
            piece.behind = behind;
        }
    }

    /// The octets of a fragment, block by block.
    pub(super) fn octets(&self, place: Place) -> impl Iterator<Item = &[u8]> {
        let mut rest = self.get(place).map_or(0, |piece| piece.length);
        let mut block = place;
        std::iter::from_fn(move || {
            let part = self.data.get(to_usize(block))?.get(..rest.min(BLOCK))?;
            rest -= part.len();
            block = *self.chains.get(to_usize(block))?;
            Some(part)
        })
    }

    /// Whether a fragment has just these octets.
    pub(super) fn equals(&self, place: Place, octets: &[u8]) -> bool {
        self.get(place).is_some_and(|piece| piece.length == octets.len())
            && self.octets(place).zip(octets.chunks(BLOCK)).all(|(ours, theirs)| ours == theirs)
    }
}

/// A place as an index; every machine that we run on has 32 bits at least.
pub(super) fn to_usize(place: u32) -> usize {
    usize::try_from(place).unwrap_or(usize::MAX)
}
