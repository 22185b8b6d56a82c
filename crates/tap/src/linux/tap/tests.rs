use super::*;

fn name() -> InterfaceName {
    "tap0".parse().unwrap()
}

/// Returns a persistent TAP of the user with ID 1000, with changes.
fn tap(change: impl FnOnce(&mut TapInterface)) -> TapInterface {
    let mut tap = TapInterface {
        name: name(),
        is_tap: true,
        persistent: true,
        multi_queue: false,
        owner: Some(1_000),
        group: None,
        up: true,
        attached: false,
        mtu: 1_500,
    };
    change(&mut tap);
    tap
}

fn error(errno: Errno, tap: Option<TapInterface>, exists: bool) -> OpenError {
    classify_attach_error(&name(), errno, tap, exists)
}

#[test]
fn attach_error_kind_follows_errno_and_existing_interface() {
    use OpenError::{Busy, Failed, NotATap, NotPermitted, OwnedByAnother, QueueMismatch, TunNotTap};
    let plain = || Some(tap(|_| {}));
    assert!(matches!(error(Errno::EBUSY, plain(), true), Busy { .. }));
    assert!(matches!(error(Errno::EPERM, plain(), true), OwnedByAnother { owner: Some(1_000), .. }));
    assert!(matches!(error(Errno::EPERM, None, false), NotPermitted(_)));
    assert!(matches!(error(Errno::EINVAL, Some(tap(|tap| tap.is_tap = false)), true), TunNotTap(_)));
    assert!(matches!(error(Errno::EINVAL, Some(tap(|tap| tap.multi_queue = true)), true), QueueMismatch(_)));
    assert!(matches!(error(Errno::EINVAL, None, true), NotATap(_)));
    assert!(matches!(error(Errno::EINVAL, plain(), true), Failed { .. }));
    assert!(matches!(error(Errno::ENOTTY, None, false), OpenError::NoNode(_)));
    assert!(matches!(error(Errno::E2BIG, plain(), true), Failed { .. }));
}
