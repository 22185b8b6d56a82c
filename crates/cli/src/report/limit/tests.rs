use super::*;

const CONFLICT: LineKind = LineKind::Event("conflict");

fn at(seconds: u64) -> Instant {
    Instant::ORIGIN + Duration::from_secs(seconds)
}

#[test]
fn lines_of_kind_are_suppressed_and_counted_beyond_limit() {
    let mut limits = LineLimits::default();
    let printed = (0..1_000).filter(|_| limits.admits(at(1), CONFLICT)).count();
    assert_eq!(printed, 10);
    assert!(limits.admits(at(1), LineKind::Event("learned")), "another kind has a window of its own");
    assert_eq!(limits.deadline(), Some(at(11)));
    assert_eq!(limits.take(Some(at(10))), None);
    assert_eq!(limits.take(Some(at(11))), Some(SuppressedLines { kind: CONFLICT, count: 990 }));
    assert_eq!((limits.deadline(), limits.take(None)), (None, None));
    assert!(limits.admits(at(11), CONFLICT));
}

#[test]
fn suppressed_lines_are_reported_before_next_window() {
    let mut limits = LineLimits::default();
    for _ in 0..11 {
        limits.admits(at(0), CONFLICT);
    }
    assert!(!limits.admits(at(60), CONFLICT), "the report of the last window is due");
    assert_eq!(limits.take(Some(at(60))), Some(SuppressedLines { kind: CONFLICT, count: 2 }));
    assert!(limits.admits(at(60), CONFLICT));
}

#[test]
fn slow_lines_are_never_suppressed() {
    let mut limits = LineLimits::default();
    assert!((0..1_000).all(|second| limits.admits(at(2 * second), CONFLICT)));
    assert_eq!(limits.deadline(), None);
}

#[test]
fn line_kinds_are_bounded_when_sender_uses_all_ether_types() {
    let mut limits = LineLimits::default();
    for number in 0..=u16::MAX {
        limits.admits(at(0), LineKind::of_drop(DropReason::UnsupportedEtherType(EtherType(number))));
    }
    let suppressed = limits.take(None).unwrap();
    assert_eq!(suppressed.text(), "suppressed 65526 similar lines: dropped, unsupported EtherType");
    assert_eq!(limits.windows.len(), 1);
}

/// A conflict about one of many addresses.
fn conflict(number: u8) -> LineKind {
    let mac = link::MacAddr::new([2, 0, 0, 0, 0, 7]);
    let event = ClaimEvent::Conflict { ip: [10, 0, 0, number].into(), mac };
    LineKind::of_event(HostEvent::Arp(inet::InterfaceId(0), arp::ArpEvent::Claim(event))).unwrap()
}

#[test]
fn event_is_printed_when_flood_is_about_another_address() {
    let mut limits = LineLimits::default();
    for _ in 0..1_000 {
        limits.admits(at(0), conflict(2));
    }
    assert!(limits.admits(at(0), conflict(3)), "another address");
    let suppressed = limits.take(None).unwrap();
    assert_eq!(suppressed.text(), "suppressed 990 similar lines: conflict, 10.0.0.2");
}

#[test]
fn addresses_beyond_limit_share_window() {
    let mut limits = LineLimits::default();
    let printed = (0..=255).filter(|number| limits.admits(at(0), conflict(*number))).count();
    assert_eq!((printed, limits.windows.len()), (64 + 10, 65));
    assert_eq!(limits.take(None).unwrap().text(), "suppressed 182 similar lines: conflict");
    // A window that has ended gives way to another address's.
    assert!((100..110).all(|number| limits.admits(at(11), conflict(number))));
    assert_eq!(limits.windows.len(), 11);
}
