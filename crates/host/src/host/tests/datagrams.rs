//! Echo requests and replies, rejected datagrams, routes and broadcasts.

use super::test_host::*;
use super::*;
use crate::{DatagramOutcome, SocketFailure};
use arp::NeighborSettings;
use icmp::{IcmpError, IcmpMessage};
use inet::IpProtocol;
use ipv4::{Datagram, Ipv4Fields};
use tap::Checksum;
use udp::UdpDropReason;

/// Returns the datagram of the only frame, which must be addressed to the peer.
fn single_payload(sent: &[Vec<u8>]) -> Vec<u8> {
    let [frame] = sent else { panic!("expected one frame, the host sent {}", sent.len()) };
    assert!(frame.starts_with(&framed(PEER_MAC, HOST_MAC, &[])));
    frame[14..].to_vec()
}

// proves: rfc1122-echo-mirrored, rfc792-echo, rfc791-padding
#[test]
fn echo_request_of_any_length_gets_reply_without_padding() {
    let mut test_host = TestHost::with_known_peer();
    for length in (0..64).chain([1_471, 1_472]) {
        let data: Vec<u8> = (0..=255).cycle().take(length).collect();
        let request = [frame(&datagram(icmp_fields(), &echo(&data))), vec![0xee; 1_472 - length]].concat();
        let (outcome, sent) = test_host.exchange_one(&request);
        assert_eq!(outcome, ECHO_REPLIED);
        let reply = single_payload(&sent);
        let reply = Datagram::parse(&reply).unwrap();
        assert_eq!((reply.source(), reply.destination()), (HOST, PEER));
        assert_eq!((reply.time_to_live(), reply.bytes().len()), (64, 28 + length));
        assert_eq!(sent[0].len(), 42 + length, "unexpected length of the reply");
        assert_reply(reply.payload(), length);
    }
}

// proves: rfc1122-echo-mirrored, rfc791-options
#[test]
fn echo_reply_has_type_of_service_but_no_options_of_request() {
    let mut test_host = TestHost::with_known_peer();
    let plain = datagram(Ipv4Fields { type_of_service: 0xb8, ..icmp_fields() }, &echo(b"data"));
    let mut bytes = [&plain[..20], &[1, 1, 1, 0], &plain[20..]].concat();
    bytes[0] = 0x46;
    let total = u16::try_from(bytes.len()).unwrap();
    bytes[2..4].copy_from_slice(&total.to_be_bytes());
    bytes[10..12].fill(0);
    let sum = inet::checksum::of(&bytes[..24]);
    bytes[10..12].copy_from_slice(&sum.to_be_bytes());
    let reply = single_payload(&test_host.exchange_one(&frame(&bytes)).1);
    let reply = Datagram::parse(&reply).unwrap();
    assert_eq!((reply.type_of_service(), reply.options().len(), reply.payload().len()), (0xb8, 0, 12));
}

// proves: rfc791-total-length, rfc791-header-length, rfc1122-version, rfc1122-header-checksum
#[test]
fn invalid_ip_header_gets_no_reply() {
    let mut test_host = TestHost::with_known_peer();
    let good = frame(&datagram(icmp_fields(), &echo(&[0x5a; 32])));
    assert_eq!(good.len(), 74);
    for (place, bytes) in [
        (14, &[0x65_u8][..]),
        (14, &[0x44]),
        (14, &[0x4f]),
        (16, &[0xff, 0xff]),
        (16, &[0, 61]),
        (16, &[0, 19]),
        (16, &[0, 0]),
    ] {
        for is_repaired in [false, true] {
            let mut invalid = good.clone();
            invalid[place..place + bytes.len()].copy_from_slice(bytes);
            if is_repaired {
                invalid[24..26].fill(0);
                let end = 14 + usize::from(invalid[14] & 0x0f) * 4;
                let sum = inet::checksum::of(&invalid[14..end.max(34)]);
                invalid[24..26].copy_from_slice(&sum.to_be_bytes());
            }
            let before = losses(&test_host.host);
            let (outcome, sent) = test_host.exchange_one(&invalid);
            assert!(outcome.dropped().is_some(), "{place} {bytes:?}: {outcome:?}");
            assert_eq!((sent.len(), losses(&test_host.host)), (0, before + 1));
        }
    }
    for length in 14..74 {
        let (outcome, sent) = test_host.exchange_one(&good[..length]);
        assert!(outcome.dropped().is_some() && sent.is_empty(), "{length}");
    }
    assert_eq!(test_host.exchange_one(&good).0, ECHO_REPLIED);
}

