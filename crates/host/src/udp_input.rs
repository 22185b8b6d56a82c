//! Received UDP datagrams: validation, and rejection without a socket.

use icmp::IcmpError;
use udp::UdpDatagram;

use crate::interface::Context;
use crate::outcome::FrameOutcome;
use crate::reply::{Action, ReceivedPacket, reject};

/// Handles a UDP datagram. An invalid datagram is dropped without an ICMP error.
pub(crate) fn receive(cx: &mut Context<'_>, packet: &ReceivedPacket<'_>) -> Action {
    let addresses = (packet.datagram.source(), packet.datagram.destination());
    if let Err(reason) = UdpDatagram::parse(packet.datagram.payload(), addresses, packet.frame.checksum) {
        // spec: drops-counted
        cx.interface.udp_dropped.count(reason);
        return Action::Done(FrameOutcome::Dropped(reason.into()));
    }
    // The host has no UDP sockets, so no socket has this port.
    // spec: rfc1122-port-unreachable
    reject(cx, packet, IcmpError::PORT_UNREACHABLE)
}
