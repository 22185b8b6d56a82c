use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{PipeReader, PipeWriter, Write, pipe};
use std::os::fd::BorrowedFd;
use std::rc::Rc;

use tap::linux::Stop;
use tap::{Batch, Capabilities, DeviceCounters, DeviceError, Exchange, Frame, Received, Token, Transmitted};

use super::*;

const LONG: Duration = Duration::from_hours(1);
const SHORT: Duration = Duration::from_millis(20);

/// Shared state of a device in memory. Its descriptor is readable only if the test writes to the pipe, and is never
/// writable.
#[derive(Default)]
struct DeviceState {
    incoming: VecDeque<u8>,
    sent: Vec<u8>,
    is_congested: bool,
    /// Number of calls of `receive` and `transmit`.
    calls: (u32, u32),
    is_gone: bool,
}

struct TestDevice {
    state: Rc<RefCell<DeviceState>>,
    readable: PipeReader,
}

impl TestDevice {
    fn new() -> (TestDevice, PipeWriter, Rc<RefCell<DeviceState>>) {
        let (readable, pipe) = pipe().unwrap();
        let state = Rc::new(RefCell::new(DeviceState::default()));
        (TestDevice { state: Rc::clone(&state), readable }, pipe, state)
    }
}

impl Device for TestDevice {
    fn capabilities(&self) -> Capabilities {
        Capabilities { mtu: 100, ..Capabilities::default() }
    }

    fn receive(&mut self, pool: &mut Pool, into: &mut Batch) -> Result<Received, DeviceError> {
        let mut state = self.state.borrow_mut();
        state.calls.0 += 1;
        if state.is_gone {
            return Err(DeviceError::Gone(std::io::ErrorKind::NotFound.into()));
        }
        let before = into.len();
        while into.free_capacity() > 0 && !state.incoming.is_empty() {
            let Some(mut frame) = pool.take() else { break };
            frame.write(&[state.incoming.pop_front().unwrap()]).unwrap();
            into.push(frame).unwrap();
        }
        Ok(Received { frames: into.len() - before, ..Received::default() })
    }

    fn transmit(&mut self, from: &mut Batch, pool: &mut Pool) -> Result<Transmitted, DeviceError> {
        let mut state = self.state.borrow_mut();
        state.calls.1 += 1;
        let mut sent = 0;
        while !state.is_congested {
            let Some(frame) = from.pop() else { break };
            state.sent.extend(frame.bytes());
            pool.give(frame);
            sent += 1;
        }
        Ok(Transmitted { sent, would_block: !from.is_empty(), ..Transmitted::default() })
    }

    fn counters(&self) -> DeviceCounters {
        DeviceCounters::default()
    }
}

impl AsFd for TestDevice {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.readable.as_fd()
    }
}

/// Machine that returns each frame to its port, and sends the byte `t` from port 0 at each time of `due`.
#[derive(Default)]
struct TestMachine {
    queue: VecDeque<(PortId, Frame)>,
    due: VecDeque<Instant>,
    refused: Vec<(PortId, u64)>,
    events: Vec<(PortId, LinkState)>,
    /// Whether the machine accepts no frames.
    is_full: bool,
    /// Whether one call of `transmit` serves at most one time of `due`.
    is_slow: bool,
}

impl Machine for TestMachine {
    type Outcome = ();

    fn accepts_frames(&self, _port: PortId) -> bool {
        !self.is_full
    }

    fn receive(&mut self, _now: Instant, port: PortId, frame: Frame, _pool: &mut Pool) {
        self.queue.push_back((port, frame));
    }

    fn transmit(&mut self, now: Instant, port: PortId, departing: &mut Batch, pool: &mut Pool) {
        let mut timers = if self.is_slow { 1 } else { usize::MAX };
        while departing.free_capacity() > 0 {
            let place = self.queue.iter().position(|(to, _)| *to == port);
            let is_due = port.number() == 0 && self.due.front().is_some_and(|due| *due <= now);
            let is_due = is_due && timers > 0;
            let frame = match place.and_then(|place| self.queue.remove(place)) {
                Some((_, frame)) => frame,
                None if is_due => {
                    timers -= 1;
                    self.due.pop_front();
                    let mut frame = pool.take().unwrap();
                    frame.write(b"t").unwrap();
                    frame
                }
                None => return,
            };
            let mut frame = frame;
            frame.set_token(Token::new(frame.bytes()[0].into()));
            departing.push(frame).unwrap();
        }
    }

    fn refused(&mut self, _now: Instant, port: PortId, token: Token) {
        self.refused.push((port, token.value()));
    }

