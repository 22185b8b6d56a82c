//! The services of a host.

use std::time::Duration;

use host::{Counter, Host, SocketError, SocketUser, TcpSettings};
use ipnet::IpNet;
use tap::{Instant, Pool};

use crate::kind::ServiceKind;
use crate::service::Service;
use crate::status_page::StatusPage;
use crate::tcp::{Shared, Site, TcpServices};
use crate::texts::Texts;
use crate::udp::UdpServices;

/// The services of a host. Each service has one socket or listener, which may serve all addresses of the host.
#[derive(Debug)]
pub struct Services {
    udp: UdpServices,
    tcp: TcpServices,
    texts: Texts,
    status_page: StatusPage,
    /// Time of the last [`Services::run`].
    served_at: Instant,
}

impl Services {
    /// Maximum number of datagrams that one [`Services::run`] receives.
    pub const BATCH: usize = UdpServices::BATCH;

    /// Creates the services without a service. `origin` is the time at [`Instant::ORIGIN`] for daytime and HTTP, as time
    /// since 1970 in UTC. `seed` determines the lengths of the replies of chargen.
    pub fn new(seed: u64, origin: Duration) -> Services {
        Services {
            udp: UdpServices::new(seed),
            tcp: TcpServices::new(seed),
            texts: Texts::new(origin),
            status_page: StatusPage::default(),
            served_at: Instant::ORIGIN,
        }
    }

    /// Returns these services with settings of the connections of services that are added later.
    #[must_use]
    pub fn with_tcp_settings(mut self, settings: TcpSettings) -> Services {
        self.tcp.settings = settings;
        self
    }

    /// Starts a service on a UDP port of all local addresses in `addresses`, with one socket of the host.
    pub fn add_udp(
        &mut self,
        host: &mut Host,
        kind: ServiceKind,
        addresses: IpNet,
        port: u16,
    ) -> Result<(), SocketError> {
        self.udp.add(host, kind, addresses, port)
    }

    /// Starts a service on a TCP port of all local addresses in `addresses`, with one listener of the host.
    pub fn add_tcp(
        &mut self,
        host: &mut Host,
        kind: ServiceKind,
        addresses: IpNet,
        port: u16,
    ) -> Result<(), SocketError> {
        self.tcp.add(host, (Some(kind), None), addresses, port)
    }

    /// Starts an HTTP server on a TCP port of all local addresses in `addresses`, with one listener of the host.
    pub fn add_http(
        &mut self,
        host: &mut Host,
        site: Site,
        addresses: IpNet,
        port: u16,
    ) -> Result<(), SocketError> {
        self.tcp.add(host, (None, Some(site)), addresses, port)
    }

    /// Returns the services: those on UDP, and those on TCP, in the order in which they were added.
    pub fn iter(&self) -> impl Iterator<Item = Service> {
        self.udp.iter().chain(self.tcp.iter())
    }

    /// Returns all counters, including zeros. Their layer is `services`.
    pub fn counters(&self) -> Vec<Counter> {
        [self.udp.counters(), self.tcp.counters()].concat()
    }
}

impl SocketUser for Services {
    /// Serves the sockets of the services that are ready, up to [`Services::BATCH`] datagrams and the turns of 64
    /// connections.
    ///
    /// The readiness of sockets that belong to no service is discarded.
    fn run(&mut self, now: Instant, host: &mut Host, pool: &mut Pool) {
        while let Some(id) = host.poll_ready() {
            if !self.tcp.mark_ready(id) {
                self.udp.mark_ready(host, id);
            }
        }
        self.served_at = now;
        self.texts.set_time(now);
        let Services { udp, tcp, texts, status_page, .. } = self;
        udp.run(now, host, pool, texts);
        tcp.run(now, (host, pool), &mut Shared { texts, status_page, udp });
    }

    /// Returns the time of the last [`Services::run`] if it has left work to do, or else the time at which a connection is
    /// idle too long.
    fn deadline(&self) -> Option<Instant> {
        let is_ready = self.udp.is_ready() || self.tcp.is_ready();
        if is_ready { Some(self.served_at) } else { self.tcp.deadline() }
    }
}

#[cfg(test)]
mod tests;
