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
