//! Fragmentation and reassembly.

use super::test_host::*;
use super::*;
use crate::DatagramOutcome;
use icmp::{IcmpError, IcmpMessage, IcmpType};
use inet::IpProtocol;
use ipv4::{Datagram, Ipv4Fields};
use tap::LinkState;

const REPEATED: Option<DropReason> = Some(DropReason::Ipv4(ipv4::Ipv4DropReason::FragmentRepeated));
const OVERLAP: Option<DropReason> = Some(DropReason::Ipv4(ipv4::Ipv4DropReason::FragmentOverlap));
const BEYOND: Option<DropReason> = Some(DropReason::Ipv4(ipv4::Ipv4DropReason::FragmentBeyond));

fn dropped(test_host: &TestHost) -> Vec<Option<DropReason>> {
    test_host.outcomes.iter().map(|outcome| outcome.dropped()).collect()
}

// proves: rfc1122-reassembly, rfc791-reassembly, rfc791-fragmentation, rfc1122-echo-mirrored
#[test]
fn fragmented_echo_request_of_any_length_and_order_gets_reply() {
    for bytes in [1_473, 2_000, 8_000, 65_507] {
        let mut test_host = TestHost::with_known_peer();
        let in_order = fragments(icmp_fields(), bytes, 1_480);
        let mut reversed = in_order.clone();
        reversed.reverse();
        let mut odd_first = in_order.clone();
        odd_first.sort_by_key(|frame| frame[21] / 185 % 2);
        for order in [in_order, reversed, odd_first] {
            let sent = test_host.exchange(&order);
            assert_eq!(sent.len(), order.len());
            assert_reply(&joined_payload(&sent, PEER_MAC), bytes);
        }
        assert_eq!((test_host.host.echo_replies(), losses(&test_host.host)), (3, 0));
        assert!(test_host.host.ipv4().reassembly().is_empty());
    }
}

// proves: rfc791-reassembly
#[test]
fn interleaved_fragments_are_reassembled_separately() {
    let mut test_host = TestHost::with_known_peer();
    let one = fragments(icmp_fields(), 4_000, 1_000);
    let two = fragments(Ipv4Fields { identification: 78, ..icmp_fields() }, 4_001, 1_000);
    let interleaved: Vec<_> = one.into_iter().zip(two).flat_map(|(one, two)| [two, one]).collect();
    let sent = test_host.exchange(&interleaved);
    // All fragments of a reply depart before the next reply.
    let (first, second) = sent.split_at(3);
    assert_reply(&joined_payload(first, PEER_MAC), 4_001);
    assert_reply(&joined_payload(second, PEER_MAC), 4_000);
}

// proves: fragments-repeated
#[test]
fn duplicate_fragment_is_dropped_without_effect() {
    let mut test_host = TestHost::with_known_peer();
    let mut frames = fragments(icmp_fields(), 4_000, 1_480);
    frames.insert(1, frames[0].clone());
    test_host.outcomes.clear();
    let sent = test_host.exchange(&frames);
    assert_eq!(dropped(&test_host), [None, REPEATED, None, None]);
    assert_reply(&joined_payload(&sent, PEER_MAC), 4_000);
}

// proves: fragments-overlap
#[test]
fn overlapping_fragments_drop_datagram_without_reply() {
    let mut test_host = TestHost::with_known_peer();
    let frames = fragments(icmp_fields(), 4_000, 1_480);
    // Teardrop: the second fragment starts and ends within the first fragment.
    let inside = Ipv4Fields { fragment_offset: 24, more_fragments: false, ..icmp_fields() };
    let overlapping = frame(&datagram(inside, &[0x5a; 4]));
    test_host.outcomes.clear();
    let order = [&frames[..1], &[overlapping], &frames[1..]].concat();
    assert_eq!(test_host.exchange(&order).len(), 0);
    assert_eq!(dropped(&test_host), [None, OVERLAP, None, None]);
    // If the first fragment is sent again, the datagram is complete.
    assert_eq!(test_host.exchange(&frames[..1]).len(), 3);
    assert_eq!(test_host.count("ipv4", "reassembly_overlap"), 1);
    let other = fragments(Ipv4Fields { identification: 78, ..icmp_fields() }, 4_000, 1_480);
    assert_eq!(test_host.exchange(&other).len(), 3);
}

