use super::*;
use crate::{DropReason, EchoBind, EchoRequest, HostSet, SendOutcome, SocketError, SocketKind, TxDropReason};
use arp::{Merge, NeighborState, Operation, PacketFields};
use link::{EtherType, MacAddr};
use proptest::prelude::*;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;
use tap::linux::Cable;
use tap::{Capabilities, Received, Transmitted};
use tap::{Device, DeviceError, LinkState, Tracer, Turn};

mod add;
mod addresses;
mod bounds;
mod claims;
mod connections;
mod counters;
mod datagrams;
mod fragments;
mod gateways;
mod interfaces;
mod many;
mod paths;
mod sockets;
mod standards;

mod test_host;

const HOST: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
const PEER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const HOST_MAC: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 2]);
const PEER_MAC: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 1]);
const NOW: Instant = Instant::ORIGIN;
const PORT: PortId = PortId::new(0);

fn config() -> HostConfig {
    HostConfig::new("10.0.0.2/24".parse().unwrap(), HOST_MAC)
}

fn host(vlan: Option<u16>) -> Host {
    let vlan = vlan.and_then(link::VlanId::new);
    Host::new(Instant::ORIGIN, &HostConfig { vlan, ..config() }).unwrap()
}

fn request() -> [u8; 28] {
    let mut bytes = [0; 28];
    let fields = PacketFields {
        operation: Operation::REQUEST,
        sender_hardware: PEER_MAC,
        sender_protocol: PEER,
        target_hardware: MacAddr::ZERO,
        target_protocol: HOST,
    };
    fields.write_to(&mut bytes).unwrap();
    bytes
}

/// Returns a broadcast frame of the peer with these bytes after the source address.
fn broadcast(rest: &[&[u8]]) -> Vec<u8> {
    [&[0xff; 6][..], &PEER_MAC.bytes(), &rest.concat()].concat()
}

/// Returns the outcome of one frame, and the frames that the host sends.
fn receive_one(host: &mut Host, bytes: &[u8]) -> (FrameOutcome, Vec<Vec<u8>>) {
    let mut pool = Pool::new(1_500, 4);
    let mut departing = Batch::new(4);
    let mut frame = pool.take().unwrap();
    frame.write(bytes).unwrap();
    let outcome = host.receive(NOW, PORT, frame, &mut pool);
    host.transmit(NOW, PORT, &mut departing, &mut pool);
    assert_eq!(pool.held(), departing.len(), "a frame was neither sent nor returned to the pool");
    let sent = departing.iter().map(|frame| frame.bytes().to_vec()).collect();
    (outcome, sent)
}

/// An echo request of the socket with this identifier.
#[derive(Clone, Copy, Debug)]
struct Ping {
    source: Option<IpAddr>,
    destination: IpAddr,
    identifier: u16,
    sequence: u16,
    time_to_live: u8,
}

impl Host {
    /// Sends an echo request. Creates its socket if necessary.
    fn ping(&mut self, now: Instant, ping: Ping, data: &[u8], pool: &mut Pool) -> Result<(), SocketError> {
        let identifier = Some(ping.identifier);
        let bind = EchoBind { identifier, send_buffer: 2 << 20, ..EchoBind::default() };
        let known = self.sockets().find(|info| info.kind == SocketKind::Echo && info.port == ping.identifier);
        let id = known.map_or_else(|| self.bind_echo(&bind), |info| Ok(info.id))?;
        let Ping { source, destination, sequence, time_to_live, .. } = ping;
        let time_to_live = Some(time_to_live);
        let request = EchoRequest { source, time_to_live, ..EchoRequest::new(destination, sequence) };
        self.send_echo(now, id, &request, data, pool)
    }
}

/// Returns an IPv4 address.
fn v4(ip: std::net::IpAddr) -> Ipv4Addr {
    match ip {
        std::net::IpAddr::V4(ip) => ip,
        std::net::IpAddr::V6(ip) => panic!("{ip} is not an IPv4 address"),
    }
}

