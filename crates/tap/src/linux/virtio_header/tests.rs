use super::*;
use proptest::prelude::*;

fn segmented(kind: SegmentationKind, cwr: bool) -> Offload {
    Offload {
        checksum: Checksum::Partial { start: 34, offset: 16 },
        segmentation: Some(Segmentation { kind, size: 1_448, header: 66, cwr }),
    }
}

#[test]
fn header_of_superframe_has_fields_of_specification() {
    let [[a, b], [c, d], [e, f], [g, h]] = [66_u16, 1_448, 34, 16].map(u16::to_ne_bytes);
    let expected = [1, 0x81, a, b, c, d, e, f, g, h];
    assert_eq!(encode(segmented(SegmentationKind::TcpV4, true), 66 + 1_449), expected);
    assert_eq!(encode(segmented(SegmentationKind::Udp, false), 66 + 1_449)[1], 5);
}

#[test]
fn frame_with_one_segment_has_no_segmentation_in_its_header() {
    let header = encode(segmented(SegmentationKind::TcpV4, false), 66 + 1_448);
    let [[a, b], [c, d]] = [34_u16, 16].map(u16::to_ne_bytes);
    assert_eq!(header, [1, 0, 0, 0, 0, 0, a, b, c, d]);
    assert_eq!(encode(Offload::default(), 42), [0; LENGTH]);
}

#[test]
fn verified_checksum_is_received_and_not_sent() {
    let verified = Offload { checksum: Checksum::Verified, segmentation: None };
    assert_eq!(decode([2, 0, 0, 0, 0, 0, 0, 0, 0, 0]), verified);
    assert_eq!(encode(verified, 42), [0; LENGTH]);
}

proptest! {
    #[test]
    fn state_of_superframe_is_equal_after_encoding_and_decoding(
        kind in prop_oneof![
            Just(SegmentationKind::TcpV4), Just(SegmentationKind::TcpV6), Just(SegmentationKind::Udp)
        ],
        (size, header, start, offset) in any::<(u16, u16, u16, u16)>(),
        cwr: bool,
    ) {
        let state = Offload {
            checksum: Checksum::Partial { start, offset },
            segmentation: Some(Segmentation { kind, size, header, cwr }),
        };
        prop_assert_eq!(decode(encode(state, usize::MAX)), state);
    }

    #[test]
    fn any_received_header_is_decoded(header: [u8; LENGTH]) {
        let state = decode(header);
        prop_assert_eq!(matches!(state.checksum, Checksum::Partial { .. }), header[0] & 1 == 1);
    }
}

#[test]
fn headers_of_received_frame_end_with_its_transport_header() {
    // The hint of the kernel is the length of the frame.
    let frame = |data_offset: u8| {
        let mut bytes = vec![0; 2_962];
        bytes[34 + 12] = data_offset << 4;
        let mut frame = Frame::for_mtu(3_000);
        frame.write(&bytes).unwrap();
        frame
    };
    let hinted = |kind, header| Offload {
        checksum: Checksum::Partial { start: 34, offset: 16 },
        segmentation: Some(Segmentation { kind, size: 1_448, header, cwr: false }),
    };
    let received = |offload, data_offset| {
        let mut frame = frame(data_offset);
        apply_to(&mut frame, encode(offload, usize::MAX));
        frame.offload().segmentation.unwrap().header
    };
    assert_eq!(received(hinted(SegmentationKind::TcpV4, 2_962), 8), 66);
    assert_eq!(received(hinted(SegmentationKind::TcpV4, 0), 5), 54);
    assert_eq!(received(hinted(SegmentationKind::Udp, 2_962), 5), 42);
    let without_positions =
        |header| Offload { checksum: Checksum::None, ..hinted(SegmentationKind::TcpV4, header) };
    assert_eq!(received(without_positions(66), 8), 66);
    assert_eq!(received(without_positions(2_962), 8), 0);
    let mut short = Frame::for_mtu(100);
    apply_to(&mut short, encode(hinted(SegmentationKind::TcpV4, 66), usize::MAX));
    assert_eq!(short.offload().segmentation.unwrap().header, 34);
}
