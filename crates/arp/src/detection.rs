//! Address conflict detection (RFC 5227) and link-local addresses (RFC 3927): claims, conflicts and defenses.

mod claim;
mod claims;
mod events;
mod link_local;
mod timer;

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use link::MacAddr;

pub(crate) use self::claims::Claims;

/// IP address, and the MAC address of the station that claims the IP address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The claimed IP address.
    pub ip: Ipv4Addr,
    /// The MAC address of the claiming station.
    pub mac: MacAddr,
}

/// Policy for address conflicts, in which another host uses a local address (RFC 5227 2.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Defense {
    /// Cease to use the address immediately (RFC 5227 2.4 (a)).
    Cease,
    /// Defend the address with one announcement. Cease to use the address if another conflict occurs within
    /// [`crate::constants::DEFEND_INTERVAL`] (RFC 5227 2.4 (b)).
    Once,
    /// Always defend the address, with at most one announcement per [`crate::constants::DEFEND_INTERVAL`] (RFC 5227 2.4
    /// (c)).
    ///
    /// This is the default. With the other policies, two forged packets are enough to end the use of an address.
    // spec: rfc5227-default
    #[default]
    Always,
}

/// Change of a claim to an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimEvent {
    /// Probing for the address started (RFC 5227 2.1).
    Probing {
        /// The IP address.
        ip: Ipv4Addr,
    },
    /// The address is local and in use (RFC 5227 2.3).
    Bound {
        /// The IP address.
        ip: Ipv4Addr,
        /// The local MAC address.
        mac: MacAddr,
    },
    /// Another host uses the address or probes for it too, so the claim ends (RFC 5227 2.1.1).
    ///
    /// The address may have been in use before, because a host probes for its address again when the link comes up.
    ProbeConflict {
        /// The IP address.
        ip: Ipv4Addr,
        /// MAC address of the other host.
        mac: MacAddr,
    },
    /// Another host uses the address. The address stays in use, and no announcement is sent because of a rate limit:
    /// [`crate::constants::DEFEND_INTERVAL`], or the limit over all addresses.
    Conflict {
        /// The IP address.
        ip: Ipv4Addr,
        /// MAC address of the other host.
        mac: MacAddr,
    },
    /// Another host uses the address. The address stays in use, and an announcement is due.
    Defended {
        /// The IP address.
        ip: Ipv4Addr,
        /// MAC address of the other host.
        mac: MacAddr,
    },
    /// Another host uses the address. The claim ends.
    Ceased {
        /// The IP address.
        ip: Ipv4Addr,
        /// MAC address of the other host.
        mac: MacAddr,
    },
}

impl ClaimEvent {
    /// Returns the claimed IP address.
    pub(crate) fn ip(self) -> Ipv4Addr {
        match self {
            Self::Probing { ip }
            | Self::Bound { ip, .. }
            | Self::ProbeConflict { ip, .. }
            | Self::Conflict { ip, .. }
            | Self::Defended { ip, .. }
            | Self::Ceased { ip, .. } => ip,
        }
    }
}

/// Way in which a host starts to use an address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StartMode {
    /// The address is in use immediately, and no packet is sent.
    #[default]
    Immediate,
    /// The address is in use immediately, and two announcements are sent (RFC 5227 2.3).
    Announce,
    /// The address is in use after probing without a conflict. Then two announcements are sent (RFC 5227 2.1, 2.3).
    Probe,
}

/// Network of link-local addresses (RFC 3927).
pub const LINK_LOCAL: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(169, 254, 0, 0), 16);

/// Returns the destination of an ARP packet from `local` to `station`.
///
/// Packets from link-local addresses are broadcast, so that two hosts with the same address detect the conflict
/// (RFC 3927 2.5).
pub fn destination(local: Ipv4Addr, station: MacAddr) -> MacAddr {
    // spec: rfc3927-broadcast
    if local.is_link_local() { MacAddr::BROADCAST } else { station }
}
