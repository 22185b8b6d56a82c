//! A bridge between two devices that loses and delays frames.

use std::collections::BTreeMap;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use runtime::Clock;
use sim::Faults;
use tap::linux::{Descriptor, wait};
use tap::{Batch, Device, Instant, Pool};

/// A device of the bridge.
pub(crate) trait BridgeDevice: Device + AsFd + Send {}

impl<D: Device + AsFd + Send> BridgeDevice for D {}

/// A bridge. Frames of the direction from each device have their own faults.
pub(crate) struct Bridge {
    ports: [BridgePort; 2],
    pool: Pool,
    clock: Clock,
    /// Frames on the way, by time and number, with the receiving port.
    flight: BTreeMap<(Instant, u64), (usize, Vec<u8>)>,
    scheduled: u64,
}

struct BridgePort {
    device: Box<dyn BridgeDevice>,
    faults: Faults,
    /// Number of received IPv4 frames.
    received: u64,
    departing: Batch,
}

/// Payload of a frame, in bytes.
pub(crate) const MTU: usize = 1_500;
/// Maximum number of frames on the way. Further frames are lost.
const IN_FLIGHT: usize = 1 << 16;
const BATCH: usize = 64;
/// Maximum time of a wait, after which the bridge checks whether to stop.
const PATIENCE: Duration = Duration::from_millis(20);
/// `EtherType` of IPv4 in a frame.
const IPV4: [u8; 2] = [8, 0];

impl Bridge {
    pub(crate) fn new(devices: [(Box<dyn BridgeDevice>, Faults); 2]) -> Bridge {
        Bridge {
            ports: devices.map(|(device, faults)| BridgePort {
                device,
                faults,
                received: 0,
                departing: Batch::new(BATCH),
            }),
            pool: Pool::new(MTU, 4 * BATCH),
            clock: Clock::start(),
            flight: BTreeMap::new(),
            scheduled: 0,
        }
    }

    /// Forwards frames until `stop` is set.
    pub(crate) fn run(&mut self, stop: &AtomicBool) -> Result<(), String> {
        while !stop.load(Ordering::Relaxed) {
            for port in 0..self.ports.len() {
                self.receive(port)?;
            }
            self.deliver()?;
            let next = self.flight.keys().next().map_or(PATIENCE, |(at, _)| at.since(self.clock.now()));
            let descriptors = self.ports.iter().map(|port| Descriptor::readable(port.device.as_fd(), ()));
            wait(descriptors, Some(next.min(PATIENCE))).map_err(|error| format!("cannot wait: {error}"))?;
        }
        Ok(())
    }

    /// Receives a batch of frames, and schedules their deliveries.
    fn receive(&mut self, from: usize) -> Result<(), String> {
        let BridgePort { device, faults, received, .. } = &mut self.ports[from];
        let mut arrived = Batch::new(BATCH);
        device.receive(&mut self.pool, &mut arrived).map_err(|error| error.to_string())?;
        let now = self.clock.now();
        while let Some(frame) = arrived.pop() {
            let bytes = frame.bytes();
            // ARP has no faults, so that the figures depend on TCP only.
            let faults = if bytes.get(12..14) == Some(&IPV4) {
                *received += 1;
                *faults
            } else {
                Faults { loss: 0, reordering: 0, ..*faults }
            };
            for delivery in faults.deliveries(*received, bytes.len()) {
                if self.flight.len() < IN_FLIGHT {
                    self.scheduled += 1;
                    let at = now + delivery.delay;
                    self.flight.insert((at, self.scheduled), (1 - from, bytes.to_vec()));
                }
            }
            self.pool.give(frame);
        }
        Ok(())
    }

    /// Transmits the frames that are due. A frame that a device does not accept stays in the batch of its port.
    fn deliver(&mut self) -> Result<(), String> {
        let now = self.clock.now();
        while let Some(entry) = self.flight.first_entry()
            && entry.key().0 <= now
            && self.ports[entry.get().0].departing.free_capacity() > 0
            && let Some(mut frame) = self.pool.take()
        {
            let (port, bytes) = entry.remove();
            frame.write(&bytes).map_err(|error| error.to_string())?;
            let port = &mut self.ports[port];
            port.departing.push(frame).map_err(|_| "the batch is full")?;
            if port.departing.free_capacity() == 0 {
                port.device
                    .transmit(&mut port.departing, &mut self.pool)
                    .map_err(|error| error.to_string())?;
            }
        }
        for port in &mut self.ports {
            port.device.transmit(&mut port.departing, &mut self.pool).map_err(|error| error.to_string())?;
        }
        Ok(())
    }
}