// proves: fragments-too-long
#[test]
fn fragment_beyond_longest_datagram_is_dropped() {
    let mut test_host = TestHost::with_known_peer();
    let mut frames = fragments(icmp_fields(), 65_507, 1_480);
    let last = Ipv4Fields { fragment_offset: 65_528, ..icmp_fields() };
    for length in [1, 8, 1_480] {
        let beyond_longest = frame(&datagram(last, &vec![0x5a; length]));
        assert_eq!((test_host.exchange_one(&beyond_longest).0.dropped(), test_host.pool.held()), (BEYOND, 0));
    }
    let end = Ipv4Fields { fragment_offset: 65_512, ..icmp_fields() };
    *frames.last_mut().unwrap() = frame(&datagram(end, &[0x5a; 8]));
    assert_eq!((test_host.exchange(&frames).len(), test_host.host.echo_replies()), (0, 0));
}

// proves: rfc792-reassembly-time, reassembly-timeout
#[test]
fn reassembly_timeout_is_reported_once_to_sender_of_first_fragment() {
    let mut test_host = TestHost::with_known_peer();
    let frames = fragments(icmp_fields(), 4_000, 1_480);
    assert_eq!(test_host.exchange(&frames[..2]).len(), 0);
    // The first fragment of this datagram is missing, so no ICMP error is sent.
    let other = fragments(Ipv4Fields { identification: 78, ..icmp_fields() }, 4_000, 1_480);
    assert_eq!(test_host.exchange(&other[1..]).len(), 0);
    assert_eq!(test_host.advance(Duration::from_millis(29_999)).len(), 0);
    let sent = test_host.advance(Duration::from_millis(1));
    let requests = sent.iter().filter(|frame| frame[12..14] == [8, 6]).count();
    let errors: Vec<_> = sent.into_iter().filter(|frame| frame[12..14] == [8, 0]).collect();
    let (message, start) = (joined_payload(&errors, PEER_MAC), &frames[0][14..42]);
    let error = IcmpMessage::parse(&message).unwrap();
    assert_eq!((error.icmp_type(), error.code(), &message[8..]), (IcmpType::TIME_EXCEEDED, 1, start));
    assert_eq!((errors.len(), requests), (1, 0));
    assert_eq!(test_host.exchange(&frames[2..]).len(), 0, "a datagram that had timed out was answered");
    assert_eq!(test_host.count("ipv4", "reassembly_timeout"), 2);
}

// proves: rfc792-reassembly-time
#[test]
fn reassembly_timeout_is_reported_when_control_queue_has_capacity_again() {
    let mut test_host = TestHost::with_known_peer();
    assert_eq!(test_host.exchange(&fragments(icmp_fields(), 4_000, 1_480)[..2]).len(), 0);
    test_host.advance(Duration::from_secs(29));
    fill_control_queue(&mut test_host.host, &mut test_host.pool);
    // The queue is full at the timeout. A later iteration reports the timeout.
    test_host.now = test_host.now + Duration::from_secs(1);
    let queued = test_host.pool.held();
    let sent = test_host.exchange(&[]);
    let is_error = |frame: &&Vec<u8>| frame[23] == 1 && frame[34..36] == [11, 1];
    assert_eq!((sent.len(), sent.iter().position(|frame| is_error(&frame))), (queued + 1, Some(queued)));
    assert_eq!(test_host.count("ipv4", "reassembly_timeout"), 1);
}

// proves: rfc1122-port-unreachable
#[test]
fn reassembled_datagram_is_rejected_without_large_frame() {
    let mut test_host = TestHost::with_known_peer();
    let udp = Ipv4Fields { protocol: IpProtocol::UDP, more_fragments: true, ..icmp_fields() };
    let whole = super::test_host::udp(&[7; 1_572]);
    let first = frame(&datagram(udp, &whole[..1_480]));
    let rest = Ipv4Fields { fragment_offset: 1_480, more_fragments: false, ..udp };
    let last = frame(&datagram(rest, &whole[1_480..]));
    let mut large: Vec<_> = std::iter::from_fn(|| test_host.pool.take_large()).collect();
    for bytes in [first, last] {
        let outcome = test_host.receive(&bytes);
        test_host.outcomes.push(outcome);
    }
    large.drain(..).for_each(|frame| test_host.pool.give(frame));
    let refused = FrameOutcome::Ipv4(DatagramOutcome::Rejected(IcmpError::PORT_UNREACHABLE));
    assert_eq!(test_host.outcomes[1..], [FRAGMENT_STORED, refused]);
    assert_eq!((test_host.exchange(&[]).len(), losses(&test_host.host)), (1, 0));
}

