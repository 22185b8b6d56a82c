//! A capture of any octets, and captures of frames of any octets: every printer prints them all.
#![no_main]

use cli::{DecodeFormat, decode_capture};
use libfuzzer_sys::arbitrary::{self, Arbitrary, Unstructured};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

/// The start of a pcap file of Ethernet frames: microseconds, octets of the host that have the lowest first.
const PCAP: [u8; 24] =
    [0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 1, 0, 0, 0];
/// Types of a pcapng file's blocks.
const SECTION: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const OBSOLETE: u32 = 2;
const SIMPLE: u32 = 3;
const NAMES: u32 = 4;
const ENHANCED: u32 = 6;
/// The start of a frame for each protocol that is read, so that what follows is often its header.
const STARTS: [&[u8]; 6] = [
    &[8, 6, 0, 1, 8, 0, 6, 4, 0],
    &[8, 0, 0x45, 0, 0, 84, 0, 0, 0, 0, 64, 1],
    &[8, 0, 0x45, 0, 0, 48, 0, 0, 0, 0, 64, 17],
    &[0x81, 0, 0, 5, 8, 6, 0, 1, 8, 0, 6, 4, 0],
    &[0, 46, 0xaa, 0xaa, 3, 0, 0, 0, 8, 6],
    &[],
];

/// One frame, and what a capture says of it.
#[derive(Arbitrary, Debug)]
struct Frame {
    start: u8,
    octets: Vec<u8>,
    /// How much of it was not captured.
    missing: u16,
    time: u64,
    block: Block,
    comment: Option<Vec<u8>>,
    flags: Option<u32>,
    /// Bytes of a block without a packet before it: up to 16 MiB.
    gap: Option<u16>,
}

/// Which block a frame is in.
#[derive(Arbitrary, Clone, Copy, Debug)]
enum Block {
    Enhanced,
    Simple,
    Obsolete,
}

/// Frames, and what a pcapng file says of their interface.
#[derive(Arbitrary, Debug)]
struct Contents {
    resolution: u8,
    offset: i64,
    snap_length: u16,
    is_big_endian: bool,
    /// Bytes of the section's comments: up to 4 MiB.
    section_comments: u8,
    frames: Vec<Frame>,
}

#[derive(Debug)]
enum Capture {
    Pcap(Contents),
    Pcapng(Contents),
    /// Any bytes: so a seed is a capture.
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
    // Times may be too large, and frames cut to the snap length: all are read.
    Capture::Pcapng(contents) => assert_eq!(print(&contents.pcapng()), Ok(contents.frames.len())),
    Capture::Bytes(bytes) => drop(print(&bytes)),
});

/// Prints a capture every way, and returns how many frames it has.
fn print(capture: &[u8]) -> Result<usize, String> {
    let counts = [DecodeFormat::Summary, DecodeFormat::Verbose, DecodeFormat::Json, DecodeFormat::Explained]
        .map(|form| {
            let (mut count, mut number) = (0, 0);
            let read = decode_capture(capture, form, |text| {
                count += 1;
                number = check(text, form, number);
                true
            });
            (read, count)
        });
    assert!(counts.windows(2).all(|pair| pair[0] == pair[1]), "every way reads the same: {counts:?}");
    let [(read, count), ..] = counts;
    read.map(|()| count)
}

/// What is printed is whole lines, and nothing in it moves a terminal's cursor. Returns the number of the packet, if the form
/// has one: packets that are not shown count.
fn check(text: &str, form: DecodeFormat, before: u64) -> u64 {
    assert!(text.ends_with('\n'), "{text:?}");
    assert!(!text.chars().any(|letter| letter.is_control() && letter != '\n' && letter != '\t'), "{text:?}");
    match form {
        DecodeFormat::Summary => assert!(text.lines().count() == 1, "{text:?}"),
        DecodeFormat::Json => {
            let object: Value = serde_json::from_str(text).expect("a line is JSON");
            let number = object["number"].as_u64().expect("a number");
            assert!(number > before && object["faults"].is_array());
            return number;
        }
        DecodeFormat::Verbose | DecodeFormat::Explained => {}
    }
    before
}

