#![allow(clippy::single_range_in_vec_init)] // The blocks of a buffer are often one range.

use base::list::index;
use proptest::prelude::*;
use tap::Pool;

use super::*;
use crate::Memory;

/// A buffer with its resources. Byte n of the data stream has the value n modulo 251.
struct Fixture {
    buffer: ReceiveBuffer,
    memory: Memory,
    pool: Pool,
}

const MTU: usize = 1_500;
/// Storage of a small frame.
const SMALL: usize = Frame::capacity_for(MTU);
/// Storage of a large frame.
const LARGE: usize = Frame::capacity_for(Pool::MAX_MTU);

fn stream(start: usize, length: usize) -> Vec<u8> {
    (start..start + length).map(|position| u8::try_from(position % 251).unwrap()).collect()
}

impl Fixture {
    fn new() -> Fixture {
        Fixture { buffer: ReceiveBuffer::new(), memory: Memory::new(1 << 20), pool: Pool::new(MTU, 4_096) }
    }

    /// Inserts bytes of the data stream, in a frame with headers in front of the data as a device reads it.
    fn insert_at(&mut self, offset: u32, data: &[u8], is_large: bool) -> Inserted {
        let mut frame = if is_large { self.pool.take_large() } else { self.pool.take() }.unwrap();
        frame.append(54 + data.len()).unwrap().split_at_mut(54).1.copy_from_slice(data);
        frame.narrow(54, data.len()).unwrap();
        let Fixture { buffer, memory, pool } = self;
        buffer.insert(offset, frame, &mut Resources { memory, pool })
    }

    /// Inserts a range of the data stream before anything was read or advanced.
    fn insert(&mut self, range: Range<u32>) -> Inserted {
        let data = stream(index(range.start), range.len());
        self.insert_at(range.start, &data, data.len() > 1_446)
    }

    fn read(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        let Fixture { buffer, memory, pool } = self;
        let count = buffer.read(&mut bytes, &mut Resources { memory, pool });
        bytes.truncate(count);
        bytes
    }

    fn clear(&mut self) {
        let Fixture { buffer, memory, pool } = self;
        buffer.clear(&mut Resources { memory, pool });
    }

    fn blocks(&self) -> Vec<Range<u32>> {
        self.buffer.blocks().collect()
    }

    /// Asserts that memory and frames are those of the buffer.
    fn check(&self, frames: usize) {
        assert_eq!(self.memory.used(), self.buffer.held());
        assert_eq!(self.pool.held(), frames);
    }
}

fn advanced(bytes: u32) -> Inserted {
    Inserted { advanced: bytes, ..Inserted::default() }
}

#[test]
fn data_in_order_is_readable_and_keeps_its_frame() {
    let mut fixture = Fixture::new();
    assert_eq!(fixture.buffer.chunk(), b"");
    assert_eq!(fixture.insert(0..1_446), advanced(1_446));
    let second = stream(1_446, 1_446);
    assert_eq!(fixture.insert_at(0, &second, false), advanced(1_446));
    assert_eq!((fixture.buffer.readable(), fixture.buffer.held()), (2_892, 2 * SMALL));
    assert_eq!(fixture.buffer.chunk(), stream(0, 1_446));
    fixture.check(2);
    assert_eq!(fixture.read(1_000), stream(0, 1_000));
    assert_eq!(fixture.buffer.chunk(), stream(1_000, 446));
    fixture.check(2);
    assert_eq!(fixture.read(1_000), stream(1_000, 1_000));
    assert_eq!((fixture.buffer.readable(), fixture.buffer.held()), (892, SMALL));
    assert_eq!(fixture.read(9_000), stream(2_000, 892));
    fixture.check(0);
    assert_eq!((fixture.read(1), fixture.buffer.readable()), (vec![], 0));
}

// proves: tcp-copy-small
#[test]
fn short_data_is_copied_behind_the_last_frame() {
    let mut fixture = Fixture::new();
    for position in 0..1_000 {
        let data = stream(position, 1);
        assert_eq!(fixture.insert_at(0, &data, false), advanced(1));
    }
    assert_eq!((fixture.buffer.readable(), fixture.buffer.held()), (1_000, SMALL));
    fixture.check(1);
    assert_eq!(fixture.read(1_000), stream(0, 1_000));
}

