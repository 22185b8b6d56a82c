use std::sync::mpsc;

use super::*;
use crate::port::SegmentPort;
use arp::{NeighborState, Operation};
use host::{UdpBind, UdpMessage};
use link::MacAddr;
use proptest::prelude::*;

mod links;

const TEST: EtherType = EtherType(0x88b5);
const SECOND: Duration = Duration::from_secs(1);
/// A segment without latency.
const INSTANT: Faults = Faults { min_latency: Duration::ZERO, max_latency: Duration::ZERO, ..Faults::NONE };

fn ip(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 0, 0, last)
}

fn mac(last: u8) -> MacAddr {
    MacAddr::new([2, 0, 0, 0, 0, last])
}

fn config(last: u8) -> HostConfig {
    HostConfig::new(format!("10.0.0.{last}/24").parse().unwrap(), mac(last))
}

fn segment(faults: Faults) -> Segment {
    Segment::new(Instant::ORIGIN, faults)
}

/// Returns two hosts, 10.0.0.1 and 10.0.0.2.
fn pair(faults: Faults) -> (Segment, NodeId, NodeId) {
    let mut segment = segment(faults);
    let (left, right) = (segment.add(&config(1)).unwrap(), segment.add(&config(2)).unwrap());
    (segment, left, right)
}

/// Returns the entry of 10.0.0.`last` in the ARP cache of a host.
fn arp_entry(segment: &Segment, node: NodeId, last: u8) -> Option<(Option<MacAddr>, NeighborState)> {
    segment.host(node).unwrap().arp().neighbors().get(ip(last)).map(|entry| (entry.mac, entry.state))
}

/// Returns a broadcast frame of a station that is not a node.
fn broadcast(payload: &[u8]) -> Vec<u8> {
    [&[0xff; 6][..], &mac(99).bytes(), &[0x88, 0xb5], payload].concat()
}

/// Adds a peer that sends nothing. The frames that it receives are read from the channel.
fn listener(segment: &mut Segment) -> (NodeId, mpsc::Receiver<(Instant, Vec<u8>)>) {
    let (sender, frames) = mpsc::channel();
    let node = segment.attach(move |now, bytes| {
        sender.send((now, bytes.to_vec())).unwrap();
        Vec::new()
    });
    (node, frames)
}

fn at(span: Duration) -> Instant {
    Instant::ORIGIN + span
}

#[test]
fn hosts_resolve_each_other_in_one_round_trip() {
    let (mut segment, left, right) = pair(Faults::NONE);
    assert_eq!(segment.send(left, ip(2), TEST, b"hello"), SendOutcome::Pending);
    segment.run_for(SECOND).unwrap();
    let frames: Vec<_> = segment.take_captured();
    let micros = |count| at(Duration::from_micros(count));
    let times: Vec<_> = frames.iter().map(|frame| (frame.from, frame.at)).collect();
    assert_eq!(times, [(left, micros(0)), (right, micros(100)), (left, micros(200))]);
    let operations: Vec<_> = frames.iter().map(|frame| frame.arp().map(|arp| arp.operation)).collect();
    assert_eq!(operations, [Some(Operation::REQUEST), Some(Operation::REPLY), None]);
    assert!(frames[2].bytes.ends_with(b"hello"));
    assert_eq!(arp_entry(&segment, left, 2), Some((Some(mac(2)), NeighborState::Reachable)));
    assert_eq!(arp_entry(&segment, right, 1), Some((Some(mac(1)), NeighborState::Stale)));
    assert_eq!(segment.host(right).unwrap().unsupported_protocol(), 1);
    assert_eq!(
        segment.device_counters(right).map(|counters| (counters.received, counters.transmitted)),
        Some((2, 1))
    );
    assert_eq!(segment.now(), at(SECOND));
}

