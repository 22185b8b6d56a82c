//! Timers of the table: expiry, requests, retries and backoff.

use std::time::Duration;

use base::Place;
use link::{Instant, MacAddr};

use super::{NeighborTable, draw_reachable_time};
use crate::entries::{Class, RETRANSMIT, Slot, TimerQueue};
use crate::pending::ReturnReason;
use crate::{Address, NeighborEvent, NeighborState};

/// Interval at which the reachable time is redrawn (RFC 4861 6.3.2: "at least every few hours").
const REDRAW: Duration = Duration::from_hours(2);
/// Time that an entry stays in DELAY (RFC 4861 10).
// spec: rfc4861-stale
const DELAY_FIRST_PROBE_TIME: Duration = Duration::from_secs(5);
/// Maximum number of broadcast requests in a resolution (RFC 4861 10, `MAX_MULTICAST_SOLICIT`).
// spec: rfc4861-incomplete, rfc4861-broadcast-last
const BROADCASTS: u8 = 3;
/// Maximum number of unicast requests in PROBE, before the broadcast requests (RFC 4861 10, `MAX_UNICAST_SOLICIT`).
// spec: rfc4861-unicast
const UNICASTS: u8 = 3;

/// Action that the caller has to perform.
#[derive(Debug, PartialEq, Eq)]
pub enum NeighborAction<A, P> {
    /// Send a packet: its destination is resolved.
    Send {
        /// Destination of the packet.
        ip: A,
        /// The destination's MAC address.
        mac: MacAddr,
        /// The packet.
        packet: P,
    },
    /// Return a packet unsent.
    Return {
        /// Destination of the packet.
        ip: A,
        /// The packet.
        packet: P,
        /// The reason why the packet was not sent.
        reason: ReturnReason,
    },
    /// Send a request for an address, by unicast or broadcast.
    Request {
        /// The address.
        ip: A,
        /// The known MAC address for a unicast request, or `None` for a broadcast request.
        mac: Option<MacAddr>,
    },
}

impl<A: Address, P> NeighborTable<A, P> {
    /// Maximum number of timers that expire in the calls of [`NeighborTable::poll`] up to `None`.
    pub const TIMERS: usize = 64;

    /// Returns the next action that is due. Call this method until it returns `None`, and then take the events.
    ///
    /// Up to [`NeighborTable::TIMERS`] timers expire before this method returns `None`. If more timers are due,
    /// [`NeighborTable::deadline`] is not in the future: call this method again after the events are taken. If nothing
    /// is due, this method reads only the first entry of each queue.
    // spec: table-idle, timers-spread
    pub fn poll(&mut self, now: Instant) -> Option<NeighborAction<A, P>> {
        self.entries.clock.advance(now);
        if let Some(action) = self.take_packet() {
            return Some(action);
        }
        self.draw();
        while self.timers_expired < Self::TIMERS && self.run_timer() {
            self.timers_expired += 1;
        }
        let action = self.take_packet().or_else(|| self.send_request());
        if action.is_none() {
            self.timers_expired = 0;
        }
        action
    }

    /// Returns when [`NeighborTable::poll`] has its next action, or `None` if no action is scheduled.
    pub fn deadline(&self) -> Option<Instant> {
        if self.pending.has_output() {
            return Some(self.entries.clock.now());
        }
        let deadlines =
            TIMED.into_iter().filter_map(|queue| self.entries.deadline_of(queue, self.span(queue)));
        deadlines.chain(self.entries.deadline_of_age(self.settings.timeout)).min()
    }

    /// Returns the time that an entry stays in a queue.
    fn span(&self, queue: TimerQueue) -> Duration {
        match queue {
            TimerQueue::Reachable => self.reachable_time,
            TimerQueue::Delay => DELAY_FIRST_PROBE_TIME,
            TimerQueue::AwaitReply | TimerQueue::Backoff1 => RETRANSMIT,
            TimerQueue::Backoff2 => RETRANSMIT * 2,
            TimerQueue::Backoff4 => RETRANSMIT * 4,
            TimerQueue::Backoff8 => RETRANSMIT * 8,
            TimerQueue::Request => Duration::ZERO,
            TimerQueue::Stale | TimerQueue::Static | TimerQueue::Free => Duration::MAX,
        }
    }

    /// Returns the first entry of a queue if its time in the queue is over.
    fn due(&self, queue: TimerQueue) -> Option<Place> {
        self.entries.due(queue, self.span(queue))
    }

    /// Takes the next packet that was returned, or is ready to be sent.
    fn take_packet(&mut self) -> Option<NeighborAction<A, P>> {
        if let Some((ip, packet, reason)) = self.pending.take_returned() {
            self.counts.returned = self.counts.returned.saturating_add(1);
            return Some(NeighborAction::Return { ip, packet, reason });
        }
        let ip = self.pending.next_ready()?;
        // A ready packet always has an entry with a MAC address: removal and failure return the packets of their entry.
        let place = self.entries.find(ip)?;
        let slot = self.entries.get_mut(place)?;
        slot.pending = slot.pending.saturating_sub(1);
        let mac = slot.mac;
        Some(NeighborAction::Send { ip, mac, packet: self.pending.take_ready()? })
    }

    /// Redraws the reachable time every [`REDRAW`].
    fn draw(&mut self) {
        if self.entries.clock.since(self.reachable_drawn) >= REDRAW {
            self.reachable_drawn = self.entries.clock.tick();
            self.reachable_time = draw_reachable_time(&mut self.random);
        }
    }

