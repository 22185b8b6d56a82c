//! Doubly linked lists through the slots of a table.

/// Position of a slot in its table.
pub type Place = u32;

/// Marks a missing slot. No table is that large.
const NONE: Place = Place::MAX;

/// Doubly linked list through slots that a table owns, first to last. Every operation takes constant time.
///
/// Each slot has one [`Links`] per list that it can be in. An accessor function selects the [`Links`] of a list. Places
/// outside the table are ignored.
#[derive(Clone, Copy, Debug)]
pub struct List {
    first: Place,
    last: Place,
}

/// A slot's neighbors in a list.
#[derive(Clone, Copy, Debug)]
pub struct Links {
    before: Place,
    after: Place,
}

impl List {
    /// The empty list.
    pub const EMPTY: List = List { first: NONE, last: NONE };

    /// Returns the first slot.
    pub fn first(self) -> Option<Place> {
        (self.first != NONE).then_some(self.first)
    }

    /// Returns the last slot.
    pub fn last(self) -> Option<Place> {
        (self.last != NONE).then_some(self.last)
    }

    /// Returns whether a slot is the last slot.
    pub fn is_last(self, place: Place) -> bool {
        self.last == place
    }

    /// Appends a slot that is in no list yet.
    pub fn append<S>(&mut self, slots: &mut [S], links: impl Fn(&mut S) -> &mut Links, place: Place) {
        let Some(slot) = slots.get_mut(index(place)) else { return };
        *links(slot) = Links { before: self.last, after: NONE };
        match slots.get_mut(index(self.last)) {
            Some(last) => links(last).after = place,
            None => self.first = place,
        }
        self.last = place;
    }

    /// Inserts a slot that is in no list yet behind a slot of this list.
    pub fn insert_after<S>(
        &mut self,
        slots: &mut [S],
        links: impl Fn(&mut S) -> &mut Links,
        before: Place,
        place: Place,
    ) {
        let Some(slot) = slots.get_mut(index(before)) else { return };
        let after = links(slot).after;
        let Some(slot) = slots.get_mut(index(place)) else { return };
        *links(slot) = Links { before, after };
        if let Some(slot) = slots.get_mut(index(before)) {
            links(slot).after = place;
        }
        match slots.get_mut(index(after)) {
            Some(slot) => links(slot).before = place,
            None => self.last = place,
        }
    }

    /// Appends all slots of another list, in their order.
    pub fn append_list<S>(&mut self, slots: &mut [S], links: impl Fn(&mut S) -> &mut Links, other: List) {
        if let Some(first) = slots.get_mut(index(other.first)) {
            links(first).before = self.last;
            match slots.get_mut(index(self.last)) {
                Some(last) => links(last).after = other.first,
                None => self.first = other.first,
            }
            self.last = other.last;
        }
    }

    /// Removes the first slot from this list.
    #[inline]
    pub fn unlink_first<S>(&mut self, slots: &mut [S], links: impl Fn(&mut S) -> &mut Links) {
        let Some(slot) = slots.get_mut(index(self.first)) else { return };
        self.first = std::mem::replace(links(slot), Links::NONE).after;
        match slots.get_mut(index(self.first)) {
            Some(slot) => links(slot).before = NONE,
            None => self.last = NONE,
        }
    }

    /// Removes a slot from this list. The slot must be in this list.
    pub fn unlink<S>(&mut self, slots: &mut [S], links: impl Fn(&mut S) -> &mut Links, place: Place) {
        let Some(slot) = slots.get_mut(index(place)) else { return };
        let Links { before, after } = std::mem::replace(links(slot), Links::NONE);
        match slots.get_mut(index(before)) {
            Some(slot) => links(slot).after = after,
            None => self.first = after,
        }
        match slots.get_mut(index(after)) {
            Some(slot) => links(slot).before = before,
            None => self.last = before,
        }
    }
}

impl Links {
    /// The links of a slot that is in no list.
    pub const NONE: Links = Links { before: NONE, after: NONE };

