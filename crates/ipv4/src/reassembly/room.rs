//! Room for a fragment: who has to go.

use super::entries::Row;
use super::store::blocks_for;
use super::{BLOCK, Fragment, Reassembly, ReassemblyFailure};

/// What there is too little of.
#[derive(Clone, Copy)]
enum Scarce {
    Places,
    Blocks,
}

impl Reassembly {
    /// Makes room for a fragment of a known datagram or of a new one, first within its source's share
    /// and then in all. Fails if nothing but the datagram itself could go.
    // spec: reassembly-bounds, reassembly-flood
    pub(super) fn make_room(&mut self, known: Option<u32>, fragment: &Fragment<'_>) -> bool {
        if let Some((place, row)) = known.and_then(|place| Some((place, self.entries.get(place)?.row()))) {
            // It makes progress: let others go first.
            self.entries.advance(place, row, 0);
        }
        let bucket = self.entries.bucket_of(fragment.key.source);
        let blocks = blocks_for(fragment.octets.len());
        let each = self.limits.bytes_per_source / BLOCK;
        let places_each = self.limits.datagrams_per_source;
        while self.entries.bucket(bucket).blocks + blocks > each
            || known.is_none() && self.entries.bucket(bucket).places >= places_each
        {
            let first = self.entries.bucket(bucket).first;
            if !self.push_out(first, known) {
                return false;
            }
        }
        while known.is_none() && self.entries.is_full() {
            let first = self.first_to_go(Scarce::Places, known);
            if !self.push_out(first, known) {
                return false;
            }
        }
        while self.store.free() < blocks {
            let first = self.first_to_go(Scarce::Blocks, known);
            if !self.push_out(first, known) {
                return false;
            }
        }
        true
    }

    /// The first of the row that holds more, or of the other one if that is the datagram itself.
    fn first_to_go(&self, scarce: Scarce, known: Option<u32>) -> u32 {
        let (single, several) = (self.entries.row(Row::Single), self.entries.row(Row::Several));
        let several_hold_more = match scarce {
            Scarce::Places => several.places > single.places,
            Scarce::Blocks => several.blocks > single.blocks,
        };
        let (more, less) = if several_hold_more { (several, single) } else { (single, several) };
        if known == Some(more.first) { less.first } else { more.first }
    }

    fn push_out(&mut self, place: u32, known: Option<u32>) -> bool {
        if known == Some(place) || self.entries.get(place).is_none() {
            return false;
        }
        self.given_up.count(ReassemblyFailure::Crowded);
        self.forget(place);
        true
    }
}
