use std::net::Ipv6Addr;

use arp::Packet;
use icmp::{Echo, IcmpType};
use inet::IpProtocol;
use ipv4::{Datagram, Ipv4Fields};
use link::{EthernetFrame, MacAddr};
use proptest::prelude::*;

use super::*;

/// Returns an Ethernet header with this EtherType.
fn ethernet(ether_type: [u8; 2]) -> Vec<u8> {
    [&[2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1][..], &ether_type].concat()
}

/// Returns the layer with this name.
fn layer<'a>(bytes: &'a [u8], name: &str) -> Layer<'a> {
    let layers = dissect(bytes, bytes.len()).layers().layers;
    layers.into_iter().find(|layer| layer.layout.name == name).unwrap()
}

fn number(layer: &Layer<'_>, name: &str) -> usize {
    usize::try_from(layer.number(name).unwrap()).unwrap()
}

#[test]
fn fault_requirements_are_on_pages_of_docs_spec() {
    let source = include_str!("fault.rs");
    let ids = source.split('"').filter(|word| {
        word.contains('-') && word.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
    });
    let ids: Vec<_> = ids.collect();
    assert!(ids.len() > 15, "{ids:?}");
    for id in ids {
        assert!(requirement::requirement(id).is_some(), "{id}");
    }
}

#[test]
fn layout_fields_are_64_bits_or_ipv6_addresses_and_fill_whole_bytes() {
    for layout in LAYOUTS {
        let has_width = |field: &Field| {
            if field.format == FieldFormat::Ip6 { field.bits == 128 } else { (1..=64).contains(&field.bits) }
        };
        assert!(layout.fields.iter().all(has_width), "{layout:?}");
        assert_eq!(layout.fields.iter().map(|field| field.bits).sum::<usize>() % 8, 0, "{layout:?}");
    }
}

#[test]
fn header_lengths_are_those_of_layouts() {
    assert_eq!((layout::UDP.length(), layout::TCP.length()), (layout::UDP_HEADER, layout::TCP_HEADER));
}

/// Returns an Ethernet frame with an IPv6 datagram to all nodes with this next header.
fn ipv6(next_header: u8, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len()).unwrap().to_be_bytes();
    let addresses = ["fe80::1", "ff02::1"].map(|address| address.parse::<Ipv6Addr>().unwrap().octets());
    let header = [&[0x60, 0, 0, 7][..], &length, &[next_header, 255], &addresses.concat()].concat();
    [&ethernet([0x86, 0xdd])[..], &header, data].concat()
}

/// Returns an IPv4 datagram of UDP, or a fragment of this datagram.
fn ipv4(more_fragments: bool, data: &[u8]) -> Vec<u8> {
    let mut bytes = [&[0; Ipv4Fields::LENGTH][..], data].concat();
    let fields = Ipv4Fields::new(IpProtocol::UDP, [10, 0, 0, 1].into(), [10, 0, 0, 2].into());
    Ipv4Fields { more_fragments, ..fields }.write_to(&mut bytes).unwrap();
    bytes
}

/// Returns a UDP datagram between these ports.
fn udp(source: u16, destination: u16, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len() + layout::UDP_HEADER).unwrap();
    let header = [source, destination, length, 0].map(u16::to_be_bytes).concat();
    [header, data.to_vec()].concat()
}

fn names(bytes: &[u8]) -> Vec<&'static str> {
    dissect(bytes, bytes.len()).layers().layers.iter().map(|layer| layer.layout.name).collect()
}

fn explanation(bytes: &[u8]) -> String {
    let mut page = String::new();
    dissect(bytes, bytes.len()).explain(&mut page).unwrap();
    page
}

const SOLICITATION: [u8; 24] =
    [135, 0, 1, 2, 0, 0, 0, 0, 0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9];

