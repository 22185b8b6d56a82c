//! The event loop.

use std::iter::once;
use std::os::fd::AsFd;
use std::time::Duration;

use tap::linux::{Descriptor, LinkMonitor, Readiness, busy_poll, wait};
use tap::{Device, DeviceEvent, Instant, LinkState, Machine, Pool, PortId, Tracer};

use crate::clock::{Clock, Suspension};
use crate::error::DriverError;
use crate::port::Port;

/// A machine, its devices, and the event loop that serves them.
///
/// The driver owns everything that a loop needs: the machine, the devices, the pool and the clock. See the
/// [order of calls](crate#order-of-calls).
#[derive(Debug)]
pub struct Driver<M, D> {
    machine: M,
    /// The device with the port 0.
    first: Port<D>,
    /// The other devices, in the order of their ports.
    others: Vec<Port<D>>,
    pool: Pool,
    clock: Clock,
    suspension: Suspension,
    busy_poll_time: Duration,
    transmit_timeout: Option<Duration>,
    /// Time of the last turn.
    now: Instant,
    /// Steps with work since the descriptors were last checked.
    busy_steps: u32,
    link_changes: Vec<LinkUpdate>,
}

/// New state of the link of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkUpdate {
    /// Port of the device.
    pub port: PortId,
    /// New state.
    pub state: LinkState,
}

/// Result of [`Driver::step`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step<T> {
    /// Tokens of the caller's descriptors that are ready.
    pub ready: Readiness<T>,
    /// Number of frames received.
    pub received: usize,
}

/// Reason for the end of a wait.
#[derive(Clone, Copy, Debug)]
enum Wake<T> {
    Device,
    Link(PortId),
    Caller(T),
}

impl<M: Machine, D: Device + AsFd> Driver<M, D> {
    /// Maximum number of steps with work between two checks of the descriptors. A check is a system call.
    const MAX_BUSY_STEPS: u32 = 64;
    /// Maximum number of changes of links that one step reads. The next step reads further changes.
    const MAX_LINK_CHANGES: usize = 64;

    /// Creates a driver of a machine and its first device, which has the port 0. `pool` must suffice for the frames of
    /// the machine, and for two batches of [`Exchange::BATCH`](tap::Exchange::BATCH) frames for each device. `clock`
    /// gives the time of all calls.
    ///
    /// With a monitor, the machine receives the present state of the link now, and each change later. Without a
    /// monitor, the machine receives no state, and the driver may miss the deletion of an interface that is down.
    ///
    /// The driver sleeps immediately when there is no work, unless [`with_busy_poll`](Driver::with_busy_poll) sets a
    /// time. It keeps frames that a device does not accept yet, unless
    /// [`with_transmit_timeout`](Driver::with_transmit_timeout) sets a limit.
    pub fn new(
        machine: M,
        device: D,
        monitor: Option<LinkMonitor>,
        pool: Pool,
        clock: Clock,
    ) -> Driver<M, D> {
        let now = clock.now();
        let mut driver = Driver {
            machine,
            first: Port::new(PortId::new(0), device, monitor),
            others: Vec::new(),
            pool,
            clock,
            suspension: Suspension::start(),
            busy_poll_time: Duration::ZERO,
            transmit_timeout: None,
            now,
            busy_steps: 0,
            link_changes: Vec::new(),
        };
        driver.first.report_link(now, &mut driver.machine, &mut driver.pool);
        driver
    }

    /// Polls for frames for this time before each sleep.
    #[must_use]
    pub fn with_busy_poll(self, busy_poll_time: Duration) -> Driver<M, D> {
        Driver { busy_poll_time, ..self }
    }

    /// Discards the departing frames of a device that has been congested for this time. [`Machine::refused`] receives
    /// their tokens.
    #[must_use]
    pub fn with_transmit_timeout(self, transmit_timeout: Duration) -> Driver<M, D> {
        Driver { transmit_timeout: Some(transmit_timeout), ..self }
    }

    /// Adds another device to the machine, and returns its port. Ports are numbered in the order of the calls.
    ///
    /// A driver can wait for up to [`MAX_DESCRIPTORS`](tap::linux::MAX_DESCRIPTORS) descriptors: one for each device,
    /// one for each monitor, and those that are passed to [`Driver::step`].
    pub fn add_device(&mut self, device: D, monitor: Option<LinkMonitor>) -> PortId {
        let id = PortId::new(u16::try_from(self.others.len() + 1).unwrap_or(u16::MAX));
        let mut port = Port::new(id, device, monitor);
        port.report_link(self.clock.now(), &mut self.machine, &mut self.pool);
        self.others.push(port);
        id
    }

