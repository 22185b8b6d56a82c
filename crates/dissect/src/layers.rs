//! The layers of a frame, which may be malformed.

use std::fmt::Write;
use std::net::{Ipv4Addr, Ipv6Addr};

use capture::LinkType;
use icmp::IcmpType;
use inet::IpProtocol;
use link::{EtherType, MacAddr};

use crate::frame::RARP;
use crate::ipv6::{ICMP6, Ipv6Datagram};
use crate::layout::{self, Field, FieldFormat, Layout, ipv6, payload};
use crate::link_header::{self, LinkHeader};
use crate::udp::{Application, UdpDatagram};

/// One header of a frame. The header is shorter than its layout if the frame ends in the header.
#[derive(Clone, Copy, Debug)]
pub struct Layer<'a> {
    /// Layout of its fields.
    pub layout: &'static Layout,
    /// Offset in the frame, in bytes.
    pub offset: usize,
    /// Its bytes, with options.
    pub bytes: &'a [u8],
    /// Whether the header is part of the datagram that an ICMP error quotes.
    pub is_quoted: bool,
}

/// Value of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldValue {
    /// A number.
    Number(u64),
    /// A single bit.
    Flag(bool),
    /// A MAC address.
    Mac(MacAddr),
    /// An IPv4 address.
    Ip(Ipv4Addr),
    /// An IPv6 address.
    Ip6(Ipv6Addr),
}

/// Names of the addresses of an ARP packet, in order.
const ADDRESSES: [&str; 4] = [
    "sender_hardware_address",
    "sender_protocol_address",
    "target_hardware_address",
    "target_protocol_address",
];

/// Maximum number of VLAN tags among [`Layers::layers`].
pub const TAG_LIMIT: usize = 8;

/// The layers of a frame, outermost first.
#[derive(Clone, Debug, Default)]
pub struct Layers<'a> {
    /// Layers of known protocols, with at most [`TAG_LIMIT`] VLAN tags.
    pub layers: Vec<Layer<'a>>,
    /// Number of further VLAN tags.
    pub more_tags: usize,
}

/// Returns the layers of a frame that belong to a known protocol. The frame was `length` bytes long on the wire; `bytes` is
/// the captured part.
pub(crate) fn layers(link_type: LinkType, bytes: &[u8], length: usize) -> Layers<'_> {
    let missing = length.saturating_sub(bytes.len());
    let mut parser = LayerParser { bytes, missing, offset: 0, is_quoted: false, found: Layers::default() };
    parser.link(link_type);
    parser.found
}

impl<'a> Layer<'a> {
    /// Returns the fields that are complete, with their values.
    pub fn fields(&self) -> impl Iterator<Item = (&'static Field, FieldValue)> {
        let bytes = self.bytes;
        let mut at = 0;
        self.layout.fields.iter().map_while(move |field| {
            let value = value(field, bits(bytes, at, field.bits)?);
            at += field.bits;
            Some((field, value))
        })
    }

    /// Returns the options of an IPv4 or TCP header, or `None` for any other layer. The capture may have truncated them.
    pub fn options(&self) -> Option<&'a [u8]> {
        let has_options = [layout::IPV4.name, layout::TCP.name].contains(&self.layout.name);
        Some(self.rest()).filter(|_| has_options && !self.is_short())
    }

    /// Returns the complete addresses of an ARP packet with address lengths other than 6 and 4, with their field names.
    /// `sender_protocol_address` and `target_protocol_address` are formatted as IPv4 addresses if they have four bytes.
    pub fn addresses(&self) -> impl Iterator<Item = (&'static str, String)> {
        let is_other_length = std::ptr::eq(self.layout, &raw const layout::ARP_HEAD);
        let length = |name| self.number(name).and_then(|length| usize::try_from(length).ok());
        let lengths = [length("hardware_length"), length("protocol_length")];
        let mut rest = self.rest();
        ADDRESSES.into_iter().zip(lengths.into_iter().cycle()).map_while(move |(name, length)| {
            let (address, more) = rest.split_at_checked(length.filter(|_| is_other_length)?)?;
            rest = more;
            Some((name, address_text(name, address)))
        })
    }

    /// Returns the bytes after the fields of the layout.
    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.layout.length()..).unwrap_or_default()
    }

    /// Returns whether the frame ends in this layer.
    pub fn is_short(&self) -> bool {
        self.bytes.len() < self.layout.length()
    }

    /// Returns the value of a field.
    pub fn value(&self, name: &str) -> Option<FieldValue> {
        self.fields().find(|(field, _)| field.name == name).map(|(_, value)| value)
    }

    /// Returns the value of a numeric field.
    pub fn number(&self, name: &str) -> Option<u64> {
        if let Some(FieldValue::Number(number)) = self.value(name) { Some(number) } else { None }
    }
}

