//! One entry of the table, and the rows that entries stand in.

use link::MacAddr;

use super::chain::Links;
use super::clock::Tick;
use super::{Address, Neighbour, State};

/// The row that an entry stands in. Each row is in the order in which its entries joined, and all
/// entries of a timed row wait equally long: its first entry is always the next one due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Row {
    /// Known from what it said, never used.
    Stranger,
    /// STALE, and used before.
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

/// One entry: 48 octets. Its cells in the index take 16 more at most.
#[derive(Clone, Debug)]
pub(super) struct Slot<A> {
    pub(super) protocol: A,
    pub(super) hardware: MacAddr,
    pub(super) state: State,
    pub(super) row: Row,
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
    pub(super) in_row: Links,
    pub(super) by_age: Links,
}

const _: () = assert!(size_of::<Slot<std::net::Ipv4Addr>>() + 4 * size_of::<u32>() <= 64);

impl<A: Address> Slot<A> {
    pub(super) fn listed(&self) -> Neighbour<A> {
        let known = !matches!(self.state, State::Incomplete | State::Failed);
        Neighbour { protocol: self.protocol, hardware: known.then_some(self.hardware), state: self.state }
    }

    pub(super) fn row_links(&mut self) -> &mut Links {
        &mut self.in_row
    }

    pub(super) fn age_links(&mut self) -> &mut Links {
        &mut self.by_age
    }
}

impl State {
    /// Whether the entry has been confirmed at some time, and ends when that is too long ago.
    pub(super) const fn has_age(self) -> bool {
        matches!(self, Self::Reachable | Self::Stale | Self::Delay | Self::Probe)
    }
}

impl Row {
    pub(super) const COUNT: usize = 12;

    /// All rows of entries.
    pub(super) const ALL: [Row; Self::COUNT - 1] = [
        Row::Stranger,
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
            Row::Stranger => 0,
            Row::Stale => 1,
            Row::Reachable => 2,
            Row::Delay => 3,
            Row::Ask => 4,
            Row::Wait => 5,
            Row::Hold1 => 6,
            Row::Hold2 => 7,
            Row::Hold4 => 8,
            Row::Hold8 => 9,
            Row::Static => 10,
            Row::Free => 11,
        }
    }
}
