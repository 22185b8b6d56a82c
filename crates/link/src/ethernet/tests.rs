use super::*;
use proptest::prelude::*;

const HEADER: [u8; 12] = [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1];

fn frame(rest: &[u8]) -> Vec<u8> {
    [&HEADER, rest].concat()
}

fn drop_of(rest: &[u8]) -> LinkDropReason {
    EthernetFrame::parse(&frame(rest)).unwrap_err()
}

// proves: ethernet-unpadded, ethernet-rfc894
#[test]
fn arp_frame_of_42_bytes_is_valid_without_padding() {
    let bytes = frame(&[&[0x08, 0x06][..], &[7; 28]].concat());
    let parsed = EthernetFrame::parse(&bytes).unwrap();
    assert_eq!(parsed.destination(), MacAddr::new([2, 0, 0, 0, 0, 2]));
    assert_eq!(parsed.source(), MacAddr::new([2, 0, 0, 0, 0, 1]));
    assert_eq!((parsed.ether_type(), parsed.payload()), (EtherType::ARP, &[7; 28][..]));
    assert_eq!((parsed.tags(), parsed.encapsulation()), (VlanTags::None, Encapsulation::Type));
}

#[test]
fn frame_of_known_type_equals_parsed_frame() {
    let bytes = frame(&[&[0x08, 0x06][..], &[7; 28]].concat());
    let (header, payload) = EthernetHeader::ref_from_prefix(&bytes).unwrap();
    let known = EthernetFrame::of_type(header, EtherType::ARP, payload).unwrap();
    assert_eq!(format!("{known:?}"), format!("{:?}", EthernetFrame::parse(&bytes).unwrap()));
    for other in [EtherType::VLAN, EtherType::SERVICE_VLAN, EtherType(0), EtherType(1_535)] {
        assert!(EthernetFrame::of_type(header, other, payload).is_none(), "{other}");
    }
}

// proves: truncated
#[test]
fn frame_is_truncated_when_shorter_than_header() {
    let bytes = frame(&[0x08, 0x06]);
    for length in 0..bytes.len() {
        assert_eq!(
            EthernetFrame::parse(&bytes[..length]).unwrap_err(),
            LinkDropReason::Truncated,
            "{length}"
        );
    }
    assert!(EthernetFrame::parse(&bytes).unwrap().payload().is_empty());
}

// proves: ethernet-type, ethernet-length, ethernet-undefined
#[test]
fn field_is_type_from_1536_and_length_to_1500() {
    for number in [1_501_u16, 1_518, 1_535] {
        assert_eq!(drop_of(&number.to_be_bytes()), LinkDropReason::UndefinedType, "{number}");
    }
    assert_eq!(
        EthernetFrame::parse(&frame(&1_536_u16.to_be_bytes())).unwrap().ether_type(),
        EtherType(1_536)
    );
    assert_eq!(drop_of(&1_500_u16.to_be_bytes()), LinkDropReason::LengthBeyondFrame);
}

const SNAP_ARP: [u8; 8] = [0xaa, 0xaa, 0x03, 0, 0, 0, 0x08, 0x06];

// proves: ethernet-length, ethernet-length-ends, ethernet-rfc1042
#[test]
fn length_frame_payload_ends_at_length_field() {
    let bytes = frame(&[&[0, 12][..], &SNAP_ARP, b"data", &[0; 30]].concat());
    let parsed = EthernetFrame::parse(&bytes).unwrap();
    assert_eq!((parsed.ether_type(), parsed.payload()), (EtherType::ARP, &b"data"[..]));
    assert_eq!((parsed.encapsulation(), parsed.payload_offset()), (Encapsulation::Snap, 22));
}

// proves: ethernet-length-beyond
#[test]
fn frame_is_dropped_when_length_field_exceeds_it() {
    assert_eq!(drop_of(&[&[0, 9][..], &SNAP_ARP].concat()), LinkDropReason::LengthBeyondFrame);
    assert!(EthernetFrame::parse(&frame(&[&[0, 8][..], &SNAP_ARP].concat())).is_ok());
}

// proves: ethernet-rfc1042
#[test]
fn length_frame_is_dropped_without_snap_header() {
    let spanning_tree = [0x42, 0x42, 0x03, 0, 0, 0, 0, 0];
    let other_organization = [0xaa, 0xaa, 0x03, 0, 0, 0x0c, 0x20, 0x00];
    assert_eq!(drop_of(&[&[0, 8][..], &spanning_tree].concat()), LinkDropReason::NotSnap);
    assert_eq!(drop_of(&[&[0, 8][..], &other_organization].concat()), LinkDropReason::NotSnap);
    assert_eq!(drop_of(&[&[0, 7][..], &SNAP_ARP].concat()), LinkDropReason::NotSnap);
    assert_eq!(drop_of(&[0, 0]), LinkDropReason::NotSnap);
}

