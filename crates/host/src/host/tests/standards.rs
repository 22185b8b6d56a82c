//! Requirements of standards on sent datagrams and on invalid input.

use super::test_host::{TestHost, datagram, echo, frame, framed, icmp_fields};
use super::*;
use inet::IpProtocol;
use ipv4::Datagram;

/// Returns the datagram of the only frame.
fn sent_datagram(frames: &[Vec<u8>]) -> Datagram<'_> {
    assert_eq!(frames.len(), 1);
    Datagram::parse(&frames[0][14..]).unwrap()
}

/// Returns a datagram of an unsupported protocol.
fn unsupported() -> Vec<u8> {
    datagram(ipv4::Ipv4Fields { protocol: IpProtocol(254), type_of_service: 0xb8, ..icmp_fields() }, &[7; 8])
}

// proves: rfc1122-time-to-live-configurable
#[test]
fn reply_and_error_have_configured_time_to_live() {
    for time_to_live in [1, 64, 255] {
        let mut test_host = TestHost::new(&HostConfig { time_to_live, ..config() });
        test_host.exchange(&[broadcast(&[&[8, 6], &request()])]);
        for request_datagram in [datagram(icmp_fields(), &echo(b"data")), unsupported()] {
            let sent = test_host.exchange(&[frame(&request_datagram)]);
            assert_eq!(sent_datagram(&sent).time_to_live(), time_to_live);
        }
    }
    assert_eq!(config().time_to_live, 64);
}

// proves: rfc1122-error-service, rfc1349-reply-service, rfc1122-source-address
#[test]
fn error_has_type_of_service_0_and_reply_that_of_request() {
    let mut test_host = TestHost::with_known_peer();
    let request_datagram =
        datagram(ipv4::Ipv4Fields { type_of_service: 0xb8, ..icmp_fields() }, &echo(b"data"));
    for (request_datagram, type_of_service) in [(request_datagram, 0xb8), (unsupported(), 0)] {
        let sent = test_host.exchange(&[frame(&request_datagram)]);
        let sent = sent_datagram(&sent);
        assert_eq!(
            (sent.type_of_service(), sent.source(), sent.destination()),
            (type_of_service, HOST, PEER)
        );
    }
}

// proves: rfc3927-arp-for-everything
#[test]
fn link_local_host_resolves_every_destination_on_link() {
    let mut test_host = TestHost::new(&HostConfig::link_local(HOST_MAC));
    test_host.advance(Duration::from_secs(20));
    let local = v4(test_host.host.address().unwrap().addr());
    for other in [[192, 0, 2, 1], [10, 0, 0, 9], [169, 254, 7, 7]] {
        let fields = ipv4::Ipv4Fields::new(IpProtocol::ICMP, other.into(), local);
        let sent = test_host.exchange(&[framed(HOST_MAC, PEER_MAC, &datagram(fields, &echo(b"data")))]);
        assert_eq!((sent.len(), &sent[0][12..14], &sent[0][38..42]), (1, &[8, 6][..], &other[..]));
    }
}

// proves: rfc1122-error-hint, rfc792-unused
#[test]
fn icmp_error_about_route_changes_nothing_and_unused_field_is_ignored() {
    let mut test_host = TestHost::with_known_peer();
    let ping = Ping { source: None, destination: PEER.into(), identifier: 1, sequence: 1, time_to_live: 64 };
    for (kind, code) in [(3, 0), (3, 1), (3, 5), (5, 1), (4, 0)] {
        assert_eq!(
            test_host.host.ping(test_host.now, ping, b"", &mut test_host.pool),
            Ok(()),
            "{kind}, {code}"
        );
        let sent = test_host.exchange(&[]);
        let mut error = [&[kind, code, 0, 0, 10, 0, 0, 9][..], &sent[0][14..42]].concat();
        let sum = inet::checksum::of(&error);
        error[2..4].copy_from_slice(&sum.to_be_bytes());
        assert_eq!(test_host.exchange(&[frame(&datagram(icmp_fields(), &error))]).len(), 0);
        assert_eq!(test_host.failures().len(), 1, "{kind}, {code}");
    }
    let refused = test_host.exchange(&[frame(&unsupported())]);
    assert_eq!(refused[0][38..42], [0; 4], "the unused field of a protocol unreachable is not zero");
}

// proves: rfc791-reserved-flag
#[test]
fn reserved_flag_is_ignored_and_never_sent() {
    let mut test_host = TestHost::with_known_peer();
    let mut request_datagram = datagram(icmp_fields(), &echo(b"data"));
    request_datagram[6] |= 0x80;
    request_datagram[10..12].fill(0);
    let sum = inet::checksum::of(&request_datagram[..20]);
    request_datagram[10..12].copy_from_slice(&sum.to_be_bytes());
    let sent = test_host.exchange(&[frame(&request_datagram)]);
    assert_eq!((sent.len(), sent[0][20] & 0x80), (1, 0));
}

// proves: rfc1122-source
#[test]
fn datagram_from_this_network_or_class_e_is_dropped_and_counted() {
    for source in [[0, 0, 0, 0], [0, 1, 2, 3], [240, 0, 0, 1], [255, 255, 255, 254]] {
        let mut test_host = TestHost::with_known_peer();
        let forged = ipv4::Ipv4Fields::new(IpProtocol::ICMP, source.into(), HOST);
        for message in [echo(b"data"), echo_reply()] {
            let (outcome, sent) = test_host.exchange_one(&frame(&datagram(forged, &message)));
            let reason = DropReason::Ipv4(ipv4::Ipv4DropReason::SourceReserved);
            assert_eq!((outcome.dropped(), sent.len()), (Some(reason), 0), "{source:?}");
        }
        assert_eq!(test_host.count("ipv4", "source_reserved"), 2);
    }
}

/// Returns an echo reply.
fn echo_reply() -> Vec<u8> {
    let mut message = vec![0; 8];
    let reply = icmp::Echo { identifier: 1, sequence: 1, data: &[] };
    reply.write_to(icmp::IcmpType::ECHO_REPLY, &mut message).unwrap();
    message
}

// proves: rfc1122-failure, rfc1122-host-unreachable
#[test]
fn datagram_returned_by_full_queue_is_not_reported_as_unreachable() {
    let mut test_host = TestHost::new(&config());
    let each = test_host.host.config().table.pending_per_entry;
    for sequence in 0..=u16::try_from(each).unwrap() {
        let ping = Ping { source: None, destination: PEER.into(), identifier: 1, sequence, time_to_live: 64 };
        assert_eq!(test_host.host.ping(test_host.now, ping, b"", &mut test_host.pool), Ok(()));
    }
    test_host.exchange(&[]);
    assert_eq!(
        (test_host.failures(), test_host.pool.held()),
        (Vec::new(), each),
        "expected one returned datagram without a failure"
    );
    test_host.advance(Duration::from_secs(10));
    assert_eq!(
        (test_host.failures().len(), test_host.pool.held()),
        (each, 0),
        "expected failures of the other datagrams"
    );
}
