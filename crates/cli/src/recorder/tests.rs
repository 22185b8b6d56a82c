use std::borrow::Cow;
use std::io::Write;
use std::time::Duration;

use arp::Merge;
use capture::{FrameReader, FrameReaderError, LinkType};
use host::{DropReason, FrameOutcome};
use link::MacAddr;
use proptest::prelude::*;
use tap::{Instant, PortId};

use super::*;

const PORT: PortId = PortId::new(0);

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
            recorder.frame_decided(
                now,
                PORT,
                FrameOutcome::Dropped(DropReason::Link(link::LinkDropReason::NotLocal)),
            );
        } else {
            recorder.frame_sent(now, PORT, frame, None);
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
    recorder.frame_decided(Instant::ORIGIN, PORT, FrameOutcome::Arp(received));
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

/// A file in memory that several owners see.
#[derive(Clone, Debug, Default)]
struct SharedFile(std::rc::Rc<std::cell::RefCell<Vec<u8>>>);

impl Write for SharedFile {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Sink for SharedFile {
    fn is_writable(&self, _: Duration) -> bool {
        true
    }

    fn restart(&mut self) -> std::io::Result<()> {
        self.0.borrow_mut().clear();
        Ok(())
    }
}

/// Records frames of 100 bytes with these numbers, one each second, in a ring of three files. Returns the numbers in each file.
fn rotated(limits: FileLimits, count: u8) -> [Vec<u8>; 3] {
    let files: [SharedFile; 3] = Default::default();
    let [first, rest @ ..] = files.clone();
    let out = Output::of_whole_blocks(first, whole_blocks);
    let recorder = Recorder::new(out, "a test".to_owned(), "tap0", WallClock::Fixed(Duration::ZERO)).unwrap();
    let mut recorder = recorder.with_rotation(Rotation::new(rest.into(), limits));
    for number in 0..count {
        recorder.frame_sent(
            Instant::from_nanos(u64::from(number) * 1_000_000_000),
            PORT,
            &[number; 100],
            None,
        );
    }
    drop(recorder);
    files.map(|file| {
        let (frames, outcome) = read(&file.0.borrow());
        // A file that was not reached is empty.
        assert_eq!(outcome.is_ok(), !frames.is_empty());
        frames.iter().map(|(_, _, bytes, _, _)| bytes[0]).collect()
    })
}

#[test]
fn capture_rotates_over_ring_of_files_by_size_and_time() {
    let size = |size| FileLimits { size: Some(size), time: None };
    // Each file is a capture of its own, with at least one frame.
    assert_eq!(rotated(size(1), 3), [vec![0], vec![1], vec![2]]);
    assert_eq!(rotated(size(1), 5), [vec![3], vec![4], vec![2]]);
    assert_eq!(rotated(size(1_000_000), 3), [vec![0, 1, 2], vec![], vec![]]);
    let time = |seconds| FileLimits { size: None, time: Some(Duration::from_secs(seconds)) };
    assert_eq!(rotated(time(2), 5), [vec![0, 1], vec![2, 3], vec![4]]);
    assert_eq!(rotated(time(2), 8), [vec![6, 7], vec![2, 3], vec![4, 5]]);
    assert_eq!(rotated(time(60), 3), [vec![0, 1, 2], vec![], vec![]]);
}

proptest! {
    #[test]
    fn rotated_file_is_at_most_its_size_and_no_frame_is_lost(size in 300_u64..3_000, count in 0_u8..20) {
        let limits = FileLimits { size: Some(size), time: None };
        let files: [SharedFile; 3] = Default::default();
        let [first, rest @ ..] = files.clone();
        let out = Output::of_whole_blocks(first, whole_blocks);
        let recorder =
            Recorder::new(out, "a test".to_owned(), "tap0", WallClock::Fixed(Duration::ZERO)).unwrap();
        let mut recorder = recorder.with_rotation(Rotation::new(rest.into(), limits));
        for number in 0..count {
            recorder.frame_sent(Instant::ORIGIN, PORT, &[number; 100], None);
        }
        drop(recorder);
        let mut numbers = Vec::new();
        for file in files {
            let bytes = file.0.borrow();
            prop_assert!(u64::try_from(bytes.len()).unwrap() <= size, "{}", bytes.len());
            numbers.extend(read(&bytes).0.iter().map(|(_, _, bytes, _, _)| bytes[0]));
        }
        numbers.sort_unstable();
        // The ring keeps the last frames.
        let kept = u8::try_from(numbers.len()).unwrap();
        prop_assert_eq!(numbers, (count - kept..count).collect::<Vec<_>>());
    }
}

#[test]
fn frames_of_64_kib_are_recorded_whole_in_ring_of_files() {
    let files: [SharedFile; 3] = Default::default();
    let [first, rest @ ..] = files.clone();
    let out = Output::of_whole_blocks(first, whole_blocks);
    let recorder = Recorder::new(out, "a test".to_owned(), "tap0", WallClock::Fixed(Duration::ZERO)).unwrap();
    let limits = FileLimits { size: Some(1_000_000), time: None };
    let mut recorder = recorder.with_rotation(Rotation::new(rest.into(), limits));
    // A file has the capacity for 15 frames with their outcomes.
    for number in 0..40_u8 {
        recorder.frame_received(&vec![number; 65_549]);
        recorder.frame_decided(Instant::ORIGIN, PORT, "an outcome");
    }
    drop(recorder);
    let mut numbers = Vec::new();
    for file in files {
        let bytes = file.0.borrow();
        assert!(bytes.len() <= 1_000_000, "a file of {} bytes is too long", bytes.len());
        let (frames, outcome) = read(&bytes);
        assert!(outcome.is_ok(), "the capture ends inside a frame");
        for (_, length, bytes, ..) in frames {
            assert!(length == 65_549 && bytes == vec![bytes[0]; 65_549], "a frame is not whole");
            numbers.push(bytes[0]);
        }
    }
    assert_eq!(numbers, (0..40).collect::<Vec<_>>());
}

#[test]
fn each_frame_has_number_and_direction_of_its_interface_in_each_file() {
    let files: [SharedFile; 2] = Default::default();
    let [first, rest] = files.clone();
    let out = Output::of_whole_blocks(first, whole_blocks);
    let recorder = Recorder::new(out, "a test".to_owned(), "eth0", WallClock::Fixed(Duration::ZERO)).unwrap();
    let mac = |last| MacAddr::new([2, 0, 0, 0, 0, last]);
    let mut recorder = recorder.with_kernel_mac(Some(mac(1)));
    recorder.add_interface("eth1", Some(mac(2)));
    let limits = FileLimits { size: Some(1), time: None };
    let mut recorder = recorder.with_rotation(Rotation::new([rest].into(), limits));
    // Both frames are from the kernel on the second interface.
    let frame = [&[0xff; 6][..], &mac(2).bytes(), &[8, 6], &[0; 28]].concat();
    for port in [0, 1] {
        recorder.frame_received(&frame);
        recorder.frame_decided(Instant::ORIGIN, PortId::new(port), "new");
    }
    drop(recorder);
    // The body of an Enhanced Packet Block, which has the type 6, starts with the number of the interface.
    let number = |bytes: &[u8]| {
        let mut rest = bytes;
        while rest[0] != 6 {
            rest = &rest[block_length(rest)..];
        }
        rest[8]
    };
    let files = files.map(|file| file.0.borrow().clone());
    assert_eq!(files.each_ref().map(|bytes| number(bytes)), [0, 1]);
    assert_eq!(files.each_ref().map(|bytes| read(bytes).0[0].3), [Some(Direction::In), Some(Direction::Out)]);
    for name in ["eth0", "eth1"] {
        let has_name = |bytes: &Vec<u8>| bytes.windows(4).any(|four| four == name.as_bytes());
        assert!(files.iter().all(has_name), "a file has no interface {name}");
    }
}

/// Returns the length of the first block.
fn block_length(bytes: &[u8]) -> usize {
    usize::try_from(u32::from_le_bytes(bytes[4..8].try_into().unwrap())).unwrap()
}

#[test]
fn file_of_ring_has_number_before_extension() {
    let name = |path: &str, number, count| numbered(Path::new(path), number, count).display().to_string();
    assert_eq!(name("arp.pcapng", 0, 10), "arp-0.pcapng");
    assert_eq!(name("/tmp/a.b/arp.v1.pcapng", 7, 100), "/tmp/a.b/arp.v1-07.pcapng");
    assert_eq!(name("arp", 10, 11), "arp-10");
}

#[test]
fn standard_output_and_number_of_files_without_limit_are_rejected() {
    let limit = Some(Duration::from_secs(1));
    let output = CaptureArguments { path: Some("-".into()), pcap_time: limit, ..CaptureArguments::default() };
    assert!(output.start_recorder("tap0", Clock::start()).is_err(), "standard output was rotated");
    let path = Some("/nowhere/a.pcapng".into());
    let files = CaptureArguments { path, pcap_files: Some(3), ..CaptureArguments::default() };
    let error = files.start_recorder("tap0", Clock::start()).err().map(|error| error.to_string());
    assert!(
        error.is_some_and(|error| error.contains("--pcap-files needs a limit")),
        "a number of files without a limit was accepted"
    );
}
