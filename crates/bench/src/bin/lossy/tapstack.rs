//! tapstack as an end of the link: a thread with a host on a cable.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use host::{Host, HostConfig, SocketId, TcpConnect, TcpListen};
use ipnet::Ipv4Net;
use link::MacAddr;
use runtime::{Clock, Driver};
use tap::linux::Cable;
use tap::{Device, Pool};

use crate::bridge::MTU;
use crate::trial::PREFIX;

/// Maximum time of a step, after which a thread checks whether to stop.
const PATIENCE: Duration = Duration::from_millis(20);

/// A host with one connection.
struct End {
    driver: Driver<Host, Cable>,
}

/// Accepts a connection on `address`, and counts the received bytes until `stop` is set.
pub(crate) fn receive(
    cable: Cable,
    address: SocketAddrV4,
    received: &AtomicU64,
    stop: &AtomicBool,
) -> Result<(), String> {
    let mut end = End::new(cable, *address.ip())?;
    let listen = TcpListen { port: Some(address.port()), ..TcpListen::default() };
    let listener = end.driver.machine_mut().listen_tcp(&listen).map_err(|error| error.to_string())?;
    while !stop.load(Ordering::Relaxed) {
        end.step()?;
        let now = end.driver.now();
        let (host, pool) = end.driver.machine_and_pool();
        while let Some(ready) = host.poll_ready() {
            let accepted = if ready == listener {
                host.accept_tcp(listener).map(|accepted| accepted.socket)
            } else {
                Some(ready)
            };
            let Some(socket) = accepted else { continue };
            while let Ok(length @ 1..) = host.tcp_chunk(socket).map(<[u8]>::len) {
                host.consume_tcp(now, socket, length, pool);
                received.fetch_add(u64::try_from(length).unwrap_or_default(), Ordering::Relaxed);
            }
            check(host, socket)?;
        }
    }
    Ok(())
}

/// Connects from `source` to `address`, and sends until `stop` is set.
pub(crate) fn send(
    cable: Cable,
    source: Ipv4Addr,
    address: SocketAddrV4,
    stop: &AtomicBool,
) -> Result<(), String> {
    let mut end = End::new(cable, source)?;
    let now = end.driver.now();
    let connect = TcpConnect::new(address.into());
    let socket = end.driver.machine_mut().connect_tcp(now, &connect).map_err(|error| error.to_string())?;
    let data = vec![0; 1 << 16];
    while !stop.load(Ordering::Relaxed) {
        end.step()?;
        let now = end.driver.now();
        let (host, pool) = end.driver.machine_and_pool();
        while host.poll_ready().is_some() {
            check(host, socket)?;
            while host.write_tcp(now, socket, &data, pool).map_err(|error| error.to_string())? == data.len() {
            }
        }
    }
    Ok(())
}

/// Returns an error if a connection has ended.
fn check(host: &Host, socket: SocketId) -> Result<(), String> {
    match host.tcp_status(socket).map_err(|error| error.to_string())?.closed {
        None => Ok(()),
        Some(reason) => Err(format!("the connection has ended: {reason:?}")),
    }
}

impl End {
    fn new(cable: Cable, address: Ipv4Addr) -> Result<End, String> {
        let clock = Clock::start();
        let network = Ipv4Net::new(address, PREFIX).map_err(|error| error.to_string())?;
        let offloads = cable.capabilities().offloads;
        let config = HostConfig {
            mtu: MTU,
            offloads,
            ..HostConfig::new(network.into(), MacAddr::derived_from("lossy"))
        };
        let host = Host::new(clock.now(), &config).map_err(|error| error.to_string())?;
        let pool = Pool::new(MTU, host.pool_size());
        Ok(End { driver: Driver::new(host, cable, None, pool, clock) })
    }

    fn step(&mut self) -> Result<(), String> {
        self.driver.step::<()>(&mut (), &[], Some(PATIENCE)).map_err(|error| error.to_string())?;
        while self.driver.machine_mut().take_event().is_some() {}
        Ok(())
    }
}
