//! A host of our own: `cargo xtask setup-tap`, then this, then `arping -I tap0 10.0.0.2`.

use std::error::Error;
use std::os::fd::AsFd;

use host::{Config, Host};
use link::MacAddr;
use tap::linux::{Stop, Tap, wait};
use tap::{Device, Instant, Pool};

fn main() -> Result<(), Box<dyn Error>> {
    let mut tap = Tap::open("tap0")?;
    let address = "10.0.0.2/24".parse()?;
    let config = Config { mtu: tap.mtu(), ..Config::new(address, MacAddr::derived_from("answer")) };
    let mut host = Host::new(Instant::ORIGIN, &config)?;
    let mut pool = Pool::new(tap.mtu(), host.frames());
    let stop = Stop::new()?;
    println!("{} is at {}", address.addr(), host.config().hardware);
    loop {
        wait(tap.as_fd(), false, stop.as_fd(), None)?;
        host.turn(Instant::ORIGIN, &mut tap, &mut pool, &mut ())?;
        while let Some(event) = host.take_event() {
            println!("{event:?}");
        }
    }
}
