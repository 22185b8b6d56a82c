//! Loss detection and recovery with selective acknowledgments.

use super::*;
use crate::{BufferSize, MAXIMUM_WINDOW, SackBlock, SackBlocks};

const MS: Duration = Duration::from_millis(1);

/// Round-trip time of the connections of this file.
const RTT: Duration = Duration::from_millis(100);

/// Data of a full segment without timestamps.
const SEGMENT: u32 = 1_460;

fn selective() -> TcpSettings {
    TcpSettings { sack: true, ..plain() }
}

/// Returns settings with a send buffer for more data than the congestion window.
fn buffered() -> TcpSettings {
    TcpSettings { send_buffer: BufferSize { initial: 1 << 20, maximum: 1 << 20 }, ..selective() }
}

/// Returns the first sequence number of a segment, and of the data after the last one.
fn start(segment: u32) -> u32 {
    1 + SEGMENT * segment
}

impl Rig {
    /// Creates a connection with SACK, and `segments` segments in flight since [`RTT`].
    fn in_flight(settings: &TcpSettings, segments: u32) -> Rig {
        let options = Options {
            maximum_segment_size: Some(1_460),
            sack_permitted: true,
            timestamps: settings.timestamps.then_some(Timestamps { value: 1, echo: 1_000 }),
            ..Options::default()
        };
        let mut rig = Rig::opening(settings, 1_000, 5_000);
        assert_eq!(rig.sent().flags, Flags::SYN, "the first segment is no SYN");
        rig.pass(RTT);
        rig.give(Given::new(Flags::SYN | Flags::ACK, 0, 1).options(options));
        let _ = rig.sent();
        let length = usize::try_from(segments * SEGMENT).expect("the data is short");
        rig.write(&pattern(length));
        let sent: usize = rig.sent_lengths().iter().sum();
        assert_eq!(sent, length, "the window is smaller than the data");
        rig.pass(RTT);
        rig
    }

    /// Receives an acknowledgment with selective acknowledgments of ranges of segments.
    fn select(&mut self, acknowledged: u32, ranges: &[(u32, u32)]) {
        let ranges: Vec<_> = ranges.iter().map(|(first, last)| (start(*first), start(*last))).collect();
        self.select_bytes(start(acknowledged), &ranges, None);
    }

    fn select_bytes(&mut self, acknowledgment: u32, ranges: &[(u32, u32)], timestamps: Option<(u32, u32)>) {
        let mut sack = SackBlocks::EMPTY;
        for (start, end) in ranges {
            sack.push(SackBlock { start: self.local.plus(*start), end: self.local.plus(*end) });
        }
        let timestamps = timestamps.map(|(value, echo)| Timestamps { value, echo });
        self.acknowledged = acknowledgment;
        let options = Options { timestamps, sack, ..Options::default() };
        self.give(Given::new(Flags::ACK, self.next, acknowledgment).options(options));
    }

    /// Returns the numbers of the segments that the connection sends now.
    fn sent_segments(&mut self) -> Vec<u32> {
        let number = |sent: Sent| {
            assert_eq!((sent.sequence - 1) % SEGMENT, 0, "a segment begins within another one: {sent:?}");
            (sent.sequence - 1) / SEGMENT
        };
        self.all_sent().into_iter().map(number).collect()
    }

    fn info(&self) -> TcpInfo {
        self.connection.info(self.now)
    }
}

// proves: rfc8985-sack, rfc6675-next, rfc6937-sent
#[test]
fn several_losses_are_repaired_in_one_round_trip() {
    let mut rig = Rig::in_flight(&selective(), 10);
    rig.select(0, &[(1, 2)]);
    assert_eq!(rig.sent_segments(), [], "a segment is lost before the reordering window ends");
    rig.select(0, &[(1, 2), (3, 4)]);
    rig.select(0, &[(5, 6), (3, 4), (1, 2)]);
    assert_eq!(rig.sent_segments(), [0], "the first segment is not sent at once");
    let info = rig.info();
    assert_eq!((info.is_recovering, info.sacked, info.lost), (true, 3, 2));
    assert_eq!(info.slow_start_threshold, Some(info.congestion_window));
    rig.select(0, &[(5, 8), (3, 4), (1, 2)]);
    rig.select(0, &[(5, 10), (3, 4), (1, 2)]);
    assert_eq!(rig.sent_segments(), [2, 4]);
    assert_eq!((rig.info().lost, rig.info().retransmitted), (0, 3));
    rig.pass(RTT);
    rig.select(10, &[]);
    let info = rig.info();
    assert_eq!((info.is_recovering, info.retransmissions, info.unacknowledged), (false, 3, 0));
    assert_eq!(info.congestion_window, info.slow_start_threshold.expect("a loss sets the threshold"));
}

