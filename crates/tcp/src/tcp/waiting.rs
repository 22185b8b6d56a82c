//! The limit of replies to segments that occupy no sequence numbers.

use tap::Instant;

use crate::timestamp_clock::timestamp;

/// Minimum time between two replies, in milliseconds.
const INTERVAL: u32 = 500;

/// Returns whether a segment without sequence numbers may be answered now, and records the reply. `replied_at` has the
/// milliseconds of the last reply modulo 2^32, or zero.
pub(super) fn may_reply(now: Instant, replied_at: &mut u32) -> bool {
    let milliseconds = timestamp(now, 0).max(1);
    let may_reply = *replied_at == 0 || milliseconds.wrapping_sub(*replied_at) >= INTERVAL;
    if may_reply {
        *replied_at = milliseconds;
    }
    may_reply
}
