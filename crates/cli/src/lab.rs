//! `tapstack lab`: the kernel and an emulated host on a TAP in a network namespace.

pub(crate) mod arguments;
mod cable;
pub(crate) mod command;

use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::process::ExitCode;
use std::time::Duration;

use arp::NeighborSettings;
use host::{Host, HostConfig};
use ipnet::Ipv4Net;
use link::MacAddr;
use runtime::Clock;
use tap::Instant;
use tap::linux::{KernelNeighbor, KernelNeighborState, Namespace, Tap, default_busy_poll, kernel_neighbors};

use crate::device::NetworkDevice;
use crate::failure::Failure;
use crate::mac::lab_mac;
use crate::output::Sink;
use crate::recorder::CaptureArguments;
use crate::report::{HostReport, Verbosity};
use crate::serve::Server;
use crate::signals::{Signals, TERMINATION_SIGNALS};
use crate::station::secret;
use arguments::LabArguments;

/// The kernel's address.
const KERNEL: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(10, 0, 0, 1), 24);
/// The host's address.
const HOST: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(10, 0, 0, 2), 24);
/// Time within which the kernel must resolve the host's address.
const EXCHANGE_TIMEOUT: Duration = Duration::from_secs(5);
/// Time without frames after which the exchange is over.
const IDLE_TIME: Duration = Duration::from_millis(100);

/// A network namespace, and a TAP in the namespace that is up.
struct LabNetwork {
    namespace: Namespace,
    tap: Tap,
}

/// Runs `lab` without arguments. If no namespace or TAP can be created, this function shows the exchange on a cable, and returns
/// exit code 2.
pub(crate) fn run_default() -> Result<ExitCode, Failure> {
    match set_up() {
        Ok(network) => exchange(network, &CaptureArguments::default()),
        Err(refusal) => {
            refusal.print();
            cable::exchange(&CaptureArguments::default())?;
            Ok(ExitCode::from(2))
        }
    }
}

/// Runs `lab` with these arguments.
pub(crate) fn run(arguments: &LabArguments) -> Result<ExitCode, Failure> {
    if arguments.cable {
        return cable::exchange(&arguments.capture);
    }
    if arguments.capture.is_standard_output() && !arguments.command.is_empty() {
        return Err(Failure::new("--pcap - cannot be used with COMMAND, which writes to standard output")
            .hint("write the capture to a file, e.g. `--pcap lab.pcapng`"));
    }
    let network = set_up()?;
    match arguments.command.split_first() {
        None => exchange(network, &arguments.capture),
        Some(command) => command::run(network, command, arguments.verbose, &arguments.capture),
    }
}

fn set_up() -> Result<LabNetwork, Failure> {
    let namespace = Namespace::enter()?;
    let tap = Tap::open("tap0")?;
    tap.interface().add_address(KERNEL)?;
    tap.interface().set_up(true)?;
    Ok(LabNetwork { namespace, tap })
}

impl LabNetwork {
    /// Starts a host on the TAP.
    fn serve<W: Sink>(
        self,
        report: HostReport<W>,
        capture: &CaptureArguments,
        clock: Clock,
    ) -> Result<Server<Host, W>, Failure> {
        if let Err(error) = self.namespace.ipv6_off() {
            Failure::new(format!(
                "cannot disable IPv6 in the namespace, so the kernel sends IPv6 frames: {error}"
            ))
            .print();
        }
        let name = self.tap.interface().name();
        let mac = lab_mac(name, HOST);
        let defaults = HostConfig::new(HOST.into(), mac);
        let table = NeighborSettings { seed: secret(), ..defaults.table };
        let host = Host::new(Instant::ORIGIN, &HostConfig { table, ..defaults })?;
        let report = report.with_recorder(capture.start_recorder(name.as_str(), clock)?);
        let device = NetworkDevice::from(self.tap).with_monitor()?;
        Ok(Server::new(host, device, report, clock, default_busy_poll()))
    }
}

/// Makes the kernel send a datagram to the host, and prints every frame and the kernel's ARP cache entry.
fn exchange(network: LabNetwork, capture: &CaptureArguments) -> Result<ExitCode, Failure> {
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
    // Port 9 is discard. The content does not matter: the kernel must resolve the host's address to send the datagram.
    UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?.send_to(b"hello", SocketAddrV4::new(HOST.addr(), 9))?;

    let entry = serve_until_idle(&mut server, &signals)?;
    let exit_code = exit_code(entry.as_ref(), mac);
    server.report.print_line("the kernel's ARP cache entry for tapstack, as `ip neigh` prints it:");
    match entry {
        Some(entry) => server.report.print_line(&format!("{entry}")),
        None => server.report.print_line("none"),
    }
    server.report.finish();
    server.report.check_written()?;
    Ok(ExitCode::from(exit_code))
}

/// Serves until the kernel has resolved the host's address and no more frames arrive, or until the timeout. Returns
/// the kernel's entry for the host.
fn serve_until_idle<W: Sink>(
    server: &mut Server<Host, W>,
    signals: &Signals,
) -> Result<Option<KernelNeighbor>, Failure> {
    let mac = server.host().config().mac;
    let clock = Clock::start();
    loop {
        let step = server.step(signals, Some(IDLE_TIME))?;
        server.print_events();
        let entry = kernel_neighbors(server.device().interface())?
            .into_iter()
            .find(|entry| entry.address == HOST.addr());
        let is_reachable = entry.as_ref().is_some_and(|entry| is_reachable_at(entry, mac));
        let waited = clock.now().since(Instant::ORIGIN);
        if step.has_signal || (is_reachable && step.received == 0) || waited > EXCHANGE_TIMEOUT {
            return Ok(entry);
        }
    }
}

/// Returns the exit code of the exchange: 0 if the kernel's entry holds the host's MAC address.
fn exit_code(entry: Option<&KernelNeighbor>, mac: MacAddr) -> u8 {
    u8::from(!entry.is_some_and(|entry| is_reachable_at(entry, mac)))
}

/// Whether the kernel's entry is reachable and holds this MAC address.
fn is_reachable_at(entry: &KernelNeighbor, mac: MacAddr) -> bool {
    entry.mac_address == Some(mac.bytes()) && entry.state == KernelNeighborState::REACHABLE
}

#[cfg(test)]
mod tests;
