//! Echo requests and their answers, refusals, and what becomes of all else.

use super::rig::*;
use super::*;
use crate::{DatagramOutcome, EchoRequest, UdpDropReason};
use arp::NeighborSettings;
use icmp::{IcmpError, IcmpMessage, QuotedDatagram};
use inet::IpProtocol;
use ipv4::{Datagram, Ipv4Fields};
use tap::Checksum;

/// The one datagram in the one frame that was sent, which is for the peer.
fn only(sent: &[Vec<u8>]) -> Vec<u8> {
    let [only] = sent else { panic!("{} frames", sent.len()) };
    assert!(only.starts_with(&framed(PEER_MAC, OUR_MAC, &[])));
    only[14..].to_vec()
}

// proves: rfc1122-echo-mirrored, rfc792-echo, rfc791-padding
#[test]
fn an_echo_request_comes_back_whatever_its_length_without_its_padding() {
    let mut rig = Rig::acquainted();
    for length in (0..64).chain([1_471, 1_472]) {
        let data: Vec<u8> = (0..=255).cycle().take(length).collect();
        let request = [frame(&datagram(to_us(), &echo(&data))), vec![0xee; 1_472 - length]].concat();
        let (verdict, sent) = rig.judge(&request);
        assert_eq!(verdict, ANSWERED);
        let reply = only(&sent);
        let reply = Datagram::parse(&reply).unwrap();
        assert_eq!((reply.source(), reply.destination()), (OURS, PEER));
        assert_eq!((reply.time_to_live(), reply.octets().len()), (64, 28 + length));
        assert_eq!(sent[0].len(), 42 + length, "and nothing more");
        is_reply(reply.payload(), length);
    }
}

// proves: rfc1122-echo-mirrored, rfc791-options
#[test]
fn a_reply_has_the_type_of_service_of_its_request_and_none_of_its_options() {
    let mut rig = Rig::acquainted();
    let plain = datagram(Ipv4Fields { type_of_service: 0xb8, ..to_us() }, &echo(b"data"));
    let mut octets = [&plain[..20], &[1, 1, 1, 0], &plain[20..]].concat();
    octets[0] = 0x46;
    let total = u16::try_from(octets.len()).unwrap();
    octets[2..4].copy_from_slice(&total.to_be_bytes());
    octets[10..12].fill(0);
    let sum = inet::checksum::of(&octets[..24]);
    octets[10..12].copy_from_slice(&sum.to_be_bytes());
    let reply = only(&rig.judge(&frame(&octets)).1);
    let reply = Datagram::parse(&reply).unwrap();
    assert_eq!((reply.type_of_service(), reply.options().len(), reply.payload().len()), (0xb8, 0, 12));
}

// proves: rfc791-total-length, rfc791-header-length, rfc1122-version, rfc1122-header-checksum
#[test]
fn a_header_that_lies_gets_nothing_out_of_the_host() {
    let mut rig = Rig::acquainted();
    let good = frame(&datagram(to_us(), &echo(&[0x5a; 32])));
    assert_eq!(good.len(), 74);
    for (place, octets) in [
        (14, &[0x65_u8][..]),
        (14, &[0x44]),
        (14, &[0x4f]),
        (16, &[0xff, 0xff]),
        (16, &[0, 61]),
        (16, &[0, 19]),
        (16, &[0, 0]),
    ] {
        for is_repaired in [false, true] {
            let mut lie = good.clone();
            lie[place..place + octets.len()].copy_from_slice(octets);
            if is_repaired {
                lie[24..26].fill(0);
                let end = 14 + usize::from(lie[14] & 0x0f) * 4;
                let sum = inet::checksum::of(&lie[14..end.max(34)]);
                lie[24..26].copy_from_slice(&sum.to_be_bytes());
            }
            let before = losses(&rig.host);
            let (verdict, sent) = rig.judge(&lie);
            assert!(verdict.dropped().is_some(), "{place} {octets:?}: {verdict:?}");
            assert_eq!((sent.len(), losses(&rig.host)), (0, before + 1));
        }
    }
    for length in 14..74 {
        let (verdict, sent) = rig.judge(&good[..length]);
        assert!(verdict.dropped().is_some() && sent.is_empty(), "{length}");
    }
    assert_eq!(rig.judge(&good).0, ANSWERED);
}

