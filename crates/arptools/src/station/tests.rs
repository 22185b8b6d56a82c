use std::net::Ipv4Addr;
use std::time::Duration;

use arp::{Identity, Operation};
use proptest::prelude::*;

use super::*;
use crate::inquiry::{Inquiry, InquiryOutcome, InquiryPlan, Purpose};
use crate::sweep::{Sweep, SweepPlan, TargetRanges};

const LOCAL: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
const TARGET: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const LOCAL_MAC: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 2]);
const PEER_MAC: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 1]);
const GROUP: MacAddr = MacAddr::new([3, 0, 0, 0, 0, 1]);
const PORT: PortId = PortId::new(0);

fn at(millis: u64) -> Instant {
    Instant::ORIGIN + Duration::from_millis(millis)
}

/// A station with its exchange, device and pool.
struct Fixture<R: Requester> {
    station: Station<R>,
    pool: Pool,
    departing: Batch,
}

impl<R: Requester> Fixture<R> {
    fn new(requester: R, vlan: Option<VlanId>) -> Fixture<R> {
        let station = Station::new(at(0), requester, LOCAL_MAC, vlan);
        Fixture { station, pool: Pool::new(1_500, 8), departing: Batch::new(2) }
    }

    /// Runs the station at this time. Returns the sent frames.
    fn sent(&mut self, now: Instant) -> Vec<Vec<u8>> {
        self.station.transmit(now, PORT, &mut self.departing, &mut self.pool);
        let mut sent = Vec::new();
        while let Some(frame) = self.departing.pop() {
            sent.push(frame.bytes().to_vec());
            self.pool.give(frame);
        }
        sent
    }

    fn receive(&mut self, now: Instant, bytes: &[u8]) -> StationOutcome<R::Reply> {
        let mut frame = self.pool.take().unwrap();
        frame.write(bytes).unwrap();
        self.station.receive(now, PORT, frame, &mut self.pool)
    }
}

fn inquiry(count: u64) -> Inquiry {
    let plan = InquiryPlan {
        purpose: Purpose::Find,
        sender: Identity { ip: LOCAL, mac: LOCAL_MAC },
        target: TARGET,
        count: Some(count),
        interval: Duration::from_secs(1),
        limit: None,
        until_first: false,
        until_conflict: false,
        keeps_broadcasting: false,
    };
    Inquiry::new(at(0), plan)
}

fn sweep() -> Sweep {
    let plan = SweepPlan {
        sender: Identity { ip: LOCAL, mac: LOCAL_MAC },
        passes: 1,
        timeout: Duration::from_millis(500),
        backoff: 1.0,
        interval: Duration::ZERO,
        limit: None,
        seed: None,
    };
    let ranges = TargetRanges::new([Ipv4Addr::new(10, 0, 0, 10)..=Ipv4Addr::new(10, 0, 0, 14)]).unwrap();
    Sweep::new(at(0), plan, ranges)
}

/// Returns the bytes of a packet.
fn packet(operation: Operation, sender: (MacAddr, Ipv4Addr), target: (MacAddr, Ipv4Addr)) -> Vec<u8> {
    let fields = PacketFields {
        operation,
        sender_hardware: sender.0,
        sender_protocol: sender.1,
        target_hardware: target.0,
        target_protocol: target.1,
    };
    let mut bytes = vec![0; PacketFields::LENGTH];
    fields.write_to(&mut bytes).unwrap();
    bytes
}

fn reply() -> Vec<u8> {
    packet(Operation::REPLY, (PEER_MAC, TARGET), (LOCAL_MAC, LOCAL))
}

/// Returns a frame to the station with these bytes after the source address.
fn frame(source: MacAddr, rest: &[&[u8]]) -> Vec<u8> {
    [&LOCAL_MAC.bytes()[..], &source.bytes(), &rest.concat()].concat()
}