#[test]
fn neighbor_solicitation_has_fields_of_ipv6_and_icmpv6() {
    // Padding follows the datagram.
    let bytes = [&ipv6(58, &SOLICITATION)[..], &[0; 6]].concat();
    assert_eq!(names(&bytes), ["ethernet", "ipv6", "icmpv6"]);
    let target = FieldValue::Ip6("fe80::9".parse().unwrap());
    let header = layer(&bytes, "ipv6");
    assert_eq!(header.value("destination"), Some(FieldValue::Ip6("ff02::1".parse().unwrap())));
    assert_eq!((number(&header, "flow_label"), number(&header, "hop_limit")), (7, 255));
    assert_eq!(layer(&bytes, "icmpv6").value("target"), Some(target));
    let page = explanation(&bytes);
    for line in [
        "\nIPv6 header, bytes 14 to 53 (RFC 8200 3)\n",
        "\nICMPv6 message, bytes 54 to 77 (RFC 4861 4.3)\n",
        "  next_header              58 = ICMPv6: ",
        "  type                     135 = neighbor solicitation: message type\n",
        "  target                   fe80::9: IP address that the message is about\n",
        "|                      target = fe80:0000                       |\n",
    ] {
        assert!(page.contains(line), "{line} is not in:\n{page}");
    }
    let object = serde_json::to_value(dissect(&bytes, bytes.len())).unwrap();
    assert_eq!(object["icmpv6"]["target"], "fe80::9");
    assert_eq!((&object["ipv6"]["offset"], &object["ipv6"]["source"]), (&14.into(), &"fe80::1".into()));
}

#[test]
fn explanation_of_icmpv6_type_names_code() {
    for (code, name) in [(0, "time exceeded in-transit"), (1, "ip reassembly time exceeded")] {
        let page = explanation(&ipv6(58, &[3, code, 0, 0, 0, 0, 0, 0]));
        assert!(page.contains(&format!("  type                     3 = {name}: message type\n")), "{page}");
    }
}

#[test]
fn extension_headers_precede_icmpv6_and_later_fragments_have_only_ipv6_header() {
    let hop_by_hop = [&[58, 0, 1, 4, 0, 0, 0, 0][..], &SOLICITATION].concat();
    assert_eq!(layer(&ipv6(0, &hop_by_hop), "icmpv6").offset, 62);
    let fragment = |offset: u8| ipv6(44, &[&[58, 0, 0, offset << 3, 0, 0, 0, 1][..], &SOLICITATION].concat());
    assert_eq!(names(&fragment(0)), ["ethernet", "ipv6", "icmpv6"]);
    assert_eq!(names(&fragment(1)), ["ethernet", "ipv6"]);
    assert_eq!(names(&ipv6(59, &[])), ["ethernet", "ipv6"]);
    assert_eq!(names(&ipv6(58, &SOLICITATION)[..50]), ["ethernet", "ipv6"]);
}

#[test]
fn messages_over_udp_have_fields_of_their_fixed_header() {
    let query =
        [&[0x12, 0x34, 0x81, 0x83, 0, 1, 0, 0, 0, 0, 0, 0][..], b"\x04host\0", &[0, 1, 0, 1]].concat();
    let dns = ipv6(17, &udp(50_000, 53, &query));
    assert_eq!(names(&dns), ["ethernet", "ipv6", "udp", "dns"]);
    let header = layer(&dns, "dns");
    assert_eq!((number(&header, "identifier"), number(&header, "response_code")), (0x1234, 3));
    assert_eq!((number(&header, "questions"), number(&header, "answers")), (1, 0));
    let flags = ["response", "authoritative", "recursion_desired", "recursion_available"];
    let flags = flags.map(|name| header.value(name) == Some(FieldValue::Flag(true)));
    assert_eq!(flags, [true, false, true, true]);
    let addresses = [10, 0, 0, 1, 10, 0, 0, 9, 10, 0, 0, 2, 10, 0, 0, 3];
    let reply = [&[2, 1, 6, 0, 1, 2, 3, 4, 0, 5, 0x80, 0][..], &addresses, &[2, 0, 0, 0, 0, 7], &[0; 202]];
    let dhcp = ipv6(17, &udp(67, 68, &reply.concat()));
    assert_eq!(names(&dhcp), ["ethernet", "ipv6", "udp", "dhcp"]);
    let message = layer(&dhcp, "dhcp");
    assert_eq!((number(&message, "transaction"), number(&message, "seconds")), (0x0102_0304, 5));
    assert_eq!(message.value("broadcast"), Some(FieldValue::Flag(true)));
    assert_eq!(message.value("assigned_ip"), Some(FieldValue::Ip([10, 0, 0, 9].into())));
    assert_eq!(message.value("client_mac"), Some(FieldValue::Mac(MacAddr::new([2, 0, 0, 0, 0, 7]))));
    // The data of other ports is not parsed.
    assert_eq!(names(&ipv6(17, &udp(50_000, 54, &query))), ["ethernet", "ipv6", "udp"]);
}

