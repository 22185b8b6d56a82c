//! Questions about Ethernet.

use super::Case;
use super::frames::{Arp, BROADCAST, GROUP, OTHER_MAC, OUR_MAC, REPLY, REQUEST, ZERO};
use super::wire::Wire;

pub(super) const CASES: &[Case] = &[
    Case { name: "an unpadded frame of 42 octets is legal", rule: "IEEE 802.3 on a TAP", run: unpadded },
    Case { name: "padding is ignored and none of it returns", rule: "RFC 894, CVE-2003-0001", run: padding },
    Case { name: "frames to our station are heard", rule: "IEEE 802.3", run: to_our_station },
    Case { name: "frames to another station are not", rule: "IEEE 802.3", run: to_another_station },
    Case { name: "frames to a group nobody joined are not", rule: "IEEE 802.3", run: to_a_group },
    Case { name: "a group cannot send", rule: "IEEE 802.3 3.2.3", run: from_a_group },
    Case { name: "1501 to 1535 is neither type nor length", rule: "IEEE 802.3 3.2.6", run: undefined_types },
    Case { name: "another EtherType is not ARP", rule: "RFC 826", run: other_types },
    Case { name: "RFC 1042 is heard and RFC 894 is spoken", rule: "RFC 1122 2.3.3", run: snap },
    Case { name: "a length ends the payload", rule: "IEEE 802.3 3.2.6", run: length_ends_the_payload },
    Case { name: "a length beyond the frame is a drop", rule: "IEEE 802.3 3.2.6", run: length_beyond },
    Case { name: "LLC that is not RFC 1042 is a drop", rule: "RFC 1042", run: other_llc },
    Case { name: "a priority tag counts as no tag", rule: "IEEE 802.1Q", run: priority_tag },
    Case { name: "another VLAN is not ours", rule: "IEEE 802.1Q", run: another_vlan },
    Case { name: "VLAN 4095 is reserved", rule: "IEEE 802.1Q", run: reserved_vlan },
    Case { name: "stacked tags are read", rule: "IEEE 802.1ad", run: stacked_tags },
    Case { name: "a frame that ends inside a tag is a drop", rule: "IEEE 802.1Q", run: truncated_tag },
];

// proves: ethernet-unpadded, ethernet-rfc894
fn unpadded(wire: &mut Wire) -> Result<(), String> {
    wire.answered(&REQUEST.frame(), &REPLY.frame())
}

// proves: rfc826-padding, rfc826-reply-padding
fn padding(wire: &mut Wire) -> Result<(), String> {
    for length in [1, 18, 400, 1_472] {
        wire.answered(&REQUEST.padded(&vec![0xee; length]), &REPLY.frame())?;
    }
    Ok(())
}

// proves: ethernet-destination
fn to_our_station(wire: &mut Wire) -> Result<(), String> {
    wire.answered(&Arp { destination: OUR_MAC, ..REQUEST }.frame(), &REPLY.frame())
}

// proves: ethernet-destination
fn to_another_station(wire: &mut Wire) -> Result<(), String> {
    wire.silent(&Arp { destination: OTHER_MAC, ..REQUEST }.frame())?;
    wire.silent(&Arp { destination: ZERO, ..REQUEST }.frame())
}

// proves: ethernet-destination
fn to_a_group(wire: &mut Wire) -> Result<(), String> {
    wire.silent(&Arp { destination: GROUP, ..REQUEST }.frame())
}

// proves: ethernet-group-source
fn from_a_group(wire: &mut Wire) -> Result<(), String> {
    wire.silent(&Arp { source: GROUP, ..REQUEST }.frame())?;
    wire.silent(&Arp { source: BROADCAST, ..REQUEST }.frame())
}

// proves: ethernet-undefined
fn undefined_types(wire: &mut Wire) -> Result<(), String> {
    (1_501_u16..=1_535).try_for_each(|number| wire.silent(&REQUEST.behind(&number.to_be_bytes())))
}