#[test]
fn station_sends_when_packet_is_due_and_ends_after_last_timeout() {
    let mut fixture = Fixture::new(inquiry(2), None);
    let request = packet(Operation::REQUEST, (LOCAL_MAC, LOCAL), (MacAddr::ZERO, TARGET));
    let expected = [&[0xff; 6][..], &LOCAL_MAC.bytes(), &[8, 6], &request].concat();
    for (now, next) in [(0, 1_000), (1_000, 2_000)] {
        assert_eq!(fixture.station.deadline(), Some(at(now)));
        assert_eq!(fixture.sent(at(now)), std::slice::from_ref(&expected));
        assert_eq!(fixture.station.deadline(), Some(at(next)));
        assert!(fixture.sent(at(now + 999)).is_empty() && !fixture.station.is_done());
    }
    assert!(fixture.sent(at(2_000)).is_empty());
    assert!(fixture.station.is_done());
    assert_eq!((fixture.station.deadline(), fixture.pool.held()), (None, 0));
    assert_eq!(fixture.station.requester().outcome(at(2_000)), InquiryOutcome::NoReply);
}

#[test]
fn reply_is_reported_with_its_text() {
    let mut fixture = Fixture::new(inquiry(2), None);
    fixture.sent(at(0));
    let bytes = frame(PEER_MAC, &[&[8, 6], &reply()]);
    assert_eq!(fixture.receive(at(7), &bytes).to_string(), "reply");
    let reported = fixture.station.take_reply().unwrap();
    assert_eq!((reported.round_trip, reported.is_broadcast), (Some(Duration::from_millis(7)), false));
    assert_eq!(fixture.station.take_reply(), None);
    assert_eq!(fixture.receive(at(8), &bytes).to_string(), "duplicate reply");
}

#[test]
fn other_frames_are_dropped_with_reason_and_counted() {
    let mut fixture = Fixture::new(inquiry(2), None);
    fixture.sent(at(0));
    let tag = [0x81, 0, 0, 5];
    let rows = [
        (frame(PEER_MAC, &[&[8, 0], &[0; 46]]), "dropped: unsupported EtherType IPv4 (0x0800)"),
        (frame(PEER_MAC, &[&tag, &[8, 6], &reply()]), "dropped: another VLAN"),
        (frame(GROUP, &[&[8, 6], &reply()]), "dropped: source is a multicast or broadcast address"),
        (frame(PEER_MAC, &[&[8, 6], &reply()[..20]]), "dropped: shorter than an ARP packet"),
        (vec![1, 2, 3], "dropped: shorter than an Ethernet header"),
    ];
    let texts: Vec<_> = rows.iter().map(|(bytes, _)| fixture.receive(at(1), bytes).to_string()).collect();
    assert_eq!(texts, rows.each_ref().map(|(_, text)| *text));
    assert_eq!((fixture.station.dropped(), fixture.station.take_reply()), (5, None));
    assert_eq!(fixture.pool.held(), 0);
}

#[test]
fn station_answers_no_request() {
    let mut fixture = Fixture::new(inquiry(2), None);
    fixture.sent(at(0));
    let request = packet(Operation::REQUEST, (PEER_MAC, TARGET), (MacAddr::ZERO, LOCAL));
    let outcome = fixture.receive(at(1), &frame(PEER_MAC, &[&[8, 6], &request]));
    assert_eq!(outcome.to_string(), "not a reply to this arping");
    assert!(fixture.sent(at(1)).is_empty());
}

#[test]
fn station_sends_and_receives_with_tag_of_its_vlan() {
    let mut fixture = Fixture::new(inquiry(2), VlanId::new(5));
    let tag = [0x81, 0, 0, 5];
    assert_eq!(fixture.sent(at(0))[0][12..18], [0x81, 0, 0, 5, 8, 6]);
    let outcome = fixture.receive(at(1), &frame(PEER_MAC, &[&tag, &[8, 6], &reply()]));
    assert!(matches!(outcome, StationOutcome::Reply(_)));
    let untagged = fixture.receive(at(1), &frame(PEER_MAC, &[&[8, 6], &reply()]));
    assert_eq!(untagged, StationOutcome::Dropped(StationDropReason::Link(LinkDropReason::OtherVlan)));
}

