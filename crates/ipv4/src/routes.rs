//! Where a datagram goes next.

use std::fmt;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use crate::addresses::may_be_a_host;

/// The way to a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// The network; 0.0.0.0/0 is all there is (the default route).
    pub network: Ipv4Net,
    /// The gateway to it; none if it is on our link.
    pub gateway: Option<Ipv4Addr>,
}

/// The neighbour that a datagram is sent to.
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
    /// [`Routes::BOUND`] routes are here already.
    Full,
    /// There is a route to this network.
    Exists(Ipv4Net),
    /// No route puts the gateway on our link.
    NotOnLink(Ipv4Addr),
    /// The gateway's address is no host's.
    NoHost(Ipv4Addr),
    /// There is no route to this network.
    Missing(Ipv4Net),
    /// This gateway would not be on our link any more.
    InUse(Ipv4Addr),
}

/// The routes there are, those to smaller networks first. A look-up looks at each until one fits: with
/// the two routes of most hosts that is as fast as any tree, with [`Routes::BOUND`] it is some 100 ns.
#[derive(Clone, Debug, Default)]
pub struct Routes {
    routes: Vec<Route>,
}

impl Routes {
    /// How many routes there can be.
    pub const BOUND: usize = 64;

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
            // spec: rfc1122-gateway
            let on_link = self.on_link(gateway).ok_or(RouteError::NotOnLink(gateway))?;
            let is_broadcast = crate::addresses::broadcast_of(on_link) == Some(gateway);
            if is_broadcast || !may_be_a_host(gateway) {
                return Err(RouteError::NoHost(gateway));
            }
        }
        if self.routes.len() >= Self::BOUND {
            return Err(RouteError::Full);
        }
        self.routes.insert(place, Route { network, ..route });
        self.stranded().map_or(Ok(()), |gateway| {
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
        self.stranded().map_or(Ok(route), |gateway| {
            self.routes.insert(place, route);
            Err(RouteError::InUse(gateway))
        })
    }

    /// The neighbour to send to, by the route to the smallest network that `destination` is in. A
    /// group, and the broadcast to all, is always on our link. There is none for what may not be sent
    /// to (0.0.0.0/8, loopback, class E), and none where no route leads.
    pub fn next_hop(&self, destination: Ipv4Addr) -> Option<NextHop> {
        // spec: rfc1122-limited-broadcast
        if destination.is_broadcast() || destination.is_multicast() {
            return Some(NextHop::OnLink(destination));
        }
        if !may_be_a_host(destination) {
            return None;
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
        let leads_there = |route: &Route| {
            let differs = destination ^ u32::from(route.network.addr());
            differs.leading_zeros() >= route.network.prefix_len().into()
        };
        self.iter().find(leads_there)
    }

    /// The network on our link that `gateway` is in.
    fn on_link(&self, gateway: Ipv4Addr) -> Option<Ipv4Net> {
        self.longest(gateway).filter(|route| route.gateway.is_none()).map(|route| route.network)
    }

    /// A gateway that is not on our link.
    fn stranded(&self) -> Option<Ipv4Addr> {
        self.iter().filter_map(|route| route.gateway).find(|gateway| self.on_link(*gateway).is_none())
    }
}

impl NextHop {
    /// The neighbour's address.
    pub fn neighbour(self) -> Ipv4Addr {
        match self {
            Self::OnLink(neighbour) | Self::Gateway(neighbour) => neighbour,
        }
    }
}

/// Smaller networks first, then by address.
fn order(network: Ipv4Net) -> (std::cmp::Reverse<u8>, Ipv4Addr) {
    (std::cmp::Reverse(network.prefix_len()), network.network())
}

impl fmt::Display for RouteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => write!(f, "there are {} routes already", Routes::BOUND),
            Self::Exists(network) => write!(f, "there is a route to {network} already"),
            Self::NotOnLink(gateway) => {
                write!(
                    f,
                    "the gateway {gateway} is in no network on the link; add a route to its network first"
                )
            }
            Self::NoHost(gateway) => write!(f, "{gateway} is no host's address, so it cannot be a gateway"),
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
