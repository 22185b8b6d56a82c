//! Runs of all seeds on all CPUs, and the statistics of their results.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Calls the function with each item, on all CPUs. Returns the results in the order of the items.
pub(crate) fn each<T: Sync, R: Send>(
    items: &[T],
    run: impl Fn(&T) -> Result<R, String> + Sync,
) -> Result<Vec<R>, String> {
    let next = AtomicUsize::new(0);
    let results: Mutex<Vec<_>> = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let index = next.fetch_add(1, Ordering::Relaxed)
                    && let Some(item) = items.get(index)
                {
                    let result = run(item);
                    if let Ok(mut results) = results.lock() {
                        results.push((index, result));
                    }
                }
            });
        }
    });
    let mut results = results.into_inner().map_err(|error| error.to_string())?;
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

/// Runs each cell with each seed. Returns the results of all seeds, by cell.
pub(crate) fn grid<T: Sync + Clone, R: Send>(
    cells: &[T],
    seeds: u64,
    run: impl Fn(&T, u64) -> Result<R, String> + Sync,
) -> Result<Vec<Vec<R>>, String> {
    let with_seeds: Vec<_> =
        cells.iter().flat_map(|cell| (0..seeds).map(move |seed| (cell.clone(), seed))).collect();
    let mut results = each(&with_seeds, |(cell, seed)| run(cell, *seed))?.into_iter();
    Ok(cells.iter().map(|_| results.by_ref().take(seeds as usize).collect()).collect())
}

/// Returns the mean of a figure.
pub(crate) fn mean<R>(results: &[R], figure: impl Fn(&R) -> f64) -> f64 {
    results.iter().map(figure).sum::<f64>() / results.len() as f64
}

/// Returns the index of fairness of Jain: 1 if all shares are equal, and 1/n if one of n flows has everything.
pub(crate) fn fairness(shares: &[f64]) -> f64 {
    let sum: f64 = shares.iter().sum();
    let squares: f64 = shares.iter().map(|share| share * share).sum();
    sum * sum / (shares.len() as f64 * squares)
}

#[cfg(test)]
mod tests;
