//! Where a datagram goes next.

use std::fmt;
use std::net::Ipv4Addr;

use inet::{directed_broadcast, is_reserved_range, is_valid_host};
use ipnet::Ipv4Net;

/// The broadcast address of the link-local network (RFC 3927 2.6.2).
const LINK_LOCAL_BROADCAST: Ipv4Addr = Ipv4Addr::new(169, 254, 255, 255);

/// The way to a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// The network; 0.0.0.0/0 is all there is (the default route).
    pub network: Ipv4Net,
    /// The gateway to it; none if it is on our link.
    pub gateway: Option<Ipv4Addr>,
}

/// The neighbor that a datagram is sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextHop {
    /// The destination itself, which is on our link.
    OnLink(Ipv4Addr),
    /// A gateway, which is on our link.
    Gateway(Ipv4Addr),
}

/// A route that cannot be added or removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteError {
    /// [`Routes::CAPACITY`] routes are here already.
    Full,
    /// There is a route to this network.
    Exists(Ipv4Net),
    /// No route puts the gateway on our link.
    NotOnLink(Ipv4Addr),
    /// The gateway's address is no host's.
    InvalidGateway(Ipv4Addr),
    /// No datagram to this network is sent to a gateway.
    NoGatewayAllowed(Ipv4Net),
    /// There is no route to this network.
    Missing(Ipv4Net),
    /// This gateway would not be on our link any more.
    InUse(Ipv4Addr),
}

/// The routes there are, those to smaller networks first. A look-up looks at each until one fits: with
/// the two routes of most hosts that is as fast as any tree, with [`Routes::CAPACITY`] it is some 100 ns.
#[derive(Clone, Debug, Default)]
pub struct Routes {
    routes: Vec<Route>,
}

impl Routes {
    /// How many routes there can be.
    pub const CAPACITY: usize = 64;

    /// The routes of a host with one address, and perhaps a gateway to everywhere else.
    pub fn of(address: Ipv4Net, gateway: Option<Ipv4Addr>) -> Result<Routes, RouteError> {
        let mut routes = Routes::default();
        routes.add(Route { network: address, gateway: None })?;
        if gateway.is_some() {
            routes.add(Route { network: Ipv4Net::default(), gateway })?;
        }
        Ok(routes)
    }

    /// Adds a route. Its gateway has to be on our link by one of the routes that are here.
    pub fn add(&mut self, route: Route) -> Result<(), RouteError> {
        let network = route.network.trunc();
        let place = self.routes.partition_point(|other| order(other.network) < order(network));
        if self.routes.get(place).is_some_and(|other| other.network == network) {
            return Err(RouteError::Exists(network));
        }
        if let Some(gateway) = route.gateway {
            if has_no_gateway(network) {
                return Err(RouteError::NoGatewayAllowed(network));
            }
            // spec: rfc1122-gateway
            let on_link = self.on_link(gateway).ok_or(RouteError::NotOnLink(gateway))?;
            // RFC 1122 3.3.6: in its old form, a broadcast address has zeros.
            let is_broadcast = directed_broadcast(on_link)
                .is_some_and(|broadcast| gateway == broadcast || gateway == on_link.network());
            if is_broadcast || !is_valid_host(gateway) {
                return Err(RouteError::InvalidGateway(gateway));
            }
        }
        if self.routes.len() >= Self::CAPACITY {
            return Err(RouteError::Full);
        }
        self.routes.insert(place, Route { network, ..route });
        self.off_link_gateway().map_or(Ok(()), |gateway| {
            self.routes.remove(place);
            Err(RouteError::InUse(gateway))
        })
    }

    /// Removes the route to a network, unless a gateway is on our link by it alone.
    pub fn remove(&mut self, network: Ipv4Net) -> Result<Route, RouteError> {
        let network = network.trunc();
        let place = self.routes.iter().position(|route| route.network == network);
        let place = place.ok_or(RouteError::Missing(network))?;
        let route = self.routes.remove(place);
        self.off_link_gateway().map_or(Ok(route), |gateway| {
            self.routes.insert(place, route);
            Err(RouteError::InUse(gateway))
        })
    }

