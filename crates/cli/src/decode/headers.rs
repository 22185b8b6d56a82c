//! The headers of a frame, whatever is in them.

use std::net::Ipv4Addr;

use icmp::Kind;
use inet::IpProtocol;
use link::{EtherType, MacAddr};

use super::json::hex;
use super::layout::{self, Field, Form, Layout};
use crate::describe::fault::RARP;

/// One header, as much of it as is here.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Header<'a> {
    pub(crate) layout: &'static Layout,
    /// Where in the frame it starts, in octets.
    pub(crate) offset: usize,
    /// Its octets, options too: fewer than its layout has if the frame ends in it.
    pub(crate) octets: &'a [u8],
    /// Whether it is of the datagram that an ICMP error is about.
    pub(crate) is_quoted: bool,
}

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Number(u64),
    Flag(bool),
    HardwareAddress(MacAddr),
    ProtocolAddress(Ipv4Addr),
}

/// The addresses of an ARP packet, in their order.
const ADDRESSES: [&str; 4] = [
    "sender_hardware_address",
    "sender_protocol_address",
    "target_hardware_address",
    "target_protocol_address",
];

/// Most VLAN tags of a frame that are shown.
pub(crate) const TAG_LIMIT: usize = 8;

/// The headers of a frame, outermost first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Headers<'a> {
    /// Those that are known here; of VLAN tags [`TAG_LIMIT`] at most.
    pub(crate) headers: Vec<Header<'a>>,
    /// Number of further VLAN tags.
    pub(crate) more_tags: usize,
}

/// All headers of a frame that are known here.
pub(crate) fn headers(octets: &[u8]) -> Headers<'_> {
    let mut walk = Walk { octets, offset: 0, is_quoted: false, found: Headers::default() };
    walk.ethernet();
    walk.found
}

impl<'a> Header<'a> {
    /// Its fields that are here whole, with what they hold.
    pub(crate) fn values(&self) -> impl Iterator<Item = (&'static Field, Value)> {
        let octets = self.octets;
        let mut at = 0;
        self.layout.fields.iter().map_while(move |field| {
            let value = value(field, bits(octets, at, field.bits)?);
            at += field.bits;
            Some((field, value))
        })
    }

    /// What follows the fields of an IPv4 header; none if it is another's.
    pub(crate) fn options(&self) -> Option<&'a [u8]> {
        Some(self.rest()).filter(|_| self.layout.name == layout::IPV4.name)
    }

    /// The addresses of an ARP packet whose lengths are not 6 and 4, with their names, as far as they are here.
    /// Every address of four octets that is no hardware's stands with dots.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = (&'static str, String)> {
        let is_unusual = std::ptr::eq(self.layout, &raw const layout::ARP_HEAD);
        let length = |name| self.number(name).and_then(|length| usize::try_from(length).ok());
        let lengths = [length("hardware_length"), length("protocol_length")];
        let mut rest = self.rest();
        ADDRESSES.into_iter().zip(lengths.into_iter().cycle()).map_while(move |(name, length)| {
            let (address, more) = rest.split_at_checked(length.filter(|_| is_unusual)?)?;
            rest = more;
            Some((name, text(name, address)))
        })
    }

    /// What follows the fields of its layout.
    fn rest(&self) -> &'a [u8] {
        self.octets.get(self.layout.length()..).unwrap_or_default()
    }

    /// Whether the frame ends in it.
    pub(crate) fn is_short(&self) -> bool {
        self.octets.len() < self.layout.length()
    }

    /// What one of its fields holds.
    pub(crate) fn value(&self, name: &str) -> Option<Value> {
        self.values().find(|(field, _)| field.name == name).map(|(_, value)| value)
    }

    /// What one of its fields holds, as a number.
    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        if let Some(Value::Number(number)) = self.value(name) { Some(number) } else { None }
    }
}

/// An ARP address as it is written.
fn text(name: &str, address: &[u8]) -> String {
    match address {
        &[a, b, c, d] if name.ends_with("protocol_address") => Ipv4Addr::new(a, b, c, d).to_string(),
        octets => hex(octets, ":"),
    }
}

/// So many bits as a number, if they are there.
fn bits(octets: &[u8], at: usize, count: usize) -> Option<u64> {
    let (first, end) = (at / 8, (at + count).div_ceil(8));
    let number =
        octets.get(first..end)?.iter().fold(0_u128, |number, octet| number << 8 | u128::from(*octet));
    let number = number >> (end * 8 - at - count);
    u64::try_from(number & ((1 << count) - 1)).ok()
}

fn value(field: &Field, number: u64) -> Value {
    let [_, _, a, b, c, d, e, f] = number.to_be_bytes();
    match field.form {
        Form::Number | Form::Hex => Value::Number(number),
        Form::Flag => Value::Flag(number != 0),
        Form::HardwareAddress => Value::HardwareAddress(MacAddr::new([a, b, c, d, e, f])),
        Form::ProtocolAddress => Value::ProtocolAddress(Ipv4Addr::new(c, d, e, f)),
    }
}

/// The way through a frame.
struct Walk<'a> {
    octets: &'a [u8],
    offset: usize,
    is_quoted: bool,
    found: Headers<'a>,
}

