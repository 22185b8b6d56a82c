//! Captures of a running command (`--pcap`): all frames, and for each received frame the decision.

use std::fmt::Display;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use capture::write::{self, whole_blocks};
use capture::{Direction, LinkType};
use clap::Args;
use link::{EthernetFrame, MacAddr};
use runtime::Clock;
use tap::Instant;

use crate::clock::WallClock;
use crate::color::Styler;
use crate::failure::Failure;
use crate::help;
use crate::output::{Output, Sink, standard_error, standard_output};

/// Option that captures all frames.
#[derive(Debug, Default, Args)]
pub(crate) struct CaptureArguments {
    /// File to capture all frames to, as pcapng with decisions as comments; `-` is standard output
    #[arg(long = "pcap", value_name = "FILE", help_heading = help::OUTPUT, display_order = help::PCAP)]
    path: Option<PathBuf>,
}

impl CaptureArguments {
    /// Starts the capture if the option is given.
    pub(crate) fn start_recorder(
        &self,
        interface: &str,
        clock: Clock,
    ) -> Result<Option<Recorder<File>>, Failure> {
        let path = self.path.as_deref();
        path.map(|path| Recorder::create(path, interface, clock.into())).transpose()
    }

    /// Returns the stream for all output except the capture.
    pub(crate) fn text_output(&self) -> std::io::Result<File> {
        if self.is_standard_output() { standard_error() } else { standard_output() }
    }

    /// Returns the styler for [`CaptureArguments::text_output`].
    pub(crate) fn text_styler(&self) -> Styler {
        if self.is_standard_output() { Styler::stderr() } else { Styler::stdout() }
    }

    /// Whether the capture is written to standard output.
    pub(crate) fn is_standard_output(&self) -> bool {
        self.path.as_deref() == Some(Path::new("-"))
    }
}

/// Time limit for writing the last frames.
const LAST_FRAMES_TIMEOUT: Duration = Duration::from_secs(1);

/// Writer of a pcapng capture. It never blocks the host: if the reader is slow, frames beyond the buffer capacity are dropped
/// and counted. A write error ends the capture.
pub(crate) struct Recorder<W: Sink> {
    out: Output<W>,
    clock: WallClock,
    kernel_mac: Option<MacAddr>,
    /// The last received frame; the decision on it is pending.
    received: Vec<u8>,
    /// Buffer for a block.
    block: Vec<u8>,
    name: String,
}

impl Recorder<File> {
    /// Creates the file, or opens standard output for `-`. `clock` converts the times of frames.
    pub(crate) fn create(path: &Path, interface: &str, clock: WallClock) -> Result<Recorder<File>, Failure> {
        let name = path.display().to_string();
        let opened = if path == Path::new("-") { standard_output() } else { create(path) };
        let file = opened.map_err(|error| Failure::new(format!("cannot write {name}: {error}")))?;
        let is_file = file.metadata().is_ok_and(|metadata| metadata.is_file());
        // A file ends with a whole block, even when the disk is full.
        let out = if is_file { Output::of_whole_blocks(file, whole_blocks) } else { Output::new(file) };
        Recorder::new(out, name, interface, clock)
    }
}

impl<W: Sink> Recorder<W> {
    /// Starts a capture of one interface. `name` is the name of the capture in messages.
    pub(crate) fn new(
        out: Output<W>,
        name: String,
        interface: &str,
        clock: WallClock,
    ) -> Result<Recorder<W>, Failure> {
        let mut recorder =
            Recorder { out, clock, kernel_mac: None, received: Vec::new(), block: Vec::new(), name };
        recorder.block(|out| {
            write::section(out, concat!("tapstack ", env!("CARGO_PKG_VERSION")));
            write::interface(out, LinkType::ETHERNET, interface);
        });
        recorder.out.flush(Duration::ZERO);
        match recorder.out.take_failure() {
            Some(error) => Err(Failure::new(format!("cannot write {}: {error}", recorder.name))),
            None => Ok(recorder),
        }
    }

    /// Sets the MAC address of the kernel, if the kernel sends on the interface too. Received frames with this source
    /// were sent by the kernel.
    pub(crate) fn with_kernel_mac(mut self, kernel_mac: Option<MacAddr>) -> Recorder<W> {
        self.kernel_mac = kernel_mac;
        self
    }

    /// Stores a received frame until [`Recorder::frame_decided`] writes it.
    pub(crate) fn frame_received(&mut self, bytes: &[u8]) {
        self.received.clear();
        self.received.extend_from_slice(bytes);
    }

    /// Writes the last received frame with the decision on it, as a comment.
    pub(crate) fn frame_decided(&mut self, now: Instant, decision: impl Display) {
        let bytes = std::mem::take(&mut self.received);
        self.write_frame(now, self.direction(&bytes), &bytes, Some(&decision.to_string()));
        self.received = bytes;
    }

    /// Writes a transmitted frame, optionally with a comment.
    pub(crate) fn frame_sent(&mut self, now: Instant, bytes: &[u8], comment: Option<&str>) {
        self.write_frame(now, Direction::Out, bytes, comment);
    }

    /// Flushes the buffer.
    pub(crate) fn flush(&mut self) {
        self.write(Duration::ZERO);
    }

    /// Returns the direction of a received frame.
    fn direction(&self, bytes: &[u8]) -> Direction {
        let is_sent = |frame: EthernetFrame<'_>| Some(frame.source()) == self.kernel_mac;
        if EthernetFrame::parse(bytes).is_ok_and(is_sent) { Direction::Out } else { Direction::In }
    }

    fn write_frame(&mut self, now: Instant, direction: Direction, bytes: &[u8], comment: Option<&str>) {
        if !self.out.has_reader() {
            return;
        }
        let time = self.clock.moment(now).wall.as_nanos();
        let flags = direction.flags();
        self.block(|out| write::packet(out, &write::EnhancedPacket { time, data: bytes, flags, comment }));
    }

    fn block(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        if self.out.is_half_full() {
            self.flush();
        }
        self.block.clear();
        write(&mut self.block);
        self.out.write_bytes(&self.block);
    }

    fn write(&mut self, limit: Duration) {
        self.out.flush(limit);
        if let Some(error) = self.out.take_failure() {
            let name = &self.name;
            Failure::new(format!("stopped capturing to {name}: {error}")).print();
        }
    }
}

impl<W: Sink> Drop for Recorder<W> {
    fn drop(&mut self) {
        self.write(LAST_FRAMES_TIMEOUT);
        if self.out.lost() > 0 {
            let (lost, name) = (self.out.lost(), &self.name);
            let frames = if lost == 1 { "frame" } else { "frames" };
            Failure::new(format!("{lost} {frames} not written to {name}: its reader is too slow")).print();
        }
        if self.out.pending() > 0 {
            let name = &self.name;
            Failure::new(format!("the last frames were not written to {name}: its reader is too slow"))
                .print();
        }
    }
}

/// Opens a file for a capture. A regular file is truncated. Symbolic links are followed, like in tcpdump.
fn create(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_file() {
        file.set_len(0)?;
    } else if metadata.file_type().is_block_device() {
        // A capture would overwrite the disk.
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is a block device"));
    }
    Ok(file)
}

#[cfg(test)]
mod tests;
