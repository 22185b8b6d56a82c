//! Buffered output to a reader that may be slow or closed.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use serde::Serialize;

use crate::signals::Signals;

/// A writer that reports whether a write would block.
pub(crate) trait Sink: Write {
    /// Whether the writer accepts [`PIPE_CHUNK`] bytes within `limit`.
    fn is_writable(&self, limit: Duration) -> bool;

    /// Removes all written bytes, so that the writer starts again. Writers other than files continue.
    fn restart(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// Removes the last `count` written bytes, if the writer supports that and nothing follows them.
    fn take_back(&mut self, _count: usize) {}
}

/// Returns the length of the whole blocks at the start of some bytes.
pub(crate) type BlockMeasure = fn(&[u8]) -> usize;

/// Free capacity of a pipe that is writable, in bytes (`PIPE_BUF`).
const PIPE_CHUNK: usize = 4_096;
/// Capacity of the buffer, in bytes.
const CAPACITY: usize = 256 * 1_024;
/// Fill level from which the buffer should be flushed, in bytes.
pub(crate) const HALF_CAPACITY: usize = CAPACITY / 2;
/// Interval between checks for signals while waiting for a reader.
const SIGNAL_CHECK_INTERVAL: Duration = Duration::from_millis(50);

/// Buffered lines to a writer. A slow reader does not block the program: lines beyond the capacity are dropped and counted.
/// After the reader has closed its end, nothing more is written.
#[derive(Debug)]
pub(crate) struct Output<W> {
    writer: W,
    pending: Vec<u8>,
    lost: u64,
    is_closed: bool,
    /// Maximum size of one write, in bytes.
    chunk: usize,
    /// Measures the blocks, if a block must not be written in part.
    whole: Option<BlockMeasure>,
    /// The error that closed the output, until [`Output::take_failure`].
    failure: Option<io::Error>,
}

/// Returns standard output without the line buffer of the standard library.
pub(crate) fn standard_output() -> io::Result<File> {
    Ok(File::from(io::stdout().as_fd().try_clone_to_owned()?))
}

/// Returns standard error without a buffer.
pub(crate) fn standard_error() -> io::Result<File> {
    Ok(File::from(io::stderr().as_fd().try_clone_to_owned()?))
}

/// Opens or creates a file, and keeps its content.
pub(crate) fn open_for_writing(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
    if file.metadata()?.file_type().is_block_device() {
        // The output would overwrite the disk.
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "block devices are not supported"));
    }
    Ok(file)
}

/// Serializes an object to JSON. Objects with strings, numbers and string keys never fail.
pub(crate) fn json(object: &impl Serialize) -> String {
    serde_json::to_string(object).unwrap_or_default()
}

impl<W: Sink> Output<W> {
    pub(crate) fn new(writer: W) -> Output<W> {
        Output {
            writer,
            pending: Vec::new(),
            lost: 0,
            is_closed: false,
            chunk: PIPE_CHUNK,
            whole: None,
            failure: None,
        }
    }

    /// Creates an output of blocks to a writer that accepts writes of any size until it is full, such as a file. The output
    /// ends with a whole block; `whole` measures the blocks.
    pub(crate) fn of_whole_blocks(writer: W, whole: BlockMeasure) -> Output<W> {
        Output { chunk: CAPACITY, whole: Some(whole), ..Output::new(writer) }
    }

    /// Adds a line.
    pub(crate) fn line(&mut self, text: &str) {
        self.add(&[text.as_bytes(), b"\n"]);
    }

    /// Adds bytes; they are either all kept or all dropped.
    pub(crate) fn write_bytes(&mut self, bytes: &[u8]) {
        self.add(&[bytes]);
    }

    fn add(&mut self, parts: &[&[u8]]) {
        if self.is_closed {
            return;
        }
        let length: usize = parts.iter().map(|part| part.len()).sum();
        if self.pending.len() + length > CAPACITY {
            self.lost = self.lost.saturating_add(1);
            return;
        }
        for part in parts {
            self.pending.extend_from_slice(part);
        }
    }

    /// Whether the buffer should be flushed.
    pub(crate) fn is_half_full(&self) -> bool {
        self.pending.len() > HALF_CAPACITY
    }

    /// Writes until the reader accepts nothing within `limit`.
    pub(crate) fn flush(&mut self, limit: Duration) {
        let mut written = 0;
        while let Some(chunk) = self.pending.get(written..).filter(|rest| !rest.is_empty()) {
            if !self.writer.is_writable(limit) {
                break;
            }
            match self.writer.write(chunk.get(..self.chunk).unwrap_or(chunk)) {
                Ok(count) => written += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    if let (Some(whole), Some(done)) = (self.whole, self.pending.get(..written)) {
                        self.writer.take_back(written.saturating_sub(whole(done)));
                    }
                    self.close(error);
                    return;
                }
            }
        }
        self.pending.drain(..written.min(self.pending.len()));
    }

    /// Writes until at most `rest` bytes are pending or a signal arrives. There is no time limit.
    pub(crate) fn drain_to(&mut self, rest: usize, signals: &Signals) -> io::Result<()> {
        self.flush(Duration::ZERO);
        while self.pending.len() > rest && !signals.is_pending()? {
            self.flush(SIGNAL_CHECK_INTERVAL);
        }
        Ok(())
    }

    /// Writes the last lines until the reader accepts nothing within `limit`. Returns the total number of lost lines.
    pub(crate) fn finish(&mut self, limit: Duration) -> u64 {
        self.flush(limit);
        let left = self.pending.drain(..).filter(|byte| *byte == b'\n').count();
        self.lost = self.lost.saturating_add(u64::try_from(left).unwrap_or(u64::MAX));
        self.lost
    }

    /// Returns the writer, and continues with another.
    pub(crate) fn replace_writer(&mut self, writer: W) -> W {
        std::mem::replace(&mut self.writer, writer)
    }

    /// Closes the output because of this error.
    pub(crate) fn close(&mut self, error: io::Error) {
        self.is_closed = true;
        self.failure = Some(error);
        self.pending.clear();
    }

    /// Whether the reader is still open.
    pub(crate) fn has_reader(&self) -> bool {
        !self.is_closed
    }

    /// Returns the error that closed the output, once.
    pub(crate) fn take_failure(&mut self) -> Option<io::Error> {
        self.failure.take()
    }

    /// Returns the number of dropped lines.
    pub(crate) fn lost(&self) -> u64 {
        self.lost
    }

    /// Returns the number of pending bytes.
    pub(crate) fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Returns the writer.
    #[cfg(test)]
    pub(crate) fn into_inner(self) -> W {
        self.writer
    }
}

impl Sink for File {
    fn is_writable(&self, limit: Duration) -> bool {
        let mut fds = [PollFd::new(self.as_fd(), PollFlags::POLLOUT)];
        let limit = PollTimeout::try_from(limit).unwrap_or(PollTimeout::MAX);
        // The write reports errors.
        !matches!(poll(&mut fds, limit), Ok(0))
    }

    fn restart(&mut self) -> io::Result<()> {
        self.set_len(0)?;
        self.rewind()
    }

    fn take_back(&mut self, count: usize) {
        // The bytes stay if another writer has appended or seeking fails.
        let end = self.metadata().map(|metadata| metadata.len());
        if let (Ok(position), Ok(end), Ok(count)) = (self.stream_position(), end, u64::try_from(count))
            && position == end
            && self.set_len(end.saturating_sub(count)).is_ok()
        {
            let _ = self.seek(SeekFrom::End(0));
        }
    }
}

#[cfg(test)]
mod tests;
