//! Frames of arbitrary bytes, and frames that may be cut into segments. Checks that the segments are valid, and contain
//! the text of the frame.
#![no_main]

use inet::checksum;
use inet::offload::{FrameSegments, complete_checksum};
use ipv4::Datagram;
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use tap::{Checksum, Segmentation, SegmentationKind};
use tcp::TcpDropReason;
use udp::UdpDatagram;

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    tags: u8,
    kind: u8,
    size: u16,
    cwr: bool,
    /// Words of IPv4 options and of TCP options.
    options: (u8, u8),
    /// Other headers than those of the frame.
    header: Option<u16>,
    /// Position and offset of a checksum.
    checksum: (u16, u16),
    /// Headers, with the fields that a valid frame must have, unless they are damaged.
    bytes: &'a [u8],
    text: u16,
    /// Position and value of a byte that differs.
    damage: Option<(u8, u8)>,
}

fuzz_target!(|input: (Input<'_>, &[u8])| {
    let (input, bytes) = input;
    let (frame, header) = input.frame();
    let kind = input.segmentation_kind();
    let header = input.header.unwrap_or(header);
    let segmentation = Segmentation { kind, size: input.size, header, cwr: input.cwr };
    for bytes in [&frame, bytes] {
        check_segments(bytes, segmentation);
        let (start, offset) = input.checksum;
        check_checksum(bytes, usize::from(start), usize::from(offset));
    }
});

impl Input<'_> {
    fn segmentation_kind(&self) -> SegmentationKind {
        match self.kind % 16 {
            0 => SegmentationKind::TcpV6,
            kind if kind % 2 == 0 => SegmentationKind::TcpV4,
            _ => SegmentationKind::Udp,
        }
    }

    /// Returns a frame, and the length of its headers.
    fn frame(&self) -> (Vec<u8>, u16) {
        let link = 14 + 4 * usize::from(self.tags % 4);
        let (ipv4, tcp) = (5 + usize::from(self.options.0 % 11), 5 + usize::from(self.options.1 % 11));
        let is_udp = self.segmentation_kind() == SegmentationKind::Udp;
        let transport = link + 4 * ipv4;
        let header = transport + if is_udp { 8 } else { 4 * tcp };
        let mut frame = self.bytes.to_vec();
        // More segments take more time than they find.
        let text = usize::from(self.text).min(64 * usize::from(self.size)).min(65_535 + link - header);
        frame.resize(frame.len().max(header) + text, 0x5a);
        frame.truncate(65_535 + link);
        for end in (14..link).step_by(4) {
            frame[end - 2..end].copy_from_slice(&[0x81, 0]);
        }
        frame[link - 2..link].copy_from_slice(&[8, 0]);
        frame[link] = 0x40 | u8::try_from(ipv4).unwrap();
        let length = u16::try_from(frame.len() - link).unwrap();
        frame[link + 2..link + 4].copy_from_slice(&length.to_be_bytes());
        frame[link + 6..link + 8].copy_from_slice(&[0x40, 0]);
        frame[link + 9] = if is_udp { 17 } else { 6 };
        if is_udp {
            let length = u16::try_from(frame.len() - transport).unwrap();
            frame[transport + 4..transport + 6].copy_from_slice(&length.to_be_bytes());
        } else {
            frame[transport + 12] = u8::try_from(tcp << 4).unwrap();
        }
        if let Some((place, value)) = self.damage {
            frame[usize::from(place) % header] = value;
        }
        (frame, u16::try_from(header).unwrap())
    }
}

fn check_segments(frame: &[u8], segmentation: Segmentation) {
    let Ok(segments) = FrameSegments::new(frame, segmentation) else { return };
    let (header, size) = (usize::from(segmentation.header), usize::from(segmentation.size));
    let link = (14..).step_by(4).find(|end| frame[end - 2..*end] == [8, 0]).expect("IPv4 should follow");
    let end = link + usize::from(u16::from_be_bytes([frame[link + 2], frame[link + 3]]));
    let (mut text, mut count, mut bytes) = (Vec::<u8>::new(), 0, Vec::new());
    for segment in segments {
        assert!(segment.len() <= header + size, "a segment of {} bytes is too long", segment.len());
        bytes.resize(segment.len() - 1, 0);
        segment.write_to(&mut bytes).expect_err("a buffer that is too short is accepted");
        bytes.push(0);
        segment.write_to(&mut bytes).expect("the buffer should have the length of the segment");
        check_segment(&bytes[link..], segmentation.kind);
        text.extend(&bytes[header..]);
        count += 1;
    }
    assert!(text == frame[header..end], "the text changes");
    assert_eq!(count, text.len().div_ceil(size).max(1), "unexpected number of segments");
}

/// Checks that a segment is valid.
fn check_segment(bytes: &[u8], kind: SegmentationKind) {
    let datagram = Datagram::parse(bytes).expect("the datagram should be valid");
    assert_eq!(datagram.bytes().len(), bytes.len(), "the total length is wrong");
    let addresses = (datagram.source(), datagram.destination());
    if kind == SegmentationKind::Udp {
        let udp = UdpDatagram::parse(datagram.payload(), addresses, Checksum::None);
        let data = udp.expect("the UDP datagram should be valid").data();
        assert_eq!(data.len() + 8, datagram.payload().len(), "the length of UDP is wrong");
    } else {
        let segment = tcp::Segment::parse(datagram.payload(), addresses, Checksum::None);
        assert!(matches!(segment, Ok(_) | Err(TcpDropReason::PortZero)), "invalid segment: {segment:?}");
    }
}

/// Checks that completing a checksum changes only its field, and that the sum of the covered bytes is then valid.
fn check_checksum(bytes: &[u8], start: usize, offset: usize) {
    let mut completed = bytes.to_vec();
    let partial = |number: usize| u16::try_from(number).expect("number should have 16 bits");
    complete_checksum(&mut completed, Checksum::Partial { start: partial(start), offset: partial(offset) });
    let field = start + offset..start + offset + 2;
    if bytes.get(field.clone()).is_none() {
        assert!(completed == bytes, "a frame without the checksum field changes");
        return;
    }
    assert!(completed[..field.start] == bytes[..field.start] && completed[field.end..] == bytes[field.end..]);
    // The former field is the sum of a pseudo-header. A checksum field is a whole word.
    if offset.is_multiple_of(2) {
        completed.extend(vec![0; (bytes.len() - start) % 2]);
        completed.extend(&bytes[field]);
        assert!(checksum::is_valid(&completed[start..]), "the completed checksum is wrong");
    }
}
