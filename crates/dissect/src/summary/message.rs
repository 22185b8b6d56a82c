//! One-line summary of an ICMP message, written after the word `ICMP`.

use std::fmt::{Result, Write};
use std::net::Ipv4Addr;

use icmp::{IcmpError, IcmpType, QuotedDatagram};
use inet::IpProtocol;

/// The header of a message without its checksum: type, code, and four bytes with a meaning that depends on the type.
struct MessageHeader {
    kind: IcmpType,
    code: u8,
    rest: [u8; 4],
}

/// Writes the summary of a message that is `length` bytes long; `bytes` is the captured part.
pub(super) fn write(line: &mut String, bytes: &[u8], length: usize) -> Result {
    if let Some((&[kind, code, _, _, a, b, c, d], data)) = bytes.split_first_chunk::<{ IcmpError::HEADER }>()
    {
        let header = MessageHeader { kind: IcmpType(kind), code, rest: [a, b, c, d] };
        line.push(' ');
        match QuotedDatagram::parse(data).filter(|_| header.kind.is_error()) {
            Some(quoted) => write_error(line, &header, &quoted)?,
            None if header.kind.is_error() => line.push_str(header.kind.name()),
            None => write_query(line, &header, data)?,
        }
    }
    write!(line, ", length {length}")
}

fn write_query(line: &mut String, header: &MessageHeader, data: &[u8]) -> Result {
    let [a, b, c, d] = header.rest;
    let (identifier, sequence) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
    match header.kind {
        kind @ (IcmpType::ECHO_REQUEST | IcmpType::ECHO_REPLY) => {
            write!(line, "{}, id {identifier}, seq {sequence}", kind.name())
        }
        IcmpType(9) => write_advertisement(line, [a, b], sequence, data),
        IcmpType(10) => line.write_str("router solicitation"),
        IcmpType(13) => write!(line, "time stamp query id {identifier} seq {sequence}"),
        IcmpType(14) => {
            write!(line, "time stamp reply id {identifier} seq {sequence}")?;
            write_times(line, data)
        }
        IcmpType(15) => line.write_str("information request"),
        IcmpType(16) => line.write_str("information reply"),
        IcmpType(17) => line.write_str("address mask request"),
        IcmpType(18) => match data.first_chunk() {
            Some(mask) => write!(line, "address mask is {:#010x}", u32::from_be_bytes(*mask)),
            None => line.write_str("address mask reply"),
        },
        IcmpType(number) => write!(line, "type-#{number}"),
    }
}

/// Writes a router advertisement (RFC 1256): lifetime in seconds, then addresses with their preferences.
fn write_advertisement(line: &mut String, [count, size]: [u8; 2], lifetime: u16, data: &[u8]) -> Result {
    let (hours, minutes, seconds) = (lifetime / 3_600, lifetime / 60 % 60, lifetime % 60);
    line.push_str("router advertisement lifetime ");
    match (hours, minutes) {
        (0, 0) => write!(line, "{seconds}")?,
        (0, _) => write!(line, "{minutes}:{seconds:02}")?,
        _ => write!(line, "{hours}:{minutes:02}:{seconds:02}")?,
    }
    write!(line, " {count}:")?;
    if size != 2 {
        return write!(line, " [size {size}]");
    }
    let (entries, _) = data.as_chunks::<8>();
    for [a, b, c, d, preference @ ..] in entries.iter().take(usize::from(count)) {
        let address = Ipv4Addr::new(*a, *b, *c, *d);
        write!(line, " {{{address} {}}}", u32::from_be_bytes(*preference))?;
    }
    Ok(())
}

/// Writes the three times of a timestamp reply (RFC 792 gives them in milliseconds since midnight).
fn write_times(line: &mut String, data: &[u8]) -> Result {
    let (times, _) = data.as_chunks::<4>();
    for (name, time) in [": org", ", recv", ", xmit"].into_iter().zip(times) {
        let time = u32::from_be_bytes(*time);
        let (seconds, part) = (time / 1_000, time % 1_000);
        let (hours, minutes) = (seconds / 3_600, seconds / 60 % 60);
        write!(line, "{name} {hours:02}:{minutes:02}:{:02}.{part:03}", seconds % 60)?;
    }
    Ok(())
}