// proves: rfc1122-destination, rfc1122-link-broadcast, rfc1122-source, source-ours, rfc1122-echo-broadcast
#[test]
fn what_is_not_for_us_or_from_nobody_is_not_answered() {
    let mut rig = Rig::acquainted();
    let ask = |source: [u8; 4], destination: [u8; 4]| {
        datagram(Ipv4Fields::new(IpProtocol::ICMP, source.into(), destination.into()), &echo(b"data"))
    };
    let (peer, ours) = (PEER.octets(), OURS.octets());
    for (source, destination, reason) in [
        (peer, [10, 0, 0, 3], ipv4::Ipv4DropReason::NotForUs.into()),
        (peer, [224, 0, 0, 1], ipv4::Ipv4DropReason::NotForUs.into()),
        (peer, [10, 0, 0, 255], icmp::IcmpDropReason::BroadcastEcho.into()),
        (peer, [255; 4], icmp::IcmpDropReason::BroadcastEcho.into()),
        ([255; 4], ours, ipv4::Ipv4DropReason::SourceBroadcast.into()),
        ([10, 0, 0, 255], ours, ipv4::Ipv4DropReason::SourceBroadcast.into()),
        ([10, 0, 0, 0], ours, ipv4::Ipv4DropReason::SourceBroadcast.into()),
        ([224, 0, 0, 1], ours, ipv4::Ipv4DropReason::SourceGroup.into()),
        ([127, 0, 0, 1], ours, ipv4::Ipv4DropReason::SourceLoopback.into()),
        (ours, ours, ipv4::Ipv4DropReason::SourceLocal.into()),
        ([0; 4], ours, ipv4::Ipv4DropReason::SourceReserved.into()),
        ([240, 0, 0, 1], ours, ipv4::Ipv4DropReason::SourceReserved.into()),
    ] {
        let (verdict, sent) = rig.judge(&frame(&ask(source, destination)));
        assert_eq!((verdict.dropped(), sent.len()), (Some(reason), 0), "{source:?} {destination:?}");
    }
    let (verdict, sent) = rig.judge(&framed(MacAddr::BROADCAST, PEER_MAC, &ask(peer, ours)));
    assert_eq!((verdict.dropped(), sent.len()), (Some(ipv4::Ipv4DropReason::LinkBroadcast.into()), 0));
}

/// Eight octets for a port, without a checksum, and some data.
const UDP: [u8; 12] = [0x30, 0x39, 0, 9, 0, 12, 0, 0, b'd', b'a', b't', b'a'];

// proves: rfc1122-protocol-unreachable, rfc1122-port-unreachable
#[test]
fn what_nobody_here_wants_is_refused_with_its_start() {
    let mut rig = Rig::acquainted();
    for (protocol, problem) in [
        (IpProtocol::UDP, IcmpError::PORT_UNREACHABLE),
        (IpProtocol::TCP, IcmpError::PROTOCOL_UNREACHABLE),
        (IpProtocol(253), IcmpError::PROTOCOL_UNREACHABLE),
    ] {
        let about = datagram(Ipv4Fields { protocol, ..to_us() }, &UDP);
        let (verdict, sent) = rig.judge(&[&frame(&about)[..], &[0xee; 20]].concat());
        assert_eq!(verdict, FrameOutcome::Ipv4(DatagramOutcome::Rejected(problem)));
        let reply = only(&sent);
        let reply = Datagram::parse(&reply).unwrap();
        assert_eq!((reply.source(), reply.destination(), reply.time_to_live()), (OURS, PEER, 64));
        let message = IcmpMessage::parse(reply.payload()).unwrap();
        assert_eq!((message.kind(), message.code()), (problem.kind(), problem.code()));
        assert_eq!(&reply.payload()[8..], about, "all of it, and no padding");
    }
    assert_eq!(rig.count("icmp", "errors sent"), 3);
}

