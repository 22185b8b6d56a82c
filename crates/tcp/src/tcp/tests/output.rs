//! The order of output, and its fairness.

use super::*;
use crate::{SackBlock, SackBlocks};

const DEVICE: Offloads = Offloads { checksum: true, tcp_v4: true, udp: false };

/// Opens a connection. Returns its SYN.
fn connect(node: &mut Node, number: u16) -> (ConnectionId, Segment) {
    let connect = Connect {
        local: *client(0).ip(),
        port: Some(client(number).port()),
        peer: server(),
        interface: PATH.interface,
        interface_mtu: PATH.interface_mtu,
        mtu: PATH.mtu,
        settings: settings(),
    };
    let id = node.tcp.connect(node.now, &connect).expect("the connection was refused");
    let (syn, _) = node.transmit().expect("no SYN");
    (id, syn)
}

/// Returns a connection after the handshake.
fn open(node: &mut Node, number: u16) -> ConnectionId {
    let (id, syn) = connect(node, number);
    establish(node, &syn);
    id
}

/// Answers a SYN.
fn establish(node: &mut Node, syn: &Segment) {
    let options = Options { maximum_segment_size: Some(1460), window_scale: Some(10), ..Options::NONE };
    let reply = SegmentFields {
        flags: Flags::SYN | Flags::ACK,
        sequence: SequenceNumber::new(1),
        options,
        ..answer(&syn.fields())
    };
    node.receive(&reply);
    node.transmit_all();
    // A window of 4 MiB.
    let window = SegmentFields {
        flags: Flags::ACK,
        sequence: SequenceNumber::new(2),
        window: 4096,
        options: Options::NONE,
        ..reply
    };
    node.receive(&window);
}

// proves: drops-counted
#[test]
fn ignored_sack_blocks_are_counted() {
    let mut node = Node::new(TcpLimits::default());
    node.listen(5);
    let syn_ack = node.receive(&syn_with_options(client(1), 1)).expect("no SYN,ACK");
    let ack = answer(&syn_ack);
    let mut receive = |acknowledgment, block: Option<(u32, u32)>| {
        let mut sack = SackBlocks::EMPTY;
        if let Some((start, end)) = block {
            sack.push(SackBlock { start: ack.acknowledgment.plus(start), end: ack.acknowledgment.plus(end) });
        }
        let acknowledgment = ack.acknowledgment.plus(acknowledgment);
        node.receive(&SegmentFields { acknowledgment, options: Options { sack, ..ack.options }, ..ack });
        while let Some(TcpReady::Listener(listener)) = node.tcp.poll_ready() {
            let id = node.tcp.accept(listener).expect("no connection");
            node.tcp.write(node.now, id, &[1; 2_000], &mut node.pool).expect("the connection is closed");
            node.transmit_all();
        }
        node.tcp.counters().ignored_sack_blocks
    };
    assert_eq!(receive(0, None), 0);
    assert_eq!(receive(0, Some((1_000, 2_000))), 0);
    for count in 1..3 {
        assert_eq!(receive(0, Some((1_000, 2_001))), count, "a block of data that was not sent counts");
    }
    assert_eq!(receive(2_000, None), 2);
}

// proves: tcp-burst
#[test]
fn connections_send_in_turn_64_kib_each() {
    for offloads in [Offloads::default(), DEVICE] {
        let turns = turns(offloads);
        assert!(turns.len() >= 4, "no turns: {turns:?}");
        let (full, _) = turns.split_at(turns.len() - 2);
        assert!(full.iter().all(|(_, bytes)| (60_000..=65_536).contains(bytes)), "{offloads:?}: {turns:?}");
    }
}

/// Returns the ports of two connections that have much data, and the bytes that each sends before the other one.
fn turns(offloads: Offloads) -> Vec<(u16, usize)> {
    let mut node = Node::new(TcpLimits::default());
    node.offloads = offloads;
    let ids = [1, 2].map(|number| open(&mut node, number));
    for id in ids {
        // Slow start opens the congestion window.
        let mut acknowledged = 0;
        while acknowledged < 2_000_000 {
            node.tcp
                .write(node.now, id, &vec![1; 300_000], &mut node.pool)
                .expect("the connection is closed");
            for (segment, data) in node.transmit_all() {
                acknowledged += data.len();
                let end = segment.sequence.plus(u32::try_from(data.len()).unwrap());
                let ack = SegmentFields { acknowledgment: end, window: 4096, ..answer(&segment.fields()) };
                node.receive(&ack);
            }
        }
    }
    for id in ids {
        let written = node
            .tcp
            .write(node.now, id, &vec![1; 300_000], &mut node.pool)
            .expect("the connection is closed");
        assert!(written > 150_000, "the send buffer is too small for the test: {written:?}");
    }
    let mut turns: Vec<(u16, usize)> = Vec::new();
    for (segment, data) in node.transmit_all() {
        match turns.last_mut() {
            Some((port, bytes)) if *port == segment.source.port() => *bytes += data.len(),
            _ => turns.push((segment.source.port(), data.len())),
        }
    }
    turns
}

