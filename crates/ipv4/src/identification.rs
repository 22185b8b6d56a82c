//! Identification numbers of sent datagrams.

use std::net::Ipv4Addr;

use base::Secret;

use inet::IpProtocol;

/// Source of identification numbers for sent datagrams.
///
/// RFC 6864 4 forbids repeated numbers for the same source, destination and protocol within the lifetime of a
/// datagram. This rule applies only to datagrams that may be fragmented. A datagram with "don't fragment" may have the
/// number zero, which does not reveal how many datagrams the host sends.
///
/// A hash of source, destination and protocol selects a counter and an offset. Several destinations may share a
/// counter. The hash depends on the seed, so a host cannot predict the numbers in datagrams to other hosts.
#[derive(Clone, Debug)]
pub struct Identification {
    counters: Box<[u16]>,
    secret: Secret,
    /// The last hashed word and its hash, because consecutive datagrams often have the same addresses and protocol.
    last: (u64, u64),
}

impl Identification {
    /// Binary logarithm of the number of counters: 2,048 counters of two bytes.
    const COUNTER_BITS: u32 = 11;

    /// Creates the counters. `seed` must be unpredictable to other hosts.
    pub fn new(seed: u64) -> Identification {
        let secret = Secret::new(seed.into());
        let counters = vec![0; 1 << Self::COUNTER_BITS].into_boxed_slice();
        Identification { counters, last: (0, secret.key(0_u64)), secret }
    }

    /// Returns the next number for a datagram that may be fragmented. For the same source, destination and protocol, a
    /// number repeats only after 65,535 increments of their counter.
    pub fn next(&mut self, source: Ipv4Addr, destination: Ipv4Addr, protocol: IpProtocol) -> u16 {
        self.next_of(source, destination, protocol, 1)
    }

    /// Returns the first of the next `count` numbers, which are consecutive, for a datagram that a device cuts into datagrams
    /// of its own. See [`Identification::next`].
    pub fn next_of(
        &mut self,
        source: Ipv4Addr,
        destination: Ipv4Addr,
        protocol: IpProtocol,
        count: u16,
    ) -> u16 {
        // One hash of one word selects the counter and the offset, because hashing takes longer than writing the
        // header. Two protocols may share a counter, just like two destinations.
        let [a, b, c, d] = source.octets();
        let [e, f, g, h] = destination.octets();
        let hash = self.hash(u64::from_be_bytes([a ^ protocol.0, b, c, d, e, f, g, h]));
        let [.., y, z] = hash.to_be_bytes();
        let place = usize::try_from(hash >> (u64::BITS - Self::COUNTER_BITS)).unwrap_or_default();
        let Some(counter) = self.counters.get_mut(place) else { return 0 };
        // spec: rfc6864-unique
        let first = counter.wrapping_add(1);
        *counter = counter.wrapping_add(count);
        first.wrapping_add(u16::from_be_bytes([y, z]))
    }

    /// Returns the hash of a word.
    #[inline]
    fn hash(&mut self, word: u64) -> u64 {
        if word != self.last.0 {
            self.last = (word, self.secret.key(word));
        }
        self.last.1
    }
}

#[cfg(test)]
mod tests;
