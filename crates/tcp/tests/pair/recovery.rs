//! Loss detection and recovery over links that lose, delay and reorder segments.

use std::time::Duration;

use tap::Instant;
use tcp::{BufferSize, TcpInfo, TcpSettings};

use crate::link::{Bottleneck, Faults};
use crate::sides::{CLIENT, Pair, SERVER, Setup};
use crate::trace;

const MS: Duration = Duration::from_millis(1);

/// Delay of each link: half of the round-trip time.
const DELAY: Duration = Duration::from_millis(50);

/// An established pair with buffers that are larger than the data.
fn pair() -> Pair {
    let size = BufferSize { initial: 6 << 20, maximum: 6 << 20 };
    let settings = TcpSettings { receive_buffer: size, send_buffer: size, ..TcpSettings::default() };
    Pair::established(&Setup { settings: [settings; 2], delay: DELAY, ..Setup::default() })
}

fn info(pair: &Pair) -> TcpInfo {
    pair.sides[CLIENT].connection.as_ref().expect("the client has a connection").info(pair.now)
}

/// Sends bytes from the client to the server. Returns the time until the user has read them.
fn transfer(pair: &mut Pair, bytes: u64) -> Duration {
    let start = pair.now;
    pair.write(CLIENT, usize::try_from(bytes).expect("the data is short"));
    let end = pair.sides[SERVER].read + bytes;
    pair.run_until(|pair| pair.sides[SERVER].read == end);
    trace::check(pair);
    pair.now.since(start)
}

/// Makes the link lose segments of the client, by their number from now on.
fn lose(pair: &mut Pair, numbers: impl IntoIterator<Item = u64>) {
    let sent = pair.links[CLIENT].sent();
    pair.links[CLIENT].lost_numbers = numbers.into_iter().map(|number| sent + number).collect();
}

#[test]
fn reordering_costs_few_retransmissions_and_little_time() {
    let mut plain = pair();
    let expected = transfer(&mut plain, 2_000_000);
    let mut pair = pair();
    pair.links[CLIENT].faults = Faults { reordering: 5, ..Faults::default() };
    pair.links[CLIENT].late = DELAY / 2;
    let time = transfer(&mut pair, 2_000_000);
    let (info, segments) = (info(&pair), pair.sent_since(CLIENT, Instant::ORIGIN).count());
    assert!(info.reorderings > 0, "no segment was reordered");
    let retransmissions = usize::try_from(info.retransmissions).expect("the number is small");
    assert!(retransmissions * 100 <= segments, "{retransmissions} of {segments} segments were sent again");
    assert!(time < expected + expected / 10, "{time:?} instead of {expected:?}");
}

#[test]
fn loss_of_the_last_segments_is_repaired_without_timeout() {
    for lost in [1, 2, 3] {
        let mut pair = pair();
        transfer(&mut pair, 1_448);
        lose(&mut pair, 4 - lost..4);
        let time = transfer(&mut pair, 4 * 1_448);
        // The acknowledgment of the first segments, two round trips to the probe, its answer, and one round trip for each
        // further retransmission: the timeout would be later.
        let expected = [7, 9, 11].map(|delays| delays * DELAY + 45 * MS);
        let index = usize::try_from(lost - 1).expect("the number is small");
        assert!(time <= expected[index], "{lost} segments: {time:?}");
        assert!(info(&pair).congestion_window > 1_448, "the retransmission timer has expired");
    }
}

#[test]
fn several_losses_in_a_window_are_repaired_in_one_round_trip() {
    let mut plain = pair();
    transfer(&mut plain, 100_000);
    let expected = transfer(&mut plain, 29_000);
    let mut pair = pair();
    transfer(&mut pair, 100_000);
    lose(&mut pair, [1, 3, 4, 7, 10]);
    let time = transfer(&mut pair, 29_000);
    assert_eq!(info(&pair).retransmissions, 5);
    assert!(time <= expected + 2 * DELAY + 3 * MS, "{time:?} instead of {expected:?}");
}

#[test]
fn lost_retransmission_is_detected_without_timeout() {
    let mut plain = pair();
    transfer(&mut plain, 300_000);
    let expected = transfer(&mut plain, 1_000_000);
    // The number of the retransmission among the segments of the client.
    let mut number = 0;
    for _ in 0..2 {
        let mut pair = pair();
        transfer(&mut pair, 300_000);
        let before = pair.now;
        lose(&mut pair, [0, number]);
        let time = transfer(&mut pair, 1_000_000);
        let first = pair.sent_since(CLIENT, before).next().map(|segment| segment.sequence);
        let again =
            pair.sent_since(CLIENT, before).skip(1).position(|segment| Some(segment.sequence) == first);
        number = 1 + u64::try_from(again.expect("the segment is sent again")).expect("the number is small");
        assert!(time < expected + 8 * DELAY, "{time:?} instead of {expected:?}");
        assert!(info(&pair).congestion_window > 20 * 1_448, "the retransmission timer has expired");
    }
}

#[test]
fn spurious_timeout_is_undone() {
    let mut pair = pair();
    transfer(&mut pair, 500_000);
    let window = info(&pair).congestion_window;
    let retransmissions = info(&pair).retransmissions;
    // The path becomes much longer at once.
    pair.links[CLIENT].delay = 20 * DELAY;
    let segments = 40;
    transfer(&mut pair, 1_448 * segments);
    pair.run_for(Duration::from_secs(3));
    let info = info(&pair);
    assert!(info.undone_recoveries > 0, "{info:?}");
    assert!(info.congestion_window >= window, "{} bytes instead of {window}", info.congestion_window);
    let again = info.retransmissions - retransmissions;
    assert!(u64::from(again) < segments / 4, "{again} segments were sent again");
}

#[test]
fn random_losses_cause_no_timeouts_with_many_segments_in_flight() {
    let mut pair = pair();
    pair.links[CLIENT].faults = Faults { loss: 1, ..Faults::default() };
    let mut stalls = 0;
    let start = pair.now;
    pair.sides[CLIENT].to_write = 4_000_000;
    let mut previous = 0;
    while pair.sides[SERVER].read < 4_000_000 {
        pair.run_for(4 * DELAY);
        stalls += u32::from(pair.sides[SERVER].read == previous);
        previous = pair.sides[SERVER].read;
        assert!(pair.now.since(start) < Duration::from_mins(2), "the transfer is too slow");
    }
    assert!(stalls <= 2, "{stalls} times, no data arrived for two round trips");
    let info = info(&pair);
    let segments = u32::try_from(pair.sent_since(CLIENT, start).count()).expect("the number is small");
    assert!(info.retransmissions < segments / 40, "{} retransmissions", info.retransmissions);
}

#[test]
fn segments_that_a_full_queue_drops_are_sent_again_once() {
    let mut pair = pair();
    pair.links[CLIENT].bottleneck = Some(Bottleneck::new(Duration::from_nanos(400), 300));
    transfer(&mut pair, 4_000_000);
    let dropped = pair.links[CLIENT].bottleneck.as_ref().map_or(0, |bottleneck| bottleneck.dropped);
    let info = info(&pair);
    assert!(dropped > 100, "slow start does not fill the queue: {dropped} segments were dropped");
    assert!(u64::from(info.retransmissions) <= dropped + 1, "{} for {dropped}", info.retransmissions);
}
