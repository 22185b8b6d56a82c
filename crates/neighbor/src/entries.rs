//! The entries of the table, in timer queues, by age, and in eviction classes.

use std::time::Duration;

use base::list::index;
use base::{Links, List, Place, PlaceIndex};
use link::{Instant, MacAddr};

use super::clock::{Clock, Tick};
use super::{Address, Neighbor, NeighborState};

/// Minimum time between two requests for one destination (RFC 1122 2.3.2.1).
// spec: rfc1122-flood
pub(super) const RETRANSMIT: Duration = Duration::from_secs(1);
/// Time that a proven entry is treated as in use after a packet to or from the neighbor. Linux protects entries from
/// garbage collection for the same time.
const IN_USE: Duration = Duration::from_secs(5);

/// Maximum number of entries per queue that are examined for eviction.
const MAX_EXAMINED: usize = 8;

/// Bounded set of entries. Every operation except iteration takes constant time.
#[derive(Debug)]
pub(super) struct Entries<A> {
    pub(super) clock: Clock,
    /// Slots of entries, and free slots.
    slots: Vec<Slot<A>>,
    index: PlaceIndex,
    len: usize,
    bound: usize,
    queues: [List; TimerQueue::COUNT],
    classes: [List; Class::COUNT],
    /// Number of entries in [`Class::Unproven`].
    unproven: usize,
    age: List,
}

