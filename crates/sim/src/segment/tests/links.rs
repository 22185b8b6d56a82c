//! Links of a segment.

use std::num::NonZeroU64;

use proptest::prelude::*;
use tap::{Checksum, Offload, Segmentation, SegmentationKind};

use super::*;
use crate::Queue;

const PORT: PortId = PortId::new(0);
/// Rate at which a byte takes one microsecond.
const BYTE_PER_MICROSECOND: u64 = 8_000_000;
const TAIL: Queue = Queue::DropTail { bytes: 3_000 };

fn link(rate: u64, queue: Queue) -> LinkSettings {
    LinkSettings { rate: NonZeroU64::new(rate), queue, ..LinkSettings::UNLIMITED }
}

fn micros(count: u64) -> Instant {
    at(Duration::from_micros(count))
}

/// Adds a peer that sends these frames when it receives a frame.
fn sender(segment: &mut Segment, frames: Vec<ScriptedFrame>) -> NodeId {
    segment.attach(move |_, _| frames.clone())
}

#[test]
fn each_direction_has_its_own_link() {
    let (mut segment, left, right) = pair(Faults::NONE);
    segment.set_link(left, PORT, link(BYTE_PER_MICROSECOND, TAIL));
    segment.set_link(right, PORT, link(BYTE_PER_MICROSECOND / 2, TAIL));
    segment.send(left, ip(2), TEST, b"hello");
    segment.run_for(SECOND).unwrap();
    let times: Vec<_> = segment.take_captured().iter().map(|frame| (frame.from, frame.at)).collect();
    // Requests and replies have 42 bytes, and the latency is 100 microseconds.
    assert_eq!(times, [(left, micros(0)), (right, micros(142)), (left, micros(142 + 184))]);
    let counters = |node| segment.link_counters(node, PORT).unwrap();
    assert_eq!((counters(left).frames, counters(left).bytes), (2, 42 + 19));
    assert_eq!((counters(right).frames, counters(right).bytes), (1, 42));
    assert_eq!(segment.link_counters(left, PortId::new(1)), None);
}

#[test]
fn host_transmits_at_the_rate_of_its_link() {
    let (mut segment, left, _) = pair(INSTANT);
    segment.send(left, ip(2), TEST, b"");
    segment.run_for(SECOND).unwrap();
    segment.take_captured();
    segment.set_link(left, PORT, LinkSettings { faults: INSTANT, ..link(3_000_000, Queue::Backpressure) });
    for _ in 0..200 {
        assert_eq!(segment.send(left, ip(2), TEST, &[0; 86]), SendOutcome::Queued);
    }
    segment.run_for(SECOND).unwrap();
    let times: Vec<_> = segment.take_captured().iter().map(|frame| frame.at).collect();
    // A frame of 100 bytes takes 266,666.6 ns.
    let expected: Vec<_> =
        (0..200_u64).map(|sent| at(SECOND + Duration::from_nanos((sent * 800_000).div_ceil(3)))).collect();
    assert_eq!(times, expected);
    assert_eq!(segment.pool(left).unwrap().held(), 0);
}

#[test]
fn host_does_not_wait_for_link_with_queue() {
    let (mut segment, left, right) = pair(Faults::NONE);
    segment.send(left, ip(2), TEST, b"");
    segment.run_for(SECOND).unwrap();
    segment.take_captured();
    segment.set_link(left, PORT, link(BYTE_PER_MICROSECOND, Queue::DropTail { bytes: 1_000 }));
    for _ in 0..20 {
        segment.send(left, ip(2), TEST, &[0; 86]);
    }
    segment.run_for(Duration::ZERO).unwrap();
    assert_eq!(segment.take_captured().len(), 20, "frames wait in the host");
    assert_eq!((segment.counters().queue_full, segment.in_flight()), (9, 11));
    segment.run_for(SECOND).unwrap();
    assert_eq!(segment.host(right).unwrap().unsupported_protocol(), 1 + 11);
    assert_eq!(segment.link_counters(left, PORT).unwrap().queue_full, 9);
}

#[test]
fn blocked_host_continues_when_its_link_changes() {
    let (mut segment, left, right) = pair(Faults::NONE);
    segment.send(left, ip(2), TEST, b"");
    segment.run_for(SECOND).unwrap();
    // A byte takes 1,000 s.
    segment.set_link(left, PORT, LinkSettings { rate: NonZeroU64::MIN.into(), ..LinkSettings::UNLIMITED });
    for _ in 0..10 {
        segment.send(left, ip(2), TEST, b"");
    }
    segment.run_for(SECOND).unwrap();
    assert_eq!(segment.take_captured().len(), 3 + 1);
    segment.set_link(left, PORT, link(BYTE_PER_MICROSECOND, TAIL));
    segment.run_for(Duration::ZERO).unwrap();
    assert_eq!(segment.take_captured().len(), 9);
    segment.run_for(SECOND).unwrap();
    assert_eq!(segment.host(right).unwrap().unsupported_protocol(), 1, "a frame overtakes an earlier frame");
}

