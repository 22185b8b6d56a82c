//! Generator of nearly valid datagrams and related fragments.

use std::net::Ipv4Addr;

use icmp::{Echo, IcmpError, IcmpType};
use inet::{IpProtocol, checksum};
use ipv4::Ipv4Fields;
use libfuzzer_sys::arbitrary::{self, Arbitrary};

/// Datagram to send to the host.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(crate) struct Ip<'a> {
    source: Address,
    destination: Address,
    type_of_service: u8,
    data: Data<'a>,
    part: Option<Part>,
    change: Option<Change>,
    padding: u8,
}

/// IP address, often one of few addresses, so that datagrams relate to each other.
#[derive(Arbitrary, Clone, Copy, Debug)]
enum Address {
    Local,
    Near(u8),
    Far(u8),
    Any([u8; 4]),
}

/// Data of a datagram.
#[derive(Arbitrary, Clone, Copy, Debug)]
enum Data<'a> {
    /// An echo request with length and bytes derived from a number.
    Echo(u8),
    Reply(u8),
    /// An error about a datagram of this host or of another host.
    Error {
        code: u8,
        about: Address,
    },
    Message(&'a [u8]),
    Other {
        protocol: u8,
        bytes: &'a [u8],
    },
}

/// Part of the data in this fragment, in eighths of the whole.
#[derive(Arbitrary, Clone, Copy, Debug)]
struct Part {
    first: u8,
    last: u8,
    shift: u8,
}

/// Change of a byte of the header, with or without a corrected checksum.
#[derive(Arbitrary, Clone, Copy, Debug)]
struct Change {
    place: u8,
    byte: u8,
    is_repaired: bool,
}

impl Ip<'_> {
    /// Returns the payload of a frame: the datagram and its padding.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let (protocol, data) = self.data.bytes();
        let mut fields = Ipv4Fields {
            type_of_service: self.type_of_service,
            identification: u16::try_from(data.len()).unwrap_or(0),
            ..Ipv4Fields::new(protocol, self.source.address(), self.destination.address())
        };
        let mut bytes = vec![0; Ipv4Fields::LENGTH];
        match self.part {
            None => bytes.extend(&data),
            Some(part) => {
                let step = (data.len() / 8).next_multiple_of(8);
                let (first, last) = (usize::from(part.first % 8), usize::from(part.last % 8));
                let start = (first * step).min(data.len());
                let end = if last == 7 { data.len() } else { ((last + 1) * step).min(data.len()) };
                fields.fragment_offset =
                    start + if part.shift > 250 { usize::from(part.shift) * 250 } else { 0 };
                fields.more_fragments = end < data.len();
                bytes.extend(data.get(start..end).unwrap_or_default());
            }
        }
        bytes.truncate(1_500);
        fields.write_to(&mut bytes).expect("datagram of up to 1,500 bytes should be written");
        if let Some(change) = self.change {
            bytes[usize::from(change.place) % Ipv4Fields::LENGTH] = change.byte;
            if change.is_repaired {
                let length = usize::from(bytes[0] & 0x0f) * 4;
                repair(&mut bytes, length);
            }
        }
        bytes.extend(vec![0xee; usize::from(self.padding) / 4]);
        bytes
    }
}

/// Corrects the checksum of a header.
fn repair(bytes: &mut [u8], length: usize) {
    if let Some(header) = bytes.get_mut(..length.max(Ipv4Fields::LENGTH)) {
        header[10..12].fill(0);
        let sum = checksum::of(header);
        header[10..12].copy_from_slice(&sum.to_be_bytes());
    }
}

impl Address {
    pub(crate) fn address(self) -> Ipv4Addr {
        match self {
            Self::Local => Ipv4Addr::new(10, 0, 0, 2),
            Self::Near(last) => Ipv4Addr::new(10, 0, 0, last % 16),
            Self::Far(last) => Ipv4Addr::new(192, 0, 2, last),
            Self::Any(bytes) => bytes.into(),
        }
    }
}

impl Data<'_> {
    fn bytes(&self) -> (IpProtocol, Vec<u8>) {
        match self {
            Self::Echo(number) => (IpProtocol::ICMP, echo(IcmpType::ECHO_REQUEST, *number)),
            Self::Reply(number) => (IpProtocol::ICMP, echo(IcmpType::ECHO_REPLY, *number)),
            Self::Error { code, about } => (IpProtocol::ICMP, error(*code, about.address())),
            Self::Message(bytes) => {
                let mut message = bytes.to_vec();
                if message.len() >= 4 {
                    message[2..4].fill(0);
                    let sum = checksum::of(&message);
                    message[2..4].copy_from_slice(&sum.to_be_bytes());
                }
                (IpProtocol::ICMP, message)
            }
            Self::Other { protocol, bytes } => (IpProtocol(*protocol), bytes.to_vec()),
        }
    }
}

fn echo(kind: IcmpType, number: u8) -> Vec<u8> {
    let data = vec![number; usize::from(number) * 37];
    let mut message = vec![0; Echo::HEADER + data.len()];
    let echo = Echo { identifier: 7, sequence: number.into(), data: &data };
    echo.write_to(kind, &mut message).expect("buffer should hold the message");
    message
}

fn error(code: u8, about: Ipv4Addr) -> Vec<u8> {
    let mut datagram = vec![0; Ipv4Fields::LENGTH];
    datagram.extend(echo(IcmpType::ECHO_REQUEST, 1));
    let fields = Ipv4Fields::new(IpProtocol::ICMP, about, Ipv4Addr::new(192, 0, 2, 1));
    fields.write_to(&mut datagram).expect("buffer should hold the datagram");
    let mut message = vec![0; IcmpError::MAX_LENGTH];
    let length = IcmpError::unreachable(code)
        .write_to(&datagram, &mut message)
        .expect("buffer should hold the message");
    message.truncate(length);
    message
}
