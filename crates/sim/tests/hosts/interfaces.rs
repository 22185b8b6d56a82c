//! A host on two wires, and a host with a slow device.

use std::num::NonZeroU64;
use std::time::Duration;

use arp::Operation;
use host::{EchoBind, EchoRequest, HostConfig};
use inet::InterfaceId;
use ipv4::{Datagram, Route};
use link::{MacAddr, VlanId};
use proptest::prelude::*;
use sim::{Faults, LinkSettings, NodeId, Queue, Segment, WireId};
use tap::{Exchange, Frame, Instant, PortId};

use super::ping_once;

const SECOND: Duration = Duration::from_secs(1);
const SECOND_PORT: PortId = PortId::new(1);

fn config(address: &str, last: u8) -> HostConfig {
    HostConfig::new(address.parse().unwrap(), MacAddr::new([2, 0, 0, 0, 0, last]))
}

/// Returns a host with 10.0.0.2 on the first wire and 192.0.2.2 on the second, and a neighbor on each wire: 10.0.0.1 and
/// 192.0.2.1.
fn two_wires() -> (Segment, NodeId, [NodeId; 2], WireId) {
    let mut segment = Segment::new(Instant::ORIGIN, Faults::NONE);
    let wire = segment.add_wire();
    let host = segment.add(&config("10.0.0.2/24", 2)).unwrap();
    let second = HostConfig { port: SECOND_PORT, ..config("192.0.2.2/24", 3) };
    segment.add_to(host, wire, &second).unwrap();
    let first = segment.add(&config("10.0.0.1/24", 1)).unwrap();
    let other = segment.add_on(wire, &config("192.0.2.1/24", 1)).unwrap();
    (segment, host, [first, other], wire)
}

fn request(destination: [u8; 4]) -> EchoRequest {
    EchoRequest::new(destination.into(), 1)
}

/// Pings from a node. Returns the interface and the address to which the reply arrived, if any.
fn ping(segment: &mut Segment, from: NodeId, ping: EchoRequest) -> Option<(InterfaceId, std::net::IpAddr)> {
    let reply = ping_once(segment, from, ping, 5 * SECOND)?;
    (reply.1 == ping.destination).then_some((reply.0, reply.2))
}

// proves: rfc1122-strong-model
#[test]
fn host_on_two_wires_pings_and_is_pinged_on_both() {
    let (mut segment, host, [first, other], _) = two_wires();
    let (near, far) = ([10, 0, 0, 2].into(), [192, 0, 2, 2].into());
    assert_eq!(ping(&mut segment, host, request([10, 0, 0, 1])), Some((InterfaceId(0), near)));
    assert_eq!(ping(&mut segment, host, request([192, 0, 2, 1])), Some((InterfaceId(1), far)));
    assert!(ping(&mut segment, first, request([10, 0, 0, 2])).is_some());
    assert!(ping(&mut segment, other, request([192, 0, 2, 2])).is_some());
    // The host does not forward, and does not answer for its other address.
    let gateway = Route::through([10, 0, 0, 2].into(), "192.0.2.0/24".parse().unwrap(), InterfaceId(0));
    segment.host_mut(first).unwrap().add_route_on(gateway).unwrap();
    assert_eq!(ping(&mut segment, first, request([192, 0, 2, 2])), None);
    assert_eq!(ping(&mut segment, first, request([192, 0, 2, 1])), None);
    for node in [host, first, other] {
        assert_eq!(segment.pool(node).unwrap().held(), 0, "{node:?}");
    }
}

// proves: rfc1122-strong-model
#[test]
fn metric_and_source_select_wire() {
    let (mut segment, host, _, wire) = two_wires();
    let remote = "198.51.100.7/24";
    let far = segment.add(&config(remote, 8)).unwrap();
    segment.add_on(wire, &config(remote, 9)).unwrap();
    // Both wires have a host with the remote address. Only the first has a route back.
    let back = Route::on_link("0.0.0.0/0".parse().unwrap(), InterfaceId(0));
    segment.host_mut(far).unwrap().add_route_on(back).unwrap();
    let network = "198.51.100.0/24".parse().unwrap();
    let direct = |id, metric| Route { metric, ..Route::on_link(network, InterfaceId(id)) };
    segment.host_mut(host).unwrap().add_route_on(direct(0, 5)).unwrap();
    let to = request([198, 51, 100, 7]);
    assert_eq!(ping(&mut segment, host, to).map(|(id, _)| id), Some(InterfaceId(0)));
    segment.host_mut(host).unwrap().add_route_on(direct(1, 1)).unwrap();
    segment.take_captured();
    ping(&mut segment, host, to);
    let asked = |segment: &mut Segment, sender: [u8; 4]| {
        let frames = segment.take_captured();
        frames.iter().filter_map(sim::RecordedFrame::arp).any(|arp| {
            arp.operation == Operation::REQUEST && arp.sender_protocol == std::net::Ipv4Addr::from(sender)
        })
    };
    assert!(asked(&mut segment, [192, 0, 2, 2]), "the route with the lowest metric is not used");
    let with_source = EchoRequest { source: Some([10, 0, 0, 2].into()), ..to };
    assert_eq!(ping(&mut segment, host, with_source).map(|(id, _)| id), Some(InterfaceId(0)));
}

