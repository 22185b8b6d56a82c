//! A host and the user of its sockets, as one machine.

use std::borrow::BorrowMut;

use tap::{Batch, DeviceEvent, Frame, Instant, Machine, Pool, PortId, Token};

use crate::host::Host;
use crate::outcome::FrameOutcome;

/// User of the sockets of a host.
pub trait SocketUser {
    /// Uses the sockets in a turn, after the host has received frames and before the host transmits. So a reply leaves in
    /// the turn of its request.
    fn run(&mut self, now: Instant, host: &mut Host, pool: &mut Pool);

    /// Returns the time at which the next call of [`run`](SocketUser::run) is due, or `None` if only received frames cause
    /// work. If work is left, returns a time that has passed.
    fn deadline(&self) -> Option<Instant> {
        None
    }
}

/// A host and the user of its sockets. All sockets of the host belong to the user.
#[derive(Debug)]
pub struct HostWith<U, H = Host> {
    /// The host, owned or borrowed.
    pub host: H,
    /// The user of the sockets.
    pub user: U,
}

impl<U: SocketUser, H: BorrowMut<Host>> Machine for HostWith<U, H> {
    type Outcome = FrameOutcome;

    fn accepts_frames(&self, port: PortId) -> bool {
        self.host.borrow().accepts_frames(port)
    }

    fn prefetch(&self, port: PortId, frames: &Batch) {
        self.host.borrow().prefetch(port, frames);
    }

    fn receive(&mut self, now: Instant, port: PortId, frame: Frame, pool: &mut Pool) -> FrameOutcome {
        self.host.borrow_mut().receive(now, port, frame, pool)
    }

    fn transmit(&mut self, now: Instant, port: PortId, departing: &mut Batch, pool: &mut Pool) {
        let host = self.host.borrow_mut();
        self.user.run(now, host, pool);
        host.transmit(now, port, departing, pool);
    }

    fn refused(&mut self, now: Instant, port: PortId, token: Token) {
        self.host.borrow_mut().refused(now, port, token);
    }

    fn device_event(
        &mut self,
        now: Instant,
        port: PortId,
        event: DeviceEvent,
        departing: &mut Batch,
        pool: &mut Pool,
    ) {
        self.host.borrow_mut().device_event(now, port, event, departing, pool);
    }

    /// Returns the earlier of the deadlines of the host and the user.
    fn deadline(&self) -> Option<Instant> {
        [self.user.deadline(), self.host.borrow().deadline()].into_iter().flatten().min()
    }
}

#[cfg(test)]
mod tests;