#[test]
fn frame_is_delivered_to_all_other_nodes_after_latency() {
    let mut segment = segment(Faults::NONE);
    let (_, first) = listener(&mut segment);
    let (_, second) = listener(&mut segment);
    let host = segment.add(&config(1)).unwrap();
    segment.run_for(SECOND).unwrap();
    segment.inject(&broadcast(b"to all"));
    segment.send(host, ip(9), TEST, b"");
    segment.run_for(Duration::from_millis(1)).unwrap();
    let (frames, arrived) = (segment.take_captured(), at(SECOND + Duration::from_micros(100)));
    assert_eq!(frames.len(), 1, "an injected frame was captured");
    for receiver in [first, second] {
        let expected = [(arrived, broadcast(b"to all")), (arrived, frames[0].bytes.clone())];
        assert_eq!(receiver.try_iter().collect::<Vec<_>>(), expected);
    }
    assert_eq!(segment.device_counters(host).unwrap().received, 1);
}

#[test]
fn clock_jumps_to_next_event_and_never_back() {
    let (mut segment, left, _) = pair(Faults::NONE);
    segment.run_for(SECOND).unwrap();
    assert_eq!(segment.next(), None, "an event is scheduled for hosts with empty ARP caches");
    segment.send(left, ip(9), TEST, b"");
    assert_eq!(segment.next(), Some(at(SECOND)));
    segment.run_until(at(SECOND)).unwrap();
    assert_eq!(
        segment.next(),
        Some(at(SECOND + Duration::from_micros(100))),
        "expected the arrival of the request"
    );
    segment.run_for(Duration::from_millis(1)).unwrap();
    assert_eq!(segment.next(), Some(at(2 * SECOND)), "expected the second request");
    segment.run_until(at(SECOND)).unwrap();
    assert_eq!(segment.now(), at(SECOND + Duration::from_millis(1)));
    segment.run_for(Duration::from_hours(1)).unwrap();
    assert_eq!((segment.next(), segment.take_captured().len()), (None, 3));
}

#[test]
fn scripted_peer_replies_after_its_delay() {
    let mut segment = segment(Faults::NONE);
    let host = segment.add(&config(1)).unwrap();
    let mut is_first = true;
    let reply = [&mac(1).bytes()[..], &mac(7).bytes(), &[8, 6, 0, 1, 8, 0, 6, 4, 0, 2], &mac(7).bytes()];
    let reply = [&reply.concat()[..], &[10, 0, 0, 7], &mac(1).bytes(), &[10, 0, 0, 1]].concat();
    let peer = segment.attach(move |_, _| {
        let is_answered = !std::mem::take(&mut is_first);
        is_answered.then(|| (Duration::from_millis(20), reply.clone())).into_iter().collect()
    });
    segment.send(host, ip(7), TEST, b"hello");
    segment.run_until(at(SECOND)).unwrap();
    assert_eq!(arp_entry(&segment, host, 7), Some((None, NeighborState::Incomplete)));
    segment.run_for(Duration::from_millis(21)).unwrap();
    assert_eq!(arp_entry(&segment, host, 7), Some((Some(mac(7)), NeighborState::Reachable)));
    let reply = segment.take_captured().into_iter().find(|frame| frame.from == peer).unwrap();
    assert_eq!(reply.at, at(SECOND + Duration::from_micros(20_100)));
}

#[test]
fn interceptor_replaces_frames_of_host() {
    let (mut segment, left, right) = pair(Faults::NONE);
    let later = Duration::from_millis(5);
    segment.intercept(right, move |_, bytes| {
        vec![(later, bytes.to_vec()), (Duration::ZERO, broadcast(b"additional")), (later, bytes.to_vec())]
    });
    segment.intercept(left, |_, bytes| vec![(Duration::ZERO, bytes.to_vec())]);
    segment.send(left, ip(2), TEST, b"");
    segment.run_for(SECOND).unwrap();
    let frames = segment.take_captured();
    let times: Vec<_> = frames.iter().map(|frame| (frame.from, frame.at)).collect();
    let request_arrives = at(Duration::from_micros(100));
    let reply_sent = request_arrives + later;
    let payload_sent = reply_sent + Duration::from_micros(100);
    let expected = [(right, request_arrives), (right, reply_sent), (right, reply_sent), (left, payload_sent)];
    assert_eq!(times[1..], expected);
    assert_eq!(frames[1].bytes, broadcast(b"additional"));

    segment.intercept(right, |_, _| Vec::new());
    segment.start(left).unwrap();
    segment.send(left, ip(2), TEST, b"");
    segment.run_for(SECOND).unwrap();
    assert!(segment.take_captured().iter().all(|frame| frame.from == left));
    assert_eq!(arp_entry(&segment, left, 2), Some((None, NeighborState::Incomplete)));
}

