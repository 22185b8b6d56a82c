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

/// IP address, as far as the table needs it.
pub trait Address: Copy + Eq + Ord + Hash + fmt::Debug {}

impl<A: Copy + Eq + Ord + Hash + fmt::Debug> Address for A {}

/// State of an entry (RFC 4861 7.3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NeighborState {
    /// Resolution is in progress; no MAC address is known.
    Incomplete,
    /// Confirmed recently.
    Reachable,
    /// Known, and not confirmed recently. The first use starts a check.
    Stale,
    /// In use unconfirmed: an upper layer has a few seconds to confirm it.
    Delay,
    /// In use unconfirmed; requests are being sent.
    Probe,
    /// Resolution failed: no reply.
    Failed,
    /// Configured: it neither ages nor moves.
    Static,
}

/// Bounds and times of a table. Times of zero are valid.
#[derive(Clone, Copy, Debug)]
pub struct NeighborSettings {
    /// Maximum number of entries: 1 to 2^20.
    pub entries: usize,
    /// Lifetime of an unconfirmed entry, in every state (RFC 1122 2.3.2.1).
    pub timeout: Duration,
    /// Maximum number of pending packets per destination: up to 255.
    pub pending_per_entry: usize,
    /// Maximum number of pending packets in total: up to 2^16.
    pub pending: usize,
    /// Maximum number of pending bytes in total.
    pub pending_bytes: usize,
    /// Secret number: 128 bits from the randomness of the operating system. Keys are derived from it
    /// ([`base::Secret`]). The default of 0 is for repeatable runs: with it an attacker can foresee which addresses share
    /// a cell of the index.
    pub seed: u128,
}

/// An entry, as listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Neighbor<A> {
    /// Its IP address.
    pub ip: A,
    /// Its MAC address, if known.
    pub mac: Option<MacAddr>,
    /// Its state.
    pub state: NeighborState,
}

/// Change of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NeighborEvent<A> {
    /// A sender was added.
    Learned {
        /// Its IP address.
        ip: A,
        /// Its MAC address.
        mac: MacAddr,
    },
    /// The resolution of an unknown address began.
    Resolving {
        /// The IP address.
        ip: A,
    },
    /// An address whose resolution failed was removed.
    Forgotten {
        /// The IP address.
        ip: A,
    },
    /// A known address has another MAC address now, and the entry was updated.
    Moved {
        /// The IP address.
        ip: A,
        /// The previous MAC address.
        from: MacAddr,
        /// The new MAC address.
        to: MacAddr,
    },
    /// A sender claims the address of a static entry, which stays as it is.
    StaticConflict {
        /// The IP address.
        ip: A,
        /// The MAC address of the sender.
        mac: MacAddr,
    },
    /// An entry changed its state.
    Changed {
        /// The IP address.
        ip: A,
        /// The state it was in.
        from: NeighborState,
        /// The state it is in.
        to: NeighborState,
    },
    /// An entry was removed: it was not confirmed within the timeout.
    Expired {
        /// The IP address.
        ip: A,
    },
    /// An entry was evicted for a new one.
    Evicted {
        /// The IP address.
        ip: A,
    },
    /// An address was not added: the table is full of static entries and entries in use, or the share of unproven entries
    /// is full.
    Refused {
        /// The IP address.
        ip: A,
    },
}

/// Counters of a table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NeighborCounts {
    /// Requests that were due.
    pub requests: u64,
    /// Resolutions that failed.
    pub failed: u64,
    /// Entries that expired.
    pub expired: u64,
    /// Entries that were evicted.
    pub evicted: u64,
    /// Addresses not added: no capacity left.
    pub refused: u64,
    /// Packets returned unsent, for any reason.
    pub returned: u64,
    /// Events lost because the queue was full.
    pub events_lost: u64,
}

/// Errors of adding a static entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddError {
    /// The table is full of entries that are static or in use.
    Full,
    /// The MAC address is a group's, zero, or local.
    InvalidMac,
    /// The IP address is local, or one that no host can have.
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
