use super::*;

fn arrival(octets: &[u8], tag: Option<[u8; 4]>, is_whole: bool) -> Arrival<'_> {
    let about = Auxiliary { tag, ..Auxiliary::default() };
    Arrival { octets, about, is_whole, is_kept: false, has_lost: false }
}

#[test]
fn a_frame_is_written_with_its_tag_behind_the_addresses() {
    let mut space = [0; 32];
    assert_eq!(arrival(b"ddddddssssssTTpp", None, true).write_to(&mut space), 16);
    assert_eq!(&space[..16], b"ddddddssssssTTpp");
    assert_eq!(arrival(b"ddddddssssssTTpp", Some(*b"tag!"), true).write_to(&mut space), 20);
    assert_eq!(&space[..20], b"ddddddsssssstag!TTpp");
}

#[test]
fn what_is_cut_short_or_does_not_fit_fills_the_space() {
    let mut space = [0; 18];
    assert_eq!(arrival(b"ddddddssssssTTpp", None, false).write_to(&mut space), 18);
    assert_eq!(arrival(b"ddddddssssssTTpp", Some(*b"tag!"), true).write_to(&mut space), 18);
    assert_eq!(space, [0; 18], "nothing was written");
}

#[test]
fn slots_hold_the_longest_frame_and_lie_whole_in_their_blocks() {
    for mtu in [68, 1_500, 9_000, 65_521, 65_535] {
        let shape = Shape::for_mtu(mtu);
        assert!(
            shape.slot >= Shape::HEAD + Frame::capacity_for(mtu) && shape.slot.is_multiple_of(64),
            "{mtu}"
        );
        assert!(shape.slots() >= 64 && shape.block.is_multiple_of(Shape::BLOCK), "{mtu}");
        let mut end = 0;
        for slot in 0..shape.slots() {
            let begin = shape.offset(slot);
            assert!(begin >= end, "one after the other");
            end = begin + shape.slot;
            assert_eq!(begin / shape.block, (end - 1) / shape.block, "within a block");
        }
        assert!(end <= shape.octets());
    }
}
