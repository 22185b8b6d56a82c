//! Inquiry: requests, probes or announcements for one IP address, as in `arping`.

mod requests;

use std::fmt;
use std::net::Ipv4Addr;
use std::time::Duration;

use link::{Instant, MacAddr};

use arp::constants::{ANNOUNCE_WAIT, PROBE_NUM};
use arp::{Identity, Operation, Packet, PacketFields};

use crate::requester::{RequestStep, Requester};
use requests::{Answer, SentRequests};
pub use requests::{InquiryStation, InquiryTimes};

/// Purpose of an inquiry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Resolve the address with requests.
    Find,
    /// Probe whether another station uses the address (RFC 5227 2.1).
    Probe,
    /// Announce the address with gratuitous requests or replies.
    Announce(Operation),
}

/// Configuration of an inquiry.
#[derive(Clone, Copy, Debug)]
pub struct InquiryPlan {
    /// Purpose of the packets.
    pub purpose: Purpose,
    /// Sender of the packets. The IP address of the sender is 0.0.0.0 in a probe.
    pub sender: Identity,
    /// IP address to resolve, probe or announce.
    pub target: Ipv4Addr,
    /// Number of packets. If none, the inquiry continues until the limit, or until the caller stops the inquiry.
    ///
    /// A probe without count and limit sends [`PROBE_NUM`] packets.
    pub count: Option<u64>,
    /// Interval between two packets.
    pub interval: Duration,
    /// Maximum duration.
    pub limit: Option<Duration>,
    /// Whether the first reply ends the inquiry. A probe always ends at the first conflict.
    pub until_first: bool,
    /// Whether no request follows after replies of two stations.
    pub until_conflict: bool,
    /// Whether requests stay broadcast after the first reply. Otherwise, requests are unicast after the first reply.
    pub keeps_broadcasting: bool,
}

/// Sends requests, probes or announcements for one address and counts the replies.
///
/// ARP replies carry no identifier of their request. A station replies once to a request, so a reply answers one of the
/// recent requests that the station has not answered. If the station has answered all these requests, the reply is a
/// duplicate. The reply is also a duplicate if another station has answered the request.
///
/// Other programs may send requests with the same sender addresses: the kernel, or another inquiry on the same
/// interface. Pass these requests to [`Requester::receive`] too, so that replies to these requests are not counted as
/// duplicates.
#[derive(Clone, Debug)]
pub struct Inquiry {
    plan: InquiryPlan,
    began: Instant,
    /// Time of the last packet.
    last: Option<Instant>,
    requests: SentRequests,
    /// Time of the last required probe. More probes may follow.
    last_required: Option<Instant>,
    /// Number of the first unicast packet.
    first_unicast: Option<u64>,
    /// MAC address that replied first.
    responder: Option<MacAddr>,
    /// Number of unanswered requests by other programs with the same sender addresses.
    foreign_requests: u64,
    /// Time of the last request by another program with the same sender addresses.
    last_foreign_request: Instant,
    counts: InquiryCounts,
    was_rx_blocked: bool,
}

/// Counts of an inquiry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InquiryCounts {
    /// Packets that the device accepted.
    pub sent: u64,
    /// Sent packets that were broadcast.
    pub broadcast: u64,
    /// Packets that the device rejected.
    pub refused: u64,
    /// First replies to requests or, for a probe, packets that show a conflict.
    pub received: u64,
    /// Further replies to the same request.
    pub duplicates: u64,
    /// Packets counted in `received` or `duplicates` that were broadcast.
    pub received_broadcast: u64,
    /// Packets counted in `received` or `duplicates` that were requests.
    pub received_requests: u64,
    /// All other received packets.
    pub unrelated: u64,
}

/// Reply to an inquiry, or packet that shows a conflict with a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InquiryReply {
    /// Fields of the packet.
    pub packet: PacketFields,
    /// Whether the frame was broadcast.
    pub is_broadcast: bool,
    /// Time since the answered request, or since the last request if the reply answers none.
    pub round_trip: Option<Duration>,
    /// Whether the request already has a reply.
    pub is_duplicate: bool,
    /// MAC address that replied first, if this reply has another sender: two stations use the same IP address.
    pub other_mac: Option<MacAddr>,
}

