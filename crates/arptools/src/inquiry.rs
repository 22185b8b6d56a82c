//! An inquiry: requests for one protocol address, and the replies to them; or probes, or announcements.
//!
//! This is what `arping` does. A host has no use for it: its table asks and its claims probe by themselves.

use std::net::Ipv4Addr;
use std::time::Duration;

use link::{Instant, MacAddr};

use arp::constants::{ANNOUNCE_WAIT, PROBE_NUM};
use arp::{Identity, Operation, Packet, PacketFields};

/// What an inquiry is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Who has the address?
    Find,
    /// Does anybody else have it, or want it? (RFC 5227 2.1)
    Probe,
    /// It is ours, all hear: by requests, or by replies that nobody asked for.
    Announce(Operation),
}

/// What is to be asked, and how often.
#[derive(Clone, Copy, Debug)]
pub struct InquiryPlan {
    /// What for.
    pub purpose: Purpose,
    /// Who asks. The protocol address is 0.0.0.0 in a probe.
    pub sender: Identity,
    /// The protocol address that is asked for, or announced.
    pub target: Ipv4Addr,
    /// How many packets; without it, until the time is up or somebody ends it. A probe without either is
    /// [`PROBE_NUM`] packets: it must come to an end to have a result.
    pub count: Option<u64>,
    /// From one packet to the next.
    pub interval: Duration,
    /// When it is over at the latest, counted from the start.
    pub limit: Option<Duration>,
    /// Whether it is over with the first reply. A probe always is.
    pub until_first: bool,
    /// Whether it goes on asking all; if not, whoever answered is asked alone from then on.
    pub keeps_broadcasting: bool,
}

/// One inquiry. It knows no wire and no clock: times and packets go in, what is due and what was heard
/// come out. It keeps nothing of a reply but counts.
///
/// ARP has no number by which a reply names its request: a reply answers the last request, and whatever
/// follows it before the next one is a duplicate. But somebody else may ask the same under our addresses: the
/// kernel, or another inquiry from the same interface. Who is shown those requests too does not take the
/// replies to them for duplicates.
#[derive(Clone, Debug)]
pub struct Inquiry {
    plan: InquiryPlan,
    began: Instant,
    /// When a packet was last given to the wire, be it that the wire took it or not.
    last: Option<Instant>,
    /// When the last request departed, and whether it is answered.
    open: Option<(Instant, bool)>,
    /// When the last probe departed that the procedure requires. Further ones may follow it.
    last_required: Option<Instant>,
    /// Who answered last.
    responder: Option<MacAddr>,
    /// Requests like ours by somebody else that no reply was found for, and when the last of them was heard.
    foreign_requests: u64,
    last_foreign_request: Instant,
    counts: InquiryCounts,
    was_rx_blocked: bool,
}

/// What an inquiry came to in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InquiryCounts {
    /// Packets that the wire took.
    pub sent: u64,
    /// Those of them that went to all.
    pub broadcast: u64,
    /// Packets that the wire refused.
    pub refused: u64,
    /// Requests that were answered; of a probe, packets that say the address is somebody else's.
    pub received: u64,
    /// Replies beyond the first to a request.
    pub duplicates: u64,
    /// Of both, those that were sent to all.
    pub received_broadcast: u64,
    /// Of both, those that were requests.
    pub received_requests: u64,
    /// Packets about anything else.
    pub unrelated: u64,
}

/// What is to be done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InquiryStep {
    /// Send this packet to this station, or to all; then say [`Inquiry::sent`] or [`Inquiry::refused`].
    Send {
        /// The packet.
        packet: PacketFields,
        /// The frame's destination.
        destination: MacAddr,
    },
    /// Listen, for so long at most.
    Wait(Duration),
    /// No more.
    Done,
}

/// A packet that the inquiry was about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InquiryReply {
    /// What it says.
    pub packet: PacketFields,
    /// Whether it was sent to all.
    pub is_broadcast: bool,
    /// Since the last request, if there was one.
    pub round_trip: Option<Duration>,
    /// Whether that request was answered before.
    pub is_duplicate: bool,
}

