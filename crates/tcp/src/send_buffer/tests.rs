use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;

const SIZE: BufferSize = BufferSize { initial: 16 << 10, maximum: 64 << 10 };

fn contents(buffer: &SendBuffer) -> Vec<u8> {
    let mut bytes = vec![0; buffer.len()];
    assert_eq!(buffer.copy_to(0, &mut bytes), buffer.len());
    bytes
}

#[test]
fn buffer_takes_memory_at_first_write_and_returns_it_when_empty() {
    let (mut buffer, mut memory) = (SendBuffer::new(SIZE), Memory::new(1 << 20));
    assert_eq!((buffer.capacity(), memory.used(), buffer.free()), (0, 0, 16 << 10));
    assert_eq!(buffer.write(b"data", &mut memory), 4);
    assert_eq!((buffer.capacity(), memory.used(), buffer.free()), (16 << 10, 16 << 10, (16 << 10) - 4));
    buffer.acknowledge(3);
    buffer.release(&mut memory);
    assert_eq!((contents(&buffer), memory.used()), (b"a".to_vec(), 16 << 10));
    buffer.acknowledge(1);
    buffer.release(&mut memory);
    assert_eq!((buffer.capacity(), memory.used()), (0, 0));
    assert_eq!((buffer.write(b"more", &mut memory), contents(&buffer)), (4, b"more".to_vec()));
    buffer.clear(&mut memory);
    assert_eq!((buffer.len(), memory.used()), (0, 0));
}

// proves: tcp-record
#[test]
fn ends_of_records_are_kept_until_they_are_acknowledged() {
    let (mut buffer, mut memory) = (SendBuffer::new(SIZE), Memory::new(1 << 20));
    assert!(buffer.end_record(&mut memory), "an empty buffer refuses the end of a record");
    assert_eq!(buffer.record_length(0), None);
    for _ in 0..2 {
        buffer.write(b"record", &mut memory);
        assert!(
            buffer.end_record(&mut memory) && buffer.end_record(&mut memory),
            "a repeated end is refused"
        );
    }
    buffer.write(b"rest", &mut memory);
    let lengths = [0, 5, 6, 11, 12].map(|offset| buffer.record_length(offset));
    assert_eq!(lengths, [Some(6), Some(1), Some(6), Some(1), None]);
    buffer.acknowledge(7);
    assert_eq!([0, 4, 5].map(|offset| buffer.record_length(offset)), [Some(5), Some(1), None]);
    buffer.acknowledge(9);
    assert_eq!(buffer.record_length(0), None, "an end is left in an empty buffer");

    // The ends of records take no capacity without a limit.
    for record in 0..1_025 {
        buffer.write(b"r", &mut memory);
        assert_eq!(buffer.end_record(&mut memory), record < 1_024, "record {record}");
    }
    buffer.acknowledge(1);
    assert!(buffer.end_record(&mut memory), "an acknowledged record counts");
}

// proves: tcp-record, tcp-memory-bound
#[test]
fn ends_of_records_take_memory() {
    let (mut buffer, mut memory) = (SendBuffer::new(SIZE), Memory::new((20 << 10) - 1));
    buffer.write(b"first", &mut memory);
    assert!(!buffer.end_record(&mut memory), "the end of a record takes more memory than permitted");
    assert_eq!((buffer.record_length(0), memory.used()), (None, 16 << 10), "a refused end takes memory");
    let mut more = Memory::new(20 << 10);
    more.charge(memory.used());
    for _ in 0..2 {
        assert!(buffer.end_record(&mut more), "the memory permits no end of a record");
        assert_eq!((buffer.capacity(), more.used()), (20 << 10, 20 << 10), "the ends are not counted once");
        buffer.write(b"next", &mut more);
    }
    assert_eq!(buffer.unused(), (16 << 10) - 13, "the memory of the ends counts as unused");
    buffer.clear(&mut more);
    assert_eq!((buffer.capacity(), more.used()), (0, 0), "the memory of the ends is not returned");
}

// proves: tcp-record
#[test]
fn last_record_ends_before_an_offset() {
    let (mut buffer, mut memory) = (SendBuffer::new(SIZE), Memory::new(1 << 20));
    assert_eq!(buffer.last_record_end(1), None, "an empty buffer has a record");
    for _ in 0..2 {
        buffer.write(b"record", &mut memory);
        assert!(buffer.end_record(&mut memory), "the record is not ended");
    }
    let ends = [0, 6, 7, 12, 13].map(|offset| buffer.last_record_end(offset));
    assert_eq!(ends, [None, None, Some(6), Some(6), Some(12)]);
    buffer.acknowledge(6);
    assert_eq!([6, 7].map(|offset| buffer.last_record_end(offset)), [None, Some(6)]);
}

