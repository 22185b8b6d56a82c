//! The table: updates by received packets, and resolution of destinations.

pub(crate) mod timers;

use std::fmt;
use std::time::Duration;

use base::{EventQueue, Place, Random, Secret};
use link::{Instant, MacAddr};

use super::clock::Tick;
use super::entries::{Class, Entries, Slot, TimerQueue};
use super::pending::{PendingPackets, ReturnReason};
use super::{AddError, Address, Neighbor, NeighborCounts, NeighborEvent, NeighborSettings, NeighborState};

/// Mean time that an entry stays REACHABLE (RFC 4861 10).
const REACHABLE_TIME: Duration = Duration::from_secs(30);

/// Neighbors of one segment, and the packets that wait for their resolution.
#[derive(Debug)]
pub struct NeighborTable<A, P> {
    entries: Entries<A>,
    pending: PendingPackets<A, P>,
    settings: NeighborSettings,
    /// Time that an entry stays REACHABLE, redrawn every two hours (RFC 4861 6.3.2).
    reachable_time: Duration,
    reachable_drawn: Tick,
    random: Random,
    /// Time when an address was last refused because the limit on unproven entries was reached.
    share_refused: Option<Tick>,
    /// Number of timers that have expired since [`NeighborTable::poll`] last returned `None`.
    timers_expired: usize,
    events: EventQueue<NeighborEvent<A>>,
    counts: NeighborCounts,
}

/// Observation of a sender in a received packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SenderObservation {
    /// The sender's MAC address.
    pub mac: MacAddr,
    /// Whether the packet is a reply to a local address, which may answer a request of this host.
    pub is_reply_to_local: bool,
}

/// Change of the table by a received packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Merge {
    /// No change: the sender is unknown and was not added.
    None,
    /// The sender was added.
    Added,
    /// The resolution of the sender's address is complete.
    Completed,
    /// The sender was already known with this MAC address.
    Confirmed,
    /// The sender was known with another MAC address, which was replaced.
    Moved,
    /// The sender has a static entry, which does not change.
    StaticConflict,
    /// The sender was not added: the table is full.
    Refused,
}

/// Result of a resolution.
#[derive(Debug, PartialEq, Eq)]
pub enum Resolution<P> {
    /// The packet can be sent immediately to this MAC address.
    Known(MacAddr, P),
    /// The packet waits. [`NeighborTable::poll`] will send or return the packet.
    Pending,
    /// The packet cannot be sent: the table or the queue is full.
    Refused(P),
}

impl<A: Address, P> NeighborTable<A, P> {
    /// Capacity of the event queue. Events beyond the capacity are dropped and counted.
    ///
    /// No event is lost if the caller takes the events after each batch of received frames and each run of
    /// [`NeighborTable::poll`].
    pub const EVENTS: usize = 2_048;

    /// Maximum number of places that a [`NeighborTable::page`] examines.
    pub const EXAMINED: usize = 4_096;

    /// Creates an empty table and reserves its memory.
    pub fn new(settings: NeighborSettings) -> NeighborTable<A, P> {
        // The reachable time is visible on the wire. The time must not reveal the key of the index.
        let secret = Secret::new(settings.seed);
        let mut random = Random::new(secret.key("reachable time"));
        NeighborTable {
            entries: Entries::new(settings.entries, secret.key("neighbor index")),
            pending: PendingPackets::new(settings.pending),
            settings,
            reachable_time: draw_reachable_time(&mut random),
            reachable_drawn: Tick::default(),
            random,
            share_refused: None,
            timers_expired: 0,
            events: EventQueue::new(Self::EVENTS),
            counts: NeighborCounts::default(),
        }
    }

    /// Returns the entry of an address.
    pub fn get(&self, ip: A) -> Option<Neighbor<A>> {
        let entry = self.entries.get(self.entries.find(ip)?)?;
        Some(entry.to_neighbor())
    }

    /// Returns all entries, sorted by IP address.
    pub fn list(&self) -> Vec<Neighbor<A>> {
        let mut all: Vec<_> = self.entries.iter().map(Slot::to_neighbor).collect();
        all.sort_unstable_by_key(|entry| entry.ip);
        all
    }

