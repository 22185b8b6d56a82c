//! `tapstack host`.

pub(crate) mod arguments;
mod served_directory;
pub(crate) mod service_port;

use std::net::IpAddr;
use std::process::ExitCode;
use std::time::Duration;

use arp::{Identity, LINK_LOCAL, NeighborSettings, StartMode};
use host::{Host, HostConfig};
use ipnet::{IpNet, Ipv4Net};
use link::MacAddr;
use nix::sys::signal::Signal;
use runtime::Clock;
use services::{Services, ServingHost, Site};
use tap::Device;
use tap::linux::{InterfaceName, Io, kernel_addresses};

use crate::advice::explain;
use crate::carrier::interface_down;
use crate::clock::WallClock;
use crate::device::NetworkDevice;
use crate::failure::Failure;
use crate::mac::{default_base_mac, default_mac};
use crate::output::Sink;
use crate::privileges;
use crate::report::{HostReport, ReadyService, Verbosity};
use crate::serve::Server;
use crate::signals::{Signals, TERMINATION_SIGNALS};
use crate::station::{random_number, secret};
use crate::tcp_arguments::{EcnUse, tcp_settings};
use arguments::{HostArguments, HostRange, HostsArguments};
use served_directory::ServedDirectory;
use service_port::{ServedService, ServicePort};

/// Serves until a signal arrives or the last address is lost to another host.
pub(crate) fn run(arguments: &HostArguments) -> Result<ExitCode, Failure> {
    let clock = Clock::start();
    // Arguments are checked first: invalid arguments must not change settings of the kernel.
    let kernel = match arguments.station.interface {
        // spec: shared-ip
        // On a TAP, other addresses of the kernel cause only a warning.
        Some(_) => kernel_addresses()?,
        None => arguments.station.kernel.into_iter().collect(),
    };
    arguments.hosts.check(arguments.claim.announce, &kernel)?;
    service_port::check(&arguments.serve)?;
    // Services benefit from offloads: ARP packets and echo requests only pay for the virtio header.
    let default_io = if arguments.serve.is_empty() { Io::Auto } else { Io::Offload };
    let io = arguments.performance.io_or(default_io);
    let device = arguments.station.attach(io, &ip_ranges(arguments), |name| mac_range(arguments, name))?;
    arguments.hosts.warn_of_kernel_addresses()?;
    if let Some(address) = arguments.claim.address {
        arguments.station.warn_of_address(address)?;
    }
    let name = device.name().clone();
    if !device.interface().is_up()? {
        interface_down(&name).print();
    }
    let mut host = host(arguments, &device, &clock)?;
    let services = services(arguments, &mut host, clock)?;
    let level = match (arguments.quiet, arguments.verbose) {
        (true, _) => Verbosity::Quiet,
        (_, true) => Verbosity::Frames,
        _ => Verbosity::Events,
    };
    let recorder = arguments.capture.start_recorder(name.as_str(), clock)?;
    let report = HostReport::new(arguments.capture.text_output()?, level, arguments.json, clock);
    let report = report.with_styler(arguments.capture.text_styler()).with_recorder(recorder);
    if let Some(text) = device.fallback_message().filter(|_| arguments.verbose) {
        Failure::new(text).print();
    }
    let busy_poll_time = arguments.performance.busy_poll_time();
    let machine = ServingHost { host, user: services };
    let mut server = Server::new(machine, device.with_monitor()?, report, clock, busy_poll_time)
        .with_link_lines(!arguments.quiet)
        .with_control();
    // Signals are taken over last: a signal must end a blocking open of a FIFO.
    let signals = Signals::take_over(&[&TERMINATION_SIGNALS[..], &[Signal::SIGUSR1]].concat())?;
    privileges::drop_all()?;
    let outcome = serve(&mut server, &signals, &name);
    server.print_counters();
    let code = outcome?;
    server.report.check_written()?;
    Ok(code)
}

impl HostsArguments {
    /// Maximum number of hosts of a range that probe or announce: more hosts would flood the network.
    const MAX_CLAIMING_HOSTS: u64 = 1 << 16;

    /// Rejects ranges that would flood the network, that overlap, or that contain an address of the kernel.
    pub(crate) fn check(&self, announce: bool, kernel: &[Ipv4Net]) -> Result<(), Failure> {
        for (number, hosts) in self.hosts.iter().enumerate() {
            if (self.probe || announce) && hosts.count() > Self::MAX_CLAIMING_HOSTS {
                return Err(Failure::new(format!("{} has too many hosts to probe or announce", hosts.text))
                    .hint("use a range of at most 65,536 hosts, e.g. 10.1.0.0/16")
                    .hint("or omit --probe and --announce"));
            }
            if let Some(other) = self.hosts.iter().take(number).find(|other| other.overlaps(hosts)) {
                return Err(Failure::new(format!("--hosts {} overlaps --hosts {}", hosts.text, other.text))
                    .hint("use ranges that do not overlap"));
            }
        }
        self.shared_addresses(kernel).next().map_or(Ok(()), Err)
    }

