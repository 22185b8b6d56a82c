//! What we send decides what we ask.

use link::{Instant, MacAddr};

use super::slot::{Class, TimerQueue};
use super::{AddError, Address, NeighborEvent, NeighborState, NeighborTable, ReturnReason};
use base::Place;

/// Where a parcel is to go.
#[derive(Debug, PartialEq, Eq)]
pub enum Resolution<P> {
    /// At once to this hardware address.
    Known(MacAddr, P),
    /// It waits here; [`NeighborTable::poll`] will send it or give it back.
    Pending,
    /// Nowhere: the table, or the place to wait, is full.
    Refused(P),
}

impl<A: Address, P> NeighborTable<A, P> {
    /// Where to send a parcel of so many octets. One for an unknown destination waits, and the
    /// destination is asked for.
    pub fn resolve(&mut self, now: Instant, ip: A, bytes: usize, packet: P) -> Resolution<P> {
        self.table.clock.advance(now);
        let Some(place) = self.table.find(ip) else {
            return self.start_resolution(ip, bytes, packet);
        };
        let Some(slot) = self.table.get(place) else {
            return Resolution::Refused(packet);
        };
        let (state, mac, pending) = (slot.state, slot.mac, slot.pending);
        match state {
            NeighborState::Incomplete => self.enqueue(place, bytes, packet),
            NeighborState::Failed => {
                // It keeps its place among those not to be asked yet, and is asked when that is over.
                self.set_state(place, NeighborState::Incomplete);
                self.enqueue(place, bytes, packet)
            }
            NeighborState::Reachable
            | NeighborState::Stale
            | NeighborState::Delay
            | NeighborState::Probe
            | NeighborState::Static => {
                self.table.touch_in_use(place);
                // spec: rfc4861-stale
                if state == NeighborState::Stale && self.may_probe(place) {
                    self.change(place, NeighborState::Delay, TimerQueue::Delay);
                }
                if pending == 0 {
                    return Resolution::Known(mac, packet);
                }
                // It would overtake those that are to be sent and were not fetched yet.
                // spec: queue-order
                let resolution = self.enqueue(place, bytes, packet);
                self.make_ready(place);
                resolution
            }
        }
    }

    /// Notes that an upper layer heard from a neighbor: its packets arrive, so it is REACHABLE.
    // spec: rfc4861-upper-layer
    pub fn confirm(&mut self, now: Instant, ip: A) {
        self.table.clock.advance(now);
        let Some(place) = self.table.find(ip) else { return };
        let known = self.table.get(place).map(|slot| slot.state);
        if let Some(
            NeighborState::Reachable | NeighborState::Stale | NeighborState::Delay | NeighborState::Probe,
        ) = known
        {
            self.table.confirm(place);
            self.change(place, NeighborState::Reachable, TimerQueue::Reachable);
            self.table.touch(place);
        }
    }

    /// Enters an address for good, or makes its entry static.
    pub fn add_static(&mut self, now: Instant, ip: A, mac: MacAddr) -> Result<(), AddError> {
        if !mac.is_station() {
            return Err(AddError::InvalidMac);
        }
        self.table.clock.advance(now);
        let place = match self.table.find(ip) {
            Some(place) => place,
            None => self.insert(ip, mac, NeighborState::Static, TimerQueue::Static).ok_or(AddError::Full)?,
        };
        if let Some(slot) = self.table.get_mut(place) {
            slot.mac = mac;
        }
        self.change(place, NeighborState::Static, TimerQueue::Static);
        self.make_ready(place);
        Ok(())
    }

    /// Removes an entry, static or not. Returns whether there was one. That it was asked for is
    /// forgotten with it: it may be asked for again at once.
    pub fn remove(&mut self, ip: A) -> bool {
        let Some(place) = self.table.find(ip) else {
            return false;
        };
        self.return_packets(place, ReturnReason::Removed);
        self.table.remove(place);
        true
    }

    /// Removes all entries that no person made.
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

