//! What we send decides what we ask.

use link::{Instant, MacAddr};

use super::slot::{Class, Row};
use super::{AddError, Address, Event, NeighborTable, Returned, State};
use base::Place;

/// Where a parcel is to go.
#[derive(Debug, PartialEq, Eq)]
pub enum Resolution<P> {
    /// At once to this hardware address.
    Known(MacAddr, P),
    /// It waits here; [`NeighborTable::poll`] will send it or give it back.
    Waits,
    /// Nowhere: the table, or the place to wait, is full.
    Refused(P),
}

impl<A: Address, P> NeighborTable<A, P> {
    /// Where to send a parcel of so many octets. One for an unknown destination waits, and the
    /// destination is asked for.
    pub fn resolve(&mut self, now: Instant, protocol: A, octets: usize, parcel: P) -> Resolution<P> {
        self.table.clock.tell(now);
        let Some(place) = self.table.find(protocol) else {
            return self.begin(protocol, octets, parcel);
        };
        let Some(slot) = self.table.get(place) else {
            return Resolution::Refused(parcel);
        };
        let (state, hardware, parcels) = (slot.state, slot.hardware, slot.parcels);
        match state {
            State::Incomplete => self.park(place, octets, parcel),
            State::Failed => {
                // It keeps its place among those not to be asked yet, and is asked when that is over.
                self.restate(place, State::Incomplete);
                self.park(place, octets, parcel)
            }
            State::Reachable | State::Stale | State::Delay | State::Probe | State::Static => {
                self.table.touch_in_use(place);
                // spec: rfc4861-stale
                if state == State::Stale && self.may_be_checked(place) {
                    self.change(place, State::Delay, Row::Delay);
                }
                if parcels == 0 {
                    return Resolution::Known(hardware, parcel);
                }
                // It would overtake those that are to be sent and were not fetched yet.
                // spec: queue-order
                let resolution = self.park(place, octets, parcel);
                self.make_ready(place);
                resolution
            }
        }
    }

    /// Notes that an upper layer heard from a neighbor: its packets arrive, so it is REACHABLE.
    // spec: rfc4861-upper-layer
    pub fn confirm(&mut self, now: Instant, protocol: A) {
        self.table.clock.tell(now);
        let Some(place) = self.table.find(protocol) else { return };
        let known = self.table.get(place).map(|slot| slot.state);
        if let Some(State::Reachable | State::Stale | State::Delay | State::Probe) = known {
            self.table.confirm(place);
            self.change(place, State::Reachable, Row::Reachable);
            self.table.touch(place);
        }
    }

    /// Enters an address for good, or makes its entry static.
    pub fn add_static(&mut self, now: Instant, protocol: A, hardware: MacAddr) -> Result<(), AddError> {
        if !hardware.is_station() {
            return Err(AddError::Hardware);
        }
        self.table.clock.tell(now);
        let place = match self.table.find(protocol) {
            Some(place) => place,
            None => self.insert(protocol, hardware, State::Static, Row::Static).ok_or(AddError::Full)?,
        };
        if let Some(slot) = self.table.get_mut(place) {
            slot.hardware = hardware;
        }
        self.change(place, State::Static, Row::Static);
        self.make_ready(place);
        Ok(())
    }

    /// Removes an entry, static or not. Returns whether there was one. That it was asked for is
    /// forgotten with it: it may be asked for again at once.
    pub fn remove(&mut self, protocol: A) -> bool {
        let Some(place) = self.table.find(protocol) else {
            return false;
        };
        self.give_back(place, Returned::Removed);
        self.table.remove(place);
        true
    }

    /// Removes all entries that no person made.
    pub fn flush(&mut self) {
        // spec: rfc1122-flush
        for entry in self.list().into_iter().filter(|entry| entry.state != State::Static) {
            self.remove(entry.protocol);
        }
    }

    // spec: rfc1122-queue
    fn begin(&mut self, protocol: A, octets: usize, parcel: P) -> Resolution<P> {
        match self.insert(protocol, MacAddr::ZERO, State::Incomplete, Row::Ask) {
            Some(place) => {
                self.report(Event::Asking { protocol });
                self.park(place, octets, parcel)
            }
            None => Resolution::Refused(parcel),
        }
    }

