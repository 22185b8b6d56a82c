//! One entry of the table, the rows that entries stand in, and the classes that eviction looks at.

use link::MacAddr;

use super::clock::Tick;
use super::{Address, Neighbor, State};
use base::Links;

/// The row that an entry stands in. Each row is in the order in which its entries joined, and all
/// entries of a timed row wait equally long: its first entry is always the next one due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Row {
    /// STALE.
    Stale,
    /// REACHABLE.
    Reachable,
    /// DELAY.
    Delay,
    /// A request is due.
    Ask,
    /// A request is out: INCOMPLETE or PROBE.
    Wait,
    /// FAILED, or INCOMPLETE again, and not to be asked for 1, 2, 4 or 8 seconds.
    Hold1,
    Hold2,
    Hold4,
    Hold8,
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
    pub(super) protocol: A,
    pub(super) hardware: MacAddr,
    pub(super) state: State,
    pub(super) row: Row,
    pub(super) class: Class,
    /// Requests sent in this attempt.
    pub(super) asked: u8,
    /// Attempts that failed one after another.
    pub(super) failures: u8,
    /// Parcels that wait, or that are to be sent and were not fetched yet.
    pub(super) parcels: u8,
    /// When a packet last confirmed it: its age counts from here.
    pub(super) confirmed: Tick,
    /// When it joined its row.
    pub(super) since: Tick,
    /// When it was last sent to, heard or asked for, as far as its class counts that.
    pub(super) used: Tick,
    pub(super) in_row: Links,
    pub(super) by_age: Links,
    pub(super) in_class: Links,
}

const _: () = assert!(size_of::<Slot<std::net::Ipv4Addr>>() + 4 * size_of::<u32>() <= 80);

impl<A: Address> Slot<A> {
    pub(super) fn listed(&self) -> Neighbor<A> {
        let known = !matches!(self.state, State::Incomplete | State::Failed);
        Neighbor { protocol: self.protocol, hardware: known.then_some(self.hardware), state: self.state }
    }

    pub(super) fn row_links(&mut self) -> &mut Links {
        &mut self.in_row
    }

    pub(super) fn age_links(&mut self) -> &mut Links {
        &mut self.by_age
    }

    pub(super) fn class_links(&mut self) -> &mut Links {
        &mut self.in_class
    }
}

impl State {
    /// Whether the entry has been confirmed at some time, and ends when that is too long ago.
    pub(super) const fn has_age(self) -> bool {
        matches!(self, Self::Reachable | Self::Stale | Self::Delay | Self::Probe)
    }
}

impl Row {
    pub(super) const COUNT: usize = 11;

    /// All rows of entries.
    pub(super) const ALL: [Row; Self::COUNT - 1] = [
        Row::Stale,
        Row::Reachable,
        Row::Delay,
        Row::Ask,
        Row::Wait,
        Row::Hold1,
        Row::Hold2,
        Row::Hold4,
        Row::Hold8,
        Row::Static,
    ];

    pub(super) const fn number(self) -> usize {
        match self {
            Row::Stale => 0,
            Row::Reachable => 1,
            Row::Delay => 2,
            Row::Ask => 3,
            Row::Wait => 4,
            Row::Hold1 => 5,
            Row::Hold2 => 6,
            Row::Hold4 => 7,
            Row::Hold8 => 8,
            Row::Static => 9,
            Row::Free => 10,
        }
    }
}

impl Class {
    pub(super) const COUNT: usize = 4;

    /// The class of an entry of this class once it has this state.
    pub(super) const fn after(self, state: State) -> Class {
        match (state, self) {
            (State::Static, _) => Class::Static,
            (State::Reachable, _) => Class::Proven,
            (State::Incomplete | State::Failed, _) | (State::Delay | State::Probe, Class::Unused) => {
                Class::Unproven
            }
            (State::Stale | State::Delay | State::Probe, class) => class,
        }
    }

    pub(super) const fn number(self) -> usize {
        match self {
            Class::Unused => 0,
            Class::Unproven => 1,
            Class::Proven => 2,
            Class::Static => 3,
        }
    }
}
