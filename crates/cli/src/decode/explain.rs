//! A frame drawn and explained.

mod diagram;

use std::fmt::{Result, Write};

use arp::Operation;
use icmp::Kind;
use inet::IpProtocol;
use link::EtherType;

use super::headers::{Header, Headers, Value, headers};
use super::json::hex;
use super::layout::{Field, Form};
use super::standard::requirement;
use crate::capture::Record;
use crate::describe::fault::{By, Fault, RARP};
use crate::describe::{self, Style};

/// Writes about every header of a frame, then what is wrong with it.
pub(super) fn write(page: &mut String, record: &Record<'_>, faults: &[Fault]) -> Result {
    if record.number > 1 {
        page.push('\n');
    }
    write!(page, "frame {}: ", record.number)?;
    let style = Style { link_header: true, verbose: false };
    describe::write(page, style, record.octets, record.length, faults)?;
    page.push('\n');
    for comment in &record.comments {
        writeln!(page, "comment: {}", comment.escape_debug())?;
    }
    let Headers { headers, more_tags } = headers(record.octets);
    for header in &headers {
        write_header(page, header)?;
    }
    if more_tags > 0 {
        writeln!(page, "\n{more_tags} more VLAN tags, which are not shown")?;
    }
    for fault in faults {
        write_fault(page, fault)?;
    }
    Ok(())
}

fn write_header(page: &mut String, header: &Header<'_>) -> Result {
    let Header { layout, offset, octets, is_quoted } = header;
    let last = (offset + octets.len()).saturating_sub(1);
    let quoted = if *is_quoted { " in the datagram it is about" } else { "" };
    writeln!(page, "\n{}{quoted}, octets {offset} to {last} ({})\n", layout.title, layout.standard)?;
    diagram::draw(page, header)?;
    page.push('\n');
    for (field, value) in header.values() {
        let value = text(field, value);
        let gloss = gloss(field, &value).map_or(String::new(), |gloss| format!(" = {gloss}"));
        writeln!(page, "  {:<24} {value}{gloss}: {}", field.name, field.meaning)?;
    }
    if header.is_short() {
        writeln!(page, "  the frame ends here: {} of {} octets", octets.len(), layout.length())?;
    }
    for (name, address) in header.addresses() {
        writeln!(page, "  {name:<24} {address}: as long as the packet says")?;
    }
    if let Some(options) = header.options().filter(|options| !options.is_empty()) {
        writeln!(page, "  {:<24} {}: never acted on here", "options", hex(options, " "))?;
    }
    Ok(())
}

fn write_fault(page: &mut String, fault: &Fault) -> Result {
    let Fault { layer, field, by, is_warning, .. } = fault;
    let (kind, what) = (if *is_warning { "warning" } else { "wrong" }, fault.sentence());
    let place = field.map_or_else(|| (*layer).to_owned(), |field| format!("{layer}.{field}"));
    writeln!(page, "\n{kind}: {place}: {what}")?;
    match by {
        By::Requirement(id) => match requirement(id) {
            Some(asked) => writeln!(page, "  {} ({id}): {}", asked.standard, asked.sentence),
            None => writeln!(page, "  {id}"),
        },
        By::Standard(standard, sentence) => writeln!(page, "  {standard}: {sentence}"),
    }
}

/// A field's value for people.
fn text(field: &Field, value: Value) -> String {
    match value {
        Value::Number(number) if field.form == Form::Hex => {
            format!("{number:#0width$x}", width = field.bits.div_ceil(4) + 2)
        }
        Value::Number(number) => number.to_string(),
        Value::Flag(flag) => u8::from(flag).to_string(),
        Value::HardwareAddress(address) => address.to_string(),
        Value::ProtocolAddress(address) => address.to_string(),
    }
}

/// The name of a value that has one.
fn gloss(field: &Field, value: &str) -> Option<String> {
    let hex = || u16::from_str_radix(value.strip_prefix("0x")?, 16).ok();
    let name = match field.name {
        "type_or_length" => match hex()? {
            length @ ..EtherType::FIRST => format!("a length of {length} octets"),
            number => ether_type(number),
        },
        "ether_type" | "protocol_type" => ether_type(hex()?),
        "flags" => control_bits(hex()?),
        "type_of_service" => congestion(hex()?).to_owned(),
        "operation" => Operation(value.parse().ok()?).to_string(),
        "protocol" => IpProtocol(value.parse().ok()?).name().to_owned(),
        "type" => Kind(value.parse().ok()?).name().to_owned(),
        _ => return None,
    };
    Some(name)
}

fn ether_type(number: u16) -> String {
    let name = if EtherType(number) == RARP { "Reverse ARP" } else { EtherType(number).name() };
    name.to_owned()
}

/// The names of the control bits that are set (RFC 9293 3.1).
fn control_bits(flags: u16) -> String {
    let names = ["FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"];
    let set = (0..8).rev().zip(names.iter().rev()).filter(|(bit, _)| flags >> bit & 1 == 1);
    let set: Vec<_> = set.map(|(_, name)| *name).collect();
    if set.is_empty() { "none".to_owned() } else { set.join(" ") }
}

/// The name of the two lowest bits (RFC 3168 5).
fn congestion(service: u16) -> &'static str {
    match service & 3 {
        0 => "Not-ECT",
        1 => "ECT(1)",
        2 => "ECT(0)",
        _ => "CE",
    }
}