/// Takes one turn of a host with a device that accepts all frames.
fn turn(host: &mut Host, now: Instant, device: &mut impl Device, pool: &mut Pool) -> Turn {
    let mut exchange = Exchange::new(PortId::default());
    let turn = exchange.turn(now, host, device, pool, &mut ()).unwrap();
    assert_eq!(exchange.departing(), 0, "the device did not accept all frames");
    turn
}

/// Passes a state of the link to a host without queued packets.
fn link_changed(host: &mut Host, now: Instant, state: LinkState) {
    let mut exchange = Exchange::new(PortId::default());
    exchange.device_event(now, host, DeviceEvent::Link(state), &mut Pool::new(1_500, 1));
}

fn reply(head: &[u8]) -> Vec<u8> {
    let packet = [0, 1, 8, 0, 6, 4, 0, 2, 2, 0, 0, 0, 0, 2, 10, 0, 0, 2, 2, 0, 0, 0, 0, 1, 10, 0, 0, 1];
    [&PEER_MAC.bytes()[..], &HOST_MAC.bytes(), head, &packet].concat()
}

// proves: rfc826-reply-fields, rfc826-reply-to, rfc826-padding, rfc826-reply-padding, reply-one
#[test]
fn request_gets_unicast_reply_without_padding() {
    let padded = broadcast(&[&[8, 6], &request(), &[0xee; 18]]);
    let (outcome, sent) = receive_one(&mut host(None), &padded);
    assert_eq!(sent, [reply(&[8, 6])]);
    let answer = arp::ArpReply { mac: HOST_MAC, destination: PEER_MAC };
    assert_eq!(outcome, FrameOutcome::Arp(arp::Reception { merge: Merge::Added, reply: Some(answer) }));
}

/// Returns the sum of all loss counters of the host.
fn losses(host: &Host) -> u64 {
    host.counters().iter().filter(|counter| counter.is_loss).map(|counter| counter.count).sum()
}

// proves: truncated, drops-counted
#[test]
fn truncated_frame_changes_nothing_and_is_counted() {
    let mut host =
        Host::new(Instant::ORIGIN, &HostConfig { policy: arp::LearningPolicy::Rfc826, ..config() }).unwrap();
    let whole = broadcast(&[&[8, 6], &request()]);
    for (before, length) in (0..42).enumerate() {
        let (outcome, sent) = receive_one(&mut host, &whole[..length]);
        assert!(outcome.dropped().is_some() && sent.is_empty(), "{length}");
        assert!(host.arp().neighbors().is_empty(), "{length}");
        assert_eq!(losses(&host), u64::try_from(before).unwrap() + 1);
    }
    assert_eq!(receive_one(&mut host, &whole).1.len(), 1);
}

// proves: rfc826-hardware-type, rfc826-protocol-type, rfc826-lengths
#[test]
fn packet_with_unsupported_types_or_lengths_changes_nothing() {
    let mut host =
        Host::new(Instant::ORIGIN, &HostConfig { policy: arp::LearningPolicy::Rfc826, ..config() }).unwrap();
    for place in [0, 1, 2, 3, 4, 5] {
        let mut packet = request();
        packet[place] ^= 0x06;
        let (outcome, sent) = receive_one(&mut host, &broadcast(&[&[8, 6], &packet]));
        assert!(outcome.dropped().is_some() && sent.is_empty(), "{place}");
        assert!(host.arp().neighbors().is_empty(), "{place}");
    }
}

// proves: rfc1042-hardware-type, rfc826-reply-fields
#[test]
fn request_of_hardware_type_6_gets_reply_of_type_6_in_ethernet_and_snap_frames() {
    let mut packet = request();
    packet[1] = 6;
    let mut expected = reply(&[8, 6]);
    expected[15] = 6;
    for head in [&[8, 6][..], &[0, 36, 0xaa, 0xaa, 3, 0, 0, 0, 8, 6]] {
        let mut host = host(None);
        assert_eq!(receive_one(&mut host, &broadcast(&[head, &packet, &[0; 10]])).1, [expected.clone()]);
        assert_eq!(host.arp().neighbors().len(), 1, "the requester was not learned");
    }
}

