//! Questions about Ethernet.

use super::case::{Case, CaseResult};
use super::frame_socket::FrameSocket;
use super::frames::{Arp, BROADCAST, GROUP, OTHER_MAC, REPLY, REQUEST, TESTED_MAC, UNJOINED_GROUP, ZERO};

pub(crate) const CASES: &[Case] = &[
    Case::new("an unpadded frame of 42 octets is legal", "IEEE 802.3 on a TAP", unpadded),
    Case::new("padding is ignored and none of it returns", "RFC 894, CVE-2003-0001", padding),
    Case::new("frames to our station are heard", "IEEE 802.3", to_our_station),
    Case::new("frames to another station are not", "IEEE 802.3", to_another_station),
    Case::new("frames to a group nobody joined are not", "IEEE 802.3", to_group)
        .linux_differs("it leaves groups to the filter of the card, and a veth has none"),
    Case::new("a group cannot send", "IEEE 802.3 3.2.3", from_group).linux_differs(ANY_SOURCE),
    Case::new("broadcast cannot send", "IEEE 802.3 3.2.3", from_broadcast).linux_differs(ANY_SOURCE),
    Case::new("1501 to 1535 is neither type nor length", "IEEE 802.3 3.2.6", undefined_types),
    Case::new("another EtherType is not ARP", "RFC 826", other_types),
    Case::new("RFC 1042 is heard and RFC 894 is spoken", "RFC 1122 2.3.3", snap).linux_differs(NO_SNAP),
    Case::new("what follows a length's end is padding", "IEEE 802.3 3.2.6", padding_after_length)
        .linux_differs(NO_SNAP),
    Case::new("a length ends the payload", "IEEE 802.3 3.2.6", length_ends_payload),
    Case::new("a length beyond the frame is a drop", "IEEE 802.3 3.2.6", length_beyond),
    Case::new("LLC that is not RFC 1042 is a drop", "RFC 1042", other_llc),
    Case::new("a priority tag counts as no tag", "IEEE 802.1Q", priority_tag),
    Case::new("another VLAN is not ours", "IEEE 802.1Q", another_vlan),
    Case::new("VLAN 4095 is reserved", "IEEE 802.1Q", reserved_vlan),
    Case::new("stacked tags are read", "IEEE 802.1ad", stacked_tags),
    Case::new("a frame that ends inside a tag is a drop", "IEEE 802.1Q", truncated_tag),
];

const ANY_SOURCE: &str = "it does not look at the source address of a frame";
const NO_SNAP: &str = "it has no receiver for ARP behind RFC 1042's header, which is a SHOULD";

// proves: ethernet-unpadded, ethernet-rfc894
fn unpadded(wire: &mut FrameSocket) -> CaseResult {
    wire.expect_reply(&REQUEST.frame(), &REPLY.frame())
}

// proves: rfc826-padding, rfc826-reply-padding
fn padding(wire: &mut FrameSocket) -> CaseResult {
    for length in [1, 18, 400, 1_472] {
        wire.expect_reply(&REQUEST.padded(&vec![0xee; length]), &REPLY.frame())?;
    }
    Ok(())
}

// proves: ethernet-destination
fn to_our_station(wire: &mut FrameSocket) -> CaseResult {
    wire.expect_reply(&Arp { destination: TESTED_MAC, ..REQUEST }.frame(), &REPLY.frame())
}

// proves: ethernet-destination
fn to_another_station(wire: &mut FrameSocket) -> CaseResult {
    wire.expect_no_reply(&Arp { destination: OTHER_MAC, ..REQUEST }.frame())?;
    wire.expect_no_reply(&Arp { destination: ZERO, ..REQUEST }.frame())
}

// proves: ethernet-destination
fn to_group(wire: &mut FrameSocket) -> CaseResult {
    wire.expect_no_reply(&Arp { destination: UNJOINED_GROUP, ..REQUEST }.frame())
}

// proves: ethernet-group-source
fn from_group(wire: &mut FrameSocket) -> CaseResult {
    wire.expect_no_reply(&Arp { source: GROUP, ..REQUEST }.frame())
}

// proves: ethernet-group-source
fn from_broadcast(wire: &mut FrameSocket) -> CaseResult {
    wire.expect_no_reply(&Arp { source: BROADCAST, ..REQUEST }.frame())
}

// proves: ethernet-undefined
fn undefined_types(wire: &mut FrameSocket) -> CaseResult {
    (1_501_u16..=1_535).try_for_each(|number| wire.expect_no_reply(&REQUEST.behind(&number.to_be_bytes())))
}

