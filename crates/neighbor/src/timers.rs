//! What time brings.

use std::time::Duration;

use link::{Instant, MacAddr};

use super::slot::{Class, Row, Slot};
use super::{Address, Event, NeighborTable, Returned, State};
use base::Place;
use base::Random;

/// Mean time that an entry stays REACHABLE (RFC 4861 10).
const REACHABLE_TIME: Duration = Duration::from_secs(30);
/// How often the real one is drawn, between half and one and a half of the mean (RFC 4861 6.3.2).
const REDRAW: Duration = Duration::from_hours(2);
/// How long an upper layer has to confirm a neighbor in use (RFC 4861 10).
// spec: rfc4861-stale
const DELAY_FIRST_PROBE_TIME: Duration = Duration::from_secs(5);
/// Between two requests for one destination: never less than a second (RFC 1122 2.3.2.1).
// spec: rfc1122-flood
pub(super) const RETRANSMIT: Duration = Duration::from_secs(1);
/// Broadcast requests before a resolution fails (RFC 4861 10, `MAX_MULTICAST_SOLICIT`).
// spec: rfc4861-incomplete, rfc4861-broadcast-last
const BROADCASTS: u8 = 3;
/// Unicast requests to a neighbor in use before it is asked for by broadcast.
// spec: rfc4861-unicast
const UNICASTS: u8 = 3;

/// What is due.
#[derive(Debug, PartialEq, Eq)]
pub enum Due<A, P> {
    /// Send a parcel that waited.
    Send {
        /// Its destination.
        protocol: A,
        /// Where that is.
        hardware: MacAddr,
        /// The parcel.
        parcel: P,
    },
    /// Give a parcel back to whoever wanted it sent.
    Return {
        /// Its destination.
        protocol: A,
        /// The parcel.
        parcel: P,
        /// Why it was not sent.
        reason: Returned,
    },
    /// Ask who has an address: one station, or all of them.
    Ask {
        /// The address.
        protocol: A,
        /// The station that had it last, to be asked by unicast; none to ask by broadcast.
        station: Option<MacAddr>,
    },
}

impl<A: Address, P> NeighborTable<A, P> {
    /// The next thing that is due, to be called until there is none. A table whose entries are all
    /// idle costs a look at the first of each row.
    // spec: table-idle
    pub fn poll(&mut self, now: Instant) -> Option<Due<A, P>> {
        self.table.clock.tell(now);
        if let Some(settled) = self.settled() {
            return Some(settled);
        }
        self.draw();
        self.expire();
        while let Some(place) = self.due(Row::Reachable) {
            self.change(place, State::Stale, Row::Stale);
        }
        for row in [Row::Hold1, Row::Hold2, Row::Hold4, Row::Hold8] {
            while let Some(place) = self.due(row) {
                self.release(place);
            }
        }
        while let Some(place) = self.due(Row::Delay) {
            self.begin_attempt(place, State::Probe);
        }
        while let Some(place) = self.due(Row::Wait) {
            self.retry(place);
        }
        if let Some(settled) = self.settled() {
            return Some(settled);
        }
        let place = self.table.first(Row::Ask)?;
        self.ask(place)
    }

    /// When [`NeighborTable::poll`] has something to do next.
    pub fn deadline(&self) -> Option<Instant> {
        if self.parcels.has_settled() {
            return Some(self.table.clock.told());
        }
        let in_rows = TIMED.into_iter().filter_map(|row| self.table.end_of(row, self.span(row)));
        in_rows.chain(self.table.end_of_age(self.settings.timeout)).min()
    }

    /// How long an entry stays in a row.
    fn span(&self, row: Row) -> Duration {
        match row {
            Row::Reachable => self.reachable,
            Row::Delay => DELAY_FIRST_PROBE_TIME,
            Row::Wait | Row::Hold1 => RETRANSMIT,
            Row::Hold2 => RETRANSMIT * 2,
            Row::Hold4 => RETRANSMIT * 4,
            Row::Hold8 => RETRANSMIT * 8,
            Row::Ask => Duration::ZERO,
            Row::Stale | Row::Static | Row::Free => Duration::MAX,
        }
    }

    /// The first entry of a row, if its time there is over.
    fn due(&self, row: Row) -> Option<Place> {
        self.table.due(row, self.span(row))
    }