#[test]
fn frame_is_dropped_when_snap_type_is_length() {
    let below_first = [0xaa, 0xaa, 0x03, 0, 0, 0, 0x05, 0xff];
    assert_eq!(drop_of(&[&[0, 8][..], &below_first].concat()), LinkDropReason::UndefinedType);
    let first = [0xaa, 0xaa, 0x03, 0, 0, 0, 0x06, 0x00];
    let bytes = frame(&[&[0, 8][..], &first].concat());
    assert_eq!(EthernetFrame::parse(&bytes).unwrap().ether_type(), EtherType(1_536));
}

fn tag(protocol: u16, control: u16) -> VlanTag {
    VlanTag { protocol: EtherType(protocol), control }
}

// proves: ethernet-tags
#[test]
fn single_tag_is_skipped() {
    for protocol in [0x8100_u16, 0x88a8] {
        let bytes = frame(&[&protocol.to_be_bytes()[..], &[0x60, 0x05, 0x08, 0x06], b"data"].concat());
        let parsed = EthernetFrame::parse(&bytes).unwrap();
        assert_eq!(parsed.tags(), VlanTags::One(tag(protocol, 0x6005)));
        assert_eq!((parsed.ether_type(), parsed.payload()), (EtherType::ARP, &b"data"[..]));
        assert_eq!(parsed.payload_offset(), 18);
    }
    assert_eq!((tag(0, 0x6005).priority(), tag(0, 0x6005).identifier()), (3, 5));
    assert!(tag(0, 0x1000).is_drop_eligible());
}

// proves: ethernet-tags
#[test]
fn two_tags_are_skipped_and_three_are_dropped() {
    let stacked = [0x88, 0xa8, 0, 1, 0x81, 0x00, 0, 2];
    let bytes = frame(&[&stacked[..], &[0x08, 0x06]].concat());
    let parsed = EthernetFrame::parse(&bytes).unwrap();
    assert_eq!(parsed.tags(), VlanTags::Two(tag(0x88a8, 1), tag(0x8100, 2)));
    assert_eq!(drop_of(&[&stacked[..], &[0x81, 0, 0, 3, 8, 6]].concat()), LinkDropReason::TooManyTags);
}

#[test]
fn frame_is_dropped_when_it_ends_inside_tag() {
    for rest in [&[0x81, 0x00][..], &[0x81, 0x00, 0], &[0x81, 0x00, 0, 1, 8]] {
        assert_eq!(drop_of(rest), LinkDropReason::TruncatedTag, "{rest:?}");
    }
}

// proves: ethernet-reserved-vlan
#[test]
fn frame_is_dropped_when_any_tag_has_reserved_vlan() {
    assert_eq!(drop_of(&[0x81, 0, 0xff, 0xff, 8, 6]), LinkDropReason::ReservedVlan);
    assert_eq!(drop_of(&[0x81, 0, 0, 1, 0x81, 0, 0x0f, 0xff, 8, 6]), LinkDropReason::ReservedVlan);
}

#[test]
fn tagged_length_frame_is_parsed() {
    let bytes = frame(&[&[0x81, 0, 0, 5, 0, 8][..], &SNAP_ARP].concat());
    let parsed = EthernetFrame::parse(&bytes).unwrap();
    assert_eq!((parsed.ether_type(), parsed.payload_offset()), (EtherType::ARP, 26));
}

proptest! {
    #[test]
    fn any_bytes_are_parsed_without_panic_and_payload_is_at_offset(
        mut bytes in prop::collection::vec(any::<u8>(), 0..100),
        kind in prop::sample::select(vec![0x8100_u16, 0x88a8, 0x0806, 46, 8, 1_501]),
    ) {
        if let Some(place) = bytes.get_mut(12..14) {
            place.copy_from_slice(&kind.to_be_bytes());
        }
        if let Ok(parsed) = EthernetFrame::parse(&bytes) {
            let offset = parsed.payload_offset();
            prop_assert_eq!(parsed.payload(), &bytes[offset..offset + parsed.payload().len()]);
            prop_assert!(parsed.ether_type().0 >= EtherType::FIRST);
        }
    }
}
