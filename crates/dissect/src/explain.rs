//! Explanation of a frame: a diagram and the field values of each layer, then the faults.

mod diagram;

use std::fmt::{Result, Write};

use arp::Operation;
use icmp::IcmpType;
use inet::IpProtocol;
use link::EtherType;
use tcp::{SequenceNumber, TcpOption, TcpOptions};

use crate::fault::{FaultRule, FrameFault};
use crate::frame::RARP;
use crate::layers::{FieldValue, Layer, Layers, hex};
use crate::layout::{self, Field, FieldFormat};
use crate::requirement::requirement;
use crate::summary::ipv6::next_header_name;
use crate::summary::message6;
use crate::summary::segment::write_option;

/// Writes the explanation of each layer, then of each fault.
pub(crate) fn write(page: &mut String, layers: &Layers<'_>, faults: &[FrameFault]) -> Result {
    let Layers { layers, more_tags } = layers;
    for layer in layers {
        write_layer(page, layer)?;
    }
    if *more_tags > 0 {
        writeln!(page, "\n{more_tags} more VLAN tags (not shown)")?;
    }
    for fault in faults {
        write_fault(page, fault)?;
    }
    Ok(())
}

fn write_layer(page: &mut String, layer: &Layer<'_>) -> Result {
    let Layer { layout, offset, bytes, is_quoted } = layer;
    let last = (offset + bytes.len()).saturating_sub(1);
    let quoted = if *is_quoted { " of the quoted datagram" } else { "" };
    writeln!(page, "\n{}{quoted}, bytes {offset} to {last} ({})\n", layout.title, layout.standard)?;
    diagram::draw(page, layer)?;
    page.push('\n');
    for (field, value) in layer.fields() {
        let value = value_text(field, value);
        let name = value_name(layer, field, &value).map_or(String::new(), |name| format!(" = {name}"));
        writeln!(page, "  {:<24} {value}{name}: {}", field.name, field.meaning)?;
    }
    if layer.is_short() {
        writeln!(page, "  truncated: {} of {} bytes", bytes.len(), layout.length())?;
    }
    for (name, address) in layer.addresses() {
        writeln!(page, "  {name:<24} {address}: length as given in the packet")?;
    }
    match layer.options() {
        None | Some([]) => Ok(()),
        Some(options) if layout.name == layout::TCP.name => write_tcp_options(page, options),
        Some(options) => writeln!(page, "  {:<24} {}: ignored by tapstack", "options", hex(options, " ")),
    }
}

/// Writes each option of a TCP header with its meaning.
fn write_tcp_options(page: &mut String, options: &[u8]) -> Result {
    for option in TcpOptions::new(options) {
        write!(page, "  {:<24} ", "option")?;
        write_option(page, &option, SequenceNumber::default())?;
        writeln!(page, ": {}", meaning(&option))?;
    }
    Ok(())
}

/// Returns the meaning of an option of a TCP header.
fn meaning(option: &TcpOption<'_>) -> &'static str {
    match option {
        TcpOption::End => "end of the options (RFC 9293 3.2)",
        TcpOption::NoOperation => "padding (RFC 9293 3.2)",
        TcpOption::MaximumSegmentSize(_) => {
            "maximum data of a segment that the sender receives, in bytes (RFC 9293 3.7.1)"
        }
        TcpOption::WindowScale(_) => "the sender's windows are shifted by this number of bits (RFC 7323 2)",
        TcpOption::SackPermitted => "the sender supports selective acknowledgments (RFC 2018 2)",
        TcpOption::Timestamps(_) => {
            "timestamp of the sender, and the last timestamp of the peer (RFC 7323 3)"
        }
        TcpOption::Sack(_) => "received ranges of sequence numbers (RFC 2018 3)",
        TcpOption::Unsupported { .. } => "ignored by tapstack",
        TcpOption::InvalidLength { .. } => "ignored, because this option has another length",
        TcpOption::Malformed { .. } => "ignored, because the option is incomplete",
    }
}

fn write_fault(page: &mut String, fault: &FrameFault) -> Result {
    let FrameFault { layer, field, rule, is_warning, .. } = fault;
    let (kind, summary) = (if *is_warning { "warning" } else { "invalid" }, fault.message());
    let place = field.map_or_else(|| (*layer).to_owned(), |field| format!("{layer}.{field}"));
    writeln!(page, "\n{kind}: {place}: {summary}")?;
    match rule {
        FaultRule::Requirement(id) => match requirement(id) {
            Some(requirement) => writeln!(page, "  {} ({id}): {}", requirement.standard, requirement.text),
            None => writeln!(page, "  {id}"),
        },
        FaultRule::Standard(standard, message) => writeln!(page, "  {standard}: {message}"),
    }
}

/// Formats a field's value.
fn value_text(field: &Field, value: FieldValue) -> String {
    match value {
        FieldValue::Number(number) if field.format == FieldFormat::Hex => {
            format!("{number:#0width$x}", width = field.bits.div_ceil(4) + 2)
        }
        FieldValue::Number(number) => number.to_string(),
        FieldValue::Flag(flag) => u8::from(flag).to_string(),
        FieldValue::Mac(address) => address.to_string(),
        FieldValue::Ip(address) => address.to_string(),
        FieldValue::Ip6(address) => address.to_string(),
    }
}

/// Returns the name of a value, if the value has a name.
fn value_name(layer: &Layer<'_>, field: &Field, value: &str) -> Option<String> {
    let hex = || u16::from_str_radix(value.strip_prefix("0x")?, 16).ok();
    let name = match field.name {
        "type_or_length" => match hex()? {
            length @ ..EtherType::FIRST => format!("length of {length} bytes"),
            number => ether_type(number),
        },
        "ethertype" | "protocol_type" => ether_type(hex()?),
        "flags" => control_bits(hex()?),
        "type_of_service" => ecn_codepoint(hex()?).to_owned(),
        "operation" => Operation(value.parse().ok()?).to_string(),
        "next_header" => next_header_name(value.parse().ok()?).to_owned(),
        "protocol" => IpProtocol(value.parse().ok()?).name().to_owned(),
        "type" if layer.layout.name == layout::ipv6::ICMPV6.name => {
            let code = layer.number("code").and_then(|code| u8::try_from(code).ok())?;
            message6::name(value.parse().ok()?, code)?.to_owned()
        }
        "type" => IcmpType(value.parse().ok()?).name().to_owned(),
        _ => return None,
    };
    Some(name)
}

fn ether_type(number: u16) -> String {
    let name = if EtherType(number) == RARP { "Reverse ARP" } else { EtherType(number).name() };
    name.to_owned()
}

/// Returns the names of the TCP control bits that are set (RFC 9293 3.1).
fn control_bits(flags: u16) -> String {
    let names = ["FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"];
    let set = (0..8).rev().zip(names.iter().rev()).filter(|(bit, _)| flags >> bit & 1 == 1);
    let set: Vec<_> = set.map(|(_, name)| *name).collect();
    if set.is_empty() { "none".to_owned() } else { set.join(" ") }
}

/// Returns the name of the ECN codepoint in the two lowest bits (RFC 3168 5).
fn ecn_codepoint(service: u16) -> &'static str {
    match service & 3 {
        0 => "Not-ECT",
        1 => "ECT(1)",
        2 => "ECT(0)",
        _ => "CE",
    }
}
