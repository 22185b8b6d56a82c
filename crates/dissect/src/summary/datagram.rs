//! One-line summary of an IPv4 datagram or fragment.

use std::fmt::{Result, Write};

use inet::IpProtocol;
use ipv4::Datagram;

use super::segment::{self, Addresses, SegmentData};
use super::{dhcp, dns, message};
use crate::conversation::TcpConversations;
use crate::frame::data_length;
use crate::layout::UDP_HEADER;
use crate::udp::{Application, UdpDatagram};

/// Writes the summary of a frame's payload that was `length` bytes long on the wire. Lengths come from the headers, even if
/// the capture truncated the frame.
pub(super) fn write(
    line: &mut String,
    payload: &[u8],
    length: usize,
    verbose: bool,
    conversations: &mut TcpConversations,
) -> Result {
    let Some(datagram) = Datagram::parse_lenient(payload) else { return write!(line, "length {length}") };
    if verbose {
        write_header(line, &datagram)?;
    }
    write_data(line, &datagram, data_length(&datagram, length), verbose, conversations)
}

/// Writes the fields of the header on a separate line.
fn write_header(line: &mut String, datagram: &Datagram<'_>) -> Result {
    let congestion = match datagram.type_of_service() & 3 {
        0 => "",
        1 => ",ECT(1)",
        2 => ",ECT(0)",
        _ => ",CE",
    };
    let flags = [
        (datagram.more_fragments(), "+"),
        (datagram.dont_fragment(), "DF"),
        (is_reserved_set(datagram), "rsvd"),
    ];
    let flags: Vec<_> = flags.into_iter().filter(|(is_set, _)| *is_set).map(|(_, name)| name).collect();
    let flags = if flags.is_empty() { "none".to_owned() } else { flags.join(", ") };
    write!(
        line,
        "(tos {:#x}{congestion}, ttl {}, id {}, offset {}, flags [{flags}], proto {}, length {}",
        datagram.type_of_service(),
        datagram.time_to_live(),
        datagram.identification(),
        datagram.fragment_offset(),
        datagram.protocol(),
        datagram.total_length(),
    )?;
    if !datagram.options().is_empty() {
        write!(line, ", options of {} bytes", datagram.options().len())?;
    }
    line.write_str(")\n    ")
}

/// Returns whether the reserved flag is set (RFC 791 3.1: "reserved, must be zero").
fn is_reserved_set(datagram: &Datagram<'_>) -> bool {
    datagram.bytes().get(6).is_some_and(|byte| byte & 0x80 != 0)
}

/// Writes the summary of a datagram's data, which is `length` bytes long according to the header.
fn write_data(
    line: &mut String,
    datagram: &Datagram<'_>,
    length: usize,
    verbose: bool,
    conversations: &mut TcpConversations,
) -> Result {
    let (from, to) = (datagram.source(), datagram.destination());
    let data = datagram.payload();
    match datagram.protocol() {
        IpProtocol(number) if datagram.fragment_offset() > 0 => {
            write!(line, "{from} > {to}: ip-proto-{number}")
        }
        IpProtocol::ICMP => {
            write!(line, "{from} > {to}: ICMP")?;
            message::write(line, data, length)
        }
        IpProtocol::UDP => write_udp(line, (from.into(), to.into()), data, length, datagram.is_fragment()),
        IpProtocol::TCP => {
            let addresses = (from.into(), to.into());
            write_addresses(line, addresses, data)?;
            let data = SegmentData { addresses, bytes: data, length, is_fragment: datagram.is_fragment() };
            segment::write(line, &data, verbose, conversations)
        }
        // tcpdump prints two spaces here.
        IpProtocol(number) => write!(line, "{from} > {to}:  ip-proto-{number} {length}"),
    }
}

/// Writes both addresses, with the ports if they were captured.
pub(super) fn write_addresses(line: &mut String, (from, to): Addresses, bytes: &[u8]) -> Result {
    match bytes.first_chunk() {
        Some([a, b, c, d]) => {
            let (source, destination) = (u16::from_be_bytes([*a, *b]), u16::from_be_bytes([*c, *d]));
            write!(line, "{from}.{source} > {to}.{destination}: ")
        }
        None => write!(line, "{from} > {to}: "),
    }
}

/// Writes the summary of a UDP datagram with `length` bytes according to the IP header.
pub(super) fn write_udp(
    line: &mut String,
    addresses: Addresses,
    bytes: &[u8],
    length: usize,
    is_fragment: bool,
) -> Result {
    write_addresses(line, addresses, bytes)?;
    let present = length.saturating_sub(UDP_HEADER);
    match UdpDatagram::parse(bytes, length, is_fragment) {
        UdpDatagram::Truncated => write!(line, "UDP, length {present}"),
        UdpDatagram::BelowHeader(claimed) => write!(line, "truncated-udplength {claimed}"),
        UdpDatagram::BeyondDatagram(claimed) => write!(line, "UDP, bad length {claimed} > {present}"),
        UdpDatagram::Valid { length, data, application } => match application {
            Some(Application::Dns(message)) => dns::write(line, &message, length),
            Some(Application::Dhcp) => dhcp::write(line, data, length),
            None => write!(line, "UDP, length {length}"),
        },
    }
}
