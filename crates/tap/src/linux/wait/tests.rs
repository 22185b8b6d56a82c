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
fn wait_returns_tokens_of_ready_descriptors() {
    let [quiet, first, second] = std::array::from_fn(|_| Stop::new().unwrap());
    let ready = || {
        let descriptors = [
            Descriptor::readable(quiet.as_fd(), 'q'),
            Descriptor::readable(first.as_fd(), 'a'),
            Descriptor::readable(second.as_fd(), 'b'),
        ];
        wait(descriptors, Some(Duration::ZERO)).unwrap()
    };
    assert_eq!(ready(), Readiness::default());
    assert!(ready().is_empty());
    second.raise();
    assert!(ready().iter().eq(['b']));
    first.raise();
    assert!(ready().iter().eq(['a', 'b']));
    assert!(ready().contains('a') && !ready().contains('q'));
    assert!(ready().filter_map(|token| (token == 'b').then_some(2)).iter().eq([2]));
}

#[test]
fn wait_ends_when_descriptor_is_writable() {
    let stop = Stop::new().unwrap();
    let descriptor = Descriptor::readable(stop.as_fd(), 'a').map(|token| (token, 1));
    assert!(wait([descriptor.or_writable(false)], Some(Duration::ZERO)).unwrap().is_empty());
    assert!(wait([descriptor.or_writable(true)], Some(LONG)).unwrap().iter().eq([('a', 1)]));
    // A descriptor that is only readable does not end a wait until it is writable.
    let (readable, mut writable) = std::io::pipe().unwrap();
    std::io::Write::write_all(&mut writable, b"x").unwrap();
    assert!(wait([Descriptor::writable(readable.as_fd(), 'r')], Some(Duration::ZERO)).unwrap().is_empty());
    assert!(wait([Descriptor::writable(writable.as_fd(), 'w')], Some(LONG)).unwrap().contains('w'));
}

#[test]
fn wait_without_descriptors_ends_at_time_limit() {
    assert!(wait::<()>([], Some(Duration::from_millis(1))).unwrap().is_empty());
}

#[test]
fn wait_fails_when_descriptors_exceed_maximum() {
    let stop = Stop::new().unwrap();
    stop.raise();
    let waited = |count| {
        wait(
            [(); MAX_DESCRIPTORS + 1].iter().take(count).map(|()| Descriptor::readable(stop.as_fd(), ())),
            None,
        )
    };
    assert_eq!(waited(MAX_DESCRIPTORS).unwrap().iter().count(), MAX_DESCRIPTORS);
    assert_eq!(waited(MAX_DESCRIPTORS + 1).unwrap_err().kind(), io::ErrorKind::InvalidInput);
}
