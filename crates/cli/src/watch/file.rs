//! A capture, from its first frame to its last.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use capture::{FrameReader, FrameReaderError};
use nix::fcntl::OFlag;
use tap::Instant;
use tap::linux::wait;

use super::arguments::WatchArguments;
use super::observer::Observer;
use super::show::Show;
use super::{FailOn, Kind, Watched, is_over, show, signals, turned_away};
use crate::clock::Clock;
use crate::failure::Failure;
use crate::gaps::Gaps;
use crate::input::open;
use crate::privileges;
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
pub(super) fn watch(arguments: &WatchArguments, path: &Path, clock: Clock) -> Result<Watched, Failure> {
    let failed = |error: FrameReaderError| Failure::new(format!("cannot read {}: {error}", path.display()));
    let from = open_unblocked(path).map_err(|error| failed(error.into()))?;
    let signals = &signals()?;
    privileges::drop_all()?;
    let is_file = from.metadata().is_ok_and(|metadata| metadata.is_file());
    let stopped = AtomicBool::new(false);
    let end = arguments.deadline.map(|limit| clock.now() + limit);
    let mut observer = Observer::new(arguments.vlan);
    let watched = |observer: Observer, truncated, has_header: bool| {
        // What a pipe has not said yet has not happened; what is in a file has.
        let is_unread = !has_header || (is_file && stopped.load(Ordering::Relaxed));
        let gaps = Gaps { truncated, is_unread, turned_away: turned_away(&observer), ..Gaps::default() };
        let gap = gaps.explain_capture(&path.display().to_string());
        Watched { observer, gap, was_dead: !has_header }
    };
    let kind = if is_file { Kind::File } else { Kind::Pipe };
    let mut reader = match FrameReader::new(Stoppable { from, signals, clock, end, stopped: &stopped }) {
        Err(_) if stopped.load(Ordering::Relaxed) => {
            show(arguments, &arguments.name(), kind, signals)?.end(&observer, 0, signals)?;
            return Ok(watched(observer, 0, false));
        }
        reader => reader.map_err(failed)?,
    };
    let mut show = show(arguments, &arguments.name(), kind, signals)?;
    let (mut has_begun, mut told, mut truncated) = (false, Ok(()), 0);
    let read = reader.read(|frame| {
        let time = frame.time.map_or(observer.now, Instant::from_nanos);
        if !std::mem::replace(&mut has_begun, true) {
            show.begin(time, &arguments.name());
        }
        let decision = observer.hear(time, frame.bytes);
        truncated += u64::from(frame.is_cut() && decision.is_truncated());
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
    let told = show.end(&observer, truncated, signals);
    match read {
        // A conflict is one, whatever could not be read behind it.
        Err(why) if arguments.fail_on == Some(FailOn::Conflict) && observer.counts().conflicts > 0 => {
            why.print();
        }
        read => read?,
    }
    told.map(|()| watched(observer, truncated, true))
}

/// Opens a capture, but does not wait for the writer of a FIFO: that is waited for where a signal and a deadline
/// end the wait.
fn open_unblocked(path: &Path) -> io::Result<File> {
    if path == Path::new("-") {
        return open(path);
    }
    OpenOptions::new().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(path)
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
                match self.from.read(to) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    read => return read,
                }
            }
        }
    }
}
