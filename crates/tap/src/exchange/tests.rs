mod properties;

use std::collections::VecDeque;

use super::*;
use crate::{DeviceCounters, Frame, LinkState, Received, Token};

const NOW: Instant = Instant::from_nanos(5);
const PORT: PortId = PortId::new(3);

/// Device in memory. Its queue of sent frames has a capacity, and it refuses frames that begin with `refused`.
struct TestDevice {
    incoming: VecDeque<Vec<u8>>,
    sent: Vec<Vec<u8>>,
    capacity: usize,
    refused: u8,
    minimum_frame: usize,
    mtu: usize,
    counters: DeviceCounters,
}

impl TestDevice {
    fn new() -> TestDevice {
        TestDevice {
            incoming: VecDeque::new(),
            sent: Vec::new(),
            capacity: usize::MAX,
            refused: 0xff,
            minimum_frame: 0,
            mtu: 100,
            counters: DeviceCounters::default(),
        }
    }
}

impl Device for TestDevice {
    fn capabilities(&self) -> Capabilities {
        Capabilities { mtu: self.mtu, minimum_frame: self.minimum_frame, ..Capabilities::default() }
    }

    fn receive(&mut self, pool: &mut Pool, into: &mut Batch) -> Result<Received, DeviceError> {
        let before = into.len();
        while into.free_capacity() > 0 && !self.incoming.is_empty() {
            let Some(mut frame) = pool.take() else { break };
            frame.write(&self.incoming.pop_front().unwrap()).unwrap();
            into.push(frame).unwrap();
        }
        Ok(Received { frames: into.len() - before, ..Received::default() })
    }

    fn transmit(&mut self, from: &mut Batch, pool: &mut Pool) -> Result<Transmitted, DeviceError> {
        let mut transmitted = Transmitted::default();
        while !from.is_empty() {
            if self.sent.len() == self.capacity {
                transmitted.would_block = true;
                break;
            }
            let Some(frame) = from.pop() else { break };
            if frame.bytes().starts_with(&[self.refused]) {
                transmitted.refused += 1;
                from.refuse(frame.token()).unwrap();
            } else {
                transmitted.sent += 1;
                self.sent.push(frame.bytes().to_vec());
            }
            pool.give(frame);
        }
        Ok(transmitted)
    }

    fn counters(&self) -> DeviceCounters {
        self.counters
    }
}

/// Machine that returns each frame, with the value of the first byte as its token.
#[derive(Default)]
struct Echo {
    queue: VecDeque<Frame>,
    is_closed: bool,
    refused: Vec<u64>,
    events: Vec<DeviceEvent>,
}

impl Machine for Echo {
    type Outcome = u8;

    fn accepts_frames(&self, port: PortId) -> bool {
        assert_eq!(port, PORT);
        !self.is_closed
    }

    fn receive(&mut self, now: Instant, port: PortId, mut frame: Frame, _: &mut Pool) -> u8 {
        assert_eq!((now, port), (NOW, PORT));
        let first = frame.bytes()[0];
        frame.set_token(Token::new(first.into()));
        self.queue.push_back(frame);
        first
    }

    fn transmit(&mut self, _: Instant, _: PortId, departing: &mut Batch, _: &mut Pool) {
        while departing.free_capacity() > 0 {
            let Some(frame) = self.queue.pop_front() else { break };
            departing.push(frame).unwrap();
        }
    }

    fn refused(&mut self, _: Instant, port: PortId, token: Token) {
        assert_eq!(port, PORT);
        self.refused.push(token.value());
    }

    fn device_event(
        &mut self,
        _: Instant,
        _: PortId,
        event: DeviceEvent,
        departing: &mut Batch,
        pool: &mut Pool,
    ) {
        self.events.push(event);
        while let Some(frame) = departing.pop() {
            pool.give(frame);
        }
    }

    fn deadline(&self) -> Option<Instant> {
        None
    }
}

