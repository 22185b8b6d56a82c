//! What is wrong with a frame, whoever it is for.

use std::fmt;

use arp::{Operation, Packet};
use icmp::Message;
use ipv4::{Datagram, Protocol, checksum};
use link::{EtherType, Ethernet, MacAddr};

/// Octets of a UDP header (RFC 768).
const UDP_HEADER: usize = 8;
/// Octets of a TCP header without options (RFC 9293 3.1).
const TCP_HEADER: usize = 20;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// In which header, by its name in JSON.
    pub(super) layer: &'static str,
    /// In which field of it, by its name in JSON; none if there is no whole header.
    pub(super) field: Option<&'static str>,
    /// What it is.
    pub(super) what: String,
    /// Who says so.
    pub(super) by: By,
    /// Whether octets are missing, which the capture may have cut off.
    is_short: bool,
}

/// Who says that something is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// The requirement with this id in `docs/spec`.
    Requirement(&'static str),
    /// A standard that is not there, with its section, and what it asks.
    Standard(&'static str, &'static str),
}

/// All that is wrong with a frame. Octets that are missing because the capture `is_cut` short are not.
pub(super) fn faults(octets: &[u8], is_cut: bool) -> Vec<Fault> {
    let mut faults = Vec::new();
    match Ethernet::parse(octets) {
        Ok(frame) => {
            if frame.source().is_group() {
                let reason = link::Dropped::GroupSource;
                faults.push(Fault::of("ethernet", Some("source"), &reason, "ethernet-group-source"));
            }
            match frame.ether_type() {
                EtherType::ARP => of_arp(&mut faults, frame.payload()),
                EtherType::IPV4 => {
                    // Of a frame that never left its host, loopback addresses are right.
                    let is_inside = [frame.source(), frame.destination()] == [MacAddr::ZERO; 2];
                    of_ipv4(&mut faults, frame.payload(), is_inside);
                }
                _ => {}
            }
        }
        Err(reason) => faults.extend(of_link(reason)),
    }
    if is_cut {
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
        Fault { layer, field, what: what.to_string(), by: By::Requirement(requirement), is_short: false }
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
            Fault::short("ethernet", Some("type_or_length"), &reason, "ethernet-length-beyond")
        }
        // Another protocol's, and nothing is wrong with it. The others are a host's own to find.
        D::NotSnap | D::TooLong | D::GroupSource | D::NotForUs | D::OtherVlan => return None,
    })
}