// proves: rfc8985-lost, rfc8985-one-timer
#[test]
fn segment_is_lost_when_the_reordering_timer_expires() {
    let mut rig = Rig::in_flight(&selective(), 4);
    rig.select(0, &[(1, 2)]);
    assert_eq!(rig.connection.deadline(), Some(rig.now + RTT / 4), "the reordering timer does not run alone");
    rig.pass(24 * MS);
    assert_eq!(rig.sent_segments(), []);
    rig.pass(MS);
    assert_eq!(rig.sent_segments(), [0]);
    assert_eq!(rig.info().lost, 0, "a segment behind the delivered one is lost");
    // The retransmission is lost as well: new data that was sent after it is delivered.
    rig.write(&pattern(1_460));
    assert_eq!(rig.sent_segments(), [], "the recovery sends more than the reduction permits");
    rig.pass(RTT);
    rig.select(0, &[(1, 4)]);
    assert_eq!(rig.sent_segments(), [4]);
    rig.pass(RTT);
    rig.select(0, &[(1, 5)]);
    assert_eq!(rig.sent_segments(), [0], "the lost retransmission is not sent again");
}

// proves: rfc6675-recovery-point, rfc8985-congestion
#[test]
fn losses_of_one_window_reduce_the_congestion_window_once() {
    let mut rig = Rig::in_flight(&selective(), 10);
    rig.select(0, &[(1, 4)]);
    let window = rig.info().congestion_window;
    assert!(window < 10 * SEGMENT && rig.info().is_recovering);
    assert_eq!(rig.sent_segments(), [0]);
    rig.select(0, &[(6, 7), (1, 4)]);
    rig.select(0, &[(8, 10), (6, 7), (1, 4)]);
    rig.pass(RTT);
    rig.select(4, &[(8, 10), (6, 7)]);
    assert!(rig.info().is_recovering, "the recovery ends before the data that was sent before it");
    assert_eq!(rig.info().congestion_window, window, "the window is reduced twice");
    rig.select(10, &[]);
    assert!(!rig.info().is_recovering);
}

// proves: rfc6675-pipe, rfc3042-new-data, rfc3042-new-information
#[test]
fn selectively_acknowledged_data_makes_way_for_new_data() {
    let mut rig = Rig::in_flight(&selective(), 10);
    rig.write(&pattern(2 * FULL));
    assert_eq!(rig.sent_segments(), []);
    rig.select(0, &[(1, 2)]);
    assert_eq!(rig.sent_segments(), [10], "limited transmit sends no new data");
    rig.select(0, &[(1, 2)]);
    rig.select(0, &[]);
    assert_eq!(rig.sent_segments(), [], "an acknowledgment without new blocks permits new data");
}

