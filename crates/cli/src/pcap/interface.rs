//! Interface of a capture.

use super::link_type::LinkType;

const SECOND: u64 = 1_000_000_000;

/// What a file says about an interface.
#[derive(Clone, Copy, Debug)]
pub(super) struct Interface {
    pub(super) link_type: LinkType,
    /// Units of time in a second.
    pub(super) resolution: u128,
    /// Added to every time, in seconds.
    pub(super) offset: i64,
    /// Bytes of a frame captured at most; none if there is no limit.
    pub(super) snap_length: Option<usize>,
}

impl Interface {
    /// Nanoseconds since 1970 of a time in units, if they fit.
    pub(super) fn time(&self, units: u64) -> Option<u64> {
        // The usual units, without a long division.
        if let Some(nanoseconds) = self.nanoseconds().filter(|_| self.offset == 0) {
            return units.checked_mul(nanoseconds);
        }
        let units = u128::from(units);
        let seconds = (units / self.resolution).checked_add_signed(self.offset.into())?;
        let second = u128::from(SECOND);
        // Where the units of a second are too many to multiply, they are too fine to matter.
        let part = (units % self.resolution).checked_mul(second).unwrap_or_default() / self.resolution;
        u64::try_from(seconds.checked_mul(second)? + part).ok()
    }

    /// Nanoseconds in a unit, if they are a whole number.
    fn nanoseconds(&self) -> Option<u64> {
        let resolution = u64::try_from(self.resolution).ok().filter(|resolution| *resolution > 0)?;
        SECOND.is_multiple_of(resolution).then(|| SECOND / resolution)
    }
}
