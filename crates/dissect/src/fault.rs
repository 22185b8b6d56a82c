//! Faults of a frame: violations of a standard, with the field and the rule.

use std::fmt;

use arp::{Operation, Packet};
use capture::LinkType;
use icmp::IcmpMessage;
use inet::{IpProtocol, checksum};
use ipv4::Datagram;
use link::{EtherType, MacAddr};
use tcp::{TcpOption, TcpOptions};

use crate::frame::{DissectedFrame, RARP, data_length};
use crate::layout::{TCP_HEADER, UDP_HEADER};
use crate::link_header::layout;

/// A fault of a frame: a violation of a standard, or a warning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameFault {
    /// Name of the layer in JSON.
    pub layer: &'static str,
    /// Name of the field in JSON, or `None` if the fault concerns the whole layer.
    pub field: Option<&'static str>,
    /// Description of the fault, without numbers.
    pub summary: String,
    /// The value found and the value expected.
    pub detail: Option<String>,
    /// The rule that the frame breaks.
    pub rule: FaultRule,
    /// Whether this is a warning: the frame may still be valid.
    pub is_warning: bool,
    /// Whether bytes are missing at the end. The capture may have truncated the frame.
    is_truncation: bool,
}

/// A rule that a frame breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultRule {
    /// The requirement with this id in `docs/spec`.
    Requirement(&'static str),
    /// A standard that has no page in `docs/spec`: standard and section, then the text of the rule.
    Standard(&'static str, &'static str),
}

/// Returns the faults of a frame that was `length` bytes long on the wire. Truncation by the capture is not a fault.
pub(crate) fn faults(link_type: LinkType, bytes: &[u8], length: usize) -> Vec<FrameFault> {
    let mut faults = Vec::new();
    match DissectedFrame::parse(link_type, bytes, length) {
        Ok(frame) => {
            if frame.source.is_group() {
                let reason = link::LinkDropReason::GroupSource;
                let field = if frame.link.is_some() { "address" } else { "source" };
                let layer = link_layer(link_type);
                faults.push(FrameFault::new(layer, Some(field), &reason, "ethernet-group-source"));
            }
            match frame.ether_type {
                EtherType::ARP | RARP => check_arp(&mut faults, &frame),
                EtherType::IPV4 => check_ipv4(&mut faults, &frame),
                _ => {}
            }
        }
        Err(reason) => faults.extend(link_fault(link_type, reason)),
    }
    if bytes.len() < length {
        faults.retain(|fault| !fault.is_truncation);
    }
    faults
}

impl FrameFault {
    fn new(
        layer: &'static str,
        field: Option<&'static str>,
        summary: &dyn fmt::Display,
        requirement: &'static str,
    ) -> FrameFault {
        let rule = FaultRule::Requirement(requirement);
        FrameFault {
            layer,
            field,
            summary: summary.to_string(),
            detail: None,
            rule,
            is_warning: false,
            is_truncation: false,
        }
    }

    /// Returns the description of the fault with its detail.
    pub fn message(&self) -> String {
        match &self.detail {
            Some(detail) => format!("{}: {detail}", self.summary),
            None => self.summary.clone(),
        }
    }

    fn truncation(
        layer: &'static str,
        field: Option<&'static str>,
        summary: &dyn fmt::Display,
        requirement: &'static str,
    ) -> FrameFault {
        FrameFault { is_truncation: true, ..FrameFault::new(layer, field, summary, requirement) }
    }
}

/// Returns the name of the first header of a frame.
fn link_layer(link_type: LinkType) -> &'static str {
    layout(link_type).map_or("ipv4", |layout| layout.name)
}

fn link_fault(link_type: LinkType, reason: link::LinkDropReason) -> Option<FrameFault> {
    use link::LinkDropReason as D;
    Some(match reason {
        D::Truncated => FrameFault::truncation(link_layer(link_type), None, &reason, "truncated"),
        D::TruncatedTag => FrameFault::truncation("tags", None, &reason, "ethernet-tags"),
        D::TooManyTags => FrameFault::new("tags", None, &reason, "ethernet-tags"),
        D::ReservedVlan => FrameFault::new("tags", Some("vlan"), &reason, "ethernet-reserved-vlan"),
        D::UndefinedType => {
            FrameFault::new("ethernet", Some("type_or_length"), &reason, "ethernet-undefined")
        }
        D::LengthBeyondFrame => {
            FrameFault::new("ethernet", Some("type_or_length"), &reason, "ethernet-length-beyond")
        }
        // `NotSnap` is a valid frame of another protocol. The other reasons depend on the receiving host.
        D::NotSnap | D::TooLong | D::GroupSource | D::NotLocal | D::OtherVlan => return None,
    })
}

