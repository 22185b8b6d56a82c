//! Routes, and the next hop of a datagram.

use std::fmt;
use std::net::Ipv4Addr;
use std::time::Duration;

use inet::{InterfaceId, directed_broadcast, is_in_network, is_reserved_range, is_valid_host};
use ipnet::Ipv4Net;
use link::{Instant, MacAddr};

/// The broadcast address of the link-local network (RFC 3927 2.6.2).
const LINK_LOCAL_BROADCAST: Ipv4Addr = Ipv4Addr::new(169, 254, 255, 255);

/// A route to a network, through an interface of the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// The destination network. 0.0.0.0/0 makes it the default route.
    pub network: Ipv4Net,
    /// The gateway, or `None` if the network is on the link.
    pub gateway: Option<Ipv4Addr>,
    /// The interface that sends the datagrams.
    pub interface: InterfaceId,
    /// Source address of datagrams without a selected source, or `None` for the first address of the interface.
    pub source: Option<Ipv4Addr>,
    /// Priority among the routes to the same network. The lowest metric is used.
    pub metric: u32,
}

/// The neighbor to which a datagram is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextHop {
    /// The destination itself, which is on the link.
    OnLink(Ipv4Addr),
    /// A gateway on the link.
    Gateway(Ipv4Addr),
}

/// Error of adding or removing a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteError {
    /// The table already has [`Routes::CAPACITY`] routes.
    Full,
    /// The table already has a route to this network through the same interface with the same metric.
    Exists(Ipv4Net),
    /// The gateway is not on the link, according to the existing routes through the same interface.
    NotOnLink(Ipv4Addr),
    /// The gateway's address is not valid for a host.
    InvalidGateway(Ipv4Addr),
    /// The network is link-local or reserved, so no datagram to it is sent to a gateway.
    NoGatewayAllowed(Ipv4Net),
    /// The table has no route to this network through this interface.
    Missing(Ipv4Net),
    /// After the change, this gateway of another route would not be on the link.
    InUse(Ipv4Addr),
}

/// A routing table, ordered by descending prefix length, and by ascending metric for the same network.
///
/// A lookup compares the routes in order. With the two routes of most hosts, a lookup is as fast as in a tree. With
/// [`Routes::CAPACITY`] routes, a lookup takes about 100 ns.
///
/// A route through a gateway that has failed is not used as long as another route to the same network exists: see
/// [`Routes::fail`].
#[derive(Clone, Debug, Default)]
pub struct Routes {
    /// All routes, in the order of a lookup.
    sorted: Vec<Route>,
    /// Gateways of the routes that are not used.
    failed: Vec<FailedGateway>,
    generation: u64,
}

/// A gateway that has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FailedGateway {
    gateway: Ipv4Addr,
    interface: InterfaceId,
    /// Time when the gateway failed, or was returned by [`Routes::retry`] last.
    tried_at: Instant,
}

impl Routes {
    /// Maximum number of routes.
    pub const CAPACITY: usize = 64;

    /// Time after which a failed gateway is tried again.
    pub const RETRY: Duration = Duration::from_mins(1);

    /// Adds a route. Host bits of the network are ignored. A network may have several routes through each interface, with
    /// different metrics.
    ///
    /// Fails if the table is full or already has a route to the network through the same interface with the same metric.
    /// Also fails if the gateway of this route is invalid, not on the link or not allowed. Also fails if the gateway of
    /// another route would no longer be on the link.
    pub fn add(&mut self, route: Route) -> Result<(), RouteError> {
        let route = Route { network: route.network.trunc(), ..route };
        let (network, interface) = (route.network, route.interface);
        let is_same = |other: Route| {
            (other.network, other.interface, other.metric) == (network, interface, route.metric)
        };
        if self.iter().any(is_same) {
            return Err(RouteError::Exists(network));
        }
        if let Some(gateway) = route.gateway {
            if has_no_gateway(network) {
                return Err(RouteError::NoGatewayAllowed(network));
            }
            // spec: rfc1122-gateway
            let on_link = self.on_link(gateway, interface).ok_or(RouteError::NotOnLink(gateway))?;
            // RFC 1122 3.3.6: the obsolete form of a broadcast address has host bits of zero.
            let is_broadcast = directed_broadcast(on_link)
                .is_some_and(|broadcast| gateway == broadcast || gateway == on_link.network());
            if is_broadcast || !is_valid_host(gateway) {
                return Err(RouteError::InvalidGateway(gateway));
            }
        }
        if self.sorted.len() >= Self::CAPACITY {
            return Err(RouteError::Full);
        }
        let place = self.sorted.partition_point(|other| order(other) < order(&route));
        self.sorted.insert(place, route);
        self.generation += 1;
        self.off_link_gateway().map_or(Ok(()), |(gateway, _)| {
            self.sorted.remove(place);
            Err(RouteError::InUse(gateway))
        })
    }

