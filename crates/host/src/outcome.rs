//! Outcomes of receiving and sending.

use std::fmt;

use base::Reason;
use icmp::IcmpError;
use link::EtherType;

use crate::sockets::{DatagramSocketKind, SocketDropReason};

/// Outcome of a received frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameOutcome {
    /// An ARP packet was accepted.
    Arp(arp::Reception),
    /// An IPv4 datagram was accepted.
    Ipv4(DatagramOutcome),
    /// The frame was dropped.
    Dropped(DropReason),
}

/// Outcome of an accepted datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatagramOutcome {
    /// A fragment was stored, and its datagram is still incomplete.
    FragmentStored,
    /// An echo request was answered.
    EchoReplied,
    /// The datagram was delivered to a socket, or a broadcast was delivered to one or more sockets.
    Delivered,
    /// An ICMP error about a datagram of a socket was reported to the socket.
    Reported,
    /// A TCP segment was accepted.
    Segment,
    /// The datagram was rejected. An ICMP error was sent if RFC 1122 and the rate limits allow the error.
    Rejected(IcmpError),
}

/// Reason for which a received frame was dropped, and the layer that dropped it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DropReason {
    /// Dropped by the link layer.
    Link(link::LinkDropReason),
    /// Dropped by ARP.
    Arp(arp::ArpDropReason),
    /// Dropped by IPv4.
    Ipv4(ipv4::Ipv4DropReason),
    /// Dropped by ICMP.
    Icmp(icmp::IcmpDropReason),
    /// Dropped by UDP.
    Udp(udp::UdpDropReason),
    /// Dropped by TCP.
    Tcp(tcp::TcpDropReason),
    /// The EtherType is not supported.
    UnsupportedEtherType(EtherType),
    /// The host has no interface on the port.
    NoInterface,
    /// The destination is a local address that is not in use.
    AddressNotInUse,
    /// The destination IP address and MAC address are of different local hosts.
    WrongMac,
    /// A broadcast or multicast datagram without a listener.
    NoListener,
    /// An echo reply or ICMP error, and no socket has sent the datagram.
    NoSocket,
    /// Dropped by a socket of this kind.
    Socket(DatagramSocketKind, SocketDropReason),
    /// The host has no route to the destination of the reply or ICMP error.
    NoRoute,
    /// The reply or ICMP error could not be sent.
    Transmit(TxDropReason),
}

/// Outcome of sending a payload or a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendOutcome {
    /// The packet is in a transmit queue.
    Queued,
    /// The packet is pending until the next hop is resolved. If the resolution fails, the packet is returned to the
    /// pool, and an event reports the failure.
    Pending,
    /// The host has no route to the destination. The packet was returned to the pool.
    NoRoute,
    /// The packet was returned to the pool, and the reason was counted.
    Dropped(TxDropReason),
}

base::reasons! {
    /// Reason for which a frame was not sent.
    pub enum TxDropReason {
        /// The host has no address in use, or the source address is no longer in use.
        NoSourceAddress("no_source_address") = "no source address in use",
        /// The source or destination is an IPv6 address.
        Ipv6("ipv6_not_supported") = "IPv6 is not supported",
        /// The transmit queue has no capacity for the packet.
        TxQueueFull("transmit_queue_full") = "transmit queue full",
        /// All frames of the pool are in use.
        NoFrame("no_free_frame") = "no free frame in the pool",
        /// The next hop is not in the ARP cache, and the cache has no capacity for a new entry or for the packet.
        NextHopUnresolved("next_hop_unresolved") = "no capacity to resolve the next hop",
        /// The packet is longer than the MTU and cannot be fragmented, or longer than a frame of the pool.
        TooLong("packet_too_long") = "packet too long to send",
    }
}

impl FrameOutcome {
    /// Returns the reason if the frame was dropped.
    pub fn dropped(self) -> Option<DropReason> {
        match self {
            Self::Dropped(reason) => Some(reason),
            Self::Arp(_) | Self::Ipv4(_) => None,
        }
    }
}

impl DropReason {
    /// Returns the layer that dropped the frame, as in [`Counter::layer`](crate::Counter::layer).
    pub fn layer(self) -> &'static str {
        match self {
            Self::Link(_) => "link",
            Self::Arp(_) => "arp",
            Self::Ipv4(_) | Self::NoRoute => "ipv4",
            Self::Icmp(_) | Self::NoSocket => "icmp",
            Self::Socket(kind, _) => kind.layer(),
            Self::Udp(_) => "udp",
            Self::Tcp(_) => "tcp",
            Self::UnsupportedEtherType(_)
            | Self::NoInterface
            | Self::AddressNotInUse
            | Self::WrongMac
            | Self::NoListener
            | Self::Transmit(_) => "host",
        }
    }

    /// Returns the name of the counter that counts the drop: an identifier in snake case, unique in its layer.
    pub fn name(self) -> &'static str {
        match self {
            Self::Link(reason) => reason.name(),
            Self::Arp(reason) => reason.name(),
            Self::Ipv4(reason) => reason.name(),
            Self::Icmp(reason) => reason.name(),
            Self::Udp(reason) => reason.name(),
            Self::Tcp(reason) => reason.name(),
            Self::UnsupportedEtherType(_) => "unsupported_ethertype",
            Self::NoInterface => "no_interface",
            Self::AddressNotInUse => "address_not_in_use",
            Self::WrongMac => "wrong_destination_mac",
            Self::NoListener => "no_listener",
            Self::NoSocket => "no_socket",
            Self::Socket(_, reason) => reason.name(),
            Self::NoRoute => "no_route",
            Self::Transmit(reason) => reason.name(),
        }
    }
}

impl From<link::LinkDropReason> for DropReason {
    fn from(reason: link::LinkDropReason) -> Self {
        Self::Link(reason)
    }
}

impl From<arp::ArpDropReason> for DropReason {
    fn from(reason: arp::ArpDropReason) -> Self {
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

impl From<udp::UdpDropReason> for DropReason {
    fn from(reason: udp::UdpDropReason) -> Self {
        Self::Udp(reason)
    }
}

impl From<tcp::TcpDropReason> for DropReason {
    fn from(reason: tcp::TcpDropReason) -> Self {
        Self::Tcp(reason)
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
            Self::Ipv4(outcome) => outcome.fmt(f),
            Self::Dropped(reason) => write!(f, "dropped: {reason}"),
        }
    }
}

impl fmt::Display for DatagramOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FragmentStored => f.write_str("fragment stored until its datagram is complete"),
            Self::EchoReplied => f.write_str("answered"),
            Self::Delivered => f.write_str("delivered to a socket"),
            Self::Reported => f.write_str("reported to a socket"),
            Self::Segment => f.write_str("accepted by TCP"),
            Self::Rejected(problem) => write!(f, "rejected: {problem}"),
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
            Self::Tcp(reason) => reason.fmt(f),
            Self::UnsupportedEtherType(ether_type) => write!(f, "unsupported EtherType {ether_type}"),
            Self::NoInterface => f.write_str("no interface on the port"),
            Self::AddressNotInUse => f.write_str("destination address not in use"),
            Self::WrongMac => f.write_str("destination MAC address is of another local host"),
            Self::NoListener => f.write_str("broadcast or multicast, no listener"),
            Self::NoSocket => f.write_str("no socket for the echo reply or ICMP error"),
            Self::Socket(_, reason) => reason.fmt(f),
            Self::NoRoute => f.write_str("no route to the requester"),
            Self::Transmit(reason) => reason.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests;
