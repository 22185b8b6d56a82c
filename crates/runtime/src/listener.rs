//! Serving a device with a callback, in its own thread.

use std::io;
use std::os::fd::AsFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};

use tap::linux::{Descriptor, Stop, default_busy_poll};
use tap::{Batch, Device, DeviceCounters, Exchange, Frame, Instant, Machine, Pool, PortId};

use crate::clock::Clock;
use crate::driver::Driver;
use crate::error::DriverError;

/// Thread that serves one device. Dropping the value stops and joins the thread.
#[derive(Debug)]
pub struct Listener {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<ListenerOutcome>>,
}

/// Outcome of a listener.
#[derive(Debug)]
pub struct ListenerOutcome {
    /// `Ok` if the listener was stopped, or the error of its event loop.
    pub result: Result<(), DriverError>,
    /// Number of panics of the callback. The panic hook has printed their messages.
    pub panics: u64,
    /// Counters of the device.
    pub counters: DeviceCounters,
}

/// State that the thread shares with its owner.
#[derive(Debug)]
struct Shared {
    /// Wakes the thread.
    stop: Stop,
    /// Ends the thread after the current call of the callback.
    is_stopped: AtomicBool,
    panics: AtomicU64,
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
    let shared = Arc::new(Shared {
        stop: Stop::new()?,
        is_stopped: AtomicBool::new(false),
        panics: AtomicU64::new(0),
    });
    let machine =
        CallbackMachine { callback, arrived: Batch::new(Exchange::BATCH), shared: Arc::clone(&shared) };
    let thread = thread::Builder::new().name("listener".to_owned()).spawn(move || machine.serve(device))?;
    Ok(Listener { shared, thread: Some(thread) })
}

impl Listener {
    /// Stops the thread and returns its outcome.
    pub fn stop(self) -> ListenerOutcome {
        self.shared.stop();
        self.join()
    }

    /// Waits until the device fails or is gone, and returns the outcome.
    pub fn join(mut self) -> ListenerOutcome {
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(outcome)) => outcome,
            // The loop does not panic, so this error is not expected.
            _ => ListenerOutcome {
                result: Err(DriverError::Wait(io::Error::other("the listener's thread panicked"))),
                panics: self.panics(),
                counters: DeviceCounters::default(),
            },
        }
    }

    /// Returns how often the callback has panicked.
    pub fn panics(&self) -> u64 {
        self.shared.panics.load(Ordering::Relaxed)
    }

    /// Returns whether the loop has ended, for example because the device is gone.
    pub fn is_finished(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.shared.stop();
        if let Some(thread) = self.thread.take() {
            // Only `stop` and `join` return the outcome.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn stop(&self) {
        self.is_stopped.store(true, Ordering::Relaxed);
        self.stop.raise();
    }
}

/// Machine that passes the frames of each turn to a callback.
struct CallbackMachine<F> {
    callback: F,
    arrived: Batch,
    shared: Arc<Shared>,
}

impl<F: FnMut(&mut Batch, &mut Batch)> CallbackMachine<F> {
    /// Serves a device until the listener is stopped or the device fails.
    fn serve<D: Device + AsFd>(self, device: D) -> ListenerOutcome {
        let shared = Arc::clone(&self.shared);
        let pool = Pool::new(device.capabilities().mtu, 2 * Exchange::BATCH);
        let driver = Driver::new(self, device, None, pool, Clock::start());
        let mut driver = driver.with_busy_poll(default_busy_poll());
        let stop = [Descriptor::readable(shared.stop.as_fd(), ())];
        let result = loop {
            if shared.is_stopped.load(Ordering::Relaxed) {
                break Ok(());
            }
            if let Err(error) = driver.step(&mut (), &stop, None) {
                break Err(error);
            }
        };
        let counters = driver.device().counters();
        ListenerOutcome { result, panics: shared.panics.load(Ordering::Relaxed), counters }
    }
}

impl<F: FnMut(&mut Batch, &mut Batch)> Machine for CallbackMachine<F> {
    type Outcome = ();

    fn receive(&mut self, _now: Instant, _port: PortId, frame: Frame, pool: &mut Pool) {
        if let Err(frame) = self.arrived.push(frame) {
            pool.give(frame);
        }
    }

    fn transmit(&mut self, _now: Instant, _port: PortId, departing: &mut Batch, pool: &mut Pool) {
        if self.arrived.is_empty() {
            return;
        }
        // All other frames are in flight.
        let in_flight = pool.held().saturating_sub(self.arrived.len() + departing.len());
        let (callback, arrived) = (&mut self.callback, &mut self.arrived);
        // The batches are valid wherever the callback panicked.
        if catch_unwind(AssertUnwindSafe(|| callback(arrived, departing))).is_err() {
            self.shared.panics.fetch_add(1, Ordering::Relaxed);
        }
        while let Some(frame) = self.arrived.pop() {
            pool.give(frame);
        }
        // Frames that the callback kept do not return to the pool.
        let expected = in_flight.saturating_add(departing.len());
        pool.forget(pool.held().saturating_sub(expected));
    }

    fn deadline(&self) -> Option<Instant> {
        None
    }
}
