//! Why a TAP could not be opened, and what mends it.

use std::fmt;
use std::fs;
use std::io;
use std::path::Path;

use nix::errno::Errno;
use nix::unistd::geteuid;

use super::holders::holders;
use super::persistent::user_name;
use super::printable::Printable;
use super::taps::{self, TapInterface};
use super::{InterfaceError, InterfaceName, NameError};

/// The node that TAPs are made through.
pub(super) const NODE: &str = "/dev/net/tun";

/// A process that holds a TAP open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Its process id.
    pub pid: u32,
    /// The name of its program, which that program may choose.
    pub(super) command: String,
}

impl fmt::Display for Holder {
    /// Process id and name, the name escaped: `process 26230 (tapstack)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {} ({})", self.pid, Printable(&self.command))
    }
}

/// Why a TAP could not be opened.
///
/// Each message is one sentence: what failed, why, and the command that mends it.
#[derive(Debug)]
#[non_exhaustive]
pub enum OpenError {
    /// The name is none that the kernel takes.
    Name(NameError),
    /// There is no `/dev/net/tun`, or nothing is behind it.
    NoNode(io::Error),
    /// There is no `/dev/net/tun` in this container.
    NoNodeInContainer(io::Error),
    /// The node is there and its file mode keeps the caller out.
    NodeRefused(io::Error),
    /// No such TAP exists, and making one takes `CAP_NET_ADMIN`.
    NotPermitted(InterfaceName),
    /// No such TAP exists, and this container was started without `CAP_NET_ADMIN`.
    NotPermittedInContainer(InterfaceName),
    /// The TAP belongs to another user.
    OwnedByAnother {
        /// The TAP.
        name: InterfaceName,
        /// The id of the user who may attach, if it is one user's.
        owner: Option<u32>,
        /// The id of the group whose members may attach, if it is a group's.
        group: Option<u32>,
    },
    /// The TAP is open already: it has one queue, and one program at a time.
    Busy {
        /// The TAP.
        name: InterfaceName,
        /// Who holds it, as far as the caller may see.
        holders: Vec<Holder>,
    },
    /// An interface of this name carries bare IP packets, not Ethernet frames.
    TunNotTap(InterfaceName),
    /// An interface of this name exists and is neither TUN nor TAP.
    NotATap(InterfaceName),
    /// The TAP was made for several queues, this driver opens one.
    QueueMismatch(InterfaceName),
    /// It was only to be attached to, and there is none of this name.
    Absent(InterfaceName),
    /// The kernel carries no frames by `io_uring` here.
    Ring(io::Error),
    /// The kernel's side of the interface could not be read or changed.
    Interface(InterfaceError),
    /// Anything else that the system refused.
    Failed {
        /// The step that failed.
        step: &'static str,
        /// The system's reason.
        source: io::Error,
    },
}

impl OpenError {
    /// The error behind a failed `open` of the node.
    pub(super) fn of_node(source: io::Error) -> OpenError {
        match source.raw_os_error().map(Errno::from_raw) {
            Some(Errno::ENOENT) if in_container() => Self::NoNodeInContainer(source),
            Some(Errno::ENOENT | Errno::ENODEV | Errno::ENXIO) => Self::NoNode(source),
            Some(Errno::EACCES | Errno::EPERM) => Self::NodeRefused(source),
            _ => Self::Failed { step: "open /dev/net/tun", source },
        }
    }

    /// The error behind a refused TUNSETIFF: the errno alone does not tell, what exists does.
    pub(super) fn of_attach(name: &InterfaceName, errno: Errno, exists: bool) -> OpenError {
        let tap = taps::find(name).ok().flatten();
        match Self::explain(name, errno, tap, exists) {
            Self::Busy { name, .. } => Self::Busy { holders: holders(&name), name },
            // For another user of the container, its root can still make one.
            Self::NotPermitted(name) if geteuid().is_root() && in_container() => {
                Self::NotPermittedInContainer(name)
            }
            other => other,
        }
    }

    /// What an errno means, given the TUN or TAP of this name, if there is one, and whether any
    /// interface has the name.
    fn explain(name: &InterfaceName, errno: Errno, tap: Option<TapInterface>, exists: bool) -> OpenError {
        let name = name.clone();
        match (errno, tap) {
            (Errno::EBUSY, _) => Self::Busy { name, holders: Vec::new() },
            (Errno::EPERM, Some(TapInterface { owner, group, .. })) => {
                Self::OwnedByAnother { name, owner, group }
            }
            (Errno::EPERM, None) => Self::NotPermitted(name),
            (Errno::EINVAL, Some(tap)) if !tap.is_tap => Self::TunNotTap(name),
            (Errno::EINVAL, Some(tap)) if tap.multi_queue => Self::QueueMismatch(name),
            (Errno::EINVAL, None) if exists => Self::NotATap(name),
            // What was opened is not the tun driver's node.
            (Errno::ENOTTY | Errno::EBADFD, None) => Self::NoNode(errno.into()),
            (errno, _) => Self::Failed { step: "attach to the TAP", source: errno.into() },
        }
    }
}

/// Whether this process runs in a container, where `modprobe` and `sudo` mend nothing.
pub(super) fn in_container() -> bool {
    let marks = ["/.dockerenv", "/run/.containerenv"];
    marks.iter().any(|mark| Path::new(mark).exists())
        || fs::read("/proc/1/environ").is_ok_and(|environ| {
            environ.split(|octet| *octet == 0).any(|variable| variable.starts_with(b"container="))
        })
}

