//! The entries, their order of age, and the order in which they have to go.

use link::{Instant, MacAddr};

use super::index::{Index, NONE};
use super::timers::RETRANSMIT;
use super::{Address, Neighbour, State};

/// The row that an entry stands in. Each row is in the order in which its entries joined, and all
/// entries of a timed row wait equally long: its first entry is always the next one due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Row {
    /// Known from what it said, never used.
    Stranger,
    /// STALE, and used before.
    Stale,
    /// REACHABLE.
    Reachable,
    /// DELAY.
    Delay,
    /// A request is due.
    Ask,
    /// A request is out: INCOMPLETE or PROBE.
    Wait,
    /// FAILED, or INCOMPLETE again, and not to be asked for 1, 2, 4 or 8 seconds.
    Hold1,
    Hold2,
    Hold4,
    Hold8,
    /// Entered by a person.
    Static,
}

/// One entry. With its cells in the index it takes less than 64 octets.
#[derive(Clone, Debug)]
pub(super) struct Slot<A> {
    pub(super) protocol: A,
    pub(super) hardware: MacAddr,
    pub(super) state: State,
    row: Row,
    /// Requests sent in this attempt.
    pub(super) asked: u8,
    /// Attempts that failed one after another.
    pub(super) failures: u8,
    /// Parcels that wait.
    pub(super) parcels: u8,
    /// When a packet last confirmed it: its age counts from here.
    confirmed: Instant,
    /// When it joined its row.
    since: Instant,
    in_row: Links,
    by_age: Links,
}

const _: () = assert!(size_of::<Slot<std::net::Ipv4Addr>>() + 2 * size_of::<u32>() <= 64);

/// The places before and after a slot in a chain.
#[derive(Clone, Copy, Debug)]
struct Links {
    before: u32,
    after: u32,
}

/// The ends of a chain through the slots.
#[derive(Clone, Copy, Debug)]
struct Chain {
    first: u32,
    last: u32,
}

/// A place in the table.
pub(super) type Place = u32;

/// Entries with a hard bound. Every operation but iteration costs the same however many there are.
#[derive(Debug)]
pub(super) struct Table<A> {
    slots: Vec<Slot<A>>,
    free: Vec<Place>,
    index: Index,
    bound: usize,
    rows: [Chain; 11],
    age: Chain,
}

/// Which links of a slot a chain runs through.
type Through<A> = fn(&mut Slot<A>) -> &mut Links;