/// Formats an address of an ARP packet.
fn address_text(name: &str, address: &[u8]) -> String {
    match address {
        &[a, b, c, d] if matches!(name, "sender_protocol_address" | "target_protocol_address") => {
            Ipv4Addr::new(a, b, c, d).to_string()
        }
        bytes => hex(bytes, ":"),
    }
}

/// Returns `count` bits, starting at bit `at`, as a number, or `None` if the bytes end before.
fn bits(bytes: &[u8], at: usize, count: usize) -> Option<u128> {
    let (first, end) = (at / 8, (at + count).div_ceil(8));
    let number = bytes.get(first..end)?.iter().fold(0_u128, |number, byte| number << 8 | u128::from(*byte));
    let mask = u128::MAX.checked_shr(u32::try_from(128_usize.checked_sub(count)?).ok()?)?;
    Some(number >> (end * 8 - at - count) & mask)
}

fn value(field: &Field, number: u128) -> FieldValue {
    let [.., a, b, c, d, e, f] = number.to_be_bytes();
    match field.format {
        // Numbers have up to 64 bits.
        FieldFormat::Number | FieldFormat::Hex => {
            FieldValue::Number(u64::try_from(number).unwrap_or(u64::MAX))
        }
        FieldFormat::Flag => FieldValue::Flag(number != 0),
        FieldFormat::Mac => FieldValue::Mac(MacAddr::new([a, b, c, d, e, f])),
        FieldFormat::Ip => FieldValue::Ip(Ipv4Addr::new(c, d, e, f)),
        FieldFormat::Ip6 => FieldValue::Ip6(Ipv6Addr::from_bits(number)),
    }
}

/// Parser that steps through a frame header by header.
struct LayerParser<'a> {
    bytes: &'a [u8],
    /// Number of bytes that were not captured.
    missing: usize,
    offset: usize,
    is_quoted: bool,
    found: Layers<'a>,
}

impl<'a> LayerParser<'a> {
    fn link(&mut self, link_type: LinkType) {
        if link_type == LinkType::ETHERNET {
            let Some(layer) = self.push(&layout::ETHERNET) else { return };
            return self.typed(ether_type(layer.number("type_or_length")));
        }
        let Ok(header) = LinkHeader::parse(link_type, self.bytes) else {
            // The frame ends in its link header.
            link_header::layout(link_type).and_then(|layout| self.push(layout));
            return;
        };
        if let Some(layout) = link_header::layout(link_type) {
            self.push(layout);
        }
        match header.protocol {
            link_header::LLC => {
                let rest = self.bytes.len().saturating_sub(self.offset);
                self.llc(u16::try_from(rest).unwrap_or(u16::MAX));
            }
            _ if header.is_unknown() => {}
            protocol => self.typed(Some(EtherType(protocol))),
        }
    }

    /// Parses what follows an EtherType or a length.
    fn typed(&mut self, first: Option<EtherType>) {
        let (mut next, mut tags) = (first, 0);
        while let Some(ether_type) = next {
            match ether_type {
                tag if tag.is_tag() => {
                    let Some(tag) = self.push(&layout::TAG) else { return };
                    next = self::ether_type(tag.number("type_or_length"));
                    tags += 1;
                    // A malicious frame may consist of tags only.
                    if tags > TAG_LIMIT {
                        self.found.layers.pop();
                        self.found.more_tags += 1;
                    }
                }
                EtherType(length @ ..=1_500) => return self.llc(length),
                // 1501 to 1535 is neither a length nor an EtherType.
                EtherType(..EtherType::FIRST) => return,
                ether_type => return self.payload(ether_type),
            }
        }
    }