    /// Returns up to `limit` entries from a place on, in the order of their places, and the place of the next page.
    ///
    /// The first page starts at place 0. An entry keeps its place, so an entry that exists during all pages is in one of
    /// them. A page examines at most [`NeighborTable::EXAMINED`] places, so it may have no entries.
    pub fn page(&self, from: Place, limit: usize) -> (Vec<Neighbor<A>>, Option<Place>) {
        let mut entries = Vec::new();
        for (count, (place, slot)) in self.entries.slots_from(from).enumerate() {
            if entries.len() >= limit || count >= Self::EXAMINED {
                return (entries, Some(place));
            }
            entries.extend(slot.map(Slot::to_neighbor));
        }
        (entries, None)
    }

    /// Returns the number of entries.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns whether the table has no entry.
    pub fn is_empty(&self) -> bool {
        self.entries.len() == 0
    }

    /// Returns the number of packets in the table: packets that wait, and packets that [`NeighborTable::poll`] has not
    /// returned yet. The number is at most twice [`NeighborSettings::pending`].
    pub fn pending_packets(&self) -> usize {
        self.pending.len()
    }

    /// Returns the counters.
    pub fn counts(&self) -> NeighborCounts {
        NeighborCounts { events_lost: self.events.lost(), ..self.counts }
    }

    /// Removes and returns the oldest event.
    pub fn take_event(&mut self) -> Option<NeighborEvent<A>> {
        self.events.pop()
    }

    fn report(&mut self, event: NeighborEvent<A>) {
        self.events.push(event);
    }

    /// Reads the entry of an address, so that a later access finds the entry in the caches of the processor.
    #[inline]
    pub fn prefetch(&self, ip: A) {
        // Without the black box, the compiler may remove the search, which has no effect.
        std::hint::black_box(self.entries.find(ip));
    }

    // Received packets.

    /// Updates the entry of a known sender. Adds no entry (RFC 826: the merge flag).
    pub fn merge(&mut self, now: Instant, ip: A, observation: SenderObservation) -> Merge {
        self.entries.clock.advance(now);
        let Some(place) = self.entries.find(ip) else {
            return Merge::None;
        };
        let Some((state, from)) = self.entries.get(place).map(|slot| (slot.state, slot.mac)) else {
            return Merge::None;
        };
        match state {
            NeighborState::Static if from == observation.mac => Merge::Confirmed,
            // spec: static-entry
            NeighborState::Static => {
                self.report(NeighborEvent::StaticConflict { ip, mac: observation.mac });
                Merge::StaticConflict
            }
            // spec: learn-resolved
            NeighborState::Incomplete | NeighborState::Failed => {
                self.complete(place, observation);
                Merge::Completed
            }
            NeighborState::Reachable | NeighborState::Stale | NeighborState::Delay | NeighborState::Probe => {
                self.entries.confirm(place);
                self.entries.touch_in_use(place);
                if from != observation.mac {
                    self.update_mac(place, from, observation);
                    return Merge::Moved;
                }
                // A reply to a request of this host proves both directions, as PROBE requires. An unsolicited
                // packet proves only the direction from the sender to this host.
                // spec: rfc4861-confirmation
                if observation.is_reply_to_local && state == NeighborState::Probe {
                    self.change(place, NeighborState::Reachable, TimerQueue::Reachable);
                }
                Merge::Confirmed
            }
        }
    }

    /// Updates the entry of a sender, or adds an entry in the state STALE.
    pub fn learn(&mut self, now: Instant, ip: A, observation: SenderObservation) -> Merge {
        let merge = self.merge(now, ip, observation);
        if merge != Merge::None {
            return merge;
        }
        let mac = observation.mac;
        if self.insert(ip, mac, NeighborState::Stale, TimerQueue::Stale).is_none() {
            return Merge::Refused;
        }
        self.report(NeighborEvent::Learned { ip, mac });
        Merge::Added
    }

    /// Completes the resolution of an entry, and makes its pending packets ready.
    fn complete(&mut self, place: Place, observation: SenderObservation) {
        let Some(slot) = self.entries.get_mut(place) else { return };
        slot.mac = observation.mac;
        slot.failures = 0;
        let in_use = slot.pending > 0;
        let (state, queue) = match (observation.is_reply_to_local, in_use) {
            (true, _) => (NeighborState::Reachable, TimerQueue::Reachable),
            (false, true) => (NeighborState::Delay, TimerQueue::Delay),
            (false, false) => (NeighborState::Stale, TimerQueue::Stale),
        };
        self.change(place, state, queue);
        self.entries.confirm(place);
        self.make_ready(place);
    }