// proves: drops-counted
#[test]
fn datagram_is_dropped_under_the_reason_when_its_error_is_not_sent() {
    let about = |source| Ipv4Fields { protocol: IpProtocol::UDP, source, ..to_us() };
    let far = Ipv4Addr::new(192, 0, 2, 1);
    for (source, frames, capacity, reason) in [
        (far, 4, 4, DropReason::NoRoute),
        (PEER, 1, 4, TxDropReason::NoFrame.into()),
        (PEER, 4, 0, TxDropReason::TxQueueFull.into()),
    ] {
        let mut host = Rig::acquainted().host;
        let (mut pool, mut departing) = (Pool::new(1_500, frames), Batch::new(capacity));
        let mut arrived = pool.take().unwrap();
        arrived.write(&frame(&datagram(about(source), &UDP))).unwrap();
        let verdict = host.receive(NOW, arrived, &mut departing, &mut pool);
        assert_eq!((verdict.dropped(), departing.len(), pool.held()), (Some(reason), 0, 0));
    }
}

// proves: rfc1122-port-unreachable
#[test]
fn error_that_the_rate_limit_withholds_leaves_the_datagram_refused() {
    let mut rig = Rig::acquainted();
    let about = frame(&datagram(Ipv4Fields { protocol: IpProtocol::UDP, ..to_us() }, &UDP));
    let all: Vec<_> = (0..1_000).map(|_| rig.judge(&about)).collect();
    let refused = FrameOutcome::Ipv4(DatagramOutcome::Rejected(IcmpError::PORT_UNREACHABLE));
    assert!(all.iter().all(|(verdict, _)| *verdict == refused));
    assert!(all.iter().any(|(_, sent)| sent.is_empty()));
}

// proves: rfc1122-port-unreachable
#[test]
fn on_a_link_that_carries_little_an_error_quotes_what_fits() {
    let about = datagram(Ipv4Fields { protocol: IpProtocol::UDP, ..to_us() }, &udp(&[7; 40]));
    for mtu in [68, 500] {
        let mut rig = Rig::new(&HostConfig { mtu, ..config() });
        rig.hear(&[broadcast(&[&[8, 6], &request()])]);
        let (_, sent) = rig.judge(&frame(&about));
        let reply = only(&sent);
        let reply = Datagram::parse(&reply).unwrap();
        let quoted = about.len().min(mtu - Ipv4Fields::LENGTH - IcmpError::HEADER);
        assert_eq!(reply.payload()[IcmpError::HEADER..], about[..quoted], "{mtu}");
        assert_eq!((rig.count("icmp", "errors sent"), losses(&rig.host)), (1, 0));
    }
}

/// A datagram from the peer whose data is said to be UDP.
fn carrying(udp: &[u8]) -> Vec<u8> {
    datagram(Ipv4Fields { protocol: IpProtocol::UDP, ..to_us() }, udp)
}

/// Why a fresh host drops a UDP datagram, and how many frames it sends.
fn refusal(rig: &mut Rig, udp: &[u8]) -> (Option<DropReason>, usize) {
    *rig = Rig::acquainted();
    let (verdict, sent) = rig.judge(&frame(&carrying(udp)));
    (verdict.dropped(), sent.len())
}

