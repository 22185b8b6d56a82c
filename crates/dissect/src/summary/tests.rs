use super::*;
use crate::conversation::TcpConversations;
use crate::dissect;

mod datagrams;
mod protocols;
mod segments;

const HEAD: [u8; 12] = [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1];
const REQUEST: [u8; 28] =
    [0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 10, 0, 0, 2];

/// Returns the dissection of an Ethernet frame without its faults.
fn without_faults(bytes: &[u8], length: usize) -> Dissection<'_> {
    Dissection { faults: Vec::new(), ..dissect(bytes, length) }
}

/// Returns the summary of a frame, which belongs to no earlier conversation.
fn summarize(bytes: &[u8]) -> String {
    crate::summarize(bytes, &mut TcpConversations::default())
}

fn line(rest: &[&[u8]]) -> String {
    summarize(&[&HEAD, &rest.concat()[..]].concat())
}

// Expected lines are the output of tcpdump 4.99.3 -e -n -t for the same bytes.

#[test]
fn request_summary_matches_tcpdump() {
    let expected = "02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype ARP (0x0806), length 42: Request who-has 10.0.0.2 tell 10.0.0.1, length 28";
    assert_eq!(line(&[&[8, 6], &REQUEST]), expected);
}

#[test]
fn padded_reply_summary_matches_tcpdump() {
    let mut reply = REQUEST;
    reply[7] = 2;
    let expected = "02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype ARP (0x0806), length 60: Reply 10.0.0.1 is-at 02:00:00:00:00:01, length 46";
    assert_eq!(line(&[&[8, 6], &reply, &[0; 18]]), expected);
}

#[test]
fn request_summary_has_target_mac_when_it_is_set() {
    let mut request = REQUEST;
    request[18..24].fill(0xff);
    assert!(
        line(&[&[8, 6], &request])
            .ends_with("Request who-has 10.0.0.2 (ff:ff:ff:ff:ff:ff) tell 10.0.0.1, length 28")
    );
}

#[test]
fn reverse_and_inverse_operations_have_tcpdump_summaries() {
    let table = [
        (3, "Reverse Request who-is 02:00:00:00:00:09 tell 02:00:00:00:00:01, length 28"),
        (4, "Reverse Reply 02:00:00:00:00:09 at 10.0.0.2, length 28"),
        (8, "Inverse Request who-is 02:00:00:00:00:09 tell 02:00:00:00:00:01, length 28"),
        (9, "Inverse Reply 02:00:00:00:00:01 at 10.0.0.1, length 28"),
    ];
    for (operation, expected) in table {
        let mut packet = REQUEST;
        packet[7] = operation;
        packet[18..24].copy_from_slice(&[2, 0, 0, 0, 0, 9]);
        let line = line(&[&[8, 6], &packet]);
        assert!(line.ends_with(&format!("length 42: {expected}")), "{line}");
    }
}

#[test]
fn summary_has_one_or_two_vlan_tags() {
    let one = line(&[&[0x81, 0, 0x60, 5, 8, 6], &REQUEST]);
    assert!(one.ends_with("ethertype 802.1Q (0x8100), length 46: vlan 5, p 3, ethertype ARP (0x0806), Request who-has 10.0.0.2 tell 10.0.0.1, length 28"), "{one}");
    let two = line(&[&[0x88, 0xa8, 0x10, 5, 0x81, 0, 0, 6, 8, 6], &REQUEST]);
    assert!(two.ends_with("ethertype 802.1Q-QinQ (0x88a8), length 50: vlan 5, p 0, DEI, ethertype 802.1Q (0x8100), vlan 6, p 0, ethertype ARP (0x0806), Request who-has 10.0.0.2 tell 10.0.0.1, length 28"), "{two}");
}

#[test]
fn length_frame_summary_has_llc_and_snap() {
    let snap = line(&[&[0, 36, 0xaa, 0xaa, 3, 0, 0, 0, 8, 6], &REQUEST]);
    assert!(snap.ends_with("02:00:00:00:00:02, 802.3, length 36: LLC, dsap SNAP (0xaa) Individual, ssap SNAP (0xaa) Command, ctrl 0x03: oui Ethernet (0x000000), ethertype ARP (0x0806), length 28: Request who-has 10.0.0.2 tell 10.0.0.1, length 28"), "{snap}");
}

// Differences from tcpdump.

#[test]
fn unknown_payload_summary_ends_with_length() {
    assert!(line(&[&[0x88, 0xb5], &[0; 46]]).ends_with("ethertype Unknown (0x88b5), length 60"));
}

