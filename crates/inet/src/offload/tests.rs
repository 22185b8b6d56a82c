use super::*;
use proptest::prelude::*;
use tap::Offload;

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
        complete_checksum(&mut frame, Checksum::Partial { start: headers, offset: 6 });
        let complete = &frame[headers.into()..];
        prop_assert_ne!(&complete[6..8], &[0, 0]);
        prop_assert!(checksum::is_valid(&[&pseudo_header(length), complete].concat()));
    }

    #[test]
    fn positions_beyond_the_frame_are_ignored(length in 0_usize..20, start in 0_u16..30, offset in 0_u16..30) {
        let mut frame = vec![1; length];
        complete_checksum(&mut frame, Checksum::Partial { start, offset });
        let is_inside = usize::from(start + offset) + 2 <= length;
        prop_assert_eq!(is_inside, frame != vec![1; length]);
    }
}

#[test]
fn checksum_of_zero_is_written_as_all_ones() {
    let mut frame = [0xff, 0xff, 0, 0];
    complete_checksum(&mut frame, Checksum::Partial { start: 0, offset: 2 });
    assert_eq!(frame, [0xff; 4]);
}

#[test]
fn frame_without_partial_checksum_does_not_change() {
    for checksum in [Checksum::None, Checksum::Verified] {
        let mut frame = [1; 4];
        complete_checksum(&mut frame, checksum);
        assert_eq!(frame, [1; 4], "{checksum:?}");
    }
}

#[test]
fn only_a_frame_with_partial_checksum_is_copied() {
    let mut frame = Frame::for_mtu(100);
    frame.write(&[0, 1, 0, 2, 0x12, 0x34]).unwrap();
    for checksum in [Checksum::None, Checksum::Verified] {
        frame.set_offload(Offload { checksum, segmentation: None });
        assert!(
            matches!(completed_bytes(&frame), Cow::Borrowed(bytes) if bytes == frame.bytes()),
            "{checksum:?}"
        );
    }
    frame.set_offload(Offload { checksum: Checksum::Partial { start: 0, offset: 4 }, segmentation: None });
    assert_eq!(*completed_bytes(&frame), [0, 1, 0, 2, 0xed, 0xc8]);
    assert_eq!(frame.bytes(), [0, 1, 0, 2, 0x12, 0x34]);
}