// proves: rfc8985-probe-schedule, rfc8985-probe-timer, rfc8985-probe-segment
#[test]
fn loss_of_the_last_segment_is_probed_before_the_timeout() {
    let mut rig = Rig::in_flight(&selective(), 4);
    rig.select(3, &[]);
    // The flight has one segment, which the peer may acknowledge late.
    assert_eq!(rig.pass_to_deadline(), 2 * RTT + 40 * MS);
    assert_eq!(rig.sent_segments(), [3]);
    let rto = rig.info().rto;
    assert_eq!(rig.connection.deadline(), Some(rig.now + rto), "the retransmission timer does not restart");
    let window = rig.info().congestion_window;
    rig.pass(RTT);
    rig.select(4, &[]);
    // New data ends the episode: no report of a duplicate has arrived, so a segment was lost.
    rig.write(&pattern(FULL));
    let _ = rig.sent();
    rig.pass(RTT);
    rig.select(5, &[]);
    assert!(rig.info().congestion_window < window, "the repaired loss does not reduce the window");

    // The probe has new data, if there is some.
    let mut rig = Rig::in_flight(&selective(), 10);
    rig.write(&pattern(FULL));
    assert_eq!(rig.pass_to_deadline(), RTT + 2 * MS);
    assert_eq!(rig.sent_segments(), [10]);
    // The answer reveals that all other segments are lost.
    rig.pass(RTT);
    rig.select(0, &[(10, 11)]);
    rig.pass_to_deadline();
    assert!(rig.info().is_recovering);
    assert_eq!(rig.sent_segments()[0], 0);
}

#[test]
fn probe_that_arrives_twice_does_not_reduce_the_window() {
    // A peer need not report the duplicate.
    for (blocks, reports) in [(&[(1, 2)][..], 1), (&[], 0)] {
        let mut rig = Rig::in_flight(&selective(), 2);
        rig.select(1, &[]);
        rig.pass_to_deadline();
        assert_eq!(rig.sent_segments(), [1]);
        let window = rig.info().congestion_window;
        rig.select(2, &[]);
        rig.select(2, blocks);
        rig.write(&pattern(FULL));
        let _ = rig.sent();
        rig.select(3, &[]);
        let info = rig.info();
        assert!(info.congestion_window >= window, "a probe that was unnecessary reduces the window");
        assert_eq!(info.duplicate_reports, reports);
    }
}

// proves: rfc8985-timeout
#[test]
fn timeout_sends_the_first_segment_and_then_the_lost_ones() {
    let mut rig = Rig::in_flight(&selective(), 10);
    let _ = rig.pass_to_deadline();
    assert_eq!(rig.sent_segments(), [9], "the probe is missing");
    rig.pass_to_deadline();
    assert_eq!(rig.sent_segments(), [0]);
    assert_eq!(rig.info().congestion_window, SEGMENT);
    rig.pass(RTT);
    rig.select(1, &[]);
    assert_eq!(rig.sent_segments(), [1, 2]);
    rig.pass(RTT);
    // The rest except segment 5 has arrived.
    rig.select(5, &[(6, 10)]);
    assert_eq!(rig.sent_segments(), [5]);
    rig.select(10, &[]);
    assert_eq!((rig.info().is_recovering, rig.info().unacknowledged), (false, 0));
}

// proves: rfc2018-reneged
#[test]
fn data_that_the_peer_discards_is_sent_again_after_a_timeout() {
    let mut rig = Rig::in_flight(&selective(), 3);
    rig.select(0, &[(1, 3)]);
    // The peer acknowledges the first segment, but not what it has selected.
    rig.select(1, &[]);
    rig.pass_to_deadline();
    assert_eq!(rig.sent_segments(), [1]);
    rig.pass(RTT);
    rig.select(2, &[]);
    assert_eq!(rig.sent_segments(), [2]);
}

// proves: rfc8985-probe-schedule, rfc8985-reordering-timer
#[test]
fn acknowledgment_with_a_gap_starts_the_reordering_timer_instead_of_a_probe() {
    let mut rig = Rig::in_flight(&selective(), 5);
    rig.select(1, &[(2, 3)]);
    assert_eq!(rig.pass_to_deadline(), RTT / 4, "the gap waits for a probe");
    assert_eq!((rig.info().is_recovering, rig.sent_segments()), (true, vec![1]));
}

// proves: rfc2018-reneged
#[test]
fn timeout_after_the_peer_discards_data_is_not_undone() {
    for has_discarded in [false, true] {
        let mut rig = Rig::in_flight(&TcpSettings { timestamps: true, ..selective() }, 4);
        rig.select_bytes(start(1), &[(start(1), start(2))], Some((2, 1_100)));
        if !has_discarded {
            rig.select_bytes(start(2), &[], Some((2, 1_100)));
        }
        rig.pass(rig.info().rto * 2);
        assert!(rig.info().is_recovering, "no timeout");
        let _ = rig.all_sent();
        // The acknowledgment echoes a timestamp from before the retransmission.
        rig.select_bytes(start(3), &[], Some((3, 1_100)));
        assert_eq!(rig.info().undone_recoveries == 0, has_discarded);
    }
}