    /// Replaces the MAC address of an entry. Unless the packet confirms the new address, the entry becomes STALE.
    fn update_mac(&mut self, place: Place, from: MacAddr, observation: SenderObservation) {
        let Some(slot) = self.entries.get_mut(place) else { return };
        // spec: learn-move
        slot.mac = observation.mac;
        let (ip, was) = (slot.ip, slot.state);
        self.report(NeighborEvent::Moved { ip, from, to: observation.mac });
        if observation.is_reply_to_local && was == NeighborState::Probe {
            self.change(place, NeighborState::Reachable, TimerQueue::Reachable);
        } else if was != NeighborState::Stale {
            self.change(place, NeighborState::Stale, TimerQueue::Stale);
        }
    }

    // Sent packets.

    /// Returns the MAC address of a destination to which a packet can be sent immediately, and records the use. Returns
    /// `None` if the packet must wait, or if the destination is unknown: see [`NeighborTable::resolve`].
    // Inlined across crates, because every sent packet causes a lookup.
    #[inline]
    pub fn lookup(&mut self, now: Instant, ip: A) -> Option<MacAddr> {
        self.entries.clock.advance(now);
        let place = self.entries.find(ip)?;
        self.use_entry(place)
    }

    /// Returns the MAC address of a destination as [`NeighborTable::lookup`] does, without a search if the entry is still
    /// at its `place`. Returns `None` also if another entry or no entry is at the place: see [`NeighborTable::place`].
    #[expect(clippy::inline_always, reason = "results in memory take more instructions than the function")]
    #[inline(always)]
    pub fn lookup_at(&mut self, now: Instant, place: Place, ip: A) -> Option<MacAddr> {
        self.entries.get(place).filter(|slot| slot.ip == ip && slot.queue != TimerQueue::Free)?;
        self.entries.clock.advance(now);
        self.use_entry(place)
    }

    /// Returns the place of an entry, for [`NeighborTable::lookup_at`]. An entry stays at its place until it is removed.
    pub fn place(&self, ip: A) -> Option<Place> {
        self.entries.find(ip)
    }

    /// Returns the MAC address of an entry if a packet can be sent immediately, and records the use.
    #[expect(clippy::inline_always, reason = "results in memory take more instructions than the function")]
    #[inline(always)]
    fn use_entry(&mut self, place: Place) -> Option<MacAddr> {
        let slot = self.entries.get(place)?;
        let (state, mac) = (slot.state, slot.mac);
        // If the packet were sent now, it would overtake packets that are ready but not taken yet.
        // spec: queue-order
        if slot.pending != 0 || matches!(state, NeighborState::Incomplete | NeighborState::Failed) {
            return None;
        }
        self.record_use(place, state);
        Some(mac)
    }

    /// Resolves the destination of a packet of `bytes` bytes.
    ///
    /// A packet for an unknown destination waits, and a resolution starts. Each destination keeps the order of its
    /// packets.
    pub fn resolve(&mut self, now: Instant, ip: A, bytes: usize, packet: P) -> Resolution<P> {
        if let Some(mac) = self.lookup(now, ip) {
            return Resolution::Known(mac, packet);
        }
        let Some(place) = self.entries.find(ip) else {
            return self.start_resolution(ip, bytes, packet);
        };
        let Some(state) = self.entries.get(place).map(|slot| slot.state) else {
            return Resolution::Refused(packet);
        };
        match state {
            NeighborState::Incomplete => self.enqueue(place, bytes, packet),
            NeighborState::Failed => {
                // The entry stays in its backoff queue: the next request follows after the backoff.
                self.set_state(place, NeighborState::Incomplete);
                self.enqueue(place, bytes, packet)
            }
            NeighborState::Reachable
            | NeighborState::Stale
            | NeighborState::Delay
            | NeighborState::Probe
            | NeighborState::Static => {
                self.record_use(place, state);
                let resolution = self.enqueue(place, bytes, packet);
                self.make_ready(place);
                resolution
            }
        }
    }

    /// Starts the resolution of an address without a packet, unless the table has an entry for the address.
    pub fn request(&mut self, now: Instant, ip: A) {
        self.entries.clock.advance(now);
        let is_unknown = self.entries.find(ip).is_none();
        if is_unknown
            && self.insert(ip, MacAddr::ZERO, NeighborState::Incomplete, TimerQueue::Request).is_some()
        {
            self.report(NeighborEvent::Resolving { ip });
        }
    }

