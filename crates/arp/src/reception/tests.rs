use super::*;
use crate::{ClaimEvent, Config, Event, Fields, Locals, Resolution, Settings, State};
use neighbor::Event as Neighbor;
use proptest::prelude::*;

const OURS: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
const PEER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const OTHER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 77);
const OUR_MAC: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 2]);
const PEER_MAC: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 1]);
const OLD_MAC: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 9]);
const NOW: Instant = Instant::from_nanos(1_000);

/// What the peer says to us, unless a test changes it.
const REQUEST: Fields = Fields {
    operation: Operation::REQUEST,
    sender_hardware: PEER_MAC,
    sender_protocol: PEER,
    target_hardware: MacAddr::ZERO,
    target_protocol: OURS,
};

/// The parcel does not matter here.
type Segment = Arp<()>;

fn arp(policy: Policy) -> Segment {
    let config = Config {
        policy,
        table: Settings { entries: 8, ..Settings::default() },
        network: "10.0.0.0/24".parse().ok(),
        ..Config::default()
    };
    Segment::new(Locals::one(OURS, OUR_MAC).unwrap(), config)
}

fn hear(arp: &mut Segment, fields: Fields) -> Result<Received, Dropped> {
    let mut octets = [0; Fields::LENGTH];
    fields.write_to(&mut octets).unwrap();
    arp.receive(NOW, None, &octets)
}

fn known(arp: &Segment, protocol: Ipv4Addr) -> Option<MacAddr> {
    arp.neighbors().get(protocol).and_then(|entry| entry.hardware)
}

fn events(arp: &mut Segment) -> Vec<Event> {
    std::iter::from_fn(|| arp.take_event()).collect()
}

/// RFC 826 as a table: target ours, sender known, request; then what becomes of the table under the
/// two policies, and whether a reply is due.
#[rustfmt::skip]
const EIGHT_ROWS: [(bool, bool, bool, Merge, Merge, bool); 8] = [
    // ours   known  request  cautious      rfc826         answered
    (true,  true,  true,  Merge::Moved, Merge::Moved, true),
    (true,  true,  false, Merge::Moved, Merge::Moved, false),
    (true,  false, true,  Merge::Added, Merge::Added, true),
    (true,  false, false, Merge::None,  Merge::Added, false),
    (false, true,  true,  Merge::Moved, Merge::Moved, false),
    (false, true,  false, Merge::Moved, Merge::Moved, false),
    (false, false, true,  Merge::None,  Merge::None,  false),
    (false, false, false, Merge::None,  Merge::None,  false),
];

// proves: rfc826-merge, rfc826-add, rfc826-not-ours, rfc826-operation-last, reply-none
// proves: learn-request, learn-reply-cautious, learn-reply-rfc826, learn-other, learn-move
#[test]
fn the_eight_rows_of_rfc_826_hold_under_both_policies() {
    for (ours, in_table, request, cautious, rfc826, answered) in EIGHT_ROWS {
        for (policy, expected) in [(Policy::Cautious, cautious), (Policy::Rfc826, rfc826)] {
            let mut arp = arp(policy);
            if in_table {
                let request = Fields { sender_hardware: OLD_MAC, ..REQUEST };
                hear(&mut arp, request).unwrap();
            }
            let received = hear(
                &mut arp,
                Fields {
                    operation: if request { Operation::REQUEST } else { Operation::REPLY },
                    target_protocol: if ours { OURS } else { OTHER },
                    ..REQUEST
                },
            );
            let row = (policy, ours, in_table, request);
            let answer = answered.then_some(Answer { ours: OUR_MAC, to: PEER_MAC });
            assert_eq!(received, Ok(Received { merge: expected, answer }), "{row:?}");
            let remembered = (expected != Merge::None).then_some(PEER_MAC);
            assert_eq!(known(&arp, PEER), remembered, "{row:?}");
        }
    }
}

// proves: rfc826-reply-fields, rfc826-reply-to
#[test]
fn the_reply_swaps_sender_and_target_and_carries_our_address() {
    let mut octets = [0; 28];
    REQUEST.write_to(&mut octets).unwrap();
    let answer = arp(Policy::Cautious).receive(NOW, None, &octets).unwrap().answer.unwrap();
    answer.write_over(&mut octets).unwrap();
    let reply = Fields {
        operation: Operation::REPLY,
        sender_hardware: OUR_MAC,
        sender_protocol: OURS,
        target_hardware: PEER_MAC,
        target_protocol: PEER,
    };
    assert_eq!(Fields::from(Packet::parse(&octets).unwrap()), reply);
    assert_eq!(answer.write_over(&mut octets[..27]), Err(Dropped::Truncated));
}

