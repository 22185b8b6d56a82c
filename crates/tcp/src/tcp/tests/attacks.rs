//! Segments of attackers.

use super::*;

// proves: rfc9293-closed
#[test]
fn segment_without_connection_is_reset() {
    let mut node = Node::new(TcpLimits::default());
    let reply = node.receive_data(&syn(client(1)), b"data").reply.expect("no reset");
    assert_eq!((reply.flags, reply.sequence), (Flags::RST | Flags::ACK, SequenceNumber::new(0)));
    assert_eq!(reply.acknowledgment, SequenceNumber::new(1005));
    let reply = node.receive(&from_client(client(1), Flags::ACK, 1, 77)).expect("no reset");
    assert_eq!((reply.flags, reply.sequence), (Flags::RST, SequenceNumber::new(77)));
    assert_eq!(node.receive(&from_client(client(1), Flags::RST, 1, 77)), None);
    assert_eq!(node.tcp.counters().resets_sent, 2);
    assert_eq!(node.pool.held(), 0, "a frame was lost");
}

// proves: tcp-reset-limit
#[test]
fn resets_are_limited_for_each_destination_and_in_total() {
    let mut node = Node::new(TcpLimits::default());
    let ack = from_client(client(1), Flags::ACK, 1, 77);
    let sent = (0..10_000).filter(|_| node.receive(&ack).is_some()).count();
    assert_eq!(sent, 500, "resets to one destination");
    let other = SegmentFields { source: "10.0.0.3:1".parse().unwrap(), ..ack };
    assert!(node.receive(&other).is_some(), "another destination got no reset");
    let sent = (0..10_000_u32).filter(|number| {
        let source = SocketAddrV4::new((0x0a01_0000 + number).into(), 1);
        node.receive(&SegmentFields { source, ..ack }).is_some()
    });
    assert!((300..700).contains(&sent.count()), "resets to all destinations");
    let counters = node.tcp.counters();
    assert_eq!(counters.resets_sent + counters.resets_suppressed, 20_001);
}

// proves: tcp-half-open-bound, tcp-cookies, tcp-amplification
#[test]
fn million_spoofed_syns_take_bounded_memory_and_a_client_connects() {
    let mut node = Node::new(TcpLimits::default());
    let listener = node.listen(5);
    let (syn, frame) = segment(&syn(client(1)), &[], &mut node.pool);
    node.pool.give(frame);
    let mut replies = 0;
    for number in 0..1_000_000_u32 {
        let source = SocketAddrV4::new((0x0b00_0000 + number / 4).into(), 1);
        let spoofed = Segment { source, ..syn };
        let frame = node.pool.take().expect("no frame");
        let reception = node.tcp.receive(node.now, &PATH, &spoofed, frame, &mut node.pool);
        replies += u32::from(reception.reply.is_some());
    }
    assert_eq!(replies, 1_000_000, "a SYN was not answered, or more than once");
    let totals = node.tcp.totals();
    assert_eq!((totals.half_open, totals.connections, totals.memory), (1024, 0, 0));
    assert_eq!((node.pool.held(), node.transmit_all().len()), (0, 0));
    let reply = node.receive(&syn_with_options(client(1), 77)).expect("no SYN,ACK");
    node.receive(&answer(&reply));
    assert!(node.tcp.accept(listener).is_some(), "the client did not connect");
}

// proves: tcp-amplification
#[test]
fn syn_ack_is_longer_than_its_syn_by_at_most_the_maximum_segment_size() {
    for half_open in [0, 10] {
        let mut node = Node::new(TcpLimits { half_open, ..TcpLimits::default() });
        node.listen(5);
        for without in 0..16 {
            let mut syn = syn_with_options(client(without), 77);
            let options = &mut syn.options;
            options.maximum_segment_size = options.maximum_segment_size.filter(|_| without & 1 == 0);
            options.window_scale = options.window_scale.filter(|_| without & 2 == 0);
            options.timestamps = options.timestamps.filter(|_| without & 4 == 0);
            options.sack_permitted = without & 8 == 0;
            let reply = node.receive(&syn).expect("no SYN,ACK");
            let added = if without & 1 == 0 { 0 } else { 4 };
            assert!(reply.header_length() <= syn.header_length() + added, "{:?}", syn.options);
        }
    }
}

