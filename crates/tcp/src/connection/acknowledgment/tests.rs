use tap::Instant;

use super::Delivered;
use crate::scoreboard::{Scoreboard, Verdict};
use crate::{DeliveryRate, SequenceNumber};

#[test]
fn newest_segment_is_the_one_that_was_sent_last() {
    let at = |milliseconds: u64| Instant::from_nanos(milliseconds * 1_000_000);
    let mark = |milliseconds| DeliveryRate::new(at(0), 0).sent(at(milliseconds), 1);
    let number = |segment: u32| SequenceNumber::new(1_000 * segment);
    for (again, newest) in [(None, 3), (Some(0), 9), (Some(1), 9)] {
        let mut scoreboard = Scoreboard::new();
        for (segment, time) in (0..).zip([1, 3, 3]) {
            scoreboard.sent(&(number(segment)..number(segment + 1)), mark(time), 1_000, 1, false);
        }
        if let Some(segment) = again {
            scoreboard.lose(|_| Verdict::Lost);
            scoreboard.sent_again(&(number(segment)..number(segment + 1)), mark(9));
        }
        let mut delivered = Delivered::default();
        scoreboard.acknowledge(number(3), |sent| delivered.add(sent));
        let oldest = if again == Some(0) { 9 } else { 1 };
        assert_eq!(delivered.newest.map(|mark| mark.sent_at()), Some(at(newest)), "after {again:?}");
        assert_eq!((delivered.oldest, delivered.is_retransmitted), (Some(at(oldest)), again.is_some()));
    }
}
