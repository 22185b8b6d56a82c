use super::*;
use crate::{DropReason, HostSet, SendOutcome, TxDropReason};
use arp::{Merge, NeighborState, Operation, PacketFields};
use link::{EtherType, MacAddr};
use proptest::prelude::*;
use std::net::Ipv4Addr;
use std::time::Duration;
use tap::linux::Cable;

mod bounds;
mod claims;
mod datagrams;
mod fragments;
mod many;
mod rig;
mod standards;

const OURS: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
const PEER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const OUR_MAC: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 2]);
const PEER_MAC: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 1]);
const NOW: Instant = Instant::ORIGIN;

fn config() -> HostConfig {
    HostConfig::new("10.0.0.2/24".parse().unwrap(), OUR_MAC)
}

fn host(vlan: Option<u16>) -> Host {
    let vlan = vlan.and_then(link::VlanId::new);
    Host::new(Instant::ORIGIN, &HostConfig { vlan, ..config() }).unwrap()
}

fn request() -> [u8; 28] {
    let mut octets = [0; 28];
    let fields = PacketFields {
        operation: Operation::REQUEST,
        sender_hardware: PEER_MAC,
        sender_protocol: PEER,
        target_hardware: MacAddr::ZERO,
        target_protocol: OURS,
    };
    fields.write_to(&mut octets).unwrap();
    octets
}

/// A broadcast from the peer with what stands behind the source address.
fn broadcast(rest: &[&[u8]]) -> Vec<u8> {
    [&[0xff; 6][..], &PEER_MAC.octets(), &rest.concat()].concat()
}

/// What the host makes of one frame, and what it sends.
fn hear(host: &mut Host, octets: &[u8]) -> (FrameOutcome, Vec<Vec<u8>>) {
    let mut pool = Pool::new(1_500, 4);
    let mut departing = Batch::new(4);
    let mut frame = pool.take().unwrap();
    frame.write(octets).unwrap();
    let verdict = host.receive(NOW, frame, &mut departing, &mut pool);
    assert_eq!(pool.held(), departing.len(), "every frame departs or is given back");
    let sent = departing.iter().map(|frame| frame.bytes().to_vec()).collect();
    (verdict, sent)
}

fn reply(head: &[u8]) -> Vec<u8> {
    let packet = [0, 1, 8, 0, 6, 4, 0, 2, 2, 0, 0, 0, 0, 2, 10, 0, 0, 2, 2, 0, 0, 0, 0, 1, 10, 0, 0, 1];
    [&PEER_MAC.octets()[..], &OUR_MAC.octets(), head, &packet].concat()
}

// proves: rfc826-reply-fields, rfc826-reply-to, rfc826-padding, rfc826-reply-padding, reply-one
#[test]
fn a_request_for_us_is_answered_by_unicast_without_its_padding() {
    let padded = broadcast(&[&[8, 6], &request(), &[0xee; 18]]);
    let (verdict, sent) = hear(&mut host(None), &padded);
    assert_eq!(sent, [reply(&[8, 6])]);
    let answer = arp::ArpReply { mac: OUR_MAC, destination: PEER_MAC };
    assert_eq!(verdict, FrameOutcome::Arp(arp::Reception { merge: Merge::Added, reply: Some(answer) }));
}

/// What the host has counted as lost.
fn losses(host: &Host) -> u64 {
    host.counters().iter().filter(|counter| counter.is_loss).map(|counter| counter.count).sum()
}

// proves: truncated, drops-counted
#[test]
fn a_frame_cut_short_at_any_length_changes_nothing_and_is_counted() {
    let mut host =
        Host::new(Instant::ORIGIN, &HostConfig { policy: arp::LearningPolicy::Rfc826, ..config() }).unwrap();
    let whole = broadcast(&[&[8, 6], &request()]);
    for (before, length) in (0..42).enumerate() {
        let (verdict, sent) = hear(&mut host, &whole[..length]);
        assert!(verdict.dropped().is_some() && sent.is_empty(), "{length}");
        assert!(host.arp().neighbors().is_empty(), "{length}");
        assert_eq!(losses(&host), u64::try_from(before).unwrap() + 1);
    }
    assert_eq!(hear(&mut host, &whole).1.len(), 1);
}

// proves: rfc826-hardware-type, rfc826-protocol-type, rfc826-lengths
#[test]
fn a_packet_about_other_addresses_changes_nothing() {
    let mut host =
        Host::new(Instant::ORIGIN, &HostConfig { policy: arp::LearningPolicy::Rfc826, ..config() }).unwrap();
    for place in [0, 1, 2, 3, 4, 5] {
        let mut packet = request();
        packet[place] ^= 0x06;
        let (verdict, sent) = hear(&mut host, &broadcast(&[&[8, 6], &packet]));
        assert!(verdict.dropped().is_some() && sent.is_empty(), "{place}");
        assert!(host.arp().neighbors().is_empty(), "{place}");
    }
}

