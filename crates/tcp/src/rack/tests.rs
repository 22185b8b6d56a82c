use std::ops::Range;

use super::*;
use crate::DeliveryRate;

const MS: Duration = Duration::from_millis(1);

/// Length of a segment.
const FULL: u32 = 1_000;

/// Circumstances without a loss.
const CALM: Circumstances =
    Circumstances { smoothed_rtt: Some(Duration::from_millis(50)), is_recovering: false, sacked_segments: 1 };

/// Segments of 1,000 bytes, by their numbers.
struct Rig {
    rack: Rack,
    scoreboard: Scoreboard,
    now: Instant,
    next: u32,
    echo: Option<u32>,
}

fn number(segment: u32) -> SequenceNumber {
    SequenceNumber::new((u32::MAX - 2_500).wrapping_add(segment * FULL))
}

fn range(segment: u32) -> Range<SequenceNumber> {
    number(segment)..number(segment + 1)
}

impl Rig {
    /// Creates a sender with a minimum RTT of 40 ms, and segments that were sent a millisecond apart.
    fn new(segments: u32) -> Rig {
        let now = Instant::from_nanos(1_000_000_000);
        let mut rack = Rack::new(now, number(0));
        rack.sample(now, 40 * MS);
        let mut rig = Rig { rack, scoreboard: Scoreboard::new(), now, next: 0, echo: None };
        for _ in 0..segments {
            rig.send();
            rig.now = rig.now + MS;
        }
        rig
    }

    fn send(&mut self) {
        let mark = DeliveryRate::new(self.now, 0).sent(self.now, 1);
        self.scoreboard.sent(&range(self.next), mark, FULL, 1, false);
        self.next += 1;
    }

    fn send_again(&mut self, segment: u32) {
        let mark = DeliveryRate::new(self.now, 0).sent(self.now, 1);
        self.scoreboard.sent_again(&range(segment), mark);
    }

    /// The peer has received a segment, 40 ms after its transmission.
    fn sack(&mut self, segment: u32) {
        self.now = self.now.max(Instant::from_nanos(1_040_000_000) + MS * segment);
        let time = AckTime { now: self.now, echo: self.echo, offset: 0 };
        let Range { start, end } = range(segment);
        self.scoreboard.sack(SackBlock { start, end }, |sent| self.rack.delivered(&time, sent));
        self.rack.acknowledged(number(0), number(self.next), false);
    }

    /// Returns the number of lost segments, and the time until the next segment is lost.
    fn detect(&mut self, circumstances: &Circumstances) -> (u32, Option<Duration>) {
        let (lost, next) = self.rack.detect(self.now, &mut self.scoreboard, circumstances);
        (lost / FULL, next.map(|next| next.since(self.now)))
    }

    fn report_duplicate(&mut self, unacknowledged: u32) {
        self.rack.acknowledged(number(unacknowledged), number(self.next), true);
    }

    fn window(&self, circumstances: &Circumstances) -> Duration {
        self.rack.reordering_window(circumstances)
    }
}

// proves: rfc8985-lost, rfc8985-reordering-timer, rfc8985-transmit
#[test]
fn segment_is_lost_after_the_reordering_window() {
    let mut rig = Rig::new(5);
    assert_eq!(rig.detect(&CALM), (0, None), "a loss without a delivery");
    rig.sack(2);
    // Segment 2 arrived after 40 ms, and segment 0 was sent 2 ms before it.
    assert_eq!(rig.detect(&CALM), (0, Some(8 * MS)));
    rig.now = rig.now + 7 * MS;
    assert_eq!(rig.detect(&CALM), (0, Some(MS)));
    rig.now = rig.now + MS;
    assert_eq!(rig.detect(&CALM), (1, Some(MS)));
    rig.now = rig.now + 10 * MS;
    assert_eq!(rig.detect(&CALM), (1, None), "segments that were sent later are lost");
}

