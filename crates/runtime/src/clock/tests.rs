use super::*;

// proves: rfc5227-wake
#[test]
fn suspension_is_reported_once_when_longer_than_slack() {
    let mut suspension = Suspension { total: Duration::from_secs(100) };
    assert!(!suspension.has_grown_to(Duration::from_secs(100)));
    assert!(!suspension.has_grown_to(Duration::from_secs(101)));
    assert!(suspension.has_grown_to(Duration::from_millis(101_001)));
    assert!(!suspension.has_grown_to(Duration::from_millis(101_001)));
    // Two readings may differ in either direction.
    assert!(!suspension.has_grown_to(Duration::from_secs(99)));
    assert!(!Suspension::start().has_ended());
}