#[test]
fn stopped_host_ignores_traffic_and_restarts_with_empty_cache() {
    let (mut segment, left, right) = pair(Faults::NONE);
    segment.send(left, ip(2), TEST, b"");
    segment.run_for(SECOND).unwrap();
    segment.stop(right);
    segment.take_captured();
    assert_eq!(segment.send(right, ip(1), TEST, b""), SendOutcome::Dropped(TxDropReason::NoSourceAddress));
    assert_eq!(segment.send(left, ip(2), TEST, b""), SendOutcome::Queued);
    segment.run_for(SECOND).unwrap();
    assert_eq!((segment.take_captured().len(), segment.counters().receiver_stopped), (1, 1));
    assert!(arp_entry(&segment, right, 1).is_some(), "the state of a stopped host is lost");
    segment.start(right).unwrap();
    assert_eq!(arp_entry(&segment, right, 1), None);
    assert_eq!(segment.send(right, ip(1), TEST, b""), SendOutcome::Pending);
    segment.run_for(SECOND).unwrap();
    assert_eq!(arp_entry(&segment, right, 1), Some((Some(mac(1)), NeighborState::Reachable)));
}

#[test]
fn static_entry_releases_pending_packet_without_further_frame() {
    let (mut segment, left, _) = pair(Faults::NONE);
    segment.send(left, ip(9), TEST, b"hello");
    segment.run_for(Duration::from_millis(500)).unwrap();
    let now = segment.now();
    let host = segment.host_mut(left).unwrap();
    host.arp_mut().neighbors_mut().add_static(now, ip(9), mac(9)).unwrap();
    segment.run_for(Duration::ZERO).unwrap();
    assert!(segment.take_captured().last().unwrap().bytes.starts_with(&mac(9).bytes()));
    assert_eq!(segment.pool(left).unwrap().held(), 0);
}

#[test]
fn invalid_sends_are_refused() {
    let (mut segment, left, _) = pair(Faults::NONE);
    let (peer, _frames) = listener(&mut segment);
    let (mut other, ..) = pair(Faults::NONE);
    assert_eq!(segment.send(left, ip(2), TEST, &[0; 9_000]), SendOutcome::Dropped(TxDropReason::TooLong));
    assert_eq!(segment.pool(left).unwrap().held(), 0);
    assert_eq!(segment.send(peer, ip(2), TEST, b""), SendOutcome::Dropped(TxDropReason::NoSourceAddress));
    assert_eq!(other.send(peer, ip(2), TEST, b""), SendOutcome::Dropped(TxDropReason::NoSourceAddress));
    assert!(segment.host(peer).is_none() && other.host(peer).is_none());
    assert!(segment.add(&HostConfig { mac: MacAddr::ZERO, ..config(1) }).is_err());
}

#[test]
fn frame_longer_than_mtu_is_dropped_and_counted() {
    let (mut segment, left, _) = pair(Faults::NONE);
    for (length, truncated) in [(1_500 + 8, 0), (1_500 + 9, 1), (9_000, 2)] {
        segment.inject(&broadcast(&vec![0; length]));
        segment.run_for(SECOND).unwrap();
        assert_eq!(segment.device_counters(left).unwrap().truncated, truncated, "{length}");
    }
    assert_eq!(segment.pool(left).unwrap().held(), 0);
}