impl<A: Address> Table<A> {
    pub(super) fn new(bound: usize, seed: u64) -> Table<A> {
        let bound = bound.clamp(1, 1 << 20);
        Table {
            slots: Vec::with_capacity(bound),
            free: Vec::new(),
            index: Index::new(bound, seed),
            bound,
            rows: [Chain::EMPTY; 11],
            age: Chain::EMPTY,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Whether another entry needs somebody else's place.
    pub(super) fn is_full(&self) -> bool {
        self.len() >= self.bound
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
        Row::ALL.into_iter().flat_map(|row| self.row(row))
    }

    /// The entries of a row, longest there first.
    fn row(&self, row: Row) -> impl Iterator<Item = &Slot<A>> {
        let mut place = self.rows.get(row.number()).map_or(NONE, |chain| chain.first);
        std::iter::from_fn(move || {
            let slot = self.get(place)?;
            place = slot.in_row.after;
            Some(slot)
        })
    }

    /// Enters an address that is not there, if there is room.
    pub(super) fn insert(
        &mut self,
        protocol: A,
        hardware: MacAddr,
        state: State,
        row: Row,
        now: Instant,
    ) -> Option<Place> {
        if self.is_full() {
            return None;
        }
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
        let place = if let Some(place) = self.free.pop() {
            *self.get_mut(place)? = slot;
            place
        } else {
            let place = u32::try_from(self.slots.len()).ok()?;
            self.slots.push(slot);
            place
        };
        self.index.insert(protocol, place);
        self.join(row, place);
        if state.has_age() {
            self.age = append(&mut self.slots, self.age, by_age, place);
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
            self.age = unlink(&mut self.slots, self.age, by_age, place);
        }
        let slots = &self.slots;
        self.index.remove(protocol, place, |other| slots.get(to_usize(other)).map(|slot| slot.protocol));
        self.free.push(place);
    }

    /// Gives an entry a state, and the last place of a row. Returns the state it had.
    pub(super) fn shift(&mut self, place: Place, state: State, row: Row, now: Instant) -> Option<State> {
        let (old_state, old_row) = self.get(place).map(|slot| (slot.state, slot.row))?;
        self.leave(old_row, place);
        match (old_state.has_age(), state.has_age()) {
            (false, true) => self.age = append(&mut self.slots, self.age, by_age, place),
            (true, false) => self.age = unlink(&mut self.slots, self.age, by_age, place),
            _ => {}
        }
        let slot = self.get_mut(place)?;
        (slot.state, slot.row, slot.since) = (state, row, now);
        self.join(row, place);
        Some(old_state)
    }

    /// Notes that a packet confirmed an entry: it is the youngest now.
    pub(super) fn confirm(&mut self, place: Place, now: Instant) {
        let Some(slot) = self.get_mut(place) else { return };
        slot.confirmed = now;
        if slot.state.has_age() {
            self.age = unlink(&mut self.slots, self.age, by_age, place);
            self.age = append(&mut self.slots, self.age, by_age, place);
        }
    }

    /// The entry that is next in a row, and when it joined.
    pub(super) fn first(&self, row: Row) -> Option<(Place, Instant)> {
        let place = self.rows.get(row.number())?.first;
        Some((place, self.get(place)?.since))
    }

    /// The entry confirmed longest ago, and when.
    pub(super) fn oldest(&self) -> Option<(Place, Instant)> {
        Some((self.age.first, self.get(self.age.first)?.confirmed))
    }

    /// The entry to go first when room is needed: one that answers nobody, then strangers, then
    /// stale, then reachable ones; never one that is static or in use.
    ///
    /// What changed its row a moment ago may have been asked for a moment ago. It stays for that
    /// moment, for were it forgotten, it might be asked for again within the second.
    pub(super) fn victim(&self, now: Instant) -> Option<Place> {
        let order =
            [Row::Hold8, Row::Hold4, Row::Hold2, Row::Hold1, Row::Stranger, Row::Stale, Row::Reachable];
        let may_go = |row, since: Instant| row == Row::Stranger || since + RETRANSMIT <= now;
        order
            .into_iter()
            .filter_map(|row| self.first(row).filter(|(_, since)| may_go(row, *since)))
            .map(|(place, _)| place)
            .find(|place| self.get(*place).is_some_and(|slot| slot.parcels == 0))
    }

    fn join(&mut self, row: Row, place: Place) {
        if let Some(chain) = self.rows.get_mut(row.number()) {
            *chain = append(&mut self.slots, *chain, in_row, place);
        }
    }

    fn leave(&mut self, row: Row, place: Place) {
        if let Some(chain) = self.rows.get_mut(row.number()) {
            *chain = unlink(&mut self.slots, *chain, in_row, place);
        }
    }
}

impl<A: Address> Slot<A> {
    pub(super) fn listed(&self) -> Neighbour<A> {
        let known = !matches!(self.state, State::Incomplete | State::Failed);
        Neighbour { protocol: self.protocol, hardware: known.then_some(self.hardware), state: self.state }
    }
}

impl State {
    /// Whether the entry has been confirmed at some time, and ends when that is too long ago.
    const fn has_age(self) -> bool {
        matches!(self, Self::Reachable | Self::Stale | Self::Delay | Self::Probe)
    }
}

impl Row {
    const ALL: [Row; 11] = [
        Row::Stranger,
        Row::Stale,
        Row::Reachable,
        Row::Delay,
        Row::Ask,
        Row::Wait,
        Row::Hold1,
        Row::Hold2,
        Row::Hold4,
        Row::Hold8,
        Row::Static,
    ];

    fn number(self) -> usize {
        match self {
            Row::Stranger => 0,
            Row::Stale => 1,
            Row::Reachable => 2,
            Row::Delay => 3,
            Row::Ask => 4,
            Row::Wait => 5,
            Row::Hold1 => 6,
            Row::Hold2 => 7,
            Row::Hold4 => 8,
            Row::Hold8 => 9,
            Row::Static => 10,
        }
    }
}

impl Links {
    const NONE: Links = Links { before: NONE, after: NONE };
}

impl Chain {
    const EMPTY: Chain = Chain { first: NONE, last: NONE };
}

fn in_row<A>(slot: &mut Slot<A>) -> &mut Links {
    &mut slot.in_row
}

fn by_age<A>(slot: &mut Slot<A>) -> &mut Links {
    &mut slot.by_age
}

/// The chain with a slot added behind its last one.
fn append<A>(slots: &mut [Slot<A>], mut chain: Chain, through: Through<A>, place: Place) -> Chain {
    if let Some(slot) = slots.get_mut(to_usize(place)) {
        *through(slot) = Links { before: chain.last, after: NONE };
    }
    match slots.get_mut(to_usize(chain.last)) {
        Some(last) => through(last).after = place,
        None => chain.first = place,
    }
    chain.last = place;
    chain
}

/// The chain without a slot.
fn unlink<A>(slots: &mut [Slot<A>], mut chain: Chain, through: Through<A>, place: Place) -> Chain {
    let Some(slot) = slots.get_mut(to_usize(place)) else {
        return chain;
    };
    let Links { before, after } = std::mem::replace(through(slot), Links::NONE);
    match slots.get_mut(to_usize(before)) {
        Some(slot) => through(slot).after = after,
        None => chain.first = after,
    }
    match slots.get_mut(to_usize(after)) {
        Some(slot) => through(slot).before = before,
        None => chain.last = before,
    }
    chain
}

/// Every place fits: a usize has 32 bits at least wherever there is a TAP.
fn to_usize(place: Place) -> usize {
    usize::try_from(place).unwrap_or(usize::MAX)
}
