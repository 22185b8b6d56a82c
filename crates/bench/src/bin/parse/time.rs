//! Times of the contenders, measured in alternation.
//!
//! Clock rate and cache use of a machine change during a run. The contenders therefore alternate in slices of a few
//! microseconds, in a new order each round, and each slice is compared with the slice of the cast in the same round.

use std::time::Instant;

use crate::contenders::{ALL, Contender};
use crate::run::{self, Run};

/// Runs per slice, as an integer and as a float.
const SLICE: usize = 2_000;
const PER_SLICE: f64 = 2_000.0;
/// Number of warm-up rounds, which are not measured.
const WARM_UP: usize = 50;

struct Times {
    contender: &'static Contender,
    run: Run,
    /// Duration of each slice in nanoseconds.
    slices: Vec<f64>,
}

/// Measures each kind of work and prints a table for it.
pub(crate) fn all(rounds: usize) {
    for group in ALL.chunk_by(|one, next| one.work.name() == next.work.name()) {
        let mut times: Vec<Times> = group.iter().map(Times::new).collect();
        for round in 0..WARM_UP + rounds {
            let from = round % times.len();
            let (late, early) = times.split_at_mut(from);
            early.iter_mut().chain(late).for_each(Times::slice);
        }
        println!("{:<31} {:>8}   {:>15}", "", "p10", "ratio to cast");
        println!("{:<31} {:>8}   {:>7} {:>7}", group[0].work.name(), "ns", "median", "p90");
        let cast = times[0].slices[WARM_UP..].to_vec();
        for times in &times {
            println!("{}", times.line(&cast));
        }
        println!();
    }
}

impl Times {
    fn new(contender: &'static Contender) -> Times {
        Times { contender, run: run::of(contender.work), slices: Vec::new() }
    }

    fn slice(&mut self) {
        let start = Instant::now();
        (self.run)(SLICE);
        self.slices.push(start.elapsed().as_secs_f64() * 1e9);
    }

    fn line(&self, cast: &[f64]) -> String {
        let slices = &self.slices[WARM_UP..];
        let ratios: Vec<f64> = slices.iter().zip(cast).map(|(slice, cast)| slice / cast).collect();
        format!(
            "{:<31} {:>8.2}   {:>7.2} {:>7.2}   {}",
            self.contender.name,
            at(slices, 10) / PER_SLICE,
            at(&ratios, 50),
            at(&ratios, 90),
            self.contender.api,
        )
    }
}

/// Returns a percentile.
fn at(values: &[f64], percent: usize) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[(sorted.len() - 1) * percent / 100]
}
