use super::*;
use crate::Ipv4Fields;
use base::Reason;
use inet::IpProtocol;
use std::net::Ipv4Addr;
use std::time::Duration;

mod source;

const PEER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const LOCAL: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);

fn host() -> Ipv4 {
    Ipv4::new(ReassemblyLimits::default(), 5)
}

fn table() -> AddressTable {
    AddressTable::one("10.0.0.2/24".parse().unwrap(), link::MacAddr::new([2, 0, 0, 0, 0, 2])).unwrap()
}

fn bytes(fields: Ipv4Fields, data: &[u8]) -> Vec<u8> {
    let mut bytes = [&[0; 20], data].concat();
    fields.write_to(&mut bytes).unwrap();
    bytes
}

fn fields(source: Ipv4Addr, destination: Ipv4Addr) -> Ipv4Fields {
    Ipv4Fields::new(IpProtocol::ICMP, source, destination)
}

/// Receives a fragment. Returns the datagram if the fragment completes it.
fn reassembled(
    host: &mut Ipv4,
    now: Instant,
    bytes: &[u8],
) -> Result<Option<ReassembledDatagram>, Ipv4DropReason> {
    let received = host.receive(&table(), DestinationKind::Unicast, bytes)?;
    assert!(received.datagram.is_fragment(), "{received:?}");
    host.reassemble(now, received.datagram)
}

/// Receives a datagram. Returns its destination kind, or the reason for which it was dropped.
fn received(
    host: &mut Ipv4,
    table: &AddressTable,
    destination_kind: DestinationKind,
    source: Ipv4Addr,
    destination: Ipv4Addr,
) -> Result<DestinationKind, Ipv4DropReason> {
    let bytes = bytes(fields(source, destination), b"data");
    let received = host.receive(table, destination_kind, &bytes)?;
    assert_eq!((received.datagram.payload(), received.datagram.is_fragment()), (&b"data"[..], false));
    Ok(received.destination_kind)
}

// proves: rfc1122-destination, rfc1122-link-broadcast
#[test]
fn datagram_is_accepted_when_address_and_frame_are_local() {
    let broadcast = Ipv4Addr::new(10, 0, 0, 255);
    let all = Ipv4Addr::BROADCAST;
    let other_source = Ipv4Addr::new(10, 0, 0, 3);
    let cases = [
        (DestinationKind::Unicast, LOCAL, Ok(DestinationKind::Unicast)),
        (DestinationKind::Broadcast, LOCAL, Err(Ipv4DropReason::LinkBroadcast)),
        (DestinationKind::Multicast, LOCAL, Err(Ipv4DropReason::LinkBroadcast)),
        (DestinationKind::Broadcast, broadcast, Ok(DestinationKind::Broadcast)),
        (DestinationKind::Unicast, broadcast, Ok(DestinationKind::Broadcast)),
        (DestinationKind::Broadcast, all, Ok(DestinationKind::Broadcast)),
        (DestinationKind::Unicast, other_source, Err(Ipv4DropReason::NotLocal)),
        (DestinationKind::Multicast, AddressTable::ALL_HOSTS, Err(Ipv4DropReason::NotLocal)),
    ];
    for (destination_kind, destination, expected) in cases {
        assert_eq!(
            received(&mut host(), &table(), destination_kind, PEER, destination),
            expected,
            "{destination_kind:?} {destination}"
        );
    }
    let mut member = table();
    member.join(AddressTable::ALL_HOSTS).unwrap();
    assert_eq!(
        received(&mut host(), &member, DestinationKind::Multicast, PEER, AddressTable::ALL_HOSTS),
        Ok(DestinationKind::Multicast)
    );
}

// proves: rfc1122-source, source-local
#[test]
fn fragment_is_not_stored_when_source_is_invalid() {
    let mut host = host();
    for (source, reason) in [
        (LOCAL, Ipv4DropReason::SourceLocal),
        (Ipv4Addr::BROADCAST, Ipv4DropReason::SourceBroadcast),
        (Ipv4Addr::LOCALHOST, Ipv4DropReason::SourceLoopback),
        (AddressTable::ALL_HOSTS, Ipv4DropReason::SourceGroup),
    ] {
        let fragment = Ipv4Fields { more_fragments: true, ..fields(source, LOCAL) };
        let bytes = bytes(fragment, &[0; 8]);
        let outcome = host.receive(&table(), DestinationKind::Unicast, &bytes);
        assert_eq!(outcome.map(|_| ()), Err(reason), "the fragment is returned for reassembly");
    }
}

