//! The paths of recent datagrams: interface, source address, and next hop.

use std::net::Ipv4Addr;

use address::AddressTable;
use arp::Arp;
use base::Place;
use inet::InterfaceId;
use ipv4::{Routes, accepts_source};
use link::MacAddr;
use tap::Instant;

/// The paths of recent datagrams, in a table of fixed size.
///
/// A received datagram from the destination to the source of a path needs no checks of its addresses. The path stores the
/// socket of such a datagram.
///
/// A path is valid while the routes and the addresses of its interface are the same. The neighbor table, the path MTU
/// and the MTU of the interface are not part of a path: each datagram reads them. Two paths may share a place of the
/// table, so each may replace the other: the next datagram then selects its path again.
#[derive(Debug)]
pub(crate) struct PathCache {
    paths: Box<[CachedPath]>,
    selected: u64,
}

/// The path of datagrams to a destination.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CachedPath {
    key: PathKey,
    /// Generation of the routes.
    routes: u64,
    /// Generation of the addresses of the interface.
    addresses: u64,
    pub(crate) interface: InterfaceId,
    /// Source address, which is in use on the interface.
    pub(crate) source: Ipv4Addr,
    /// MAC address of the local host with the source address.
    pub(crate) mac: MacAddr,
    pub(crate) hop: Hop,
    /// Last known place of the next hop in the neighbor table.
    place: Place,
    /// Whether datagrams from the destination to the source have valid addresses: a reply to the datagrams of the path.
    is_bidirectional: bool,
    /// The last UDP socket that has received a datagram from the destination to the source.
    receiver: Option<Receiver>,
}

/// The UDP socket of datagrams with these ports.
#[derive(Clone, Copy, Debug)]
struct Receiver {
    ports: PortPair,
    /// Generation of the bindings.
    bindings: u64,
    socket: Place,
}

/// Source port and destination port.
pub(crate) type PortPair = (u16, u16);

/// The next hop of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hop {
    /// A broadcast or multicast MAC address.
    Group(MacAddr),
    /// A neighbor, with a MAC address that must be resolved.
    Neighbor(Ipv4Addr),
}

/// The addresses and the interface by which a path is selected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PathKey {
    /// Source and destination. Source 0.0.0.0 stands for the source address that the route selects.
    addresses: u64,
    /// The interface plus one, or 0 for the interface that the route selects.
    scope: u32,
}

/// Place of a path in the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PathPlace(u16);

impl PathKey {
    /// Returns the key of datagrams to a destination. `None` selects interface or source by the route.
    #[inline]
    pub(crate) fn new(
        interface: Option<InterfaceId>,
        source: Option<Ipv4Addr>,
        destination: Ipv4Addr,
    ) -> PathKey {
        let source = source.map_or(0, Ipv4Addr::to_bits);
        PathKey {
            addresses: (u64::from(source) << 32) | u64::from(destination.to_bits()),
            scope: interface.map_or(0, |interface| u32::from(interface.0) + 1),
        }
    }

    /// Returns whether the key selects a source address.
    fn has_source(self) -> bool {
        self.addresses >> 32 != 0
    }

    /// Returns the destination.
    fn destination(self) -> Ipv4Addr {
        let [.., a, b, c, d] = self.addresses.to_be_bytes();
        Ipv4Addr::new(a, b, c, d)
    }

    /// Returns the place of the path. A remote host may choose addresses that share a place: each datagram then costs
    /// the selection of its path, as without a cache.
    #[inline]
    fn place(self) -> PathPlace {
        const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
        let hash = (self.addresses ^ (u64::from(self.scope) << 16)).wrapping_mul(FACTOR);
        PathPlace(u16::try_from(hash >> (u64::BITS - PathCache::BITS)).unwrap_or_default())
    }
}

impl PathCache {
    /// Number of bits of a place.
    const BITS: u32 = 10;
    /// Maximum number of paths.
    // spec: path-cache-bound
    pub(crate) const CAPACITY: usize = 1 << Self::BITS;

    /// Creates an empty cache.
    pub(crate) fn new() -> PathCache {
        PathCache { paths: vec![CachedPath::VACANT; Self::CAPACITY].into_boxed_slice(), selected: 0 }
    }

    /// Returns the number of paths that were selected because the cache had no valid path.
    pub(crate) fn selected(&self) -> u64 {
        self.selected
    }

