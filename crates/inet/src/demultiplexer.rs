//! The socket of a received datagram or segment, by addresses and ports.

use std::fmt;
use std::net::SocketAddrV4;

use base::list::index;
use base::{Place, PlaceIndex};
use ipnet::Ipv4Net;

use crate::InterfaceId;

/// Local addresses and the local port of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Binding {
    /// Local addresses: 0.0.0.0/0 for all addresses, a /32 for one address, and any other prefix for a range. Host bits
    /// are ignored.
    pub addresses: Ipv4Net,
    /// Local port.
    pub port: u16,
}

/// Error of a socket that cannot have a binding: another socket has the same binding and the same peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BindingInUse;

/// Finds the socket of a received datagram or segment: the places of sockets by their bindings and peers.
///
/// A socket with a peer is found only for packets from this peer, and precedes sockets without a peer. Among the others,
/// the binding with the longest prefix is found. Interfaces can have equal addresses, so a socket can have an interface
/// too: it is then found only for packets that this interface has received.
///
/// A lookup takes one hash for each prefix length in use, so at most 33 without connected sockets. The hash is keyed:
/// a remote host cannot choose addresses and ports that share a cell.
pub struct Demultiplexer {
    index: PlaceIndex,
    /// The key at each place, or [`VACANT`]. Zeroed memory, which is not written before its place is used.
    keys: Box<[Key]>,
    /// Prefix lengths of sockets without a peer.
    bound: PrefixLengths,
    /// Prefix lengths of sockets with a peer.
    connected: PrefixLengths,
    generation: u64,
}

/// Binding and peer in two words: see [`local_word`] and [`peer_word`].
type Key = [u64; 2];

/// The key at a place without a socket. A local word is never zero.
const VACANT: Key = [0; 2];
/// The word of a socket without a peer. The word of a peer is never zero.
const NO_PEER: u64 = 0;
/// The scope of a socket without an interface.
const ANY_INTERFACE: u32 = 0;

/// The set of prefix lengths in use, with the number of bindings of each length. A prefix is represented by the number
/// of its host bits, so that the longest prefix comes first.
#[derive(Debug)]
struct PrefixLengths {
    counts: [Place; 33],
    /// Bit n is set if a binding has n host bits.
    in_use: u64,
}

impl Demultiplexer {
    /// Creates a demultiplexer for the places below `bound`. `seed` must be unpredictable to other hosts.
    pub fn new(bound: usize, seed: u64) -> Demultiplexer {
        Demultiplexer {
            // spec: socket-hash-keyed
            index: PlaceIndex::new(bound, seed),
            keys: vec![VACANT; bound].into_boxed_slice(),
            bound: PrefixLengths::NONE,
            connected: PrefixLengths::NONE,
            generation: 0,
        }
    }

    /// Adds the socket at `place`. With a `peer`, the socket receives only packets from this peer.
    ///
    /// Fails if a socket already has the same binding and the same peer. Bindings that overlap without being the same
    /// are not refused. Also fails if the place already has a binding, or is not below the bound.
    pub fn insert(
        &mut self,
        place: Place,
        local: Binding,
        peer: Option<SocketAddrV4>,
    ) -> Result<(), BindingInUse> {
        self.insert_key(place, key_of(local, peer.map(|peer| (peer, ANY_INTERFACE))))
    }

    /// Adds the socket at `place`, which receives only packets from `peer` that `interface` has received. Fails as
    /// [`Demultiplexer::insert`] does.
    // spec: tcp-interface
    pub fn insert_on(
        &mut self,
        interface: InterfaceId,
        place: Place,
        local: Binding,
        peer: SocketAddrV4,
    ) -> Result<(), BindingInUse> {
        self.insert_key(place, key_of(local, Some((peer, scope_of(interface)))))
    }

    fn insert_key(&mut self, place: Place, key: Key) -> Result<(), BindingInUse> {
        if self.find_key(key).is_some() {
            return Err(BindingInUse);
        }
        let vacant = self.keys.get_mut(index(place)).filter(|other| **other == VACANT);
        *vacant.ok_or(BindingInUse)? = key;
        let keys = &self.keys;
        self.index.insert(hashed(key), place, |other| keys.get(index(other)).copied().map(hashed));
        self.generation += 1;
        self.lengths_mut(key).add(host_bits(key));
        Ok(())
    }

    /// Removes the socket at `place`, if there is one.
    pub fn remove(&mut self, place: Place) {
        let Some(slot) = self.keys.get_mut(index(place)).filter(|key| **key != VACANT) else { return };
        let key = std::mem::replace(slot, VACANT);
        self.generation += 1;
        let keys = &self.keys;
        self.index.remove(hashed(key), place, |other| keys.get(index(other)).copied().map(hashed));
        self.lengths_mut(key).remove(host_bits(key));
    }

    /// Returns the number of changes. The result of a lookup is valid while the number stays the same.
    #[inline]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Returns the place of the socket without an interface for a datagram or segment from `peer` to `local`.
    // Inlined across crates, because every received datagram causes a lookup.
    #[inline]
    // spec: udp-most-exact-binding, udp-connected
    pub fn find(&self, local: SocketAddrV4, peer: SocketAddrV4) -> Option<Place> {
        self.find_in(ANY_INTERFACE, local, peer)
    }

    /// Returns the place of the socket for a datagram or segment from `peer` to `local` that `interface` has received: a
    /// socket with this interface, or a socket without a peer.
    #[inline]
    // spec: tcp-interface
    pub fn find_on(&self, interface: InterfaceId, local: SocketAddrV4, peer: SocketAddrV4) -> Option<Place> {
        self.find_in(scope_of(interface), local, peer)
    }