// proves: rfc791-fragmentation, rfc6864-unique
#[test]
fn long_ping_is_sent_in_fragments_that_fit_mtu() {
    for mtu in [576, 1_500] {
        let config = HostConfig { mtu, ..config() };
        let mut test_host = TestHost::new(&config);
        test_host.host.add_static(NOW, PEER, PEER_MAC).unwrap();
        let data: Vec<u8> = (0..=255).cycle().take(65_507).collect();
        let ping = Ping {
            source: None,
            destination: PEER.into(),
            identifier: 0x1234,
            sequence: 7,
            time_to_live: 64,
        };
        for bytes in [0, mtu - 28, mtu - 27, 8_000, 65_507] {
            assert_eq!(test_host.host.ping(NOW, ping, &data[..bytes], &mut test_host.pool), Ok(()));
            let sent = test_host.exchange(&[]);
            let whole = bytes + 28 <= mtu;
            assert_eq!(sent.len(), if whole { 1 } else { (bytes + 8).div_ceil((mtu - 20) / 8 * 8) });
            assert!(sent.iter().all(|frame| frame.len() <= 14 + mtu));
            let numbers = sent.iter().map(|frame| Datagram::parse(&frame[14..]).unwrap().identification());
            assert_eq!(numbers.collect::<std::collections::BTreeSet<_>>().len(), 1);
            assert_eq!(joined_payload(&sent, PEER_MAC), echo(&data[..bytes]));
        }
        let beyond = vec![0; 65_508];
        assert_eq!(
            test_host.host.ping(NOW, ping, &beyond, &mut test_host.pool),
            Err(SocketError::TooLong { limit: 65_507 })
        );
        assert_eq!((test_host.pool.held(), test_host.exchange(&[]).len()), (0, 0));
    }
}

// proves: reply-resolved, rfc791-fragmentation
#[test]
fn long_reply_is_fragmented_when_next_hop_is_resolved() {
    let mut test_host = TestHost::new(&config());
    let requests = test_host.exchange(&fragments(icmp_fields(), 65_507, 1_480));
    assert_eq!((requests.len(), test_host.pool.held()), (1, 1));
    let mut packet = request();
    packet[7] = 2;
    let sent = test_host.exchange(&[broadcast(&[&[8, 6], &packet])]);
    assert_reply(&joined_payload(&sent, PEER_MAC), 65_507);
}

#[test]
fn frames_return_to_pool_when_it_runs_out_between_fragments() {
    let mut test_host = TestHost::with_known_peer();
    let data = vec![0; 8_000];
    let ping = Ping { source: None, destination: PEER.into(), identifier: 1, sequence: 1, time_to_live: 64 };
    let (mut pool, mut departing) = (Pool::new(1_500, 2), Batch::new(64));
    assert_eq!(test_host.host.ping(NOW, ping, &data, &mut pool), Ok(()));
    test_host.host.transmit(NOW, PORT, &mut departing, &mut pool);
    assert_eq!((departing.len(), test_host.host.tx_dropped(TxDropReason::NoFrame)), (2, 1));
    assert_eq!(pool.held(), 2, "expected two fragments");
}

/// Returns the length of the longest datagram in these frames, and the number of frames.
fn longest(sent: &[Vec<u8>]) -> (usize, usize) {
    (sent.iter().map(|frame| frame.len() - 14).max().unwrap_or(0), sent.len())
}

// proves: link-mtu
#[test]
fn reply_and_error_fit_mtu_when_link_changes() {
    const LINK: LinkState = LinkState { is_up: true, has_carrier: true, mtu: 1_500 };
    let mut test_host = TestHost::with_known_peer();
    test_host.link_changed(LINK);
    let all =
        [(1_500, (1_500, 3)), (576, (572, 8)), (1_280, (1_276, 4)), (9_000, (4_028, 1)), (68, (68, 84))];
    for (mtu, expected) in all {
        test_host.link_changed(LinkState { mtu, ..LINK });
        let sent = test_host.exchange(&fragments(icmp_fields(), 4_000, 40));
        assert_eq!(longest(&sent), expected, "{mtu}");
        assert_reply(&joined_payload(&sent, PEER_MAC), 4_000);
        let udp = datagram(
            Ipv4Fields { protocol: IpProtocol::UDP, ..icmp_fields() },
            &super::test_host::udp(&[7; 40]),
        );
        assert_eq!(longest(&test_host.exchange(&[frame(&udp)])), (mtu.min(96), 1), "{mtu}");
    }
    // A frame longer than the MTU is dropped.
    let long = frame(&datagram(icmp_fields(), &echo(&[0; 41])));
    assert_eq!(
        test_host.exchange_one(&long).0.dropped(),
        Some(DropReason::Link(link::LinkDropReason::TooLong))
    );
}

