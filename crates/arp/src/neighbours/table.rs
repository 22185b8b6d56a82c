//! The entries, their order of age, and the order in which they have to go.

use std::time::Duration;

use link::{Instant, MacAddr};

use super::chain::{Chain, Links, NONE, Place, to_usize};
use super::clock::Clock;
use super::index::Index;
use super::slot::{Row, Slot};
use super::timers::RETRANSMIT;
use super::{Address, State};

/// Entries with a hard bound. Every operation but iteration costs the same however many there are.
#[derive(Debug)]
pub(super) struct Table<A> {
    pub(super) clock: Clock,
    /// Those of entries, and those that are free.
    slots: Vec<Slot<A>>,
    index: Index,
    len: usize,
    bound: usize,
    rows: [Chain; Row::COUNT],
    age: Chain,
}

impl<A: Address> Table<A> {
    /// An empty table. Its memory is set aside here, and the system gives it when it is touched.
    // spec: table-memory
    pub(super) fn new(bound: usize, seed: u64) -> Table<A> {
        let bound = bound.clamp(1, 1 << 20);
        Table {
            clock: Clock::default(),
            slots: Vec::with_capacity(bound),
            index: Index::new(bound, seed),
            len: 0,
            bound,
            rows: [Chain::EMPTY; Row::COUNT],
            age: Chain::EMPTY,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Whether another entry needs somebody else's place.
    pub(super) fn is_full(&self) -> bool {
        self.len >= self.bound
    }

    pub(super) fn find(&self, protocol: A) -> Option<Place> {
        self.index.find(protocol, |place| self.get(place).is_some_and(|slot| slot.protocol == protocol))
    }

    pub(super) fn get(&self, place: Place) -> Option<&Slot<A>> {
        self.slots.get(to_usize(place))
    }

    pub(super) fn get_mut(&mut self, place: Place) -> Option<&mut Slot<A>> {
        self.slots.get_mut(to_usize(place))
    }

    /// All entries, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Slot<A>> {
        Row::ALL.into_iter().flat_map(|row| self.row(row)).map(|(_, slot)| slot)
    }

    /// The entries of a row, longest there first.
    fn row(&self, row: Row) -> impl Iterator<Item = (Place, &Slot<A>)> {
        let mut next = self.first_place(row);
        std::iter::from_fn(move || {
            let place = next;
            let slot = self.get(place)?;
            next = slot.in_row.after;
            Some((place, slot))
        })
    }

    /// Enters an address that is not there. There is room: the caller has seen to it.
    pub(super) fn insert(&mut self, protocol: A, hardware: MacAddr, state: State, row: Row) -> Option<Place> {
        let now = self.clock.tick();
        let slot = Slot {
            protocol,
            hardware,
            state,
            row,
            asked: 0,
            failures: 0,
            parcels: 0,
            confirmed: now,
            since: now,
            in_row: Links::NONE,
            by_age: Links::NONE,
        };
        let free = self.first_place(Row::Free);
        let place = if free == NONE {
            let place = Place::try_from(self.slots.len()).ok()?;
            self.slots.push(slot);
            place
        } else {
            self.leave(Row::Free, free);
            *self.get_mut(free)? = slot;
            free
        };
        self.len += 1;
        self.index.insert(protocol, place);
        self.join(row, place);
        if state.has_age() {
            self.age.append(&mut self.slots, Slot::age_links, place);
        }
        Some(place)
    }

    /// Removes an entry.
    pub(super) fn remove(&mut self, place: Place) {
        let Some((protocol, row, state)) = self.get(place).map(|slot| (slot.protocol, slot.row, slot.state))
        else {
            return;
        };
        self.leave(row, place);
        if state.has_age() {
            self.age.unlink(&mut self.slots, Slot::age_links, place);
        }
        let slots = &self.slots;
        self.index.remove(protocol, place, |other| slots.get(to_usize(other)).map(|slot| slot.protocol));
        self.len -= 1;
        self.join(Row::Free, place);
    }

    /// Gives an entry a state, and the last place of a row. Returns the state it had.
    pub(super) fn shift(&mut self, place: Place, state: State, row: Row) -> Option<State> {
        let now = self.clock.tick();
        let (old_state, old_row) = self.get(place).map(|slot| (slot.state, slot.row))?;
        self.leave(old_row, place);
        match (old_state.has_age(), state.has_age()) {
            (false, true) => self.age.append(&mut self.slots, Slot::age_links, place),
            (true, false) => self.age.unlink(&mut self.slots, Slot::age_links, place),
            _ => {}
        }
        let slot = self.get_mut(place)?;
        (slot.state, slot.row, slot.since) = (state, row, now);
        self.join(row, place);
        Some(old_state)
    }

    /// Notes that a packet confirmed an entry that has an age: it is the youngest now.
    pub(super) fn confirm(&mut self, place: Place) {
        let now = self.clock.tick();
        let Some(slot) = self.get_mut(place) else { return };
        slot.confirmed = now;
        if self.age.is_last(place) {
            return;
        }
        self.age.unlink(&mut self.slots, Slot::age_links, place);
        self.age.append(&mut self.slots, Slot::age_links, place);
    }

    /// The entry that is next in a row.
    pub(super) fn first(&self, row: Row) -> Option<Place> {
        let place = self.first_place(row);
        (place != NONE).then_some(place)
    }

    /// The entry that has been in a row for a span, if there is one.
    pub(super) fn due(&self, row: Row, span: Duration) -> Option<Place> {
        let place = self.first_place(row);
        (self.clock.since(self.get(place)?.since) >= span).then_some(place)
    }

    /// The entry that nothing has confirmed for a span, if there is one.
    pub(super) fn unconfirmed(&self, span: Duration) -> Option<Place> {
        let place = self.age.first;
        (self.clock.since(self.get(place)?.confirmed) >= span).then_some(place)
    }

    /// When the next entry has been in a row for a span.
    pub(super) fn end_of(&self, row: Row, span: Duration) -> Option<Instant> {
        self.clock.end(self.get(self.first_place(row))?.since, span)
    }

    /// When the next entry has gone unconfirmed for a span.
    pub(super) fn end_of_age(&self, span: Duration) -> Option<Instant> {
        self.clock.end(self.get(self.age.first)?.confirmed, span)
    }

    /// Whether an entry may have been asked for within the last second, and would be again if it
    /// were forgotten. Who did change its row in that time may have been, strangers never were.
    pub(super) fn is_fresh(&self, slot: &Slot<A>) -> bool {
        slot.row != Row::Stranger && self.clock.since(slot.since) < RETRANSMIT
    }

    /// The entry to go first when room is needed: one that answers nobody, then strangers, then
    /// stale, then reachable ones; never one that is static or in use.
    ///
    /// Those for which parcels wait are passed over: they are few, for parcels have a bound.
    pub(super) fn victim(&self) -> Option<Place> {
        let order =
            [Row::Hold8, Row::Hold4, Row::Hold2, Row::Hold1, Row::Stranger, Row::Stale, Row::Reachable];
        let in_row = |row| {
            let mut long_there = self.row(row).take_while(|(_, slot)| !self.is_fresh(slot));
            long_there.find(|(_, slot)| slot.parcels == 0).map(|(place, _)| place)
        };
        order.into_iter().find_map(in_row)
    }

    fn first_place(&self, row: Row) -> Place {
        self.rows.get(row.number()).map_or(NONE, |chain| chain.first)
    }

    fn join(&mut self, row: Row, place: Place) {
        if let Some(chain) = self.rows.get_mut(row.number()) {
            chain.append(&mut self.slots, Slot::row_links, place);
        }
    }

    fn leave(&mut self, row: Row, place: Place) {
        if let Some(chain) = self.rows.get_mut(row.number()) {
            chain.unlink(&mut self.slots, Slot::row_links, place);
        }
    }
}
