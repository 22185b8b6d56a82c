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
fn layout_fields_are_64_bits_at_most_and_fill_whole_bytes() {
    for layout in LAYOUTS {
        assert!(layout.fields.iter().all(|field| (1..=64).contains(&field.bits)), "{layout:?}");
        assert_eq!(layout.fields.iter().map(|field| field.bits).sum::<usize>() % 8, 0, "{layout:?}");
    }
}

#[test]
fn header_lengths_are_those_of_layouts() {
    assert_eq!((layout::UDP.length(), layout::TCP.length()), (layout::UDP_HEADER, layout::TCP_HEADER));
}

proptest! {
    #[test]
    fn layers_lie_within_frame_when_bytes_are_arbitrary(
        start in prop_oneof![
            Just(ethernet([8, 6])), Just(ethernet([8, 0])), Just(ethernet([0x81, 0])), Just(ethernet([0, 46])), Just(Vec::new())
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
