use super::*;
use proptest::prelude::*;

#[test]
fn new_frame_is_empty_and_holds_mtu_two_tags_and_one_byte() {
    let mut frame = Frame::for_mtu(1500);
    assert!(frame.is_empty());
    assert_eq!(frame.append(1500 + 14 + 8 + 1).map(|tail| tail.len()), Ok(1523));
    assert_eq!(frame.append(1), Err(OutOfSpace));
    assert!(frame.is_full());
}

#[test]
fn appended_bytes_are_zero_when_storage_was_used_before() {
    let mut frame = Frame::for_mtu(100);
    frame.write(&[0xff; 80]).unwrap();
    frame.write(&[1, 2]).unwrap();
    frame.append(40).unwrap();
    assert_eq!(&frame.bytes()[..2], &[1, 2]);
    assert!(frame.bytes()[2..].iter().all(|byte| *byte == 0));
}

#[test]
fn fill_is_limited_to_space_when_read_claims_more() {
    let mut frame = Frame::for_mtu(10);
    assert_eq!(frame.fill(|_| Ok(1_000_000)).unwrap(), 10 + 14 + 8 + 1);
    assert!(frame.is_full());
}

#[test]
fn frame_is_empty_when_read_fails() {
    let mut frame = Frame::for_mtu(10);
    frame.write(&[1; 4]).unwrap();
    assert!(frame.fill(|_| Err(io::ErrorKind::WouldBlock.into())).is_err());
    assert!(frame.is_empty());
}

#[test]
fn header_is_replaced_without_moving_payload() {
    let mut frame = Frame::for_mtu(100);
    frame.write(b"long header|payload|padding").unwrap();
    frame.narrow(12, 7).unwrap();
    frame.prepend(4).unwrap().copy_from_slice(b"new|");
    assert_eq!(frame.bytes(), b"new|payload");
}

#[test]
fn prepend_fails_when_headroom_is_exhausted() {
    let mut frame = Frame::for_mtu(100);
    assert!(frame.prepend(Frame::HEADROOM).is_ok());
    assert_eq!(frame.prepend(1), Err(OutOfSpace));
}

proptest! {
    #[test]
    fn frame_stays_within_storage_after_any_calls(
        calls in prop::collection::vec((0_u8..5, any::<usize>(), 0_usize..200), 0..50),
    ) {
        let mut frame = Frame::for_mtu(64);
        for (call, huge, small) in calls {
            match call {
                0 => drop(frame.prepend(small)),
                1 => drop(frame.append(small)),
                2 => drop(frame.narrow(small, small)),
                3 => drop(frame.append(huge)),
                _ => drop(frame.narrow(huge, huge)),
            }
            prop_assert!(frame.len() <= frame.capacity());
            prop_assert_eq!(frame.bytes().len(), frame.len());
        }
    }
}