// proves: many-vlans
#[test]
fn vlan_on_second_wire_is_separate_interface() {
    let (mut segment, host, _, wire) = two_wires();
    let vlan = VlanId::new(5);
    let tagged = HostConfig { port: SECOND_PORT, vlan, ..config("10.5.0.2/24", 4) };
    segment.add_to(host, wire, &tagged).unwrap();
    let peer = segment.add_on(wire, &HostConfig { vlan, ..config("10.5.0.1/24", 5) }).unwrap();
    assert!(ping(&mut segment, peer, request([10, 5, 0, 2])).is_some());
    let own = [10, 5, 0, 2].into();
    assert_eq!(ping(&mut segment, host, request([10, 5, 0, 1])), Some((InterfaceId(2), own)));
    assert!(ping(&mut segment, peer, request([192, 0, 2, 2])).is_none());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    // proves: receive-bound, output-order
    #[test]
    fn own_data_delays_neither_arp_replies_nor_receiving(
        bytes in 100_usize..65_000,
        interval in 1_u64..40,
        requests in prop::collection::vec(41_u64..400, 1..60),
    ) {
        let mut segment = Segment::new(Instant::ORIGIN, Faults::NONE);
        let host = segment.add(&config("10.0.0.2/24", 2)).unwrap();
        let peer = segment.add(&config("10.0.0.1/24", 1)).unwrap();
        prop_assert!(ping(&mut segment, host, request([10, 0, 0, 1])).is_some());
        segment.stop(peer);
        // The device accepts a frame of 1,514 bytes every `interval` milliseconds.
        let rate = NonZeroU64::new(1_514 * 8 * 1_000 / interval);
        let slow = LinkSettings { rate, queue: Queue::Backpressure, ..LinkSettings::UNLIMITED };
        segment.set_link(host, PortId::default(), slow);
        let interval = Duration::from_millis(interval);
        let data = vec![7; bytes];
        let (sender, _) = segment.host_and_pool(host).unwrap();
        let capacity = Frame::capacity_for(if bytes <= 1_472 { 1_500 } else { Datagram::MAX_LENGTH });
        let socket = sender.bind_echo(&EchoBind { send_buffer: 256 * capacity, ..EchoBind::default() });
        let socket = socket.unwrap();
        let fill = |segment: &mut Segment| {
            let now = segment.now();
            let (sender, pool) = segment.host_and_pool(host).unwrap();
            while sender.send_echo(now, socket, &request([10, 0, 0, 1]), &data, pool).is_ok() {}
        };
        fill(&mut segment);
        segment.run_for(interval).unwrap();
        segment.take_captured();
        // The batch of the device may already have data, which departs first.
        let most = interval * u32::try_from(Exchange::BATCH + 1).unwrap();
        let mut asked = Vec::new();
        for pause in requests {
            segment.inject(&arp_request());
            asked.push(segment.now());
            segment.run_for(Duration::from_millis(pause)).unwrap();
            fill(&mut segment);
        }
        segment.run_for(most + SECOND).unwrap();
        let captured = segment.take_captured();
        let is_reply = |frame: &&sim::RecordedFrame| frame.arp().is_some_and(|arp| arp.operation == Operation::REPLY);
        let replies: Vec<_> = captured.iter().filter(is_reply).collect();
        prop_assert_eq!(replies.len(), asked.len(), "a request was not received or not answered");
        for (asked, reply) in asked.iter().zip(replies) {
            prop_assert!(reply.at.since(*asked) <= most + SECOND / 1_000, "the reply waits behind data");
        }
        prop_assert!(captured.iter().any(|frame| frame.arp().is_none()), "no data departed");
    }
}

fn arp_request() -> Vec<u8> {
    let mut packet = [0; arp::PacketFields::LENGTH];
    let fields = arp::PacketFields {
        operation: Operation::REQUEST,
        sender_hardware: MacAddr::new([2, 0, 0, 0, 0, 1]),
        sender_protocol: [10, 0, 0, 1].into(),
        target_hardware: MacAddr::ZERO,
        target_protocol: [10, 0, 0, 2].into(),
    };
    fields.write_to(&mut packet).unwrap();
    [&[0xff; 6][..], &[2, 0, 0, 0, 0, 1, 8, 6], &packet].concat()
}
