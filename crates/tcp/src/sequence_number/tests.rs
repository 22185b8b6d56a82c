use proptest::prelude::*;

use super::*;

/// Numbers at which signed or unsigned arithmetic wraps.
const EDGES: [u32; 4] = [0, HALF - 1, HALF, u32::MAX];

// proves: rfc9293-modulo
#[test]
fn order_is_that_of_distances_at_every_edge() {
    for edge in EDGES {
        let number = SequenceNumber::new(edge);
        for distance in [1, 2, 65_535, HALF - 1] {
            let later = number.plus(distance);
            assert!(number.is_before(later) && number.is_at_or_before(later), "{edge} {distance}");
            assert!(!later.is_before(number) && !later.is_at_or_before(number), "{edge} {distance}");
            assert_eq!(later.distance_from(number), distance, "{edge}");
            assert_eq!(later.minus(distance), number, "{edge} {distance}");
        }
        assert!(number.is_at_or_before(number) && !number.is_before(number), "{edge}");
        let opposite = number.plus(HALF);
        assert!(!number.is_before(opposite) && !opposite.is_before(number), "{edge}");
        assert!(!number.is_at_or_before(opposite) && !opposite.is_at_or_before(number), "{edge}");
    }
}

// proves: rfc9293-modulo
#[test]
fn numbers_from_start_are_within_length_at_every_edge() {
    for edge in EDGES {
        let start = SequenceNumber::new(edge);
        for length in [1, 2, 65_535, HALF, u32::MAX] {
            assert!(start.is_within(start, length), "{edge} {length}");
            assert!(start.plus(length - 1).is_within(start, length), "{edge} {length}");
            assert!(!start.plus(length).is_within(start, length), "{edge} {length}");
            assert!(!start.minus(1).is_within(start, length), "{edge} {length}");
        }
        assert!(!start.is_within(start, 0), "{edge}");
    }
}

proptest! {
    // proves: rfc9293-modulo
    #[test]
    fn comparison_is_that_of_signed_difference(first in any::<u32>(), second in any::<u32>()) {
        let (a, b) = (SequenceNumber::new(first), SequenceNumber::new(second));
        let difference = second.wrapping_sub(first).cast_signed();
        prop_assert_eq!(a.is_before(b), difference > 0);
        prop_assert_eq!(a.is_at_or_before(b), difference >= 0);
        prop_assert_eq!(a.plus(b.distance_from(a)), b);
    }
}
