use proptest::prelude::*;

use super::Prr;

const SEGMENT: u32 = 1000;

/// Returns the number of segments that a sender of full segments sends for each ACK. Each ACK reports one delivered
/// segment, and `pipes` are the segments in the network after each ACK.
fn segments_per_ack(prr: &mut Prr, pipes: &[u32], is_safe: bool) -> Vec<u32> {
    pipes
        .iter()
        .map(|pipe| {
            let segments = prr.acknowledged(SEGMENT, pipe * SEGMENT, SEGMENT, is_safe) / SEGMENT;
            prr.sent(segments * SEGMENT);
            segments
        })
        .collect()
}

/// The first example of RFC 6937 3.1: the first of 20 segments is lost. Two segments were sent by limited transmit before
/// the recovery, so that 17 segments are delivered during the recovery.
// proves: rfc6937-reduction
#[test]
fn single_loss_sends_a_segment_for_every_second_ack() {
    let mut prr = Prr::new(20 * SEGMENT, 10 * SEGMENT);
    let pipes = [18, 18, 17, 17, 16, 16, 15, 15, 14, 14, 13, 13, 12, 12, 11, 11];
    let sent = segments_per_ack(&mut prr, &pipes, true);
    assert_eq!(sent, [1, 0, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1]);
    assert_eq!(sent.iter().sum::<u32>(), 8, "the reduction is not proportional to the delivered segments");
}

/// The second example of RFC 6937 3.1: the first 15 of 20 segments are lost.
// proves: rfc6937-bound
#[test]
fn burst_loss_grows_by_a_segment_per_ack_if_safe_and_conserves_packets_otherwise() {
    let mut prr = Prr::new(20 * SEGMENT, 10 * SEGMENT);
    assert_eq!(segments_per_ack(&mut prr, &[4, 5, 6], true), [2, 2, 2]);
    let mut prr = Prr::new(20 * SEGMENT, 10 * SEGMENT);
    assert_eq!(segments_per_ack(&mut prr, &[4, 4, 4], false), [1, 1, 1]);
}

// proves: rfc6937-bound
#[test]
fn bound_stops_at_threshold() {
    let mut prr = Prr::new(20 * SEGMENT, 10 * SEGMENT);
    prr.sent(SEGMENT);
    assert_eq!(prr.acknowledged(8 * SEGMENT, 9500, SEGMENT, true), 500);
    assert_eq!(
        prr.acknowledged(SEGMENT, 10 * SEGMENT, SEGMENT, true),
        0,
        "the flight rose above the threshold"
    );
}

// proves: rfc6937-first
#[test]
fn first_ack_permits_a_segment() {
    let mut prr = Prr::new(20 * SEGMENT, 10 * SEGMENT);
    assert_eq!(prr.acknowledged(1, 19 * SEGMENT, SEGMENT, false), SEGMENT);
    prr.sent(SEGMENT);
    assert_eq!(
        prr.acknowledged(1, 19 * SEGMENT, SEGMENT, false),
        0,
        "the second ACK permits a segment as well"
    );
    // The segment that was sent without a delivery does not delay the next segment.
    let mut prr = Prr::new(20 * SEGMENT, 10 * SEGMENT);
    assert_eq!(prr.acknowledged(0, 3 * SEGMENT, SEGMENT, false), SEGMENT);
    prr.sent(SEGMENT);
    assert_eq!(prr.acknowledged(SEGMENT, 4 * SEGMENT, SEGMENT, false), SEGMENT);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// RFC 6937 4: "If there are minimal losses, PRR will converge to exactly the target window".
    // proves: rfc6937-reduction
    #[test]
    fn recovery_of_one_loss_ends_with_threshold_in_flight(flight in 4_u32..1000, share in 1_u32..10) {
        let threshold = (flight * share / 10).max(1);
        let mut prr = Prr::new(flight * SEGMENT, threshold * SEGMENT);
        // The first of the segments is lost. The other segments are delivered one by one.
        let mut pipe = flight - 1;
        for _ in 1..flight {
            pipe -= 1;
            let sent = prr.acknowledged(SEGMENT, pipe * SEGMENT, SEGMENT, false) / SEGMENT;
            prr.sent(sent * SEGMENT);
            pipe += sent;
        }
        prop_assert!(pipe.abs_diff(threshold) <= 1, "{pipe} of {threshold} segments are in flight");
    }

    // proves: rfc6937-bound
    #[test]
    fn conservative_recovery_never_sends_more_than_was_delivered(
        acks in prop::collection::vec((any::<u32>(), any::<u32>()), 1..100),
        in_flight in any::<u32>(),
        threshold in any::<u32>(),
    ) {
        let mut prr = Prr::new(in_flight, threshold.min(in_flight));
        let (mut delivered, mut sent) = (0_u64, 0_u64);
        for (bytes, pipe) in acks {
            let allowed = prr.acknowledged(bytes, pipe, SEGMENT, false);
            prr.sent(allowed);
            delivered += u64::from(bytes);
            sent += u64::from(allowed);
            // One segment is always sent again, and the division rounds up.
            prop_assert!(sent <= delivered + u64::from(SEGMENT) + 1, "{sent} of {delivered} delivered bytes");
        }
    }
}