    fn device_event(&mut self, _: Instant, port: PortId, event: DeviceEvent, _: &mut Batch, _: &mut Pool) {
        let DeviceEvent::Link(state) = event;
        self.events.push((port, state));
    }

    fn deadline(&self) -> Option<Instant> {
        self.due.front().copied()
    }
}

/// A driver, and for each device its state and the pipe that makes its descriptor readable.
struct Fixture {
    driver: Driver<TestMachine, TestDevice>,
    devices: Vec<(Rc<RefCell<DeviceState>>, PipeWriter)>,
}

impl Fixture {
    fn new() -> Fixture {
        Fixture::with_monitor(None)
    }

    fn with_monitor(monitor: Option<LinkMonitor>) -> Fixture {
        let pool = Pool::new(100, 4 * Exchange::BATCH);
        let (device, pipe, state) = TestDevice::new();
        let driver = Driver::new(TestMachine::default(), device, monitor, pool, Clock::start());
        Fixture { driver, devices: vec![(state, pipe)] }
    }

    fn add_device(&mut self) -> PortId {
        let (device, pipe, state) = TestDevice::new();
        self.devices.push((state, pipe));
        self.driver.add_device(device, None)
    }

    /// Makes frames arrive at a device, one for each byte, and makes its descriptor readable.
    fn arrive(&mut self, device: usize, frames: &[u8]) {
        let (state, pipe) = &mut self.devices[device];
        state.borrow_mut().incoming.extend(frames);
        pipe.write_all(b"x").unwrap();
    }

    /// Makes the descriptor of a device unreadable again.
    fn set_unreadable(&mut self, device: usize) {
        let (readable, writable) = pipe().unwrap();
        let Driver { first, others, .. } = &mut self.driver;
        let port = once(first).chain(others).nth(device).unwrap();
        port.device.readable = readable;
        self.devices[device].1 = writable;
    }

    fn set_congested(&self, device: usize, is_congested: bool) {
        self.devices[device].0.borrow_mut().is_congested = is_congested;
    }

    fn sent(&self, device: usize) -> Vec<u8> {
        self.devices[device].0.borrow().sent.clone()
    }

    fn calls(&self) -> (u32, u32) {
        self.devices[0].0.borrow().calls
    }

    fn step(&mut self, limit: Duration) -> Step<()> {
        self.driver.step(&mut (), &[], Some(limit)).unwrap()
    }

    /// Makes a timer of the machine due after this time.
    fn set_timer(&mut self, after: Duration) -> Instant {
        let due = self.driver.clock.now() + after;
        self.driver.machine.due.push_back(due);
        due
    }
}

#[test]
fn frame_wakes_step_and_is_answered_in_it() {
    let mut fixture = Fixture::new();
    fixture.arrive(0, b"ab");
    let step = fixture.step(LONG);
    assert_eq!((step.received, fixture.sent(0)), (2, b"ab".to_vec()));
    assert_eq!(fixture.calls(), (1, 1), "a step takes one turn");
}

#[test]
fn step_waits_until_deadline_of_machine() {
    let mut fixture = Fixture::new();
    let due = fixture.set_timer(SHORT);
    assert_eq!(fixture.step(LONG).received, 0);
    assert!(fixture.driver.now() >= due);
    assert_eq!((fixture.sent(0), fixture.calls()), (b"t".to_vec(), (1, 1)));
}

#[test]
fn step_ends_at_limit_when_nothing_happens() {
    let mut fixture = Fixture::new();
    let begin = fixture.driver.clock.now();
    let step = fixture.step(SHORT);
    assert!(step.ready.is_empty() && step.received == 0);
    assert!(fixture.driver.clock.now() >= begin + SHORT);
}

#[test]
fn step_returns_tokens_of_ready_descriptors() {
    let mut fixture = Fixture::new();
    let [quiet, raised] = std::array::from_fn(|_| Stop::new().unwrap());
    raised.raise();
    let descriptors = [Descriptor::readable(quiet.as_fd(), 1), Descriptor::readable(raised.as_fd(), 2)];
    let step = fixture.driver.step(&mut (), &descriptors, Some(LONG)).unwrap();
    assert!(step.ready.iter().eq([2]));
}

#[test]
fn deadline_is_ignored_while_device_is_congested() {
    let mut fixture = Fixture::new();
    fixture.set_congested(0, true);
    fixture.arrive(0, b"a");
    fixture.step(LONG);
    fixture.set_unreadable(0);
    fixture.set_timer(Duration::ZERO);
    let begin = fixture.driver.clock.now();
    fixture.step(SHORT);
    assert!(fixture.driver.clock.now() >= begin + SHORT);
    // The device accepts frames again. What became due in the meantime is sent.
    fixture.set_congested(0, false);
    fixture.step(SHORT);
    assert_eq!(fixture.sent(0), b"at");
}

