//! Work that a device does on transmitted frames: cutting into segments, and checksums.

use std::net::{SocketAddr, SocketAddrV4};
use std::num::NonZeroU64;
use std::sync::mpsc::{Receiver, channel};

use host::{HostConfig, UdpBind, UdpMessage};
use inet::IpProtocol;
use inet::offload::FrameSegments;
use ipv4::{Datagram, Ipv4Fields};
use proptest::prelude::*;
use sim::{LinkSettings, Queue, Segment, Transfer, TransferSettings, WireId};
use tap::{Checksum, Instant, Offload, Offloads, PortId, Segmentation, SegmentationKind};
use tcp::{Flags, Options, SegmentFields, SequenceNumber, Timestamps};
use udp::{UdpDatagram, UdpFields};

use super::{Duration, Faults, MILLISECOND, SECOND, at, config, ip, mac, segment};

const ALL: Offloads = Offloads { checksum: true, tcp_v4: true, udp: true };

/// A frame that is cut into segments.
#[derive(Clone, Debug)]
struct Superframe {
    bytes: Vec<u8>,
    segmentation: Segmentation,
    /// Length of the link header, in bytes.
    link: usize,
    text: Vec<u8>,
    identification: u16,
    flags: Flags,
    sequence: SequenceNumber,
}

impl Superframe {
    /// Returns a frame with this transport header and an incomplete checksum.
    fn new(
        kind: SegmentationKind,
        (tags, identification, size): (usize, u16, u16),
        (flags, sequence, has_timestamps): (u8, u32, bool),
        text: Vec<u8>,
    ) -> Superframe {
        let (source, destination) = (SocketAddrV4::new(ip(1), 7), SocketAddrV4::new(ip(2), 9));
        let (flags, sequence) = (Flags::from_bits(flags), SequenceNumber::new(sequence));
        let (protocol, payload) = if kind == SegmentationKind::Udp {
            let mut payload = [&[0; UdpFields::LENGTH], &text[..]].concat();
            UdpFields { source, destination }.write_to(&mut payload).unwrap();
            (IpProtocol::UDP, payload)
        } else {
            let timestamps = has_timestamps.then_some(Timestamps { value: 1, echo: 2 });
            let options = Options { timestamps, ..Options::NONE };
            let acknowledgment = SequenceNumber::new(5);
            let (window, urgent_pointer) = (100, 0);
            let fields = SegmentFields {
                source,
                destination,
                sequence,
                acknowledgment,
                flags,
                window,
                urgent_pointer,
                options,
            };
            let mut payload = [&vec![0; fields.header_length()], &text[..]].concat();
            fields.write_to(&mut payload).unwrap();
            (IpProtocol::TCP, payload)
        };
        let mut datagram = [&[0; Ipv4Fields::LENGTH], &payload[..]].concat();
        let fields = Ipv4Fields { identification, ..Ipv4Fields::new(protocol, ip(1), ip(2)) };
        fields.write_to(&mut datagram).unwrap();
        let link = 14 + 4 * tags;
        let header = link + datagram.len() - text.len();
        let tags = [[0x88, 0xa8, 0, 5], [0x81, 0, 0, 6]].concat();
        let link_header = [&mac(2).bytes()[..], &mac(1).bytes(), &tags[..link - 14], &[8, 0]].concat();
        let mut bytes = [link_header, datagram].concat();
        // The checksum of the whole frame is incomplete.
        let offset = if kind == SegmentationKind::Udp { 6 } else { 16 };
        bytes[link + Ipv4Fields::LENGTH + offset] ^= 1;
        let header = u16::try_from(header).unwrap();
        let segmentation = Segmentation { kind, size, header, cwr: flags.contains(Flags::CWR) };
        Superframe { bytes, segmentation, link, text, identification, flags, sequence }
    }

