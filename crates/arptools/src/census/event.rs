//! Events of a census.

use std::fmt;
use std::time::Duration;

use link::{MacAddr, VlanId};

use super::VlanAddress;
use arp::ArpDropReason;

/// Event of a census. Repeatable events are rate limited by [`CensusSettings::repeat_after`](super::CensusSettings::repeat_after).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CensusEvent {
    /// An address is added: at its first packet, or at the first packet after its eviction.
    New {
        /// The address.
        address: VlanAddress,
        /// MAC address of its station.
        mac: MacAddr,
    },
    /// An address has moved to another MAC address, for example by a failover or with a new network card.
    Moved {
        /// The address.
        address: VlanAddress,
        /// Previous MAC address.
        from: MacAddr,
        /// New MAC address.
        to: MacAddr,
    },
    /// Two stations claim one address (RFC 5227 2.4): both answered one request, the address moved back within a
    /// second, or the address alternates between stations.
    Conflict {
        /// The address.
        address: VlanAddress,
        /// MAC address of the last claim.
        mac: MacAddr,
        /// MAC address of the claim before.
        other: MacAddr,
    },
    /// A station probes for an address before using it (RFC 5227 2.1).
    Probe {
        /// The address.
        address: VlanAddress,
        /// MAC address of the probing station.
        mac: MacAddr,
        /// MAC address of another station that has the address, if known.
        owner: Option<MacAddr>,
    },
    /// A station announces its address (RFC 5227 2.3).
    Announcement {
        /// The address.
        address: VlanAddress,
        /// MAC address of the announcing station.
        mac: MacAddr,
    },
    /// The sender in the packet differs from the source of the frame, for example because of an access point, a bond or
    /// a forged packet.
    Mismatch {
        /// Claimed address.
        address: VlanAddress,
        /// Sender MAC address in the packet.
        mac: MacAddr,
        /// Source of the frame.
        source: MacAddr,
    },
    /// A packet is invalid and was dropped.
    Invalid {
        /// Source of the frame.
        source: MacAddr,
        /// VLAN of the frame, if tagged.
        vlan: Option<VlanId>,
        /// Reason for the drop.
        reason: ArpDropReason,
    },
    /// An address had no packets for [`CensusSettings::gone_after`](super::CensusSettings::gone_after).
    Gone {
        /// The address.
        address: VlanAddress,
        /// MAC address that claimed the address last.
        mac: MacAddr,
    },
    /// An address that was gone is active again, with the same MAC address.
    Returned {
        /// The address.
        address: VlanAddress,
        /// MAC address of its station.
        mac: MacAddr,
        /// Time without packets.
        silence: Duration,
    },
    /// One station has many addresses, for example a proxy ARP gateway (RFC 1027) or a sender of forged packets.
    ManyAddresses {
        /// MAC address of the station.
        mac: MacAddr,
        /// Number of its addresses.
        addresses: u32,
    },
    /// Unusually many packets in one second, for example because of a scan or a fault.
    Flood {
        /// MAC address of the station, or none for the total of all stations.
        mac: Option<MacAddr>,
        /// Number of packets in this second so far.
        packets: u32,
    },
    /// An address was not added: the census is full and no entry can be evicted.
    Full {
        /// The address.
        address: VlanAddress,
        /// MAC address that claims the address.
        mac: MacAddr,
    },
    /// An address was evicted for a new address.
    Evicted {
        /// The address.
        address: VlanAddress,
    },
}

/// Classification of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Classification {
    /// The claim is known.
    Known,
    /// The claim is to a new address.
    New,
    /// The claim moves an address from another station.
    Moved {
        /// Previous MAC address.
        from: MacAddr,
    },
    /// The claim is to an address that another station claims too.
    Conflict {
        /// MAC address of the other station.
        other: MacAddr,
    },
    /// The claim is to an address that was gone.
    Returned,
    /// The packet is a probe, which claims no address.
    Probe,
    /// The claim was not recorded because the census is full.
    Full,
    /// The packet is invalid and was dropped.
    Dropped(ArpDropReason),
}

impl fmt::Display for Classification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known => f.write_str("known"),
            Self::New => f.write_str("new"),
            Self::Moved { from } => write!(f, "moved from {from}"),
            Self::Conflict { other } => write!(f, "conflict with {other}"),
            Self::Returned => f.write_str("returned"),
            Self::Probe => f.write_str("probe"),
            Self::Full => f.write_str("not recorded: address table full"),
            Self::Dropped(reason) => write!(f, "dropped: {reason}"),
        }
    }
}
