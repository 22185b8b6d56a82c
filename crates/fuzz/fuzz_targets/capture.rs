//! Captures of arbitrary bytes and of arbitrary frames. Checks that all output formats print the same frames.
#![no_main]

use cli::{DecodeFormat, decode_capture};
use libfuzzer_sys::arbitrary::{self, Arbitrary, Unstructured};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

/// Header of a little-endian pcap file of Ethernet frames with microseconds.
const PCAP: [u8; 24] =
    [0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 1, 0, 0, 0];
/// Block types of pcapng.
const SECTION: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const OBSOLETE: u32 = 2;
const SIMPLE: u32 = 3;
const NAMES: u32 = 4;
const ENHANCED: u32 = 6;
/// Bytes at the start of a frame for each supported protocol, so that a header of the protocol often follows.
const HEADER_STARTS: [&[u8]; 6] = [
    &[8, 6, 0, 1, 8, 0, 6, 4, 0],
    &[8, 0, 0x45, 0, 0, 84, 0, 0, 0, 0, 64, 1],
    &[8, 0, 0x45, 0, 0, 48, 0, 0, 0, 0, 64, 17],
    &[0x81, 0, 0, 5, 8, 6, 0, 1, 8, 0, 6, 4, 0],
    &[0, 46, 0xaa, 0xaa, 3, 0, 0, 0, 8, 6],
    &[],
];

/// Frame of a capture, with its metadata.
#[derive(Arbitrary, Debug)]
struct Frame {
    start: u8,
    bytes: Vec<u8>,
    /// Number of bytes that were not captured.
    missing: u16,
    time: u64,
    block: BlockType,
    comment: Option<Vec<u8>>,
    flags: Option<u32>,
    /// Size of a block without a packet before the frame, in units of 256 bytes: up to 16 MiB.
    gap: Option<u16>,
}

/// Type of the block that holds a frame.
#[derive(Arbitrary, Clone, Copy, Debug)]
enum BlockType {
    Enhanced,
    Simple,
    Obsolete,
}

/// Frames, and the interface description of a pcapng file.
#[derive(Arbitrary, Debug)]
struct Contents {
    resolution: u8,
    offset: i64,
    snap_length: u16,
    is_big_endian: bool,
    /// Size of the comments of the section, in units of 16 KiB: up to 4 MiB.
    section_comments: u8,
    frames: Vec<Frame>,
}

#[derive(Debug)]
enum Capture {
    Pcap(Contents),
    Pcapng(Contents),
    /// Arbitrary bytes, so that any capture is a seed.
    Bytes(Vec<u8>),
}

impl<'a> Arbitrary<'a> for Capture {
    fn arbitrary(from: &mut Unstructured<'a>) -> arbitrary::Result<Capture> {
        match from.peek_bytes(1) {
            Some([kind @ (0 | 1)]) => {
                let is_pcap = *kind == 0;
                from.bytes(1)?;
                Ok(if is_pcap {
                    Capture::Pcap(from.arbitrary()?)
                } else {
                    Capture::Pcapng(from.arbitrary()?)
                })
            }
            _ => Ok(Capture::Bytes(from.bytes(from.len())?.to_vec())),
        }
    }
}

fuzz_target!(|capture: Capture| match capture {
    Capture::Pcap(contents) => assert_eq!(print(&contents.pcap()), Ok(contents.frames.len())),
    // All frames are read, even if times are too large or frames are truncated to the snap length.
    Capture::Pcapng(contents) => assert_eq!(print(&contents.pcapng()), Ok(contents.frames.len())),
    Capture::Bytes(bytes) => drop(print(&bytes)),
});

/// Prints a capture in all formats, and returns its number of frames.
fn print(capture: &[u8]) -> Result<usize, String> {
    let counts = [DecodeFormat::Summary, DecodeFormat::Verbose, DecodeFormat::Json, DecodeFormat::Explained]
        .map(|format| {
            let (mut count, mut number) = (0, 0);
            let read = decode_capture(capture, format, |text| {
                count += 1;
                number = check(text, format, number);
                true
            });
            (read, count)
        });
    assert!(counts.windows(2).all(|pair| pair[0] == pair[1]), "different results per format: {counts:?}");
    let [(read, count), ..] = counts;
    read.map(|()| count)
}

/// Checks that the text consists of whole lines without control characters.
///
/// Returns the packet number in JSON, which includes omitted packets, and `before` in other formats.
fn check(text: &str, format: DecodeFormat, before: u64) -> u64 {
    assert!(text.ends_with('\n'), "{text:?}");
    assert!(!text.chars().any(|letter| letter.is_control() && letter != '\n' && letter != '\t'), "{text:?}");
    match format {
        DecodeFormat::Summary => assert!(text.lines().count() == 1, "{text:?}"),
        DecodeFormat::Json => {
            let object: Value = serde_json::from_str(text).expect("output should be valid JSON");
            let number = object["number"].as_u64().expect("`number` should be an integer");
            assert!(number > before && object["faults"].is_array());
            return number;
        }
        DecodeFormat::Verbose | DecodeFormat::Explained => {}
    }
    before
}