/// Tracer that records its calls.
#[derive(Default)]
struct Trace(Vec<(&'static str, Vec<u8>)>);

impl Tracer<u8> for Trace {
    fn frame_received(&mut self, _: Instant, port: PortId, frame: &Frame) {
        assert_eq!(port, PORT, "the tracer received another port");
        self.0.push(("received", frame.bytes().to_vec()));
    }

    fn frame_handled(&mut self, _: Instant, port: PortId, outcome: u8) {
        assert_eq!(port, PORT, "the tracer received another port");
        self.0.push(("handled", vec![outcome]));
    }

    fn frame_sent(&mut self, _: Instant, port: PortId, frame: &Frame) {
        assert_eq!(port, PORT, "the tracer received another port");
        self.0.push(("sent", frame.bytes().to_vec()));
    }
}

struct Fixture {
    exchange: Exchange,
    machine: Echo,
    device: TestDevice,
    pool: Pool,
    trace: Trace,
}

impl Fixture {
    fn new() -> Fixture {
        Fixture {
            exchange: Exchange::new(PORT),
            machine: Echo::default(),
            device: TestDevice::new(),
            pool: Pool::new(100, 1_000),
            trace: Trace::default(),
        }
    }

    fn arrive(&mut self, first_bytes: impl IntoIterator<Item = u8>) {
        self.device.incoming.extend(first_bytes.into_iter().map(|byte| vec![byte; 10]));
    }

    fn turn(&mut self) -> Turn {
        let Fixture { exchange, machine, device, pool, trace } = self;
        exchange.turn(NOW, machine, device, pool, trace).unwrap()
    }

    /// Returns the first bytes of the frames that the device sent since the last call.
    fn sent(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.device.sent).iter().map(|bytes| bytes[0]).collect()
    }
}

#[test]
fn turn_passes_frames_to_machine_and_its_frames_to_device() {
    let mut fixture = Fixture::new();
    fixture.arrive([1, 2]);
    assert_eq!(fixture.turn(), Turn { received: 2, ..Turn::default() });
    assert_eq!(fixture.sent(), [1, 2]);
    let calls: Vec<_> = fixture.trace.0.iter().map(|(call, bytes)| (*call, bytes[0])).collect();
    assert_eq!(
        calls,
        [("received", 1), ("handled", 1), ("received", 2), ("handled", 2), ("sent", 1), ("sent", 2)]
    );
    assert_eq!((fixture.pool.held(), fixture.turn()), (0, Turn::default()));
}

#[test]
fn frames_stay_in_device_while_machine_does_not_accept_frames() {
    let mut fixture = Fixture::new();
    fixture.arrive([1]);
    fixture.machine.is_closed = true;
    assert_eq!((fixture.turn(), fixture.device.incoming.len()), (Turn::default(), 1));
    fixture.machine.is_closed = false;
    assert_eq!((fixture.turn().received, fixture.sent()), (1, vec![1]));
}

#[test]
fn turn_is_repeated_when_batch_of_received_or_sent_frames_is_full() {
    let mut fixture = Fixture::new();
    fixture.arrive([1; 65]);
    assert!(fixture.turn().poll_again);
    assert!(!fixture.turn().poll_again);
    fixture.device.capacity = 0;
    fixture.sent();
    fixture.arrive([1; 65]);
    assert_eq!(fixture.turn(), Turn { received: 64, tx_blocked: true, poll_again: true });
    assert_eq!(fixture.turn(), Turn { received: 1, tx_blocked: true, poll_again: false });
    fixture.device.capacity = usize::MAX;
    // The machine had one frame more than the batch.
    assert_eq!(fixture.turn(), Turn { received: 0, tx_blocked: false, poll_again: true });
    assert_eq!((fixture.turn(), fixture.sent().len(), fixture.pool.held()), (Turn::default(), 65, 0));
}

#[test]
fn blocked_frames_stay_in_order_and_are_traced_once() {
    let mut fixture = Fixture::new();
    fixture.device.capacity = 1;
    fixture.arrive([1, 2, 3]);
    assert_eq!(fixture.turn(), Turn { received: 3, tx_blocked: true, poll_again: false });
    assert_eq!((fixture.sent(), fixture.exchange.departing()), (vec![1], 2));
    fixture.arrive([4]);
    fixture.device.capacity = usize::MAX;
    fixture.turn();
    assert_eq!((fixture.sent(), fixture.exchange.departing()), (vec![2, 3, 4], 0));
    let traced: Vec<_> =
        fixture.trace.0.iter().filter(|call| call.0 == "sent").map(|call| call.1[0]).collect();
    assert_eq!(traced, [1, 2, 3, 4]);
}

#[test]
fn refused_token_reaches_machine_once() {
    let mut fixture = Fixture::new();
    fixture.device.refused = 2;
    fixture.arrive([1, 2, 3, 2]);
    fixture.turn();
    assert_eq!((fixture.sent(), &fixture.machine.refused), (vec![1, 3], &vec![2, 2]));
    fixture.turn();
    assert_eq!((fixture.machine.refused.len(), fixture.pool.held()), (2, 0));
}

#[test]
fn short_frame_is_padded_with_zeros_before_it_is_traced() {
    let mut fixture = Fixture::new();
    fixture.device.minimum_frame = 12;
    fixture.arrive([9]);
    fixture.turn();
    let padded = [&[9; 10][..], &[0; 2]].concat();
    assert_eq!(fixture.device.sent, std::slice::from_ref(&padded));
    assert_eq!(fixture.trace.0.last(), Some(&("sent", padded)));
}

#[test]
fn frame_is_sent_without_padding_when_padding_does_not_fit() {
    let mut fixture = Fixture::new();
    fixture.device.minimum_frame = 9_000;
    fixture.arrive([9]);
    fixture.turn();
    assert_eq!(fixture.device.sent, [[9; 10]]);
}

#[test]
fn pool_grows_to_mtu_of_device_and_of_link_event() {
    let mut fixture = Fixture::new();
    fixture.device.mtu = 200;
    fixture.turn();
    assert_eq!(fixture.pool.mtu(), 200);
    let event = DeviceEvent::Link(LinkState { is_up: true, has_carrier: true, mtu: 9_000 });
    fixture.exchange.device_event(NOW, &mut fixture.machine, event, &mut fixture.pool);
    assert_eq!((fixture.pool.mtu(), &fixture.machine.events), (9_000, &vec![event]));
}

#[test]
fn frames_that_machine_adds_after_removing_blocked_frames_are_traced() {
    let mut fixture = Fixture::new();
    fixture.device.capacity = 0;
    fixture.arrive([1, 2]);
    fixture.turn();
    let event = DeviceEvent::Link(LinkState { is_up: true, has_carrier: true, mtu: 100 });
    fixture.exchange.device_event(NOW, &mut fixture.machine, event, &mut fixture.pool);
    assert_eq!((fixture.exchange.departing(), fixture.pool.held()), (0, 0));
    fixture.device.capacity = 1;
    fixture.arrive([3]);
    fixture.turn();
    assert_eq!(fixture.trace.0.last(), Some(&("sent", vec![3; 10])));
}

#[test]
fn machine_receives_tokens_of_discarded_frames() {
    let mut fixture = Fixture::new();
    fixture.device.capacity = 1;
    fixture.arrive([1, 2, 3]);
    fixture.turn();
    fixture.exchange.discard(NOW, &mut fixture.machine, &mut fixture.pool);
    assert_eq!(fixture.machine.refused, [2, 3]);
    assert_eq!((fixture.exchange.departing(), fixture.pool.held()), (0, 0));
}