#[test]
fn frames_of_scripts_pass_the_link_of_the_script() {
    let mut segment = segment(INSTANT);
    let (_, frames) = listener(&mut segment);
    let sent = vec![(Duration::ZERO, broadcast(&[0; 86])); 3];
    let peer = sender(&mut segment, sent);
    segment.set_link(
        peer,
        PORT,
        LinkSettings { faults: INSTANT, ..link(BYTE_PER_MICROSECOND, Queue::Backpressure) },
    );
    segment.inject(b"start");
    segment.run_for(SECOND).unwrap();
    let times: Vec<_> = frames.try_iter().skip(1).map(|(at, _)| at).collect();
    assert_eq!(times, [micros(100), micros(200), micros(300)]);
}

#[test]
fn faults_of_segment_do_not_apply_to_link() {
    let mut segment = segment(INSTANT);
    let (_, frames) = listener(&mut segment);
    let peer = sender(&mut segment, vec![(Duration::ZERO, broadcast(b"")); 100]);
    let faults = Faults { seed: 7, loss: 500_000, ..INSTANT };
    segment.set_link(peer, PORT, LinkSettings { faults, ..LinkSettings::UNLIMITED });
    segment.inject(b"start");
    segment.set_faults(Faults { loss: 1_000_000, ..INSTANT });
    segment.run_for(SECOND).unwrap();
    // The copies of a link are numbered from 0, so a program without a segment has the same losses.
    let passed = (0..100).filter(|number| faults.deliveries(*number, 14).into_iter().count() == 1).count();
    assert_eq!(frames.try_iter().skip(1).count(), passed);
    assert!((20..80).contains(&passed), "{passed} of 100 frames passed");
}

#[test]
fn marked_datagram_has_valid_checksum_and_capture_has_the_original() {
    let mut segment = segment(INSTANT);
    let (_, frames) = listener(&mut segment);
    let mut datagram = vec![0; ipv4::Ipv4Fields::LENGTH];
    let fields = ipv4::Ipv4Fields::new(inet::IpProtocol::UDP, ip(3), ip(4));
    ipv4::Ipv4Fields { type_of_service: 0b10, ..fields }.write_to(&mut datagram).unwrap();
    let frame = [&[0xff; 6][..], &mac(3).bytes(), &[8, 0], &datagram].concat();
    let peer = sender(&mut segment, vec![(Duration::ZERO, frame.clone()); 4]);
    let queue = Queue::Marking { bytes: 1_000, threshold: 34 };
    segment.set_link(peer, PORT, LinkSettings { faults: INSTANT, ..link(BYTE_PER_MICROSECOND, queue) });
    segment.inject(b"start");
    segment.run_for(SECOND).unwrap();
    let marks: Vec<_> = frames
        .try_iter()
        .skip(1)
        .map(|(_, bytes)| ipv4::Datagram::parse(&bytes[14..]).unwrap().type_of_service())
        .collect();
    assert_eq!(marks, [0b10, 0b10, 0b10, 0b11]);
    assert_eq!(segment.link_counters(peer, PORT).unwrap().marked, 1);
    assert!(segment.take_captured().iter().all(|captured| captured.bytes == frame), "a mark was captured");
}

#[test]
fn frame_of_several_segments_is_received_whole() {
    let (mut segment, left, _) = pair(Faults::NONE);
    let segmentation = Segmentation { kind: SegmentationKind::Udp, size: 1_472, header: 42, cwr: false };
    let offload = Offload { segmentation: Some(segmentation), ..Offload::default() };
    for length in [1_000, 10_000, 65_535] {
        segment.inject_with(&broadcast(&vec![0; length]), offload);
    }
    segment.run_for(SECOND).unwrap();
    let counters = segment.device_counters(left).unwrap();
    assert_eq!((counters.received, counters.truncated), (3, 0));
    assert_eq!(segment.pool(left).unwrap().held(), 0);
}

