//! A TCP echo server with the address 10.1.0.2 and the port 5000: `tcp_echo TAP`, for example `tcp_echo tap1`.

use std::error::Error;
use std::hash::{BuildHasher, RandomState};

use host::{Host, HostConfig, SocketError, SocketId, TcpListen};
use link::MacAddr;
use runtime::{Clock, Driver};
use tap::linux::{LinkMonitor, Tap};
use tap::{Device, Instant, Pool};

fn main() -> Result<(), Box<dyn Error>> {
    let name = std::env::args().nth(1).ok_or("usage: tcp_echo TAP")?;
    let tap = Tap::open(&name)?;
    let monitor = LinkMonitor::open(tap.interface().name())?;
    let mtu = tap.capabilities().mtu;
    let mut config =
        HostConfig { mtu, ..HostConfig::new("10.1.0.2/24".parse()?, MacAddr::derived_from("tcp_echo")) };
    // Other hosts must not predict the random decisions of this host.
    let random = RandomState::new();
    config.table.seed = (u128::from(random.hash_one(0)) << 64) | u128::from(random.hash_one(1));
    let clock = Clock::start();
    let mut host = Host::new(clock.now(), &config)?;
    let listener = host.listen_tcp(&TcpListen { port: Some(5_000), ..TcpListen::default() })?;
    let pool = Pool::new(mtu, host.pool_size());
    let mut driver = Driver::new(host, tap, Some(monitor), pool, clock);
    println!("TCP echo server at 10.1.0.2, port 5000");
    loop {
        // Wait for frames and timers, then receive and transmit.
        driver.step::<()>(&mut (), &[], None)?;
        let now = driver.now();
        let (host, pool) = driver.machine_and_pool();
        while host.take_event().is_some() {}
        while let Some(ready) = host.poll_ready() {
            if ready != listener {
                serve(host, now, ready, pool);
                continue;
            }
            while let Some(accepted) = host.accept_tcp(listener) {
                println!("connection from {}", accepted.peer);
                serve(host, now, accepted.socket, pool);
            }
        }
    }
}

/// Echoes the data of a connection. Closes the connection after the end of its data, and after an error.
fn serve(host: &mut Host, now: Instant, id: SocketId, pool: &mut Pool) {
    match echo(host, now, id, pool) {
        Ok(false) => {}
        Ok(true) => host.close(now, id, pool),
        Err(error) => {
            println!("{error}");
            host.close(now, id, pool);
        }
    }
}

/// Sends the data back while the send buffer has capacity. Returns whether all data of the peer was sent back.
fn echo(host: &mut Host, now: Instant, id: SocketId, pool: &mut Pool) -> Result<bool, SocketError> {
    let mut buffer = Vec::new();
    loop {
        // Data that the send buffer does not accept stays readable until the readiness list has the socket again.
        buffer.clear();
        buffer.extend_from_slice(host.tcp_chunk(id)?);
        let written = host.write_tcp(now, id, &buffer, pool)?;
        host.consume_tcp(now, id, written, pool);
        if written == 0 {
            let status = host.tcp_status(id)?;
            return Ok(status.readable == 0 && status.is_end_of_data);
        }
    }
}
