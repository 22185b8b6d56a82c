//! Event loop of a host.

use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use host::Host;
use runtime::Clock;
use tap::linux::{Descriptor, LinkMonitor, busy_poll, wait};
use tap::{Device, DeviceError, DeviceEvent, Exchange, Instant, LinkState, Machine, Pool, PortId};

use crate::clock::Suspension;
use crate::device::NetworkDevice;
use crate::failure::Failure;
use crate::output::Sink;
use crate::report::HostReport;
use crate::signals::Signals;

/// A host, its device, and its report.
pub(crate) struct Server<W> {
    pub(crate) host: Host,
    pub(crate) device: NetworkDevice,
    pub(crate) pool: Pool,
    pub(crate) report: HostReport<W>,
    exchange: Exchange,
    /// Time of the last turn.
    pub(crate) now: Instant,
    /// Monitor of the link; `None` after its interface was deleted.
    monitor: Option<LinkMonitor>,
    /// Whether to print changes of the link.
    has_link_lines: bool,
    clock: Clock,
    suspension: Suspension,
    /// Time to poll for frames before sleeping.
    busy_poll_time: Duration,
    congested: bool,
    again: bool,
    /// Steps with work since signals were last checked.
    busy_steps: u32,
}

/// Result of a step.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ServeReadiness {
    /// Whether the device is readable, writable, or gone.
    pub(crate) has_frames: bool,
    /// Whether a signal waits.
    pub(crate) has_signal: bool,
    has_link_change: bool,
}

/// What ends a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wake {
    Device,
    Signal,
    Link,
}

/// An error that ends the loop.
#[derive(Debug)]
pub(crate) enum ServeError {
    Device(DeviceError),
    Wait(io::Error),
    Link(io::Error),
}

impl<W: Sink> Server<W> {
    /// Maximum number of steps with work between two checks for signals. A check is a system call.
    const MAX_BUSY_STEPS: u32 = 64;
    /// Interval between checks whether an interface that is down was deleted.
    const RECHECK_INTERVAL: Duration = Duration::from_millis(200);

    pub(crate) fn new(
        mut host: Host,
        device: NetworkDevice,
        report: HostReport<W>,
        clock: Clock,
        busy_poll_time: Duration,
    ) -> Result<Server<W>, Failure> {
        let mut pool = Pool::new(device.capabilities().mtu, host.pool_size());
        let monitor = LinkMonitor::open(device.name()).map_err(ServeError::Link);
        let monitor = monitor.map_err(|error| device.failure(&error))?;
        let now = clock.now();
        let mut exchange = Exchange::new(PortId::default());
        exchange.device_event(now, &mut host, DeviceEvent::Link(monitor.state()), &mut pool);
        Ok(Server {
            host,
            device,
            pool,
            report,
            exchange,
            now,
            monitor: Some(monitor),
            has_link_lines: true,
            clock,
            suspension: Suspension::start(),
            busy_poll_time,
            congested: false,
            again: false,
            busy_steps: 0,
        })
    }

    /// Returns the server with or without lines about the link.
    pub(crate) fn with_link_lines(self, has_link_lines: bool) -> Server<W> {
        Server { has_link_lines, ..self }
    }