// proves: rfc1122-destination, rfc1122-link-broadcast, rfc1122-source, source-local, rfc1122-echo-broadcast
#[test]
fn datagram_for_other_host_or_from_invalid_source_gets_no_reply() {
    let mut test_host = TestHost::with_known_peer();
    let request_datagram = |source: [u8; 4], destination: [u8; 4]| {
        datagram(Ipv4Fields::new(IpProtocol::ICMP, source.into(), destination.into()), &echo(b"data"))
    };
    let (peer, local) = (PEER.octets(), HOST.octets());
    for (source, destination, reason) in [
        (peer, [10, 0, 0, 3], ipv4::Ipv4DropReason::NotLocal.into()),
        (peer, [224, 0, 0, 1], ipv4::Ipv4DropReason::NotLocal.into()),
        (peer, [10, 0, 0, 255], icmp::IcmpDropReason::BroadcastEcho.into()),
        (peer, [255; 4], icmp::IcmpDropReason::BroadcastEcho.into()),
        ([255; 4], local, ipv4::Ipv4DropReason::SourceBroadcast.into()),
        ([10, 0, 0, 255], local, ipv4::Ipv4DropReason::SourceBroadcast.into()),
        ([10, 0, 0, 0], local, ipv4::Ipv4DropReason::SourceBroadcast.into()),
        ([224, 0, 0, 1], local, ipv4::Ipv4DropReason::SourceGroup.into()),
        ([127, 0, 0, 1], local, ipv4::Ipv4DropReason::SourceLoopback.into()),
        (local, local, ipv4::Ipv4DropReason::SourceLocal.into()),
        ([0; 4], local, ipv4::Ipv4DropReason::SourceReserved.into()),
        ([240, 0, 0, 1], local, ipv4::Ipv4DropReason::SourceReserved.into()),
    ] {
        let (outcome, sent) = test_host.exchange_one(&frame(&request_datagram(source, destination)));
        assert_eq!((outcome.dropped(), sent.len()), (Some(reason), 0), "{source:?} {destination:?}");
    }
    let (outcome, sent) =
        test_host.exchange_one(&framed(MacAddr::BROADCAST, PEER_MAC, &request_datagram(peer, local)));
    assert_eq!((outcome.dropped(), sent.len()), (Some(ipv4::Ipv4DropReason::LinkBroadcast.into()), 0));
}

/// A UDP datagram without a checksum.
const UDP: [u8; 12] = [0x30, 0x39, 0, 9, 0, 12, 0, 0, b'd', b'a', b't', b'a'];

// proves: rfc1122-protocol-unreachable, rfc1122-port-unreachable
#[test]
fn unsupported_datagram_gets_error_with_quotation() {
    let mut test_host = TestHost::with_known_peer();
    for (protocol, problem) in [
        (IpProtocol::UDP, IcmpError::PORT_UNREACHABLE),
        (IpProtocol(2), IcmpError::PROTOCOL_UNREACHABLE),
        (IpProtocol(253), IcmpError::PROTOCOL_UNREACHABLE),
    ] {
        let about = datagram(Ipv4Fields { protocol, ..icmp_fields() }, &UDP);
        let (outcome, sent) = test_host.exchange_one(&[&frame(&about)[..], &[0xee; 20]].concat());
        assert_eq!(outcome, FrameOutcome::Ipv4(DatagramOutcome::Rejected(problem)));
        let reply = single_payload(&sent);
        let reply = Datagram::parse(&reply).unwrap();
        assert_eq!((reply.source(), reply.destination(), reply.time_to_live()), (HOST, PEER, 64));
        let message = IcmpMessage::parse(reply.payload()).unwrap();
        assert_eq!((message.icmp_type(), message.code()), (problem.icmp_type(), problem.code()));
        assert_eq!(
            &reply.payload()[8..],
            about,
            "the error does not quote the whole datagram without padding"
        );
    }
    assert_eq!(test_host.count("icmp", "errors_sent"), 3);
}