fn write_error(line: &mut String, header: &MessageHeader, quoted: &QuotedDatagram<'_>) -> Result {
    let to = quoted.destination();
    match (header.kind, header.code) {
        (IcmpType::UNREACHABLE, code) => write_unreachable(line, code, header.rest, quoted),
        (IcmpType::REDIRECT, code) => write_redirect(line, code, to, header.rest.into()),
        (IcmpType::TIME_EXCEEDED, 0) => line.write_str("time exceeded in-transit"),
        (IcmpType::TIME_EXCEEDED, 1) => line.write_str("ip reassembly time exceeded"),
        (IcmpType::TIME_EXCEEDED, code) => write!(line, "time exceeded-#{code}"),
        (IcmpType::PARAMETER_PROBLEM, 0) => {
            let [byte, ..] = header.rest;
            // words: off (the words of tcpdump)
            write!(line, "parameter problem - octet {byte}")
            // words: on
        }
        (IcmpType::PARAMETER_PROBLEM, code) => write!(line, "parameter problem - code {code}"),
        (kind, _) => line.write_str(kind.name()),
    }
}

fn write_unreachable(line: &mut String, code: u8, rest: [u8; 4], quoted: &QuotedDatagram<'_>) -> Result {
    let to = quoted.destination();
    let [.., high, low] = rest;
    match (code, u16::from_be_bytes([high, low])) {
        (0, _) => write!(line, "net {to} unreachable"),
        (1, _) => write!(line, "host {to} unreachable"),
        (2, _) => write!(line, "{to} protocol {} unreachable", quoted.protocol().0),
        (3, _) => write_port(line, quoted),
        (4, 0) => write!(line, "{to} unreachable - need to frag"),
        (4, mtu) => write!(line, "{to} unreachable - need to frag (mtu {mtu})"),
        (5, _) => write!(line, "{to} unreachable - source route failed"),
        (6, _) => write!(line, "net {to} unreachable - unknown"),
        (7, _) => write!(line, "host {to} unreachable - unknown"),
        (8, _) => write!(line, "{to} unreachable - source host isolated"),
        (9, _) => write!(line, "net {to} unreachable - admin prohibited"),
        (10, _) => write!(line, "host {to} unreachable - admin prohibited"),
        (11, _) => write!(line, "net {to} unreachable - tos prohibited"),
        (12, _) => write!(line, "host {to} unreachable - tos prohibited"),
        (13, _) => write!(line, "host {to} unreachable - admin prohibited filter"),
        (14, _) => write!(line, "host {to} unreachable - host precedence violation"),
        (15, _) => write!(line, "host {to} unreachable - precedence cutoff"),
        _ => write!(line, "{to} unreachable - #{code}"),
    }
}

/// Writes the port of a port unreachable message. Like tcpdump, this function assumes the position of UDP and TCP ports for any
/// protocol.
fn write_port(line: &mut String, quoted: &QuotedDatagram<'_>) -> Result {
    let to = quoted.destination();
    let Some([_, _, high, low]) = quoted.data().first_chunk() else {
        return write!(line, "{to} port unreachable");
    };
    let port = u16::from_be_bytes([*high, *low]);
    match quoted.protocol() {
        IpProtocol::UDP => write!(line, "{to} udp port {port} unreachable"),
        IpProtocol::TCP => write!(line, "{to} tcp port {port} unreachable"),
        IpProtocol(number) => write!(line, "{to} protocol {number} port {port} unreachable"),
    }
}

fn write_redirect(line: &mut String, code: u8, to: Ipv4Addr, gateway: Ipv4Addr) -> Result {
    match code {
        0 => write!(line, "redirect {to} to net {gateway}"),
        1 => write!(line, "redirect {to} to host {gateway}"),
        2 => write!(line, "redirect-tos {to} to net {gateway}"),
        3 => write!(line, "redirect-tos {to} to host {gateway}"),
        _ => write!(line, "redirect-#{code} {to} to {gateway}"),
    }
}
