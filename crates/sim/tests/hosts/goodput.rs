//! Goodput of TCP over links with loss, with a limited rate, and with several flows.
//!
//! The bounds are lower than the figures of `cargo xtask bench sim`, because few seeds and short transfers vary more.

use std::num::NonZeroU64;

use host::{BufferSize, CongestionControl, TcpInfo, TcpSettings};
use sim::{Flow, LinkSettings, Queue, Transfer, TransferSettings};
use tap::PortId;

use super::{Duration, Faults, MILLISECOND, SECOND, at};

/// Data of a full segment with timestamps, in bytes.
const SEGMENT: u64 = 1_448;

/// Returns a link without a limit of its rate, which loses frames.
fn link(rtt: Duration, loss: u32, seed: u64) -> LinkSettings {
    let latency = rtt / 2;
    let faults = Faults { seed, loss, min_latency: latency, max_latency: latency, ..Faults::NONE };
    LinkSettings { faults, ..LinkSettings::UNLIMITED }
}

/// Returns a link with this rate in bits per second, and a queue of this size in bytes.
fn slow_link(rtt: Duration, rate: u64, queue: u64) -> LinkSettings {
    let queue = Queue::DropTail { bytes: queue };
    LinkSettings { rate: NonZeroU64::new(rate), queue, ..link(rtt, 0, 0) }
}

fn run(settings: &TransferSettings, time: Duration) -> Transfer {
    let mut transfer = Transfer::new(settings).unwrap();
    transfer.run_until(at(time)).unwrap();
    transfer
}

/// Returns the goodput of all flows until now, in bytes per second.
fn goodput(transfer: &Transfer) -> u64 {
    transfer.flows().iter().map(|flow| flow.goodput(transfer.segment().now())).sum()
}

/// Returns the data that the receiver has read from the first connection.
fn received(transfer: &Transfer) -> u64 {
    transfer.flows()[0].received()
}

/// Returns the state of the first connection of the sender.
fn info(transfer: &Transfer) -> TcpInfo {
    transfer.info(&transfer.flows()[0]).unwrap()
}

#[test]
fn goodput_with_random_loss_is_that_of_theory() {
    let rtt = 10 * MILLISECOND;
    // Reno sends 1.22 / sqrt(p) segments per RTT (RFC 8312 4.2): 12.2 segments at 1 percent.
    let theory = 122 * SEGMENT * 100 / 10;
    let goodputs = (1..=4).map(|seed| {
        let data = TransferSettings::new(link(rtt, 10_000, seed), link(rtt, 0, 0));
        let transfer = run(&TransferSettings { bytes: Some(3_000_000), ..data }, 60 * SECOND);
        assert!(transfer.is_complete(), "seed {seed}: the transfer does not end");
        goodput(&transfer)
    });
    let mean = goodputs.sum::<u64>() / 4;
    assert!(mean * 4 > theory * 3, "goodput of {mean} bytes per second, theory of {theory}");
}

#[test]
fn goodput_without_loss_is_that_of_the_window() {
    let rtt = 100 * MILLISECOND;
    let buffer = BufferSize { initial: 1 << 15, maximum: 1 << 15 };
    let receiver = TcpSettings { receive_buffer: buffer, ..TcpSettings::default() };
    let settings = TransferSettings { receiver, ..TransferSettings::new(link(rtt, 0, 0), link(rtt, 0, 0)) };
    let transfer = run(&settings, 20 * SECOND);
    let expected = (1 << 15) * 10;
    let measured = goodput(&transfer);
    assert!(measured * 20 > expected * 19, "goodput of {measured} bytes per second, expected {expected}");
}

// proves: tcp-window-update
#[test]
fn goodput_without_loss_is_that_of_small_buffers() {
    let rtt = 100 * MILLISECOND;
    let (small, plain) = (BufferSize { initial: 8_192, maximum: 8_192 }, TcpSettings::default());
    // The rate separates the segments of a window.
    let links = TransferSettings::new(slow_link(rtt, 1_000_000_000, u64::MAX), link(rtt, 0, 0));
    let small_receiver = TcpSettings { receive_buffer: small, ..plain };
    let small_sender = TcpSettings { send_buffer: small, ..plain };
    // A sender with more data sends full segments only.
    for (sender, receiver, bytes) in [(plain, small_receiver, 5 * SEGMENT), (small_sender, plain, 8_192)] {
        let transfer = run(&TransferSettings { sender, receiver, ..links }, 20 * SECOND);
        let (measured, expected) = (goodput(&transfer), 10 * bytes);
        assert!(measured * 10 > expected * 9, "goodput of {measured} bytes per second, expected {expected}");
    }
}

