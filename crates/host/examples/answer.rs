//! A host of our own: `sudo ip tuntap add tap0 mode tap user $USER`, then this, then `arping`.

use std::error::Error;
use std::os::fd::AsFd;

use host::{Config, Host};
use link::MacAddr;
use tap::linux::{Stop, Tap, wait};
use tap::{Device, Instant, Pool};

fn main() -> Result<(), Box<dyn Error>> {
    let mut tap = Tap::open("tap0")?;
    let address = "10.0.0.2/24".parse()?;
    let mut host = Host::new(&Config::new(address, MacAddr::derived_from("answer")))?;
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