#[test]
fn frames_are_dropped_and_counted_when_receive_queue_is_full() {
    let (mut segment, left, _) = pair(Faults::NONE);
    for _ in 0..SegmentPort::RX_QUEUE + 5 {
        segment.inject(&broadcast(b""));
    }
    segment.run_for(SECOND).unwrap();
    assert_eq!(segment.host(left).unwrap().unsupported_protocol(), 1_000);
    assert_eq!((segment.counters().delivered, segment.counters().overflowed), (2_000, 10));
}

#[test]
fn frames_are_lost_and_counted_when_flight_limit_is_reached() {
    let (mut segment, ..) = pair(Faults::NONE);
    for _ in 0..Segment::IN_FLIGHT / 2 + 7 {
        segment.inject(&broadcast(b""));
    }
    assert_eq!((segment.in_flight(), segment.counters().overflowed), (Segment::IN_FLIGHT, 14));
}

#[test]
fn frames_are_counted_when_capture_is_full() {
    let mut segment = segment(INSTANT);
    segment.attach(|_, _| vec![(Duration::ZERO, Vec::new()); 10_000]);
    for _ in 0..7 {
        segment.inject(b"");
        segment.run_for(SECOND).unwrap();
    }
    assert_eq!(segment.counters().not_captured, 70_000 - 65_536);
    assert_eq!(segment.take_captured().len(), Segment::CAPTURED);
    segment.inject(b"");
    segment.run_for(SECOND).unwrap();
    assert_eq!(segment.take_captured().len(), 10_000);
}

#[test]
fn frames_beyond_capture_limit_are_counted() {
    let mut segment = segment(INSTANT);
    segment.attach(|_, _| vec![(Duration::ZERO, Vec::new()); 10]);
    segment.limit_capture(3);
    segment.inject(b"");
    segment.run_for(SECOND).unwrap();
    assert_eq!((segment.take_captured().len(), segment.counters().not_captured), (3, 7));
}

/// A program that returns each UDP datagram to its sender.
struct Echo(NodeId);

impl Program for Echo {
    fn serve(&mut self, now: Instant, node: NodeId, host: &mut Host, pool: &mut Pool) {
        while node == self.0
            && let Some(socket) = host.poll_ready()
        {
            while let Some(datagram) = host.receive_udp(socket) {
                host.reply_udp(now, socket, datagram, pool).unwrap();
            }
        }
    }
}

#[test]
fn program_answers_a_request_when_it_arrives() {
    let (mut segment, left, right) = pair(Faults::NONE);
    let echo = segment.host_mut(right).unwrap().bind_udp(&UdpBind { port: Some(7), ..UdpBind::default() });
    let socket = segment.host_mut(left).unwrap().bind_udp(&UdpBind::default()).unwrap();
    assert!(echo.is_ok(), "port 7 is in use: {echo:?}");
    let message = UdpMessage { destination: Some((ip(2), 7).into()), ..UdpMessage::default() };
    // The first exchange resolves the addresses.
    for _ in 0..2 {
        let now = segment.now();
        let (host, pool) = segment.host_and_pool(left).unwrap();
        host.send_udp(now, socket, &message, b"request", pool).unwrap();
        segment.run_with(now + SECOND, &mut Echo(right)).unwrap();
    }
    let replies: Vec<_> =
        std::iter::from_fn(|| segment.host_mut(left).unwrap().receive_udp(socket)).collect();
    let [_, reply] = replies.as_slice() else { panic!("two replies expected: {replies:?}") };
    assert_eq!((reply.frame.bytes(), reply.at), (&b"request"[..], at(SECOND + 2 * Faults::NONE.max_latency)));
}

#[test]
fn livelock_is_reported_as_error() {
    let mut segment = segment(INSTANT);
    for _ in 0..2 {
        segment.attach(|_, bytes| vec![(Duration::ZERO, bytes.to_vec())]);
    }
    segment.run_for(SECOND).unwrap();
    segment.inject(b"to and fro");
    assert_eq!(segment.run_for(SECOND), Err(Livelock { at: at(SECOND) }));
    // With latency, the clock advances and the run ends.
    segment.set_faults(Faults::NONE);
    assert_eq!(segment.run_for(SECOND), Ok(()));
}

