//! `tapstack nc`: exchanges data with a peer over TCP or UDP, from an emulated host. The options have the letters of
//! netcat-openbsd.

pub(crate) mod arguments;
mod conversation;
mod line_ends;
mod nc_host;
mod scan;
mod standard_input;
mod stream;
mod stream_calls;
mod transfer;

use std::process::ExitCode;

use arp::StartMode;
use runtime::Clock;
use tap::linux::Io;

use crate::carrier::interface_down;
use crate::failure::Failure;
use crate::mac::default_mac;
use crate::privileges;
use crate::signals::{Signals, TERMINATION_SIGNALS};
use arguments::{Endpoints, NcArguments};
use conversation::Conversation;
use nc_host::NcHost;
use scan::Scan;
use standard_input::StandardInput;
use stream::{Source, Stream};

/// Runs a transfer or a test of ports.
pub(crate) fn run(arguments: &NcArguments) -> Result<ExitCode, Failure> {
    // Arguments are checked first: invalid arguments must not change settings of the kernel.
    let endpoints = arguments.endpoints()?;
    let clock = Clock::start();
    let (station, address) = (&arguments.station, arguments.address);
    let mac = |name: &_| station.mac.unwrap_or_else(|| default_mac(name, Some(address)));
    let io = arguments.performance.io_or(Io::Offload);
    let device = station.attach(io, &[address.addr().into()], |name| Ok((mac(name), mac(name))))?;
    station.warn_of_address(address)?;
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
        Endpoints::Peer { target, port, source_port } if arguments.udp => {
            let socket = nc_host.bind(None, source_port)?;
            nc_host.connect(socket, (target, port).into())?;
            let input = StandardInput::open(arguments)?;
            let mut conversation = Conversation::new(arguments, nc_host, socket, true, input)?;
            let signals = start()?;
            conversation.run(&signals)
        }
        Endpoints::Peer { target, port, source_port } => {
            let peer = (target, port).into();
            let socket = nc_host.open_stream(peer, source_port)?;
            let input = StandardInput::open(arguments)?;
            let mut stream = Stream::new(arguments, nc_host, Source::Peer { socket, peer }, input)?;
            let signals = start()?;
            stream.run(&signals)
        }
        Endpoints::Local { address, port } => {
            let local = address.unwrap_or_else(|| arguments.address.addr());
            if arguments.udp {
                let socket = nc_host.bind(address, Some(port))?;
                nc_host.print(&format!("Bound on {local} {port}"));
                let input = StandardInput::open(arguments)?;
                let mut conversation = Conversation::new(arguments, nc_host, socket, false, input)?;
                let signals = start()?;
                return conversation.run(&signals);
            }
            let socket = nc_host.listen(address, port)?;
            nc_host.print(&format!("Listening on {local} {port}"));
            let input = StandardInput::open(arguments)?;
            let source = Source::Listener { socket, keeps: arguments.keep };
            let mut stream = Stream::new(arguments, nc_host, source, input)?;
            let signals = start()?;
            stream.run(&signals)
        }
        Endpoints::Scan { target, ports, source_port } => {
            let mut scan = Scan::new(arguments, nc_host, target, source_port);
            let signals = start()?;
            scan.run(ports, &signals)
        }
    }
}

/// Takes over the signals and drops privileges.
fn start() -> Result<Signals, Failure> {
    // Signals are blocked last: until then, a signal must end the program while it opens a FIFO.
    let signals = Signals::take_over(&TERMINATION_SIGNALS)?;
    privileges::drop_all()?;
    Ok(signals)
}
