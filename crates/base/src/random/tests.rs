use super::*;

#[test]
fn sequence_is_splitmix64() {
    // The output of the reference implementation for this seed.
    let mut random = Random::new(1_234_567);
    let drawn: Vec<u64> = (0..5).map(|_| random.draw()).collect();
    assert_eq!(
        drawn,
        [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
            4_593_380_528_125_082_431,
            16_408_922_859_458_223_821
        ]
    );
}

#[test]
fn numbers_are_drawn_equally_often() {
    let mut random = Random::new(7);
    let mut seen = [0_u32; 8];
    for _ in 0..8_000 {
        seen[usize::try_from(random.up_to(7)).unwrap()] += 1;
    }
    assert!(seen.iter().all(|times| (850..=1_150).contains(times)), "{seen:?}");
    assert_eq!(random.up_to(0), 0);
}

#[test]
fn number_is_drawn_when_upper_bound_is_maximum() {
    assert_eq!(Random::new(3).up_to(u64::MAX - 1), Random::new(3).draw());
    // The divisor saturates at 2^64 - 1: the number `u64::MAX` is never drawn.
    assert_eq!(Random::new(3).up_to(u64::MAX), Random::new(3).draw());
}

#[test]
fn duration_is_between_bounds_and_reaches_both() {
    let (shortest, longest) = (Duration::from_nanos(10), Duration::from_nanos(13));
    let mut random = Random::new(1);
    let drawn: std::collections::BTreeSet<_> = (0..100).map(|_| random.between(shortest, longest)).collect();
    assert_eq!(drawn, (10..=13).map(Duration::from_nanos).collect());
}

#[test]
fn duration_is_shortest_or_longer_when_bounds_are_reversed_or_huge() {
    let mut random = Random::new(1);
    assert_eq!(random.between(Duration::MAX, Duration::ZERO), Duration::MAX);
    assert!(random.between(Duration::ZERO, Duration::MAX) <= Duration::from_nanos(u64::MAX));
}
