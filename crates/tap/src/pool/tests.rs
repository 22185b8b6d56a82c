use super::*;
use proptest::prelude::*;

#[test]
fn a_frame_given_back_is_the_next_one_taken_and_is_empty() {
    let mut pool = Pool::new(1500, 4);
    let mut frame = pool.take().unwrap();
    frame.write(b"used").unwrap();
    let storage = frame.octets().as_ptr();
    pool.give(frame);
    let mut again = pool.take().unwrap();
    assert!(again.is_empty());
    again.append(1).unwrap();
    assert_eq!(again.octets().as_ptr(), storage);
}

#[test]
fn beyond_the_bound_the_refusal_is_counted() {
    let mut pool = Pool::new(1500, 1);
    let frame = pool.take();
    assert!(frame.is_some());
    assert!(pool.take().is_none());
    assert_eq!((pool.held(), pool.exhausted()), (1, 1));
}

#[test]
fn the_two_sizes_do_not_mix() {
    let mut pool = Pool::new(1500, 1);
    let large = pool.take_large().unwrap();
    assert!(large.capacity() > 65_535);
    pool.give(large);
    assert!(pool.take().unwrap().capacity() < 2_000);
}

#[test]
fn the_two_sizes_do_not_mix_on_a_wire_as_wide_as_a_datagram() {
    let mut pool = Pool::new(65_535, 1);
    let large = pool.take_large().unwrap();
    pool.give(large);
    assert_eq!(pool.held(), 0);
    assert!(pool.take_large().is_some());
}

#[test]
fn frames_written_off_make_room_for_others() {
    let mut pool = Pool::new(1500, 1);
    drop(pool.take());
    assert!(pool.take().is_none());
    pool.write_off(1);
    assert!(pool.take().is_some());
}

proptest! {
    #[test]
    fn taken_minus_given_is_held(steps in prop::collection::vec(any::<(bool, bool)>(), 0..200)) {
        let mut pool = Pool::new(100, 8);
        let mut outside = Vec::new();
        for (take, large) in steps {
            if take {
                outside.extend(if large { pool.take_large() } else { pool.take() });
            } else if let Some(frame) = outside.pop() {
                pool.give(frame);
            }
            prop_assert_eq!(pool.held(), outside.len());
            prop_assert!(outside.len() <= 16);
        }
    }
}
