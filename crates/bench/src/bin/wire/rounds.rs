//! Rounds, each with one slice of every contender.

use std::time::{Duration, Instant};

/// Limits on the number of rounds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rounds {
    pub(crate) time: Duration,
    /// Maximum number of rounds.
    pub(crate) most: Option<usize>,
}

impl Rounds {
    /// Runs rounds until the time or the number of rounds is used up, but at least one round.
    pub(crate) fn repeat(self, mut round: impl FnMut(usize) -> Result<(), String>) -> Result<(), String> {
        let begin = Instant::now();
        for number in 0.. {
            round(number)?;
            if begin.elapsed() > self.time || self.most.is_some_and(|most| number + 1 >= most) {
                break;
            }
        }
        Ok(())
    }
}

/// Runs each item once per round, in a new order each round, because the order affects caches.
pub(crate) fn in_turn<T>(
    all: &mut [T],
    round: usize,
    mut act: impl FnMut(&mut T) -> Result<(), String>,
) -> Result<(), String> {
    let mut order: Vec<_> = (0..all.len()).collect();
    let mut seed = u64::try_from(round).unwrap_or_default().wrapping_add(1);
    for left in (1..order.len()).rev() {
        // splitmix64
        seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = usize::try_from(mixed >> 33).unwrap_or_default();
        order.swap(left, mixed % (left + 1));
    }
    order.into_iter().try_for_each(|index| act(&mut all[index]))
}
