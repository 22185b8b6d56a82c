//! A UDP echo server with the address 10.1.0.2 and the port 5000: `udp_echo TAP`, for example `udp_echo tap1`.

use std::error::Error;
use std::hash::{BuildHasher, RandomState};

use host::{Host, HostConfig, UdpBind};
use link::MacAddr;
use runtime::{Clock, Driver};
use tap::linux::{LinkMonitor, Tap};
use tap::{Device, Pool};

fn main() -> Result<(), Box<dyn Error>> {
    let name = std::env::args().nth(1).ok_or("usage: udp_echo TAP")?;
    let tap = Tap::open(&name)?;
    let monitor = LinkMonitor::open(tap.interface().name())?;
    let mtu = tap.capabilities().mtu;
    let mut config =
        HostConfig { mtu, ..HostConfig::new("10.1.0.2/24".parse()?, MacAddr::derived_from("udp_echo")) };
    // Other hosts must not predict the random decisions of this host.
    let random = RandomState::new();
    config.table.seed = (u128::from(random.hash_one(0)) << 64) | u128::from(random.hash_one(1));
    let clock = Clock::start();
    let mut host = Host::new(clock.now(), &config)?;
    let socket = host.bind_udp(&UdpBind { port: Some(5_000), ..UdpBind::default() })?;
    let pool = Pool::new(mtu, host.pool_size());
    let mut driver = Driver::new(host, tap, Some(monitor), pool, clock);
    println!("UDP echo server at 10.1.0.2, port 5000");
    loop {
        // Wait for frames and timers, then receive and transmit.
        driver.step::<()>(&mut (), &[], None)?;
        let now = driver.now();
        let (host, pool) = driver.machine_and_pool();
        while host.take_event().is_some() {}
        while host.poll_ready().is_some() {}
        while let Some(failure) = host.take_socket_error(socket) {
            println!("{failure}");
        }
        while let Some(received) = host.receive_udp(socket) {
            println!("{} bytes from {}", received.frame.len(), received.source);
            let requester = received.source;
            // The reply is sent in the frame of the request, without a copy of the data.
            if let Err(error) = host.reply_udp(now, socket, received, pool) {
                println!("no reply to {requester}: {error}");
            }
        }
    }
}
