//! Frames of all kinds to a host that also sends. Checks that no frame is lost, and that every reply is valid.
#![no_main]

mod datagram;
mod fuzz_host;
mod packet;

use std::net::Ipv4Addr;

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;

use datagram::Ip;
use fuzz_host::FuzzHost;
use packet::{FuzzMac, FuzzPacket};

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

#[derive(Arbitrary, Debug)]
struct ArpFrame<'a> {
    destination: FuzzMac,
    source: FuzzMac,
    head: Head<'a>,
    packet: FuzzPacket<'a>,
    padding: u8,
}

#[derive(Arbitrary, Debug)]
struct IpFrame<'a> {
    destination: FuzzMac,
    source: FuzzMac,
    tag: Option<Vlan>,
    datagram: Ip<'a>,
}

/// The bytes between the source address and the packet.
#[derive(Arbitrary, Debug)]
enum Head<'a> {
    Type,
    Tagged(Vlan),
    Stacked(Vlan, Vlan),
    Snap,
    Bytes(&'a [u8]),
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Vlan {
    Priority,
    Local,
    Any(u16),
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

impl ArpFrame<'_> {
    fn bytes(&self) -> Vec<u8> {
        let packet = self.packet.bytes();
        let head = self.head.bytes(packet.len());
        let (destination, source) = (self.destination.address().bytes(), self.source.address().bytes());
        [&destination[..], &source, &head, &packet, &vec![0xee; usize::from(self.padding)]].concat()
    }
}

impl IpFrame<'_> {
    fn bytes(&self) -> Vec<u8> {
        let (destination, source) = (self.destination.address().bytes(), self.source.address().bytes());
        let tag = self.tag.map_or(Vec::new(), |tag| [[0x81, 0], tag.control()].concat());
        [&destination[..], &source, &tag, &[8, 0], &self.datagram.bytes()].concat()
    }
}

impl Head<'_> {
    /// Returns the bytes before a packet of this length.
    fn bytes(&self, length: usize) -> Vec<u8> {
        let length = u16::try_from(length + 8).unwrap_or(u16::MAX);
        match self {
            Self::Type => vec![8, 6],
            Self::Tagged(tag) => [[0x81, 0], tag.control(), [8, 6]].concat(),
            Self::Stacked(outer, inner) => {
                [[0x88, 0xa8], outer.control(), [0x81, 0], inner.control(), [8, 6]].concat()
            }
            Self::Snap => [&length.to_be_bytes()[..], &[0xaa, 0xaa, 3, 0, 0, 0, 8, 6]].concat(),
            Self::Bytes(bytes) => bytes.to_vec(),
        }
    }
}

impl Vlan {
    fn control(self) -> [u8; 2] {
        match self {
            Self::Priority => [0x60, 0],
            Self::Local => [0, 5],
            Self::Any(control) => control.to_be_bytes(),
        }
    }
}
