//! Why a packet socket could not be opened, and what mends it.

use std::fmt;
use std::io;

use nix::errno::Errno;
use nix::unistd::geteuid;

use crate::linux::open_error::{in_container, reason};
use crate::linux::{InterfaceError, InterfaceName};

/// Why a packet socket could not be opened.
///
/// Each message is one sentence: what failed, why, and the command that mends it.
#[derive(Debug)]
#[non_exhaustive]
pub enum SocketError {
    /// There is no interface of this name.
    Absent(InterfaceName),
    /// Raw frames take `CAP_NET_RAW`.
    NotPermitted(InterfaceName),
    /// This container was started without `CAP_NET_RAW`.
    NotPermittedInContainer(InterfaceName),
    /// The interface is down.
    Down(InterfaceName),
    /// The interface carries no Ethernet frames.
    NotEthernet(InterfaceName),
    /// The interface could not be asked.
    Interface(InterfaceError),
    /// Anything else that the system refused.
    Failed {
        /// The step that failed.
        step: &'static str,
        /// The system's reason.
        source: io::Error,
    },
}

impl SocketError {
    /// The error behind a socket that the system refused.
    pub(super) fn of_socket(name: &InterfaceName, source: io::Error) -> SocketError {
        match source.raw_os_error().map(Errno::from_raw) {
            // Root of a container needs another container; another user needs the capability.
            Some(Errno::EPERM | Errno::EACCES) if geteuid().is_root() && in_container() => {
                Self::NotPermittedInContainer(name.clone())
            }
            Some(Errno::EPERM | Errno::EACCES) => Self::NotPermitted(name.clone()),
            Some(Errno::ENODEV | Errno::ENXIO) => Self::Absent(name.clone()),
            _ => Self::Failed { step: "open a packet socket", source },
        }
    }
}

/// The program's own path, for a command to paste.
fn program() -> String {
    std::env::current_exe().map_or_else(|_| "PROGRAM".to_owned(), |path| path.display().to_string())
}

impl fmt::Display for SocketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent(name) => {
                write!(f, "there is no interface {name}; `ip link` lists the interfaces there are")
            }
            Self::NotPermitted(name) => write!(
                f,
                "cannot open a packet socket on {name}: raw frames take CAP_NET_RAW; `sudo setcap cap_net_raw+ep {}`",
                program()
            ),
            Self::NotPermittedInContainer(name) => write!(
                f,
                "cannot open a packet socket on {name}: this container was started without CAP_NET_RAW; `docker run --cap-add NET_RAW ...`"
            ),
            Self::Down(name) => write!(
                f,
                "{name} is down, and nobody is heard or asked until it is up; `sudo ip link set {name} up`"
            ),
            Self::NotEthernet(name) => write!(
                f,
                "{name} carries no Ethernet frames, so there is no ARP on it; `ip -brief link` lists other interfaces"
            ),
            Self::Interface(error) => error.fmt(f),
            Self::Failed { step, source } => write!(f, "cannot {step}: {}", reason(source)),
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