    /// Warns of ranges that contain an address of this machine: the kernel conflicts with the host that has it.
    pub(crate) fn warn_of_kernel_addresses(&self) -> Result<(), Failure> {
        self.shared_addresses(&kernel_addresses()?).for_each(|failure| failure.print());
        Ok(())
    }

    /// Returns a failure for each range that contains one of these addresses of the kernel.
    fn shared_addresses(&self, kernel: &[Ipv4Net]) -> impl Iterator<Item = Failure> {
        self.hosts.iter().filter_map(|hosts| {
            let address =
                kernel.iter().map(Ipv4Net::addr).find(|address| hosts.addresses.contains(address))?;
            let what = format!("{address} in --hosts {} is also an address of this machine", hosts.text);
            Some(Failure::new(what).hint("use a range without this address"))
        })
    }
}

/// Returns the IP addresses of the hosts except those of `--hosts`, and the ranges of `--proxy`.
fn ip_ranges(arguments: &HostArguments) -> Vec<Ipv4Net> {
    let link_local = arguments.claim.link_local.then_some(LINK_LOCAL);
    let one = arguments.claim.address.map(|address| Ipv4Net::from(address.addr()));
    one.into_iter().chain(link_local).chain(arguments.proxies.iter().copied()).collect()
}

/// Returns the first and the last MAC address of the hosts on this interface.
fn mac_range(arguments: &HostArguments, name: &InterfaceName) -> Result<(MacAddr, MacAddr), Failure> {
    let ranges = &arguments.hosts;
    if ranges.hosts.is_empty() {
        let one = arguments.station.mac.unwrap_or_else(|| default_mac(name, arguments.claim.address));
        return Ok((one, one));
    }
    let first = ranges.mac_base.unwrap_or_else(|| default_base_mac(name));
    let count: u64 = ranges.hosts.iter().map(HostRange::count).sum();
    Ok((first, mac_after(first, count - 1)?))
}

/// Returns the MAC address `steps` after `base`, unless it is a multicast address.
fn mac_after(base: MacAddr, steps: u64) -> Result<MacAddr, Failure> {
    // The lowest bit of the first byte marks multicast. The other five bytes count up without changing this bit.
    const FIVE_BYTES: u64 = (1 << 40) - 1;
    let left = FIVE_BYTES - (base.number() & FIVE_BYTES);
    base.plus(steps).filter(|_| steps <= left).ok_or_else(|| {
        Failure::new(format!("only {left} unicast MAC addresses follow {base}, but {steps} are needed"))
            .hint("use a lower --mac-base, e.g. 02:00:00:00:00:00")
    })
}

/// Returns the hosts of these arguments.
fn host(arguments: &HostArguments, device: &NetworkDevice, clock: &Clock) -> Result<Host, Failure> {
    let configs = configs(arguments, device)?;
    let mut configs = configs.iter();
    let first =
        configs.next().ok_or_else(|| Failure::new("missing address").hint("add --address IP/PREFIX"))?;
    let mut host = Host::new(clock.now(), first)?;
    for config in configs {
        host.add(clock.now(), config)?;
    }
    arguments.station.add_routes(&mut host)?;
    for (ip, mac) in &arguments.statics {
        let added = host.add_static(clock.now(), *ip, *mac);
        added.map_err(|error| {
            Failure::new(explain(&error).context(format!("cannot add the static entry {ip}={mac}")))
        })?;
    }
    for range in &arguments.proxies {
        let added = host.add_proxy(*range, first.mac);
        added.map_err(|error| {
            Failure::new(explain(&error).context(format!("cannot proxy ARP for {range}")))
        })?;
    }
    Ok(host)
}

/// Starts the services on all addresses of the host: one socket for each service and protocol.
fn services(arguments: &HostArguments, host: &mut Host, clock: Clock) -> Result<Services, Failure> {
    let ecn = if arguments.no_ecn { EcnUse::Off } else { EcnUse::Accept };
    let settings = tcp_settings(arguments.congestion, ecn, arguments.pacing);
    let mut services =
        Services::new(random_number(), WallClock::from(clock).origin()).with_tcp_settings(settings);
    let all = IpNet::default();
    for ServicePort { service, port } in &arguments.serve {
        let refused = |protocol: &str| {
            let what = format!("cannot serve {} on {protocol} port {port}", service.name());
            move |error| Failure::new(explain(&error).context(what))
        };
        match service {
            ServedService::Small(kind) => {
                services.add_udp(host, *kind, all, *port).map_err(refused("UDP"))?;
                services.add_tcp(host, *kind, all, *port).map_err(refused("TCP"))?;
            }
            ServedService::Http(directory) => {
                let site = match directory {
                    Some(directory) => Site::Content(Box::new(ServedDirectory::open(directory)?)),
                    None => Site::Status,
                };
                services.add_http(host, site, all, *port).map_err(refused("TCP"))?;
            }
        }
    }
    Ok(services)
}

