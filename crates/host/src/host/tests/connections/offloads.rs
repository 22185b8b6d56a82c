//! Frames with several segments, and checksums that the device completes.

use tap::{Offload, Offloads, Segmentation, SegmentationKind};

use super::*;
use crate::DropReason;
use link::LinkDropReason;

const DEVICE: Offloads = Offloads { checksum: true, tcp_v4: true, udp: false };
/// Length of the data of a segment to a peer without the option maximum segment size.
const SIZE: u16 = 536;
/// Length of the data of the initial window.
const WINDOW: usize = 10 * 536;

/// A host on a device with offloads, and an established connection to its listener.
struct Offloading {
    host: TestHost,
    peer: Peer,
    id: SocketId,
}

impl Offloading {
    fn new() -> Offloading {
        let mut host = TestHost::new(&HostConfig { offloads: DEVICE, ..config() });
        host.receive(&broadcast(&[&[8, 6], &request()]));
        frames(&mut host);
        let listener = host.host.listen_tcp(&at_port(80)).unwrap();
        let mut peer = Peer::new(PEER_PORT, 80);
        let options = Options { window_scale: Some(7), ..Options::default() };
        let syn = segment(&SegmentFields { options, ..peer.fields(Flags::SYN) }, b"");
        host.receive(&frame(&datagram(Ipv4Fields::new(IpProtocol::TCP, PEER, HOST), &syn)));
        peer.next = peer.next.plus(1);
        let (bytes, offload) = &frames(&mut host)[0];
        assert_eq!(*offload, offload_of(None), "the checksum of the SYN,ACK is complete");
        let datagram = Datagram::parse(&bytes[14..]).unwrap();
        let syn_ack = Segment::parse(datagram.payload(), (HOST, PEER), offload.checksum).unwrap();
        peer.expected = syn_ack.sequence.plus(1);
        host.receive(&peer.frame(Flags::ACK, b""));
        let id = host.host.accept_tcp(listener).expect("no connection").socket;
        Offloading { host, peer, id }
    }

    /// Returns the only frame that the host sends, and its segment.
    fn sent(&mut self) -> (Vec<u8>, Offload, Segment) {
        let [(bytes, offload)] = <[_; 1]>::try_from(frames(&mut self.host)).expect("not one frame");
        let datagram = Datagram::parse(&bytes[14..]).unwrap();
        assert_eq!(usize::from(datagram.total_length()), bytes.len() - 14);
        let segment = Segment::parse(datagram.payload(), (HOST, PEER), offload.checksum).unwrap();
        (bytes, offload, segment)
    }

    /// Receives a segment of several segments that the device has merged.
    fn receive_merged(&mut self, data: &[u8], size: u16) -> FrameOutcome {
        let bytes = self.peer.frame(Flags::ACK, data);
        let mut frame = self.host.pool.take_large().unwrap();
        frame.write(&bytes).unwrap();
        frame.set_offload(offload_of(Some(size)));
        self.host.host.receive(self.host.now, PORT, frame, &mut self.host.pool)
    }
}

/// Returns the state of a frame with a TCP header without options.
fn offload_of(size: Option<u16>) -> Offload {
    let kind = SegmentationKind::TcpV4;
    let segmentation = size.map(|size| Segmentation { kind, size, header: 54, cwr: false });
    Offload { checksum: Checksum::Partial { start: 34, offset: 16 }, segmentation }
}

/// Returns the frames that are due, and their states.
fn frames(host: &mut TestHost) -> Vec<(Vec<u8>, Offload)> {
    let mut departing = Batch::new(Exchange::BATCH);
    host.host.transmit(host.now, PORT, &mut departing, &mut host.pool);
    let mut frames = Vec::new();
    while let Some(frame) = departing.pop() {
        frames.push((frame.bytes().to_vec(), frame.offload()));
        host.pool.give(frame);
    }
    frames
}

// proves: tcp-superframe, tcp-partial-checksum
#[test]
fn superframe_departs_with_the_work_for_the_device() {
    let mut test = Offloading::new();
    let (segments, datagrams) = (test.host.count("tcp", "sent"), test.host.count("ipv4", "sent"));
    test.host.write(test.id, &vec![7; 20_000]);
    let (bytes, offload, segment) = test.sent();
    assert_eq!((bytes.len(), segment.data_length, offload), (54 + WINDOW, WINDOW, offload_of(Some(SIZE))));
    let counts = (test.host.count("tcp", "sent") - segments, test.host.count("ipv4", "sent") - datagrams);
    assert_eq!(counts, (10, 1));
    assert_eq!(test.host.pool.held(), 0, "a frame is lost");
}

// proves: tcp-partial-checksum
#[test]
fn device_completes_the_checksum_of_a_reply() {
    let mut test = Offloading::new();
    test.host.receive(&Peer::new(PEER_PORT, 81).frame(Flags::SYN, b""));
    let (_, offload, segment) = test.sent();
    assert_eq!((segment.flags, offload), (Flags::RST | Flags::ACK, offload_of(None)));
}

