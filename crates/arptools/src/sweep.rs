//! Sweep: requests for many IP addresses, as in `arp-scan`.

mod permutation;
mod ranges;
mod replies;

use std::fmt;
use std::net::Ipv4Addr;
use std::time::Duration;

use link::{Instant, MacAddr};

use crate::requester::{RequestStep, Requester};
use arp::{Identity, Operation, Packet, PacketFields};
use permutation::Permutation;
pub use ranges::{TargetRanges, TargetRangesError};
use replies::{RecordedReply, Replies};

/// Configuration of a sweep.
#[derive(Clone, Copy, Debug)]
pub struct SweepPlan {
    /// Sender of the requests.
    pub sender: Identity,
    /// Number of requests for an address without a reply, at least 1.
    pub passes: u32,
    /// Reply timeout of an address in the first pass.
    pub timeout: Duration,
    /// Factor by which the timeout grows from one pass to the next.
    pub backoff: f64,
    /// Interval between two requests.
    pub interval: Duration,
    /// Number of addresses with a reply that ends the sweep. If none, the sweep ends after the last timeout.
    pub limit: Option<u64>,
    /// Seed for a random order of the addresses. If none, the order is ascending.
    pub seed: Option<u64>,
}

/// Sends requests for many addresses and collects the replies.
///
/// Other programs may send requests with the same sender addresses: the kernel, or another sweep on the same interface.
/// Pass these requests to [`Requester::receive`] too, so that replies to these requests are not counted as duplicates.
///
/// A sweep allocates 16 bytes per address at the start. The operating system provides pages on first write:
/// 65,536 addresses need 1 MiB. [`TargetRanges::MAX_COUNT`] addresses need 128 MiB without replies and 256 MiB if all
/// reply.
#[derive(Clone, Debug)]
pub struct Sweep {
    plan: SweepPlan,
    ranges: TargetRanges,
    permutation: Option<Permutation>,
    replies: Replies,
    /// Current pass, starting at 0.
    pass: u32,
    /// Position in the current pass.
    place: u32,
    /// Time of the last request of each block in the previous pass.
    previous_times: BlockTimes,
    /// Time of the last request of each block in this pass.
    block_times: BlockTimes,
    /// Earliest time of the next request, according to the interval.
    due: Instant,
    /// Time of the last request.
    last: Option<Instant>,
    is_complete: bool,
    was_rx_blocked: bool,
    counts: SweepCounts,
}

/// Maximum number of blocks of a pass. The time of the last request is stored per block.
const BLOCKS: u32 = 64;
type BlockTimes = [Instant; 64];

/// Counts of a sweep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SweepCounts {
    /// Addresses for which a request was sent.
    pub requested: u64,
    /// Requests that the device accepted.
    pub sent: u64,
    /// Requests that the device rejected.
    pub refused: u64,
    /// Addresses with a reply.
    pub answered: u64,
    /// Further replies from the MAC address that replied first.
    pub duplicates: u64,
    /// Further replies from other MAC addresses.
    pub conflicts: u64,
    /// Addresses with replies from several MAC addresses.
    pub contested: u64,
    /// Packets that are not replies to the sweep, and replies after the limit was reached.
    pub unrelated: u64,
}

/// Reply to a request of the sweep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SweepReply {
    /// Fields of the packet.
    pub packet: PacketFields,
    /// Whether the frame was broadcast.
    pub is_broadcast: bool,
    /// Number of the reply for this address, starting at 1 and saturating at 4,095.
    pub number: u16,
    /// MAC address that replied first, if this reply has another sender: two stations use the same IP address.
    pub other_mac: Option<MacAddr>,
    /// Time since the last request for this address.
    pub rtt: Duration,
}

/// Result of a sweep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SweepOutcome {
    /// At least one address replied or, with a limit, at least that number.
    Found,
    /// Fewer addresses replied than the limit, although no request was rejected and reception was not interrupted.
    BelowLimit,
    /// No address replied, although no request was rejected and reception was not interrupted.
    NoReply,
    /// The device accepted no request, or there was no request to send.
    NothingSent,
    /// Too few replies, but requests were rejected or reception was interrupted.
    Impaired,
    /// Too few replies, and the sweep is not complete.
    Unfinished,
}

impl SweepReply {
    /// Maximum of [`SweepReply::number`]. Further replies have this number too.
    pub const MAX_NUMBER: u16 = replies::MAX_REPLIES;
}

impl Sweep {
    /// Maximum lateness of a request that later requests make up for. Beyond this lateness the schedule shifts, so that
    /// no burst follows.
    pub const LATENESS_TOLERANCE: Duration = Duration::from_millis(10);

