//! Mistakes that other implementations made, each with a test.

use std::time::Duration;

use tap::Instant;
use tcp::{BufferSize, Flags, Memory, Segment, SequenceNumber, State, TcpSettings};

use crate::link::Bottleneck;
use crate::sides::{CLIENT, Pair, SERVER, Setup};
use crate::trace;

const SECOND: Duration = Duration::from_secs(1);

/// A pair with a round-trip time of 2 ms.
fn near() -> Setup {
    Setup { delay: Duration::from_millis(1), ..Setup::default() }
}

fn plain() -> TcpSettings {
    TcpSettings { timestamps: false, sack: false, window_scaling: false, ..TcpSettings::default() }
}

/// Makes the client send `bytes` bytes that the server does not read.
fn with_closed_window(setup: &Setup, bytes: u64) -> Pair {
    let mut pair = Pair::established(setup);
    pair.sides[SERVER].is_reading = false;
    pair.sides[CLIENT].to_write = bytes;
    pair.run_for(10 * SECOND);
    let announced = pair.sent_since(SERVER, Instant::ORIGIN).last().map(|segment| segment.window);
    assert_eq!(announced, Some(0), "the window is not closed");
    pair
}

/// Receives requests of two parts, and answers each. Returns the time until the client has the answer.
fn time_of_request(pair: &mut Pair, parts: [usize; 2]) -> Duration {
    let start = pair.now;
    let length = parts.iter().sum::<usize>();
    for part in parts {
        pair.write(CLIENT, part);
    }
    let before = pair.sides[SERVER].read;
    let expected = before + u64::try_from(length).expect("a request is short");
    pair.run_until(|pair| pair.sides[SERVER].read == expected);
    pair.write(SERVER, 100);
    let answered = pair.sides[CLIENT].read + 100;
    pair.run_until(|pair| pair.sides[CLIENT].read == answered);
    pair.now.since(start)
}

#[test]
fn request_in_two_parts_does_not_wait_for_delayed_acknowledgment() {
    let mut pair = Pair::established(&near());
    // The first segments of a connection are acknowledged without a delay.
    for _ in 0..40 {
        time_of_request(&mut pair, [100, 0]);
    }
    for parts in [[100, 100], [1_448, 100], [100, 1_448], [2 * 1_448, 1]] {
        let time = time_of_request(&mut pair, parts);
        assert!(time < Duration::from_millis(10), "{parts:?}: {time:?}");
        let time = time_of_request(&mut pair, parts);
        assert!(time < Duration::from_millis(10), "{parts:?} again: {time:?}");
    }
}

#[test]
fn first_segments_are_acknowledged_one_by_one() {
    let mut pair = Pair::established(&near());
    let start = pair.now;
    for _ in 0..14 {
        pair.write(CLIENT, 1_000);
        pair.run_for(Duration::from_millis(3));
    }
    assert_eq!(pair.sent_since(SERVER, start).count(), 14, "acknowledgments of 14 segments");
}

// proves: tcp-probe-byte, rfc9293-zero-window-stay
#[test]
fn closed_window_is_probed_with_a_byte_for_hours() {
    let mut pair = with_closed_window(&near(), 200_000);
    let start = pair.now;
    pair.run_for(Duration::from_hours(5));
    assert_eq!(pair.states(), [State::Established; 2]);
    let probes: Vec<&Segment> = pair.sent_since(CLIENT, start).collect();
    assert!((250..400).contains(&probes.len()), "{} probes in five hours", probes.len());
    assert!(probes.iter().all(|probe| probe.data_length == 1), "a probe has no byte");
    assert_eq!(pair.sent_since(SERVER, start).count(), probes.len(), "answers to probes");
    pair.sides[SERVER].is_reading = true;
    pair.run_until(|pair| pair.sides[SERVER].read == 200_000);
    trace::check(&pair);
}

