//! A sweep: requests for many protocol addresses, and the replies to them.
//!
//! This is what `arp-scan` does. A host has no use for it.

mod permutation;
mod ranges;
mod replies;

use std::net::Ipv4Addr;
use std::time::Duration;

use link::{Instant, MacAddr};

use arp::{Identity, Operation, Packet, PacketFields};
use permutation::Permutation;
pub use ranges::{TargetRanges, TargetRangesError};
use replies::{RecordedReply, Replies};

/// How a sweep is to go.
#[derive(Clone, Copy, Debug)]
pub struct SweepPlan {
    /// Who asks.
    pub sender: Identity,
    /// How often an address is asked for as long as nobody replies: once at least.
    pub passes: u32,
    /// How long an address has to reply in the first pass, before it is asked for again.
    pub timeout: Duration,
    /// By what that grows from one pass to the next.
    pub backoff: f64,
    /// From one request to the next.
    pub interval: Duration,
    /// With how many addresses that replied it is over; without it, when all had their time.
    pub limit: Option<u64>,
    /// The seed of the order in which they are asked for; without it they are asked for in their own.
    pub seed: Option<u64>,
}

/// One sweep. It knows no wire and no clock: times and packets go in, what is due and what was heard come out.
///
/// Somebody else may ask under our addresses too: the kernel, or another sweep from the same interface. Who is shown
/// those requests as well does not take the replies to them for duplicates.
///
/// Its memory is taken at the start: eight bytes and a bit for each address, of which the system gives pages as
/// they are written to. 65,536 addresses are half a mebibyte; [`TargetRanges::MAX_COUNT`] of them are 2 MiB if nobody
/// replies, 130 MiB if all do.
#[derive(Clone, Debug)]
pub struct Sweep {
    plan: SweepPlan,
    ranges: TargetRanges,
    permutation: Option<Permutation>,
    replies: Replies,
    /// The pass, from 0 on.
    pass: u32,
    /// How many addresses this pass is past.
    place: u32,
    /// When the last request of each block departed, in the pass before and in this.
    previous_times: BlockTimes,
    block_times: BlockTimes,
    /// When the pace allows the next request.
    due: Instant,
    /// When the last request departed.
    last: Option<Instant>,
    is_complete: bool,
    was_rx_blocked: bool,
    counts: SweepCounts,
}

/// A pass is divided into so many blocks at most, of each of which the last time is kept.
const BLOCKS: u32 = 64;
type BlockTimes = [Instant; 64];

/// What a sweep came to in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SweepCounts {
    /// Addresses that were asked for once at least.
    pub requested: u64,
    /// Requests that the wire took.
    pub sent: u64,
    /// Requests that the wire refused.
    pub refused: u64,
    /// Addresses that somebody replied for.
    pub answered: u64,
    /// Further replies for them, from the hardware address that replied first.
    pub duplicates: u64,
    /// Further replies for them, from another one.
    pub conflicts: u64,
    /// Addresses that several hardware addresses replied for.
    pub contested: u64,
    /// Packets about anything else, and what came after the last that was wanted.
    pub unrelated: u64,
}

/// What is to be done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SweepStep {
    /// Send this packet to all; then say [`Sweep::sent`].
    Send(PacketFields),
    /// Listen, for so long at most.
    Wait(Duration),
    /// No more.
    Done,
}

/// A reply to the sweep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SweepReply {
    /// What it says.
    pub packet: PacketFields,
    /// Which reply for this address it is, from 1 on; 4,095 is all later ones too.
    pub number: u16,
    /// The hardware address that replied first, if it is another one: two stations have one address.
    pub other_mac: Option<MacAddr>,
}

/// What a sweep came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SweepOutcome {
    /// Somebody replied; as many as the limit wanted, if there was one.
    Found,
    /// Fewer replied than the limit wanted, and all could have.
    BelowLimit,
    /// Nobody replied, and all could have.
    NoReply,
    /// The wire took nothing: nobody was asked.
    NothingSent,
    /// Nobody replied, or fewer than wanted, but the wire did not carry everything.
    Impaired,
    /// It was ended before it was over, and nobody had replied, or fewer than wanted.
    Unfinished,
}

impl Sweep {
    /// How much later than its pace a request may be and still be made up for. Whoever turns up later than
    /// that has lost the time: there is no burst.
    pub const LATENESS_TOLERANCE: Duration = Duration::from_millis(10);

    /// How long a pass waits for replies at most, whatever the timeout and its growth.
    pub const MAX_TIMEOUT: Duration = Duration::from_hours(24);

    /// Begins. The first request is due at once.
    ///
    /// Our own address is not asked for where it is in the ranges: that would announce it (RFC 5227 1.1).
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

    /// How it is to go.
    pub fn plan(&self) -> &SweepPlan {
        &self.plan
    }

    /// The addresses.
    pub fn ranges(&self) -> &TargetRanges {
        &self.ranges
    }

    /// How many of them are asked for: all but our own.
    pub fn targets(&self) -> u64 {
        u64::from(self.ranges.count()) - u64::from(self.ranges.contains(self.plan.sender.ip))
    }

    /// The numbers so far.
    pub fn counts(&self) -> &SweepCounts {
        &self.counts
    }

    /// The pass that it is in, from 1 on, and how many addresses that is past.
    pub fn progress(&self) -> (u32, u32) {
        (self.pass.saturating_add(1), self.place)
    }