// proves: rfc1042-hardware-type, rfc826-reply-fields
#[test]
fn request_of_hardware_type_6_gets_a_reply_of_that_type_behind_an_ether_type_and_behind_snap() {
    let mut packet = request();
    packet[1] = 6;
    let mut expected = reply(&[8, 6]);
    expected[15] = 6;
    for head in [&[8, 6][..], &[0, 36, 0xaa, 0xaa, 3, 0, 0, 0, 8, 6]] {
        let mut host = host(None);
        assert_eq!(hear(&mut host, &broadcast(&[head, &packet, &[0; 10]])).1, [expected.clone()]);
        assert_eq!(host.arp().neighbors().len(), 1, "the requester is learned");
    }
}

// proves: learn-default, learn-reply-cautious, learn-reply-rfc826
#[test]
fn a_host_is_cautious_unless_it_is_told_otherwise() {
    let mut unasked = request();
    unasked[7] = 2;
    let unasked = broadcast(&[&[8, 6], &unasked]);
    let (mut cautious, policy) = (host(None), arp::LearningPolicy::Rfc826);
    let mut trusting = Host::new(Instant::ORIGIN, &HostConfig { policy, ..config() }).unwrap();
    hear(&mut cautious, &unasked);
    hear(&mut trusting, &unasked);
    assert_eq!((cautious.arp().neighbors().len(), trusting.arp().neighbors().len()), (0, 1));
    assert_eq!(arp::ArpConfig::default().policy, arp::LearningPolicy::Cautious);
}

// proves: ethernet-vlan-reply, rfc826-reply-to
#[test]
fn a_reply_on_a_vlan_carries_its_tag() {
    let tagged = broadcast(&[&[0x81, 0, 0x60, 5, 8, 6], &request()]);
    let (_, sent) = hear(&mut host(Some(5)), &tagged);
    assert_eq!(sent, [reply(&[0x81, 0, 0, 5, 8, 6])]);
    let (verdict, sent) = hear(&mut host(None), &tagged);
    assert_eq!((verdict.dropped(), sent.len()), (Some(link::LinkDropReason::OtherVlan.into()), 0));
}

// proves: ethernet-priority-tag
#[test]
fn a_priority_tagged_request_gets_an_untagged_reply() {
    let tagged = broadcast(&[&[0x81, 0, 0xe0, 0, 8, 6], &request()]);
    assert_eq!(hear(&mut host(None), &tagged).1, [reply(&[8, 6])]);
}

// proves: ethernet-rfc1042, ethernet-rfc894
#[test]
fn a_request_in_rfc_1042_is_answered_in_rfc_894() {
    let snap = broadcast(&[&[0, 36, 0xaa, 0xaa, 3, 0, 0, 0, 8, 6], &request(), &[0; 10]]);
    assert_eq!(hear(&mut host(None), &snap).1, [reply(&[8, 6])]);
}

// proves: drops-counted
#[test]
fn a_protocol_nobody_speaks_is_dropped_and_counted() {
    let mut host = host(None);
    let (verdict, _) = hear(&mut host, &broadcast(&[&[0x88, 0xb5], &[0; 46]]));
    assert_eq!(verdict.dropped(), Some(DropReason::UnsupportedEtherType(EtherType(0x88b5))));
    assert_eq!(host.unsupported_protocol(), 1);
}

// proves: drops-counted
#[test]
fn an_answer_without_room_is_dropped_and_counted() {
    let mut host = host(None);
    let mut pool = Pool::new(1_500, 4);
    let mut frame = pool.take().unwrap();
    frame.write(&broadcast(&[&[8, 6], &request()])).unwrap();
    let verdict = host.receive(NOW, frame, &mut Batch::new(0), &mut pool);
    assert_eq!(verdict.dropped(), Some(DropReason::Transmit(TxDropReason::TxQueueFull)));
    assert_eq!((host.tx_dropped(TxDropReason::TxQueueFull), host.arp_replies(), pool.held()), (1, 0, 0));
}

/// Two hosts on a cable: we are 10.0.0.2, the peer is 10.0.0.1.
struct Pair {
    ours: Host,
    peer: Host,
    left: Cable,
    right: Cable,
    pool: Pool,
}

impl Pair {
    fn new() -> Pair {
        let (left, right) = Cable::pair(1_500).unwrap();
        let peer = HostConfig::new("10.0.0.1/24".parse().unwrap(), PEER_MAC);
        let peer = Host::new(Instant::ORIGIN, &peer).unwrap();
        Pair { ours: host(None), peer, left, right, pool: Pool::new(1_500, 2_048) }
    }