// proves: drops-counted
#[test]
fn datagram_is_dropped_with_reason_when_error_is_not_sent() {
    let about = |source| Ipv4Fields { protocol: IpProtocol::UDP, source, ..icmp_fields() };
    let far = Ipv4Addr::new(192, 0, 2, 1);
    for (source, frames, is_full, reason) in [
        (far, 4, false, DropReason::NoRoute),
        (PEER, 1, false, TxDropReason::NoFrame.into()),
        (PEER, 4, true, TxDropReason::TxQueueFull.into()),
    ] {
        let TestHost { mut host, pool: mut other_pool, .. } = TestHost::with_known_peer();
        if is_full {
            fill_control_queue(&mut host, &mut other_pool);
        }
        let mut pool = Pool::new(1_500, frames);
        let mut arrived = pool.take().unwrap();
        arrived.write(&frame(&datagram(about(source), &UDP))).unwrap();
        let outcome = host.receive(NOW, PORT, arrived, &mut pool);
        assert_eq!((outcome.dropped(), pool.held()), (Some(reason), 0));
    }
}

// proves: rfc1122-port-unreachable
#[test]
fn datagram_is_rejected_when_rate_limit_withholds_error() {
    let mut test_host = TestHost::with_known_peer();
    let about = frame(&datagram(Ipv4Fields { protocol: IpProtocol::UDP, ..icmp_fields() }, &UDP));
    let all: Vec<_> = (0..1_000).map(|_| test_host.exchange_one(&about)).collect();
    let refused = FrameOutcome::Ipv4(DatagramOutcome::Rejected(IcmpError::PORT_UNREACHABLE));
    assert!(all.iter().all(|(outcome, _)| *outcome == refused));
    assert!(all.iter().any(|(_, sent)| sent.is_empty()));
}

// proves: rfc1122-port-unreachable
#[test]
fn error_quotes_less_when_mtu_is_small() {
    let about = datagram(Ipv4Fields { protocol: IpProtocol::UDP, ..icmp_fields() }, &udp(&[7; 40]));
    for mtu in [68, 500] {
        let mut test_host = TestHost::new(&HostConfig { mtu, ..config() });
        test_host.exchange(&[broadcast(&[&[8, 6], &request()])]);
        let (_, sent) = test_host.exchange_one(&frame(&about));
        let reply = single_payload(&sent);
        let reply = Datagram::parse(&reply).unwrap();
        let quoted = about.len().min(mtu - Ipv4Fields::LENGTH - IcmpError::HEADER);
        assert_eq!(reply.payload()[IcmpError::HEADER..], about[..quoted], "{mtu}");
        assert_eq!((test_host.count("icmp", "errors_sent"), losses(&test_host.host)), (1, 0));
    }
}

/// Returns a frame of the peer with these bytes as a UDP datagram.
fn udp_frame(udp: &[u8]) -> Vec<u8> {
    datagram(Ipv4Fields { protocol: IpProtocol::UDP, ..icmp_fields() }, udp)
}

/// Returns the reason for which a new host drops a UDP datagram, and the number of frames that the host sends.
fn udp_outcome(test_host: &mut TestHost, udp: &[u8]) -> (Option<DropReason>, usize) {
    *test_host = TestHost::with_known_peer();
    let (outcome, sent) = test_host.exchange_one(&frame(&udp_frame(udp)));
    (outcome.dropped(), sent.len())
}

