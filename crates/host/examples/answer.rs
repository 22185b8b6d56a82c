//! A host at 10.0.0.2 on the TAP `tap0`, which answers ARP and ping.

use std::hash::{BuildHasher, RandomState};
use std::{error::Error, os::fd::AsFd, time};

use host::{Host, HostConfig};
use link::MacAddr;
use tap::linux::{Stop, Tap, wait};
use tap::{Device, Instant, Pool};

// This workspace lets a lint find every place that reads a clock; a program of your own needs no such line.
#[allow(clippy::disallowed_methods)]
fn main() -> Result<(), Box<dyn Error>> {
    let mut tap = Tap::open("tap0")?;
    // The host reads no clock: each call is given the time since the start, which must go on. Timeouts,
    // retries and rate limits depend on it.
    let start = time::Instant::now();
    let now = || Instant::ORIGIN + start.elapsed();
    let address = "10.0.0.2/24".parse()?;
    let mut config =
        HostConfig { mtu: tap.mtu(), ..HostConfig::new(address, MacAddr::derived_from("answer")) };
    // Values that others must not predict are derived from this seed: 128 bits of the system's randomness.
    let random = RandomState::new();
    config.table.seed = (u128::from(random.hash_one(0)) << 64) | u128::from(random.hash_one(1));
    let mut host = Host::new(now(), &config)?;
    // Every frame comes from this pool and returns to it.
    let mut pool = Pool::new(tap.mtu(), host.pool_size());
    // Another thread that holds a clone of this ends the loop by `Stop::raise`.
    let stop = Stop::new()?;
    println!("{} is at {}", address.addr(), host.config().mac);
    loop {
        // Receives frames, answers them, runs the timers that are due, and transmits. It never waits.
        let outcome = host.poll(now(), &mut tap, &mut pool, &mut ())?;
        while let Some(event) = host.take_event() {
            println!("{event:?}");
        }
        // `poll_again`: more frames may have arrived already. Otherwise wait for the next frame, for capacity in
        // the transmit queue if frames are waiting for it (`tx_blocked`; timers then wait for that capacity too), or for the
        // next timer (`deadline`).
        let timer = host.deadline().filter(|_| !outcome.tx_blocked).map(|deadline| deadline.since(now()));
        if !outcome.poll_again && wait(tap.as_fd(), outcome.tx_blocked, stop.as_fd(), &[], timer)?.stop {
            return Ok(());
        }
    }
}
