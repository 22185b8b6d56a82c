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

/// Who claims what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The protocol address that is claimed.
    pub ip: Ipv4Addr,
    /// The hardware address of the station that claims it.
    pub mac: MacAddr,
}

/// What to do when somebody else uses an address that we use (RFC 5227 2.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Defense {
    /// Cease at once: 2.4 (a).
    Cease,
    /// Defend by one announcement; cease if there is another conflict within
    /// [`crate::constants::DEFEND_INTERVAL`]: 2.4 (b).
    Once,
    /// Defend for ever, by one announcement per [`crate::constants::DEFEND_INTERVAL`] at most: 2.4 (c). For an address
    /// that a person configured: two forged packets must not silence a host.
    // spec: rfc5227-default
    #[default]
    Always,
}

/// What became of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimEvent {
    /// Others are asked whether they have the address (RFC 5227 2.1).
    Probing {
        /// The protocol address.
        ip: Ipv4Addr,
    },
    /// The address is ours, and in use from now on (RFC 5227 2.3).
    Bound {
        /// The protocol address.
        ip: Ipv4Addr,
        /// Our hardware address.
        mac: MacAddr,
    },
    /// Another host has the address or probes for it too: the address is given up (RFC 5227 2.1.1). It was in use before
    /// if the link has become active since.
    ProbeConflict {
        /// The protocol address.
        ip: Ipv4Addr,
        /// Who else wants it.
        mac: MacAddr,
    },
    /// Another host uses the address. No announcement is sent: the last defense is less than [`crate::constants::DEFEND_INTERVAL`] old, or
    /// too many addresses were defended lately. The address stays in use.
    Conflict {
        /// The protocol address.
        ip: Ipv4Addr,
        /// Who else uses it.
        mac: MacAddr,
    },
    /// Somebody else uses the address, and we defend it: an announcement is due.
    Defended {
        /// The protocol address.
        ip: Ipv4Addr,
        /// Who else uses it.
        mac: MacAddr,
    },
    /// Somebody else uses the address, and we no longer do.
    Ceased {
        /// The protocol address.
        ip: Ipv4Addr,
        /// Who has it now.
        mac: MacAddr,
    },
}

/// How the use of an address begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StartMode {
    /// At once, without a word.
    #[default]
    Immediate,
    /// At once, with two announcements (RFC 5227 2.3).
    Announce,
    /// By probing, and then with two announcements, if nobody objects (RFC 5227 2.1).
    Probe,
}

/// The network that an address of one's own choice is in (RFC 3927).
pub const LINK_LOCAL: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(169, 254, 0, 0), 16);

/// Where a packet about an address of ours goes that is meant for one station: where the address is
/// link-local, to all, for that is how two hosts with the same one find each other (RFC 3927 2.5).
pub fn destination(ours: Ipv4Addr, station: MacAddr) -> MacAddr {
    // spec: rfc3927-broadcast
    if ours.is_link_local() { MacAddr::BROADCAST } else { station }
}
