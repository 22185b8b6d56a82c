//! Two equal hosts, which must stay equal: one host parses frames with [`FrameView`], the other host layer by layer.

use arp::{
    AddressTable, Arp, ArpConfig, ArpDropReason, ArpReply, FrameView, Instant, MacAddr, Packet, PacketFields,
    Reception,
};
use base::{Reason, ReasonCounters};
use link::{DestinationKind, EtherType, EthernetFrame, Link, ReceivedFrame, VlanId};

use crate::segment::LOCAL_MAC;

/// MTU so small that short frames exceed it.
const MTU: usize = 100;

/// Pair of hosts that parse the same frames.
pub(crate) struct ParserPair {
    view: Host,
    layered: Host,
}

struct Host {
    link: Link,
    arp: Arp<()>,
    addresses: AddressTable,
}

/// Result of a frame.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    DroppedByLink(link::LinkDropReason),
    UnsupportedEtherType(EtherType),
    Dropped(ArpDropReason),
    Received(PacketFields, Reception, Option<Vec<u8>>),
}

impl ParserPair {
    pub(crate) fn new(vlan: Option<VlanId>) -> ParserPair {
        ParserPair { view: Host::new(vlan), layered: Host::new(vlan) }
    }

    pub(crate) fn receive(&mut self, now: Instant, bytes: &[u8]) {
        let outcome = self.view.receive_view(now, bytes);
        assert_eq!(outcome, self.layered.receive_layered(now, bytes));
        assert_eq!(self.view.link.accepted(), self.layered.link.accepted());
        assert_equal(self.view.link.dropped(), self.layered.link.dropped());
        assert_equal(self.view.arp.dropped(), self.layered.arp.dropped());
        assert_eq!(self.view.arp.neighbors().list(), self.layered.arp.neighbors().list());
    }
}

impl Host {
    fn new(vlan: Option<VlanId>) -> Host {
        let address = "10.0.0.2/24".parse().expect("address should parse");
        let addresses = AddressTable::one(address, LOCAL_MAC).expect("local MAC address should be valid");
        Host { link: Link::new(MTU, vlan), arp: Arp::new(ArpConfig::default()), addresses }
    }

    fn receive_view(&mut self, now: Instant, bytes: &[u8]) -> Outcome {
        let view = FrameView::parse(bytes);
        let accepted = self.link.receive(&self.addresses, view.map(|view| view.ethernet()));
        self.continue_input(now, bytes, accepted, |_| {
            view.expect("accepted frame should have parsed").packet()
        })
    }

    fn receive_layered(&mut self, now: Instant, bytes: &[u8]) -> Outcome {
        let accepted = self.link.receive(&self.addresses, EthernetFrame::parse(bytes));
        self.continue_input(now, bytes, accepted, Packet::parse)
    }

    fn continue_input<'a>(
        &mut self,
        now: Instant,
        bytes: &[u8],
        accepted: Result<ReceivedFrame<'a>, link::LinkDropReason>,
        parse: impl FnOnce(&'a [u8]) -> Result<Packet<'a>, ArpDropReason>,
    ) -> Outcome {
        let ReceivedFrame { frame, destination_kind } = match accepted {
            Ok(accepted) => accepted,
            Err(reason) => return Outcome::DroppedByLink(reason),
        };
        if frame.ether_type() != EtherType::ARP {
            return Outcome::UnsupportedEtherType(frame.ether_type());
        }
        let station = (destination_kind == DestinationKind::Unicast).then_some(frame.destination());
        let parsed = parse(frame.payload());
        match self.arp.receive(now, &mut self.addresses, station, parsed) {
            Ok(received) => {
                let reply =
                    received.reply.map(|reply| written_reply(reply, &bytes[frame.payload_offset()..]));
                Outcome::Received(parsed.expect("received packet should have parsed").into(), received, reply)
            }
            Err(reason) => Outcome::Dropped(reason),
        }
    }
}

fn written_reply(reply: ArpReply, request: &[u8]) -> Vec<u8> {
    let mut bytes = request[..PacketFields::LENGTH].to_vec();
    reply.write_over(&mut bytes).expect("buffer should hold an ARP packet");
    bytes
}

fn assert_equal<R: Reason + std::fmt::Debug + PartialEq>(one: &ReasonCounters<R>, other: &ReasonCounters<R>) {
    assert!(one.iter().eq(other.iter()), "different counters: {one:?} and {other:?}");
}

/// Returns a frame to `station` or to broadcast, with the packet directly after the header.
pub(crate) fn frame(station: Option<MacAddr>, packet: &[u8]) -> Vec<u8> {
    let destination = station.unwrap_or(MacAddr::BROADCAST).bytes();
    [&destination[..], &[2, 0, 0, 0, 0, 9], &EtherType::ARP.0.to_be_bytes(), packet].concat()
}
