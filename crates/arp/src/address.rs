//! The use of IP addresses on a segment: which are local, how their use begins, and what happens in a conflict.

mod bindings;
mod claim;
mod claims;
mod link_local;
mod timer;

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use link::MacAddr;

pub(crate) use self::claims::Claims;

pub use self::bindings::{LocalBindings, LocalBindingsError};

/// An IP address, and the MAC address of the station that claims it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The claimed IP address.
    pub ip: Ipv4Addr,
    /// The MAC address of the claiming station.
    pub mac: MacAddr,
}

/// Policy in an address conflict: another host uses a local address (RFC 5227 2.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Defense {
    /// Give the address up at once: 2.4 (a).
    Cease,
    /// Defend by one announcement; cease if there is another conflict within
    /// [`crate::constants::DEFEND_INTERVAL`]: 2.4 (b).
    Once,
    /// Defend always, by at most one announcement per [`crate::constants::DEFEND_INTERVAL`]: 2.4 (c). For configured
    /// addresses: two forged packets must not silence a host.
    // spec: rfc5227-default
    #[default]
    Always,
}

/// Change of a claim to an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimEvent {
    /// Probing began: other hosts are asked whether they use the address (RFC 5227 2.1).
    Probing {
        /// The IP address.
        ip: Ipv4Addr,
    },
    /// The address is local, and in use from now on (RFC 5227 2.3).
    Bound {
        /// The IP address.
        ip: Ipv4Addr,
        /// The local MAC address.
        mac: MacAddr,
    },
    /// Another host has the address or probes for it too: the address is given up (RFC 5227 2.1.1). It was in use before
    /// if the link has become active since.
    ProbeConflict {
        /// The IP address.
        ip: Ipv4Addr,
        /// MAC address of the other host.
        mac: MacAddr,
    },
    /// Another host uses the address. No announcement is sent: the last defense is less than [`crate::constants::DEFEND_INTERVAL`] old, or
    /// too many addresses were defended lately. The address stays in use.
    Conflict {
        /// The IP address.
        ip: Ipv4Addr,
        /// MAC address of the other host.
        mac: MacAddr,
    },
    /// Another host uses the address. It is defended: an announcement is due.
    Defended {
        /// The IP address.
        ip: Ipv4Addr,
        /// MAC address of the other host.
        mac: MacAddr,
    },
    /// Another host uses the address. It is given up.
    Ceased {
        /// The IP address.
        ip: Ipv4Addr,
        /// MAC address of the other host.
        mac: MacAddr,
    },
}

/// How the use of an address begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StartMode {
    /// At once, without a packet.
    #[default]
    Immediate,
    /// At once, with two announcements (RFC 5227 2.3).
    Announce,
    /// After probing without a conflict, with two announcements (RFC 5227 2.1).
    Probe,
}

/// The network of link-local addresses (RFC 3927).
pub const LINK_LOCAL: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(169, 254, 0, 0), 16);

/// Returns the destination of a packet about a local address to one station. Packets about link-local addresses are
/// broadcast, so that two hosts with the same address find each other (RFC 3927 2.5).
pub fn destination(ours: Ipv4Addr, station: MacAddr) -> MacAddr {
    // spec: rfc3927-broadcast
    if ours.is_link_local() { MacAddr::BROADCAST } else { station }
}
