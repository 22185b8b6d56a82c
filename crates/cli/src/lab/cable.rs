//! The exchange without a kernel: two hosts on a cable in memory.

use std::process::ExitCode;

use host::{Host, HostConfig};
use link::EtherType;
use runtime::{Clock, Driver};
use tap::linux::Cable;
use tap::{Device, Instant, Pool};

use super::{HOST, KERNEL};
use crate::failure::Failure;
use crate::mac::lab_mac;
use crate::recorder::CaptureArguments;
use crate::report::{HostReport, Verbosity};

/// The first `EtherType` reserved for experiments.
const EXPERIMENTAL: EtherType = EtherType(0x88b5);

/// Number of turns of each host: three for the request, the reply and the payload, and three that show that no more frames
/// follow.
const ROUNDS: usize = 6;

/// Runs the exchange, and prints the ARP cache of the host that sent the request.
pub(super) fn exchange(capture: &CaptureArguments) -> Result<ExitCode, Failure> {
    let name = "cable0".parse()?;
    let (near, far) = Cable::pair(1_500)?;
    let clock = Clock::start();
    let attach = |address: ipnet::Ipv4Net, cable: Cable| {
        let host = Host::new(Instant::ORIGIN, &HostConfig::new(address.into(), lab_mac(&name, address)))?;
        let pool = Pool::new(cable.capabilities().mtu, host.pool_size());
        Ok::<_, Failure>(Driver::new(host, cable, None, pool, clock))
    };
    let (mut host, mut peer) = (attach(HOST, near)?, attach(KERNEL, far)?);
    let report = HostReport::new(capture.text_output()?, Verbosity::Frames, false, clock)
        .with_styler(capture.text_styler());
    let mut report = report.with_recorder(capture.start_recorder(name.as_str(), clock)?);
    report.print_line(&format!(
        "a cable in memory, without the kernel: host A is {} at {}, host B is {} at {}",
        HOST.addr(),
        host.machine().config().mac,
        KERNEL.addr(),
        peer.machine().config().mac
    ));

    // The peer must resolve the address to send this datagram, like the kernel in a lab with a namespace.
    let (sender, pool) = peer.machine_and_pool();
    if let Some(mut frame) = pool.take() {
        frame.write(b"hello")?;
        sender.send(clock.now(), HOST.addr().into(), EXPERIMENTAL, frame, pool);
    }
    for _ in 0..ROUNDS {
        peer.turn(&mut ())?;
        host.turn(&mut report)?;
        report.events(host.now(), host.machine_mut());
    }
    let entry = peer.machine().arp().neighbors().get(HOST.addr());
    let is_reachable = entry.is_some_and(|entry| entry.mac == Some(host.machine().config().mac));
    report.print_line("the ARP cache of host B:");
    report.table(&name, peer.machine());
    report.finish();
    report.check_written()?;
    Ok(ExitCode::from(u8::from(!is_reachable)))
}
