//! Chains through the slots of the table: an entry joins at the end and leaves from anywhere.

use super::slot::Slot;

/// No place at all.
pub(super) const NONE: Place = Place::MAX;

/// A place in the table.
pub(super) type Place = u32;

/// The places before and after a slot in a chain.
#[derive(Clone, Copy, Debug)]
pub(super) struct Links {
    before: Place,
    pub(super) after: Place,
}

/// The ends of a chain.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chain {
    pub(super) first: Place,
    last: Place,
}

/// Which links of a slot a chain runs through.
pub(super) type Through<A> = fn(&mut Slot<A>) -> &mut Links;

impl Links {
    pub(super) const NONE: Links = Links { before: NONE, after: NONE };
}

impl Chain {
    pub(super) const EMPTY: Chain = Chain { first: NONE, last: NONE };

    /// Adds a slot behind the last one.
    pub(super) fn append<A>(&mut self, slots: &mut [Slot<A>], through: Through<A>, place: Place) {
        let Some(slot) = slots.get_mut(to_usize(place)) else { return };
        *through(slot) = Links { before: self.last, after: NONE };
        match slots.get_mut(to_usize(self.last)) {
            Some(last) => through(last).after = place,
            None => self.first = place,
        }
        self.last = place;
    }

    /// Whether a slot is the last one.
    pub(super) fn is_last(self, place: Place) -> bool {
        self.last == place
    }

    /// Takes a slot out.
    pub(super) fn unlink<A>(&mut self, slots: &mut [Slot<A>], through: Through<A>, place: Place) {
        let Some(slot) = slots.get_mut(to_usize(place)) else { return };
        let Links { before, after } = std::mem::replace(through(slot), Links::NONE);
        match slots.get_mut(to_usize(before)) {
            Some(slot) => through(slot).after = after,
            None => self.first = after,
        }
        match slots.get_mut(to_usize(after)) {
            Some(slot) => through(slot).before = before,
            None => self.last = before,
        }
    }
}

/// Every place fits: a usize has 32 bits at least wherever there is a TAP.
pub(super) fn to_usize(place: Place) -> usize {
    usize::try_from(place).unwrap_or(usize::MAX)
}
