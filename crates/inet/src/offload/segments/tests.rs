use super::*;

/// Flags of TCP in this order: CWR, ACK, PSH, FIN.
const FLAGS: u8 = 0x99;
const HEADERS: u16 = 54;
/// Sequence number of the superframe.
const SEQUENCE: u32 = 0xffff_fffe;

fn of_kind(kind: SegmentationKind, size: u16, header: u16) -> Segmentation {
    Segmentation { kind, size, header, cwr: true }
}

/// Returns an IPv4 datagram in an Ethernet frame with these tags.
fn ipv4(tags: &[u8], protocol: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(20 + payload.len()).unwrap().to_be_bytes();
    let header =
        [0x45, 0, length[0], length[1], 0xff, 0xff, 0x40, 0, 64, protocol, 7, 7, 10, 0, 0, 1, 10, 0, 0, 2];
    [&[2; 12][..], tags, &[8, 0], &header, payload].concat()
}

fn tcp(text: &[u8]) -> Vec<u8> {
    let ports_and_numbers = [&[0, 7, 0, 9][..], &SEQUENCE.to_be_bytes(), &[0, 0, 0, 5]].concat();
    let payload = [&ports_and_numbers[..], &[0x50, FLAGS, 1, 0, 7, 7, 0, 0], text].concat();
    ipv4(&[], 6, &payload)
}

fn udp(text: &[u8]) -> Vec<u8> {
    let length = u16::try_from(8 + text.len()).unwrap().to_be_bytes();
    ipv4(&[], 17, &[&[0, 7, 0, 9, length[0], length[1], 7, 7][..], text].concat())
}

fn cut(frame: &[u8], segmentation: Segmentation) -> Result<Vec<Vec<u8>>, SegmentationError> {
    let segments = FrameSegments::new(frame, segmentation)?;
    Ok(segments
        .map(|segment| {
            let mut bytes = vec![0; segment.len()];
            segment.write_to(&mut bytes).unwrap();
            bytes
        })
        .collect())
}

/// Returns whether the checksums of an untagged frame are valid.
fn has_valid_checksums(frame: &[u8]) -> bool {
    let (header, payload) = frame[14..].split_at(20);
    let length = u16::try_from(payload.len()).unwrap();
    let pseudo_header = Sum::default().plus(&header[12..20]).plus_word(header[9].into()).plus_word(length);
    checksum::is_valid(header) && pseudo_header.plus(payload).checksum() == 0
}

#[test]
fn tcp_segments_have_consecutive_numbers_and_flags_of_their_place() {
    let segments = cut(&tcp(b"abcdefgh"), of_kind(SegmentationKind::TcpV4, 3, HEADERS)).unwrap();
    let fields: Vec<_> = segments
        .iter()
        .map(|bytes| {
            let (length, identification) = (u16_at(bytes, 16), u16_at(bytes, 18));
            let sequence = u32::from_be_bytes(bytes[38..42].try_into().unwrap());
            (length, identification, sequence, bytes[47], &bytes[54..])
        })
        .collect();
    assert_eq!(
        fields,
        [(43, 0xffff, SEQUENCE, 0x90, &b"abc"[..]), (43, 0, 1, 0x10, b"def"), (42, 1, 4, 0x19, b"gh"),]
    );
    assert!(segments.iter().all(|bytes| has_valid_checksums(bytes)), "a checksum is wrong");
    assert!(segments.iter().all(|bytes| bytes[..16] == tcp(b"")[..16]), "the link header differs");
}

#[test]
fn udp_segments_have_their_lengths() {
    let segments = cut(&udp(b"abcdefgh"), of_kind(SegmentationKind::Udp, 3, 42)).unwrap();
    let fields: Vec<_> = segments
        .iter()
        .map(|bytes| (u16_at(bytes, 16), u16_at(bytes, 18), u16_at(bytes, 38), &bytes[42..]))
        .collect();
    assert_eq!(fields, [(31, 0xffff, 11, &b"abc"[..]), (31, 0, 11, b"def"), (30, 1, 10, b"gh")]);
    assert!(segments.iter().all(|bytes| has_valid_checksums(bytes)), "a checksum is wrong");
}

#[test]
fn udp_checksum_of_zero_is_written_as_all_ones() {
    // This text makes the sum of the first segment 0xffff.
    let checksum_without_text = {
        let segments = cut(&udp(&[0, 0, 1]), of_kind(SegmentationKind::Udp, 2, 42)).unwrap();
        u16_at(&segments[0], 40)
    };
    let text = [&checksum_without_text.to_be_bytes()[..], &[1]].concat();
    let segments = cut(&udp(&text), of_kind(SegmentationKind::Udp, 2, 42)).unwrap();
    assert_eq!(segments[0][40..42], [0xff, 0xff]);
}

