//! Lines to a reader who may be slow, or gone.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::os::fd::AsFd;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use serde::Serialize;

use crate::signals::Signals;

/// Something to write to that can tell whether a write would have to wait.
pub(crate) trait Sink: Write {
    /// Whether there is room for [`CHUNK`] octets, now or within `limit`.
    fn has_room(&self, limit: Duration) -> bool;

    /// Takes back the last `count` bytes that were written, where that is possible: where nothing follows them.
    fn retract(&mut self, _count: usize) {}
}

/// Measures what a write that failed has left behind: how many of the first bytes are whole blocks.
pub(crate) type Whole = fn(&[u8]) -> usize;

/// What a pipe has room for when it says that it has any (`PIPE_BUF`).
const CHUNK: usize = 4_096;
/// How much waits for a slow reader at most, in octets.
const BOUND: usize = 256 * 1_024;
/// So much of it should be written before there is more.
pub(crate) const HALF: usize = BOUND / 2;
/// How long a reader without room is waited for before signals are looked at again.
const GLANCE: Duration = Duration::from_millis(50);

/// Lines on their way out. A reader that stops reading never holds up the writer: what does not
/// fit is lost, and counted. One that goes away is not written to again.
#[derive(Debug)]
pub(crate) struct Output<W> {
    to: W,
    pending: Vec<u8>,
    lost: u64,
    unheard: bool,
    /// How much is written at a time at most, in octets.
    chunk: usize,
    /// What is written in blocks, of which none is to be there in part.
    whole: Option<Whole>,
    /// Why it is not written to any more, until somebody asks.
    failure: Option<io::Error>,
}

/// Standard output as it is, without the line buffer of the standard library.
pub(crate) fn standard_output() -> io::Result<File> {
    Ok(File::from(io::stdout().as_fd().try_clone_to_owned()?))
}

/// Standard error, likewise.
pub(crate) fn standard_error() -> io::Result<File> {
    Ok(File::from(io::stderr().as_fd().try_clone_to_owned()?))
}

/// An object as a line. Strings, numbers and maps with strings for keys are always JSON.
pub(crate) fn json(object: &impl Serialize) -> String {
    serde_json::to_string(object).unwrap_or_default()
}

impl<W: Sink> Output<W> {
    pub(crate) fn new(to: W) -> Output<W> {
        Output { to, pending: Vec::new(), lost: 0, unheard: false, chunk: CHUNK, whole: None, failure: None }
    }

    /// Output of blocks to something that has room for all there is until it is full, as a file on a disk: then
    /// it ends behind a whole block, which `whole` measures.
    pub(crate) fn of_blocks(to: W, whole: Whole) -> Output<W> {
        Output { chunk: BOUND, whole: Some(whole), ..Output::new(to) }
    }

    /// Adds a line.
    pub(crate) fn line(&mut self, text: &str) {
        self.add(&[text.as_bytes(), b"\n"]);
    }

    /// Adds bytes that are kept or dropped as a whole.
    pub(crate) fn write_bytes(&mut self, bytes: &[u8]) {
        self.add(&[bytes]);
    }

    fn add(&mut self, parts: &[&[u8]]) {
        if self.unheard {
            return;
        }
        let length: usize = parts.iter().map(|part| part.len()).sum();
        if self.pending.len() + length > BOUND {
            self.lost = self.lost.saturating_add(1);
            return;
        }
        for part in parts {
            self.pending.extend_from_slice(part);
        }
    }

    /// Whether so much waits that it should be written.
    pub(crate) fn is_half_full(&self) -> bool {
        self.pending.len() > HALF
    }

    /// Writes what the reader has room for. Beyond that it waits at most `limit` for each bit of room.
    pub(crate) fn flush(&mut self, limit: Duration) {
        let mut written = 0;
        while let Some(chunk) = self.pending.get(written..).filter(|rest| !rest.is_empty()) {
            if !self.to.has_room(limit) {
                break;
            }
            match self.to.write(chunk.get(..self.chunk).unwrap_or(chunk)) {
                Ok(count) => written += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    if let (Some(whole), Some(done)) = (self.whole, self.pending.get(..written)) {
                        self.to.retract(written.saturating_sub(whole(done)));
                    }
                    self.unheard = true;
                    self.failure = Some(error);
                    self.pending.clear();
                    return;
                }
            }
        }
        self.pending.drain(..written.min(self.pending.len()));
    }

    /// Writes until no more than `rest` octets wait, however long the reader takes, or until a signal comes.
    pub(crate) fn hand_over(&mut self, rest: usize, signals: &Signals) -> io::Result<()> {
        self.flush(Duration::ZERO);
        while self.pending.len() > rest && !signals.is_pending()? {
            self.flush(GLANCE);
        }
        Ok(())
    }

    /// Writes the last lines, as far as the reader accepts each chunk of them within `limit`. Returns how many lines
    /// were lost in all.
    pub(crate) fn finish(&mut self, limit: Duration) -> u64 {
        self.flush(limit);
        let left = self.pending.drain(..).filter(|octet| *octet == b'\n').count();
        self.lost = self.lost.saturating_add(u64::try_from(left).unwrap_or(u64::MAX));
        self.lost
    }

    /// Whether what is written may still be read.
    pub(crate) fn has_reader(&self) -> bool {
        !self.unheard
    }

    /// Why it is not written to any more: told once.
    pub(crate) fn take_failure(&mut self) -> Option<io::Error> {
        self.failure.take()
    }

    /// How many lines did not fit.
    pub(crate) fn lost(&self) -> u64 {
        self.lost
    }

    /// How many octets wait for the reader.
    pub(crate) fn pending(&self) -> usize {
        self.pending.len()
    }

    /// What the lines were written to.
    #[cfg(test)]
    pub(crate) fn into_inner(self) -> W {
        self.to
    }
}

impl Sink for File {
    fn has_room(&self, limit: Duration) -> bool {
        let mut fds = [PollFd::new(self.as_fd(), PollFlags::POLLOUT)];
        let limit = PollTimeout::try_from(limit).unwrap_or(PollTimeout::MAX);
        // An error is the write's to report.
        !matches!(poll(&mut fds, limit), Ok(0))
    }

    fn retract(&mut self, count: usize) {
        // If another writer has appended, or seeking fails, the bytes stay.
        let end = self.metadata().map(|metadata| metadata.len());
        if let (Ok(place), Ok(end), Ok(count)) = (self.stream_position(), end, u64::try_from(count))
            && place == end
            && self.set_len(end.saturating_sub(count)).is_ok()
        {
            let _ = self.seek(SeekFrom::End(0));
        }
    }
}

#[cfg(test)]
mod tests;
