//! Quantiles and ratios.

use std::time::Duration;

/// Returns a quantile of the values, or NaN without values.
pub(crate) fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().saturating_sub(1);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and the last")]
    let index = (number(last) * share).round() as usize;
    sorted.get(index).copied().unwrap_or(f64::NAN)
}

/// Returns the ratio of the two values of each round.
pub(crate) fn paired(above: &[f64], below: &[f64]) -> Vec<f64> {
    above.iter().zip(below).map(|(above, below)| above / below).collect()
}

/// Converts a count to a float.
#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
pub(crate) fn number(count: usize) -> f64 {
    count as f64
}

/// Converts a duration to nanoseconds.
pub(crate) fn ns(time: Duration) -> f64 {
    time.as_secs_f64() * 1e9
}

#[cfg(test)]
mod tests;