// proves: ethernet-type
fn other_types(wire: &mut Wire) -> Result<(), String> {
    for number in [0x0600_u16, 0x0800, 0x0805, 0x0807, 0x8035, 0x86dd, 0xffff] {
        wire.silent(&REQUEST.behind(&number.to_be_bytes()))?;
    }
    Ok(())
}

/// A length field, and RFC 1042's header for ARP.
const fn rfc_1042(length: u8) -> [u8; 10] {
    [0, length, 0xaa, 0xaa, 0x03, 0, 0, 0, 0x08, 0x06]
}

// proves: ethernet-rfc1042, ethernet-rfc894
fn snap(wire: &mut Wire) -> Result<(), String> {
    wire.answered(&REQUEST.behind(&rfc_1042(36)), &REPLY.frame())
}

// proves: ethernet-length, ethernet-length-ends
fn length_ends_the_payload(wire: &mut Wire) -> Result<(), String> {
    let padded = [REQUEST.behind(&rfc_1042(36)), vec![0xee; 20]].concat();
    wire.answered(&padded, &REPLY.frame())?;
    (0..36).try_for_each(|length| wire.silent(&REQUEST.behind(&rfc_1042(length))))
}

// proves: ethernet-length-beyond
fn length_beyond(wire: &mut Wire) -> Result<(), String> {
    wire.silent(&REQUEST.behind(&rfc_1042(37)))?;
    wire.silent(&REQUEST.behind(&rfc_1042(255)))
}

// proves: ethernet-rfc1042
fn other_llc(wire: &mut Wire) -> Result<(), String> {
    for (place, octet) in [(2, 0xab), (3, 0xab), (4, 0x13), (5, 1), (6, 1), (7, 0x0c)] {
        let mut head = rfc_1042(36);
        if let Some(to) = head.get_mut(place) {
            *to = octet;
        }
        wire.silent(&REQUEST.behind(&head))?;
    }
    Ok(())
}

// proves: ethernet-priority-tag
fn priority_tag(wire: &mut Wire) -> Result<(), String> {
    wire.answered(&REQUEST.behind(&[0x81, 0, 0, 0, 8, 6]), &REPLY.frame())?;
    wire.answered(&REQUEST.behind(&[0x81, 0, 0xf0, 0, 8, 6]), &REPLY.frame())?;
    wire.answered(&REQUEST.behind(&[0x88, 0xa8, 0, 0, 8, 6]), &REPLY.frame())
}

// proves: ethernet-other-vlan
fn another_vlan(wire: &mut Wire) -> Result<(), String> {
    for [high, low] in [1_u16, 5, 4_094].map(u16::to_be_bytes) {
        wire.silent(&REQUEST.behind(&[0x81, 0, high, low, 8, 6]))?;
        wire.silent(&REQUEST.behind(&[0x88, 0xa8, high, low, 8, 6]))?;
    }
    Ok(())
}

// proves: ethernet-reserved-vlan
fn reserved_vlan(wire: &mut Wire) -> Result<(), String> {
    wire.silent(&REQUEST.behind(&[0x81, 0, 0x0f, 0xff, 8, 6]))?;
    wire.silent(&REQUEST.behind(&[0x81, 0, 0, 0, 0x81, 0, 0x0f, 0xff, 8, 6]))
}

// proves: ethernet-tags, ethernet-other-vlan
fn stacked_tags(wire: &mut Wire) -> Result<(), String> {
    wire.answered(&REQUEST.behind(&[0x88, 0xa8, 0, 0, 0x81, 0, 0, 0, 8, 6]), &REPLY.frame())?;
    wire.silent(&REQUEST.behind(&[0x88, 0xa8, 0, 5, 0x81, 0, 0, 6, 8, 6]))
}

// proves: truncated
fn truncated_tag(wire: &mut Wire) -> Result<(), String> {
    let tagged = REQUEST.behind(&[0x81, 0, 0, 0, 8, 6]);
    (14..46).try_for_each(|length| wire.silent(tagged.get(..length).unwrap_or_default()))
}
