//! Errors of opening a TAP.

use std::fmt;
use std::io;

use super::{Holder, InterfaceError, InterfaceName, NameError};

/// Error of opening a TAP.
#[derive(Debug)]
#[non_exhaustive]
pub enum OpenError {
    /// The name is invalid.
    Name(NameError),
    /// `/dev/net/tun` does not exist, or is not the node of the tun driver.
    NoNode(io::Error),
    /// The file permissions of `/dev/net/tun` deny access.
    NodeRefused(io::Error),
    /// The TAP does not exist, and creating a TAP requires `CAP_NET_ADMIN`.
    NotPermitted(InterfaceName),
    /// The TAP belongs to another user or group.
    OwnedByAnother {
        /// The TAP.
        name: InterfaceName,
        /// ID of the user who may attach, if set.
        owner: Option<u32>,
        /// ID of the group that may attach, if set.
        group: Option<u32>,
    },
    /// The TAP is in use: it has one queue, which only one process can hold.
    Busy {
        /// The TAP.
        name: InterfaceName,
        /// Processes that hold the TAP, as far as the caller may inspect these processes.
        holders: Vec<Holder>,
    },
    /// The interface is a TUN, which carries IP packets without Ethernet.
    TunNotTap(InterfaceName),
    /// The interface exists, but is neither TUN nor TAP.
    NotATap(InterfaceName),
    /// The TAP was created for several queues, and this driver opens only one queue.
    QueueMismatch(InterfaceName),
    /// The TAP does not exist, and [`TapOptions::attach_only`](super::TapOptions::attach_only) forbids creating it.
    Absent(InterfaceName),
    /// The kernel refused `io_uring` for this TAP.
    Ring(io::Error),
    /// The kernel refused offloads for this TAP.
    Offloads(io::Error),
    /// The interface could not be read or changed.
    Interface(InterfaceError),
    /// Another system error.
    Failed {
        /// The step that failed.
        step: &'static str,
        /// The system error.
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
            Self::NotPermitted(name) => write!(f, "cannot create TAP {name}: CAP_NET_ADMIN is required"),
            Self::OwnedByAnother { name, .. } => {
                write!(f, "cannot attach to TAP {name}: it belongs to another user")
            }
            Self::Busy { name, holders } => busy(f, name, holders),
            Self::TunNotTap(name) => {
                write!(f, "cannot attach to {name}: it is a TUN, which carries IP packets without Ethernet")
            }
            Self::NotATap(name) => write!(f, "cannot attach to {name}: it is not a TAP"),
            Self::QueueMismatch(name) => {
                write!(f, "cannot attach to TAP {name}: it has several queues, and this driver opens one")
            }
            Self::Absent(name) => write!(f, "TAP {name} does not exist"),
            Self::Ring(source) => write!(f, "cannot use io_uring: {source}"),
            Self::Offloads(source) => write!(f, "cannot use offloads: {source}"),
            Self::Interface(error) => error.fmt(f),
            Self::Failed { step, source } => write!(f, "cannot {step}: {source}"),
        }
    }
}

fn busy(f: &mut fmt::Formatter<'_>, name: &InterfaceName, holders: &[Holder]) -> fmt::Result {
    write!(f, "cannot attach to TAP {name}: in use by ")?;
    if holders.is_empty() {
        return f.write_str("another process (its details are not visible to this user)");
    }
    for (place, holder) in holders.iter().enumerate() {
        let comma = if place > 0 { ", " } else { "" };
        write!(f, "{comma}{holder}")?;
    }
    Ok(())
}

impl std::error::Error for OpenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::NoNode(source)
            | Self::NodeRefused(source)
            | Self::Ring(source)
            | Self::Offloads(source)
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
