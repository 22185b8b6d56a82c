//! One frame of any bytes: what parses lies inside the frame, what a link accepts is for it.
#![no_main]

use std::ptr;

use libfuzzer_sys::fuzz_target;
use link::{
    DestinationKind, Encapsulation, EtherType, EthernetFrame, Link, MacAddr, MacSet, ReceivedFrame, VlanId,
    VlanTag,
};

/// Local MAC addresses: 02:00:00:00:00:02 to :05.
const FIRST: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 2]);
const LAST: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 5]);
/// All hosts of IPv4 (RFC 1112 6.4).
const JOINED: MacAddr = MacAddr::new([1, 0, 0x5e, 0, 0, 1]);
/// So low that short inputs exceed it.
const MTU: usize = 100;

fuzz_target!(|bytes: &[u8]| {
    let cut = bytes.split_last().map_or(bytes, |(_, cut)| cut);
    if let Ok(frame) = EthernetFrame::parse(bytes) {
        check_views(bytes, &frame);
        check_fields(&frame);
    }
    check_truncated(cut, bytes);
    for vlan in [None, VlanId::new(5)] {
        check_link(vlan, [bytes, cut]);
    }
});

/// Checks that the payload is a view into the frame, where the frame says it is.
fn check_views(bytes: &[u8], frame: &EthernetFrame<'_>) {
    let (offset, payload) = (frame.payload_offset(), frame.payload());
    assert!(ptr::eq(payload, &raw const bytes[offset..offset + payload.len()]));
    let snap = frame.encapsulation() == Encapsulation::Snap;
    assert_eq!(offset, 14 + 4 * frame.tags().iter().count() + if snap { 8 } else { 0 });
    if snap {
        let length = u16::from_be_bytes([bytes[offset - 10], bytes[offset - 9]]);
        assert_eq!(8 + payload.len(), usize::from(length), "a length frame's payload ends with the length");
    } else {
        assert_eq!(offset + payload.len(), bytes.len(), "a type frame's payload ends with the frame");
    }
}

fn check_fields(frame: &EthernetFrame<'_>) {
    assert!(frame.ether_type().0 >= EtherType::FIRST);
    assert!(frame.encapsulation() == Encapsulation::Snap || !frame.ether_type().is_tag());
    for tag in frame.tags().iter() {
        assert!(tag.protocol.is_tag());
        assert_ne!(tag.identifier(), VlanTag::RESERVED);
    }
}

/// Checks that a frame which parses without its last byte parses alike with it.
fn check_truncated(cut: &[u8], whole: &[u8]) {
    let Ok(cut) = EthernetFrame::parse(cut) else { return };
    let whole = EthernetFrame::parse(whole).expect("one octet more makes no frame worse");
    assert_eq!(cut.destination(), whole.destination());
    assert_eq!(cut.source(), whole.source());
    assert_eq!(cut.tags(), whole.tags());
    assert_eq!(cut.ether_type(), whole.ether_type());
    assert_eq!(cut.payload_offset(), whole.payload_offset());
    assert!(whole.payload().starts_with(cut.payload()));
}

/// Checks that a link accepts what is sent to it by a station, in its VLAN, and counts every frame once.
fn check_link(vlan: Option<VlanId>, frames: [&[u8]; 2]) {
    let mut local_macs = MacSet::default();
    local_macs.add(FIRST, LAST);
    let mut link = Link::new(local_macs, MTU, vlan);
    link.join(JOINED).expect("room for a first group");

    for bytes in frames {
        let before = link.accepted();
        let Ok(ReceivedFrame { frame, destination_kind }) = link.receive(EthernetFrame::parse(bytes)) else {
            assert_eq!(link.accepted(), before);
            continue;
        };
        let destination = frame.destination();
        match destination_kind {
            DestinationKind::Unicast => assert!((FIRST..=LAST).contains(&destination)),
            DestinationKind::Multicast => assert_eq!(destination, JOINED),
            DestinationKind::Broadcast => assert_eq!(destination, MacAddr::BROADCAST),
        }
        assert!(!frame.source().is_group());
        let headers = 14 + 4 * frame.tags().iter().count();
        assert!(frame.payload_offset() + frame.payload().len() <= headers + MTU, "a SNAP header counts too");
        let mut tags = frame.tags().iter().filter(|tag| tag.identifier() != 0);
        let tag = tags.next().map(|tag| (tag.protocol, tag.identifier()));
        assert_eq!(tag, vlan.map(|vlan| (EtherType::VLAN, vlan.number())));
        assert_eq!(tags.next(), None);
        assert_eq!(link.accepted(), before + 1);
    }
    let dropped: u64 = link.dropped().iter().map(|(_, count)| count).sum();
    assert_eq!(link.accepted() + dropped, 2);
}
