//! The exchange of frames between a machine and a device.

use crate::{
    Batch, Capabilities, Device, DeviceError, DeviceEvent, Instant, Machine, Pool, PortId, Tracer,
    Transmitted,
};

/// Exchange of frames between a [`Machine`] and one of its devices. Every event loop and every simulation moves frames
/// only by [`Exchange::turn`].
#[derive(Debug)]
pub struct Exchange {
    port: PortId,
    received: Batch,
    /// Frames that the device has not accepted yet.
    departing: Batch,
}

/// Result of [`Exchange::turn`]: the number of received frames, and the conditions for the next turn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Turn {
    /// Number of frames received.
    pub received: usize,
    /// Whether frames wait until the device can transmit again.
    pub tx_blocked: bool,
    /// Whether to take the next turn without waiting: more frames may have arrived than one turn receives, the machine
    /// may have more frames to send than one turn transmits, or the device has frames in flight.
    pub poll_again: bool,
}

impl Exchange {
    /// Maximum number of frames that one turn receives, and maximum number of frames that it transmits.
    pub const BATCH: usize = 64;

    /// Creates the exchange of a port, without frames.
    pub fn new(port: PortId) -> Exchange {
        Exchange { port, received: Batch::new(Self::BATCH), departing: Batch::new(Self::BATCH) }
    }

    /// Returns the port.
    pub fn port(&self) -> PortId {
        self.port
    }

    /// Returns the number of frames of the machine that the device has not accepted yet.
    pub fn departing(&self) -> usize {
        self.departing.len()
    }

    /// Takes one turn, without waiting: receives frames if the machine accepts frames, and passes each to the machine.
    /// Then takes the frames of the machine, transmits them, and reports the refused frames to the machine.
    ///
    /// Frames that are too short for the device are padded. The frames of `pool` are enlarged to the device's MTU.
    #[inline]
    pub fn turn<M, D>(
        &mut self,
        now: Instant,
        machine: &mut M,
        device: &mut D,
        pool: &mut Pool,
        tracer: &mut impl Tracer<M::Outcome>,
    ) -> Result<Turn, DeviceError>
    where
        M: Machine + ?Sized,
        D: Device + ?Sized,
    {
        let Capabilities { mtu, minimum_frame, .. } = device.capabilities();
        pool.grow(mtu);
        let mut received = 0;
        // spec: receive-bound
        if machine.accepts_frames(self.port) {
            received = device.receive(pool, &mut self.received)?.frames;
        }
        machine.prefetch(self.port, &self.received);
        while let Some(frame) = self.received.pop() {
            tracer.frame_received(now, self.port, &frame);
            let outcome = machine.receive(now, self.port, frame, pool);
            tracer.frame_handled(now, self.port, outcome);
        }
        machine.transmit(now, self.port, &mut self.departing, pool);
        let was_full = self.departing.free_capacity() == 0;
        self.finish_frames(now, minimum_frame, tracer);
        let transmitted = device.transmit(&mut self.departing, pool);
        while let Some(token) = self.departing.take_refused() {
            machine.refused(now, self.port, token);
        }
        let Transmitted { in_flight, would_block, .. } = transmitted?;
        let tx_blocked = would_block || !self.departing.is_empty();
        let may_send_more = (was_full && !tx_blocked) || (in_flight > 0 && !would_block);
        Ok(Turn { received, tx_blocked, poll_again: received >= Self::BATCH || may_send_more })
    }

    /// Passes a change of the device to the machine. The frames of `pool` are enlarged to a larger MTU.
    pub fn device_event<M: Machine + ?Sized>(
        &mut self,
        now: Instant,
        machine: &mut M,
        event: DeviceEvent,
        pool: &mut Pool,
    ) {
        let DeviceEvent::Link(state) = event;
        pool.grow(state.mtu);
        machine.device_event(now, self.port, event, &mut self.departing, pool);
    }

    /// Discards the departing frames that the device has not accepted yet. The machine receives their tokens, as if the
    /// device had refused the frames.
    pub fn discard<M: Machine + ?Sized>(&mut self, now: Instant, machine: &mut M, pool: &mut Pool) {
        while let Some(frame) = self.departing.pop() {
            let token = frame.token();
            pool.give(frame);
            if !token.is_none() {
                machine.refused(now, self.port, token);
            }
        }
    }

    /// Pads and traces the frames that are new in the batch.
    fn finish_frames<O>(&mut self, now: Instant, minimum: usize, tracer: &mut impl Tracer<O>) {
        while let Some(frame) = self.departing.next_unfinished() {
            // A frame that cannot be padded is transmitted without padding. The device may refuse such a frame, and
            // counts refused frames.
            // spec: ethernet-minimum
            let _ = frame.pad(minimum);
            tracer.frame_sent(now, self.port, frame);
        }
    }
}

#[cfg(test)]
mod tests;