/// What an inquiry came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InquiryOutcome {
    /// Somebody has the address.
    Answered,
    /// Nobody answered, and everybody could have.
    NoReply,
    /// Somebody else has the address, or wants it.
    InUse,
    /// Every required probe was sent, [`ANNOUNCE_WAIT`] passed since, and no conflict was received.
    Free,
    /// It was announced.
    Announced,
    /// The wire took nothing: nobody was asked.
    NothingSent,
    /// Nobody answered, but the wire did not carry everything.
    Impaired,
    /// The probing ended before [`ANNOUNCE_WAIT`] after the last required probe, without a conflict until then.
    Unfinished,
}

impl Inquiry {
    /// How long a reply is waited for after the last request at least.
    pub const REPLY_TIMEOUT: Duration = Duration::from_secs(1);

    /// How much longer than its limit a probing may take to be complete. Each probe departs a little later than it
    /// is due, and a limit of exactly the time that the procedure takes is not to be missed by that.
    pub const LIMIT_TOLERANCE: Duration = Duration::from_millis(100);

    /// Begins. The first packet is due at once.
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
            open: None,
            last_required: None,
            responder: None,
            foreign_requests: 0,
            last_foreign_request: now,
            counts: InquiryCounts::default(),
            was_rx_blocked: false,
        }
    }

    /// What is asked, and how often.
    pub fn plan(&self) -> &InquiryPlan {
        &self.plan
    }

    /// The numbers so far.
    pub fn counts(&self) -> &InquiryCounts {
        &self.counts
    }

    /// What is due.
    pub fn next(&self, now: Instant) -> InquiryStep {
        if self.is_cut_short(now) {
            return InquiryStep::Done;
        }
        let pause = match self.last.map(|last| last + self.pause()) {
            Some(due) if now < due => due.since(now),
            // The last was the last: nothing is waited for any more.
            Some(_) if self.is_all_sent() => return InquiryStep::Done,
            _ => return self.packet(),
        };
        InquiryStep::Wait(self.end().map_or(pause, |end| end.since(now).min(pause)))
    }

    /// The wire took the packet.
    pub fn sent(&mut self, now: Instant) {
        self.last = Some(now);
        self.open = Some((now, false));
        self.counts.sent = self.counts.sent.saturating_add(1);
        if self.counts.sent >= self.required() {
            self.last_required.get_or_insert(now);
        }
        if self.destination() == MacAddr::BROADCAST {
            self.counts.broadcast = self.counts.broadcast.saturating_add(1);
        }
    }

    /// The wire refused the packet.
    pub fn refused(&mut self, now: Instant) {
        self.last = Some(now);
        self.counts.refused = self.counts.refused.saturating_add(1);
    }

    /// The wire was away for a while: what was sent meanwhile was not heard.
    pub fn rx_blocked(&mut self) {
        self.was_rx_blocked = true;
    }

    /// Hears a packet; none if it is about something else. `is_broadcast` says whether its frame was sent to
    /// all.
    pub fn receive(&mut self, now: Instant, packet: Packet<'_>, is_broadcast: bool) -> Option<InquiryReply> {
        let packet = PacketFields::from(packet);
        if self.is_foreign_request(&packet) {
            let forgotten = now.since(self.last_foreign_request) > Self::REPLY_TIMEOUT;
            self.foreign_requests = if forgotten { 1 } else { self.foreign_requests.saturating_add(1) };
            self.last_foreign_request = now;
        }
        if !self.is_about(&packet) || self.answers_foreign_request(now, &packet) {
            self.counts.unrelated = self.counts.unrelated.saturating_add(1);
            return None;
        }
        let round_trip = self.open.map(|(sent, _)| now.since(sent));
        let is_duplicate = self.open.as_mut().is_some_and(|(_, answered)| std::mem::replace(answered, true));
        self.responder.get_or_insert(packet.sender_hardware);
        let InquiryCounts { received, duplicates, received_broadcast, received_requests, .. } =
            &mut self.counts;
        let count = if is_duplicate { duplicates } else { received };
        *count = count.saturating_add(1);
        *received_broadcast = received_broadcast.saturating_add(u64::from(is_broadcast));
        let is_request = packet.operation == Operation::REQUEST;
        *received_requests = received_requests.saturating_add(u64::from(is_request));
        Some(InquiryReply { packet, is_broadcast, round_trip, is_duplicate })
    }

    /// What it came to, if it ends now.
    pub fn outcome(&self, now: Instant) -> InquiryOutcome {
        let InquiryCounts { sent, refused, received, .. } = self.counts;
        let was_receiving = refused == 0 && !self.was_rx_blocked;
        match self.plan.purpose {
            Purpose::Find if received > 0 => InquiryOutcome::Answered,
            Purpose::Probe if received > 0 => InquiryOutcome::InUse,
            _ if sent == 0 => InquiryOutcome::NothingSent,
            Purpose::Announce(_) => InquiryOutcome::Announced,
            _ if !was_receiving => InquiryOutcome::Impaired,
            Purpose::Find => InquiryOutcome::NoReply,
            // spec: rfc5227-probe-complete
            Purpose::Probe if self.completion().is_some_and(|at| now >= at) => InquiryOutcome::Free,
            Purpose::Probe => InquiryOutcome::Unfinished,
        }
    }

    /// When it is over at the latest, if it is to be.
    fn end(&self) -> Option<Instant> {
        let end = self.began + self.plan.limit?;
        let soon = self.completion().filter(|at| end < *at && at.since(end) <= Self::LIMIT_TOLERANCE);
        Some(soon.unwrap_or(end))
    }

    /// How many packets the procedure requires.
    fn required(&self) -> u64 {
        self.plan.count.unwrap_or(u64::from(PROBE_NUM))
    }

    /// When a probing is complete, if all required probes were sent.
    fn completion(&self) -> Option<Instant> {
        self.last_required.filter(|_| self.plan.purpose == Purpose::Probe).map(|at| at + ANNOUNCE_WAIT)
    }

    /// Whether it is over though not all was sent, or waited for.
    fn is_cut_short(&self, now: Instant) -> bool {
        let is_late = self.end().is_some_and(|end| now >= end);
        // The first packet departs however late it is.
        (self.plan.until_first && self.counts.received > 0) || (is_late && self.last.is_some())
    }

    /// From the last packet to the next, or to the end.
    fn pause(&self) -> Duration {
        match self.plan.purpose {
            _ if !self.is_all_sent() => self.plan.interval,
            Purpose::Find => self.plan.interval.max(Self::REPLY_TIMEOUT),
            // spec: rfc5227-probe-times
            Purpose::Probe => ANNOUNCE_WAIT,
            Purpose::Announce(_) => Duration::ZERO,
        }
    }

    fn is_all_sent(&self) -> bool {
        let given = self.counts.sent.saturating_add(self.counts.refused);
        self.plan.count.is_some_and(|count| given >= count)
    }

    /// The next packet.
    fn packet(&self) -> InquiryStep {
        let Identity { ip, mac } = self.plan.sender;
        let destination = self.destination();
        let (operation, target_hardware) = match self.plan.purpose {
            Purpose::Announce(Operation::REPLY) => (Operation::REPLY, mac),
            Purpose::Announce(operation) => (operation, MacAddr::ZERO),
            // Whoever is known is named, though it has no meaning in a request.
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
        InquiryStep::Send { packet, destination }
    }

    /// To whom the next packet goes.
    fn destination(&self) -> MacAddr {
        let alone = self.responder.filter(|_| !self.plan.keeps_broadcasting);
        alone.unwrap_or(MacAddr::BROADCAST)
    }

    /// Whether a packet is the request that we would send too: whoever sent it, it was not this inquiry.
    fn is_foreign_request(&self, packet: &PacketFields) -> bool {
        let Identity { ip, mac } = self.plan.sender;
        packet.operation == Operation::REQUEST
            && (packet.sender_protocol, packet.sender_hardware) == (ip, mac)
            && packet.target_protocol == self.plan.target
    }

    /// Whether a further reply is the one to such a request. Another station's never is: there are two.
    fn answers_foreign_request(&mut self, now: Instant, packet: &PacketFields) -> bool {
        let is_late = now.since(self.last_foreign_request) > Self::REPLY_TIMEOUT;
        let is_answered = self.open.is_some_and(|(_, answered)| answered);
        if self.foreign_requests == 0
            || is_late
            || !is_answered
            || self.responder != Some(packet.sender_hardware)
        {
            return false;
        }
        self.foreign_requests -= 1;
        true
    }

    /// Whether a packet is what the inquiry waits for.
    fn is_about(&self, packet: &PacketFields) -> bool {
        let InquiryPlan { sender, target, .. } = self.plan;
        // Nobody can be at a group's address, and our own packet may come back by a loop.
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
                    && self.open.is_some()
            }
            // spec: rfc5227-probe-conflict, rfc5227-rival-probe
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

#[cfg(test)]
mod tests;
