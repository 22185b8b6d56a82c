//! `tapstack lab`: the kernel and an emulated host on a TAP in a network namespace.

pub(crate) mod arguments;
mod cable;
mod client;
pub(crate) mod command;
mod exchange;
mod kernel;
mod response;
mod site;

use std::net::Ipv4Addr;
use std::process::ExitCode;

use arp::NeighborSettings;
use host::{Host, HostConfig};
use ipnet::Ipv4Net;
use runtime::Clock;
use services::{Services, ServingHost};
use tap::Instant;
use tap::linux::{Namespace, Tap, default_busy_poll};

use crate::clock::WallClock;
use crate::device::NetworkDevice;
use crate::failure::Failure;
use crate::mac::lab_mac;
use crate::output::Sink;
use crate::recorder::CaptureArguments;
use crate::report::HostReport;
use crate::serve::Server;
use crate::station::{random_number, secret};
use arguments::LabArguments;

/// The kernel's address.
const KERNEL: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(10, 0, 0, 1), 24);
/// The host's address.
const HOST: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(10, 0, 0, 2), 24);
/// The port on which the host serves a page.
const HTTP_PORT: u16 = 80;

/// A network namespace, and a TAP in the namespace that is up.
struct LabNetwork {
    namespace: Namespace,
    tap: Tap,
}

/// Runs `lab` without arguments. If no namespace or TAP can be created, this function shows the exchange on a cable, and returns
/// exit code 2.
pub(crate) fn run_default() -> Result<ExitCode, Failure> {
    match set_up() {
        Ok(network) => exchange::run(network, &CaptureArguments::default()),
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
        None => exchange::run(network, &arguments.capture),
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
    /// Starts a host on the TAP. The host serves a page.
    fn serve<W: Sink>(
        self,
        report: HostReport<W>,
        capture: &CaptureArguments,
        clock: Clock,
    ) -> Result<Server<ServingHost, W>, Failure> {
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
        let machine = serving(host, clock)?;
        let report = report.with_recorder(capture.start_recorder(name.as_str(), clock)?);
        let device = NetworkDevice::from(self.tap).with_monitor()?;
        Ok(Server::new(machine, device, report, clock, default_busy_poll()))
    }
}

/// Returns the host with its page.
fn serving(mut host: Host, clock: Clock) -> Result<ServingHost, Failure> {
    let mut services = Services::new(random_number(), WallClock::from(clock).origin());
    let every_address = Ipv4Net::default().into();
    let added = services.add_http(&mut host, site::site(), every_address, HTTP_PORT);
    added.map_err(|error| Failure::new(format!("cannot serve HTTP: {error}")))?;
    Ok(ServingHost { host, user: services })
}
