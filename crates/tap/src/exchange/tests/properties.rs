//! Properties of an exchange between a random machine and a random device.

use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;
use crate::{DeviceCounters, Frame, Received, Token};

const NOW: Instant = Instant::ORIGIN;
const PORT: PortId = PortId::new(0);
/// Maximum number of frames in the machine's queue.
const QUEUE: usize = 100;
/// Maximum number of frames in flight.
const IN_FLIGHT: usize = 64;

/// Behavior of the machine and the device in one turn.
#[derive(Clone, Debug)]
struct Step {
    /// Number of frames that arrive.
    arrivals: usize,
    /// Number of frames that the device sends or refuses before it would block.
    capacity: usize,
    /// Whether the device keeps frames in flight.
    defers: bool,
    /// The device refuses frames with a number that is a multiple of this, except 0.
    refused_multiple: u64,
    /// Whether the machine accepts frames.
    accepts: bool,
    /// Number of frames that the machine sends for each received frame.
    replies: usize,
    /// Whether the departing frames are discarded before the turn.
    discards: bool,
}

fn step() -> impl Strategy<Value = Step> {
    let device = (0..150_usize, 0..150_usize, any::<bool>(), 0..5_u64);
    (device, any::<bool>(), 0..3_usize, prop::bool::weighted(0.1)).prop_map(
        |((arrivals, capacity, defers, refused_multiple), accepts, replies, discards)| Step {
            arrivals,
            capacity,
            defers,
            refused_multiple,
            accepts,
            replies,
            discards,
        },
    )
}

/// Returns the number of a frame, which its bytes contain.
fn number(frame: &Frame) -> u64 {
    u64::from_be_bytes(*frame.bytes().first_chunk().unwrap())
}

/// Returns the token of the frame with this number. Some frames have none.
fn token(number: u64) -> Token {
    if number.is_multiple_of(7) { Token::NONE } else { Token::new(number) }
}

struct RandomDevice {
    step: Step,
    in_flight: VecDeque<Frame>,
    /// Number and tokens of refused frames until the next transmit.
    refused_count: usize,
    refused_tokens: VecDeque<Token>,
    sent: Vec<u64>,
    refused: Vec<u64>,
}

impl RandomDevice {
    /// Sends or refuses a frame.
    fn complete(&mut self, frame: Frame, pool: &mut Pool) {
        let number = number(&frame);
        if self.step.refused_multiple > 0 && number.is_multiple_of(self.step.refused_multiple) {
            self.refused.push(number);
            self.refused_count += 1;
            self.refused_tokens.push_back(frame.token());
        } else {
            self.sent.push(number);
        }
        self.step.capacity -= 1;
        pool.give(frame);
    }

    /// Completes the frames in flight, as far as there is capacity.
    fn flush(&mut self, pool: &mut Pool) {
        while self.step.capacity > 0
            && let Some(frame) = self.in_flight.pop_front()
        {
            self.complete(frame, pool);
        }
    }
}

impl Device for RandomDevice {
    fn capabilities(&self) -> Capabilities {
        Capabilities { mtu: 100, minimum_frame: 20, ..Capabilities::default() }
    }

    fn receive(&mut self, pool: &mut Pool, into: &mut Batch) -> Result<Received, DeviceError> {
        self.flush(pool);
        let mut received = Received { in_flight: self.in_flight.len(), ..Received::default() };
        while self.step.arrivals > 0 && into.free_capacity() > 0 {
            let Some(frame) = pool.take() else { break };
            into.push(frame).unwrap();
            self.step.arrivals -= 1;
            received.frames += 1;
        }
        Ok(received)
    }

    fn transmit(&mut self, from: &mut Batch, pool: &mut Pool) -> Result<Transmitted, DeviceError> {
        let before = self.sent.len();
        while !from.is_empty() {
            if !self.step.defers || self.in_flight.len() == IN_FLIGHT {
                self.flush(pool);
            }
            let is_behind = !self.in_flight.is_empty();
            if self.step.defers && self.in_flight.len() < IN_FLIGHT {
                self.in_flight.extend(from.pop());
            } else if is_behind || self.step.capacity == 0 {
                break;
            } else if let Some(frame) = from.pop() {
                self.complete(frame, pool);
            }
        }
        while let Some(token) = self.refused_tokens.pop_front() {
            if let Err(token) = from.refuse(token) {
                self.refused_tokens.push_front(token);
                break;
            }
        }
        Ok(Transmitted {
            sent: self.sent.len() - before,
            refused: std::mem::take(&mut self.refused_count),
            in_flight: self.in_flight.len(),
            would_block: !from.is_empty() || (!self.in_flight.is_empty() && self.step.capacity == 0),
        })
    }

    fn counters(&self) -> DeviceCounters {
        DeviceCounters::default()
    }
}

