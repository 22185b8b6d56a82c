//! `tapstack ping`: echo requests from our own stack, told in the words of iputils.

pub(crate) mod arguments;
mod json;
mod session;
mod statistics;
mod words;

use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::time::Duration;

use arp::{Settings, Start};
use host::{Config, Host, Ping, Sent};
use ipv4::NextHop;
use link::MacAddr;
use tap::Device;

use crate::carrier::interface_down;
use crate::clock::Clock;
use crate::failure::Failure;
use crate::gaps::{Explanation, GapMonitor, Gaps};
use crate::host_device::HostDevice;
use crate::mac::default_mac;
use crate::output::Sink;
use crate::privileges;
use crate::report::{Level, Report};
use crate::serve::Server;
use crate::signals::{Signals, TERMINATION_SIGNALS};
use crate::station::{random, secret};
use arguments::PingArguments;
use session::{Next, Plan, Session};
use words::Told;

/// Asks until all is answered, or nothing is waited for any more, or a signal comes; then prints what it
/// comes to.
pub(crate) fn run(arguments: &PingArguments) -> Result<ExitCode, Failure> {
    let clock = Clock::start();
    let station = &arguments.station;
    let hardware = |name: &_| station.mac.unwrap_or_else(|| default_mac(name, Some(arguments.address)));
    let attachment =
        station.attach(&[arguments.address.addr().into()], |name| Ok((hardware(name), hardware(name))))?;
    station.warn_of_network(arguments.address);
    let name = attachment.name().clone();
    if !attachment.interface().is_up()? {
        return Err(interface_down(&name));
    }
    let mut host = host(arguments, &attachment, hardware(&name), &clock)?;
    vet(&host, arguments.address.addr(), arguments.target)?;
    if let Some(NextHop::OnLink(neighbor) | NextHop::Gateway(neighbor)) =
        host.routes().next_hop(arguments.address.addr(), arguments.target)
    {
        attachment.vet(neighbor)?;
    }
    let recorder = arguments.capture.begin(name.as_str(), clock)?;
    let report =
        Report::new(arguments.capture.other_output()?, Level::Quiet, arguments.json).record(recorder);
    let data: Vec<u8> = (u8::MIN..=u8::MAX).cycle().take(arguments.size.into()).collect();
    host.expect_echo_data(&data);
    let is_tap = matches!(attachment, HostDevice::Tap(_));
    let monitor = GapMonitor::open(attachment.interface(), is_tap, clock.now())?;
    let mut pinger = Pinger {
        session: Session::new(plan(arguments)),
        server: Server::new(host, attachment, report, clock, station.spin())?.silent(arguments.quiet),
        clock,
        json: arguments.json,
        quiet: arguments.quiet,
        monitor,
        time_to_live: arguments.time_to_live,
        data,
    };
    // Not before: a signal ends what blocks until here, such as the opening of a FIFO.
    let signals = Signals::take_over(&TERMINATION_SIGNALS)?;
    privileges::drop_all()?;
    pinger.tell(Told::Start { interface: &name, address: arguments.address });
    let outcome = pinger.converse(&signals);
    pinger.tell(Told::Statistics);
    pinger.server.report.finish();
    outcome?;
    pinger.server.report.check_written()?;
    let statistics = *pinger.session.statistics();
    if statistics.received == 0
        && let Some(why) = pinger.gap()
    {
        return Err(Failure::new(format!("no result for {}: {why}", arguments.target)));
    }
    Ok(ExitCode::from(u8::from(statistics.received == 0 || statistics.changed > 0)))
}

/// The host that asks.
fn host(
    arguments: &PingArguments,
    attachment: &HostDevice,
    hardware: MacAddr,
    clock: &Clock,
) -> Result<Host, Failure> {
    let usual = Config::new(arguments.address, hardware);
    let config = Config {
        mtu: attachment.mtu(),
        vlan: arguments.station.vlan,
        gateway: arguments.station.gateway,
        start: if arguments.probe { Start::Probe } else { Start::AtOnce },
        table: Settings { seed: secret(), ..usual.table },
        ..usual
    };
    let mut host = Host::new(clock.now(), &config)?;
    arguments.station.add_routes(&mut host)?;
    Ok(host)
}