// proves: tcp-out-of-order-bound
#[test]
fn single_bytes_out_of_order_take_bounded_memory() {
    let mut node = Node::new(TcpLimits::default());
    let listener = node.listen(5);
    let ack = node.connect_from(client(1));
    let id = node.tcp.accept(listener).expect("no connection");
    let mut dropped = 0;
    for number in 1..20_000 {
        let segment = SegmentFields { sequence: ack.sequence.plus(2 * number), ..ack };
        let reception = node.receive_data(&segment, b"x");
        dropped += u32::from(reception.outcome == SegmentOutcome::Dropped(TcpDropReason::OutOfOrderBlocks));
    }
    assert_eq!(dropped, 20_000 - 1 - 64);
    assert!(node.pool.held() <= 64 && node.tcp.totals().memory <= 64 * 2000, "the memory is not bounded");
    node.tcp.abort(node.now, id, &mut node.pool);
    assert_eq!((node.pool.held(), node.tcp.totals().memory), (0, 0));
}

// proves: rfc5961-throttle-connection
#[test]
fn resets_in_window_of_one_connection_do_not_limit_challenges_of_another() {
    let mut node = Node::new(TcpLimits::default());
    node.listen(5);
    let [first, second] = [1, 2].map(|number| node.connect_from(client(number)));
    let in_window =
        |ack: SegmentFields| SegmentFields { flags: Flags::RST, sequence: ack.sequence.plus(5), ..ack };
    let challenges = (0..1000).filter(|_| node.receive(&in_window(first)).is_some()).count();
    assert_eq!(challenges, 1);
    assert!(node.receive(&in_window(second)).is_some(), "the connections share a limit");
}

// proves: rfc6528-unrelated
#[test]
fn initial_sequence_numbers_of_ports_show_no_relation() {
    let limits = TcpLimits { half_open: 10_000, half_open_per_listener: 10_000, ..TcpLimits::default() };
    let mut node = Node::new(limits);
    node.listen(5);
    let numbers: Vec<u32> = (0..10_000)
        .map(|number| node.receive(&syn(client(number))).expect("no SYN,ACK").sequence.value())
        .collect();
    let differences: Vec<i64> =
        numbers.windows(2).map(|pair| i64::from(pair[1].wrapping_sub(pair[0]).cast_signed())).collect();
    // Differences of random numbers are uniform: their mean is near zero, and few are small.
    let mean = differences.iter().sum::<i64>() / 10_000;
    assert!(mean.abs() < 1 << 26, "mean {mean}");
    let small = differences.iter().filter(|difference| difference.abs() < 1 << 22).count();
    assert!(small < 60, "{small} small differences");
    let mut sorted = differences;
    sorted.sort_unstable();
    sorted.dedup();
    assert!(sorted.len() > 9_900, "differences repeat");
}

// proves: rfc9293-listen-independent
#[test]
fn segments_to_listener_do_not_touch_connections() {
    let mut node = Node::new(TcpLimits::default());
    let listener = node.listen(5);
    node.connect_from(client(1));
    let id = node.tcp.accept(listener).expect("no connection");
    for flags in 0..=255 {
        let segment = from_client(client(2), Flags::from_bits(flags), 1000, 5);
        node.receive(&segment);
    }
    assert_eq!(node.status(id).state, State::Established);
    assert!(node.tcp.totals().half_open <= 1);
}

#[test]
fn peers_with_closed_windows_stay_within_memory_limit() {
    let limit = 1 << 20;
    let mut node = Node::new(TcpLimits { memory: limit, ..TcpLimits::default() });
    let listener = node.listen(5);
    for number in 0..200 {
        let syn_ack = node.receive(&syn(client(number))).expect("no SYN,ACK");
        node.receive(&SegmentFields { window: 0, ..answer(&syn_ack) });
        let id = node.tcp.accept(listener).expect("no connection");
        let written = node.tcp.write(node.now, id, &[1; 16 << 10], &mut node.pool);
        assert_eq!(written, Ok(if number < 64 { 16 << 10 } else { 0 }));
    }
    assert_eq!(node.tcp.totals().memory, limit);
}
