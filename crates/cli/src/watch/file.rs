//! `tapstack watch` of a capture file or pipe.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use capture::{FrameReader, FrameReaderError};
use dissect::LINK_TYPES;
use nix::fcntl::OFlag;
use runtime::Clock;
use tap::Instant;
use tap::linux::{Descriptor, wait};

use super::arguments::WatchArguments;
use super::commands::{CommandWait, EventCommands};
use super::observers::{MAX_INTERFACES, Observers};
use super::output::{EventOutput, WatchOutput};
use super::text::plural;
use super::{
    RECEIVED_NOTHING, SourceKind, WatchOutcome, check, drop_privileges, is_over, open_output, signals,
    unwatched_count,
};
use crate::advice::explain;
use crate::decompress::decompressed;
use crate::failure::Failure;
use crate::gaps::Gaps;
use crate::input::{self, open};
use crate::signals::Signals;

/// A reader that ends at a signal or the deadline, also while no data arrives.
struct StoppableReader<'a> {
    from: File,
    signals: &'a Signals,
    clock: Clock,
    end: Option<Instant>,
    /// Whether a signal or the deadline ended reading.
    stopped: &'a AtomicBool,
}

/// Reason for the end of a wait of [`StoppableReader`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wake {
    Data,
    Signal,
}

/// Watches a capture to its end. Times are the timestamps of its frames.
pub(super) fn watch(arguments: &WatchArguments, path: &Path, clock: Clock) -> Result<WatchOutcome, Failure> {
    let name = &path.display().to_string();
    let title = &input::name(path);
    let read_failure =
        |error: FrameReaderError| Failure::new(explain(&error).context(format!("cannot read {title}")));
    let from = open_unblocked(path).map_err(|error| read_failure(error.into()))?;
    let signals = &signals()?;
    let mut observers = Observers::open(arguments, &[])?;
    drop_privileges(arguments)?;
    observers.save_known()?;
    let is_file = from.metadata().is_ok_and(|metadata| metadata.is_file());
    let stopped = AtomicBool::new(false);
    let end = arguments.deadline.map(|limit| clock.now() + limit);
    let outcome = |observers: Observers, truncated, has_header: bool, is_cut_short: bool| {
        // A file has unread frames if reading was stopped. A pipe may have had no more.
        let is_unread = !has_header || is_cut_short || (is_file && stopped.load(Ordering::Relaxed));
        let gaps = Gaps {
            truncated,
            is_unread,
            turned_away: observers.list.iter().map(unwatched_count).sum(),
            ..Gaps::default()
        };
        let incomplete = gaps.explain_capture(title);
        let never_received = incomplete.clone().filter(|_| !has_header);
        let never_received = never_received.map(|why| why.context(RECEIVED_NOTHING));
        WatchOutcome { trigger: observers.trigger, incomplete, never_received }
    };
    let kind = if is_file { SourceKind::File } else { SourceKind::Pipe };
    let from = StoppableReader { from, signals, clock, end, stopped: &stopped };
    let reader = decompressed(from).map_err(FrameReaderError::from);
    let mut reader = match reader.and_then(|reader| FrameReader::new(reader, LINK_TYPES)) {
        Err(_) if stopped.load(Ordering::Relaxed) => {
            let lines = open_output(arguments, name, kind, clock)?.into_lines();
            lines.map_or(Ok(()), |lines| lines.finish(&observers, signals))?;
            return Ok(outcome(observers, 0, false, false));
        }
        reader => reader.map_err(read_failure)?,
    };
    let output = open_output(arguments, name, kind, clock)?;
    let commands = EventCommands::new(arguments.exec.clone(), MAX_INTERFACES, output.is_screen());
    // Reading a file waits for the commands, as it waits for the reader of the lines.
    let command_wait = is_file.then_some(CommandWait { clock, end });
    let mut output = EventOutput { output, commands, command_wait };
    let (mut has_started, mut is_cut_short, mut printed, mut truncated) = (false, false, Ok(()), 0);
    let mut now = Instant::ORIGIN;
    let read = reader.read(|frame| {
        let watched = observers.list.len();
        let Some(place) = observers.place(frame.interface) else { return !stopped.load(Ordering::Relaxed) };
        let Some(observer) = observers.list.get_mut(place) else { return false };
        now = frame.time.map_or(now, Instant::from_nanos);
        let decision = observer.observe_captured(now, frame);
        let is_truncated = u64::from(frame.is_truncated() && decision.is_truncated());
        observer.frames_lost += is_truncated;
        truncated += is_truncated;
        if place >= watched {
            output.output.print_further_start(now, observer, name);
        }
        if !std::mem::replace(&mut has_started, true) {
            output.output.print_start(now, &observers, name);
        }
        printed = output.print_events(&mut observers, signals);
        output.commands.advance();
        // For --fail-on, a file is read to its end, also after an event or when the output is closed.
        let is_enough = match (is_file, arguments.fail_on.is_empty()) {
            (true, false) => false,
            (true, true) => output.output.is_closed(),
            (false, _) => is_over(&observers, &output.output),
        };
        is_cut_short = is_enough;
        printed.is_ok() && !is_enough && !stopped.load(Ordering::Relaxed)
    });
    check(observers.trigger.as_ref(), printed.map_err(Failure::from))?;
    let read = if stopped.load(Ordering::Relaxed) { Ok(()) } else { read.map_err(read_failure) };
    let read = read.and_then(|()| check_interfaces(&observers, title));
    if observers.list.len() > 1 {
        // The other interfaces have been silent since their last frames.
        observers.advance(now);
        let printed = output.print_events(&mut observers, signals).map_err(Failure::from);
        check(observers.trigger.as_ref(), printed)?;
    }
    if read.is_ok() {
        let shown = show_end(&mut output.output, &observers, signals, clock);
        check(observers.trigger.as_ref(), shown)?;
    }
    let printed = output.finish(&mut observers, signals);
    check(observers.trigger.as_ref(), read)?;
    check(observers.trigger.as_ref(), printed)?;
    Ok(outcome(observers, truncated, true, is_cut_short))
}

