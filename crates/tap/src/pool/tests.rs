use super::*;
use proptest::prelude::*;

#[test]
fn returned_frame_is_taken_next_and_is_empty() {
    let mut pool = Pool::new(1500, 4);
    let mut frame = pool.take().unwrap();
    frame.write(b"used").unwrap();
    let storage = frame.bytes().as_ptr();
    pool.give(frame);
    let mut again = pool.take().unwrap();
    assert!(again.is_empty());
    again.append(1).unwrap();
    assert_eq!(again.bytes().as_ptr(), storage);
}

#[test]
fn pool_refuses_and_counts_when_limit_is_reached() {
    let mut pool = Pool::new(1500, 1);
    let frame = pool.take();
    assert!(frame.is_some());
    assert!(pool.take().is_none());
    assert_eq!((pool.held(), pool.exhausted()), (1, 1));
}

#[test]
fn returned_large_frame_is_not_taken_as_small() {
    let mut pool = Pool::new(1500, 1);
    let large = pool.take_large().unwrap();
    assert!(large.capacity() > 65_535);
    pool.give(large);
    assert!(pool.take().unwrap().capacity() < 2_000);
}

#[test]
fn frame_sizes_stay_distinct_when_mtu_is_maximum() {
    let mut pool = Pool::new(65_535, 1);
    let large = pool.take_large().unwrap();
    pool.give(large);
    assert_eq!(pool.held(), 0);
    assert!(pool.take_large().is_some());
}

#[test]
fn frame_can_be_taken_when_held_one_is_forgotten() {
    let mut pool = Pool::new(1500, 1);
    drop(pool.take());
    assert!(pool.take().is_none());
    pool.forget(1);
    assert!(pool.take().is_some());
}

proptest! {
    #[test]
    fn held_equals_taken_minus_given(steps in prop::collection::vec(any::<(bool, bool)>(), 0..200)) {
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

#[test]
fn grown_pool_gives_larger_frames_and_counts_all() {
    let mut pool = Pool::new(1_500, 4);
    let (old, kept) = (pool.take().unwrap(), pool.take().unwrap());
    pool.give(kept);
    pool.grow(576);
    assert_eq!(pool.mtu(), 1_500, "the pool shrank");
    pool.grow(9_000);
    assert_eq!(pool.mtu(), 9_000);
    let large = pool.take_large().unwrap();
    let frames: Vec<_> = std::iter::from_fn(|| pool.take()).collect();
    assert!(frames.iter().all(|frame| frame.capacity() == Frame::capacity_for(9_000)));
    assert_eq!((frames.len(), pool.held()), (3, 5));
    pool.give(old);
    pool.give(large);
    for frame in frames {
        pool.give(frame);
    }
    assert_eq!(pool.held(), 0);
    assert_eq!(pool.take().unwrap().capacity(), Frame::capacity_for(9_000));
}

#[test]
fn small_and_large_frames_stay_distinct_at_any_mtu() {
    for mtu in [65_534, 65_535, 65_536, usize::MAX] {
        let mut pool = Pool::new(1_500, 2);
        pool.grow(mtu);
        assert_eq!(pool.mtu(), mtu.min(Pool::MAX_MTU));
        let (small, large) = (pool.take().unwrap(), pool.take_large().unwrap());
        pool.give(small);
        assert_eq!((pool.small.held, pool.large.held), (0, 1));
        pool.give(large);
        assert_eq!((pool.small.free.len(), pool.large.free.len()), (1, 1));
    }
}

#[test]
fn large_frames_have_their_own_limit() {
    let mut pool = Pool::new(1_500, 3).with_large_limit(1);
    assert!(pool.take_large().is_some() && pool.take_large().is_none());
    assert_eq!(std::iter::from_fn(|| pool.take()).count(), 3);
}

#[test]
fn frame_taken_before_pool_grew_is_freed_when_it_returns() {
    let mut pool = Pool::new(65_535, 2);
    let mut small = Pool::new(1_500, 2);
    let old = small.take().unwrap();
    small.grow(Pool::MAX_MTU);
    small.give(old);
    assert_eq!((small.held(), small.small.free.len(), small.large.free.len()), (0, 0, 0));
    let frame = pool.take().unwrap();
    pool.give(frame);
    assert_eq!((pool.small.free.len(), pool.large.free.len()), (1, 0));
}

#[test]
fn free_frames_are_kept_when_pool_cannot_grow() {
    let mut pool = Pool::new(1_500, 4);
    for mtu in [65_535, 65_536, usize::MAX] {
        pool.grow(mtu);
        let frame = pool.take().unwrap();
        pool.give(frame);
        pool.grow(mtu);
        assert_eq!(pool.small.free.len(), 1, "{mtu}");
    }
}
