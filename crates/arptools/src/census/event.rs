//! What a census has to tell.

use std::fmt;
use std::time::Duration;

use link::{MacAddr, VlanId};

use super::VlanAddress;
use arp::ArpDropReason;

/// Something worth a word. Those with a time to them are told again only after a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CensusEvent {
    /// An address is heard for the first time.
    New {
        /// The address.
        address: VlanAddress,
        /// Who has it.
        mac: MacAddr,
    },
    /// An address is somewhere else now: another machine took it over, or the same one has another card.
    Moved {
        /// The address.
        address: VlanAddress,
        /// Who had it.
        from: MacAddr,
        /// Who has it.
        to: MacAddr,
    },
    /// Two stations claim one address (RFC 5227 2.4): both answered one request, or it came back at once from
    /// where it had moved to, or it goes to and fro.
    Conflict {
        /// The address.
        address: VlanAddress,
        /// Who claimed it last.
        mac: MacAddr,
        /// Who claimed it before.
        other: MacAddr,
    },
    /// Somebody asks whether an address is free before using it (RFC 5227 2.1).
    Probe {
        /// The address.
        address: VlanAddress,
        /// Who asks.
        mac: MacAddr,
        /// Who has it already, as far as was heard.
        owner: Option<MacAddr>,
    },
    /// Somebody tells all that an address is its own (RFC 5227 2.3).
    Announcement {
        /// The address.
        address: VlanAddress,
        /// Whose it is.
        mac: MacAddr,
    },
    /// A packet names another sender than the frame it came in: an access point, a bond, or a forger.
    Mismatch {
        /// The address that is claimed.
        address: VlanAddress,
        /// Whom the packet names.
        mac: MacAddr,
        /// Who sent the frame.
        source: MacAddr,
    },
    /// A packet that claims nothing anybody could believe.
    Invalid {
        /// Who sent the frame.
        source: MacAddr,
        /// In which VLAN.
        vlan: Option<VlanId>,
        /// What is odd about it.
        reason: ArpDropReason,
    },
    /// An address has not been heard for so long that it counts as gone.
    Gone {
        /// The address.
        address: VlanAddress,
        /// Who had it.
        mac: MacAddr,
    },
    /// An address that was gone is heard again, from the same station.
    Returned {
        /// The address.
        address: VlanAddress,
        /// Who has it.
        mac: MacAddr,
        /// How long nothing was heard.
        silence: Duration,
    },
    /// One station has many addresses: a gateway that answers for others (RFC 1027), or a forger.
    ManyAddresses {
        /// The station.
        mac: MacAddr,
        /// How many addresses it has now.
        addresses: u32,
    },
    /// So many packets in a second that somebody scans, or that something is broken.
    Flood {
        /// The station they are from; none if they are too many in all.
        mac: Option<MacAddr>,
        /// How many there were in the second so far.
        packets: u32,
    },
    /// There is no room for an address: nobody is gone whose place it could take.
    Full {
        /// The address.
        address: VlanAddress,
        /// Who claims it.
        mac: MacAddr,
    },
    /// An address that was gone is forgotten to make room.
    Evicted {
        /// The address.
        address: VlanAddress,
    },
}

/// What became of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Classification {
    /// It claims what was known.
    Known,
    /// It claims an address that was not known.
    New,
    /// It claims an address that somebody else had.
    Moved {
        /// Who had it.
        from: MacAddr,
    },
    /// It claims an address that somebody else claims too.
    Conflict {
        /// Who does.
        other: MacAddr,
    },
    /// It claims an address that was gone.
    Returned,
    /// It is a probe, and claims nothing.
    Probe,
    /// It claims an address for which there is no room.
    Full,
    /// It claims nothing anybody could believe.
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
            Self::Full => f.write_str("turned away: the census is full"),
            Self::Dropped(reason) => write!(f, "dropped: {reason}"),
        }
    }
}
