use super::*;
use crate::IcmpType;
use crate::MacAddr;
use base::Reason;
use inet::IpProtocol;
use ipv4::Ipv4Fields;
use std::net::Ipv4Addr;

const PEER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const LOCAL: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);

fn table() -> AddressTable {
    AddressTable::one("10.0.0.2/24".parse().unwrap(), MacAddr::new([2, 0, 0, 0, 0, 2])).unwrap()
}

fn icmp() -> Icmp {
    Icmp::new(&IcmpConfig::default())
}

fn datagram(fields: Ipv4Fields, data: &[u8]) -> Vec<u8> {
    let mut bytes = [&[0; 20], data].concat();
    fields.write_to(&mut bytes).unwrap();
    bytes
}

fn udp(source: Ipv4Addr, destination: Ipv4Addr) -> Vec<u8> {
    datagram(Ipv4Fields::new(IpProtocol::UDP, source, destination), &[0; 8])
}

fn message(icmp_type: u8) -> Vec<u8> {
    let mut message = [0; 12];
    Echo { identifier: 1, sequence: 2, data: b"data" }.write_to(IcmpType(icmp_type), &mut message).unwrap();
    message.to_vec()
}

/// Returns whether an error may be sent about a datagram with these fields and this data.
fn verdict(fields: Ipv4Fields, first: &[u8], link: DestinationKind) -> Result<(), SuppressReason> {
    let bytes = datagram(fields, first);
    may_send_error(&QuotedDatagram::parse(&bytes).unwrap(), link, &table())
}

