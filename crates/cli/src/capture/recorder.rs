//! A capture of what passes on a wire, with what was decided about each frame.

use std::borrow::Cow;
use std::fs::File;
use std::path::Path;
use std::time::Duration;

use host::Verdict;
use pcap_parser::{
    EnhancedPacketBlock, InterfaceDescriptionBlock, Linktype, OptionCode, PcapNGOption, SectionHeaderBlock,
    ToVec,
};
use tap::Instant;

use crate::failure::Failure;
use crate::output::{Output, Sink, standard_output};
use crate::report::Direction;

/// The option of a frame that holds its direction.
const FLAGS: OptionCode = OptionCode(2);
/// Nanoseconds: ten to the power of minus this.
const RESOLUTION: u8 = 9;
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
    name: String,
}

impl Recorder<File> {
    /// Makes the file, or takes standard output for `-`. `origin` is the wall clock at the origin of the
    /// clock that the frames' times come from.
    pub(crate) fn create(path: &Path, interface: &str, origin: Duration) -> Result<Recorder<File>, Failure> {
        let name = path.display().to_string();
        let opened = if path == Path::new("-") { standard_output() } else { File::create(path) };
        let file = opened.map_err(|error| Failure::new(format!("cannot write {name}: {error}")))?;
        let is_file = file.metadata().is_ok_and(|metadata| metadata.is_file());
        // A file takes all at once, so that it never ends inside a frame; a pipe takes what it has room for.
        let out = if is_file { Output::at_once(file) } else { Output::new(file) };
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
        let mut recorder = Recorder { out, origin, arrived: Vec::new(), name };
        recorder.block(&mut section());
        recorder.block(&mut description(interface));
        recorder.flush();
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
        let length = u32::try_from(octets.len()).unwrap_or(u32::MAX);
        let mut options = vec![option(FLAGS, direction.flags().to_le_bytes().to_vec())];
        options.extend(comment.map(|comment| option(OptionCode::Comment, comment.into())));
        self.block(&mut EnhancedPacketBlock {
            block_type: 0,
            block_len1: 0,
            if_id: 0,
            ts_high: u32::try_from(time >> 32).unwrap_or_default(),
            ts_low: u32::try_from(time & u64::from(u32::MAX)).unwrap_or_default(),
            caplen: length,
            origlen: length,
            data: octets,
            options,
            block_len2: 0,
        });
    }

    fn block(&mut self, block: &mut impl ToVec) {
        if self.out.is_half_full() {
            self.flush();
        }
        // Writing to memory does not fail.
        if let Ok(octets) = block.to_vec() {
            self.out.octets(&octets);
        }
    }

    fn write(&mut self, limit: Duration) {
        self.out.flush(limit);
        if let Some(error) = self.out.take_failure() {
            let name = &self.name;
            Failure::new(format!("capturing ends, for {name} takes no more: {error}; the rest goes on"))
                .tell();
        }
    }
}

impl<W: Sink> Drop for Recorder<W> {
    fn drop(&mut self) {
        self.write(FAREWELL);
        if self.out.lost() > 0 {
            let (lost, name) = (self.out.lost(), &self.name);
            Failure::new(format!("{lost} frames are not in {name}: whoever reads it did not keep up")).tell();
        }
        if self.out.pending() > 0 {
            let name = &self.name;
            Failure::new(format!("the last frames are not in {name}: whoever reads it did not keep up"))
                .tell();
        }
    }
}

fn section() -> SectionHeaderBlock<'static> {
    let program = concat!("tapstack ", env!("CARGO_PKG_VERSION"));
    SectionHeaderBlock {
        block_type: 0,
        block_len1: 0,
        bom: 0,
        major_version: 1,
        minor_version: 0,
        // Not known beforehand.
        section_len: -1,
        options: vec![option(OptionCode::ShbUserAppl, program.into())],
        block_len2: 0,
    }
}

fn description(interface: &str) -> InterfaceDescriptionBlock<'static> {
    InterfaceDescriptionBlock {
        block_type: 0,
        block_len1: 0,
        linktype: Linktype::ETHERNET,
        reserved: 0,
        // No limit.
        snaplen: 0,
        options: vec![
            option(OptionCode::IfName, interface.into()),
            option(OptionCode::IfTsresol, vec![RESOLUTION]),
        ],
        block_len2: 0,
        if_tsresol: RESOLUTION,
        if_tsoffset: 0,
    }
}

/// Longer than any comment of ours; what is longer is left out.
fn option(code: OptionCode, value: Vec<u8>) -> PcapNGOption<'static> {
    let value = if value.len() > usize::from(u16::MAX) { Vec::new() } else { value };
    let len = u16::try_from(value.len()).unwrap_or_default();
    PcapNGOption { code, len, value: Cow::Owned(value) }
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