    /// Returns the path with a key, valid or not: see [`CachedPath::is_valid`].
    #[inline]
    pub(crate) fn find(&self, key: PathKey) -> Option<(PathPlace, &CachedPath)> {
        let place = key.place();
        let path = self.paths.get(usize::from(place.0)).filter(|path| path.key == key)?;
        Some((place, path))
    }

    /// Returns the path at a place.
    #[inline]
    pub(crate) fn get(&self, PathPlace(place): PathPlace) -> Option<&CachedPath> {
        self.paths.get(usize::from(place))
    }

    /// Returns the path at a place.
    #[inline]
    pub(crate) fn get_mut(&mut self, PathPlace(place): PathPlace) -> Option<&mut CachedPath> {
        self.paths.get_mut(usize::from(place))
    }

    /// Adds a path, which replaces another path at its place.
    pub(crate) fn insert(&mut self, path: CachedPath) -> PathPlace {
        self.selected = self.selected.saturating_add(1);
        let place = path.key.place();
        if let Some(slot) = self.get_mut(place) {
            *slot = path;
        }
        place
    }
}

impl CachedPath {
    /// No path. No table reaches this generation.
    const VACANT: CachedPath = CachedPath {
        key: PathKey { addresses: 0, scope: 0 },
        routes: u64::MAX,
        addresses: u64::MAX,
        interface: InterfaceId(0),
        source: Ipv4Addr::UNSPECIFIED,
        mac: MacAddr::ZERO,
        hop: Hop::Neighbor(Ipv4Addr::UNSPECIFIED),
        place: Place::MAX,
        is_bidirectional: false,
        receiver: None,
    };

    /// Returns a path through an interface with these addresses, which was selected by these routes. `source` is the
    /// source address and its MAC address.
    pub(crate) fn new(
        key: PathKey,
        (routes, addresses): (&Routes, &AddressTable),
        interface: InterfaceId,
        (source, mac): (Ipv4Addr, MacAddr),
        hop: Hop,
    ) -> CachedPath {
        let is_bidirectional = key.has_source() && accepts_source(addresses, key.destination(), source);
        CachedPath {
            key,
            routes: routes.generation(),
            addresses: addresses.generation(),
            interface,
            source,
            mac,
            hop,
            place: Place::MAX,
            is_bidirectional,
            receiver: None,
        }
    }

    /// Returns whether neither the routes nor the addresses of the interface have changed.
    // spec: path-cache-generations
    #[inline]
    pub(crate) fn is_valid(&self, routes: &Routes, addresses: &AddressTable) -> bool {
        self.routes == routes.generation() && self.addresses == addresses.generation()
    }

    /// Returns whether a datagram from the destination to the source of a valid path has valid addresses: the source of
    /// the path is in use, and [`accepts_source`] accepts its destination.
    #[inline]
    pub(crate) fn is_bidirectional(&self) -> bool {
        self.is_bidirectional
    }

    /// Returns the stored UDP socket that receives a datagram with these ports from the destination to the source of a
    /// valid path. `bindings` is the generation of the bindings.
    // spec: path-cache-generations
    #[inline]
    pub(crate) fn receiver(&self, ports: PortPair, bindings: u64) -> Option<Place> {
        let receiver =
            self.receiver.filter(|receiver| receiver.ports == ports && receiver.bindings == bindings)?;
        Some(receiver.socket)
    }

    /// Stores the result of a search: see [`CachedPath::receiver`].
    #[inline]
    pub(crate) fn set_receiver(&mut self, ports: PortPair, bindings: u64, socket: Place) {
        self.receiver = Some(Receiver { ports, bindings, socket });
    }

    /// Returns the MAC address of a neighbor, the next hop of a valid path, if a packet can be sent immediately.
    #[expect(clippy::inline_always, reason = "results in memory take more instructions than the function")]
    #[inline(always)]
    pub(crate) fn lookup<P>(
        &mut self,
        now: Instant,
        neighbor: Ipv4Addr,
        arp: &mut Arp<P>,
        addresses: &AddressTable,
    ) -> Option<MacAddr> {
        match arp.lookup_at(now, self.place, neighbor) {
            Some(mac) => Some(mac),
            None => self.search(now, neighbor, arp, addresses),
        }
    }

    /// Returns the MAC address of a neighbor, and stores the place of its entry.
    #[cold]
    fn search<P>(
        &mut self,
        now: Instant,
        neighbor: Ipv4Addr,
        arp: &mut Arp<P>,
        addresses: &AddressTable,
    ) -> Option<MacAddr> {
        self.place = arp.place(addresses, neighbor)?;
        arp.lookup_at(now, self.place, neighbor)
    }
}
