//! `tapstack ping`: sends echo requests from a simulated host. The output follows iputils.

pub(crate) mod arguments;
mod json;
mod reply;
mod session;
mod statistics;
mod text;

use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::time::Duration;

use arp::StartMode;
use host::{EchoBind, EchoRequest, Host, SocketError, SocketId};
use inet::InterfaceId;
use runtime::Clock;
use schemars::{Schema, SchemaGenerator};
use tap::Device;
use tap::linux::Io;

use crate::carrier::interface_down;
use crate::clock::WallClock;
use crate::device::NetworkDevice;
use crate::error_message::ErrorMessage;
use crate::failure::Failure;
use crate::gaps::{GapMonitor, Gaps};
use crate::json::command_schema;
use crate::mac::default_mac;
use crate::output::Sink;
use crate::privileges;
use crate::report::{HostReport, Verbosity};
use crate::serve::Server;
use crate::signals::{Signals, TERMINATION_SIGNALS};
use crate::station::random_number;
use crate::values::special_kind;
use arguments::PingArguments;
use reply::PingReply;
use session::{PingPlan, PingSession, PingStep};
use text::PingEvent;

/// Runs the session until all requests are answered, the timeout has passed or a signal arrives. Then prints the
/// statistics.
pub(crate) fn run(arguments: &PingArguments) -> Result<ExitCode, Failure> {
    let clock = Clock::start();
    let (station, performance) = (&arguments.station, &arguments.performance);
    let mac = |name: &_| station.mac.unwrap_or_else(|| default_mac(name, Some(arguments.address)));
    let io = performance.io_or(Io::Auto);
    let device = station.attach(io, &[arguments.address.addr().into()], |name| Ok((mac(name), mac(name))))?;
    station.warn_of_address(arguments.address)?;
    let name = device.name().clone();
    if !device.interface().is_up()? {
        return Err(interface_down(&name));
    }
    let start = if arguments.probe { StartMode::Probe } else { StartMode::Immediate };
    let mut host = station.host(&device, arguments.address, mac(&name), start, clock)?;
    check_target(&host, arguments.address.addr(), arguments.target)?;
    device.check_next_hop(&host, arguments.address.addr(), arguments.target)?;
    let recorder = arguments.capture.start_recorder(name.as_str(), clock)?;
    let report = HostReport::new(arguments.capture.text_output()?, Verbosity::Quiet, arguments.json, clock)
        .with_recorder(recorder);
    let data: Vec<u8> = (u8::MIN..=u8::MAX).cycle().take(arguments.size.into()).collect();
    let plan = plan(arguments);
    let bind = EchoBind { identifier: Some(plan.identifier), ..EchoBind::default() };
    let socket = host.bind_echo(&bind).map_err(|error| Failure::new(error.to_string()))?;
    let is_tap = matches!(device, NetworkDevice::Tap(_));
    let (device, monitor) = device.with_monitor()?;
    let gaps = GapMonitor::new(device.interface(), is_tap, monitor.state(), clock.now());
    let server = Server::new(host, (device, monitor), report, clock, performance.busy_poll_time());
    let mut runner = PingRunner {
        session: PingSession::new(plan),
        socket,
        server: server.with_link_lines(!arguments.quiet),
        gaps,
        clock,
        json: arguments.json,
        quiet: arguments.quiet,
        time_to_live: arguments.time_to_live,
        data,
    };
    // Signals are blocked last: until then, a signal must end the program while it opens a FIFO.
    let signals = Signals::take_over(&TERMINATION_SIGNALS)?;
    privileges::drop_all()?;
    runner.print_event(PingEvent::Start { interface: &name, address: arguments.address });
    let outcome = runner.run(&signals);
    runner.print_event(PingEvent::Statistics);
    runner.server.report.finish();
    outcome?;
    runner.server.report.check_written()?;
    let statistics = *runner.session.statistics();
    if statistics.received == 0
        && let Some(why) = runner.explain_gap()
    {
        return Err(Failure::new(why.context(format!("no result for {}", arguments.target))));
    }
    Ok(ExitCode::from(u8::from(statistics.received == 0 || statistics.changed > 0)))
}

fn plan(arguments: &PingArguments) -> PingPlan {
    let [.., a, b] = random_number().to_be_bytes();
    PingPlan {
        target: arguments.target,
        identifier: u16::from_be_bytes([a, b]),
        bytes: arguments.size.into(),
        count: arguments.count,
        interval: arguments.interval,
        timeout: arguments.timeout,
    }
}

/// Rejects targets that are not a single reachable host.
fn check_target(host: &Host, source: Ipv4Addr, target: Ipv4Addr) -> Result<(), Failure> {
    let addresses = host.addresses();
    let invalid = |why: &str| Err(Failure::new(format!("invalid target {target}: {why}")));
    let host_hint = "use the address of a host, e.g. 10.0.0.1";
    if addresses.contains(target) {
        invalid("the address of tapstack itself, so requests never reach the wire")
            .map_err(|failure| failure.hint("ping another host, or use another --address"))
    } else if addresses.is_broadcast(target) {
        invalid("a broadcast address").map_err(|failure| failure.hint(host_hint))
    } else if let Some(kind) = special_kind(target) {
        invalid(kind).map_err(|failure| failure.hint(host_hint))
    } else if host.routes().next_hop(source, target, InterfaceId::default()).is_none() {
        Err(Failure::new(format!("no route to {target}"))
            .hint("add a route with --gateway or --route")
            .hint("or use an --address in the network of the target"))
    } else {
        Ok(())
    }
}