// proves: learn-default, learn-reply-cautious, learn-reply-rfc826
#[test]
fn host_learns_cautiously_by_default() {
    let mut unsolicited = request();
    unsolicited[7] = 2;
    let unsolicited = broadcast(&[&[8, 6], &unsolicited]);
    let (mut cautious, policy) = (host(None), arp::LearningPolicy::Rfc826);
    let mut rfc826_host = Host::new(Instant::ORIGIN, &HostConfig { policy, ..config() }).unwrap();
    receive_one(&mut cautious, &unsolicited);
    receive_one(&mut rfc826_host, &unsolicited);
    assert_eq!((cautious.arp().neighbors().len(), rfc826_host.arp().neighbors().len()), (0, 1));
    assert_eq!(arp::ArpConfig::default().policy, arp::LearningPolicy::Cautious);
}

// proves: ethernet-vlan-reply, rfc826-reply-to
#[test]
fn reply_carries_tag_of_vlan() {
    let tagged = broadcast(&[&[0x81, 0, 0x60, 5, 8, 6], &request()]);
    let (_, sent) = receive_one(&mut host(Some(5)), &tagged);
    assert_eq!(sent, [reply(&[0x81, 0, 0, 5, 8, 6])]);
    let (outcome, sent) = receive_one(&mut host(None), &tagged);
    assert_eq!((outcome.dropped(), sent.len()), (Some(link::LinkDropReason::OtherVlan.into()), 0));
}

// proves: ethernet-priority-tag
#[test]
fn priority_tagged_request_gets_untagged_reply() {
    let tagged = broadcast(&[&[0x81, 0, 0xe0, 0, 8, 6], &request()]);
    assert_eq!(receive_one(&mut host(None), &tagged).1, [reply(&[8, 6])]);
}

// proves: ethernet-rfc1042, ethernet-rfc894
#[test]
fn rfc1042_request_gets_rfc894_reply() {
    let snap = broadcast(&[&[0, 36, 0xaa, 0xaa, 3, 0, 0, 0, 8, 6], &request(), &[0; 10]]);
    assert_eq!(receive_one(&mut host(None), &snap).1, [reply(&[8, 6])]);
}

// proves: drops-counted
#[test]
fn unsupported_protocol_is_dropped_and_counted() {
    let mut host = host(None);
    let (outcome, _) = receive_one(&mut host, &broadcast(&[&[0x88, 0xb5], &[0; 46]]));
    assert_eq!(outcome.dropped(), Some(DropReason::UnsupportedEtherType(EtherType(0x88b5))));
    assert_eq!(host.unsupported_protocol(), 1);
}

// proves: drops-counted
#[test]
fn reply_is_dropped_and_counted_when_control_queue_is_full() {
    let mut host = host(None);
    let mut pool = Pool::new(1_500, host.pool_size());
    fill_control_queue(&mut host, &mut pool);
    let mut frame = pool.take().unwrap();
    frame.write(&broadcast(&[&[8, 6], &request()])).unwrap();
    let held = pool.held() - 1;
    let outcome = host.receive(NOW, PORT, frame, &mut pool);
    assert_eq!(outcome.dropped(), Some(DropReason::Transmit(TxDropReason::TxQueueFull)));
    assert_eq!(host.tx_dropped(TxDropReason::TxQueueFull), 1);
    assert_eq!((host.arp_replies(), pool.held()), (u64::try_from(held).unwrap(), held));
}

/// Gives ARP requests to a host until its control queue is full.
fn fill_control_queue(host: &mut Host, pool: &mut Pool) {
    while host.interfaces.first().tx_queues.control.free_capacity() > 0 {
        let mut frame = pool.take().unwrap();
        frame.write(&broadcast(&[&[8, 6], &request()])).unwrap();
        host.receive(NOW, PORT, frame, pool);
    }
}

/// Two hosts on a cable: `host` is 10.0.0.2, `peer` is 10.0.0.1.
struct Pair {
    host: Host,
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
        Pair { host: host(None), peer, left, right, pool: Pool::new(1_500, 2_048) }
    }

    fn payload(&mut self, bytes: &[u8]) -> Frame {
        let mut frame = self.pool.take().unwrap();
        frame.write(bytes).unwrap();
        frame
    }

    /// Polls both hosts until no frame is in flight.
    fn settle(&mut self, now: Instant) {
        for _ in 0..4 {
            turn(&mut self.host, now, &mut self.left, &mut self.pool);
            turn(&mut self.peer, now, &mut self.right, &mut self.pool);
        }
    }
}