    fn payload(&mut self, octets: &[u8]) -> Frame {
        let mut frame = self.pool.take().unwrap();
        frame.write(octets).unwrap();
        frame
    }

    /// Lets frames fly until there are none.
    fn settle(&mut self, now: Instant) {
        for _ in 0..4 {
            self.ours.poll(now, &mut self.left, &mut self.pool, &mut ()).unwrap();
            self.peer.poll(now, &mut self.right, &mut self.pool, &mut ()).unwrap();
        }
    }
}

const TEST: EtherType = EtherType(0x88b5);

#[test]
fn a_first_payload_waits_for_the_reply_and_arrives() {
    let mut pair = Pair::new();
    let frame = pair.payload(b"hello");
    assert_eq!(pair.ours.send(NOW, PEER, TEST, frame, &mut pair.pool), SendOutcome::Pending);
    assert_eq!(pair.ours.deadline(), Some(NOW));
    pair.settle(NOW);
    assert_eq!(pair.peer.unsupported_protocol(), 1, "the payload has arrived");
    let entry =
        |host: &Host, address| host.arp().neighbors().get(address).map(|entry| (entry.mac, entry.state));
    assert_eq!(entry(&pair.ours, PEER), Some((Some(PEER_MAC), NeighborState::Reachable)));
    assert_eq!(entry(&pair.peer, OURS), Some((Some(OUR_MAC), NeighborState::Stale)));

    let frame = pair.payload(b"again");
    assert_eq!(pair.ours.send(NOW, PEER, TEST, frame, &mut pair.pool), SendOutcome::Queued);
    pair.settle(NOW);
    assert_eq!((pair.peer.unsupported_protocol(), pair.pool.held()), (2, 0));
}

#[test]
fn a_payload_for_nobody_comes_back_to_the_pool_and_is_counted() {
    let mut pair = Pair::new();
    let frame = pair.payload(b"hello");
    let nobody = Ipv4Addr::new(10, 0, 0, 99);
    assert_eq!(pair.ours.send(NOW, nobody, TEST, frame, &mut pair.pool), SendOutcome::Pending);
    while let Some(now) = pair.ours.deadline().filter(|now| *now <= NOW + Duration::from_secs(3)) {
        pair.settle(now);
    }
    assert_eq!(pair.pool.held(), 0);
    let counts = pair.ours.arp().neighbors().counts();
    assert_eq!((counts.requests, counts.failed, counts.returned), (3, 1, 1));
    assert_eq!(pair.peer.link().accepted(), 3, "three requests, by broadcast");
}

#[test]
fn a_host_without_room_on_the_wire_keeps_what_is_due_for_later() {
    let mut pair = Pair::new();
    for last in 100..=254 {
        let frame = pair.payload(b"hello");
        pair.ours.send(NOW, Ipv4Addr::new(10, 0, 0, last), TEST, frame, &mut pair.pool);
    }
    let mut asked = 0;
    for _ in 0..200 {
        pair.ours.poll(NOW, &mut pair.left, &mut pair.pool, &mut ()).unwrap();
        pair.peer.poll(NOW, &mut pair.right, &mut pair.pool, &mut ()).unwrap();
        asked = pair.peer.link().accepted();
    }
    assert_eq!((asked, pair.ours.tx_dropped(TxDropReason::TxQueueFull)), (155, 0));
}

/// A cable that wants its frames padded to this length, as a real medium does.
struct Padded(Cable, usize);

impl Device for Padded {
    fn mtu(&self) -> usize {
        self.0.mtu()
    }
    fn minimum_frame(&self) -> usize {
        self.1
    }
    fn receive(&mut self, pool: &mut Pool, arrived: &mut Batch) -> Result<usize, DeviceError> {
        self.0.receive(pool, arrived)
    }
    fn transmit(&mut self, departing: &mut Batch, pool: &mut Pool) -> Result<usize, DeviceError> {
        self.0.transmit(departing, pool)
    }
    fn counters(&self) -> tap::DeviceCounters {
        self.0.counters()
    }
}

// proves: ethernet-minimum, rfc826-reply-padding
#[test]
fn replies_are_padded_with_zeros_where_the_device_asks_for_it() {
    let (mut left, right) = Cable::pair(1_500).unwrap();
    let (mut right, mut pool, mut batch) =
        (Padded(right, link::MINIMUM_FRAME), Pool::new(1_500, 256), Batch::new(4));
    let mut frame = pool.take().unwrap();
    frame.write(&broadcast(&[&[8, 6], &request(), &[0xee; 18]])).unwrap();
    batch.push(frame).unwrap();
    left.transmit(&mut batch, &mut pool).unwrap();
    host(None).poll(NOW, &mut right, &mut pool, &mut ()).unwrap();
    left.receive(&mut pool, &mut batch).unwrap();
    let expected = [&reply(&[8, 6])[..], &[0; 18]].concat();
    assert_eq!(batch.front().map(Frame::bytes), Some(&expected[..]));
}

