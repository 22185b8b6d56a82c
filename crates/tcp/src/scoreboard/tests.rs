use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::DeliveryRate;

/// Length of a full segment.
const FULL: u32 = 1_000;

/// A scoreboard with sequence numbers relative to an initial one.
struct Rig {
    scoreboard: Scoreboard,
    initial: SequenceNumber,
    next: u32,
    now: Instant,
}

impl Rig {
    fn new() -> Rig {
        let now = Instant::from_nanos(1_000_000_000);
        Rig { scoreboard: Scoreboard::new(), initial: SequenceNumber::new(u32::MAX - 5_000), next: 0, now }
    }

    /// Creates a scoreboard with full segments, which were sent a millisecond apart.
    fn with_segments(segments: u32) -> Rig {
        let mut rig = Rig::new();
        for _ in 0..segments {
            rig.send(FULL);
        }
        rig
    }

    fn mark(&self) -> SentMark {
        DeliveryRate::new(self.now, 0).sent(self.now, 1)
    }

    fn range(&self, start: u32, end: u32) -> Range<SequenceNumber> {
        self.initial.plus(start)..self.initial.plus(end)
    }

    fn send(&mut self, length: u32) {
        self.send_after(Duration::from_millis(1), length);
    }

    fn send_after(&mut self, time: Duration, length: u32) {
        self.now = self.now + time;
        let range = self.range(self.next, self.next + length);
        self.scoreboard.sent(&range, self.mark(), FULL, 1, false);
        self.next += length;
    }

    /// Sends full segments in one frame.
    fn send_together(&mut self, segments: u32) {
        self.now = self.now + Duration::from_millis(1);
        let range = self.range(self.next, self.next + segments * FULL);
        self.scoreboard.sent(&range, self.mark(), FULL, segments, false);
        self.next += segments * FULL;
    }

    fn send_again(&mut self, start: u32, end: u32) -> bool {
        self.now = self.now + Duration::from_millis(1);
        self.scoreboard.sent_again(&self.range(start, end), self.mark())
    }

    /// Returns the newly delivered bytes, and whether the whole block was recorded.
    fn sack(&mut self, start: u32, end: u32) -> (u32, bool) {
        let Range { start, end } = self.range(start, end);
        self.scoreboard.sack(SackBlock { start, end }, |_| {})
    }

    fn acknowledge(&mut self, acknowledgment: u32) -> u32 {
        self.scoreboard.acknowledge(self.initial.plus(acknowledgment), |_| {})
    }

    /// Marks all segments as lost that were sent before a time.
    fn lose_before(&mut self, time: Instant) {
        self.scoreboard.lose(
            |sent| {
                if sent.mark.sent_at() < time { Verdict::Lost } else { Verdict::WaitForAll }
            },
        );
    }

    fn next_lost(&self, limit: u32) -> Option<(u32, u32)> {
        let range = self.scoreboard.next_lost(limit)?;
        Some((range.start.distance_from(self.initial), range.end.distance_from(self.initial)))
    }

    /// Bytes in the network, lost, and selectively acknowledged.
    fn bytes(&self) -> (u32, u32, u32) {
        (self.scoreboard.pipe(), self.scoreboard.lost_bytes(), self.scoreboard.sacked_bytes())
    }
}

// proves: rfc2018-scoreboard
#[test]
fn selectively_acknowledged_segments_leave_the_network() {
    let mut rig = Rig::with_segments(10);
    assert_eq!(rig.sack(3_000, 5_000), (2_000, true));
    assert_eq!(rig.sack(3_000, 6_000), (1_000, true), "known data is delivered again");
    assert_eq!(rig.sack(8_000, 10_000), (2_000, true));
    assert_eq!((rig.bytes(), rig.scoreboard.sacked_segments()), ((5_000, 0, 5_000), 5));
    // An acknowledgment delivers only what no block has delivered.
    assert_eq!(rig.acknowledge(6_000), 3_000);
    assert_eq!(rig.bytes(), (2_000, 0, 2_000));
    assert_eq!(rig.acknowledge(10_000), 2_000);
    assert_eq!((rig.bytes(), rig.scoreboard.order.len()), ((0, 0, 0), 0));
}

