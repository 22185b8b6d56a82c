//! `tapstack host`.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::process::ExitCode;
use std::time::Duration;

use arp::Settings;
use host::{Config, Host};
use ipnet::Ipv4Net;
use link::MacAddr;
use nix::sys::signal::Signal;
use tap::linux::{InterfaceName, Tap};
use tap::{Device, Instant};

use crate::arguments::HostArguments;
use crate::clock::Clock;
use crate::failure::Failure;
use crate::output::{Sink, standard_output};
use crate::report::{Level, Report};
use crate::serve::Server;
use crate::signals::Signals;

/// Serves until a signal comes.
pub(crate) fn run(arguments: &HostArguments) -> Result<ExitCode, Failure> {
    let clock = Clock::start();
    let signals = Signals::take_over(&[Signal::SIGINT, Signal::SIGTERM, Signal::SIGUSR1])?;
    let tap = open(arguments)?;
    let name = tap.interface().name().clone();
    let table = Settings {
        timeout: Duration::from_secs(arguments.arp_timeout.into()),
        seed: random(),
        ..Settings::default()
    };
    let mut host = Host::new(
        Instant::ORIGIN,
        &Config {
            mtu: tap.mtu(),
            vlan: arguments.vlan,
            policy: arguments.learn.into(),
            table,
            ..Config::new(
                arguments.address,
                arguments.mac.unwrap_or_else(|| default_mac(&name, arguments.address)),
            )
        },
    )?;
    for (protocol, hardware) in &arguments.statics {
        host.arp_mut().neighbours_mut().add_static(clock.now(), *protocol, *hardware)?;
    }
    let level = match (arguments.quiet, arguments.verbose) {
        (true, _) => Level::Quiet,
        (_, true) => Level::Frames,
        _ => Level::Events,
    };
    let report = Report::new(standard_output()?, level, arguments.json);
    let mut server = Server::new(host, tap, report, clock);
    server.report.ready(&name, &server.host);
    let outcome = serve(&mut server, &signals, &name);
    server.counters();
    outcome
}

/// Serves until SIGINT or SIGTERM; SIGUSR1 prints the table.
fn serve<W: Sink>(
    server: &mut Server<W>,
    signals: &Signals,
    name: &InterfaceName,
) -> Result<ExitCode, Failure> {
    loop {
        server.step(signals, None).map_err(|error| Failure::new(format!("TAP {name}: {error}")))?;
        while let Some(signal) = signals.next()? {
            if signal != Signal::SIGUSR1 {
                return Ok(ExitCode::SUCCESS);
            }
            server.report.table(name, &server.host);
        }
    }
}

/// Opens the TAP, and sets up the kernel's side as far as that is ours to do.
fn open(arguments: &HostArguments) -> Result<Tap, Failure> {
    let mut options = Tap::options();
    if let Some(mtu) = arguments.mtu {
        options = options.mtu(mtu.into());
    }
    let tap = options.open(arguments.tap.as_str())?;
    if let Some(address) = arguments.kernel {
        if address.addr() == arguments.address.addr() {
            return Err(Failure::new(format!(
                "the kernel and we cannot both be {}; choose another address for one of us",
                address.addr()
            )));
        }
        tap.interface().ensure_address(address)?;
    }
    // Somebody else's TAP is up or down as they please.
    if tap.is_created() {
        tap.interface().set_up(true)?;
    }
    Ok(tap)
}

/// The hardware address of a host that was given none: the same at every start.
pub(crate) fn default_mac(interface: &InterfaceName, address: Ipv4Net) -> MacAddr {
    MacAddr::derived_from(&format!("{interface} {}", address.addr()))
}

/// A number that nobody can guess.
pub(crate) fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}
