//! Datagrams in fragments, both ways.

use super::rig::*;
use super::*;
use crate::{DatagramOutcome, EchoRequest};
use icmp::{IcmpError, IcmpMessage, IcmpType};
use inet::IpProtocol;
use ipv4::{Datagram, Ipv4Fields};
use tap::LinkState;

const REPEATED: Option<DropReason> = Some(DropReason::Ipv4(ipv4::Ipv4DropReason::FragmentRepeated));
const OVERLAP: Option<DropReason> = Some(DropReason::Ipv4(ipv4::Ipv4DropReason::FragmentOverlap));
const BEYOND: Option<DropReason> = Some(DropReason::Ipv4(ipv4::Ipv4DropReason::FragmentBeyond));

fn dropped(rig: &Rig) -> Vec<Option<DropReason>> {
    rig.verdicts.iter().map(|verdict| verdict.dropped()).collect()
}

// proves: rfc1122-reassembly, rfc791-reassembly, rfc791-fragmentation, rfc1122-echo-mirrored
#[test]
fn an_echo_of_any_length_comes_back_in_fragments_whatever_their_order() {
    for octets in [1_473, 2_000, 8_000, 65_507] {
        let mut rig = Rig::acquainted();
        let in_order = fragments(to_us(), octets, 1_480);
        let mut reversed = in_order.clone();
        reversed.reverse();
        let mut odd_first = in_order.clone();
        odd_first.sort_by_key(|frame| frame[21] / 185 % 2);
        for order in [in_order, reversed, odd_first] {
            let sent = rig.hear(&order);
            assert_eq!(sent.len(), order.len());
            is_reply(&payload_of(&sent, PEER_MAC), octets);
        }
        assert_eq!((rig.host.echo_replies(), losses(&rig.host)), (3, 0));
        assert!(rig.host.ipv4().reassembly().is_empty());
    }
}

// proves: rfc791-reassembly
#[test]
fn datagrams_that_mingle_do_not_mix() {
    let mut rig = Rig::acquainted();
    let one = fragments(to_us(), 4_000, 1_000);
    let two = fragments(Ipv4Fields { identification: 78, ..to_us() }, 4_001, 1_000);
    let mingled: Vec<_> = one.into_iter().zip(two).flat_map(|(one, two)| [two, one]).collect();
    let sent = rig.hear(&mingled);
    let (first, second) = sent.split_at(sent.len() / 2);
    is_reply(&payload_of(first, PEER_MAC), 4_001);
    is_reply(&payload_of(second, PEER_MAC), 4_000);
}

// proves: fragments-repeated
#[test]
fn a_fragment_that_comes_twice_is_dropped_and_harms_nothing() {
    let mut rig = Rig::acquainted();
    let mut frames = fragments(to_us(), 4_000, 1_480);
    frames.insert(1, frames[0].clone());
    rig.verdicts.clear();
    let sent = rig.hear(&frames);
    assert_eq!(dropped(&rig), [None, REPEATED, None, None]);
    is_reply(&payload_of(&sent, PEER_MAC), 4_000);
}

// proves: fragments-overlap
#[test]
fn overlap_drops_the_datagram_and_what_is_left_of_it_is_no_answer() {
    let mut rig = Rig::acquainted();
    let frames = fragments(to_us(), 4_000, 1_480);
    // Teardrop: the second starts and ends within the first.
    let inside = Ipv4Fields { fragment_offset: 24, more_fragments: false, ..to_us() };
    let teardrop = frame(&datagram(inside, &[0x5a; 4]));
    rig.verdicts.clear();
    let order = [&frames[..1], &[teardrop], &frames[1..]].concat();
    assert_eq!(rig.hear(&order).len(), 0);
    assert_eq!(dropped(&rig), [None, OVERLAP, None, None]);
    // Sent again, it is whole.
    assert_eq!(rig.hear(&frames[..1]).len(), 3);
    assert_eq!(rig.count("ipv4", "fragments overlapped"), 1);
    let other = fragments(Ipv4Fields { identification: 78, ..to_us() }, 4_000, 1_480);
    assert_eq!(rig.hear(&other).len(), 3);
}

// proves: fragments-beyond
#[test]
fn no_fragment_reaches_beyond_the_longest_datagram() {
    let mut rig = Rig::acquainted();
    let mut frames = fragments(to_us(), 65_507, 1_480);
    let last = Ipv4Fields { fragment_offset: 65_528, ..to_us() };
    for length in [1, 8, 1_480] {
        let death = frame(&datagram(last, &vec![0x5a; length]));
        assert_eq!((rig.judge(&death).0.dropped(), rig.pool.held()), (BEYOND, 0));
    }
    let end = Ipv4Fields { fragment_offset: 65_512, ..to_us() };
    *frames.last_mut().unwrap() = frame(&datagram(end, &[0x5a; 8]));
    assert_eq!((rig.hear(&frames).len(), rig.host.echo_replies()), (0, 0));
}

