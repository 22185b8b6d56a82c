use super::*;
use crate::test_segment::{Segment, range};
use crate::{ArpConfig, ArpEvent, ClaimEvent, NeighborSettings, NeighborState, PacketFields, Resolution};
use neighbor::NeighborEvent as Neighbor;
use proptest::prelude::*;

const LOCAL: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
const PEER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const OTHER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 77);
const LOCAL_MAC: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 2]);
const PEER_MAC: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 1]);
const OLD_MAC: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 9]);
const NOW: Instant = Instant::from_nanos(1_000);

/// Request from the peer for the local address.
const REQUEST: PacketFields = PacketFields {
    operation: Operation::REQUEST,
    sender_hardware: PEER_MAC,
    sender_protocol: PEER,
    target_hardware: MacAddr::ZERO,
    target_protocol: LOCAL,
};

fn arp(policy: LearningPolicy) -> Segment {
    let config = ArpConfig {
        policy,
        table: NeighborSettings { entries: 8, ..NeighborSettings::default() },
        network: "10.0.0.0/24".parse().ok(),
        ..ArpConfig::default()
    };
    Segment::with(LOCAL, LOCAL_MAC, config)
}

fn receive(arp: &mut Segment, fields: PacketFields) -> Result<Reception, ArpDropReason> {
    arp.receive_fields(NOW, fields)
}

fn known(arp: &Segment, ip: Ipv4Addr) -> Option<MacAddr> {
    arp.neighbors().get(ip).and_then(|entry| entry.mac)
}

fn events(arp: &mut Segment) -> Vec<ArpEvent> {
    std::iter::from_fn(|| arp.take_event()).collect()
}

/// RFC 826 as a table. Each row states whether the target is local, whether the sender is known, and whether the packet
/// is a request. The change of the neighbor table under the two policies follows, and whether a reply is due.
#[rustfmt::skip]
const EIGHT_ROWS: [(bool, bool, bool, Merge, Merge, bool); 8] = [
    // local  known  request  cautious      rfc826         reply
    (true,  true,  true,  Merge::Moved, Merge::Moved, true),
    (true,  true,  false, Merge::Moved, Merge::Moved, false),
    (true,  false, true,  Merge::Added, Merge::Added, true),
    (true,  false, false, Merge::None,  Merge::Added, false),
    (false, true,  true,  Merge::Moved, Merge::Moved, false),
    (false, true,  false, Merge::Moved, Merge::Moved, false),
    (false, false, true,  Merge::None,  Merge::None,  false),
    (false, false, false, Merge::None,  Merge::None,  false),
];

// proves: rfc826-merge, rfc826-add, rfc826-not-local, rfc826-operation-last, reply-none
// proves: learn-request, learn-reply-cautious, learn-reply-rfc826, learn-other, learn-move
#[test]
fn reception_follows_rfc_826_table_under_both_policies() {
    for (is_local, in_table, request, cautious, rfc826, has_reply) in EIGHT_ROWS {
        for (policy, expected) in [(LearningPolicy::Cautious, cautious), (LearningPolicy::Rfc826, rfc826)] {
            let mut arp = arp(policy);
            if in_table {
                let request = PacketFields { sender_hardware: OLD_MAC, ..REQUEST };
                receive(&mut arp, request).unwrap();
            }
            let received = receive(
                &mut arp,
                PacketFields {
                    operation: if request { Operation::REQUEST } else { Operation::REPLY },
                    target_protocol: if is_local { LOCAL } else { OTHER },
                    ..REQUEST
                },
            );
            let row = (policy, is_local, in_table, request);
            let reply = has_reply.then_some(ArpReply { mac: LOCAL_MAC, destination: PEER_MAC });
            assert_eq!(received, Ok(Reception { merge: expected, reply }), "{row:?}");
            let remembered = (expected != Merge::None).then_some(PEER_MAC);
            assert_eq!(known(&arp, PEER), remembered, "{row:?}");
        }
    }
}

// proves: rfc826-reply-fields, rfc826-reply-to
#[test]
fn reply_swaps_sender_and_target_and_carries_local_mac() {
    let mut bytes = [0; 28];
    REQUEST.write_to(&mut bytes).unwrap();
    let reply =
        arp(LearningPolicy::Cautious).receive(NOW, None, Packet::parse(&bytes)).unwrap().reply.unwrap();
    reply.write_over(&mut bytes).unwrap();
    let expected = PacketFields {
        operation: Operation::REPLY,
        sender_hardware: LOCAL_MAC,
        sender_protocol: LOCAL,
        target_hardware: PEER_MAC,
        target_protocol: PEER,
    };
    assert_eq!(PacketFields::from(Packet::parse(&bytes).unwrap()), expected);
    assert_eq!(reply.write_over(&mut bytes[..27]), Err(ArpDropReason::Truncated));
}

