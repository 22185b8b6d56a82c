//! What time brings.

use std::time::Duration;

use link::{Instant, MacAddr};

use super::table::{Place, Row};
use super::{Address, Event, Neighbours, Returned, State};

/// Mean time that an entry stays REACHABLE (RFC 4861 10).
pub(super) const REACHABLE_TIME: Duration = Duration::from_secs(30);
/// How often the real one is drawn, between half and one and a half of the mean (RFC 4861 6.3.4).
const REDRAW: Duration = Duration::from_hours(2);
/// How long an upper layer has to confirm a neighbour in use (RFC 4861 10).
const DELAY_FIRST_PROBE_TIME: Duration = Duration::from_secs(5);
/// Between two requests for one destination: never less than a second (RFC 1122 2.3.2.1).
// spec: rfc1122-flood
pub(super) const RETRANSMIT: Duration = Duration::from_secs(1);
/// Broadcast requests before a resolution fails (RFC 4861 10, `MAX_MULTICAST_SOLICIT`).
const BROADCASTS: u8 = 3;
/// Unicast requests to a neighbour in use before it is asked for by broadcast.
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

impl<A: Address, P> Neighbours<A, P> {
    /// The next thing that is due, to be called until there is none. A table whose entries are all
    /// idle costs a look at the first of each row.
    pub fn poll(&mut self, now: Instant) -> Option<Due<A, P>> {
        if let Some(settled) = self.settled() {
            return Some(settled);
        }
        self.draw(now);
        self.expire(now);
        self.fade(now);
        for row in [Row::Hold1, Row::Hold2, Row::Hold4, Row::Hold8] {
            self.release(now, row);
        }
        while let Some(place) = self.due(now, Row::Delay) {
            self.begin_attempt(now, place, State::Probe);
        }
        while let Some(place) = self.due(now, Row::Wait) {
            self.retry(now, place);
        }
        if let Some(settled) = self.settled() {
            return Some(settled);
        }
        let (place, _) = self.table.first(Row::Ask)?;
        self.ask(now, place)
    }

    /// When [`Neighbours::poll`] has something to do next.
    pub fn deadline(&self) -> Option<Instant> {
        if self.parcels.has_settled() {
            return Some(Instant::ORIGIN);
        }
        let in_rows = TIMED.into_iter().filter_map(|row| Some(self.table.first(row)?.1 + self.span(row)));
        let by_age = self.table.oldest().map(|(_, confirmed)| confirmed + self.settings.timeout);
        in_rows.chain(by_age).min()
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
            Row::Stranger | Row::Stale | Row::Static => Duration::MAX,
        }
    }

    /// The first entry of a row, if its time there is over.
    fn due(&self, now: Instant, row: Row) -> Option<Place> {
        let (place, since) = self.table.first(row)?;
        (since + self.span(row) <= now).then_some(place)
    }

    fn settled(&mut self) -> Option<Due<A, P>> {
        if let Some((protocol, parcel, reason)) = self.parcels.take_returned() {
            self.counts.returned = self.counts.returned.saturating_add(1);
            return Some(Due::Return { protocol, parcel, reason });
        }
        let (protocol, parcel) = self.parcels.take_ready()?;
        let known = self.get(protocol).and_then(|entry| entry.hardware);
        Some(match known {
            Some(hardware) => Due::Send { protocol, hardware, parcel },
            // Removed between its answer and now.
            None => Due::Return { protocol, parcel, reason: Returned::Removed },
        })
    }

    /// Draws the time that entries stay REACHABLE, so that hosts started together do not ask together.
    fn draw(&mut self, now: Instant) {
        if now >= self.redraw {
            self.reachable = self.random.between(REACHABLE_TIME / 2, REACHABLE_TIME * 3 / 2);
            self.redraw = now + REDRAW;
        }
    }

    /// Removes what nothing has confirmed for the whole timeout, whatever its state.
    // spec: rfc1122-flush
    fn expire(&mut self, now: Instant) {
        while let Some((place, confirmed)) = self.table.oldest() {
            if confirmed + self.settings.timeout > now {
                return;
            }
            let Some(protocol) = self.table.get(place).map(|slot| slot.protocol) else { return };
            self.counts.expired = self.counts.expired.saturating_add(1);
            self.report(Event::Expired { protocol });
            match self.table.get(place).map(|slot| slot.state) {
                // It has been asked a moment ago; were it forgotten, it might be asked again at once.
                Some(State::Probe) => self.change(now, place, State::Failed, Row::Hold1),
                _ => self.table.remove(place),
            }
        }
    }

    /// Turns REACHABLE into STALE.
    fn fade(&mut self, now: Instant) {
        while let Some(place) = self.due(now, Row::Reachable) {
            self.change(now, place, State::Stale, Row::Stale);
        }
    }

    /// Ends the time in which a destination that failed is not asked for: it is asked for again if
    /// something waits for it, and forgotten if not.
    fn release(&mut self, now: Instant, row: Row) {
        while let Some(place) = self.due(now, row) {
            match self.table.get(place).map(|slot| slot.state) {
                Some(State::Incomplete) => self.begin_attempt(now, place, State::Incomplete),
                _ => self.table.remove(place),
            }
        }
    }

    fn begin_attempt(&mut self, now: Instant, place: Place, state: State) {
        if let Some(slot) = self.table.get_mut(place) {
            slot.asked = 0;
        }
        self.change(now, place, state, Row::Ask);
    }

    /// A request was not answered in time: the next one, or the end.
    fn retry(&mut self, now: Instant, place: Place) {
        let Some((state, asked)) = self.table.get(place).map(|slot| (slot.state, slot.asked)) else { return };
        let enough = if state == State::Probe { UNICASTS + BROADCASTS } else { BROADCASTS };
        if asked < enough {
            self.change(now, place, state, Row::Ask);
        } else {
            self.fail(now, place);
        }
    }

    /// Gives up, for longer each time.
    // spec: rfc1122-failure, queue-failure
    fn fail(&mut self, now: Instant, place: Place) {
        let Some(slot) = self.table.get_mut(place) else { return };
        let row = match slot.failures {
            0 => Row::Hold1,
            1 => Row::Hold2,
            2 => Row::Hold4,
            _ => Row::Hold8,
        };
        slot.failures = slot.failures.saturating_add(1);
        self.counts.failed = self.counts.failed.saturating_add(1);
        self.change(now, place, State::Failed, row);
        self.settle(place, Some(Returned::Failed));
    }

    fn ask(&mut self, now: Instant, place: Place) -> Option<Due<A, P>> {
        let slot = self.table.get_mut(place)?;
        let by_unicast = slot.state == State::Probe && slot.asked < UNICASTS;
        let (protocol, state, station) = (slot.protocol, slot.state, by_unicast.then_some(slot.hardware));
        slot.asked = slot.asked.saturating_add(1);
        self.counts.asked = self.counts.asked.saturating_add(1);
        self.change(now, place, state, Row::Wait);
        Some(Due::Ask { protocol, station })
    }
}

/// The rows that entries leave by themselves.
const TIMED: [Row; 8] =
    [Row::Reachable, Row::Delay, Row::Ask, Row::Wait, Row::Hold1, Row::Hold2, Row::Hold4, Row::Hold8];