// proves: tcp-copy-small
#[test]
fn single_bytes_in_any_order_share_frames() {
    let reversed = (1..2_000).rev().collect::<Vec<u32>>();
    // 60 blocks of a byte, and then the bytes between them.
    let gaps_last = (0..10).flat_map(|part| {
        (0..60).map(|n| 2 * n).chain((0..60).map(|n| 2 * n + 1)).map(move |n| 120 * part + n + 1)
    });
    for order in [reversed, gaps_last.collect()] {
        let mut fixture = Fixture::new();
        for position in &order {
            assert_eq!(fixture.insert(*position..*position + 1).reason, None);
        }
        let (data, held) = (order.len(), fixture.buffer.held());
        assert!(held < 2 * data + 2 * SMALL, "{data} bytes hold {held} bytes");
        assert_eq!(fixture.insert(0..1).advanced, u32::try_from(data).unwrap() + 1);
        assert_eq!(fixture.read(9_000), stream(0, data + 1));
        fixture.check(0);
    }
}

// proves: tcp-copy-small
#[test]
fn data_shorter_than_a_quarter_of_a_large_frame_is_copied_to_small_frames() {
    let mut fixture = Fixture::new();
    let quarter = u32::try_from(LARGE / 4).unwrap();
    assert_eq!(fixture.insert_at(0, &stream(0, 1), true), advanced(1));
    assert_eq!(fixture.buffer.held(), SMALL);
    fixture.clear();
    let data = stream(0, 4_000);
    assert_eq!(fixture.insert_at(0, &data, true), advanced(4_000));
    assert_eq!(fixture.buffer.held(), 3 * SMALL);
    fixture.check(3);
    assert_eq!(fixture.read(4_000), data);
    for (length, held) in [(quarter - 1, 11 * SMALL), (quarter, LARGE)] {
        fixture.insert_at(0, &stream(0, index(length)), true);
        assert_eq!(fixture.buffer.held(), held, "{length} bytes");
        assert_eq!(fixture.read(20_000), stream(0, index(length)));
        fixture.check(0);
    }
}

#[test]
fn short_data_keeps_its_large_frame_when_pool_is_exhausted() {
    let mut fixture = Fixture::new();
    fixture.pool = Pool::new(MTU, 2);
    let data = stream(0, 4_000);
    assert_eq!(fixture.insert_at(0, &data, true), advanced(4_000));
    assert_eq!(fixture.buffer.held(), 2 * SMALL + LARGE);
    assert_eq!(fixture.read(4_000), data);
    fixture.check(0);
}

#[test]
fn data_out_of_order_is_readable_after_the_gap_is_filled() {
    let mut fixture = Fixture::new();
    assert_eq!(fixture.insert(2_000..3_000), advanced(0));
    assert_eq!(fixture.insert(1_000..2_000), advanced(0));
    assert_eq!(fixture.insert(4_000..5_000), advanced(0));
    assert_eq!(fixture.blocks(), [4_000..5_000, 1_000..3_000]);
    assert_eq!((fixture.buffer.readable(), fixture.buffer.chunk()), (0, &b""[..]));
    assert_eq!(fixture.insert(0..1_000), advanced(3_000));
    assert_eq!((fixture.buffer.readable(), fixture.blocks()), (3_000, vec![1_000..2_000]));
    // The offset is the distance from RCV.NXT, which has advanced.
    let data = stream(3_000, 1_000);
    assert_eq!(fixture.insert_at(0, &data, false), advanced(2_000));
    assert!(!fixture.buffer.has_blocks());
    assert_eq!(fixture.read(6_000), stream(0, 5_000));
    fixture.check(0);
}

// proves: rfc2018-first, rfc2018-recent
#[test]
fn block_that_received_data_last_is_first() {
    let mut fixture = Fixture::new();
    for start in [1_000, 3_000, 5_000, 7_000, 9_000] {
        fixture.insert(start..start + 1_000);
    }
    assert_eq!(fixture.blocks(), [9_000..10_000, 7_000..8_000, 5_000..6_000, 3_000..4_000, 1_000..2_000]);
    fixture.insert(4_000..4_500);
    assert_eq!(fixture.blocks()[..3], [3_000..4_500, 9_000..10_000, 7_000..8_000]);
    fixture.insert(2_000..3_000);
    assert_eq!(fixture.blocks(), [1_000..4_500, 9_000..10_000, 7_000..8_000, 5_000..6_000]);
}

// proves: rfc2883-second
#[test]
fn duplicate_out_of_order_is_reported_and_its_block_is_first() {
    let mut fixture = Fixture::new();
    fixture.insert(500..1_500);
    fixture.insert(3_000..4_000);
    let inserted = fixture.insert(1_000..1_500);
    assert_eq!(inserted, Inserted { duplicate: Some(1_000..1_500), ..Inserted::default() });
    assert_eq!(fixture.blocks(), [500..1_500, 3_000..4_000]);
    fixture.check(2);
    // The first part that is a duplicate is reported: RFC 2883 4.2.3.
    let inserted = fixture.insert(1_200..3_500);
    assert_eq!(inserted, Inserted { duplicate: Some(1_200..1_500), ..Inserted::default() });
    assert_eq!(fixture.blocks(), [500..4_000]);
    assert_eq!(fixture.insert(0..600), Inserted { advanced: 4_000, duplicate: Some(500..600), reason: None });
    assert_eq!(fixture.read(9_000), stream(0, 4_000));
    fixture.check(0);
}

