use std::borrow::Cow;
use std::io::Write;
use std::time::Duration;

use arp::Merge;
use capture::{FrameReader, FrameReaderError, LinkType};
use host::{DropReason, FrameOutcome};
use proptest::prelude::*;
use tap::Instant;

use super::*;

type FrameContent = (Option<u64>, usize, Vec<u8>, Option<Direction>, Option<String>);

/// Returns all frames of a capture and the result of reading it.
fn read(bytes: &[u8]) -> (Vec<FrameContent>, Result<(), FrameReaderError>) {
    let mut records = Vec::new();
    let outcome = FrameReader::new(bytes, &[LinkType::ETHERNET]).and_then(|mut reader| {
        reader.read(|record| {
            let comment = record.comments.first().cloned().map(Cow::into_owned);
            records.push((record.time, record.length, record.bytes.to_vec(), record.direction, comment));
            true
        })
    });
    (records, outcome)
}

/// A disk of limited capacity. Its last write is incomplete.
struct FullDisk<'d> {
    capacity: usize,
    bytes: &'d mut Vec<u8>,
}

impl Write for FullDisk<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self.capacity - self.bytes.len() {
            0 => Err(std::io::Error::from(std::io::ErrorKind::StorageFull)),
            left => self.bytes.write(&bytes[..left.min(bytes.len())]),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Sink for FullDisk<'_> {
    fn is_writable(&self, _: Duration) -> bool {
        true
    }

    fn take_back(&mut self, count: usize) {
        self.bytes.truncate(self.bytes.len() - count);
    }
}

/// Returns a capture of these frames. The flag says whether the frame was received.
fn record(frames: &[(bool, Vec<u8>)], capacity: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let out = Output::of_whole_blocks(FullDisk { capacity, bytes: &mut bytes }, whole_blocks);
    let mut recorder =
        Recorder::new(out, "a test".to_owned(), "tap0", WallClock::Fixed(Duration::from_secs(1_000)))
            .unwrap();
    for (nanos, (arrived, frame)) in (0..).zip(frames) {
        let now = Instant::ORIGIN + Duration::from_nanos(nanos);
        if *arrived {
            recorder.frame_received(frame);
            recorder
                .frame_decided(now, FrameOutcome::Dropped(DropReason::Link(link::LinkDropReason::NotLocal)));
        } else {
            recorder.frame_sent(now, frame, None);
        }
    }
    drop(recorder);
    bytes
}

#[test]
fn received_frame_has_outcome_as_comment() {
    let mut bytes = Vec::new();
    let out = Output::of_whole_blocks(FullDisk { capacity: usize::MAX, bytes: &mut bytes }, whole_blocks);
    let mut recorder =
        Recorder::new(out, "a test".to_owned(), "tap0", WallClock::Fixed(Duration::ZERO)).unwrap();
    let received = arp::Reception { merge: Merge::Added, reply: None };
    recorder.frame_received(&[7; 42]);
    recorder.frame_decided(Instant::ORIGIN, FrameOutcome::Arp(received));
    drop(recorder);
    assert_eq!(read(&bytes).0[0].4.as_deref(), Some("learned"));
}

#[test]
fn recorder_fails_when_disk_is_full_at_start() {
    for capacity in [0, 20] {
        let mut bytes = Vec::new();
        let out = Output::of_whole_blocks(FullDisk { capacity, bytes: &mut bytes }, whole_blocks);
        let refused = Recorder::new(out, "a test".to_owned(), "tap0", WallClock::Fixed(Duration::ZERO));
        assert!(refused.is_err(), "{capacity}");
    }
}

#[test]
fn capture_ends_with_whole_block_when_disk_is_full() {
    let frames = vec![(false, vec![7; 1_000]); 1_000];
    // A block has about 1,044 bytes, so the disk becomes full at different offsets in a block.
    for capacity in (500_000..501_100).step_by(37) {
        let bytes = record(&frames, capacity);
        let (records, outcome) = read(&bytes);
        assert!(outcome.is_ok(), "the capture ends between two frames: {capacity}");
        assert!(!records.is_empty() && records.len() < 1_000, "{}", records.len());
        assert!(
            bytes.len() > capacity - 1_100,
            "all complete frames are present: {} of {capacity}",
            bytes.len()
        );
    }
}

proptest! {
    #[test]
    fn written_capture_reads_back(
        frames in prop::collection::vec((any::<bool>(), prop::collection::vec(any::<u8>(), 0..200)), 0..50)
    ) {
        let (records, outcome) = read(&record(&frames, usize::MAX));
        prop_assert!(outcome.is_ok());
        prop_assert_eq!(records.len(), frames.len());
        for ((nanos, record), (arrived, frame)) in (0..).zip(records).zip(frames) {
            let comment = arrived.then(|| "dropped: destination is not a local address".to_owned());
            let direction = if arrived { Direction::In } else { Direction::Out };
            let time = Some(1_000_000_000_000 + nanos);
            prop_assert_eq!(record, (time, frame.len(), frame, Some(direction), comment));
        }
    }

    #[test]
    fn reading_capture_does_not_panic_when_byte_is_changed(index in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = record(&[(true, vec![7; 60]), (false, vec![8; 61])], usize::MAX);
        let index = index.index(bytes.len());
        bytes[index] = byte;
        let _ = read(&bytes);
    }
}