const TEST: EtherType = EtherType(0x88b5);

#[test]
fn first_payload_waits_for_reply_and_arrives() {
    let mut pair = Pair::new();
    let frame = pair.payload(b"hello");
    assert_eq!(pair.host.send(NOW, PEER.into(), TEST, frame, &mut pair.pool), SendOutcome::Pending);
    assert_eq!(pair.host.deadline(), Some(NOW));
    pair.settle(NOW);
    assert_eq!(pair.peer.unsupported_protocol(), 1, "the payload did not arrive");
    let entry =
        |host: &Host, address| host.arp().neighbors().get(address).map(|entry| (entry.mac, entry.state));
    assert_eq!(entry(&pair.host, PEER), Some((Some(PEER_MAC), NeighborState::Reachable)));
    assert_eq!(entry(&pair.peer, HOST), Some((Some(HOST_MAC), NeighborState::Stale)));

    let frame = pair.payload(b"again");
    assert_eq!(pair.host.send(NOW, PEER.into(), TEST, frame, &mut pair.pool), SendOutcome::Queued);
    pair.settle(NOW);
    assert_eq!((pair.peer.unsupported_protocol(), pair.pool.held()), (2, 0));
}

#[test]
fn payload_returns_to_pool_and_is_counted_when_neighbor_does_not_answer() {
    let mut pair = Pair::new();
    let frame = pair.payload(b"hello");
    let unanswered = Ipv4Addr::new(10, 0, 0, 99);
    assert_eq!(pair.host.send(NOW, unanswered.into(), TEST, frame, &mut pair.pool), SendOutcome::Pending);
    while let Some(now) = pair.host.deadline().filter(|now| *now <= NOW + Duration::from_secs(3)) {
        pair.settle(now);
    }
    assert_eq!(pair.pool.held(), 0);
    let counts = pair.host.arp().neighbors().counts();
    assert_eq!((counts.requests, counts.failed, counts.returned), (3, 1, 1));
    assert_eq!(pair.peer.link().accepted(), 3, "the peer did not receive three broadcast requests");
}

#[test]
fn requests_stay_due_when_transmit_queue_is_full() {
    let mut pair = Pair::new();
    for last in 100..=254 {
        let frame = pair.payload(b"hello");
        pair.host.send(NOW, Ipv4Addr::new(10, 0, 0, last).into(), TEST, frame, &mut pair.pool);
    }
    let mut requests = 0;
    for _ in 0..200 {
        turn(&mut pair.host, NOW, &mut pair.left, &mut pair.pool);
        turn(&mut pair.peer, NOW, &mut pair.right, &mut pair.pool);
        requests = pair.peer.link().accepted();
    }
    assert_eq!((requests, pair.host.tx_dropped(TxDropReason::TxQueueFull)), (155, 0));
}

/// A cable with a minimum frame length, like Ethernet.
struct PaddingDevice(Cable, usize);

impl Device for PaddingDevice {
    fn capabilities(&self) -> Capabilities {
        Capabilities { minimum_frame: self.1, ..self.0.capabilities() }
    }
    fn receive(&mut self, pool: &mut Pool, arrived: &mut Batch) -> Result<Received, DeviceError> {
        self.0.receive(pool, arrived)
    }
    fn transmit(&mut self, tx_queue: &mut Batch, pool: &mut Pool) -> Result<Transmitted, DeviceError> {
        self.0.transmit(tx_queue, pool)
    }
    fn counters(&self) -> tap::DeviceCounters {
        self.0.counters()
    }
}

