use super::*;

mod output;
use crate::EtherType;
use base::Reason;
use proptest::prelude::*;

const LOCAL: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 2]);
const PEER: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 1]);
const GROUP: MacAddr = MacAddr::new([1, 0, 0x5e, 0, 0, 0x7b]);

fn link(vlan: Option<u16>) -> Link {
    Link::new(1_500, vlan.and_then(VlanId::new))
}

fn bytes(destination: MacAddr, source: MacAddr, rest: &[u8]) -> Vec<u8> {
    [&destination.bytes()[..], &source.bytes(), rest].concat()
}

const ARP: [u8; 2] = EtherType::ARP.0.to_be_bytes();

// proves: ethernet-destination, drops-counted
#[test]
fn only_local_and_broadcast_destinations_are_accepted() {
    let mut link = link(None);
    let other = MacAddr::new([2, 0, 0, 0, 0, 3]);
    let mut destination_kind = |to| {
        link.receive(&LOCAL, EthernetFrame::parse(&bytes(to, PEER, &ARP)))
            .map(|accepted| accepted.destination_kind)
    };
    assert_eq!(destination_kind(LOCAL), Ok(DestinationKind::Unicast));
    assert_eq!(destination_kind(MacAddr::BROADCAST), Ok(DestinationKind::Broadcast));
    assert_eq!(destination_kind(other), Err(LinkDropReason::NotLocal));
    assert_eq!(destination_kind(GROUP), Err(LinkDropReason::NotLocal));
    assert_eq!((link.accepted(), link.dropped().get(LinkDropReason::NotLocal)), (2, 2));
}

// proves: ethernet-destination
#[test]
fn group_is_accepted_between_join_and_leave() {
    let mut link = link(None);
    let frame = bytes(GROUP, PEER, &ARP);
    link.join(GROUP).unwrap();
    assert_eq!(
        link.receive(&LOCAL, EthernetFrame::parse(&frame)).unwrap().destination_kind,
        DestinationKind::Multicast
    );
    link.leave(GROUP);
    assert_eq!(link.receive(&LOCAL, EthernetFrame::parse(&frame)).unwrap_err(), LinkDropReason::NotLocal);
}

#[test]
fn joined_groups_are_bounded() {
    let mut link = link(None);
    let group = |number: u64| GROUP.plus(number).unwrap();
    (0..256).for_each(|number| link.join(group(number)).unwrap());
    assert_eq!(link.join(group(256)), Err(TooManyGroups));
    assert_eq!(link.join(group(7)), Ok(()));
}

// proves: ethernet-group-source
#[test]
fn frame_is_dropped_when_source_is_group() {
    let frame = bytes(LOCAL, GROUP, &ARP);
    assert_eq!(
        link(None).receive(&LOCAL, EthernetFrame::parse(&frame)).unwrap_err(),
        LinkDropReason::GroupSource
    );
}

// proves: ethernet-priority-tag
#[test]
fn priority_tag_counts_as_no_tag() {
    let tagged = bytes(LOCAL, PEER, &[0x81, 0, 0xe0, 0, 8, 6]);
    assert!(link(None).receive(&LOCAL, EthernetFrame::parse(&tagged)).is_ok());
    let both = bytes(LOCAL, PEER, &[0x88, 0xa8, 0, 0, 0x81, 0, 0, 5, 8, 6]);
    assert!(link(Some(5)).receive(&LOCAL, EthernetFrame::parse(&both)).is_ok());
}

// proves: ethernet-other-vlan
#[test]
fn frame_is_dropped_when_in_another_vlan() {
    let five = bytes(LOCAL, PEER, &[0x81, 0, 0, 5, 8, 6]);
    let untagged = bytes(LOCAL, PEER, &ARP);
    let stacked = bytes(LOCAL, PEER, &[0x88, 0xa8, 0, 5, 0x81, 0, 0, 5, 8, 6]);
    assert_eq!(
        link(None).receive(&LOCAL, EthernetFrame::parse(&five)).unwrap_err(),
        LinkDropReason::OtherVlan
    );
    assert_eq!(
        link(Some(6)).receive(&LOCAL, EthernetFrame::parse(&five)).unwrap_err(),
        LinkDropReason::OtherVlan
    );
    assert_eq!(
        link(Some(5)).receive(&LOCAL, EthernetFrame::parse(&untagged)).unwrap_err(),
        LinkDropReason::OtherVlan
    );
    assert_eq!(
        link(Some(5)).receive(&LOCAL, EthernetFrame::parse(&stacked)).unwrap_err(),
        LinkDropReason::OtherVlan
    );
    assert!(link(Some(5)).receive(&LOCAL, EthernetFrame::parse(&five)).is_ok());
}

