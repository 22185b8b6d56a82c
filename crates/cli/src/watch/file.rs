//! A capture, from its first frame to its last.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tap::Instant;
use tap::linux::wait;

use super::arguments::WatchArguments;
use super::observer::Observer;
use super::show::Show;
use super::{FailOn, Kind, is_over, show};
use crate::capture::{ReadError, Reader};
use crate::clock::Clock;
use crate::decode::open;
use crate::failure::Failure;
use crate::signals::Signals;

/// A capture that ends when a signal comes or the time is up, even if whoever writes it has nothing to say.
struct Stoppable<'a> {
    from: File,
    signals: &'a Signals,
    clock: Clock,
    end: Option<Instant>,
    /// Whether it ended so.
    stopped: &'a AtomicBool,
}

/// Hears all of a capture; its times are its frames'.
pub(super) fn watch(
    arguments: &WatchArguments,
    path: &Path,
    clock: Clock,
    signals: &Signals,
) -> Result<Observer, Failure> {
    let failed = |error: ReadError| Failure::new(format!("cannot read {}: {error}", path.display()));
    let from = open(path).map_err(|error| failed(error.into()))?;
    let is_file = from.metadata().is_ok_and(|metadata| metadata.is_file());
    let stopped = AtomicBool::new(false);
    let end = arguments.deadline.map(|limit| clock.now() + limit);
    let mut observer = Observer::new(arguments.vlan);
    let mut reader = match Reader::new(Stoppable { from, signals, clock, end, stopped: &stopped }) {
        Err(_) if stopped.load(Ordering::Relaxed) => return Ok(observer),
        reader => reader.map_err(failed)?,
    };
    let kind = if is_file { Kind::File } else { Kind::Pipe };
    let mut show = show(arguments, &arguments.name(), kind, signals)?;
    let (mut has_begun, mut told) = (false, Ok(()));
    let read = reader.read(|record| {
        let time = record.time.map_or(observer.now, Instant::from_nanos);
        if !std::mem::replace(&mut has_begun, true) {
            show.begin(time, &arguments.name());
        }
        observer.hear(time, record.octets);
        told = show.tell(&mut observer, signals);
        // One that is a file is read to its end, whatever there is in it.
        let is_enough = if is_file { show.is_over() } else { is_over(arguments, &observer, &show) };
        told.is_ok() && !is_enough && !stopped.load(Ordering::Relaxed)
    });
    told?;
    let read = if stopped.load(Ordering::Relaxed) { Ok(()) } else { read.map_err(failed) };
    if read.is_ok() {
        look(&mut show, &observer, signals, clock)?;
    }
    show.end(&observer, 0, signals)?;
    match read {
        // A conflict that was found stays found, whatever could not be read.
        Err(failure) if arguments.fail_on == Some(FailOn::Conflict) && observer.counts().conflicts > 0 => {
            failure.tell();
        }
        read => read?,
    }
    Ok(observer)
}

/// Shows the end of a capture until nobody wants to see it any more.
fn look(show: &mut Show, observer: &Observer, signals: &Signals, clock: Clock) -> Result<(), Failure> {
    while let Some(pause) = show.pause(clock.now()).filter(|_| !show.is_over()) {
        if signals.next()?.is_some() {
            return Ok(());
        }
        show.refresh(clock.now(), observer)?;
        if !show.is_over() {
            wait(signals.as_fd(), false, show.stop(signals), &[], Some(pause))?;
        }
    }
    Ok(())
}

impl Read for Stoppable<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        loop {
            let left = self.end.map(|end| end.since(self.clock.now()));
            let woken = wait(self.from.as_fd(), false, self.signals.as_fd(), &[], left)?;
            let is_late = self.end.is_some_and(|end| end.since(self.clock.now()) == Duration::ZERO);
            if woken.stop || is_late {
                self.stopped.store(true, Ordering::Relaxed);
                return Ok(0);
            }
            if woken.device {
                return self.from.read(to);
            }
        }
    }
}