#[test]
fn data_replaces_blocks_that_are_parts_of_it() {
    let mut fixture = Fixture::new();
    fixture.insert(100..200);
    fixture.insert(300..400);
    fixture.insert(500..600);
    let inserted = fixture.insert(0..450);
    assert_eq!(inserted, Inserted { advanced: 450, duplicate: Some(100..200), reason: None });
    assert_eq!(fixture.blocks(), [50..150]);
    fixture.check(2);
    assert_eq!(fixture.read(9_000), stream(0, 450));
}

// proves: tcp-out-of-order-bound
#[test]
fn block_beyond_the_maximum_is_dropped() {
    let mut fixture = Fixture::new();
    for number in 0..64 {
        assert_eq!(fixture.insert(10 * number + 1..10 * number + 2).reason, None);
    }
    let dropped = fixture.insert(900..901);
    assert_eq!(dropped, Inserted { reason: Some(TcpDropReason::OutOfOrderBlocks), ..Inserted::default() });
    fixture.check(64);
    // Data that extends or replaces a block needs no further block.
    assert_eq!(fixture.insert(2..3).reason, None);
    assert_eq!(fixture.insert(10..12).reason, None);
    assert_eq!(fixture.insert(20..25).reason, None);
    assert_eq!(fixture.blocks().len(), 64);
    assert_eq!(fixture.insert(0..631).advanced, 632);
    assert_eq!(fixture.insert_at(10, &stream(642, 1), false).reason, None);
}

// proves: tcp-out-of-order-bound, tcp-out-of-order-cost
#[test]
fn full_segments_have_more_blocks_than_single_bytes() {
    let mut fixture = Fixture::new();
    (fixture.memory, fixture.pool) = (Memory::new(64 << 20), Pool::new(MTU, 10_000));
    // Each second segment was lost, and the segments arrive in descending order.
    let segment = |number: u32| 2_000 * number + 1_000..2_000 * number + 2_000;
    for number in (0..8_192).rev() {
        assert_eq!(fixture.insert(segment(number)).reason, None);
    }
    let small = fixture.insert(500..501);
    assert_eq!(small.reason, Some(TcpDropReason::OutOfOrderBlocks));
    assert_eq!(fixture.insert(segment(8_192)).reason, Some(TcpDropReason::OutOfOrderBlocks));
    let recent: Vec<_> = fixture.buffer.blocks().take(2).collect();
    assert_eq!(recent, [segment(0), segment(1)], "the order is not that of the arrival");
    // A duplicate, and data that joins two blocks.
    assert_eq!(fixture.insert(segment(700)).duplicate, Some(segment(700)));
    assert_eq!(fixture.buffer.blocks().next(), Some(segment(700)));
    fixture.insert(4_000..5_000);
    assert_eq!(fixture.buffer.blocks().next(), Some(3_000..6_000));
    assert_eq!(fixture.insert(0..1_000), advanced(2_000));
    assert_eq!(fixture.buffer.blocks().count(), 8_190);
}

// proves: tcp-memory-promise
#[test]
fn data_in_order_is_kept_when_memory_is_full() {
    let mut fixture = Fixture::new();
    fixture.insert(2_000..3_000);
    fixture.memory.charge(1 << 20);
    let dropped = fixture.insert(4_000..5_000);
    assert_eq!(dropped, Inserted { reason: Some(TcpDropReason::OutOfOrderMemory), ..Inserted::default() });
    assert_eq!(fixture.insert(0..1_000), advanced(1_000));
    assert_eq!(fixture.blocks(), [1_000..2_000], "reported data was discarded");
    let data = stream(1_000, 1_000);
    assert_eq!(fixture.insert_at(0, &data, false), advanced(2_000));
    assert_eq!(fixture.read(9_000), stream(0, 3_000));
    assert_eq!((fixture.memory.used(), fixture.pool.held()), (1 << 20, 0));
}