impl Frame {
    fn bytes(&self) -> Vec<u8> {
        let start = HEADER_STARTS[usize::from(self.start) % HEADER_STARTS.len()];
        let addresses: &[u8] = if start.is_empty() { &[] } else { &[2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1] };
        [addresses, start, &self.bytes].concat()
    }

    /// Returns the high and the low 32 bits of the time of the frame.
    fn time_words(&self) -> [u32; 2] {
        [self.time >> 32, self.time & 0xffff_ffff]
            .map(|half| u32::try_from(half).expect("half should have 32 bits"))
    }
}

impl Contents {
    fn pcap(&self) -> Vec<u8> {
        let mut capture = PCAP.to_vec();
        for frame in &self.frames {
            let bytes = frame.bytes();
            let length = u32::try_from(bytes.len()).expect("frame length should fit in 32 bits");
            let [high, low] = frame.time_words();
            let fields = [low, high, length, length + u32::from(frame.missing)];
            capture.extend(fields.into_iter().flat_map(u32::to_le_bytes));
            capture.extend(bytes);
        }
        capture
    }

    fn pcapng(&self) -> Vec<u8> {
        let encoder = Encoder(self.is_big_endian);
        let comments = encoder.option(1, &[b'x'; 16_384]).repeat(usize::from(self.section_comments));
        let section =
            [&encoder.u32(0x1a2b_3c4d)[..], &encoder.u16(1), &[0; 2], &[0xff; 8], &comments].concat();
        let mut capture = encoder.block(SECTION, &section);
        let mut interface = [&encoder.u16(1)[..], &[0; 2], &encoder.u32(self.snap_length.into())].concat();
        interface.extend(encoder.option(9, &[self.resolution]));
        let offset = if self.is_big_endian { self.offset.to_be_bytes() } else { self.offset.to_le_bytes() };
        interface.extend(encoder.option(14, &offset));
        capture.extend(encoder.block(INTERFACE, &interface));
        for frame in &self.frames {
            if let Some(gap) = frame.gap {
                capture.extend(encoder.block(NAMES, &vec![0xff; usize::from(gap) * 256]));
            }
            capture.extend(encoder.packet(frame));
        }
        capture
    }
}

/// Encoder of pcapng blocks; big-endian if true.
#[derive(Clone, Copy)]
struct Encoder(bool);

impl Encoder {
    fn packet(self, frame: &Frame) -> Vec<u8> {
        let bytes = frame.bytes();
        let captured = u32::try_from(bytes.len()).expect("frame length should fit in 32 bits");
        let length = captured + u32::from(frame.missing);
        let [high, low] = frame.time_words();
        let fields = [high, low, captured, length];
        let mut body = match frame.block {
            BlockType::Simple => {
                return self.block(SIMPLE, &[&self.u32(length)[..], &padded(&bytes)].concat());
            }
            BlockType::Enhanced => self.u32(0).to_vec(),
            BlockType::Obsolete => [self.u16(0), self.u16(7)].concat(),
        };
        body.extend(fields.into_iter().flat_map(|word| self.u32(word)));
        body.extend(padded(&bytes));
        if let Some(comment) = &frame.comment {
            body.extend(self.option(1, &comment[..comment.len().min(1_000)]));
        }
        if let Some(flags) = frame.flags {
            body.extend(self.option(2, &self.u32(flags)));
        }
        self.block(if matches!(frame.block, BlockType::Enhanced) { ENHANCED } else { OBSOLETE }, &body)
    }

    fn block(self, kind: u32, body: &[u8]) -> Vec<u8> {
        let length = self.u32(u32::try_from(body.len() + 12).expect("block length should fit in 32 bits"));
        [&self.u32(kind)[..], &length, body, &length].concat()
    }

    fn option(self, code: u16, value: &[u8]) -> Vec<u8> {
        let length = self.u16(u16::try_from(value.len()).expect("option length should fit in 16 bits"));
        [&self.u16(code)[..], &length, &padded(value)].concat()
    }

    fn u16(self, number: u16) -> [u8; 2] {
        if self.0 { number.to_be_bytes() } else { number.to_le_bytes() }
    }

    fn u32(self, number: u32) -> [u8; 4] {
        if self.0 { number.to_be_bytes() } else { number.to_le_bytes() }
    }
}

/// Returns the bytes padded to a multiple of four.
fn padded(bytes: &[u8]) -> Vec<u8> {
    let mut padded = bytes.to_vec();
    padded.resize(bytes.len().next_multiple_of(4), 0);
    padded
}