// proves: rfc2018-blocks, rfc2883-range
#[test]
fn invalid_blocks_are_ignored_and_counted() {
    let mut rig = Rig::in_flight(&selective(), 4);
    rig.window = 9_000;
    let ranges =
        [(start(2), start(1)), (start(1), start(1)), (start(3), start(4) + 1), (u32::MAX - 99_999, 0)];
    rig.select_bytes(1, &ranges, None);
    let info = rig.info();
    assert_eq!((info.sacked, info.ignored_sack_blocks, info.duplicate_reports), (0, 4, 0));
    // A block of acknowledged data is old, and the others count.
    rig.select_bytes(start(2), &[(start(3), start(4)), (1, start(1))], None);
    assert_eq!((rig.info().sacked, rig.info().ignored_sack_blocks), (1, 4));
    // An invalid block after a report of duplicate data does not hide the report.
    rig.select_bytes(start(2), &[(1, start(1)), (u32::MAX - 99_999, 0)], None);
    assert_eq!((rig.info().duplicate_reports, rig.info().ignored_sack_blocks), (1, 5));
}

/// A connection with a reordered segment 0 that was taken for lost and sent again.
fn spurious(settings: &TcpSettings) -> Rig {
    let mut rig = Rig::in_flight(settings, 8);
    let ranges: Vec<_> = [(1, 4)].map(|(first, last)| (start(first), start(last))).to_vec();
    let timestamps = settings.timestamps.then_some((2, 1_100));
    rig.select_bytes(1, &ranges, timestamps);
    assert!(rig.info().is_recovering);
    assert_eq!(rig.sent_segments(), [0]);
    rig
}

// proves: rfc3522-timestamp, rfc4015-restore
#[test]
fn echo_of_the_original_transmission_undoes_the_recovery() {
    // Full segments have 1,448 bytes with timestamps; the numbers of the segments do not matter here.
    let settings = TcpSettings { timestamps: true, ..selective() };
    for (echo, is_undone) in [(1_100, true), (1_200, false)] {
        let mut rig = Rig::in_flight_with_timestamps(&settings);
        let window = rig.info().congestion_window;
        rig.select_bytes(1, &[(1 + 1_448, 1 + 4 * 1_448)], Some((2, 1_100)));
        assert!(rig.info().is_recovering);
        let again = rig.sent();
        assert_eq!(
            (again.sequence, again.options.timestamps.map(|timestamps| timestamps.value)),
            (1, Some(1_200))
        );
        rig.pass(MS);
        rig.select_bytes(1 + 4 * 1_448, &[], Some((2, echo)));
        let info = rig.info();
        assert_eq!((info.is_recovering, info.undone_recoveries > 0), (!is_undone, is_undone));
        assert_eq!(info.congestion_window >= window, is_undone, "{} bytes", info.congestion_window);
    }
}

// proves: rfc3522-lost-acknowledgments, rfc3708-lost-acknowledgments
#[test]
fn evidence_proves_nothing_if_acknowledgments_were_lost() {
    let settings = TcpSettings { timestamps: true, ..selective() };
    let mut rig = Rig::in_flight_with_timestamps(&settings);
    rig.pass_to_deadline();
    let _ = rig.all_sent();
    rig.pass_to_deadline();
    assert_eq!(rig.sent().sequence, 1);
    // All segments had arrived, and all acknowledgments were lost.
    rig.select_bytes(1 + 8 * 1_448, &[(1, 1 + 1_448)], Some((2, 1_100)));
    assert_eq!(rig.info().undone_recoveries, 0);
}