/// Returns the names of the layers over UDP, and the summary behind the addresses. The frame was `length` bytes long.
fn over_udp(bytes: &[u8], length: usize) -> (Vec<&'static str>, String) {
    let dissection = dissect(bytes, length);
    let layers = dissection.layers().layers;
    let names = layers.iter().map(|layer| layer.layout.name).skip_while(|name| *name != "udp").skip(1);
    let mut line = String::new();
    let conversations = &mut TcpConversations::default();
    dissection.write_summary(&mut line, SummaryStyle::default(), conversations).unwrap();
    (names.collect(), line.split_once(": ").unwrap().1.to_owned())
}

#[test]
fn udp_data_that_is_no_dns_or_dhcp_has_no_layer_and_no_summary_of_these_protocols() {
    let query = [&[0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0][..], b"\x04host\0", &[0, 1, 0, 1]].concat();
    let message = |operation| [&[operation, 1, 6][..], &[0; 40]].concat();
    let in_ipv4 = |udp: &[u8]| [&ethernet([8, 0])[..], &ipv4(false, udp)].concat();
    for family in [|udp: &[u8]| ipv6(17, udp), in_ipv4] {
        let found = |udp: &[u8]| {
            let bytes = family(udp);
            let (names, line) = over_udp(&bytes, bytes.len());
            // Faults follow in brackets.
            (names, line.split(" [").next().unwrap_or_default().to_owned())
        };
        let is_other = |udp: &[u8], expected: &str| assert_eq!(found(udp), (Vec::new(), expected.to_owned()));
        assert_eq!(found(&udp(50_000, 53, &query)), (vec!["dns"], "7+ A? host. (22)".to_owned()));
        is_other(&udp(50_000, 53, b"hello world, no dns"), "UDP, length 19");
        is_other(&udp(50_000, 53, &query[..20]), "UDP, length 20");
        let request = "BOOTP/DHCP, Request from 00:00:00:00:00:00, length 43".to_owned();
        assert_eq!(found(&udp(68, 67, &message(1))), (vec!["dhcp"], request));
        assert_eq!(
            found(&udp(67, 68, &message(2))),
            (vec!["dhcp"], "BOOTP/DHCP, Reply, length 43".to_owned())
        );
        for operation in [0, 3] {
            is_other(&udp(68, 67, &message(operation)), "UDP, length 43");
        }
        is_other(&udp(68, 67, &[]), "UDP, length 0");
        // The length field excludes or exceeds the query.
        let with_length = |length: u8| {
            let mut datagram = udp(50_000, 53, &query);
            datagram[5] = length;
            datagram
        };
        is_other(&with_length(7), "truncated-udplength 7");
        is_other(&with_length(28), "UDP, length 20");
        is_other(&with_length(31), "UDP, bad length 23 > 22");
    }
}

#[test]
fn layer_over_udp_ends_at_udp_length() {
    let mut datagram = udp(68, 67, &[[2, 1, 6], [0; 3]].concat());
    datagram.extend([9; 40]);
    let bytes = ipv6(17, &datagram);
    let dhcp = layer(&bytes, "dhcp");
    assert_eq!((dhcp.bytes.len(), dhcp.is_short()), (6, true));
}

