//! A session of echo requests: schedule, matching of replies, and end.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use host::SocketFailure;
use icmp::{IcmpError, IcmpType};
use tap::Instant;

use super::reply::PingReply;
use super::statistics::PingStatistics;

/// The target and the schedule of the requests.
#[derive(Clone, Copy, Debug)]
pub(super) struct PingPlan {
    pub(super) target: Ipv4Addr,
    pub(super) identifier: u16,
    /// Number of data bytes.
    pub(super) bytes: usize,
    /// Number of requests, or `None` for no limit.
    pub(super) count: Option<u64>,
    /// Time between two requests.
    pub(super) interval: Duration,
    /// Time to wait after the last request if there was no reply at all.
    pub(super) timeout: Duration,
}

/// A session of echo requests. It performs no I/O: times and events go in, due requests and responses come out. It stores
/// the latest request for each sequence number, at most 65,536.
#[derive(Debug)]
pub(super) struct PingSession {
    plan: PingPlan,
    requests: BTreeMap<u16, Request>,
    statistics: PingStatistics,
    /// End of the wait for replies; set after the last request.
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
    /// Send the request with this sequence number.
    Send(u16),
    /// Receive for at most this time.
    Wait(Duration),
    /// The session is complete.
    Over,
}

/// A response to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PingResponse {
    /// An echo reply.
    Reply {
        reply: PingReply,
        round_trip: Duration,
        /// Whether the request already had a reply.
        is_duplicate: bool,
        /// Whether the sender is not the target.
        is_from_another: bool,
    },
    /// An ICMP error. The request was not delivered.
    Error { from: IpAddr, sequence: u16, problem: IcmpError },
    /// A redirect or source quench. The request may have been delivered.
    Advice { from: IpAddr, sequence: u16, problem: IcmpError },
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

    /// Returns the next step. As in iputils, a session is complete when replies and errors add up to the planned number of
    /// requests.
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

    /// Records a sent request.
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

    /// Converts a reply to a response, or counts the reply and returns `None` if it matches no request.
    pub(super) fn receive_reply(&mut self, now: Instant, reply: PingReply) -> Option<PingResponse> {
        let Some(request) = self.requests.get_mut(&reply.sequence) else { return self.count_unmatched() };
        let round_trip = now.since(request.sent);
        let is_duplicate = std::mem::replace(&mut request.is_answered, true);
        let is_from_another = reply.from != self.plan.target;
        self.update_pipe(reply.sequence);
        self.statistics.answered(round_trip, is_duplicate);
        let changed = u64::from(reply.mismatch.is_some());
        self.statistics.changed = self.statistics.changed.saturating_add(changed);
        Some(PingResponse::Reply { reply, round_trip, is_duplicate, is_from_another })
    }

    /// Converts a failure to a response, or counts the failure and returns `None` if it matches no request.
    pub(super) fn receive_failure(&mut self, failure: SocketFailure) -> Option<PingResponse> {
        let SocketFailure { problem, from, peer, sequence } = failure;
        let is_to_target = peer.ip() == self.plan.target;
        let sequence = sequence.filter(|sequence| is_to_target && self.requests.contains_key(sequence));
        let Some(sequence) = sequence else { return self.count_unmatched() };
        if matches!(problem.icmp_type(), IcmpType::REDIRECT | IcmpType::SOURCE_QUENCH) {
            return Some(PingResponse::Advice { from, sequence, problem });
        }
        self.update_pipe(sequence);
        self.transmit_failed();
        Some(PingResponse::Error { from, sequence, problem })
    }

    /// Counts a reply or an error that matches no request.
    fn count_unmatched(&mut self) -> Option<PingResponse> {
        self.statistics.unmatched = self.statistics.unmatched.saturating_add(1);
        None
    }

    /// Updates the maximum number of requests in flight when a response to this request arrives.
    fn update_pipe(&mut self, sequence: u16) {
        let newer = sequence_of(self.statistics.transmitted).wrapping_sub(sequence);
        if let Some(pipe) = newer.checked_add(1).filter(|_| newer <= u16::MAX / 2) {
            self.statistics.pipe = self.statistics.pipe.max(pipe);
        }
    }

    /// Returns the time to wait for a reply after the last request: twice the maximum round-trip time, but at least the
    /// interval. Without any reply, the time is the timeout.
    fn reply_timeout(&self) -> Duration {
        match self.statistics.max() {
            Some(max) => max.saturating_mul(2).max(self.plan.interval),
            None => self.plan.timeout,
        }
    }
}

/// Returns the sequence number of request number `count`.
fn sequence_of(count: u64) -> u16 {
    u16::try_from(count % 65_536).unwrap_or_default()
}

#[cfg(test)]
mod tests;