// proves: drops-counted
#[test]
fn frame_that_is_transmitted_is_not_counted_as_unsent_when_it_cannot_be_padded() {
    let (mut left, right) = Cable::pair(1_500).unwrap();
    let (mut right, mut pool, mut batch) = (Padded(right, 9_000), Pool::new(1_500, 256), Batch::new(4));
    let (mut frame, mut host) = (pool.take().unwrap(), host(None));
    frame.write(&broadcast(&[&[8, 6], &request()])).unwrap();
    batch.push(frame).unwrap();
    left.transmit(&mut batch, &mut pool).unwrap();
    host.poll(NOW, &mut right, &mut pool, &mut ()).unwrap();
    left.receive(&mut pool, &mut batch).unwrap();
    assert_eq!(batch.front().map(Frame::bytes), Some(&reply(&[8, 6])[..]));
    assert_eq!((host.tx_dropped(TxDropReason::TooLong), right.counters().transmitted), (0, 1));
}

/// Keeps what departs.
struct SentFrames(Vec<Vec<u8>>);

impl Tracer for SentFrames {
    fn frame_sent(&mut self, _: Instant, octets: &[u8]) {
        self.0.push(octets.to_vec());
    }
}

// proves: ethernet-minimum
#[test]
fn a_request_of_our_own_is_padded_and_shown_too() {
    let (_left, right) = Cable::pair(1_500).unwrap();
    let (mut right, mut pool, mut host) =
        (Padded(right, link::MINIMUM_FRAME), Pool::new(1_500, 256), host(None));
    let (mut frame, mut seen) = (pool.take().unwrap(), SentFrames(Vec::new()));
    frame.write(b"hello").unwrap();
    host.send(NOW, PEER, TEST, frame, &mut pool);
    for _ in 0..2 {
        host.poll(NOW, &mut right, &mut pool, &mut seen).unwrap();
    }
    assert_eq!(seen.0.iter().map(Vec::len).collect::<Vec<_>>(), [60]);
    assert!(seen.0[0].starts_with(&[0xff; 6]) && seen.0[0].ends_with(&[0; 18]));
}

// proves: sender-protocol-host
#[test]
fn the_broadcast_address_of_our_network_is_no_sender() {
    let mut packet = request();
    packet[14..18].copy_from_slice(&[10, 0, 0, 255]);
    let (verdict, sent) = hear(&mut host(None), &broadcast(&[&[8, 6], &packet]));
    assert_eq!((verdict.dropped(), sent.len()), (Some(arp::ArpDropReason::SenderProtocol.into()), 0));
}

#[test]
fn addresses_that_no_host_can_have_are_refused() {
    for address in
        ["10.0.0.0/24", "10.0.0.255/24", "224.0.0.1/24", "127.0.0.1/8", "0.0.0.0/32", "255.255.255.255/32"]
    {
        let address = address.parse().unwrap();
        let config = HostConfig { addresses: HostSet::One(address), ..config() };
        assert_eq!(
            Host::new(Instant::ORIGIN, &config).err(),
            Some(HostConfigError::Address(address)),
            "{address}"
        );
    }
    for address in ["10.0.0.0/31", "10.0.0.1/31", "10.0.0.0/32", "10.0.0.254/24"] {
        let config = HostConfig { addresses: HostSet::One(address.parse().unwrap()), ..config() };
        assert!(Host::new(Instant::ORIGIN, &config).is_ok(), "{address}");
    }
    let config = HostConfig { mac: MacAddr::BROADCAST, ..config() };
    assert_eq!(Host::new(Instant::ORIGIN, &config).err(), Some(HostConfigError::Mac(MacAddr::BROADCAST)));
}

proptest! {
    // proves: drops-counted, reply-one
    #[test]
    fn every_frame_is_counted_once_and_no_octets_panic(
        frames in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 0..20),
        for_us: bool,
    ) {
        let mut host = host(None);
        let mut dropped = 0;
        for mut octets in frames.clone() {
            if let (true, Some(head)) = (for_us, octets.get_mut(..14)) {
                head.copy_from_slice(&broadcast(&[&[8, 6]]));
            }
            let (verdict, sent) = hear(&mut host, &octets);
            prop_assert!(sent.len() <= 1);
            dropped += u64::from(verdict.dropped().is_some());
        }
        prop_assert_eq!(losses(&host), dropped);
    }
}
