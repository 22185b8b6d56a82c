//! `tapstack host`.

use std::process::ExitCode;
use std::time::Duration;

use arp::{Identity, Settings, Start};
use host::{Config, Host};
use nix::sys::signal::Signal;
use tap::Device;
use tap::linux::{InterfaceName, Tap};

use crate::arguments::{HostArguments, Hosts};
use crate::clock::Clock;
use crate::failure::Failure;
use crate::output::Sink;
use crate::report::{Level, Report};
use crate::serve::Server;
use crate::signals::Signals;
use crate::station::{base_mac, own_mac, random};

/// Serves until a signal comes, or until the address is somebody else's.
pub(crate) fn run(arguments: &HostArguments) -> Result<ExitCode, Failure> {
    let clock = Clock::start();
    let signals = Signals::take_over(&[Signal::SIGINT, Signal::SIGTERM, Signal::SIGUSR1])?;
    // Before the kernel's side is touched.
    arguments.hosts.check(arguments.claim.announce, arguments.station.kernel)?;
    let tap = arguments.station.open(arguments.claim.address)?;
    let name = tap.interface().name().clone();
    let host = host(arguments, &tap, &clock)?;
    let level = match (arguments.quiet, arguments.verbose) {
        (true, _) => Level::Quiet,
        (_, true) => Level::Frames,
        _ => Level::Events,
    };
    let recorder = arguments.capture.begin(&name.to_string(), clock)?;
    let report = Report::new(arguments.capture.other_output()?, level, arguments.json);
    let report = report.painted(arguments.capture.other_paint()).record(recorder);
    if let Some(error) = tap.ring_refused().filter(|_| arguments.verbose) {
        Failure::new(format!("frames are carried by read and write, for io_uring is refused: {error}"))
            .tell();
    }
    let mut server = Server::new(host, tap, report, clock, arguments.station.spin());
    let outcome = serve(&mut server, &signals, &name);
    server.counters();
    outcome
}

/// The hosts that the arguments ask for.
fn host(arguments: &HostArguments, tap: &Tap, clock: &Clock) -> Result<Host, Failure> {
    let wanted = configs(arguments, tap)?;
    let mut wanted = wanted.iter();
    let first = wanted.next().ok_or_else(|| Failure::new("no address is given; name one by --address"))?;
    let mut host = Host::new(clock.now(), first)?;
    for config in wanted {
        host.add(clock.now(), config)?;
    }
    arguments.station.add_routes(&mut host)?;
    for (protocol, hardware) in &arguments.statics {
        let added = host.arp_mut().add_static(clock.now(), *protocol, *hardware);
        added.map_err(|error| {
            Failure::new(format!("cannot enter {protocol}={hardware}: {error}; name a neighbour on the wire"))
        })?;
    }
    for range in &arguments.proxies {
        let added = host.arp_mut().add_proxy(*range, first.hardware);
        added.map_err(|error| Failure::new(format!("cannot answer for {range}: {error}")))?;
    }
    Ok(host)
}

/// What each of the hosts is to be: one, or one for each range.
fn configs(arguments: &HostArguments, tap: &Tap) -> Result<Vec<Config>, Failure> {
    let (claim, ranges) = (&arguments.claim, &arguments.hosts);
    let name = tap.interface().name();
    // spec: rfc5227-start, rfc5227-many
    let probes = if ranges.hosts.is_empty() { !claim.no_probe } else { ranges.probe };
    let common = |usual: Config| Config {
        mtu: tap.mtu(),
        gateway: arguments.station.gateway,
        policy: arguments.learn.into(),
        start: match (probes, claim.announce) {
            (true, _) => Start::Probe,
            (false, true) => Start::Announce,
            (false, false) => Start::AtOnce,
        },
        defence: claim.defend.map_or(usual.defence, Into::into),
        table: Settings {
            timeout: Duration::from_secs(arguments.arp_timeout.into()),
            seed: random(),
            ..usual.table
        },
        ..usual
    };
    if ranges.hosts.is_empty() {
        let hardware = arguments.station.mac.unwrap_or_else(|| own_mac(name, claim.address));
        let usual = claim
            .address
            .map_or_else(|| Config::link_local(hardware), |address| Config::new(address, hardware));
        return Ok(vec![common(Config { vlan: arguments.station.vlan, ..usual })]);
    }
    let mut base = ranges.mac_base.unwrap_or_else(|| base_mac(name));
    let mut configs = Vec::new();
    for Hosts { range, vlan } in &ranges.hosts {
        configs.push(common(Config { vlan: *vlan, ..Config::each(*range, base) }));
        let hosts = 1_u64 << (32 - range.prefix_len());
        base = base.plus(hosts).ok_or_else(|| {
            Failure::new(format!("not enough hardware addresses follow {base}; choose a lower --mac-base"))
        })?;
    }
    Ok(configs)
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
        let address = server.host.address().filter(|_| server.host.is_ready());
        if address.is_some() && address != ready {
            server.report.ready(name, &server.host);
            ready = address;
        }
        let woken =
            server.step(signals, None).map_err(|error| Failure::new(format!("TAP {name}: {error}")))?;
        server.tell();
        // spec: rfc5227-last
        if let Some(winner) = server.host.ceased() {
            return Err(Failure::negative(parting(winner, ready.is_some())));
        }
        if !woken.stop {
            continue;
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