impl<'a> Walk<'a> {
    fn ethernet(&mut self) {
        let Some(mut header) = self.step(&layout::ETHERNET) else { return };
        let mut tags = 0;
        while let Some(ether_type) = ether_type(header.number("type_or_length")) {
            match ether_type {
                tag if tag.is_tag() => {
                    let Some(tag) = self.step(&layout::TAG) else { return };
                    header = tag;
                    tags += 1;
                    // A hostile frame is made of tags alone.
                    if tags > TAG_LIMIT {
                        self.found.headers.pop();
                        self.found.more_tags += 1;
                    }
                }
                EtherType(length @ ..=1_500) => return self.logical_link(length),
                // Neither a length nor a type.
                EtherType(..EtherType::FIRST) => return,
                ether_type => return self.payload(ether_type),
            }
        }
    }

    fn logical_link(&mut self, length: u16) {
        // What follows is padding.
        let end = self.offset + usize::from(length);
        self.octets = self.octets.get(..end).unwrap_or(self.octets);
        let rest = self.octets.get(self.offset..).unwrap_or_default();
        if !rest.starts_with(&[0xaa, 0xaa, 3]) {
            let is_unnumbered = rest.get(2).is_none_or(|control| control & 3 == 3);
            self.step(if is_unnumbered { &layout::LLC } else { &layout::LLC_NUMBERED });
            return;
        }
        let Some(header) = self.step(&layout::SNAP) else { return };
        let is_ether_type = header.number("organization") == Some(0);
        if let Some(ether_type) = ether_type(header.number("ether_type")).filter(|_| is_ether_type) {
            self.payload(ether_type);
        }
    }

    fn payload(&mut self, ether_type: EtherType) {
        match ether_type {
            EtherType::ARP | RARP => {
                let rest = self.octets.get(self.offset..).unwrap_or_default();
                match rest.get(4..6) {
                    Some(&[hardware, protocol]) if [hardware, protocol] != [6, 4] => {
                        self.unusual_arp(usize::from(hardware), usize::from(protocol));
                    }
                    _ => drop(self.step(&layout::ARP)),
                }
            }
            EtherType::IPV4 => self.ipv4(),
            _ => {}
        }
    }

    fn unusual_arp(&mut self, hardware: usize, protocol: usize) {
        let start = self.offset;
        if self.step(&layout::ARP_HEAD).is_some() {
            self.lengthen(start, layout::ARP_HEAD.length() + 2 * (hardware + protocol));
        }
    }

    fn ipv4(&mut self) {
        let start = self.offset;
        let Some(header) = self.step(&layout::IPV4) else { return };
        let number = |name| header.number(name).and_then(|number| usize::try_from(number).ok());
        let (version, words, total) = (number("version"), number("header_length"), number("total_length"));
        let Some(length) = words.map(|words| words * 4).filter(|length| *length >= layout::IPV4.length())
        else {
            return;
        };
        if version != Some(4) {
            return;
        }
        // What follows the datagram is padding; a total length that makes no sense says nothing.
        if let Some(total) = total.filter(|total| *total >= length) {
            self.octets = self.octets.get(..start + total).unwrap_or(self.octets);
        }
        self.lengthen(start, length);
        let protocol = number("protocol").and_then(|number| u8::try_from(number).ok());
        match protocol.map(IpProtocol).filter(|_| number("fragment_offset") == Some(0)) {
            Some(IpProtocol::ICMP) => self.icmp(),
            Some(IpProtocol::UDP) => drop(self.step(&layout::UDP)),
            Some(IpProtocol::TCP) => drop(self.step(&layout::TCP)),
            _ => {}
        }
    }

    fn icmp(&mut self) {
        let head = self.octets.get(self.offset..).unwrap_or_default();
        let Some(kind) = head.first().map(|kind| Kind(*kind)) else { return };
        let layout = match (kind, head.get(1)) {
            (Kind::ECHO_REQUEST | Kind::ECHO_REPLY | Kind(15 | 16), _) => &layout::ECHO,
            (Kind(13 | 14), _) => &layout::TIMESTAMP,
            (Kind(17 | 18), _) => &layout::MASK,
            (Kind::UNREACHABLE, Some(4)) => &layout::TOO_BIG,
            (Kind::REDIRECT, _) => &layout::REDIRECT,
            (Kind::PARAMETER_PROBLEM, _) => &layout::PARAMETER,
            _ => &layout::ICMP,
        };
        let header = self.step(layout);
        if header.is_some() && kind.is_error() && !self.is_quoted {
            self.is_quoted = true;
            self.ipv4();
        }
    }

    /// The last header, which starts here, is so long, or ends with the frame.
    fn lengthen(&mut self, start: usize, length: usize) {
        let end = (start + length).min(self.octets.len());
        if let (Some(last), Some(whole)) = (self.found.headers.last_mut(), self.octets.get(start..end)) {
            last.octets = whole;
        }
        self.offset = start + length;
    }

    /// Takes the next header. None if it is not all there.
    fn step(&mut self, layout: &'static Layout) -> Option<Header<'a>> {
        let rest = self.octets.get(self.offset..).filter(|rest| !rest.is_empty())?;
        let octets = rest.get(..layout.length()).unwrap_or(rest);
        let header = Header { layout, offset: self.offset, octets, is_quoted: self.is_quoted };
        self.found.headers.push(header);
        self.offset += octets.len();
        Some(header).filter(|header| !header.is_short())
    }
}

fn ether_type(number: Option<u64>) -> Option<EtherType> {
    number.and_then(|number| u16::try_from(number).ok()).map(EtherType)
}
