use super::*;
use proptest::prelude::*;

/// Length of the headers of an untagged datagram, in bytes.
const HEADERS: usize = 42;

/// Returns the sum of the words of `bytes` in one's complement.
fn sum(bytes: &[u8]) -> u16 {
    bytes.chunks(2).fold(0, |sum, word| {
        add(sum, u16::from_be_bytes([word[0], word.get(1).copied().unwrap_or_default()]))
    })
}

/// Returns the sum of the pseudo-header of a datagram with these headers.
fn pseudo_header(headers: &[u8]) -> u16 {
    let length = &headers[headers.len() - 4..headers.len() - 2];
    sum(&[&headers[headers.len() - 16..headers.len() - 8], &[0, 17], length].concat())
}

/// Returns the bytes of a datagram with a partial checksum.
fn datagram(identification: u8, data: &[u8]) -> Vec<u8> {
    let total = u16::try_from(28 + data.len()).unwrap();
    let length = u16::try_from(8 + data.len()).unwrap();
    let mut bytes = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0];
    bytes.extend(total.to_be_bytes());
    bytes.extend([0, identification, 0x40, 0, 64, 17, 0, 0, 10, 0, 0, 2, 10, 0, 0, 1, 0, 7, 0xc3, 0x50]);
    bytes.extend(length.to_be_bytes());
    bytes.extend([0, 0]);
    let checksum = !sum(&bytes[14..34]);
    bytes[24..26].copy_from_slice(&checksum.to_be_bytes());
    let partial = pseudo_header(&bytes);
    bytes[40..42].copy_from_slice(&partial.to_be_bytes());
    bytes.extend(data);
    bytes
}

fn marked(bytes: &[u8]) -> Frame {
    let mut frame = Frame::for_mtu(65_535);
    frame.write(bytes).unwrap();
    let size = u16::try_from(bytes.len() - HEADERS).unwrap();
    let segmentation = Segmentation { kind: SegmentationKind::Udp, size, header: 42, cwr: false };
    let checksum = Checksum::Partial { start: 34, offset: 6 };
    frame.set_offload(Offload { checksum, segmentation: Some(segmentation) });
    frame
}

fn frames(lengths: &[usize]) -> Vec<Frame> {
    lengths.iter().map(|length| marked(&datagram(0, &vec![7; *length]))).collect()
}

#[test]
fn equal_datagrams_are_joined_up_to_limits() {
    assert_eq!(run_length(&frames(&[])), 0);
    assert_eq!(run_length(&frames(&[64])), 1);
    assert_eq!(run_length(&frames(&[64; 3])), 3);
    assert_eq!(run_length(&frames(&[64; 100])), MAX_DATAGRAMS);
    assert_eq!(run_length(&frames(&[1_472; 64])), MAX_DATA / 1_472);
}

#[test]
fn shorter_datagram_is_last_of_its_frame() {
    assert_eq!(run_length(&frames(&[64, 64, 63, 63])), 3);
    assert_eq!(run_length(&frames(&[64, 63, 64])), 2);
    assert_eq!(run_length(&frames(&[64, 65, 64])), 1);
    assert_eq!(run_length(&frames(&[64, 64, 0])), 2);
    assert_eq!(run_length(&frames(&[0, 0])), 1);
}

#[test]
fn datagrams_are_joined_if_they_differ_only_in_fields_that_device_writes() {
    let first = datagram(0, &[1; 8]);
    // Total length, identification, header checksum, UDP length and UDP checksum.
    let written = [16, 17, 18, 19, 24, 25, 38, 39, 40, 41];
    for position in 0..HEADERS {
        let mut other = datagram(0, &[2; 8]);
        other[position] ^= 1;
        let expected = if written.contains(&position) { 2 } else { 1 };
        assert_eq!(run_length(&[marked(&first), marked(&other)]), expected, "byte {position}");
    }
}

#[test]
fn frame_is_not_joined_without_valid_mark() {
    let plain = marked(&datagram(0, &[1; 8]));
    let offload = plain.offload();
    let segmentation = offload.segmentation.unwrap();
    let invalid = [
        Offload::default(),
        Offload { segmentation: None, ..offload },
        Offload { checksum: Checksum::None, ..offload },
        Offload { checksum: Checksum::Partial { start: 34, offset: 16 }, ..offload },
        Offload { checksum: Checksum::Partial { start: 33, offset: 6 }, ..offload },
        Offload {
            segmentation: Some(Segmentation { kind: SegmentationKind::TcpV4, ..segmentation }),
            ..offload
        },
        Offload { segmentation: Some(Segmentation { size: 7, ..segmentation }), ..offload },
        Offload { segmentation: Some(Segmentation { header: 60, ..segmentation }), ..offload },
    ];
    for invalid in invalid {
        let mut frame = marked(&datagram(0, &[1; 8]));
        frame.set_offload(invalid);
        let other = marked(&datagram(0, &[1; 8]));
        assert!(headers(&frame, 8).is_none(), "{invalid:?}");
        assert_eq!(run_length(&[other, frame]), 1, "{invalid:?}");
    }
    let mut options = datagram(0, &[1; 8]);
    options[14] = 0x46;
    assert_eq!(run_length(&[marked(&options), marked(&options)]), 1);
    assert_eq!(run_length(&[plain, marked(&datagram(1, &[3; 8]))]), 2, "the valid mark was refused");
}

proptest! {
    #[test]
    fn joined_headers_are_those_of_one_datagram_with_all_data(
        lengths in prop::collection::vec(1_usize..1_000, 2..40),
        identification: u8,
    ) {
        let size = lengths[0];
        let mut all: Vec<_> = lengths.iter().map(|_| datagram(identification, &vec![9; size])).collect();
        let last = all.len() - 1;
        all[last] = datagram(identification, &vec![9; lengths[last].min(size)]);
        let frames: Vec<_> = all.iter().map(|bytes| marked(bytes)).collect();
        let count = run_length(&frames);
        prop_assert_eq!(count, frames.len());
        let data: usize = frames.iter().map(|frame| frame.len() - HEADERS).sum();
        let joined = headers(&frames[0], data - size).unwrap();
        // The datagram with all data has the same headers.
        let whole = datagram(identification, &vec![9; data]);
        prop_assert_eq!(joined.bytes(), &whole[..HEADERS]);
        prop_assert_eq!(joined.offload, frames[0].offload());
    }

    #[test]
    fn any_bytes_with_any_mark_are_accepted(
        bytes in prop::collection::vec(any::<u8>(), 0..100),
        (start, offset, size, header) in any::<(u16, u16, u16, u16)>(),
        more in 0_usize..70_000,
    ) {
        let mut frame = Frame::for_mtu(100);
        frame.write(&bytes).unwrap();
        for header in [header, u16::try_from(bytes.len()).unwrap().min(header), 42] {
            let segmentation = Some(Segmentation { kind: SegmentationKind::Udp, size, header, cwr: false });
            frame.set_offload(Offload { checksum: Checksum::Partial { start, offset }, segmentation });
            prop_assert_eq!(run_length([&frame]), 1);
            let _ = headers(&frame, more);
        }
    }
}