// proves: rfc1122-udp-checksum, rfc768-no-checksum, drops-counted
#[test]
fn udp_datagram_gets_port_unreachable_only_when_checksum_is_valid_or_absent() {
    let mut test_host = TestHost::with_known_peer();
    for length in [0, 1, 7, 512, 1_472] {
        let good = udp(&vec![0x5a; length]);
        assert_eq!(udp_outcome(&mut test_host, &good), (None, 1), "{length}");
        for bit in (0..8 * good.len()).step_by(if length > 7 { 97 } else { 1 }) {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            let claimed = usize::from(u16::from_be_bytes([bad[4], bad[5]]));
            let is_possible = (8..=bad.len()).contains(&claimed);
            let reason = if is_possible { UdpDropReason::Checksum } else { UdpDropReason::Length };
            assert_eq!(udp_outcome(&mut test_host, &bad), (Some(reason.into()), 0), "{length}, bit {bit}");
            assert_eq!(test_host.count("udp", base::Reason::name(reason)), 1);
        }
        let mut without = good;
        without[6..8].fill(0);
        assert_eq!(udp_outcome(&mut test_host, &without), (None, 1), "{length}");
    }
    // The checksum covers the pseudo-header: this datagram has another source address.
    let misdirected = datagram(Ipv4Fields::new(IpProtocol::UDP, [10, 0, 0, 7].into(), HOST), &udp(b"data"));
    assert_eq!(
        test_host.exchange_one(&frame(&misdirected)).0.dropped(),
        Some(UdpDropReason::Checksum.into())
    );
}

// proves: rfc768-length
#[test]
fn udp_datagram_is_dropped_when_length_is_invalid() {
    let mut test_host = TestHost::with_known_peer();
    for length in (0..8_u16).chain([13, 100, u16::MAX]) {
        let mut invalid = UDP;
        invalid[4..6].copy_from_slice(&length.to_be_bytes());
        assert_eq!(
            udp_outcome(&mut test_host, &invalid),
            (Some(UdpDropReason::Length.into()), 0),
            "{length}"
        );
    }
    for length in 0..8 {
        assert_eq!(
            udp_outcome(&mut test_host, &UDP[..length]),
            (Some(UdpDropReason::Truncated.into()), 0),
            "{length}"
        );
    }
    // Bytes of the IP datagram after the end of the UDP datagram are ignored.
    let mut longer = udp(b"data");
    longer.extend([0xee; 9]);
    assert_eq!(udp_outcome(&mut test_host, &longer), (None, 1));
    assert_eq!(losses(&test_host.host), 0);
}

// proves: partial-checksum
#[test]
fn udp_datagram_is_rejected_with_any_partial_checksum() {
    let mut test_host = TestHost::with_known_peer();
    let mut partial = udp(b"data");
    partial[6] ^= 0x55;
    let bytes = frame(&udp_frame(&partial));
    assert_eq!(test_host.exchange_with(std::slice::from_ref(&bytes), Checksum::Verified).len(), 1);
    assert_eq!(test_host.exchange(&[bytes]).len(), 0);
    // A reply in the frame of its request does not inherit the checksum state of the request.
    let frames = [frame(&datagram(icmp_fields(), &echo(b"data"))), broadcast(&[&[8, 6], &request()])];
    assert_eq!(test_host.exchange_with(&frames, Checksum::Verified).len(), 2);
}

// proves: rfc1122-udp-checksum
#[test]
fn fragmented_udp_datagram_is_checked_when_complete() {
    for (wrong, errors) in [(0, 1), (1, 0)] {
        let mut test_host = TestHost::with_known_peer();
        let mut whole = udp(&[7; 1_600]);
        whole[1_000] ^= wrong;
        let part = Ipv4Fields { protocol: IpProtocol::UDP, ..icmp_fields() };
        let first = datagram(Ipv4Fields { more_fragments: true, ..part }, &whole[..800]);
        let last = datagram(Ipv4Fields { fragment_offset: 800, ..part }, &whole[800..]);
        assert_eq!(test_host.exchange_with(&[frame(&first), frame(&last)], Checksum::Verified).len(), errors);
    }
}