// proves: rfc3708-undo
#[test]
fn report_of_the_retransmission_undoes_the_recovery() {
    let mut rig = spurious(&selective());
    let reduced = rig.info().congestion_window;
    rig.select(4, &[]);
    rig.select(8, &[]);
    assert_eq!((rig.info().is_recovering, rig.info().congestion_window), (false, reduced));
    rig.select(8, &[(0, 1)]);
    let info = rig.info();
    assert_eq!((info.undone_recoveries, info.duplicate_reports), (1, 1));
    assert!(info.congestion_window > reduced);
}

// proves: rfc3522-lost-acknowledgments
#[test]
fn echo_proves_nothing_if_all_data_is_acknowledged() {
    let settings = TcpSettings { timestamps: true, ..selective() };
    let mut rig = Rig::in_flight_with_timestamps(&settings);
    rig.select_bytes(1, &[(1 + 1_448, 1 + 4 * 1_448)], Some((2, 1_100)));
    let _ = rig.sent();
    rig.pass(MS);
    rig.select_bytes(1 + 8 * 1_448, &[], Some((2, 1_100)));
    assert_eq!(rig.info().undone_recoveries, 0);
}

// proves: rfc3708-network
#[test]
fn copies_that_the_network_makes_do_not_widen_the_reordering_window() {
    let mut rig = Rig::in_flight(&selective(), 4);
    rig.select(1, &[]);
    rig.select(1, &[(0, 1)]);
    rig.select(1, &[(2, 3)]);
    assert_eq!(rig.info().duplicate_reports, 1);
    assert_eq!(rig.pass_to_deadline(), RTT / 4);
}

// proves: rfc8985-probe-interval
#[test]
fn probe_is_not_later_than_the_timeout() {
    let settings = TcpSettings { minimum_rto: MS, ..selective() };
    let mut rig = Rig::in_flight(&settings, 1);
    for segment in 1..60 {
        rig.select(segment, &[]);
        rig.write(&pattern(FULL));
        let _ = rig.sent();
        rig.pass(RTT);
    }
    rig.select(60, &[]);
    rig.write(&pattern(FULL));
    let _ = rig.sent();
    let rto = rig.info().rto;
    assert!(rto < 2 * RTT, "the timeout is {rto:?}");
    rig.pass(RTT);
    rig.assert_silent();
    rig.pass(rto.saturating_sub(RTT));
    assert_eq!(rig.sent_segments(), [60]);
    assert!(rig.info().congestion_window > SEGMENT, "the timeout has reduced the window");
}

#[test]
fn spurious_timeout_sends_no_other_segment_again() {
    let settings = TcpSettings { timestamps: true, ..selective() };
    let mut rig = Rig::in_flight_with_timestamps(&settings);
    let window = rig.info().congestion_window;
    rig.pass_to_deadline();
    assert_eq!(rig.all_sent().len(), 1, "the probe is missing");
    rig.pass_to_deadline();
    assert_eq!(rig.all_sent().len(), 1, "the timeout sends another number of segments than one");
    rig.select_bytes(1 + 1_448, &[], Some((2, 1_100)));
    let info = rig.info();
    assert_eq!((info.undone_recoveries, info.is_recovering, info.lost), (1, false, 0));
    assert!(info.congestion_window >= window, "the window is not restored");
    assert_eq!(rig.sent_lengths(), Vec::<usize>::new(), "data is sent again");
}

#[test]
fn lying_reports_of_duplicates_do_not_raise_the_window() {
    let mut rig = Rig::in_flight(&selective(), 8);
    let window = rig.info().congestion_window;
    for _ in 0..1_000 {
        rig.select(0, &[(0, 1), (0, 8)]);
        rig.select_bytes(1, &[(u32::MAX - 500, 0)], None);
    }
    assert!(rig.info().congestion_window <= window);
    assert_eq!(rig.info().undone_recoveries, 0);
}

#[test]
fn scoreboard_returns_its_memory_after_idle_time() {
    let mut rig = Rig::in_flight(&selective(), 10);
    rig.select(0, &[(2, 4), (6, 8)]);
    let _ = rig.all_sent();
    rig.select(10, &[]);
    rig.pass(Duration::from_secs(2));
    let records = rig.connection.transfer.as_ref().map(|transfer| transfer.scoreboard.capacity());
    assert_eq!((records, rig.memory.used()), (Some(0), 0));
    assert_eq!(rig.connection.deadline(), None);
}

