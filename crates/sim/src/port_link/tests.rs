use super::*;
use proptest::prelude::*;
use tap::{Segmentation, SegmentationKind};

/// A queue that never drops a frame.
const UNBOUNDED: Queue = Queue::DropTail { bytes: u64::MAX };

fn link(rate: u64, queue: Queue) -> PortLink {
    PortLink::new(LinkSettings { rate: NonZeroU64::new(rate), queue, ..LinkSettings::UNLIMITED })
}

fn at(nanoseconds: u64) -> Instant {
    Instant::from_nanos(nanoseconds)
}

/// Sends a frame of `length` bytes at a time in nanoseconds. Returns the end of its transmission in nanoseconds.
fn send(link: &mut PortLink, now: u64, length: usize) -> Option<u64> {
    link.transmit(at(now), &mut vec![0; length], Offload::default()).map(Instant::as_nanos)
}

/// Returns an IPv4 datagram in a frame of 34 bytes with this ECN field.
fn datagram(ecn: u8) -> Vec<u8> {
    [&[2; 12][..], &[8, 0, 0x45, ecn, 0, 20], &[0; 16]].concat()
}

#[test]
fn frame_takes_its_length_divided_by_the_rate() {
    // One byte takes 80 ns.
    let mut link = link(100_000_000, UNBOUNDED);
    assert_eq!(send(&mut link, 1_000, 100), Some(9_000));
    assert_eq!(send(&mut link, 1_000, 50), Some(13_000), "the frame does not wait for the earlier frame");
    assert_eq!(send(&mut link, 50_000, 100), Some(58_000), "an idle link delays the frame");
    assert_eq!(link.counters(), LinkCounters { frames: 3, bytes: 250, ..LinkCounters::default() });
}

#[test]
fn unlimited_link_transmits_immediately_and_in_order() {
    let mut link = link(1_000, UNBOUNDED);
    assert_eq!(send(&mut link, 0, 125), Some(1_000_000_000));
    link.set(LinkSettings::UNLIMITED);
    assert_eq!(send(&mut link, 10, 125), Some(1_000_000_000), "a frame overtakes an earlier frame");
    assert_eq!(send(&mut link, 2_000_000_000, 125), Some(2_000_000_000));
    assert_eq!(link.ready_at(), None);
}

#[test]
fn new_rate_applies_to_later_frames() {
    let mut link = link(3, UNBOUNDED);
    // 8 bits at 3 bits per second.
    assert_eq!(send(&mut link, 0, 1), Some(2_666_666_667));
    link.set(LinkSettings {
        rate: NonZeroU64::new(8_000_000_000),
        queue: UNBOUNDED,
        ..LinkSettings::UNLIMITED
    });
    assert_eq!(send(&mut link, 0, 1), Some(2_666_666_668));
}

#[test]
fn queue_drops_frames_that_do_not_fit() {
    for queue in [Queue::DropTail { bytes: 200 }, Queue::Marking { bytes: 200, threshold: 0 }] {
        let mut link = link(100_000_000, queue);
        assert_eq!(send(&mut link, 0, 1_000), Some(80_000), "an idle link drops a frame");
        assert_eq!(send(&mut link, 0, 201), None, "the queue exceeds its capacity");
        assert_eq!(send(&mut link, 0, 150), Some(92_000));
        assert_eq!(send(&mut link, 0, 51), None, "the queue exceeds its capacity");
        assert_eq!(send(&mut link, 0, 50), Some(96_000));
        assert_eq!(send(&mut link, 79_999, 1), None, "a frame in transmission still waits");
        // The transmission of the second frame starts.
        assert_eq!(send(&mut link, 80_000, 150), Some(108_000));
        let counters = link.counters();
        assert_eq!((counters.frames, counters.bytes, counters.queue_full), (4, 1_350, 3));
    }
}

#[test]
fn link_without_queue_is_ready_after_its_transmission() {
    let mut link = link(100_000_000, Queue::Backpressure);
    assert!(link.ready_at() <= Some(at(0)));
    send(&mut link, 1_000, 100);
    assert_eq!(link.ready_at(), Some(at(9_000)));
    assert_eq!(send(&mut link, 1_000, 100), Some(17_000), "a frame of a script is dropped");
    link.set(LinkSettings { queue: UNBOUNDED, ..link.settings });
    assert_eq!(link.ready_at(), None);
}

#[test]
fn datagrams_above_threshold_are_marked() {
    let mut link = link(100_000_000, Queue::Marking { bytes: 1_000, threshold: 68 });
    // The first frame is in transmission, and four frames wait.
    let marks = [0b10, 0b10, 0b01, 0b10, 0b10, 0b00, 0b11].map(|ecn| {
        let mut frame = datagram(ecn);
        link.transmit(at(0), &mut frame, Offload::default()).unwrap();
        frame[15]
    });
    assert_eq!(marks, [0b10, 0b10, 0b01, 0b10, 0b11, 0b00, 0b11]);
    assert_eq!((link.counters().marked, link.counters().queue_full), (1, 0));
}

#[test]
fn copies_have_the_faults_of_their_number_on_the_link() {
    let faults = Faults { seed: 5, loss: 300_000, corruption: 300_000, ..Faults::NONE };
    let mut link = PortLink::new(LinkSettings { faults, ..LinkSettings::UNLIMITED });
    for number in 0..100 {
        assert_eq!(link.deliveries(60), faults.deliveries(number, 60), "{number}");
    }
}

fn arrivals() -> impl Strategy<Value = Vec<(u64, usize)>> {
    prop::collection::vec((0_u64..200_000, 0_usize..3_000), 1..60)
}