#[test]
fn step_does_not_sleep_past_deadline_when_congestion_ends_in_busy_poll() {
    let mut fixture = Fixture::new();
    fixture.set_congested(0, true);
    fixture.arrive(0, b"a");
    fixture.step(LONG);
    fixture.set_unreadable(0);
    fixture.driver.busy_poll_time = Duration::from_millis(1);
    let due = fixture.set_timer(SHORT);
    fixture.set_congested(0, false);
    // The limit of this step was computed while the deadline was ignored.
    fixture.step(LONG);
    fixture.step(LONG);
    assert!(fixture.driver.now() < due + Duration::from_mins(1));
    assert_eq!(fixture.sent(0), b"at");
}

#[test]
fn congested_device_does_not_delay_timers_of_other_devices() {
    let mut fixture = Fixture::new();
    fixture.add_device();
    fixture.set_congested(1, true);
    fixture.arrive(1, b"a");
    fixture.step(LONG);
    fixture.set_unreadable(1);
    assert_eq!(fixture.driver.devices().count(), 2);
    let due = fixture.set_timer(SHORT);
    fixture.step(LONG);
    assert!(fixture.driver.now() >= due);
    assert_eq!(fixture.sent(0), b"t");
}

#[test]
fn congested_device_does_not_delay_timers_of_other_devices_that_take_several_turns() {
    let mut fixture = Fixture::new();
    fixture.add_device();
    fixture.set_congested(1, true);
    fixture.arrive(1, b"a");
    fixture.step(LONG);
    fixture.set_unreadable(1);
    fixture.driver.machine.is_slow = true;
    fixture.set_timer(Duration::ZERO);
    fixture.set_timer(Duration::ZERO);
    fixture.step(SHORT);
    let begin = fixture.driver.clock.now();
    fixture.step(SHORT);
    assert!(fixture.driver.clock.now() < begin + SHORT);
    assert_eq!(fixture.sent(0), b"tt");
}

#[test]
fn step_does_not_wake_for_frames_that_wait_for_congested_device() {
    let mut fixture = Fixture::new();
    fixture.set_congested(0, true);
    fixture.arrive(0, b"a");
    fixture.step(LONG);
    // The descriptor stays readable, as for a device with more frames.
    fixture.arrive(0, b"b");
    fixture.driver.machine.is_full = true;
    let begin = fixture.driver.clock.now();
    fixture.step(SHORT);
    assert!(fixture.driver.clock.now() >= begin + SHORT);
    // The device transmits again, and the machine accepts the next frame.
    fixture.set_congested(0, false);
    fixture.driver.machine.is_full = false;
    fixture.step(SHORT);
    fixture.step(SHORT);
    assert_eq!(fixture.sent(0), b"ab");
}

#[test]
fn departing_frames_are_discarded_and_reported_after_transmit_timeout() {
    let mut fixture = Fixture::new();
    fixture.driver.transmit_timeout = Some(SHORT);
    fixture.set_congested(0, true);
    fixture.arrive(0, b"ab");
    let begin = fixture.driver.clock.now();
    while fixture.driver.machine.refused.is_empty() {
        fixture.step(LONG);
    }
    assert!(fixture.driver.clock.now() >= begin + SHORT);
    let port = PortId::new(0);
    assert_eq!(fixture.driver.machine.refused, [(port, b'a'.into()), (port, b'b'.into())]);
    assert_eq!(fixture.driver.pool().held(), 0);
    fixture.set_congested(0, false);
    fixture.arrive(0, b"c");
    fixture.step(LONG);
    assert_eq!(fixture.sent(0), b"c");
}

#[test]
fn departing_frames_are_discarded_on_request() {
    let mut fixture = Fixture::new();
    fixture.set_congested(0, true);
    fixture.arrive(0, b"a");
    fixture.step(LONG);
    assert_eq!(fixture.driver.pool().held(), 1);
    fixture.driver.discard_departing();
    assert_eq!(fixture.driver.machine.refused, [(PortId::new(0), b'a'.into())]);
    assert_eq!(fixture.driver.pool().held(), 0);
}

#[test]
fn descriptors_are_checked_after_64_steps_with_work() {
    let mut fixture = Fixture::new();
    let stop = Stop::new().unwrap();
    let frames = [b'f'; Exchange::BATCH];
    let mut steps = 0;
    for _ in 0..2 {
        loop {
            fixture.arrive(0, &frames);
            let descriptors = [Descriptor::readable(stop.as_fd(), ())];
            let result = fixture.driver.step(&mut (), &descriptors, None).unwrap();
            assert_eq!(result.received, Exchange::BATCH);
            if result.ready.contains(()) {
                break;
            }
            stop.raise();
            steps += 1;
        }
    }
    // The first step checks the descriptors before any frame has arrived.
    assert_eq!(steps, 1 + 63 + 63);
}

