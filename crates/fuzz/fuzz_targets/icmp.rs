//! Messages of all kinds, and errors to send. Checks that replies mirror their requests, and that errors respect RFC
//! 1122 and the rate limits.
#![no_main]

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::time::Duration;

use icmp::{
    AddressTable, DestinationKind, Icmp, IcmpConfig, IcmpError, IcmpMessage, IcmpType, Instant, MacAddr,
    QuotedDatagram, ReceivedMessage, reply_in_place,
};
use inet::IpProtocol;
use ipv4::Ipv4Fields;
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;

const LOCAL: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);

#[derive(Arbitrary, Debug)]
struct Scenario<'a> {
    answers_broadcast: bool,
    steps: Vec<Step<'a>>,
}

#[derive(Arbitrary, Debug)]
enum Step<'a> {
    /// A message of arbitrary bytes arrives, with or without a corrected checksum.
    Message { bytes: &'a [u8], repaired: bool, to_broadcast: bool },
    /// An error about a datagram of arbitrary bytes is due.
    Bytes { bytes: &'a [u8], capacity: u16 },
    /// An error about a valid datagram is due.
    Datagram { source: Address, destination: Address, protocol: u8, offset: u8, data: &'a [u8], link: u8 },
    /// Milliseconds pass.
    Wait(u16),
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Address {
    Local,
    Near(u8),
    Any([u8; 4]),
}

fuzz_target!(|scenario: Scenario<'_>| {
    let address = "10.0.0.2/24".parse().expect("address should parse");
    let addresses = AddressTable::one(address, MacAddr::new([2, 0, 0, 0, 0, 2]))
        .expect("local MAC address should be valid");
    let mut icmp =
        Icmp::new(&IcmpConfig { answers_broadcast: scenario.answers_broadcast, ..IcmpConfig::default() });
    let mut millis = 0;
    let mut sent: HashMap<Ipv4Addr, u64> = HashMap::new();
    for step in scenario.steps {
        let now = Instant::ORIGIN + Duration::from_millis(millis);
        let mut buffer = vec![0; 600];
        let (about, link) = match step {
            Step::Message { bytes, repaired, to_broadcast } => {
                let bytes = if repaired { repair(bytes) } else { bytes.to_vec() };
                let destination_kind =
                    if to_broadcast { DestinationKind::Broadcast } else { DestinationKind::Unicast };
                receive(&mut icmp, &addresses, destination_kind, &bytes, scenario.answers_broadcast);
                continue;
            }
            Step::Wait(milliseconds) => {
                millis += u64::from(milliseconds);
                continue;
            }
            Step::Bytes { bytes, capacity } => {
                buffer.truncate(capacity.into());
                (bytes.to_vec(), DestinationKind::Unicast)
            }
            Step::Datagram { source, destination, protocol, offset, data, link } => {
                let mut bytes = [&[0; 20], data].concat();
                let protocol = if protocol < 128 { IpProtocol::ICMP } else { IpProtocol(protocol) };
                let fields = Ipv4Fields::new(protocol, source.address(), destination.address());
                let fields = Ipv4Fields { fragment_offset: usize::from(offset / 128) * 8, ..fields };
                fields.write_to(&mut bytes).expect("buffer should hold an IPv4 header");
                let kinds = [
                    DestinationKind::Unicast,
                    DestinationKind::Unicast,
                    DestinationKind::Broadcast,
                    DestinationKind::Multicast,
                ];
                (bytes, kinds[usize::from(link) % 4])
            }
        };
        let written =
            icmp.write_error(now, IcmpError::PORT_UNREACHABLE, &about, link, &addresses, &mut buffer);
        if let Ok(length) = written {
            assert_eq!(link, DestinationKind::Unicast);
            let source = check_allowed(&about, &buffer[..length]);
            *sent.entry(source).or_default() += 1;
        }
    }
    assert!(icmp.errors_written() <= 50 + millis);
    // The rate limiter forgets a destination only if many destinations are limited.
    let few = sent.len() <= 4;
    assert!(!few || sent.values().all(|count| *count <= 6 + millis / 1_000));
});

/// Receives a message and checks that it is counted once. Checks the reply to a request.
fn receive(
    icmp: &mut Icmp,
    addresses: &AddressTable,
    destination_kind: DestinationKind,
    bytes: &[u8],
    answers_broadcast: bool,
) {
    let count = |icmp: &Icmp| icmp.accepted() + icmp.dropped().iter().map(|(_, count)| count).sum::<u64>();
    let before = count(icmp);
    match icmp.receive(addresses, destination_kind, bytes) {
        Ok(ReceivedMessage::Request(echo)) => {
            assert!(destination_kind == DestinationKind::Unicast || answers_broadcast);
            let mut reply = bytes.to_vec();
            reply_in_place(&mut reply).expect("message should be an echo request");
            let message = IcmpMessage::parse(&reply).expect("reply should be valid");
            assert_eq!((message.icmp_type(), message.code()), (IcmpType::ECHO_REPLY, 0));
            assert_eq!(reply[4..], bytes[4..]);
            let mut written = vec![0; bytes.len()];
            echo.write_to(IcmpType::ECHO_REPLY, &mut written).expect("buffer should hold the reply");
            assert_eq!(reply, written);
        }
        Ok(ReceivedMessage::Reply(_)) => assert_eq!(bytes[0], 0),
        Ok(ReceivedMessage::Error(error, quoted)) => {
            assert!(error.icmp_type().is_error());
            assert_eq!(quoted.source(), LOCAL);
            let _ = (quoted.ports(), quoted.echo(), error.to_string());
        }
        Err(_) => {}
    }
    assert_eq!(count(icmp), before + 1);
}

/// Checks that RFC 1122 permits an error about a datagram. Returns the destination of the error.
fn check_allowed(about: &[u8], message: &[u8]) -> Ipv4Addr {
    let quoted = QuotedDatagram::parse(about).expect("error should be about a datagram");
    let (source, destination) = (quoted.source(), quoted.destination());
    assert!(matches!(source.octets()[0], 1..=126 | 128..=223));
    assert!(![[10, 0, 0, 255], [10, 0, 0, 0]].contains(&source.octets()));
    assert!(!destination.is_multicast() && !destination.is_broadcast());
    assert!(![[10, 0, 0, 255], [10, 0, 0, 0]].contains(&destination.octets()));
    assert!(!quoted.is_later_fragment());
    if quoted.protocol() == IpProtocol::ICMP {
        assert!(IcmpType(quoted.data()[0]).is_query());
    }
    assert!(IcmpMessage::parse(message).is_ok());
    assert!(message.len() <= IcmpError::MAX_LENGTH && about.starts_with(&message[8..]));
    source
}

fn repair(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    if bytes.len() >= 8 {
        bytes[2..4].fill(0);
        let sum = inet::checksum::of(&bytes);
        bytes[2..4].copy_from_slice(&sum.to_be_bytes());
    }
    bytes
}

impl Address {
    fn address(self) -> Ipv4Addr {
        match self {
            Self::Local => LOCAL,
            Self::Near(last) => Ipv4Addr::new(10, 0, 0, last),
            Self::Any(bytes) => bytes.into(),
        }
    }
}