/// Result of an inquiry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InquiryOutcome {
    /// A station replied for the address.
    Answered,
    /// No station replied, although no packet was rejected and reception was not interrupted.
    NoReply,
    /// Another station uses the address or probes for it.
    InUse,
    /// All required probes were sent, and no conflict was received until [`ANNOUNCE_WAIT`] after the last required
    /// probe.
    Free,
    /// At least one announcement was sent.
    Announced,
    /// No packet was sent: the device accepted none.
    NothingSent,
    /// No reply and no conflict, but packets were rejected or reception was interrupted.
    Impaired,
    /// Probing ended before [`ANNOUNCE_WAIT`] after the last required probe, without a conflict so far.
    Unfinished,
}

impl Inquiry {
    /// Minimum time to wait for a reply after the last request.
    pub const REPLY_TIMEOUT: Duration = Duration::from_secs(1);

    /// Maximum number of stations in [`Inquiry::stations`].
    pub const MAX_STATIONS: usize = requests::MAX_STATIONS;

    /// Maximum time by which probing may exceed its limit to become complete.
    ///
    /// Each probe is sent slightly after it is due, so probing takes slightly longer than its nominal time.
    pub const LIMIT_TOLERANCE: Duration = Duration::from_millis(100);

    /// Creates an inquiry. The first packet is due immediately.
    pub fn new(now: Instant, plan: InquiryPlan) -> Inquiry {
        let mut plan = plan;
        if plan.purpose == Purpose::Probe {
            plan.until_first = true;
            if plan.limit.is_none() {
                plan.count = plan.count.or(Some(u64::from(PROBE_NUM)));
            }
        }
        Inquiry {
            plan,
            began: now,
            last: None,
            requests: SentRequests::default(),
            last_required: None,
            first_unicast: None,
            responder: None,
            foreign_requests: 0,
            last_foreign_request: now,
            counts: InquiryCounts::default(),
            was_rx_blocked: false,
        }
    }

    /// Returns the configuration.
    pub fn plan(&self) -> &InquiryPlan {
        &self.plan
    }

    /// Returns the counts so far.
    pub fn counts(&self) -> &InquiryCounts {
        &self.counts
    }

    /// Returns the stations that replied, in the order of their first replies. After [`Inquiry::MAX_STATIONS`] stations,
    /// no station is added.
    pub fn stations(&self) -> &[InquiryStation] {
        self.requests.stations()
    }

    /// Returns whether more stations replied than [`Inquiry::stations`] contains.
    pub fn has_more_stations(&self) -> bool {
        self.requests.has_more_stations()
    }

    /// Returns whether several stations replied to requests.
    pub fn has_conflict(&self) -> bool {
        self.plan.purpose == Purpose::Find && self.stations().len() > 1
    }

    /// Returns the round-trip times of the first replies to requests, or `None` without a reply.
    pub fn times(&self) -> Option<InquiryTimes> {
        self.requests.times()
    }

    /// Notes that packets may have been lost because reception was interrupted.
    pub fn rx_blocked(&mut self) {
        self.was_rx_blocked = true;
    }

    /// Returns the result if the inquiry ends now.
    pub fn outcome(&self, now: Instant) -> InquiryOutcome {
        let InquiryCounts { sent, refused, received, .. } = self.counts;
        let is_impaired = refused > 0 || self.was_rx_blocked;
        match self.plan.purpose {
            Purpose::Find if received > 0 => InquiryOutcome::Answered,
            Purpose::Probe if received > 0 => InquiryOutcome::InUse,
            _ if sent == 0 => InquiryOutcome::NothingSent,
            Purpose::Announce(_) => InquiryOutcome::Announced,
            _ if is_impaired => InquiryOutcome::Impaired,
            Purpose::Find => InquiryOutcome::NoReply,
            // spec: rfc5227-probe-complete
            Purpose::Probe if self.completion().is_some_and(|at| now >= at) => InquiryOutcome::Free,
            Purpose::Probe => InquiryOutcome::Unfinished,
        }
    }

    /// Returns when the limit ends the inquiry, if it has a limit.
    fn end(&self) -> Option<Instant> {
        let end = self.began + self.plan.limit?;
        let completion = self.completion().filter(|at| end < *at && at.since(end) <= Self::LIMIT_TOLERANCE);
        Some(completion.unwrap_or(end))
    }

