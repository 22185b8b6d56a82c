//! The exchange without a kernel: two hosts on a cable in memory.

use std::process::ExitCode;
use std::time::Duration;

use host::{Host, HostConfig};
use runtime::{Clock, Driver};
use tap::linux::Cable;
use tap::{Device, Instant, Machine, Pool};

use super::client::LabClient;
use super::{HOST, KERNEL, serving};
use crate::failure::Failure;
use crate::mac::lab_mac;
use crate::recorder::CaptureArguments;
use crate::report::{HostReport, Verbosity};

/// Time without frames after which the client has failed.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Time without frames after which the exchange is over.
const IDLE_TIME: Duration = Duration::from_millis(100);
/// Time between two turns without frames.
const PAUSE: Duration = Duration::from_millis(1);

/// Runs the exchange, and prints every frame, the response and the ARP cache of the host that sent the request.
pub(super) fn exchange(capture: &CaptureArguments) -> Result<ExitCode, Failure> {
    let name = "cable0".parse()?;
    let (near, far) = Cable::pair(1_500)?;
    let clock = Clock::start();
    let new_host = |address: ipnet::Ipv4Net| {
        Host::new(Instant::ORIGIN, &HostConfig::new(address.into(), lab_mac(&name, address)))
    };
    let (host, peer) = (new_host(HOST)?, new_host(KERNEL)?);
    let frames = host.pool_size();
    let mut host = attach(serving(host, clock)?, near, clock, frames);
    let mut peer = attach(peer, far, clock, frames);
    let report = HostReport::new(capture.text_output()?, Verbosity::Frames, false, clock)
        .with_styler(capture.text_styler());
    let mut report = report.with_recorder(capture.start_recorder(name.as_str(), clock)?);
    let host_mac = host.machine().host.config().mac;
    report.print_line(&format!(
        "a cable in memory, without the kernel: host A is {} at {host_mac}, host B is {} at {}",
        HOST.addr(),
        KERNEL.addr(),
        peer.machine().config().mac
    ));

    let (sender, pool) = peer.machine_and_pool();
    let mut client = LabClient::start(clock.now(), sender, pool)?;
    let mut last_frame = clock.now();
    loop {
        let received = peer.turn(&mut ())? + host.turn(&mut report)?;
        let (sender, pool) = peer.machine_and_pool();
        client.run(clock.now(), sender, pool);
        report.events(host.now(), &mut host.machine_mut().host);
        let now = clock.now();
        if received > 0 {
            last_frame = now;
            continue;
        }
        let limit = if client.is_finished() { IDLE_TIME } else { TIMEOUT };
        if now.since(last_frame) >= limit {
            break;
        }
        std::thread::sleep(PAUSE);
    }
    let entry = peer.machine().arp().neighbors().get(HOST.addr());
    let is_resolved = entry.is_some_and(|entry| entry.mac == Some(host_mac));
    let response = client.into_response();
    match &response {
        Ok(response) => report.print_line(&format!("host B received {response}")),
        Err(why) => report.print_line(&format!("host B received {why}")),
    }
    report.print_line("the ARP cache of host B:");
    report.table(&name, peer.machine());
    report.finish();
    report.check_written()?;
    Ok(ExitCode::from(u8::from(response.is_err() || !is_resolved)))
}

/// Connects a machine to an end of the cable.
fn attach<M: Machine>(machine: M, cable: Cable, clock: Clock, pool_size: usize) -> Driver<M, Cable> {
    let pool = Pool::new(cable.capabilities().mtu, pool_size);
    Driver::new(machine, cable, None, pool, clock)
}
