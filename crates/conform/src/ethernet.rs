//! Cases about Ethernet.

use super::case::{Case, CaseResult};
use super::frame_socket::FrameSocket;
use super::frames::{Arp, BROADCAST, GROUP, OTHER_MAC, REPLY, REQUEST, TESTED_MAC, UNJOINED_GROUP, ZERO};

pub(crate) const CASES: &[Case] = &[
    Case::new("unpadded frame of 42 bytes is accepted", "IEEE 802.3 on a TAP", unpadded),
    Case::new("padding is ignored and not part of the reply", "RFC 894, CVE-2003-0001", padding),
    Case::new("frame to the local MAC address is accepted", "IEEE 802.3", to_local_mac),
    Case::new("frame to another MAC address is dropped", "IEEE 802.3", to_other_mac),
    Case::new("frame to a multicast group that was not joined is dropped", "IEEE 802.3", to_multicast)
        .linux_differs("filters multicast frames in the network card only, and a veth has no filter"),
    Case::new("frame with a multicast source address is dropped", "IEEE 802.3 3.2.3", from_multicast)
        .linux_differs(ANY_SOURCE),
    Case::new("frame with a broadcast source address is dropped", "IEEE 802.3 3.2.3", from_broadcast)
        .linux_differs(ANY_SOURCE),
    Case::new("frame with a type or length of 1501 to 1535 is dropped", "IEEE 802.3 3.2.6", undefined_types),
    Case::new("ARP packet with another EtherType gets no reply", "RFC 826", other_types),
    Case::new("RFC 1042 request gets an RFC 894 reply", "RFC 1122 2.3.3", snap).linux_differs(NO_SNAP),
    Case::new("bytes after the length are padding", "IEEE 802.3 3.2.6", padding_after_length)
        .linux_differs(NO_SNAP),
    Case::new(
        "frame with a length shorter than the packet is dropped",
        "IEEE 802.3 3.2.6",
        length_ends_payload,
    ),
    Case::new("frame with a length beyond its end is dropped", "IEEE 802.3 3.2.6", length_beyond),
    Case::new("frame with an LLC header other than that of RFC 1042 is dropped", "RFC 1042", other_llc),
    Case::new("priority-tagged frame is treated as untagged", "IEEE 802.1Q", priority_tag),
    Case::new("frame of another VLAN is dropped", "IEEE 802.1Q", other_vlan),
    Case::new("frame of the reserved VLAN 4095 is dropped", "IEEE 802.1Q", reserved_vlan),
    Case::new("frame with stacked priority tags is accepted", "IEEE 802.1ad", stacked_tags),
    Case::new("frame that ends inside a tag is dropped", "IEEE 802.1Q", truncated_tag),
];

const ANY_SOURCE: &str = "does not check the source address of a frame";
const NO_SNAP: &str = "does not receive ARP in RFC 1042 frames, which RFC 1122 only recommends";

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
fn to_local_mac(wire: &mut FrameSocket) -> CaseResult {
    wire.expect_reply(&Arp { destination: TESTED_MAC, ..REQUEST }.frame(), &REPLY.frame())
}

// proves: ethernet-destination
fn to_other_mac(wire: &mut FrameSocket) -> CaseResult {
    wire.expect_no_reply(&Arp { destination: OTHER_MAC, ..REQUEST }.frame())?;
    wire.expect_no_reply(&Arp { destination: ZERO, ..REQUEST }.frame())
}

// proves: ethernet-destination
fn to_multicast(wire: &mut FrameSocket) -> CaseResult {
    wire.expect_no_reply(&Arp { destination: UNJOINED_GROUP, ..REQUEST }.frame())
}

// proves: ethernet-group-source
fn from_multicast(wire: &mut FrameSocket) -> CaseResult {
    wire.expect_no_reply(&Arp { source: GROUP, ..REQUEST }.frame())
}

// proves: ethernet-group-source
fn from_broadcast(wire: &mut FrameSocket) -> CaseResult {
    wire.expect_no_reply(&Arp { source: BROADCAST, ..REQUEST }.frame())
}

// proves: ethernet-undefined
fn undefined_types(wire: &mut FrameSocket) -> CaseResult {
    (1_501_u16..=1_535)
        .try_for_each(|number| wire.expect_no_reply(&REQUEST.with_header(&number.to_be_bytes())))
}

