//! Persistent TAPs: created once with privilege, attached to later without.

use std::fmt;
use std::io;

use ipnet::Ipv4Net;

use super::{Interface, InterfaceError, InterfaceName, OpenError, Tap, taps};

/// Settings of a persistent TAP. `None` leaves a setting unchanged, or at the kernel's default for a new TAP.
#[derive(Clone, Debug)]
pub struct PersistentTap {
    /// Name. The kernel replaces `%d` in it with a number.
    pub name: InterfaceName,
    /// ID of the user who may attach without capabilities.
    pub owner: Option<u32>,
    /// ID of the group that may attach without capabilities.
    pub group: Option<u32>,
    /// MTU: the maximum payload of a frame, in bytes. The kernel's default is 1,500.
    pub mtu: Option<usize>,
    /// IPv4 address of the kernel on the interface, with its prefix length.
    pub address: Option<Ipv4Net>,
}

/// Error of creating a persistent TAP.
#[derive(Debug)]
pub enum CreateError {
    /// The TAP could not be opened.
    Open {
        /// The TAP.
        name: InterfaceName,
        /// The error of opening the TAP.
        source: OpenError,
    },
    /// The interface could not be configured.
    Interface(InterfaceError),
    /// The list of TAPs could not be read, or no netlink socket could be opened.
    List(io::Error),
}

/// Error of deleting a persistent TAP.
#[derive(Debug)]
pub enum DeleteError {
    /// No TAP has this name.
    Absent(InterfaceName),
    /// The TAP could not be opened: it is busy, belongs to another user, or is not a TAP.
    Open(OpenError),
}

impl PersistentTap {
    /// Creates the TAP, or changes an existing TAP to these settings, and brings the TAP up. Returns its name.
    ///
    /// Settings that already match are not changed: a second call requires no privilege, and succeeds while a program
    /// has the TAP open.
    pub fn create(&self) -> Result<InterfaceName, CreateError> {
        let existing = taps::find(&self.name).map_err(CreateError::List)?;
        let is_new = existing.is_none();
        let name = match existing {
            Some(tap) if self.is_satisfied_by(&tap) => tap.name,
            _ => self.open().map_err(|source| CreateError::Open { name: self.name.clone(), source })?,
        };
        let set_up = self.set_up(&name);
        if is_new && set_up.is_err() {
            // Delete the new TAP if it could not be configured. If its deletion fails too, the first error is returned.
            let _ = Self::delete(&name);
        }
        set_up.map(|()| name)
    }

    /// Changes the settings of the interface that differ.
    fn set_up(&self, name: &InterfaceName) -> Result<(), CreateError> {
        let interface = Interface::named(name).map_err(CreateError::List)?;
        if let Some(mtu) = self.mtu.filter(|mtu| interface.mtu().ok() != Some(*mtu)) {
            interface.set_mtu(mtu).map_err(CreateError::Interface)?;
        }
        if let Some(address) = self.address {
            interface.ensure_address(address).map_err(CreateError::Interface)?;
        }
        if !interface.is_up().map_err(CreateError::Interface)? {
            interface.set_up(true).map_err(CreateError::Interface)?;
        }
        Ok(())
    }

    /// Deletes the persistent TAP with this name.
    pub fn delete(name: &InterfaceName) -> Result<(), DeleteError> {
        match super::tap::delete_persistent(name) {
            Ok(()) => Ok(()),
            Err(OpenError::Absent(name)) => Err(DeleteError::Absent(name)),
            Err(error) => Err(DeleteError::Open(error)),
        }
    }

    /// Returns whether an existing TAP has these settings, except for the settings of the interface. Otherwise this
    /// program must attach to the TAP, which fails while another program has the TAP open.
    fn is_satisfied_by(&self, tap: &taps::TapInterface) -> bool {
        tap.is_tap
            && tap.persistent
            && !tap.multi_queue
            && (self.owner.is_none() || self.owner == tap.owner)
            && (self.group.is_none() || self.group == tap.group)
    }

    fn open(&self) -> Result<InterfaceName, OpenError> {
        let mut options = Tap::options().persist();
        if let Some(uid) = self.owner {
            options = options.owner(uid);
        }
        if let Some(gid) = self.group {
            options = options.group(gid);
        }
        let tap = options.open(self.name.as_str())?;
        Ok(tap.interface().name().clone())
    }
}

impl fmt::Display for CreateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open { source, .. } => source.fmt(f),
            Self::Interface(error) => error.fmt(f),
            Self::List(error) => write!(f, "cannot list the interfaces: {error}"),
        }
    }
}

impl std::error::Error for CreateError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Open { source, .. } => Some(source),
            Self::Interface(error) => Some(error),
            Self::List(error) => Some(error),
        }
    }
}

impl fmt::Display for DeleteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent(name) => write!(f, "TAP {name} does not exist"),
            Self::Open(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for DeleteError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Absent(_) => None,
            Self::Open(error) => Some(error),
        }
    }
}