    /// Removes and returns the route to a network through an interface with the lowest metric. Fails if the table has no
    /// such route, or if the gateway of another route would no longer be on the link.
    pub fn remove(&mut self, network: Ipv4Net, interface: InterfaceId) -> Result<Route, RouteError> {
        let network = network.trunc();
        let place = self.index_of(network, interface).ok_or(RouteError::Missing(network))?;
        let route = self.sorted.remove(place);
        self.generation += 1;
        if let Some((gateway, _)) = self.off_link_gateway() {
            self.sorted.insert(place, route);
            return Err(RouteError::InUse(gateway));
        }
        self.forget_failures();
        Ok(route)
    }

    /// Removes the routes for which `keep` returns false, and the routes with a gateway that is then not on the link.
    pub fn retain(&mut self, keep: impl FnMut(&Route) -> bool) {
        self.generation += 1;
        self.sorted.retain(keep);
        while let Some((gateway, interface)) = self.off_link_gateway() {
            self.sorted.retain(|route| route.gateway != Some(gateway) || route.interface != interface);
        }
        self.forget_failures();
    }

    /// Records that a gateway has failed, so that other routes to its networks are used. Returns whether a network of the
    /// gateway has another route that has not failed.
    ///
    /// A network without another route keeps the gateway. If all gateways to the networks of this gateway have failed, the
    /// other gateways to these networks are used again.
    // RFC 1122 3.3.1.5: "If it is the current default that failed, the IP layer MUST select a different default gateway
    // (assuming more than one default is known) for the failed route and for establishing new routes."
    // spec: rfc1122-default-gateways
    pub fn fail(&mut self, now: Instant, gateway: Ipv4Addr, interface: InterfaceId) -> bool {
        let is_of = |route: &Route| route.gateway == Some(gateway) && route.interface == interface;
        let shares_network =
            |other: &Route| self.sorted.iter().any(|route| is_of(route) && route.network == other.network);
        if !self.sorted.iter().any(|other| !is_of(other) && shares_network(other)) {
            return false;
        }
        if self.failure(gateway, interface).is_none() {
            self.failed.push(FailedGateway { gateway, interface, tried_at: now });
            self.generation += 1;
        }
        let is_replaced = self.sorted.iter().any(|other| !self.has_failed(other) && shares_network(other));
        if !is_replaced {
            self.forget_alternatives(gateway, interface);
        }
        is_replaced
    }

    /// Returns the gateways of an interface that have failed.
    pub fn failed(&self, interface: InterfaceId) -> impl Iterator<Item = Ipv4Addr> {
        let of_interface = move |failed: &&FailedGateway| failed.interface == interface;
        self.failed.iter().filter(of_interface).map(|failed| failed.gateway)
    }

    /// Returns a gateway of an interface that has failed and was not tried for [`Routes::RETRY`].
    pub fn retry(&mut self, now: Instant, interface: InterfaceId) -> Option<Ipv4Addr> {
        let is_due = |failed: &&mut FailedGateway| {
            failed.interface == interface && now.since(failed.tried_at) >= Self::RETRY
        };
        let failed = self.failed.iter_mut().find(is_due)?;
        failed.tried_at = now;
        Some(failed.gateway)
    }