impl<A: Address> Entries<A> {
    /// Creates an empty set and reserves its memory. The system provides each page at the first access.
    // spec: table-memory
    pub(super) fn new(bound: usize, seed: u64) -> Entries<A> {
        let bound = bound.clamp(1, 1 << 20);
        Entries {
            clock: Clock::default(),
            slots: Vec::with_capacity(bound),
            index: PlaceIndex::preallocated(bound, seed),
            len: 0,
            bound,
            queues: [List::EMPTY; TimerQueue::COUNT],
            classes: [List::EMPTY; Class::COUNT],
            unproven: 0,
            age: List::EMPTY,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Returns whether a new entry must replace another.
    pub(super) fn is_full(&self) -> bool {
        self.len >= self.bound
    }

    /// Returns whether a new unproven entry must replace another unproven entry. Unproven entries are limited to a
    /// quarter of the table.
    // spec: table-share
    pub(super) fn is_share_full(&self) -> bool {
        self.unproven >= self.share()
    }

    fn share(&self) -> usize {
        (self.bound / 4).max(1)
    }

    pub(super) fn find(&self, ip: A) -> Option<Place> {
        self.index.find(ip, |place| self.get(place).is_some_and(|slot| slot.ip == ip))
    }

    pub(super) fn get(&self, place: Place) -> Option<&Slot<A>> {
        self.slots.get(index(place))
    }

    pub(super) fn get_mut(&mut self, place: Place) -> Option<&mut Slot<A>> {
        self.slots.get_mut(index(place))
    }

    /// Iterates over all entries, in no particular order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Slot<A>> {
        TimerQueue::ALL.into_iter().flat_map(|queue| self.queue(queue)).map(|(_, slot)| slot)
    }

    /// Iterates over the places from `from` on, with their entries. A free place has none.
    pub(super) fn slots_from(&self, from: Place) -> impl Iterator<Item = (Place, Option<&Slot<A>>)> {
        let is_used = |slot: &&Slot<A>| slot.queue != TimerQueue::Free;
        (from..=Place::MAX).map_while(move |place| Some((place, Some(self.get(place)?).filter(is_used))))
    }

    /// Iterates over the entries of a queue, oldest first.
    fn queue(&self, queue: TimerQueue) -> impl Iterator<Item = (Place, &Slot<A>)> {
        let mut next = self.first(queue);
        std::iter::from_fn(move || {
            let place = next?;
            let slot = self.get(place)?;
            next = slot.in_queue.next();
            Some((place, slot))
        })
    }

    /// Adds an entry for an address that has none. The caller has checked the bound.
    pub(super) fn insert(
        &mut self,
        ip: A,
        mac: MacAddr,
        state: NeighborState,
        queue: TimerQueue,
    ) -> Option<Place> {
        let now = self.clock.tick();
        let slot = Slot {
            ip,
            mac,
            state,
            queue,
            class: Class::Unused.after(state),
            half_requests: 0,
            failures: 0,
            pending: 0,
            confirmed: now,
            since: now,
            used: now,
            in_queue: Links::NONE,
            by_age: Links::NONE,
            in_class: Links::NONE,
        };
        let place = if let Some(free) = self.first(TimerQueue::Free) {
            self.leave(TimerQueue::Free, free);
            *self.get_mut(free)? = slot;
            free
        } else {
            let place = Place::try_from(self.slots.len()).ok()?;
            self.slots.push(slot);
            place
        };
        self.len += 1;
        let slots = &self.slots;
        self.index.insert(ip, place, |other| slots.get(index(other)).map(|slot| slot.ip));
        self.join(queue, place);
        self.join_class(Class::Unused.after(state), place);
        if state.has_age() {
            self.age.append(&mut self.slots, Slot::age_links, place);
        }
        Some(place)
    }

    /// Removes an entry.
    pub(super) fn remove(&mut self, place: Place) {
        let Some(Slot { ip, queue, state, class, .. }) = self.get(place).cloned() else { return };
        self.leave(queue, place);
        self.leave_class(class, place);
        if state.has_age() {
            self.age.unlink(&mut self.slots, Slot::age_links, place);
        }
        let slots = &self.slots;
        self.index.remove(ip, place, |other| slots.get(index(other)).map(|slot| slot.ip));
        self.len -= 1;
        if let Some(slot) = self.get_mut(place) {
            slot.queue = TimerQueue::Free;
        }
        self.join(TimerQueue::Free, place);
    }

    /// Sets the state of an entry, and appends the entry to a queue. Returns the previous state.
    pub(super) fn transition(
        &mut self,
        place: Place,
        state: NeighborState,
        queue: TimerQueue,
    ) -> Option<NeighborState> {
        let now = self.clock.tick();
        let (old_state, old_queue, old_class) =
            self.get(place).map(|slot| (slot.state, slot.queue, slot.class))?;
        self.leave(old_queue, place);
        match (old_state.has_age(), state.has_age()) {
            (false, true) => self.age.append(&mut self.slots, Slot::age_links, place),
            (true, false) => self.age.unlink(&mut self.slots, Slot::age_links, place),
            _ => {}
        }
        let slot = self.get_mut(place)?;
        (slot.state, slot.queue, slot.since) = (state, queue, now);
        self.join(queue, place);
        self.reclass(place, old_class, old_class.after(state));
        Some(old_state)
    }

    /// Resets the age of an entry that a packet confirmed.
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

    /// Sets the state of an entry, which stays in its queue. Returns the previous state.
    pub(super) fn set_state(&mut self, place: Place, state: NeighborState) -> Option<NeighborState> {
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

    /// Records the use of an entry, which becomes the last of its class to be evicted.
    #[inline]
    pub(super) fn touch(&mut self, place: Place) {
        let now = self.clock.tick();
        let Some(slot) = self.get_mut(place) else { return };
        slot.used = now;
        let class = slot.class;
        if let Some(list) = self.classes.get_mut(class.index()).filter(|list| !list.is_last(place)) {
            list.unlink(&mut self.slots, Slot::class_links, place);
            list.append(&mut self.slots, Slot::class_links, place);
        }
    }

    /// Records a packet to or from a neighbor as use of its entry. For unproven entries, only requests are recorded as
    /// use.
    #[inline]
    pub(super) fn touch_in_use(&mut self, place: Place) {
        if self.get(place).is_some_and(|slot| matches!(slot.class, Class::Unused | Class::Proven)) {
            self.touch(place);
        }
    }

    /// Returns the first entry of a queue.
    pub(super) fn first(&self, queue: TimerQueue) -> Option<Place> {
        self.queues.get(queue.index())?.first()
    }

    /// Returns the first entry of a queue if it has been in the queue for at least a span.
    pub(super) fn due(&self, queue: TimerQueue, span: Duration) -> Option<Place> {
        let place = self.first(queue)?;
        (self.clock.since(self.get(place)?.since) >= span).then_some(place)
    }

    /// Returns the entry with the oldest confirmation if this confirmation is at least a span ago.
    pub(super) fn unconfirmed(&self, span: Duration) -> Option<Place> {
        let place = self.age.first()?;
        (self.clock.since(self.get(place)?.confirmed) >= span).then_some(place)
    }

    /// Returns when the first entry of a queue will have been in the queue for a span.
    pub(super) fn deadline_of(&self, queue: TimerQueue, span: Duration) -> Option<Instant> {
        self.clock.end(self.get(self.first(queue)?)?.since, span)
    }

    /// Returns when the oldest confirmation is a span ago.
    pub(super) fn deadline_of_age(&self, span: Duration) -> Option<Instant> {
        self.clock.end(self.get(self.age.first()?)?.confirmed, span)
    }

    /// Returns whether a request for this entry may have been sent within the last second. If the entry were removed,
    /// another request could follow immediately.
    ///
    /// Each request moves its entry to another queue, and unused entries have had no request.
    pub(super) fn may_be_requested_again(&self, slot: &Slot<A>) -> bool {
        slot.class != Class::Unused && self.clock.since(slot.since) < RETRANSMIT
    }

    /// Returns the entry to evict for a new entry in this state. The candidates are, in this order: an unproven entry
    /// if their number exceeds the limit, a failed entry, the oldest unused entry, and the least recently used proven
    /// entry. Entries that are static or in use are never evicted.
    ///
    /// When the limit on unproven entries is reached, unproven entries replace only each other, and only one second
    /// after the last request. If an entry were removed earlier, the next request for its address could follow within
    /// that second.
    // spec: table-eviction, table-share
    pub(super) fn victim(&self, newcomer: NeighborState) -> Option<Place> {
        let is_unproven = Class::Unused.after(newcomer) == Class::Unproven;
        if is_unproven && self.is_share_full() {
            return self.unproven_victim();
        }
        let beyond_share = self.unproven > self.share();
        let over_share = if beyond_share { self.unproven_victim() } else { None };
        over_share
            .or_else(|| self.failed_victim())
            .or_else(|| self.longest_unused(Class::Unused, Duration::ZERO))
            .or_else(|| self.longest_unused(Class::Proven, IN_USE))
    }

    /// Returns the unproven entry to evict for another unproven entry.
    pub(super) fn unproven_victim(&self) -> Option<Place> {
        let place = self.class(Class::Unproven).first()?;
        self.is_unused_for(place, RETRANSMIT).then_some(place)
    }

    /// Returns a failed entry for which no packet waits.
    fn failed_victim(&self) -> Option<Place> {
        [TimerQueue::Backoff8, TimerQueue::Backoff4, TimerQueue::Backoff2, TimerQueue::Backoff1]
            .into_iter()
            .find_map(|queue| {
                let mut examined = self.queue(queue).take(MAX_EXAMINED);
                examined
                    .find(|(place, slot)| slot.pending == 0 && self.is_unused_for(*place, RETRANSMIT))
                    .map(|(place, _)| place)
            })
    }

    /// Returns the least recently used entry of a class if it has been unused for at least a span.
    fn longest_unused(&self, class: Class, span: Duration) -> Option<Place> {
        let place = self.class(class).first()?;
        let slot = self.get(place)?;
        (slot.pending == 0 && self.is_unused_for(place, span)).then_some(place)
    }

    fn is_unused_for(&self, place: Place, span: Duration) -> bool {
        self.get(place).is_some_and(|slot| self.clock.since(slot.used) >= span)
    }

    fn class(&self, class: Class) -> List {
        self.classes.get(class.index()).copied().unwrap_or(List::EMPTY)
    }

    fn join_class(&mut self, class: Class, place: Place) {
        let now = self.clock.tick();
        if let Some(slot) = self.get_mut(place) {
            (slot.class, slot.used) = (class, now);
        }
        self.unproven += usize::from(class == Class::Unproven);
        if let Some(list) = self.classes.get_mut(class.index()) {
            list.append(&mut self.slots, Slot::class_links, place);
        }
    }

    fn leave_class(&mut self, class: Class, place: Place) {
        self.unproven -= usize::from(class == Class::Unproven);
        if let Some(list) = self.classes.get_mut(class.index()) {
            list.unlink(&mut self.slots, Slot::class_links, place);
        }
    }

    fn join(&mut self, queue: TimerQueue, place: Place) {
        if let Some(list) = self.queues.get_mut(queue.index()) {
            list.append(&mut self.slots, Slot::queue_links, place);
        }
    }

    fn leave(&mut self, queue: TimerQueue, place: Place) {
        if let Some(list) = self.queues.get_mut(queue.index()) {
            list.unlink(&mut self.slots, Slot::queue_links, place);
        }
    }
}

/// Timer queue of an entry. Entries are in the order in which they joined, and all entries of a timed queue wait for
/// the same time. The first entry is therefore always the next due entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TimerQueue {
    /// STALE.
    Stale,
    /// REACHABLE.
    Reachable,
    /// DELAY.
    Delay,
    /// INCOMPLETE or PROBE: a request is due.
    Request,
    /// INCOMPLETE or PROBE: a request was sent.
    AwaitReply,
    /// FAILED, or INCOMPLETE after a failure: no request for 1, 2, 4 or 8 seconds.
    Backoff1,
    Backoff2,
    Backoff4,
    Backoff8,
    /// PERMANENT.
    Static,
    /// No entry: the slot is free.
    Free,
}

/// Eviction class of an entry. Each class is a list in the order of last use, least recent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// Learned from a packet, never used.
    Unused,
    /// Used or requested, without a reply to a request of this host. An attacker can create such entries. Only requests
    /// are recorded as use.
    Unproven,
    /// The neighbor has replied to a request of this host, or an upper layer has confirmed the neighbor. No resolution
    /// has failed since.
    Proven,
    /// Configured.
    Static,
}

