//! System calls of the event loop.

use std::time::Duration;

use runtime::{Clock, Driver};
use tap::linux::{Io, PacketSocket};
use tap::{Batch, Device, Frame, Instant, Machine, Pool, PortId};
use testbed::{Case, TestResult};

use super::wire_with;

pub(crate) const CASES: &[Case] =
    &[("single_frame_takes_three_system_calls_at_most", single_frame_takes_three_system_calls_at_most)];

/// Machine that returns each frame.
struct Echo(Batch);

impl Machine for Echo {
    type Outcome = ();

    fn receive(&mut self, _now: Instant, _port: PortId, frame: Frame, _pool: &mut Pool) {
        self.0.push(frame).expect("the batch should have capacity for one frame");
    }

    fn transmit(&mut self, _now: Instant, _port: PortId, departing: &mut Batch, _pool: &mut Pool) {
        if let Some(frame) = self.0.pop() {
            departing.push(frame).expect("the batch should have capacity for one frame");
        }
    }

    fn deadline(&self) -> Option<Instant> {
        None
    }
}

fn single_frame_takes_three_system_calls_at_most() -> TestResult {
    const FRAMES: u64 = 50;
    let tap = wire_with(Io::ReadWrite)?;
    let mut peer = PacketSocket::open(tap.interface().name())?;
    let (mut pool, mut batch) = (Pool::new(1_500, 1), Batch::new(1));
    let mut driver = Driver::new(Echo(Batch::new(1)), tap, None, Pool::new(1_500, 128), Clock::start());
    // Frames of the kernel are received before the count starts.
    while driver.step::<()>(&mut (), &[], Some(Duration::from_millis(20)))?.received > 0 {}
    let before = driver.device().counters();
    for _ in 0..FRAMES {
        let mut frame = pool.take().ok_or("the pool is exhausted")?;
        // Addresses, and an EtherType for local experiments (IEEE 802).
        frame.write(&[2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x88, 0xb5, 0, 0])?;
        batch.push(frame).map_err(|_| "the batch is full")?;
        peer.transmit(&mut batch, &mut pool)?;
        assert_eq!(driver.step::<()>(&mut (), &[], Some(Duration::from_secs(10)))?.received, 1);
    }
    let after = driver.device().counters();
    assert_eq!(after.transmitted - before.transmitted, FRAMES);
    // The frame, the end of the queue, and the reply.
    let calls = after.calls - before.calls;
    assert!(calls <= 3 * FRAMES, "{calls} system calls for {FRAMES} frames");
    Ok(())
}