// proves: tcp-simultaneous-probes
#[test]
fn two_closed_windows_cause_no_endless_acknowledgments() {
    let mut pair = Pair::established(&near());
    for side in &mut pair.sides {
        (side.is_reading, side.to_write) = (false, 200_000);
    }
    pair.run_for(Duration::from_mins(30));
    let start = pair.now;
    pair.run_for(Duration::from_hours(1));
    for side in [CLIENT, SERVER] {
        let segments = pair.sent_since(side, start).count();
        assert!((50..200).contains(&segments), "{segments} segments of side {side} in an hour: {pair:?}");
        pair.sides[side].is_reading = true;
    }
    pair.run_until(|pair| pair.sides.iter().all(|side| side.read == 200_000));
}

#[test]
fn lost_window_updates_do_not_stall_the_sender() {
    let mut pair = with_closed_window(&near(), 200_000);
    let sent = pair.links[SERVER].sent();
    // The updates of the first reads are lost.
    pair.links[SERVER].lost_numbers = (sent..sent + 3).collect();
    let start = pair.now;
    pair.sides[SERVER].is_reading = true;
    pair.run_until(|pair| pair.sides[SERVER].read == 200_000);
    let time = pair.now.since(start);
    assert!(time < Duration::from_mins(1), "the data arrives after {time:?}");
}

#[test]
fn window_opens_after_two_segments_were_read() {
    for portion in [100, 1_460, 5_000] {
        let mut pair = with_closed_window(&near(), 100_000);
        let start = pair.now;
        // The user reads before the next probe.
        while pair.sent_since(SERVER, start).next().is_none() {
            pair.read(SERVER, portion);
            pair.run_for(Duration::from_micros(100));
        }
        // The frames hold more memory than the announced window, and the user reads until both are free.
        let read = pair.sides[SERVER].read;
        assert!(read < 20_000, "portions of {portion} bytes: update after {read} bytes");
    }
}

/// Loses a single segment of the client, while segments of the peer arrive that acknowledge nothing new. Returns the time
/// until the retransmission arrives.
fn time_to_repair_under_traffic(settings: TcpSettings) -> Duration {
    let mut pair = Pair::established(&Setup { settings: [settings; 2], ..near() });
    for _ in 0..20 {
        time_of_request(&mut pair, [100, 0]);
    }
    let sent = pair.links[CLIENT].sent();
    pair.links[CLIENT].lost_numbers = vec![sent];
    let start = pair.now;
    let read = pair.sides[SERVER].read;
    pair.write(CLIENT, 100);
    while pair.sides[SERVER].read == read {
        pair.write(SERVER, 10);
        pair.run_for(Duration::from_millis(5));
        assert!(pair.sent_since(SERVER, start).count() > 0, "the peer sends nothing");
        assert!(pair.now.since(start) < SECOND, "no retransmission within a second");
    }
    pair.now.since(start)
}

#[test]
fn data_in_the_other_direction_does_not_delay_retransmission() {
    let time = time_to_repair_under_traffic(plain());
    assert!(time > Duration::from_millis(200) && time < Duration::from_millis(400), "after {time:?}");
    // A probe for the loss of the last segment precedes the timeout.
    let time = time_to_repair_under_traffic(TcpSettings::default());
    assert!(time < Duration::from_millis(60), "after {time:?}");
}

#[test]
fn loss_of_a_segment_causes_one_retransmission() {
    let mut pair = Pair::established(&near());
    pair.sides[CLIENT].to_write = 500_000;
    let sent = pair.links[CLIENT].sent();
    pair.links[CLIENT].lost_numbers = vec![sent + 60];
    let start = pair.now;
    pair.run_until(|pair| pair.sides[SERVER].read == 500_000);
    assert!(pair.now.since(start) < Duration::from_millis(150), "{:?}", pair.now.since(start));
    let mut ends = std::collections::BTreeSet::new();
    let repeated = pair
        .sent_since(CLIENT, start)
        .filter(|segment| segment.data_length > 0 && !ends.insert(segment.sequence.value()))
        .count();
    assert_eq!(repeated, 1, "retransmissions");
}