// proves: rfc826-target-hardware
#[test]
fn the_target_hardware_address_of_a_request_is_not_looked_at() {
    for target_hardware in [MacAddr::ZERO, MacAddr::BROADCAST, OUR_MAC, OLD_MAC] {
        let received = hear(&mut arp(Policy::Cautious), Fields { target_hardware, ..REQUEST });
        assert!(received.unwrap().answer.is_some());
    }
}

#[test]
fn a_sender_that_says_the_same_again_is_confirmed_without_an_event() {
    let mut arp = arp(Policy::Cautious);
    hear(&mut arp, REQUEST).unwrap();
    assert_eq!(events(&mut arp), [Event::Neighbor(Neighbor::Learned { protocol: PEER, hardware: PEER_MAC })]);
    assert_eq!(hear(&mut arp, REQUEST).unwrap().merge, Merge::Confirmed);
    assert_eq!(events(&mut arp), []);
}

// proves: learn-move
#[test]
fn a_move_is_followed_and_reported() {
    let mut arp = arp(Policy::Cautious);
    hear(&mut arp, Fields { sender_hardware: OLD_MAC, ..REQUEST }).unwrap();
    events(&mut arp);
    hear(&mut arp, REQUEST).unwrap();
    let moved = Event::Neighbor(Neighbor::Moved { protocol: PEER, from: OLD_MAC, to: PEER_MAC });
    assert_eq!(events(&mut arp), [moved]);
}

// proves: rfc5227-probe-teaches-nothing
#[test]
fn a_probe_is_answered_and_teaches_nothing() {
    for policy in [Policy::Cautious, Policy::Rfc826, Policy::Permissive] {
        let mut arp = arp(policy);
        let probe = Fields { sender_protocol: Ipv4Addr::UNSPECIFIED, ..REQUEST };
        let received = hear(&mut arp, probe).unwrap();
        assert_eq!(received.merge, Merge::None);
        assert!(received.answer.is_some() && arp.neighbors().is_empty());
    }
}

// proves: learn-other, reply-none
#[test]
fn an_announcement_by_a_stranger_teaches_nothing_and_gets_no_reply() {
    for operation in [Operation::REQUEST, Operation::REPLY] {
        let mut arp = arp(Policy::Rfc826);
        let announcement = Fields { operation, target_protocol: PEER, ..REQUEST };
        let received = hear(&mut arp, announcement);
        assert_eq!(received, Ok(Received { merge: Merge::None, answer: None }));
    }
}

// proves: rfc826-merge, rfc826-operation-last
#[test]
fn an_operation_without_a_name_merges_and_gets_no_reply() {
    let mut arp = arp(Policy::Rfc826);
    let received = hear(&mut arp, Fields { operation: Operation(7), ..REQUEST });
    assert_eq!(received, Ok(Received { merge: Merge::Added, answer: None }));
}

// proves: rfc826-foreign
#[test]
fn operations_of_other_standards_are_never_acted_on() {
    for number in [0, 3, 4, 8, 9, 24, 25, 65_535] {
        let mut arp = arp(Policy::Rfc826);
        hear(&mut arp, Fields { sender_hardware: OLD_MAC, ..REQUEST }).unwrap();
        let received = hear(&mut arp, Fields { operation: Operation(number), ..REQUEST });
        assert_eq!(received, Err(Dropped::ForeignOperation));
        assert_eq!(known(&arp, PEER), Some(OLD_MAC));
    }
}

// proves: sender-hardware-station, sender-hardware-ours, sender-protocol-host, sender-protocol-ours
// proves: drops-counted
#[test]
fn senders_that_cannot_be_are_dropped_and_counted() {
    let group = MacAddr::new([1, 0, 0x5e, 0, 0, 1]);
    let hardware = |sender_hardware| Fields { sender_hardware, ..REQUEST };
    let protocol = |address: [u8; 4]| Fields { sender_protocol: address.into(), ..REQUEST };
    let cases = [
        (hardware(MacAddr::BROADCAST), Dropped::SenderHardware),
        (hardware(MacAddr::ZERO), Dropped::SenderHardware),
        (hardware(group), Dropped::SenderHardware),
        (hardware(OUR_MAC), Dropped::OwnEcho),
        (protocol([255, 255, 255, 255]), Dropped::SenderProtocol),
        (protocol([10, 0, 0, 255]), Dropped::SenderProtocol),
        (protocol([224, 0, 0, 1]), Dropped::SenderProtocol),
        (protocol([239, 255, 255, 255]), Dropped::SenderProtocol),
        (protocol([127, 0, 0, 1]), Dropped::SenderProtocol),
        (protocol([240, 0, 0, 1]), Dropped::SenderProtocol),
        (protocol([255, 255, 255, 254]), Dropped::SenderProtocol),
        (protocol([0, 0, 0, 1]), Dropped::SenderProtocol),
        (protocol([0, 255, 255, 255]), Dropped::SenderProtocol),
        (protocol([10, 0, 0, 2]), Dropped::Conflict),
    ];
    for (fields, reason) in cases {
        let mut arp = arp(Policy::Rfc826);
        assert_eq!(hear(&mut arp, fields), Err(reason), "{fields:?}");
        assert_eq!(arp.dropped().get(reason), 1);
        assert!(arp.neighbors().is_empty());
    }
}