// proves: rfc1122-udp-checksum, rfc768-no-checksum, drops-counted
#[test]
fn udp_datagram_gets_port_unreachable_only_when_its_checksum_is_right_or_absent() {
    let mut rig = Rig::acquainted();
    for length in [0, 1, 7, 512, 1_472] {
        let good = udp(&vec![0x5a; length]);
        assert_eq!(refusal(&mut rig, &good), (None, 1), "{length}");
        for bit in (0..8 * good.len()).step_by(if length > 7 { 97 } else { 1 }) {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            let claimed = usize::from(u16::from_be_bytes([bad[4], bad[5]]));
            let can_be = (8..=bad.len()).contains(&claimed);
            let reason = if can_be { UdpDropReason::Checksum } else { UdpDropReason::Length };
            assert_eq!(refusal(&mut rig, &bad), (Some(reason.into()), 0), "{length}, bit {bit}");
            assert_eq!(rig.count("udp", &reason.to_string()), 1);
        }
        let mut without = good;
        without[6..8].fill(0);
        assert_eq!(refusal(&mut rig, &without), (None, 1), "{length}");
    }
    // The pseudo header is checked too: another host's datagram.
    let astray = datagram(Ipv4Fields::new(IpProtocol::UDP, [10, 0, 0, 7].into(), OURS), &udp(b"data"));
    assert_eq!(rig.judge(&frame(&astray)).0.dropped(), Some(UdpDropReason::Checksum.into()));
}

// proves: rfc768-length
#[test]
fn udp_datagram_is_dropped_when_its_length_cannot_be() {
    let mut rig = Rig::acquainted();
    for length in (0..8_u16).chain([13, 100, u16::MAX]) {
        let mut lie = UDP;
        lie[4..6].copy_from_slice(&length.to_be_bytes());
        assert_eq!(refusal(&mut rig, &lie), (Some(UdpDropReason::Length.into()), 0), "{length}");
    }
    for length in 0..8 {
        assert_eq!(refusal(&mut rig, &UDP[..length]), (Some(UdpDropReason::Truncated.into()), 0), "{length}");
    }
    // What follows its end within the IP datagram is none of it.
    let mut longer = udp(b"data");
    longer.extend([0xee; 9]);
    assert_eq!(refusal(&mut rig, &longer), (None, 1));
    assert_eq!(losses(&rig.host), 0);
}

// proves: partial-checksum
#[test]
fn udp_datagram_is_refused_whatever_its_partial_checksum() {
    let mut rig = Rig::acquainted();
    let mut partial = udp(b"data");
    partial[6] ^= 0x55;
    let octets = frame(&carrying(&partial));
    assert_eq!(rig.receive_with(std::slice::from_ref(&octets), Checksum::Partial).len(), 1);
    assert_eq!(rig.hear(&[octets]).len(), 0);
    // The answer written over a frame does not inherit what was known of the question.
    let ask = [frame(&datagram(to_us(), &echo(b"data"))), broadcast(&[&[8, 6], &request()])];
    assert_eq!(rig.receive_with(&ask, Checksum::Partial).len(), 2);
}

// proves: rfc1122-udp-checksum
#[test]
fn udp_datagram_in_fragments_is_checked_when_it_is_whole() {
    for (wrong, errors) in [(0, 1), (1, 0)] {
        let mut rig = Rig::acquainted();
        let mut whole = udp(&[7; 1_600]);
        whole[1_000] ^= wrong;
        let part = Ipv4Fields { protocol: IpProtocol::UDP, ..to_us() };
        let first = datagram(Ipv4Fields { more_fragments: true, ..part }, &whole[..800]);
        let last = datagram(Ipv4Fields { fragment_offset: 800, ..part }, &whole[800..]);
        assert_eq!(rig.receive_with(&[frame(&first), frame(&last)], Checksum::Partial).len(), errors);
    }
}

