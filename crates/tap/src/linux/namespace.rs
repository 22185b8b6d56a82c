//! New network namespaces, for root and for unprivileged users.

use std::fmt;
use std::fs;
use std::io;
use std::path::Path;

use nix::errno::Errno;
use nix::sched::{CloneFlags, unshare};
use nix::sys::prctl;
use nix::unistd::{getegid, geteuid};

use super::{Interface, InterfaceName};

/// Network namespace that this process has moved into. The namespace contains only the loopback interface, which is up.
/// The kernel deletes the namespace after its last process has ended.
#[derive(Debug)]
pub struct Namespace {
    ipv6_off: io::Result<()>,
}

/// Error of creating a namespace.
#[derive(Debug)]
#[non_exhaustive]
pub enum NamespaceError {
    /// The system forbids user namespaces to this user, or the kernel does not support them.
    Forbidden(Errno),
    /// The limit of namespaces is reached (`user.max_user_namespaces`, `user.max_net_namespaces`).
    LimitReached(Errno),
    /// Permission was denied, and the sysctl `kernel.apparmor_restrict_unprivileged_userns` is 1: `AppArmor` denies the
    /// creation of the namespace, or privileges in it.
    RestrictedByAppArmor,
    /// The namespace was created, but a privileged step in it was denied, and `AppArmor` does not restrict user
    /// namespaces.
    Denied {
        /// The step that was denied.
        step: &'static str,
        /// The system error.
        source: io::Error,
    },
    /// The caller may create network namespaces (`CAP_SYS_ADMIN`), but lacks `CAP_NET_ADMIN` to configure a namespace.
    /// Root in a container is an example.
    NetAdminMissing,
    /// The process has more than one thread.
    MultiThreaded,
    /// Another system error.
    Failed {
        /// The step that failed.
        step: &'static str,
        /// The system error.
        source: io::Error,
    },
}

/// Way in which a namespace was created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CreationMethod {
    /// The caller has the privilege.
    Privilege,
    /// A new user namespace provides the privilege.
    UserNamespace,
}

impl Namespace {
    /// Moves this process and its future children into a new network namespace. A caller without the required privilege
    /// also enters a new user namespace, as its root.
    ///
    /// Fails with [`NamespaceError::MultiThreaded`] if the process has several threads, because only the calling thread
    /// would move. IPv6 is disabled inside, because a kernel with IPv6 sends unsolicited frames.
    /// [`Namespace::ipv6_off`] returns whether that succeeded.
    pub fn enter() -> Result<Namespace, NamespaceError> {
        if fs::read_dir("/proc/self/task").map_err(failed("count the threads"))?.count() > 1 {
            return Err(NamespaceError::MultiThreaded);
        }
        let (uid, gid) = (geteuid(), getegid());
        let method = match unshare(CloneFlags::CLONE_NEWNET) {
            Ok(()) => CreationMethod::Privilege,
            Err(Errno::EPERM) => {
                unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNET).map_err(unshare_error)?;
                become_root(uid.as_raw(), gid.as_raw()).map_err(|source| {
                    step_error("become root inside", source, CreationMethod::UserNamespace)
                })?;
                CreationMethod::UserNamespace
            }
            Err(errno) => return Err(unshare_error(errno)),
        };
        loopback_up().map_err(|source| step_error("bring the loopback interface up", source, method))?;
        Ok(Namespace { ipv6_off: ipv6_off() })
    }

    /// Returns an error if IPv6 could not be disabled.
    pub fn ipv6_off(&self) -> Result<(), &io::Error> {
        self.ipv6_off.as_ref().copied()
    }
}

/// Maps the caller to root of the new user namespace.
fn become_root(uid: u32, gid: u32) -> io::Result<()> {
    // The files below belong to root while the process is not dumpable, for example because of file capabilities. The
    // move has already dropped these capabilities.
    prctl::set_dumpable(true)?;
    fs::write("/proc/self/uid_map", format!("0 {uid} 1"))?;
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/gid_map", format!("0 {gid} 1"))
}

/// Performs the first privileged step inside. Some systems allow the namespace but deny this step.
fn loopback_up() -> io::Result<()> {
    let name: InterfaceName = "lo".parse().map_err(io::Error::other)?;
    Interface::named(&name)?.set_up(true).map_err(|error| error.reason().into())
}

fn ipv6_off() -> io::Result<()> {
    let folder = Path::new("/proc/sys/net/ipv6/conf");
    if !folder.exists() {
        return Ok(());
    }
    for scope in ["all", "default"] {
        fs::write(folder.join(scope).join("disable_ipv6"), "1")?;
    }
    Ok(())
}

/// Returns the constructor for the error of a step that failed for another reason than permission.
fn failed(step: &'static str) -> impl Fn(io::Error) -> NamespaceError {
    move |source| NamespaceError::Failed { step, source }
}

/// Returns the error of a step inside the namespace. If a security module restricts user namespaces, creating one
/// succeeds, and these steps are denied.
fn step_error(step: &'static str, source: io::Error, method: CreationMethod) -> NamespaceError {
    match (source.kind(), method) {
        (io::ErrorKind::PermissionDenied, CreationMethod::Privilege) => NamespaceError::NetAdminMissing,
        (io::ErrorKind::PermissionDenied, CreationMethod::UserNamespace) if restricted_by_apparmor() => {
            NamespaceError::RestrictedByAppArmor
        }
        (io::ErrorKind::PermissionDenied, CreationMethod::UserNamespace) => {
            NamespaceError::Denied { step, source }
        }
        _ => NamespaceError::Failed { step, source },
    }
}

/// Returns the error of a failed `unshare`.
fn unshare_error(errno: Errno) -> NamespaceError {
    match errno {
        Errno::EINVAL => NamespaceError::MultiThreaded,
        Errno::ENOSPC | Errno::EUSERS => NamespaceError::LimitReached(errno),
        Errno::EPERM | Errno::EACCES if restricted_by_apparmor() => NamespaceError::RestrictedByAppArmor,
        Errno::EPERM | Errno::ENOSYS => NamespaceError::Forbidden(errno),
        _ => failed("create a namespace")(errno.into()),
    }
}

/// Returns whether `AppArmor` restricts unprivileged users in user namespaces.
fn restricted_by_apparmor() -> bool {
    setting("kernel/apparmor_restrict_unprivileged_userns") == Some(1)
}

fn setting(path: &str) -> Option<u64> {
    fs::read_to_string(Path::new("/proc/sys").join(path)).ok()?.trim().parse().ok()
}

impl fmt::Display for NamespaceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cannot create a network namespace: ")?;
        match self {
            Self::Forbidden(source) => write!(f, "not permitted by this system ({})", source.desc()),
            Self::LimitReached(source) => write!(f, "limit reached ({})", source.desc()),
            Self::RestrictedByAppArmor => f.write_str("AppArmor denies its privileges"),
            Self::Denied { step, source } | Self::Failed { step, source } => {
                write!(f, "cannot {step}: {source}")
            }
            Self::NetAdminMissing => f.write_str("CAP_NET_ADMIN is required"),
            Self::MultiThreaded => f.write_str("the process has more than one thread"),
        }
    }
}

impl std::error::Error for NamespaceError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Forbidden(source) | Self::LimitReached(source) => Some(source),
            Self::Denied { source, .. } | Self::Failed { source, .. } => Some(source),
            Self::RestrictedByAppArmor | Self::NetAdminMissing | Self::MultiThreaded => None,
        }
    }
}

#[cfg(test)]
mod tests;