    /// The neighbor that a datagram from `source` to `destination` is sent to, by the route to the smallest
    /// network that holds `destination`.
    ///
    /// A group, and the broadcast to all, is always on the link. So is every host where either address is
    /// link-local: such a datagram never goes to a gateway. There is no next hop to an address that no host
    /// has (0.0.0.0/8, 127.0.0.0/8, 240.0.0.0/4), and none without a route.
    pub fn next_hop(&self, source: Ipv4Addr, destination: Ipv4Addr) -> Option<NextHop> {
        // spec: rfc1122-limited-broadcast
        if destination.is_broadcast() || destination.is_multicast() {
            return Some(NextHop::OnLink(destination));
        }
        // spec: destination-host
        if !is_valid_host(destination) || destination == LINK_LOCAL_BROADCAST {
            return None;
        }
        // RFC 3927 2.7: "An IPv4 packet whose source and/or destination address is in the 169.254/16 prefix MUST
        // NOT be sent to any router for forwarding".
        // spec: rfc3927-on-link
        if destination.is_link_local() || source.is_link_local() {
            return Some(NextHop::OnLink(destination));
        }
        // spec: rfc1122-local-remote
        Some(match self.longest(destination)?.gateway {
            None => NextHop::OnLink(destination),
            Some(gateway) => NextHop::Gateway(gateway),
        })
    }

    /// All routes, in the order in which they are tried.
    pub fn iter(&self) -> impl Iterator<Item = Route> {
        self.routes.iter().copied()
    }

    fn longest(&self, destination: Ipv4Addr) -> Option<Route> {
        let destination = u32::from(destination);
        // For every datagram: one shift a route, where ipnet makes both ends of the network to compare with.
        let is_match = |route: &Route| {
            let differs = destination ^ u32::from(route.network.addr());
            differs.leading_zeros() >= route.network.prefix_len().into()
        };
        self.iter().find(is_match)
    }

    /// The network that `gateway` is in, if its route says that it is on the link.
    pub fn on_link(&self, gateway: Ipv4Addr) -> Option<Ipv4Net> {
        self.longest(gateway).filter(|route| route.gateway.is_none()).map(|route| route.network)
    }

    /// A gateway that is not on our link.
    fn off_link_gateway(&self) -> Option<Ipv4Addr> {
        self.iter().filter_map(|route| route.gateway).find(|gateway| self.on_link(*gateway).is_none())
    }
}

impl NextHop {
    /// The neighbor's address.
    pub fn neighbor(self) -> Ipv4Addr {
        match self {
            Self::OnLink(neighbor) | Self::Gateway(neighbor) => neighbor,
        }
    }
}

/// Whether no datagram to any address of this network is sent to a gateway.
fn has_no_gateway(network: Ipv4Net) -> bool {
    let (first, last) = (network.network(), network.broadcast());
    (first.is_link_local() && last.is_link_local()) || is_reserved_range(first, last)
}

/// Smaller networks first, then by address.
fn order(network: Ipv4Net) -> (std::cmp::Reverse<u8>, Ipv4Addr) {
    (std::cmp::Reverse(network.prefix_len()), network.network())
}

impl fmt::Display for RouteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => write!(f, "there are {} routes already", Routes::CAPACITY),
            Self::Exists(network) => write!(f, "there is a route to {network} already"),
            Self::NotOnLink(gateway) => {
                write!(
                    f,
                    "the gateway {gateway} is in no network on the link; add a route to its network first"
                )
            }
            Self::InvalidGateway(gateway) => {
                write!(f, "{gateway} is no host's address, so it cannot be a gateway")
            }
            Self::NoGatewayAllowed(network) => {
                write!(f, "invalid route to {network}: no datagram there is sent to a gateway")
            }
            Self::Missing(network) => write!(f, "there is no route to {network}"),
            Self::InUse(gateway) => {
                write!(
                    f,
                    "the gateway {gateway} would not be on the link any more; remove the routes by it first"
                )
            }
        }
    }
}

impl std::error::Error for RouteError {}

#[cfg(test)]
mod tests;
