//! A capture of what passes on a wire, with what was decided about each frame.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;
use std::time::Duration;

use host::Verdict;
use tap::Instant;

use crate::failure::Failure;
use crate::output::{Output, Sink, standard_output};
use crate::pcap::{LinkType, write};
use crate::report::Direction;

/// How long a reader may take for the last frames.
const FAREWELL: Duration = Duration::from_secs(1);

/// Writes pcapng. It never holds the host up: what a slow reader has no room for is lost and counted, and
/// where nothing can be written any more, capturing ends.
pub(crate) struct Recorder<W: Sink> {
    out: Output<W>,
    /// Wall clock at the origin of our own clock, since 1970 in UTC.
    origin: Duration,
    /// The frame that arrived last, not yet judged.
    arrived: Vec<u8>,
    /// The block that is written.
    block: Vec<u8>,
    name: String,
}

impl Recorder<File> {
    /// Makes the file, or takes standard output for `-`. `origin` is the wall clock at the origin of the
    /// clock that the frames' times come from.
    pub(crate) fn create(path: &Path, interface: &str, origin: Duration) -> Result<Recorder<File>, Failure> {
        let name = path.display().to_string();
        let opened = if path == Path::new("-") { standard_output() } else { create(path) };
        let file = opened.map_err(|error| Failure::new(format!("cannot write {name}: {error}")))?;
        let is_file = file.metadata().is_ok_and(|metadata| metadata.is_file());
        // A file never ends inside a block, even when the disk is full. A pipe accepts any number of bytes.
        let out = if is_file { Output::of_blocks(file, whole_blocks) } else { Output::new(file) };
        Recorder::new(out, name, interface, origin)
    }
}

impl<W: Sink> Recorder<W> {
    /// Begins a capture of one interface. `name` is what the capture is called in sentences.
    pub(super) fn new(
        out: Output<W>,
        name: String,
        interface: &str,
        origin: Duration,
    ) -> Result<Recorder<W>, Failure> {
        let mut recorder = Recorder { out, origin, arrived: Vec::new(), block: Vec::new(), name };
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

    /// A frame arrived; what becomes of it, [`Recorder::judged`] tells.
    pub(crate) fn arrived(&mut self, octets: &[u8]) {
        self.arrived.clear();
        self.arrived.extend_from_slice(octets);
    }

    /// The frame that arrived last was judged.
    pub(crate) fn judged(&mut self, now: Instant, verdict: Verdict) {
        self.decided(now, &verdict.to_string());
    }

    /// The same, in words.
    pub(crate) fn decided(&mut self, now: Instant, comment: &str) {
        let octets = std::mem::take(&mut self.arrived);
        self.frame(now, Direction::In, &octets, Some(comment));
        self.arrived = octets;
    }

    /// A frame departs.
    pub(crate) fn departs(&mut self, now: Instant, octets: &[u8]) {
        self.frame(now, Direction::Out, octets, None);
    }

    /// Writes what waits.
    pub(crate) fn flush(&mut self) {
        self.write(Duration::ZERO);
    }

    /// A frame passed; `comment` is what was decided about it.
    pub(crate) fn frame(&mut self, now: Instant, direction: Direction, octets: &[u8], comment: Option<&str>) {
        if !self.out.has_reader() {
            return;
        }
        let origin = u64::try_from(self.origin.as_nanos()).unwrap_or_default();
        let time = origin.saturating_add(now.as_nanos());
        let flags = direction.flags();
        self.block(|out| write::packet(out, &write::Packet { time, data: octets, flags, comment }));
    }

    fn block(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        if self.out.is_half_full() {
            self.flush();
        }
        self.block.clear();
        write(&mut self.block);
        self.out.octets(&self.block);
    }

    fn write(&mut self, limit: Duration) {
        self.out.flush(limit);
        if let Some(error) = self.out.take_failure() {
            let name = &self.name;
            Failure::new(format!("capturing ends, for {name} takes no more: {error}; the rest goes on"))
                .print();
        }
    }
}

impl<W: Sink> Drop for Recorder<W> {
    fn drop(&mut self) {
        self.write(FAREWELL);
        if self.out.lost() > 0 {
            let (lost, name) = (self.out.lost(), &self.name);
            Failure::new(format!("{lost} frames are not in {name}: whoever reads it did not keep up"))
                .print();
        }
        if self.out.pending() > 0 {
            let name = &self.name;
            Failure::new(format!("the last frames are not in {name}: whoever reads it did not keep up"))
                .print();
        }
    }
}

/// Opens a file to write a capture into, and empties it if it is a regular one. Links are followed, as by tcpdump.
fn create(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_file() {
        file.set_len(0)?;
    } else if metadata.file_type().is_block_device() {
        // A capture would overwrite what is on the disk.
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is a block device"));
    }
    Ok(file)
}

/// How many of these bytes are whole blocks of pcapng. The input starts at a block boundary.
pub(super) fn whole_blocks(octets: &[u8]) -> usize {
    let mut end = 0;
    while let Some(length) =
        octets.get(end..).and_then(|rest| rest.get(4..8)).and_then(|four| four.try_into().ok())
    {
        let length = usize::try_from(u32::from_le_bytes(length)).unwrap_or(usize::MAX);
        match end.checked_add(length).filter(|next| length > 0 && *next <= octets.len()) {
            Some(next) => end = next,
            None => break,
        }
    }
    end
}

impl Direction {
    /// The lowest bits of a frame's flags in pcapng.
    fn flags(self) -> u32 {
        match self {
            Self::In => 1,
            Self::Out => 2,
        }
    }

    /// Which way those bits say that it went.
    pub(super) fn of_flags(flags: u32) -> Option<Direction> {
        match flags & 3 {
            1 => Some(Self::In),
            2 => Some(Self::Out),
            _ => None,
        }
    }
}