#[test]
fn busy_poll_finds_frame_without_wait() {
    let mut fixture = Fixture::new();
    fixture.driver.busy_poll_time = LONG;
    fixture.devices[0].0.borrow_mut().incoming.push_back(b'a');
    let step = fixture.step(LONG);
    assert_eq!((step.received, fixture.calls()), (1, (1, 1)));
}

#[test]
fn busy_poll_ends_at_deadline() {
    let mut fixture = Fixture::new();
    fixture.driver.busy_poll_time = LONG;
    fixture.set_timer(SHORT);
    fixture.step(LONG);
    assert_eq!(fixture.sent(0), b"t");
}

#[test]
fn step_allocates_no_memory_when_warm() {
    let mut fixture = Fixture::new();
    let stop = Stop::new().unwrap();
    let serve = |fixture: &mut Fixture, frames: &[u8]| {
        fixture.devices[0].0.borrow_mut().sent.clear();
        fixture.arrive(0, frames);
        fixture.driver.step(&mut (), &[Descriptor::readable(stop.as_fd(), ())], None).unwrap();
    };
    serve(&mut fixture, &[b'f'; 8]);
    let info = allocation_counter::measure(|| {
        for _ in 0..100 {
            serve(&mut fixture, &[b'f'; 8]);
        }
    });
    assert_eq!(info.count_total, 0);
}

#[test]
fn error_of_device_names_its_port() {
    let mut fixture = Fixture::new();
    let second = fixture.add_device();
    fixture.devices[1].0.borrow_mut().is_gone = true;
    let error = fixture.driver.step::<()>(&mut (), &[], Some(Duration::ZERO)).unwrap_err();
    assert!(matches!(error, DriverError::Device { port, source: DeviceError::Gone(_) } if port == second));
    assert_eq!(error.to_string(), "the device was deleted while in use");
}

#[test]
fn closed_device_is_not_served_and_others_continue() {
    let mut fixture = Fixture::new();
    let second = fixture.add_device();
    // The first device has a frame that it cannot send, and its descriptor stays readable.
    fixture.set_congested(0, true);
    fixture.arrive(0, b"a");
    fixture.step(LONG);
    fixture.devices[0].0.borrow_mut().is_gone = true;
    let error = fixture.driver.step(&mut (), &[], Some(LONG)).map(|step: Step<()>| step.received);
    assert!(matches!(error, Err(DriverError::Device { port, .. }) if port == PortId::new(0)));
    fixture.driver.close_port(PortId::new(0));
    assert_eq!(
        fixture.driver.machine.refused,
        [(PortId::new(0), b'a'.into())],
        "the frame was not discarded"
    );
    let calls = fixture.calls();
    let begin = fixture.driver.clock.now();
    fixture.step(SHORT);
    assert!(fixture.driver.clock.now() >= begin + SHORT, "the closed device ended the wait");
    fixture.arrive(1, b"b");
    assert_eq!(fixture.step(LONG).received, 1);
    assert_eq!((fixture.sent(1), fixture.calls()), (b"b".to_vec(), calls));
    // A closed device cannot send, so the deadline is ignored while the other device is congested.
    fixture.set_congested(1, true);
    fixture.arrive(1, b"c");
    fixture.step(LONG);
    fixture.set_unreadable(1);
    fixture.set_timer(Duration::ZERO);
    let begin = fixture.driver.clock.now();
    fixture.step(SHORT);
    assert!(fixture.driver.clock.now() >= begin + SHORT, "the deadline of a closed device ended the wait");
    assert_eq!(fixture.driver.devices().count(), 2);
    // Without any device, a step waits for the descriptors and the limit.
    fixture.driver.close_port(second);
    assert_eq!(fixture.step(SHORT).received, 0);
}

// proves: rfc5227-wake
#[test]
fn machine_receives_state_of_link_and_a_loss_after_suspension() {
    let monitor = LinkMonitor::open(&"lo".parse().unwrap()).unwrap();
    let (port, state) = (PortId::new(0), monitor.state());
    let mut fixture = Fixture::with_monitor(Some(monitor));
    assert_eq!(fixture.driver.machine.events, [(port, state)]);
    fixture.driver.handle_resume();
    let loss = LinkState { has_carrier: false, ..state };
    assert_eq!(fixture.driver.machine.events, [(port, state), (port, loss), (port, state)]);
    // A suspension is no change of the link.
    assert!(fixture.driver.link_changes().is_empty());
}
