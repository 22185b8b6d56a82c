//! Goodput of TCP over links with loss, with a limited rate, and with several flows.
//!
//! The bounds are lower than the figures of `cargo xtask bench sim`, because few seeds and short transfers vary more.

use std::num::NonZeroU64;

use host::{BufferSize, TcpSettings};
use sim::{Flow, LinkSettings, Queue, Transfer, TransferSettings};

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
    let counters = transfer.segment().link_counters(transfer.sender(), tap::PortId::new(0)).unwrap();
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
