//! One frame of arbitrary bytes. Checks that the payload is inside the frame, and that a link accepts only frames
//! addressed to the link.
#![no_main]

use std::ptr;

use libfuzzer_sys::fuzz_target;
use link::{
    DestinationKind, Encapsulation, EtherType, EthernetFrame, Link, LocalMacs, MacAddr, ReceivedFrame,
    VlanId, VlanTag,
};

/// Local MAC addresses: 02:00:00:00:00:02 to :05.
const FIRST: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 2]);
const LAST: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 5]);
/// MAC address of the IPv4 all-hosts group (RFC 1112 6.4).
const JOINED: MacAddr = MacAddr::new([1, 0, 0x5e, 0, 0, 1]);
/// MTU so small that short inputs exceed it.
const MTU: usize = 100;

fuzz_target!(|bytes: &[u8]| {
    let truncated = bytes.split_last().map_or(bytes, |(_, truncated)| truncated);
    if let Ok(frame) = EthernetFrame::parse(bytes) {
        check_views(bytes, &frame);
        check_fields(&frame);
    }
    check_truncated(truncated, bytes);
    for vlan in [None, VlanId::new(5)] {
        check_link(vlan, [bytes, truncated]);
    }
});

/// Checks that the payload is a view into the frame at its offset.
fn check_views(bytes: &[u8], frame: &EthernetFrame<'_>) {
    let (offset, payload) = (frame.payload_offset(), frame.payload());
    assert!(ptr::eq(payload, &raw const bytes[offset..offset + payload.len()]));
    let snap = frame.encapsulation() == Encapsulation::Snap;
    assert_eq!(offset, 14 + 4 * frame.tags().iter().count() + if snap { 8 } else { 0 });
    if snap {
        let length = u16::from_be_bytes([bytes[offset - 10], bytes[offset - 9]]);
        assert_eq!(8 + payload.len(), usize::from(length), "payload and length field differ");
    } else {
        assert_eq!(offset + payload.len(), bytes.len(), "payload does not end with the frame");
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

/// Checks that a frame that parses without its last byte gives the same result with that byte.
fn check_truncated(truncated: &[u8], whole: &[u8]) {
    let Ok(truncated) = EthernetFrame::parse(truncated) else { return };
    let whole = EthernetFrame::parse(whole).expect("frame should parse with one more byte");
    assert_eq!(truncated.destination(), whole.destination());
    assert_eq!(truncated.source(), whole.source());
    assert_eq!(truncated.tags(), whole.tags());
    assert_eq!(truncated.ether_type(), whole.ether_type());
    assert_eq!(truncated.payload_offset(), whole.payload_offset());
    assert!(whole.payload().starts_with(truncated.payload()));
}

/// The local MAC addresses.
struct Local;

impl LocalMacs for Local {
    fn has_mac(&self, mac: MacAddr) -> bool {
        (FIRST..=LAST).contains(&mac)
    }
}

/// Checks that a link accepts only frames from a station in its VLAN to the link, and counts every frame once.
fn check_link(vlan: Option<VlanId>, frames: [&[u8]; 2]) {
    let mut link = Link::new(MTU, vlan);
    link.join(JOINED).expect("link should have capacity for one group");

    for bytes in frames {
        let before = link.accepted();
        let Ok(ReceivedFrame { frame, destination_kind }) = link.receive(&Local, EthernetFrame::parse(bytes))
        else {
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
        assert!(
            frame.payload_offset() + frame.payload().len() <= headers + MTU,
            "payload and SNAP header exceed the MTU"
        );
        let mut tags = frame.tags().iter().filter(|tag| tag.identifier() != 0);
        let tag = tags.next().map(|tag| (tag.protocol, tag.identifier()));
        assert_eq!(tag, vlan.map(|vlan| (EtherType::VLAN, vlan.number())));
        assert_eq!(tags.next(), None);
        assert_eq!(link.accepted(), before + 1);
    }
    let dropped: u64 = link.dropped().iter().map(|(_, count)| count).sum();
    assert_eq!(link.accepted() + dropped, 2);
}
