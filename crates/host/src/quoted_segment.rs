//! TCP segments that the host has sent, as others quote them.

use std::net::{Ipv4Addr, SocketAddrV4};

use icmp::QuotedDatagram;
use inet::{InterfaceId, IpProtocol};
use link::EtherType;
use tcp::{QuotedSegment, SequenceNumber};

use crate::interface::{Context, PendingPacket};

/// Returns the segment in a quoted datagram.
pub(crate) fn of(interface: InterfaceId, quoted: &QuotedDatagram<'_>) -> Option<QuotedSegment> {
    let (local_port, peer_port) = quoted.ports()?;
    Some(QuotedSegment {
        interface,
        local: SocketAddrV4::new(quoted.source(), local_port),
        peer: SocketAddrV4::new(quoted.destination(), peer_port),
        sequence: SequenceNumber::new(quoted.tcp_sequence()?),
    })
}

/// Reports a packet that is dropped because its next hop is not resolved, if the packet has a segment of a connection.
// spec: tcp-unresolved
pub(crate) fn report_unresolved(cx: &mut Context<'_>, hop: Ipv4Addr, packet: &PendingPacket) {
    if packet.ether_type == EtherType::IPV4
        && let Some(quoted) = QuotedDatagram::parse(packet.frame.bytes())
        && quoted.protocol() == IpProtocol::TCP
        && let Some(segment) = of(cx.interface.id, &quoted)
    {
        cx.shared.tcp.unresolved(&segment, hop);
    }
}
