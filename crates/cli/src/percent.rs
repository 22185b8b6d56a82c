//! Percentages in texts.

use std::fmt;

/// A percentage in the format of C's `%g`: six significant digits, without trailing zeros.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Percent {
    pub(crate) part: u64,
    pub(crate) total: u64,
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (part, total) = (u128::from(self.part) * 100, u128::from(self.total.max(1)));
        // Six significant digits: 100 has three digits before the decimal point.
        let mut decimals = 3_u32;
        let mut scaled = part * 1_000;
        while scaled < total * 100_000 && decimals < 9 {
            decimals += 1;
            scaled *= 10;
        }
        let digits = (scaled + total / 2) / total;
        let unit = 10_u128.pow(decimals);
        let places = usize::try_from(decimals).unwrap_or_default();
        let text = format!("{}.{:0places$}", digits / unit, digits % unit);
        f.write_str(text.trim_end_matches('0').trim_end_matches('.'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentage_prints_like_c_percent_g() {
        // The output of printf("%g", (float) (part * 100.0 / total)).
        let table = [
            (0, 3, "0"),
            (3, 3, "100"),
            (1, 3, "33.3333"),
            (2, 3, "66.6667"),
            (1, 2, "50"),
            (1, 8, "12.5"),
            (1, 7, "14.2857"),
            (1, 11, "9.09091"),
            (1, 100, "1"),
            (1, 300, "0.333333"),
            (1, 1_001, "0.0999001"),
            (999, 1_000, "99.9"),
            (9_999_999, 10_000_000, "100"),
            (1, 999_999, "0.0001"),
            (0, 0, "0"),
        ];
        for (part, total, text) in table {
            assert_eq!(Percent { part, total }.to_string(), text, "{part}/{total}");
        }
        assert_eq!(Percent { part: u64::MAX, total: u64::MAX }.to_string(), "100");
    }
}
