//! Network namespaces of unprivileged users.

use std::fs;
use std::sync::mpsc;
use std::thread;

use nix::sys::prctl;
use tap::linux::{Namespace, NamespaceError};

use testbed::{Case, TestResult};

pub(crate) const CASES: &[Case] = &[(
    "namespace_is_refused_when_process_has_several_threads",
    namespace_is_refused_when_process_has_several_threads,
)];

pub(crate) const UNPRIVILEGED: &[Case] = &[
    ("namespace_is_created_when_process_is_not_dumpable", namespace_is_created_when_process_is_not_dumpable),
    ("namespace_is_refused_when_limit_is_reached", namespace_is_refused_when_limit_is_reached),
];

fn namespace_is_refused_when_process_has_several_threads() -> TestResult {
    let before = fs::read_link("/proc/thread-self/ns/net")?;
    let (stop, stopped) = mpsc::channel::<()>();
    let other = thread::spawn(move || stopped.recv());
    let entered = Namespace::enter();
    assert!(matches!(entered, Err(NamespaceError::MultiThreaded)), "{entered:?}");
    assert_eq!(fs::read_link("/proc/thread-self/ns/net")?, before);
    drop(stop);
    assert!(other.join().is_ok_and(|received| received.is_err()));
    Ok(())
}

/// A program with file capabilities is not dumpable.
fn namespace_is_created_when_process_is_not_dumpable() -> TestResult {
    prctl::set_dumpable(false)?;
    Namespace::enter()?;
    Ok(())
}

fn namespace_is_refused_when_limit_is_reached() -> TestResult {
    Namespace::enter()?;
    // This file sets the limit of the new user namespace.
    fs::write("/proc/sys/user/max_net_namespaces", "0")?;
    let error = Namespace::enter().err().ok_or("a namespace was created beyond the limit")?;
    assert!(matches!(error, NamespaceError::LimitReached(_)), "{error}");
    Ok(())
}