/// A running session and its host.
struct PingRunner<W> {
    session: PingSession,
    socket: SocketId,
    server: Server<Host, W>,
    clock: Clock,
    json: bool,
    quiet: bool,
    gaps: GapMonitor,
    time_to_live: u8,
    /// Data of each request: the bytes 0, 1, 2 and so on, as in iputils.
    data: Vec<u8>,
}

impl<W: Sink> PingRunner<W> {
    /// Sends and receives until the session is complete, a signal arrives or the output is closed.
    fn run(&mut self, signals: &Signals) -> Result<(), Failure> {
        // A signal may have arrived before the first step.
        let mut has_signal = true;
        while self.server.report.has_reader() {
            if has_signal && signals.next()?.is_some() {
                return Ok(());
            }
            let limit = match self.server.host().address().map(|_| self.session.next(self.clock.now())) {
                None => None,
                Some(PingStep::Over) => return Ok(()),
                Some(PingStep::Wait(limit)) => Some(limit),
                Some(PingStep::Send(sequence)) => {
                    self.send(sequence);
                    // The next step transmits the request, so this step must not wait.
                    Some(Duration::ZERO)
                }
            };
            let stepped = self.server.step(signals, limit);
            has_signal = stepped.map_err(|error| self.server.device().failure(&error))?.has_signal;
            self.follow_link();
            if let Some(other) = self.server.host().ceased() {
                return Err(Failure::new(format!(
                    "cannot use {}: {} uses or probes for the address too",
                    other.ip, other.mac
                ))
                .hint("use another --address")
                .hint("or omit --probe"));
            }
            self.receive();
        }
        Ok(())
    }

    /// Returns an explanation if replies may have been lost.
    fn explain_gap(&mut self) -> Option<ErrorMessage> {
        // After an error, the loop has ended and the failure was returned.
        let _ = self.server.driver.follow_links();
        self.follow_link();
        self.gaps.take_missing_carrier(self.clock.now());
        let device = self.server.device();
        let counters = device.counters();
        let gaps = self.gaps.gaps(&counters, device.interface());
        Gaps { refused: counters.refused, unsent: self.server.host().unsent(), ..gaps }.explain(device.name())
    }

    /// Records the changes of the link.
    fn follow_link(&mut self) {
        for change in self.server.driver.link_changes() {
            self.gaps.follow(self.clock.now(), change.state);
        }
    }

    fn send(&mut self, sequence: u16) {
        let now = self.clock.now();
        let destination = self.session.plan().target.into();
        let time_to_live = Some(self.time_to_live);
        let ping = EchoRequest { time_to_live, ..EchoRequest::new(destination, sequence) };
        let (host, pool) = self.server.driver.machine_and_pool();
        let sent = host.send_echo(now, self.socket, &ping, &self.data, pool);
        self.session.sent(now, sequence);
        if let Err(error) = sent {
            self.session.transmit_failed();
            let failure = Failure::new(format!("icmp_seq={sequence} not sent: {error}"));
            failure.hint(unsent_hint(error)).print();
        }
    }

    fn receive(&mut self) {
        let now = self.server.driver.now();
        // The events of ARP are not printed.
        while self.server.driver.machine_mut().take_event().is_some() {}
        loop {
            let (host, pool) = self.server.driver.machine_and_pool();
            let response = if let Some(reply) = host.receive_echo(self.socket) {
                let received = PingReply::new(&reply, &self.data);
                pool.give(reply.frame);
                self.session.receive_reply(now, received)
            } else if let Some(failure) = host.take_socket_error(self.socket) {
                self.session.receive_failure(failure)
            } else {
                break;
            };
            if let Some(response) = response.filter(|_| !self.quiet) {
                self.print_event(PingEvent::Response(response));
            }
        }
        self.server.report.flush();
    }

    fn print_event(&mut self, event: PingEvent<'_>) {
        let line = if self.json {
            json::line(WallClock::from(self.clock).now(), &self.session, &event)
        } else {
            text::lines(&self.session, &event)
        };
        self.server.report.print_line(&line);
        self.server.report.flush();
    }
}

/// Returns the schema of `tapstack ping --json`.
pub(crate) fn schema(generator: &mut SchemaGenerator) -> Schema {
    command_schema::<json::PingJson>(generator, true)
}

/// Returns what to change after an echo request was not sent.
fn unsent_hint(error: SocketError) -> &'static str {
    match error {
        SocketError::Ipv6(_) => "use an IPv4 address",
        SocketError::NoRoute(_) => "add a gateway with --gateway or --route",
        SocketError::TooLong { .. } => "use less data with -s",
        SocketError::NoSourceAddress | SocketError::AddressNotLocal(_) => {
            "choose another address with --address, or wait for the link"
        }
        SocketError::InvalidDestination(_) | SocketError::Broadcast => "use the address of a host",
        _ => "use a longer interval with -i",
    }
}

#[cfg(test)]
mod tests;