/// Entry of 64 bytes. Its cells in the index take up to 16 more bytes.
#[derive(Clone, Debug)]
pub(super) struct Slot<A> {
    pub(super) ip: A,
    pub(super) mac: MacAddr,
    pub(super) state: NeighborState,
    pub(super) queue: TimerQueue,
    pub(super) class: Class,
    /// Requests of this attempt, in halves: a transmitted request counts 2, a refused request 1.
    pub(super) half_requests: u8,
    /// Number of consecutive failed attempts.
    pub(super) failures: u8,
    /// Number of packets that wait, or are ready to be sent and not taken yet.
    pub(super) pending: u8,
    /// Time of the last confirmation by a packet, from which the age counts.
    pub(super) confirmed: Tick,
    /// Time when the entry joined its queue.
    pub(super) since: Tick,
    /// Time of the last use: a packet sent or received, or a request, as far as the class records it.
    pub(super) used: Tick,
    pub(super) in_queue: Links,
    pub(super) by_age: Links,
    pub(super) in_class: Links,
}

const _: () = assert!(size_of::<Slot<std::net::Ipv4Addr>>() + 4 * size_of::<u32>() <= 80);

impl<A: Address> Slot<A> {
    pub(super) fn to_neighbor(&self) -> Neighbor<A> {
        let known = !matches!(self.state, NeighborState::Incomplete | NeighborState::Failed);
        Neighbor { ip: self.ip, mac: known.then_some(self.mac), state: self.state }
    }

