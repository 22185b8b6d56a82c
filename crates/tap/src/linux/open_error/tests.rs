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
    OpenError::explain(&name(), errno, tap, exists)
}

#[test]
fn the_same_errno_means_different_things() {
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

#[test]
fn the_node_tells_absent_from_refused() {
    let of_node = |errno: Errno| OpenError::of_node(errno.into());
    assert!(matches!(of_node(Errno::ENOENT), OpenError::NoNode(_) | OpenError::NoNodeInContainer(_)));
    assert!(matches!(of_node(Errno::ENODEV), OpenError::NoNode(_)));
    assert!(matches!(of_node(Errno::EACCES), OpenError::NodeRefused(_)));
    assert!(matches!(of_node(Errno::EMFILE), OpenError::Failed { .. }));
}

#[test]
fn every_message_is_one_sentence_with_a_command_to_paste() {
    let source = || io::Error::from(Errno::ENOENT);
    let holders = vec![Holder { pid: 42, command: "other".to_owned() }];
    let errors = [
        (OpenError::NoNode(source()), "sudo modprobe tun"),
        (OpenError::NoNodeInContainer(source()), "docker run --device /dev/net/tun"),
        (OpenError::NodeRefused(source()), "sudo chmod 0666 /dev/net/tun"),
        (OpenError::NotPermitted(name()), "sudo ip tuntap add dev tap0"),
        (OpenError::NotPermittedInContainer(name()), "--cap-add NET_ADMIN"),
        (
            OpenError::OwnedByAnother { name: name(), owner: Some(0), group: None },
            "it belongs to root; choose another name, or `sudo ip link delete tap0",
        ),
        (OpenError::Busy { name: name(), holders }, "process 42 (other) holds it; `kill 42`"),
        (OpenError::Busy { name: name(), holders: vec![] }, "sudo grep -l"),
        (OpenError::TunNotTap(name()), "sudo ip link delete tap0"),
        (OpenError::NotATap(name()), "`ip link`"),
        (OpenError::QueueMismatch(name()), "sudo ip link delete tap0"),
        (OpenError::Absent(name()), "ip -details link show type tun"),
        (OpenError::Ring(Errno::ENOSYS.into()), "none; choose `--io read-write`"),
        (OpenError::Ring(Errno::EOPNOTSUPP.into()), "too old for that; choose `--io read-write`"),
        (OpenError::Ring(Errno::ENOMEM.into()), "the system refuses; choose `--io read-write`"),
    ];
    for (error, part) in errors {
        let text = error.to_string();
        assert!(text.contains(part), "{text}");
        assert!(!text.contains('\n') && text.matches('`').count() >= 2, "{text}");
    }
}

#[test]
fn name_of_a_holder_is_escaped() {
    let holders = vec![Holder { pid: 42, command: "\x1b[2J\x1b[Hpwned".to_owned() }];
    let text = OpenError::Busy { name: name(), holders }.to_string();
    assert!(text.contains(r"process 42 (\u{1b}[2J\u{1b}[Hpwned) holds it"), "{text}");
}
