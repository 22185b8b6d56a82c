//! Datagrams near enough to good ones to get past the first checks, and fragments that find each other.

use std::net::Ipv4Addr;

use icmp::{Echo, IcmpError, IcmpType};
use inet::{IpProtocol, checksum};
use ipv4::Ipv4Fields;
use libfuzzer_sys::arbitrary::{self, Arbitrary};

/// A datagram on the wire.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(crate) struct Ip<'a> {
    source: Address,
    destination: Address,
    type_of_service: u8,
    data: Data<'a>,
    part: Option<Part>,
    lie: Option<Lie>,
    padding: u8,
}

/// An address. Few are near, so that they meet again.
#[derive(Arbitrary, Clone, Copy, Debug)]
enum Address {
    Ours,
    Near(u8),
    Far(u8),
    Any([u8; 4]),
}

/// What a datagram carries.
#[derive(Arbitrary, Clone, Copy, Debug)]
enum Data<'a> {
    /// An echo request whose length and octets one number tells.
    Echo(u8),
    Reply(u8),
    /// An error about a datagram of ours, or of somebody's.
    Error {
        code: u8,
        about: Address,
    },
    Message(&'a [u8]),
    Other {
        protocol: u8,
        octets: &'a [u8],
    },
}

/// Which part of the data is in this fragment, in eighths of the whole.
#[derive(Arbitrary, Clone, Copy, Debug)]
struct Part {
    first: u8,
    last: u8,
    shift: u8,
}

/// An octet of the header that says something else, with the checksum made right again or not.
#[derive(Arbitrary, Clone, Copy, Debug)]
struct Lie {
    place: u8,
    octet: u8,
    is_repaired: bool,
}

impl Ip<'_> {
    /// The payload of a frame: the datagram and its padding.
    pub(crate) fn octets(&self) -> Vec<u8> {
        let (protocol, data) = self.data.octets();
        let mut fields = Ipv4Fields {
            type_of_service: self.type_of_service,
            identification: u16::try_from(data.len()).unwrap_or(0),
            ..Ipv4Fields::new(protocol, self.source.address(), self.destination.address())
        };
        let mut octets = vec![0; Ipv4Fields::LENGTH];
        match self.part {
            None => octets.extend(&data),
            Some(part) => {
                let step = (data.len() / 8).next_multiple_of(8);
                let (first, last) = (usize::from(part.first % 8), usize::from(part.last % 8));
                let start = (first * step).min(data.len());
                let end = if last == 7 { data.len() } else { ((last + 1) * step).min(data.len()) };
                fields.fragment_offset =
                    start + if part.shift > 250 { usize::from(part.shift) * 250 } else { 0 };
                fields.more_fragments = end < data.len();
                octets.extend(data.get(start..end).unwrap_or_default());
            }
        }
        octets.truncate(1_500);
        fields.write_to(&mut octets).expect("a datagram of moderate length");
        if let Some(lie) = self.lie {
            octets[usize::from(lie.place) % Ipv4Fields::LENGTH] = lie.octet;
            if lie.is_repaired {
                let length = usize::from(octets[0] & 0x0f) * 4;
                repair(&mut octets, length);
            }
        }
        octets.extend(vec![0xee; usize::from(self.padding) / 4]);
        octets
    }
}

/// Makes the checksum of a header right.
fn repair(octets: &mut [u8], length: usize) {
    if let Some(header) = octets.get_mut(..length.max(Ipv4Fields::LENGTH)) {
        header[10..12].fill(0);
        let sum = checksum::of(header);
        header[10..12].copy_from_slice(&sum.to_be_bytes());
    }
}

impl Address {
    pub(crate) fn address(self) -> Ipv4Addr {
        match self {
            Self::Ours => Ipv4Addr::new(10, 0, 0, 2),
            Self::Near(last) => Ipv4Addr::new(10, 0, 0, last % 16),
            Self::Far(last) => Ipv4Addr::new(192, 0, 2, last),
            Self::Any(octets) => octets.into(),
        }
    }
}

impl Data<'_> {
    fn octets(&self) -> (IpProtocol, Vec<u8>) {
        match self {
            Self::Echo(number) => (IpProtocol::ICMP, echo(IcmpType::ECHO_REQUEST, *number)),
            Self::Reply(number) => (IpProtocol::ICMP, echo(IcmpType::ECHO_REPLY, *number)),
            Self::Error { code, about } => (IpProtocol::ICMP, error(*code, about.address())),
            Self::Message(octets) => {
                let mut message = octets.to_vec();
                if message.len() >= 4 {
                    message[2..4].fill(0);
                    let sum = checksum::of(&message);
                    message[2..4].copy_from_slice(&sum.to_be_bytes());
                }
                (IpProtocol::ICMP, message)
            }
            Self::Other { protocol, octets } => (IpProtocol(*protocol), octets.to_vec()),
        }
    }
}

fn echo(kind: IcmpType, number: u8) -> Vec<u8> {
    let data = vec![number; usize::from(number) * 37];
    let mut message = vec![0; Echo::HEADER + data.len()];
    let echo = Echo { identifier: 7, sequence: number.into(), data: &data };
    echo.write_to(kind, &mut message).expect("room for it");
    message
}

fn error(code: u8, about: Ipv4Addr) -> Vec<u8> {
    let mut datagram = vec![0; Ipv4Fields::LENGTH];
    datagram.extend(echo(IcmpType::ECHO_REQUEST, 1));
    let fields = Ipv4Fields::new(IpProtocol::ICMP, about, Ipv4Addr::new(192, 0, 2, 1));
    fields.write_to(&mut datagram).expect("a datagram");
    let mut message = vec![0; IcmpError::MAX_LENGTH];
    let length = IcmpError::unreachable(code).write_to(&datagram, &mut message).expect("room for it");
    message.truncate(length);
    message
}