impl Rig {
    /// Creates a connection with timestamps, and eight segments of 1,448 bytes in flight since [`RTT`]. The timestamps of
    /// the segments are 1,100.
    fn in_flight_with_timestamps(settings: &TcpSettings) -> Rig {
        let options = Options {
            maximum_segment_size: Some(1_460),
            sack_permitted: true,
            timestamps: Some(Timestamps { value: 1, echo: 1_000 }),
            ..Options::default()
        };
        let mut rig = Rig::opening(settings, 1_000, 5_000);
        let _ = rig.sent();
        rig.pass(RTT);
        rig.give(Given::new(Flags::SYN | Flags::ACK, 0, 1).options(options));
        let _ = rig.sent();
        rig.write(&pattern(8 * 1_448));
        assert_eq!(rig.sent_lengths(), [1_448; 8]);
        rig.pass(RTT);
        rig
    }
}

#[test]
fn retransmission_ends_an_idle_time() {
    let mut rig = Rig::in_flight(&selective(), 2);
    let sent = rig.now;
    rig.pass(Duration::from_secs(2));
    assert!(!rig.all_sent().is_empty(), "no retransmission");
    assert!(rig.info().last_sent < rig.now.since(sent), "the retransmission does not count");
}

// proves: rfc5681-timeout-again
#[test]
fn timeout_after_a_reduction_keeps_the_threshold() {
    // The reduction is that of a recovery, or that of an earlier timeout.
    let settings = TcpSettings { congestion: CongestionControl::Cubic, ..selective() };
    for ranges in [&[(1, 4)][..], &[]] {
        let mut rig = Rig::in_flight(&settings, 10);
        if ranges.is_empty() {
            rig.pass(rig.info().rto * 2);
        } else {
            rig.select(0, ranges);
            // Less data is in flight than at the start of the recovery.
            rig.select(4, &[]);
        }
        let _ = rig.all_sent();
        let info = rig.info();
        assert!(info.is_recovering && info.slow_start_threshold.is_some(), "no reduction");
        rig.pass(info.rto * 2);
        let _ = rig.all_sent();
        let later = rig.info();
        assert!(later.backoff > info.backoff, "no timeout");
        assert_eq!(
            (later.congestion_window, later.slow_start_threshold),
            (SEGMENT, info.slow_start_threshold)
        );
    }
}

// proves: rfc6937-sent
#[test]
fn window_grows_outside_of_a_recovery_only() {
    let mut rig = Rig::in_flight(&buffered(), 10);
    rig.write(&pattern(20 * FULL));
    rig.select(2, &[]);
    assert_eq!(rig.info().congestion_window, 12 * SEGMENT, "slow start has not added the data");
    let _ = rig.all_sent();
    rig.select(2, &[(3, 6)]);
    let window = rig.info().congestion_window;
    assert_eq!((rig.info().is_recovering, window), (true, 6 * SEGMENT));
    let _ = rig.all_sent();
    rig.pass(RTT);
    rig.select(13, &[]);
    assert_eq!((rig.info().is_recovering, rig.info().congestion_window), (true, window));
}

// proves: tcp-no-congestion-control
#[test]
fn only_the_window_of_the_peer_limits_data_without_congestion_control() {
    let uncontrolled = TcpSettings { congestion: CongestionControl::None, pacing: true, ..buffered() };
    let mut rig = Rig::in_flight(&uncontrolled, 20);
    // The peer's window has 44 segments, and the recovery permits as much as before the loss.
    rig.write(&pattern(100 * FULL));
    assert_eq!(rig.sent_segments().len(), 24, "the data does not fill the window of the peer");
    rig.pass(RTT);
    rig.select(0, &[(40, 44)]);
    assert!(rig.info().is_recovering, "no recovery");
    assert_eq!(rig.sent_segments(), (0..40).collect::<Vec<_>>(), "not all lost segments are sent at once");
    rig.pass(RTT);
    rig.select(1, &[(40, 44)]);
    assert_eq!(rig.sent_segments(), [44], "a recovery holds data back");
    // The peer has lost the other retransmissions. The probe has no place in the window.
    rig.pass(rig.info().rto);
    assert_eq!(rig.info().backoff, 1, "no timeout");
    assert_eq!(rig.sent_segments().len(), 40, "the timeout reduces the window");
    let info = rig.info();
    assert_eq!((info.congestion_window, info.slow_start_threshold), (MAXIMUM_WINDOW, None));
    assert_eq!(info.pacing_rate, None, "the connection is paced");
}

