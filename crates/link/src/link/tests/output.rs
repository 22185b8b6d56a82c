use super::*;
use crate::{EthernetFrame, VlanId, VlanTags};
use proptest::prelude::*;

const LOCAL: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 2]);
const PEER: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 1]);

fn sent(vlan: Option<u16>, payload: &[u8]) -> Frame {
    let link = Link::new(1_500, vlan.and_then(VlanId::new));
    let mut frame = Frame::for_mtu(1_500);
    frame.write(payload).unwrap();
    link.add_header(&mut frame, PEER, LOCAL, EtherType::ARP).unwrap();
    frame
}

// proves: ethernet-rfc894
#[test]
fn header_is_ethernet_ii() {
    let frame = sent(None, b"data");
    assert_eq!(frame.bytes(), b"\x02\0\0\0\0\x01\x02\0\0\0\0\x02\x08\x06data");
}

// proves: ethernet-vlan-reply
#[test]
fn header_has_tag_when_link_is_in_vlan() {
    let frame = sent(Some(5), b"data");
    assert_eq!(frame.bytes(), b"\x02\0\0\0\0\x01\x02\0\0\0\0\x02\x81\0\0\x05\x08\x06data");
}

// proves: ethernet-minimum, rfc826-reply-padding
#[test]
fn padding_adds_zeros_up_to_60_bytes_and_never_shortens() {
    let mut short = sent(None, &[0xff; 28]);
    short.pad(MINIMUM_FRAME).unwrap();
    assert_eq!(short.len(), 60);
    assert_eq!(&short.bytes()[42..], &[0; 18]);

    let mut long = sent(None, &[0xff; 100]);
    long.pad(MINIMUM_FRAME).unwrap();
    assert_eq!(long.len(), 114);
}

// proves: ethernet-minimum
#[test]
fn tagged_frame_is_padded_to_60_bytes() {
    let mut exact = sent(Some(5), &[0xff; 42]);
    exact.pad(MINIMUM_FRAME).unwrap();
    assert_eq!(exact.bytes()[18..], [0xff; 42]);

    let mut short = sent(Some(5), &[0xff; 28]);
    short.pad(MINIMUM_FRAME).unwrap();
    assert_eq!(short.bytes()[46..], [0; 14]);
}

// proves: ethernet-minimum
#[test]
fn frame_is_not_padded_when_minimum_is_zero() {
    let mut frame = sent(None, &[0xff; 28]);
    frame.pad(0).unwrap();
    assert_eq!(frame.len(), 42);
}

#[test]
fn header_is_rejected_without_headroom() {
    let link = Link::new(1_500, None);
    let mut frame = Frame::for_mtu(1_500);
    frame.prepend(Frame::HEADROOM - 13).unwrap();
    assert_eq!(link.add_header(&mut frame, PEER, LOCAL, EtherType::ARP), Err(OutOfSpace));
}

proptest! {
    // proves: ethernet-rfc894, ethernet-vlan-reply
    #[test]
    fn written_header_is_parsed_back(
        payload in prop::collection::vec(any::<u8>(), 0..1_500),
        ether_type in 1_536_u16..,
        vlan in prop::option::of(1_u16..4_095),
    ) {
        prop_assume!(!EtherType(ether_type).is_tag());
        let link = Link::new(1_500, vlan.and_then(VlanId::new));
        let mut frame = Frame::for_mtu(1_500);
        frame.write(&payload).unwrap();
        link.add_header(&mut frame, PEER, LOCAL, EtherType(ether_type)).unwrap();
        let parsed = EthernetFrame::parse(frame.bytes()).unwrap();
        prop_assert_eq!(parsed.destination(), PEER);
        prop_assert_eq!(parsed.source(), LOCAL);
        prop_assert_eq!(parsed.ether_type(), EtherType(ether_type));
        prop_assert_eq!(parsed.payload(), &payload[..]);
        prop_assert_eq!(parsed.tags() == VlanTags::None, vlan.is_none());
    }
}
