use super::*;

const SIZE: BufferSize = BufferSize { initial: 64 << 10, maximum: 6 << 20 };
const MSS: u16 = 1_460;
const NORMAL: MemoryLevel = MemoryLevel::Normal;

fn start() -> ReceiveWindow {
    ReceiveWindow::new(Instant::ORIGIN, SIZE)
}

fn millis(milliseconds: u64) -> Instant {
    Instant::ORIGIN + Duration::from_millis(milliseconds)
}

#[test]
fn shift_is_the_smallest_for_the_maximum_size() {
    for (maximum, shift) in [
        (0, 0),
        (65_535, 0),
        (65_536, 1),
        (131_070, 1),
        (131_072, 2),
        (6 << 20, 7),
        (1 << 30, 14),
        (usize::MAX, 14),
    ] {
        assert_eq!(ReceiveWindow::shift_for(BufferSize { initial: 0, maximum }), shift, "{maximum}");
    }
}

#[test]
fn window_of_syn_is_not_scaled() {
    assert_eq!(ReceiveWindow::initial(SIZE), 65_535);
    assert_eq!(ReceiveWindow::initial(BufferSize { initial: 20_000, maximum: 6 << 20 }), 20_000);
    assert_eq!(ReceiveWindow::initial(BufferSize { initial: 20_000, maximum: 10_000 }), 10_000);
    assert_eq!(ReceiveWindow::initial(BufferSize { initial: 0, maximum: 0 }), 1_024);
    assert_eq!(start().length(), 65_535);
}

// proves: rfc9293-window-shrink
#[test]
fn right_edge_stays_when_data_arrives_and_is_not_read() {
    for (shift, length, capacity) in
        [(0, 1_460, 1_683), (7, 1_460, 1_683), (7, 1_460, 1_460), (7, 1, 1), (14, 99, 99)]
    {
        let mut window = start();
        window.set_shift(shift);
        let (mut received, mut held) = (0, 0);
        loop {
            let field = window.announce(held, MSS, NORMAL);
            // The edges, as distances from the first byte.
            let (announced, accepted) = (received + (u32::from(field) << shift), received + window.length());
            assert!(announced >= 65_535, "shift {shift}: the edge moved to the left: {announced}");
            assert!(accepted >= announced, "shift {shift}: data within the window is refused");
            assert!(
                accepted <= (64 << 10) + (1 << shift),
                "shift {shift}: the edge moved to the right: {accepted}"
            );
            if field == 0 {
                break;
            }
            let length = window.length().min(length);
            window.advance(length);
            received += length;
            held += capacity;
        }
    }
}

// proves: rfc7323-window-retracted
#[test]
fn window_that_rounding_has_announced_is_accepted() {
    let mut window = ReceiveWindow::new(Instant::ORIGIN, BufferSize { initial: 1_000, maximum: 6 << 20 });
    window.set_shift(7);
    // 1,024 bytes is the smallest buffer, and a window of 1,014 bytes is announced as 8 units of 128 bytes.
    window.advance(10);
    assert_eq!((window.announce(10, MSS, NORMAL), window.length()), (8, 1_024));
    window.advance(1_000);
    assert_eq!((window.announce(1_010, MSS, NORMAL), window.length()), (1, 128));
    window.advance(14);
    assert_eq!((window.announce(1_024, MSS, NORMAL), window.length()), (0, 114));
}

#[test]
fn announced_edge_never_moves_left_while_buffer_has_capacity() {
    let mut window = start();
    window.set_shift(7);
    let (mut received, mut announced) = (0, 0);
    for length in (1..1_460).cycle().take(10_000) {
        window.advance(length);
        received += length;
        let edge = received + (u32::from(window.announce(0, MSS, NORMAL)) << 7);
        assert!(edge >= announced, "the edge moved to the left");
        announced = edge;
    }
}

// proves: rfc9293-sws-receiver
#[test]
fn right_edge_moves_by_a_full_segment_or_half_the_buffer() {
    let mut window = start();
    window.advance(10_000);
    assert_eq!(window.announce(10_000, MSS, NORMAL), 55_535);
    // The buffer has one byte more than the window at first: 65,536 and 65,535.
    assert_eq!(window.announce(10_000 - 1_458, MSS, NORMAL), 55_535);
    assert_eq!(window.announce(10_000 - 1_459, MSS, NORMAL), 55_535 + 1_460);

    // Half of a small buffer is less than a segment.
    let mut window = ReceiveWindow::new(Instant::ORIGIN, BufferSize { initial: 2_000, maximum: 2_000 });
    window.advance(2_000);
    assert_eq!(window.announce(2_000, MSS, NORMAL), 0);
    assert_eq!(window.announce(1_001, MSS, NORMAL), 0);
    assert_eq!(window.announce(1_000, MSS, NORMAL), 1_000);
}

