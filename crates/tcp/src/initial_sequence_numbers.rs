//! Initial sequence numbers (RFC 6528) and offsets of timestamps (RFC 7323 5.4).

use std::net::{Ipv4Addr, SocketAddrV4};

use base::Secret;
use tap::Instant;

use crate::SequenceNumber;

/// Selects the initial sequence number and the timestamp offset of connections.
///
/// Both depend on the addresses of a connection and on a secret, so a host that sees the numbers of one connection
/// cannot compute the numbers of another connection.
///
/// ```
/// use base::Secret;
/// use tap::Instant;
/// use tcp::InitialSequenceNumbers;
///
/// let numbers = InitialSequenceNumbers::new(&Secret::new(0x0123_4567));
/// let (local, peer) = ("10.0.0.1:4000".parse()?, "10.0.0.2:80".parse()?);
/// let first = numbers.select(Instant::from_nanos(0), local, peer);
/// let second = numbers.select(Instant::from_nanos(4_000), local, peer);
/// assert_eq!(second, first.plus(1));
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Clone, Debug)]
pub struct InitialSequenceNumbers {
    sequence: Secret,
    timestamps: Secret,
}

/// Period of the clock of initial sequence numbers, in nanoseconds.
const TICK: u64 = 4_000;

impl InitialSequenceNumbers {
    /// Derives the keys from a secret.
    pub fn new(secret: &Secret) -> InitialSequenceNumbers {
        InitialSequenceNumbers {
            // spec: rfc6528-secret
            sequence: Secret::new(secret.seed("initial sequence numbers")),
            timestamps: Secret::new(secret.seed("timestamp offsets")),
        }
    }

    /// Returns the initial sequence number of a connection that starts now.
    #[inline]
    pub fn select(&self, now: Instant, local: SocketAddrV4, peer: SocketAddrV4) -> SequenceNumber {
        // RFC 6528 3: "ISN = M + F(localip, localport, remoteip, remoteport, secretkey) where M is the 4 microsecond
        // timer, and F() is a pseudorandom function (PRF) of the connection-id."
        // spec: rfc9293-isn-clock, rfc6528-generator, rfc6528-unrelated
        let ports = u64::from(local.port()) << 16 | u64::from(peer.port());
        let offset = self.sequence.key_of_numbers([addresses(*local.ip(), *peer.ip()), ports]);
        SequenceNumber::new(low_half(now.as_nanos() / TICK)).plus(low_half(offset))
    }

    /// Returns the offset that a connection between these addresses adds to its timestamp clock.
    ///
    /// The ports have no influence, so the timestamps of all connections between two hosts have one clock: RFC 6191
    /// compares the timestamp of a new connection with that of an earlier connection.
    #[inline]
    pub fn timestamp_offset(&self, local: Ipv4Addr, peer: Ipv4Addr) -> u32 {
        // RFC 7323 5.4: "The same function with a different secret key can be used to generate the per-connection
        // timestamp offset."
        low_half(self.timestamps.key_of_numbers([addresses(local, peer)]))
    }
}

/// Returns both addresses in one word.
pub(crate) fn addresses(local: Ipv4Addr, peer: Ipv4Addr) -> u64 {
    u64::from(local.to_bits()) << 32 | u64::from(peer.to_bits())
}

/// Returns a number modulo 2^32.
const fn low_half(number: u64) -> u32 {
    let [a, b, c, d, ..] = number.to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

#[cfg(test)]
mod tests;