impl Frame {
    fn octets(&self) -> Vec<u8> {
        let start = STARTS[usize::from(self.start) % STARTS.len()];
        let addresses: &[u8] = if start.is_empty() { &[] } else { &[2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1] };
        [addresses, start, &self.octets].concat()
    }

    /// Returns the high and the low 32 bits of its time.
    fn time_words(&self) -> [u32; 2] {
        [self.time >> 32, self.time & 0xffff_ffff].map(|half| u32::try_from(half).expect("32 bits"))
    }
}

impl Contents {
    fn pcap(&self) -> Vec<u8> {
        let mut capture = PCAP.to_vec();
        for frame in &self.frames {
            let octets = frame.octets();
            let length = u32::try_from(octets.len()).expect("a short frame");
            let [high, low] = frame.time_words();
            let words = [low, high, length, length + u32::from(frame.missing)];
            capture.extend(words.into_iter().flat_map(u32::to_le_bytes));
            capture.extend(octets);
        }
        capture
    }

    fn pcapng(&self) -> Vec<u8> {
        let order = Order(self.is_big_endian);
        let comments = order.option(1, &[b'x'; 16_384]).repeat(usize::from(self.section_comments));
        let section = [&order.u32(0x1a2b_3c4d)[..], &order.u16(1), &[0; 2], &[0xff; 8], &comments].concat();
        let mut capture = order.block(SECTION, &section);
        let mut interface = [&order.u16(1)[..], &[0; 2], &order.u32(self.snap_length.into())].concat();
        interface.extend(order.option(9, &[self.resolution]));
        let offset = if self.is_big_endian { self.offset.to_be_bytes() } else { self.offset.to_le_bytes() };
        interface.extend(order.option(14, &offset));
        capture.extend(order.block(INTERFACE, &interface));
        for frame in &self.frames {
            if let Some(gap) = frame.gap {
                capture.extend(order.block(NAMES, &vec![0xff; usize::from(gap) * 256]));
            }
            capture.extend(order.packet(frame));
        }
        capture
    }
}

/// Numbers in one byte order: whether it is big-endian.
#[derive(Clone, Copy)]
struct Order(bool);

impl Order {
    fn packet(self, frame: &Frame) -> Vec<u8> {
        let octets = frame.octets();
        let captured = u32::try_from(octets.len()).expect("a short frame");
        let length = captured + u32::from(frame.missing);
        let [high, low] = frame.time_words();
        let words = [high, low, captured, length];
        let mut body = match frame.block {
            Block::Simple => {
                return self.block(SIMPLE, &[&self.u32(length)[..], &padded(&octets)].concat());
            }
            Block::Enhanced => self.u32(0).to_vec(),
            Block::Obsolete => [self.u16(0), self.u16(7)].concat(),
        };
        body.extend(words.into_iter().flat_map(|word| self.u32(word)));
        body.extend(padded(&octets));
        if let Some(comment) = &frame.comment {
            body.extend(self.option(1, &comment[..comment.len().min(1_000)]));
        }
        if let Some(flags) = frame.flags {
            body.extend(self.option(2, &self.u32(flags)));
        }
        self.block(if matches!(frame.block, Block::Enhanced) { ENHANCED } else { OBSOLETE }, &body)
    }

    fn block(self, kind: u32, body: &[u8]) -> Vec<u8> {
        let length = self.u32(u32::try_from(body.len() + 12).expect("a block that fits"));
        [&self.u32(kind)[..], &length, body, &length].concat()
    }

    fn option(self, code: u16, value: &[u8]) -> Vec<u8> {
        let length = self.u16(u16::try_from(value.len()).expect("a short option"));
        [&self.u16(code)[..], &length, &padded(value)].concat()
    }

    fn u16(self, number: u16) -> [u8; 2] {
        if self.0 { number.to_be_bytes() } else { number.to_le_bytes() }
    }

    fn u32(self, number: u32) -> [u8; 4] {
        if self.0 { number.to_be_bytes() } else { number.to_le_bytes() }
    }
}

/// Octets up to the next multiple of four.
fn padded(octets: &[u8]) -> Vec<u8> {
    let mut padded = octets.to_vec();
    padded.resize(octets.len().next_multiple_of(4), 0);
    padded
}
