use super::*;

fn name() -> InterfaceName {
    "tap0".parse().unwrap()
}

/// A persistent TAP of the user with id 1000, changed as a test wants it.
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

fn explained(errno: Errno, tap: Option<TapInterface>, exists: bool) -> OpenError {
    classify_attach_error(&name(), errno, tap, exists)
}

#[test]
fn attach_error_kind_follows_errno_and_existing_interface() {
    use OpenError::{Busy, Failed, NotATap, NotPermitted, OwnedByAnother, QueueMismatch, TunNotTap};
    let plain = || Some(tap(|_| {}));
    assert!(matches!(explained(Errno::EBUSY, plain(), true), Busy { .. }));
    assert!(matches!(explained(Errno::EPERM, plain(), true), OwnedByAnother { owner: Some(1_000), .. }));
    assert!(matches!(explained(Errno::EPERM, None, false), NotPermitted(_)));
    assert!(matches!(explained(Errno::EINVAL, Some(tap(|tap| tap.is_tap = false)), true), TunNotTap(_)));
    assert!(matches!(
        explained(Errno::EINVAL, Some(tap(|tap| tap.multi_queue = true)), true),
        QueueMismatch(_)
    ));
    assert!(matches!(explained(Errno::EINVAL, None, true), NotATap(_)));
    assert!(matches!(explained(Errno::EINVAL, plain(), true), Failed { .. }));
    assert!(matches!(explained(Errno::ENOTTY, None, false), OpenError::NoNode(_)));
    assert!(matches!(explained(Errno::E2BIG, plain(), true), Failed { .. }));
}
