use super::*;

fn frame(bytes: &[u8], is_whole: bool) -> RingFrame<'_> {
    let metadata = FrameMetadata::default();
    RingFrame { bytes, metadata, virtio_header: None, is_whole, is_oversized: false, has_losses: false }
}

#[test]
fn ring_frame_fills_space_when_truncated_or_too_long() {
    let mut space = [0; 16];
    assert_eq!(frame(b"ddddddssssssTTpp", false).write_to(&mut space), 16);
    assert_eq!(frame(b"ddddddssssssTTppp", true).write_to(&mut space), 16);
    assert_eq!(space, [0; 16], "a frame that does not fit was written");
    assert_eq!(frame(b"ddddddssssssTT", true).write_to(&mut space), 14);
    assert_eq!(&space, b"ddddddssssssTT\0\0");
}

#[test]
fn ring_slots_hold_longest_frame_and_are_within_blocks() {
    for mtu in [68, 1_500, 9_000, 65_521, 65_535] {
        let layout = RingLayout::for_mtu(mtu);
        assert!(
            layout.slot >= RingLayout::SLOT_HEADER + Frame::space_for(mtu) && layout.slot.is_multiple_of(64),
            "{mtu}"
        );
        assert!(layout.slots() >= 64 && layout.block.is_multiple_of(RingLayout::BLOCK), "{mtu}");
        let mut end = 0;
        for slot in 0..layout.slots() {
            let begin = layout.offset(slot);
            assert!(begin >= end, "slots overlap");
            end = begin + layout.slot;
            assert_eq!(begin / layout.block, (end - 1) / layout.block, "slot crosses a block boundary");
        }
        assert!(end <= layout.bytes());
    }
}