    fn segments(&self) -> Vec<Vec<u8>> {
        let segments = FrameSegments::new(&self.bytes, self.segmentation).unwrap();
        segments
            .map(|segment| {
                let mut bytes = vec![0; segment.len()];
                segment.write_to(&mut bytes).unwrap();
                bytes
            })
            .collect()
    }
}

fn superframes() -> impl Strategy<Value = Superframe> {
    let kind = prop_oneof![Just(SegmentationKind::TcpV4), Just(SegmentationKind::Udp)];
    let text = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..100),
        (0_usize..65_000, any::<u8>()).prop_map(|(length, byte)| vec![byte; length]),
    ];
    let numbers = (0_usize..3, any::<u16>(), 1_u16..2_000);
    let tcp = (any::<u8>(), any::<u32>(), any::<bool>());
    (kind, numbers, tcp, text)
        .prop_map(|(kind, numbers, tcp, text)| Superframe::new(kind, numbers, tcp, text))
}

proptest! {
    #[test]
    fn segments_are_valid_and_contain_the_text_in_order(superframe in superframes()) {
        let (segmentation, segments) = (superframe.segmentation, superframe.segments());
        let mtu = usize::from(segmentation.header + segmentation.size) - superframe.link;
        let mut joined: Vec<u8> = Vec::new();
        for (number, bytes) in (0_u16..).zip(&segments) {
            let (link, datagram) = bytes.split_at(superframe.link);
            prop_assert_eq!(link, &superframe.bytes[..superframe.link]);
            prop_assert!(datagram.len() <= mtu, "{} bytes, the MTU is {}", datagram.len(), mtu);
            let datagram = Datagram::parse(datagram).unwrap();
            prop_assert_eq!(datagram.identification(), superframe.identification.wrapping_add(number));
            prop_assert_eq!(usize::from(datagram.total_length()), bytes.len() - superframe.link);
            let addresses = (datagram.source(), datagram.destination());
            if segmentation.kind == SegmentationKind::Udp {
                let udp = UdpDatagram::parse(datagram.payload(), addresses, Checksum::None).unwrap();
                prop_assert_eq!(udp.data().len() + UdpFields::LENGTH, datagram.payload().len());
                prop_assert_ne!(&datagram.payload()[6..8], &[0, 0], "a segment has no checksum");
                joined.extend(udp.data());
            } else {
                let tcp = tcp::Segment::parse(datagram.payload(), addresses, Checksum::None).unwrap();
                prop_assert_eq!(tcp.sequence, superframe.sequence.plus(joined.len().try_into().unwrap()));
                let (is_first, is_last) = (number == 0, usize::from(number) + 1 == segments.len());
                let mut expected = superframe.flags;
                for (flag, is_set) in [(Flags::FIN, is_last), (Flags::PSH, is_last), (Flags::CWR, is_first)] {
                    if !is_set {
                        expected = Flags::from_bits(expected.bits() & !flag.bits());
                    }
                }
                prop_assert_eq!(tcp.flags, expected);
                joined.extend(&datagram.payload()[tcp.header_length..]);
            }
        }
        prop_assert_eq!(segments.len(), superframe.text.len().div_ceil(segmentation.size.into()).max(1));
        prop_assert_eq!(joined, superframe.text);
    }
}

/// Adds a scripted peer. Returns the frames that arrive at the peer.
fn listener(segment: &mut Segment) -> Receiver<Vec<u8>> {
    let (sender, frames) = channel();
    segment.attach(move |_, bytes| {
        // The test has ended.
        _ = sender.send(bytes.to_vec());
        Vec::new()
    });
    frames
}