// proves: link-mtu
#[test]
fn long_frame_gets_long_reply_when_mtu_grows() {
    let mut test_host = TestHost::with_known_peer();
    test_host.link_changed(LinkState { is_up: true, has_carrier: true, mtu: 1_500 });
    test_host.link_changed(LinkState { is_up: true, has_carrier: true, mtu: 9_000 });
    for length in [8_972, 8_973] {
        let ping =
            Ping { source: None, destination: PEER.into(), identifier: 1, sequence: 1, time_to_live: 64 };
        assert_eq!(test_host.host.ping(test_host.now, ping, &vec![0; length], &mut test_host.pool), Ok(()));
        assert_eq!(test_host.exchange(&[]).len(), 1 + usize::from(length > 8_972), "{length}");
    }
    let sent = test_host.exchange(&[frame(&datagram(icmp_fields(), &echo(&vec![0; 8_972])))]);
    assert_eq!(longest(&sent), (9_000, 1));
    assert_eq!((test_host.pool.mtu(), losses(&test_host.host)), (9_000, 0));
}

// proves: link-mtu
#[test]
fn configured_mtu_is_limit_when_link_mtu_is_larger() {
    let mut test_host = TestHost::new(&HostConfig { mtu: 900, ..config() });
    test_host.exchange(&[broadcast(&[&[8, 6], &request()])]);
    for (mtu, most) in [(1_500, 900), (9_000, 900), (576, 572), (usize::MAX, 900)] {
        test_host.link_changed(LinkState { is_up: true, has_carrier: true, mtu });
        assert_eq!(longest(&test_host.exchange(&fragments(icmp_fields(), 4_000, 400))).0, most, "{mtu}");
    }
    let mut test_host = TestHost::with_known_peer();
    test_host.link_changed(LinkState { is_up: true, has_carrier: true, mtu: 1_500 });
    test_host.link_changed(LinkState { is_up: true, has_carrier: true, mtu: usize::MAX });
    assert_eq!(
        test_host.exchange(&fragments(icmp_fields(), 65_507, 400)).len(),
        2,
        "the MTU exceeds the capacity of a frame"
    );
}

// proves: rfc791-fragmentation, fragments-departure
#[test]
fn reply_of_any_number_of_fragments_departs() {
    for (mtu, bytes) in [(68, 65_507), (260, 65_507), (1_500, 65_507), (68, 49)] {
        let mut test_host = TestHost::new(&HostConfig { mtu, ..config() });
        test_host.host.add_static(NOW, PEER, PEER_MAC).unwrap();
        let step = (mtu - 20) / 8 * 8;
        let sent = test_host.exchange(&fragments(icmp_fields(), bytes, step));
        assert_eq!(sent.len(), (bytes + 8).div_ceil(step), "MTU {mtu}");
        assert_reply(&joined_payload(&sent, PEER_MAC), bytes);
        assert_eq!((test_host.host.echo_replies(), losses(&test_host.host)), (1, 0));
    }
}

// proves: fragments-departure
#[test]
fn control_packet_departs_between_two_fragments_of_data() {
    let mut test_host = TestHost::with_known_peer();
    let ping = Ping { source: None, destination: PEER.into(), identifier: 1, sequence: 1, time_to_live: 64 };
    assert_eq!(test_host.host.ping(NOW, ping, &vec![7; 20_000], &mut test_host.pool), Ok(()));
    let mut departing = Batch::new(4);
    let mut sent = Vec::new();
    for _ in 0..4 {
        test_host.receive(&broadcast(&[&[8, 6], &request()]));
        let mut batch = test_host.transmit(&mut departing);
        let is_arp: Vec<_> = batch.iter().map(|frame| frame[12..14] == [8, 6]).collect();
        assert_eq!(is_arp, [true, false, false, false]);
        sent.extend(batch.drain(1..));
    }
    sent.extend(test_host.exchange(&[]));
    assert_eq!(joined_payload(&sent, PEER_MAC).len(), 20_008);
}