/// The caller's name, for a command to paste.
fn user() -> String {
    user_name(geteuid().as_raw())
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(error) => error.fmt(f),
            Self::NoNode(source) => write!(
                f,
                "cannot open {NODE}: {}, the kernel's tun driver is not loaded; `sudo modprobe tun`",
                reason(source)
            ),
            Self::NoNodeInContainer(source) => write!(
                f,
                "cannot open {NODE}: {}, this container was started without it; `docker run --device {NODE} --cap-add NET_ADMIN ...`",
                reason(source)
            ),
            Self::NodeRefused(source) => write!(
                f,
                "cannot open {NODE}: {}, its file mode keeps you out; `sudo chmod 0666 {NODE}`",
                reason(source)
            ),
            Self::NotPermitted(name) => write!(
                f,
                "cannot make TAP {name}: that takes CAP_NET_ADMIN, attaching to one of your own does not; `sudo ip tuntap add dev {name} mode tap user {}`",
                user()
            ),
            Self::NotPermittedInContainer(name) => write!(
                f,
                "cannot make TAP {name}: this container was started without CAP_NET_ADMIN; `docker run --device {NODE} --cap-add NET_ADMIN ...`"
            ),
            Self::OwnedByAnother { name, owner, group } => write!(
                f,
                "cannot attach to TAP {name}: it belongs to {}; choose another name, or `sudo ip link delete {name} && sudo ip tuntap add dev {name} mode tap user {}`",
                belongs_to(*owner, *group),
                user()
            ),
            Self::Busy { name, holders } => busy(f, name, holders),
            Self::TunNotTap(name) => write!(
                f,
                "cannot attach to {name}: it is a TUN, which carries IP packets without Ethernet; choose another name or `sudo ip link delete {name}`"
            ),
            Self::NotATap(name) => write!(
                f,
                "cannot attach to {name}: it is an interface of another kind, not a TAP; choose a name that `ip link` does not list"
            ),
            Self::QueueMismatch(name) => write!(
                f,
                "cannot attach to TAP {name}: it was made for several queues and this driver opens one; `sudo ip link delete {name} && sudo ip tuntap add dev {name} mode tap user {}`",
                user()
            ),
            Self::Absent(name) => {
                write!(f, "there is no TAP {name}; `ip -details link show type tun` lists those there are")
            }
            Self::Ring(source) => ring(f, source),
            Self::Interface(error) => error.fmt(f),
            Self::Failed { step, source } => write!(f, "cannot {step}: {}", reason(source)),
        }
    }
}

fn ring(f: &mut fmt::Formatter<'_>, source: &io::Error) -> fmt::Result {
    let (why, mend) = match source.raw_os_error().map(Errno::from_raw) {
        Some(Errno::EPERM | Errno::EACCES) if in_container() => (
            "this container forbids it",
            "`docker run --security-opt seccomp=unconfined ...`, or choose `--io read-write`",
        ),
        Some(Errno::EPERM | Errno::EACCES) => {
            ("it is switched off (kernel.io_uring_disabled)", "choose `--io read-write`")
        }
        Some(Errno::ENOSYS) => ("this kernel or container has none", "choose `--io read-write`"),
        Some(Errno::EOPNOTSUPP | Errno::EINVAL) => {
            ("this kernel is too old for that", "choose `--io read-write`")
        }
        _ => ("the system refuses", "choose `--io read-write`"),
    };
    write!(f, "cannot carry frames by io_uring: {}, {why}; {mend}", reason(source))
}

fn busy(f: &mut fmt::Formatter<'_>, name: &InterfaceName, holders: &[Holder]) -> fmt::Result {
    write!(f, "cannot attach to TAP {name}: ")?;
    let Some(first) = holders.first() else {
        return write!(
            f,
            "another process holds it, one you may not look at; `sudo grep -l 'iff:.{name}$' /proc/[0-9]*/fdinfo/*` finds all who hold one of this name"
        );
    };
    for (place, holder) in holders.iter().enumerate() {
        let comma = if place > 0 { ", " } else { "" };
        write!(f, "{comma}{holder}")?;
    }
    write!(f, " holds it; `kill {}`", first.pid)
}

/// Whose a TAP is. One with neither owner nor group is everybody's.
pub(super) fn belongs_to(owner: Option<u32>, group: Option<u32>) -> String {
    match (owner, group) {
        (Some(uid), _) => user_name(uid),
        (None, Some(gid)) => format!("group {gid}"),
        (None, None) => "anyone".to_owned(),
    }
}

/// The system's words for an error, without the number that Rust adds.
pub(super) fn reason(error: &io::Error) -> String {
    error.raw_os_error().map_or_else(|| error.to_string(), |code| Errno::from_raw(code).desc().to_owned())
}

impl std::error::Error for OpenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::NoNode(source)
            | Self::NoNodeInContainer(source)
            | Self::NodeRefused(source)
            | Self::Ring(source)
            | Self::Failed { source, .. } => Some(source),
            Self::Name(error) => Some(error),
            Self::Interface(error) => Some(error),
            _ => None,
        }
    }
}

impl From<NameError> for OpenError {
    fn from(error: NameError) -> Self {
        Self::Name(error)
    }
}

impl From<InterfaceError> for OpenError {
    fn from(error: InterfaceError) -> Self {
        Self::Interface(error)
    }
}

#[cfg(test)]
mod tests;
