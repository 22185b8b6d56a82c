//! A network namespace of one's own, for root and for ordinary users.

use std::fmt;
use std::fs;
use std::io;
use std::path::Path;

use nix::errno::Errno;
use nix::sched::{CloneFlags, unshare};
use nix::unistd::{getegid, geteuid};

use super::open_error::in_container;
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
    Forbidden {
        /// The system's reason.
        source: Errno,
        /// The command that mends it.
        mend: &'static str,
    },
    /// The namespace was made, and its privileges were withheld, as AppArmor may do.
    Withheld,
    /// The process has more than one thread.
    Threaded,
    /// Anything else that the system refused.
    Failed {
        /// The step that failed.
        step: &'static str,
        /// The system's reason.
        source: io::Error,
    },
}

impl Namespace {
    /// Moves this process, and all it will start, into a new network namespace; where that takes a
    /// privilege the caller lacks, into a new user namespace too, as its root.
    ///
    /// To be called before the process has a second thread. IPv6 is switched off inside, since a
    /// kernel with IPv6 sends frames unasked; [`Namespace::ipv6_off`] tells whether that worked.
    pub fn enter() -> Result<Namespace, NamespaceError> {
        let (uid, gid) = (geteuid(), getegid());
        match unshare(CloneFlags::CLONE_NEWNET) {
            Ok(()) => {}
            Err(Errno::EPERM) => {
                unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNET)
                    .map_err(NamespaceError::of_unshare)?;
                become_root(uid.as_raw(), gid.as_raw()).map_err(NamespaceError::of_become_root)?;
            }
            Err(errno) => return Err(NamespaceError::of_unshare(errno)),
        }
        loopback_up()?;
        Ok(Namespace { ipv6_off: ipv6_off() })
    }

    /// Whether IPv6 is off inside, and if not, why.
    pub fn ipv6_off(&self) -> Result<(), &io::Error> {
        self.ipv6_off.as_ref().copied()
    }
}

/// Maps the caller to root of the new user namespace.
fn become_root(uid: u32, gid: u32) -> io::Result<()> {
    fs::write("/proc/self/uid_map", format!("0 {uid} 1"))?;
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/gid_map", format!("0 {gid} 1"))
}

/// The first privileged act inside. Some systems let the namespace be made and refuse this.
fn loopback_up() -> Result<(), NamespaceError> {
    let failed = NamespaceError::of("bring the loopback interface up");
    let name: InterfaceName = "lo".parse().map_err(|error| failed(io::Error::other(error)))?;
    let loopback = Interface::named(&name).map_err(&failed)?;
    match loopback.set_up(true) {
        Err(error) if error.is_not_permitted() => Err(NamespaceError::Withheld),
        other => other.map_err(|error| failed(io::Error::other(error))),
    }
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

impl NamespaceError {
    fn of(step: &'static str) -> impl Fn(io::Error) -> NamespaceError {
        move |source| NamespaceError::Failed { step, source }
    }

    /// Where `AppArmor` restricts user namespaces, they can be made and this is what is refused.
    fn of_become_root(source: io::Error) -> NamespaceError {
        match source.kind() {
            io::ErrorKind::PermissionDenied => Self::Withheld,
            _ => Self::of("become root inside")(source),
        }
    }

    fn of_unshare(errno: Errno) -> NamespaceError {
        let forbidden = |mend| NamespaceError::Forbidden { source: errno, mend };
        match errno {
            Errno::EINVAL => Self::Threaded,
            Errno::ENOSPC | Errno::EUSERS => {
                forbidden("sudo sysctl user.max_user_namespaces=10000 user.max_net_namespaces=10000")
            }
            Errno::EPERM if setting("kernel/unprivileged_userns_clone") == Some(0) => {
                forbidden("sudo sysctl kernel.unprivileged_userns_clone=1")
            }
            Errno::EPERM | Errno::ENOSYS if in_container() => {
                forbidden("docker run --privileged --device /dev/net/tun ...")
            }
            Errno::EPERM | Errno::ENOSYS => forbidden("sudo -s"),
            _ => Self::of("make a namespace")(errno.into()),
        }
    }
}

fn setting(path: &str) -> Option<u64> {
    fs::read_to_string(Path::new("/proc/sys").join(path)).ok()?.trim().parse().ok()
}

impl fmt::Display for NamespaceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Forbidden { source, mend } => write!(
                f,
                "cannot make a network namespace: this system keeps them from you ({}); `{mend}`",
                source.desc()
            ),
            Self::Withheld => f.write_str(
                "cannot make a network namespace: this system withholds its privileges from you; `sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0`",
            ),
            Self::Threaded => f.write_str(
                "cannot make a network namespace: the process has several threads; call it first in `main`",
            ),
            Self::Failed { step, source } => {
                write!(f, "cannot make a network namespace: cannot {step}: {source}")
            }
        }
    }
}

impl std::error::Error for NamespaceError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Forbidden { source, .. } => Some(source),
            Self::Failed { source, .. } => Some(source),
            Self::Withheld | Self::Threaded => None,
        }
    }
}
