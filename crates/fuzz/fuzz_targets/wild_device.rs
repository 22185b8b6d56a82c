//! A device that blocks, refuses frames, and keeps frames in flight.

use std::collections::VecDeque;

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use tap::{
    Batch, Capabilities, Device, DeviceCounters, DeviceError, Frame, Pool, Received, Token, Transmitted,
};

/// Behavior of the device until the next change.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(crate) struct Mode {
    /// Maximum number of frames that a call accepts.
    accepted: u8,
    /// Which of eight consecutive frames are refused.
    refused: u8,
    /// Whether accepted frames stay in flight until the next call of `receive`.
    keeps: bool,
    /// Maximum number of frames that a call receives.
    received: u8,
}

pub(crate) struct WildDevice {
    pub(crate) mtu: usize,
    pub(crate) mode: Mode,
    pub(crate) arrived: VecDeque<Vec<u8>>,
    pub(crate) in_flight: VecDeque<Frame>,
    /// Tokens of frames refused in flight, until the next call of `transmit`.
    unreported: VecDeque<Token>,
    /// Frames transmitted since they were last taken.
    pub(crate) transmitted: Vec<Vec<u8>>,
    /// Tokens of all refused frames.
    pub(crate) refused: Vec<Token>,
    /// Number of frames accepted or refused.
    count: u64,
}

impl Mode {
    /// Mode of a device that accepts everything.
    pub(crate) const OPEN: Mode = Mode { accepted: u8::MAX, refused: 0, keeps: false, received: u8::MAX };
}

impl WildDevice {
    pub(crate) fn new() -> WildDevice {
        WildDevice {
            mtu: 1_500,
            mode: Mode::OPEN,
            arrived: VecDeque::new(),
            in_flight: VecDeque::new(),
            unreported: VecDeque::new(),
            transmitted: Vec::new(),
            refused: Vec::new(),
            count: 0,
        }
    }

    /// Returns whether the next frame is refused.
    fn refuses(&mut self) -> bool {
        self.count += 1;
        self.mode.refused >> (self.count % 8) & 1 == 1
    }

    /// Transmits or refuses a frame. Returns the token of a refused frame.
    fn finish(&mut self, frame: Frame, pool: &mut Pool) -> Option<Token> {
        let token = frame.token();
        let is_refused = self.refuses();
        if is_refused {
            self.refused.extend((!token.is_none()).then_some(token));
        } else {
            self.transmitted.push(frame.bytes().to_vec());
        }
        pool.give(frame);
        is_refused.then_some(token)
    }
}

impl Device for WildDevice {
    fn capabilities(&self) -> Capabilities {
        Capabilities { mtu: self.mtu, minimum_frame: 60, ..Capabilities::default() }
    }

    fn receive(&mut self, pool: &mut Pool, into: &mut Batch) -> Result<Received, DeviceError> {
        for _ in 0..self.mode.accepted {
            let Some(frame) = self.in_flight.pop_front() else { break };
            let refused = self.finish(frame, pool);
            self.unreported.extend(refused);
        }
        let mut frames = 0;
        while frames < self.mode.received.into() && into.free_capacity() > 0 && !self.arrived.is_empty() {
            let Some(mut frame) = pool.take() else { break };
            let bytes = self.arrived.pop_front().unwrap_or_default();
            frame.write(&bytes).expect("arrived frame should fit");
            into.push(frame).expect("batch should have capacity");
            frames += 1;
        }
        let would_block = !self.in_flight.is_empty();
        Ok(Received { frames, in_flight: self.in_flight.len(), would_block })
    }

    fn transmit(&mut self, from: &mut Batch, pool: &mut Pool) -> Result<Transmitted, DeviceError> {
        let (mut sent, mut refused) = (0, 0);
        for _ in 0..self.mode.accepted {
            let keeps = self.mode.keeps && self.in_flight.len() < 64;
            let is_ordered = keeps || self.in_flight.is_empty();
            let Some(frame) = (if is_ordered { from.pop() } else { None }) else { break };
            if keeps {
                self.in_flight.push_back(frame);
            } else if let Some(token) = self.finish(frame, pool) {
                from.refuse(token).expect("place of the refused frame should be free");
                refused += 1;
            } else {
                sent += 1;
            }
        }
        while let Some(token) = self.unreported.pop_front() {
            if let Err(token) = from.refuse(token) {
                self.unreported.push_front(token);
                break;
            }
            refused += 1;
        }
        let in_flight = self.in_flight.len();
        let would_block = !from.is_empty() || (in_flight > 0 && self.mode.accepted == 0);
        Ok(Transmitted { sent, refused, in_flight, would_block })
    }

    fn counters(&self) -> DeviceCounters {
        DeviceCounters::default()
    }
}