    /// Returns the place of the socket for a datagram from `peer` to `local` that `interface` has received: a socket with this
    /// peer and this interface, a socket with this peer, or a socket without a peer.
    #[inline]
    // spec: udp-connected-interface
    pub fn find_received(
        &self,
        interface: InterfaceId,
        local: SocketAddrV4,
        peer: SocketAddrV4,
    ) -> Option<Place> {
        if self.connected.in_use != 0
            && let Some(place) = self.find_connected(scope_of(interface), local, peer)
        {
            return Some(place);
        }
        self.find(local, peer)
    }

    #[inline]
    fn find_in(&self, scope: u32, local: SocketAddrV4, peer: SocketAddrV4) -> Option<Place> {
        if self.connected.in_use != 0
            && let Some(place) = self.find_connected(scope, local, peer)
        {
            return Some(place);
        }
        self.find_longest(local, None, self.bound.in_use)
    }

    /// Returns the socket with this peer, which is a function of its own so that the other search stays short.
    #[inline(never)]
    fn find_connected(&self, scope: u32, local: SocketAddrV4, peer: SocketAddrV4) -> Option<Place> {
        self.find_longest(local, Some((peer, scope)), self.connected.in_use)
    }

    /// Returns the socket with this peer and with the longest prefix that contains the local address. `in_use` is a set
    /// of host bits.
    #[expect(clippy::inline_always, reason = "without a peer, most of the function is constant")]
    #[inline(always)]
    fn find_longest(
        &self,
        local: SocketAddrV4,
        peer: Option<(SocketAddrV4, u32)>,
        mut in_use: u64,
    ) -> Option<Place> {
        while in_use != 0 {
            let host_bits = in_use.trailing_zeros();
            let key = key(local.ip().to_bits(), host_bits, local.port(), peer);
            if let Some(place) = self.find_key(key) {
                return Some(place);
            }
            in_use &= in_use - 1;
        }
        None
    }

    #[inline]
    fn find_key(&self, key: Key) -> Option<Place> {
        self.index.find(hashed(key), |place| self.keys.get(index(place)) == Some(&key))
    }

    fn lengths_mut(&mut self, [_, peer]: Key) -> &mut PrefixLengths {
        if peer == NO_PEER { &mut self.bound } else { &mut self.connected }
    }
}

impl PrefixLengths {
    const NONE: PrefixLengths = PrefixLengths { counts: [0; 33], in_use: 0 };

    fn add(&mut self, host_bits: u8) {
        if let Some(count) = self.counts.get_mut(usize::from(host_bits)) {
            *count = count.saturating_add(1);
            self.in_use |= 1 << host_bits;
        }
    }

    fn remove(&mut self, host_bits: u8) {
        if let Some(count) = self.counts.get_mut(usize::from(host_bits)) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.in_use &= !(1 << host_bits);
            }
        }
    }
}

fn key_of(local: Binding, peer: Option<(SocketAddrV4, u32)>) -> Key {
    let host_bits = 32 - u32::from(local.addresses.prefix_len());
    key(local.addresses.addr().to_bits(), host_bits, local.port, peer)
}

/// Returns the key of local addresses and port, and of a peer with the scope of its interface. The upper bits of the scope
/// are in the local word.
#[inline]
fn key(address: u32, host_bits: u32, port: u16, peer: Option<(SocketAddrV4, u32)>) -> Key {
    let local = local_word(address, host_bits, port);
    match peer {
        None => [local, NO_PEER],
        Some((peer, scope)) => {
            let (high, low) = (u64::from(scope >> 8), u64::from(scope & 0xff));
            [local | (high << 6), peer_word(peer) | (low << 49)]
        }
    }
}

/// Returns the scope of a socket with this interface.
#[inline]
fn scope_of(interface: InterfaceId) -> u32 {
    u32::from(interface.0) + 1
}

/// Returns local addresses and port as one word: 32 bits of prefix, 16 bits of port, 10 bits that are zero, and 6 bits with
/// the number of host bits plus one.
#[inline]
fn local_word(address: u32, host_bits: u32, port: u16) -> u64 {
    let prefix = address & u32::MAX.checked_shl(host_bits).unwrap_or_default();
    (u64::from(prefix) << 32) | (u64::from(port) << 16) | (u64::from(host_bits) + 1)
}

/// Returns a peer as one word: 15 bits that are zero, a set bit, 32 bits of address and 16 bits of port.
#[inline]
fn peer_word(peer: SocketAddrV4) -> u64 {
    (1 << 48) | (u64::from(peer.ip().to_bits()) << 16) | u64::from(peer.port())
}

/// Returns the number of host bits in a key.
fn host_bits([local, _]: Key) -> u8 {
    let [.., low] = local.to_be_bytes();
    (low & 0b11_1111).saturating_sub(1)
}

/// Returns a key in a type that is hashed as two words. The hash of an array includes its length.
#[inline]
fn hashed([local, peer]: Key) -> (u64, u64) {
    (local, peer)
}

impl fmt::Debug for Demultiplexer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = self.bound.counts.iter().chain(&self.connected.counts);
        let sockets: u64 = counts.map(|count| u64::from(*count)).sum();
        write!(f, "Demultiplexer({sockets} sockets)")
    }
}

impl fmt::Display for BindingInUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("local address and port in use")
    }
}

impl std::error::Error for BindingInUse {}

#[cfg(test)]
mod tests;
