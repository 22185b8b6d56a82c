//! Received UDP datagrams (RFC 768): validation of the header, and rejection without a socket.

use icmp::IcmpError;
use inet::IpProtocol;
use inet::checksum::Sum;
use ipv4::Datagram;
use tap::Checksum;

use crate::interface::Context;
use crate::outcome::{FrameOutcome, UdpDropReason};
use crate::reply::{Action, ReceivedPacket, reject};

/// Length of a header, in bytes.
const HEADER: usize = 8;

/// Handles a UDP datagram. A datagram with an invalid header is dropped without an ICMP error.
pub(crate) fn receive(cx: &mut Context<'_>, packet: &ReceivedPacket<'_>) -> Action {
    if let Err(reason) = check(&packet.datagram, packet.frame.checksum) {
        // spec: drops-counted
        cx.interface.udp_dropped.count(reason);
        return Action::Done(FrameOutcome::Dropped(reason.into()));
    }
    // The host has no UDP sockets, so no socket has this port.
    // spec: rfc1122-port-unreachable
    reject(cx, packet, IcmpError::PORT_UNREACHABLE)
}

/// Checks length and checksum. A checksum that the device has verified is not verified again. The same applies to an
/// incomplete checksum of a frame that never left this computer.
fn check(datagram: &Datagram<'_>, checksum: Checksum) -> Result<(), UdpDropReason> {
    let payload = datagram.payload();
    let Some(([_, _, _, _, l, m, c, d], _)) = payload.split_first_chunk::<HEADER>() else {
        return Err(UdpDropReason::Truncated);
    };
    // spec: rfc768-length
    let length = u16::from_be_bytes([*l, *m]);
    let bytes = payload.get(..usize::from(length)).filter(|bytes| bytes.len() >= HEADER);
    let bytes = bytes.ok_or(UdpDropReason::Length)?;
    // RFC 768: "An all zero transmitted checksum value means that the transmitter generated no checksum".
    // spec: rfc768-no-checksum, partial-checksum
    if [*c, *d] == [0, 0] || checksum != Checksum::None {
        return Ok(());
    }
    // RFC 1122 4.1.3.4: "If a UDP datagram is received with a checksum that is non-zero and invalid, UDP MUST
    // silently discard the datagram."
    // spec: rfc1122-udp-checksum
    let pseudo_header = Sum::default()
        .plus(&datagram.source().octets())
        .plus(&datagram.destination().octets())
        .plus_word(IpProtocol::UDP.0.into())
        .plus_word(length);
    if pseudo_header.plus(bytes).checksum() == 0 { Ok(()) } else { Err(UdpDropReason::Checksum) }
}
