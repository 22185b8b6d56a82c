//! Frames of all kinds to a host that also sends. Checks that no frame is lost, and that every reply is valid.
#![no_main]

mod datagram;
mod frame;
mod fuzz_host;
mod packet;

use std::net::Ipv4Addr;

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;

use frame::{ArpFrame, IpFrame};
use fuzz_host::FuzzHost;

#[derive(Arbitrary, Debug)]
struct Scenario<'a> {
    tagged: bool,
    learns_rfc826: bool,
    probing: bool,
    entries: u8,
    steps: Vec<Step<'a>>,
}

#[derive(Arbitrary, Debug)]
enum Step<'a> {
    /// A frame of arbitrary bytes arrives.
    RandomFrame(&'a [u8]),
    /// An ARP packet arrives in a frame that may be valid.
    Arp(ArpFrame<'a>),
    /// A datagram arrives in a frame that may be valid.
    Ip(IpFrame<'a>),
    /// The previous frame arrives again.
    Repeat,
    /// The previous frame arrives several times while the device accepts nothing.
    Flood(u8),
    /// The host sends a payload of `bytes` bytes to a peer.
    Send { peer: u8, bytes: u16 },
    /// The host pings a peer, on the link or behind a gateway, with `bytes` bytes of data.
    Ping { peer: u8, remote: bool, bytes: u16 },
    /// A route to 192.0.2.0 with this prefix length is added.
    Route { prefix: u8, gateway: u8 },
    /// Time passes, in tenths of a second, and the host is polled.
    Poll(u8),
}

fuzz_target!(|scenario: Scenario<'_>| {
    let mut host =
        FuzzHost::new(scenario.tagged, scenario.learns_rfc826, scenario.probing, scenario.entries % 8);
    let mut frame = Vec::new();
    for step in &scenario.steps {
        match step {
            Step::Repeat => host.receive(&frame),
            Step::RandomFrame(bytes) => {
                frame = bytes.to_vec();
                host.receive(&frame);
            }
            Step::Arp(arp) => {
                frame = arp.bytes();
                host.receive(&frame);
            }
            Step::Ip(ip) => {
                frame = ip.bytes();
                host.receive(&frame);
            }
            Step::Flood(count) => host.flood(&frame, *count),
            // 10.0.0.6 to .14: on the link, and not local.
            Step::Send { peer, bytes } => {
                host.send(Ipv4Addr::new(10, 0, 0, 6 + peer % 9), (bytes % 1_501).into());
            }
            Step::Ping { peer, remote, bytes } => {
                let neighbor = Ipv4Addr::new(10, 0, 0, 6 + peer % 9);
                let to = if *remote { Ipv4Addr::new(192, 0, 2, *peer) } else { neighbor };
                host.ping(to, (*bytes).into());
            }
            Step::Route { prefix, gateway } => {
                host.add_route(24 + prefix % 9, Ipv4Addr::new(10, 0, 0, 6 + gateway % 9));
            }
            Step::Poll(tenths) => host.poll(u64::from(*tenths) * 100),
        }
        host.check();
    }
    host.check_counters();
});