// proves: rfc792-reassembly-time, reassembly-timeout
#[test]
fn whoever_sent_the_start_of_a_datagram_learns_once_that_its_rest_did_not_come() {
    let mut rig = Rig::acquainted();
    let frames = fragments(to_us(), 4_000, 1_480);
    assert_eq!(rig.hear(&frames[..2]).len(), 0);
    // Of this one the start is missing, and nobody can say whose port it was for.
    let other = fragments(Ipv4Fields { identification: 78, ..to_us() }, 4_000, 1_480);
    assert_eq!(rig.hear(&other[1..]).len(), 0);
    assert_eq!(rig.pass(Duration::from_millis(29_999)).len(), 0);
    let sent = rig.pass(Duration::from_millis(1));
    let asked = sent.iter().filter(|frame| frame[12..14] == [8, 6]).count();
    let errors: Vec<_> = sent.into_iter().filter(|frame| frame[12..14] == [8, 0]).collect();
    let (message, start) = (payload_of(&errors, PEER_MAC), &frames[0][14..42]);
    let error = IcmpMessage::parse(&message).unwrap();
    assert_eq!((error.kind(), error.code(), &message[8..]), (IcmpType::TIME_EXCEEDED, 1, start));
    assert_eq!((errors.len(), asked), (1, 0));
    assert_eq!(rig.hear(&frames[2..]).len(), 0, "too late");
    assert_eq!(rig.count("ipv4", "reassembly timed out"), 2);
}

// proves: rfc1122-port-unreachable
#[test]
fn a_refusal_of_a_datagram_made_whole_needs_no_room_for_it() {
    let mut rig = Rig::acquainted();
    let udp = Ipv4Fields { protocol: IpProtocol::UDP, more_fragments: true, ..to_us() };
    let whole = super::rig::udp(&[7; 1_572]);
    let first = frame(&datagram(udp, &whole[..1_480]));
    let rest = Ipv4Fields { fragment_offset: 1_480, more_fragments: false, ..udp };
    let last = frame(&datagram(rest, &whole[1_480..]));
    let mut large: Vec<_> = std::iter::from_fn(|| rig.pool.take_large()).collect();
    let mut departing = Batch::new(4);
    for octets in [first, last] {
        let mut frame = rig.pool.take().unwrap();
        frame.write(&octets).unwrap();
        rig.verdicts.push(rig.host.receive(NOW, frame, &mut departing, &mut rig.pool));
    }
    large.drain(..).for_each(|frame| rig.pool.give(frame));
    let refused = FrameOutcome::Ipv4(DatagramOutcome::Rejected(IcmpError::PORT_UNREACHABLE));
    assert_eq!(rig.verdicts[1..], [KEPT, refused]);
    assert_eq!((departing.len(), rig.host.tx_dropped(TxDropReason::TxQueueFull)), (1, 0));
}

// proves: rfc791-fragmentation, rfc6864-unique
#[test]
fn a_long_ping_departs_in_fragments_that_fit_the_mtu() {
    for mtu in [576, 1_500] {
        let config = HostConfig { mtu, ..config() };
        let mut rig = Rig::new(&config);
        rig.host.arp_mut().add_static(NOW, PEER, PEER_MAC).unwrap();
        let data: Vec<u8> = (0..=255).cycle().take(65_507).collect();
        let ping = EchoRequest { destination: PEER, identifier: 0x1234, sequence: 7, time_to_live: 64 };
        for octets in [0, mtu - 28, mtu - 27, 8_000, 65_507] {
            assert_eq!(rig.host.ping(NOW, ping, &data[..octets], &mut rig.pool), SendOutcome::Queued);
            let sent = rig.hear(&[]);
            let whole = octets + 28 <= mtu;
            assert_eq!(sent.len(), if whole { 1 } else { (octets + 8).div_ceil((mtu - 20) / 8 * 8) });
            assert!(sent.iter().all(|frame| frame.len() <= 14 + mtu));
            let numbers = sent.iter().map(|frame| Datagram::parse(&frame[14..]).unwrap().identification());
            assert_eq!(numbers.collect::<std::collections::BTreeSet<_>>().len(), 1);
            assert_eq!(payload_of(&sent, PEER_MAC), echo(&data[..octets]));
        }
        let beyond = vec![0; 65_508];
        assert_eq!(rig.host.ping(NOW, ping, &beyond, &mut rig.pool), SendOutcome::Dropped);
        assert_eq!(rig.host.tx_dropped(TxDropReason::TooLong), 1);
        assert_eq!((rig.pool.held(), rig.hear(&[]).len()), (0, 0));
    }
}

