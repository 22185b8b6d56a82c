//! The neighbor cache of one segment: known MAC addresses, pending resolutions, and the packets that wait for them.
//!
//! The states are those of RFC 4861 7.3.2, as Linux uses them for ARP. The cache knows no packet format: the IP
//! address and the waiting packet are type parameters.
#![forbid(unsafe_code)]

mod clock;
mod entries;
mod index;
mod pending;
mod table;

use std::fmt;
use std::hash::Hash;
use std::time::Duration;

use link::MacAddr;

pub use self::pending::ReturnReason;
pub use self::table::timers::NeighborAction;
pub use self::table::{Merge, NeighborTable, Resolution, SenderObservation};

/// A protocol address, as far as a table of neighbors needs to know it.
pub trait Address: Copy + Eq + Ord + Hash + fmt::Debug {}

impl<A: Copy + Eq + Ord + Hash + fmt::Debug> Address for A {}

/// How far an entry is trusted (RFC 4861 7.3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NeighborState {
    /// Being asked for; nothing is known yet.
    Incomplete,
    /// Confirmed a short while ago.
    Reachable,
    /// Known, and not confirmed lately. The first use starts a check.
    Stale,
    /// In use unconfirmed: an upper layer has a short while to confirm it.
    Delay,
    /// In use unconfirmed, and being asked.
    Probe,
    /// Asked for, and nobody answered.
    Failed,
    /// Entered by a person: it neither ages nor moves.
    Static,
}

/// How a table of neighbors is to behave. Times of zero are taken as they are.
#[derive(Clone, Copy, Debug)]
pub struct NeighborSettings {
    /// The most entries it may hold: 1 to 2^20.
    pub entries: usize,
    /// How long an unconfirmed entry lives, whatever its state (RFC 1122 2.3.2.1).
    pub timeout: Duration,
    /// The most packets that may wait for one destination: 255 at most.
    pub pending_per_entry: usize,
    /// The most packets that may wait in all: 2^16 at most.
    pub pending: usize,
    /// The most bytes that may wait in all.
    pub pending_bytes: usize,
    /// A number that strangers do not know: 128 bits from the randomness of the operating system. Keys are derived
    /// from it ([`base::Secret`]). The default of 0 is for runs that are to be repeated: with it a stranger can foresee
    /// which addresses meet in one cell of the index.
    pub seed: u128,
}

/// One entry, as it is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Neighbor<A> {
    /// Its protocol address.
    pub ip: A,
    /// Its hardware address, where one is known.
    pub mac: Option<MacAddr>,
    /// How far the entry is trusted.
    pub state: NeighborState,
}

/// What happened to an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NeighborEvent<A> {
    /// A sender was entered.
    Learned {
        /// Its protocol address.
        ip: A,
        /// Its hardware address.
        mac: MacAddr,
    },
    /// An address is asked for that was not known.
    Resolving {
        /// The protocol address.
        ip: A,
    },
    /// An address that nobody answered for is forgotten.
    Forgotten {
        /// The protocol address.
        ip: A,
    },
    /// An address that was known is said to be somewhere else now, and the entry followed.
    Moved {
        /// The protocol address.
        ip: A,
        /// Where it was.
        from: MacAddr,
        /// Where it is.
        to: MacAddr,
    },
    /// A static entry was held against a sender that claims its address.
    StaticConflict {
        /// The protocol address.
        ip: A,
        /// Who claims it.
        mac: MacAddr,
    },
    /// An entry changed its state.
    Changed {
        /// The protocol address.
        ip: A,
        /// The state it was in.
        from: NeighborState,
        /// The state it is in.
        to: NeighborState,
    },
    /// An entry was removed: nothing had confirmed it for the whole timeout.
    Expired {
        /// The protocol address.
        ip: A,
    },
    /// An entry was removed to make room.
    Evicted {
        /// The protocol address.
        ip: A,
    },
    /// An address was not entered: the table is full of entries in use or static, or the share of those that have not
    /// answered is.
    Refused {
        /// The protocol address.
        ip: A,
    },
}

/// What was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NeighborCounts {
    /// Requests that were due.
    pub requests: u64,
    /// Resolutions that nobody answered.
    pub failed: u64,
    /// Entries removed for age.
    pub expired: u64,
    /// Entries removed to make room.
    pub evicted: u64,
    /// Addresses not entered: no capacity left for them.
    pub refused: u64,
    /// Packets given back unsent, whatever the reason.
    pub returned: u64,
    /// Events that nobody took in time.
    pub events_lost: u64,
}

/// Why a person's entry could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddError {
    /// The table is full of entries that are static or in use.
    Full,
    /// The hardware address is a group's, zero, or ours.
    InvalidMac,
    /// The protocol address is ours, or one that no host can have.
    InvalidIp,
}

impl Default for NeighborSettings {
    fn default() -> Self {
        NeighborSettings {
            entries: 1_024,
            timeout: Duration::from_mins(1),
            pending_per_entry: 8,
            pending: 512,
            pending_bytes: 256 * 1_024,
            seed: 0,
        }
    }
}

impl NeighborState {
    /// The name that `ip neigh` prints.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Incomplete => "INCOMPLETE",
            Self::Reachable => "REACHABLE",
            Self::Stale => "STALE",
            Self::Delay => "DELAY",
            Self::Probe => "PROBE",
            Self::Failed => "FAILED",
            Self::Static => "PERMANENT",
        }
    }
}

impl fmt::Display for NeighborState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for AddError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "the translation table is full of entries that are static or in use",
            Self::InvalidMac => "the hardware address is a group's, zero, or ours",
            Self::InvalidIp => "the protocol address is ours, or one that no host can have",
        })
    }
}

impl std::error::Error for AddError {}