// proves: rfc8985-window
#[test]
fn window_is_zero_in_a_recovery_or_with_three_segments_unless_reordering_was_seen() {
    let mut rig = Rig::new(8);
    rig.sack(5);
    assert_eq!(rig.window(&CALM), 10 * MS);
    let three = Circumstances { sacked_segments: 3, ..CALM };
    let recovering = Circumstances { is_recovering: true, ..CALM };
    assert_eq!([rig.window(&three), rig.window(&recovering)], [Duration::ZERO; 2]);
    assert_eq!(rig.detect(&Circumstances { sacked_segments: 2, ..CALM }), (0, Some(5 * MS)));
    assert_eq!(rig.detect(&three), (5, None));
    // Segment 3 was not sent again, and arrives after segment 5.
    rig.sack(3);
    assert_eq!((rig.rack.reorderings(), rig.rack.reordering()), (1, 3 * FULL));
    assert_eq!([rig.window(&three), rig.window(&recovering)], [10 * MS; 2]);
}

// proves: rfc8985-reordering
#[test]
fn retransmission_that_arrives_late_is_no_reordering() {
    let mut rig = Rig::new(8);
    rig.sack(5);
    rig.sack(6);
    assert_eq!(rig.rack.reorderings(), 0);
    rig.send_again(0);
    rig.now = rig.now + 50 * MS;
    rig.sack(0);
    assert_eq!(rig.rack.reorderings(), 0);
}

// proves: rfc8985-newest
#[test]
fn acknowledgment_of_another_transmission_is_ignored() {
    for (elapsed, echo, is_counted) in [
        (39, None, false),
        (40, None, true),
        // Timestamps are milliseconds: the retransmission was sent at 1,048.
        (40, Some(1_047), false),
        (40, Some(1_048), true),
    ] {
        let mut rig = Rig::new(8);
        rig.sack(7);
        rig.now = Instant::from_nanos(1_048_000_000);
        rig.send_again(1);
        rig.send();
        rig.now = rig.now + elapsed * MS;
        rig.echo = echo;
        rig.sack(1);
        assert_eq!(
            rig.rack.sent_at == Instant::from_nanos(1_048_000_000),
            is_counted,
            "{elapsed} ms, {echo:?}"
        );
    }
}

// proves: rfc8985-ties
#[test]
fn segments_of_one_turn_are_ordered_by_sequence() {
    let mut rig = Rig::new(0);
    for _ in 0..5 {
        rig.send();
    }
    rig.now = rig.now + 40 * MS;
    rig.sack(2);
    assert_eq!(rig.detect(&Circumstances { sacked_segments: 3, ..CALM }), (2, None));
    assert_eq!(rig.scoreboard.pipe(), 2 * FULL, "segments behind the delivered one are lost");
}

// proves: rfc8985-duplicate-rounds, rfc8985-persistence
#[test]
fn reports_of_duplicates_widen_the_window_once_in_a_round_trip() {
    let mut rig = Rig::new(8);
    rig.rack.reordered();
    assert_eq!(rig.window(&CALM), 10 * MS);
    rig.report_duplicate(0);
    rig.report_duplicate(1);
    assert_eq!(rig.window(&CALM), 20 * MS);
    rig.report_duplicate(8);
    assert_eq!(rig.window(&CALM), 30 * MS);
    for _ in 0..100 {
        rig.send();
        rig.report_duplicate(rig.next);
    }
    assert_eq!(rig.window(&CALM), 50 * MS, "the window exceeds the smoothed RTT");
    for _ in 0..15 {
        rig.rack.recovered();
    }
    assert_eq!(rig.window(&CALM), 50 * MS);
    rig.rack.recovered();
    assert_eq!(rig.window(&CALM), 10 * MS);
}

#[test]
fn window_is_not_shorter_than_a_turn() {
    let mut rig = Rig::new(2);
    rig.rack.sample(rig.now, Duration::from_micros(20));
    let near = Circumstances { smoothed_rtt: Some(Duration::from_micros(20)), ..CALM };
    assert_eq!(rig.window(&near), LONGEST_TURN);
}