#[test]
fn edge_of_a_block_divides_a_segment() {
    let mut rig = Rig::with_segments(3);
    assert_eq!(rig.sack(1_300, 1_700), (400, true));
    assert_eq!(rig.sack(2_500, 3_000), (500, true));
    assert_eq!((rig.bytes(), rig.scoreboard.order.len()), ((2_100, 0, 900), 6));
    assert_eq!(rig.sack(1_000, 3_000), (1_100, true));
    assert_eq!((rig.bytes(), rig.scoreboard.order.len()), ((1_000, 0, 2_000), 2));
}

#[test]
fn acknowledgment_of_a_part_keeps_the_rest() {
    let mut rig = Rig::with_segments(2);
    let mut delivered = 0;
    assert_eq!(rig.scoreboard.acknowledge(rig.initial.plus(400), |_| delivered += 1), 400);
    assert_eq!((rig.bytes(), delivered), ((1_600, 0, 0), 0));
    assert_eq!(rig.scoreboard.acknowledge(rig.initial.plus(1_500), |_| delivered += 1), 1_100);
    assert_eq!((rig.bytes(), delivered), ((500, 0, 0), 1));
}

#[test]
fn lost_segments_are_sent_again_from_the_first_unacknowledged_one() {
    let mut rig = Rig::with_segments(6);
    rig.sack(3_000, 4_000);
    rig.lose_before(rig.now);
    assert_eq!(rig.bytes(), (1_000, 4_000, 1_000));
    assert_eq!(rig.next_lost(1_400), Some((0, 1_400)), "a segment is divided");
    assert!(!rig.send_again(0, 1_400));
    assert_eq!(rig.next_lost(9_000), Some((1_400, 3_000)), "a segment contains acknowledged data");
    assert!(!rig.send_again(1_400, 3_000));
    assert_eq!(rig.next_lost(9_000), Some((4_000, 5_000)));
    assert!(!rig.send_again(4_000, 5_000));
    assert_eq!((rig.next_lost(9_000), rig.bytes()), (None, (5_000, 0, 1_000)));
    // The first retransmission is lost, too, and so is new data before it in time.
    rig.scoreboard.lose(|_| Verdict::Lost);
    assert_eq!(rig.next_lost(500), Some((0, 500)));
    assert!(rig.send_again(0, 500), "the second retransmission is not the first");
}

#[test]
fn segments_that_were_not_lost_return_to_their_order() {
    let mut rig = Rig::with_segments(5);
    let third = Instant::from_nanos(1_004_000_000);
    rig.lose_before(third);
    rig.send_again(0, 1_000);
    assert_eq!((rig.bytes(), rig.scoreboard.retransmitted()), ((3_000, 2_000, 0), 1));
    rig.acknowledge(1_000);
    rig.scoreboard.restore();
    assert_eq!((rig.bytes(), rig.scoreboard.retransmitted()), ((4_000, 0, 0), 0));
    let mut ends = Vec::new();
    rig.scoreboard.lose(|sent| {
        ends.push(sent.end.distance_from(rig.initial));
        Verdict::Wait
    });
    assert_eq!(ends, [2_000, 3_000, 4_000, 5_000]);
}

// proves: rfc2018-reneged
#[test]
fn discarded_data_is_lost() {
    let mut rig = Rig::with_segments(4);
    rig.sack(1_000, 3_000);
    assert!(!rig.scoreboard.is_first_sacked());
    rig.acknowledge(1_000);
    assert!(rig.scoreboard.is_first_sacked());
    rig.scoreboard.forget_sacked();
    assert_eq!(rig.bytes(), (1_000, 2_000, 0));
    assert_eq!(rig.next_lost(1_000), Some((1_000, 2_000)));
}