#[test]
fn wire_carries_a_superframe_whole_or_as_segments() {
    for (cuts, expected) in [(false, 1), (true, 3)] {
        let mut segment = segment(Faults::NONE);
        if cuts {
            segment.cut_segments(WireId::default());
        }
        // A host with another address answers no segment.
        let host = segment.add(&config(3)).unwrap();
        let frames = listener(&mut segment);
        let superframe =
            Superframe::new(SegmentationKind::TcpV4, (0, 7, 3), (0x10, 1, false), b"abcdefgh".to_vec());
        let checksum = Checksum::Partial { start: 34, offset: 16 };
        let offload = Offload { checksum, segmentation: Some(superframe.segmentation) };
        segment.inject_with(&superframe.bytes, offload);
        segment.run_for(SECOND).unwrap();
        let received = segment.device_counters(host).unwrap().received;
        assert_eq!(received, expected, "the wire cuts: {cuts}");
        // A script gets segments in both cases.
        assert_eq!(frames.try_iter().collect::<Vec<_>>(), superframe.segments(), "the wire cuts: {cuts}");
        assert_eq!(segment.counters().copies, 2 * expected, "the wire cuts: {cuts}");
    }
}

#[test]
fn frame_that_cannot_be_cut_is_dropped_and_counted() {
    let segmentation = Segmentation { kind: SegmentationKind::TcpV6, size: 1, header: 74, cwr: false };
    let offload = Offload { segmentation: Some(segmentation), ..Offload::default() };
    for cuts in [false, true] {
        let mut segment = segment(Faults::NONE);
        if cuts {
            segment.cut_segments(WireId::default());
        }
        let frames = listener(&mut segment);
        segment.inject_with(&[0; 100], offload);
        segment.run_for(SECOND).unwrap();
        let counters = segment.counters();
        assert_eq!((counters.not_cut, counters.delivered), (1, 0), "the wire cuts: {cuts}");
        assert_eq!(counters.sent, u64::from(!cuts), "the wire cuts: {cuts}");
        assert_eq!(frames.try_iter().count(), 0, "a frame arrives");
    }
}

/// Returns a link of 100 Mbit/s with a latency of 10 ms and a queue of 256 KiB.
fn link(faults: Faults) -> LinkSettings {
    let latency = 10 * MILLISECOND;
    LinkSettings {
        rate: NonZeroU64::new(100_000_000),
        queue: Queue::DropTail { bytes: 256 << 10 },
        faults: Faults { min_latency: latency, max_latency: latency, ..faults },
    }
}

/// Result of a transfer.
#[derive(Clone, Copy, Debug, Default)]
struct Transferred {
    /// Goodput in bytes per second.
    goodput: u64,
    /// Number of frames that the host of the sender transmitted.
    transmitted: u64,
    /// Number of frames of the sender on the wire.
    on_wire: u64,
}

/// Transfers 3 MB.
fn transfer(settings: &TransferSettings, prepare: impl FnOnce(&mut Transfer)) -> Transferred {
    let bytes = 3_000_000;
    let mut transfer = Transfer::new(&TransferSettings { bytes: Some(bytes), ..*settings }).unwrap();
    prepare(&mut transfer);
    transfer.run_until(at(60 * SECOND)).unwrap();
    let (segment, flow) = (transfer.segment(), transfer.flows()[0]);
    assert_eq!(flow.received(), bytes, "unexpected number of bytes");
    assert_eq!(segment.counters().not_cut, 0, "a frame cannot be cut");
    Transferred {
        goodput: flow.goodput(segment.now()),
        transmitted: segment.device_counters(transfer.sender()).unwrap().transmitted,
        on_wire: segment.link_counters(transfer.sender(), PortId::default()).unwrap().frames,
    }
}

fn cut_segments(transfer: &mut Transfer) {
    transfer.segment_mut().cut_segments(WireId::default());
}

#[test]
fn transfer_of_superframes_has_the_goodput_of_single_segments() {
    let plain = TransferSettings::new(link(Faults::NONE), link(Faults::NONE));
    let offloads = TransferSettings { sender_offloads: ALL, receiver_offloads: ALL, ..plain };
    let (single, whole) = (transfer(&plain, |_| {}), transfer(&offloads, |_| {}));
    assert!(whole.goodput * 20 > single.goodput * 19, "{whole:?} with offloads, {single:?} without");
    assert!(whole.on_wire * 2 < single.on_wire, "{whole:?} with offloads, {single:?} without");
}

