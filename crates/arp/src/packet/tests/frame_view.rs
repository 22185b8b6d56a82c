use super::*;
use crate::test_segment::Segment;
use crate::{ArpConfig, PacketFields, Reception};
use base::{Reason, ReasonCounters};
use link::{EtherType, EthernetFrame, Instant, Link, MacAddr, VlanId};
use std::net::Ipv4Addr;

const LOCAL: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
const LOCAL_MAC: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 2]);
const NOW: Instant = Instant::from_nanos(1_000);
/// MTU that short frames exceed.
const MTU: usize = 60;

/// Broadcast request for the local address, from 10.0.0.1.
#[rustfmt::skip]
const REQUEST: [u8; 42] = [
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1, 8, 6,
    0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 10, 0, 0, 2,
];

/// Result of processing a frame: in the link layer, in ARP, and the reply.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    DroppedByLink(link::LinkDropReason),
    UnsupportedEtherType(EtherType),
    Dropped(ArpDropReason),
    Received(PacketFields, Reception, Option<Vec<u8>>),
}

/// Host that parses its frames in one of two ways.
struct Host {
    link: Link,
    arp: Segment,
}

impl Host {
    fn new(vlan: Option<VlanId>) -> Host {
        let arp = Segment::with(LOCAL, LOCAL_MAC, ArpConfig::default());
        Host { link: Link::new(MTU, vlan), arp }
    }

    /// Parses with [`FrameView`], as `host` does.
    fn parse_at_once(&mut self, bytes: &[u8]) -> Outcome {
        let view = FrameView::parse(bytes);
        let accepted = self.link.receive(&self.arp.table, view.map(|view| view.ethernet()));
        self.continue_input(bytes, accepted, || view.unwrap().packet())
    }

    /// Parses layer by layer.
    fn parse_layered(&mut self, bytes: &[u8]) -> Outcome {
        let accepted = self.link.receive(&self.arp.table, EthernetFrame::parse(bytes));
        self.continue_input(bytes, accepted, || Packet::parse(accepted.unwrap().frame.payload()))
    }

    fn continue_input<'a>(
        &mut self,
        bytes: &[u8],
        accepted: Result<link::ReceivedFrame<'a>, link::LinkDropReason>,
        parse: impl FnOnce() -> Result<Packet<'a>, ArpDropReason>,
    ) -> Outcome {
        let link::ReceivedFrame { frame, destination_kind } = match accepted {
            Ok(accepted) => accepted,
            Err(reason) => return Outcome::DroppedByLink(reason),
        };
        if frame.ether_type() != EtherType::ARP {
            return Outcome::UnsupportedEtherType(frame.ether_type());
        }
        let station = (destination_kind == link::DestinationKind::Unicast).then_some(frame.destination());
        let parsed = parse();
        let received = match self.arp.receive(NOW, station, parsed) {
            Ok(received) => received,
            Err(reason) => return Outcome::Dropped(reason),
        };
        let reply = received.reply.map(|reply| {
            let mut bytes = bytes[frame.payload_offset()..][..PacketFields::LENGTH].to_vec();
            reply.write_over(&mut bytes).unwrap();
            bytes
        });
        Outcome::Received(parsed.unwrap().into(), received, reply)
    }

    /// Returns all counters and the neighbor table.
    fn counts(&self) -> impl PartialEq + std::fmt::Debug {
        fn all<R: Reason>(counters: &ReasonCounters<R>) -> Vec<u64> {
            counters.iter().map(|(_, count)| count).collect()
        }
        let learned = format!("{:?}", self.arp.neighbors().list());
        (self.link.accepted(), all(self.link.dropped()), all(self.arp.dropped()), learned)
    }
}

/// Asserts that two equal hosts, one for each way to parse, get the same result for every frame.
fn assert_equal_results<'a>(vlan: Option<VlanId>, frames: impl IntoIterator<Item = &'a Vec<u8>>) {
    let (mut at_once, mut layers) = (Host::new(vlan), Host::new(vlan));
    for bytes in frames {
        assert_eq!(at_once.parse_at_once(bytes), layers.parse_layered(bytes), "{bytes:02x?}");
        assert_eq!(at_once.counts(), layers.counts(), "{bytes:02x?}");
    }
}