    /// Records that a gateway that has failed is reachable again.
    // spec: rfc1122-default-gateways
    pub fn restore(&mut self, gateway: Ipv4Addr, interface: InterfaceId) {
        if let Some(at) = self.failure(gateway, interface) {
            self.failed.remove(at);
            self.generation += 1;
        }
    }

    /// Returns the number of changes. A result that was computed from the table is valid while the number stays the same.
    /// A clone continues from the number of its original.
    #[inline]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Returns the route to `destination` with the longest matching prefix, and with the lowest metric among routes to
    /// the same network. With `interface`, only the routes through this interface are compared.
    ///
    /// A route through a gateway that has failed is returned only if there is no other route to the same network.
    // spec: rfc1122-local-remote
    #[inline]
    pub fn route(&self, destination: Ipv4Addr, interface: Option<InterfaceId>) -> Option<Route> {
        let is_match = |route: &&Route| {
            is_in_network(destination, route.network)
                && interface.is_none_or(|interface| interface == route.interface)
        };
        let mut matching = self.sorted.iter().filter(is_match);
        let first = matching.next()?;
        if self.failed.is_empty() || !self.has_failed(first) {
            return Some(*first);
        }
        let mut others = matching.take_while(|other| other.network == first.network);
        Some(*others.find(|other| !self.has_failed(other)).unwrap_or(first))
    }

    /// Returns the next hop of a datagram from `source` to `destination` that leaves by `interface`: see
    /// [`Routes::route`].
    ///
    /// Multicast groups and 255.255.255.255 are always on the link. If the source or the destination is link-local, the
    /// destination is on the link too, because RFC 3927 2.7 forbids a gateway.
    ///
    /// Returns `None` without a matching route, and for a destination that no host has: 0.0.0.0/8, 127.0.0.0/8,
    /// 169.254.255.255, and 240.0.0.0/4 except 255.255.255.255.
    #[inline]
    pub fn next_hop(
        &self,
        source: Ipv4Addr,
        destination: Ipv4Addr,
        interface: InterfaceId,
    ) -> Option<NextHop> {
        // spec: rfc1122-limited-broadcast
        if destination.is_broadcast() || destination.is_multicast() {
            return Some(NextHop::OnLink(destination));
        }
        // spec: destination-host
        if !is_valid_host(destination) || destination == LINK_LOCAL_BROADCAST {
            return None;
        }
        // RFC 3927 2.7: a packet with a source or destination in 169.254/16 "MUST NOT be sent to any router for
        // forwarding".
        // spec: rfc3927-on-link
        if destination.is_link_local() || source.is_link_local() {
            return Some(NextHop::OnLink(destination));
        }
        Some(match self.route(destination, Some(interface))?.gateway {
            None => NextHop::OnLink(destination),
            Some(gateway) => NextHop::Gateway(gateway),
        })
    }

    /// Returns all routes, in the order in which a lookup compares them.
    pub fn iter(&self) -> impl Iterator<Item = Route> {
        self.sorted.iter().copied()
    }

    /// Returns the network that contains `gateway`, if the route to this network through `interface` has no gateway.
    pub fn on_link(&self, gateway: Ipv4Addr, interface: InterfaceId) -> Option<Ipv4Net> {
        self.route(gateway, Some(interface))
            .filter(|route| route.gateway.is_none())
            .map(|route| route.network)
    }

    fn index_of(&self, network: Ipv4Net, interface: InterfaceId) -> Option<usize> {
        self.iter().position(|route| route.network == network && route.interface == interface)
    }

    /// Returns whether the gateway of a route has failed.
    fn has_failed(&self, route: &Route) -> bool {
        route.gateway.is_some_and(|gateway| self.failure(gateway, route.interface).is_some())
    }

    /// Returns the position of a gateway among the gateways that have failed.
    fn failure(&self, gateway: Ipv4Addr, interface: InterfaceId) -> Option<usize> {
        self.failed.iter().position(|failed| (failed.gateway, failed.interface) == (gateway, interface))
    }

