//! Two hosts alike: one reads a frame at one look, one in layers, and they stay alike.

use std::net::Ipv4Addr;

use arp::{
    Arp, ArpConfig, ArpDropReason, ArpReply, FrameView, Instant, LocalBindings, MacAddr, Packet,
    PacketFields, Reception,
};
use base::{Reason, ReasonCounters};
use link::{DestinationKind, EtherType, EthernetFrame, Link, MacSet, ReceivedFrame, VlanId};

use crate::segment::HARDWARE;

/// So low that short frames exceed it.
const MTU: usize = 100;

pub(crate) struct ParserPair {
    at_once: Host,
    layers: Host,
}

struct Host {
    link: Link,
    arp: Arp<()>,
}

/// What became of a frame.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    DroppedByLink(link::LinkDropReason),
    UnsupportedEtherType(EtherType),
    Dropped(ArpDropReason),
    Received(PacketFields, Reception, Option<Vec<u8>>),
}

impl ParserPair {
    pub(crate) fn new(vlan: Option<VlanId>) -> ParserPair {
        ParserPair { at_once: Host::new(vlan), layers: Host::new(vlan) }
    }

    pub(crate) fn receive(&mut self, now: Instant, bytes: &[u8]) {
        let at_once = self.at_once.parse_at_once(now, bytes);
        assert_eq!(at_once, self.layers.parse_layered(now, bytes));
        assert_eq!(self.at_once.link.accepted(), self.layers.link.accepted());
        assert_equal(self.at_once.link.dropped(), self.layers.link.dropped());
        assert_equal(self.at_once.arp.dropped(), self.layers.arp.dropped());
        assert_eq!(self.at_once.arp.neighbors().list(), self.layers.arp.neighbors().list());
    }
}

impl Host {
    fn new(vlan: Option<VlanId>) -> Host {
        let ours = LocalBindings::single(Ipv4Addr::new(10, 0, 0, 2), HARDWARE).expect("a first address");
        let arp = Arp::new(ours, ArpConfig::default());
        Host { link: Link::new(MacSet::one(HARDWARE), MTU, vlan), arp }
    }

    fn parse_at_once(&mut self, now: Instant, bytes: &[u8]) -> Outcome {
        let view = FrameView::parse(bytes);
        let accepted = self.link.receive(view.map(|view| view.ethernet()));
        self.continue_input(now, bytes, accepted, |_| view.expect("it was accepted").packet())
    }

    fn parse_layered(&mut self, now: Instant, bytes: &[u8]) -> Outcome {
        let accepted = self.link.receive(EthernetFrame::parse(bytes));
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
        match self.arp.receive(now, station, parsed) {
            Ok(received) => {
                let reply = received.reply.map(|answer| reply(answer, &bytes[frame.payload_offset()..]));
                Outcome::Received(parsed.expect("it was received").into(), received, reply)
            }
            Err(reason) => Outcome::Dropped(reason),
        }
    }
}

fn reply(answer: ArpReply, request: &[u8]) -> Vec<u8> {
    let mut reply = request[..PacketFields::LENGTH].to_vec();
    answer.write_over(&mut reply).expect("room for a packet");
    reply
}

fn assert_equal<R: Reason + std::fmt::Debug + PartialEq>(one: &ReasonCounters<R>, other: &ReasonCounters<R>) {
    assert!(one.iter().eq(other.iter()), "{one:?} {other:?}");
}

/// A frame to a station of ours or to all, with a packet right behind its header.
pub(crate) fn frame(station: Option<MacAddr>, packet: &[u8]) -> Vec<u8> {
    let destination = station.unwrap_or(MacAddr::BROADCAST).bytes();
    [&destination[..], &[2, 0, 0, 0, 0, 9], &EtherType::ARP.0.to_be_bytes(), packet].concat()
}