// proves: tcp-records-bound
#[test]
fn number_of_records_is_bounded_whatever_the_peer_selects() {
    let mut rig = Rig::with_segments(100);
    let limit = 16 + 2 * 100;
    let ignored = (0..50_000).filter(|position| !rig.sack(2 * position, 2 * position + 1).1).count();
    assert!(rig.scoreboard.order.len() <= limit, "{} records", rig.scoreboard.order.len());
    assert!(ignored > 49_000, "{ignored} blocks were ignored");
    assert!(rig.scoreboard.is_consistent());
    assert_eq!(rig.acknowledge(100_000) + rig.bytes().2, 100_000 - u32::try_from(50_000 - ignored).unwrap());
}

// proves: tcp-records-bound
#[test]
fn tiny_segments_share_records() {
    let mut rig = Rig::new();
    for _ in 0..5_000 {
        rig.send(1);
    }
    assert!(rig.scoreboard.order.len() <= 16 + 10, "{} records", rig.scoreboard.order.len());
    assert_eq!(rig.bytes(), (5_000, 0, 0));
    while !rig.scoreboard.is_full() {
        rig.send(FULL);
    }
    assert_eq!(rig.scoreboard.order.len(), 16_384);
}

// proves: tcp-records-bound
#[test]
fn segments_that_are_sent_together_share_records_if_the_records_are_many() {
    let mut rig = Rig::with_segments(4_096);
    let records = |rig: &Rig| rig.scoreboard.order.len();
    for _ in 1..16 {
        rig.send_after(LONGEST_TURN / 15, FULL);
    }
    assert_eq!(records(&rig), 4_096);
    rig.send_after(Duration::ZERO, FULL);
    assert_eq!(records(&rig), 4_097, "a record has more than 16 segments");
    rig.send_after(LONGEST_TURN + Duration::from_nanos(1), FULL);
    assert_eq!(records(&rig), 4_098, "segments that are not sent together share a record");
    // The peer has received three segments of a shared record.
    let start = 4_095 * FULL;
    assert_eq!(rig.sack(start + 2 * FULL, start + 5 * FULL), (3_000, true));
    assert_eq!((records(&rig), rig.scoreboard.sacked_segments()), (4_100, 3));
    // The segments before and behind them are lost.
    rig.acknowledge(start);
    rig.lose_before(Instant::from_nanos(rig.now.as_nanos() - 250_000));
    assert_eq!((rig.bytes(), rig.scoreboard.lost_segments()), ((1_000, 14_000, 3_000), 14));
    assert_eq!(rig.next_lost(FULL), Some((start, start + FULL)));
    assert!(!rig.send_again(start, start + FULL));
    assert_eq!((rig.bytes(), rig.scoreboard.lost_segments()), ((2_000, 13_000, 3_000), 13));
}

// proves: tcp-records-bound
#[test]
fn segments_on_both_sides_of_a_retransmission_have_separate_records() {
    let mut rig = Rig::with_segments(4_096);
    rig.scoreboard.lose_first();
    rig.send_again(0, FULL);
    rig.send_after(Duration::ZERO, FULL);
    assert_eq!(rig.scoreboard.order.len(), 4_097);
    rig.scoreboard.lose_first();
    rig.scoreboard.sent_again(&rig.range(0, FULL), rig.mark());
    rig.send_after(Duration::ZERO, FULL);
    assert_eq!(rig.scoreboard.order.len(), 4_098);
}

// proves: tcp-records-bound
#[test]
fn bound_on_records_permits_a_large_flight() {
    let mut rig = Rig::with_segments(4_096);
    while !rig.scoreboard.is_full() {
        rig.send_after(Duration::from_micros(10), FULL);
    }
    // The last record has one segment.
    assert_eq!(rig.bytes().0, (4_095 + 12_288 * 16 + 1) * FULL);
}