#[test]
fn frame_of_one_segment_keeps_its_flags() {
    for text in [&b""[..], b"abc"] {
        let segments = cut(&tcp(text), of_kind(SegmentationKind::TcpV4, 3, HEADERS)).unwrap();
        assert_eq!(segments.len(), 1, "{text:?}");
        assert_eq!((segments[0].len(), segments[0][47]), (54 + text.len(), FLAGS), "{text:?}");
        assert!(has_valid_checksums(&segments[0]), "a checksum is wrong: {text:?}");
    }
}

#[test]
fn tags_are_in_each_segment() {
    let (outer, inner) = ([0x88, 0xa8, 0, 1], [0x81, 0, 0, 2]);
    let payload = &tcp(b"abcd")[34..];
    for tags in [outer.to_vec(), inner.to_vec(), [outer, inner].concat()] {
        let frame = ipv4(&tags, 6, payload);
        let header = HEADERS + u16::try_from(tags.len()).unwrap();
        let segments = cut(&frame, of_kind(SegmentationKind::TcpV4, 3, header)).unwrap();
        let texts: Vec<_> = segments.iter().map(|bytes| &bytes[header.into()..]).collect();
        assert_eq!(texts, [&b"abc"[..], b"d"], "{tags:?}");
        assert!(segments.iter().all(|bytes| bytes[12..].starts_with(&tags)), "a tag is missing: {tags:?}");
    }
    let three = ipv4(&[outer, inner, inner].concat(), 6, payload);
    let error = cut(&three, of_kind(SegmentationKind::TcpV4, 3, HEADERS + 12)).unwrap_err();
    assert_eq!(error, SegmentationError::NoIpv4);
}

#[test]
fn padding_is_in_no_segment() {
    let padded = [&udp(b"abcd")[..], &[0; 14]].concat();
    let segmentation = of_kind(SegmentationKind::Udp, 3, 42);
    assert_eq!(cut(&padded, segmentation), cut(&udp(b"abcd"), segmentation));
}

#[test]
fn invalid_frames_are_refused() {
    let (tcp_v4, tcp_frame) = (of_kind(SegmentationKind::TcpV4, 3, HEADERS), tcp(b"abcd"));
    let changed = |position: usize, value: u8| {
        let mut frame = tcp_frame.clone();
        frame[position] = value;
        frame
    };
    let mut short_udp = udp(b"abcd");
    short_udp[39] = 11;
    for (frame, segmentation, expected) in [
        (tcp_frame.clone(), of_kind(SegmentationKind::TcpV6, 3, HEADERS), SegmentationError::Protocol),
        (tcp_frame.clone(), of_kind(SegmentationKind::Udp, 3, 42), SegmentationError::Protocol),
        (udp(b"abcd"), tcp_v4, SegmentationError::Protocol),
        (tcp_frame.clone(), of_kind(SegmentationKind::TcpV4, 0, HEADERS), SegmentationError::Size),
        (tcp_frame.clone(), of_kind(SegmentationKind::TcpV4, 3, HEADERS + 1), SegmentationError::Header),
        // The EtherType, the version, and the length of the IPv4 header.
        (changed(13, 6), tcp_v4, SegmentationError::NoIpv4),
        (changed(14, 0x65), tcp_v4, SegmentationError::NoIpv4),
        (changed(14, 0x44), tcp_v4, SegmentationError::NoIpv4),
        (changed(14, 0x46), tcp_v4, SegmentationError::Length),
        // The total length: shorter and longer than the headers and the frame.
        (changed(17, 39), tcp_v4, SegmentationError::Length),
        (changed(17, 19), tcp_v4, SegmentationError::Length),
        (changed(17, 45), tcp_v4, SegmentationError::Length),
        // The fragment flag and the fragment offset.
        (changed(20, 0x20), tcp_v4, SegmentationError::Fragment),
        (changed(21, 1), tcp_v4, SegmentationError::Fragment),
        // The data offset.
        (changed(46, 0x40), tcp_v4, SegmentationError::Length),
        (changed(46, 0xf0), tcp_v4, SegmentationError::Header),
        (short_udp, of_kind(SegmentationKind::Udp, 3, 42), SegmentationError::Length),
    ] {
        assert_eq!(cut(&frame, segmentation), Err(expected), "{segmentation:?}, {frame:x?}");
    }
    for length in 0..54 {
        assert!(cut(&tcp_frame[..length], tcp_v4).is_err(), "a frame of {length} bytes is accepted");
    }
}

#[test]
fn short_buffer_is_refused_and_unchanged() {
    let frame = tcp(b"abcd");
    let mut segments = FrameSegments::new(&frame, of_kind(SegmentationKind::TcpV4, 3, HEADERS)).unwrap();
    let mut bytes = [7; 56];
    assert_eq!(segments.next().unwrap().write_to(&mut bytes), Err(OutOfSpace));
    assert_eq!(bytes, [7; 56]);
}
