//! Watching a host at work.

use tap::Instant;

use crate::Verdict;

/// Somebody who watches. Every method does nothing unless it is written; `()` watches nothing and
/// costs nothing.
pub trait Trace {
    /// A frame arrived.
    fn arrived(&mut self, _now: Instant, _octets: &[u8]) {}

    /// The frame that arrived last was judged.
    fn judged(&mut self, _now: Instant, _verdict: Verdict) {}

    /// A frame is about to be transmitted, padding and all.
    fn departs(&mut self, _now: Instant, _octets: &[u8]) {}
}

impl Trace for () {}