    fn llc(&mut self, length: u16) {
        // The bytes after `length` are padding.
        let end = self.offset + usize::from(length);
        self.missing = end.saturating_sub(self.bytes.len());
        self.bytes = self.bytes.get(..end).unwrap_or(self.bytes);
        let rest = self.bytes.get(self.offset..).unwrap_or_default();
        if !rest.starts_with(&[0xaa, 0xaa, 3]) {
            let is_unnumbered = rest.get(2).is_none_or(|control| control & 3 == 3);
            self.push(if is_unnumbered { &layout::LLC } else { &layout::LLC_NUMBERED });
            if rest.starts_with(&payload::STP_LLC) {
                self.bpdu();
            }
            return;
        }
        let Some(layer) = self.push(&layout::SNAP) else { return };
        let is_ether_type = layer.number("organization") == Some(0);
        if let Some(ether_type) = ether_type(layer.number("ethertype")).filter(|_| is_ether_type) {
            self.payload(ether_type);
        }
    }

    fn payload(&mut self, ether_type: EtherType) {
        match ether_type {
            EtherType::ARP | RARP => {
                let rest = self.bytes.get(self.offset..).unwrap_or_default();
                match rest.get(4..6) {
                    Some(&[hardware, protocol]) if [hardware, protocol] != [6, 4] => {
                        self.other_length_arp(usize::from(hardware), usize::from(protocol));
                    }
                    _ => drop(self.push(&layout::ARP)),
                }
            }
            EtherType::IPV4 => self.ipv4(),
            EtherType::IPV6 => self.ipv6(),
            payload::LLDP_TYPE => drop(self.push(&payload::LLDP)),
            _ => {}
        }
    }

    fn bpdu(&mut self) {
        let kind = self.bytes.get(self.offset + 3);
        let has_fields = matches!(kind, Some(0x00 | 0x02));
        self.push(if has_fields { &payload::STP } else { &payload::STP_HEAD });
    }

    fn ipv6(&mut self) {
        let start = self.offset;
        let rest = self.bytes.get(start..).unwrap_or_default();
        let datagram = Ipv6Datagram::parse(rest);
        if self.push(&ipv6::IPV6).is_none() {
            return;
        }
        let Some(datagram) = datagram.filter(Ipv6Datagram::is_start) else { return };
        // The bytes after the datagram are padding.
        self.offset += datagram.extensions().map(|extension| extension.length()).sum::<usize>();
        self.bytes = self.bytes.get(..self.offset + datagram.payload.len()).unwrap_or(self.bytes);
        match datagram.protocol {
            ICMP6 => self.icmp6(datagram.payload),
            IpProtocol::UDP => {
                let length = datagram.data_length(rest.len() + self.missing);
                self.udp(length, datagram.fragment.is_some());
            }
            IpProtocol::TCP => self.tcp(),
            _ => {}
        }
    }

    fn icmp6(&mut self, message: &[u8]) {
        self.push(match message.first() {
            Some(2) => &ipv6::TOO_BIG6,
            Some(128 | 129) => &ipv6::ECHO6,
            Some(130..=132) => &ipv6::LISTENER,
            Some(135) => &ipv6::SOLICITATION,
            Some(136) => &ipv6::ADVERTISEMENT,
            Some(137) => &ipv6::REDIRECT6,
            _ => &ipv6::ICMPV6,
        });
    }

    /// Parses a UDP datagram with `length` bytes according to the IP header.
    fn udp(&mut self, length: usize, is_fragment: bool) {
        let datagram = self.bytes.get(self.offset..).unwrap_or_default();
        if self.push(&layout::UDP).is_none_or(|layer| layer.is_quoted) {
            return;
        }
        let UdpDatagram::Valid { data, application: Some(application), .. } =
            UdpDatagram::parse(datagram, length, is_fragment)
        else {
            return;
        };
        // The bytes after the data are padding.
        self.bytes = self.bytes.get(..self.offset + data.len()).unwrap_or(self.bytes);
        self.push(match application {
            Application::Dns(_) => &payload::DNS,
            Application::Dhcp => &payload::DHCP,
        });
    }

    fn other_length_arp(&mut self, hardware: usize, protocol: usize) {
        let start = self.offset;
        if self.push(&layout::ARP_HEAD).is_some() {
            self.extend(start, layout::ARP_HEAD.length() + 2 * (hardware + protocol));
        }
    }