#[test]
fn clock_does_not_go_back_when_host_needs_several_polls() {
    let mut segment = segment(Faults::NONE);
    let table = arp::NeighborSettings { pending_per_entry: 200, ..arp::NeighborSettings::default() };
    let left = segment.add(&HostConfig { table, ..config(1) }).unwrap();
    segment.add(&config(2)).unwrap();
    segment.run_for(SECOND).unwrap();
    for _ in 0..200 {
        assert_eq!(segment.send(left, ip(2), TEST, b""), SendOutcome::Pending);
    }
    segment.run_for(SECOND).unwrap();
    let captured = segment.take_captured();
    assert_eq!(
        (captured.len(), segment.now()),
        (202, at(2 * SECOND)),
        "expected a request, its reply, and the pending packets"
    );
    assert!(captured.is_sorted_by_key(|frame| frame.at) && captured[0].at == at(SECOND));
}

#[test]
fn corrupted_frames_are_counted_and_captured_unchanged() {
    let mut segment = segment(Faults { corruption: 1_000_000, ..Faults::NONE });
    let (_, frames) = listener(&mut segment);
    segment.inject(&broadcast(b"whole"));
    let host = segment.add(&config(1)).unwrap();
    segment.send(host, ip(9), TEST, b"");
    segment.run_for(Duration::from_millis(1)).unwrap();
    let (frames, original) = (frames.try_iter().collect::<Vec<_>>(), broadcast(b"whole"));
    let changed = original.iter().zip(&frames[0].1).filter(|(sent, arrived)| sent != arrived);
    assert_eq!((changed.count(), frames[0].1.len()), (1, original.len()));
    assert_eq!(segment.take_captured()[0].arp().map(|arp| arp.target_protocol), Some(ip(9)));
    assert_eq!((frames.len(), segment.counters().corrupted), (2, 2));
}

#[test]
fn new_faults_apply_to_later_frames_only() {
    let (mut segment, left, right) = pair(Faults::NONE);
    segment.inject(&broadcast(b""));
    segment.set_faults(Faults { loss: 1_000_000, ..Faults::NONE });
    segment.inject(&broadcast(b""));
    segment.run_for(SECOND).unwrap();
    for node in [left, right] {
        assert_eq!(segment.host(node).unwrap().unsupported_protocol(), 1);
    }
    assert_eq!((segment.counters().delivered, segment.counters().lost), (2, 2));
}

proptest! {
    #[test]
    fn copies_are_counted_once_and_runs_are_reproducible(
        seed: u64,
        rates in [0_u32..500_000, 0_u32..500_000, 0_u32..500_000, 0_u32..500_000],
        steps in prop::collection::vec((0_u8..4, 0_u64..3_000), 1..40),
    ) {
        let [loss, duplication, reordering, corruption] = rates;
        let faults = Faults { seed, loss, duplication, reordering, corruption, ..Faults::NONE };
        let run = || {
            let (mut segment, left, right) = pair(faults);
            for (step, millis) in &steps {
                match step {
                    0 => drop(segment.send(left, ip(2), TEST, b"payload")),
                    1 => drop(segment.send(right, ip(1), TEST, b"payload")),
                    2 => segment.stop(left),
                    _ => segment.start(left).unwrap(),
                }
                segment.run_for(Duration::from_millis(*millis)).unwrap();
            }
            segment
        };
        let (mut segment, mut again) = (run(), run());
        let counters = segment.counters();
        let ended = counters.delivered + counters.overflowed + counters.receiver_stopped + counters.lost;
        let in_flight = u64::try_from(segment.in_flight()).unwrap();
        prop_assert_eq!(counters.copies + counters.duplicated, ended + in_flight);
        prop_assert_eq!(counters.copies, counters.sent, "the number of copies is not the number of frames sent between two nodes");
        let captured = segment.take_captured();
        prop_assert_eq!(u64::try_from(captured.len()).unwrap(), counters.sent);
        prop_assert_eq!(captured, again.take_captured());
        prop_assert_eq!(counters, again.counters());
    }
}
