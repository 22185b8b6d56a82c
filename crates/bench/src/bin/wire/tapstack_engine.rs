//! tapstack's host as a contender, over a device or in a naive loop.

use std::net::Ipv4Addr;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use host::{Host, HostConfig};
use ipnet::Ipv4Net;
use link::MacAddr;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use services::{ServiceKind, Services, ServingHost};
use tap::linux::Tap;
use tap::{Batch, Capabilities, Device, Exchange, Machine, Pool, PortId};

use crate::engine::{Engine, PollEngine, PollResult, StopFlag};
use crate::traffic::{AddressRange, CHARGEN_PORT, DISCARD_PORT, ECHO_PORT, GATEWAY, PREFIX, RESPONDER};

/// Local hosts and neighbors, in addition to the requester and the responder.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Population {
    /// Local hosts that receive the requests, instead of the single responder.
    pub(crate) hosts: Option<AddressRange>,
    /// Entries of the neighbor table.
    pub(crate) neighbors: AddressRange,
}

/// Ten neighbors that send no requests.
pub(crate) const TEN_NEIGHBORS: Population = Population {
    hosts: None,
    neighbors: AddressRange { ip: Ipv4Addr::new(10, 0, 1, 0), mac: [2, 2, 0, 0, 0, 0], count: 10 },
};

/// Engine that takes turns of a host with a device, as `tapstack host --serve` does.
pub(crate) struct TapstackEngine<D> {
    machine: ServingHost,
    exchange: Exchange,
    device: D,
    pool: Pool,
    clock: Clock,
}

/// Engine with a loop of one blocking read, one processed frame and one write.
pub(crate) struct NaiveEngine {
    machine: ServingHost,
    tap: Tap,
    pool: Pool,
    arrived: Batch,
    departing: Batch,
    clock: Clock,
}

#[derive(Clone, Copy)]
struct Clock(Instant);

impl Clock {
    fn start() -> Clock {
        Clock(Instant::now())
    }

    fn now(self) -> tap::Instant {
        tap::Instant::ORIGIN + self.0.elapsed()
    }
}

impl<D: Device + AsFd> TapstackEngine<D> {
    pub(crate) fn over(device: D, population: &Population) -> Result<TapstackEngine<D>, String> {
        let clock = Clock::start();
        let machine = machine(clock.now(), device.capabilities(), population)?;
        let pool = Pool::new(device.capabilities().mtu, machine.host.pool_size());
        let exchange = Exchange::new(PortId::default());
        Ok(TapstackEngine { machine, exchange, device, pool, clock })
    }
}

impl<D: Device + AsFd> PollEngine for TapstackEngine<D> {
    fn poll_once(&mut self) -> Result<PollResult, String> {
        let now = self.clock.now();
        let outcome = self
            .exchange
            .turn(now, &mut self.machine, &mut self.device, &mut self.pool, &mut ())
            .map_err(|error| error.to_string())?;
        while self.machine.host.take_event().is_some() {}
        Ok(PollResult { arrived: outcome.received, congested: outcome.tx_blocked, again: outcome.poll_again })
    }

    fn fd(&self) -> BorrowedFd<'_> {
        self.device.as_fd()
    }

    fn next_deadline(&mut self) -> Option<Duration> {
        self.machine.deadline().map(|deadline| deadline.since(self.clock.now()))
    }

    fn calls(&self) -> Option<u64> {
        Some(self.device.counters().calls)
    }
}

impl NaiveEngine {
    pub(crate) fn over(tap: Tap, population: &Population) -> Result<NaiveEngine, String> {
        fcntl(&tap, FcntlArg::F_SETFL(OFlag::O_RDWR))
            .map_err(|errno| format!("cannot make reads block: {}", errno.desc()))?;
        let clock = Clock::start();
        let machine = machine(clock.now(), tap.capabilities(), population)?;
        let pool = Pool::new(tap.capabilities().mtu, machine.host.pool_size());
        Ok(NaiveEngine { machine, tap, pool, arrived: Batch::new(1), departing: Batch::new(1), clock })
    }

