//! Faults of a frame.

use std::fmt;

use arp::{Operation, Packet};
use icmp::Message;
use inet::{IpProtocol, checksum};
use ipv4::Datagram;
use link::{EtherType, MacAddr};

use super::Frame;
use super::datagram::data_length;

/// EtherType of RARP, whose packets have ARP's format (RFC 903).
pub(crate) const RARP: EtherType = EtherType(0x8035);

/// Bytes of a UDP header (RFC 768).
const UDP_HEADER: usize = 8;
/// Bytes of a TCP header without options (RFC 9293 3.1).
const TCP_HEADER: usize = 20;

/// One thing that is wrong, or to be warned of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// In which header, by its name in JSON.
    pub(crate) layer: &'static str,
    /// In which field of it, by its name in JSON; none if there is no whole header.
    pub(crate) field: Option<&'static str>,
    /// What it is.
    pub(crate) what: String,
    /// The numbers in it.
    pub(crate) detail: Option<String>,
    /// Source of the rule.
    pub(crate) by: By,
    /// Whether it may be right all the same.
    pub(crate) is_warning: bool,
    /// Whether bytes are missing, which the capture may have cut off.
    is_short: bool,
}

/// Source of the rule that a frame breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// The requirement with this id in `docs/spec`.
    Requirement(&'static str),
    /// A standard that is not there, with its section, and what it asks.
    Standard(&'static str, &'static str),
}

/// All that is wrong with a frame that was `length` bytes long on the wire. Bytes that are missing because the capture
/// cut it short are not.
pub(crate) fn faults(octets: &[u8], length: usize) -> Vec<Fault> {
    let mut faults = Vec::new();
    match Frame::parse(octets, length) {
        Ok(frame) => {
            if frame.source.is_group() {
                let reason = link::Dropped::GroupSource;
                faults.push(Fault::of("ethernet", Some("source"), &reason, "ethernet-group-source"));
            }
            match frame.ether_type {
                EtherType::ARP | RARP => of_arp(&mut faults, &frame),
                EtherType::IPV4 => of_ipv4(&mut faults, &frame),
                _ => {}
            }
        }
        Err(reason) => faults.extend(of_link(reason)),
    }
    if octets.len() < length {
        faults.retain(|fault| !fault.is_short);
    }
    faults
}

impl Fault {
    fn of(
        layer: &'static str,
        field: Option<&'static str>,
        what: &dyn fmt::Display,
        requirement: &'static str,
    ) -> Fault {
        let by = By::Requirement(requirement);
        Fault { layer, field, what: what.to_string(), detail: None, by, is_warning: false, is_short: false }
    }

    /// What it is, with its numbers.
    pub(crate) fn sentence(&self) -> String {
        match &self.detail {
            Some(detail) => format!("{}: {detail}", self.what),
            None => self.what.clone(),
        }
    }

    fn short(
        layer: &'static str,
        field: Option<&'static str>,
        what: &dyn fmt::Display,
        requirement: &'static str,
    ) -> Fault {
        Fault { is_short: true, ..Fault::of(layer, field, what, requirement) }
    }
}

fn of_link(reason: link::Dropped) -> Option<Fault> {
    use link::Dropped as D;
    Some(match reason {
        D::Truncated => Fault::short("ethernet", None, &reason, "truncated"),
        D::TruncatedTag => Fault::short("tags", None, &reason, "ethernet-tags"),
        D::TooManyTags => Fault::of("tags", None, &reason, "ethernet-tags"),
        D::ReservedVlan => Fault::of("tags", Some("vlan"), &reason, "ethernet-reserved-vlan"),
        D::UndefinedType => Fault::of("ethernet", Some("type_or_length"), &reason, "ethernet-undefined"),
        D::LengthBeyondFrame => {
            Fault::of("ethernet", Some("type_or_length"), &reason, "ethernet-length-beyond")
        }
        // Another protocol's, and nothing is wrong with it. The others are a host's own to find.
        D::NotSnap | D::TooLong | D::GroupSource | D::NotForUs | D::OtherVlan => return None,
    })
}

