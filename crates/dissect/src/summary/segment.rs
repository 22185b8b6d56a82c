//! One-line summary of a TCP segment, written after its addresses and ports.

use std::fmt::{Result, Write};
use std::net::{IpAddr, SocketAddr};

use inet::IpProtocol;
use inet::checksum::Sum;
use tcp::{Flags, SackBlocks, SequenceNumber, TcpHeader, TcpOption, TcpOptions};
use zerocopy::FromBytes;

use crate::conversation::{SegmentNumbers, TcpConversations};

/// Source and destination of a datagram.
pub(super) type Addresses = (IpAddr, IpAddr);

/// Letters of the flags, from the lowest bit.
const FLAG_LETTERS: [(Flags, char); 8] = [
    (Flags::FIN, 'F'),
    (Flags::SYN, 'S'),
    (Flags::RST, 'R'),
    (Flags::PSH, 'P'),
    (Flags::ACK, '.'),
    (Flags::URG, 'U'),
    (Flags::ECE, 'E'),
    (Flags::CWR, 'W'),
];

/// Ports on which data is shown as HTTP.
const HTTP_PORTS: [u16; 2] = [80, 8_080];
/// Maximum length of the first line of an HTTP message, in bytes.
const HTTP_LINE: usize = 256;
/// Offset of the checksum in a header, in bytes.
const CHECKSUM: usize = 16;

/// The data of a datagram that contains a segment.
pub(super) struct SegmentData<'a> {
    pub(super) addresses: Addresses,
    /// The captured bytes.
    pub(super) bytes: &'a [u8],
    /// Length according to the header of the datagram.
    pub(super) length: usize,
    pub(super) is_fragment: bool,
}

/// Writes the summary of a segment. If no valid header was captured, only the length is written.
pub(super) fn write(
    line: &mut String,
    data: &SegmentData<'_>,
    verbose: bool,
    conversations: &mut TcpConversations,
) -> Result {
    let offset = data.bytes.get(12).map(|byte| usize::from(byte >> 4) * 4);
    let text = offset
        .and_then(|offset| data.length.checked_sub(offset))
        .filter(|_| offset >= Some(TcpHeader::LENGTH));
    if let (Ok((header, _)), Some(text)) = (TcpHeader::ref_from_prefix(data.bytes), text) {
        return write_segment(line, data, header, text, verbose, conversations);
    }
    line.push_str("TCP");
    let length = text.or_else(|| offset.map(|_| data.length));
    length.map_or(Ok(()), |length| write!(line, ", length {length}"))
}

/// Writes the summary of a segment with a valid header and `length` bytes of data.
fn write_segment(
    line: &mut String,
    data: &SegmentData<'_>,
    header: &TcpHeader,
    length: usize,
    verbose: bool,
    conversations: &mut TcpConversations,
) -> Result {
    let flags = Flags::from_bits(header.flags);
    write_flags(line, flags)?;
    if verbose && !data.is_fragment && data.bytes.len() >= data.length {
        write_checksum(line, data, header.checksum.get())?;
    }
    let numbers = numbers(data.addresses, header, conversations);
    if length > 0 || [Flags::SYN, Flags::FIN, Flags::RST].into_iter().any(|flag| flags.contains(flag)) {
        write!(line, ", seq {}", numbers.sequence.value())?;
    }
    if length > 0 {
        let length = u32::try_from(length).unwrap_or(u32::MAX);
        write!(line, ":{}", numbers.sequence.plus(length).value())?;
    }
    if flags.contains(Flags::ACK) {
        write!(line, ", ack {}", numbers.acknowledgment.value())?;
    }
    write!(line, ", win {}", header.window)?;
    if flags.contains(Flags::URG) {
        write!(line, ", urg {}", header.urgent_pointer)?;
    }
    let header_length = header.header_length();
    let captured = data.bytes.get(..header_length).unwrap_or(data.bytes);
    let options = captured.get(TcpHeader::LENGTH..).unwrap_or_default();
    if !options.is_empty() {
        write_options(line, options, numbers.peer_start, captured.len() < header_length)?;
    }
    write!(line, ", length {length}")?;
    let is_http =
        [header.source_port, header.destination_port].iter().any(|port| HTTP_PORTS.contains(&port.get()));
    if is_http && length > 0 {
        write_http(line, data.bytes.get(header_length..).unwrap_or_default())?;
    }
    Ok(())
}

fn write_flags(line: &mut String, flags: Flags) -> Result {
    let letters = FLAG_LETTERS.iter().filter(|(flag, _)| flags.contains(*flag)).map(|(_, letter)| letter);
    let letters: String = letters.collect();
    write!(line, "Flags [{}]", if letters.is_empty() { "none" } else { &letters })
}