// proves: tcp-window-update
#[test]
fn update_is_due_after_two_segments_from_zero_or_at_twice_the_size() {
    let mut window = start();
    assert!(!window.needs_update(0, MSS, NORMAL));
    window.advance(32_766);
    assert_eq!(window.announce(32_766, MSS, NORMAL), 32_769);
    assert!(!window.needs_update(0, MSS, NORMAL), "the window is above half of the buffer");
    window.advance(1);
    assert_eq!(window.announce(32_767, MSS, NORMAL), 32_768);
    assert!(!window.needs_update(32_767 - 2_920, MSS, NORMAL), "the window is half of the buffer");
    window.advance(1);
    assert_eq!(window.announce(32_768, MSS, NORMAL), 32_767);
    assert!(!window.needs_update(32_768 - 2_918, MSS, NORMAL), "less than two segments cause an update");
    assert!(window.needs_update(32_768 - 2_919, MSS, NORMAL), "two segments");

    window.advance(32_767);
    assert_eq!(window.announce(65_536, MSS, NORMAL), 0);
    assert!(!window.needs_update(65_536 - 1_459, MSS, NORMAL), "less than a segment from zero");
    assert!(window.needs_update(65_536 - 1_460, MSS, NORMAL), "a segment from zero");

    let mut window = start();
    window.advance(64_000);
    assert_eq!(window.announce(64_000, MSS, NORMAL), 1_535);
    assert!(!window.needs_update(64_000 - 1_533, MSS, NORMAL), "less than twice the size");
    assert!(window.needs_update(64_000 - 1_534, MSS, NORMAL), "twice the size");
    assert_eq!(window.announce(64_000 - 1_534, MSS, NORMAL), 3_070);
    assert!(!window.needs_update(64_000 - 1_534, MSS, NORMAL), "the window was announced");
}

// proves: tcp-window-update
#[test]
fn update_of_a_small_buffer_is_due_after_two_segments() {
    let start = |size| ReceiveWindow::new(Instant::ORIGIN, BufferSize { initial: size, maximum: size });
    let mut window = start(8 * 1_460);
    window.advance(2_920);
    assert_eq!(window.announce(4_096, MSS, NORMAL), 8_760);
    assert!(!window.needs_update(1, MSS, NORMAL), "less than two segments cause an update");
    assert!(window.needs_update(0, MSS, NORMAL), "two segments of a small buffer cause no update");
    let mut window = start(8 * 1_460 + 1);
    window.advance(2_920);
    assert_eq!(window.announce(4_096, MSS, NORMAL), 8_761);
    assert!(!window.needs_update(0, MSS, NORMAL), "two segments of a large buffer cause an update");
}

// proves: tcp-memory-bound
#[test]
fn right_edge_stays_while_memory_is_full() {
    let mut window = start();
    window.advance(65_535);
    assert!(!window.needs_update(0, MSS, MemoryLevel::Full));
    assert_eq!(window.announce(0, MSS, MemoryLevel::Full), 0);
    assert!(window.needs_update(0, MSS, MemoryLevel::Pressure));
    assert_eq!(window.announce(0, MSS, MemoryLevel::Pressure), 65_535);
}

#[test]
fn window_without_scaling_has_at_most_65_535_bytes() {
    let mut window = ReceiveWindow::new(Instant::ORIGIN, BufferSize { initial: 1 << 20, maximum: 1 << 20 });
    assert_eq!((window.announce(0, MSS, NORMAL), window.length()), (65_535, 65_535));
    window.set_shift(7);
    assert_eq!((window.announce(0, MSS, NORMAL), window.length()), (8_192, 1 << 20));
}

// proves: tcp-receive-tuning
#[test]
fn buffer_grows_when_user_reads_more_than_half_in_a_round_trip() {
    let round_trip = Duration::from_millis(10);
    let mut window = start();
    window.consume(millis(9), (40_000, 0), round_trip, MSS, NORMAL);
    assert_eq!(window.size(), 64 << 10, "the buffer grew within a round trip");
    window.consume(millis(10), (1_000, 0), round_trip, MSS, NORMAL);
    assert_eq!(window.size(), 2 * 41_000 + 16 * 1_460);

    // At most half of the buffer.
    let size = window.size();
    window.consume(millis(20), (size / 2, 0), round_trip, MSS, NORMAL);
    assert_eq!(window.size(), size);
    // More than half, but not while memory is short.
    window.consume(millis(30), (size, 0), round_trip, MSS, MemoryLevel::Pressure);
    assert_eq!(window.size(), size);

    // Data out of order takes a part of the buffer.
    let size = window.size();
    window.consume(millis(32), (size / 2, 1), Duration::ZERO, MSS, NORMAL);
    assert_eq!(window.size(), size / 2 * 2 + 1 + 16 * 1_460);

    for round in 4..20 {
        window.consume(millis(10 * round), (8 << 20, 0), round_trip, MSS, NORMAL);
    }
    assert_eq!(window.size(), 6 << 20);
    // The grown buffer is announced.
    window.set_shift(7);
    assert_eq!(window.announce(0, MSS, NORMAL), 49_152);
}

#[test]
fn slow_user_does_not_grow_buffer() {
    let mut window = start();
    for second in 1..1_000 {
        window.consume(millis(1_000 * second), (30_000, 0), Duration::from_millis(10), MSS, NORMAL);
    }
    assert_eq!(window.size(), 64 << 10);
}
