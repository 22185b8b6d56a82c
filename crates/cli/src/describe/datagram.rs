//! An IPv4 datagram, or a fragment of one.

use std::fmt::{Result, Write};
use std::net::Ipv4Addr;

use ipv4::{Datagram, Dropped, Protocol, checksum};

use super::message;

/// Octets of a UDP header (RFC 768).
const UDP_HEADER: usize = 8;
/// Octets of a TCP header without options (RFC 9293 3.1).
const TCP_HEADER: usize = 20;

/// Where a datagram goes.
type Ends = (Ipv4Addr, Ipv4Addr);

/// Writes about a frame's payload. What makes no sense is told by its reason, behind what does. A datagram
/// that `is_cut` was longer on the wire than what is here.
pub(super) fn write(line: &mut String, payload: &[u8], verbose: bool, is_cut: bool) -> Result {
    let (datagram, reason) = match Datagram::parse(payload) {
        Ok(datagram) => (datagram, None),
        Err(reason) => match Datagram::salvage(payload) {
            Some(datagram) => (datagram, Some(reason)),
            None => return write!(line, "[{reason}], length {}", payload.len()),
        },
    };
    if verbose {
        write_header(line, &datagram)?;
    }
    write_data(line, &datagram, datagram.is_fragment() || reason == Some(Dropped::TotalLength))?;
    if let Some(reason) = reason.filter(|reason| !is_cut || *reason != Dropped::TotalLength) {
        write!(line, " [{reason}]")?;
    }
    let header = datagram.octets().get(..datagram.header_length()).unwrap_or_default();
    // A length that makes no sense is found first, and hides it.
    if reason.is_some_and(|reason| reason != Dropped::Checksum) && !checksum::is_valid(header) {
        write!(line, " [{}]", Dropped::Checksum)?;
    }
    Ok(())
}

/// The header's fields, on a line of their own.
fn write_header(line: &mut String, datagram: &Datagram<'_>) -> Result {
    let flags = match (datagram.dont_fragment(), datagram.more_fragments()) {
        (false, false) => "none",
        (true, false) => "DF",
        (false, true) => "+",
        (true, true) => "+, DF",
    };
    write!(
        line,
        "(tos {:#x}, ttl {}, id {}, offset {}, flags [{flags}], proto {}, length {}",
        datagram.type_of_service(),
        datagram.time_to_live(),
        datagram.identification(),
        datagram.fragment_offset(),
        datagram.protocol(),
        datagram.total_length(),
    )?;
    if !datagram.options().is_empty() {
        write!(line, ", options of {} octets", datagram.options().len())?;
    }
    line.write_str(")\n    ")
}

/// What a datagram carries. One that is in part here cannot be held to the lengths and checksums in it.
fn write_data(line: &mut String, datagram: &Datagram<'_>, is_partial: bool) -> Result {
    let ends @ (from, to) = (datagram.source(), datagram.destination());
    let data = datagram.payload();
    match datagram.protocol() {
        Protocol(number) if datagram.fragment_offset() > 0 => {
            write!(line, "{from} > {to}: ip-proto-{number}")
        }
        Protocol::ICMP => {
            write!(line, "{from} > {to}: ICMP ")?;
            message::write(line, data, is_partial)
        }
        Protocol::UDP => write_udp(line, ends, data, is_partial),
        Protocol::TCP => write_tcp(line, ends, data),
        // The second space is tcpdump's.
        Protocol(number) => write!(line, "{from} > {to}:  ip-proto-{number} {}", data.len()),
    }
}

/// What is in part here holds less than the header says.
fn write_udp(line: &mut String, (from, to): Ends, octets: &[u8], is_partial: bool) -> Result {
    let Some([a, b, c, d, e, f, ..]) = octets.first_chunk::<UDP_HEADER>() else {
        return write!(line, "{from} > {to}: UDP [shorter than a UDP header], length {}", octets.len());
    };
    let [source, destination, length] =
        [[*a, *b], [*c, *d], [*e, *f]].map(|octets| usize::from(u16::from_be_bytes(octets)));
    write!(line, "{from}.{source} > {to}.{destination}: ")?;
    let present = octets.len() - UDP_HEADER;
    match length.checked_sub(UDP_HEADER) {
        None => write!(line, "truncated-udplength {length}"),
        Some(claimed) if claimed > present && !is_partial => {
            write!(line, "UDP, bad length {claimed} > {present}")
        }
        Some(claimed) => write!(line, "UDP, length {claimed}"),
    }
}

/// Nobody here speaks TCP: whom a segment is for, and how much data it carries, is all that is told.
fn write_tcp(line: &mut String, (from, to): Ends, octets: &[u8]) -> Result {
    let header = octets.first_chunk::<TCP_HEADER>();
    let data = header.and_then(|header| {
        let [_, _, _, _, _, _, _, _, _, _, _, _, offset, ..] = header;
        let length = usize::from(offset >> 4) * 4;
        octets.len().checked_sub(length).filter(|_| length >= TCP_HEADER)
    });
    match (header, data) {
        (Some([a, b, c, d, ..]), Some(length)) => {
            let (source, destination) = (u16::from_be_bytes([*a, *b]), u16::from_be_bytes([*c, *d]));
            write!(line, "{from}.{source} > {to}.{destination}: TCP, length {length}")
        }
        _ => write!(line, "{from} > {to}: TCP [header makes no sense], length {}", octets.len()),
    }
}