// proves: rfc1122-no-listener, rfc1122-error-broadcast
#[test]
fn broadcast_datagram_is_dropped_and_counted_without_error() {
    let mut test_host = TestHost::with_known_peer();
    for destination in [[255; 4], [10, 0, 0, 255]] {
        let about = datagram(Ipv4Fields::new(IpProtocol::UDP, PEER, destination.into()), &UDP);
        let (outcome, sent) = test_host.exchange_one(&framed(MacAddr::BROADCAST, PEER_MAC, &about));
        assert_eq!((outcome.dropped(), sent.len()), (Some(DropReason::NoListener), 0));
    }
    assert_eq!(test_host.count("host", "no_listener"), 2);
}

// proves: rfc1122-error-about-error, rfc1122-error-fragment, rfc1122-error-source
#[test]
fn errors_later_fragments_and_invalid_sources_get_no_error() {
    let mut test_host = TestHost::with_known_peer();
    let inner = datagram(Ipv4Fields::new(IpProtocol::UDP, HOST, PEER), &UDP);
    let mut error = vec![0; 8 + inner.len()];
    IcmpError::PORT_UNREACHABLE.write_to(&inner, &mut error).unwrap();
    let error = frame(&datagram(icmp_fields(), &error));
    let unspecified = frame(&datagram(Ipv4Fields::new(IpProtocol::UDP, Ipv4Addr::UNSPECIFIED, HOST), &UDP));
    let class_e = frame(&datagram(Ipv4Fields::new(IpProtocol::UDP, [240, 0, 0, 1].into(), HOST), &UDP));
    let part = Ipv4Fields { protocol: IpProtocol::UDP, fragment_offset: 8, ..icmp_fields() };
    for frame in [error, unspecified, class_e, frame(&datagram(part, &UDP))] {
        assert_eq!(test_host.exchange_one(&frame).1.len(), 0);
    }
    assert_eq!(
        (test_host.advance(Duration::from_secs(31)).len(), test_host.count("icmp", "errors_sent")),
        (0, 0)
    );
    assert_eq!(test_host.count("ipv4", "source_reserved"), 2);
    // No socket has sent the datagram that the ICMP error quotes.
    assert_eq!(test_host.count("icmp", "no_socket"), 1);
}

// proves: icmp-rate-each
#[test]
fn rate_limit_of_one_sender_does_not_affect_other_senders() {
    let mut test_host = TestHost::with_known_peer();
    let other = Ipv4Addr::new(10, 0, 0, 9);
    test_host.host.add_static(NOW, other, MacAddr::new([2, 0, 0, 0, 0, 9])).unwrap();
    let about = |source| frame(&datagram(Ipv4Fields::new(IpProtocol::UDP, source, HOST), &UDP));
    let floods = test_host.exchange(&vec![about(PEER); 40]);
    assert_eq!(floods.len(), 6);
    assert_eq!(test_host.exchange(&[about(other)]).len(), 1);
    assert_eq!(test_host.count("icmp", "errors_suppressed_destination_rate_limit"), 34);
    assert_eq!(
        (test_host.advance(Duration::from_secs(1)).len(), test_host.exchange(&[about(PEER)]).len()),
        (0, 1)
    );
}

/// Returns the target address, if the frame is an ARP request.
pub(super) fn arp_target(frame: &[u8]) -> Option<Ipv4Addr> {
    let frame = link::EthernetFrame::parse(frame).unwrap();
    (frame.ether_type() == EtherType::ARP)
        .then(|| arp::Packet::parse(frame.payload()).unwrap().target_protocol())
}

/// Returns an ARP reply with the peer's MAC address for an IP address.
fn reply_with_peer_mac(address: Ipv4Addr) -> Vec<u8> {
    let mut packet = request();
    packet[7] = 2;
    packet[14..18].copy_from_slice(&address.octets());
    broadcast(&[&[8, 6], &packet])
}

