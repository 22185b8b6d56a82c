//! The exchange without a kernel: two hosts on a cable in memory.

use std::process::ExitCode;

use host::{Host, HostConfig};
use link::EtherType;
use runtime::Clock;
use tap::linux::Cable;
use tap::{Device, Exchange, Instant, Pool, PortId};

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
    let (mut near, mut far) = Cable::pair(1_500)?;
    let mut host = Host::new(Instant::ORIGIN, &HostConfig::new(HOST, lab_mac(&name, HOST)))?;
    let mut peer = Host::new(Instant::ORIGIN, &HostConfig::new(KERNEL, lab_mac(&name, KERNEL)))?;
    let mut pool = Pool::new(near.capabilities().mtu, host.pool_size() + peer.pool_size());
    let clock = Clock::start();
    let report = HostReport::new(capture.text_output()?, Verbosity::Frames, false, clock)
        .with_styler(capture.text_styler());
    let mut report = report.with_recorder(capture.start_recorder(name.as_str(), clock)?);
    report.print_line(&format!(
        "a cable in memory, without the kernel: host A is {} at {}, host B is {} at {}",
        HOST.addr(),
        host.config().mac,
        KERNEL.addr(),
        peer.config().mac
    ));

    // The peer must resolve the address to send this datagram, like the kernel in a lab with a namespace.
    if let Some(mut frame) = pool.take() {
        frame.write(b"hello")?;
        peer.send(clock.now(), HOST.addr(), EXPERIMENTAL, frame, &mut pool);
    }
    let (mut exchange, mut peer_exchange) =
        (Exchange::new(PortId::default()), Exchange::new(PortId::default()));
    for _ in 0..ROUNDS {
        let now = clock.now();
        peer_exchange.turn(now, &mut peer, &mut far, &mut pool, &mut ())?;
        exchange.turn(now, &mut host, &mut near, &mut pool, &mut report)?;
        report.events(now, &mut host);
    }
    let entry = peer.arp().neighbors().get(HOST.addr());
    let is_reachable = entry.is_some_and(|entry| entry.mac == Some(host.config().mac));
    report.print_line("the ARP cache of host B:");
    report.table(&name, &peer);
    report.finish();
    report.check_written()?;
    Ok(ExitCode::from(u8::from(!is_reachable)))
}
