//! The constants of RFC 5227, section 1.1 (RFC 3927, section 9, has the same), under their own names.
//! None of them is meant to be configured.

use std::time::Duration;

// spec: rfc5227-constants

/// The longest wait before the first probe: 1 s. The wait is drawn uniformly, so that machines which
/// start together do not speak together (RFC 5227 2.1.1).
pub const PROBE_WAIT: Duration = Duration::from_secs(1);

/// How many probes are sent: 3 (RFC 5227 2.1.1).
pub const PROBE_NUM: u32 = 3;

/// The shortest gap between two probes: 1 s (RFC 5227 2.1.1).
pub const PROBE_MIN: Duration = Duration::from_secs(1);

/// The longest gap between two probes: 2 s (RFC 5227 2.1.1).
pub const PROBE_MAX: Duration = Duration::from_secs(2);

/// How long others may still object after the last probe, before the first announcement: 2 s
/// (RFC 5227 2.1.1).
pub const ANNOUNCE_WAIT: Duration = Duration::from_secs(2);

/// How many announcements are sent: 2 (RFC 5227 2.3).
pub const ANNOUNCE_NUM: u32 = 2;

/// The gap between two announcements: 2 s (RFC 5227 2.3).
pub const ANNOUNCE_INTERVAL: Duration = Duration::from_secs(2);

/// How many conflicts are met before new addresses are tried slowly: 10 (RFC 5227 2.1.1).
pub const MAX_CONFLICTS: u32 = 10;

/// The shortest time from one new address to the next once there were [`MAX_CONFLICTS`]: 60 s
/// (RFC 5227 2.1.1).
pub const RATE_LIMIT_INTERVAL: Duration = Duration::from_mins(1);

/// The shortest time from one defense to the next: 10 s. Under [`crate::Defense::Once`] a conflict
/// within it ends the use of the address (RFC 5227 2.4).
pub const DEFEND_INTERVAL: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests;
