//! A host with its services, as one machine.

use host::{FrameOutcome, Host};
use tap::{Batch, DeviceEvent, Frame, Instant, Machine, Pool, PortId, Token};

use crate::services::Services;

/// A host and the services of its sockets. All sockets of the host belong to the services.
#[derive(Debug)]
pub struct ServingHost {
    /// The host.
    pub host: Host,
    /// The services.
    pub services: Services,
}

impl Machine for ServingHost {
    type Outcome = FrameOutcome;

    fn accepts_frames(&self, port: PortId) -> bool {
        self.host.accepts_frames(port)
    }

    #[inline]
    fn prefetch(&self, port: PortId, frames: &Batch) {
        self.host.prefetch(port, frames);
    }

    #[inline]
    fn receive(&mut self, now: Instant, port: PortId, frame: Frame, pool: &mut Pool) -> FrameOutcome {
        self.host.receive(now, port, frame, pool)
    }

    /// Serves ready sockets, and then transmits like the host. So a reply leaves in the turn of its request.
    #[inline]
    fn transmit(&mut self, now: Instant, port: PortId, departing: &mut Batch, pool: &mut Pool) {
        self.services.run(now, &mut self.host, pool);
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

    /// Returns the earlier of the deadlines of the host and the services. While a service has work to do, returns a time
    /// that has passed.
    fn deadline(&self) -> Option<Instant> {
        [self.services.deadline(), self.host.deadline()].into_iter().flatten().min()
    }
}
