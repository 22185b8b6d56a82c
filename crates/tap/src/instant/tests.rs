use super::*;

#[test]
fn instant_addition_saturates() {
    let end = Instant::from_nanos(u64::MAX);
    assert_eq!(end + Duration::from_secs(1), end);
    assert_eq!(Instant::ORIGIN + Duration::MAX, end);
}

#[test]
fn instant_difference_is_zero_when_clock_went_backwards() {
    let (early, late) = (Instant::from_nanos(3), Instant::from_nanos(10));
    assert_eq!(late.since(early), Duration::from_nanos(7));
    assert_eq!(early.since(late), Duration::ZERO);
}