// proves: rfc1122-refused-many, rfc1122-error-to-many
#[test]
fn a_datagram_to_many_is_dropped_and_counted_and_nobody_is_told() {
    let mut rig = Rig::acquainted();
    for destination in [[255; 4], [10, 0, 0, 255]] {
        let about = datagram(Ipv4Fields::new(IpProtocol::UDP, PEER, destination.into()), &UDP);
        let (verdict, sent) = rig.judge(&framed(MacAddr::BROADCAST, PEER_MAC, &about));
        assert_eq!((verdict.dropped(), sent.len()), (Some(DropReason::NoListener), 0));
    }
    assert_eq!(rig.count("host", "to many, and nobody wants it"), 2);
}

// proves: rfc1122-error-about-error, rfc1122-error-fragment, rfc1122-error-source
#[test]
fn errors_later_fragments_and_doubtful_sources_are_told_nothing() {
    let mut rig = Rig::acquainted();
    let inner = datagram(Ipv4Fields::new(IpProtocol::UDP, OURS, PEER), &UDP);
    let mut error = vec![0; 8 + inner.len()];
    IcmpError::PORT_UNREACHABLE.write_to(&inner, &mut error).unwrap();
    let error = frame(&datagram(to_us(), &error));
    let nobody = frame(&datagram(Ipv4Fields::new(IpProtocol::UDP, Ipv4Addr::UNSPECIFIED, OURS), &UDP));
    let class_e = frame(&datagram(Ipv4Fields::new(IpProtocol::UDP, [240, 0, 0, 1].into(), OURS), &UDP));
    let part = Ipv4Fields { protocol: IpProtocol::UDP, fragment_offset: 8, ..to_us() };
    for frame in [error, nobody, class_e, frame(&datagram(part, &UDP))] {
        assert_eq!(rig.judge(&frame).1.len(), 0);
    }
    assert_eq!((rig.pass(Duration::from_secs(31)).len(), rig.count("icmp", "errors sent")), (0, 0));
    assert_eq!(rig.count("ipv4", "source is in 0.0.0.0/8 or class E"), 2);
    // An error is an event for whoever sent the datagram.
    let told = rig.events();
    assert!(
        matches!(told[..], [HostEvent::DeliveryFailed(told)] if told.protocol == IpProtocol::UDP),
        "{told:?}"
    );
}

// proves: icmp-rate-each
#[test]
fn one_who_was_told_enough_does_not_silence_the_host_for_others() {
    let mut rig = Rig::acquainted();
    let other = Ipv4Addr::new(10, 0, 0, 9);
    rig.host.arp_mut().add_static(NOW, other, MacAddr::new([2, 0, 0, 0, 0, 9])).unwrap();
    let about = |source| frame(&datagram(Ipv4Fields::new(IpProtocol::UDP, source, OURS), &UDP));
    let floods = rig.hear(&vec![about(PEER); 40]);
    assert_eq!(floods.len(), 6);
    assert_eq!(rig.hear(&[about(other)]).len(), 1);
    assert_eq!(rig.count("icmp", "error withheld: too many to one destination"), 34);
    assert_eq!((rig.pass(Duration::from_secs(1)).len(), rig.hear(&[about(PEER)]).len()), (0, 1));
}

/// What the host asks for by ARP.
fn asks_for(frame: &[u8]) -> Option<Ipv4Addr> {
    let frame = link::EthernetFrame::parse(frame).unwrap();
    (frame.ether_type() == EtherType::ARP)
        .then(|| arp::Packet::parse(frame.payload()).unwrap().target_protocol())
}

/// The reply of the peer's station for an address.
fn it_is_at_the_peers(address: Ipv4Addr) -> Vec<u8> {
    let mut packet = request();
    packet[7] = 2;
    packet[14..18].copy_from_slice(&address.octets());
    broadcast(&[&[8, 6], &packet])
}

