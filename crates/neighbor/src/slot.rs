//! One entry of the table, the rows that entries stand in, and the classes that eviction looks at.

use link::MacAddr;

use super::clock::Tick;
use super::{Address, Neighbor, NeighborState};
use base::Links;

/// The row that an entry stands in. Each row is in the order in which its entries joined, and all
/// entries of a timed row wait equally long: its first entry is always the next one due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TimerQueue {
    /// STALE.
    Stale,
    /// REACHABLE.
    Reachable,
    /// DELAY.
    Delay,
    /// A request is due.
    Request,
    /// A request is out: INCOMPLETE or PROBE.
    AwaitReply,
    /// FAILED, or INCOMPLETE again, and not to be asked for 1, 2, 4 or 8 seconds.
    Backoff1,
    Backoff2,
    Backoff4,
    Backoff8,
    /// Entered by a person.
    Static,
    /// No entry any more: the slot is free.
    Free,
}

/// How much is known of a neighbor: what decides which entry is evicted first. The chain of each class is in the
/// order of last use, longest ago first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// Learned from a packet, never used.
    Unused,
    /// Used or asked for, and has not answered a request of this host: what an outsider can fill. Its use is
    /// the last request.
    Unproven,
    /// Has answered a request of this host, or an upper layer has confirmed it, and has not failed since.
    Proven,
    /// Entered by a person.
    Static,
}

/// One entry: 64 bytes. Its cells in the index take 16 more at most.
#[derive(Clone, Debug)]
pub(super) struct Slot<A> {
    pub(super) ip: A,
    pub(super) mac: MacAddr,
    pub(super) state: NeighborState,
    pub(super) queue: TimerQueue,
    pub(super) class: Class,
    /// Requests sent in this attempt.
    pub(super) requests: u8,
    /// Attempts that failed one after another.
    pub(super) failures: u8,
    /// Parcels that wait, or that are to be sent and were not fetched yet.
    pub(super) pending: u8,
    /// When a packet last confirmed it: its age counts from here.
    pub(super) confirmed: Tick,
    /// When it joined its row.
    pub(super) since: Tick,
    /// When it was last sent to, heard or asked for, as far as its class counts that.
    pub(super) used: Tick,
    pub(super) in_queue: Links,
    pub(super) by_age: Links,
    pub(super) in_class: Links,
}

const _: () = assert!(size_of::<Slot<std::net::Ipv4Addr>>() + 4 * size_of::<u32>() <= 80);

impl<A: Address> Slot<A> {
    pub(super) fn to_neighbor(&self) -> Neighbor<A> {
        let known = !matches!(self.state, NeighborState::Incomplete | NeighborState::Failed);
        Neighbor { ip: self.ip, mac: known.then_some(self.mac), state: self.state }
    }

    pub(super) fn queue_links(&mut self) -> &mut Links {
        &mut self.in_queue
    }

    pub(super) fn age_links(&mut self) -> &mut Links {
        &mut self.by_age
    }

    pub(super) fn class_links(&mut self) -> &mut Links {
        &mut self.in_class
    }
}

impl NeighborState {
    /// Whether the entry has been confirmed at some time, and ends when that is too long ago.
    pub(super) const fn has_age(self) -> bool {
        matches!(self, Self::Reachable | Self::Stale | Self::Delay | Self::Probe)
    }
}

impl TimerQueue {
    pub(super) const COUNT: usize = 11;

    /// All rows of entries.
    pub(super) const ALL: [TimerQueue; Self::COUNT - 1] = [
        TimerQueue::Stale,
        TimerQueue::Reachable,
        TimerQueue::Delay,
        TimerQueue::Request,
        TimerQueue::AwaitReply,
        TimerQueue::Backoff1,
        TimerQueue::Backoff2,
        TimerQueue::Backoff4,
        TimerQueue::Backoff8,
        TimerQueue::Static,
    ];

    pub(super) const fn index(self) -> usize {
        match self {
            TimerQueue::Stale => 0,
            TimerQueue::Reachable => 1,
            TimerQueue::Delay => 2,
            TimerQueue::Request => 3,
            TimerQueue::AwaitReply => 4,
            TimerQueue::Backoff1 => 5,
            TimerQueue::Backoff2 => 6,
            TimerQueue::Backoff4 => 7,
            TimerQueue::Backoff8 => 8,
            TimerQueue::Static => 9,
            TimerQueue::Free => 10,
        }
    }
}

impl Class {
    pub(super) const COUNT: usize = 4;

    /// The class of an entry of this class once it has this state.
    pub(super) const fn after(self, state: NeighborState) -> Class {
        match (state, self) {
            (NeighborState::Static, _) => Class::Static,
            (NeighborState::Reachable, _) => Class::Proven,
            (NeighborState::Incomplete | NeighborState::Failed, _)
            | (NeighborState::Delay | NeighborState::Probe, Class::Unused) => Class::Unproven,
            (NeighborState::Stale | NeighborState::Delay | NeighborState::Probe, class) => class,
        }
    }

    pub(super) const fn index(self) -> usize {
        match self {
            Class::Unused => 0,
            Class::Unproven => 1,
            Class::Proven => 2,
            Class::Static => 3,
        }
    }
}
