//! Listeners: a thread and a callback that serve a device.

use std::os::fd::{AsFd, BorrowedFd};
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use runtime::{DriverError, listen};
use tap::linux::{Cable, Io, PacketSocket};
use tap::{Batch, Capabilities, Device, DeviceCounters, DeviceError, Frame, Pool, Received, Transmitted};

use super::wire_with;
use testbed::frames::{receive, send};
use testbed::kernel::{delete_link, send_from_kernel};
use testbed::{Case, TestResult, wait_for};

pub(crate) const CASES: &[Case] = &[
    ("listener_transmits_replies_after_each_call", listener_transmits_replies_after_each_call),
    ("listener_stops_at_once_when_no_frame_arrives", listener_stops_at_once_when_no_frame_arrives),
    (
        "listener_transmits_remaining_replies_after_congestion",
        listener_transmits_remaining_replies_after_congestion,
    ),
    ("listener_counts_panics_and_calls_callback_again", listener_counts_panics_and_calls_callback_again),
    ("listener_replaces_frames_that_callback_keeps", listener_replaces_frames_that_callback_keeps),
    ("listener_pool_counts_frames_in_flight", listener_pool_counts_frames_in_flight),
    ("listener_serves_ring", listener_serves_ring),
    ("listener_ends_with_error_when_tap_is_deleted", listener_ends_with_error_when_tap_is_deleted),
];

/// Destination of the frames of a burst.
const PEER: [u8; 6] = [2, 0, 0, 0, 0, 2];

fn echo(arrived: &mut Batch, answers: &mut Batch) {
    while let Some(frame) = arrived.pop() {
        answers.push(frame).expect("the second batch should have capacity for every frame");
    }
}

fn listener_transmits_replies_after_each_call() -> TestResult {
    let (mut near, far) = Cable::pair(1_500)?;
    let listener = listen(far, echo)?;
    for text in [&b"first"[..], b"second"] {
        send(&mut near, text)?;
        assert_eq!(receive(&mut near, |_| true)?, text);
    }
    let outcome = listener.stop();
    assert!(outcome.result.is_ok());
    assert_eq!((outcome.counters.received, outcome.counters.transmitted, outcome.panics), (2, 2, 0));
    Ok(())
}

fn listener_stops_at_once_when_no_frame_arrives() -> TestResult {
    let listener = listen(wire_with(Io::ReadWrite)?, |_, _| {})?;
    let outcome = run_with_timeout(move || listener.stop())?;
    assert!(outcome.result.is_ok());
    let listener = listen(wire_with(Io::ReadWrite)?, |_, _| {})?;
    run_with_timeout(move || drop(listener))
}

/// Runs `act` in a thread. Fails if `act` takes 10 seconds, for example because a stop waits for a frame.
fn run_with_timeout<T: Send + 'static>(
    act: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Box<dyn std::error::Error>> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || sender.send(act()));
    Ok(receiver.recv_timeout(Duration::from_secs(10))?)
}

fn listener_transmits_remaining_replies_after_congestion() -> TestResult {
    let (mut near, far) = Cable::pair(1_500)?;
    let pushed = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&pushed);
    let listener = listen(far, move |arrived, answers| {
        while arrived.pop().is_some() {
            while answers.push(Frame::for_mtu(1_500)).is_ok() {
                count.fetch_add(1, Ordering::Relaxed);
            }
        }
    })?;
    // Each frame has many answers, which fill the cable before the test reads.
    for _ in 0..100 {
        send(&mut near, b"one frame, many answers")?;
        std::thread::sleep(Duration::from_millis(1));
    }
    // From now on, no frame wakes the listener.
    let mut received = 0;
    wait_for("answer to the last frame", || {
        received += u64::from(receive_now(&mut near));
        (received > 0 && received == pushed.load(Ordering::Relaxed)).then_some(())
    })?;
    let outcome = run_with_timeout(move || listener.stop())?;
    assert!(outcome.counters.congested > 0, "the cable was never full");
    Ok(())
}

/// Receives and drops a frame, if a frame waits. Returns whether a frame was received.
fn receive_now(cable: &mut Cable) -> bool {
    let (mut pool, mut batch) = (Pool::new(1_500, 1), Batch::new(1));
    cable.receive(&mut pool, &mut batch).is_ok_and(|received| received.frames == 1)
}

fn listener_counts_panics_and_calls_callback_again() -> TestResult {
    let (mut near, far) = Cable::pair(1_500)?;
    let listener = listen(far, |arrived, answers| {
        if arrived.front().map(Frame::bytes) == Some(b"panic") {
            // Like `panic!`, without the message of the panic hook in the output of the test.
            resume_unwind(Box::new("expected"));
        }
        echo(arrived, answers);
    })?;
    // More panics than the listener's pool has frames.
    for number in 1..=200 {
        send(&mut near, b"panic")?;
        wait_for("panic", || (listener.panics() == number).then_some(()))?;
    }
    send(&mut near, b"continue")?;
    assert_eq!(receive(&mut near, |bytes| bytes == b"continue")?, b"continue");
    assert!(!listener.is_finished());
    let outcome = listener.stop();
    assert!(outcome.result.is_ok());
    assert_eq!(outcome.panics, 200);
    Ok(())
}