    /// Records a packet to a known neighbor.
    #[expect(clippy::inline_always, reason = "every sent packet causes a call")]
    #[inline(always)]
    fn record_use(&mut self, place: Place, state: NeighborState) {
        self.entries.touch_in_use(place);
        // spec: rfc4861-stale
        if state == NeighborState::Stale && self.may_probe(place) {
            self.change(place, NeighborState::Delay, TimerQueue::Delay);
        }
    }

    /// Confirms a known neighbor, which becomes REACHABLE: an upper layer made progress with the neighbor (RFC 4861
    /// 7.3.1). An INCOMPLETE, FAILED or static entry does not change.
    // spec: rfc4861-upper-layer
    pub fn confirm(&mut self, now: Instant, ip: A) {
        self.entries.clock.advance(now);
        let Some(place) = self.entries.find(ip) else { return };
        let known = self.entries.get(place).map(|slot| slot.state);
        if let Some(
            NeighborState::Reachable | NeighborState::Stale | NeighborState::Delay | NeighborState::Probe,
        ) = known
        {
            self.entries.confirm(place);
            self.change(place, NeighborState::Reachable, TimerQueue::Reachable);
            self.entries.touch(place);
        }
    }

    /// Adds a static entry, or makes an entry static.
    pub fn add_static(&mut self, now: Instant, ip: A, mac: MacAddr) -> Result<(), AddError> {
        if !mac.is_station() {
            return Err(AddError::InvalidMac);
        }
        self.entries.clock.advance(now);
        let place = match self.entries.find(ip) {
            Some(place) => place,
            None => self.insert(ip, mac, NeighborState::Static, TimerQueue::Static).ok_or(AddError::Full)?,
        };
        if let Some(slot) = self.entries.get_mut(place) {
            slot.mac = mac;
        }
        self.change(place, NeighborState::Static, TimerQueue::Static);
        self.make_ready(place);
        Ok(())
    }

    /// Removes an entry, static or not. Returns whether the entry existed.
    ///
    /// The time of the last request is lost too, so a new resolution may send a request within a second of the last
    /// request.
    pub fn remove(&mut self, ip: A) -> bool {
        let Some(place) = self.entries.find(ip) else {
            return false;
        };
        self.return_packets(place, ReturnReason::Removed);
        self.entries.remove(place);
        true
    }

    /// Removes all entries that are not static.
    pub fn flush(&mut self) {
        // spec: rfc1122-flush
        for entry in self.list().into_iter().filter(|entry| entry.state != NeighborState::Static) {
            self.remove(entry.ip);
        }
    }

    // spec: rfc1122-queue
    fn start_resolution(&mut self, ip: A, bytes: usize, packet: P) -> Resolution<P> {
        match self.insert(ip, MacAddr::ZERO, NeighborState::Incomplete, TimerQueue::Request) {
            Some(place) => {
                self.report(NeighborEvent::Resolving { ip });
                self.enqueue(place, bytes, packet)
            }
            None => Resolution::Refused(packet),
        }
    }

    /// Adds a packet to the waiting packets. If a bound is exceeded, the oldest packets are returned unsent.
    // spec: queue-bounds
    fn enqueue(&mut self, place: Place, bytes: usize, packet: P) -> Resolution<P> {
        let Some((ip, pending)) = self.entries.get(place).map(|slot| (slot.ip, slot.pending)) else {
            return Resolution::Refused(packet);
        };
        if bytes > self.settings.pending_bytes
            || self.settings.pending_per_entry == 0
            || self.pending.is_output_full()
        {
            return Resolution::Refused(packet);
        }
        let per_entry = self.settings.pending_per_entry.min(usize::from(u8::MAX));
        if usize::from(pending) >= per_entry && !self.return_oldest(Some(ip)) {
            return Resolution::Refused(packet);
        }
        while self.pending.bytes() > self.settings.pending_bytes - bytes || !self.pending.has_capacity() {
            if !self.return_oldest(None) {
                return Resolution::Refused(packet);
            }
        }
        self.pending.push(ip, bytes, packet);
        if let Some(slot) = self.entries.get_mut(place) {
            slot.pending = slot.pending.saturating_add(1);
        }
        Resolution::Pending
    }

