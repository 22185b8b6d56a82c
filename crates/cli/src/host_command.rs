//! `tapstack host`.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::process::ExitCode;
use std::time::Duration;

use arp::{Identity, Settings, Start};
use host::{Config, Host};
use ipnet::Ipv4Net;
use link::MacAddr;
use nix::sys::signal::Signal;
use tap::Device;
use tap::linux::{InterfaceName, Tap};

use crate::arguments::HostArguments;
use crate::clock::Clock;
use crate::failure::Failure;
use crate::output::{Sink, standard_output};
use crate::report::{Level, Report};
use crate::serve::Server;
use crate::signals::Signals;

/// Serves until a signal comes, or until the address is somebody else's.
pub(crate) fn run(arguments: &HostArguments) -> Result<ExitCode, Failure> {
    let clock = Clock::start();
    let signals = Signals::take_over(&[Signal::SIGINT, Signal::SIGTERM, Signal::SIGUSR1])?;
    let tap = open(arguments)?;
    let name = tap.interface().name().clone();
    let host = host(arguments, &tap, &clock)?;
    let level = match (arguments.quiet, arguments.verbose) {
        (true, _) => Level::Quiet,
        (_, true) => Level::Frames,
        _ => Level::Events,
    };
    let report = Report::new(standard_output()?, level, arguments.json);
    let mut server = Server::new(host, tap, report, clock);
    let outcome = serve(&mut server, &signals, &name);
    server.counters();
    outcome
}

/// The host that the arguments ask for.
fn host(arguments: &HostArguments, tap: &Tap, clock: &Clock) -> Result<Host, Failure> {
    let claim = &arguments.claim;
    let hardware = arguments.mac.unwrap_or_else(|| own_mac(tap.interface().name(), claim.address));
    let usual = match claim.address {
        Some(address) => Config::new(address, hardware),
        None => Config::link_local(hardware),
    };
    let mut host = Host::new(
        clock.now(),
        &Config {
            mtu: tap.mtu(),
            vlan: arguments.vlan,
            policy: arguments.learn.into(),
            // spec: rfc5227-start
            start: match (claim.no_probe, claim.announce) {
                (false, _) => Start::Probe,
                (true, true) => Start::Announce,
                (true, false) => Start::AtOnce,
            },
            defence: claim.defend.map_or(usual.defence, Into::into),
            table: Settings {
                timeout: Duration::from_secs(arguments.arp_timeout.into()),
                seed: random(),
                ..Settings::default()
            },
            ..usual
        },
    )?;
    for (protocol, hardware) in &arguments.statics {
        let added = host.arp_mut().add_static(clock.now(), *protocol, *hardware);
        added.map_err(|error| {
            Failure::new(format!("cannot enter {protocol}={hardware}: {error}; name a neighbour on the wire"))
        })?;
    }
    for range in &arguments.proxies {
        let added = host.arp_mut().add_proxy(*range, hardware);
        added.map_err(|error| Failure::new(format!("cannot answer for {range}: {error}")))?;
    }
    Ok(host)
}

/// Serves until SIGINT or SIGTERM, or until the last address is gone; SIGUSR1 prints the table.
fn serve<W: Sink>(
    server: &mut Server<W>,
    signals: &Signals,
    name: &InterfaceName,
) -> Result<ExitCode, Failure> {
    let mut ready = None;
    loop {
        // A link-local address may be followed by another, and whoever reads must know.
        if let Some(address) = server.host.address().filter(|address| ready != Some(*address)) {
            server.report.ready(name, &server.host, address);
            ready = Some(address);
        }
        server.step(signals, None).map_err(|error| Failure::new(format!("TAP {name}: {error}")))?;
        // spec: rfc5227-last
        if let Some(winner) = server.host.ceased() {
            return Err(Failure::negative(parting(winner, ready.is_some())));
        }
        while let Some(signal) = signals.next()? {
            if signal != Signal::SIGUSR1 {
                return Ok(ExitCode::SUCCESS);
            }
            server.report.table(name, &server.host);
        }
    }
}

/// Why a host ends whose address is somebody else's.
fn parting(Identity { protocol, hardware }: Identity, was_ready: bool) -> String {
    if was_ready {
        format!("{protocol} is given up, for {hardware} uses it too; `--defend always` would have kept it")
    } else {
        format!(
            "{protocol} is taken: {hardware} has it or wants it too; choose another --address, or use it all the same with --no-probe"
        )
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
        if arguments.claim.address.is_some_and(|ours| ours.addr() == address.addr()) {
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
    } else if !tap.interface().is_up()? {
        let name = tap.interface().name();
        Failure::new(format!(
            "{name} is down, and nobody is heard or asked until it is up; `sudo ip link set {name} up`"
        ))
        .tell();
    }
    Ok(tap)
}

/// The hardware address of a host that was given none: the same at every start, another on each machine.
fn own_mac(interface: &InterfaceName, address: Option<Ipv4Net>) -> MacAddr {
    // Where it cannot be read, hosts of one name and address on several machines are told apart by hand.
    let machine = std::fs::read_to_string("/etc/machine-id").unwrap_or_default();
    let address = address.map(|address| address.addr().to_string()).unwrap_or_default();
    MacAddr::derived_from(&format!("{} {interface} {address}", machine.trim()))
}

/// The hardware address of a host in the lab, where it is alone.
pub(crate) fn default_mac(interface: &InterfaceName, address: Ipv4Net) -> MacAddr {
    MacAddr::derived_from(&format!("{interface} {}", address.addr()))
}

/// A number that nobody can guess.
pub(crate) fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}
