//! Namespaces of an ordinary user.

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
    ("namespace_is_made_when_process_is_not_dumpable", namespace_is_made_when_process_is_not_dumpable),
    ("namespace_is_refused_when_limit_is_reached", namespace_is_refused_when_limit_is_reached),
];

fn namespace_is_refused_when_process_has_several_threads() -> TestResult {
    let here = fs::read_link("/proc/thread-self/ns/net")?;
    let (end, ended) = mpsc::channel::<()>();
    let other = thread::spawn(move || ended.recv());
    let entered = Namespace::enter();
    assert!(matches!(entered, Err(NamespaceError::MultiThreaded)), "{entered:?}");
    assert_eq!(fs::read_link("/proc/thread-self/ns/net")?, here);
    drop(end);
    assert!(other.join().is_ok_and(|received| received.is_err()));
    Ok(())
}

/// What a program with file capabilities is.
fn namespace_is_made_when_process_is_not_dumpable() -> TestResult {
    prctl::set_dumpable(false)?;
    Namespace::enter()?;
    Ok(())
}

fn namespace_is_refused_when_limit_is_reached() -> TestResult {
    Namespace::enter()?;
    // The limits are those of the user namespace that this one just made.
    fs::write("/proc/sys/user/max_net_namespaces", "0")?;
    let error = Namespace::enter().err().ok_or("there is no more")?;
    assert!(matches!(error, NamespaceError::LimitReached(_)), "{error}");
    Ok(())
}