    fn ipv4(&mut self) {
        let start = self.offset;
        let Some(layer) = self.push(&layout::IPV4) else { return };
        let number = |name| layer.number(name).and_then(|number| usize::try_from(number).ok());
        let (version, words, total) = (number("version"), number("header_length"), number("total_length"));
        let Some(length) = words.map(|words| words * 4).filter(|length| *length >= layout::IPV4.length())
        else {
            return;
        };
        if version != Some(4) {
            return;
        }
        let present = (self.bytes.len() + self.missing).saturating_sub(start);
        // The bytes after the datagram are padding. An invalid total length is ignored.
        let total = total.filter(|total| *total >= length);
        let data_length = total.unwrap_or(present).saturating_sub(length);
        if let Some(total) = total {
            self.bytes = self.bytes.get(..start + total).unwrap_or(self.bytes);
        }
        self.extend(start, length);
        let protocol = number("protocol").and_then(|number| u8::try_from(number).ok());
        match protocol.map(IpProtocol).filter(|_| number("fragment_offset") == Some(0)) {
            Some(IpProtocol::ICMP) => self.icmp(),
            Some(IpProtocol::UDP) => {
                let is_fragment = layer.value("more_fragments") == Some(FieldValue::Flag(true));
                self.udp(data_length, is_fragment);
            }
            Some(IpProtocol::TCP) => self.tcp(),
            _ => {}
        }
    }

    fn tcp(&mut self) {
        let start = self.offset;
        let Some(layer) = self.push(&layout::TCP) else { return };
        let words = layer.number("data_offset").and_then(|words| usize::try_from(words).ok());
        if let Some(length) = words.map(|words| words * 4).filter(|length| *length >= layout::TCP.length()) {
            self.extend(start, length);
        }
    }

    fn icmp(&mut self) {
        let head = self.bytes.get(self.offset..).unwrap_or_default();
        let Some(kind) = head.first().map(|kind| IcmpType(*kind)) else { return };
        let layout = match (kind, head.get(1)) {
            (IcmpType::ECHO_REQUEST | IcmpType::ECHO_REPLY | IcmpType(15 | 16), _) => &layout::ECHO,
            (IcmpType(13 | 14), _) => &layout::TIMESTAMP,
            (IcmpType(17 | 18), _) => &layout::MASK,
            (IcmpType::UNREACHABLE, Some(4)) => &layout::TOO_BIG,
            (IcmpType::REDIRECT, _) => &layout::REDIRECT,
            (IcmpType::PARAMETER_PROBLEM, _) => &layout::PARAMETER,
            _ => &layout::ICMP,
        };
        let layer = self.push(layout);
        if layer.is_some() && kind.is_error() && !self.is_quoted {
            self.is_quoted = true;
            self.ipv4();
        }
    }

    /// Extends the last layer, which starts at `start`, to `length` bytes or the end of the frame.
    fn extend(&mut self, start: usize, length: usize) {
        let end = (start + length).min(self.bytes.len());
        if let (Some(last), Some(whole)) = (self.found.layers.last_mut(), self.bytes.get(start..end)) {
            last.bytes = whole;
        }
        self.offset = start + length;
    }

    /// Appends the next layer. Returns `None` if the frame ends in this layer.
    fn push(&mut self, layout: &'static Layout) -> Option<Layer<'a>> {
        let rest = self.bytes.get(self.offset..).filter(|rest| !rest.is_empty())?;
        let bytes = rest.get(..layout.length()).unwrap_or(rest);
        let layer = Layer { layout, offset: self.offset, bytes, is_quoted: self.is_quoted };
        self.found.layers.push(layer);
        self.offset += bytes.len();
        Some(layer).filter(|layer| !layer.is_short())
    }
}

/// Formats bytes in hexadecimal, with a separator between bytes.
pub(crate) fn hex(bytes: &[u8], separator: &str) -> String {
    bytes.iter().enumerate().fold(String::new(), |mut text, (index, byte)| {
        let before = if index == 0 { "" } else { separator };
        // Writing to a String does not fail.
        let _ = write!(text, "{before}{byte:02x}");
        text
    })
}

fn ether_type(number: Option<u64>) -> Option<EtherType> {
    number.and_then(|number| u16::try_from(number).ok()).map(EtherType)
}
