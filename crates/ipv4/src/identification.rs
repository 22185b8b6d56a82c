//! Identification numbers of sent datagrams.

use std::net::Ipv4Addr;

use base::Secret;

use inet::IpProtocol;

/// Counters for the identification field.
///
/// Only a datagram that may be fragmented needs one that is its own among those of the same source,
/// destination and protocol (RFC 6864 4); one that is sent with "don't fragment" may have any, and
/// zero says nothing about how much we send. Every destination has a counter that it shares with a few
/// others, and starts from an offset of its own. Both come from the seed, so nobody can tell from the
/// numbers that he gets which ones others get.
#[derive(Clone, Debug)]
pub struct Identification {
    counters: Box<[u16]>,
    secret: Secret,
}

impl Identification {
    /// There are 2^11 counters of two bytes each.
    const COUNTER_BITS: u32 = 11;

    /// The numbers of this seed.
    pub fn new(seed: u64) -> Identification {
        Identification {
            counters: vec![0; 1 << Self::COUNTER_BITS].into_boxed_slice(),
            secret: Secret::new(seed.into()),
        }
    }

    /// The next number for a datagram that may be fragmented. It does not come
    /// again before 65,535 others have gone to the destinations that share the counter.
    pub fn next(&mut self, source: Ipv4Addr, destination: Ipv4Addr, protocol: IpProtocol) -> u16 {
        // One hash for both, of one word: it costs more than all else in a header. Two protocols may share a
        // counter as well as two destinations.
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