    /// Returns links that lead to a slot, or to no slot, and that no other links lead to: the links of a stack.
    #[inline]
    pub(crate) fn before(next: Option<Place>) -> Links {
        Links { before: NONE, after: next.unwrap_or(NONE) }
    }

    /// Returns the next slot.
    pub fn next(self) -> Option<Place> {
        (self.after != NONE).then_some(self.after)
    }

    /// Returns the previous slot.
    pub fn previous(self) -> Option<Place> {
        (self.before != NONE).then_some(self.before)
    }
}

/// Converts a place to an index. Every place fits: all systems with TAPs have a `usize` of at least 32 bits.
pub fn index(place: Place) -> usize {
    usize::try_from(place).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(slot: &mut Links) -> &mut Links {
        slot
    }

    fn order(list: List, slots: &[Links]) -> Vec<Place> {
        let next = |place: &Place| slots.get(index(*place)).and_then(|links| links.next());
        std::iter::successors(list.first(), next).collect()
    }

    #[test]
    fn list_keeps_order_when_slots_are_removed_anywhere() {
        let mut slots = [Links::NONE; 4];
        let mut list = List::EMPTY;
        for place in [2, 0, 3, 1] {
            list.append(&mut slots, links, place);
        }
        assert_eq!(order(list, &slots), [2, 0, 3, 1]);
        list.unlink(&mut slots, links, 3);
        assert_eq!(order(list, &slots), [2, 0, 1]);
        list.unlink(&mut slots, links, 2);
        list.unlink(&mut slots, links, 1);
        assert_eq!(order(list, &slots), [0]);
        assert!(list.is_last(0));
        list.append(&mut slots, links, 2);
        assert_eq!(order(list, &slots), [0, 2]);
        list.unlink_first(&mut slots, links);
        assert_eq!((order(list, &slots), list.last()), (vec![2], Some(2)));
        list.unlink_first(&mut slots, links);
        assert_eq!((order(list, &slots), list.last()), (vec![], None));
        list.unlink_first(&mut slots, links);
        list.append(&mut slots, links, 0);
        list.unlink(&mut slots, links, 0);
        assert_eq!(order(list, &slots), []);
    }

    #[test]
    fn list_appends_another_list_in_its_order() {
        let mut slots = [Links::NONE; 4];
        let [mut list, mut other, mut empty] = [List::EMPTY; 3];
        for place in [2, 0] {
            other.append(&mut slots, links, place);
        }
        list.append_list(&mut slots, links, other);
        list.append_list(&mut slots, links, empty);
        assert_eq!((order(list, &slots), list.last()), (vec![2, 0], Some(0)));
        empty.append(&mut slots, links, 3);
        empty.append(&mut slots, links, 1);
        list.append_list(&mut slots, links, empty);
        assert_eq!((order(list, &slots), list.last()), (vec![2, 0, 3, 1], Some(1)));
        list.unlink(&mut slots, links, 3);
        assert_eq!(order(list, &slots), [2, 0, 1]);
    }

    #[test]
    fn list_inserts_a_slot_behind_another_slot() {
        let mut slots = [Links::NONE; 4];
        let mut list = List::EMPTY;
        list.append(&mut slots, links, 2);
        list.insert_after(&mut slots, links, 2, 0);
        list.insert_after(&mut slots, links, 2, 3);
        assert_eq!((order(list, &slots), list.last()), (vec![2, 3, 0], Some(0)));
        list.insert_after(&mut slots, links, 3, 7);
        list.insert_after(&mut slots, links, 7, 1);
        list.unlink(&mut slots, links, 3);
        assert_eq!(order(list, &slots), [2, 0]);
    }

    #[test]
    fn list_ignores_places_outside_table() {
        let mut slots = [Links::NONE; 1];
        let mut list = List::EMPTY;
        list.append(&mut slots, links, 1);
        assert_eq!(list.first(), None);
        list.append(&mut slots, links, 0);
        list.unlink(&mut slots, links, 7);
        assert_eq!(order(list, &slots), [0]);
    }
}
