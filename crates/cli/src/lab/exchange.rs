//! The exchange of frames between the kernel and the host: ARP, a ping and an HTTP request.

use std::process::ExitCode;
use std::thread::JoinHandle;
use std::time::Duration;

use link::MacAddr;
use runtime::Clock;
use services::ServingHost;
use tap::Instant;
use tap::linux::{KernelNeighbor, KernelNeighborState, kernel_neighbors};

use super::response::HttpResponse;
use super::{HOST, KERNEL, LabNetwork, kernel};
use crate::failure::Failure;
use crate::output::Sink;
use crate::recorder::CaptureArguments;
use crate::report::{HostReport, Verbosity};
use crate::serve::Server;
use crate::signals::{Signals, TERMINATION_SIGNALS};

/// Time without frames after which the exchange is over.
const IDLE_TIME: Duration = Duration::from_millis(100);

/// Makes the kernel ping the host and request its page. Prints every frame, the response and the kernel's ARP cache entry.
pub(super) fn run(network: LabNetwork, capture: &CaptureArguments) -> Result<ExitCode, Failure> {
    let clock = Clock::start();
    let report = HostReport::new(capture.text_output()?, Verbosity::Frames, false, clock);
    let mut server = network.serve(report.with_styler(capture.text_styler()), capture, clock)?;
    let signals = Signals::take_over(&TERMINATION_SIGNALS)?;
    let mac = server.host().config().mac;
    server.report.print_line(&format!(
        "tap0 in a new network namespace: the kernel is {}, tapstack is {} at {mac}",
        KERNEL.addr(),
        HOST.addr()
    ));
    let received = serve_until_idle(&mut server, &signals, kernel::start())?;
    let entries = kernel_neighbors(server.device().interface())?;
    let entry = entries.into_iter().find(|entry| entry.address == HOST.addr());
    let exit_code = exit_code(&received, entry.as_ref(), mac);
    match received {
        Ok(response) => server.report.print_line(&format!("the kernel received {response}")),
        Err(why) => server.report.print_line(&format!("the kernel received {why}")),
    }
    server.report.print_line("the kernel's ARP cache entry for tapstack, as `ip neigh` prints it:");
    match entry {
        Some(entry) => server.report.print_line(&format!("{entry}")),
        None => server.report.print_line("none"),
    }
    server.report.finish();
    server.report.check_written()?;
    Ok(ExitCode::from(exit_code))
}

/// Serves until the kernel's programs have ended and no more frames arrive. Returns the response that they received.
fn serve_until_idle<W: Sink>(
    server: &mut Server<ServingHost, W>,
    signals: &Signals,
    programs: JoinHandle<Result<HttpResponse, String>>,
) -> Result<Result<HttpResponse, String>, Failure> {
    let clock = Clock::start();
    let mut last_frame = Instant::ORIGIN;
    loop {
        let step = server.step(signals, Some(IDLE_TIME))?;
        server.print_events();
        let now = clock.now();
        if step.received > 0 || !programs.is_finished() {
            last_frame = now;
        }
        if step.has_signal {
            return Ok(Err("no page: interrupted".to_owned()));
        }
        if now.since(last_frame) >= IDLE_TIME {
            let received = programs.join();
            return Ok(
                received.unwrap_or_else(|_| Err("no page: the thread of the programs panicked".to_owned()))
            );
        }
    }
}

/// Returns the exit code of the exchange: 0 if the kernel received the page, and its entry holds the host's MAC address.
fn exit_code(received: &Result<HttpResponse, String>, entry: Option<&KernelNeighbor>, mac: MacAddr) -> u8 {
    let is_resolved = entry.is_some_and(|entry| {
        entry.mac_address == Some(mac.bytes()) && entry.state == KernelNeighborState::REACHABLE
    });
    u8::from(received.is_err() || !is_resolved)
}

#[cfg(test)]
mod tests;
