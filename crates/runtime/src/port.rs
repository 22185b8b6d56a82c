//! A port of a driver: one device.

use std::time::Duration;

use tap::linux::LinkMonitor;
use tap::{Device, DeviceEvent, Exchange, Instant, Machine, Pool, PortId, Tracer, Turn};

use crate::error::DriverError;

/// A device, its exchange with the machine, and the monitor of its link.
#[derive(Debug)]
pub(crate) struct Port<D> {
    pub(crate) device: D,
    pub(crate) exchange: Exchange,
    /// Monitor of the link; `None` without a monitor, or after the interface was deleted.
    pub(crate) monitor: Option<LinkMonitor>,
    /// Whether the device is no longer served.
    pub(crate) is_closed: bool,
    /// Result of the last turn.
    pub(crate) last_turn: Turn,
    /// Time since which the device is congested.
    blocked_since: Option<Instant>,
}

impl<D: Device> Port<D> {
    pub(crate) fn new(id: PortId, device: D, monitor: Option<LinkMonitor>) -> Port<D> {
        Port {
            device,
            exchange: Exchange::new(id),
            monitor,
            is_closed: false,
            last_turn: Turn::default(),
            blocked_since: None,
        }
    }

    /// Passes the present state of the link to the machine, if the link is monitored.
    pub(crate) fn report_link<M: Machine>(&mut self, now: Instant, machine: &mut M, pool: &mut Pool) {
        if let Some(state) = self.monitor.as_ref().map(LinkMonitor::state) {
            self.exchange.device_event(now, machine, DeviceEvent::Link(state), pool);
        }
    }

    /// Takes one turn. Discards the departing frames if the device has been congested for `transmit_timeout`. Returns
    /// the number of received frames.
    #[inline]
    pub(crate) fn turn<M: Machine>(
        &mut self,
        now: Instant,
        machine: &mut M,
        pool: &mut Pool,
        tracer: &mut impl Tracer<M::Outcome>,
        transmit_timeout: Option<Duration>,
    ) -> Result<usize, DriverError> {
        if self.is_closed {
            return Ok(0);
        }
        let turn = self.exchange.turn(now, machine, &mut self.device, pool, tracer);
        self.last_turn = turn.map_err(|source| DriverError::Device { port: self.exchange.port(), source })?;
        if !self.last_turn.tx_blocked {
            self.blocked_since = None;
            return Ok(self.last_turn.received);
        }
        let since = *self.blocked_since.get_or_insert(now);
        if transmit_timeout.is_some_and(|timeout| now.since(since) >= timeout) {
            self.discard(now, machine, pool);
        }
        Ok(self.last_turn.received)
    }

    /// Stops serving the device.
    pub(crate) fn close<M: Machine>(&mut self, now: Instant, machine: &mut M, pool: &mut Pool) {
        self.discard(now, machine, pool);
        (self.is_closed, self.monitor, self.last_turn) = (true, None, Turn::default());
    }

    /// Discards the departing frames.
    pub(crate) fn discard<M: Machine>(&mut self, now: Instant, machine: &mut M, pool: &mut Pool) {
        self.exchange.discard(now, machine, pool);
        (self.blocked_since, self.last_turn.tx_blocked) = (None, false);
    }

    /// Returns when the departing frames are discarded, if they wait for the device.
    pub(crate) fn discard_at(&self, transmit_timeout: Option<Duration>) -> Option<Instant> {
        Some(self.blocked_since? + transmit_timeout?)
    }
}
