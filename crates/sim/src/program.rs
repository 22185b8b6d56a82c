//! Programs that use the sockets of the hosts.

use host::{FrameOutcome, Host};
use tap::{Batch, DeviceEvent, Frame, Instant, Machine, Pool, PortId, Token};

use crate::node_id::NodeId;

/// A program on the hosts of a segment: see [`Segment::run_with`](crate::Segment::run_with).
pub trait Program {
    /// Uses the sockets of a host in its turn, after the host has received frames and before the host transmits.
    fn serve(&mut self, now: Instant, node: NodeId, host: &mut Host, pool: &mut Pool);
}

/// No program.
impl Program for () {
    fn serve(&mut self, _now: Instant, _node: NodeId, _host: &mut Host, _pool: &mut Pool) {}
}

/// A host and its program, as one machine.
pub(crate) struct ServedHost<'a, P> {
    pub(crate) host: &'a mut Host,
    pub(crate) node: NodeId,
    pub(crate) program: &'a mut P,
}

impl<P: Program> Machine for ServedHost<'_, P> {
    type Outcome = FrameOutcome;

    fn accepts_frames(&self, port: PortId) -> bool {
        self.host.accepts_frames(port)
    }

    fn prefetch(&self, port: PortId, frames: &Batch) {
        self.host.prefetch(port, frames);
    }

    fn receive(&mut self, now: Instant, port: PortId, frame: Frame, pool: &mut Pool) -> FrameOutcome {
        self.host.receive(now, port, frame, pool)
    }

    fn transmit(&mut self, now: Instant, port: PortId, departing: &mut Batch, pool: &mut Pool) {
        self.program.serve(now, self.node, self.host, pool);
        self.host.transmit(now, port, departing, pool);
    }

    fn refused(&mut self, now: Instant, port: PortId, token: Token) {
        self.host.refused(now, port, token);
    }

    fn device_event(
        &mut self,
        now: Instant,
        port: PortId,
        event: DeviceEvent,
        departing: &mut Batch,
        pool: &mut Pool,
    ) {
        self.host.device_event(now, port, event, departing, pool);
    }

    fn deadline(&self) -> Option<Instant> {
        self.host.deadline()
    }
}