    /// What is due. It says the same until [`Sweep::sent`], or until something was heard.
    pub fn next(&mut self, now: Instant) -> SweepStep {
        if self.is_limit_reached() {
            return SweepStep::Done;
        }
        while self.counts.answered < self.targets() {
            if let Some((target, _)) = self.target() {
                let ready = self.ready();
                let is_early = now < ready;
                return if is_early {
                    SweepStep::Wait(ready.since(now))
                } else {
                    SweepStep::Send(self.request(target))
                };
            }
            if self.pass.saturating_add(1) >= self.plan.passes {
                break;
            }
            self.start_pass();
        }
        match self.last.map(|last| last + self.timeout(self.pass)) {
            Some(end) if now < end => SweepStep::Wait(end.since(now)),
            _ => {
                self.is_complete = true;
                SweepStep::Done
            }
        }
    }

    /// The packet that was due was given to the wire.
    pub fn sent(&mut self, now: Instant) {
        let Some((_, number)) = self.target() else { return };
        let ready = self.ready();
        let late = now.since(ready);
        self.due = ready + late.saturating_sub(Self::LATENESS_TOLERANCE) + self.plan.interval;
        let is_first = self.replies.note_request(number);
        let block = self.block();
        if let Some(mark) = self.block_times.get_mut(block) {
            *mark = now;
        }
        self.last = Some(now);
        self.place += 1;
        self.counts.sent = self.counts.sent.saturating_add(1);
        self.counts.requested += u64::from(is_first);
    }

    /// Of what was given to the wire, it refused so many.
    pub fn refused(&mut self, count: u64) {
        self.counts.sent = self.counts.sent.saturating_sub(count);
        self.counts.refused = self.counts.refused.saturating_add(count);
    }

    /// The wire was away for a while: what was sent meanwhile was not heard.
    pub fn rx_blocked(&mut self) {
        self.was_rx_blocked = true;
    }

    /// Hears a packet; none if it is no reply to the sweep.
    pub fn receive(&mut self, packet: Packet<'_>) -> Option<SweepReply> {
        let packet = PacketFields::from(packet);
        let is_foreign_request = packet.operation == Operation::REQUEST && self.is_from_sender(&packet);
        if let Some(number) = self.ranges.number(packet.target_protocol).filter(|_| is_foreign_request) {
            self.replies.note_foreign_request(number);
        }
        let Some(RecordedReply { first, number, is_newly_contested }) = self.enter(&packet) else {
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
        Some(SweepReply { packet, number, other_mac })
    }

    /// Whether the wire failed it: packets were refused, or it was away.
    pub fn is_impaired(&self) -> bool {
        self.counts.refused > 0 || self.was_rx_blocked
    }

    /// What it came to, if it ends now.
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

    /// Whether as many replied as were wanted.
    fn is_limit_reached(&self) -> bool {
        self.plan.limit.is_some_and(|limit| self.counts.answered >= limit)
    }

    /// The next address that is to be asked for in this pass, and its number. Those that replied are passed over.
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

    /// Begins the next pass.
    fn start_pass(&mut self) {
        self.pass = self.pass.saturating_add(1);
        self.place = 0;
        self.previous_times = self.block_times;
    }

    /// When the next request may depart: as the pace allows it, and when its address had its time.
    fn ready(&self) -> Instant {
        let Some(previous) = self.pass.checked_sub(1) else { return self.due };
        let mark = self.previous_times.get(self.block()).copied().unwrap_or_default();
        self.due.max(mark + self.timeout(previous))
    }

    /// The block that this place lies in.
    fn block(&self) -> usize {
        let length = self.ranges.count().div_ceil(BLOCKS);
        usize::try_from(self.place / length.max(1)).unwrap_or(usize::MAX)
    }

    /// How long an address has to reply in a pass, counted from 0.
    fn timeout(&self, pass: u32) -> Duration {
        let growth = self.plan.backoff.powi(i32::try_from(pass).unwrap_or(i32::MAX));
        let grown = Duration::try_from_secs_f64(self.plan.timeout.as_secs_f64() * growth);
        grown.unwrap_or(Self::MAX_TIMEOUT).min(Self::MAX_TIMEOUT)
    }

    // spec: rfc826-request, rfc826-request-fields
    fn request(&self, target: Ipv4Addr) -> PacketFields {
        let Identity { ip, mac } = self.plan.sender;
        PacketFields {
            operation: Operation::REQUEST,
            sender_hardware: mac,
            sender_protocol: ip,
            target_hardware: MacAddr::ZERO,
            target_protocol: target,
        }
    }

    /// Whether a packet says that it is from us; it is not from this sweep.
    fn is_from_sender(&self, packet: &PacketFields) -> bool {
        let Identity { ip, mac } = self.plan.sender;
        (packet.sender_protocol, packet.sender_hardware) == (ip, mac)
    }

    /// Enters a packet if it is a reply to us, for an address that was asked for, and still wanted.
    fn enter(&mut self, packet: &PacketFields) -> Option<RecordedReply> {
        let Identity { ip, mac } = self.plan.sender;
        // Nobody can be at a group's address, and our own packet may come back by a loop.
        // spec: sender-hardware-station, rfc5227-echo
        let is_from_a_station = packet.sender_hardware.is_station() && packet.sender_hardware != mac;
        let is_to_us = packet.target_protocol == ip && packet.target_hardware == mac;
        let is_reply = packet.operation == Operation::REPLY && is_from_a_station && is_to_us;
        let is_expected = is_reply && !self.is_limit_reached();
        let number = self.ranges.number(packet.sender_protocol).filter(|_| is_expected)?;
        let number = Some(number).filter(|number| self.replies.was_requested(*number))?;
        self.replies.enter(number, packet.sender_hardware)
    }
}

#[cfg(test)]
mod tests;