    /// Handles the next timer that is due. Returns whether a timer was due.
    fn run_timer(&mut self) -> bool {
        if let Some(place) = self.entries.unconfirmed(self.settings.timeout) {
            self.expire(place);
        } else if let Some(place) = self.due(TimerQueue::Reachable) {
            self.change(place, NeighborState::Stale, TimerQueue::Stale);
        } else if let Some(place) = BACKOFFS.into_iter().find_map(|queue| self.due(queue)) {
            self.end_backoff(place);
        } else if let Some(place) = self.due(TimerQueue::Delay) {
            self.start_attempt(place, NeighborState::Probe);
        } else if let Some(place) = self.due(TimerQueue::AwaitReply) {
            self.retry(place);
        } else {
            return false;
        }
        true
    }

    /// Removes an entry that was not confirmed within the timeout, in any state.
    // spec: rfc1122-flush, entry-lifetime
    fn expire(&mut self, place: Place) {
        let Some(slot) = self.entries.get(place) else { return };
        let (ip, may_be_requested_again) = (slot.ip, self.entries.may_be_requested_again(slot));
        self.counts.expired = self.counts.expired.saturating_add(1);
        self.report(NeighborEvent::Expired { ip });
        if may_be_requested_again {
            // If the entry were removed now, its address could be requested twice within a second.
            self.change(place, NeighborState::Failed, TimerQueue::Backoff1);
        } else {
            self.entries.remove(place);
        }
    }

    /// Ends the backoff of a destination: starts another attempt if a packet waits for the destination, and removes the
    /// entry otherwise.
    fn end_backoff(&mut self, place: Place) {
        if self.entries.get(place).is_some_and(|slot| slot.pending > 0) {
            self.start_attempt(place, NeighborState::Incomplete);
        } else {
            if let Some(slot) = self.entries.get(place) {
                self.report(NeighborEvent::Forgotten { ip: slot.ip });
            }
            self.entries.remove(place);
        }
    }

    fn start_attempt(&mut self, place: Place, state: NeighborState) {
        if let Some(slot) = self.entries.get_mut(place) {
            slot.half_requests = 0;
        }
        self.change(place, state, TimerQueue::Request);
    }

    /// Sends the next request after a timeout, or fails the resolution.
    fn retry(&mut self, place: Place) {
        let Some(Slot { state, half_requests, class, .. }) = self.entries.get(place).cloned() else { return };
        let max_requests = if state == NeighborState::Probe { UNICASTS + BROADCASTS } else { BROADCASTS };
        // While addresses are refused because the limit on unproven entries is reached, each attempt has only one
        // request.
        // spec: table-share
        let is_contended = class == Class::Unproven
            && self
                .share_refused
                .is_some_and(|share_refused| self.entries.clock.since(share_refused) < RETRANSMIT);
        if half_requests < 2 * max_requests && !is_contended {
            self.change(place, state, TimerQueue::Request);
        } else {
            self.fail(place);
        }
    }

    /// Fails a resolution. The backoff grows with each failure.
    // spec: rfc1122-failure, queue-failure, neighbor-backoff
    fn fail(&mut self, place: Place) {
        let Some(slot) = self.entries.get_mut(place) else { return };
        let queue = match slot.failures {
            0 => TimerQueue::Backoff1,
            1 => TimerQueue::Backoff2,
            2 => TimerQueue::Backoff4,
            _ => TimerQueue::Backoff8,
        };
        slot.failures = slot.failures.saturating_add(1);
        self.counts.failed = self.counts.failed.saturating_add(1);
        self.change(place, NeighborState::Failed, queue);
        self.return_packets(place, ReturnReason::Failed);
    }

    /// Sends the next request that is due.
    fn send_request(&mut self) -> Option<NeighborAction<A, P>> {
        let place = self.entries.first(TimerQueue::Request)?;
        let slot = self.entries.get_mut(place)?;
        let is_unicast = slot.state == NeighborState::Probe && slot.half_requests < 2 * UNICASTS;
        let (ip, state, mac) = (slot.ip, slot.state, is_unicast.then_some(slot.mac));
        slot.half_requests = slot.half_requests.saturating_add(2);
        self.counts.requests = self.counts.requests.saturating_add(1);
        self.change(place, state, TimerQueue::AwaitReply);
        self.entries.touch(place);
        Some(NeighborAction::Request { ip, mac })
    }

    /// Notes that the device refused the last request for an address, which reached no host.
    ///
    /// The next request follows after the usual second. A refused request counts half: one refusal costs the attempt no
    /// request, and an attempt with only refused requests fails after twice the time.
    // spec: request-refused
    pub fn request_refused(&mut self, now: Instant, ip: A) {
        self.entries.clock.advance(now);
        self.counts.requests_refused = self.counts.requests_refused.saturating_add(1);
        let place = self.entries.find(ip);
        let slot = place.and_then(|place| self.entries.get_mut(place));
        if let Some(slot) = slot.filter(|slot| slot.queue == TimerQueue::AwaitReply) {
            slot.half_requests = slot.half_requests.saturating_sub(1);
        }
    }
}

/// Queues of failed entries.
const BACKOFFS: [TimerQueue; 4] =
    [TimerQueue::Backoff1, TimerQueue::Backoff2, TimerQueue::Backoff4, TimerQueue::Backoff8];

/// Queues of entries with a request or a timer that becomes due.
const TIMED: [TimerQueue; 8] = [
    TimerQueue::Reachable,
    TimerQueue::Delay,
    TimerQueue::Request,
    TimerQueue::AwaitReply,
    TimerQueue::Backoff1,
    TimerQueue::Backoff2,
    TimerQueue::Backoff4,
    TimerQueue::Backoff8,
];