fn is_whole(bytes: &[u8]) -> bool {
    matches!(FrameView::parse(bytes), Ok(FrameView::Arp { .. }))
}

#[test]
fn frame_view_parses_plain_arp_frame_at_once_with_or_without_padding() {
    assert!(is_whole(&REQUEST));
    assert!(is_whole(&[&REQUEST[..], &[0; 18]].concat()));
    let mut host = Host::new(None);
    assert!(matches!(host.parse_at_once(&REQUEST), Outcome::Received(_, _, Some(_))));
}

#[test]
fn frame_view_counts_padding_as_payload() {
    let padded = [&REQUEST[..], &[7; 33]].concat();
    let payload = FrameView::parse(&padded).unwrap().ethernet().payload();
    assert_eq!(payload, &padded[14..]);
    assert_eq!(Host::new(None).parse_at_once(&padded), Outcome::DroppedByLink(link::LinkDropReason::TooLong));
}

#[test]
fn frame_view_falls_back_when_any_bit_of_signature_differs() {
    for bit in 0..8 * REQUEST.len() {
        let mut bytes = REQUEST;
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(is_whole(&bytes), !(12..20).contains(&(bit / 8)), "{bit}");
    }
}

#[test]
fn frame_view_falls_back_when_frame_is_truncated() {
    let cut: Vec<Vec<u8>> = (0..REQUEST.len()).map(|length| REQUEST[..length].to_vec()).collect();
    assert!(!cut.iter().any(|bytes| is_whole(bytes)));
    assert_equal_results(None, &cut);
}

/// Returns the bytes between the source address and the packet: an EtherType, tags or a SNAP header.
fn headers() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => Just(vec![8, 6]),
        1 => Just(vec![0x81, 0, 0, 0, 8, 6]),
        1 => Just(vec![0x81, 0, 0, 5, 8, 6]),
        1 => Just(vec![0x88, 0xa8, 0, 5, 0x81, 0, 0, 0, 8, 6]),
        1 => Just(vec![0, 36, 0xaa, 0xaa, 3, 0, 0, 0, 8, 6]),
        1 => Just(vec![8, 0]),
    ]
}

prop_compose! {
    /// Generates a nearly valid frame: from few stations, with few addresses, sometimes with changed, missing or
    /// additional bytes.
    fn nearly_valid_frame()(
        head in headers(),
        broadcast: bool,
        operation in 0_u8..4,
        sender in 0_u8..4,
        target in 0_u8..4,
        changed in prop::collection::vec((0_usize..60, any::<u8>()), 0..3),
        length in prop_oneof![2 => Just(None), 1 => (0_usize..80).prop_map(Some)],
    ) -> Vec<u8> {
        let mut packet = REQUEST[14..].to_vec();
        (packet[7], packet[13], packet[17], packet[27]) = (operation, sender, sender, target);
        let destination = if broadcast { MacAddr::BROADCAST } else { LOCAL_MAC };
        let source = [2, 0, 0, 0, 0, sender];
        let mut bytes = [&destination.bytes()[..], &source, &head, &packet].concat();
        for (place, value) in changed {
            if let Some(byte) = bytes.get_mut(place) {
                *byte = value;
            }
        }
        bytes.resize(length.unwrap_or(bytes.len()), 0);
        bytes
    }
}

proptest! {
    #[test]
    fn frame_view_equals_layered_parsing_for_arbitrary_bytes(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        assert_equal_results(None, [&bytes]);
        assert_equal_results(VlanId::new(5), [&bytes]);
    }

    #[test]
    fn frame_view_equals_layered_parsing_for_nearly_valid_packets(
        frames in prop::collection::vec(nearly_valid_frame(), 1..20),
    ) {
        assert_equal_results(None, &frames);
        assert_equal_results(VlanId::new(5), &frames);
    }
}