    /// Waits for frames, a signal, the deadline of the host, or until `limit` has passed. Then takes one turn.
    pub(crate) fn step(
        &mut self,
        signals: &Signals,
        limit: Option<Duration>,
    ) -> Result<ServeReadiness, ServeError> {
        // While the device is congested, nothing can be sent, so deadlines do not matter.
        let due = self.host.deadline().filter(|_| !self.congested);
        let due = due.map(|deadline| deadline.since(self.clock.now()));
        let recheck = self.device.needs_recheck().then_some(Self::RECHECK_INTERVAL);
        let notice = self.report.deadline().map(|deadline| deadline.since(self.clock.now()));
        let limit = [due, limit, recheck, notice].into_iter().flatten().min();
        let busy_poll_time = limit.map_or(self.busy_poll_time, |limit| limit.min(self.busy_poll_time));
        let was_congested = self.congested;
        let again = self.again;
        let has_arrived = again || busy_poll(busy_poll_time, || self.poll_once())?;
        self.busy_steps = if has_arrived { self.busy_steps + 1 } else { Self::MAX_BUSY_STEPS };
        let readiness = if self.busy_steps < Self::MAX_BUSY_STEPS {
            ServeReadiness { has_frames: true, ..ServeReadiness::default() }
        } else {
            self.busy_steps = 0;
            // After congestion, the host sends what became due in the meantime.
            let was_cleared = was_congested && !self.congested;
            let limit = limit.map(|limit| limit.saturating_sub(busy_poll_time));
            let limit = if has_arrived || was_cleared { Some(Duration::ZERO) } else { limit };
            let device = Descriptor::readable(self.device.as_fd(), Wake::Device).or_writable(self.congested);
            let signal = Descriptor::readable(signals.as_fd(), Wake::Signal);
            let monitor = self.monitor.as_ref().map(|link| Descriptor::readable(link.as_fd(), Wake::Link));
            let ready = wait([device, signal].into_iter().chain(monitor), limit).map_err(ServeError::Wait)?;
            ServeReadiness {
                has_frames: ready.contains(Wake::Device),
                has_signal: ready.contains(Wake::Signal),
                has_link_change: ready.contains(Wake::Link),
            }
        };
        if readiness.has_link_change {
            self.follow_link()?;
        }
        // A suspension lasts seconds, so it is checked only when the signals are checked.
        if self.busy_steps == 0 && self.suspension.has_ended() {
            self.handle_resume();
        }
        if again || !has_arrived {
            self.poll_once()?;
        }
        self.report.suppressed(self.now, Some(self.now));
        self.report.flush();
        Ok(readiness)
    }

    /// Passes changes of the link to the host and prints the changes.
    fn follow_link(&mut self) -> Result<(), ServeError> {
        while let Some(monitor) = &mut self.monitor {
            match monitor.poll() {
                Ok(None) => break,
                Ok(Some(event)) => {
                    let now = self.clock.now();
                    self.exchange.device_event(now, &mut self.host, event, &mut self.pool);
                    let DeviceEvent::Link(state) = event;
                    if self.has_link_lines {
                        self.report.link(now, state);
                    }
                }
                // The interface was deleted. The device reports the deletion too, which ends the loop.
                Err(error) if error.kind() == io::ErrorKind::NotFound => self.monitor = None,
                Err(error) => return Err(ServeError::Link(error)),
            }
        }
        Ok(())
    }

    /// Reports a lost link to the host after the machine was suspended. It may now be connected to another network, even
    /// if the carrier was not lost.
    // spec: rfc5227-wake
    fn handle_resume(&mut self) {
        if let Some(monitor) = &self.monitor {
            let (now, state) = (self.clock.now(), monitor.state());
            for state in [LinkState { has_carrier: false, ..state }, state] {
                self.exchange.device_event(now, &mut self.host, DeviceEvent::Link(state), &mut self.pool);
            }
        }
    }

    /// Takes one turn. Returns whether frames arrived.
    fn poll_once(&mut self) -> Result<bool, ServeError> {
        self.now = self.clock.now();
        let Server { exchange, host, device, pool, report, now, .. } = self;
        let turn = exchange.turn(*now, host, device, pool, report).map_err(ServeError::Device)?;
        (self.congested, self.again) = (turn.tx_blocked, turn.poll_again);
        Ok(turn.received > 0)
    }

    /// Prints the events of the host.
    pub(crate) fn print_events(&mut self) {
        let now = self.clock.now();
        self.report.events(now, &mut self.host);
        self.report.flush();
    }

    /// Prints the counters.
    pub(crate) fn print_counters(&mut self) {
        self.report.suppressed(self.now, None);
        self.report.counters(&self.host, &self.device, &self.pool);
    }
}

impl std::fmt::Display for ServeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Device(error) => error.fmt(f),
            Self::Wait(error) => write!(f, "cannot wait for frames: {error}"),
            Self::Link(error) => write!(f, "cannot monitor the link: {error}"),
        }
    }
}

impl std::error::Error for ServeError {}