// proves: sender-protocol-host
#[test]
fn a_point_to_point_network_has_no_broadcast_address() {
    for (network, expected) in [("10.0.0.0/31", true), ("10.0.0.1/32", true), ("10.0.0.0/30", true)] {
        let config = Config { network: network.parse().ok(), ..Config::default() };
        let arp = Segment::new(Locals::default(), config);
        assert_eq!(arp.may_be_a_host(PEER), expected, "{network}");
    }
    let config = Config { network: "10.0.0.0/30".parse().ok(), ..Config::default() };
    assert!(!Segment::new(Locals::default(), config).may_be_a_host(Ipv4Addr::new(10, 0, 0, 3)));
}

// proves: sender-protocol-ours
#[test]
fn somebody_else_with_our_address_is_a_conflict_and_is_named() {
    let mut arp = arp(Policy::Rfc826);
    let gratuitous = Fields { sender_protocol: OURS, ..REQUEST };
    assert_eq!(hear(&mut arp, gratuitous), Err(Dropped::Conflict));
    let conflict = ClaimEvent::Defended { protocol: OURS, hardware: PEER_MAC };
    assert_eq!(events(&mut arp), [Event::Claim(conflict)]);
}

/// Enters eight static entries, as many as the table holds.
fn fill(arp: &mut Segment) {
    for host in 10..18 {
        let protocol = Ipv4Addr::new(10, 0, 0, host);
        arp.neighbors_mut().add_static(NOW, protocol, OLD_MAC).unwrap();
    }
}

// proves: table-bound
#[test]
fn a_table_full_of_static_entries_still_answers() {
    let mut arp = arp(Policy::Cautious);
    fill(&mut arp);
    events(&mut arp);
    let received = hear(&mut arp, REQUEST).unwrap();
    assert_eq!((received.merge, received.answer.is_some()), (Merge::Refused, true));
    assert_eq!(events(&mut arp), [Event::Neighbor(Neighbor::Refused { protocol: PEER })]);
    assert_eq!((arp.neighbors().len(), arp.neighbors().counts().refused), (8, 1));
}

/// The security section's table: what the sender's entry is, what the packet is, and what each of
/// the three policies makes of it.
#[rustfmt::skip]
const LEARNING: [(Entry, Kind, [Merge; 3]); 11] = {
    use Entry::{Asked, Known, Static, Unknown};
    use Kind::{Announcement, ForAnother, Reply, Request};
    use Merge::{Added, Completed, Held, Moved, None};
    [
        //                        cautious   rfc826     permissive
        (Unknown, Request,      [Added,     Added,     Added]),
        (Unknown, Reply,        [None,      Added,     Added]),
        (Unknown, ForAnother,   [None,      None,      Added]),
        (Unknown, Announcement, [None,      None,      Added]),
        (Asked,   Request,      [Completed, Completed, Completed]),
        (Asked,   Reply,        [Completed, Completed, Completed]),
        (Asked,   Announcement, [Completed, Completed, Completed]),
        (Known,   Request,      [Moved,     Moved,     Moved]),
        (Known,   ForAnother,   [Moved,     Moved,     Moved]),
        (Static,  Request,      [Held,      Held,      Held]),
        (Static,  Announcement, [Held,      Held,      Held]),
    ]
};

