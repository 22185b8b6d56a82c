use super::*;
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

#[test]
fn verified_checksum_must_be_checked_after_the_wire() {
    let mut offload = Offload { checksum: Checksum::Verified, segmentation: None };
    complete_checksum(&mut [], &mut offload);
    assert_eq!(offload, Offload::default());
}

#[test]
fn checksum_of_a_frame_that_leaves_a_network_card_is_complete() {
    let offload = Offload { checksum: Checksum::Partial { start: 0, offset: 2 }, segmentation: None };
    assert_eq!(cut(vec![0x12, 0x34, 0, 9], offload), Some(vec![vec![0x12, 0x34, 0xed, 0xc2]]));
    assert_eq!(cut(vec![0; 60], segmented(3, 54)), None);
}
