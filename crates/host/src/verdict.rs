//! What became of a frame.

use std::fmt;

use icmp::Problem;
use link::EtherType;

use crate::{NotSent, UdpDropped};

/// What a host made of one frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// An ARP packet was taken in.
    Arp(arp::Received),
    /// A datagram was taken in.
    Ipv4(Taken),
    /// The frame was turned away.
    Dropped(Dropped),
}

/// What became of a datagram that was not turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// A fragment waits for the rest of its datagram.
    Kept,
    /// An echo request was answered.
    Answered,
    /// An answer, or an error about a datagram of ours: an event tells.
    Told,
    /// It was refused. An ICMP error was sent if RFC 1122 and the rate limits allow one.
    Refused(Problem),
}

/// Why a frame was turned away, and by which layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dropped {
    /// By the link layer.
    Link(link::Dropped),
    /// By ARP.
    Arp(arp::Dropped),
    /// By IPv4.
    Ipv4(ipv4::Dropped),
    /// By ICMP.
    Icmp(icmp::Dropped),
    /// A UDP datagram whose header is wrong.
    Udp(UdpDropped),
    /// Nobody here speaks the protocol.
    Protocol(EtherType),
    /// A datagram for an address of ours that is not in use.
    NotInUse,
    /// To one of our stations, for the protocol address of another.
    WrongStation,
    /// A datagram to a broadcast address or a group that nobody here wants.
    Unwanted,
    /// An answer was due, and there is no way to its destination.
    NoRoute,
    /// An answer was due, and could not be sent.
    NotSent(NotSent),
}

impl Verdict {
    /// Why the frame was turned away, if it was.
    pub fn dropped(self) -> Option<Dropped> {
        match self {
            Self::Dropped(reason) => Some(reason),
            Self::Arp(_) | Self::Ipv4(_) => None,
        }
    }
}

impl From<link::Dropped> for Dropped {
    fn from(reason: link::Dropped) -> Self {
        Self::Link(reason)
    }
}

impl From<arp::Dropped> for Dropped {
    fn from(reason: arp::Dropped) -> Self {
        Self::Arp(reason)
    }
}

impl From<ipv4::Dropped> for Dropped {
    fn from(reason: ipv4::Dropped) -> Self {
        Self::Ipv4(reason)
    }
}

impl From<icmp::Dropped> for Dropped {
    fn from(reason: icmp::Dropped) -> Self {
        Self::Icmp(reason)
    }
}

impl From<UdpDropped> for Dropped {
    fn from(reason: UdpDropped) -> Self {
        Self::Udp(reason)
    }
}

impl From<NotSent> for Dropped {
    fn from(reason: NotSent) -> Self {
        Self::NotSent(reason)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Arp(received) => received.fmt(f),
            Self::Ipv4(taken) => taken.fmt(f),
            Self::Dropped(reason) => write!(f, "dropped: {reason}"),
        }
    }
}

impl fmt::Display for Taken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kept => f.write_str("kept, until the rest of its datagram comes"),
            Self::Answered => f.write_str("answered"),
            Self::Told => f.write_str("taken in, and told"),
            Self::Refused(problem) => write!(f, "refused: {problem}"),
        }
    }
}

impl fmt::Display for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Link(reason) => reason.fmt(f),
            Self::Arp(reason) => reason.fmt(f),
            Self::Ipv4(reason) => reason.fmt(f),
            Self::Icmp(reason) => reason.fmt(f),
            Self::Udp(reason) => reason.fmt(f),
            Self::Protocol(ether_type) => write!(f, "nobody here speaks {ether_type}"),
            Self::NotInUse => f.write_str("the address is not in use"),
            Self::WrongStation => f.write_str("sent to another station than the destination's"),
            Self::Unwanted => f.write_str("nobody here wants it"),
            Self::NoRoute => f.write_str("no way leads to whoever is to be answered"),
            Self::NotSent(reason) => reason.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests;
