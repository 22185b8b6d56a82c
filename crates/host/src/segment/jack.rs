//! Where a host is plugged in.

use std::collections::VecDeque;

use tap::{Batch, Checksum, Counters, Device, DeviceError, Pool};

/// A device in memory: what has arrived for a host, and what it transmitted.
#[derive(Debug)]
pub(super) struct Jack {
    mtu: usize,
    arrived: VecDeque<(Vec<u8>, Checksum)>,
    /// What the host sent in one turn: a batch at most, for the segment takes it after each.
    transmitted: VecDeque<(Vec<u8>, Checksum)>,
    counters: Counters,
}

impl Jack {
    /// How many frames wait for the host at most: what the queue of a TAP holds.
    pub(super) const QUEUE: usize = 1_000;

    pub(super) fn new(mtu: usize) -> Jack {
        Jack { mtu, arrived: VecDeque::new(), transmitted: VecDeque::new(), counters: Counters::default() }
    }

    /// Whether no further frame may wait for the host.
    pub(super) fn is_full(&self) -> bool {
        self.arrived.len() >= Self::QUEUE
    }

    pub(super) fn push(&mut self, octets: Vec<u8>, checksum: Checksum) {
        self.arrived.push_back((octets, checksum));
    }

    /// Whether frames wait for the host.
    pub(super) fn is_ready(&self) -> bool {
        !self.arrived.is_empty()
    }

    /// The oldest frame that the host transmitted.
    pub(super) fn take(&mut self) -> Option<(Vec<u8>, Checksum)> {
        self.transmitted.pop_front()
    }
}

impl Device for Jack {
    fn mtu(&self) -> usize {
        self.mtu
    }

    fn receive(&mut self, pool: &mut Pool, arrived: &mut Batch) -> Result<usize, DeviceError> {
        let before = arrived.len();
        while arrived.room() > 0 && self.is_ready() {
            let Some(mut frame) = pool.take() else { break };
            let (octets, checksum) = self.arrived.pop_front().unwrap_or_default();
            let is_whole = frame.write(&octets).is_ok() && !frame.is_full();
            frame.set_checksum(checksum);
            let unwanted = if is_whole { arrived.push(frame).err() } else { Some(frame) };
            match unwanted {
                None => self.counters.received += 1,
                Some(frame) => {
                    self.counters.truncated += 1;
                    pool.give(frame);
                }
            }
        }
        Ok(arrived.len() - before)
    }

    fn transmit(&mut self, departing: &mut Batch, pool: &mut Pool) -> Result<usize, DeviceError> {
        let taken = departing.len();
        while let Some(frame) = departing.pop() {
            self.transmitted.push_back((frame.octets().to_vec(), frame.checksum()));
            self.counters.transmitted += 1;
            pool.give(frame);
        }
        Ok(taken)
    }

    fn counters(&self) -> Counters {
        self.counters
    }
}