    fn one(&mut self) -> Result<(), String> {
        self.tap.receive(&mut self.pool, &mut self.arrived).map_err(|error| error.to_string())?;
        let Some(frame) = self.arrived.pop() else { return Ok(()) };
        let now = self.clock.now();
        self.machine.receive(now, PortId::default(), frame, &mut self.pool);
        self.machine.transmit(now, PortId::default(), &mut self.departing, &mut self.pool);
        self.tap.transmit(&mut self.departing, &mut self.pool).map_err(|error| error.to_string())?;
        while self.machine.host.take_event().is_some() {}
        Ok(())
    }
}

impl Engine for NaiveEngine {
    fn drain(&mut self, waiting: usize) -> Result<(), String> {
        (0..waiting).try_for_each(|_| self.one())
    }

    fn serve(&mut self, _spin: Duration, stop: &StopFlag) -> Result<(), String> {
        while !stop.is_raised() {
            self.one()?;
        }
        Ok(())
    }

    fn fd(&self) -> BorrowedFd<'_> {
        self.tap.as_fd()
    }

    fn calls(&self) -> Option<u64> {
        Some(self.tap.counters().calls)
    }
}

/// Creates a host with its addresses and neighbors, and its services: one socket or listener each for all addresses.
fn machine(
    now: tap::Instant,
    capabilities: Capabilities,
    population: &Population,
) -> Result<ServingHost, String> {
    let Capabilities { mtu, offloads, .. } = capabilities;
    let Population { hosts, neighbors } = population;
    // A range of hosts has all destinations on its link, and a flood has its sources behind the gateway.
    let gateway = hosts.is_none().then(|| GATEWAY.ip.into());
    let mut config = HostConfig {
        mtu,
        offloads,
        gateway,
        ..HostConfig::new(network(RESPONDER.ip)?.into(), mac(RESPONDER))
    };
    // The table also needs capacity for the requester.
    config.table.entries = usize::try_from(neighbors.count).map_or(usize::MAX, |count| count.max(1_000) + 24);
    let mut host = Host::new(now, &config).map_err(|error| error.to_string())?;
    host.add_static(now, GATEWAY.ip, mac(GATEWAY)).map_err(|error| error.to_string())?;
    if let Some(row) = hosts {
        let range = Ipv4Net::new(row.ip, prefix_of(row.count)).map_err(|error| error.to_string())?;
        let many =
            HostConfig { mtu, offloads, table: config.table, ..HostConfig::range(range.into(), mac(*row)) };
        host.add(now, &many).map_err(|error| error.to_string())?;
    }
    for step in 0..neighbors.count {
        let ip = Ipv4Addr::from(u32::from(neighbors.ip) + step);
        let mac = mac(*neighbors).plus(step.into()).ok_or("too many neighbors")?;
        host.add_static(now, ip, mac).map_err(|error| error.to_string())?;
    }
    let mut services = Services::new(0, Duration::ZERO);
    services
        .add_udp(&mut host, ServiceKind::Echo, Ipv4Net::default().into(), ECHO_PORT)
        .map_err(|error| error.to_string())?;
    let listeners = [
        (ServiceKind::Echo, ECHO_PORT),
        (ServiceKind::Discard, DISCARD_PORT),
        (ServiceKind::Chargen, CHARGEN_PORT),
    ];
    for (kind, port) in listeners {
        services
            .add_tcp(&mut host, kind, Ipv4Net::default().into(), port)
            .map_err(|error| error.to_string())?;
    }
    Ok(ServingHost { host, user: services })
}

fn network(ip: Ipv4Addr) -> Result<Ipv4Net, String> {
    Ipv4Net::new(ip, PREFIX).map_err(|error| error.to_string())
}

fn mac(row: AddressRange) -> MacAddr {
    MacAddr::new(row.mac)
}

/// Returns the prefix length of a range of `count` addresses, a power of two.
fn prefix_of(count: u32) -> u8 {
    u8::try_from(count.leading_zeros() + 1).unwrap_or(32)
}