// proves: ethernet-minimum, rfc826-reply-padding
#[test]
fn reply_is_padded_with_zeros_when_device_has_minimum_frame() {
    let (mut left, right) = Cable::pair(1_500).unwrap();
    let (mut right, mut pool, mut batch) =
        (PaddingDevice(right, link::MINIMUM_FRAME), Pool::new(1_500, 256), Batch::new(4));
    let mut frame = pool.take().unwrap();
    frame.write(&broadcast(&[&[8, 6], &request(), &[0xee; 18]])).unwrap();
    batch.push(frame).unwrap();
    left.transmit(&mut batch, &mut pool).unwrap();
    turn(&mut host(None), NOW, &mut right, &mut pool);
    left.receive(&mut pool, &mut batch).unwrap();
    let expected = [&reply(&[8, 6])[..], &[0; 18]].concat();
    assert_eq!(batch.front().map(Frame::bytes), Some(&expected[..]));
}

// proves: drops-counted
#[test]
fn transmitted_frame_is_not_counted_as_dropped_when_padding_fails() {
    let (mut left, right) = Cable::pair(1_500).unwrap();
    let (mut right, mut pool, mut batch) =
        (PaddingDevice(right, 9_000), Pool::new(1_500, 256), Batch::new(4));
    let (mut frame, mut host) = (pool.take().unwrap(), host(None));
    frame.write(&broadcast(&[&[8, 6], &request()])).unwrap();
    batch.push(frame).unwrap();
    left.transmit(&mut batch, &mut pool).unwrap();
    turn(&mut host, NOW, &mut right, &mut pool);
    left.receive(&mut pool, &mut batch).unwrap();
    assert_eq!(batch.front().map(Frame::bytes), Some(&reply(&[8, 6])[..]));
    assert_eq!((host.tx_dropped(TxDropReason::TooLong), right.counters().transmitted), (0, 1));
}

/// A tracer that records sent frames.
struct SentFrames(Vec<Vec<u8>>);

impl Tracer<FrameOutcome> for SentFrames {
    fn frame_sent(&mut self, _: Instant, _: PortId, frame: &Frame) {
        self.0.push(frame.bytes().to_vec());
    }
}

// proves: ethernet-minimum
#[test]
fn sent_request_is_padded_and_traced() {
    let (_left, right) = Cable::pair(1_500).unwrap();
    let (mut right, mut pool, mut host) =
        (PaddingDevice(right, link::MINIMUM_FRAME), Pool::new(1_500, 256), host(None));
    let (mut frame, mut sent_frames) = (pool.take().unwrap(), SentFrames(Vec::new()));
    frame.write(b"hello").unwrap();
    host.send(NOW, PEER.into(), TEST, frame, &mut pool);
    let mut exchange = Exchange::new(PORT);
    for _ in 0..2 {
        exchange.turn(NOW, &mut host, &mut right, &mut pool, &mut sent_frames).unwrap();
    }
    assert_eq!(sent_frames.0.iter().map(Vec::len).collect::<Vec<_>>(), [60]);
    assert!(sent_frames.0[0].starts_with(&[0xff; 6]) && sent_frames.0[0].ends_with(&[0; 18]));
}

// proves: sender-protocol-host
#[test]
fn sender_with_broadcast_address_of_network_is_dropped() {
    let mut packet = request();
    packet[14..18].copy_from_slice(&[10, 0, 0, 255]);
    let (outcome, sent) = receive_one(&mut host(None), &broadcast(&[&[8, 6], &packet]));
    assert_eq!((outcome.dropped(), sent.len()), (Some(arp::ArpDropReason::SenderIp.into()), 0));
}

#[test]
fn invalid_host_addresses_are_rejected() {
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
    fn frame_of_any_bytes_is_counted_once_without_panic(
        frames in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 0..20),
        is_arp_request: bool,
    ) {
        let mut host = host(None);
        let mut dropped = 0;
        for mut bytes in frames.clone() {
            if let (true, Some(head)) = (is_arp_request, bytes.get_mut(..14)) {
                head.copy_from_slice(&broadcast(&[&[8, 6]]));
            }
            let (outcome, sent) = receive_one(&mut host, &bytes);
            prop_assert!(sent.len() <= 1);
            dropped += u64::from(outcome.dropped().is_some());
        }
        prop_assert_eq!(losses(&host), dropped);
    }
}