// proves: reply-resolved, rfc1122-queue
#[test]
fn a_reply_to_a_stranger_waits_for_his_hardware_address() {
    let mut rig = Rig::new(&config());
    let (verdict, sent) = rig.judge(&frame(&datagram(to_us(), &echo(b"data"))));
    assert_eq!((verdict, sent.len(), asks_for(&sent[0])), (ANSWERED, 1, Some(PEER)));
    assert_eq!(rig.pool.held(), 1, "the reply itself waits");
    let sent = rig.hear(&[it_is_at_the_peers(PEER)]);
    assert_eq!(payload_of(&sent, PEER_MAC).len(), 12);
    assert_eq!(rig.host.echo_replies(), 1);
}

// proves: rfc1122-host-unreachable
#[test]
fn a_datagram_to_nobody_is_told_of_and_given_back() {
    let mut rig = Rig::new(&config());
    rig.hear(&[frame(&datagram(to_us(), &echo(b"data")))]);
    let ping =
        EchoRequest { destination: [10, 0, 0, 99].into(), identifier: 5, sequence: 6, time_to_live: 64 };
    assert_eq!(rig.host.ping(NOW, ping, b"hello", &mut rig.pool), SendOutcome::Pending);
    rig.pass(Duration::from_secs(10));
    let told: Vec<_> = rig.events();
    let [HostEvent::DeliveryFailed(reply), HostEvent::DeliveryFailed(request)] = told[..] else {
        panic!("{told:?}")
    };
    assert_eq!((reply.problem, reply.destination, reply.echo), (IcmpError::HOST_UNREACHABLE, PEER, None));
    assert_eq!((request.from, request.source, request.problem), (OURS, OURS, IcmpError::HOST_UNREACHABLE));
    assert_eq!((request.destination, request.echo), (ping.destination, Some((5, 6))));
    assert_eq!(rig.pool.held(), 0);
}

// proves: rfc1122-local-remote, rfc1122-gateway
#[test]
fn what_is_off_the_link_goes_to_the_gateway_of_its_route() {
    let mut rig = Rig::new(&HostConfig { gateway: Some(PEER), ..config() });
    let (near, far) = (Ipv4Addr::new(10, 0, 0, 9), Ipv4Addr::new(10, 0, 0, 8));
    rig.host.add_route("198.51.100.0/24".parse().unwrap(), far).unwrap();
    let ping = |destination: [u8; 4]| EchoRequest {
        destination: destination.into(),
        identifier: 1,
        sequence: 1,
        time_to_live: 64,
    };
    for (destination, hop) in [([192, 0, 2, 1], PEER), ([198, 51, 100, 7], far), ([10, 0, 0, 9], near)] {
        assert_eq!(rig.host.ping(NOW, ping(destination), b"", &mut rig.pool), SendOutcome::Pending);
        let asked = rig.hear(&[]);
        assert_eq!((asked.len(), asks_for(&asked[0])), (1, Some(hop)));
        let sent = rig.hear(&[it_is_at_the_peers(hop)]);
        let datagram = Datagram::parse(&sent[0][14..]).unwrap();
        assert_eq!((&sent[0][..6], datagram.destination().octets()), (&PEER_MAC.octets()[..], destination));
    }
    let stranded = rig.host.add_route("203.0.113.0/24".parse().unwrap(), [192, 0, 2, 1].into());
    assert_eq!(stranded, Err(HostConfigError::Route(ipv4::RouteError::NotOnLink([192, 0, 2, 1].into()))));
}

// proves: rfc3927-on-link
#[test]
fn link_local_neighbor_is_answered_directly_when_there_is_a_gateway_or_none() {
    let neighbor = Ipv4Addr::new(169, 254, 7, 7);
    for gateway in [Some(Ipv4Addr::new(10, 0, 0, 9)), None] {
        let mut rig = Rig::new(&HostConfig { gateway, ..config() });
        let (verdict, sent) =
            rig.judge(&frame(&datagram(Ipv4Fields::new(IpProtocol::ICMP, neighbor, OURS), &echo(b""))));
        assert_eq!((verdict, sent.len(), asks_for(&sent[0])), (ANSWERED, 1, Some(neighbor)));
        assert_eq!(rig.hear(&[it_is_at_the_peers(neighbor)]).len(), 1);
    }
}

