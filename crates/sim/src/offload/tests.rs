use super::*;
use proptest::prelude::*;
use tap::{Segmentation, SegmentationKind};

fn segmented(size: u16, header: u16) -> Offload {
    let segmentation = Segmentation { kind: SegmentationKind::TcpV4, size, header, cwr: false };
    Offload { segmentation: Some(segmentation), ..Offload::default() }
}

#[test]
fn each_segment_has_headers_on_the_wire() {
    for (length, size, header, expected) in [
        (54, 1_460, 54, 54),
        (54 + 1_460, 1_460, 54, 1_514),
        (54 + 1_461, 1_460, 54, 54 + 1_460 + 54 + 1),
        (54 + 44 * 1_460, 1_460, 54, 44 * 1_514),
        // Invalid settings of a frame.
        (54 + 3, 0, 54, 3 * 55),
        (20, 1_460, 54, 20),
    ] {
        assert_eq!(length_on_wire(length, segmented(size, header)), expected, "{length}, {size}, {header}");
    }
    assert_eq!(length_on_wire(1_514, Offload::default()), 1_514);
}

/// Returns the pseudo-header of a UDP datagram with this length.
fn pseudo_header(length: u16) -> Vec<u8> {
    [&[10, 0, 0, 1, 10, 0, 0, 2, 0, 17][..], &length.to_be_bytes()].concat()
}

proptest! {
    #[test]
    fn completed_checksum_is_valid(data in prop::collection::vec(any::<u8>(), 0..2_000), headers in 0_u16..60) {
        let length = u16::try_from(data.len() + 8).unwrap();
        let pseudo = !checksum::of(&pseudo_header(length));
        let udp = [&[0, 7, 0, 9][..], &length.to_be_bytes(), &pseudo.to_be_bytes(), &data].concat();
        let mut frame = [&vec![9; headers.into()][..], &udp].concat();
        let mut offload = Offload { checksum: Checksum::Partial { start: headers, offset: 6 }, segmentation: None };
        complete_checksum(&mut frame, &mut offload);
        prop_assert_eq!(offload.checksum, Checksum::None);
        let complete = &frame[headers.into()..];
        prop_assert_ne!(&complete[6..8], &[0, 0]);
        prop_assert!(checksum::is_valid(&[&pseudo_header(length), complete].concat()));
    }

    #[test]
    fn positions_beyond_the_frame_are_ignored(length in 0_usize..20, start in 0_u16..30, offset in 0_u16..30) {
        let mut frame = vec![1; length];
        complete_checksum(&mut frame, &mut Offload { checksum: Checksum::Partial { start, offset }, segmentation: None });
        let is_inside = usize::from(start + offset) + 2 <= length;
        prop_assert_eq!(is_inside, frame != vec![1; length]);
    }
}

#[test]
fn checksum_of_zero_is_written_as_all_ones() {
    let mut frame = [0xff, 0xff, 0, 0];
    let mut offload = Offload { checksum: Checksum::Partial { start: 0, offset: 2 }, segmentation: None };
    complete_checksum(&mut frame, &mut offload);
    assert_eq!(frame, [0xff; 4]);
}

#[test]
fn verified_checksum_must_be_checked_after_the_wire() {
    let mut offload = Offload { checksum: Checksum::Verified, segmentation: None };
    complete_checksum(&mut [], &mut offload);
    assert_eq!(offload, Offload::default());
}