// proves: rfc826-target-hardware
#[test]
fn request_target_hardware_address_is_ignored() {
    for target_hardware in [MacAddr::ZERO, MacAddr::BROADCAST, LOCAL_MAC, OLD_MAC] {
        let received =
            receive(&mut arp(LearningPolicy::Cautious), PacketFields { target_hardware, ..REQUEST });
        assert!(received.unwrap().reply.is_some());
    }
}

#[test]
fn repeated_sender_confirms_entry_without_event() {
    let mut arp = arp(LearningPolicy::Cautious);
    receive(&mut arp, REQUEST).unwrap();
    assert_eq!(events(&mut arp), [ArpEvent::Neighbor(Neighbor::Learned { ip: PEER, mac: PEER_MAC })]);
    assert_eq!(receive(&mut arp, REQUEST).unwrap().merge, Merge::Confirmed);
    assert_eq!(events(&mut arp), []);
}

// proves: learn-move
#[test]
fn moved_sender_updates_entry_and_is_reported() {
    let mut arp = arp(LearningPolicy::Cautious);
    receive(&mut arp, PacketFields { sender_hardware: OLD_MAC, ..REQUEST }).unwrap();
    events(&mut arp);
    receive(&mut arp, REQUEST).unwrap();
    let moved = ArpEvent::Neighbor(Neighbor::Moved { ip: PEER, from: OLD_MAC, to: PEER_MAC });
    assert_eq!(events(&mut arp), [moved]);
}

// proves: rfc5227-probe-not-learned
#[test]
fn probe_gets_reply_and_adds_no_entry() {
    for policy in [LearningPolicy::Cautious, LearningPolicy::Rfc826, LearningPolicy::Permissive] {
        let mut arp = arp(policy);
        let probe = PacketFields { sender_protocol: Ipv4Addr::UNSPECIFIED, ..REQUEST };
        let received = receive(&mut arp, probe).unwrap();
        assert_eq!(received.merge, Merge::None);
        assert!(received.reply.is_some() && arp.neighbors().is_empty());
    }
}

// proves: learn-other, reply-none
#[test]
fn announcement_by_unknown_sender_adds_no_entry_and_gets_no_reply() {
    for operation in [Operation::REQUEST, Operation::REPLY] {
        let mut arp = arp(LearningPolicy::Rfc826);
        let announcement = PacketFields { operation, target_protocol: PEER, ..REQUEST };
        let received = receive(&mut arp, announcement);
        assert_eq!(received, Ok(Reception { merge: Merge::None, reply: None }));
    }
}

// proves: rfc826-merge, rfc826-operation-last
#[test]
fn unnamed_operation_updates_entry_and_gets_no_reply() {
    let mut arp = arp(LearningPolicy::Rfc826);
    let received = receive(&mut arp, PacketFields { operation: Operation(7), ..REQUEST });
    assert_eq!(received, Ok(Reception { merge: Merge::Added, reply: None }));
}

// proves: rfc826-foreign
#[test]
fn operations_of_other_standards_are_dropped() {
    for number in [0, 3, 4, 8, 9, 24, 25, 65_535] {
        let mut arp = arp(LearningPolicy::Rfc826);
        receive(&mut arp, PacketFields { sender_hardware: OLD_MAC, ..REQUEST }).unwrap();
        let received = receive(&mut arp, PacketFields { operation: Operation(number), ..REQUEST });
        assert_eq!(received, Err(ArpDropReason::ForeignOperation));
        assert_eq!(known(&arp, PEER), Some(OLD_MAC));
    }
}

// proves: sender-hardware-station, sender-hardware-local, sender-protocol-host, sender-protocol-local
// proves: drops-counted
#[test]
fn invalid_senders_are_dropped_and_counted() {
    let group = MacAddr::new([1, 0, 0x5e, 0, 0, 1]);
    let mac = |sender_hardware| PacketFields { sender_hardware, ..REQUEST };
    let ip = |address: [u8; 4]| PacketFields { sender_protocol: address.into(), ..REQUEST };
    let cases = [
        (mac(MacAddr::BROADCAST), ArpDropReason::SenderMac),
        (mac(MacAddr::ZERO), ArpDropReason::SenderMac),
        (mac(group), ArpDropReason::SenderMac),
        (mac(LOCAL_MAC), ArpDropReason::OwnEcho),
        (ip([255, 255, 255, 255]), ArpDropReason::SenderIp),
        (ip([10, 0, 0, 255]), ArpDropReason::SenderIp),
        (ip([224, 0, 0, 1]), ArpDropReason::SenderIp),
        (ip([239, 255, 255, 255]), ArpDropReason::SenderIp),
        (ip([127, 0, 0, 1]), ArpDropReason::SenderIp),
        (ip([240, 0, 0, 1]), ArpDropReason::SenderIp),
        (ip([255, 255, 255, 254]), ArpDropReason::SenderIp),
        (ip([0, 0, 0, 1]), ArpDropReason::SenderIp),
        (ip([0, 255, 255, 255]), ArpDropReason::SenderIp),
        (ip([10, 0, 0, 2]), ArpDropReason::Conflict),
    ];
    for (fields, reason) in cases {
        let mut arp = arp(LearningPolicy::Rfc826);
        assert_eq!(receive(&mut arp, fields), Err(reason), "{fields:?}");
        assert_eq!(arp.dropped().get(reason), 1);
        assert!(arp.neighbors().is_empty());
    }
}

