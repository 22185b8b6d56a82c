use super::*;
use crate::watch::tests::{arguments, at, frame, ip, mac, observers, request, sample_frames};

/// Returns all pending events, as text with the place of the interface.
fn events(observers: &mut Observers) -> Vec<(usize, String)> {
    let events = std::iter::from_fn(|| observers.take_event());
    events.map(|(place, event)| (place, text::event_text(event))).collect()
}

#[test]
fn same_address_on_two_interfaces_is_no_conflict() {
    let mut observers = observers(&["eth0", "eth1"]);
    let claim = |last| frame(1, (mac(last), ip(7)), (link::MacAddr::ZERO, ip(1)));
    // The same claims on one interface are a conflict.
    for (place, last) in [(0, 1), (1, 2), (0, 1), (1, 2)] {
        observers.list[place].observe(at(0), &claim(last));
    }
    let new = |last| format!("new 10.0.0.7 is at {}", mac(last));
    assert_eq!(events(&mut observers), [(0, new(1)), (1, new(2))]);
    // One station on both interfaces is new on each.
    for place in [0, 1] {
        observers.list[place].observe(at(1), &request(5, 1));
    }
    let new = format!("new 10.0.0.5 is at {}", mac(5));
    assert_eq!(events(&mut observers), [(0, new.clone()), (1, new)]);
}

#[test]
fn first_event_of_fail_on_is_kept_with_its_interface() {
    let first = |fail_on: &str, names: &[&str]| {
        let names: Vec<_> = names.iter().map(|name| name.parse().unwrap()).collect();
        let mut observers = Observers::open(&arguments(&["--fail-on", fail_on]), &names).unwrap();
        let last = observers.list.last_mut().unwrap();
        for (seconds, bytes) in sample_frames() {
            last.observe(at(seconds), &bytes);
        }
        while observers.take_event().is_some() {}
        observers.trigger.map(|message| message.to_string())
    };
    let conflict = "address conflict: 10.0.0.1 is claimed by 02:00:00:00:00:01 and 02:00:00:00:00:aa";
    assert_eq!(first("conflict", &["eth0"]).as_deref(), Some(conflict));
    assert_eq!(first("conflict", &["eth0", "eth1"]), Some(format!("eth1: {conflict}")));
    assert_eq!(first("new", &[]).as_deref(), Some("new 10.0.0.4 is at 02:00:00:00:00:04"));
    let moved = "moved 10.0.0.2 from 02:00:00:00:00:07 to 02:00:00:00:00:08";
    assert_eq!(first("moved", &["eth0"]).as_deref(), Some(moved));
    assert_eq!(first("mismatch", &["eth0"]), None);
}

#[test]
fn address_that_does_not_fit_into_known_file_is_counted_for_its_interface() {
    let count = |names: &[&str], rejected: &[Option<&str>]| {
        let mut observers = observers(names);
        let rejected: Vec<_> = rejected.iter().map(|name| name.map(str::to_owned)).collect();
        observers.count_not_added(&rejected);
        observers.list.iter().map(|observer| observer.known_not_added).collect::<Vec<_>>()
    };
    assert_eq!(count(&["eth0", "eth1"], &[Some("eth1"), Some("eth0"), Some("eth1")]), [1, 2]);
    assert_eq!(count(&["eth0"], &[Some("eth0"), None]), [2]);
    assert_eq!(count(&[], &[None]), [1]);
}

#[test]
fn deadline_is_the_earliest_of_all_interfaces() {
    let mut observers = observers(&["eth0", "eth1"]);
    assert_eq!(observers.deadline(), None);
    observers.list[1].observe(at(5), &request(2, 1));
    observers.list[0].observe(at(7), &request(1, 2));
    assert_eq!(observers.deadline(), Some(at(3_605)));
    observers.advance(at(3_605));
    let gone = "gone 10.0.0.2 was at 02:00:00:00:00:02".to_owned();
    assert_eq!(events(&mut observers).last(), Some(&(1, gone)));
    assert_eq!(observers.deadline(), Some(at(3_607)));
}
