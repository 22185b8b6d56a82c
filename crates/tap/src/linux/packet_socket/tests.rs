use super::*;

#[test]
fn vlan_tag_is_inserted_after_addresses() {
    let mut frame = Frame::for_mtu(100);
    frame.write(b"ddddddssssssTTpp").unwrap();
    FrameMetadata { tag: Some(*b"tag!"), ..FrameMetadata::default() }.apply_to(&mut frame, None);
    assert_eq!(frame.bytes(), b"ddddddsssssstag!TTpp");
}

#[test]
fn vlan_tag_is_not_inserted_when_frame_has_no_addresses() {
    let mut frame = Frame::for_mtu(100);
    frame.write(b"ddddddsssss").unwrap();
    FrameMetadata { tag: Some(*b"tag!"), ..FrameMetadata::default() }.apply_to(&mut frame, None);
    assert_eq!(frame.bytes(), b"ddddddsssss");
}