fn plan(arguments: &PingArguments) -> Plan {
    let [.., a, b] = random().to_be_bytes();
    Plan {
        target: arguments.target,
        identifier: u16::from_be_bytes([a, b]),
        octets: arguments.size.into(),
        count: arguments.count,
        interval: arguments.interval,
        patience: arguments.patience,
    }
}

/// Whether there is any sense in asking this address.
fn vet(host: &Host, source: Ipv4Addr, target: Ipv4Addr) -> Result<(), Failure> {
    let addresses = host.ipv4().addresses();
    let problem = if addresses.is_ours(target) {
        "is our own address, and what we send to it never comes by the wire; ping another, or choose another --address"
    } else if addresses.is_broadcast(target) {
        "means all hosts of a network; ping one of them"
    } else if target.is_multicast() {
        "is a group's address; ping one host of the group"
    } else if !inet::is_valid_host(target) {
        "can be nobody's address; ping a host's, such as 10.0.0.1"
    } else if host.routes().next_hop(source, target).is_none() {
        "is on no network that we know a way to; name one by --gateway or --route, or choose another --address"
    } else {
        return Ok(());
    };
    Err(Failure::new(format!("{target} {problem}")))
}

/// A session on a wire.
struct Pinger<W> {
    session: Session,
    server: Server<W>,
    clock: Clock,
    json: bool,
    quiet: bool,
    monitor: GapMonitor,
    time_to_live: u8,
    /// What every request carries: octets that count up, as those of iputils do.
    data: Vec<u8>,
}

impl<W: Sink> Pinger<W> {
    /// Sends and hears until the session is over, or somebody ends it.
    fn converse(&mut self, signals: &Signals) -> Result<(), Failure> {
        while signals.next()?.is_none() && self.server.report.has_reader() {
            let limit = match self.server.host.address().map(|_| self.session.next(self.clock.now())) {
                None => None,
                Some(Next::Over) => return Ok(()),
                Some(Next::Wait(limit)) => Some(limit),
                Some(Next::Send(sequence)) => {
                    self.send(sequence);
                    // It departs in the next turn, which is not to wait for anything.
                    Some(Duration::ZERO)
                }
            };
            let stepped = self.server.step(signals, limit);
            stepped.map_err(|error| self.server.attachment.failure(&error))?;
            if let Some(winner) = self.server.host.ceased() {
                return Err(Failure::new(format!(
                    "{} is taken: {} has it or wants it too; choose another --address, or leave --probe out",
                    winner.protocol, winner.hardware
                )));
            }
            self.hear();
        }
        Ok(())
    }

    /// Why the absence of answers is no result, if it is none.
    fn gap(&mut self) -> Option<Explanation> {
        while self.monitor.poll(self.clock.now()).is_some() {}
        let attachment = &self.server.attachment;
        let counters = attachment.counters();
        let gaps = self.monitor.gaps(&counters, attachment.interface());
        Gaps { refused: counters.refused, ..gaps }.explain(attachment.name())
    }

    fn send(&mut self, sequence: u16) {
        let now = self.clock.now();
        let Plan { target: destination, identifier, .. } = *self.session.plan();
        let ping = Ping { destination, identifier, sequence, time_to_live: self.time_to_live };
        let Server { host, pool, .. } = &mut self.server;
        let sent = host.ping(now, ping, &self.data, pool);
        self.session.sent(now, sequence);
        if matches!(sent, Sent::Refused | Sent::NoRoute) {
            self.session.failed();
            Failure::new(format!(
                "icmp_seq={sequence} is not sent: too much waits for the wire or for the neighbour already; a longer -i helps"
            ))
            .print();
        }
    }

    fn hear(&mut self) {
        let now = self.server.now;
        while let Some(event) = self.server.host.take_event() {
            if let Some(heard) = self.session.hear(now, event)
                && !self.quiet
            {
                self.tell(Told::Heard(heard));
            }
        }
        self.server.report.flush();
    }

    fn tell(&mut self, told: Told<'_>) {
        let line = if self.json {
            json::line(self.clock.now(), &self.session, &told)
        } else {
            words::lines(&self.session, &told)
        };
        self.server.report.print_line(&line);
        self.server.report.flush();
    }
}

#[cfg(test)]
mod tests;