fn rates() -> impl Strategy<Value = u64> {
    prop_oneof![1_u64..100, 1_000_000_u64..100_000_000_000, Just(u64::MAX)]
}

proptest! {
    #[test]
    fn throughput_equals_the_rate(rate in rates(), lengths in prop::collection::vec(1_usize..70_000, 1..60), start in 0_u64..1_000) {
        let mut link = link(rate, UNBOUNDED);
        let ends: Vec<_> = lengths.iter().map(|length| send(&mut link, start, *length).unwrap()).collect();
        let mut bits = 0;
        for (length, end) in lengths.iter().zip(ends) {
            bits += u128::try_from(*length).unwrap() * 8;
            prop_assert_eq!(u128::from(end - start), (bits * 1_000_000_000).div_ceil(rate.into()));
        }
    }

    #[test]
    fn throughput_of_link_without_queue_equals_the_rate(rate in 1_000_000_u64..10_000_000_000, lengths in prop::collection::vec(1_usize..70_000, 1..60)) {
        let mut link = link(rate, Queue::Backpressure);
        for length in &lengths {
            let now = link.ready_at().unwrap();
            link.transmit(now, &mut vec![0; *length], Offload::default()).unwrap();
        }
        let bits = u128::try_from(lengths.iter().sum::<usize>()).unwrap() * 8;
        prop_assert_eq!(u128::from(link.ready_at().unwrap().as_nanos()), (bits * 1_000_000_000).div_ceil(rate.into()));
    }

    /// Compares a link with a model in units of a nanosecond divided by the rate.
    #[test]
    fn link_behaves_like_its_model(rate in 1_000_000_u64..100_000_000_000, capacity in 0_u64..20_000, arrivals in arrivals()) {
        let mut link = link(rate, Queue::DropTail { bytes: capacity });
        let unit = u128::from(rate);
        // Start and end of each transmission, and its length.
        let mut accepted: Vec<(u128, u128, u64)> = Vec::new();
        let (mut now, mut last, mut dropped) = (0, 0, 0);
        for (pause, length) in arrivals {
            now += pause;
            let bytes = u64::try_from(length).unwrap();
            let end = accepted.last().map_or(0, |(_, end, _)| *end);
            let start = if end.div_ceil(unit) < now.into() { u128::from(now) * unit } else { end };
            let is_waiting = |start: u128| start.div_ceil(unit) > now.into();
            let waiting: u64 = accepted.iter().filter(|(start, ..)| is_waiting(*start)).map(|(.., bytes)| bytes).sum();
            let expected = (!is_waiting(start) || waiting + bytes <= capacity).then(|| {
                let end = start + u128::from(bytes) * 8_000_000_000;
                accepted.push((start, end, bytes));
                u64::try_from(end.div_ceil(unit)).unwrap()
            });
            let end = send(&mut link, now, length);
            prop_assert_eq!(end, expected);
            prop_assert!(link.waiting_bytes <= capacity, "the queue exceeds its capacity");
            dropped += u64::from(end.is_none());
            if let Some(end) = end {
                prop_assert!(end >= last && end >= now, "a frame overtakes an earlier frame");
                last = end;
            }
        }
        let counters = link.counters();
        prop_assert_eq!(counters.frames, u64::try_from(accepted.len()).unwrap());
        prop_assert_eq!(counters.bytes, accepted.iter().map(|(.., bytes)| bytes).sum::<u64>());
        prop_assert_eq!(counters.queue_full, dropped);
    }

    #[test]
    fn segmented_frame_takes_the_time_of_its_segments(
        rate in 1_000_000_u64..100_000_000_000,
        payload in 0_usize..64_000,
        size in 1_u16..9_000,
        header in 42_u16..100,
    ) {
        let segmentation = Segmentation { kind: SegmentationKind::TcpV4, size, header, cwr: false };
        let offload = Offload { segmentation: Some(segmentation), ..Offload::default() };
        let (mut whole, mut cut) = (link(rate, UNBOUNDED), link(rate, UNBOUNDED));
        let header = usize::from(header);
        whole.transmit(at(0), &mut vec![0; header + payload], offload).unwrap();
        for part in vec![0; payload].chunks(size.into()) {
            send(&mut cut, 0, header + part.len());
        }
        if payload == 0 {
            send(&mut cut, 0, header);
        }
        prop_assert_eq!(whole.end.ceil(), cut.end.ceil());
        prop_assert_eq!(whole.counters().bytes, cut.counters().bytes);
    }

    #[test]
    fn marking_depends_on_the_waiting_bytes_at_arrival(
        rate in 1_000_000_u64..100_000_000,
        threshold in 0_u64..2_000,
        arrivals in prop::collection::vec((0_u64..10_000, 0_u8..4), 1..100),
    ) {
        let mut marking = link(rate, Queue::Marking { bytes: 1_500, threshold });
        let mut plain = link(rate, Queue::DropTail { bytes: 1_500 });
        let (mut now, mut marked) = (0, 0);
        for (pause, ecn) in arrivals {
            now += pause;
            let mut frame = datagram(ecn);
            let end = marking.transmit(at(now), &mut frame, Offload::default());
            prop_assert_eq!(end, plain.transmit(at(now), &mut datagram(ecn), Offload::default()), "marking changes the time");
            // The queue includes the frame itself if it waits.
            let before = marking.waiting_bytes.saturating_sub(34);
            let is_marked = end.is_some() && before > threshold && matches!(ecn, 1 | 2);
            prop_assert_eq!(frame[15], if is_marked { 3 } else { ecn });
            marked += u64::from(is_marked);
        }
        prop_assert_eq!(marking.counters().marked, marked);
    }
}
