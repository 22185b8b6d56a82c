//! Time of `tapstack decode` per frame, compared with iterating over the records of the same capture without parsing.
//!
//! The capture is a pcap file in memory with ARP requests and replies of many stations.

use std::error::Error;
use std::hint::black_box;

use arp::{Operation, PacketFields};
use cli::{DecodeFormat, decode_capture};
use criterion::{Criterion, Throughput};
use link::MacAddr;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Number of frames in the capture.
const FRAMES: u32 = 10_000;
/// Length of a pcap file header, in bytes.
const HEADER: usize = 24;
/// Length of a pcap record header, in bytes.
const RECORD: usize = 16;

fn main() -> Outcome<()> {
    let mut criterion = Criterion::default().configure_from_args();
    let capture = capture()?;
    if walk(&capture) != FRAMES {
        return Err("the number of records differs from the number of frames".into());
    }
    let mut group = criterion.benchmark_group("decode");
    group.throughput(Throughput::Elements(FRAMES.into()));
    group.bench_function("iterating over the records (lower bound)", |bencher| {
        bencher.iter(|| walk(black_box(&capture)));
    });
    let formats = [
        ("summary", DecodeFormat::Summary),
        ("-e -v -xx", DecodeFormat::Verbose),
        ("--json", DecodeFormat::Json),
    ];
    for (name, format) in formats {
        group.bench_function(name, |bencher| bencher.iter(|| decode(black_box(&capture), format)));
    }
    group.finish();
    criterion.final_summary();
    Ok(())
}

/// Decodes a capture. Returns the number of output bytes.
fn decode(capture: &[u8], format: DecodeFormat) -> usize {
    let mut printed = 0;
    let read = decode_capture(capture, format, |line| {
        printed += line.len();
        true
    });
    assert_eq!(read, Ok(()));
    printed
}

/// Counts the records of a capture.
fn walk(capture: &[u8]) -> u32 {
    let mut rest = capture.get(HEADER..).unwrap_or_default();
    let mut count = 0;
    while let Some((&[.., a, b, c, d, _, _, _, _], more)) = rest.split_first_chunk::<RECORD>() {
        let length = usize::try_from(u32::from_le_bytes([a, b, c, d])).unwrap_or(usize::MAX);
        rest = more.get(length..).unwrap_or_default();
        count += 1;
    }
    count
}

fn capture() -> Outcome<Vec<u8>> {
    let mut capture =
        vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0];
    for number in 0..FRAMES {
        let frame = frame(number)?;
        let length = u32::try_from(frame.len())?;
        for word in [1_700_000_000, number, length, length] {
            capture.extend(word.to_le_bytes());
        }
        capture.extend(frame);
    }
    Ok(capture)
}

/// Returns an ARP request or, for odd numbers, a reply, padded to the minimum length of Ethernet.
fn frame(number: u32) -> Outcome<Vec<u8>> {
    let [_, a, b, c] = number.to_be_bytes();
    let station = MacAddr::new([2, 0, 0, a, b, c]);
    let is_reply = number % 2 == 1;
    let fields = PacketFields {
        operation: if is_reply { Operation::REPLY } else { Operation::REQUEST },
        sender_hardware: station,
        sender_protocol: [10, a, b, c].into(),
        target_hardware: if is_reply { MacAddr::new([2, 0, 0, 0, 0, 1]) } else { MacAddr::ZERO },
        target_protocol: [10, 0, 0, 1].into(),
    };
    let mut bytes = vec![0xff; 6];
    bytes.extend(station.bytes());
    bytes.extend([8, 6]);
    let mut packet = [0; PacketFields::LENGTH];
    fields.write_to(&mut packet).map_err(|reason| reason.to_string())?;
    bytes.extend(packet);
    bytes.resize(60, 0);
    Ok(bytes)
}
