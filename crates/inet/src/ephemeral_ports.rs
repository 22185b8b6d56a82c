//! Selection of ephemeral ports (RFC 6056).

use std::ops::RangeInclusive;

use base::Secret;

/// Selects ports for sockets without a configured port.
///
/// The selection is algorithm 1 of RFC 6056 3.3.1: the search starts at a random port, and the first free port is used.
/// The random numbers are keyed hashes of a counter, because ports are visible on the wire.
#[derive(Clone, Debug)]
pub struct EphemeralPorts {
    secret: Secret,
    /// Number of selections so far.
    draws: u64,
}

impl EphemeralPorts {
    /// The ephemeral ports, the same as in Linux.
    pub const RANGE: RangeInclusive<u16> = 32_768..=60_999;

    /// Number of ephemeral ports.
    const COUNT: u16 = *Self::RANGE.end() - *Self::RANGE.start() + 1;

    /// Creates a selection. `seed` must be unpredictable to other hosts.
    pub fn new(seed: u64) -> EphemeralPorts {
        EphemeralPorts { secret: Secret::new(seed.into()), draws: 0 }
    }

    /// Returns a free port, or `None` if no port of the range is free. `is_free` is called at most once for each port.
    // spec: rfc6056-unpredictable, rfc6056-unique
    pub fn select(&mut self, mut is_free: impl FnMut(u16) -> bool) -> Option<u16> {
        let random = self.secret.key(self.draws) % u64::from(Self::COUNT);
        self.draws = self.draws.wrapping_add(1);
        let start = u16::try_from(random).unwrap_or_default();
        let offsets = (start..Self::COUNT).chain(0..start);
        offsets.map(|offset| *Self::RANGE.start() + offset).find(|port| is_free(*port))
    }
}

#[cfg(test)]
mod tests;
