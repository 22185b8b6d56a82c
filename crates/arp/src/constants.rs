//! Constants of RFC 5227 1.1, with the names of the RFC. RFC 3927 9 has the same values.
//!
//! RFC 5227 does not intend these constants to be configurable.

use std::time::Duration;

// spec: rfc5227-constants

/// Maximum delay before the first probe: 1 s. The delay is uniformly random, so that hosts that start together do not
/// transmit together (RFC 5227 2.1.1).
pub const PROBE_WAIT: Duration = Duration::from_secs(1);

/// Number of probes: 3 (RFC 5227 2.1.1).
pub const PROBE_NUM: u32 = 3;

/// Minimum interval between two probes: 1 s (RFC 5227 2.1.1).
pub const PROBE_MIN: Duration = Duration::from_secs(1);

/// Maximum interval between two probes: 2 s (RFC 5227 2.1.1).
pub const PROBE_MAX: Duration = Duration::from_secs(2);

/// Delay between the last probe and the first announcement: 2 s. A conflict in this time ends the claim
/// (RFC 5227 2.1.1).
pub const ANNOUNCE_WAIT: Duration = Duration::from_secs(2);

/// Number of announcements: 2 (RFC 5227 2.3).
pub const ANNOUNCE_NUM: u32 = 2;

/// Interval between two announcements: 2 s (RFC 5227 2.3).
pub const ANNOUNCE_INTERVAL: Duration = Duration::from_secs(2);

/// Number of conflicts after which new addresses are rate limited: 10 (RFC 5227 2.1.1).
pub const MAX_CONFLICTS: u32 = 10;

/// Minimum interval between two new addresses after [`MAX_CONFLICTS`] conflicts: 60 s (RFC 5227 2.1.1).
pub const RATE_LIMIT_INTERVAL: Duration = Duration::from_mins(1);

/// Minimum interval between two defenses: 10 s. With [`crate::Defense::Once`], a second conflict within this interval
/// ends the use of the address (RFC 5227 2.4).
pub const DEFEND_INTERVAL: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests;