/// Transfers data over a link of 100 Mbit/s with a short queue. Returns the time.
fn time_over_short_queue(send_buffer: usize) -> Duration {
    let settings = TcpSettings {
        send_buffer: BufferSize { initial: send_buffer, maximum: send_buffer },
        receive_buffer: BufferSize { initial: 6 << 20, maximum: 6 << 20 },
        ..TcpSettings::default()
    };
    let mut pair = Pair::established(&Setup {
        settings: [settings; 2],
        delay: Duration::from_millis(5),
        ..Setup::default()
    });
    pair.links[CLIENT].bottleneck = Some(Bottleneck::new(Duration::from_nanos(80), 100));
    pair.sides[CLIENT].to_write = 4 << 20;
    let start = pair.now;
    pair.run_until(|pair| pair.sides[SERVER].read == 4 << 20);
    pair.now.since(start)
}

#[test]
fn larger_buffer_does_not_reduce_throughput_over_a_short_queue() {
    let (small, large) = (time_over_short_queue(128 << 10), time_over_short_queue(4 << 20));
    // The slow start fills the queue, and NewReno repairs one lost segment in a round trip.
    assert!(large < 10 * small, "128 KiB: {small:?}, 4 MiB: {large:?}");
}

/// Delivers a segment of the client to the server.
fn forge(pair: &mut Pair, offset: u32, data: &[u8]) {
    let last = *pair.sent_since(CLIENT, Instant::ORIGIN).last().expect("the client has sent a segment");
    pair.forge(CLIENT, &Segment { sequence: last.sequence.plus(offset), flags: Flags::ACK, ..last }, data);
}

// proves: tcp-out-of-order-bound, tcp-copy-small
#[test]
fn single_bytes_hold_little_memory() {
    let mut pair = Pair::established(&Setup { settings: [plain(); 2], ..near() });
    pair.sides[SERVER].is_reading = false;
    for number in 0..10_000 {
        forge(&mut pair, 2 * number + 1, b"x");
    }
    let memory = pair.sides[SERVER].memory.used();
    assert!(memory < 64 * 2_000, "10,000 bytes out of order hold {memory} bytes");
    let mut pair = Pair::established(&Setup { settings: [plain(); 2], ..near() });
    pair.sides[SERVER].is_reading = false;
    for number in 0..30_000 {
        forge(&mut pair, number, b"x");
    }
    let memory = pair.sides[SERVER].memory.used();
    assert!((30_000..40_000).contains(&memory), "30,000 bytes in order hold {memory} bytes");
}

// proves: tcp-memory-bound, tcp-memory-promise
#[test]
fn data_that_memory_does_not_hold_arrives_after_the_user_reads() {
    let mut pair = Pair::established(&near());
    pair.sides[SERVER].memory = Memory::new(20_000);
    pair.sides[SERVER].is_reading = false;
    pair.sides[CLIENT].to_write = 60_000;
    pair.run_for(10 * SECOND);
    let memory = pair.sides[SERVER].memory.used();
    assert!((20_000..27_000).contains(&memory), "{memory} bytes in use");
    pair.sides[SERVER].is_reading = true;
    pair.run_until(|pair| pair.sides[SERVER].read == 60_000);
    assert_eq!(pair.sides[SERVER].memory.used(), 0);
}

#[test]
fn blind_segments_do_not_change_a_connection() {
    let mut pair = Pair::established(&Setup { settings: [plain(); 2], ..near() });
    let last = *pair.sent_since(CLIENT, Instant::ORIGIN).last().expect("the client has sent a segment");
    let start = pair.now;
    // Positions in the whole sequence space and in the window, except the next sequence number.
    let positions = (1..500_u32).flat_map(|step| [step.wrapping_mul(8_589_934), step * 130]);
    for position in positions {
        let sequence = last.sequence.plus(position);
        for flags in [Flags::RST, Flags::RST | Flags::ACK, Flags::SYN, Flags::FIN | Flags::ACK, Flags::ACK] {
            let acknowledgment = SequenceNumber::new(last.acknowledgment.value() ^ 0x4000_0000);
            pair.forge(CLIENT, &Segment { sequence, acknowledgment, flags, ..last }, b"data");
        }
    }
    assert_eq!(pair.states(), [State::Established; 2]);
    let answers = pair.sent_since(SERVER, start).count();
    assert!(answers < 2_100, "{answers} answers to 4,990 segments");
    pair.sides[CLIENT].to_write = 10_000;
    pair.run_until(|pair| pair.sides[SERVER].read == 10_000);
}