    fn return_oldest(&mut self, of: Option<A>) -> bool {
        let Some(ip) = self.pending.return_oldest(of) else {
            return false;
        };
        let place = self.entries.find(ip);
        if let Some(slot) = place.and_then(|place| self.entries.get_mut(place)) {
            slot.pending = slot.pending.saturating_sub(1);
        }
        true
    }

    /// Makes all pending packets of an entry ready to be sent.
    pub(super) fn make_ready(&mut self, place: Place) {
        if let Some(slot) = self.entries.get(place).filter(|slot| slot.pending != 0) {
            self.pending.make_ready(slot.ip);
        }
    }

    /// Returns all packets of an entry unsent.
    // spec: queue-once
    pub(super) fn return_packets(&mut self, place: Place, reason: ReturnReason) {
        if let Some(slot) = self.entries.get_mut(place).filter(|slot| slot.pending != 0) {
            slot.pending = 0;
            self.pending.return_packets(slot.ip, reason);
        }
    }

    /// Adds an address that is not in the table. Evicts another entry if the table is full.
    pub(super) fn insert(
        &mut self,
        ip: A,
        mac: MacAddr,
        state: NeighborState,
        queue: TimerQueue,
    ) -> Option<Place> {
        // spec: table-bound, table-eviction, table-share
        if self.entries.is_full() || (state == NeighborState::Incomplete && self.entries.is_share_full()) {
            let Some(victim) = self.entries.victim(state) else {
                // Only a refused unproven entry shortens the attempts of other unproven entries (see `retry`).
                if Class::Unused.after(state) == Class::Unproven {
                    self.share_refused = Some(self.entries.clock.tick());
                }
                self.counts.refused = self.counts.refused.saturating_add(1);
                self.report(NeighborEvent::Refused { ip });
                return None;
            };
            self.evict(victim);
        }
        self.entries.insert(ip, mac, state, queue)
    }

    /// Returns whether the first use of an entry may start a check. The check makes an unused entry unproven. While the
    /// limit on unproven entries is reached, the entry is used without a check.
    // spec: table-share
    fn may_probe(&mut self, place: Place) -> bool {
        if self.entries.get(place).is_none_or(|slot| slot.class != Class::Unused)
            || !self.entries.is_share_full()
        {
            return true;
        }
        let victim = self.entries.unproven_victim();
        if let Some(victim) = victim {
            self.evict(victim);
        }
        victim.is_some()
    }

    fn evict(&mut self, place: Place) {
        if let Some(ip) = self.entries.get(place).map(|slot| slot.ip) {
            self.counts.evicted = self.counts.evicted.saturating_add(1);
            self.report(NeighborEvent::Evicted { ip });
        }
        self.return_packets(place, ReturnReason::Displaced);
        self.entries.remove(place);
    }

    /// Sets the state of an entry, appends the entry to a queue, and reports the change.
    pub(super) fn change(&mut self, place: Place, to: NeighborState, queue: TimerQueue) {
        let from = self.entries.transition(place, to, queue);
        self.report_change(place, from, to);
    }

    /// Sets the state of an entry, which stays in its queue, and reports the change.
    fn set_state(&mut self, place: Place, to: NeighborState) {
        let from = self.entries.set_state(place, to);
        self.report_change(place, from, to);
    }

    fn report_change(&mut self, place: Place, from: Option<NeighborState>, to: NeighborState) {
        let ip = self.entries.get(place).map(|slot| slot.ip);
        if let (Some(ip), Some(from)) = (ip, from)
            && from != to
        {
            self.report(NeighborEvent::Changed { ip, from, to });
        }
    }
}

impl fmt::Display for Merge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "nothing learned",
            Self::Added => "learned",
            Self::Completed => "resolved",
            Self::Confirmed => "already known",
            Self::Moved => "MAC address changed",
            Self::StaticConflict => "not learned: the entry is static",
            Self::Refused => "not learned: the table is full",
        })
    }
}

/// Draws the time that entries stay REACHABLE. The time is random, so that hosts that start at the same time send
/// requests at different times.
// spec: rfc4861-reachable-time
pub(super) fn draw_reachable_time(random: &mut Random) -> Duration {
    random.between(REACHABLE_TIME / 2, REACHABLE_TIME * 3 / 2)
}

#[cfg(test)]
mod tests;