// proves: ethernet-maximum
#[test]
fn frame_is_dropped_when_longer_than_mtu_and_headers() {
    let mut link = link(None);
    let untagged = |payload| bytes(LOCAL, PEER, &[&ARP[..], &vec![0; payload]].concat());
    let tagged = |payload| bytes(LOCAL, PEER, &[&[0x81, 0, 0, 0, 8, 6][..], &vec![0; payload]].concat());
    assert_eq!(untagged(1_500).len(), 1_514);
    assert!(link.receive(&LOCAL, EthernetFrame::parse(&untagged(1_500))).is_ok());
    assert!(link.receive(&LOCAL, EthernetFrame::parse(&tagged(1_500))).is_ok());
    assert_eq!(
        link.receive(&LOCAL, EthernetFrame::parse(&untagged(1_501))).unwrap_err(),
        LinkDropReason::TooLong
    );
    assert_eq!(
        link.receive(&LOCAL, EthernetFrame::parse(&tagged(1_501))).unwrap_err(),
        LinkDropReason::TooLong
    );
}

// proves: drops-counted
// proves: ethernet-maximum
#[test]
fn frame_limit_follows_mtu_for_type_and_length_frames() {
    let mut link = Link::new(100, None);
    let plain = |payload| bytes(LOCAL, PEER, &[&ARP[..], &vec![0; payload]].concat());
    let snap = |length: u8| {
        let head = [0, length, 0xaa, 0xaa, 3, 0, 0, 0, 8, 6];
        bytes(LOCAL, PEER, &[&head[..], &[0; 100]].concat())
    };
    assert!(
        link.receive(&LOCAL, EthernetFrame::parse(&plain(100))).is_ok()
            && link.receive(&LOCAL, EthernetFrame::parse(&snap(100))).is_ok()
    );
    assert_eq!(link.receive(&LOCAL, EthernetFrame::parse(&plain(101))).unwrap_err(), LinkDropReason::TooLong);
    assert_eq!(link.receive(&LOCAL, EthernetFrame::parse(&snap(101))).unwrap_err(), LinkDropReason::TooLong);
}

#[test]
fn frame_is_dropped_when_vlan_number_is_in_service_tag() {
    let service = bytes(LOCAL, PEER, &[0x88, 0xa8, 0, 5, 8, 6]);
    assert_eq!(
        link(Some(5)).receive(&LOCAL, EthernetFrame::parse(&service)).unwrap_err(),
        LinkDropReason::OtherVlan
    );
}

#[test]
fn join_is_ignored_when_address_is_not_group() {
    let mut link = link(None);
    let other = MacAddr::new([2, 0, 0, 0, 0, 3]);
    link.join(other).unwrap();
    assert_eq!(
        link.receive(&LOCAL, EthernetFrame::parse(&bytes(other, PEER, &ARP))).unwrap_err(),
        LinkDropReason::NotLocal
    );
}

#[test]
fn drop_reasons_have_distinct_indexes_and_texts() {
    let texts: BTreeSet<_> = LinkDropReason::ALL.iter().map(ToString::to_string).collect();
    assert_eq!(texts.len(), LinkDropReason::ALL.len());
    for (place, reason) in LinkDropReason::ALL.iter().enumerate() {
        assert_eq!(reason.index(), place);
    }
}

#[test]
fn vlan_id_is_parsed_when_1_to_4094() {
    assert!("0".parse::<VlanId>().is_err() && "4095".parse::<VlanId>().is_err());
    assert_eq!("4094".parse::<VlanId>().map(VlanId::number), Ok(4_094));
}

proptest! {
    // proves: drops-counted
    #[test]
    fn every_frame_is_accepted_or_counted_under_one_reason(
        frames in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..20),
    ) {
        let mut link = link(None);
        for frame in &frames {
            let _ = link.receive(&LOCAL, EthernetFrame::parse(frame));
        }
        let dropped: u64 = link.dropped().iter().map(|(_, count)| count).sum();
        prop_assert_eq!(link.accepted() + dropped, u64::try_from(frames.len()).unwrap());
    }
}

// proves: ethernet-merged
#[test]
fn merged_frame_may_be_longer_than_the_mtu_if_its_segments_are_not() {
    let mut link = link(None);
    let merged = bytes(LOCAL, PEER, &[&ARP[..], &vec![0; 40_000]].concat());
    assert!(link.receive_merged(&LOCAL, EthernetFrame::parse(&merged), || 38_500).is_ok());
    let dropped = link.receive_merged(&LOCAL, EthernetFrame::parse(&merged), || 38_499);
    assert_eq!(dropped.unwrap_err(), LinkDropReason::TooLong);
}