#[test]
fn fragment_and_truncated_message_have_no_dns_layer_but_truncated_dhcp_layer() {
    let query = [&[0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0][..], b"\x04host\0", &[0, 1, 0, 1]].concat();
    let fragment = [&ethernet([8, 0])[..], &ipv4(true, &udp(50_000, 53, &query))].concat();
    assert_eq!(over_udp(&fragment, fragment.len()), (Vec::new(), "UDP, length 22".to_owned()));
    let whole = [&ethernet([8, 0])[..], &ipv4(false, &udp(50_000, 53, &query))].concat();
    let found = over_udp(&whole[..60], whole.len());
    assert_eq!(found, (Vec::new(), "UDP, length 22 [truncated: 60 of 64 bytes captured]".to_owned()));
    let dhcp = udp(67, 68, &[&[2, 1, 6][..], &[0; 40]].concat());
    let mut whole = [&ethernet([8, 0])[..], &ipv4(false, &dhcp)].concat();
    let reply = "BOOTP/DHCP, Reply, length 43 [truncated: 60 of 85 bytes captured]".to_owned();
    assert_eq!(over_udp(&whole[..60], whole.len()), (vec!["dhcp"], reply.clone()));
    // The network card has not filled in the total length. The length on the wire limits the datagram.
    whole[16..18].fill(0);
    assert_eq!(over_udp(&whole[..60], whole.len()).0, ["dhcp"]);
    assert_eq!(over_udp(&whole[..60], 80).0, [""; 0]);
}

#[test]
fn lldp_and_spanning_tree_have_fields_of_their_fixed_header() {
    let lldp = [&ethernet([0x88, 0xcc])[..], &[2, 7, 4, 2, 0, 0, 0, 0, 1, 0, 0]].concat();
    let chassis = layer(&lldp, "lldp");
    let values = ["tlv_type", "tlv_length", "chassis_subtype"].map(|name| number(&chassis, name));
    assert_eq!(values, [1, 7, 4]);
    let bridge = [0x80, 1, 2, 0, 0, 0, 0, 5];
    let times = [0x80, 2, 1, 0, 20, 0, 2, 0, 15, 0];
    let unit = [&[0, 0, 0, 0, 1][..], &bridge, &[0, 0, 0, 4], &bridge, &times].concat();
    let length = u8::try_from(unit.len() + 3).unwrap();
    let stp = [&ethernet([0, length])[..], &[0x42, 0x42, 3], &unit].concat();
    assert_eq!(names(&stp), ["ethernet", "llc", "stp"]);
    let header = layer(&stp, "stp");
    let mac = FieldValue::Mac(MacAddr::new([2, 0, 0, 0, 0, 5]));
    assert_eq!((header.value("root_mac"), header.value("bridge_mac")), (Some(mac), Some(mac)));
    let values = ["root_path_cost", "port_identifier", "maximum_age"].map(|name| number(&header, name));
    assert_eq!(values, [4, 0x8002, 20 * 256]);
    // A topology change notification has no further fields.
    let change = [&ethernet([0, 7])[..], &[0x42, 0x42, 3, 0, 0, 0, 0x80]].concat();
    assert!(!layer(&change, "stp").is_short(), "a topology change is reported as truncated");
    assert_eq!(names(&change[..17]), ["ethernet", "llc"]);
}