#[test]
fn refused_packet_is_reported_by_its_number() {
    let mut fixture = Fixture::new(inquiry(2), None);
    fixture.station.transmit(at(0), PORT, &mut fixture.departing, &mut fixture.pool);
    let token = fixture.departing.pop().unwrap().token();
    fixture.station.refused(at(0), PORT, token);
    assert_eq!((fixture.station.take_refused(), fixture.station.take_refused()), (Some(1), None));
    let counts = fixture.station.requester().counts();
    assert_eq!((counts.sent, counts.refused), (0, 1));
}

#[test]
fn packets_wait_until_batch_has_capacity() {
    let mut fixture = Fixture::new(sweep(), None);
    let sent: Vec<_> = (0..4).map(|_| fixture.sent(at(0)).len()).collect();
    assert_eq!(sent, [2, 2, 1, 0]);
    assert_eq!(fixture.station.requester().counts().sent, 5);
    // A full batch takes nothing. The packet stays due.
    let mut full = Fixture::new(sweep(), None);
    full.station.transmit(at(0), PORT, &mut full.departing, &mut full.pool);
    full.station.transmit(at(1), PORT, &mut full.departing, &mut full.pool);
    assert_eq!((full.station.requester().counts().sent, full.station.deadline()), (2, Some(at(1))));
}

#[test]
fn packet_waits_until_pool_has_frame() {
    let mut fixture = Fixture::new(inquiry(2), None);
    fixture.pool = Pool::new(1_500, 0);
    assert!(fixture.sent(at(0)).is_empty());
    assert_eq!((fixture.station.requester().counts().sent, fixture.station.deadline()), (0, Some(at(0))));
}

#[test]
fn stopped_station_receives_and_sends_nothing() {
    let mut fixture = Fixture::new(inquiry(2), None);
    fixture.sent(at(0));
    fixture.station.stop();
    assert!(fixture.station.is_done());
    assert!(fixture.sent(at(5_000)).is_empty());
    let outcome = fixture.receive(at(5_000), &frame(PEER_MAC, &[&[8, 6], &reply()]));
    assert!(matches!(outcome, StationOutcome::Reply(_)));
}

#[test]
fn replies_beyond_limit_are_lost_and_counted() {
    let mut fixture = Fixture::new(inquiry(2), None);
    fixture.sent(at(0));
    let bytes = frame(PEER_MAC, &[&[8, 6], &reply()]);
    for _ in 0..Station::<Inquiry>::EVENTS + 3 {
        fixture.receive(at(1), &bytes);
    }
    assert_eq!(fixture.station.events_lost(), 3);
}

/// Returns arbitrary bytes after the addresses of an ARP frame, so that most of them reach the requester.
fn any_frame() -> impl Strategy<Value = Vec<u8>> {
    let arp = prop::collection::vec(any::<u8>(), 0..60);
    let arp = arp.prop_map(|rest| frame(PEER_MAC, &[&[8, 6], &[0, 1, 8, 0, 6, 4], &rest]));
    prop_oneof![arp, prop::collection::vec(any::<u8>(), 0..100)]
}

proptest! {
    /// A station sends only the packets of its requester, for any received frames, and keeps no frame.
    #[test]
    fn station_sends_only_due_packets(frames in prop::collection::vec(any_frame(), 0..50)) {
        let mut fixture = Fixture::new(inquiry(2), None);
        prop_assert_eq!(fixture.sent(at(0)).len(), 1);
        for bytes in &frames {
            fixture.receive(at(1), bytes);
            prop_assert!(fixture.sent(at(1)).is_empty());
        }
        prop_assert_eq!(fixture.pool.held(), 0);
    }
}
