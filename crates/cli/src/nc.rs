//! `tapstack nc`: exchanges data with a peer over UDP, from an emulated host. The options have the letters of netcat-openbsd.

pub(crate) mod arguments;
mod conversation;
mod line_ends;
mod nc_host;
mod scan;
mod transfer;

use std::path::Path;
use std::process::ExitCode;

use arp::StartMode;
use runtime::Clock;

use crate::carrier::interface_down;
use crate::failure::Failure;
use crate::input;
use crate::mac::default_mac;
use crate::privileges;
use crate::signals::{Signals, TERMINATION_SIGNALS};
use arguments::{Endpoints, NcArguments};
use conversation::Conversation;
use nc_host::NcHost;
use scan::Scan;

/// Runs a transfer or a test of ports.
pub(crate) fn run(arguments: &NcArguments) -> Result<ExitCode, Failure> {
    // Arguments are checked first: invalid arguments must not change settings of the kernel.
    let endpoints = arguments.endpoints()?;
    let clock = Clock::start();
    let (station, address) = (&arguments.station, arguments.address);
    let mac = |name: &_| station.mac.unwrap_or_else(|| default_mac(name, Some(address)));
    let device = station
        .attach(arguments.performance.io, &[address.addr().into()], |name| Ok((mac(name), mac(name))))?;
    station.warn_of_network(address);
    let name = device.name().clone();
    if !device.interface().is_up()? {
        return Err(interface_down(&name));
    }
    let host = station.host(&device, address, mac(&name), StartMode::Immediate, clock)?;
    if let Endpoints::Peer { target, .. } | Endpoints::Scan { target, .. } = endpoints {
        device.check_next_hop(&host, address.addr(), target)?;
    }
    let mut nc_host = NcHost::new(arguments, host, device, clock)?;
    match endpoints {
        Endpoints::Peer { target, port, source_port } => {
            let socket = nc_host.bind(None, source_port)?;
            nc_host.connect(socket, (target, port).into())?;
            let mut conversation =
                Conversation::new(arguments, nc_host, socket, true, open_input(arguments)?)?;
            let signals = start()?;
            conversation.run(&signals)
        }
        Endpoints::Local { address, port } => {
            let socket = nc_host.bind(address, Some(port))?;
            let local = address.unwrap_or_else(|| arguments.address.addr());
            nc_host.print(&format!("Bound on {local} {port}"));
            let mut conversation =
                Conversation::new(arguments, nc_host, socket, false, open_input(arguments)?)?;
            let signals = start()?;
            conversation.run(&signals)
        }
        Endpoints::Scan { target, ports, source_port } => {
            let mut scan = Scan::new(arguments, nc_host, target, source_port);
            let signals = start()?;
            scan.run(ports, &signals)
        }
    }
}

/// Opens standard input, unless the arguments exclude reads of standard input.
fn open_input(arguments: &NcArguments) -> Result<Option<std::fs::File>, Failure> {
    if arguments.no_input || arguments.keep {
        return Ok(None);
    }
    let opened = input::open(Path::new("-"));
    opened.map(Some).map_err(|error| Failure::new(format!("cannot open standard input: {error}")))
}

/// Takes over the signals and drops privileges.
fn start() -> Result<Signals, Failure> {
    // Signals are blocked last: until then, a signal must end the program while it opens a FIFO.
    let signals = Signals::take_over(&TERMINATION_SIGNALS)?;
    privileges::drop_all()?;
    Ok(signals)
}
