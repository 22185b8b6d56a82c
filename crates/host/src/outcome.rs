//! What became of a frame.

use std::fmt;

use icmp::IcmpError;
use link::EtherType;

use crate::{TxDropReason, UdpDropReason};

/// What a host made of one frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameOutcome {
    /// An ARP packet was taken in.
    Arp(arp::Received),
    /// A datagram was taken in.
    Ipv4(DatagramOutcome),
    /// The frame was turned away.
    Dropped(DropReason),
}

/// What became of a datagram that was not turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatagramOutcome {
    /// A fragment waits for the rest of its datagram.
    FragmentStored,
    /// An echo request was answered.
    EchoReplied,
    /// An answer, or an error about a datagram of ours: an event tells.
    Reported,
    /// It was refused. An ICMP error was sent if RFC 1122 and the rate limits allow one.
    Rejected(IcmpError),
}

/// Why a frame was turned away, and by which layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DropReason {
    /// By the link layer.
    Link(link::LinkDropReason),
    /// By ARP.
    Arp(arp::Dropped),
    /// By IPv4.
    Ipv4(ipv4::Ipv4DropReason),
    /// By ICMP.
    Icmp(icmp::IcmpDropReason),
    /// A UDP datagram whose header is wrong.
    Udp(UdpDropReason),
    /// Nobody here speaks the protocol.
    UnsupportedEtherType(EtherType),
    /// A datagram for an address of ours that is not in use.
    AddressNotInUse,
    /// To one of our stations, for the protocol address of another.
    WrongMac,
    /// A datagram to a broadcast address or a group that nobody here wants.
    NoListener,
    /// An answer was due, and there is no way to its destination.
    NoRoute,
    /// An answer was due, and could not be sent.
    Transmit(TxDropReason),
}

impl FrameOutcome {
    /// Why the frame was turned away, if it was.
    pub fn dropped(self) -> Option<DropReason> {
        match self {
            Self::Dropped(reason) => Some(reason),
            Self::Arp(_) | Self::Ipv4(_) => None,
        }
    }
}

impl From<link::LinkDropReason> for DropReason {
    fn from(reason: link::LinkDropReason) -> Self {
        Self::Link(reason)
    }
}

impl From<arp::Dropped> for DropReason {
    fn from(reason: arp::Dropped) -> Self {
        Self::Arp(reason)
    }
}

impl From<ipv4::Ipv4DropReason> for DropReason {
    fn from(reason: ipv4::Ipv4DropReason) -> Self {
        Self::Ipv4(reason)
    }
}

impl From<icmp::IcmpDropReason> for DropReason {
    fn from(reason: icmp::IcmpDropReason) -> Self {
        Self::Icmp(reason)
    }
}

impl From<UdpDropReason> for DropReason {
    fn from(reason: UdpDropReason) -> Self {
        Self::Udp(reason)
    }
}

impl From<TxDropReason> for DropReason {
    fn from(reason: TxDropReason) -> Self {
        Self::Transmit(reason)
    }
}

impl fmt::Display for FrameOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Arp(received) => received.fmt(f),
            Self::Ipv4(taken) => taken.fmt(f),
            Self::Dropped(reason) => write!(f, "dropped: {reason}"),
        }
    }
}

impl fmt::Display for DatagramOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FragmentStored => f.write_str("kept, until the rest of its datagram comes"),
            Self::EchoReplied => f.write_str("answered"),
            Self::Reported => f.write_str("taken in, and told"),
            Self::Rejected(problem) => write!(f, "refused: {problem}"),
        }
    }
}

impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Link(reason) => reason.fmt(f),
            Self::Arp(reason) => reason.fmt(f),
            Self::Ipv4(reason) => reason.fmt(f),
            Self::Icmp(reason) => reason.fmt(f),
            Self::Udp(reason) => reason.fmt(f),
            Self::UnsupportedEtherType(ether_type) => write!(f, "nobody here speaks {ether_type}"),
            Self::AddressNotInUse => f.write_str("the address is not in use"),
            Self::WrongMac => f.write_str("sent to another station than the destination's"),
            Self::NoListener => f.write_str("nobody here wants it"),
            Self::NoRoute => f.write_str("no way leads to whoever is to be answered"),
            Self::Transmit(reason) => reason.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests;