// proves: rfc3927-on-link
#[test]
fn host_with_a_link_local_address_asks_for_every_destination_itself() {
    let ours = "169.254.3.4/16".parse().unwrap();
    let mut rig = Rig::new(&HostConfig {
        addresses: HostSet::One(ours),
        gateway: Some([169, 254, 0, 1].into()),
        ..config()
    });
    for destination in [[192, 0, 2, 1], [169, 254, 7, 7]].map(Ipv4Addr::from) {
        let ping = EchoRequest { destination, identifier: 1, sequence: 1, time_to_live: 64 };
        assert_eq!(rig.host.ping(NOW, ping, b"", &mut rig.pool), SendOutcome::Pending);
        let asked = rig.hear(&[]);
        assert_eq!((asked.len(), asks_for(&asked[0])), (1, Some(destination)));
    }
}

#[test]
fn no_gateway_of_ours_is_we_ourselves() {
    let ours = Some(HostConfigError::Gateway(OURS));
    assert_eq!(Host::new(NOW, &HostConfig { gateway: Some(OURS), ..config() }).err(), ours);
    let range = HostConfig::range("10.0.0.0/30".parse().unwrap(), OUR_MAC);
    assert_eq!(Host::new(NOW, &HostConfig { gateway: Some(OURS), ..range }).err(), ours);
    let mut host = Host::new(NOW, &config()).unwrap();
    assert_eq!(host.add_route("192.0.2.0/24".parse().unwrap(), OURS).err(), ours);
    assert_eq!(host.routes().iter().count(), 1);
}

// proves: drops-counted
#[test]
fn reply_is_dropped_and_counted_when_the_cache_cannot_take_its_next_hop() {
    let table = NeighborSettings { entries: 1, ..config().table };
    let mut rig = Rig::new(&HostConfig { table, ..config() });
    rig.host.arp_mut().add_static(NOW, [10, 0, 0, 9].into(), MacAddr::new([2, 0, 0, 0, 0, 9])).unwrap();
    let before = losses(&rig.host);
    for (protocol, message) in [(IpProtocol::ICMP, echo(b"data")), (IpProtocol::UDP, udp(b"data"))] {
        let (verdict, sent) = rig.judge(&frame(&datagram(Ipv4Fields { protocol, ..to_us() }, &message)));
        if protocol == IpProtocol::ICMP {
            assert_eq!(verdict.dropped(), Some(TxDropReason::NextHopUnresolved.into()));
        }
        assert_eq!(sent.len(), 0);
    }
    assert_eq!((losses(&rig.host), rig.host.tx_dropped(TxDropReason::NextHopUnresolved)), (before + 2, 2));
    assert_eq!((rig.count("icmp", "errors sent"), rig.host.tx_dropped(TxDropReason::TxQueueFull)), (0, 0));
}

#[test]
fn without_a_way_nothing_is_sent_and_it_is_counted() {
    let mut rig = Rig::new(&config());
    let ping =
        EchoRequest { destination: [192, 0, 2, 1].into(), identifier: 1, sequence: 1, time_to_live: 64 };
    assert_eq!(rig.host.ping(NOW, ping, b"", &mut rig.pool), SendOutcome::NoRoute);
    let stranger = Ipv4Fields::new(IpProtocol::ICMP, ping.destination, OURS);
    let (verdict, sent) = rig.judge(&frame(&datagram(stranger, &echo(b""))));
    assert_eq!((verdict.dropped(), sent.len()), (Some(DropReason::NoRoute), 0));
    assert_eq!((rig.count("ipv4", "no route"), rig.pool.held()), (2, 0));
}