// proves: drops-counted
#[test]
fn every_datagram_is_accepted_stored_or_dropped_and_counted_once() {
    let mut host = host();
    received(&mut host, &table(), DestinationKind::Unicast, PEER, LOCAL).unwrap();
    let _ = received(&mut host, &table(), DestinationKind::Unicast, LOCAL, LOCAL);
    assert!(host.receive(&table(), DestinationKind::Unicast, &[0x45; 10]).is_err());
    let first = Ipv4Fields { more_fragments: true, identification: 9, ..fields(PEER, LOCAL) };
    let last = Ipv4Fields { more_fragments: false, fragment_offset: 8, ..first };
    let bytes_of_first = bytes(first, b"datagram");
    assert_eq!(
        reassembled(&mut host, Instant::ORIGIN, &bytes_of_first).map(|whole| whole.is_some()),
        Ok(false)
    );
    assert_eq!(host.accepted(), 1);
    let whole = reassembled(&mut host, Instant::ORIGIN, &bytes(last, b"!"));
    let whole = whole.unwrap().expect("the datagram was not reassembled");
    assert_eq!(whole.datagram().unwrap().payload(), b"datagram!");
    host.recycle(whole);
    assert_eq!(host.accepted(), 2);
    let short = bytes(first, b"1234567");
    assert_eq!(reassembled(&mut host, Instant::ORIGIN, &short).unwrap_err(), Ipv4DropReason::FragmentUneven);
    let dropped: Vec<_> = host.dropped().iter().filter(|(_, count)| *count > 0).collect();
    let expected = [Ipv4DropReason::Truncated, Ipv4DropReason::SourceLocal, Ipv4DropReason::FragmentUneven];
    assert_eq!(dropped, expected.map(|reason| (reason, 1)));
}

// proves: reassembly-timeout
#[test]
fn late_fragment_starts_new_datagram_before_timeout_is_taken() {
    let mut host = host();
    let first = Ipv4Fields { more_fragments: true, ..fields(PEER, LOCAL) };
    let last = Ipv4Fields { more_fragments: false, fragment_offset: 8, ..first };
    assert!(reassembled(&mut host, Instant::ORIGIN, &bytes(first, b"datagram")).unwrap().is_none());
    assert_eq!(host.deadline(), Some(Instant::ORIGIN + ReassemblyLimits::TIMEOUT));
    let late = Instant::ORIGIN + Duration::from_secs(30);
    assert!(reassembled(&mut host, late, &bytes(last, b"!")).unwrap().is_none());
    assert_eq!(host.take_timed_out(late).map(|timed_out| timed_out.source), Some(PEER));
    assert_eq!((host.take_timed_out(late), host.reassembly().len()), (None, 1));
}

#[test]
fn drop_reasons_have_distinct_texts() {
    let texts: std::collections::HashSet<String> =
        Ipv4DropReason::ALL.iter().map(ToString::to_string).collect();
    assert_eq!(texts.len(), Ipv4DropReason::ALL.len());
}

/// Returns a datagram with these options.
fn with_options(fields: Ipv4Fields, options: &[u8]) -> Vec<u8> {
    let plain = bytes(fields, b"12345678");
    let mut bytes = [&plain[..20], options, &plain[20..]].concat();
    bytes[0] = 0x45 + u8::try_from(options.len() / 4).unwrap();
    bytes[3] += u8::try_from(options.len()).unwrap();
    bytes[10..12].fill(0);
    let sum = inet::checksum::of(&bytes[..20 + options.len()]);
    bytes[10..12].copy_from_slice(&sum.to_be_bytes());
    bytes
}

// proves: rfc791-source-route, drops-counted
#[test]
fn datagram_is_dropped_and_counted_when_source_route_is_incomplete() {
    let mut host = host();
    let to_host = fields(PEER, LOCAL);
    let route = |kind, pointer| [kind, 7, pointer, 192, 0, 2, 1, 0];
    for kind in [131, 137] {
        for to_host in [
            to_host,
            Ipv4Fields { more_fragments: true, ..to_host },
            Ipv4Fields { fragment_offset: 8, ..to_host },
        ] {
            let incomplete = with_options(to_host, &route(kind, 4));
            assert_eq!(
                host.receive(&table(), DestinationKind::Unicast, &incomplete).unwrap_err(),
                Ipv4DropReason::SourceRoute
            );
        }
        let complete = with_options(to_host, &route(kind, 8));
        let received = host.receive(&table(), DestinationKind::Unicast, &complete).unwrap();
        assert_eq!(received.datagram.options(), route(kind, 8));
        let elsewhere = with_options(fields(PEER, [10, 0, 0, 3].into()), &route(kind, 4));
        assert_eq!(
            host.receive(&table(), DestinationKind::Unicast, &elsewhere).unwrap_err(),
            Ipv4DropReason::NotLocal
        );
    }
    assert_eq!(host.dropped().get(Ipv4DropReason::SourceRoute), 6);
}
