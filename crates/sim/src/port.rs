//! The devices of a simulated host.

use std::collections::VecDeque;

use tap::{
    Batch, Capabilities, Device, DeviceCounters, DeviceError, Offload, Offloads, Pool, Received, Transmitted,
};

/// A device in memory with all offloads: the receive queue of a host, and the frames that it transmitted.
#[derive(Debug)]
pub(crate) struct SegmentPort {
    mtu: usize,
    rx_queue: VecDeque<(Vec<u8>, Offload)>,
    /// Frames transmitted in one turn. The segment removes the frames after each turn, so the queue holds at most one
    /// batch.
    transmitted: VecDeque<(Vec<u8>, Offload)>,
    counters: DeviceCounters,
    /// Maximum number of frames that the device accepts in a turn.
    pub(crate) tx_limit: usize,
}

impl SegmentPort {
    /// Maximum number of frames in the receive queue: the default of a TAP.
    pub(crate) const RX_QUEUE: usize = 1_000;

    pub(crate) fn new(mtu: usize) -> SegmentPort {
        SegmentPort {
            mtu,
            rx_queue: VecDeque::new(),
            transmitted: VecDeque::new(),
            counters: DeviceCounters::default(),
            tx_limit: usize::MAX,
        }
    }

    /// Returns whether the receive queue is full.
    pub(crate) fn is_rx_full(&self) -> bool {
        self.rx_queue.len() >= Self::RX_QUEUE
    }

    pub(crate) fn push_rx(&mut self, bytes: Vec<u8>, offload: Offload) {
        self.rx_queue.push_back((bytes, offload));
    }

    /// Returns whether the receive queue holds a frame.
    pub(crate) fn is_rx_ready(&self) -> bool {
        !self.rx_queue.is_empty()
    }

    /// Removes and returns the oldest frame that the host transmitted.
    pub(crate) fn take_tx(&mut self) -> Option<(Vec<u8>, Offload)> {
        self.transmitted.pop_front()
    }
}

impl Device for SegmentPort {
    fn capabilities(&self) -> Capabilities {
        let offloads = Offloads { checksum: true, tcp_v4: true, udp: true };
        Capabilities { mtu: self.mtu, offloads, ..Capabilities::default() }
    }

    fn receive(&mut self, pool: &mut Pool, arrived: &mut Batch) -> Result<Received, DeviceError> {
        let before = arrived.len();
        while arrived.free_capacity() > 0
            && let Some((bytes, offload)) = self.rx_queue.front()
        {
            // A frame that is longer than the MTU arrives if it has several segments.
            let frame = if offload.segmentation.is_some() { pool.take_large() } else { pool.take() };
            let Some(mut frame) = frame else { break };
            let is_whole = frame.write(bytes).is_ok() && !frame.is_full();
            frame.set_offload(*offload);
            self.rx_queue.pop_front();
            let rejected = if is_whole { arrived.push(frame).err() } else { Some(frame) };
            match rejected {
                None => self.counters.received += 1,
                Some(frame) => {
                    self.counters.truncated += 1;
                    pool.give(frame);
                }
            }
        }
        Ok(Received { frames: arrived.len() - before, ..Received::default() })
    }

    fn transmit(&mut self, departing: &mut Batch, pool: &mut Pool) -> Result<Transmitted, DeviceError> {
        let mut sent = 0;
        while sent < self.tx_limit
            && let Some(frame) = departing.pop()
        {
            sent += 1;
            let mut offload = frame.offload();
            if frame.segments() == 1 {
                // The frame is one segment already.
                offload.segmentation = None;
            }
            self.transmitted.push_back((frame.bytes().to_vec(), offload));
            self.counters.transmitted += 1;
            pool.give(frame);
        }
        Ok(Transmitted { sent, would_block: !departing.is_empty(), ..Transmitted::default() })
    }

    fn counters(&self) -> DeviceCounters {
        self.counters
    }
}