fn of_arp(faults: &mut Vec<Fault>, frame: &Frame<'_>) {
    const ASKED: &str =
        "a station names its own address as the sender's; a proxy may name another, and so does a forger";
    let fault = |field, reason, requirement| Fault::of("arp", Some(field), &reason, requirement);
    match Packet::parse(frame.payload) {
        Ok(packet) => {
            let sender = packet.sender_hardware();
            let is_arp = matches!(packet.operation(), Operation::REQUEST | Operation::REPLY);
            if is_arp && !sender.is_station() {
                let reason = arp::Dropped::SenderHardware;
                faults.push(fault("sender_hardware_address", reason, "sender-hardware-station"));
            }
            let sender = packet.sender_protocol();
            if is_arp && (sender.is_multicast() || sender.is_broadcast() || sender.is_loopback()) {
                let reason = arp::Dropped::SenderProtocol;
                faults.push(fault("sender_protocol_address", reason, "sender-protocol-host"));
            }
            if is_arp && packet.sender_hardware() != frame.source {
                faults.push(Fault {
                    layer: "arp",
                    field: Some("sender_hardware_address"),
                    what: "sender MAC address is not the frame's source".to_owned(),
                    detail: None,
                    by: By::Standard("RFC 826 \"Packet Generation\"", ASKED),
                    is_warning: true,
                    is_short: false,
                });
            }
        }
        Err(reason) => faults.extend(match reason {
            arp::Dropped::HardwareType => Some(fault("hardware_type", reason, "rfc826-hardware-type")),
            arp::Dropped::ProtocolType => Some(fault("protocol_type", reason, "rfc826-protocol-type")),
            arp::Dropped::HardwareLength => Some(fault("hardware_length", reason, "rfc826-lengths")),
            arp::Dropped::ProtocolLength => Some(fault("protocol_length", reason, "rfc826-lengths")),
            _ => Some(Fault::short("arp", None, &reason, "truncated")),
        }),
    }
}

fn of_ipv4(faults: &mut Vec<Fault>, frame: &Frame<'_>) {
    let payload = frame.payload;
    let reason = Datagram::parse(payload).err();
    faults.extend(reason.and_then(|reason| of_header(reason, frame)));
    let Some(datagram) = Datagram::salvage(payload) else { return };
    // Whatever else is wrong with it.
    let header = payload.get(..datagram.header_length()).unwrap_or_default();
    if !checksum::is_valid(header) {
        let reason = ipv4::Dropped::Checksum;
        let fault = Fault::of("ipv4", Some("checksum"), &reason, "rfc1122-header-checksum");
        faults.push(Fault { detail: Some(wrong_sum(header, 10)), ..fault });
    }
    let source = datagram.source();
    // Of a frame that never left its host, loopback addresses are right.
    let is_inside = [frame.source, frame.destination] == [MacAddr::ZERO; 2];
    if source.is_multicast() || source.is_broadcast() || (source.is_loopback() && !is_inside) {
        let what = format!("source address {source} is not a host's");
        faults.push(Fault::of("ipv4", Some("source"), &what, "rfc1122-source"));
    }
    if datagram.fragment_offset() == 0 {
        let data = Data {
            octets: datagram.payload(),
            length: data_length(&datagram, frame.length),
            is_fragment: datagram.is_fragment(),
        };
        match datagram.protocol() {
            IpProtocol::ICMP => of_icmp(faults, &data),
            IpProtocol::UDP => of_udp(faults, &data),
            IpProtocol::TCP => of_tcp(faults, &data),
            _ => {}
        }
    }
}

/// What a datagram carries, or a first fragment.
struct Data<'a> {
    /// As much as is here.
    octets: &'a [u8],
    /// Its length by the datagram's header.
    length: usize,
    is_fragment: bool,
}

impl Data<'_> {
    /// Whether all of it is here.
    fn is_whole(&self) -> bool {
        !self.is_fragment && self.octets.len() >= self.length
    }
}

/// Why a datagram was turned away, but for its checksum.
fn of_header(reason: ipv4::Dropped, frame: &Frame<'_>) -> Option<Fault> {
    let fault = |field, what: String, requirement| Fault::of("ipv4", Some(field), &what, requirement);
    Some(match reason {
        ipv4::Dropped::Checksum => return None,
        ipv4::Dropped::Version => fault("version", reason.to_string(), "rfc1122-version"),
        ipv4::Dropped::HeaderLength => fault("header_length", reason.to_string(), "rfc791-header-length"),
        // More than was captured; more than was on the wire, too?
        ipv4::Dropped::TotalLength if !is_beyond(frame) => return None,
        ipv4::Dropped::TotalLengthShort | ipv4::Dropped::TotalLength => {
            fault("total_length", reason.to_string(), "rfc791-total-length")
        }
        _ => Fault::short("ipv4", None, &reason, "rfc791-header"),
    })
}

