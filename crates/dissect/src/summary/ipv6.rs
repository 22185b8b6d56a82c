//! One-line summary of an IPv6 datagram or fragment.

use std::fmt::{Result, Write};

use inet::IpProtocol;

use super::datagram::{write_addresses, write_udp};
use super::message6;
use super::segment::{self, SegmentData};
use crate::conversation::TcpConversations;
use crate::ipv6::{Extension, ICMP6, Ipv6Datagram};

/// Next header of a datagram without data (RFC 8200 4.7).
const NO_NEXT_HEADER: IpProtocol = IpProtocol(59);

/// Writes the summary of a frame's payload that was `length` bytes long on the wire.
pub(super) fn write(
    line: &mut String,
    payload: &[u8],
    length: usize,
    verbose: bool,
    conversations: &mut TcpConversations,
) -> Result {
    let Some(datagram) = Ipv6Datagram::parse(payload) else { return write!(line, "length {length}") };
    if verbose {
        write_header(line, &datagram)?;
    }
    let addresses @ (from, to) = (datagram.source.into(), datagram.destination.into());
    let data = datagram.payload;
    let data_length = datagram.data_length(length);
    let is_fragment = datagram.fragment.is_some();
    let mut has_extension = false;
    for extension in datagram.extensions() {
        if !std::mem::replace(&mut has_extension, true) {
            write!(line, "{from} > {to}: ")?;
        }
        write_extension(line, &extension, data_length)?;
    }
    if !datagram.is_start() {
        return Ok(());
    }
    match datagram.protocol {
        IpProtocol::TCP => {
            write_addresses(line, addresses, data)?;
            let data = SegmentData { addresses, bytes: data, length: data_length, is_fragment };
            segment::write(line, &data, verbose, conversations)
        }
        IpProtocol::UDP => write_udp(line, addresses, data, data_length, is_fragment),
        protocol => {
            if !has_extension {
                write!(line, "{from} > {to}: ")?;
            }
            match protocol {
                ICMP6 => message6::write(line, data, data_length),
                NO_NEXT_HEADER => line.write_str("no next header"),
                IpProtocol(number) => write!(line, "ip-proto-{number} {data_length}"),
            }
        }
    }
}

/// Writes the fields of the header.
fn write_header(line: &mut String, datagram: &Ipv6Datagram<'_>) -> Result {
    line.push('(');
    if datagram.traffic_class != 0 {
        write!(line, "class {:#04x}, ", datagram.traffic_class)?;
    }
    if datagram.flow_label != 0 {
        write!(line, "flowlabel {:#07x}, ", datagram.flow_label)?;
    }
    let next = next_header_name(datagram.next_header);
    let (hops, number, length) = (datagram.hop_limit, datagram.next_header, datagram.payload_length);
    write!(line, "hlim {hops}, next-header {next} ({number}) payload length: {length}) ")
}

/// Returns the name of a protocol or of an extension header.
pub(crate) fn next_header_name(number: u8) -> &'static str {
    match number {
        0 => "Options",
        44 => "Fragment",
        58 => "ICMPv6",
        number => IpProtocol(number).name(),
    }
}

/// Writes an extension header.
fn write_extension(line: &mut String, extension: &Extension<'_>, data_length: usize) -> Result {
    match (extension.number, extension.fragment) {
        (0, _) => line.write_str("HBH "),
        (43, _) => write!(line, "srcrt (len={}) ", extension.length() / 8 - 1),
        (60, _) => line.write_str("DSTOPT "),
        (_, Some(fragment)) => write!(line, "frag ({}|{data_length}) ", fragment.offset),
        _ => write!(line, "AH({}) ", extension.length()),
    }
}