    /// Returns the number of required packets.
    fn required(&self) -> u64 {
        self.plan.count.unwrap_or(u64::from(PROBE_NUM))
    }

    /// Returns when probing is complete, if all required probes were sent.
    fn completion(&self) -> Option<Instant> {
        self.last_required.filter(|_| self.plan.purpose == Purpose::Probe).map(|at| at + ANNOUNCE_WAIT)
    }

    /// Returns whether the first reply or the limit has ended the inquiry.
    fn has_ended_early(&self, now: Instant) -> bool {
        let is_late = self.end().is_some_and(|end| now >= end);
        // The first packet is sent even after the limit.
        (self.plan.until_first && self.counts.received > 0) || (is_late && self.last.is_some())
    }

    /// Returns the time from the last packet to the next packet or to the end.
    fn pause(&self) -> Duration {
        match self.plan.purpose {
            _ if !self.is_all_sent() => self.plan.interval,
            Purpose::Find => self.plan.interval.max(Self::REPLY_TIMEOUT),
            // spec: rfc5227-probe-times
            Purpose::Probe => ANNOUNCE_WAIT,
            Purpose::Announce(_) => Duration::ZERO,
        }
    }

    /// Returns whether no packet follows: `count` packets were passed to the device, or a conflict ends the inquiry.
    fn is_all_sent(&self) -> bool {
        let is_decided = self.plan.until_conflict && self.has_conflict();
        is_decided || self.plan.count.is_some_and(|count| self.attempts() >= count)
    }

    /// Returns how many packets were passed to the device.
    fn attempts(&self) -> u64 {
        self.counts.sent.saturating_add(self.counts.refused)
    }

    /// Returns the next packet to send.
    fn packet(&self) -> RequestStep {
        let Identity { ip, mac } = self.plan.sender;
        let destination = self.destination();
        let (operation, target_hardware) = match self.plan.purpose {
            Purpose::Announce(Operation::REPLY) => (Operation::REPLY, mac),
            Purpose::Announce(operation) => (operation, MacAddr::ZERO),
            // The target hardware address has no meaning in a request. Unicast requests contain the known MAC address.
            _ if destination != MacAddr::BROADCAST => (Operation::REQUEST, destination),
            _ => (Operation::REQUEST, MacAddr::ZERO),
        };
        let packet = PacketFields {
            operation,
            sender_hardware: mac,
            sender_protocol: ip,
            target_hardware,
            target_protocol: self.plan.target,
        };
        RequestStep::Send { packet, destination }
    }

    /// Returns the destination of the next packet.
    fn destination(&self) -> MacAddr {
        let unicast = self.responder.filter(|_| !self.plan.keeps_broadcasting);
        unicast.unwrap_or(MacAddr::BROADCAST)
    }

    /// Returns whether a received packet is the same request, sent by another program.
    fn is_foreign_request(&self, packet: &PacketFields) -> bool {
        let Identity { ip, mac } = self.plan.sender;
        packet.operation == Operation::REQUEST
            && (packet.sender_protocol, packet.sender_hardware) == (ip, mac)
            && packet.target_protocol == self.plan.target
    }

    /// Returns whether a further reply answers a request of another program. A reply from a second station is never
    /// treated as such an answer, because such a reply shows that two stations use the address.
    fn answers_foreign_request(&mut self, now: Instant, packet: &PacketFields) -> bool {
        let is_late = now.since(self.last_foreign_request) > Self::REPLY_TIMEOUT;
        if self.foreign_requests == 0
            || is_late
            || self.requests.has_open(packet.sender_hardware)
            || self.responder != Some(packet.sender_hardware)
        {
            return false;
        }
        self.foreign_requests -= 1;
        true
    }

