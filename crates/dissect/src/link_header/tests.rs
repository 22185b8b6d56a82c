use proptest::prelude::*;

use super::*;
use crate::{SummaryStyle, TcpConversations, dissect_captured};
use arp::FrameView;

const REQUEST: [u8; 28] =
    [0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 10, 0, 0, 2];
/// An echo request of 8 bytes.
const ECHO: [u8; 28] = [
    0x45, 0, 0, 28, 0, 0, 0x40, 0, 64, 1, 0x26, 0xdf, 10, 0, 0, 1, 10, 0, 0, 2, 8, 0, 0xf7, 0xef, 0, 7, 0, 9,
];
const MAC: [u8; 6] = [2, 0, 0, 0, 0, 1];

/// Returns a frame with a cooked header of version 1.
fn cooked(packet_type: u8, hardware: u8, protocol: [u8; 2], payload: &[u8]) -> Vec<u8> {
    [&[0, packet_type, 3, hardware, 0, 6][..], &MAC, &[0, 0], &protocol, payload].concat()
}

/// Returns a frame with a cooked header of version 2, of interface 2.
fn cooked2(packet_type: u8, protocol: [u8; 2], payload: &[u8]) -> Vec<u8> {
    [&protocol[..], &[0, 0, 0, 0, 0, 2, 0, 1, packet_type, 6], &MAC, &[0, 0], payload].concat()
}

/// Returns both summaries of a frame: with and without link header.
fn summaries(link_type: LinkType, bytes: &[u8]) -> [String; 2] {
    [true, false].map(|link_header| {
        let mut line = String::new();
        let style = SummaryStyle { link_header, verbose: false };
        let dissection = dissect_captured(link_type, bytes, bytes.len());
        dissection.write_summary(&mut line, style, &mut TcpConversations::default()).unwrap();
        line
    })
}

// Expected lines are the output of tcpdump 4.99.3 -n -t for the same bytes. tcpdump prints the name that the number of the
// interface has on the machine of tcpdump.

#[test]
fn cooked_frame_summary_matches_tcpdump() {
    let arp = "Request who-has 10.0.0.2 tell 10.0.0.1, length 28";
    assert_eq!(
        summaries(LinkType::LINUX_SLL, &cooked(1, 1, [8, 6], &REQUEST)),
        [format!("  B 02:00:00:00:00:01 ethertype ARP (0x0806), length 44: {arp}"), format!("ARP, {arp}")]
    );
    assert_eq!(
        summaries(LinkType::LINUX_SLL2, &cooked2(4, [8, 6], &REQUEST)),
        [
            format!("if2   Out ifindex 2 02:00:00:00:00:01 ethertype ARP (0x0806), length 48: {arp}"),
            format!("if2   Out ARP, {arp}")
        ]
    );
}

#[test]
fn ip_frame_summary_matches_tcpdump_with_loopback_header_and_without_header() {
    let echo = "10.0.0.1 > 10.0.0.2: ICMP echo request, id 7, seq 9, length 8";
    let expected = |start: &str| [format!("{start}{echo}"), format!("IP {echo}")];
    for link_type in [LinkType::RAW, LinkType::IPV4] {
        assert_eq!(summaries(link_type, &ECHO), expected("ip: "));
    }
    for family in [[2, 0, 0, 0], [0, 0, 0, 2]] {
        let frame = [&family[..], &ECHO].concat();
        assert_eq!(summaries(LinkType::NULL, &frame), expected("AF IPv4 (2), length 32: "));
    }
    let frame = [&[0, 0, 0, 2][..], &ECHO].concat();
    assert_eq!(summaries(LinkType::LOOP, &frame), expected("AF IPv4 (2), length 32: "));
}

#[test]
fn cooked_header_without_ether_type_is_summarized_without_payload() {
    // Netlink, with the protocol of a netlink socket.
    let [line, _] = summaries(LinkType::LINUX_SLL, &cooked(4, 0x38, [8, 0], &ECHO));
    assert_eq!(line, "Out 02:00:00:00:00:01 protocol 0x0000, length 44");
    let stp = [&[0x42, 0x42, 3, 0, 0][..], &[0; 30]].concat();
    let [line, _] = summaries(LinkType::LINUX_SLL, &cooked(2, 1, [0, 4], &stp));
    assert!(line.starts_with("  M 02:00:00:00:00:01 802.2, length 51: LLC, dsap STP (0x42)"), "{line}");
    let [line, _] = summaries(LinkType::NULL, &[7, 0, 0, 0, 1]);
    assert_eq!(line, "AF Unknown (7), length 5");
}