/// Fields of a datagram, start of its data, destination kind of its frame, and expected result.
type Case = (Ipv4Fields, &'static [u8], DestinationKind, Result<(), SuppressReason>);

// proves: rfc1122-error-about-error, rfc1122-error-broadcast, rfc1122-error-link-broadcast
// proves: rfc1122-error-fragment, rfc1122-error-source
#[test]
fn error_may_be_sent_only_when_rfc_1122_allows() {
    let good = Ipv4Fields::new(IpProtocol::UDP, PEER, LOCAL);
    let icmp = Ipv4Fields { protocol: IpProtocol::ICMP, ..good };
    let from = |source: [u8; 4]| Ipv4Fields { source: source.into(), ..good };
    let to = |destination: [u8; 4]| Ipv4Fields { destination: destination.into(), ..good };
    let one = DestinationKind::Unicast;
    let table: [Case; 26] = [
        (good, &[3], one, Ok(())),
        (Ipv4Fields { protocol: IpProtocol(200), ..good }, &[3], one, Ok(())),
        (Ipv4Fields { more_fragments: true, ..good }, &[3], one, Ok(())),
        (from([192, 0, 2, 1]), &[], one, Ok(())),
        (icmp, &[8], one, Ok(())),
        (icmp, &[13], one, Ok(())),
        (icmp, &[3], one, Err(SuppressReason::AboutError)),
        (icmp, &[4], one, Err(SuppressReason::AboutError)),
        (icmp, &[5], one, Err(SuppressReason::AboutError)),
        (icmp, &[11], one, Err(SuppressReason::AboutError)),
        (icmp, &[12], one, Err(SuppressReason::AboutError)),
        (icmp, &[99], one, Err(SuppressReason::AboutError)),
        (icmp, &[], one, Err(SuppressReason::AboutError)),
        (to([255; 4]), &[3], one, Err(SuppressReason::BroadcastDestination)),
        (to([10, 0, 0, 255]), &[3], one, Err(SuppressReason::BroadcastDestination)),
        (to([224, 0, 0, 1]), &[3], one, Err(SuppressReason::BroadcastDestination)),
        (good, &[3], DestinationKind::Broadcast, Err(SuppressReason::LinkBroadcast)),
        (good, &[3], DestinationKind::Multicast, Err(SuppressReason::LinkBroadcast)),
        (Ipv4Fields { fragment_offset: 8, ..good }, &[3], one, Err(SuppressReason::Fragment)),
        (Ipv4Fields { fragment_offset: 8, ..icmp }, &[3], one, Err(SuppressReason::Fragment)),
        (from([0; 4]), &[3], one, Err(SuppressReason::Source)),
        (from([127, 0, 0, 1]), &[3], one, Err(SuppressReason::Source)),
        (from([255; 4]), &[3], one, Err(SuppressReason::Source)),
        (from([10, 0, 0, 255]), &[3], one, Err(SuppressReason::Source)),
        (from([224, 0, 0, 1]), &[3], one, Err(SuppressReason::Source)),
        (from([240, 0, 0, 1]), &[3], one, Err(SuppressReason::Source)),
    ];
    for (fields, first, link, expected) in table {
        assert_eq!(verdict(fields, first, link), expected, "{fields:?} {first:?} {link:?}");
    }
}

// proves: rfc792-quote
#[test]
fn error_is_written_and_counted() {
    let mut icmp = icmp();
    let mut message = [0; 100];
    let about = udp(PEER, LOCAL);
    let length = icmp
        .write_error(
            Instant::ORIGIN,
            IcmpError::PORT_UNREACHABLE,
            &about,
            DestinationKind::Unicast,
            &table(),
            &mut message,
        )
        .unwrap();
    assert_eq!((length, &message[8..length]), (36, &about[..]));
    assert_eq!(icmp.errors_written(), 1);
}

// proves: icmp-rate-each
#[test]
fn suppressed_errors_are_counted_by_reason() {
    let mut icmp = icmp();
    let mut message = [0; 100];
    let mut error = |about: &[u8], buffer: usize| {
        let message = &mut message[..buffer];
        icmp.write_error(
            Instant::ORIGIN,
            IcmpError::PORT_UNREACHABLE,
            about,
            DestinationKind::Unicast,
            &table(),
            message,
        )
    };
    assert_eq!(error(&udp(PEER, Ipv4Addr::BROADCAST), 100), Err(SuppressReason::BroadcastDestination));
    assert_eq!(error(&[0x45; 19], 100), Err(SuppressReason::OutOfSpace));
    assert_eq!(error(&udp(PEER, LOCAL), 7), Err(SuppressReason::OutOfSpace));
    for _ in 0..5 {
        assert!(error(&udp(PEER, LOCAL), 100).is_ok());
    }
    assert_eq!(error(&udp(PEER, LOCAL), 100), Err(SuppressReason::DestinationRateLimit));
    // The global limit is 50 on average, at random.
    let mut hosts = (3..255).map(|last| Ipv4Addr::new(10, 0, 0, last));
    let mut sent = 5;
    let refused = hosts.find_map(|host| error(&udp(host, LOCAL), 100).inspect(|_| sent += 1).err());
    assert_eq!(refused, Some(SuppressReason::GlobalRateLimit));
    let counted: Vec<_> = icmp.suppressed().iter().filter(|(_, count)| *count > 0).collect();
    assert_eq!(
        counted,
        [
            (SuppressReason::BroadcastDestination, 1),
            (SuppressReason::OutOfSpace, 2),
            (SuppressReason::DestinationRateLimit, 1),
            (SuppressReason::GlobalRateLimit, 1)
        ]
    );
    assert_eq!(icmp.errors_written(), sent);
}

// proves: rfc1122-echo-broadcast
#[test]
fn broadcast_echo_request_is_accepted_when_configured() {
    for destination_kind in [DestinationKind::Broadcast, DestinationKind::Multicast] {
        let request = message(8);
        assert_eq!(
            icmp().receive(&table(), destination_kind, &request).unwrap_err(),
            IcmpDropReason::BroadcastEcho
        );
        let mut broadcast_replier =
            Icmp::new(&IcmpConfig { answers_broadcast: true, ..IcmpConfig::default() });
        assert!(matches!(
            broadcast_replier.receive(&table(), destination_kind, &request),
            Ok(ReceivedMessage::Request(_))
        ));
    }
}

// proves: rfc1122-unknown-type, rfc1122-other-queries, drops-counted
#[test]
fn every_message_is_accepted_or_dropped_and_counted_once() {
    let mut icmp = icmp();
    let mut accept = |bytes: &[u8]| icmp.receive(&table(), DestinationKind::Unicast, bytes).map(|_| ());
    assert_eq!(accept(&message(8)), Ok(()));
    assert_eq!(accept(&message(0)), Ok(()));
    assert_eq!(accept(&[0; 7]), Err(IcmpDropReason::Truncated));
    assert_eq!(accept(&[0; 8]), Err(IcmpDropReason::Checksum));
    assert_eq!(accept(&message(3)), Err(IcmpDropReason::NoQuotedDatagram));
    for unsupported in [1, 13, 14, 15, 16, 17, 18, 200, 255] {
        assert_eq!(accept(&message(unsupported)), Err(IcmpDropReason::UnsupportedType), "{unsupported}");
    }
    assert_eq!(icmp.accepted(), 2);
    let counted: Vec<u64> = icmp.dropped().iter().map(|(_, count)| count).collect();
    assert_eq!(counted, [1, 1, 1, 0, 0, 9]);
}

// proves: rfc1122-error-reported, icmp-not-local
#[test]
fn error_is_accepted_only_when_it_quotes_local_datagram() {
    for (source, is_local) in [(LOCAL, true), (PEER, false), (Ipv4Addr::new(10, 0, 0, 3), false)] {
        for error in [IcmpError::PORT_UNREACHABLE, IcmpError::HOPS_EXCEEDED, IcmpError::parameter(1)] {
            let mut message = [0; 36];
            error.write_to(&udp(source, PEER), &mut message).unwrap();
            let mut icmp = icmp();
            match icmp.receive(&table(), DestinationKind::Unicast, &message) {
                Ok(ReceivedMessage::Error(read, quoted)) if is_local => {
                    assert_eq!((read, quoted.source()), (error, source));
                }
                Err(IcmpDropReason::NotLocal) if !is_local => (),
                other => panic!("{source}: {other:?}"),
            }
        }
    }
}

#[test]
fn drop_reasons_have_distinct_texts() {
    let dropped = IcmpDropReason::ALL.iter().map(ToString::to_string);
    let texts: std::collections::HashSet<_> =
        dropped.chain(SuppressReason::ALL.iter().map(ToString::to_string)).collect();
    assert_eq!(texts.len(), IcmpDropReason::ALL.len() + SuppressReason::ALL.len());
}
