use super::*;
use crate::Frame;

#[test]
fn offload_positions_move_with_bytes_of_frame() {
    let mut frame = Frame::for_mtu(1_500);
    frame.write(&[0; 100]).unwrap();
    let segmentation = Segmentation { kind: SegmentationKind::TcpV4, size: 50, header: 20, cwr: false };
    let offload = |start, header| Offload {
        checksum: Checksum::Partial { start, offset: 16 },
        segmentation: Some(Segmentation { header, ..segmentation }),
    };
    frame.set_offload(offload(0, 20));
    frame.prepend(20).unwrap();
    frame.prepend(14).unwrap();
    assert_eq!(frame.offload(), offload(34, 54));
    frame.narrow(14, 120).unwrap();
    assert_eq!(frame.offload(), offload(20, 40));
}

#[test]
fn offload_without_positions_does_not_change_with_bytes() {
    let mut frame = Frame::for_mtu(1_500);
    frame.write(&[0; 100]).unwrap();
    let verified = Offload { checksum: Checksum::Verified, segmentation: None };
    frame.set_offload(verified);
    frame.prepend(20).unwrap();
    frame.narrow(34, 80).unwrap();
    assert_eq!((frame.offload(), frame.offload().has_work()), (verified, false));
}

#[test]
fn segments_of_a_frame_have_the_headers_and_at_most_the_size() {
    let mut frame = Frame::for_mtu(1_500);
    frame.write(&[0; 30]).unwrap();
    assert_eq!((frame.segment_length(), frame.segments()), (30, 1));
    let segmentation = Segmentation { kind: SegmentationKind::TcpV4, size: 50, header: 20, cwr: false };
    for (length, longest, segments) in [(20, 20, 1), (70, 70, 1), (71, 70, 2), (120, 70, 2), (121, 70, 3)] {
        frame.write(&vec![0; length]).unwrap();
        frame.set_offload(Offload { segmentation: Some(segmentation), ..Offload::default() });
        assert_eq!((frame.segment_length(), frame.segments()), (longest, segments), "{length} bytes");
        frame.prepend(14).unwrap();
        assert_eq!((frame.segment_length(), frame.segments()), (longest + 14, segments), "{length} bytes");
    }
}