// proves: tcp-superframe
#[test]
fn segments_are_single_while_the_pool_has_no_large_frame() {
    let mut node = Node::new(TcpLimits::default());
    let id = open(&mut node, 1);
    node.offloads = DEVICE;
    node.tcp.write(node.now, id, &[1; 10_000], &mut node.pool).expect("the connection is closed");
    let mut small = Pool::new(1500, 10).with_large_limit(0);
    let single = node.tcp.transmit(node.now, PATH.interface, DEVICE, &mut small).expect("no segment");
    assert_eq!((single.frame.len(), single.frame.offload().segmentation), (1_480, None));
    small.give(single.frame);
    let together = node.tcp.transmit(node.now, PATH.interface, DEVICE, &mut node.pool).expect("no segment");
    let segmentation = together.frame.offload().segmentation.expect("the segments are single");
    assert_eq!((together.frame.len(), segmentation.size, segmentation.header), (20 + 8_540, 1_460, 20));
    node.pool.give(together.frame);
    assert_eq!((node.pool.held(), small.held()), (0, 0), "a frame is lost");
}

// proves: tcp-partial-checksum
#[test]
fn device_completes_the_checksum_of_each_kind_of_segment() {
    let mut node = Node::new(TcpLimits::default());
    node.offloads = Offloads { checksum: true, ..Offloads::default() };
    let is_partial = |departure: Departure| departure.frame.offload().checksum != Checksum::None;
    // Data, an acknowledgment and a reset.
    let ids = [1, 2, 3].map(|number| open(&mut node, number));
    node.tcp.write(node.now, ids[0], b"data", &mut node.pool).expect("the connection is closed");
    let listener = node.listen(5);
    let ack = node.connect_from(client(9));
    node.tcp.accept(listener).expect("no connection");
    node.receive_data(&ack, b"data");
    node.tcp.abort(node.now, ids[1], &mut node.pool);
    let mut count = 0;
    while let Some(departure) = node.tcp.transmit(node.now, PATH.interface, node.offloads, &mut node.pool) {
        assert!(is_partial(departure), "segment {count} has a complete checksum");
        count += 1;
    }
    assert_eq!(count, 3);
}

// proves: rfc9293-ack-aggregate
#[test]
fn segments_of_a_turn_are_acknowledged_together_after_data() {
    let mut node = Node::new(TcpLimits::default());
    let listener = node.listen(5);
    let ack = node.connect_from(client(1));
    let other = node.connect_from(client(2));
    let ids = [(); 2].map(|()| node.tcp.accept(listener).expect("no connection"));
    let mut segment = ack;
    for _ in 0..10 {
        let reception = node.receive_data(&segment, &[7; 100]);
        assert_eq!((reception.outcome, reception.reply), (SegmentOutcome::Accepted, None));
        segment.sequence = segment.sequence.plus(100);
    }
    assert_eq!(node.tcp.write(node.now, ids[1], b"data", &mut node.pool), Ok(4));
    let sent = node.transmit_all();
    let lines: Vec<_> = sent.iter().map(|(segment, data)| (segment.destination, data.len())).collect();
    assert_eq!(lines, [(other.source, 4), (ack.source, 0)]);
    assert_eq!(sent[1].0.acknowledgment, segment.sequence);
}

// proves: tcp-pulled
#[test]
fn data_waits_in_connection_until_it_is_requested() {
    let mut node = Node::new(TcpLimits::default());
    let id = open(&mut node, 1);
    assert!(!node.tcp.has_output(PATH.interface));
    node.tcp.write(node.now, id, b"data", &mut node.pool).expect("the connection is closed");
    assert_eq!(node.pool.held(), 0, "data that is not requested takes a frame");
    assert!(node.tcp.has_output(PATH.interface) && !node.tcp.has_output(InterfaceId(1)));
    assert!(node.tcp.transmit(node.now, InterfaceId(1), node.offloads, &mut node.pool).is_none());
    assert_eq!(node.transmit().map(|(_, data)| data), Some(b"data".to_vec()));
    assert!(!node.tcp.has_output(PATH.interface));
}

#[test]
fn output_waits_while_pool_is_empty() {
    let mut node = Node::new(TcpLimits::default());
    let id = open(&mut node, 1);
    node.tcp.write(node.now, id, b"data", &mut node.pool).expect("the connection is closed");
    let mut empty = Pool::new(1500, 0);
    assert!(node.tcp.transmit(node.now, PATH.interface, node.offloads, &mut empty).is_none());
    assert!(node.tcp.has_output(PATH.interface), "the output was lost");
    assert_eq!(node.transmit().map(|(_, data)| data), Some(b"data".to_vec()));
}

