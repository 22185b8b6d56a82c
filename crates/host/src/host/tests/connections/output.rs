//! Sent segments: the order of output, the capacity of the device, and deadlines.

use super::*;

// proves: tcp-pulled
#[test]
fn data_waits_in_connection_until_device_has_capacity() {
    let (mut host, _, id) = TestHost::connected();
    host.write(id, &[7; 10_000]);
    let mut departing = Batch::new(2);
    let first = sent(&host.transmit(&mut departing));
    assert_eq!(first.len(), 2);
    assert_eq!(host.pool.held(), 0, "segments wait in frames");
    let second = sent(&host.transmit(&mut departing));
    assert_eq!(second[0].segment.sequence, first[1].segment.sequence.plus(536));
}

#[test]
fn connection_with_output_has_immediate_deadline() {
    let (mut host, _, id) = TestHost::connected();
    let idle = host.host.deadline();
    host.advance(Duration::from_millis(100));
    host.write(id, b"data");
    assert_eq!(host.host.deadline(), Some(host.now));
    host.exchange(&[]);
    assert_ne!(host.host.deadline(), Some(host.now), "{idle:?}");
    // The retransmission is due without another call.
    let again = sent(&host.advance(Duration::from_secs(2)));
    assert_eq!(again[0].data, b"data");
}

#[test]
fn datagram_sockets_leave_capacity_to_connections() {
    let (mut host, _, id) = TestHost::connected();
    let bind = crate::UdpBind { send_buffer: 2 << 20, ..crate::UdpBind::default() };
    let udp = host.host.bind_udp(&bind).unwrap();
    let message = crate::UdpMessage { destination: Some((PEER, 9).into()), ..crate::UdpMessage::default() };
    for _ in 0..200 {
        host.host.send_udp(host.now, udp, &message, b"data", &mut host.pool).unwrap();
    }
    host.write(id, &[7; 10_000]);
    let frames = host.transmit(&mut Batch::new(Exchange::BATCH));
    let segments = frames.iter().filter(|frame| frame[23] == IpProtocol::TCP.0).count();
    assert!((8..60).contains(&segments), "{segments} of {} frames have segments", frames.len());
}

#[test]
fn reply_to_segment_does_not_wait_behind_data() {
    let (mut host, mut peer, id) = TestHost::connected();
    host.write(id, &vec![7; 100_000]);
    peer.next = peer.next.minus(1_000);
    let [ack, ..] = &peer.send(&mut host, Flags::ACK, b"old data")[..] else { panic!("no ACK") };
    assert_eq!((ack.segment.flags, ack.data.len()), (Flags::ACK, 0));
}

// proves: tcp-unresolved
#[test]
fn many_connections_open_as_soon_as_their_next_hop_is_resolved() {
    open_many(TestHost::new(&config()));
    // The neighbor table refuses packets.
    let mut few = config();
    few.table.pending = 8;
    open_many(TestHost::new(&few));
}

fn open_many(mut host: TestHost) {
    const COUNT: u16 = 500;
    let listener = host.host.listen_tcp(&at_port(80)).unwrap();
    let is_tcp = |frame: &Vec<u8>| frame[12..14] == [8, 0];
    let mut ids = Vec::new();
    for port in 1..=COUNT {
        ids.push(host.host.connect_tcp(host.now, &to_peer(port)).unwrap());
    }
    for port in 1..=COUNT {
        host.exchange(&[Peer::new(PEER_PORT + port, 80).frame(Flags::SYN, b"")]);
    }
    assert!(!host.exchange(&[]).iter().any(is_tcp), "a segment is sent without a next hop");
    let mut frames = host.exchange(&[broadcast(&[&[8, 6], &request()])]);
    frames.retain(is_tcp);
    let sent = sent(&frames);
    for (flags, name) in [(Flags::SYN, "SYN"), (Flags::SYN | Flags::ACK, "SYN,ACK")] {
        let mut ports: Vec<_> = sent
            .iter()
            .filter(|sent| sent.segment.flags.without(Flags::ECE.with(Flags::CWR)) == flags)
            .map(|sent| sent.segment.destination.port())
            .collect();
        ports.sort_unstable();
        ports.dedup();
        assert_eq!(ports.len(), usize::from(COUNT), "a {name} waits for its timeout");
    }
    // The connections are ordinary afterwards.
    for id in ids {
        host.host.abort_tcp(host.now, id, &mut host.pool);
    }
    host.host.close(host.now, listener, &mut host.pool);
    host.exchange(&[]);
    assert_eq!(host.host.tcp_totals(), tcp::TcpTotals::default());
    assert_eq!(host.pool.held(), 0);
}

// proves: tcp-unresolved
#[test]
fn connection_does_not_wait_for_a_removed_next_hop() {
    let mut few = config();
    few.table.pending = 8;
    let mut host = TestHost::new(&few);
    let open = |host: &mut TestHost, port| host.host.connect_tcp(host.now, &to_peer(port)).unwrap();
    for port in 1..=100 {
        open(&mut host, port);
    }
    host.exchange(&[]);
    assert!(host.host.arp_mut().neighbors_mut().remove(PEER), "the next hop is not in the table");
    host.exchange(&[]);
    open(&mut host, 200);
    host.exchange(&[]);
    let frames = host.exchange(&[broadcast(&[&[8, 6], &request()])]);
    assert_eq!(destination_ports(frames), [200], "a SYN from before the removal is sent");
}

// proves: tcp-unresolved
#[test]
fn connection_without_a_pending_packet_opens_as_soon_as_its_next_hop_is_resolved() {
    let mut host = host_with_displaced_syn();
    let frames = host.exchange(&[broadcast(&[&[8, 6], &request()])]);
    assert_eq!(destination_ports(frames), [80], "the SYN waits for its timeout");
}

// proves: tcp-unresolved
#[test]
fn connection_without_a_pending_packet_opens_as_soon_as_its_next_hop_is_a_static_neighbor() {
    let mut host = host_with_displaced_syn();
    host.host.add_static(host.now, PEER, PEER_MAC).unwrap();
    assert_eq!(destination_ports(host.exchange(&[])), [80], "the SYN waits for its timeout");
}

/// Returns a host with a SYN that the neighbor table has returned, because it had no capacity for it.
fn host_with_displaced_syn() -> TestHost {
    let mut few = config();
    few.table.pending = 8;
    let mut host = TestHost::new(&few);
    host.host.connect_tcp(host.now, &to_peer(80)).unwrap();
    host.exchange(&[]);
    // Datagrams to other neighbors displace the SYN.
    let udp = host.host.bind_udp(&crate::UdpBind::default()).unwrap();
    for last in 100..108 {
        let destination = Some((Ipv4Addr::new(10, 0, 0, last), 9).into());
        let message = crate::UdpMessage { destination, ..crate::UdpMessage::default() };
        host.host.send_udp(host.now, udp, &message, b"data", &mut host.pool).unwrap();
    }
    host.exchange(&[]);
    host
}

/// Returns the destination ports of the TCP segments among these frames.
fn destination_ports(mut frames: Vec<Vec<u8>>) -> Vec<u16> {
    frames.retain(|frame| frame[12..14] == [8, 0]);
    sent(&frames).iter().map(|sent| sent.segment.destination.port()).collect()
}
