use std::borrow::Cow;
use std::io::Write;
use std::time::Duration;

use arp::Merge;
use host::{Dropped, Verdict};
use proptest::prelude::*;
use tap::Instant;

use super::recorder::whole_blocks;
use super::*;
use crate::output::{Output, Sink};
use crate::pcap::FRAME_LIMIT;
use crate::pcap::tests::LITTLE;
use crate::report::Direction;

type Owned = (Option<u64>, usize, Vec<u8>, Option<Direction>, Option<String>);

/// All frames of a capture, and how reading it ended.
fn read(octets: &[u8]) -> (Vec<Owned>, Result<(), ReadError>) {
    let mut records = Vec::new();
    let outcome = Reader::new(octets).and_then(|mut reader| {
        reader.read(|record| {
            let comment = record.comments.first().cloned().map(Cow::into_owned);
            records.push((record.time, record.length, record.octets.to_vec(), record.direction, comment));
            true
        })
    });
    (records, outcome)
}

#[test]
fn classic_file_of_another_link_type_is_refused_at_once() {
    let refused = |link_type| match Reader::new(&LITTLE.pcap(0xa1b2_c3d4, 4, link_type, &[])[..]) {
        Err(error) => error.to_string(),
        Ok(_) => panic!("{link_type} was read"),
    };
    let expected =
        "unsupported link type LINUX_SLL2 (276); only Ethernet is supported: `tcpdump -i eth0`, not `-i any`";
    assert_eq!(refused(276), expected);
    assert_eq!(refused(105), "unsupported link type IEEE802_11 (105); only Ethernet is supported");
    assert_eq!(refused(3_333), "unsupported link type 3333; only Ethernet is supported");
}

#[test]
fn packets_of_other_link_types_are_counted_and_the_rest_is_read() {
    let capture = [
        LITTLE.section(1, 0, &[]),
        LITTLE.interface(1, 0, &[]),
        LITTLE.interface(276, 0, &[]),
        LITTLE.enhanced(0, 0, &[1; 60], &[]),
        LITTLE.enhanced(1, 0, &[2; 60], &[]),
        LITTLE.enhanced(1, 0, &[3; 60], &[]),
        LITTLE.enhanced(0, 0, &[4; 60], &[]),
    ]
    .concat();
    let mut numbers = Vec::new();
    let mut reader = Reader::new(&capture[..]).unwrap();
    let outcome = reader.read(|record| {
        numbers.push((record.number, record.octets[0]));
        true
    });
    assert_eq!(numbers, [(1, 1), (4, 4)]);
    let told = outcome.unwrap_err().to_string();
    let expected = "2 packets of unsupported link type LINUX_SLL2 (276) omitted; only Ethernet is supported: `tcpdump -i eth0`, not `-i any`";
    assert_eq!(told, expected);
}

#[test]
fn every_kind_of_omission_is_counted_in_bounded_memory() {
    let long = vec![7; FRAME_LIMIT + 1];
    let mut blocks = vec![LITTLE.section(1, 0, &[]), LITTLE.block(0x204, &[])];
    blocks.extend((0..20).map(|link_type| LITTLE.interface(link_type, 0, &[])));
    blocks.extend((0..20).map(|interface| LITTLE.enhanced(interface, 0, &[7; 4], &[])));
    blocks.push(LITTLE.enhanced(1, 0, &long, &[]));
    let (records, outcome) = read(&blocks.concat());
    assert_eq!(records.len(), 2);
    let Err(ReadError::Omitted(omitted)) = outcome else { panic!("{outcome:?}") };
    let told = omitted.to_string();
    assert!(told.contains("11 packets of further link types omitted"), "{told}");
    assert!(told.contains("1 packet longer than 262144 bytes read in part"), "{told}");
    assert!(told.contains("1 block of unknown type 0x204 omitted"), "{told}");
}

/// Takes so many octets, and then no more; the last write is a short one.
struct Disk<'d> {
    room: usize,
    octets: &'d mut Vec<u8>,
}

impl Write for Disk<'_> {
    fn write(&mut self, octets: &[u8]) -> std::io::Result<usize> {
        match self.room - self.octets.len() {
            0 => Err(std::io::Error::from(std::io::ErrorKind::StorageFull)),
            left => self.octets.write(&octets[..left.min(octets.len())]),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Sink for Disk<'_> {
    fn has_room(&self, _: Duration) -> bool {
        true
    }

    fn retract(&mut self, count: usize) {
        self.octets.truncate(self.octets.len() - count);
    }
}

/// What a recorder makes of these frames: whether each arrived, and its octets.
fn record(frames: &[(bool, Vec<u8>)], room: usize) -> Vec<u8> {
    let mut octets = Vec::new();
    let out = Output::of_blocks(Disk { room, octets: &mut octets }, whole_blocks);
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
    let out = Output::of_blocks(Disk { room: usize::MAX, octets: &mut octets }, whole_blocks);
    let mut recorder = Recorder::new(out, "a test".to_owned(), "tap0", Duration::ZERO).unwrap();
    let received = arp::Received { merge: Merge::Added, answer: None };
    recorder.arrived(&[7; 42]);
    recorder.judged(Instant::ORIGIN, Verdict::Arp(received));
    drop(recorder);
    assert_eq!(read(&octets).0[0].4.as_deref(), Some("learned"));
}

#[test]
fn recorder_fails_when_the_disk_is_full_at_the_start() {
    for room in [0, 20] {
        let mut octets = Vec::new();
        let out = Output::of_blocks(Disk { room, octets: &mut octets }, whole_blocks);
        let refused = Recorder::new(out, "a test".to_owned(), "tap0", Duration::ZERO);
        assert!(refused.is_err(), "{room}");
    }
}

#[test]
fn a_full_disk_ends_capturing_and_nothing_else() {
    let frames = vec![(false, vec![7; 1_000]); 1_000];
    // A record takes 1,044 octets or so: the disk is full inside of one wherever that is possible.
    for room in (500_000..501_100).step_by(37) {
        let octets = record(&frames, room);
        let (records, outcome) = read(&octets);
        assert!(outcome.is_ok(), "it ends between two frames: {room}");
        assert!(!records.is_empty() && records.len() < 1_000, "{}", records.len());
        assert!(octets.len() > room - 1_100, "all whole frames are there: {} of {room}", octets.len());
    }
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
    fn a_capture_with_a_wrong_octet_is_read_or_refused(place in any::<prop::sample::Index>(), octet in any::<u8>()) {
        let mut octets = record(&[(true, vec![7; 60]), (false, vec![8; 61])], usize::MAX);
        let place = place.index(octets.len());
        octets[place] = octet;
        let _ = read(&octets);
    }
}