#[test]
fn segment_that_fits_no_frame_does_not_stop_other_connections() {
    let mut node = Node::new(TcpLimits::default());
    let ids = [1, 2].map(|number| open(&mut node, number));
    node.tcp.write(node.now, ids[0], &[1; 1400], &mut node.pool).expect("the connection is closed");
    node.tcp.write(node.now, ids[1], b"short", &mut node.pool).expect("the connection is closed");
    let mut short = Pool::new(100, 10);
    let departure =
        node.tcp.transmit(node.now, PATH.interface, node.offloads, &mut short).expect("no segment");
    assert!(departure.frame.bytes().ends_with(b"short"));
}

// proves: tcp-ack-turn
#[test]
fn data_of_other_connections_does_not_stop_acknowledgments() {
    let mut node = Node::new(TcpLimits::default());
    let id = open(&mut node, 1);
    let listener = node.listen(5);
    let ack = node.connect_from(client(2));
    node.tcp.accept(listener).expect("no connection");
    node.receive_data(&ack, b"data");
    for _ in 0..20 {
        node.tcp.write(node.now, id, &[1; 16_384], &mut node.pool).expect("the connection is closed");
        let (segment, data) = node.transmit().expect("no segment");
        if segment.source == server() {
            return;
        }
        let end = segment.sequence.plus(u32::try_from(data.len()).unwrap());
        node.receive(&SegmentFields { acknowledgment: end, window: 4096, ..answer(&segment.fields()) });
    }
    panic!("the acknowledgment is not sent as long as another connection sends data");
}

/// Returns the SYN,ACK of a half-open connection with a client.
fn half_open(node: &mut Node, number: u16) -> QuotedSegment {
    let reply = node.receive(&syn(client(number))).expect("no SYN,ACK");
    QuotedSegment {
        interface: PATH.interface,
        local: server(),
        peer: client(number),
        sequence: reply.sequence,
    }
}

const HOPS: [Ipv4Addr; 2] = [Ipv4Addr::new(10, 0, 0, 7), Ipv4Addr::new(10, 0, 0, 8)];

// proves: tcp-unresolved
#[test]
fn dropped_syn_ack_is_sent_once_when_its_next_hop_is_resolved() {
    let mut node = Node::new(TcpLimits::default());
    node.listen(5);
    let [one, other] = [1, 2].map(|number| half_open(&mut node, number));
    for _ in 0..3 {
        node.tcp.unresolved(&one, HOPS[1]);
        node.tcp.unresolved(&one, HOPS[0]);
        node.tcp.unresolved(&other, HOPS[1]);
    }
    node.tcp.resolved(node.now, InterfaceId(1), HOPS[0]);
    assert!(node.transmit().is_none(), "the next hop is on another interface");
    for (hop, peer) in [(HOPS[0], client(1)), (HOPS[1], client(2))] {
        node.tcp.resolved(node.now, PATH.interface, hop);
        let sent = node.transmit_all();
        let sent: Vec<_> = sent.iter().map(|(again, _)| (again.destination, again.flags)).collect();
        assert_eq!(sent, [(peer, Flags::SYN | Flags::ACK)]);
    }
    // A segment of another connection, or of an established one, does not wait.
    let ack = node.connect_from(client(3));
    let segment = QuotedSegment { peer: client(3), sequence: ack.acknowledgment, ..one };
    node.transmit_all();
    node.tcp.unresolved(&segment, HOPS[0]);
    node.tcp.unresolved(&QuotedSegment { peer: client(4), ..segment }, HOPS[0]);
    node.tcp.resolved(node.now, PATH.interface, HOPS[0]);
    assert!(node.transmit().is_none(), "an established connection sends a segment");
    assert_eq!(node.tcp.counters().unresolved_lost, 0);
}

// proves: tcp-unresolved
#[test]
fn connection_does_not_wait_for_a_failed_next_hop() {
    let mut node = Node::new(TcpLimits::default());
    node.listen(5);
    let waiting = [1, 2].map(|number| half_open(&mut node, number));
    node.tcp.unresolved(&waiting[0], HOPS[0]);
    node.tcp.unresolved(&waiting[1], HOPS[1]);
    node.tcp.unresolvable(PATH.interface, HOPS[0]);
    for hop in HOPS {
        node.tcp.resolved(node.now, PATH.interface, hop);
    }
    assert_eq!(node.transmit_all().len(), 1, "the segment to the failed next hop is sent");
}