/// Whether a datagram is longer by its header than its frame was on the wire.
fn is_beyond(frame: &Frame<'_>) -> bool {
    let total = frame.payload.get(2..4).and_then(|octets| octets.first_chunk().copied());
    total.is_some_and(|total| usize::from(u16::from_be_bytes(total)) > frame.length)
}

fn of_icmp(faults: &mut Vec<Fault>, data: &Data<'_>) {
    // The checksum is one of the whole message.
    if !data.is_whole() {
        return;
    }
    let reason = match Message::parse(data.octets) {
        Ok(message) => message.body().err(),
        Err(reason) => Some(reason),
    };
    match reason {
        Some(reason @ icmp::Dropped::Checksum) => {
            let fault = Fault::of("icmp", Some("checksum"), &reason, "rfc792-checksum");
            faults.push(Fault { detail: Some(wrong_sum(data.octets, 2)), ..fault });
        }
        Some(reason @ icmp::Dropped::Truncated) => {
            faults.push(Fault::of("icmp", None, &reason, "rfc792-length"));
        }
        Some(reason @ icmp::Dropped::Quote) => {
            faults.push(Fault::of("icmp", None, &reason, "rfc792-quote"));
        }
        _ => {}
    }
}

fn of_udp(faults: &mut Vec<Fault>, data: &Data<'_>) {
    const ASKED: &str =
        "the length counts the header and the data: it is 8 at least, and no more than there is";
    let claimed = data.octets.get(4..6).and_then(|octets| octets.first_chunk().copied());
    let claimed = claimed.map(|octets| usize::from(u16::from_be_bytes(octets)));
    let is_below = claimed.is_some_and(|claimed| claimed < UDP_HEADER);
    let is_short = data.length < UDP_HEADER && !data.is_fragment;
    let is_beyond = claimed.is_some_and(|claimed| claimed > data.length) && !data.is_fragment;
    let what = match claimed {
        _ if is_below => "UDP length below 8",
        _ if is_short => "shorter than a UDP header",
        _ if is_beyond => "UDP length beyond the datagram",
        _ => return,
    };
    faults.push(Fault {
        layer: "udp",
        field: claimed.map(|_| "length"),
        what: what.to_owned(),
        detail: claimed.map(|claimed| format!("it is {claimed}, and the datagram has {} bytes", data.length)),
        by: By::Standard("RFC 768 \"Fields\"", ASKED),
        is_warning: false,
        is_short: false,
    });
}

fn of_tcp(faults: &mut Vec<Fault>, data: &Data<'_>) {
    const ASKED: &str = "a header has five words at least, and ends within the segment";
    let offset = data.octets.get(12).map(|offset| usize::from(offset >> 4) * 4);
    let (field, what) = match offset {
        Some(offset) if offset < TCP_HEADER => (Some("data_offset"), "TCP data offset below 5"),
        Some(offset) if offset > data.length && !data.is_fragment => {
            (Some("data_offset"), "TCP data offset beyond the segment")
        }
        _ if data.length < TCP_HEADER && !data.is_fragment => (None, "shorter than a TCP header"),
        _ => return,
    };
    faults.push(Fault {
        layer: "tcp",
        field,
        what: what.to_owned(),
        detail: None,
        by: By::Standard("RFC 9293 3.1", ASKED),
        is_warning: false,
        is_short: false,
    });
}

/// A wrong checksum `at` bytes into what it covers: what it is, and what it should be.
fn wrong_sum(octets: &[u8], at: usize) -> String {
    let mut blank = octets.to_vec();
    let mut is = 0;
    if let Some(field) = blank.get_mut(at..).and_then(|rest| rest.first_chunk_mut::<2>()) {
        is = u16::from_be_bytes(*field);
        *field = [0; 2];
    }
    format!("it is {is:#06x}, and the bytes give {:#06x}", checksum::of(&blank))
}