// proves: tcp-no-congestion-control, tcp-writable
#[test]
fn losses_without_congestion_control_cost_a_round_trip() {
    let rtt = 100 * MILLISECOND;
    let buffer = BufferSize { initial: 1 << 15, maximum: 1 << 15 };
    let congestion = CongestionControl::None;
    let tcp =
        TcpSettings { receive_buffer: buffer, send_buffer: buffer, congestion, ..TcpSettings::default() };
    // The rate separates the segments of a window. A window has 22 full segments, and both directions lose frames.
    let lossy = |loss, seed| LinkSettings {
        faults: link(rtt, loss, seed).faults,
        ..slow_link(rtt, 10_000_000_000, u64::MAX)
    };
    for (loss, expected) in [(1_000, 96), (10_000, 87)] {
        let links = TransferSettings::new(lossy(loss, 1), lossy(loss, 101));
        let transfer = run(&TransferSettings { sender: tcp, receiver: tcp, ..links }, 32 * SECOND);
        let (measured, window) = (goodput(&transfer), (1 << 15) * 10);
        assert!(
            measured * 100 > window * expected,
            "goodput of {measured} bytes per second, the window permits {window}"
        );
    }
}

// proves: tcp-receive-tuning
#[test]
fn goodput_with_segments_that_are_late_by_a_round_trip_is_that_of_the_rate() {
    let (rtt, rate) = (300 * MILLISECOND, 10_000_000);
    let settings = TransferSettings::new(slow_link(rtt, rate, u64::MAX), link(rtt, 0, 0));
    // 5 percent of the segments are late.
    let latency = rtt / 2;
    let faults = Faults { min_latency: latency, max_latency: latency, reordering: 50_000, ..Faults::NONE };
    let faults = Faults { min_reordering_delay: rtt, reordering_delay: rtt, ..faults };
    let data_link = LinkSettings { faults, ..settings.data_link };
    let mut transfer = run(&TransferSettings { data_link, ..settings }, 6 * SECOND);
    let (start, before) = (received(&transfer), info(&transfer));
    transfer.run_until(at(12 * SECOND)).unwrap();
    let (measured, after) = ((received(&transfer) - start) / 6, info(&transfer));
    let highest = rate / 8 * SEGMENT / 1_514;
    assert!(
        measured * 20 > highest * 17,
        "goodput of {measured} bytes per second, the rate permits {highest}"
    );
    let again = after.retransmissions - before.retransmissions;
    let segments = after.segments_sent - before.segments_sent;
    assert!(again * 100 < segments, "{again} of {segments} segments were sent again");
}

// proves: tcp-recovery-burst
#[test]
fn end_of_a_recovery_does_not_overflow_a_short_queue() {
    // The queue has 43 segments, and the buffers have 181 segments.
    let buffer = BufferSize { initial: 256 << 10, maximum: 256 << 10 };
    let tcp = TcpSettings { receive_buffer: buffer, send_buffer: buffer, ..TcpSettings::default() };
    let rtt = 100 * MILLISECOND;
    let links = TransferSettings::new(slow_link(rtt, 200_000_000, 64 << 10), link(rtt, 0, 0));
    let settings = TransferSettings { bytes: Some(2 << 20), sender: tcp, receiver: tcp, ..links };
    let transfer = run(&settings, 60 * SECOND);
    assert!(transfer.is_complete(), "the transfer does not end");
    let counters = transfer.segment().link_counters(transfer.sender(), PortId::new(0)).unwrap();
    // Slow start overflows the queue once.
    assert!(counters.queue_full > 0 && counters.queue_full < 50, "the queue dropped segments: {counters:?}");
    assert_eq!(u64::from(info(&transfer).retransmissions), counters.queue_full);
}

