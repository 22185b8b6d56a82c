//! The acceptability of a segment (RFC 9293 3.10.7.4, first check).

use crate::SequenceNumber;

/// Returns whether a segment of `length` sequence numbers from `sequence` on is acceptable, if `next` is RCV.NXT and
/// `window` is RCV.WND (RFC 9293 3.10.7.4, Table 6).
pub(crate) fn is_acceptable(
    sequence: SequenceNumber,
    length: u32,
    next: SequenceNumber,
    window: u32,
) -> bool {
    match (length, window) {
        // "SEG.SEQ = RCV.NXT"
        (0, 0) => sequence == next,
        // "RCV.NXT =< SEG.SEQ < RCV.NXT+RCV.WND"
        (0, _) => sequence.is_within(next, window),
        // "not acceptable"
        (_, 0) => false,
        // "RCV.NXT =< SEG.SEQ < RCV.NXT+RCV.WND or RCV.NXT =< SEG.SEQ+SEG.LEN-1 < RCV.NXT+RCV.WND"
        (_, _) => sequence.is_within(next, window) || sequence.plus(length - 1).is_within(next, window),
    }
}