#[test]
fn layers_of_other_link_types_start_with_their_header() {
    let names = |link_type, bytes: &[u8]| -> Vec<_> {
        let dissection = dissect_captured(link_type, bytes, bytes.len());
        assert_eq!(dissection.faults(), []);
        dissection.layers().layers.iter().map(|layer| (layer.layout.name, layer.offset)).collect()
    };
    let tagged = [&[0, 5, 8, 6][..], &REQUEST].concat();
    let cooked = cooked(0, 1, [0x81, 0], &tagged);
    assert_eq!(names(LinkType::LINUX_SLL, &cooked), [("linux_sll", 0), ("tags", 16), ("arp", 20)]);
    let cooked = cooked2(0, [8, 0], &ECHO);
    assert_eq!(names(LinkType::LINUX_SLL2, &cooked), [("linux_sll2", 0), ("ipv4", 20), ("icmp", 40)]);
    assert_eq!(names(LinkType::RAW, &ECHO), [("ipv4", 0), ("icmp", 20)]);
    let frame = [&[2, 0, 0, 0][..], &ECHO].concat();
    assert_eq!(names(LinkType::NULL, &frame), [("loopback", 0), ("ipv4", 4), ("icmp", 24)]);
}

#[test]
fn faults_name_link_header() {
    let fault = |link_type, bytes: &[u8]| {
        let dissection = dissect_captured(link_type, bytes, bytes.len());
        dissection
            .faults()
            .iter()
            .map(|fault| (fault.layer, fault.field, fault.is_warning))
            .collect::<Vec<_>>()
    };
    assert_eq!(fault(LinkType::LINUX_SLL, &[0; 15]), [("linux_sll", None, false)]);
    assert_eq!(fault(LinkType::NULL, &[2, 0, 0]), [("loopback", None, false)]);
    assert_eq!(fault(LinkType::RAW, &[]), [("ipv4", None, false)]);
    assert_eq!(fault(LinkType::RAW, &[0x55; 20])[0], ("ipv4", Some("version"), false));
    let mut frame = cooked(0, 1, [8, 6], &REQUEST);
    frame[6] = 3;
    let group = ("linux_sll", Some("address"), false);
    assert_eq!(fault(LinkType::LINUX_SLL, &frame), [group, ("arp", Some("sender_hardware_address"), true)]);
    // Without a MAC address in the header, the sender is not compared.
    frame[5] = 0;
    assert_eq!(fault(LinkType::LINUX_SLL, &frame), []);
}

proptest! {
    #[test]
    fn cooked_arp_packet_is_equal_in_ethernet_form(
        packet_type in 0..5_u8, tags in 0..3_usize, packet: [u8; 28], is_second: bool,
    ) {
        let tags = &[0x81, 0, 0, 5].repeat(tags)[..];
        let typed = [tags, &[8, 6], &packet].concat();
        let (protocol, payload) = typed.split_first_chunk().unwrap();
        let (link_type, bytes) = if is_second {
            (LinkType::LINUX_SLL2, cooked2(packet_type, *protocol, payload))
        } else {
            (LinkType::LINUX_SLL, cooked(packet_type, 1, *protocol, payload))
        };
        let form = EthernetForm::new(link_type, &bytes).unwrap();
        prop_assert_eq!(&form.bytes()[12..], &typed[..]);
        let view = FrameView::parse(form.bytes()).unwrap();
        prop_assert_eq!(view.ethernet().source().bytes(), MAC);
        prop_assert_eq!(view.ethernet().destination().is_group(), [1, 2].contains(&packet_type));
    }

    #[test]
    fn layers_lie_within_frame_of_any_link_type(
        index in 0..LINK_TYPES.len(), bytes in prop::collection::vec(any::<u8>(), 0..100), missing in 0..50_usize,
    ) {
        let dissection = dissect_captured(LINK_TYPES[index], &bytes, bytes.len() + missing);
        for layer in dissection.layers().layers {
            prop_assert_eq!(bytes.get(layer.offset..layer.offset + layer.bytes.len()), Some(layer.bytes));
        }
        let mut text = String::new();
        dissection.explain(&mut text).unwrap();
        let style = SummaryStyle { link_header: true, verbose: true };
        dissection.write_summary(&mut text, style, &mut TcpConversations::default()).unwrap();
    }
}