// proves: sender-protocol-host
#[test]
fn point_to_point_network_has_no_broadcast_address() {
    for (network, expected) in [("10.0.0.0/31", true), ("10.0.0.1/32", true), ("10.0.0.0/30", true)] {
        let config = ArpConfig { network: network.parse().ok(), ..ArpConfig::default() };
        let arp = Segment::new(config);
        assert_eq!(arp.is_valid_host(PEER), expected, "{network}");
    }
    let config = ArpConfig { network: "10.0.0.0/30".parse().ok(), ..ArpConfig::default() };
    assert!(!Segment::new(config).is_valid_host(Ipv4Addr::new(10, 0, 0, 3)));
}

// proves: sender-protocol-local
#[test]
fn sender_with_local_address_is_conflict_and_is_reported() {
    let mut arp = arp(LearningPolicy::Rfc826);
    let gratuitous = PacketFields { sender_protocol: LOCAL, ..REQUEST };
    assert_eq!(receive(&mut arp, gratuitous), Err(ArpDropReason::Conflict));
    let conflict = ClaimEvent::Defended { ip: LOCAL, mac: PEER_MAC };
    assert_eq!(events(&mut arp), [ArpEvent::Claim(conflict)]);
}

/// Fills the table with eight static entries, its capacity.
fn fill(arp: &mut Segment) {
    for host in 10..18 {
        let ip = Ipv4Addr::new(10, 0, 0, host);
        arp.neighbors_mut().add_static(NOW, ip, OLD_MAC).unwrap();
    }
}

// proves: table-bound
#[test]
fn request_gets_reply_when_table_is_full_of_static_entries() {
    let mut arp = arp(LearningPolicy::Cautious);
    fill(&mut arp);
    events(&mut arp);
    let received = receive(&mut arp, REQUEST).unwrap();
    assert_eq!((received.merge, received.reply.is_some()), (Merge::Refused, true));
    assert_eq!(events(&mut arp), [ArpEvent::Neighbor(Neighbor::Refused { ip: PEER })]);
    assert_eq!((arp.neighbors().len(), arp.neighbors().counts().refused), (8, 1));
}

/// Learning policies as a table: the sender's entry, the packet, and the change under each of the three policies.
#[rustfmt::skip]
const LEARNING: [(Entry, Kind, [Merge; 3]); 11] = {
    use Entry::{Incomplete, Known, Static, Unknown};
    use Kind::{Announcement, ForAnother, Reply, Request};
    use Merge::{Added, Completed, Moved, None, StaticConflict as Conflict};
    [
        //                        cautious   rfc826     permissive
        (Unknown, Request,      [Added,     Added,     Added]),
        (Unknown, Reply,        [None,      Added,     Added]),
        (Unknown, ForAnother,   [None,      None,      Added]),
        (Unknown, Announcement, [None,      None,      Added]),
        (Incomplete, Request,   [Completed, Completed, Completed]),
        (Incomplete, Reply,     [Completed, Completed, Completed]),
        (Incomplete, Announcement, [Completed, Completed, Completed]),
        (Known,   Request,      [Moved,     Moved,     Moved]),
        (Known,   ForAnother,   [Moved,     Moved,     Moved]),
        (Static,  Request,      [Conflict,  Conflict,  Conflict]),
        (Static,  Announcement, [Conflict,  Conflict,  Conflict]),
    ]
};

#[derive(Clone, Copy, Debug)]
enum Entry {
    Unknown,
    Incomplete,
    Known,
    Static,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Request,
    Reply,
    ForAnother,
    Announcement,
}