// proves: reply-resolved, rfc1122-queue
#[test]
fn reply_to_unknown_neighbor_waits_for_resolution() {
    let mut test_host = TestHost::new(&config());
    let (outcome, sent) = test_host.exchange_one(&frame(&datagram(icmp_fields(), &echo(b"data"))));
    assert_eq!((outcome, sent.len(), arp_target(&sent[0])), (ECHO_REPLIED, 1, Some(PEER)));
    assert_eq!(test_host.pool.held(), 1, "the reply is not pending");
    let sent = test_host.exchange(&[reply_with_peer_mac(PEER)]);
    assert_eq!(joined_payload(&sent, PEER_MAC).len(), 12);
    assert_eq!(test_host.host.echo_replies(), 1);
}

// proves: rfc1122-host-unreachable
#[test]
fn datagram_is_reported_and_returned_when_neighbor_does_not_answer() {
    let mut test_host = TestHost::new(&config());
    test_host.exchange(&[frame(&datagram(icmp_fields(), &echo(b"data")))]);
    let ping = Ping {
        source: None,
        destination: [10, 0, 0, 99].into(),
        identifier: 5,
        sequence: 6,
        time_to_live: 64,
    };
    assert_eq!(test_host.host.ping(NOW, ping, b"hello", &mut test_host.pool), Ok(()));
    test_host.advance(Duration::from_secs(10));
    // The reply is of no socket.
    let request = SocketFailure {
        problem: IcmpError::HOST_UNREACHABLE,
        from: HOST.into(),
        peer: (ping.destination, 0).into(),
        sequence: Some(6),
    };
    assert_eq!(test_host.failures(), [request]);
    assert_eq!((test_host.count("arp", "pending_packets_dropped"), test_host.pool.held()), (2, 0));
}

// proves: rfc1122-local-remote, rfc1122-gateway
#[test]
fn datagram_off_link_goes_to_gateway_of_route() {
    let mut test_host = TestHost::new(&HostConfig { gateway: Some(PEER.into()), ..config() });
    let (near, far) = (Ipv4Addr::new(10, 0, 0, 9), Ipv4Addr::new(10, 0, 0, 8));
    test_host.host.add_route("198.51.100.0/24".parse().unwrap(), far.into()).unwrap();
    let ping = |destination: [u8; 4]| Ping {
        source: None,
        destination: destination.into(),
        identifier: 1,
        sequence: 1,
        time_to_live: 64,
    };
    for (destination, hop) in [([192, 0, 2, 1], PEER), ([198, 51, 100, 7], far), ([10, 0, 0, 9], near)] {
        assert_eq!(test_host.host.ping(NOW, ping(destination), b"", &mut test_host.pool), Ok(()));
        let sent_frames = test_host.exchange(&[]);
        assert_eq!((sent_frames.len(), arp_target(&sent_frames[0])), (1, Some(hop)));
        let sent = test_host.exchange(&[reply_with_peer_mac(hop)]);
        let datagram = Datagram::parse(&sent[0][14..]).unwrap();
        assert_eq!((&sent[0][..6], datagram.destination().octets()), (&PEER_MAC.bytes()[..], destination));
    }
    let off_link = test_host.host.add_route("203.0.113.0/24".parse().unwrap(), [192, 0, 2, 1].into());
    assert_eq!(off_link, Err(HostConfigError::Route(ipv4::RouteError::NotOnLink([192, 0, 2, 1].into()))));
}

// proves: rfc3927-on-link
#[test]
fn link_local_neighbor_gets_direct_reply_with_or_without_gateway() {
    let neighbor = Ipv4Addr::new(169, 254, 7, 7);
    for gateway in [Some(Ipv4Addr::new(10, 0, 0, 9)), None] {
        let mut test_host = TestHost::new(&HostConfig { gateway: gateway.map(Into::into), ..config() });
        let (outcome, sent) = test_host
            .exchange_one(&frame(&datagram(Ipv4Fields::new(IpProtocol::ICMP, neighbor, HOST), &echo(b""))));
        assert_eq!((outcome, sent.len(), arp_target(&sent[0])), (ECHO_REPLIED, 1, Some(neighbor)));
        assert_eq!(test_host.exchange(&[reply_with_peer_mac(neighbor)]).len(), 1);
    }
}

