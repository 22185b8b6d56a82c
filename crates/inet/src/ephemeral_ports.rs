//! Selection of ephemeral ports (RFC 6056).

use std::net::{Ipv4Addr, SocketAddrV4};
use std::ops::RangeInclusive;

use base::Secret;

/// Selects ports for sockets without a configured port.
///
/// - [`EphemeralPorts::select`] is algorithm 1 of RFC 6056 3.3.1, for sockets without a peer: the search starts at a
///   random port. The random numbers are keyed hashes of a counter, because ports are visible on the wire.
/// - [`EphemeralPorts::select_for`] is algorithm 3 of RFC 6056 3.3.3, for TCP connections: the search continues behind
///   the last port. A keyed hash of addresses and destination port shifts the ports of each destination.
#[derive(Clone, Debug)]
pub struct EphemeralPorts {
    secret: Secret,
    /// Number of selections by algorithm 1 so far.
    draws: u64,
    /// Number of ports that algorithm 3 has tried so far.
    next: u64,
}

impl EphemeralPorts {
    /// The ephemeral ports, the same as in Linux.
    pub const RANGE: RangeInclusive<u16> = 32_768..=60_999;

    /// Number of ephemeral ports.
    const COUNT: u16 = *Self::RANGE.end() - *Self::RANGE.start() + 1;

    /// Creates a selection. `seed` must be unpredictable to other hosts.
    pub fn new(seed: u64) -> EphemeralPorts {
        EphemeralPorts { secret: Secret::new(seed.into()), draws: 0, next: 0 }
    }

    /// Returns a free port, or `None` if no port of the range is free. `is_free` is called at most once for each port.
    // spec: rfc6056-unpredictable, rfc6056-unique
    pub fn select(&mut self, mut is_free: impl FnMut(u16) -> bool) -> Option<u16> {
        let random = self.secret.key(self.draws);
        self.draws = self.draws.wrapping_add(1);
        (0..Self::COUNT).map(|tried| Self::port(random, tried.into())).find(|port| is_free(*port))
    }

    /// Returns a free port for a connection from `local` to `peer`, or `None` if no port of the range is free. `is_free`
    /// is called at most once for each port.
    ///
    /// The ports to one destination follow each other, so a port is reused as late as possible.
    // spec: rfc6056-hash, rfc6056-unique
    pub fn select_for(
        &mut self,
        local: Ipv4Addr,
        peer: SocketAddrV4,
        mut is_free: impl FnMut(u16) -> bool,
    ) -> Option<u16> {
        // RFC 6056 3.3.3: "offset = F(local_IP, remote_IP, remote_port, secret_key);"
        let addresses = u64::from(local.to_bits()) << 32 | u64::from(peer.ip().to_bits());
        let offset = self.secret.key((addresses, peer.port()));
        // RFC 6056 3.3.3: "port = min_ephemeral + (next_ephemeral + offset) % num_ephemeral; next_ephemeral++;"
        (0..Self::COUNT).find_map(|_| {
            let port = Self::port(offset, self.next);
            self.next = self.next.wrapping_add(1);
            is_free(port).then_some(port)
        })
    }

    /// Returns the port at a distance of `tried` from a random start. The range is a circle.
    fn port(random: u64, tried: u64) -> u16 {
        let count = u64::from(Self::COUNT);
        let offset = (random % count + tried % count) % count;
        *Self::RANGE.start() + u16::try_from(offset).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