#[test]
fn transfer_of_superframes_that_are_cut_has_the_goodput_of_single_segments() {
    let (mut all_single, mut all_cut) = (Transferred::default(), Transferred::default());
    for seed in 1..=4 {
        let reordering_delay = 5 * MILLISECOND;
        let faults = Faults { seed, loss: 1_000, reordering: 10_000, reordering_delay, ..Faults::NONE };
        let plain = TransferSettings::new(link(faults), link(Faults::NONE));
        let offloads = TransferSettings { sender_offloads: ALL, ..plain };
        let (single, cut) = (transfer(&plain, cut_segments), transfer(&offloads, cut_segments));
        // The segments of a superframe are frames of the wire.
        assert!(cut.transmitted * 3 < cut.on_wire * 2, "{cut:?} with offloads, {single:?} without");
        assert!(cut.on_wire * 20 > single.on_wire * 19, "{cut:?} with offloads, {single:?} without");
        all_single.goodput += single.goodput;
        all_cut.goodput += cut.goodput;
    }
    assert!(
        all_cut.goodput * 20 > all_single.goodput * 19,
        "{all_cut:?} with offloads, {all_single:?} without"
    );
}

#[test]
fn superframes_of_an_intercepted_host_are_cut() {
    let links = TransferSettings::new(link(Faults::NONE), link(Faults::NONE));
    let offloads = TransferSettings { sender_offloads: ALL, receiver_offloads: ALL, ..links };
    let intercepted = transfer(&offloads, |transfer| {
        let sender = transfer.sender();
        transfer.segment_mut().intercept(sender, |_, bytes| vec![(Duration::ZERO, bytes.to_vec())]);
    });
    assert!(intercepted.transmitted * 3 < intercepted.on_wire * 2, "{intercepted:?}");
}

#[test]
fn datagrams_of_a_host_with_offloads_arrive_single_and_whole() {
    for cuts in [false, true] {
        let mut segment = segment(Faults::NONE);
        if cuts {
            segment.cut_segments(WireId::default());
        }
        let sender = segment.add(&HostConfig { offloads: ALL, ..config(1) }).unwrap();
        let receiver = segment.add(&config(2)).unwrap();
        let frames = listener(&mut segment);
        let bind = UdpBind { port: Some(7), ..UdpBind::default() };
        let to = segment.host_mut(receiver).unwrap().bind_udp(&bind).unwrap();
        let from = segment.host_mut(sender).unwrap().bind_udp(&bind).unwrap();
        let message = UdpMessage { destination: Some(SocketAddr::from((ip(2), 7))), ..UdpMessage::default() };
        // A datagram of 2,000 bytes has fragments.
        let sent = [1, 100, 100, 2_000, 1_472].map(|length| vec![7; length]);
        for data in &sent {
            let (host, pool) = segment.host_and_pool(sender).unwrap();
            host.send_udp(Instant::ORIGIN, from, &message, data, pool).unwrap();
        }
        segment.run_for(SECOND).unwrap();
        let (host, pool) = segment.host_and_pool(receiver).unwrap();
        let mut arrived = Vec::new();
        while let Some(datagram) = host.receive_udp(to) {
            arrived.push(datagram.frame.bytes().to_vec());
            pool.give(datagram.frame);
        }
        assert_eq!(arrived, sent, "the wire cuts: {cuts}");
        // A script and the capture have complete checksums.
        let captured = segment.take_captured().into_iter().map(|frame| frame.bytes);
        for frame in frames.try_iter().chain(captured).filter(|frame| frame[12..14] == [8, 0]) {
            let datagram = Datagram::parse(&frame[14..]).unwrap();
            let addresses = (datagram.source(), datagram.destination());
            if !datagram.is_fragment() {
                let udp = UdpDatagram::parse(datagram.payload(), addresses, Checksum::None);
                assert!(sent.iter().any(|sent| sent == udp.unwrap().data()), "the wire cuts: {cuts}");
            }
        }
    }
}