// proves: rfc3927-on-link
#[test]
fn link_local_host_resolves_every_destination() {
    let local = "169.254.3.4/16".parse().unwrap();
    let mut test_host = TestHost::new(&HostConfig {
        addresses: HostSet::One(local),
        gateway: Some([169, 254, 0, 1].into()),
        ..config()
    });
    for destination in [[192, 0, 2, 1], [169, 254, 7, 7]].map(Ipv4Addr::from) {
        let ping = Ping {
            source: None,
            destination: destination.into(),
            identifier: 1,
            sequence: 1,
            time_to_live: 64,
        };
        assert_eq!(test_host.host.ping(NOW, ping, b"", &mut test_host.pool), Ok(()));
        let sent_frames = test_host.exchange(&[]);
        assert_eq!((sent_frames.len(), arp_target(&sent_frames[0])), (1, Some(destination)));
    }
}

#[test]
fn local_address_is_rejected_as_gateway() {
    let error = Some(HostConfigError::Gateway(HOST.into()));
    assert_eq!(Host::new(NOW, &HostConfig { gateway: Some(HOST.into()), ..config() }).err(), error);
    let range = HostConfig::range("10.0.0.0/30".parse().unwrap(), HOST_MAC);
    assert_eq!(Host::new(NOW, &HostConfig { gateway: Some(HOST.into()), ..range }).err(), error);
    let mut host = Host::new(NOW, &config()).unwrap();
    assert_eq!(host.add_route("192.0.2.0/24".parse().unwrap(), HOST.into()).err(), error);
    assert_eq!(host.routes().iter().count(), 1);
}

// proves: drops-counted
#[test]
fn reply_is_dropped_and_counted_when_arp_cache_is_full() {
    let table = NeighborSettings { entries: 1, ..config().table };
    let mut test_host = TestHost::new(&HostConfig { table, ..config() });
    test_host.host.add_static(NOW, [10, 0, 0, 9].into(), MacAddr::new([2, 0, 0, 0, 0, 9])).unwrap();
    let before = losses(&test_host.host);
    for (protocol, message) in [(IpProtocol::ICMP, echo(b"data")), (IpProtocol::UDP, udp(b"data"))] {
        let (outcome, sent) =
            test_host.exchange_one(&frame(&datagram(Ipv4Fields { protocol, ..icmp_fields() }, &message)));
        if protocol == IpProtocol::ICMP {
            assert_eq!(outcome.dropped(), Some(TxDropReason::NextHopUnresolved.into()));
        }
        assert_eq!(sent.len(), 0);
    }
    assert_eq!(
        (losses(&test_host.host), test_host.host.tx_dropped(TxDropReason::NextHopUnresolved)),
        (before + 2, 2)
    );
    assert_eq!(
        (test_host.count("icmp", "errors_sent"), test_host.host.tx_dropped(TxDropReason::TxQueueFull)),
        (0, 0)
    );
}

#[test]
fn datagram_is_dropped_and_counted_when_no_route_exists() {
    let mut test_host = TestHost::new(&config());
    let ping = Ping {
        source: None,
        destination: [192, 0, 2, 1].into(),
        identifier: 1,
        sequence: 1,
        time_to_live: 64,
    };
    assert_eq!(
        test_host.host.ping(NOW, ping, b"", &mut test_host.pool),
        Err(SocketError::NoRoute(ping.destination))
    );
    let other = Ipv4Fields::new(IpProtocol::ICMP, v4(ping.destination), HOST);
    let (outcome, sent) = test_host.exchange_one(&frame(&datagram(other, &echo(b""))));
    assert_eq!((outcome.dropped(), sent.len()), (Some(DropReason::NoRoute), 0));
    assert_eq!((test_host.count("ipv4", "no_route"), test_host.pool.held()), (1, 0));
}