fn check_arp(faults: &mut Vec<FrameFault>, frame: &DissectedFrame<'_>) {
    const RULE: &str =
        "the sender MAC address is that of the sending station; a proxy or a forged packet may differ";
    let fault = |field, reason, requirement| FrameFault::new("arp", Some(field), &reason, requirement);
    match Packet::parse(frame.payload) {
        Ok(packet) => {
            let sender = packet.sender_hardware();
            let is_arp = matches!(packet.operation(), Operation::REQUEST | Operation::REPLY);
            if is_arp && !sender.is_station() {
                let reason = arp::ArpDropReason::SenderMac;
                faults.push(fault("sender_hardware_address", reason, "sender-hardware-station"));
            }
            let sender = packet.sender_protocol();
            if is_arp && (sender.is_multicast() || sender.is_broadcast() || sender.is_loopback()) {
                let reason = arp::ArpDropReason::SenderIp;
                faults.push(fault("sender_protocol_address", reason, "sender-protocol-host"));
            }
            if is_arp && frame.sender().is_some_and(|sender| sender != packet.sender_hardware()) {
                faults.push(FrameFault {
                    layer: "arp",
                    field: Some("sender_hardware_address"),
                    summary: "sender MAC address is not the frame's source".to_owned(),
                    detail: None,
                    rule: FaultRule::Standard("RFC 826 \"Packet Generation\"", RULE),
                    is_warning: true,
                    is_truncation: false,
                });
            }
        }
        Err(reason) => faults.extend(match reason {
            arp::ArpDropReason::HardwareType => Some(fault("hardware_type", reason, "rfc826-hardware-type")),
            arp::ArpDropReason::ProtocolType => Some(fault("protocol_type", reason, "rfc826-protocol-type")),
            arp::ArpDropReason::HardwareLength => Some(fault("hardware_length", reason, "rfc826-lengths")),
            arp::ArpDropReason::ProtocolLength => Some(fault("protocol_length", reason, "rfc826-lengths")),
            _ => Some(FrameFault::truncation("arp", None, &reason, "truncated")),
        }),
    }
}

fn check_ipv4(faults: &mut Vec<FrameFault>, frame: &DissectedFrame<'_>) {
    let payload = frame.payload;
    let reason = Datagram::parse(payload).err();
    faults.extend(reason.and_then(|reason| header_fault(reason, frame)));
    let Some(datagram) = Datagram::parse_lenient(payload) else { return };
    let header = payload.get(..datagram.header_length()).unwrap_or_default();
    if !checksum::is_valid(header) {
        let reason = ipv4::Ipv4DropReason::Checksum;
        let fault = FrameFault::new("ipv4", Some("checksum"), &reason, "rfc1122-header-checksum");
        faults.push(FrameFault { detail: Some(checksum_detail(header, 10)), ..fault });
    }
    let source = datagram.source();
    // On the loopback interface, loopback addresses are valid. A frame without MAC addresses may be from that interface.
    let is_loopback_frame = [frame.source, frame.destination] == [MacAddr::ZERO; 2];
    if source.is_multicast() || source.is_broadcast() || (source.is_loopback() && !is_loopback_frame) {
        let summary = format!("invalid source address {source}");
        faults.push(FrameFault::new("ipv4", Some("source"), &summary, "rfc1122-source"));
    }
    if datagram.fragment_offset() == 0 {
        let data = DatagramData {
            bytes: datagram.payload(),
            length: data_length(&datagram, frame.length),
            is_fragment: datagram.is_fragment(),
        };
        match datagram.protocol() {
            IpProtocol::ICMP => check_icmp(faults, &data),
            IpProtocol::UDP => check_udp(faults, &data),
            IpProtocol::TCP => check_tcp(faults, &data),
            _ => {}
        }
    }
}

/// Data of a datagram or of a first fragment.
struct DatagramData<'a> {
    /// The captured bytes.
    bytes: &'a [u8],
    /// Length according to the header of the datagram.
    length: usize,
    is_fragment: bool,
}

impl DatagramData<'_> {
    /// Returns whether all data is present: not a fragment, and not cut by the capture.
    fn is_whole(&self) -> bool {
        !self.is_fragment && self.bytes.len() >= self.length
    }
}

/// Returns the fault of an invalid IPv4 header. `check_ipv4` reports a wrong checksum.
fn header_fault(reason: ipv4::Ipv4DropReason, frame: &DissectedFrame<'_>) -> Option<FrameFault> {
    let fault =
        |field, summary: String, requirement| FrameFault::new("ipv4", Some(field), &summary, requirement);
    Some(match reason {
        ipv4::Ipv4DropReason::Checksum => return None,
        ipv4::Ipv4DropReason::Version => fault("version", reason.to_string(), "rfc1122-version"),
        ipv4::Ipv4DropReason::HeaderLength => {
            fault("header_length", reason.to_string(), "rfc791-header-length")
        }
        // The datagram ends beyond the captured bytes, but within the frame on the wire.
        ipv4::Ipv4DropReason::TotalLength if !is_beyond(frame) => return None,
        ipv4::Ipv4DropReason::TotalLengthShort | ipv4::Ipv4DropReason::TotalLength => {
            fault("total_length", reason.to_string(), "rfc791-total-length")
        }
        _ => FrameFault::truncation("ipv4", None, &reason, "rfc791-header"),
    })
}

