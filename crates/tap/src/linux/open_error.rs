//! Errors of opening a TAP.

use std::fmt;
use std::io;

use super::{Holder, InterfaceError, InterfaceName, NameError};

/// Error of opening a TAP: the kind, and what the system reported.
#[derive(Debug)]
#[non_exhaustive]
pub enum OpenError {
    /// The name is none that the kernel takes.
    Name(NameError),
    /// There is no `/dev/net/tun`, or nothing is behind it.
    NoNode(io::Error),
    /// The node is there and its file mode keeps the caller out.
    NodeRefused(io::Error),
    /// No such TAP exists, and making one takes `CAP_NET_ADMIN`.
    NotPermitted(InterfaceName),
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

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(error) => error.fmt(f),
            Self::NoNode(source) | Self::NodeRefused(source) => {
                write!(f, "cannot open /dev/net/tun: {source}")
            }
            Self::NotPermitted(name) => write!(f, "cannot make TAP {name}: that takes CAP_NET_ADMIN"),
            Self::OwnedByAnother { name, .. } => {
                write!(f, "cannot attach to TAP {name}: it belongs to another user")
            }
            Self::Busy { name, holders } => busy(f, name, holders),
            Self::TunNotTap(name) => {
                write!(f, "cannot attach to {name}: it is a TUN, which carries IP packets without Ethernet")
            }
            Self::NotATap(name) => {
                write!(f, "cannot attach to {name}: it is an interface of another kind, not a TAP")
            }
            Self::QueueMismatch(name) => write!(
                f,
                "cannot attach to TAP {name}: it was made for several queues and this driver opens one"
            ),
            Self::Absent(name) => write!(f, "there is no TAP {name}"),
            Self::Ring(source) => write!(f, "cannot carry frames by io_uring: {source}"),
            Self::Interface(error) => error.fmt(f),
            Self::Failed { step, source } => write!(f, "cannot {step}: {source}"),
        }
    }
}

fn busy(f: &mut fmt::Formatter<'_>, name: &InterfaceName, holders: &[Holder]) -> fmt::Result {
    write!(f, "cannot attach to TAP {name}: ")?;
    if holders.is_empty() {
        return f.write_str("another process holds it, one you may not look at");
    }
    for (place, holder) in holders.iter().enumerate() {
        let comma = if place > 0 { ", " } else { "" };
        write!(f, "{comma}{holder}")?;
    }
    f.write_str(" holds it")
}

impl std::error::Error for OpenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::NoNode(source)
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
