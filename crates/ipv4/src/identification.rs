//! Identification numbers of sent datagrams.

use std::net::Ipv4Addr;

use base::Secret;

use inet::IpProtocol;

/// Source of identification numbers for sent datagrams.
///
/// RFC 6864 4 requires numbers that are unique for a source, destination and protocol, and only for datagrams that may
/// be fragmented. A datagram with "don't fragment" may have the number zero, which does not reveal how much the host
/// sends.
///
/// Each destination has a counter, which it shares with a few others, and an offset. Both depend on the seed, so a host
/// cannot predict the numbers in datagrams to other hosts.
#[derive(Clone, Debug)]
pub struct Identification {
    counters: Box<[u16]>,
    secret: Secret,
}

impl Identification {
    /// Binary logarithm of the number of counters: 2,048 counters of two bytes.
    const COUNTER_BITS: u32 = 11;

    /// Creates the counters. `seed` must be unpredictable to other hosts.
    pub fn new(seed: u64) -> Identification {
        Identification {
            counters: vec![0; 1 << Self::COUNTER_BITS].into_boxed_slice(),
            secret: Secret::new(seed.into()),
        }
    }

    /// Returns the next number for a datagram that may be fragmented. It repeats only after 65,535 other numbers of the
    /// same counter.
    pub fn next(&mut self, source: Ipv4Addr, destination: Ipv4Addr, protocol: IpProtocol) -> u16 {
        // One hash of one word selects the counter and the offset, because hashing takes longer than writing the
        // header. Two protocols may share a counter, as two destinations may.
        let [a, b, c, d] = source.octets();
        let [e, f, g, h] = destination.octets();
        let hash = self.secret.key(u64::from_be_bytes([a ^ protocol.0, b, c, d, e, f, g, h]));
        let [.., y, z] = hash.to_be_bytes();
        let place = usize::try_from(hash >> (u64::BITS - Self::COUNTER_BITS)).unwrap_or_default();
        let Some(counter) = self.counters.get_mut(place) else { return 0 };
        // spec: rfc6864-unique
        *counter = counter.wrapping_add(1);
        counter.wrapping_add(u16::from_be_bytes([y, z]))
    }
}

#[cfg(test)]
mod tests;