/// Fails if frames of further interfaces were omitted.
fn check_interfaces(observers: &Observers, title: &str) -> Result<(), Failure> {
    if observers.omitted == 0 {
        return Ok(());
    }
    let frames = plural(observers.omitted, "frame");
    Err(Failure::new(format!(
        "{title}: {frames} of further interfaces omitted: at most {MAX_INTERFACES} are supported"
    ))
    .hint("write the frames of each interface to a capture of its own"))
}

/// Opens a capture without waiting for the writer of a FIFO. [`StoppableReader`] waits instead, so that a signal or the
/// deadline ends the wait.
fn open_unblocked(path: &Path) -> io::Result<File> {
    if path == Path::new("-") {
        return open(path);
    }
    OpenOptions::new().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(path)
}

/// Shows the end of a capture on the screen until the user quits.
fn show_end(
    output: &mut WatchOutput,
    observers: &Observers,
    signals: &Signals,
    clock: Clock,
) -> Result<(), Failure> {
    while let Some(pause) = output.refresh_delay(clock.now()).filter(|_| !output.is_closed()) {
        // The signal stays unread, so that it also ends the wait for the commands.
        if signals.is_pending()? {
            return Ok(());
        }
        output.refresh(clock.now(), observers)?;
        if !output.is_closed() {
            let woken_by = [Some(signals.as_fd()), output.key_fd()].into_iter().flatten();
            wait(woken_by.map(|fd| Descriptor::readable(fd, ())), Some(pause))?;
        }
    }
    Ok(())
}

impl Read for StoppableReader<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        loop {
            let left = self.end.map(|end| end.since(self.clock.now()));
            let descriptors = [(self.from.as_fd(), Wake::Data), (self.signals.as_fd(), Wake::Signal)];
            let ready = wait(descriptors.map(|(fd, token)| Descriptor::readable(fd, token)), left)?;
            let is_late = self.end.is_some_and(|end| end.since(self.clock.now()) == Duration::ZERO);
            if ready.contains(Wake::Signal) || is_late {
                self.stopped.store(true, Ordering::Relaxed);
                return Ok(0);
            }
            if ready.contains(Wake::Data) {
                match self.from.read(to) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    read => return read,
                }
            }
        }
    }
}