    /// Lets a parcel wait. Those that came first make room for it.
    // spec: queue-bounds
    fn enqueue(&mut self, place: Place, bytes: usize, packet: P) -> Resolution<P> {
        let Some((ip, pending_packets)) = self.table.get(place).map(|slot| (slot.ip, slot.pending)) else {
            return Resolution::Refused(packet);
        };
        if bytes > self.settings.pending_bytes
            || self.settings.pending_per_entry == 0
            || self.pending.is_output_full()
        {
            return Resolution::Refused(packet);
        }
        let each = self.settings.pending_per_entry.min(usize::from(u8::MAX));
        if usize::from(pending_packets) >= each && !self.return_oldest(Some(ip)) {
            return Resolution::Refused(packet);
        }
        while self.pending.bytes() > self.settings.pending_bytes - bytes || !self.pending.has_capacity() {
            if !self.return_oldest(None) {
                return Resolution::Refused(packet);
            }
        }
        self.pending.push(ip, bytes, packet);
        if let Some(slot) = self.table.get_mut(place) {
            slot.pending = slot.pending.saturating_add(1);
        }
        Resolution::Pending
    }

    fn return_oldest(&mut self, of: Option<A>) -> bool {
        let Some(ip) = self.pending.return_oldest(of) else {
            return false;
        };
        let place = self.table.find(ip);
        if let Some(slot) = place.and_then(|place| self.table.get_mut(place)) {
            slot.pending = slot.pending.saturating_sub(1);
        }
        true
    }

    /// Makes all that waits for an entry ready to be sent.
    pub(super) fn make_ready(&mut self, place: Place) {
        if let Some(slot) = self.table.get(place).filter(|slot| slot.pending != 0) {
            self.pending.make_ready(slot.ip);
        }
    }

    /// Gives back all that was to be sent to an entry.
    // spec: queue-once
    pub(super) fn return_packets(&mut self, place: Place, reason: ReturnReason) {
        if let Some(slot) = self.table.get_mut(place).filter(|slot| slot.pending != 0) {
            slot.pending = 0;
            self.pending.return_packets(slot.ip, reason);
        }
    }

    /// Enters an address that is not there; where it takes somebody else's place, that one goes.
    pub(super) fn insert(
        &mut self,
        ip: A,
        mac: MacAddr,
        state: NeighborState,
        queue: TimerQueue,
    ) -> Option<Place> {
        // spec: table-bound, table-eviction, table-share
        if self.table.is_full() || (state == NeighborState::Incomplete && self.table.is_share_full()) {
            let Some(victim) = self.table.victim(state) else {
                // Only entries of the share end sooner for each other: a sender that is not learned says nothing of it.
                if Class::Unused.after(state) == Class::Unproven {
                    self.share_refused = Some(self.table.clock.tick());
                }
                self.counts.refused = self.counts.refused.saturating_add(1);
                self.report(NeighborEvent::Refused { ip });
                return None;
            };
            self.evict(victim);
        }
        self.table.insert(ip, mac, state, queue)
    }

    /// Whether the first use of an entry may begin a check of it: an entry that is in use and has not proved itself
    /// has the share of those, and where there is none for it, it is used unchecked.
    // spec: table-share
    fn may_probe(&mut self, place: Place) -> bool {
        if self.table.get(place).is_none_or(|slot| slot.class != Class::Unused) || !self.table.is_share_full()
        {
            return true;
        }
        let victim = self.table.unproven_victim();
        if let Some(victim) = victim {
            self.evict(victim);
        }
        victim.is_some()
    }

    fn evict(&mut self, place: Place) {
        if let Some(ip) = self.table.get(place).map(|slot| slot.ip) {
            self.counts.evicted = self.counts.evicted.saturating_add(1);
            self.report(NeighborEvent::Evicted { ip });
        }
        self.return_packets(place, ReturnReason::Displaced);
        self.table.remove(place);
    }

    /// Gives an entry a state and a row, and reports the change.
    pub(super) fn change(&mut self, place: Place, to: NeighborState, queue: TimerQueue) {
        let from = self.table.transition(place, to, queue);
        self.report_change(place, from, to);
    }

    /// Gives an entry another state in the row where it stands.
    fn set_state(&mut self, place: Place, to: NeighborState) {
        let from = self.table.set_state(place, to);
        self.report_change(place, from, to);
    }

    fn report_change(&mut self, place: Place, from: Option<NeighborState>, to: NeighborState) {
        let ip = self.table.get(place).map(|slot| slot.ip);
        if let (Some(ip), Some(from)) = (ip, from)
            && from != to
        {
            self.report(NeighborEvent::Changed { ip, from, to });
        }
    }
}
