use super::*;

#[test]
fn the_end_of_time_is_not_passed() {
    let end = Instant::from_nanos(u64::MAX);
    assert_eq!(end + Duration::from_secs(1), end);
    assert_eq!(Instant::ORIGIN + Duration::MAX, end);
}

#[test]
fn a_clock_that_went_backwards_has_waited_for_nothing() {
    let (early, late) = (Instant::from_nanos(3), Instant::from_nanos(10));
    assert_eq!(late.since(early), Duration::from_nanos(7));
    assert_eq!(early.since(late), Duration::ZERO);
}