// proves: reply-resolved, rfc791-fragmentation
#[test]
fn a_long_reply_waits_whole_and_departs_in_fragments() {
    let mut rig = Rig::new(&config());
    let asked = rig.hear(&fragments(to_us(), 65_507, 1_480));
    assert_eq!((asked.len(), rig.pool.held()), (1, 1));
    let mut packet = request();
    packet[7] = 2;
    let sent = rig.hear(&[broadcast(&[&[8, 6], &packet])]);
    is_reply(&payload_of(&sent, PEER_MAC), 65_507);
}

#[test]
fn a_pool_that_runs_out_between_fragments_gets_all_back() {
    let mut rig = Rig::acquainted();
    let data = vec![0; 8_000];
    let ping = EchoRequest { destination: PEER, identifier: 1, sequence: 1, time_to_live: 64 };
    let mut pool = Pool::new(1_500, 2);
    assert_eq!(rig.host.ping(NOW, ping, &data, &mut pool), SendOutcome::Dropped);
    assert_eq!((rig.host.tx_queue.len(), rig.host.tx_dropped(TxDropReason::NoFrame)), (2, 1));
    assert_eq!(pool.held(), 2, "those two");
}

/// The longest datagram in these frames, and how many there are.
fn longest(sent: &[Vec<u8>]) -> (usize, usize) {
    (sent.iter().map(|frame| frame.len() - 14).max().unwrap_or(0), sent.len())
}

// proves: link-mtu
#[test]
fn reply_and_error_fit_the_mtu_of_the_link_as_it_changes() {
    const LINK: LinkState = LinkState { is_up: true, has_carrier: true, mtu: 1_500 };
    let mut rig = Rig::acquainted();
    rig.host.link_changed(NOW, LINK);
    let all =
        [(1_500, (1_500, 3)), (576, (572, 8)), (1_280, (1_276, 4)), (9_000, (4_028, 1)), (68, (68, 84))];
    for (mtu, expected) in all {
        rig.host.link_changed(NOW, LinkState { mtu, ..LINK });
        let sent = rig.hear(&fragments(to_us(), 4_000, 40));
        assert_eq!(longest(&sent), expected, "{mtu}");
        is_reply(&payload_of(&sent, PEER_MAC), 4_000);
        let udp = datagram(Ipv4Fields { protocol: IpProtocol::UDP, ..to_us() }, &super::rig::udp(&[7; 40]));
        assert_eq!(longest(&rig.hear(&[frame(&udp)])), (mtu.min(96), 1), "{mtu}");
    }
    // What is longer than the MTU is not received.
    let long = frame(&datagram(to_us(), &echo(&[0; 41])));
    assert_eq!(rig.judge(&long).0.dropped(), Some(DropReason::Link(link::LinkDropReason::TooLong)));
}

// proves: link-mtu
#[test]
fn frame_as_long_as_a_larger_mtu_is_answered_by_one_as_long() {
    let mut rig = Rig::acquainted();
    rig.host.link_changed(NOW, LinkState { is_up: true, has_carrier: true, mtu: 1_500 });
    rig.host.link_changed(NOW, LinkState { is_up: true, has_carrier: true, mtu: 9_000 });
    for length in [8_972, 8_973] {
        let ping = EchoRequest { destination: PEER, identifier: 1, sequence: 1, time_to_live: 64 };
        assert_eq!(rig.host.ping(rig.now, ping, &vec![0; length], &mut rig.pool), SendOutcome::Queued);
        assert_eq!(rig.hear(&[]).len(), 1 + usize::from(length > 8_972), "{length}");
    }
    let sent = rig.hear(&[frame(&datagram(to_us(), &echo(&vec![0; 8_972])))]);
    assert_eq!(longest(&sent), (9_000, 1));
    assert_eq!((rig.pool.mtu(), losses(&rig.host)), (9_000, 0));
}

// proves: link-mtu
#[test]
fn mtu_that_the_user_chose_is_a_limit_however_large_the_links_is() {
    let mut rig = Rig::new(&HostConfig { mtu: 900, ..config() });
    rig.hear(&[broadcast(&[&[8, 6], &request()])]);
    for (mtu, most) in [(1_500, 900), (9_000, 900), (576, 572), (usize::MAX, 900)] {
        rig.host.link_changed(NOW, LinkState { is_up: true, has_carrier: true, mtu });
        assert_eq!(longest(&rig.hear(&fragments(to_us(), 4_000, 400))).0, most, "{mtu}");
    }
    assert_eq!(rig.pool.mtu(), 900);
    let mut rig = Rig::acquainted();
    rig.host.link_changed(NOW, LinkState { is_up: true, has_carrier: true, mtu: 1_500 });
    rig.host.link_changed(NOW, LinkState { is_up: true, has_carrier: true, mtu: usize::MAX });
    assert_eq!(rig.hear(&fragments(to_us(), 65_507, 400)).len(), 2, "a pool has a bound");
}

