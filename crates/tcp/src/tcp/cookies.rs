//! SYN cookies (RFC 4987 3.6): the state of a half-open connection in the numbers of its SYN,ACK.

use std::net::SocketAddrV4;
use std::time::Duration;

use base::Secret;
use tap::Instant;

use crate::SequenceNumber;
use crate::initial_sequence_numbers::addresses;

/// Makes and checks cookies.
///
/// A cookie is an initial sequence number: 5 bits of a count of 64 seconds, 3 bits of the maximum segment size, and 24
/// bits of a keyed hash of addresses, ports, count, maximum segment size and the peer's initial sequence number. The low
/// 6 bits of the timestamp of the SYN,ACK have window scale, SACK-permitted and ECN, because the peer echoes the timestamp.
#[derive(Clone, Debug)]
pub(super) struct Cookies {
    secret: Secret,
}

/// Options of a SYN in the low bits of a timestamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CookieOptions {
    pub(super) window_scale: Option<u8>,
    pub(super) sack_permitted: bool,
    pub(super) has_ecn: bool,
}

/// Period of the count in a cookie.
const PERIOD: Duration = Duration::from_secs(64);
/// Number of periods in which a cookie is valid: the period in which it was made, and the next one.
const VALID_PERIODS: u64 = 2;
/// Maximum segment sizes that a cookie represents, ascending.
const SEGMENT_SIZES: [u16; 8] = [64, 536, 1_024, 1_300, 1_400, 1_440, 1_460, 8_960];
/// Bits of a timestamp that have options.
const OPTION_BITS: u32 = 0b11_1111;
const SCALE_BITS: u32 = 0b1111;
const SACK_BIT: u32 = 0b1_0000;
const ECN_BIT: u32 = 0b10_0000;

impl Cookies {
    /// Time after the last cookie after which no cookie is valid.
    pub(super) const LIFETIME: Duration = Duration::from_secs(128);

    pub(super) fn new(secret: &Secret) -> Cookies {
        Cookies { secret: Secret::new(secret.seed("cookies")) }
    }

    /// Returns the cookie for a SYN from `peer` to `local` with this sequence number and maximum segment size.
    // spec: tcp-cookies, tcp-cookies-options
    pub(super) fn make(
        &self,
        now: Instant,
        (local, peer): (SocketAddrV4, SocketAddrV4),
        sequence: SequenceNumber,
        segment_size: u16,
    ) -> SequenceNumber {
        let fitting = SEGMENT_SIZES.iter().rposition(|size| *size <= segment_size).unwrap_or_default();
        let size = u8::try_from(fitting).unwrap_or_default();
        self.cookie(period(now), (local, peer), sequence, size)
    }

    /// Returns the maximum segment size in a cookie, or `None` if the cookie is invalid.
    // spec: tcp-cookies, tcp-cookies-options
    pub(super) fn check(
        &self,
        now: Instant,
        addresses: (SocketAddrV4, SocketAddrV4),
        sequence: SequenceNumber,
        cookie: SequenceNumber,
    ) -> Option<u16> {
        let [.., high] = cookie.value().to_le_bytes();
        let size = high & 0b111;
        let now = period(now);
        let periods = (0..VALID_PERIODS).filter_map(|age| now.checked_sub(age));
        let is_valid =
            periods.into_iter().any(|period| self.cookie(period, addresses, sequence, size) == cookie);
        SEGMENT_SIZES.get(usize::from(size)).copied().filter(|_| is_valid)
    }

    fn cookie(
        &self,
        period: u64,
        (local, peer): (SocketAddrV4, SocketAddrV4),
        sequence: SequenceNumber,
        size: u8,
    ) -> SequenceNumber {
        let ports = u64::from(local.port()) << 16 | u64::from(peer.port());
        let hash = self.secret.key_of_numbers([
            addresses(*local.ip(), *peer.ip()),
            ports << 32 | u64::from(sequence.value()),
            period << 3 | u64::from(size),
        ]);
        let [a, b, c, ..] = hash.to_le_bytes();
        let [count, ..] = period.to_le_bytes();
        SequenceNumber::new(u32::from_le_bytes([a, b, c, (count << 3) + size]))
    }
}

impl CookieOptions {
    /// Window scale that means no window scale.
    const NO_SCALE: u32 = 15;

    /// Returns a timestamp with these options in its low bits: at most 63 below `timestamp`, and never above it.
    // spec: tcp-cookies-options
    pub(super) fn add_to(self, timestamp: u32) -> u32 {
        let scale = self.window_scale.map_or(Self::NO_SCALE, |scale| u32::from(scale.min(14)));
        let bit = |is_set, bit| if is_set { bit } else { 0 };
        let bits = scale + bit(self.sack_permitted, SACK_BIT) + bit(self.has_ecn, ECN_BIT);
        let with_options = (timestamp & !OPTION_BITS) + bits;
        // A timestamp in the future would make the peer drop the following segments (RFC 7323 5.3).
        if timestamp & OPTION_BITS < bits { with_options.wrapping_sub(OPTION_BITS + 1) } else { with_options }
    }

    /// Returns the options in the low bits of a timestamp that the peer echoes.
    pub(super) fn of(timestamp: u32) -> CookieOptions {
        let scale = timestamp & SCALE_BITS;
        CookieOptions {
            window_scale: u8::try_from(scale).ok().filter(|_| scale != Self::NO_SCALE),
            sack_permitted: timestamp & SACK_BIT != 0,
            has_ecn: timestamp & ECN_BIT != 0,
        }
    }
}

/// Returns the number of the period of a time.
fn period(now: Instant) -> u64 {
    now.since(Instant::ORIGIN).as_secs() / PERIOD.as_secs()
}

#[cfg(test)]
mod tests;
