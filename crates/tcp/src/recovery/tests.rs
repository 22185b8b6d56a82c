use super::*;

fn block(start: u32, end: u32) -> SackBlock {
    SackBlock { start: SequenceNumber::new(start), end: SequenceNumber::new(end) }
}

/// Returns the evidence of a recovery of the sequence numbers from 1,000 to 9,000.
fn undo() -> Undo {
    Undo::new(SequenceNumber::new(1_000), SequenceNumber::new(9_000))
}

// proves: rfc3522-first, rfc3522-timestamp
#[test]
fn echo_before_the_first_retransmission_is_evidence() {
    let mut undo = undo();
    assert!(!undo.is_echo_older(5), "an echo without a retransmission is evidence");
    undo.sent_again(1_000, Some(10), false);
    undo.sent_again(1_000, Some(20), false);
    assert!(undo.is_echo_older(9) && undo.is_echo_older(u32::MAX));
    assert!(!undo.is_echo_older(10) && !undo.is_echo_older(15));
    let mut undo = self::undo();
    undo.sent_again(1_000, None, false);
    assert!(!undo.is_echo_older(0));
}

// proves: rfc3708-undo
#[test]
fn reports_of_all_retransmissions_are_evidence() {
    let mut undo = undo();
    assert!(!undo.reported(block(1_000, 2_000)), "a report without a retransmission is evidence");
    undo.sent_again(1_000, None, false);
    undo.sent_again(500, None, false);
    assert!(!undo.reported(block(1_000, 2_000)));
    assert!(!undo.reported(block(0, 1_500)) && !undo.reported(block(8_900, 9_400)), "other data counts");
    assert!(undo.reported(block(2_000, 2_500)));
}

// proves: rfc3708-once
#[test]
fn report_is_no_evidence_after_a_second_retransmission() {
    let mut undo = undo();
    undo.sent_again(1_000, None, false);
    undo.sent_again(1_000, None, true);
    assert!(!undo.reported(block(1_000, 2_000)) && !undo.reported(block(1_000, 2_000)));
}

#[test]
fn evidence_arrives_until_a_round_trip_after_the_recovery() {
    let mut undo = undo();
    let acknowledged =
        |undo: &mut Undo, number| undo.acknowledged(SequenceNumber::new(number), SequenceNumber::new(12_000));
    assert!(acknowledged(&mut undo, 8_999) && undo.is_in_recovery());
    assert!(acknowledged(&mut undo, 9_000) && !undo.is_in_recovery());
    assert!(undo.acknowledged(SequenceNumber::new(12_000), SequenceNumber::new(20_000)));
    assert!(!undo.acknowledged(SequenceNumber::new(12_001), SequenceNumber::new(20_000)));
}
