//! One-line summary of a DNS message (RFC 1035), also of multicast DNS (RFC 6762).

use std::fmt::{Result, Write};
use std::net::{Ipv4Addr, Ipv6Addr};

use simple_dns::rdata::RData;
use simple_dns::{CLASS, Name, Packet, PacketFlag, QCLASS, QTYPE, RCODE, TYPE};

use super::text;

/// Maximum number of questions and of answers in a summary.
const LIMIT: usize = 8;

/// Writes a message of `length` bytes.
pub(super) fn write(line: &mut String, packet: &Packet<'_>, length: usize) -> Result {
    write!(line, "{}", packet.id())?;
    if packet.has_flags(PacketFlag::RESPONSE) {
        write_response(line, packet)?;
    } else {
        write_query(line, packet)?;
    }
    write!(line, " ({length})")
}

fn write_query(line: &mut String, packet: &Packet<'_>) -> Result {
    if packet.has_flags(PacketFlag::RECURSION_DESIRED) {
        line.push('+');
    }
    if packet.has_flags(PacketFlag::CHECKING_DISABLED) {
        line.push('%');
    }
    let counts = [(packet.answers.len(), 'a'), (packet.name_servers.len(), 'n')];
    for (count, letter) in counts.into_iter().filter(|(count, _)| *count > 0) {
        write!(line, " [{count}{letter}]")?;
    }
    // The record of EDNS (RFC 6891) is an additional record.
    let additional = packet.additional_records.len() + usize::from(packet.opt().is_some());
    if additional > 0 {
        write!(line, " [{additional}au]")?;
    }
    for question in packet.questions.iter().take(LIMIT) {
        line.push(' ');
        match question.qtype {
            QTYPE::TYPE(kind) => write_type(line, kind)?,
            other => write!(line, "{other:?}")?,
        }
        if question.qclass != QCLASS::CLASS(CLASS::IN) {
            write!(line, " {:?}", question.qclass)?;
        }
        line.push_str("? ");
        write_name(line, &question.qname)?;
    }
    write_more(line, packet.questions.len())
}

fn write_response(line: &mut String, packet: &Packet<'_>) -> Result {
    match packet.rcode() {
        RCODE::NoError => {}
        RCODE::FormatError => line.push_str(" FormErr"),
        RCODE::ServerFailure => line.push_str(" ServFail"),
        RCODE::NameError => line.push_str(" NXDomain"),
        RCODE::NotImplemented => line.push_str(" NotImp"),
        RCODE::Refused => line.push_str(" Refused"),
        other => write!(line, " {other:?}")?,
    }
    let flags = [
        (packet.has_flags(PacketFlag::AUTHORITATIVE_ANSWER), '*'),
        (!packet.has_flags(PacketFlag::RECURSION_AVAILABLE), '-'),
        (packet.has_flags(PacketFlag::TRUNCATION), '|'),
        (packet.has_flags(PacketFlag::AUTHENTIC_DATA), '$'),
    ];
    line.extend(flags.into_iter().filter(|(is_set, _)| *is_set).map(|(_, letter)| letter));
    let additional = packet.additional_records.len() + usize::from(packet.opt().is_some());
    write!(line, " {}/{}/{additional}", packet.answers.len(), packet.name_servers.len())?;
    for (number, answer) in packet.answers.iter().take(LIMIT).enumerate() {
        line.push_str(if number == 0 { " " } else { ", " });
        if answer.cache_flush {
            line.push_str("(Cache flush) ");
        }
        write_type(line, answer.rdata.type_code())?;
        write_data(line, &answer.rdata)?;
    }
    write_more(line, packet.answers.len())
}

/// Writes how many of the questions or answers were left out.
fn write_more(line: &mut String, count: usize) -> Result {
    match count.saturating_sub(LIMIT) {
        0 => Ok(()),
        more => write!(line, ", {more} more"),
    }
}

/// Writes the data of the common types.
fn write_data(line: &mut String, data: &RData<'_>) -> Result {
    match data {
        RData::A(data) => write!(line, " {}", Ipv4Addr::from(data.address)),
        RData::AAAA(data) => write!(line, " {}", Ipv6Addr::from(data.address)),
        RData::CNAME(name) => write_target(line, name),
        RData::PTR(name) => write_target(line, name),
        RData::NS(name) => write_target(line, name),
        RData::MX(data) => {
            write_target(line, &data.exchange)?;
            write!(line, " {}", data.preference)
        }
        RData::SRV(data) => {
            write_target(line, &data.target)?;
            write!(line, ":{} {} {}", data.port, data.priority, data.weight)
        }
        _ => Ok(()),
    }
}

fn write_target(line: &mut String, name: &Name<'_>) -> Result {
    line.push(' ');
    write_name(line, name)
}

/// Writes a name with its final dot.
fn write_name(line: &mut String, name: &Name<'_>) -> Result {
    text::write(line, &name.to_string())?;
    line.push('.');
    Ok(())
}

fn write_type(line: &mut String, kind: TYPE) -> Result {
    match kind {
        TYPE::Unknown(number) => write!(line, "Type{number}"),
        kind => write!(line, "{kind:?}"),
    }
}