    /// Uses the failed gateways again that share a network with this gateway.
    fn forget_alternatives(&mut self, gateway: Ipv4Addr, interface: InterfaceId) {
        let routes = &self.sorted;
        let routes_of = |gateway: Ipv4Addr, interface: InterfaceId| {
            routes.iter().filter(move |route| route.gateway == Some(gateway) && route.interface == interface)
        };
        let before = self.failed.len();
        self.failed.retain(|failed| {
            let is_this = (failed.gateway, failed.interface) == (gateway, interface);
            let shares_network = routes_of(failed.gateway, failed.interface)
                .any(|other| routes_of(gateway, interface).any(|route| route.network == other.network));
            is_this || !shares_network
        });
        if self.failed.len() < before {
            self.generation += 1;
        }
    }

    /// Removes the gateways that have failed and have no route.
    fn forget_failures(&mut self) {
        let routes = &self.sorted;
        self.failed.retain(|failed| {
            routes
                .iter()
                .any(|route| route.gateway == Some(failed.gateway) && route.interface == failed.interface)
        });
    }

    /// Returns a gateway that is not on the link of its interface, or `None` if all gateways are on the link.
    fn off_link_gateway(&self) -> Option<(Ipv4Addr, InterfaceId)> {
        let gateways = self.iter().filter_map(|route| Some((route.gateway?, route.interface)));
        let mut off_link =
            gateways.filter(|(gateway, interface)| self.on_link(*gateway, *interface).is_none());
        off_link.next()
    }
}

impl NextHop {
    /// Returns the address of the neighbor.
    pub fn neighbor(self) -> Ipv4Addr {
        match self {
            Self::OnLink(neighbor) | Self::Gateway(neighbor) => neighbor,
        }
    }
}

/// Returns the MAC address of a multicast group: 01:00:5e and the lower 23 bits of the group (RFC 1112 6.4). Returns
/// `None` for an address that is not multicast.
pub fn multicast_mac(group: Ipv4Addr) -> Option<MacAddr> {
    let [_, b, c, d] = group.octets();
    group.is_multicast().then(|| MacAddr::new([1, 0, 0x5e, b & 0x7f, c, d]))
}

/// Returns whether the network is link-local or reserved, so that no datagram to it is sent to a gateway.
fn has_no_gateway(network: Ipv4Net) -> bool {
    let (first, last) = (network.network(), network.broadcast());
    (first.is_link_local() && last.is_link_local()) || is_reserved_range(first, last)
}

/// Returns the sort key of a route: longer prefixes first, then by address, metric and interface.
fn order(route: &Route) -> (std::cmp::Reverse<u8>, Ipv4Addr, u32, InterfaceId) {
    let Route { network, metric, interface, .. } = *route;
    (std::cmp::Reverse(network.prefix_len()), network.network(), metric, interface)
}

impl Route {
    /// Returns a route to a network on the link of an interface, with metric 0.
    pub fn on_link(network: Ipv4Net, interface: InterfaceId) -> Route {
        Route { network, gateway: None, interface, source: None, metric: 0 }
    }

    /// Returns a route to a network through a gateway, with metric 0.
    pub fn through(gateway: Ipv4Addr, network: Ipv4Net, interface: InterfaceId) -> Route {
        Route { gateway: Some(gateway), ..Route::on_link(network, interface) }
    }
}

impl fmt::Display for RouteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => write!(f, "too many routes (limit {})", Routes::CAPACITY),
            Self::Exists(network) => write!(f, "route to {network} already exists"),
            Self::NotOnLink(gateway) => write!(f, "gateway {gateway} is not on the link"),
            Self::InvalidGateway(gateway) => write!(f, "gateway {gateway} is not a host address"),
            Self::NoGatewayAllowed(network) => {
                let kind = if network.network().is_link_local() { "link-local" } else { "reserved" };
                write!(f, "route to {network} cannot have a gateway: {kind} network")
            }
            Self::Missing(network) => write!(f, "no route to {network}"),
            Self::InUse(gateway) => write!(f, "gateway {gateway} of another route would not be on the link"),
        }
    }
}

impl std::error::Error for RouteError {}

#[cfg(test)]
mod tests;
