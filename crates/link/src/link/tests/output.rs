use super::*;
use crate::{EthernetFrame, MacSet, VlanId, VlanTags};
use proptest::prelude::*;

const OURS: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 2]);
const THEIRS: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 1]);

fn sent(vlan: Option<u16>, payload: &[u8]) -> Frame {
    let link = Link::new(MacSet::one(OURS), 1_500, vlan.and_then(VlanId::new));
    let mut frame = Frame::for_mtu(1_500);
    frame.write(payload).unwrap();
    link.add_header(&mut frame, THEIRS, OURS, EtherType::ARP).unwrap();
    frame
}

// proves: ethernet-rfc894
#[test]
fn the_payload_gets_an_ethernet_ii_header() {
    let frame = sent(None, b"data");
    assert_eq!(frame.bytes(), b"\x02\0\0\0\0\x01\x02\0\0\0\0\x02\x08\x06data");
}

// proves: ethernet-vlan-reply
#[test]
fn in_a_vlan_it_gets_the_tag_too() {
    let frame = sent(Some(5), b"data");
    assert_eq!(frame.bytes(), b"\x02\0\0\0\0\x01\x02\0\0\0\0\x02\x81\0\0\x05\x08\x06data");
}

// proves: ethernet-minimum, rfc826-reply-padding
#[test]
fn padding_fills_up_to_60_octets_with_zeros_and_never_shortens() {
    let mut short = sent(None, &[0xff; 28]);
    pad(&mut short, MINIMUM_FRAME).unwrap();
    assert_eq!(short.len(), 60);
    assert_eq!(&short.bytes()[42..], &[0; 18]);

    let mut long = sent(None, &[0xff; 100]);
    pad(&mut long, MINIMUM_FRAME).unwrap();
    assert_eq!(long.len(), 114);
}

// proves: ethernet-minimum
#[test]
fn a_tagged_frame_is_filled_up_to_60_octets_too() {
    let mut exact = sent(Some(5), &[0xff; 42]);
    pad(&mut exact, MINIMUM_FRAME).unwrap();
    assert_eq!(exact.bytes()[18..], [0xff; 42]);

    let mut short = sent(Some(5), &[0xff; 28]);
    pad(&mut short, MINIMUM_FRAME).unwrap();
    assert_eq!(short.bytes()[46..], [0; 14]);
}

// proves: ethernet-minimum
#[test]
fn a_wire_that_asks_for_no_padding_gets_none() {
    let mut frame = sent(None, &[0xff; 28]);
    pad(&mut frame, 0).unwrap();
    assert_eq!(frame.len(), 42);
}

#[test]
fn a_frame_without_headroom_is_refused() {
    let link = Link::new(MacSet::one(OURS), 1_500, None);
    let mut frame = Frame::for_mtu(1_500);
    frame.prepend(Frame::HEADROOM - 13).unwrap();
    assert_eq!(link.add_header(&mut frame, THEIRS, OURS, EtherType::ARP), Err(OutOfSpace));
}

proptest! {
    // proves: ethernet-rfc894, ethernet-vlan-reply
    #[test]
    fn what_is_sent_parses_back(
        payload in prop::collection::vec(any::<u8>(), 0..1_500),
        ether_type in 1_536_u16..,
        vlan in prop::option::of(1_u16..4_095),
    ) {
        prop_assume!(!EtherType(ether_type).is_tag());
        let link = Link::new(MacSet::one(OURS), 1_500, vlan.and_then(VlanId::new));
        let mut frame = Frame::for_mtu(1_500);
        frame.write(&payload).unwrap();
        link.add_header(&mut frame, THEIRS, OURS, EtherType(ether_type)).unwrap();
        let parsed = EthernetFrame::parse(frame.bytes()).unwrap();
        prop_assert_eq!(parsed.destination(), THEIRS);
        prop_assert_eq!(parsed.source(), OURS);
        prop_assert_eq!(parsed.ether_type(), EtherType(ether_type));
        prop_assert_eq!(parsed.payload(), &payload[..]);
        prop_assert_eq!(parsed.tags() == VlanTags::None, vlan.is_none());
    }
}