#[derive(Clone, Copy, Debug)]
enum Entry {
    Unknown,
    Asked,
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
// proves: learn-asked, learn-move, static-held
#[test]
fn each_policy_learns_as_its_table_says() {
    for (entry, kind, merges) in LEARNING {
        for (policy, merge) in [Policy::Cautious, Policy::Rfc826, Policy::Permissive].into_iter().zip(merges)
        {
            let mut arp = arp(policy);
            match entry {
                Entry::Unknown => {}
                Entry::Asked => assert_eq!(arp.resolve(NOW, PEER, 0, ()), Resolution::Waits),
                Entry::Known => drop(hear(&mut arp, Fields { sender_hardware: OLD_MAC, ..REQUEST })),
                Entry::Static => arp.neighbors_mut().add_static(NOW, PEER, OLD_MAC).unwrap(),
            }
            let fields = match kind {
                Kind::Request => REQUEST,
                Kind::Reply => Fields { operation: Operation::REPLY, ..REQUEST },
                Kind::ForAnother => Fields { target_protocol: OTHER, ..REQUEST },
                Kind::Announcement => Fields { target_protocol: PEER, ..REQUEST },
            };
            let received = hear(&mut arp, fields).unwrap();
            assert_eq!(received.merge, merge, "{policy:?} {entry:?} {kind:?}");
            let expected = match merge {
                Merge::None => None,
                Merge::Held => Some(OLD_MAC),
                _ => Some(PEER_MAC),
            };
            assert_eq!(known(&arp, PEER), expected, "{policy:?} {entry:?} {kind:?}");
        }
    }
}

#[test]
fn a_reply_to_us_completes_an_entry_as_reachable_and_a_request_as_in_use_unproved() {
    for (operation, state) in [(Operation::REPLY, State::Reachable), (Operation::REQUEST, State::Delay)] {
        let mut arp = arp(Policy::Cautious);
        assert_eq!(arp.resolve(NOW, PEER, 0, ()), Resolution::Waits);
        hear(&mut arp, Fields { operation, ..REQUEST }).unwrap();
        assert_eq!(arp.neighbors().get(PEER).map(|entry| entry.state), Some(state));
    }
}

// proves: station-of-target
#[test]
fn each_of_many_hosts_hears_only_what_is_sent_to_its_own_station() {
    let mut locals = Locals::one(OURS, OUR_MAC).unwrap();
    locals.add(OTHER, OTHER, OLD_MAC).unwrap();
    let mut arp = Segment::new(locals, Config::default());
    let mut octets = [0; 28];
    REQUEST.write_to(&mut octets).unwrap();
    assert_eq!(arp.receive(NOW, Some(OLD_MAC), &octets), Err(Dropped::WrongStation));
    assert!(arp.receive(NOW, Some(OUR_MAC), &octets).unwrap().answer.is_some());
    assert!(arp.receive(NOW, None, &octets).unwrap().answer.is_some());
}

#[test]
fn events_beyond_the_bound_are_counted() {
    let mut arp = arp(Policy::Cautious);
    for _ in 0..Segment::EVENTS + 3 {
        let _ = hear(&mut arp, Fields { sender_protocol: OURS, ..REQUEST });
    }
    assert_eq!(events(&mut arp).len(), Segment::EVENTS);
    assert_eq!(arp.events_lost(), 3);
}

proptest! {
    // proves: table-bound, reply-none, truncated
    #[test]
    fn whatever_arrives_the_bound_holds_and_only_requests_for_us_are_answered(
        packets in prop::collection::vec(
            (0_u16..4, 0_u8..12, 0_u8..12, 0_u8..12, prop::option::of(0_usize..28)),
            0..100,
        ),
    ) {
        let (mut arp, mut dropped) = (arp(Policy::Rfc826), 0);
        for (operation, hardware, sender, target, cut) in packets {
            let fields = Fields {
                operation: Operation(operation),
                sender_hardware: MacAddr::new([2, 0, 0, 0, 0, hardware]),
                sender_protocol: Ipv4Addr::new(10, 0, 0, sender),
                target_hardware: MacAddr::ZERO,
                target_protocol: Ipv4Addr::new(10, 0, 0, target),
            };
            let mut octets = [0; 28];
            fields.write_to(&mut octets).unwrap();
            let received = arp.receive(NOW, None, &octets[..cut.unwrap_or(28)]);
            dropped += u64::from(received.is_err());
            let for_us = fields.target_protocol == OURS && fields.operation == Operation::REQUEST;
            if received.is_ok_and(|received| received.answer.is_some()) {
                prop_assert!(for_us && cut.is_none());
            }
            prop_assert!(arp.neighbors().len() <= 8);
            prop_assert!(known(&arp, OURS).is_none());
        }
        let counted: u64 = arp.dropped().iter().map(|(_, count)| count).sum();
        prop_assert_eq!(counted, dropped);
    }
}
