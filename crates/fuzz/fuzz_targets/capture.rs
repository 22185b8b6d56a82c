//! A capture of any octets, and captures of frames of any octets: every printer prints them all.
#![no_main]

use cli::{Form, decode_capture};
use libfuzzer_sys::arbitrary::{self, Arbitrary, Unstructured};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

/// The start of a pcap file of Ethernet frames: microseconds, octets of the host that have the lowest first.
const PCAP: [u8; 24] =
    [0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 1, 0, 0, 0];
/// Where the blocks of a pcapng file start, and its options (comments, flags, resolution, offset).
const SECTION: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const SIMPLE: u32 = 3;
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
    is_simple: bool,
    comment: Option<Vec<u8>>,
    flags: Option<u32>,
}

/// Frames, and what a pcapng file says of their interface.
#[derive(Arbitrary, Debug)]
struct Frames {
    resolution: u8,
    offset: i64,
    snap_length: u16,
    frames: Vec<Frame>,
}

#[derive(Debug)]
enum Capture {
    Pcap(Frames),
    Pcapng(Frames),
    /// Whatever these octets are: so a seed is a capture.
    Octets(Vec<u8>),
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
            _ => Ok(Capture::Octets(from.bytes(from.len())?.to_vec())),
        }
    }
}

fuzz_target!(|capture: Capture| match capture {
    Capture::Pcap(frames) => assert_eq!(print(&frames.pcap()), Ok(frames.frames.len())),
    // Times may be too large, and frames cut to the snap length: all are read.
    Capture::Pcapng(frames) => assert_eq!(print(&frames.pcapng()), Ok(frames.frames.len())),
    Capture::Octets(octets) => drop(print(&octets)),
});

/// Prints a capture every way, and returns how many frames it has.
fn print(capture: &[u8]) -> Result<usize, String> {
    let counts = [Form::Words, Form::AllWords, Form::Json, Form::Explained].map(|form| {
        let mut count = 0;
        let read = decode_capture(capture, form, |text| {
            count += 1;
            check(text, form, count);
            true
        });
        (read, count)
    });
    assert!(counts.windows(2).all(|pair| pair[0] == pair[1]), "every way reads the same: {counts:?}");
    let [(read, count), ..] = counts;
    read.map(|()| count)
}

/// What is printed is whole lines, and nothing in it moves a terminal's cursor.
fn check(text: &str, form: Form, number: usize) {
    assert!(text.ends_with('\n'), "{text:?}");
    assert!(!text.chars().any(|letter| letter.is_control() && letter != '\n' && letter != '\t'), "{text:?}");
    match form {
        Form::Words => assert!(text.lines().count() == 1, "{text:?}"),
        Form::Json => {
            let object: Value = serde_json::from_str(text).expect("a line is JSON");
            assert_eq!(object["number"], number);
            assert!(object["faults"].is_array());
        }
        Form::AllWords | Form::Explained => {}
    }
}

impl Frame {
    fn octets(&self) -> Vec<u8> {
        let start = STARTS[usize::from(self.start) % STARTS.len()];
        let addresses: &[u8] = if start.is_empty() { &[] } else { &[2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1] };
        [addresses, start, &self.octets].concat()
    }
}

impl Frames {
    fn pcap(&self) -> Vec<u8> {
        let mut capture = PCAP.to_vec();
        for frame in &self.frames {
            let octets = frame.octets();
            let length = u32::try_from(octets.len()).expect("a short frame");
            let words =
                [frame.time as u32, (frame.time >> 32) as u32, length, length + u32::from(frame.missing)];
            capture.extend(words.into_iter().flat_map(u32::to_le_bytes));
            capture.extend(octets);
        }
        capture
    }

    fn pcapng(&self) -> Vec<u8> {
        let section = [&0x1a2b_3c4d_u32.to_le_bytes()[..], &[1, 0, 0, 0], &[0xff; 8]].concat();
        let mut capture = block(SECTION, &section);
        let mut interface = [&[1, 0, 0, 0][..], &u32::from(self.snap_length).to_le_bytes()].concat();
        interface.extend(option(9, &[self.resolution]));
        interface.extend(option(14, &self.offset.to_le_bytes()));
        capture.extend(block(INTERFACE, &interface));
        for frame in &self.frames {
            capture.extend(self.packet(frame));
        }
        capture
    }

    fn packet(&self, frame: &Frame) -> Vec<u8> {
        let octets = frame.octets();
        let captured = u32::try_from(octets.len()).expect("a short frame");
        let length = captured + u32::from(frame.missing);
        if frame.is_simple {
            return block(SIMPLE, &[&length.to_le_bytes()[..], &padded(&octets)].concat());
        }
        let words = [0, (frame.time >> 32) as u32, frame.time as u32, captured, length];
        let mut body: Vec<u8> = words.into_iter().flat_map(u32::to_le_bytes).collect();
        body.extend(padded(&octets));
        if let Some(comment) = &frame.comment {
            body.extend(option(1, &comment[..comment.len().min(1_000)]));
        }
        if let Some(flags) = frame.flags {
            body.extend(option(2, &flags.to_le_bytes()));
        }
        block(ENHANCED, &body)
    }
}

fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 12).expect("a short block").to_le_bytes();
    [&kind.to_le_bytes()[..], &length, body, &length].concat()
}

fn option(code: u16, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(value.len()).expect("a short option").to_le_bytes();
    [&code.to_le_bytes()[..], &length, &padded(value)].concat()
}

/// Octets up to the next multiple of four.
fn padded(octets: &[u8]) -> Vec<u8> {
    let mut padded = octets.to_vec();
    padded.resize(octets.len().next_multiple_of(4), 0);
    padded
}