    /// Maximum reply timeout of a pass.
    pub const MAX_TIMEOUT: Duration = Duration::from_hours(24);

    /// Creates a sweep. The first request is due immediately.
    ///
    /// If the ranges contain the sender's own IP address, the sweep skips this address: a request for the address would
    /// be an announcement (RFC 5227 1.1).
    pub fn new(now: Instant, plan: SweepPlan, ranges: TargetRanges) -> Sweep {
        Sweep {
            permutation: plan.seed.map(|seed| Permutation::new(ranges.count(), seed)),
            replies: Replies::new(ranges.count()),
            plan,
            ranges,
            pass: 0,
            place: 0,
            previous_times: [now; 64],
            block_times: [now; 64],
            due: now,
            last: None,
            is_complete: false,
            was_rx_blocked: false,
            counts: SweepCounts::default(),
        }
    }

    /// Returns the configuration.
    pub fn plan(&self) -> &SweepPlan {
        &self.plan
    }

    /// Returns the target addresses.
    pub fn ranges(&self) -> &TargetRanges {
        &self.ranges
    }

    /// Returns the number of target addresses, except the sender's own address.
    pub fn targets(&self) -> u64 {
        u64::from(self.ranges.count()) - u64::from(self.ranges.contains(self.plan.sender.ip))
    }

    /// Returns the counts so far.
    pub fn counts(&self) -> &SweepCounts {
        &self.counts
    }

    /// Returns the current pass, starting at 1, and the number of addresses that it has processed.
    pub fn progress(&self) -> (u32, u32) {
        (self.pass.saturating_add(1), self.place)
    }

    /// Notes that packets may have been lost because reception was interrupted.
    pub fn rx_blocked(&mut self) {
        self.was_rx_blocked = true;
    }

    /// Returns whether requests were rejected or reception was interrupted.
    pub fn is_impaired(&self) -> bool {
        self.counts.refused > 0 || self.was_rx_blocked
    }

    /// Returns whether all requests were sent and the last timeout has passed.
    pub fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// Returns the result if the sweep ends now.
    pub fn outcome(&self) -> SweepOutcome {
        let SweepCounts { sent, answered, .. } = self.counts;
        match () {
            () if answered >= self.plan.limit.unwrap_or(1).max(1) => SweepOutcome::Found,
            () if sent == 0 => SweepOutcome::NothingSent,
            () if self.is_impaired() => SweepOutcome::Impaired,
            () if !self.is_complete => SweepOutcome::Unfinished,
            () if answered > 0 => SweepOutcome::BelowLimit,
            () => SweepOutcome::NoReply,
        }
    }

    /// Returns whether the limit is reached.
    fn is_limit_reached(&self) -> bool {
        self.plan.limit.is_some_and(|limit| self.counts.answered >= limit)
    }

    /// Returns the next address to request in this pass, with its number. Skips addresses with a reply.
    fn target(&mut self) -> Option<(Ipv4Addr, u32)> {
        while self.place < self.ranges.count() {
            let number =
                self.permutation.as_ref().map_or(self.place, |permutation| permutation.number(self.place));
            let address = self.ranges.address(number).filter(|address| *address != self.plan.sender.ip);
            if let Some(address) = address.filter(|_| !self.replies.is_answered(number)) {
                return Some((address, number));
            }
            self.place += 1;
        }
        None
    }

    /// Starts the next pass.
    fn start_pass(&mut self) {
        self.pass = self.pass.saturating_add(1);
        self.place = 0;
        self.previous_times = self.block_times;
    }

    /// Returns the earliest time of the next request: after the interval and the timeout of its address.
    fn ready(&self) -> Instant {
        let Some(previous) = self.pass.checked_sub(1) else { return self.due };
        let mark = self.previous_times.get(self.block()).copied().unwrap_or_default();
        self.due.max(mark + self.timeout(previous))
    }

    /// Returns the block of the current position.
    fn block(&self) -> usize {
        let length = self.ranges.count().div_ceil(BLOCKS);
        usize::try_from(self.place / length.max(1)).unwrap_or(usize::MAX)
    }

    /// Returns the reply timeout in a pass, starting at 0.
    fn timeout(&self, pass: u32) -> Duration {
        let growth = self.plan.backoff.powi(i32::try_from(pass).unwrap_or(i32::MAX));
        let grown = Duration::try_from_secs_f64(self.plan.timeout.as_secs_f64() * growth);
        grown.unwrap_or(Self::MAX_TIMEOUT).min(Self::MAX_TIMEOUT)
    }