// proves: tcp-sack-cost
#[test]
fn cost_of_an_acknowledgment_does_not_grow_with_known_data() {
    // SegmentSmack: each acknowledgment repeats all blocks, and adds one segment.
    let mut rig = Rig::with_segments(4_000);
    for segment in 2..4_000 {
        let before = rig.scoreboard.visits;
        rig.sack(1_000, segment * FULL);
        let visits = rig.scoreboard.visits - before;
        assert!(visits < 12, "{visits} visits for segment {segment}");
    }
    // Each second segment, and then the segments between them in descending order.
    let mut rig = Rig::with_segments(4_000);
    for segment in (1..4_000).step_by(2).chain((2..3_998).step_by(2).rev()) {
        let before = rig.scoreboard.visits;
        rig.sack(segment * FULL, (segment + 1) * FULL);
        let visits = rig.scoreboard.visits - before;
        assert!(visits < 12, "{visits} visits for segment {segment}");
    }
    assert_eq!(rig.bytes().2, 3_998_000);
    // One segment stays in the network, so that the detection of losses visits one record.
    let before = rig.scoreboard.visits;
    rig.scoreboard.lose(|_| Verdict::Wait);
    assert_eq!(rig.scoreboard.visits - before, 2);
}

/// State of a byte in the model.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Model {
    InFlight(Instant),
    Lost,
    Sacked,
}

#[derive(Clone, Copy, Debug)]
enum Operation {
    Send(u32),
    Sack(u32, u32),
    Acknowledge(u32),
    LoseBefore(u64),
    SendAgain(u32),
    Restore,
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        4 => (1_u32..=FULL).prop_map(Operation::Send),
        4 => (0_u32..30_000, 1_u32..3_000).prop_map(|(start, length)| Operation::Sack(start, length)),
        1 => (0_u32..3_000).prop_map(Operation::Acknowledge),
        2 => (0_u64..20).prop_map(Operation::LoseBefore),
        3 => (1_u32..2 * FULL).prop_map(Operation::SendAgain),
        1 => Just(Operation::Restore),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn sums_equal_those_of_a_model_of_bytes(operations in prop::collection::vec(operation(), 0..60)) {
        let mut rig = Rig::new();
        let mut bytes: Vec<Model> = Vec::new();
        let mut first = 0;
        for operation in operations {
            let model = |position: u32| usize::try_from(position).expect("the position is small");
            match operation {
                Operation::Send(length) => {
                    rig.send(length);
                    bytes.resize(model(rig.next), Model::InFlight(rig.now));
                }
                Operation::Sack(start, length) => {
                    let start = (first + start % (rig.next - first).max(1)).min(rig.next);
                    let end = (start + length).min(rig.next);
                    if start < end {
                        let (delivered, is_complete) = rig.sack(start, end);
                        let block = &mut bytes[model(start)..model(end)];
                        let new = block.iter().filter(|byte| **byte != Model::Sacked).count();
                        // The model has no bound.
                        if !is_complete {
                            return Ok(());
                        }
                        prop_assert_eq!(model(delivered), new);
                        block.fill(Model::Sacked);
                    }
                }
                Operation::Acknowledge(length) => {
                    let end = (first + length).min(rig.next);
                    let new = &bytes[model(first)..model(end)];
                    let new = new.iter().filter(|byte| **byte != Model::Sacked).count();
                    prop_assert_eq!(model(rig.acknowledge(end)), new);
                    first = end;
                }
                Operation::LoseBefore(milliseconds) => {
                    let time = Instant::from_nanos(rig.now.as_nanos() - milliseconds * 1_000_000);
                    rig.lose_before(time);
                    for byte in &mut bytes[model(first)..] {
                        if matches!(byte, Model::InFlight(sent_at) if *sent_at < time) {
                            *byte = Model::Lost;
                        }
                    }
                }
                Operation::SendAgain(limit) => {
                    let lost = rig.next_lost(limit);
                    let is_lost = bytes[model(first)..].contains(&Model::Lost);
                    prop_assert_eq!(lost.is_some(), is_lost, "lost bytes are not found");
                    if let Some((start, end)) = lost {
                        prop_assert!(end - start <= limit);
                        let range = &mut bytes[model(start)..model(end)];
                        prop_assert!(range.iter().all(|byte| *byte == Model::Lost), "other bytes are lost");
                        rig.send_again(start, end);
                        range.fill(Model::InFlight(rig.now));
                    }
                }
                Operation::Restore => {
                    rig.scoreboard.restore();
                    for byte in &mut bytes[model(first)..] {
                        if *byte == Model::Lost {
                            // The time of the last transmission is not known to the model, and is before all others.
                            *byte = Model::InFlight(Instant::ORIGIN);
                        }
                    }
                    // Nothing is compared with times after that.
                    let all = |byte: &&Model| matches!(byte, Model::InFlight(_));
                    prop_assert_eq!(model(rig.bytes().0), bytes[model(first)..].iter().filter(all).count());
                    return Ok(());
                }
            }
            let count = |state: fn(&Model) -> bool| bytes[model(first)..].iter().filter(|byte| state(byte)).count();
            let sums = (
                count(|byte| matches!(byte, Model::InFlight(_))),
                count(|byte| *byte == Model::Lost),
                count(|byte| *byte == Model::Sacked),
            );
            let (pipe, lost, sacked) = rig.bytes();
            prop_assert_eq!((model(pipe), model(lost), model(sacked)), sums);
            prop_assert!(rig.scoreboard.is_consistent(), "{:?}", rig.scoreboard);
        }
    }
}

