//! Rounds, in each of which every contender has its turn.

use std::time::{Duration, Instant};

/// How many rounds to go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rounds {
    pub(crate) time: Duration,
    /// No more than so many, whatever the time.
    pub(crate) most: Option<usize>,
}

impl Rounds {
    /// Goes round by round until the time is up; once at least.
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

/// Lets each act once. Who goes first finds the caches as who went last has left them: that is another one
/// every round.
pub(crate) fn in_turn<T>(
    all: &mut [T],
    round: usize,
    mut act: impl FnMut(&mut T) -> Result<(), String>,
) -> Result<(), String> {
    let first = round % all.len().max(1);
    let (before, from) = all.split_at_mut(first);
    from.iter_mut().chain(before).try_for_each(&mut act)
}
