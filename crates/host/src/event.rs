//! Events of a host.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use icmp::{IcmpError, QuotedDatagram};
use inet::{InterfaceId, IpProtocol};

use crate::echo::EchoReply;

/// An event of a host, taken with [`Host::take_event`](crate::Host::take_event).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostEvent {
    /// An event of a neighbor or of a local address, on this interface.
    Arp(InterfaceId, arp::ArpEvent),
    /// An echo reply was received.
    EchoReply(EchoReply),
    /// A datagram of the host was not delivered.
    DeliveryFailed(DeliveryFailure),
}

impl HostEvent {
    /// Returns the interface of the event.
    pub fn interface(&self) -> InterfaceId {
        match self {
            Self::Arp(interface, _) => *interface,
            Self::EchoReply(reply) => reply.interface,
            Self::DeliveryFailed(failure) => failure.interface,
        }
    }
}

/// A datagram of the host that was not delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeliveryFailure {
    /// Interface of the source address.
    pub interface: InterfaceId,
    /// Sender of the ICMP error, or the host's own address if the next hop did not answer.
    pub from: IpAddr,
    /// The reported problem.
    pub problem: IcmpError,
    /// Source address of the datagram.
    pub source: IpAddr,
    /// Destination address of the datagram.
    pub destination: IpAddr,
    /// Protocol of the datagram's payload.
    pub protocol: IpProtocol,
    /// Identifier and sequence number, if the datagram was an echo request.
    pub echo: Option<(u16, u16)>,
}

impl DeliveryFailure {
    pub(crate) fn new(
        interface: InterfaceId,
        from: Ipv4Addr,
        problem: IcmpError,
        about: &QuotedDatagram<'_>,
    ) -> DeliveryFailure {
        DeliveryFailure {
            interface,
            from: from.into(),
            problem,
            source: about.source().into(),
            destination: about.destination().into(),
            protocol: about.protocol(),
            echo: about.echo(),
        }
    }
}

impl fmt::Display for DeliveryFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let DeliveryFailure { from, problem, source, destination, protocol, .. } = self;
        write!(f, "{protocol} from {source} to {destination}: {problem} (reported by {from})")
    }
}
