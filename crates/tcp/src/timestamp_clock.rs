//! The local timestamp clock (RFC 7323 5.4).

use tap::Instant;

/// Returns the local timestamp: milliseconds, plus the offset of the connection.
pub(crate) fn timestamp(now: Instant, offset: u32) -> u32 {
    // RFC 7323 5.4: "we choose a timestamp clock frequency in the range 1 ms to 1 sec per tick."
    // spec: rfc7323-clock, rfc7323-offset
    let [a, b, c, d, ..] = (now.as_nanos() / 1_000_000).to_le_bytes();
    u32::from_le_bytes([a, b, c, d]).wrapping_add(offset)
}
