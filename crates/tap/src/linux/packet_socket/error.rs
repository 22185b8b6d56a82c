//! Errors of opening a packet socket.

use std::fmt;
use std::io;

use nix::errno::Errno;

use crate::linux::{InterfaceError, InterfaceName};

/// Error of opening a packet socket.
#[derive(Debug)]
#[non_exhaustive]
pub enum SocketError {
    /// The interface does not exist.
    Absent(InterfaceName),
    /// Raw frames require `CAP_NET_RAW`.
    NotPermitted(InterfaceName),
    /// The interface is down.
    Down(InterfaceName),
    /// The interface does not carry Ethernet frames.
    NotEthernet(InterfaceName),
    /// The interface could not be read.
    Interface(InterfaceError),
    /// Another system error.
    Failed {
        /// The step that failed.
        step: &'static str,
        /// The system error.
        source: io::Error,
    },
}

impl SocketError {
    /// Returns the error for a failed socket call.
    pub(super) fn of_socket(name: &InterfaceName, source: io::Error) -> SocketError {
        match source.raw_os_error().map(Errno::from_raw) {
            Some(Errno::EPERM | Errno::EACCES) => Self::NotPermitted(name.clone()),
            Some(Errno::ENODEV | Errno::ENXIO) => Self::Absent(name.clone()),
            _ => Self::Failed { step: "open a packet socket", source },
        }
    }
}

impl fmt::Display for SocketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent(name) => write!(f, "interface {name} does not exist"),
            Self::NotPermitted(name) => {
                write!(f, "cannot open a packet socket on {name}: CAP_NET_RAW is required")
            }
            Self::Down(name) => write!(f, "interface {name} is down"),
            Self::NotEthernet(name) => write!(f, "interface {name} does not carry Ethernet frames"),
            Self::Interface(error) => error.fmt(f),
            Self::Failed { step, source } => write!(f, "cannot {step}: {source}"),
        }
    }
}

impl std::error::Error for SocketError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Interface(error) => Some(error),
            Self::Failed { source, .. } => Some(source),
            _ => None,
        }
    }
}

impl From<InterfaceError> for SocketError {
    fn from(error: InterfaceError) -> Self {
        Self::Interface(error)
    }
}

#[cfg(test)]
mod tests;