fn listener_replaces_frames_that_callback_keeps() -> TestResult {
    let (mut near, far) = Cable::pair(1_500)?;
    let (keep, kept) = mpsc::channel();
    let listener = listen(far, move |arrived, _| {
        while let Some(frame) = arrived.pop() {
            keep.send(frame.bytes().to_vec()).expect("the test should hold the receiver");
            std::mem::forget(frame);
        }
    })?;
    // Many more frames than the listener's pool has.
    for number in 0..1_000_u16 {
        send(&mut near, &number.to_be_bytes())?;
        assert_eq!(kept.recv_timeout(Duration::from_secs(10))?, number.to_be_bytes());
    }
    assert!(listener.stop().result.is_ok());
    Ok(())
}

/// Cable that keeps up to ten transmitted frames in flight.
struct DelayingDevice {
    cable: Cable,
    kept: Batch,
    /// Number of frames in flight that the pool did not count as held.
    uncounted: Arc<AtomicU64>,
}

impl Device for DelayingDevice {
    fn capabilities(&self) -> Capabilities {
        self.cable.capabilities()
    }

    fn receive(&mut self, pool: &mut Pool, arrived: &mut Batch) -> Result<Received, DeviceError> {
        let uncounted = self.kept.len().saturating_sub(pool.held());
        self.uncounted.fetch_add(u64::try_from(uncounted).unwrap_or(u64::MAX), Ordering::Relaxed);
        if self.kept.free_capacity() == 0 {
            self.cable.transmit(&mut self.kept, pool)?;
        }
        Ok(Received { in_flight: self.kept.len(), ..self.cable.receive(pool, arrived)? })
    }

    fn transmit(&mut self, departing: &mut Batch, _: &mut Pool) -> Result<Transmitted, DeviceError> {
        while let Some(frame) = departing.pop() {
            self.kept.push(frame).expect("the batch of kept frames should have capacity");
        }
        Ok(Transmitted { in_flight: self.kept.len(), ..Transmitted::default() })
    }

    fn counters(&self) -> DeviceCounters {
        self.cable.counters()
    }
}

impl AsFd for DelayingDevice {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.cable.as_fd()
    }
}

fn listener_pool_counts_frames_in_flight() -> TestResult {
    let (mut near, cable) = Cable::pair(1_500)?;
    let uncounted = Arc::new(AtomicU64::new(0));
    let far = DelayingDevice { cable, kept: Batch::new(10), uncounted: Arc::clone(&uncounted) };
    let called = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&called);
    let listener = listen(far, move |arrived, answers| {
        echo(arrived, answers);
        count.fetch_add(1, Ordering::Relaxed);
    })?;
    for number in 1..=10 {
        send(&mut near, b"one at a time")?;
        wait_for("call", || (called.load(Ordering::Relaxed) == number).then_some(()))?;
    }
    for _ in 0..10 {
        wait_for("answer", || receive_now(&mut near).then_some(()))?;
    }
    assert!(listener.stop().result.is_ok());
    assert_eq!(uncounted.load(Ordering::Relaxed), 0, "the pool did not count frames in flight");
    Ok(())
}

fn listener_serves_ring() -> TestResult {
    /// Number of frames. The queues of interfaces and sockets hold more.
    const BURST: u8 = 250;
    let tap = wire_with(Io::Ring)?;
    let mut peer = PacketSocket::open(tap.interface().name())?;
    let (mut pool, mut batch) = (Pool::new(1_500, BURST.into()), Batch::new(BURST.into()));
    for number in 0..BURST {
        let mut frame = pool.take().ok_or("the pool is exhausted")?;
        // Addresses, and an EtherType for local experiments (IEEE 802).
        frame.write(&[&PEER[..], &[2, 0, 0, 0, 0, 1, 0x88, 0xb5, number]].concat())?;
        batch.push(frame).map_err(|_| "the batch is full")?;
    }
    peer.transmit(&mut batch, &mut pool)?;
    let listener = listen(tap, echo)?;
    let mut received = Vec::new();
    wait_for("burst", || {
        peer.receive(&mut pool, &mut batch).ok()?;
        while let Some(frame) = batch.pop() {
            received.extend(frame.bytes().strip_prefix(&PEER).and_then(|rest| rest.get(8)).copied());
            pool.give(frame);
        }
        (received.len() == usize::from(BURST)).then_some(())
    })?;
    assert!(received.into_iter().eq(0..BURST));
    assert!(listener.stop().result.is_ok());
    Ok(())
}

fn listener_ends_with_error_when_tap_is_deleted() -> TestResult {
    let tap = wire_with(Io::ReadWrite)?;
    let name = tap.interface().name().clone();
    let interface = tap::linux::Interface::named(&name)?;
    let listener = listen(tap, |_, _| {})?;
    send_from_kernel([10, 0, 0, 2].into(), b"hello")?;
    delete_link(&interface)?;
    let outcome = listener.join();
    let is_gone =
        |error: &DriverError| matches!(error, DriverError::Device { source: DeviceError::Gone(_), .. });
    assert!(outcome.result.as_ref().is_err_and(is_gone), "{outcome:?}");
    Ok(())
}