#[test]
fn tiny_segments_share_only_a_record_of_their_kind() {
    let full = || {
        let mut rig = Rig::new();
        for count in 1..=16 {
            rig.send(1);
            assert_eq!(rig.scoreboard.order.len(), count, "few segments share a record");
        }
        rig
    };
    let mut rig = full();
    rig.send(1);
    assert_eq!((rig.scoreboard.order.len(), rig.bytes()), (16, (17, 0, 0)));
    rig.send(FULL);
    assert_eq!(rig.scoreboard.order.len(), 17, "a record is longer than a full segment");
    let mut rig = full();
    rig.scoreboard.lose(|_| Verdict::Lost);
    rig.send(1);
    assert_eq!(rig.bytes(), (1, 16, 0), "a new segment is lost");
    let mut rig = full();
    rig.scoreboard.lose(|_| Verdict::Lost);
    rig.send_again(15, 16);
    rig.send(1);
    assert_eq!((rig.scoreboard.order.len(), rig.bytes()), (17, (2, 15, 0)), "a new segment was sent again");
}

#[test]
fn retransmission_can_begin_and_end_within_a_segment() {
    let mut rig = Rig::with_segments(3);
    rig.scoreboard.lose(|_| Verdict::Lost);
    assert!(!rig.send_again(1_300, 1_700));
    assert_eq!((rig.bytes(), rig.scoreboard.order.len()), ((400, 2_600, 0), 5));
    assert_eq!(rig.next_lost(9_000), Some((0, 1_300)));
    assert!(rig.send_again(1_500, 1_600), "the retransmission is not repeated");
}

#[test]
fn probe_of_the_window_makes_the_first_segment_a_retransmission() {
    let mut rig = Rig::with_segments(2);
    rig.scoreboard.probed();
    rig.scoreboard.probed();
    assert_eq!(rig.scoreboard.retransmitted(), 1);
    let mut delivered = Vec::new();
    rig.scoreboard.acknowledge(rig.initial.plus(2_000), |sent| delivered.push(sent.is_retransmitted));
    assert_eq!(delivered, [true, false]);
    // A segment that is lost is not in the network.
    let mut rig = Rig::with_segments(2);
    rig.scoreboard.lose_first();
    rig.scoreboard.probed();
    assert_eq!(rig.scoreboard.retransmitted(), 0);
    Rig::new().scoreboard.probed();
}

#[test]
fn selected_neighbors_become_one_record() {
    let mut rig = Rig::with_segments(10);
    for (start, records) in [(2_000, 10), (3_000, 9), (7_000, 9), (6_000, 8), (5_000, 7), (4_000, 5)] {
        rig.sack(start, start + 1_000);
        assert_eq!(rig.scoreboard.order.len(), records, "after the segment at {start}");
    }
    assert_eq!((rig.bytes(), rig.scoreboard.sacked_segments()), ((4_000, 0, 6_000), 6));
}

