//! A run of echo requests: when the next is due, which request a reply matches, and when the run is complete.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::Duration;

use host::{DeliveryFailure, EchoReply, HostEvent};
use icmp::{IcmpError, IcmpType};
use inet::IpProtocol;
use tap::Instant;

use super::statistics::PingStatistics;

/// The target and the schedule of the requests.
#[derive(Clone, Copy, Debug)]
pub(super) struct PingPlan {
    pub(super) target: Ipv4Addr,
    pub(super) identifier: u16,
    /// Bytes of data.
    pub(super) bytes: usize,
    /// Number of requests; unlimited if none.
    pub(super) count: Option<u64>,
    /// Time between two requests.
    pub(super) interval: Duration,
    /// Time to wait after the last request if no reply has come.
    pub(super) timeout: Duration,
}

/// A run of requests. It does no I/O: times and events are arguments, due requests and responses are results. It keeps the
/// last request of each sequence number, up to 65,536.
#[derive(Debug)]
pub(super) struct PingSession {
    plan: PingPlan,
    requests: BTreeMap<u16, Request>,
    statistics: PingStatistics,
    /// The end of the wait for replies, once all requests are sent.
    end: Option<Instant>,
}

#[derive(Clone, Copy, Debug)]
struct Request {
    sent: Instant,
    is_answered: bool,
}

/// The next step of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PingStep {
    /// Send the request of this sequence number.
    Send(u16),
    /// Receive, for up to this time.
    Wait(Duration),
    /// The session is complete.
    Over,
}

/// A response to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PingResponse {
    /// An echo reply.
    Reply {
        reply: EchoReply,
        round_trip: Duration,
        /// Whether the request had a reply before.
        is_duplicate: bool,
        /// Whether the sender is not the target.
        is_from_another: bool,
    },
    /// An ICMP error: the request was not delivered.
    Error { from: Ipv4Addr, sequence: u16, problem: IcmpError },
    /// A redirect or a source quench: the request may have been delivered.
    Advice { from: Ipv4Addr, sequence: u16, problem: IcmpError },
}

impl PingSession {
    pub(super) fn new(plan: PingPlan) -> PingSession {
        PingSession { plan, requests: BTreeMap::new(), statistics: PingStatistics::default(), end: None }
    }

    pub(super) fn plan(&self) -> &PingPlan {
        &self.plan
    }

    pub(super) fn statistics(&self) -> &PingStatistics {
        &self.statistics
    }

    /// Returns the next step. As in iputils, a session is complete after as many replies and errors as requests
    /// were planned.
    pub(super) fn next(&self, now: Instant) -> PingStep {
        let PingStatistics { transmitted, received, errors, last, .. } = self.statistics;
        if self.plan.count.is_some_and(|count| received.saturating_add(errors) >= count) {
            return PingStep::Over;
        }
        if let Some(end) = self.end {
            return if now < end { PingStep::Wait(end.since(now)) } else { PingStep::Over };
        }
        match last.map(|last| last + self.plan.interval) {
            Some(due) if now < due => PingStep::Wait(due.since(now)),
            _ => PingStep::Send(sequence_of(transmitted.saturating_add(1))),
        }
    }

    /// Records that the request of this sequence number was sent.
    pub(super) fn sent(&mut self, now: Instant, sequence: u16) {
        self.requests.insert(sequence, Request { sent: now, is_answered: false });
        self.statistics.sent(now);
        if self.plan.count.is_some_and(|count| self.statistics.transmitted >= count) {
            self.end = Some(now + self.reply_timeout());
        }
    }

    /// Counts a request that could not be sent.
    pub(super) fn transmit_failed(&mut self) {
        self.statistics.errors = self.statistics.errors.saturating_add(1);
    }

    /// Returns the response that an event of the host is, or none if it matches no request.
    pub(super) fn receive(&mut self, now: Instant, event: HostEvent) -> Option<PingResponse> {
        let response = match event {
            HostEvent::EchoReply(reply) => self.receive_reply(now, reply),
            HostEvent::DeliveryFailed(undelivered) => self.receive_error(undelivered),
            HostEvent::Arp(_) => return None,
        };
        if response.is_none() {
            self.statistics.unmatched = self.statistics.unmatched.saturating_add(1);
        }
        response
    }

    fn receive_reply(&mut self, now: Instant, reply: EchoReply) -> Option<PingResponse> {
        let request = self.requests.get_mut(&reply.sequence)?;
        if reply.identifier != self.plan.identifier {
            return None;
        }
        let round_trip = now.since(request.sent);
        let is_duplicate = std::mem::replace(&mut request.is_answered, true);
        let is_from_another = reply.from != self.plan.target;
        self.update_pipe(reply.sequence);
        self.statistics.answered(round_trip, is_duplicate);
        let changed = u64::from(reply.mismatch.is_some());
        self.statistics.changed = self.statistics.changed.saturating_add(changed);
        Some(PingResponse::Reply { reply, round_trip, is_duplicate, is_from_another })
    }

    fn receive_error(&mut self, undelivered: DeliveryFailure) -> Option<PingResponse> {
        let DeliveryFailure { from, problem, destination, protocol, echo, .. } = undelivered;
        let (identifier, sequence) = echo?;
        let is_ours = protocol == IpProtocol::ICMP
            && destination == self.plan.target
            && identifier == self.plan.identifier
            && self.requests.contains_key(&sequence);
        if !is_ours {
            return None;
        }
        if matches!(problem.icmp_type(), IcmpType::REDIRECT | IcmpType::SOURCE_QUENCH) {
            return Some(PingResponse::Advice { from, sequence, problem });
        }
        self.update_pipe(sequence);
        self.transmit_failed();
        Some(PingResponse::Error { from, sequence, problem })
    }

    /// Updates the maximum number of requests in flight with the response to this request.
    fn update_pipe(&mut self, sequence: u16) {
        let under_way = sequence_of(self.statistics.transmitted).wrapping_sub(sequence);
        if let Some(pipe) = under_way.checked_add(1).filter(|_| under_way <= u16::MAX / 2) {
            self.statistics.pipe = self.statistics.pipe.max(pipe);
        }
    }

    /// Returns the time to wait for a reply after the last request: two round trips, but at least the interval. Without
    /// any reply the round trip is unknown, and the timeout applies.
    fn reply_timeout(&self) -> Duration {
        match self.statistics.max() {
            Some(max) => max.saturating_mul(2).max(self.plan.interval),
            None => self.plan.timeout,
        }
    }
}

/// Returns the sequence number of the request with this count.
fn sequence_of(count: u64) -> u16 {
    u16::try_from(count % 65_536).unwrap_or_default()
}

#[cfg(test)]
mod tests;
