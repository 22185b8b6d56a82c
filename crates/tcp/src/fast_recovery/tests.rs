use proptest::prelude::*;

use super::{DuplicateAck, FastRecovery, NewAck};
use crate::SequenceNumber;

const SEGMENT: u32 = 1000;
/// Initial sequence numbers that include the wrap.
const INITIAL: [u32; 4] = [0, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];

/// Returns a recovery that three duplicate ACKs started, with ten segments in flight.
fn started(initial: u32) -> (FastRecovery, SequenceNumber, SequenceNumber) {
    let first = SequenceNumber::new(initial).plus(1);
    let next = first.plus(10 * SEGMENT);
    let mut recovery = FastRecovery::new(SequenceNumber::new(initial));
    let duplicates = [(); 3].map(|()| recovery.duplicate(first, next, SEGMENT));
    assert_eq!(duplicates, [DuplicateAck::NewData, DuplicateAck::NewData, DuplicateAck::Retransmit]);
    (recovery, first, next)
}

// proves: rfc5681-fast-retransmit, rfc5681-fast-recovery
#[test]
fn third_duplicate_ack_starts_recovery_at_first_segment_for_any_isn() {
    for initial in INITIAL {
        let (recovery, _, _) = started(initial);
        assert!(recovery.is_active(), "no recovery at ISN {initial}");
        assert_eq!(recovery.window(5000, SEGMENT), 8000);
    }
}

// proves: rfc5681-limited-transmit, rfc3042-window
#[test]
fn first_two_duplicate_acks_allow_two_segments() {
    let mut recovery = FastRecovery::new(SequenceNumber::new(0));
    let (first, next) = (SequenceNumber::new(1), SequenceNumber::new(10_001));
    assert_eq!(recovery.window(10_000, SEGMENT), 10_000);
    recovery.duplicate(first, next, SEGMENT);
    assert_eq!(recovery.window(10_000, SEGMENT), 11_000);
    recovery.duplicate(first, next, SEGMENT);
    assert_eq!(recovery.window(10_000, SEGMENT), 12_000);
    assert_eq!(
        recovery.acknowledged(first.plus(3000), 3000, SEGMENT),
        NewAck::Normal { bytes: 1000 },
        "segments that duplicate ACKs have reported raise the window"
    );
    assert_eq!(recovery.window(10_000, SEGMENT), 10_000, "an ACK of new data did not reset the count");
}

// proves: rfc5681-fast-recovery
#[test]
fn further_duplicate_acks_inflate_window_up_to_outstanding_bytes() {
    let (mut recovery, first, next) = started(0);
    recovery.duplicate(first, next, SEGMENT);
    assert_eq!(recovery.window(5000, SEGMENT), 9000);
    for _ in 0..100 {
        recovery.duplicate(first, next, SEGMENT);
    }
    assert_eq!(recovery.window(5000, SEGMENT), 15_000);
}

// proves: rfc6582-partial, rfc5681-fast-recovery
#[test]
fn partial_ack_retransmits_and_deflates_window() {
    for initial in INITIAL {
        let (mut recovery, first, next) = started(initial);
        assert_eq!(
            recovery.acknowledged(first.plus(2000), 2000, SEGMENT),
            NewAck::Partial { is_first: true }
        );
        assert_eq!(recovery.window(5000, SEGMENT), 7000);
        assert_eq!(
            recovery.acknowledged(first.plus(9000), 7000, SEGMENT),
            NewAck::Partial { is_first: false }
        );
        assert_eq!(recovery.window(5000, SEGMENT), 1000, "the window is not the deflated window");
        assert_eq!(recovery.acknowledged(next, 1000, SEGMENT), NewAck::Complete);
        assert!(!recovery.is_active(), "the recovery did not end");
        assert_eq!(recovery.window(5000, SEGMENT), 5000);
    }
}

// proves: rfc6582-after-timeout
#[test]
fn recovery_does_not_start_again_below_its_end() {
    let (mut recovery, _, next) = started(0);
    recovery.acknowledged(next, 10_000, SEGMENT);
    for _ in 0..10 {
        assert_eq!(recovery.duplicate(next, next.plus(5000), SEGMENT), DuplicateAck::NewData);
    }
    let mut recovery = FastRecovery::new(SequenceNumber::new(0));
    recovery.timed_out(next);
    for _ in 0..10 {
        assert_eq!(recovery.duplicate(next.minus(1), next, SEGMENT), DuplicateAck::NewData);
    }
}

#[test]
fn recovery_starts_after_more_than_half_of_the_sequence_space() {
    let (mut recovery, _, mut acknowledged) = started(0);
    for _ in 0..9 {
        acknowledged = acknowledged.plus(1 << 28);
        recovery.acknowledged(acknowledged, 1 << 28, SEGMENT);
    }
    let last = [(); 3].map(|()| recovery.duplicate(acknowledged, acknowledged.plus(5000), SEGMENT));
    assert_eq!(last[2], DuplicateAck::Retransmit, "the last recovery seems to be in the future");
}

proptest! {
    #[test]
    fn window_is_at_least_one_segment_and_at_most_inflated_by_outstanding_bytes(
        initial in any::<u32>(),
        events in prop::collection::vec((any::<bool>(), 1_u32..5000), 0..100),
    ) {
        let mut first = SequenceNumber::new(initial).plus(1);
        let mut next = first.plus(100_000);
        let mut recovery = FastRecovery::new(SequenceNumber::new(initial));
        for (is_duplicate, bytes) in events {
            if is_duplicate {
                recovery.duplicate(first, next, SEGMENT);
            } else {
                first = first.plus(bytes);
                next = next.plus(bytes);
                recovery.acknowledged(first, bytes, SEGMENT);
            }
            let window = recovery.window(5000, SEGMENT);
            prop_assert!((SEGMENT..=105_000 + SEGMENT).contains(&window));
        }
    }
}

#[test]
fn undone_recovery_ends_with_the_window_not_inflated() {
    let (mut recovery, first, next) = started(0);
    recovery.duplicate(first, next, SEGMENT);
    recovery.undo();
    assert!(!recovery.is_active(), "the recovery did not end");
    assert_eq!(recovery.window(5000, SEGMENT), 5000);
}
