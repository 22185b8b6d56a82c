use super::*;

fn name() -> InterfaceName {
    "eth0".parse().unwrap()
}

#[test]
fn each_gap_is_explained_with_cause_and_hint() {
    assert_eq!(Gaps::default().explain(&name()), None);
    let none = Gaps::default();
    let rows = [
        (
            Gaps { was_down: true, ..none },
            "eth0 was down or had no carrier\nhint: try again when `ip link show eth0` shows it up",
        ),
        (
            Gaps { refused: 1, ..none },
            "eth0 refused 1 frame\nhint: try again when `ip link show eth0` shows it up",
        ),
        (
            Gaps { lost: 1516, ..none },
            "the kernel dropped 1516 frames: receive queue full\nhint: try again with less load on the machine or the network",
        ),
        (
            Gaps { unsent: 2, ..none },
            "2 frames were not sent\nhint: send less data, or use a longer interval",
        ),
        (Gaps { truncated: 1, ..none }, "1 frame was cut short\nhint: check `ip link show eth0`"),
        (
            Gaps { is_unread: true, ..none },
            "more frames arrived than could be read\nhint: try again with less load on the machine or the network",
        ),
        (
            Gaps { turned_away: 7, ..none },
            "the table of addresses was full 7 times\nhint: watch fewer addresses, e.g. with --vlan",
        ),
        (
            Gaps { was_down: true, lost: 2, ..none },
            "eth0 was down or had no carrier, the kernel dropped 2 frames: receive queue full\n\
             hint: try again when `ip link show eth0` shows it up",
        ),
    ];
    let hint = |gaps: Gaps| gaps.explain_with(&name(), "scan again at a lower --rate").unwrap().to_string();
    assert_eq!(
        hint(Gaps { lost: 2, ..none }),
        "the kernel dropped 2 frames: receive queue full\nhint: scan again at a lower --rate"
    );
    assert_eq!(hint(Gaps { truncated: 1, ..none }), rows[4].1, "a lower rate does not help");
    for (gaps, words) in rows {
        assert_eq!(gaps.explain(&name()).map(|why| why.to_string()).as_deref(), Some(words), "{gaps:?}");
    }
}

#[test]
fn partly_read_capture_is_explained_as_gap() {
    let words = |gaps: Gaps| gaps.explain_capture("a.pcap").map(|why| why.to_string());
    assert_eq!(words(Gaps::default()), None);
    let unread = Gaps { is_unread: true, ..Gaps::default() };
    assert_eq!(
        words(unread).as_deref(),
        Some("the capture was not read to its end\nhint: let the command run to the end")
    );
    let cut = Gaps { truncated: 2, ..Gaps::default() };
    assert_eq!(words(cut).as_deref(), Some("2 frames were cut short\nhint: check a.pcap"));
}

#[test]
fn device_loss_counters_become_gaps() {
    let none = DeviceCounters::default();
    for (counters, is_gap) in [
        (DeviceCounters { received: 9, transmitted: 9, congested: 9, calls: 9, ..none }, false),
        (DeviceCounters { lost: 1, ..none }, true),
        (DeviceCounters { truncated: 1, ..none }, true),
        (DeviceCounters { unreadable: 1, ..none }, true),
    ] {
        assert_eq!(Gaps::of_device(&counters).explain(&name()).is_some(), is_gap, "{counters:?}");
    }
}

const UP: LinkState = LinkState { is_up: true, has_carrier: true, mtu: 1_500 };
const DOWN: LinkState = LinkState { is_up: true, has_carrier: false, mtu: 1_500 };

fn at(millis: u64) -> Instant {
    Instant::ORIGIN + Duration::from_millis(millis)
}

/// Returns a monitor of a link with this state at the start, and a function that returns whether it was down.
fn monitor(state: LinkState) -> (GapMonitor, impl Fn(&GapMonitor) -> bool) {
    let interface = Interface::named(&"lo".parse().unwrap()).unwrap();
    let monitor = GapMonitor::new(&interface, false, state, at(0));
    (monitor, move |monitor| monitor.gaps(&DeviceCounters::default(), &interface).was_down)
}

#[test]
fn link_that_was_down_once_is_gap() {
    let (mut monitor, was_down) = monitor(UP);
    assert!(!was_down(&monitor) && monitor.was_alive() && monitor.deadline().is_none());
    assert!(monitor.follow(at(10), DOWN) && monitor.is_down());
    assert!(monitor.follow(at(20), UP) && !monitor.is_down());
    assert!(was_down(&monitor));
}

#[test]
fn carrier_that_appears_after_start_is_no_gap_and_is_not_reported() {
    let (mut monitor, was_down) = monitor(DOWN);
    assert!(!monitor.is_down() && !monitor.was_alive());
    assert_eq!(monitor.take_missing_carrier(at(1_499)), None);
    assert!(!monitor.follow(at(1_499), UP));
    assert!(!was_down(&monitor) && monitor.was_alive());
    assert_eq!(monitor.take_missing_carrier(at(9_000)), None);
}

#[test]
fn missing_carrier_is_reported_once() {
    let (mut monitor, was_down) = monitor(DOWN);
    assert_eq!(monitor.deadline(), Some(at(1_500)));
    assert_eq!(monitor.take_missing_carrier(at(1_500)), Some(DOWN));
    assert_eq!((monitor.take_missing_carrier(at(1_501)), monitor.deadline()), (None, None));
    assert!(was_down(&monitor) && monitor.is_down() && !monitor.was_alive());
    assert!(monitor.follow(at(2_000), UP) && was_down(&monitor));
}