// proves: ethernet-type
fn other_types(wire: &mut FrameSocket) -> CaseResult {
    for number in [0x0600_u16, 0x0800, 0x0805, 0x0807, 0x8035, 0x86dd, 0xffff] {
        wire.expect_no_reply(&REQUEST.behind(&number.to_be_bytes()))?;
    }
    Ok(())
}

/// A length field, and RFC 1042's header for ARP.
const fn rfc_1042(length: u8) -> [u8; 10] {
    [0, length, 0xaa, 0xaa, 0x03, 0, 0, 0, 0x08, 0x06]
}

// proves: ethernet-rfc1042, ethernet-rfc894
fn snap(wire: &mut FrameSocket) -> CaseResult {
    wire.expect_reply(&REQUEST.behind(&rfc_1042(36)), &REPLY.frame())
}

// proves: ethernet-length-ends
fn padding_after_length(wire: &mut FrameSocket) -> CaseResult {
    let padded = [REQUEST.behind(&rfc_1042(36)), vec![0xee; 20]].concat();
    wire.expect_reply(&padded, &REPLY.frame())
}

// proves: ethernet-length, ethernet-length-ends
fn length_ends_payload(wire: &mut FrameSocket) -> CaseResult {
    (0..36).try_for_each(|length| wire.expect_no_reply(&REQUEST.behind(&rfc_1042(length))))
}

// proves: ethernet-length-beyond
fn length_beyond(wire: &mut FrameSocket) -> CaseResult {
    wire.expect_no_reply(&REQUEST.behind(&rfc_1042(37)))?;
    wire.expect_no_reply(&REQUEST.behind(&rfc_1042(255)))
}

// proves: ethernet-rfc1042
fn other_llc(wire: &mut FrameSocket) -> CaseResult {
    for (place, byte) in [(2, 0xab), (3, 0xab), (4, 0x13), (5, 1), (6, 1), (7, 0x0c)] {
        let mut head = rfc_1042(36);
        if let Some(to) = head.get_mut(place) {
            *to = byte;
        }
        wire.expect_no_reply(&REQUEST.behind(&head))?;
    }
    Ok(())
}

// proves: ethernet-priority-tag
fn priority_tag(wire: &mut FrameSocket) -> CaseResult {
    wire.expect_reply(&REQUEST.behind(&[0x81, 0, 0, 0, 8, 6]), &REPLY.frame())?;
    wire.expect_reply(&REQUEST.behind(&[0x81, 0, 0xf0, 0, 8, 6]), &REPLY.frame())?;
    wire.expect_reply(&REQUEST.behind(&[0x88, 0xa8, 0, 0, 8, 6]), &REPLY.frame())
}

// proves: ethernet-other-vlan
fn another_vlan(wire: &mut FrameSocket) -> CaseResult {
    for [high, low] in [1_u16, 5, 4_094].map(u16::to_be_bytes) {
        wire.expect_no_reply(&REQUEST.behind(&[0x81, 0, high, low, 8, 6]))?;
        wire.expect_no_reply(&REQUEST.behind(&[0x88, 0xa8, high, low, 8, 6]))?;
    }
    Ok(())
}

// proves: ethernet-reserved-vlan
fn reserved_vlan(wire: &mut FrameSocket) -> CaseResult {
    wire.expect_no_reply(&REQUEST.behind(&[0x81, 0, 0x0f, 0xff, 8, 6]))?;
    wire.expect_no_reply(&REQUEST.behind(&[0x81, 0, 0, 0, 0x81, 0, 0x0f, 0xff, 8, 6]))
}

// proves: ethernet-tags, ethernet-other-vlan
fn stacked_tags(wire: &mut FrameSocket) -> CaseResult {
    wire.expect_reply(&REQUEST.behind(&[0x88, 0xa8, 0, 0, 0x81, 0, 0, 0, 8, 6]), &REPLY.frame())?;
    wire.expect_no_reply(&REQUEST.behind(&[0x88, 0xa8, 0, 5, 0x81, 0, 0, 6, 8, 6]))
}

// proves: truncated
fn truncated_tag(wire: &mut FrameSocket) -> CaseResult {
    let tagged = REQUEST.behind(&[0x81, 0, 0, 0, 8, 6]);
    (14..46).try_for_each(|length| wire.expect_no_reply(tagged.get(..length).unwrap_or_default()))
}
