//! Validation of UDP headers (RFC 768). There are no sockets: a valid datagram is rejected with port unreachable.

use inet::IpProtocol;
use inet::checksum::Sum;
use ipv4::Datagram;
use tap::Checksum;

base::reasons! {
    /// Reason for which a UDP datagram was dropped.
    pub enum UdpDropReason {
        /// The IP datagram ends within the 8 bytes of the header.
        Truncated("truncated") = "shorter than a UDP header",
        /// The length is below 8 bytes, or exceeds the IP datagram.
        Length("length") = "UDP length below 8 bytes or beyond the datagram",
        /// The checksum is wrong.
        Checksum("bad_checksum") = "UDP checksum is wrong",
    }
}

/// Length of a header, in bytes.
const HEADER: usize = 8;

/// Checks length and checksum. A checksum that the device has verified, or that no device has completed because the
/// frame never left this machine, is not verified again.
pub(crate) fn check(datagram: &Datagram<'_>, checksum: Checksum) -> Result<(), UdpDropReason> {
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