// proves: rfc1122-limited-broadcast, rfc1122-broadcast-sent
#[test]
fn a_broadcast_of_ours_goes_to_all_without_a_question() {
    let mut rig = Rig::new(&config());
    for destination in [[255; 4], [10, 0, 0, 255], [224, 0, 0, 1]] {
        let ping =
            EchoRequest { destination: destination.into(), identifier: 1, sequence: 1, time_to_live: 1 };
        assert_eq!(rig.host.ping(NOW, ping, b"", &mut rig.pool), SendOutcome::Queued);
        let group = [1, 0, 0x5e, 0, 0, 1];
        let to = if destination[0] == 224 { group } else { [0xff; 6] };
        assert!(rig.hear(&[])[0].starts_with(&to));
    }
}

#[test]
fn an_answer_to_a_ping_is_told_with_all_that_its_sender_needs() {
    let mut rig = Rig::acquainted();
    let ping = EchoRequest { destination: PEER, identifier: 0x1234, sequence: 7, time_to_live: 3 };
    assert_eq!(rig.host.ping(NOW, ping, b"data", &mut rig.pool), SendOutcome::Queued);
    let asked = only(&rig.hear(&[]));
    let asked = Datagram::parse(&asked).unwrap();
    assert_eq!((asked.time_to_live(), asked.payload()), (3, &echo(b"data")[..]));
    let mut reply = echo(b"data");
    icmp::reply_in_place(&mut reply).unwrap();
    let fields = Ipv4Fields { time_to_live: 62, ..to_us() };
    assert_eq!(rig.judge(&frame(&datagram(fields, &reply))).0, FrameOutcome::Ipv4(DatagramOutcome::Reported));
    let told = rig.events();
    let [HostEvent::EchoReply(reply)] = told[..] else { panic!("{told:?}") };
    assert_eq!((reply.from, reply.to, reply.identifier, reply.sequence), (PEER, OURS, 0x1234, 7));
    assert_eq!((reply.length, reply.time_to_live), (12, 62));
}

#[test]
fn echo_reply_names_first_changed_byte_when_data_is_expected() {
    let sent = b"data that is long enough".as_slice();
    let changed = Some(crate::DataMismatch { offset: 5, expected: b't', received: b'T' });
    for (received, expected, mismatch) in [
        (sent, sent, None),
        (b"data That is lonG enough".as_slice(), sent, changed),
        (b"data That is lonG enough".as_slice(), b"".as_slice(), None),
        (b"data".as_slice(), sent, None),
    ] {
        let mut rig = Rig::acquainted();
        rig.host.expect_echo_data(expected);
        let mut reply = echo(received);
        icmp::reply_in_place(&mut reply).unwrap();
        rig.judge(&frame(&datagram(to_us(), &reply)));
        let told = rig.events();
        let [HostEvent::EchoReply(reply)] = told[..] else { panic!("{told:?}") };
        assert_eq!(reply.mismatch, mismatch, "{received:?}");
    }
}

// proves: rfc1122-error-reported
#[test]
fn an_error_about_a_ping_names_the_ping() {
    let mut rig = Rig::acquainted();
    let asked = datagram(Ipv4Fields::new(IpProtocol::ICMP, OURS, [10, 0, 0, 9].into()), &echo(b"data"));
    let mut error = vec![0; 8 + 28];
    IcmpError::HOPS_EXCEEDED.write_to(&asked[..28], &mut error).unwrap();
    assert_eq!(
        rig.judge(&frame(&datagram(to_us(), &error))).0,
        FrameOutcome::Ipv4(DatagramOutcome::Reported)
    );
    let told = rig.events();
    let [HostEvent::DeliveryFailed(told)] = told[..] else { panic!("{told:?}") };
    assert_eq!((told.from, told.problem, told.echo), (PEER, IcmpError::HOPS_EXCEEDED, Some((0x1234, 7))));
    assert!(QuotedDatagram::parse(&asked).is_some_and(|quoted| quoted.destination() == told.destination));
}