#[test]
fn data_that_the_peer_discards_stays_a_retransmission() {
    for again in [(1_000, 2_000), (2_000, 3_000)] {
        let mut rig = Rig::with_segments(3);
        rig.scoreboard.lose(|_| Verdict::Lost);
        rig.send_again(again.0, again.1);
        rig.sack(1_000, 2_000);
        rig.sack(2_000, 3_000);
        rig.scoreboard.forget_sacked();
        assert!(rig.send_again(1_000, 3_000), "the second retransmission is taken for the first");
    }
}

#[test]
fn first_segment_keeps_the_time_of_its_first_transmission() {
    let mut rig = Rig::new();
    assert_eq!(rig.scoreboard.first_sent(), None);
    rig.send(FULL);
    rig.send(FULL);
    let sent = rig.now;
    rig.acknowledge(1_000);
    rig.scoreboard.lose(|_| Verdict::Lost);
    rig.send_again(1_000, 2_000);
    assert_eq!(rig.scoreboard.first_sent(), Some(sent));
}

// proves: tcp-superframe-records
#[test]
fn parts_of_a_record_with_several_segments_are_delivered_and_lost() {
    let mut rig = Rig::new();
    rig.send_together(10);
    assert_eq!(rig.scoreboard.order.len(), 1, "the segments have several records");
    let mut delivered = Vec::new();
    let initial = rig.initial;
    let mut deliver = |sent: &Sent| {
        delivered.push((sent.start.distance_from(initial), sent.end.distance_from(initial), sent.segments));
    };
    // Two and a half segments, half a segment, and selected segments.
    assert_eq!(rig.scoreboard.acknowledge(rig.initial.plus(2_500), &mut deliver), 2_500);
    assert_eq!(rig.scoreboard.acknowledge(rig.initial.plus(3_000), &mut deliver), 500);
    let Range { start, end } = rig.range(5_000, 7_000);
    assert_eq!(rig.scoreboard.sack(SackBlock { start, end }, &mut deliver), (2_000, true));
    assert_eq!(delivered, [(0, 2_500, 2), (5_000, 7_000, 2)]);
    assert_eq!((rig.bytes(), rig.scoreboard.sacked_segments()), ((5_000, 0, 2_000), 2));
    assert_eq!(rig.scoreboard.order.len(), 3);
    // The lost part is sent again in segments.
    rig.lose_before(rig.now + Duration::from_millis(1));
    assert_eq!((rig.bytes(), rig.scoreboard.lost_segments()), ((0, 5_000, 2_000), 5));
    assert_eq!(rig.next_lost(FULL), Some((3_000, 4_000)));
    assert!(!rig.send_again(3_000, 4_000), "the segment was not sent again before");
    assert_eq!((rig.bytes(), rig.next_lost(FULL)), ((1_000, 4_000, 2_000), Some((4_000, 5_000))));
}

// proves: tcp-superframe-records
#[test]
fn first_and_last_segment_of_a_record_are_separate() {
    let mut rig = Rig::new();
    rig.send_together(10);
    rig.scoreboard.lose_first();
    assert_eq!((rig.bytes(), rig.scoreboard.lost_segments()), ((9_000, 1_000, 0), 1));
    assert_eq!(rig.scoreboard.last_segment(0), FULL);
    let mut rig = Rig::new();
    rig.send_together(2);
    rig.scoreboard.probed();
    let mut again = Vec::new();
    rig.scoreboard.acknowledge(rig.initial.plus(2_000), |sent| again.push(sent.is_retransmitted));
    assert_eq!(again, [true, false], "the probe of the first segment makes the second one a retransmission");
    // Two segments, the second of which has 300 bytes and a FIN.
    let mut rig = Rig::new();
    rig.scoreboard.sent(&rig.range(0, 1_301), rig.mark(), FULL, 2, false);
    assert_eq!(rig.scoreboard.last_segment(1), 300);
    let mut rig = Rig::new();
    rig.scoreboard.sent(&rig.range(0, 1), rig.mark(), FULL, 1, false);
    assert_eq!(rig.scoreboard.last_segment(1), 0, "a FIN is no data");
}
