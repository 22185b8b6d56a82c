//! A running host and its report.

use std::os::fd::AsFd;
use std::time::Duration;

use host::{Counter, FrameOutcome, Host};
use runtime::{Clock, Driver, DriverError};
use services::ServingHost;
use tap::linux::{Descriptor, LinkMonitor};
use tap::{Device, Machine, Pool};

use crate::control::server::ControlServer;
use crate::device::NetworkDevice;
use crate::failure::Failure;
use crate::output::Sink;
use crate::report::HostReport;
use crate::signals::Signals;

/// A machine that is a host, with or without services.
pub(crate) trait HostMachine: Machine<Outcome = FrameOutcome> {
    /// Returns the host.
    fn host(&self) -> &Host;

    /// Returns the host for modification.
    fn host_mut(&mut self) -> &mut Host;

    /// Returns all counters of the host and its services.
    fn counters(&self) -> Vec<Counter> {
        self.host().counters()
    }
}

impl HostMachine for Host {
    fn host(&self) -> &Host {
        self
    }

    fn host_mut(&mut self) -> &mut Host {
        self
    }
}

impl HostMachine for ServingHost {
    fn host(&self) -> &Host {
        &self.host
    }

    fn host_mut(&mut self) -> &mut Host {
        &mut self.host
    }

    fn counters(&self) -> Vec<Counter> {
        let mut counters = self.host.counters();
        if self.user.iter().next().is_some() {
            counters.extend(self.user.counters());
        }
        counters
    }
}

/// A host in its event loop, and its report.
pub(crate) struct Server<M, W> {
    pub(crate) driver: Driver<M, NetworkDevice>,
    pub(crate) report: HostReport<W>,
    /// Whether to print changes of the link.
    has_link_lines: bool,
    control: Option<ControlServer>,
}

/// Reason to wake up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wake {
    Signal,
    Control,
}

/// Result of [`Server::step`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct ServeStep {
    /// Number of frames received.
    pub(crate) received: usize,
    /// Whether a signal waits.
    pub(crate) has_signal: bool,
}

impl<M: HostMachine, W: Sink> Server<M, W> {
    pub(crate) fn new(
        machine: M,
        (device, monitor): (NetworkDevice, LinkMonitor),
        report: HostReport<W>,
        clock: Clock,
        busy_poll_time: Duration,
    ) -> Server<M, W> {
        let pool = Pool::new(device.capabilities().mtu, machine.host().pool_size());
        let driver = Driver::new(machine, device, Some(monitor), pool, clock).with_busy_poll(busy_poll_time);
        Server { driver, report, has_link_lines: true, control: None }
    }

    /// Returns the server with or without lines about the link.
    pub(crate) fn with_link_lines(self, has_link_lines: bool) -> Server<M, W> {
        Server { has_link_lines, ..self }
    }

    /// Returns the server with a control socket. If the socket cannot be opened, prints a warning and returns the server
    /// without a control socket.
    pub(crate) fn with_control(self) -> Server<M, W> {
        let control = ControlServer::open(self.device().name());
        Server { control: control.inspect_err(Failure::print).ok(), ..self }
    }

    pub(crate) fn host(&self) -> &Host {
        self.driver.machine().host()
    }

    pub(crate) fn device(&self) -> &NetworkDevice {
        self.driver.device()
    }

    /// Waits for frames, a signal, a request to the control socket, the deadline of the host, or until `limit` has
    /// passed. Then takes one turn.
    pub(crate) fn step(
        &mut self,
        signals: &Signals,
        limit: Option<Duration>,
    ) -> Result<ServeStep, DriverError> {
        let notice = self.report.deadline().map(|deadline| deadline.since(self.driver.clock().now()));
        let limit = [limit, notice].into_iter().flatten().min();
        let signals = Descriptor::readable(signals.as_fd(), Wake::Signal);
        let control =
            self.control.as_ref().map(|control| Descriptor::readable(control.as_fd(), Wake::Control));
        let step = match control {
            Some(control) => self.driver.step(&mut self.report, &[signals, control], limit)?,
            None => self.driver.step(&mut self.report, &[signals], limit)?,
        };
        if let Some(control) = self.control.as_mut().filter(|_| step.ready.contains(Wake::Control)) {
            let now = self.driver.clock().now();
            let (machine, device) = self.driver.machine_and_device();
            control.serve(now, machine.host_mut(), device);
        }
        if self.has_link_lines {
            for change in self.driver.link_changes() {
                self.report.link(self.driver.now(), change.state);
            }
        }
        let now = self.driver.now();
        self.report.suppressed(now, Some(now));
        self.report.flush();
        Ok(ServeStep { received: step.received, has_signal: step.ready.contains(Wake::Signal) })
    }

    /// Prints the events of the host.
    pub(crate) fn print_events(&mut self) {
        let now = self.driver.clock().now();
        self.report.events(now, self.driver.machine_mut().host_mut());
        self.report.flush();
    }

    /// Prints the counters.
    pub(crate) fn print_counters(&mut self) {
        self.report.suppressed(self.driver.now(), None);
        let mut counters = self.driver.machine().counters();
        counters.extend(self.control.iter().flat_map(ControlServer::counters));
        self.report.counters(&counters, self.driver.device(), self.driver.pool());
    }
}