// proves: tcp-no-congestion-control, rfc3708-undo
#[test]
fn undo_works_without_congestion_control() {
    let mut rig = spurious(&TcpSettings { congestion: CongestionControl::None, ..selective() });
    rig.select(4, &[]);
    rig.select(8, &[]);
    rig.select(8, &[(0, 1)]);
    let info = rig.info();
    assert_eq!((info.undone_recoveries, info.is_recovering), (1, false));
    assert_eq!(info.congestion_window, MAXIMUM_WINDOW);
}

// proves: rfc6937-bound
#[test]
fn acknowledgment_without_another_loss_permits_one_more_segment() {
    let mut rig = Rig::in_flight(&selective(), 10);
    rig.select(0, &[(7, 10)]);
    assert_eq!(rig.sent_segments(), [0, 1, 2]);
    rig.pass(RTT);
    rig.select(1, &[(7, 10)]);
    assert_eq!(rig.sent_segments(), [3, 4]);
}

// proves: rfc6937-bound
#[test]
fn acknowledgment_with_another_loss_permits_only_what_was_delivered() {
    let mut rig = Rig::in_flight(&selective(), 10);
    rig.select(0, &[(7, 10)]);
    assert_eq!(rig.sent_segments(), [0, 1, 2]);
    rig.pass(RTT);
    // The retransmission of segment 1 is lost.
    rig.select(1, &[(2, 3), (7, 10)]);
    assert_eq!(rig.sent_segments(), [1, 3]);
}

// proves: rfc8985-one-timer
#[test]
fn recovery_stops_the_timer_of_the_probe() {
    let mut rig = Rig::in_flight(&selective(), 4);
    rig.select(0, &[(1, 4)]);
    assert_eq!(rig.sent_segments(), [0]);
    let rto = rig.info().rto;
    assert_eq!(rig.connection.deadline(), Some(rig.now + rto));
}

// proves: rfc8985-probe-conditions
#[test]
fn new_data_schedules_no_second_probe() {
    let mut rig = Rig::in_flight(&selective(), 2);
    rig.pass_to_deadline();
    assert_eq!(rig.sent_segments(), [1], "the probe is missing");
    let timeout = rig.connection.deadline();
    rig.write(&pattern(FULL));
    assert_eq!(rig.sent_segments(), [2]);
    assert_eq!(rig.connection.deadline(), timeout, "another probe is scheduled");
}

// proves: rfc8985-probe-repaired
#[test]
fn window_update_does_not_end_a_probe() {
    let mut rig = Rig::in_flight(&selective(), 2);
    rig.select(1, &[]);
    rig.pass_to_deadline();
    assert_eq!(rig.sent_segments(), [1], "the probe is missing");
    rig.select(2, &[]);
    let window = rig.info().congestion_window;
    rig.window -= 1;
    rig.select(2, &[]);
    rig.write(&pattern(FULL));
    let _ = rig.sent();
    rig.select(3, &[]);
    assert!(rig.info().congestion_window < window, "the repaired loss does not reduce the window");
}

// proves: rfc3708-undo
#[test]
fn late_report_of_the_retransmission_proves_nothing() {
    let mut rig = spurious(&selective());
    rig.select(4, &[]);
    rig.select(8, &[]);
    rig.write(&pattern(FULL));
    let _ = rig.sent();
    rig.select(9, &[]);
    rig.select(9, &[(0, 1)]);
    assert_eq!((rig.info().undone_recoveries, rig.info().duplicate_reports), (0, 1));
}