// proves: rfc8985-timeout
#[test]
fn timeout_loses_the_first_segment_and_those_that_are_overdue() {
    let mut rig = Rig::new(4);
    rig.now = rig.now + 20 * MS;
    rig.sack(3);
    rig.send_again(0);
    rig.rack.detect_at_timeout(rig.now, &mut rig.scoreboard, &CALM);
    assert_eq!(rig.scoreboard.lost_bytes(), FULL, "young segments are lost");
    let mut rig = Rig::new(4);
    rig.sack(0);
    rig.send();
    rig.now = rig.now + 30 * MS;
    rig.rack.detect_at_timeout(rig.now, &mut rig.scoreboard, &CALM);
    assert_eq!((rig.scoreboard.lost_bytes(), rig.scoreboard.pipe()), (3 * FULL, FULL));
}

// proves: rfc8985-minimum-rtt
#[test]
fn minimum_rtt_adapts_to_a_longer_path() {
    let mut rig = Rig::new(0);
    for _ in 0..5 {
        rig.now = rig.now + Duration::from_mins(1);
        rig.rack.sample(rig.now, 100 * MS);
    }
    assert_eq!(rig.rack.minimum_rtt.get(), Some(100 * MS));
    rig.rack.sample(rig.now, 30 * MS);
    assert_eq!(rig.rack.minimum_rtt.get(), Some(30 * MS));
    for _ in 0..2 {
        rig.rack.sample(rig.now, 100 * MS);
        assert_eq!(rig.rack.minimum_rtt.get(), Some(30 * MS), "a longer RTT replaced the minimum at once");
    }
}

// proves: rfc2883-sender
#[test]
fn first_block_below_the_acknowledgment_or_in_the_second_block_reports_a_duplicate() {
    let block = |start, end| SackBlock { start: SequenceNumber::new(start), end: SequenceNumber::new(end) };
    let is_duplicate = |blocks: &[SackBlock]| duplicate_block(SequenceNumber::new(5_000), blocks).is_some();
    assert!(is_duplicate(&[block(4_000, 5_000)]));
    assert!(is_duplicate(&[block(7_000, 8_000), block(6_000, 9_000)]));
    assert!(!is_duplicate(&[]) && !is_duplicate(&[block(6_000, 7_000)]));
    assert!(!is_duplicate(&[block(4_500, 5_500)]) && !is_duplicate(&[block(5_000, 4_000)]));
    assert!(!is_duplicate(&[block(6_000, 9_000), block(7_000, 8_000)]));
    assert!(!is_duplicate(&[block(7_000, 8_000), block(9_000, 9_500), block(6_000, 9_000)]));
}

// proves: tcp-sack-cost
#[test]
fn acknowledgment_visits_few_of_the_segments_of_a_turn() {
    let mut rig = Rig::new(0);
    for _ in 0..512 {
        rig.send();
    }
    rig.now = rig.now + 40 * MS;
    let before = rig.scoreboard.visits();
    let time = AckTime { now: rig.now, echo: None, offset: 0 };
    let rack = &mut rig.rack;
    rig.scoreboard.acknowledge(number(2), |sent| rack.delivered(&time, sent));
    rack.acknowledged(number(2), number(512), false);
    assert_eq!(rack.detect(rig.now, &mut rig.scoreboard, &CALM), (0, None));
    let visits = rig.scoreboard.visits() - before;
    assert!(visits < 10, "{visits} visits");
}

#[test]
fn records_keep_the_order_of_their_transmissions_after_an_undone_timeout() {
    let mut rig = Rig::new(4);
    rig.send_again(0);
    rig.now = rig.now + Duration::from_secs(1);
    rig.rack.detect_at_timeout(rig.now, &mut rig.scoreboard, &CALM);
    assert_eq!(rig.scoreboard.pipe(), 0, "a segment is not lost");
    rig.scoreboard.restore();
    let mut times = Vec::new();
    rig.scoreboard.lose(|sent| {
        times.push(sent.mark.sent_at());
        Verdict::Wait
    });
    assert_eq!(times.len(), 4);
    assert!(times.is_sorted(), "{times:?}");
}
