//! Congestion control of a TCP connection over a link with a rate and a queue.

use std::net::SocketAddr;
use std::num::NonZeroU64;

use host::{BufferSize, Ecn, TcpConnect, TcpInfo, TcpListen, TcpRead, TcpSettings};
use sim::{LinkCounters, LinkSettings, Queue};
use tap::PortId;

use super::{Duration, Faults, MILLISECOND, SECOND, config, ip, segment};

const PORT: u16 = 7;

/// Result of a transfer.
struct Transfer {
    /// State of the sender after the transfer.
    info: TcpInfo,
    /// State of the receiver after the transfer.
    receiver: TcpInfo,
    /// Counters of the link of the sender.
    link: LinkCounters,
    /// Time from the connection attempt to the last byte.
    time: Duration,
}

/// Sends data over a link with 10 Mbit/s and an RTT of 20 milliseconds. The settings are those of the sender.
fn transfer(settings: TcpSettings, queue: Queue, length: usize) -> Transfer {
    let latency = 10 * MILLISECOND;
    let faults = Faults { min_latency: latency, max_latency: latency, ..Faults::NONE };
    let mut segment =
        segment(Faults { min_latency: Duration::ZERO, max_latency: Duration::ZERO, ..Faults::NONE });
    let sender = segment.add(&config(1)).unwrap();
    let receiver = segment.add(&config(2)).unwrap();
    let rate = NonZeroU64::new(10_000_000);
    segment.set_link(sender, PortId::default(), LinkSettings { rate, queue, faults });
    segment.set_link(receiver, PortId::default(), LinkSettings { faults, ..LinkSettings::UNLIMITED });
    // The window of the receiver is no limit.
    let settings_of_receiver = TcpSettings {
        receive_buffer: BufferSize { initial: 1 << 20, maximum: 1 << 20 },
        ..TcpSettings::default()
    };
    let listen = TcpListen { port: Some(PORT), settings: settings_of_receiver, ..TcpListen::default() };
    let listener = segment.host_mut(receiver).unwrap().listen_tcp(&listen).unwrap();
    let start = segment.now();
    let connect = TcpConnect { settings, ..TcpConnect::new(SocketAddr::from((ip(2), PORT))) };
    let socket = segment.host_mut(sender).unwrap().connect_tcp(start, &connect).unwrap();
    let data = vec![7; length];
    let (mut written, mut read, mut accepted) = (0, 0, None);
    let mut buffer = vec![0; 1 << 16];
    while read < length {
        assert!(segment.now() < start + 600 * SECOND, "the transfer does not end");
        segment.run_for(MILLISECOND).unwrap();
        let now = segment.now();
        let (host, pool) = segment.host_and_pool(sender).unwrap();
        if written < length {
            written += host.write_tcp(now, socket, &data[written..], pool).unwrap();
        }
        let (host, pool) = segment.host_and_pool(receiver).unwrap();
        accepted = accepted.or_else(|| host.accept_tcp(listener).map(|accepted| accepted.socket));
        let Some(accepted) = accepted else { continue };
        while let TcpRead::Data(bytes) = host.read_tcp(now, accepted, &mut buffer, pool).unwrap() {
            read += bytes;
        }
    }
    Transfer {
        info: segment.host(sender).unwrap().tcp_info(socket).unwrap(),
        receiver: segment.host(receiver).unwrap().tcp_info(accepted.unwrap()).unwrap(),
        link: segment.link_counters(sender, PortId::default()).unwrap(),
        time: segment.now().since(start),
    }
}

// proves: rfc3168-response, rfc3168-echo, rfc3168-data
#[test]
fn marks_keep_the_queue_short_without_a_loss() {
    let queue = Queue::Marking { bytes: 100_000, threshold: 15_000 };
    let length = 2_000_000;
    let marked = transfer(TcpSettings { ecn: Ecn::Ask, ..TcpSettings::default() }, queue, length);
    assert!(marked.info.has_ecn && marked.receiver.has_ecn, "the connection does not use ECN");
    assert!(marked.link.marked > 0, "no segment was marked");
    assert_eq!((marked.link.queue_full, marked.info.retransmissions), (0, 0), "segments were lost");
    assert!(marked.info.slow_start_threshold.is_some(), "the marks did not reduce the window");
    // At 10 Mbit/s, two megabytes take 1.6 seconds.
    assert!(marked.time < Duration::from_millis(2_200), "the transfer took {:?}", marked.time);
    let other = transfer(TcpSettings::default(), queue, length);
    assert!(!other.info.has_ecn && other.link.marked == 0, "segments without ECN were marked");
    assert!(other.link.queue_full > 0 && other.info.retransmissions > 0, "the queue did not overflow");
}
