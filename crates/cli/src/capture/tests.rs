use std::borrow::Cow;
use std::io::Write;
use std::time::Duration;

use arp::Merge;
use host::{Dropped, Verdict};
use proptest::prelude::*;
use tap::Instant;

use super::*;
use crate::output::{Output, Sink};
use crate::report::Direction;

type Owned = (Option<u64>, usize, Vec<u8>, Option<Direction>, Option<String>);

/// All frames of a capture, and how reading it ended.
fn read(octets: &[u8]) -> (Vec<Owned>, Result<(), ReadError>) {
    let mut records = Vec::new();
    let outcome = Reader::new(octets).and_then(|mut reader| {
        reader.read(|record| {
            assert_eq!(usize::try_from(record.number).unwrap(), records.len() + 1);
            let comment = record.comment.clone().map(Cow::into_owned);
            records.push((record.time, record.length, record.octets.to_vec(), record.direction, comment));
            true
        })
    });
    (records, outcome)
}

/// A pcap file with one frame of `data`, numbers written by `word`.
fn pcap(magic: u32, fraction: u32, length: u32, data: &[u8], word: fn(u32) -> [u8; 4]) -> Vec<u8> {
    let versions = if word(1)[0] == 1 { [2, 0, 4, 0] } else { [0, 2, 0, 4] };
    let captured = u32::try_from(data.len()).unwrap();
    let head = [word(magic), versions, [0; 4], [0; 4], word(65_535), word(1)].concat();
    let frame = [word(1_700_000_000), word(fraction), word(captured), word(length)].concat();
    [&head[..], &frame, data].concat()
}

/// A pcapng block of little ends.
fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 12).unwrap().to_le_bytes();
    [&kind.to_le_bytes()[..], &length, body, &length].concat()
}

fn section() -> Vec<u8> {
    let body = [&0x1a2b_3c4d_u32.to_le_bytes()[..], &[1, 0, 0, 0], &[0xff; 8]].concat();
    block(0x0a0d_0d0a, &body)
}

fn interface(link_type: u8, snap_length: u8, options: &[u8]) -> Vec<u8> {
    block(1, &[&[link_type, 0, 0, 0, snap_length, 0, 0, 0][..], options].concat())
}

fn simple(length: u8, data: &[u8]) -> Vec<u8> {
    block(3, &[&[length, 0, 0, 0][..], data].concat())
}

#[test]
fn pcap_of_both_byte_orders_and_of_micro_and_nanoseconds() {
    for word in [u32::to_le_bytes, u32::to_be_bytes] {
        for (magic, fraction) in [(0xa1b2_c3d4, 123_456), (0xa1b2_3c4d, 123_456_000)] {
            let (records, outcome) = read(&pcap(magic, fraction, 60, &[7; 42], word));
            assert!(outcome.is_ok());
            assert_eq!(records, [(Some(1_700_000_000_123_456_000), 60, vec![7; 42], None, None)]);
        }
    }
}

#[test]
fn times_count_in_the_interfaces_own_parts_from_its_own_beginning() {
    let time = |resolution: u8, parts: u64| {
        let options = [9, 0, 1, 0, resolution, 0, 0, 0, 14, 0, 8, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        let (high, low) = ((parts >> 32).to_le_bytes(), parts.to_le_bytes());
        let frame = [&[0; 4][..], &high[..4], &low[..4], &[0; 8]].concat();
        let capture = [section(), interface(1, 0, &options), block(6, &frame)].concat();
        let (records, outcome) = read(&capture);
        assert!(outcome.is_ok());
        records[0].0
    };
    assert_eq!(time(9, 1_000_000_001), Some(6_000_000_001));
    assert_eq!(time(6, 1_000_001), Some(6_000_001_000));
    assert_eq!(time(0x8a, 1_536), Some(6_500_000_000), "a resolution of 1/1024");
    assert_eq!(time(0xff, 1), Some(5_000_000_000), "finer than any clock");
    assert_eq!(time(0, u64::MAX), None, "after the year 2554");
}

#[test]
fn a_simple_frame_has_no_time_and_ends_at_the_snap_length() {
    let capture = [section(), interface(1, 6, &[]), simple(60, &[7; 8]), simple(3, &[7; 4])].concat();
    let (records, outcome) = read(&capture);
    assert!(outcome.is_ok());
    assert_eq!(records, [(None, 60, vec![7; 6], None, None), (None, 3, vec![7; 3], None, None)]);
}

#[test]
fn what_is_no_capture_of_ethernet_says_so() {
    assert!(matches!(read(b"").1, Err(ReadError::NoCapture)));
    assert!(matches!(read(b"Received 3 packets").1, Err(ReadError::NoCapture)));
    let mut other = pcap(0xa1b2_c3d4, 0, 60, &[7; 60], u32::to_le_bytes);
    assert!(matches!(read(&other[..20]).1, Err(ReadError::Cut)));
    other[20] = 113;
    assert!(matches!(read(&other).1, Err(ReadError::LinkType(113))));
    let other = [section(), interface(113, 0, &[]), simple(4, &[7; 4])].concat();
    assert!(matches!(read(&other).1, Err(ReadError::LinkType(113))));
    let orphan = [section(), simple(4, &[7; 4])].concat();
    assert!(matches!(read(&orphan).1, Err(ReadError::Damaged)));
    // A section begins anew.
    let orphan = [section(), interface(1, 0, &[]), section(), simple(4, &[7; 4])].concat();
    assert!(matches!(read(&orphan).1, Err(ReadError::Damaged)));
}

#[test]
fn what_is_there_of_a_cut_capture_is_read_first() {
    let whole = pcap(0xa1b2_c3d4, 0, 60, &[7; 60], u32::to_le_bytes);
    let two = [&whole[..], &whole[24..]].concat();
    for end in whole.len() + 1..two.len() {
        let (records, outcome) = read(&two[..end]);
        assert_eq!(records.len(), 1, "{end}");
        assert!(matches!(outcome, Err(ReadError::Cut)), "{end}");
    }
}

#[test]
fn a_frame_longer_than_the_buffer_is_read() {
    let (records, outcome) = read(&pcap(0xa1b2_c3d4, 0, 600_000, &vec![7; 600_000], u32::to_le_bytes));
    assert!(outcome.is_ok());
    assert_eq!(records[0].2.len(), 600_000);
}

#[test]
fn a_block_that_claims_too_much_is_damage() {
    let mut capture = pcap(0xa1b2_c3d4, 0, 60, &[7; 60], u32::to_le_bytes);
    capture[32..36].copy_from_slice(&0x7fff_ffff_u32.to_le_bytes());
    assert!(matches!(read(&capture).1, Err(ReadError::Damaged | ReadError::Cut)));
}

/// Takes so many octets, and then no more.
struct Disk<'d> {
    room: usize,
    octets: &'d mut Vec<u8>,
}

