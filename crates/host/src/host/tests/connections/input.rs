//! Received segments: validation, destinations, and the next hop.

use super::*;

// proves: rfc9293-closed
#[test]
fn segment_for_no_connection_gets_reset() {
    let mut host = TestHost::with_known_peer();
    let mut peer = Peer::new(PEER_PORT, 81);
    let syn = peer.next;
    let [reset] = &peer.send(&mut host, Flags::SYN, b"")[..] else { panic!("not one reset") };
    assert_eq!((reset.segment.flags, reset.segment.acknowledgment), (Flags::RST | Flags::ACK, syn.plus(1)));
    assert_eq!(reset.fields.destination, PEER);
    assert_eq!(peer.send(&mut host, Flags::RST, b"").len(), 0);
    assert_eq!(host.count("tcp", "sent"), 1);
}

// proves: rfc9293-unicast
#[test]
fn segment_to_broadcast_or_multicast_is_dropped() {
    let mut host = TestHost::with_known_peer();
    host.host.listen_tcp(&at_port(80)).unwrap();
    for (to, destination) in [
        (MacAddr::BROADCAST, [10, 0, 0, 255]),
        (MacAddr::BROADCAST, [255, 255, 255, 255]),
        (MacAddr::BROADCAST, [10, 0, 0, 2]),
        (MacAddr::new([1, 0, 0x5e, 0, 0, 1]), [224, 0, 0, 1]),
    ] {
        let mut peer = Peer::new(PEER_PORT, 80);
        peer.host.set_ip(destination.into());
        let (outcome, sent) = host.exchange_one(&framed(to, PEER_MAC, &peer.datagram(Flags::SYN, b"")));
        assert!(outcome.dropped().is_some(), "{to} {destination:?}: {outcome}");
        assert_eq!(sent.len(), 0);
    }
    assert_eq!(losses(&host.host), 4);
}

// proves: rfc9293-source
#[test]
fn segment_from_invalid_source_is_dropped() {
    let mut host = TestHost::with_known_peer();
    host.host.listen_tcp(&at_port(80)).unwrap();
    let sources =
        [[10, 0, 0, 255], [255, 255, 255, 255], [224, 0, 0, 1], [127, 0, 0, 1], [0, 0, 0, 0], [10, 0, 0, 2]];
    for source in sources {
        let mut peer = Peer::new(80, 80);
        peer.address.set_ip(source.into());
        let (outcome, sent) = host.exchange_one(&peer.frame(Flags::SYN, b""));
        assert!(outcome.dropped().is_some(), "{source:?}: {outcome}");
        assert_eq!(sent.len(), 0);
    }
    assert_eq!(losses(&host.host), 6);
}

// proves: rfc9293-checksum, tcp-checksum-first
#[test]
fn segment_with_wrong_checksum_is_dropped_before_state_is_created() {
    let mut host = TestHost::with_known_peer();
    host.host.listen_tcp(&at_port(80)).unwrap();
    let mut frame = Peer::new(PEER_PORT, 80).frame(Flags::SYN, b"");
    frame[14 + 20 + 16] ^= 1;
    let dropped = FrameOutcome::Dropped(DropReason::Tcp(TcpDropReason::Checksum));
    assert_eq!(host.exchange_one(&frame), (dropped, vec![]));
    assert_eq!((host.count("tcp", "bad_checksum"), host.count("tcp", "accepted")), (1, 0));
    // The device has verified the checksum.
    assert_eq!(host.exchange_with(&[frame], Checksum::Verified).len(), 1);
}

#[test]
fn segment_in_fragments_is_received() {
    let (mut host, peer, id) = TestHost::connected();
    let data: Vec<u8> = (0..=255).cycle().take(4_000).collect();
    let segment = segment(&peer.fields(Flags::ACK), &data);
    let fields = Ipv4Fields { identification: 9, ..Ipv4Fields::new(IpProtocol::TCP, PEER, HOST) };
    for (number, part) in segment.chunks(1_400).enumerate() {
        let more_fragments = (number + 1) * 1_400 < segment.len();
        let fields = Ipv4Fields { fragment_offset: number * 1_400, more_fragments, ..fields };
        host.exchange(&[frame(&datagram(fields, part))]);
    }
    assert_eq!(host.read(id), data);
}

// proves: tcp-neighbor-confirmed
#[test]
fn acknowledged_data_confirms_next_hop() {
    let (mut host, mut peer, id) = TestHost::connected();
    let state = |host: &TestHost| host.host.arp().neighbors().get(PEER).unwrap().state;
    // The neighbor becomes STALE, and then DELAY because the host sends.
    host.advance(Duration::from_secs(40));
    host.write(id, b"data");
    host.exchange(&[]);
    assert_eq!(state(&host), NeighborState::Delay);
    // An ACK of nothing new proves nothing.
    peer.send(&mut host, Flags::ACK, b"");
    assert_eq!(state(&host), NeighborState::Delay);
    peer.expected = peer.expected.plus(4);
    peer.send(&mut host, Flags::ACK, b"");
    assert_eq!(state(&host), NeighborState::Reachable);
}

#[test]
fn invalid_option_is_counted_and_segment_accepted() {
    let mut host = TestHost::with_known_peer();
    host.host.listen_tcp(&at_port(80)).unwrap();
    let peer = Peer::new(PEER_PORT, 80);
    let mut bytes = [&segment(&peer.fields(Flags::SYN), b"")[..], &[2, 0, 1, 1]].concat();
    bytes[12] = 6 << 4;
    bytes[16..18].fill(0);
    let addresses = [PEER.octets(), HOST.octets()].concat();
    let length = u16::try_from(bytes.len()).unwrap();
    let sum = inet::checksum::Sum::default().plus(&addresses).plus_word(6).plus_word(length).plus(&bytes);
    bytes[16..18].copy_from_slice(&sum.checksum().to_be_bytes());
    let fields = Ipv4Fields::new(IpProtocol::TCP, PEER, HOST);
    let (outcome, sent) = host.exchange_one(&frame(&datagram(fields, &bytes)));
    assert_eq!((outcome, sent.len()), (ACCEPTED, 1));
    assert_eq!(host.count("tcp", "invalid_options"), 1);
}