    /// Returns whether a packet is a reply to the inquiry or shows a conflict.
    fn is_related(&self, packet: &PacketFields) -> bool {
        let InquiryPlan { sender, target, .. } = self.plan;
        // Rejects invalid senders, and echoes of the sender's own packets.
        // spec: sender-hardware-station, rfc5227-echo
        if !packet.sender_hardware.is_station() || packet.sender_hardware == sender.mac {
            return false;
        }
        let is_from_target = packet.sender_protocol == target;
        match self.plan.purpose {
            Purpose::Find => {
                packet.operation == Operation::REPLY
                    && is_from_target
                    && packet.target_protocol == sender.ip
                    && packet.target_hardware == sender.mac
                    && !self.requests.is_empty()
            }
            // spec: rfc5227-probe-conflict, rfc5227-simultaneous-probe
            Purpose::Probe => {
                !packet.operation.is_foreign()
                    && (is_from_target || {
                        packet.operation == Operation::REQUEST
                            && packet.sender_protocol.is_unspecified()
                            && packet.target_protocol == target
                    })
            }
            Purpose::Announce(_) => false,
        }
    }
}

impl Requester for Inquiry {
    type Reply = InquiryReply;

    const NAME: &'static str = "arping";

    fn next(&mut self, now: Instant) -> RequestStep {
        if self.has_ended_early(now) {
            return RequestStep::Done;
        }
        let pause = match self.last.map(|last| last + self.pause()) {
            Some(due) if now < due => due.since(now),
            // All packets were sent and the last timeout has passed.
            Some(_) if self.is_all_sent() => return RequestStep::Done,
            _ => return self.packet(),
        };
        RequestStep::Wait(self.end().map_or(pause, |end| end.since(now).min(pause)))
    }

    fn sent(&mut self, now: Instant) {
        let number = self.attempts().saturating_add(1);
        self.last = Some(now);
        self.requests.add(now, number);
        self.counts.sent = self.counts.sent.saturating_add(1);
        if self.counts.sent >= self.required() {
            self.last_required.get_or_insert(now);
        }
        if self.destination() == MacAddr::BROADCAST {
            self.counts.broadcast = self.counts.broadcast.saturating_add(1);
        } else {
            self.first_unicast.get_or_insert(number);
        }
    }

    fn refused(&mut self, number: u64) {
        self.counts.sent = self.counts.sent.saturating_sub(1);
        self.counts.refused = self.counts.refused.saturating_add(1);
        if self.first_unicast.is_none_or(|first| number < first) {
            self.counts.broadcast = self.counts.broadcast.saturating_sub(1);
        }
        if self.counts.sent < self.required() {
            self.last_required = None;
        }
        self.requests.remove(number);
    }

    fn receive(&mut self, now: Instant, packet: Packet<'_>, is_broadcast: bool) -> Option<InquiryReply> {
        let packet = PacketFields::from(packet);
        if self.is_foreign_request(&packet) {
            let is_expired = now.since(self.last_foreign_request) > Self::REPLY_TIMEOUT;
            self.foreign_requests = if is_expired { 1 } else { self.foreign_requests.saturating_add(1) };
            self.last_foreign_request = now;
        }
        if !self.is_related(&packet) || self.answers_foreign_request(now, &packet) {
            self.counts.unrelated = self.counts.unrelated.saturating_add(1);
            return None;
        }
        let mac = packet.sender_hardware;
        let is_claiming = packet.sender_protocol == self.plan.target;
        let Answer { round_trip, is_duplicate } = self.requests.answer(now, mac, is_claiming);
        let first = *self.responder.get_or_insert(mac);
        let InquiryCounts { received, duplicates, received_broadcast, received_requests, .. } =
            &mut self.counts;
        let count = if is_duplicate { duplicates } else { received };
        *count = count.saturating_add(1);
        *received_broadcast = received_broadcast.saturating_add(u64::from(is_broadcast));
        let is_request = packet.operation == Operation::REQUEST;
        *received_requests = received_requests.saturating_add(u64::from(is_request));
        let other_mac = Some(first).filter(|first| *first != mac);
        Some(InquiryReply { packet, is_broadcast, round_trip, is_duplicate, other_mac })
    }
}

impl fmt::Display for InquiryReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            _ if self.packet.operation == Operation::REQUEST => "conflicting request",
            Self { other_mac: Some(_), .. } => "conflict: another station replied for this address",
            Self { is_duplicate: true, .. } => "duplicate reply",
            _ => "reply",
        })
    }
}

#[cfg(test)]
mod tests;
