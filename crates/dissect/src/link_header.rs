//! Link headers other than that of Ethernet, and the Ethernet frame with the same payload.

use capture::LinkType;
use link::{EtherType, EthernetHeader, LinkDropReason, MacAddr};
use zerocopy::IntoBytes;

use crate::layout::{self, Layout};

/// The link types that [`crate::dissect_captured`] reads.
pub const LINK_TYPES: &[LinkType] = &[
    LinkType::ETHERNET,
    LinkType::LINUX_SLL,
    LinkType::LINUX_SLL2,
    LinkType::RAW,
    LinkType::IPV4,
    LinkType::IPV6,
    LinkType::NULL,
    LinkType::LOOP,
];

/// Length of an Ethernet header, in bytes.
const ETHERNET_HEADER: usize = size_of::<EthernetHeader>();
/// Maximum length of an [`EthernetForm`], in bytes: header, two VLAN tags, a SNAP header and an ARP packet fit.
const FORM_LIMIT: usize = 80;
/// Length of a MAC address, in bytes.
const MAC_LENGTH: u16 = 6;
/// Hardware types of Linux that have no EtherType in a cooked header: FRAD, GRE, IEEE 802.11 (3) and netlink.
const OTHER_HARDWARE: [u16; 6] = [770, 778, 801, 802, 803, 824];
/// Protocol number of a cooked header that an LLC header follows.
pub(crate) const LLC: u16 = 4;

/// A link header other than that of Ethernet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LinkHeader {
    pub(crate) link_type: LinkType,
    /// Length in bytes.
    pub(crate) length: usize,
    /// Direction and kind of destination, in a cooked header.
    pub(crate) packet_type: PacketType,
    /// Number of the interface, in a cooked header of version 2.
    pub(crate) interface: Option<u32>,
    /// MAC address of the sender, in a cooked header.
    pub(crate) source: Option<MacAddr>,
    /// The payload's EtherType, or [`LLC`], or another number below [`EtherType::FIRST`] of an unknown protocol.
    pub(crate) protocol: u16,
    /// Address family, in a loopback header.
    pub(crate) family: Option<u32>,
}

/// Packet type of a cooked header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PacketType(pub(crate) u16);

impl PacketType {
    const BROADCAST: PacketType = PacketType(1);
    const MULTICAST: PacketType = PacketType(2);

    /// Returns the name that tcpdump prints.
    pub(crate) fn name(self) -> &'static str {
        match self.0 {
            0 => "In",
            1 => "B",
            2 => "M",
            3 => "P",
            4 => "Out",
            _ => "?",
        }
    }
}

/// The start of a captured frame as an Ethernet frame: the Ethernet header is in place of the link header.
///
/// An ARP packet with up to two VLAN tags is complete. Longer payloads are truncated. The destination is the broadcast
/// address, a multicast address or zero, because a cooked header has no destination.
#[derive(Clone, Copy, Debug)]
pub struct EthernetForm {
    bytes: [u8; FORM_LIMIT],
    length: usize,
}

impl EthernetForm {
    /// Converts a captured frame of this link type.
    pub fn new(link_type: LinkType, bytes: &[u8]) -> Result<EthernetForm, LinkDropReason> {
        if link_type == LinkType::ETHERNET {
            return Ok(EthernetForm::default().with(&[], bytes));
        }
        Ok(LinkHeader::parse(link_type, bytes)?.ethernet_form(bytes))
    }

    /// Returns the bytes of the Ethernet frame.
    pub fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    /// Returns this form with a header and a payload, which may be truncated.
    fn with(mut self, header: &[u8], payload: &[u8]) -> EthernetForm {
        for (to, from) in self.bytes.iter_mut().zip(header.iter().chain(payload)) {
            *to = *from;
        }
        self.length = (header.len() + payload.len()).min(FORM_LIMIT);
        self
    }
}

impl Default for EthernetForm {
    fn default() -> EthernetForm {
        EthernetForm { bytes: [0; FORM_LIMIT], length: 0 }
    }
}

/// Returns the layout of the link header, or `None` if frames of this link type start with an IP header.
pub(crate) fn layout(link_type: LinkType) -> Option<&'static Layout> {
    match link_type {
        LinkType::ETHERNET => Some(&layout::ETHERNET),
        LinkType::LINUX_SLL => Some(&layout::LINUX_SLL),
        LinkType::LINUX_SLL2 => Some(&layout::LINUX_SLL2),
        LinkType::NULL | LinkType::LOOP => Some(&layout::LOOPBACK),
        _ => None,
    }
}