    /// Lets a parcel wait. Those that came first make room for it.
    // spec: queue-bounds
    fn park(&mut self, place: Place, octets: usize, parcel: P) -> Resolution<P> {
        let Some((protocol, waiting)) = self.table.get(place).map(|slot| (slot.protocol, slot.parcels))
        else {
            return Resolution::Refused(parcel);
        };
        if octets > self.settings.octets || self.settings.parcels_each == 0 || self.parcels.is_clogged() {
            return Resolution::Refused(parcel);
        }
        let each = self.settings.parcels_each.min(usize::from(u8::MAX));
        if usize::from(waiting) >= each && !self.give_back_oldest(Some(protocol)) {
            return Resolution::Refused(parcel);
        }
        while self.parcels.octets() > self.settings.octets - octets || !self.parcels.has_room() {
            if !self.give_back_oldest(None) {
                return Resolution::Refused(parcel);
            }
        }
        self.parcels.push(protocol, octets, parcel);
        if let Some(slot) = self.table.get_mut(place) {
            slot.parcels = slot.parcels.saturating_add(1);
        }
        Resolution::Waits
    }

    fn give_back_oldest(&mut self, of: Option<A>) -> bool {
        let Some(protocol) = self.parcels.give_back_oldest(of) else {
            return false;
        };
        let place = self.table.find(protocol);
        if let Some(slot) = place.and_then(|place| self.table.get_mut(place)) {
            slot.parcels = slot.parcels.saturating_sub(1);
        }
        true
    }

    /// Makes all that waits for an entry ready to be sent.
    pub(super) fn make_ready(&mut self, place: Place) {
        if let Some(slot) = self.table.get(place).filter(|slot| slot.parcels != 0) {
            self.parcels.make_ready(slot.protocol);
        }
    }

    /// Gives back all that was to be sent to an entry.
    // spec: queue-once
    pub(super) fn give_back(&mut self, place: Place, reason: Returned) {
        if let Some(slot) = self.table.get_mut(place).filter(|slot| slot.parcels != 0) {
            slot.parcels = 0;
            self.parcels.give_back(slot.protocol, reason);
        }
    }

    /// Enters an address that is not there; where it takes somebody else's place, that one goes.
    pub(super) fn insert(&mut self, protocol: A, hardware: MacAddr, state: State, row: Row) -> Option<Place> {
        // spec: table-bound, table-eviction, table-share
        if self.table.is_full() || (state == State::Incomplete && self.table.is_share_full()) {
            let Some(victim) = self.table.victim(state) else {
                // Only entries of the share end sooner for each other: a sender that is not learned says nothing of it.
                if Class::Unused.after(state) == Class::Unproven {
                    self.pressed = Some(self.table.clock.tick());
                }
                self.counts.refused = self.counts.refused.saturating_add(1);
                self.report(Event::Refused { protocol });
                return None;
            };
            self.evict(victim);
        }
        self.table.insert(protocol, hardware, state, row)
    }

    /// Whether the first use of an entry may begin a check of it: an entry that is in use and has not proved itself
    /// has the share of those, and where there is none for it, it is used unchecked.
    // spec: table-share
    fn may_be_checked(&mut self, place: Place) -> bool {
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
        if let Some(protocol) = self.table.get(place).map(|slot| slot.protocol) {
            self.counts.evicted = self.counts.evicted.saturating_add(1);
            self.report(Event::Evicted { protocol });
        }
        self.give_back(place, Returned::Crowded);
        self.table.remove(place);
    }

    /// Gives an entry a state and a row, and reports the change.
    pub(super) fn change(&mut self, place: Place, to: State, row: Row) {
        let from = self.table.shift(place, to, row);
        self.report_change(place, from, to);
    }

    /// Gives an entry another state in the row where it stands.
    fn restate(&mut self, place: Place, to: State) {
        let from = self.table.restate(place, to);
        self.report_change(place, from, to);
    }

    fn report_change(&mut self, place: Place, from: Option<State>, to: State) {
        let protocol = self.table.get(place).map(|slot| slot.protocol);
        if let (Some(protocol), Some(from)) = (protocol, from)
            && from != to
        {
            self.report(Event::Changed { protocol, from, to });
        }
    }
}