    /// Stops serving a device, for example because [`step`](Driver::step) failed with an error of this port. The device
    /// receives and sends nothing, and no call waits for it. Its departing frames are discarded. The device and its counters
    /// stay in [`devices`](Driver::devices).
    pub fn close_port(&mut self, port: PortId) {
        let now = self.clock.now();
        let all = once(&mut self.first).chain(&mut self.others);
        if let Some(port) = all.into_iter().find(|open| open.exchange.port() == port) {
            port.close(now, &mut self.machine, &mut self.pool);
        }
    }

    /// Waits for frames, for a change of a link, for one of `descriptors`, for the deadline of the machine, or until
    /// `limit` has passed. Then takes one [`turn`](Driver::turn) of each device.
    ///
    /// The step does not wait if a device has more frames. After 64 steps with work, and before each sleep, the step
    /// checks the descriptors. While no device accepts frames, nothing can be sent, so the deadline of the machine is
    /// ignored.
    pub fn step<T: Copy>(
        &mut self,
        tracer: &mut impl Tracer<M::Outcome>,
        descriptors: &[Descriptor<'_, T>],
        limit: Option<Duration>,
    ) -> Result<Step<T>, DriverError> {
        let has_more_changes = self.link_changes.len() >= Self::MAX_LINK_CHANGES;
        if has_more_changes {
            self.follow_links()?;
        } else {
            self.link_changes.clear();
        }
        let limit = if has_more_changes { Some(Duration::ZERO) } else { self.time_limit(limit) };
        let busy_poll_time = limit.map_or(self.busy_poll_time, |limit| limit.min(self.busy_poll_time));
        let was_blocked = self.is_tx_blocked();
        let polls_again = self.ports().any(|port| port.last_turn.poll_again);
        let mut received = 0;
        let mut poll = || {
            received = self.turn(tracer)?;
            Ok(received > 0)
        };
        let has_work = polls_again || busy_poll(busy_poll_time, &mut poll)?;
        self.busy_steps = if has_work { self.busy_steps.saturating_add(1) } else { Self::MAX_BUSY_STEPS };
        let mut ready = Readiness::default();
        if self.busy_steps >= Self::MAX_BUSY_STEPS {
            self.busy_steps = 0;
            // After congestion, the machine sends what became due in the meantime.
            let was_cleared = was_blocked && !self.is_tx_blocked();
            let limit = limit.map(|limit| limit.saturating_sub(busy_poll_time));
            let limit = if has_work || was_cleared { Some(Duration::ZERO) } else { limit };
            ready = self.check(descriptors, limit)?;
        }
        if polls_again || !has_work {
            received = self.turn(tracer)?;
        }
        Ok(Step { ready, received })
    }

    /// Takes one turn of each device, without waiting: receives frames, runs the timers that are due, and transmits.
    /// See [`Exchange::turn`](tap::Exchange::turn). Returns the number of received frames.
    pub fn turn(&mut self, tracer: &mut impl Tracer<M::Outcome>) -> Result<usize, DriverError> {
        self.now = self.clock.now();
        let mut received = 0;
        for port in once(&mut self.first).chain(&mut self.others) {
            received +=
                port.turn(self.now, &mut self.machine, &mut self.pool, tracer, self.transmit_timeout)?;
        }
        Ok(received)
    }

    /// Reads the changes of all links, without waiting, and passes them to the machine. [`Driver::step`] does so when a
    /// link changed.
    ///
    /// After an error of one monitor, the changes of the other links are still read. Returns the first error.
    pub fn follow_links(&mut self) -> Result<(), DriverError> {
        self.link_changes.clear();
        (0..=self.others.len()).map(|place| self.follow_link(place)).fold(Ok(()), Result::and)
    }

    /// Returns the changes of links that the last call of [`step`](Driver::step) or
    /// [`follow_links`](Driver::follow_links) has read.
    pub fn link_changes(&self) -> &[LinkUpdate] {
        &self.link_changes
    }

    /// Discards the departing frames that no device has accepted yet. [`Machine::refused`] receives their tokens.
    pub fn discard_departing(&mut self) {
        let now = self.clock.now();
        for port in once(&mut self.first).chain(&mut self.others) {
            port.discard(now, &mut self.machine, &mut self.pool);
        }
    }

    /// Returns the number of frames of the machine that no device has accepted yet.
    pub fn departing(&self) -> usize {
        self.ports().map(|port| port.exchange.departing()).sum()
    }

    /// Returns the time of the last turn.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// Returns the clock.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// Returns the machine.
    pub fn machine(&self) -> &M {
        &self.machine
    }

    /// Returns a mutable reference to the machine.
    pub fn machine_mut(&mut self) -> &mut M {
        &mut self.machine
    }

    /// Returns mutable references to the machine and the pool, for calls that send a frame.
    pub fn machine_and_pool(&mut self) -> (&mut M, &mut Pool) {
        (&mut self.machine, &mut self.pool)
    }

    /// Returns a mutable reference to the machine, and the first device.
    pub fn machine_and_device(&mut self) -> (&mut M, &D) {
        (&mut self.machine, &self.first.device)
    }

    /// Returns the pool.
    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Returns the first device.
    pub fn device(&self) -> &D {
        &self.first.device
    }

    /// Returns all devices, in the order of their ports.
    pub fn devices(&self) -> impl Iterator<Item = &D> {
        self.ports().map(|port| &port.device)
    }

    fn ports(&self) -> impl Iterator<Item = &Port<D>> {
        once(&self.first).chain(&self.others)
    }

    fn open_ports(&self) -> impl Iterator<Item = &Port<D>> {
        self.ports().filter(|port| !port.is_closed)
    }

    /// Returns the time limit of the next wait: the caller's, or the time until the driver has something to do.
    fn time_limit(&self, limit: Option<Duration>) -> Option<Duration> {
        let can_send = self.open_ports().any(|port| !port.last_turn.tx_blocked);
        let deadline = self.machine.deadline().filter(|_| can_send);
        let discard = self.ports().filter_map(|port| port.discard_at(self.transmit_timeout)).min();
        let due = [deadline, discard].into_iter().flatten().min();
        let due = due.map(|due| due.since(self.clock.now()));
        [due, limit].into_iter().flatten().min()
    }

    /// Returns whether frames wait until a device can transmit again.
    fn is_tx_blocked(&self) -> bool {
        self.ports().any(|port| port.last_turn.tx_blocked)
    }

    /// Sleeps until a descriptor is ready or `limit` has passed, and follows the links. Returns the caller's tokens.
    fn check<T: Copy>(
        &mut self,
        descriptors: &[Descriptor<'_, T>],
        limit: Option<Duration>,
    ) -> Result<Readiness<T>, DriverError> {
        let ports = self.open_ports().flat_map(|port| {
            let tx_blocked = port.last_turn.tx_blocked;
            // Frames that the machine does not accept yet would end every wait.
            let device = if tx_blocked && !self.machine.accepts_frames(port.exchange.port()) {
                Descriptor::writable(port.device.as_fd(), Wake::Device)
            } else {
                Descriptor::readable(port.device.as_fd(), Wake::Device).or_writable(tx_blocked)
            };
            let link = port
                .monitor
                .as_ref()
                .map(|monitor| Descriptor::readable(monitor.as_fd(), Wake::Link(port.exchange.port())));
            once(device).chain(link)
        });
        let callers = descriptors.iter().map(|descriptor| descriptor.map(Wake::Caller));
        let ready = wait(ports.chain(callers), limit).map_err(DriverError::Wait)?;
        for wake in ready.iter() {
            if let Wake::Link(port) = wake {
                self.follow_link(port.number().into())?;
            }
        }
        // A suspension lasts seconds, so it is checked only when the descriptors are checked.
        if self.suspension.has_ended() {
            self.handle_resume();
        }
        Ok(ready.filter_map(|wake| match wake {
            Wake::Caller(token) => Some(token),
            Wake::Device | Wake::Link(_) => None,
        }))
    }

    /// Reads the changes of the link of the device at this place, and passes them to the machine.
    fn follow_link(&mut self, place: usize) -> Result<(), DriverError> {
        let port = match place.checked_sub(1) {
            None => &mut self.first,
            Some(place) => match self.others.get_mut(place) {
                Some(port) => port,
                None => return Ok(()),
            },
        };
        let id = port.exchange.port();
        while let Some(monitor) =
            port.monitor.as_mut().filter(|_| self.link_changes.len() < Self::MAX_LINK_CHANGES)
        {
            match monitor.poll() {
                Ok(None) => break,
                Ok(Some(event)) => {
                    let now = self.clock.now();
                    let DeviceEvent::Link(state) = event;
                    port.exchange.device_event(now, &mut self.machine, event, &mut self.pool);
                    self.link_changes.push(LinkUpdate { port: id, state });
                }
                // The interface was deleted. The device reports the deletion in the turn that follows.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => port.monitor = None,
                Err(source) => return Err(DriverError::Link { port: id, source }),
            }
        }
        Ok(())
    }

    /// Reports to the machine after a suspension that each link was lost and is back. The computer may now be connected
    /// to another network, even if the carrier was not lost.
    // spec: rfc5227-wake
    fn handle_resume(&mut self) {
        let now = self.clock.now();
        for port in once(&mut self.first).chain(&mut self.others) {
            let Some(state) = port.monitor.as_ref().map(LinkMonitor::state) else { continue };
            for state in [LinkState { has_carrier: false, ..state }, state] {
                let event = DeviceEvent::Link(state);
                port.exchange.device_event(now, &mut self.machine, event, &mut self.pool);
            }
        }
    }
}

#[cfg(test)]
mod tests;
