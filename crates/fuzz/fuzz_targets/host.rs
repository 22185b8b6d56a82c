//! Frames of all kinds, one after another, into one host that also sends: no frame is lost, no
//! answer is wrong.
#![no_main]

mod datagram;
mod machine;
mod packet;

use std::net::Ipv4Addr;

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;

use datagram::Ip;
use machine::Machine;
use packet::{Hardware, Heard};

#[derive(Arbitrary, Debug)]
struct Scene<'a> {
    tagged: bool,
    believing: bool,
    probing: bool,
    entries: u8,
    steps: Vec<Step<'a>>,
}

#[derive(Arbitrary, Debug)]
enum Step<'a> {
    /// A frame of any octets.
    Octets(&'a [u8]),
    /// A packet in a frame that may be in order.
    Arp(ArpFrame<'a>),
    /// A datagram in a frame that may be in order.
    Ip(IpFrame<'a>),
    /// The frame before, once more.
    Again,
    /// The wire takes the answers that wait.
    Transmit,
    /// The host sends so many octets to a peer.
    Send { peer: u8, octets: u16 },
    /// The host asks a peer, near or behind a gateway, for an echo with so many octets.
    Ping { peer: u8, far: bool, octets: u16 },
    /// The host learns a way to 192.0.2.0 with this prefix length.
    Route { prefix: u8, gateway: u8 },
    /// So many tenths of a second pass, and a turn of the loop comes.
    Turn(u8),
}

#[derive(Arbitrary, Debug)]
struct ArpFrame<'a> {
    destination: Hardware,
    source: Hardware,
    head: Head<'a>,
    heard: Heard<'a>,
    padding: u8,
}

#[derive(Arbitrary, Debug)]
struct IpFrame<'a> {
    destination: Hardware,
    source: Hardware,
    tag: Option<Vlan>,
    datagram: Ip<'a>,
}

/// What stands between the source address and the packet.
#[derive(Arbitrary, Debug)]
enum Head<'a> {
    Type,
    Tagged(Vlan),
    Stacked(Vlan, Vlan),
    Snap,
    Octets(&'a [u8]),
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Vlan {
    Priority,
    Ours,
    Any(u16),
}

fuzz_target!(|scene: Scene<'_>| {
    let mut machine = Machine::new(scene.tagged, scene.believing, scene.probing, scene.entries % 8);
    let mut frame = Vec::new();
    for step in &scene.steps {
        match step {
            Step::Again => machine.hear(&frame),
            Step::Octets(octets) => {
                frame = octets.to_vec();
                machine.hear(&frame);
            }
            Step::Arp(arp) => {
                frame = arp.octets();
                machine.hear(&frame);
            }
            Step::Ip(ip) => {
                frame = ip.octets();
                machine.hear(&frame);
            }
            Step::Transmit => machine.transmit(),
            // 10.0.0.6 to .14: near, and not ours.
            Step::Send { peer, octets } => {
                machine.send(Ipv4Addr::new(10, 0, 0, 6 + peer % 9), (octets % 1_501).into());
            }
            Step::Ping { peer, far, octets } => {
                let near = Ipv4Addr::new(10, 0, 0, 6 + peer % 9);
                let to = if *far { Ipv4Addr::new(192, 0, 2, *peer) } else { near };
                machine.ping(to, (*octets).into());
            }
            Step::Route { prefix, gateway } => {
                machine.add_route(24 + prefix % 9, Ipv4Addr::new(10, 0, 0, 6 + gateway % 9));
            }
            Step::Turn(tenths) => machine.turn(u64::from(*tenths) * 100),
        }
        machine.holds();
    }
    machine.ends();
});

impl ArpFrame<'_> {
    fn octets(&self) -> Vec<u8> {
        let packet = self.heard.octets();
        let head = self.head.octets(packet.len());
        let (destination, source) = (self.destination.address().bytes(), self.source.address().bytes());
        [&destination[..], &source, &head, &packet, &vec![0xee; usize::from(self.padding)]].concat()
    }
}

impl IpFrame<'_> {
    fn octets(&self) -> Vec<u8> {
        let (destination, source) = (self.destination.address().bytes(), self.source.address().bytes());
        let tag = self.tag.map_or(Vec::new(), |tag| [[0x81, 0], tag.control()].concat());
        [&destination[..], &source, &tag, &[8, 0], &self.datagram.octets()].concat()
    }
}

impl Head<'_> {
    /// The octets before a packet of this length.
    fn octets(&self, length: usize) -> Vec<u8> {
        let length = u16::try_from(length + 8).unwrap_or(u16::MAX);
        match self {
            Self::Type => vec![8, 6],
            Self::Tagged(tag) => [[0x81, 0], tag.control(), [8, 6]].concat(),
            Self::Stacked(outer, inner) => {
                [[0x88, 0xa8], outer.control(), [0x81, 0], inner.control(), [8, 6]].concat()
            }
            Self::Snap => [&length.to_be_bytes()[..], &[0xaa, 0xaa, 3, 0, 0, 0, 8, 6]].concat(),
            Self::Octets(octets) => octets.to_vec(),
        }
    }
}

impl Vlan {
    fn control(self) -> [u8; 2] {
        match self {
            Self::Priority => [0x60, 0],
            Self::Ours => [0, 5],
            Self::Any(control) => control.to_be_bytes(),
        }
    }
}