#[test]
fn idle_buffer_has_no_memory() {
    let (mut buffer, mut memory) = (SendBuffer::new(SIZE), Memory::new(1 << 20));
    buffer.write(&[1; 9_000], &mut memory);
    buffer.acknowledge(9_000);
    buffer.release(&mut memory);
    assert_eq!((buffer.capacity(), memory.used()), (0, 0));
}

// proves: tcp-send-tuning
#[test]
fn limit_grows_to_twice_the_congestion_window_up_to_maximum() {
    let (mut buffer, mut memory) = (SendBuffer::new(SIZE), Memory::new(1 << 20));
    assert_eq!(buffer.write(&vec![1; 100_000], &mut memory), 16 << 10);
    buffer.tune(4_000, MemoryLevel::Normal);
    assert_eq!(buffer.limit(), 16 << 10, "a smaller congestion window changed the limit");
    buffer.tune(10_000, MemoryLevel::Pressure);
    assert_eq!(buffer.limit(), 16 << 10, "the limit grew under pressure");
    buffer.tune(10_000, MemoryLevel::Normal);
    assert_eq!(buffer.limit(), 20_000);
    assert_eq!(buffer.write(&vec![2; 100_000], &mut memory), 20_000 - (16 << 10));
    buffer.tune(usize::MAX, MemoryLevel::Normal);
    assert_eq!((buffer.limit(), buffer.capacity()), (64 << 10, 32 << 10));
    assert_eq!(buffer.write(&vec![3; 100_000], &mut memory), (64 << 10) - 20_000);
    assert_eq!((buffer.capacity(), memory.used(), buffer.free()), (64 << 10, 64 << 10, 0));
}

// proves: tcp-memory-bound
#[test]
fn buffer_takes_fewer_bytes_while_memory_is_full() {
    let (mut buffer, mut memory) = (SendBuffer::new(SIZE), Memory::new(50_000));
    buffer.tune(32 << 10, MemoryLevel::Normal);
    assert!(memory.reserve(50_000 - (20 << 10)));
    assert_eq!(buffer.write(&vec![1; 40_000], &mut memory), 16 << 10, "a smaller ring fits");
    assert!(buffer.free() > 0);
    buffer.acknowledge(100);
    assert_eq!(buffer.write(&[2; 100], &mut memory), 100);
    assert_eq!(buffer.write(&[2; 100], &mut memory), 0);
    memory.release(30_000);
    assert_eq!(buffer.write(&[2; 100], &mut memory), 100);
    assert_eq!(contents(&buffer).len(), (16 << 10) + 100);

    let mut other = SendBuffer::new(SIZE);
    let mut full = Memory::new(1_000);
    assert_eq!((other.write(b"data", &mut full), full.used()), (0, 0));
}

#[test]
fn copy_ends_with_the_buffer() {
    let (mut buffer, mut memory) = (SendBuffer::new(SIZE), Memory::new(1 << 20));
    buffer.write(b"0123456789", &mut memory);
    let mut target = [b'-'; 4];
    assert_eq!((buffer.copy_to(8, &mut target), &target), (2, b"89--"));
    assert_eq!((buffer.copy_to(10, &mut target), buffer.copy_to(usize::MAX, &mut target)), (0, 0));
    assert_eq!(&target, b"89--");
}

#[test]
fn acknowledgment_beyond_the_data_removes_the_data_only() {
    let (mut buffer, mut memory) = (SendBuffer::new(SIZE), Memory::new(1 << 20));
    buffer.write(b"data", &mut memory);
    buffer.acknowledge(usize::MAX);
    assert!(buffer.is_empty());
    assert_eq!((buffer.write(b"more", &mut memory), contents(&buffer)), (4, b"more".to_vec()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn buffer_agrees_with_queue(
        steps in prop::collection::vec((any::<bool>(), 0_usize..30_000, 0_usize..40_000), 1..60),
    ) {
        let (mut buffer, mut memory) = (SendBuffer::new(SIZE), Memory::new(100_000));
        let mut model = VecDeque::new();
        let mut next = 0_u8;
        for (is_write, length, offset) in steps {
            if is_write {
                let data: Vec<u8> = (0..length).map(|_| { next = next.wrapping_add(1); next }).collect();
                let taken = buffer.write(&data, &mut memory);
                prop_assert_eq!(taken, length.min(buffer.free() + taken));
                model.extend(&data[..taken]);
                next = model.back().copied().unwrap_or(next);
            } else {
                buffer.acknowledge(length);
                model.drain(..length.min(model.len()));
                if length % 2 == 0 {
                    buffer.release(&mut memory);
                }
                buffer.tune(length, memory.level());
            }
            prop_assert_eq!(buffer.len(), model.len());
            prop_assert_eq!(memory.used(), buffer.capacity());
            let mut copy = vec![0; length];
            let copied = buffer.copy_to(offset, &mut copy);
            let expected: Vec<u8> = model.iter().skip(offset).take(length).copied().collect();
            prop_assert_eq!(&copy[..copied], &expected[..]);
        }
    }
}