// proves: ethernet-type
fn other_types(wire: &mut FrameSocket) -> CaseResult {
    for number in [0x0600_u16, 0x0800, 0x0805, 0x0807, 0x8035, 0x86dd, 0xffff] {
        wire.expect_no_reply(&REQUEST.with_header(&number.to_be_bytes()))?;
    }
    Ok(())
}

/// Returns a length field and the RFC 1042 header for ARP.
const fn rfc_1042(length: u8) -> [u8; 10] {
    [0, length, 0xaa, 0xaa, 0x03, 0, 0, 0, 0x08, 0x06]
}

// proves: ethernet-rfc1042, ethernet-rfc894
fn snap(wire: &mut FrameSocket) -> CaseResult {
    wire.expect_reply(&REQUEST.with_header(&rfc_1042(36)), &REPLY.frame())
}

// proves: ethernet-length-ends
fn padding_after_length(wire: &mut FrameSocket) -> CaseResult {
    let padded = [REQUEST.with_header(&rfc_1042(36)), vec![0xee; 20]].concat();
    wire.expect_reply(&padded, &REPLY.frame())
}

// proves: ethernet-length, ethernet-length-ends
fn length_ends_payload(wire: &mut FrameSocket) -> CaseResult {
    (0..36).try_for_each(|length| wire.expect_no_reply(&REQUEST.with_header(&rfc_1042(length))))
}

// proves: ethernet-length-beyond
fn length_beyond(wire: &mut FrameSocket) -> CaseResult {
    wire.expect_no_reply(&REQUEST.with_header(&rfc_1042(37)))?;
    wire.expect_no_reply(&REQUEST.with_header(&rfc_1042(255)))
}

// proves: ethernet-rfc1042
fn other_llc(wire: &mut FrameSocket) -> CaseResult {
    for (place, byte) in [(2, 0xab), (3, 0xab), (4, 0x13), (5, 1), (6, 1), (7, 0x0c)] {
        let mut head = rfc_1042(36);
        if let Some(to) = head.get_mut(place) {
            *to = byte;
        }
        wire.expect_no_reply(&REQUEST.with_header(&head))?;
    }
    Ok(())
}

// proves: ethernet-priority-tag
fn priority_tag(wire: &mut FrameSocket) -> CaseResult {
    wire.expect_reply(&REQUEST.with_header(&[0x81, 0, 0, 0, 8, 6]), &REPLY.frame())?;
    wire.expect_reply(&REQUEST.with_header(&[0x81, 0, 0xf0, 0, 8, 6]), &REPLY.frame())?;
    wire.expect_reply(&REQUEST.with_header(&[0x88, 0xa8, 0, 0, 8, 6]), &REPLY.frame())
}

// proves: ethernet-other-vlan
fn other_vlan(wire: &mut FrameSocket) -> CaseResult {
    for [high, low] in [1_u16, 5, 4_094].map(u16::to_be_bytes) {
        wire.expect_no_reply(&REQUEST.with_header(&[0x81, 0, high, low, 8, 6]))?;
        wire.expect_no_reply(&REQUEST.with_header(&[0x88, 0xa8, high, low, 8, 6]))?;
    }
    Ok(())
}

// proves: ethernet-reserved-vlan
fn reserved_vlan(wire: &mut FrameSocket) -> CaseResult {
    wire.expect_no_reply(&REQUEST.with_header(&[0x81, 0, 0x0f, 0xff, 8, 6]))?;
    wire.expect_no_reply(&REQUEST.with_header(&[0x81, 0, 0, 0, 0x81, 0, 0x0f, 0xff, 8, 6]))
}

// proves: ethernet-tags, ethernet-other-vlan
fn stacked_tags(wire: &mut FrameSocket) -> CaseResult {
    wire.expect_reply(&REQUEST.with_header(&[0x88, 0xa8, 0, 0, 0x81, 0, 0, 0, 8, 6]), &REPLY.frame())?;
    wire.expect_no_reply(&REQUEST.with_header(&[0x88, 0xa8, 0, 5, 0x81, 0, 0, 6, 8, 6]))
}

// proves: truncated
fn truncated_tag(wire: &mut FrameSocket) -> CaseResult {
    let tagged = REQUEST.with_header(&[0x81, 0, 0, 0, 8, 6]);
    (14..46).try_for_each(|length| wire.expect_no_reply(tagged.get(..length).unwrap_or_default()))
}
