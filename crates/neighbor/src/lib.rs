//! The neighbor table of one segment: known MAC addresses, resolutions in progress, and packets that wait for a
//! resolution.
//!
//! The states are defined by RFC 4861 7.3.2, and Linux uses the same states for ARP. The types of IP address and packet
//! are parameters.
//!
//! # Order of calls
//!
//! 1. [`NeighborTable::resolve`] returns the MAC address of a destination, or keeps the packet and starts a resolution.
//! 2. [`NeighborTable::poll`] returns actions until `None`: send a request, send a packet, return a packet. Call `poll`
//!    after each `resolve`, `merge`, `learn`, `add_static`, `remove` and `flush`, and at [`NeighborTable::deadline`].
//! 3. [`NeighborTable::merge`] or [`NeighborTable::learn`] reports the sender of each received packet.
//! 4. [`NeighborTable::request_refused`] reports a request that the device did not transmit.
//! 5. [`NeighborTable::take_event`] returns the changes. Take the events each time `poll` has returned `None`. If more
//!    than [`NeighborTable::TIMERS`] timers are due, `poll` returns `None` early. The deadline is then not in the
//!    future, and `poll` continues at the next call.
//!
//! # Bounds
//!
//! [`NeighborTable::new`] reserves the memory. Afterwards, only `list` and `flush` allocate memory. An entry takes at
//! most 80 bytes, index included. [`NeighborSettings`] bounds the entries, the pending packets and their bytes.
//! [`NeighborTable::EVENTS`] bounds the events. Requested neighbors that never replied take at most a quarter of the
//! table.
//!
//! # Non-features
//!
//! - The crate performs no I/O and reads no clock. The current time is an argument, and may stand still or go back.
//! - The crate builds and parses no packets.
//! - The crate does not decide which senders to learn. The caller decides this by calling `merge` or `learn`.
//!
//! # Example
//!
//! ```
//! use std::net::Ipv4Addr;
//! use link::{Instant, MacAddr};
//! use neighbor::{NeighborAction, NeighborSettings, NeighborTable, Resolution, SenderObservation};
//!
//! let (now, ip) = (Instant::ORIGIN, Ipv4Addr::new(10, 0, 0, 1));
//! let mut table = NeighborTable::new(NeighborSettings::default());
//!
//! // An unknown destination: the packet waits, and a broadcast request is due.
//! assert_eq!(table.resolve(now, ip, 5, "hello"), Resolution::Pending);
//! assert_eq!(table.poll(now), Some(NeighborAction::Request { ip, mac: None }));
//! assert_eq!(table.poll(now), None);
//!
//! // The reply of the destination releases the packet.
//! let mac = MacAddr::new([2, 0, 0, 0, 0, 1]);
//! table.merge(now, ip, SenderObservation { mac, is_reply_to_local: true });
//! assert_eq!(table.poll(now), Some(NeighborAction::Send { ip, mac, packet: "hello" }));
//! ```
#![forbid(unsafe_code)]

mod clock;
mod entries;
mod pending;
mod table;

use std::fmt;
use std::hash::Hash;
use std::time::Duration;

use link::MacAddr;

pub use self::pending::ReturnReason;
pub use self::table::timers::NeighborAction;
pub use self::table::{Merge, NeighborTable, Resolution, SenderObservation};

/// Bounds that an IP address type must satisfy. Implemented for all types that satisfy the bounds.
pub trait Address: Copy + Eq + Ord + Hash + fmt::Debug {}

impl<A: Copy + Eq + Ord + Hash + fmt::Debug> Address for A {}

/// State of an entry (RFC 4861 7.3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NeighborState {
    /// Resolution is in progress, and no MAC address is known.
    Incomplete,
    /// Confirmed recently.
    Reachable,
    /// Known, but not confirmed recently. The first use starts a check.
    Stale,
    /// In use, not confirmed recently. After 5 seconds without [`NeighborTable::confirm`] the entry becomes PROBE.
    Delay,
    /// In use, not confirmed recently. Requests are being sent.
    Probe,
    /// Resolution failed: no reply.
    Failed,
    /// Configured. The entry does not expire, and received packets do not change it.
    Static,
}

/// Bounds and timeout of a table. Any timeout is valid, zero included.
#[derive(Clone, Copy, Debug)]
pub struct NeighborSettings {
    /// Maximum number of entries: 1 to 2^20.
    pub entries: usize,
    /// Lifetime of an entry since its last confirmation, in every state (RFC 1122 2.3.2.1).
    pub timeout: Duration,
    /// Maximum number of pending packets per destination: up to 255.
    pub pending_per_entry: usize,
    /// Maximum number of pending packets in total: up to 2^16.
    pub pending: usize,
    /// Maximum number of pending bytes in total.
    pub pending_bytes: usize,
    /// Secret number from which keys are derived ([`base::Secret`]): 128 bits from the operating system's random number
    /// generator. The default of 0 is only for repeatable runs: an attacker can then predict which addresses share a
    /// cell of the index.
    pub seed: u128,
}

/// Entry of the table, as listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Neighbor<A> {
    /// IP address of the neighbor.
    pub ip: A,
    /// MAC address of the neighbor, if known.
    pub mac: Option<MacAddr>,
    /// State of the entry.
    pub state: NeighborState,
}

/// Change of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NeighborEvent<A> {
    /// A sender was added.
    Learned {
        /// IP address of the sender.
        ip: A,
        /// MAC address of the sender.
        mac: MacAddr,
    },
    /// The resolution of an unknown address started.
    Resolving {
        /// The IP address.
        ip: A,
    },
    /// An entry was removed after its resolution failed.
    Forgotten {
        /// The IP address.
        ip: A,
    },
    /// The MAC address of an entry changed.
    Moved {
        /// The IP address.
        ip: A,
        /// The previous MAC address.
        from: MacAddr,
        /// The new MAC address.
        to: MacAddr,
    },
    /// A sender claims the address of a static entry, which does not change.
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
        /// The previous state.
        from: NeighborState,
        /// The new state.
        to: NeighborState,
    },
    /// An entry expired: it was not confirmed within the timeout.
    Expired {
        /// The IP address.
        ip: A,
    },
    /// An entry was evicted for a new entry.
    Evicted {
        /// The IP address.
        ip: A,
    },
    /// An address was not added: the table is full of static entries and entries in use, or the limit on unproven
    /// entries is reached.
    Refused {
        /// The IP address.
        ip: A,
    },
}

/// Counters of a table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NeighborCounts {
    /// Number of requests that were due.
    pub requests: u64,
    /// Number of requests that the device refused.
    pub requests_refused: u64,
    /// Number of resolutions that failed.
    pub failed: u64,
    /// Number of entries that expired.
    pub expired: u64,
    /// Number of entries that were evicted.
    pub evicted: u64,
    /// Number of addresses that were not added because the table was full.
    pub refused: u64,
    /// Number of packets that were returned unsent, for any reason.
    pub returned: u64,
    /// Number of events that were dropped because the queue was full.
    pub events_lost: u64,
}

/// Error of adding a static entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddError {
    /// The table is full of static entries and entries in use.
    Full,
    /// The MAC address is a group address, zero, or local.
    InvalidMac,
    /// No host may have the IP address.
    InvalidIp,
    /// The IP address is local.
    LocalIp,
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
    /// Returns the name, as `ip neigh` prints it.
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
            Self::Full => "neighbor table full of static entries and entries in use",
            Self::InvalidMac => "the MAC address is a group address, zero, or local",
            Self::InvalidIp => "the IP address is not that of a host",
            Self::LocalIp => "the IP address is local",
        })
    }
}

impl std::error::Error for AddError {}
