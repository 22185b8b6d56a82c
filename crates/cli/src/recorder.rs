//! Captures of a running command (`--pcap`): all frames, and for each received frame the decision.

mod rotation;

use std::collections::VecDeque;
use std::fmt::Display;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use capture::write::{self, whole_blocks};
use capture::{Direction, LinkType};
use clap::Args;
use link::{EthernetFrame, MacAddr};
use runtime::Clock;
use tap::{Instant, PortId};

use crate::clock::WallClock;
use crate::color::Styler;
use crate::failure::Failure;
use crate::help;
use crate::output::{Output, Sink, open_for_writing, standard_error, standard_output};
use crate::values::{number, seconds};
use rotation::{FileLimits, Rotation, numbered};

/// Option that captures all frames.
#[derive(Debug, Default, Args)]
pub(crate) struct CaptureArguments {
    /// File to capture all frames to, as pcapng with decisions as comments; `-` is standard output
    #[arg(long = "pcap", value_name = "FILE", help_heading = help::OUTPUT, display_order = help::PCAP)]
    path: Option<PathBuf>,
    /// Size of a capture file, in MB (1,000,000 bytes): the capture continues in the next of --pcap-files
    #[arg(
        long, value_name = "MB", value_parser = number(1_u64..=1_000_000), allow_negative_numbers = true, requires = "path",
        help_heading = help::OUTPUT, display_order = help::PCAP_FILES
    )]
    pcap_size: Option<u64>,
    /// Time of a capture file, in seconds: the capture continues in the next of --pcap-files
    #[arg(
        long, value_name = "SECONDS", value_parser = seconds, allow_negative_numbers = true, requires = "path",
        help_heading = help::OUTPUT, display_order = help::PCAP_FILES
    )]
    pcap_time: Option<Duration>,
    /// Number of capture files with --pcap-size or --pcap-time; the oldest is overwritten [default: 10]
    #[arg(
        long, value_name = "N", value_parser = number(2_u16..=500), allow_negative_numbers = true, requires = "path",
        help_heading = help::OUTPUT, display_order = help::PCAP_FILES
    )]
    pcap_files: Option<u16>,
}

/// Default number of files of a capture that rotates.
const FILES: u16 = 10;
/// Bytes in a megabyte.
const MEGABYTE: u64 = 1_000_000;

