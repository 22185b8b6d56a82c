use std::cell::Cell;

use super::*;

const LONG: Duration = Duration::from_hours(1);

#[test]
fn busy_poll_ends_when_poll_returns_true() {
    let polls = Cell::new(0);
    let poll = || {
        polls.set(polls.get() + 1);
        Ok::<_, ()>(polls.get() == 3)
    };
    assert_eq!((busy_poll(LONG, poll), polls.get()), (Ok(true), 3));
}

#[test]
fn busy_poll_ends_at_time_limit_when_poll_returns_false() {
    let polls = Cell::new(0);
    let poll = || {
        polls.set(polls.get() + 1);
        Ok::<_, ()>(false)
    };
    assert_eq!(busy_poll(Duration::from_millis(1), poll), Ok(false));
    assert!(polls.replace(0) > 0);
    assert_eq!((busy_poll(Duration::ZERO, poll), polls.get()), (Ok(false), 0));
}

#[test]
fn busy_poll_ends_when_poll_fails() {
    assert_eq!(busy_poll(LONG, || Err("gone")), Err("gone"));
}

#[test]
fn wait_ends_when_further_descriptor_is_readable() {
    let [device, stop, quiet, raised] = std::array::from_fn(|_| Stop::new().unwrap());
    let wait_now = |others: &[BorrowedFd<'_>]| {
        wait(device.as_fd(), false, stop.as_fd(), others, Some(Duration::ZERO)).unwrap()
    };
    assert_eq!(wait_now(&[quiet.as_fd(); MAX_OTHERS]), Readiness::default());
    raised.raise();
    assert_eq!(
        wait_now(&[quiet.as_fd(), raised.as_fd()]),
        Readiness { others: true, ..Readiness::default() }
    );
    stop.raise();
    assert_eq!(wait_now(&[quiet.as_fd()]), Readiness { stop: true, ..Readiness::default() });
}

#[test]
fn wait_fails_when_descriptors_exceed_maximum() {
    let stop = Stop::new().unwrap();
    let error = wait(stop.as_fd(), false, stop.as_fd(), &[stop.as_fd(); MAX_OTHERS + 1], None).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
}