fn of_arp(faults: &mut Vec<Fault>, payload: &[u8]) {
    let fault = |field, reason, requirement| Fault::of("arp", Some(field), &reason, requirement);
    match Packet::parse(payload) {
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

fn of_ipv4(faults: &mut Vec<Fault>, payload: &[u8], is_inside: bool) {
    let reason = Datagram::parse(payload).err();
    faults.extend(reason.and_then(|reason| of_header(reason, payload)));
    let Some(datagram) = Datagram::salvage(payload) else { return };
    // Whatever else is wrong with it.
    let header = payload.get(..datagram.header_length()).unwrap_or_default();
    if !checksum::is_valid(header) {
        let what = wrong_sum(&ipv4::Dropped::Checksum, header, 10);
        faults.push(Fault::of("ipv4", Some("checksum"), &what, "rfc1122-header-checksum"));
    }
    let source = datagram.source();
    if source.is_multicast() || source.is_broadcast() || (source.is_loopback() && !is_inside) {
        let what = format!("{source} can send nothing on a wire");
        faults.push(Fault::of("ipv4", Some("source"), &what, "rfc1122-source"));
    }
    let is_partial = datagram.is_fragment() || reason == Some(ipv4::Dropped::TotalLength);
    if datagram.fragment_offset() == 0 {
        of_data(faults, &datagram, is_partial);
    }
}

fn of_data(faults: &mut Vec<Fault>, datagram: &Datagram<'_>, is_partial: bool) {
    let data = datagram.payload();
    match datagram.protocol() {
        Protocol::ICMP => of_icmp(faults, data, is_partial),
        Protocol::UDP => of_udp(faults, data, is_partial),
        Protocol::TCP => {
            let offset = data.get(12).map(|offset| usize::from(offset >> 4) * 4);
            let is_senseless =
                offset.is_some_and(|offset| offset < TCP_HEADER || (offset > data.len() && !is_partial));
            if is_senseless || (data.len() < TCP_HEADER && !is_partial) {
                const ASKED: &str = "a header has five words at least, and ends within the segment";
                faults.push(Fault {
                    layer: "tcp",
                    field: is_senseless.then_some("data_offset"),
                    what: "the header does not fit".to_owned(),
                    by: By::Standard("RFC 9293 3.1", ASKED),
                    is_short: !is_senseless,
                });
            }
        }
        _ => {}
    }
}

/// Why a datagram was turned away, but for its checksum.
fn of_header(reason: ipv4::Dropped, payload: &[u8]) -> Option<Fault> {
    let fault = |field, what: String, requirement| Fault::of("ipv4", Some(field), &what, requirement);
    Some(match reason {
        ipv4::Dropped::Checksum => return None,
        ipv4::Dropped::Version => fault("version", reason.to_string(), "rfc1122-version"),
        ipv4::Dropped::HeaderLength if Datagram::salvage(payload).is_some() => {
            let what = "total length below the header's".to_owned();
            fault("total_length", what, "rfc791-total-length")
        }
        ipv4::Dropped::HeaderLength => fault("header_length", reason.to_string(), "rfc791-header-length"),
        ipv4::Dropped::TotalLength => {
            Fault::short("ipv4", Some("total_length"), &reason, "rfc791-total-length")
        }
        _ => Fault::short("ipv4", None, &reason, "rfc791-header"),
    })
}

fn of_icmp(faults: &mut Vec<Fault>, data: &[u8], is_partial: bool) {
    let reason = match Message::parse(data) {
        Ok(message) => message.body().err(),
        Err(reason) => Some(reason),
    };
    match reason {
        Some(reason @ icmp::Dropped::Checksum) if !is_partial => {
            faults.push(Fault::of("icmp", Some("checksum"), &wrong_sum(&reason, data, 2), "rfc792-checksum"));
        }
        Some(reason @ icmp::Dropped::Truncated) if !is_partial => {
            faults.push(Fault::short("icmp", None, &reason, "rfc792-length"));
        }
        Some(reason @ icmp::Dropped::Quote) if !is_partial => {
            faults.push(Fault::short("icmp", None, &reason, "rfc792-quote"));
        }
        _ => {}
    }
}

fn of_udp(faults: &mut Vec<Fault>, data: &[u8], is_partial: bool) {
    const ASKED: &str =
        "the length counts the header and the data: it is 8 at least, and no more than there is";
    let claimed = data.get(4..6).and_then(|octets| octets.first_chunk().copied()).map(u16::from_be_bytes);
    let claimed = claimed.map(usize::from);
    let is_below = claimed.is_some_and(|claimed| claimed < UDP_HEADER);
    let is_beyond = !is_partial && claimed.is_none_or(|claimed| claimed > data.len());
    if is_below || is_beyond {
        let what = match claimed {
            Some(claimed) => format!("the length says {claimed}, and {} octets are here", data.len()),
            None => "shorter than a UDP header".to_owned(),
        };
        let field = claimed.map(|_| "length");
        let by = By::Standard("RFC 768 \"Fields\"", ASKED);
        faults.push(Fault { layer: "udp", field, what, by, is_short: !is_below });
    }
}

/// A wrong checksum `at` octets into what it covers: what it is, and what it should be.
fn wrong_sum(reason: &impl ToString, octets: &[u8], at: usize) -> String {
    let mut blank = octets.to_vec();
    let mut is = 0;
    if let Some(field) = blank.get_mut(at..).and_then(|rest| rest.first_chunk_mut::<2>()) {
        is = u16::from_be_bytes(*field);
        *field = [0; 2];
    }
    format!(
        "{}: it is {is:#06x}, and the octets give {:#06x}",
        reason.to_string(),
        checksum::checksum(&blank)
    )
}