impl CaptureArguments {
    /// Starts the capture if the option is given.
    pub(crate) fn start_recorder(
        &self,
        interface: &str,
        clock: Clock,
    ) -> Result<Option<Recorder<File>>, Failure> {
        let Some(path) = self.path.as_deref() else { return Ok(None) };
        let size = self.pcap_size.map(|size| size.saturating_mul(MEGABYTE));
        let limits = FileLimits { size, time: self.pcap_time };
        let has_limit = limits.size.is_some() || limits.time.is_some();
        if self.pcap_files.is_some() && !has_limit {
            return Err(Failure::new("--pcap-files needs a limit for each file")
                .hint("add --pcap-size MB or --pcap-time SECONDS"));
        }
        if has_limit && self.is_standard_output() {
            return Err(Failure::new("standard output cannot be rotated").hint("name a file: --pcap FILE"));
        }
        let recorder = if has_limit {
            Recorder::create_ring(path, self.pcap_files.unwrap_or(FILES), limits, interface, clock.into())
        } else {
            Recorder::create(path, interface, clock.into())
        };
        recorder.map(Some)
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

/// Bytes of a packet block without data and comment, at most.
const BLOCK_OVERHEAD: usize = 64;
/// Time limit for writing the last frames.
const LAST_FRAMES_TIMEOUT: Duration = Duration::from_secs(1);

/// Writer of a pcapng capture. It never blocks the host: if the reader is slow, frames beyond the buffer capacity are dropped
/// and counted. A write error ends the capture.
pub(crate) struct Recorder<W: Sink> {
    out: Output<W>,
    clock: WallClock,
    /// The interfaces in the order of their ports.
    interfaces: Vec<CapturedInterface>,
    /// The last received frame; the decision on it is pending.
    received: Vec<u8>,
    /// Buffer for a block.
    block: Vec<u8>,
    name: String,
    rotation: Option<Rotation<W>>,
}

/// An interface of a capture.
struct CapturedInterface {
    name: String,
    /// MAC address of the kernel, if the kernel sends on the interface too.
    kernel_mac: Option<MacAddr>,
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

    /// Creates the files of a ring, all of them at once, and starts with the first.
    fn create_ring(
        path: &Path,
        count: u16,
        limits: FileLimits,
        interface: &str,
        clock: WallClock,
    ) -> Result<Recorder<File>, Failure> {
        let mut files = VecDeque::new();
        for number in 0..count {
            let path = numbered(path, number, count);
            let name = path.display();
            let file =
                create(&path).map_err(|error| Failure::new(format!("cannot write {name}: {error}")))?;
            if !file.metadata().is_ok_and(|metadata| metadata.is_file()) {
                return Err(Failure::new(format!("cannot write {name}: only regular files can be rotated")));
            }
            files.push_back(file);
        }
        let Some(first) = files.pop_front() else { return Err(Failure::new("a capture needs a file")) };
        let out = Output::of_whole_blocks(first, whole_blocks);
        let recorder = Recorder::new(out, path.display().to_string(), interface, clock)?;
        Ok(recorder.with_rotation(Rotation::new(files, limits)))
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
        let mut recorder = Recorder {
            out,
            clock,
            interfaces: vec![CapturedInterface { name: interface.to_owned(), kernel_mac: None }],
            received: Vec::new(),
            block: Vec::new(),
            name,
            rotation: None,
        };
        recorder.start_file();
        recorder.out.flush(Duration::ZERO);
        match recorder.out.take_failure() {
            Some(error) => Err(Failure::new(format!("cannot write {}: {error}", recorder.name))),
            None => Ok(recorder),
        }
    }

    /// Continues in the next file of the rotation when a limit of the file is reached.
    fn with_rotation(mut self, mut rotation: Rotation<W>) -> Recorder<W> {
        rotation.count(None, self.block.len());
        self.rotation = Some(rotation);
        self
    }

    /// Writes the blocks at the start of a file.
    fn start_file(&mut self) {
        let interfaces = std::mem::take(&mut self.interfaces);
        self.block(None, |out| {
            write::section(out, concat!("tapstack ", env!("CARGO_PKG_VERSION")));
            for interface in &interfaces {
                write::interface(out, LinkType::ETHERNET, &interface.name);
            }
        });
        self.interfaces = interfaces;
    }

    /// Continues in the next file if a limit of the current file is reached.
    fn rotate(&mut self, now: Instant, length: usize) {
        if !self.rotation.as_ref().is_some_and(|rotation| rotation.is_due(now, length)) {
            return;
        }
        self.flush();
        // A write error has ended the capture.
        if !self.out.has_reader() || self.out.pending() > 0 {
            return;
        }
        let Some(rotation) = &mut self.rotation else { return };
        let Some(mut next) = rotation.files.pop_front() else { return };
        match next.restart() {
            Ok(()) => {
                rotation.files.push_back(self.out.replace_writer(next));
                rotation.restart();
                self.start_file();
            }
            Err(error) => {
                self.out.close(error);
                self.flush();
            }
        }
    }

    /// Sets the MAC address of the kernel, if the kernel sends on the first interface too. Received frames with this source
    /// were sent by the kernel.
    pub(crate) fn with_kernel_mac(mut self, kernel_mac: Option<MacAddr>) -> Recorder<W> {
        if let Some(first) = self.interfaces.first_mut() {
            first.kernel_mac = kernel_mac;
        }
        self
    }

    /// Adds an interface, with the MAC address of the kernel if the kernel sends on the interface too. The interface has the
    /// next port.
    pub(crate) fn add_interface(&mut self, name: &str, kernel_mac: Option<MacAddr>) {
        self.block(None, |out| write::interface(out, LinkType::ETHERNET, name));
        self.interfaces.push(CapturedInterface { name: name.to_owned(), kernel_mac });
        self.flush();
    }

    /// Stores a received frame until [`Recorder::frame_decided`] writes it.
    pub(crate) fn frame_received(&mut self, bytes: &[u8]) {
        self.received.clear();
        self.received.extend_from_slice(bytes);
    }

    /// Writes the last received frame, of this port, with the decision on it as a comment.
    pub(crate) fn frame_decided(&mut self, now: Instant, port: PortId, decision: impl Display) {
        let bytes = std::mem::take(&mut self.received);
        self.write_frame(now, port, self.direction(port, &bytes), &bytes, Some(&decision.to_string()));
        self.received = bytes;
    }

    /// Writes a frame that a port has transmitted, optionally with a comment.
    pub(crate) fn frame_sent(&mut self, now: Instant, port: PortId, bytes: &[u8], comment: Option<&str>) {
        self.write_frame(now, port, Direction::Out, bytes, comment);
    }

    /// Flushes the buffer.
    pub(crate) fn flush(&mut self) {
        self.write(Duration::ZERO);
    }

    /// Returns the direction of a frame that a port has received.
    fn direction(&self, port: PortId, bytes: &[u8]) -> Direction {
        let interface = self.interfaces.get(usize::from(port.number()));
        let kernel_mac = interface.and_then(|interface| interface.kernel_mac);
        let is_sent = |frame: EthernetFrame<'_>| Some(frame.source()) == kernel_mac;
        if EthernetFrame::parse(bytes).is_ok_and(is_sent) { Direction::Out } else { Direction::In }
    }

    fn write_frame(
        &mut self,
        now: Instant,
        port: PortId,
        direction: Direction,
        bytes: &[u8],
        comment: Option<&str>,
    ) {
        if !self.out.has_reader() {
            return;
        }
        let length = bytes.len() + comment.map_or(0, str::len) + BLOCK_OVERHEAD;
        self.rotate(now, length);
        let time = self.clock.moment(now).wall.as_nanos();
        let flags = direction.flags();
        self.block(Some(now), |out| {
            let interface = port.number().into();
            write::packet(out, &write::EnhancedPacket { interface, time, data: bytes, flags, comment });
        });
    }

    /// Writes a block of a frame at this time, or of no frame.
    fn block(&mut self, now: Option<Instant>, write: impl FnOnce(&mut Vec<u8>)) {
        if self.out.is_half_full() {
            self.flush();
        }
        self.block.clear();
        write(&mut self.block);
        self.out.write_bytes(&self.block);
        if let Some(rotation) = &mut self.rotation {
            rotation.count(now, self.block.len());
        }
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
    let file = open_for_writing(path)?;
    if file.metadata()?.is_file() {
        file.set_len(0)?;
    }
    Ok(file)
}

#[cfg(test)]
mod tests;