#[test]
fn superframe_keeps_its_state_while_its_next_hop_is_resolved() {
    let mut test = Offloading::new();
    assert!(test.host.host.arp_mut().neighbors_mut().remove(PEER), "the next hop is not in the table");
    test.host.write(test.id, &vec![7; 20_000]);
    let sent = frames(&mut test.host);
    assert!(sent.iter().all(|(bytes, _)| bytes[12..14] == [8, 6]), "a segment is sent without a next hop");
    test.host.receive(&broadcast(&[&[8, 6], &request()]));
    let sent = frames(&mut test.host);
    let (bytes, offload) =
        sent.iter().find(|(bytes, _)| bytes[12..14] == [8, 0]).expect("no segment is sent");
    assert_eq!((bytes.len(), *offload), (54 + WINDOW, offload_of(Some(SIZE))));
}

// proves: rfc6864-unique, tcp-superframe
#[test]
fn segments_that_may_be_fragmented_have_numbers_of_their_own() {
    let mut test = Offloading::new();
    test.host.host.interfaces.first_mut().path_mtus.update(test.host.now, PEER, 100, 576);
    test.host.write(test.id, &[7; WINDOW]);
    // The first superframe is dropped, because its segments are longer than the MTU of the path.
    let again = frames(&mut test.host);
    let lengths: Vec<_> = again.iter().map(|(bytes, offload)| (bytes.len(), *offload)).collect();
    assert_eq!(lengths[..2], [(14 + 552, offload_of(None)); 2]);
    test.peer.expected = test.peer.expected.plus(u32::try_from(WINDOW).unwrap());
    test.host.receive(&test.peer.frame(Flags::ACK, b""));
    let numbers = [(); 2].map(|()| {
        test.host.write(test.id, &[7; 3 * 512]);
        let (bytes, offload, segment) = test.sent();
        assert_eq!((segment.data_length, offload), (3 * 512, offload_of(Some(512))));
        let datagram = Datagram::parse(&bytes[14..]).unwrap();
        assert!(!datagram.dont_fragment(), "no gateway may fragment the segments");
        datagram.identification()
    });
    assert_eq!(numbers[1], numbers[0].wrapping_add(3));
}

// proves: tcp-partial-checksum
#[test]
fn fragmented_segment_has_a_complete_checksum() {
    let mut test = Offloading::new();
    test.host.host.interfaces.first_mut().path_mtus.update(test.host.now, PEER, 100, 576);
    test.host.write(test.id, &[7; 536]);
    let sent = frames(&mut test.host);
    assert!(
        sent.iter().all(|(_, offload)| *offload == Offload::default()),
        "a fragment has work for the device"
    );
    let fragments: Vec<_> = sent.into_iter().map(|(bytes, _)| bytes).collect();
    assert_eq!(fragments.len(), 2, "the segment is not fragmented");
    let segment = joined_payload(&fragments, PEER_MAC);
    assert_eq!(
        Segment::parse(&segment, (HOST, PEER), Checksum::None).map(|segment| segment.data_length),
        Ok(536)
    );
}

#[test]
fn turn_has_a_limited_number_of_segments() {
    let mut test = Offloading::new();
    // Slow start opens the congestion window.
    let mut most = 0;
    for _ in 0..50 {
        test.host.write(test.id, &vec![7; 1 << 20]);
        let mut segments = 0;
        for (bytes, offload) in frames(&mut test.host) {
            let datagram = Datagram::parse(&bytes[14..]).unwrap();
            let segment = Segment::parse(datagram.payload(), (HOST, PEER), offload.checksum).unwrap();
            let size = offload.segmentation.map_or(usize::MAX, |segmentation| segmentation.size.into());
            segments += segment.data_length.div_ceil(size);
            test.peer.expected = segment.sequence.plus(segment.sequence_length());
        }
        most = most.max(segments);
        test.host.receive(&test.peer.frame(Flags::ACK, b""));
    }
    // The last frame of a turn can have more segments than are left.
    let limit = 2 * Exchange::BATCH;
    assert!((limit..limit + 121).contains(&most), "{most} segments");
}

// proves: ethernet-merged
#[test]
fn merged_segments_are_received_if_each_segment_fits_the_mtu() {
    let mut test = Offloading::new();
    let data: Vec<u8> = (0..=255).cycle().take(30_000).collect();
    let accepted = test.host.count("tcp", "accepted");
    assert_eq!(test.receive_merged(&data, 1_460), ACCEPTED);
    assert_eq!(test.host.count("tcp", "accepted"), accepted + 21, "number of accepted segments");
    let (_, _, ack) = test.sent();
    assert_eq!((ack.acknowledgment, ack.data_length), (test.peer.next.plus(30_000), 0));
    assert_eq!(test.host.read(test.id), data);
    let too_long = FrameOutcome::Dropped(DropReason::Link(LinkDropReason::TooLong));
    assert_eq!(test.receive_merged(&data, 1_461), too_long);
    let mut frame = test.host.pool.take_large().unwrap();
    frame.write(&test.peer.frame(Flags::ACK, &data)).unwrap();
    let outcome = test.host.host.receive(test.host.now, PORT, frame, &mut test.host.pool);
    assert_eq!(outcome, too_long, "a frame of one segment is longer than the MTU");
}
