//! The entries, their order of age, and the order in which they have to go.

use std::time::Duration;

use base::list::index;
use base::{Links, List, Place};
use link::{Instant, MacAddr};

use super::clock::Clock;
use super::index::Index;
use super::slot::{Class, Row, Slot};
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
    rows: [List; Row::COUNT],
    classes: [List; Class::COUNT],
    /// How many entries are in [`Class::Unproven`].
    unproven: usize,
    age: List,
}

/// How long an entry that has proved itself counts as in use after it was sent to or heard: as long as Linux keeps
/// one from being collected.
const IN_USE: Duration = Duration::from_secs(5);

/// How many entries of a row are looked at for one that may be evicted.
const LOOKS: usize = 8;

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
            rows: [List::EMPTY; Row::COUNT],
            classes: [List::EMPTY; Class::COUNT],
            unproven: 0,
            age: List::EMPTY,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Whether another entry needs somebody else's place.
    pub(super) fn is_full(&self) -> bool {
        self.len >= self.bound
    }

    /// Whether another entry for an address that has not proved itself needs the place of one like it. A
    /// quarter of the table is for those.
    // spec: table-share
    pub(super) fn is_share_full(&self) -> bool {
        self.unproven >= self.share()
    }

    fn share(&self) -> usize {
        (self.bound / 4).max(1)
    }

    pub(super) fn find(&self, protocol: A) -> Option<Place> {
        self.index.find(protocol, |place| self.get(place).is_some_and(|slot| slot.protocol == protocol))
    }

    pub(super) fn get(&self, place: Place) -> Option<&Slot<A>> {
        self.slots.get(index(place))
    }

    pub(super) fn get_mut(&mut self, place: Place) -> Option<&mut Slot<A>> {
        self.slots.get_mut(index(place))
    }

    /// All entries, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Slot<A>> {
        Row::ALL.into_iter().flat_map(|row| self.row(row)).map(|(_, slot)| slot)
    }

    /// The entries of a row, longest there first.
    fn row(&self, row: Row) -> impl Iterator<Item = (Place, &Slot<A>)> {
        let mut next = self.first(row);
        std::iter::from_fn(move || {
            let place = next?;
            let slot = self.get(place)?;
            next = slot.in_row.next();
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
            class: Class::Unused.after(state),
            asked: 0,
            failures: 0,
            parcels: 0,
            confirmed: now,
            since: now,
            used: now,
            in_row: Links::NONE,
            by_age: Links::NONE,
            in_class: Links::NONE,
        };
        let place = if let Some(free) = self.first(Row::Free) {
            self.leave(Row::Free, free);
            *self.get_mut(free)? = slot;
            free
        } else {
            let place = Place::try_from(self.slots.len()).ok()?;
            self.slots.push(slot);
            place
        };
        self.len += 1;
        self.index.insert(protocol, place);
        self.join(row, place);
        self.join_class(Class::Unused.after(state), place);
        if state.has_age() {
            self.age.append(&mut self.slots, Slot::age_links, place);
        }
        Some(place)
    }

    /// Removes an entry.
    pub(super) fn remove(&mut self, place: Place) {
        let Some(Slot { protocol, row, state, class, .. }) = self.get(place).cloned() else { return };
        self.leave(row, place);
        self.leave_class(class, place);
        if state.has_age() {
            self.age.unlink(&mut self.slots, Slot::age_links, place);
        }
        let slots = &self.slots;
        self.index.remove(protocol, place, |other| slots.get(index(other)).map(|slot| slot.protocol));
        self.len -= 1;
        self.join(Row::Free, place);
    }

    /// Gives an entry a state, and the last place of a row. Returns the state it had.
    pub(super) fn shift(&mut self, place: Place, state: State, row: Row) -> Option<State> {
        let now = self.clock.tick();
        let (old_state, old_row, old_class) =
            self.get(place).map(|slot| (slot.state, slot.row, slot.class))?;
        self.leave(old_row, place);
        match (old_state.has_age(), state.has_age()) {
            (false, true) => self.age.append(&mut self.slots, Slot::age_links, place),
            (true, false) => self.age.unlink(&mut self.slots, Slot::age_links, place),
            _ => {}
        }
        let slot = self.get_mut(place)?;
        (slot.state, slot.row, slot.since) = (state, row, now);
        self.join(row, place);
        self.reclass(place, old_class, old_class.after(state));
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

    /// Gives an entry another state in the row where it stands. Returns the state it had.
    pub(super) fn restate(&mut self, place: Place, state: State) -> Option<State> {
        let slot = self.get_mut(place)?;
        let class = slot.class;
        let old_state = std::mem::replace(&mut slot.state, state);
        self.reclass(place, class, class.after(state));
        Some(old_state)
    }

    fn reclass(&mut self, place: Place, from: Class, to: Class) {
        if from != to {
            self.leave_class(from, place);
            self.join_class(to, place);
        }
    }

    /// Notes that an entry was used: it is the last of its class to be evicted.
    pub(super) fn touch(&mut self, place: Place) {
        let now = self.clock.tick();
        let Some(slot) = self.get_mut(place) else { return };
        slot.used = now;
        let class = slot.class;
        if let Some(list) = self.classes.get_mut(class.number()).filter(|list| !list.is_last(place)) {
            list.unlink(&mut self.slots, Slot::class_links, place);
            list.append(&mut self.slots, Slot::class_links, place);
        }
    }

    /// Notes that an entry was heard or sent to. Of one that has not proved itself, only requests count.
    pub(super) fn touch_in_use(&mut self, place: Place) {
        if self.get(place).is_some_and(|slot| matches!(slot.class, Class::Unused | Class::Proven)) {
            self.touch(place);
        }
    }

    /// The entry that is next in a row.
    pub(super) fn first(&self, row: Row) -> Option<Place> {
        self.rows.get(row.number())?.first()
    }

    /// The entry that has been in a row for a span, if there is one.
    pub(super) fn due(&self, row: Row, span: Duration) -> Option<Place> {
        let place = self.first(row)?;
        (self.clock.since(self.get(place)?.since) >= span).then_some(place)
    }

    /// The entry that nothing has confirmed for a span, if there is one.
    pub(super) fn unconfirmed(&self, span: Duration) -> Option<Place> {
        let place = self.age.first()?;
        (self.clock.since(self.get(place)?.confirmed) >= span).then_some(place)
    }

    /// When the next entry has been in a row for a span.
    pub(super) fn end_of(&self, row: Row, span: Duration) -> Option<Instant> {
        self.clock.end(self.get(self.first(row)?)?.since, span)
    }

    /// When the next entry has gone unconfirmed for a span.
    pub(super) fn end_of_age(&self, span: Duration) -> Option<Instant> {
        self.clock.end(self.get(self.age.first()?)?.confirmed, span)
    }

    /// Whether an entry may have been asked for within the last second, and would be again if it
    /// were forgotten. Who did change its row in that time may have been, unused ones never were.
    pub(super) fn is_fresh(&self, slot: &Slot<A>) -> bool {
        slot.class != Class::Unused && self.clock.since(slot.since) < RETRANSMIT
    }

    /// The entry to evict for a newcomer of this state: one that has failed, then the one unused for longest, then
    /// the one of those that have proved themselves; never one that is static or in use.
    ///
    /// Entries that have not proved themselves go for each other, as soon as a second has passed since the last
    /// request: forgotten sooner, they might be asked for again within it.
    // spec: table-eviction, table-share
    pub(super) fn victim(&self, newcomer: State) -> Option<Place> {
        let is_unproven = Class::Unused.after(newcomer) == Class::Unproven;
        if is_unproven && self.is_share_full() {
            return self.unproven_victim();
        }
        let beyond_share = self.unproven > self.share();
        let crowded = if beyond_share { self.unproven_victim() } else { None };
        crowded
            .or_else(|| self.failed_victim())
            .or_else(|| self.longest_unused(Class::Unused, Duration::ZERO))
            .or_else(|| self.longest_unused(Class::Proven, IN_USE))
    }

    /// The entry to evict for another that has not proved itself either.
    pub(super) fn unproven_victim(&self) -> Option<Place> {
        let place = self.class(Class::Unproven).first()?;
        self.was_long_ago(place, RETRANSMIT).then_some(place)
    }

    /// An entry that has failed, and for which nothing waits again.
    fn failed_victim(&self) -> Option<Place> {
        [Row::Hold8, Row::Hold4, Row::Hold2, Row::Hold1].into_iter().find_map(|row| {
            let mut looked_at = self.row(row).take(LOOKS);
            looked_at
                .find(|(place, slot)| slot.parcels == 0 && self.was_long_ago(*place, RETRANSMIT))
                .map(|(place, _)| place)
        })
    }

    /// The entry of a class that has gone unused for longest, and at least for a span.
    fn longest_unused(&self, class: Class, span: Duration) -> Option<Place> {
        let place = self.class(class).first()?;
        let slot = self.get(place)?;
        (slot.parcels == 0 && self.was_long_ago(place, span)).then_some(place)
    }

    fn was_long_ago(&self, place: Place, span: Duration) -> bool {
        self.get(place).is_some_and(|slot| self.clock.since(slot.used) >= span)
    }

    fn class(&self, class: Class) -> List {
        self.classes.get(class.number()).copied().unwrap_or(List::EMPTY)
    }

    fn join_class(&mut self, class: Class, place: Place) {
        let now = self.clock.tick();
        if let Some(slot) = self.get_mut(place) {
            (slot.class, slot.used) = (class, now);
        }
        self.unproven += usize::from(class == Class::Unproven);
        if let Some(list) = self.classes.get_mut(class.number()) {
            list.append(&mut self.slots, Slot::class_links, place);
        }
    }

    fn leave_class(&mut self, class: Class, place: Place) {
        self.unproven -= usize::from(class == Class::Unproven);
        if let Some(list) = self.classes.get_mut(class.number()) {
            list.unlink(&mut self.slots, Slot::class_links, place);
        }
    }

    fn join(&mut self, row: Row, place: Place) {
        if let Some(list) = self.rows.get_mut(row.number()) {
            list.append(&mut self.slots, Slot::row_links, place);
        }
    }

    fn leave(&mut self, row: Row, place: Place) {
        if let Some(list) = self.rows.get_mut(row.number()) {
            list.unlink(&mut self.slots, Slot::row_links, place);
        }
    }
}