proptest! {
    #[test]
    fn layers_lie_within_frame_when_bytes_are_arbitrary(
        start in prop_oneof![
            Just(ethernet([8, 6])), Just(ethernet([8, 0])), Just(ethernet([0x86, 0xdd])), Just(ethernet([0x88, 0xcc])), Just(ethernet([0x81, 0])), Just(ethernet([0, 46])), Just(Vec::new())
        ],
        rest in prop::collection::vec(any::<u8>(), 0..120),
    ) {
        let bytes = [start, rest].concat();
        for layer in dissect(&bytes, bytes.len()).layers().layers {
            let end = layer.offset + layer.bytes.len();
            prop_assert_eq!(bytes.get(layer.offset..end), Some(layer.bytes));
            let bits: usize = layer.fields().map(|(field, _)| field.bits).sum();
            prop_assert!(bits <= layer.bytes.len() * 8, "{layer:?}");
        }
    }

    #[test]
    fn arp_layout_agrees_with_arp_packet(rest in any::<[u8; 22]>()) {
        let bytes = [&ethernet([8, 6])[..], &[0, 1, 8, 0, 6, 4], &rest].concat();
        let layer = layer(&bytes, "arp");
        let packet = Packet::parse(layer.bytes).unwrap();
        prop_assert_eq!(number(&layer, "operation"), usize::from(packet.operation().0));
        let addresses = ["sender_hardware_address", "sender_protocol_address", "target_hardware_address", "target_protocol_address"];
        let expected = [
            FieldValue::Mac(packet.sender_hardware()),
            FieldValue::Ip(packet.sender_protocol()),
            FieldValue::Mac(packet.target_hardware()),
            FieldValue::Ip(packet.target_protocol()),
        ];
        prop_assert_eq!(addresses.map(|name| layer.value(name).unwrap()), expected);
    }

    #[test]
    fn ethernet_and_tag_layouts_agree_with_link(macs in any::<[[u8; 6]; 2]>(), tag in 0..0xffff_u16) {
        prop_assume!(tag & 0xfff != 0xfff);
        let bytes = [&macs.concat()[..], &[0x81, 0], &tag.to_be_bytes(), &[0x88, 0xb5], &[0; 46]].concat();
        let frame = EthernetFrame::parse(&bytes).unwrap();
        let (header, vlan) = (layer(&bytes, "ethernet"), layer(&bytes, "tags"));
        let mac = |name| header.value(name).unwrap();
        prop_assert_eq!(mac("destination"), FieldValue::Mac(frame.destination()));
        prop_assert_eq!(mac("source"), FieldValue::Mac(MacAddr::new(macs[1])));
        let tag = frame.tags().iter().next().unwrap();
        prop_assert_eq!(number(&vlan, "vlan"), usize::from(tag.identifier()));
        prop_assert_eq!(number(&vlan, "priority"), usize::from(tag.priority()));
        prop_assert_eq!(vlan.value("drop_eligible"), Some(FieldValue::Flag(tag.is_drop_eligible())));
        prop_assert_eq!(number(&vlan, "type_or_length"), usize::from(frame.ether_type().0));
    }

    #[test]
    fn ipv4_and_echo_layouts_agree_with_ipv4_and_icmp(
        addresses in any::<[[u8; 4]; 2]>(), more_fragments: bool, offset in 0..100_usize, identifier: u16, sequence: u16,
    ) {
        let mut datagram = vec![0; Ipv4Fields::LENGTH + Echo::HEADER];
        let (_, message) = datagram.split_at_mut(Ipv4Fields::LENGTH);
        Echo { identifier, sequence, data: &[] }.write_to(IcmpType::ECHO_REQUEST, message).unwrap();
        let fields = Ipv4Fields::new(IpProtocol::ICMP, addresses[0].into(), addresses[1].into());
        Ipv4Fields { fragment_offset: offset * 8, more_fragments, ..fields }.write_to(&mut datagram).unwrap();
        let bytes = [&ethernet([8, 0])[..], &datagram].concat();
        let datagram = Datagram::parse(&datagram).unwrap();
        let header = layer(&bytes, "ipv4");
        prop_assert_eq!(number(&header, "header_length") * 4, datagram.header_length());
        prop_assert_eq!(number(&header, "total_length"), usize::from(datagram.total_length()));
        prop_assert_eq!(number(&header, "type_of_service"), usize::from(datagram.type_of_service()));
        prop_assert_eq!(number(&header, "identification"), usize::from(datagram.identification()));
        prop_assert_eq!(number(&header, "fragment_offset"), offset);
        prop_assert_eq!(number(&header, "ttl"), usize::from(datagram.time_to_live()));
        prop_assert_eq!(number(&header, "protocol"), usize::from(datagram.protocol().0));
        prop_assert_eq!(header.value("more_fragments"), Some(FieldValue::Flag(more_fragments)));
        prop_assert_eq!(header.value("dont_fragment"), Some(FieldValue::Flag(datagram.dont_fragment())));
        prop_assert_eq!(header.value("source"), Some(FieldValue::Ip(datagram.source())));
        prop_assert_eq!(header.value("destination"), Some(FieldValue::Ip(datagram.destination())));
        if offset == 0 {
            let echo = layer(&bytes, "icmp");
            prop_assert_eq!(number(&echo, "type"), usize::from(IcmpType::ECHO_REQUEST.0));
            prop_assert_eq!(number(&echo, "identifier"), usize::from(identifier));
            prop_assert_eq!(number(&echo, "sequence"), usize::from(sequence));
        }
    }
}