impl LinkHeader {
    /// Parses the header at the start of a frame, which is not an Ethernet frame.
    pub(crate) fn parse(link_type: LinkType, bytes: &[u8]) -> Result<LinkHeader, LinkDropReason> {
        let Some(layout) = layout(link_type) else { return LinkHeader::without_header(link_type, bytes) };
        let length = layout.length();
        let plain = LinkHeader {
            link_type,
            length,
            packet_type: PacketType(0),
            interface: None,
            source: None,
            protocol: 0,
            family: None,
        };
        let header = bytes.get(..length).ok_or(LinkDropReason::Truncated)?;
        Ok(match *header {
            [a, b, c, d] => {
                let family = address_family(link_type, u32::from_be_bytes([a, b, c, d]));
                let protocol = family_protocol(family).unwrap_or_default();
                LinkHeader { family: Some(family), protocol, ..plain }
            }
            [k0, k1, h0, h1, l0, l1, a, b, c, d, e, f, _, _, p0, p1] => LinkHeader {
                packet_type: PacketType(u16::from_be_bytes([k0, k1])),
                source: sender(u16::from_be_bytes([l0, l1]), [a, b, c, d, e, f]),
                protocol: cooked_protocol([h0, h1], [p0, p1]),
                ..plain
            },
            [p0, p1, _, _, i0, i1, i2, i3, h0, h1, kind, l0, a, b, c, d, e, f, _, _] => LinkHeader {
                packet_type: PacketType(kind.into()),
                interface: Some(u32::from_be_bytes([i0, i1, i2, i3])),
                source: sender(l0.into(), [a, b, c, d, e, f]),
                protocol: cooked_protocol([h0, h1], [p0, p1]),
                ..plain
            },
            _ => plain,
        })
    }

    /// Returns the header of a link type without link header: frames start with an IP header. The version of the IP header
    /// is the protocol.
    fn without_header(link_type: LinkType, bytes: &[u8]) -> Result<LinkHeader, LinkDropReason> {
        let version = bytes.first().ok_or(LinkDropReason::Truncated)? >> 4;
        let protocol = match link_type {
            LinkType::IPV6 => EtherType::IPV6,
            LinkType::RAW if version == 6 => EtherType::IPV6,
            _ => EtherType::IPV4,
        };
        Ok(LinkHeader {
            link_type,
            length: 0,
            packet_type: PacketType(0),
            interface: None,
            source: None,
            protocol: protocol.0,
            family: None,
        })
    }

    /// Returns the frame with an Ethernet header in place of this header.
    pub(crate) fn ethernet_form(&self, bytes: &[u8]) -> EthernetForm {
        let destination = match self.packet_type {
            PacketType::BROADCAST => MacAddr::BROADCAST,
            PacketType::MULTICAST => MacAddr::new([1, 0, 0, 0, 0, 0]),
            _ => MacAddr::ZERO,
        };
        let payload = bytes.get(self.length..).unwrap_or_default();
        let payload = payload.get(..FORM_LIMIT - ETHERNET_HEADER).unwrap_or(payload);
        let protocol = match self.protocol {
            LLC => u16::try_from(payload.len()).unwrap_or_default(),
            protocol => protocol,
        };
        let header = EthernetHeader {
            destination,
            source: self.source.unwrap_or(MacAddr::ZERO),
            type_or_length: protocol.into(),
        };
        EthernetForm::default().with(header.as_bytes(), payload)
    }

    /// Returns whether the protocol of the payload is unknown: neither an EtherType nor LLC.
    pub(crate) fn is_unknown(&self) -> bool {
        self.protocol < EtherType::FIRST && self.protocol != LLC
    }
}

/// Returns the address family of a loopback header. In [`LinkType::NULL`], the byte order is that of the capturing machine,
/// and address families are small numbers.
fn address_family(link_type: LinkType, family: u32) -> u32 {
    if link_type == LinkType::NULL { family.min(family.swap_bytes()) } else { family }
}

/// Returns the EtherType of an address family: `AF_INET`, or `AF_INET6` of Linux, NetBSD, FreeBSD or Darwin.
fn family_protocol(family: u32) -> Option<u16> {
    match family {
        2 => Some(EtherType::IPV4.0),
        10 | 24 | 28 | 30 => Some(EtherType::IPV6.0),
        _ => None,
    }
}

/// Returns the address of a cooked header, if it has the length of a MAC address.
fn sender(length: u16, bytes: [u8; 6]) -> Option<MacAddr> {
    (length == MAC_LENGTH).then(|| MacAddr::new(bytes))
}

/// Returns the protocol of a cooked header, or 0 if interfaces of this hardware type have no EtherType.
fn cooked_protocol(hardware: [u8; 2], protocol: [u8; 2]) -> u16 {
    let has_other = OTHER_HARDWARE.contains(&u16::from_be_bytes(hardware));
    if has_other { 0 } else { u16::from_be_bytes(protocol) }
}

#[cfg(test)]
mod tests;
