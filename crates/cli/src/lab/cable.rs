//! The exchange without a kernel: two hosts of ours on an embedded wire.

use std::io;
use std::process::ExitCode;

use arp::Policy;
use host::{Config, Host};
use tap::{Cable, Device, Pool};

use super::{KERNEL, OURS};
use crate::clock::Clock;
use crate::failure::Failure;
use crate::host_command::default_mac;
use crate::report::{Level, Report};

/// A cable carries a request and its reply in two turns of each end; a few more show it is silent.
const TURNS: usize = 4;

/// One host asks, the other answers, and the asker's table is printed.
pub(super) fn exchange() -> Result<ExitCode, Failure> {
    let name = "cable0".parse()?;
    let (mut near, mut far) = Cable::pair(1_500)?;
    let mut host = Host::new(&Config::new(OURS, default_mac(&name, OURS)))?;
    // The peer takes the reply as RFC 826 has it: it keeps no note of having asked.
    let peer_config = Config::new(KERNEL, default_mac(&name, KERNEL));
    let mut peer = Host::new(&Config { policy: Policy::Rfc826, ..peer_config })?;
    let mut pool = Pool::new(near.mtu(), 2 * Host::FRAMES);
    let mut report = Report::new(io::stdout().lock(), Level::Frames, false);
    report.print_line(format_args!(
        "an embedded wire, no kernel takes part: a second host of ours is {} at {}, we are {} at {}",
        KERNEL.addr(),
        peer.config().hardware,
        OURS.addr(),
        host.config().hardware
    ));

    let clock = Clock::start();
    peer.request(OURS.addr(), &mut pool);
    for _ in 0..TURNS {
        let now = clock.now();
        peer.turn(now, &mut far, &mut pool, &mut ())?;
        host.turn(now, &mut near, &mut pool, &mut report)?;
        report.events(now, &mut host);
    }
    let known = peer.arp().table().get(OURS.addr());
    let known = known.is_some_and(|entry| entry.hardware == host.config().hardware);
    report.print_line(format_args!("the second host's own table:"));
    for (protocol, entry) in peer.arp().table().list() {
        report.print_line(format_args!("{protocol} dev {name} lladdr {}", entry.hardware));
    }
    report.flush();
    Ok(ExitCode::from(u8::from(!known)))
}
