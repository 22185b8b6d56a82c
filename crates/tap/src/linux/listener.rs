//! Serving a device with a callback, in its own thread.

use std::io;
use std::os::fd::AsFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::wait::{Descriptor, Stop, busy_poll, default_busy_poll, wait};
use crate::{Batch, Device, DeviceCounters, DeviceError, Pool, Transmitted};

/// Maximum number of received frames per call of the callback, and maximum number of waiting answers.
const BATCH: usize = 64;

/// Thread that serves one device. Dropping the value stops and joins the thread.
#[derive(Debug)]
pub struct Listener {
    stop: Stop,
    panics: Arc<AtomicU64>,
    thread: Option<JoinHandle<ListenerOutcome>>,
}

/// Outcome of a listener.
#[derive(Debug)]
pub struct ListenerOutcome {
    /// `Ok` if the listener was stopped, or the error of the device.
    pub result: Result<(), DeviceError>,
    /// Number of panics of the callback. The panic hook has printed their messages.
    pub panics: u64,
    /// Counters of the device.
    pub counters: DeviceCounters,
}

/// Serves `device` in its own thread.
///
/// `callback` is called with a batch of received frames and a batch for answers, which are transmitted after each call.
/// If the device is congested, the remaining answers are still in the batch at the next call. The batch holds up to 64.
///
/// Answers are best written over received frames and moved to the second batch. Received frames that are left in the
/// first batch return to the listener's pool. Frames that the callback keeps are replaced. A panic of the callback is
/// reported by the panic hook and counted, and the loop continues. Stopping takes effect immediately after the current
/// call of the callback, even if no frames arrive.
pub fn listen<D, F>(device: D, callback: F) -> io::Result<Listener>
where
    D: Device + AsFd + Send + 'static,
    F: FnMut(&mut Batch, &mut Batch) + Send + 'static,
{
    let stop = Stop::new()?;
    let panics = Arc::new(AtomicU64::new(0));
    let worker = Worker {
        pool: Pool::new(device.capabilities().mtu, 2 * BATCH),
        device,
        callback,
        stop: stop.clone(),
        panics: Arc::clone(&panics),
    };
    let thread = thread::Builder::new().name("listener".to_owned()).spawn(move || worker.run())?;
    Ok(Listener { stop, panics, thread: Some(thread) })
}

impl Listener {
    /// Stops the thread and returns its outcome.
    pub fn stop(self) -> ListenerOutcome {
        self.stop.raise();
        self.join()
    }

    /// Waits until the device fails or is gone, and returns the outcome.
    pub fn join(mut self) -> ListenerOutcome {
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(outcome)) => outcome,
            // The loop itself does not panic. This error would report a panic.
            _ => ListenerOutcome {
                result: Err(DeviceError::Failed(io::Error::other("the listener's thread panicked"))),
                panics: self.panics(),
                counters: DeviceCounters::default(),
            },
        }
    }

    /// Returns how often the callback has panicked.
    pub fn panics(&self) -> u64 {
        self.panics.load(Ordering::Relaxed)
    }

    /// Returns whether the loop has ended, for example because the device is gone.
    pub fn is_finished(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.stop.raise();
        if let Some(thread) = self.thread.take() {
            // Only `stop` and `join` return the outcome.
            let _ = thread.join();
        }
    }
}

/// State of the thread.
struct Worker<D, F> {
    device: D,
    callback: F,
    pool: Pool,
    stop: Stop,
    panics: Arc<AtomicU64>,
}

impl<D: Device + AsFd, F: FnMut(&mut Batch, &mut Batch)> Worker<D, F> {
    fn run(mut self) -> ListenerOutcome {
        let result = self.serve();
        ListenerOutcome {
            result,
            panics: self.panics.load(Ordering::Relaxed),
            counters: self.device.counters(),
        }
    }

    fn serve(&mut self) -> Result<(), DeviceError> {
        let (mut arrived, mut answers) = (Batch::new(BATCH), Batch::new(BATCH));
        let busy_poll_time = default_busy_poll();
        let mut transmitted = Transmitted::default();
        loop {
            let mut poll = || self.poll_once(&mut arrived, &mut answers, &mut transmitted);
            let found = busy_poll(busy_poll_time, &mut poll)? || poll()?;
            let Transmitted { in_flight, would_block, .. } = transmitted;
            // With more work to do, check the stop descriptor without waiting.
            let limit = (found || (in_flight > 0 && !would_block)).then_some(Duration::ZERO);
            let device = Descriptor::readable(self.device.as_fd(), false).or_writable(would_block);
            let stop = Descriptor::readable(self.stop.as_fd(), true);
            if wait([device, stop], limit).map_err(DeviceError::Failed)?.contains(true) {
                return Ok(());
            }
        }
    }

    /// Receives, calls the callback, and transmits. Returns whether frames were received.
    fn poll_once(
        &mut self,
        arrived: &mut Batch,
        answers: &mut Batch,
        transmitted: &mut Transmitted,
    ) -> Result<bool, DeviceError> {
        let received = self.device.receive(&mut self.pool, arrived)?;
        if received.frames > 0 {
            self.call(arrived, answers, received.in_flight);
        }
        *transmitted = self.device.transmit(answers, &mut self.pool)?;
        Ok(received.frames > 0)
    }

    /// Calls the callback, while this number of frames is in flight.
    fn call(&mut self, arrived: &mut Batch, answers: &mut Batch, in_flight: usize) {
        let callback = &mut self.callback;
        // The batches are valid wherever the callback panicked.
        if catch_unwind(AssertUnwindSafe(|| callback(arrived, answers))).is_err() {
            self.panics.fetch_add(1, Ordering::Relaxed);
        }
        while let Some(frame) = arrived.pop() {
            self.pool.give(frame);
        }
        // Frames that the callback kept do not return to the pool. Frames in flight do return to the pool.
        let kept = answers.len().saturating_add(in_flight);
        self.pool.forget(self.pool.held().saturating_sub(kept));
    }
}
