//! A host with the address 10.0.0.2 on the TAP `tap0`. It answers ARP requests and pings.

use std::hash::{BuildHasher, RandomState};
use std::{error::Error, os::fd::AsFd, time};

use host::{Host, HostConfig};
use link::MacAddr;
use tap::linux::{Descriptor, Stop, Tap, wait};
use tap::{Device, Exchange, Instant, Machine, Pool, PortId};

// A lint of this workspace forbids code that reads a clock. Other programs do not need this attribute.
#[allow(clippy::disallowed_methods)]
fn main() -> Result<(), Box<dyn Error>> {
    let mut tap = Tap::open("tap0")?;
    // The host does not read a clock: each call takes the time since the start. Timeouts, retries and rate limits
    // depend on this time.
    let start = time::Instant::now();
    let now = || Instant::ORIGIN + start.elapsed();
    let address = "10.0.0.2/24".parse()?;
    let mtu = tap.capabilities().mtu;
    let mut config = HostConfig { mtu, ..HostConfig::new(address, MacAddr::derived_from("answer")) };
    // Other hosts must not predict the random decisions of this host. The seed of these decisions has 128 random bits.
    let random = RandomState::new();
    config.table.seed = (u128::from(random.hash_one(0)) << 64) | u128::from(random.hash_one(1));
    let mut host = Host::new(now(), &config)?;
    // All frames are taken from this pool and returned to the pool.
    let mut pool = Pool::new(mtu, host.pool_size());
    // The exchange moves frames between the host and its TAP.
    let mut exchange = Exchange::new(PortId::default());
    // `Stop::raise` ends the loop. Another thread can call `raise` on a clone.
    let stop = Stop::new()?;
    println!("{} is at {}", address.addr(), host.config().mac);
    loop {
        // Receive and answer frames, run the timers that are due, and transmit. The call does not wait.
        let turn = exchange.turn(now(), &mut host, &mut tap, &mut pool, &mut ())?;
        while let Some(event) = host.take_event() {
            println!("{event:?}");
        }
        // More frames may have arrived than one turn receives.
        if turn.poll_again {
            continue;
        }
        // Wait for a frame or for the next timer. If frames could not be transmitted, wait for a frame or until the
        // TAP accepts frames, because timers send frames too.
        let timer = host.deadline().filter(|_| !turn.tx_blocked).map(|deadline| deadline.since(now()));
        let device = Descriptor::readable(tap.as_fd(), false).or_writable(turn.tx_blocked);
        if wait([device, Descriptor::readable(stop.as_fd(), true)], timer)?.contains(true) {
            return Ok(());
        }
    }
}
