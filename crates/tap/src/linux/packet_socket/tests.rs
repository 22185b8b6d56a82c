use super::*;

#[test]
fn a_tag_goes_behind_the_addresses() {
    let mut space = [0; 32];
    space[..16].copy_from_slice(b"ddddddssssssTTpp");
    assert_eq!(insert_tag(&mut space, 16, *b"tag!"), 20);
    assert_eq!(&space[..20], b"ddddddsssssstag!TTpp");
}

#[test]
fn a_frame_without_room_for_its_tag_fills_the_space() {
    let mut space = *b"ddddddssssssTTpppp";
    assert_eq!(insert_tag(&mut space, 16, *b"tag!"), 18);
    assert_eq!(&space, b"ddddddsssssstag!TT");
}

#[test]
fn what_has_no_addresses_gets_no_tag() {
    assert_eq!(insert_tag(&mut [0; 10], 3, *b"tag!"), 3);
}