    pub(super) fn queue_links(&mut self) -> &mut Links {
        &mut self.in_queue
    }

    pub(super) fn age_links(&mut self) -> &mut Links {
        &mut self.by_age
    }

    pub(super) fn class_links(&mut self) -> &mut Links {
        &mut self.in_class
    }
}

impl NeighborState {
    /// Returns whether entries in this state have been confirmed, and expire when the confirmation is too old.
    pub(super) const fn has_age(self) -> bool {
        matches!(self, Self::Reachable | Self::Stale | Self::Delay | Self::Probe)
    }
}

impl TimerQueue {
    pub(super) const COUNT: usize = 11;

    /// All queues that hold entries.
    pub(super) const ALL: [TimerQueue; Self::COUNT - 1] = [
        TimerQueue::Stale,
        TimerQueue::Reachable,
        TimerQueue::Delay,
        TimerQueue::Request,
        TimerQueue::AwaitReply,
        TimerQueue::Backoff1,
        TimerQueue::Backoff2,
        TimerQueue::Backoff4,
        TimerQueue::Backoff8,
        TimerQueue::Static,
    ];

    pub(super) const fn index(self) -> usize {
        match self {
            TimerQueue::Stale => 0,
            TimerQueue::Reachable => 1,
            TimerQueue::Delay => 2,
            TimerQueue::Request => 3,
            TimerQueue::AwaitReply => 4,
            TimerQueue::Backoff1 => 5,
            TimerQueue::Backoff2 => 6,
            TimerQueue::Backoff4 => 7,
            TimerQueue::Backoff8 => 8,
            TimerQueue::Static => 9,
            TimerQueue::Free => 10,
        }
    }
}

impl Class {
    pub(super) const COUNT: usize = 4;

    /// Returns the class of an entry of this class after the entry enters a state.
    pub(super) const fn after(self, state: NeighborState) -> Class {
        match (state, self) {
            (NeighborState::Static, _) => Class::Static,
            (NeighborState::Reachable, _) => Class::Proven,
            (NeighborState::Incomplete | NeighborState::Failed, _)
            | (NeighborState::Delay | NeighborState::Probe, Class::Unused) => Class::Unproven,
            (NeighborState::Stale | NeighborState::Delay | NeighborState::Probe, class) => class,
        }
    }

    pub(super) const fn index(self) -> usize {
        match self {
            Class::Unused => 0,
            Class::Unproven => 1,
            Class::Proven => 2,
            Class::Static => 3,
        }
    }
}
