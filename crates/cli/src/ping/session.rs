//! When the next request is due, which of them an answer is to, and when it is over.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::Duration;

use host::{EchoReply, Event, Undelivered};
use icmp::{Kind, Problem};
use inet::IpProtocol;
use tap::Instant;

use super::statistics::PingStatistics;

/// What is to be asked, and how often.
#[derive(Clone, Copy, Debug)]
pub(super) struct PingPlan {
    pub(super) target: Ipv4Addr,
    pub(super) identifier: u16,
    /// Octets of data.
    pub(super) octets: usize,
    /// How many requests; without it, until somebody ends it.
    pub(super) count: Option<u64>,
    /// From one request to the next.
    pub(super) interval: Duration,
    /// How long after the last request an answer is waited for if there was none at all.
    pub(super) timeout: Duration,
}

/// One run of requests. It knows no wire: times and events go in, what is due and what was heard come
/// out. It remembers the last request of each sequence number, 65,536 at most.
#[derive(Debug)]
pub(super) struct PingSession {
    plan: PingPlan,
    requests: BTreeMap<u16, Request>,
    statistics: PingStatistics,
    /// When nothing is waited for any more, once all is sent.
    end: Option<Instant>,
}

#[derive(Clone, Copy, Debug)]
struct Request {
    sent: Instant,
    is_answered: bool,
}

/// What is to be done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Send the request of this sequence number.
    Send(u16),
    /// Listen, for so long at most.
    Wait(Duration),
    /// No more.
    Over,
}

/// What was heard about a request of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PingResponse {
    /// It was answered.
    Reply {
        reply: EchoReply,
        round_trip: Duration,
        /// Not for the first time.
        is_duplicate: bool,
        /// Not by the one who was asked.
        is_from_another: bool,
    },
    /// It did not arrive.
    Error { from: Ipv4Addr, sequence: u16, problem: Problem },
    /// Somebody on the way wants it otherwise next time; it may arrive all the same.
    Advice { from: Ipv4Addr, sequence: u16, problem: Problem },
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

    /// What is due. As that of iputils it is over once there are as many answers and errors as requests
    /// were wanted.
    pub(super) fn next(&self, now: Instant) -> Next {
        let PingStatistics { transmitted, received, errors, last, .. } = self.statistics;
        if self.plan.count.is_some_and(|count| received.saturating_add(errors) >= count) {
            return Next::Over;
        }
        if let Some(end) = self.end {
            return if now < end { Next::Wait(end.since(now)) } else { Next::Over };
        }
        match last.map(|last| last + self.plan.interval) {
            Some(due) if now < due => Next::Wait(due.since(now)),
            _ => Next::Send(sequence_of(transmitted.saturating_add(1))),
        }
    }

    /// The request of this sequence number was sent.
    pub(super) fn sent(&mut self, now: Instant, sequence: u16) {
        self.requests.insert(sequence, Request { sent: now, is_answered: false });
        self.statistics.sent(now);
        if self.plan.count.is_some_and(|count| self.statistics.transmitted >= count) {
            self.end = Some(now + self.reply_timeout());
        }
    }

    /// It could not leave.
    pub(super) fn transmit_failed(&mut self) {
        self.statistics.errors = self.statistics.errors.saturating_add(1);
    }

    /// Takes what the host has to tell; none if it is not about a request of ours.
    pub(super) fn receive(&mut self, now: Instant, event: Event) -> Option<PingResponse> {
        let response = match event {
            Event::Echo(reply) => self.receive_reply(now, reply),
            Event::Undelivered(undelivered) => self.receive_error(undelivered),
            Event::Arp(_) => return None,
        };
        if response.is_none() {
            self.statistics.strays = self.statistics.strays.saturating_add(1);
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
        let changed = u64::from(reply.difference.is_some());
        self.statistics.changed = self.statistics.changed.saturating_add(changed);
        Some(PingResponse::Reply { reply, round_trip, is_duplicate, is_from_another })
    }

    fn receive_error(&mut self, undelivered: Undelivered) -> Option<PingResponse> {
        let Undelivered { from, problem, destination, protocol, echo, .. } = undelivered;
        let (identifier, sequence) = echo?;
        let is_ours = protocol == IpProtocol::ICMP
            && destination == self.plan.target
            && identifier == self.plan.identifier
            && self.requests.contains_key(&sequence);
        if !is_ours {
            return None;
        }
        if matches!(problem.kind(), Kind::REDIRECT | Kind::SOURCE_QUENCH) {
            return Some(PingResponse::Advice { from, sequence, problem });
        }
        self.update_pipe(sequence);
        self.transmit_failed();
        Some(PingResponse::Error { from, sequence, problem })
    }

    /// How many requests were under way when this one came back.
    fn update_pipe(&mut self, sequence: u16) {
        let under_way = sequence_of(self.statistics.transmitted).wrapping_sub(sequence);
        if let Some(pipe) = under_way.checked_add(1).filter(|_| under_way <= u16::MAX / 2) {
            self.statistics.pipe = self.statistics.pipe.max(pipe);
        }
    }

    /// How long an answer is waited for after the last request: two round trips, and not less than the
    /// interval. Where nothing was answered, how long a round trip takes is not known.
    fn reply_timeout(&self) -> Duration {
        match self.statistics.most() {
            Some(most) => most.saturating_mul(2).max(self.plan.interval),
            None => self.plan.timeout,
        }
    }
}

/// The sequence number of the request that makes it so many.
fn sequence_of(count: u64) -> u16 {
    u16::try_from(count % 65_536).unwrap_or_default()
}

#[cfg(test)]
mod tests;