// proves: drops-counted
#[test]
fn reply_that_is_not_sent_is_counted_under_its_reason() {
    // Each has more fragments than may ever wait for the wire, or than may wait at this moment.
    let mtu = 260;
    let mut rig = Rig::new(&HostConfig { mtu, ..config() });
    rig.host.arp_mut().add_static(NOW, PEER, PEER_MAC).unwrap();
    rig.verdicts.clear();
    assert_eq!(rig.hear(&fragments(to_us(), 65_507, 240)).len(), 0);
    assert_eq!(dropped(&rig).last(), Some(&Some(TxDropReason::TooManyFragments.into())));
    let long = fragments(to_us(), 40_000, 240);
    let mut departing = Batch::new(Host::TX_QUEUE);
    let mut last = None;
    for octets in long.iter().chain(&long) {
        let mut frame = rig.pool.take().unwrap();
        frame.write(octets).unwrap();
        last = rig.host.receive(NOW, frame, &mut departing, &mut rig.pool).dropped();
    }
    assert_eq!(last, Some(TxDropReason::TxQueueFull.into()));
    assert_eq!((rig.count("icmp", "echo requests answered"), departing.len()), (1, 167));
    assert_eq!(rig.count("host", "more fragments than may wait for the wire"), 1);
    assert_eq!(rig.count("host", "too many frames wait for the wire"), 1);
}

// proves: reassembly-flood, reassembly-bounds
#[test]
fn a_flood_of_fragments_from_a_million_sources_leaves_room_for_an_honest_one() {
    let mut rig =
        Rig::new(&HostConfig { addresses: HostSet::One("10.0.0.2/8".parse().unwrap()), ..config() });
    rig.host.arp_mut().add_static(NOW, PEER, PEER_MAC).unwrap();
    let honest = fragments(to_us(), 4_000, 1_480);
    let template = Ipv4Fields { more_fragments: true, ..to_us() };
    let mut most = (0, 0);
    for number in 0_u32..1_000_000 {
        let source = Ipv4Addr::from(u32::from(Ipv4Addr::new(10, 1, 0, 0)) + number);
        let stranger = frame(&datagram(Ipv4Fields { source, ..template }, &[0x5a; 8]));
        let (verdict, sent) = if number % 100_000 == 99_999 {
            let mut mingled: Vec<_> =
                honest.iter().flat_map(|part| [stranger.clone(), part.clone()]).collect();
            mingled.push(stranger);
            let sent = rig.hear(&mingled);
            is_reply(&payload_of(&sent, PEER_MAC), 4_000);
            (KEPT, Vec::new())
        } else {
            let mut frame = rig.pool.take().unwrap();
            frame.write(&stranger).unwrap();
            let mut none = Batch::new(0);
            (rig.host.receive(rig.now, frame, &mut none, &mut rig.pool), Vec::<Vec<u8>>::new())
        };
        assert_eq!((verdict, sent.len()), (KEPT, 0));
        let reassembly = rig.host.ipv4().reassembly();
        most = (most.0.max(reassembly.octets()), most.1.max(reassembly.len()));
    }
    assert!(most.0 <= 4 << 20 && most.1 <= 4_096, "{most:?}");
    assert_eq!((rig.host.echo_replies(), rig.pool.held()), (10, 0));
}

#[test]
fn what_waited_departs_turn_by_turn_where_the_wire_has_no_room_for_all_of_it() {
    // Three fragments each, 128 datagrams: more frames than may wait for the wire, and the last of those that
    // have room would not have room whole.
    let (mtu, each) = (576, 16);
    let mut rig = Rig::new(&HostConfig { mtu, ..config() });
    let peers: Vec<_> = (100..108).map(|last| Ipv4Addr::new(10, 0, 0, last)).collect();
    for destination in &peers {
        for sequence in 0..each {
            let ping =
                crate::EchoRequest { destination: *destination, identifier: 7, sequence, time_to_live: 64 };
            let sent = rig.host.ping(rig.now, ping, &[0x5a; 1_400], &mut rig.pool);
            assert_eq!(sent, SendOutcome::Pending, "{destination} {sequence}");
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
    let mut sent = rig.hear(&replies);
    sent.extend(rig.pass(Duration::from_millis(1)));
    let datagrams = sent.iter().filter(|frame| frame[12..14] == [8, 0]).count();
    assert_eq!(datagrams, 3 * peers.len() * usize::from(each));
    assert_eq!(rig.host.tx_dropped(TxDropReason::TxQueueFull), 0);
}