impl Write for Disk<'_> {
    fn write(&mut self, octets: &[u8]) -> std::io::Result<usize> {
        if self.octets.len() + octets.len() > self.room {
            return Err(std::io::Error::from(std::io::ErrorKind::StorageFull));
        }
        self.octets.write(octets)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Sink for Disk<'_> {
    fn has_room(&self, _: Duration) -> bool {
        true
    }
}

/// What a recorder makes of these frames: whether each arrived, and its octets.
fn record(frames: &[(bool, Vec<u8>)], room: usize) -> Vec<u8> {
    let mut octets = Vec::new();
    let out = Output::at_once(Disk { room, octets: &mut octets });
    let mut recorder = Recorder::new(out, "a test".to_owned(), "tap0", Duration::from_secs(1_000)).unwrap();
    for (nanos, (arrived, frame)) in (0..).zip(frames) {
        let now = Instant::ORIGIN + Duration::from_nanos(nanos);
        if *arrived {
            recorder.arrived(frame);
            recorder.judged(now, Verdict::Dropped(Dropped::Link(link::Dropped::NotForUs)));
        } else {
            recorder.departs(now, frame);
        }
    }
    drop(recorder);
    octets
}

#[test]
fn a_frame_that_arrived_carries_the_verdict() {
    let mut octets = Vec::new();
    let out = Output::at_once(Disk { room: usize::MAX, octets: &mut octets });
    let mut recorder = Recorder::new(out, "a test".to_owned(), "tap0", Duration::ZERO).unwrap();
    let received = arp::Received { merge: Merge::Added, answer: None };
    recorder.arrived(&[7; 42]);
    recorder.judged(Instant::ORIGIN, Verdict::Arp(received));
    drop(recorder);
    assert_eq!(read(&octets).0[0].4.as_deref(), Some("learned"));
}

#[test]
fn a_full_disk_ends_capturing_and_nothing_else() {
    let frames = vec![(false, vec![7; 1_000]); 1_000];
    let octets = record(&frames, 500_000);
    let (records, outcome) = read(&octets);
    assert!(outcome.is_ok(), "it ends between two frames");
    assert!(!records.is_empty() && records.len() < 1_000, "{}", records.len());
}

proptest! {
    #[test]
    fn what_was_written_reads_back(
        frames in prop::collection::vec((any::<bool>(), prop::collection::vec(any::<u8>(), 0..200)), 0..50)
    ) {
        let (records, outcome) = read(&record(&frames, usize::MAX));
        prop_assert!(outcome.is_ok());
        prop_assert_eq!(records.len(), frames.len());
        for ((nanos, record), (arrived, frame)) in (0..).zip(records).zip(frames) {
            let comment = arrived.then(|| "dropped: not for us".to_owned());
            let direction = if arrived { Direction::In } else { Direction::Out };
            let time = Some(1_000_000_000_000 + nanos);
            prop_assert_eq!(record, (time, frame.len(), frame, Some(direction), comment));
        }
    }

    #[test]
    fn any_octets_are_read_or_refused(
        (start, rest) in (0..5_usize, prop::collection::vec(any::<u8>(), 0..400))
    ) {
        let starts = [
            Vec::new(),
            pcap(0xa1b2_c3d4, 0, 1, &[7], u32::to_le_bytes),
            pcap(0xa1b2_3c4d, 0, 1, &[7], u32::to_be_bytes),
            section(),
            [section(), interface(1, 0, &[])].concat(),
        ];
        let _ = read(&[&starts[start][..], &rest].concat());
    }

    #[test]
    fn a_capture_with_a_wrong_octet_is_read_or_refused(place in any::<prop::sample::Index>(), octet in any::<u8>()) {
        let mut octets = record(&[(true, vec![7; 60]), (false, vec![8; 61])], usize::MAX);
        let place = place.index(octets.len());
        octets[place] = octet;
        let _ = read(&octets);
    }
}
