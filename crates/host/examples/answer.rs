//! A host with the address 10.0.0.2 on the TAP `tap0`. It answers ARP requests and pings.

use std::hash::{BuildHasher, RandomState};
use std::{error::Error, os::fd::AsFd};

use host::{Host, HostConfig};
use link::MacAddr;
use runtime::{Clock, Driver};
use tap::linux::{Descriptor, LinkMonitor, Stop, Tap};
use tap::{Device, Pool};

fn main() -> Result<(), Box<dyn Error>> {
    let tap = Tap::open("tap0")?;
    let monitor = LinkMonitor::open(tap.interface().name())?;
    let address = "10.0.0.2/24".parse()?;
    let mtu = tap.capabilities().mtu;
    let mut config = HostConfig { mtu, ..HostConfig::new(address, MacAddr::derived_from("answer")) };
    // Other hosts must not predict the random decisions of this host. The seed of these decisions has 128 random bits.
    let random = RandomState::new();
    config.table.seed = (u128::from(random.hash_one(0)) << 64) | u128::from(random.hash_one(1));
    // The host does not read the clock: each call takes the time.
    let clock = Clock::start();
    let host = Host::new(clock.now(), &config)?;
    println!("{} is at {}", address.addr(), config.mac);
    // All frames are taken from this pool and returned to the pool.
    let pool = Pool::new(mtu, host.pool_size());
    let mut driver = Driver::new(host, tap, Some(monitor), pool, clock);
    // `Stop::raise` ends the loop. Another thread can call `raise` on a clone.
    let stop = Stop::new()?;
    loop {
        // Wait for a frame, a change of the link, the next timer or the stop. Then receive and answer frames, run the
        // timers that are due, and transmit.
        let result = driver.step(&mut (), &[Descriptor::readable(stop.as_fd(), ())], None)?;
        while let Some(event) = driver.machine_mut().take_event() {
            println!("{event:?}");
        }
        if !result.ready.is_empty() {
            return Ok(());
        }
    }
}
