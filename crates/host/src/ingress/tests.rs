use super::*;

/// Returns a frame with an EtherType, and with these bytes after the Ethernet header.
fn frame(ether_type: [u8; 2], payload: &[u8]) -> Frame {
    let mut frame = Frame::for_mtu(1_500);
    frame.write(&[&[0; 12][..], &ether_type, payload].concat()).unwrap();
    frame
}

#[test]
fn sender_is_source_of_datagram_or_sender_of_arp_packet() {
    let payload: Vec<u8> = (0..20).collect();
    assert_eq!(sender(&frame([8, 0], &payload)), Some(Ipv4Addr::new(12, 13, 14, 15)));
    assert_eq!(sender(&frame([8, 6], &payload)), Some(Ipv4Addr::new(14, 15, 16, 17)));
}

#[test]
fn other_and_short_frames_have_no_sender() {
    assert_eq!(sender(&frame([0x81, 0], &[0; 28])), None, "a frame with a tag has a sender");
    assert_eq!(sender(&frame([8, 0], &[0; 15])), None, "a datagram without its source has a sender");
    assert_eq!(sender(&frame([8, 6], &[0; 17])), None, "an ARP packet without its sender has a sender");
    let mut empty = Frame::for_mtu(1_500);
    empty.write(&[0; 13]).unwrap();
    assert_eq!(sender(&empty), None, "a frame without an EtherType has a sender");
}