/// Writes the checksum, and the expected checksum if they differ. The kernel leaves the checksums of its own segments to
/// the device, so captures of such segments have other checksums.
fn write_checksum(line: &mut String, data: &SegmentData<'_>, found: u16) -> Result {
    let (from, to) = data.addresses;
    let [before, after] = [data.bytes.get(..CHECKSUM), data.bytes.get(CHECKSUM + 2..data.length)];
    let expected = plus_address(plus_address(Sum::default(), from), to)
        .plus_word(IpProtocol::TCP.0.into())
        .plus_word(u16::try_from(data.length).unwrap_or_default())
        .plus(before.unwrap_or_default())
        .plus(after.unwrap_or_default())
        .checksum();
    write!(line, ", cksum {found:#06x} ")?;
    if found == expected {
        line.write_str("(correct)")
    } else {
        write!(line, "(incorrect -> {expected:#06x})")
    }
}

/// Adds an address of the pseudo header.
fn plus_address(sum: Sum, address: IpAddr) -> Sum {
    match address {
        IpAddr::V4(address) => sum.plus(&address.octets()),
        IpAddr::V6(address) => sum.plus(&address.octets()),
    }
}

/// Returns the numbers to show. A segment without ACK has absolute numbers.
fn numbers(
    (source, destination): Addresses,
    header: &TcpHeader,
    conversations: &mut TcpConversations,
) -> SegmentNumbers {
    let flags = Flags::from_bits(header.flags);
    let [sequence, acknowledgment] =
        [header.sequence, header.acknowledgment].map(|number| SequenceNumber::new(number.get()));
    if !flags.contains(Flags::ACK) {
        return SegmentNumbers { sequence, acknowledgment, peer_start: SequenceNumber::default() };
    }
    let sockets = [
        SocketAddr::new(source, header.source_port.get()),
        SocketAddr::new(destination, header.destination_port.get()),
    ];
    conversations.numbers(sockets, [sequence, acknowledgment], flags.contains(Flags::SYN))
}

/// Writes the options. If the capture has truncated the options, the last of them may be absent.
fn write_options(
    line: &mut String,
    options: &[u8],
    peer_start: SequenceNumber,
    is_truncated: bool,
) -> Result {
    line.push_str(", options [");
    for (place, option) in TcpOptions::new(options).enumerate() {
        if is_truncated && matches!(option, TcpOption::Malformed { .. }) {
            break;
        }
        line.push_str(if place == 0 { "" } else { "," });
        write_option(line, &option, peer_start)?;
    }
    line.write_char(']')
}

/// Writes an option with the words of tcpdump.
pub(crate) fn write_option(line: &mut String, option: &TcpOption<'_>, peer_start: SequenceNumber) -> Result {
    match option {
        TcpOption::End => line.write_str("eol"),
        TcpOption::NoOperation => line.write_str("nop"),
        TcpOption::MaximumSegmentSize(size) => write!(line, "mss {size}"),
        TcpOption::WindowScale(shift) => write!(line, "wscale {shift}"),
        TcpOption::SackPermitted => line.write_str("sackOK"),
        TcpOption::Timestamps(timestamps) => {
            write!(line, "TS val {} ecr {}", timestamps.value, timestamps.echo)
        }
        TcpOption::Sack(blocks) => write_sack(line, blocks, peer_start),
        TcpOption::Unsupported { kind, data: [] } => write!(line, "unknown-{kind}"),
        TcpOption::Unsupported { kind, data } => {
            write!(line, "unknown-{kind} 0x")?;
            data.iter().try_for_each(|byte| write!(line, "{byte:02x}"))
        }
        TcpOption::InvalidLength { kind, length } => write!(line, "{}[len {length}]", option_name(*kind)),
        TcpOption::Malformed { kind } => write!(line, "{}[bad opt]", option_name(*kind)),
    }
}

fn write_sack(line: &mut String, blocks: &SackBlocks, peer_start: SequenceNumber) -> Result {
    write!(line, "sack {} ", blocks.len())?;
    blocks.iter().try_for_each(|block| {
        let [start, end] = [block.start, block.end].map(|number| number.minus(peer_start.value()).value());
        write!(line, "{{{start}:{end}}}")
    })
}

/// Returns the name of an option without its value.
fn option_name(kind: u8) -> String {
    let name = match kind {
        2 => "mss",
        3 => "wscale",
        4 => "sackOK",
        5 => "sack",
        8 => "TS",
        kind => return format!("unknown-{kind}"),
    };
    name.to_owned()
}

/// Writes the request line or the status line of an HTTP message. Other data is only named.
fn write_http(line: &mut String, data: &[u8]) -> Result {
    line.push_str(": HTTP");
    let first = data.split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default();
    let text = str::from_utf8(first.get(..HTTP_LINE).unwrap_or(first)).unwrap_or_default();
    let is_message = text.starts_with("HTTP/1.") || text.contains(" HTTP/1.");
    if is_message && text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) {
        write!(line, ": {text}")?;
    }
    Ok(())
}
