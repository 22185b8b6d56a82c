//! A device served by a thread and a callback.

use std::io;
use std::os::fd::AsFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::wait::{Stop, busy_poll, default_busy_poll, wait};
use crate::{Batch, Device, DeviceCounters, DeviceError, Pool};

/// How many frames one call of the callback sees at most, and how many answers it may give.
const BATCH: usize = 64;

/// A thread that serves one device. Dropped, it stops and joins.
#[derive(Debug)]
pub struct Listener {
    stop: Stop,
    panics: Arc<AtomicU64>,
    thread: Option<JoinHandle<ListenerOutcome>>,
}

/// How a listener ended.
#[derive(Debug)]
pub struct ListenerOutcome {
    /// An error if the device could not go on; `Ok` if the listener was stopped.
    pub result: Result<(), DeviceError>,
    /// How often the callback panicked; what it said, the panic hook has printed.
    pub panics: u64,
    /// What passed the device.
    pub counters: DeviceCounters,
}

/// Serves `device` from a thread of its own: `callback` is called with the frames that arrived and
/// with a batch for answers, which are transmitted after each call. Answers for which a congested
/// wire had no room are still in it at the next call; once 64 wait, the batch takes no more.
///
/// An answer is best made of a frame that arrived, moved over. Frames left in either batch go back
/// to the listener's pool; frames the callback keeps are replaced. A callback that panics is
/// reported by the panic hook and counted, and the loop goes on. Stopping takes effect at once, on
/// a silent wire too.
pub fn listen<D, F>(device: D, callback: F) -> io::Result<Listener>
where
    D: Device + AsFd + Send + 'static,
    F: FnMut(&mut Batch, &mut Batch) + Send + 'static,
{
    let stop = Stop::new()?;
    let panics = Arc::new(AtomicU64::new(0));
    let worker = Worker {
        pool: Pool::new(device.mtu(), 2 * BATCH),
        device,
        callback,
        stop: stop.clone(),
        panics: Arc::clone(&panics),
    };
    let thread = thread::Builder::new().name("listener".to_owned()).spawn(move || worker.run())?;
    Ok(Listener { stop, panics, thread: Some(thread) })
}

impl Listener {
    /// Stops the thread and tells how it went.
    pub fn stop(self) -> ListenerOutcome {
        self.stop.raise();
        self.join()
    }

    /// Waits until the device ends the loop.
    pub fn join(mut self) -> ListenerOutcome {
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(outcome)) => outcome,
            // The loop itself does not panic; were it to, the caller learns of it here.
            _ => ListenerOutcome {
                result: Err(DeviceError::Failed(io::Error::other("the listener's thread panicked"))),
                panics: self.panics(),
                counters: DeviceCounters::default(),
            },
        }
    }

    /// How often the callback has panicked so far.
    pub fn panics(&self) -> u64 {
        self.panics.load(Ordering::Relaxed)
    }

    /// Whether the loop has ended, as it does when the device is gone.
    pub fn is_finished(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.stop.raise();
        if let Some(thread) = self.thread.take() {
            // `stop` and `join` return the outcome; a drop discards it.
            let _ = thread.join();
        }
    }
}

/// What the thread owns.
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
        loop {
            let congested = self.device.counters().congested;
            let found = busy_poll(busy_poll_time, || self.poll_once(&mut arrived, &mut answers))?;
            let in_flight = self.device.in_flight() > 0;
            let is_blocked = in_flight && self.device.counters().congested != congested;
            // Whatever is found, a stop is seen before the next look.
            let limit = (found || (in_flight && !is_blocked)).then_some(Duration::ZERO);
            let wants_write = is_blocked || !answers.is_empty();
            let woken = wait(self.device.as_fd(), wants_write, self.stop.as_fd(), &[], limit)
                .map_err(DeviceError::Failed)?;
            if woken.stop {
                return Ok(());
            }
        }
    }

    /// Receives, calls, and transmits. Returns whether something arrived.
    fn poll_once(&mut self, arrived: &mut Batch, answers: &mut Batch) -> Result<bool, DeviceError> {
        let found = self.device.receive(&mut self.pool, arrived)? > 0;
        if found {
            self.call(arrived, answers);
        }
        self.device.transmit(answers, &mut self.pool)?;
        Ok(found)
    }

    fn call(&mut self, arrived: &mut Batch, answers: &mut Batch) {
        let callback = &mut self.callback;
        // The batches are plain rows of frames: wherever the callback stopped, they are whole.
        if catch_unwind(AssertUnwindSafe(|| callback(arrived, answers))).is_err() {
            self.panics.fetch_add(1, Ordering::Relaxed);
        }
        while let Some(frame) = arrived.pop() {
            self.pool.give(frame);
        }
        // What the device has in flight comes back.
        let kept = answers.len().saturating_add(self.device.in_flight());
        self.pool.forget(self.pool.held().saturating_sub(kept));
    }
}
