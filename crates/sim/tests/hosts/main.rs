//! Hosts on a simulated segment: properties that hold for any traffic, faults and address conflicts.
// A test fails by a panic.
#![allow(clippy::indexing_slicing, clippy::unwrap_used)]

mod conflicts;
mod congestion;
mod connections;
mod flood;
mod goodput;
mod interfaces;
mod offloads;
mod properties;
mod separate;
mod sockets;

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use arp::NeighborState;
use host::{EchoBind, EchoRequest, HostConfig};
use inet::InterfaceId;
use link::{EtherType, MacAddr};
use sim::{Faults, NodeId, Segment};
use tap::Instant;

/// EtherType of the payloads, reserved for experiments.
const TEST: EtherType = EtherType(0x88b5);
const MILLISECOND: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

fn ip(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 0, 0, last)
}

fn mac(last: u8) -> MacAddr {
    MacAddr::new([2, 0, 0, 0, 0, last])
}

fn config(last: u8) -> HostConfig {
    HostConfig::new(format!("10.0.0.{last}/24").parse().unwrap(), mac(last))
}

fn segment(faults: Faults) -> Segment {
    Segment::new(Instant::ORIGIN, faults)
}

/// Returns the entry of 10.0.0.`last` in the ARP cache of a host.
fn arp_entry(segment: &Segment, node: NodeId, last: u8) -> Option<(Option<MacAddr>, NeighborState)> {
    segment.host(node).unwrap().arp().neighbors().get(ip(last)).map(|entry| (entry.mac, entry.state))
}

/// Sends an echo request from a host, and runs the segment for a time. Returns interface, source and destination of the
/// last reply.
fn ping_once(
    segment: &mut Segment,
    from: NodeId,
    request: EchoRequest,
    time: Duration,
) -> Option<(InterfaceId, IpAddr, IpAddr)> {
    let now = segment.now();
    let (host, pool) = segment.host_and_pool(from).unwrap();
    let socket = host.bind_echo(&EchoBind::default()).unwrap();
    // A request without a route is not sent.
    _ = host.send_echo(now, socket, &request, b"data", pool);
    segment.run_for(time).unwrap();
    let now = segment.now();
    let (host, pool) = segment.host_and_pool(from).unwrap();
    let mut last = None;
    while let Some(reply) = host.receive_echo(socket) {
        last = Some((reply.interface, reply.from, reply.to));
        pool.give(reply.frame);
    }
    host.close(now, socket, pool);
    last
}

fn at(span: Duration) -> Instant {
    Instant::ORIGIN + span
}