#[test]
fn malformed_frame_summary_names_fault() {
    assert_eq!(summarize(&[0; 5]), "length 5 [shorter than an Ethernet header]");
    assert!(line(&[&[8, 6], &REQUEST[..27]]).ends_with("length 41: length 27 [shorter than an ARP packet]"));
}

#[test]
fn unparsed_frame_summary_keeps_tags_and_llc_header() {
    let stp = [0x42, 0x42, 3];
    let pvst = [0xaa, 0xaa, 3, 0, 0, 0x0c, 1, 0x0b];
    let padding = [0; 40];
    let table: [(&[&[u8]], &str); 8] = [
        (
            &[&[0, 38], &stp, &padding],
            "802.3, length 38: LLC, dsap STP (0x42) Individual, ssap STP (0x42) Command, ctrl 0x03: STP 802.1d, Config, Flags [none], bridge-id 0000.00:00:00:00:00:00.0000, length 35",
        ),
        (
            &[&[0x81, 0, 0x60, 7, 0, 41], &pvst, &padding],
            "ethertype 802.1Q (0x8100), length 66: vlan 7, p 3, 802.3, length 41: LLC, dsap SNAP (0xaa) Individual, ssap SNAP (0xaa) Command, ctrl 0x03: oui Cisco (0x00000c), pid PVST (0x010b)",
        ),
        (
            &[&[0, 10, 5, 0x11, 0x28, 1], &padding],
            "802.3, length 10: LLC, dsap SNA (0x04) Group, ssap Unknown (0x10) Response, ctrl 0x0128",
        ),
        (
            &[&[0x81, 0, 0x0f, 0xff, 0x88, 0xb5], &padding],
            "ethertype 802.1Q (0x8100), length 58: vlan 4095, p 0, ethertype Unknown (0x88b5) [reserved VLAN 4095]",
        ),
        (
            &[&[0x88, 0xa8, 0, 5, 0x81, 0, 0x10, 6, 0x81, 0, 0, 7, 8, 6], &REQUEST],
            "ethertype 802.1Q-QinQ (0x88a8), length 54: vlan 5, p 0, ethertype 802.1Q (0x8100), vlan 6, p 0, DEI, ethertype 802.1Q (0x8100), vlan 7, p 0, ethertype ARP (0x0806) [more than two VLAN tags]",
        ),
        (
            &[&[5, 100, 0xaa, 0xaa, 3, 0, 0, 0, 8, 6], &REQUEST],
            "802.3, length 1380: LLC, dsap SNAP (0xaa) Individual, ssap SNAP (0xaa) Command, ctrl 0x03: oui Ethernet (0x000000), ethertype ARP (0x0806) [length field beyond the frame]",
        ),
        (
            &[&[5, 250], &padding],
            "ethertype Unknown (0x05fa), length 54 [type field is neither an EtherType nor a length]",
        ),
        (&[&[0, 2, 0x42, 0x42]], "802.3, length 2: LLC, dsap STP (0x42) Individual, ssap STP (0x42) Command"),
    ];
    for (rest, expected) in table {
        assert_eq!(line(rest), format!("02:00:00:00:00:01 > 02:00:00:00:00:02, {expected}"));
    }
}

#[test]
fn reverse_arp_is_summarized() {
    let mut packet = REQUEST;
    packet[7] = 3;
    let text = line(&[&[0x80, 0x35], &packet]);
    assert!(text.ends_with("ethertype Reverse ARP (0x8035), length 42: Reverse Request who-is 00:00:00:00:00:00 tell 02:00:00:00:00:01, length 28"), "{text}");
}

#[test]
fn length_field_is_checked_against_wire_length_not_captured_length() {
    let frame = [&HEAD[..], &[0, 100, 0xaa, 0xaa, 3, 0, 0, 0, 8, 6], &REQUEST, &[0; 64]].concat();
    let text = |captured: usize, length| {
        let bytes = &frame[..captured];
        let mut text = String::new();
        let style = SummaryStyle { link_header: false, verbose: false };
        write(&mut text, style, &dissect(bytes, length), &mut TcpConversations::default()).unwrap();
        text
    };
    let whole = "ARP, Request who-has 10.0.0.2 tell 10.0.0.1, length 92";
    assert_eq!(text(114, 114), whole);
    assert_eq!(text(60, 114), format!("{whole} [truncated: 60 of 114 bytes captured]"));
    for captured in 0..60 {
        assert_eq!(dissect(&frame[..captured], 114).faults(), [], "{captured}");
    }
    assert!(text(60, 113).contains("[length field beyond the frame] [truncated:"), "{}", text(60, 113));
}