// proves: tcp-unresolved
#[test]
fn bounded_number_of_connections_waits_for_next_hops() {
    const BOUND: u16 = 4_096;
    let limits = TcpLimits { half_open: 10_000, half_open_per_listener: 10_000, ..TcpLimits::default() };
    let mut node = Node::new(limits);
    let listener = node.listen(5);
    for number in 0..BOUND + 2 {
        let segment = half_open(&mut node, number);
        node.tcp.unresolved(&segment, HOPS[usize::from(number % 2)]);
    }
    assert_eq!(node.tcp.counters().unresolved_lost, 2, "the table has another bound");
    node.tcp.resolved(node.now, PATH.interface, HOPS[0]);
    assert_eq!(node.transmit_all().len(), usize::from(BOUND / 2));
    // An ended connection leaves the table.
    node.tcp.close_listener(node.now, listener, &mut node.pool);
    node.transmit_all();
    node.listen(5);
    half_open(&mut node, 9_999);
    node.tcp.resolved(node.now, PATH.interface, HOPS[1]);
    assert!(node.transmit().is_none(), "a connection waits in the place of an ended one");
    for number in 0..=BOUND {
        let segment = half_open(&mut node, 10_000 + number);
        node.tcp.unresolved(&segment, HOPS[1]);
    }
    assert_eq!(node.tcp.counters().unresolved_lost, 3, "ended connections take capacity");
}

// proves: tcp-unresolved
#[test]
fn established_connection_does_not_take_capacity_of_waiting_connections() {
    const BOUND: u16 = 4_096;
    let limits = TcpLimits { half_open: 10_000, half_open_per_listener: 10_000, ..TcpLimits::default() };
    let mut node = Node::new(limits);
    let (_, syn) = connect(&mut node, 20_000);
    node.listen(5);
    let (interface, sequence) = (PATH.interface, syn.sequence);
    let quoted = QuotedSegment { interface, local: syn.source, peer: syn.destination, sequence };
    node.tcp.unresolved(&quoted, HOPS[0]);
    for number in 1..BOUND {
        let segment = half_open(&mut node, number);
        node.tcp.unresolved(&segment, HOPS[1]);
    }
    establish(&mut node, &syn);
    let segment = half_open(&mut node, BOUND);
    node.tcp.unresolved(&segment, HOPS[1]);
    assert_eq!(node.tcp.counters().unresolved_lost, 0, "an established connection waits for its next hop");
}

// proves: tcp-cork, tcp-record
#[test]
fn end_of_a_record_sends_the_data_of_a_corked_connection() {
    let mut node = Node::new(TcpLimits::default());
    let id = open(&mut node, 1);
    for setting in [Setting::Nagle(false), Setting::Cork(true)] {
        node.tcp.set(node.now, id, setting).expect("the setting was refused");
    }
    let written = node.tcp.write(node.now, id, b"data", &mut node.pool);
    assert_eq!((written, node.transmit_all().len()), (Ok(4), 0), "the data does not wait");
    assert_eq!(node.tcp.end_record(node.now, id), Ok(true), "the record is not ended");
    let sent: Vec<_> = node.transmit_all().into_iter().map(|(_, data)| data).collect();
    assert_eq!(sent, [b"data"], "the record waits for more data");

    node.tcp.shutdown(node.now, id).expect("the connection is closed");
    assert_eq!(node.tcp.end_record(node.now, id), Err(TcpError::Closed), "the record ends after the data");
}

#[test]
fn sent_bytes_of_an_ended_connection_are_those_of_data() {
    let info = |node: &Node, id| {
        let info = node.tcp.info(id).expect("no connection");
        (info.state, info.bytes_sent, info.unacknowledged)
    };
    let mut node = Node::new(TcpLimits::default());
    let (refused, syn) = connect(&mut node, 1);
    node.receive(&SegmentFields { flags: Flags::RST | Flags::ACK, ..answer(&syn.fields()) });
    assert_eq!(info(&node, refused), (State::Closed, 0, 0), "the SYN counts as data");

    for data in [0, 5] {
        let (reset, syn) = connect(&mut node, 2 + data);
        establish(&mut node, &syn);
        let written = node.tcp.write(node.now, reset, &b"bytes"[..data.into()], &mut node.pool);
        assert_eq!(written, Ok(data.into()), "the buffer refuses data");
        node.tcp.shutdown(node.now, reset).expect("the connection is closed");
        let (fin, _) = node.transmit().expect("no FIN");
        assert!(fin.flags.contains(Flags::FIN), "{fin:?}");
        assert_eq!(info(&node, reset).1, u64::from(data), "the FIN counts as data");
        let answer = SegmentFields { sequence: SequenceNumber::new(2), ..answer(&syn.fields()) };
        node.receive(&SegmentFields { flags: Flags::RST | Flags::ACK, ..answer });
        assert_eq!(info(&node, reset), (State::Closed, data.into(), data.into()), "the FIN counts as data");
    }
}