#[test]
fn frame_arrives_with_its_offload_state() {
    let mut datagram = [&[0; ipv4::Ipv4Fields::LENGTH][..], &[0xc0, 0, 0, 9, 0, 8, 0x12, 0x34]].concat();
    ipv4::Ipv4Fields::new(inet::IpProtocol::UDP, ip(3), ip(1)).write_to(&mut datagram).unwrap();
    let frame = [&mac(1).bytes()[..], &mac(3).bytes(), &[8, 0], &datagram].concat();
    for (checksum, is_accepted) in [(Checksum::None, false), (Checksum::Verified, true)] {
        let (mut segment, ..) = pair(Faults::NONE);
        segment.inject_with(&frame, Offload { checksum, segmentation: None });
        segment.run_for(SECOND).unwrap();
        // The host looks for the sender, to report that the port is closed.
        assert_eq!(!segment.take_captured().is_empty(), is_accepted, "{checksum:?}");
    }
}

#[test]
fn corruption_affects_frame_after_its_checksum_is_complete() {
    let mut segment = segment(Faults { corruption: 500_000, ..INSTANT });
    let (_, frames) = listener(&mut segment);
    // The checksum field has the sum of the pseudo-header.
    let sent = broadcast(&[0x12, 0x34, 0, 9]);
    let complete = broadcast(&[0x12, 0x34, 0xed, 0xc2]);
    let offload = Offload { checksum: Checksum::Partial { start: 14, offset: 2 }, segmentation: None };
    for _ in 0..100 {
        segment.inject_with(&sent, offload);
    }
    segment.run_for(SECOND).unwrap();
    for (_, frame) in frames.try_iter().filter(|(_, frame)| *frame != complete) {
        let changed = frame.iter().zip(&complete).filter(|(arrived, sent)| arrived != sent).count();
        assert_eq!(changed, 1, "{frame:?}");
    }
    assert!((20..80).contains(&segment.counters().corrupted));
}

fn queues() -> impl Strategy<Value = Queue> {
    prop_oneof![
        Just(Queue::Backpressure),
        (0_u64..5_000).prop_map(|bytes| Queue::DropTail { bytes }),
        (0_u64..5_000, 0_u64..5_000).prop_map(|(bytes, threshold)| Queue::Marking { bytes, threshold }),
    ]
}

proptest! {
    #[test]
    fn frames_of_a_link_arrive_in_order_or_are_counted(
        seed: u64,
        rates in [0_u32..300_000, 0_u32..300_000, 0_u32..300_000],
        rate in prop_oneof![Just(0), 10_000_u64..1_000_000_000],
        queue in queues(),
        frames in prop::collection::vec((0_u64..10_000, 4_usize..1_500), 1..80),
    ) {
        let [loss, duplication, corruption] = rates;
        let faults = Faults { seed, loss, duplication, corruption, ..Faults::NONE };
        let run = |faults: Faults| {
            let mut segment = segment(INSTANT);
            let (_, received) = listener(&mut segment);
            let sent = (0_u32..).zip(&frames).map(|(number, (micros, length))| {
                let payload = [&number.to_be_bytes()[..], &vec![0; *length]].concat();
                (Duration::from_micros(*micros), broadcast(&payload))
            });
            let peer = sender(&mut segment, sent.collect());
            segment.set_link(peer, PORT, LinkSettings { faults, ..link(rate, queue) });
            segment.inject(b"start");
            segment.run_for(100 * SECOND).unwrap();
            let counters = (segment.counters(), segment.link_counters(peer, PORT).unwrap());
            (counters, segment.take_captured(), received.try_iter().skip(1).collect::<Vec<_>>())
        };
        let first = run(faults);
        prop_assert_eq!(&first, &run(faults), "two runs with the same seed differ");
        let ((counters, link), captured, received) = first;
        // The injected frame has two receivers.
        prop_assert_eq!(counters.sent - 1, u64::try_from(frames.len()).unwrap());
        prop_assert_eq!(counters.sent - 1, link.frames + link.queue_full);
        prop_assert_eq!(counters.queue_full, link.queue_full);
        prop_assert_eq!(counters.copies - 2, link.frames);
        prop_assert_eq!(counters.copies + counters.duplicated, counters.lost + counters.delivered);
        prop_assert_eq!(counters.delivered - 2, u64::try_from(received.len()).unwrap());
        let lengths = captured.iter().map(|frame| frame.bytes.len()).sum::<usize>();
        prop_assert!(link.bytes <= u64::try_from(lengths).unwrap());
        // Each frame that is neither lost, duplicated nor corrupted arrives once, in the order of transmission.
        let ((_, link), captured, received) = run(Faults { seed, ..Faults::NONE });
        prop_assert_eq!(u64::try_from(received.len()).unwrap(), link.frames);
        let mut sent = captured.iter().map(|frame| &frame.bytes);
        for (_, arrived) in &received {
            prop_assert!(sent.any(|sent| sent == arrived), "a frame arrived that was not sent, or frames overtook each other");
        }
    }
}
