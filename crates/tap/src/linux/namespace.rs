//! A network namespace of one's own, for root and for ordinary users.

use std::fmt;
use std::fs;
use std::io;
use std::path::Path;

use nix::errno::Errno;
use nix::sched::{CloneFlags, unshare};
use nix::sys::prctl;
use nix::unistd::{getegid, geteuid};

use super::{Interface, InterfaceName};

/// The network namespace that this process has moved into: empty but for the loopback interface,
/// which is up. It ends with the last process in it.
#[derive(Debug)]
pub struct Namespace {
    ipv6_off: io::Result<()>,
}

/// Why no namespace could be made.
#[derive(Debug)]
#[non_exhaustive]
pub enum NamespaceError {
    /// The system keeps user namespaces from ordinary users.
    Forbidden(Errno),
    /// The limit of namespaces is reached (`user.max_user_namespaces`, `user.max_net_namespaces`).
    LimitReached(Errno),
    /// The namespace was made, and `AppArmor` withholds the privileges inside: its sysctl
    /// `kernel.apparmor_restrict_unprivileged_userns` is 1.
    RestrictedByAppArmor,
    /// The namespace was made, and what its root may do was refused, not by `AppArmor`.
    Denied {
        /// The step that was refused.
        step: &'static str,
        /// The system's reason.
        source: io::Error,
    },
    /// The caller may make network namespaces (`CAP_SYS_ADMIN`) and not set up what is in them: it lacks
    /// `CAP_NET_ADMIN`, as root in a container does.
    NetAdminMissing,
    /// The process has more than one thread.
    MultiThreaded,
    /// Anything else that the system refused.
    Failed {
        /// The step that failed.
        step: &'static str,
        /// The system's reason.
        source: io::Error,
    },
}

/// How a namespace was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CreationMethod {
    /// By the caller's privilege.
    Privilege,
    /// In a user namespace.
    UserNamespace,
}

impl Namespace {
    /// Moves this process, and all it will start, into a new network namespace; where that takes a
    /// privilege the caller lacks, into a new user namespace too, as its root.
    ///
    /// A process with several threads is refused ([`NamespaceError::MultiThreaded`]): only the calling one would move. IPv6
    /// is switched off inside, since a kernel with IPv6 sends frames unasked; [`Namespace::ipv6_off`] reports whether that
    /// worked.
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

    /// Whether IPv6 is off inside, and if not, why.
    pub fn ipv6_off(&self) -> Result<(), &io::Error> {
        self.ipv6_off.as_ref().copied()
    }
}

/// Maps the caller to root of the new user namespace.
fn become_root(uid: u32, gid: u32) -> io::Result<()> {
    // The files below are root's where a program is not dumpable, as one with file capabilities is not. From here on
    // it has none of those: they ended with the move.
    prctl::set_dumpable(true)?;
    fs::write("/proc/self/uid_map", format!("0 {uid} 1"))?;
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/gid_map", format!("0 {gid} 1"))
}

/// The first privileged act inside. Some systems let the namespace be made and refuse this.
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

/// The error of a step that fails for another reason than permission.
fn failed(step: &'static str) -> impl Fn(io::Error) -> NamespaceError {
    move |source| NamespaceError::Failed { step, source }
}

/// The error of a step inside the namespace. Where a security module restricts user namespaces, creating one succeeds
/// and these steps are refused.
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

/// The error of a refused `unshare`.
fn unshare_error(errno: Errno) -> NamespaceError {
    match errno {
        Errno::EINVAL => NamespaceError::MultiThreaded,
        Errno::ENOSPC | Errno::EUSERS => NamespaceError::LimitReached(errno),
        Errno::EPERM | Errno::EACCES if restricted_by_apparmor() => NamespaceError::RestrictedByAppArmor,
        Errno::EPERM | Errno::ENOSYS => NamespaceError::Forbidden(errno),
        _ => failed("make a namespace")(errno.into()),
    }
}

/// Whether `AppArmor` restricts what ordinary users may do in a user namespace.
fn restricted_by_apparmor() -> bool {
    setting("kernel/apparmor_restrict_unprivileged_userns") == Some(1)
}

fn setting(path: &str) -> Option<u64> {
    fs::read_to_string(Path::new("/proc/sys").join(path)).ok()?.trim().parse().ok()
}

impl fmt::Display for NamespaceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cannot make a network namespace: ")?;
        match self {
            Self::Forbidden(source) => write!(f, "this system keeps them from you ({})", source.desc()),
            Self::LimitReached(source) => write!(f, "limit reached ({})", source.desc()),
            Self::RestrictedByAppArmor => f.write_str("AppArmor withholds its privileges"),
            Self::Denied { step, source } | Self::Failed { step, source } => {
                write!(f, "cannot {step}: {source}")
            }
            Self::NetAdminMissing => f.write_str("CAP_NET_ADMIN is missing"),
            Self::MultiThreaded => f.write_str("the process has several threads; call it first in `main`"),
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