struct RandomMachine {
    accepts: bool,
    replies: usize,
    queue: VecDeque<Frame>,
    /// Number of the last frame.
    last: u64,
    refused: Vec<Token>,
}

impl Machine for RandomMachine {
    type Outcome = ();

    fn accepts_frames(&self, _: PortId) -> bool {
        self.accepts
    }

    fn receive(&mut self, _: Instant, _: PortId, frame: Frame, pool: &mut Pool) {
        pool.give(frame);
        for _ in 0..self.replies {
            if self.queue.len() == QUEUE {
                break;
            }
            let Some(mut frame) = pool.take() else { break };
            self.last += 1;
            frame.write(&self.last.to_be_bytes()).unwrap();
            frame.set_token(token(self.last));
            self.queue.push_back(frame);
        }
    }

    fn transmit(&mut self, _: Instant, _: PortId, departing: &mut Batch, _: &mut Pool) {
        while departing.free_capacity() > 0
            && let Some(frame) = self.queue.pop_front()
        {
            departing.push(frame).unwrap();
        }
    }

    fn refused(&mut self, _: Instant, _: PortId, token: Token) {
        self.refused.push(token);
    }

    fn deadline(&self) -> Option<Instant> {
        None
    }
}

/// Tracer that records the numbers of sent frames.
struct SentFrames(Vec<u64>);

impl Tracer<()> for SentFrames {
    fn frame_sent(&mut self, _: Instant, _: PortId, frame: &Frame) {
        let bytes = frame.bytes();
        assert_eq!(bytes.len(), 20, "the frame is not padded");
        self.0.push(u64::from_be_bytes(*bytes.first_chunk().unwrap()));
    }
}

proptest! {
    // proves: receive-bound
    #[test]
    fn no_frame_and_no_token_is_lost_by_any_interleaving(steps in prop::collection::vec(step(), 1..40)) {
        let mut exchange = Exchange::new(PORT);
        let mut pool = Pool::new(100, QUEUE + IN_FLIGHT + 2 * Exchange::BATCH);
        let mut machine =
            RandomMachine { accepts: true, replies: 0, queue: VecDeque::new(), last: 0, refused: Vec::new() };
        let mut device = RandomDevice {
            step: steps[0].clone(),
            in_flight: VecDeque::new(),
            refused_count: 0,
            refused_tokens: VecDeque::new(),
            sent: Vec::new(),
            refused: Vec::new(),
        };
        let mut tracer = SentFrames(Vec::new());
        let mut discarded = Vec::new();
        // At the end, the device accepts everything.
        let open = Step {
            arrivals: 0,
            capacity: usize::MAX,
            defers: false,
            refused_multiple: 0,
            accepts: true,
            replies: 0,
            discards: false,
        };
        for step in steps.into_iter().chain(std::iter::repeat_n(open, 4)) {
            if step.discards {
                discarded.extend(exchange.departing.iter().map(number));
                exchange.discard(NOW, &mut machine, &mut pool);
            }
            let (accepts, arrivals) = (step.accepts, step.arrivals);
            (machine.accepts, machine.replies) = (accepts, step.replies);
            device.step = step;
            let turn = exchange.turn(NOW, &mut machine, &mut device, &mut pool, &mut tracer).unwrap();

            prop_assert_eq!(pool.held(), machine.queue.len() + exchange.departing() + device.in_flight.len());
            prop_assert_eq!(turn.received, if accepts { arrivals.min(Exchange::BATCH) } else { 0 });
            prop_assert_eq!(turn.tx_blocked, exchange.departing() > 0 || {
                !device.in_flight.is_empty() && device.step.capacity == 0
            });
            // Nothing is left to do without a reason to take another turn or to wait for the device.
            if !turn.tx_blocked && !turn.poll_again {
                prop_assert!(machine.queue.is_empty() && device.in_flight.is_empty());
                prop_assert!(device.step.arrivals == 0 || !accepts);
            }
        }
        prop_assert_eq!((pool.held(), pool.exhausted()), (0, 0));

        // The device sent the frames in the order in which the machine queued them.
        prop_assert!(device.sent.is_sorted());
        let mut ended = [&device.sent[..], &device.refused, &discarded].concat();
        ended.sort_unstable();
        prop_assert!(ended.into_iter().eq(1..=machine.last), "each frame was sent, refused or discarded once");
        // Each frame was traced once, in order.
        prop_assert!(tracer.0.into_iter().eq(1..=machine.last));
        // The machine received each token of a refused or discarded frame once.
        let mut expected: Vec<_> = [device.refused, discarded].concat().into_iter().map(token).collect();
        expected.retain(|token| !token.is_none());
        expected.sort_unstable();
        machine.refused.sort_unstable();
        prop_assert_eq!(machine.refused, expected);
    }
}