    // spec: rfc826-request, rfc826-request-fields
    fn request(&self, target: Ipv4Addr) -> RequestStep {
        let Identity { ip, mac } = self.plan.sender;
        let packet = PacketFields {
            operation: Operation::REQUEST,
            sender_hardware: mac,
            sender_protocol: ip,
            target_hardware: MacAddr::ZERO,
            target_protocol: target,
        };
        RequestStep::Send { packet, destination: MacAddr::BROADCAST }
    }

    /// Returns whether a received packet has the sender addresses of the sweep. Such a packet comes from another
    /// program.
    fn has_same_sender(&self, packet: &PacketFields) -> bool {
        let Identity { ip, mac } = self.plan.sender;
        (packet.sender_protocol, packet.sender_hardware) == (ip, mac)
    }

    /// Records a packet if it is a reply to a request of this sweep and the limit is not reached. Returns the time since the
    /// request too.
    fn record(&mut self, now: Instant, packet: &PacketFields) -> Option<(RecordedReply, Duration)> {
        let Identity { ip, mac } = self.plan.sender;
        // Rejects invalid senders, and echoes of the sender's own packets.
        // spec: sender-hardware-station, rfc5227-echo
        let is_from_station = packet.sender_hardware.is_station() && packet.sender_hardware != mac;
        let is_to_sender = packet.target_protocol == ip && packet.target_hardware == mac;
        let is_reply = packet.operation == Operation::REPLY && is_from_station && is_to_sender;
        let is_expected = is_reply && !self.is_limit_reached();
        let number = self.ranges.number(packet.sender_protocol).filter(|_| is_expected)?;
        let rtt = now.since(self.replies.request_time(number)?);
        self.replies.record(number, packet.sender_hardware).map(|reply| (reply, rtt))
    }
}

impl Requester for Sweep {
    type Reply = SweepReply;

    const NAME: &'static str = "scan";

    fn next(&mut self, now: Instant) -> RequestStep {
        if self.is_limit_reached() {
            return RequestStep::Done;
        }
        while self.counts.answered < self.targets() {
            if let Some((target, _)) = self.target() {
                let ready = self.ready();
                let is_early = now < ready;
                return if is_early { RequestStep::Wait(ready.since(now)) } else { self.request(target) };
            }
            if self.pass.saturating_add(1) >= self.plan.passes {
                break;
            }
            self.start_pass();
        }
        match self.last.map(|last| last + self.timeout(self.pass)) {
            Some(end) if now < end => RequestStep::Wait(end.since(now)),
            _ => {
                self.is_complete = true;
                RequestStep::Done
            }
        }
    }

    fn sent(&mut self, now: Instant) {
        let Some((_, number)) = self.target() else { return };
        let ready = self.ready();
        let lateness = now.since(ready);
        self.due = ready + lateness.saturating_sub(Self::LATENESS_TOLERANCE) + self.plan.interval;
        let is_first = self.replies.note_request(number, now);
        let block = self.block();
        if let Some(mark) = self.block_times.get_mut(block) {
            *mark = now;
        }
        self.last = Some(now);
        self.place += 1;
        self.counts.sent = self.counts.sent.saturating_add(1);
        self.counts.requested += u64::from(is_first);
    }

    fn refused(&mut self, _number: u64) {
        self.counts.sent = self.counts.sent.saturating_sub(1);
        self.counts.refused = self.counts.refused.saturating_add(1);
    }

    fn receive(&mut self, now: Instant, packet: Packet<'_>, is_broadcast: bool) -> Option<SweepReply> {
        let packet = PacketFields::from(packet);
        let is_foreign_request = packet.operation == Operation::REQUEST && self.has_same_sender(&packet);
        if let Some(number) = self.ranges.number(packet.target_protocol).filter(|_| is_foreign_request) {
            self.replies.note_foreign_request(number);
        }
        let Some((RecordedReply { first, number, is_newly_contested }, rtt)) = self.record(now, &packet)
        else {
            self.counts.unrelated = self.counts.unrelated.saturating_add(1);
            return None;
        };
        let other_mac = Some(first).filter(|first| *first != packet.sender_hardware);
        let SweepCounts { answered, duplicates, conflicts, contested, .. } = &mut self.counts;
        let count = match other_mac {
            Some(_) => conflicts,
            None if number > 1 => duplicates,
            None => answered,
        };
        *count = count.saturating_add(1);
        *contested += u64::from(is_newly_contested);
        Some(SweepReply { packet, is_broadcast, number, other_mac, rtt })
    }
}

impl fmt::Display for SweepReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self { other_mac: Some(_), .. } => "conflict: another station replied for this address",
            Self { number: 1, .. } => "reply",
            _ => "duplicate reply",
        })
    }
}

#[cfg(test)]
mod tests;
