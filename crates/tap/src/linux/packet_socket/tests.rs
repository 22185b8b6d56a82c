use super::*;

#[test]
fn vlan_tag_is_inserted_after_addresses() {
    let mut space = [0; 32];
    space[..16].copy_from_slice(b"ddddddssssssTTpp");
    assert_eq!(insert_tag(&mut space, 16, *b"tag!"), 20);
    assert_eq!(&space[..20], b"ddddddsssssstag!TTpp");
}

#[test]
fn frame_fills_space_when_vlan_tag_does_not_fit() {
    let mut space = *b"ddddddssssssTTpppp";
    assert_eq!(insert_tag(&mut space, 16, *b"tag!"), 18);
    assert_eq!(&space, b"ddddddsssssstag!TT");
}

#[test]
fn vlan_tag_is_not_inserted_when_frame_has_no_addresses() {
    assert_eq!(insert_tag(&mut [0; 10], 3, *b"tag!"), 3);
}