// proves: tcp-memory-promise, tcp-memory-bound
#[test]
fn data_in_order_is_dropped_when_the_reserve_is_used() {
    let mut fixture = Fixture::new();
    fixture.memory.charge((1 << 20) + (1 << 18) - 1);
    assert_eq!(fixture.insert(0..1_000), advanced(1_000));
    let data = stream(1_000, 1_000);
    let dropped = fixture.insert_at(0, &data, false);
    assert_eq!(dropped, Inserted { reason: Some(TcpDropReason::MemoryExhausted), ..Inserted::default() });
    assert_eq!(fixture.read(9_000), stream(0, 1_000));
    assert_eq!(fixture.insert_at(0, &data, false), advanced(1_000));
    assert_eq!(fixture.read(9_000), stream(1_000, 1_000));
    assert_eq!(fixture.pool.held(), 0);
}

#[test]
fn clear_returns_memory_and_frames() {
    let mut fixture = Fixture::new();
    fixture.insert(0..1_000);
    fixture.insert(1_000..3_000);
    fixture.insert(7_000..9_000);
    fixture.clear();
    fixture.check(0);
    assert_eq!((fixture.buffer.readable(), fixture.blocks()), (0, vec![]));
}

#[test]
fn segment_without_data_changes_nothing() {
    let mut fixture = Fixture::new();
    assert_eq!((fixture.insert(0..0), fixture.insert(5..5)), (advanced(0), advanced(0)));
    fixture.check(0);
}

#[test]
fn warm_buffer_allocates_no_places() {
    let mut fixture = Fixture::new();
    for _ in 0..100 {
        for number in [1, 3, 2] {
            fixture.insert(number * 1_400..(number + 1) * 1_400);
        }
        assert_eq!(fixture.insert(0..1_400).advanced, 5_600);
        fixture.read(5_600);
    }
    assert!(format!("{:?}", fixture.buffer.stored).matches("Node").count() <= 4);
    fixture.buffer.release();
    assert!(fixture.buffer.stored.is_none(), "an empty buffer kept memory");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Segments of a data stream in any order, with any overlap, until every byte has arrived.
    #[test]
    fn every_byte_is_read_once_and_in_order(
        segments in prop::collection::vec((0_u32..8_000, 1_u32..2_000, any::<bool>()), 1..40),
        reads in prop::collection::vec(0_usize..4_000, 1..20),
        start in prop_oneof![Just(0_u32), Just(u32::MAX - 4_000)],
    ) {
        let mut fixture = Fixture::new();
        fixture.buffer.stored.get_or_insert_default().next = start;
        let (mut next, mut read) = (0_u32, 0_usize);
        // Bytes that the buffer has received.
        let mut received = vec![false; 10_000];
        let mut reads = reads.iter().cycle();
        let last = (0..10_000).step_by(2_000).map(|start| (start, 2_000, false));
        for (start, length, is_large) in segments.into_iter().chain(last) {
            let (first, end) = (start.max(next), start + length);
            if first >= end {
                continue;
            }
            let data = stream(index(first), index(end - first));
            let inserted = fixture.insert_at(first - next, &data, is_large || data.len() > 1_446);
            prop_assert_eq!(&inserted.reason, &None);
            let had: Vec<u32> = (first..end).filter(|byte| received[index(*byte)]).collect();
            match inserted.duplicate {
                Some(range) => {
                    prop_assert_eq!(had.first(), Some(&(next + range.start)));
                    prop_assert!((range.start..range.end).all(|byte| received[index(next + byte)]));
                    prop_assert!(next + range.end == end || !received[index(next + range.end)]);
                }
                None => prop_assert!(had.is_empty(), "a duplicate was not reported: {:?}", had),
            }
            received[index(first)..index(end)].fill(true);
            next += inserted.advanced;
            let expected = received.iter().position(|is_received| !is_received).unwrap_or(10_000);
            prop_assert_eq!(index(next), expected);
            // The blocks are the received bytes after RCV.NXT.
            let mut blocks = fixture.blocks();
            blocks.sort_by_key(|block| block.start);
            let in_blocks: Vec<u32> = blocks.iter().cloned().flatten().map(|byte| byte + next).collect();
            let beyond: Vec<u32> = (next..10_000).filter(|byte| received[index(*byte)]).collect();
            prop_assert_eq!(in_blocks, beyond);
            prop_assert!(blocks.windows(2).all(|pair| pair[0].end < pair[1].start), "two blocks touch: {:?}", blocks);

            let bytes = fixture.read(reads.next().copied().unwrap_or_default());
            prop_assert_eq!(&bytes, &stream(read, bytes.len()));
            read += bytes.len();
            prop_assert_eq!(fixture.buffer.readable(), index(next) - read);
            prop_assert_eq!(fixture.memory.used(), fixture.buffer.held());
        }
        prop_assert_eq!(fixture.read(12_000), stream(read, 10_000 - read));
        prop_assert_eq!((fixture.memory.used(), fixture.pool.held()), (0, 0));
    }
}