    fn settled(&mut self) -> Option<Due<A, P>> {
        if let Some((protocol, parcel, reason)) = self.parcels.take_returned() {
            self.counts.returned = self.counts.returned.saturating_add(1);
            return Some(Due::Return { protocol, parcel, reason });
        }
        let protocol = self.parcels.next_ready()?;
        // Nobody leaves the table, or fails, without what is to be sent being given back.
        let place = self.table.find(protocol)?;
        let slot = self.table.get_mut(place)?;
        slot.parcels = slot.parcels.saturating_sub(1);
        let hardware = slot.hardware;
        Some(Due::Send { protocol, hardware, parcel: self.parcels.take_ready()? })
    }

    /// Draws that time anew when it is old.
    fn draw(&mut self) {
        if self.table.clock.since(self.drawn) >= REDRAW {
            self.drawn = self.table.clock.tick();
            self.reachable = draw(&mut self.random);
        }
    }

    /// Removes what nothing has confirmed for the whole timeout, whatever its state.
    // spec: rfc1122-flush, entry-lifetime
    fn expire(&mut self) {
        while let Some(place) = self.table.unconfirmed(self.settings.timeout) {
            let Some(slot) = self.table.get(place) else { return };
            let (protocol, is_fresh) = (slot.protocol, self.table.is_fresh(slot));
            self.counts.expired = self.counts.expired.saturating_add(1);
            self.report(Event::Expired { protocol });
            if is_fresh {
                // It may have been asked a moment ago; forgotten, it might be asked again at once.
                self.change(place, State::Failed, Row::Hold1);
            } else {
                self.table.remove(place);
            }
        }
    }

    /// Ends the time in which a destination that failed is not asked for: it is asked for again if
    /// something waits for it, and forgotten if not.
    fn release(&mut self, place: Place) {
        if self.table.get(place).is_some_and(|slot| slot.parcels > 0) {
            self.begin_attempt(place, State::Incomplete);
        } else {
            if let Some(slot) = self.table.get(place) {
                self.report(Event::Forgotten { protocol: slot.protocol });
            }
            self.table.remove(place);
        }
    }

    fn begin_attempt(&mut self, place: Place, state: State) {
        if let Some(slot) = self.table.get_mut(place) {
            slot.asked = 0;
        }
        self.change(place, state, Row::Ask);
    }

    /// A request was not answered in time: the next one, or the end.
    fn retry(&mut self, place: Place) {
        let Some(Slot { state, asked, class, .. }) = self.table.get(place).cloned() else { return };
        let enough = if state == State::Probe { UNICASTS + BROADCASTS } else { BROADCASTS };
        // Where addresses are turned away for want of a place among those that have not answered, each gets one
        // request, and then the next one its place.
        // spec: table-share
        let is_pressed = class == Class::Unproven
            && self.pressed.is_some_and(|pressed| self.table.clock.since(pressed) < RETRANSMIT);
        if asked < enough && !is_pressed {
            self.change(place, state, Row::Ask);
        } else {
            self.fail(place);
        }
    }

    /// Gives up, for longer each time.
    // spec: rfc1122-failure, queue-failure, neighbor-back-off
    fn fail(&mut self, place: Place) {
        let Some(slot) = self.table.get_mut(place) else { return };
        let row = match slot.failures {
            0 => Row::Hold1,
            1 => Row::Hold2,
            2 => Row::Hold4,
            _ => Row::Hold8,
        };
        slot.failures = slot.failures.saturating_add(1);
        self.counts.failed = self.counts.failed.saturating_add(1);
        self.change(place, State::Failed, row);
        self.give_back(place, Returned::Failed);
    }

    fn ask(&mut self, place: Place) -> Option<Due<A, P>> {
        let slot = self.table.get_mut(place)?;
        let by_unicast = slot.state == State::Probe && slot.asked < UNICASTS;
        let (protocol, state, station) = (slot.protocol, slot.state, by_unicast.then_some(slot.hardware));
        slot.asked = slot.asked.saturating_add(1);
        self.counts.asked = self.counts.asked.saturating_add(1);
        self.change(place, state, Row::Wait);
        self.table.touch(place);
        Some(Due::Ask { protocol, station })
    }
}

/// Draws the time that entries stay REACHABLE, so that hosts started together do not ask together.
// spec: rfc4861-reachable-time
pub(super) fn draw(random: &mut Random) -> Duration {
    random.between(REACHABLE_TIME / 2, REACHABLE_TIME * 3 / 2)
}

/// The rows that entries leave by themselves.
const TIMED: [Row; 8] =
    [Row::Reachable, Row::Delay, Row::Ask, Row::Wait, Row::Hold1, Row::Hold2, Row::Hold4, Row::Hold8];