/// Returns the configurations: one for a single host, or one for each range.
fn configs(arguments: &HostArguments, device: &NetworkDevice) -> Result<Vec<HostConfig>, Failure> {
    let (claim, ranges) = (&arguments.claim, &arguments.hosts);
    let (mut base, _) = mac_range(arguments, device.name())?;
    // spec: rfc5227-start, rfc5227-many
    let probes = if ranges.hosts.is_empty() { !claim.no_probe } else { ranges.probe };
    let common = |defaults: HostConfig| HostConfig {
        // spec: rfc1122-mtu
        mtu: device.capabilities().mtu,
        offloads: device.capabilities().offloads,
        time_to_live: arguments.time_to_live,
        gateway: arguments.station.gateways.first().copied().map(IpAddr::V4),
        policy: arguments.learn.into(),
        start: match (probes, claim.announce) {
            (true, _) => StartMode::Probe,
            (false, true) => StartMode::Announce,
            (false, false) => StartMode::Immediate,
        },
        defense: claim.defend.map_or(defaults.defense, Into::into),
        table: NeighborSettings {
            timeout: Duration::from_secs(arguments.arp_timeout.into()),
            seed: secret(),
            ..defaults.table
        },
        ..defaults
    };
    if ranges.hosts.is_empty() {
        let defaults = claim
            .address
            .map_or_else(|| HostConfig::link_local(base), |address| HostConfig::new(address.into(), base));
        return Ok(vec![common(HostConfig { vlan: arguments.station.vlan, ..defaults })]);
    }
    let mut configs = Vec::new();
    for (network, vlan) in ranges.hosts.iter().flat_map(|hosts| hosts.networks().map(|net| (net, hosts.vlan)))
    {
        configs.push(common(HostConfig { vlan, ..HostConfig::range(network.into(), base) }));
        // `mac_range` has checked that enough addresses follow. None is needed after the last range.
        base = base.plus(1 << (32 - network.prefix_len())).unwrap_or(base);
    }
    Ok(configs)
}

/// Serves until SIGINT, SIGTERM or SIGHUP, or until the last address is lost; SIGUSR1 prints the table.
fn serve<W: Sink>(
    server: &mut Server<ServingHost, W>,
    signals: &Signals,
    name: &InterfaceName,
) -> Result<ExitCode, Failure> {
    let (mut ready, mut was_ready) = (None, false);
    // The first events are printed before the first wait.
    server.print_events();
    loop {
        // A link-local address may be replaced by another address, which is printed too.
        // While the hosts of a range probe, finding the first address in use takes long.
        let address = server.host().is_ready().then(|| server.host().address()).flatten();
        if address.is_some() && address != ready {
            let ServingHost { host, user: services } = server.driver.machine();
            let services: Vec<ReadyService> = services.iter().map(ReadyService::from).collect();
            server.report.ready(name, host, &services);
        }
        // An address becomes ready again after a further probe.
        ready = address;
        was_ready |= ready.is_some();
        let stepped = server.step(signals, None);
        let step = stepped.map_err(|error| server.device().failure(&error))?;
        server.print_events();
        // spec: rfc5227-last
        if let Some(other) = server.host().ceased() {
            return Err(address_lost(other, ready.is_some(), was_ready));
        }
        if !step.has_signal {
            continue;
        }
        while let Some(signal) = signals.next()? {
            if signal != Signal::SIGUSR1 {
                return Ok(ExitCode::SUCCESS);
            }
            server.report.table(name, &server.driver.machine().host);
        }
    }
}

/// Returns the failure of a host that lost its address to another host: during use, in a probe after the link came up
/// again, or before the first use.
fn address_lost(Identity { ip, mac }: Identity, is_ready: bool, was_ready: bool) -> Failure {
    if is_ready {
        Failure::negative(format!("gave up {ip}: {mac} uses the address too"))
            .hint("keep the address with `--defend always`")
    } else {
        let what = if was_ready { "gave up" } else { "cannot use" };
        let when = if was_ready { ", found by the probe after the link came up" } else { "" };
        Failure::negative(format!("{what} {ip}: {mac} uses or probes for the address too{when}"))
            .hint("use another --address")
            .hint("or use the address anyway with `--no-probe`")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lost_address_message_depends_on_time_of_loss() {
        let other = Identity { ip: [10, 0, 0, 2].into(), mac: MacAddr::new([2, 0, 0, 0, 0, 7]) };
        let [used, again, before] = [(true, true), (false, true), (false, false)]
            .map(|(is, was)| address_lost(other, is, was).to_string());
        assert!(
            used.starts_with("gave up") && used.contains("\nhint: ") && used.contains("--defend always"),
            "{used}"
        );
        assert!(again.starts_with("gave up") && !again.contains("--defend"), "{again}");
        assert!(before.starts_with("cannot use") && before.contains("--no-probe"), "{before}");
    }
}