// proves: rfc8985-probe-segment
#[test]
fn loss_of_the_last_segment_is_repaired_without_a_timeout() {
    let rtt = 100 * MILLISECOND;
    let transfer = |is_lost: bool| {
        let links = TransferSettings::new(link(rtt, 0, 0), link(rtt, 0, 0));
        let mut transfer = Transfer::new(&TransferSettings { bytes: Some(20 * SEGMENT), ..links }).unwrap();
        let sender = transfer.sender();
        let mut last = is_lost;
        transfer.segment_mut().intercept(sender, move |_, frame| {
            // The last segment has a FIN.
            let has_fin = frame.get(47).is_some_and(|flags| flags & 1 == 1);
            let is_lost = has_fin && std::mem::take(&mut last);
            if is_lost { Vec::new() } else { vec![(Duration::ZERO, frame.to_vec())] }
        });
        transfer.run_until(at(60 * SECOND)).unwrap();
        let flow = transfer.flows()[0];
        (flow.duration(transfer.segment().now()), transfer.info(&flow))
    };
    let ((whole, _), (repaired, info)) = (transfer(false), transfer(true));
    let retransmissions = info.map_or(1, |info| info.retransmissions);
    assert_eq!(retransmissions, 1, "other segments were sent again");
    // The acknowledgment of the other segments takes a round trip, and the peer may delay it. The probe follows after two
    // further round trips, and 40 milliseconds for a delay of the peer.
    let longest = rtt + 2 * rtt + 80 * MILLISECOND;
    assert!(repaired > whole && repaired < whole + longest, "{repaired:?} instead of {whole:?}");
}

// proves: rfc4015-restore
#[test]
fn timeout_without_loss_costs_one_segment() {
    let (rtt, rate) = (20 * MILLISECOND, 20_000_000);
    let links = TransferSettings::new(slow_link(rtt, rate, u64::MAX), link(rtt, 0, 0));
    let mut transfer = run(&links, 2 * SECOND);
    let before = info(&transfer);
    let end = at(3 * SECOND);
    let receiver = transfer.receiver();
    transfer.segment_mut().intercept(receiver, move |now, frame| vec![(end.since(now), frame.to_vec())]);
    transfer.run_until(end + rtt * 10).unwrap();
    let after = info(&transfer);
    assert!(after.undone_recoveries > before.undone_recoveries, "the pause caused no timeout: {after:?}");
    assert!(after.retransmissions <= before.retransmissions + 3, "segments were sent again: {after:?}");
    assert!(after.congestion_window >= before.congestion_window, "the window is smaller: {after:?}");
}

#[test]
fn flows_use_a_link_completely_and_fairly() {
    // The queue has the size of the bandwidth-delay product.
    let (rtt, rate, queue) = (20 * MILLISECOND, 10_000_000, 25_000);
    let links = TransferSettings::new(slow_link(rtt, rate, queue), link(rtt, 0, 0));
    let transfer = run(&TransferSettings { flows: 3, ..links }, 8 * SECOND);
    let total = goodput(&transfer);
    let highest = rate / 8 * SEGMENT / 1_514;
    assert!(total * 20 > highest * 19, "goodput of {total} bytes per second, the rate permits {highest}");
    let shares: Vec<_> = transfer.flows().iter().map(Flow::received).collect();
    // The index of Jain is the square of the sum, divided by the number of flows and the sum of the squares.
    let (sum, squares) = (shares.iter().sum::<u64>(), shares.iter().map(|share| share * share).sum::<u64>());
    assert!(sum * sum * 20 > 3 * squares * 19, "unfair shares: {shares:?}");
    let counters = transfer.segment().link_counters(transfer.sender(), PortId::new(0)).unwrap();
    assert!(counters.queue_full * 20 < counters.frames, "the flows overload the queue: {counters:?}");
}

#[test]
fn transfer_is_reproducible() {
    let run = |seed| {
        let links =
            TransferSettings::new(link(MILLISECOND, 50_000, seed), link(MILLISECOND, 50_000, seed + 1));
        let transfer = run(&TransferSettings { flows: 3, bytes: Some(100_000), ..links }, 60 * SECOND);
        (transfer.segment().counters(), transfer.flows().iter().map(Flow::completed).collect::<Vec<_>>())
    };
    assert_eq!(run(5), run(5));
    assert_ne!(run(5), run(6));
}
