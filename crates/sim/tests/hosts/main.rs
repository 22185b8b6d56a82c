//! Hosts on a simulated segment: properties that hold for any traffic, faults and address conflicts.
// A test fails by a panic.
#![allow(clippy::indexing_slicing, clippy::unwrap_used)]

mod conflicts;
mod flood;
mod interfaces;
mod properties;
mod separate;
mod sockets;

use std::net::Ipv4Addr;
use std::time::Duration;

use arp::NeighborState;
use host::HostConfig;
use link::{EtherType, MacAddr};
use sim::{Faults, NodeId, Segment};
use tap::Instant;

/// EtherType of the payloads, reserved for experiments.
const TEST: EtherType = EtherType(0x88b5);
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

fn at(span: Duration) -> Instant {
    Instant::ORIGIN + span
}