#[test]
fn rest_of_datagram_is_fragmented_for_new_mtu() {
    let mut test_host = TestHost::with_known_peer();
    let ping = Ping { source: None, destination: PEER.into(), identifier: 1, sequence: 1, time_to_live: 64 };
    let data = vec![7; 20_000];
    assert_eq!(test_host.host.ping(NOW, ping, &data, &mut test_host.pool), Ok(()));
    let mut sent = test_host.transmit(&mut Batch::new(2));
    test_host.link_changed(LinkState { is_up: true, has_carrier: true, mtu: 600 });
    let rest = test_host.exchange(&[]);
    assert!(rest.iter().all(|frame| frame.len() <= 614) && rest.len() > 25);
    sent.extend(rest);
    assert_eq!(joined_payload(&sent, PEER_MAC).len(), 20_008);
}

// proves: drops-counted
#[test]
fn long_reply_is_dropped_and_counted_when_control_queue_is_full() {
    let mut test_host = TestHost::with_known_peer();
    fill_control_queue(&mut test_host.host, &mut test_host.pool);
    let mut last = None;
    for bytes in fragments(icmp_fields(), 40_000, 1_480) {
        last = test_host.receive(&bytes).dropped();
    }
    assert_eq!(last, Some(TxDropReason::TxQueueFull.into()));
    assert_eq!(test_host.count("icmp", "echo_replies_sent"), 0);
    assert_eq!(test_host.count("host", "transmit_queue_full"), 1);
}

// proves: reassembly-flood, reassembly-bounds
#[test]
fn fragment_flood_from_million_sources_leaves_capacity_for_valid_datagram() {
    let mut test_host =
        TestHost::new(&HostConfig { addresses: HostSet::One("10.0.0.2/8".parse().unwrap()), ..config() });
    test_host.host.add_static(NOW, PEER, PEER_MAC).unwrap();
    let valid = fragments(icmp_fields(), 4_000, 1_480);
    let template = Ipv4Fields { more_fragments: true, ..icmp_fields() };
    let mut most = (0, 0);
    for number in 0_u32..1_000_000 {
        let source = Ipv4Addr::from(u32::from(Ipv4Addr::new(10, 1, 0, 0)) + number);
        let other = frame(&datagram(Ipv4Fields { source, ..template }, &[0x5a; 8]));
        let (outcome, sent) = if number % 100_000 == 99_999 {
            let mut interleaved: Vec<_> =
                valid.iter().flat_map(|part| [other.clone(), part.clone()]).collect();
            interleaved.push(other);
            let sent = test_host.exchange(&interleaved);
            assert_reply(&joined_payload(&sent, PEER_MAC), 4_000);
            (FRAGMENT_STORED, Vec::new())
        } else {
            (test_host.receive(&other), Vec::<Vec<u8>>::new())
        };
        assert_eq!((outcome, sent.len()), (FRAGMENT_STORED, 0));
        let reassembly = test_host.host.ipv4().reassembly();
        most = (most.0.max(reassembly.bytes()), most.1.max(reassembly.len()));
    }
    assert!(most.0 <= 4 << 20 && most.1 <= 4_096, "{most:?}");
    assert_eq!((test_host.host.echo_replies(), test_host.pool.held()), (10, 0));
}

#[test]
fn pending_packets_are_sent_in_several_polls() {
    // 128 datagrams of three fragments each are more packets than the queue of resolved packets can hold. The capacity
    // of a batch is not a multiple of three.
    let (mtu, each) = (576, 16);
    let mut test_host = TestHost::new(&HostConfig { mtu, ..config() });
    let peers: Vec<_> = (100..108).map(|last| Ipv4Addr::new(10, 0, 0, last)).collect();
    for destination in &peers {
        for sequence in 0..each {
            let ping = Ping {
                source: None,
                destination: (*destination).into(),
                identifier: destination.octets()[3].into(),
                sequence,
                time_to_live: 64,
            };
            let sent = test_host.host.ping(test_host.now, ping, &[0x5a; 1_400], &mut test_host.pool);
            assert_eq!(sent, Ok(()), "{destination} {sequence}");
        }
    }
    let replies: Vec<_> = peers
        .iter()
        .map(|peer| {
            let mut packet = request();
            packet[14..18].copy_from_slice(&peer.octets());
            broadcast(&[&[8, 6], &packet])
        })
        .collect();
    let mut sent = test_host.exchange(&replies);
    sent.extend(test_host.advance(Duration::from_millis(1)));
    let datagrams = sent.iter().filter(|frame| frame[12..14] == [8, 0]).count();
    assert_eq!(datagrams, 3 * peers.len() * usize::from(each));
    assert_eq!(test_host.host.tx_dropped(TxDropReason::TxQueueFull), 0);
}