// proves: rfc3522-lost-acknowledgments
#[test]
fn echo_proves_more_if_the_peer_has_reported_duplicates() {
    let settings = TcpSettings { timestamps: true, ..selective() };
    let mut rig = Rig::in_flight_with_timestamps(&settings);
    rig.select_bytes(1 + 1_448, &[], Some((2, 1_100)));
    rig.select_bytes(1 + 1_448, &[(1, 1 + 1_448)], Some((2, 1_100)));
    rig.select_bytes(1 + 1_448, &[(1 + 2 * 1_448, 1 + 5 * 1_448)], Some((2, 1_100)));
    assert!(rig.info().is_recovering, "no recovery");
    let _ = rig.all_sent();
    rig.pass(MS);
    // A lost acknowledgment would have been followed by a report of a duplicate.
    rig.select_bytes(1 + 8 * 1_448, &[], Some((2, 1_100)));
    assert_eq!(rig.info().undone_recoveries, 1);
}

// proves: rfc9406-exit
#[test]
fn longer_round_trip_slows_the_growth_of_slow_start() {
    for (rtt, is_slow) in [(RTT, false), (RTT * 3 / 2, true)] {
        let settings = TcpSettings { congestion: CongestionControl::Cubic, ..buffered() };
        let mut rig = Rig::in_flight(&settings, 10);
        rig.write(&pattern(60 * FULL));
        for segment in 1..=10 {
            rig.select(segment, &[]);
            let _ = rig.all_sent();
        }
        rig.pass(rtt);
        for segment in 11..=30 {
            rig.select(segment, &[]);
        }
        let window = rig.info().congestion_window / SEGMENT;
        assert_eq!(window < 32, is_slow, "{window} segments after an RTT of {rtt:?}");
    }
}

// proves: rfc5681-fast-retransmit
#[test]
fn acknowledgments_without_data_in_flight_are_no_duplicates() {
    let mut rig = Rig::established(&plain());
    rig.write(&pattern(FULL));
    let _ = rig.sent();
    rig.acknowledge(1_461);
    let window = rig.info().congestion_window;
    for _ in 0..5 {
        rig.acknowledge(1_461);
    }
    let info = rig.info();
    assert_eq!((info.is_recovering, info.congestion_window), (false, window));
}

// proves: rfc8985-probe-schedule
#[test]
fn acknowledgment_of_all_data_schedules_no_probe() {
    let mut rig = Rig::in_flight(&selective(), 2);
    rig.select(2, &[]);
    // Only the timer that releases the memory of empty buffers is left.
    assert_eq!(rig.connection.deadline(), Some(rig.now + Duration::from_secs(1)));
}

// proves: rfc8985-probe-segment, tcp-record
#[test]
fn probe_has_the_last_record_and_no_earlier_one() {
    // The scoreboard has one record for several small segments from its 16th record on.
    const RECORDS: u32 = 18;
    for has_fin in [false, true] {
        let mut rig = Rig::in_flight(&TcpSettings { nagle: false, ..selective() }, 1);
        rig.select(1, &[]);
        for _ in 0..RECORDS {
            rig.write(&pattern(50));
            assert!(rig.connection.end_record(rig.now, &mut rig.memory), "the record is not ended");
            assert_eq!(rig.sent_lengths(), [50]);
        }
        let last = start(1) + 50 * (RECORDS - 1);
        if has_fin {
            rig.connection.shutdown(rig.now);
            assert_eq!(rig.sent().flags, Flags::FIN | Flags::ACK, "no FIN");
        }
        rig.pass_to_deadline();
        let probe = rig.sent();
        assert_eq!((probe.sequence, probe.data.len()), (last, 50), "{probe:?}");
        assert_eq!(probe.flags.contains(Flags::FIN), has_fin, "{probe:?}");
    }
}

// proves: tcp-cork
#[test]
fn probe_has_the_data_of_a_corked_connection() {
    let mut rig = Rig::in_flight(&TcpSettings { nagle: false, ..selective() }, 1);
    rig.connection.set(rig.now, Setting::Cork(true));
    rig.write(b"head");
    rig.assert_silent();
    rig.pass_to_deadline();
    let probe = rig.sent();
    assert_eq!((probe.sequence, &probe.data[..]), (start(1), &b"head"[..]), "the probe has other data");
}