/// Returns whether the total length of a datagram exceeds the frame on the wire.
fn is_beyond(frame: &DissectedFrame<'_>) -> bool {
    let total = frame.payload.get(2..4).and_then(|bytes| bytes.first_chunk().copied());
    total.is_some_and(|total| usize::from(u16::from_be_bytes(total)) > frame.length)
}

fn check_icmp(faults: &mut Vec<FrameFault>, data: &DatagramData<'_>) {
    // The checksum covers the whole message.
    if !data.is_whole() {
        return;
    }
    let reason = match IcmpMessage::parse(data.bytes) {
        Ok(message) => message.body().err(),
        Err(reason) => Some(reason),
    };
    match reason {
        Some(reason @ icmp::IcmpDropReason::Checksum) => {
            let fault = FrameFault::new("icmp", Some("checksum"), &reason, "rfc792-checksum");
            faults.push(FrameFault { detail: Some(checksum_detail(data.bytes, 2)), ..fault });
        }
        Some(reason @ icmp::IcmpDropReason::Truncated) => {
            faults.push(FrameFault::new("icmp", None, &reason, "rfc792-length"));
        }
        Some(reason @ icmp::IcmpDropReason::NoQuotedDatagram) => {
            faults.push(FrameFault::new("icmp", None, &reason, "rfc792-quote"));
        }
        _ => {}
    }
}

fn check_udp(faults: &mut Vec<FrameFault>, data: &DatagramData<'_>) {
    const RULE: &str =
        "the length covers header and data: at least 8 bytes, at most the length of the datagram";
    let claimed = data.bytes.get(4..6).and_then(|bytes| bytes.first_chunk().copied());
    let claimed = claimed.map(|bytes| usize::from(u16::from_be_bytes(bytes)));
    let is_below = claimed.is_some_and(|claimed| claimed < UDP_HEADER);
    let is_short = data.length < UDP_HEADER && !data.is_fragment;
    let is_beyond = claimed.is_some_and(|claimed| claimed > data.length) && !data.is_fragment;
    let summary = match claimed {
        _ if is_below => "UDP length below 8",
        _ if is_short => "shorter than a UDP header",
        _ if is_beyond => "UDP length beyond the datagram",
        _ => return,
    };
    faults.push(FrameFault {
        layer: "udp",
        field: claimed.map(|_| "length"),
        summary: summary.to_owned(),
        detail: claimed.map(|claimed| format!("{claimed}, but the datagram has {} bytes", data.length)),
        rule: FaultRule::Standard("RFC 768 \"Fields\"", RULE),
        is_warning: false,
        is_truncation: false,
    });
}

fn check_tcp(faults: &mut Vec<FrameFault>, data: &DatagramData<'_>) {
    let offset = data.bytes.get(12).map(|offset| usize::from(offset >> 4) * 4);
    let (field, summary) = match offset {
        Some(offset) if offset < TCP_HEADER => (Some("data_offset"), "TCP data offset below 5"),
        Some(offset) if offset > data.length && !data.is_fragment => {
            (Some("data_offset"), "TCP data offset beyond the segment")
        }
        _ if data.length < TCP_HEADER && !data.is_fragment => (None, "shorter than a TCP header"),
        _ => return check_tcp_options(faults, data, offset),
    };
    faults.push(FrameFault::new("tcp", field, &summary, "rfc9293-data-offset"));
}

/// Checks the options of a segment with this header length.
fn check_tcp_options(faults: &mut Vec<FrameFault>, data: &DatagramData<'_>, header_length: Option<usize>) {
    let options = header_length.and_then(|length| data.bytes.get(TCP_HEADER..length));
    let fault = |summary: &str, id| FrameFault::new("tcp", Some("options"), &summary, id);
    faults.extend(TcpOptions::new(options.unwrap_or_default()).find_map(|option| match option {
        TcpOption::InvalidLength { .. } => {
            Some(fault("TCP option length does not match its kind", "tcp-option-known-length"))
        }
        TcpOption::Malformed { .. } => {
            Some(fault("TCP option length below 2 or beyond the header", "rfc9293-option-length"))
        }
        _ => None,
    }));
}

/// Returns the checksum found at offset `at` in the bytes that it covers, and the expected one.
fn checksum_detail(bytes: &[u8], at: usize) -> String {
    let mut blank = bytes.to_vec();
    let mut found = 0;
    if let Some(field) = blank.get_mut(at..).and_then(|rest| rest.first_chunk_mut::<2>()) {
        found = u16::from_be_bytes(*field);
        *field = [0; 2];
    }
    format!("{found:#06x}, expected {:#06x}", checksum::of(&blank))
}