// proves: learn-request, learn-reply-cautious, learn-reply-rfc826, learn-other, learn-permissive
// proves: learn-resolved, learn-move, static-entry
#[test]
fn each_policy_learns_as_tabulated() {
    for (entry, kind, merges) in LEARNING {
        for (policy, merge) in [LearningPolicy::Cautious, LearningPolicy::Rfc826, LearningPolicy::Permissive]
            .into_iter()
            .zip(merges)
        {
            let mut arp = arp(policy);
            match entry {
                Entry::Unknown => {}
                Entry::Incomplete => assert_eq!(arp.resolve(NOW, PEER), Resolution::Pending),
                Entry::Known => drop(receive(&mut arp, PacketFields { sender_hardware: OLD_MAC, ..REQUEST })),
                Entry::Static => arp.neighbors_mut().add_static(NOW, PEER, OLD_MAC).unwrap(),
            }
            let fields = match kind {
                Kind::Request => REQUEST,
                Kind::Reply => PacketFields { operation: Operation::REPLY, ..REQUEST },
                Kind::ForAnother => PacketFields { target_protocol: OTHER, ..REQUEST },
                Kind::Announcement => PacketFields { target_protocol: PEER, ..REQUEST },
            };
            let received = receive(&mut arp, fields).unwrap();
            assert_eq!(received.merge, merge, "{policy:?} {entry:?} {kind:?}");
            let expected = match merge {
                Merge::None => None,
                Merge::StaticConflict => Some(OLD_MAC),
                _ => Some(PEER_MAC),
            };
            assert_eq!(known(&arp, PEER), expected, "{policy:?} {entry:?} {kind:?}");
        }
    }
}

#[test]
fn reply_completes_entry_as_reachable_and_request_as_delay() {
    for (operation, state) in
        [(Operation::REPLY, NeighborState::Reachable), (Operation::REQUEST, NeighborState::Delay)]
    {
        let mut arp = arp(LearningPolicy::Cautious);
        assert_eq!(arp.resolve(NOW, PEER), Resolution::Pending);
        receive(&mut arp, PacketFields { operation, ..REQUEST }).unwrap();
        assert_eq!(arp.neighbors().get(PEER).map(|entry| entry.state), Some(state));
    }
}

// proves: station-of-target
#[test]
fn unicast_request_for_address_of_other_station_is_dropped() {
    let mut arp = Segment::with(LOCAL, LOCAL_MAC, ArpConfig::default());
    arp.table.add(range(OTHER, OTHER, OLD_MAC)).unwrap();
    let mut bytes = [0; 28];
    REQUEST.write_to(&mut bytes).unwrap();
    assert_eq!(arp.receive(NOW, Some(OLD_MAC), Packet::parse(&bytes)), Err(ArpDropReason::WrongMac));
    assert!(arp.receive(NOW, Some(LOCAL_MAC), Packet::parse(&bytes)).unwrap().reply.is_some());
    assert!(arp.receive(NOW, None, Packet::parse(&bytes)).unwrap().reply.is_some());
}

#[test]
fn events_beyond_bound_are_counted() {
    let mut arp = arp(LearningPolicy::Cautious);
    for _ in 0..Arp::<()>::EVENTS + 3 {
        let _ = receive(&mut arp, PacketFields { sender_protocol: LOCAL, ..REQUEST });
    }
    assert_eq!(events(&mut arp).len(), Arp::<()>::EVENTS);
    assert_eq!(arp.events_lost(), 3);
}

proptest! {
    // proves: table-bound, reply-none, truncated
    #[test]
    fn arbitrary_packets_keep_table_bound_and_only_requests_for_local_addresses_get_reply(
        packets in prop::collection::vec(
            (0_u16..4, 0_u8..12, 0_u8..12, 0_u8..12, prop::option::of(0_usize..28)),
            0..100,
        ),
    ) {
        let (mut arp, mut dropped) = (arp(LearningPolicy::Rfc826), 0);
        for (operation, mac, sender, target, cut) in packets {
            let fields = PacketFields {
                operation: Operation(operation),
                sender_hardware: MacAddr::new([2, 0, 0, 0, 0, mac]),
                sender_protocol: Ipv4Addr::new(10, 0, 0, sender),
                target_hardware: MacAddr::ZERO,
                target_protocol: Ipv4Addr::new(10, 0, 0, target),
            };
            let mut bytes = [0; 28];
            fields.write_to(&mut bytes).unwrap();
            let received = arp.receive(NOW, None, Packet::parse(&bytes[..cut.unwrap_or(28)]));
            dropped += u64::from(received.is_err());
            let is_local_request = fields.target_protocol == LOCAL && fields.operation == Operation::REQUEST;
            if received.is_ok_and(|received| received.reply.is_some()) {
                prop_assert!(is_local_request && cut.is_none());
            }
            prop_assert!(arp.neighbors().len() <= 8);
            prop_assert!(known(&arp, LOCAL).is_none());
        }
        let counted: u64 = arp.dropped().iter().map(|(_, count)| count).sum();
        prop_assert_eq!(counted, dropped);
    }
}