// proves: rfc1122-limited-broadcast, rfc1122-broadcast-sent
#[test]
fn sent_broadcast_needs_no_resolution() {
    let mut test_host = TestHost::new(&config());
    for destination in [[255; 4], [10, 0, 0, 255], [224, 0, 0, 1]] {
        let ping = Ping {
            source: None,
            destination: destination.into(),
            identifier: 1,
            sequence: 1,
            time_to_live: 1,
        };
        assert_eq!(test_host.host.ping(NOW, ping, b"", &mut test_host.pool), Ok(()));
        let group = [1, 0, 0x5e, 0, 0, 1];
        let to = if destination[0] == 224 { group } else { [0xff; 6] };
        assert!(test_host.exchange(&[])[0].starts_with(&to));
    }
}

#[test]
fn echo_reply_is_reported_with_all_fields() {
    let mut test_host = TestHost::with_known_peer();
    let ping =
        Ping { source: None, destination: PEER.into(), identifier: 0x1234, sequence: 7, time_to_live: 3 };
    assert_eq!(test_host.host.ping(NOW, ping, b"data", &mut test_host.pool), Ok(()));
    let sent = single_payload(&test_host.exchange(&[]));
    let sent = Datagram::parse(&sent).unwrap();
    assert_eq!((sent.time_to_live(), sent.payload()), (3, &echo(b"data")[..]));
    let mut reply = echo(b"data");
    icmp::reply_in_place(&mut reply).unwrap();
    let fields = Ipv4Fields { time_to_live: 62, ..icmp_fields() };
    assert_eq!(
        test_host.exchange_one(&frame(&datagram(fields, &reply))).0,
        FrameOutcome::Ipv4(DatagramOutcome::Delivered)
    );
    let replies = test_host.echo_replies();
    let [(reply, data)] = &replies[..] else { panic!("{replies:?}") };
    assert_eq!(
        (reply.from, reply.to, reply.identifier, reply.sequence),
        (PEER.into(), HOST.into(), 0x1234, 7)
    );
    assert_eq!((&data[..], reply.time_to_live, reply.at), (&b"data"[..], 62, test_host.now));
    assert_eq!(
        (test_host.count("icmp", "echo_requests_sent"), test_host.count("icmp", "echo_replies_delivered")),
        (1, 1)
    );
}

#[test]
fn echo_reply_without_socket_is_dropped_and_counted() {
    let mut test_host = TestHost::with_known_peer();
    let id = test_host.host.bind_echo(&EchoBind { identifier: Some(0x1233), ..EchoBind::default() }).unwrap();
    let mut reply = echo(b"data");
    icmp::reply_in_place(&mut reply).unwrap();
    let outcome = test_host.exchange_one(&frame(&datagram(icmp_fields(), &reply))).0;
    assert_eq!(outcome, FrameOutcome::Dropped(DropReason::NoSocket));
    assert_eq!((test_host.count("icmp", "no_socket"), test_host.echo_replies().len()), (1, 0));
    assert_eq!(test_host.host.poll_ready(), None);
    let other = test_host.host.bind_echo(&EchoBind::default()).unwrap();
    assert!(id != other && test_host.host.socket(other).is_some_and(|info| info.port != 0x1233));
}

// proves: rfc1122-error-reported
#[test]
fn icmp_error_about_ping_names_identifier_and_sequence() {
    let mut test_host = TestHost::with_known_peer();
    test_host.host.bind_echo(&EchoBind { identifier: Some(0x1234), ..EchoBind::default() }).unwrap();
    let request = datagram(Ipv4Fields::new(IpProtocol::ICMP, HOST, [10, 0, 0, 9].into()), &echo(b"data"));
    let mut error = vec![0; 8 + 28];
    IcmpError::HOPS_EXCEEDED.write_to(&request[..28], &mut error).unwrap();
    assert_eq!(
        test_host.exchange_one(&frame(&datagram(icmp_fields(), &error))).0,
        FrameOutcome::Ipv4(DatagramOutcome::Reported)
    );
    let failure = SocketFailure {
        problem: IcmpError::HOPS_EXCEEDED,
        from: PEER.into(),
        peer: ([10, 0, 0, 9], 0).into(),
        sequence: Some(7),
    };
    assert_eq!(test_host.failures(), [failure]);
}
