//! What a standard demands of everything that the host sends.

use super::rig::{Rig, datagram, echo, frame, framed, to_us};
use super::*;
use crate::EchoRequest;
use inet::IpProtocol;
use ipv4::Datagram;

/// The datagram in the only frame that was sent.
fn sent_datagram(frames: &[Vec<u8>]) -> Datagram<'_> {
    assert_eq!(frames.len(), 1);
    Datagram::parse(&frames[0][14..]).unwrap()
}

/// A datagram of a protocol that the host does not support.
fn unsupported() -> Vec<u8> {
    datagram(ipv4::Ipv4Fields { protocol: IpProtocol(254), type_of_service: 0xb8, ..to_us() }, &[7; 8])
}

// proves: rfc1122-time-to-live-configurable
#[test]
fn reply_and_error_have_the_configured_time_to_live() {
    for time_to_live in [1, 64, 255] {
        let mut rig = Rig::new(&HostConfig { time_to_live, ..config() });
        rig.hear(&[broadcast(&[&[8, 6], &request()])]);
        for asked in [datagram(to_us(), &echo(b"data")), unsupported()] {
            let sent = rig.hear(&[frame(&asked)]);
            assert_eq!(sent_datagram(&sent).time_to_live(), time_to_live);
        }
    }
    assert_eq!(config().time_to_live, 64);
}

// proves: rfc1122-error-service, rfc1349-reply-service, rfc1122-source-address
#[test]
fn error_has_type_of_service_0_and_reply_that_of_its_request() {
    let mut rig = Rig::acquainted();
    let ask = datagram(ipv4::Ipv4Fields { type_of_service: 0xb8, ..to_us() }, &echo(b"data"));
    for (asked, type_of_service) in [(ask, 0xb8), (unsupported(), 0)] {
        let sent = rig.hear(&[frame(&asked)]);
        let sent = sent_datagram(&sent);
        assert_eq!(
            (sent.type_of_service(), sent.source(), sent.destination()),
            (type_of_service, OURS, PEER)
        );
    }
}

// proves: rfc3927-arp-for-everything
#[test]
fn link_local_host_resolves_every_destination_on_its_link() {
    let mut rig = Rig::new(&HostConfig::link_local(OUR_MAC));
    rig.pass(Duration::from_secs(20));
    let ours = rig.host.address().unwrap().addr();
    for stranger in [[192, 0, 2, 1], [10, 0, 0, 9], [169, 254, 7, 7]] {
        let ask = ipv4::Ipv4Fields::new(IpProtocol::ICMP, stranger.into(), ours);
        let sent = rig.hear(&[framed(OUR_MAC, PEER_MAC, &datagram(ask, &echo(b"data")))]);
        assert_eq!((sent.len(), &sent[0][12..14], &sent[0][38..42]), (1, &[8, 6][..], &stranger[..]));
    }
    let gateway = HostConfig { gateway: Some([169, 254, 7, 7].into()), ..HostConfig::link_local(OUR_MAC) };
    assert!(Host::new(NOW, &gateway).is_err(), "a link-local host has no gateway");
}

// proves: rfc1122-error-hint, rfc792-unused
#[test]
fn error_about_a_route_changes_nothing_and_its_unused_field_is_ignored() {
    let mut rig = Rig::acquainted();
    let ping = EchoRequest { destination: PEER, identifier: 1, sequence: 1, time_to_live: 64 };
    for (kind, code) in [(3, 0), (3, 1), (3, 5), (5, 1), (4, 0)] {
        assert_eq!(rig.host.ping(rig.now, ping, b"", &mut rig.pool), SendOutcome::Queued, "{kind}, {code}");
        let sent = rig.hear(&[]);
        let mut error = [&[kind, code, 0, 0, 10, 0, 0, 9][..], &sent[0][14..42]].concat();
        let sum = inet::checksum::of(&error);
        error[2..4].copy_from_slice(&sum.to_be_bytes());
        assert_eq!(rig.hear(&[frame(&datagram(to_us(), &error))]).len(), 0);
        assert_eq!(rig.events().len(), 1, "{kind}, {code}");
    }
    let refused = rig.hear(&[frame(&unsupported())]);
    assert_eq!(refused[0][38..42], [0; 4], "the unused field of a protocol unreachable");
}

// proves: rfc791-reserved-flag
#[test]
fn reserved_flag_is_ignored_and_never_sent() {
    let mut rig = Rig::acquainted();
    let mut asked = datagram(to_us(), &echo(b"data"));
    asked[6] |= 0x80;
    asked[10..12].fill(0);
    let sum = inet::checksum::of(&asked[..20]);
    asked[10..12].copy_from_slice(&sum.to_be_bytes());
    let sent = rig.hear(&[frame(&asked)]);
    assert_eq!((sent.len(), sent[0][20] & 0x80), (1, 0));
}

// proves: rfc1122-source
#[test]
fn datagram_from_this_network_or_class_e_is_dropped_and_counted() {
    for source in [[0, 0, 0, 0], [0, 1, 2, 3], [240, 0, 0, 1], [255, 255, 255, 254]] {
        let mut rig = Rig::acquainted();
        let forged = ipv4::Ipv4Fields::new(IpProtocol::ICMP, source.into(), OURS);
        for message in [echo(b"data"), echo_reply()] {
            let (verdict, sent) = rig.judge(&frame(&datagram(forged, &message)));
            let reason = DropReason::Ipv4(ipv4::Ipv4DropReason::SourceReserved);
            assert_eq!((verdict.dropped(), sent.len()), (Some(reason), 0), "{source:?}");
        }
        assert_eq!((rig.count("ipv4", "source is in 0.0.0.0/8 or class E"), rig.events().len()), (2, 0));
    }
}

/// An echo reply.
fn echo_reply() -> Vec<u8> {
    let mut message = vec![0; 8];
    let reply = icmp::Echo { identifier: 1, sequence: 1, data: &[] };
    reply.write_to(icmp::IcmpType::ECHO_REPLY, &mut message).unwrap();
    message
}

// proves: rfc1122-failure, rfc1122-host-unreachable
#[test]
fn datagram_that_a_full_queue_returns_is_not_reported_as_host_unreachable() {
    let mut rig = Rig::new(&config());
    let each = rig.host.config().table.pending_per_entry;
    for sequence in 0..=u16::try_from(each).unwrap() {
        let ping = EchoRequest { destination: PEER, identifier: 1, sequence, time_to_live: 64 };
        assert_eq!(rig.host.ping(rig.now, ping, b"", &mut rig.pool), SendOutcome::Pending);
    }
    rig.hear(&[]);
    assert_eq!((rig.events(), rig.pool.held()), (Vec::new(), each), "one came back");
    rig.pass(Duration::from_secs(10));
    assert_eq!((rig.events().len(), rig.pool.held()), (each, 0), "no host answered for the others");
}
