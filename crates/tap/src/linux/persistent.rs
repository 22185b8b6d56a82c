//! TAPs that outlive the program: made once with privilege, attached to ever after without.

use std::fmt;
use std::io;

use ipnet::Ipv4Net;

use super::{Interface, InterfaceError, InterfaceName, OpenError, Tap, taps};

/// A persistent TAP as it is to be.
#[derive(Clone, Debug)]
pub struct PersistentTap {
    /// Its name; `%d` in it lets the kernel choose a number.
    pub name: InterfaceName,
    /// The id of the user who may attach without capabilities.
    pub owner: Option<u32>,
    /// The id of the group whose members may attach without capabilities.
    pub group: Option<u32>,
    /// The longest payload of a frame, in bytes; the kernel's default is 1,500.
    pub mtu: Option<usize>,
    /// The kernel's own address on it and its prefix.
    pub address: Option<Ipv4Net>,
}

/// Why a persistent TAP could not be made.
#[derive(Debug)]
pub enum CreateError {
    /// The TAP could not be opened.
    Open {
        /// The TAP.
        name: InterfaceName,
        /// The error of opening it.
        source: OpenError,
    },
    /// The kernel's side could not be set up.
    Interface(InterfaceError),
    /// The list of TAPs could not be read.
    List(io::Error),
}

/// Why a persistent TAP could not be deleted.
#[derive(Debug)]
pub enum DeleteError {
    /// There is none of this name.
    Absent(InterfaceName),
    /// It could not be opened: busy, another user's, no TAP at all.
    Open(OpenError),
}

impl PersistentTap {
    /// Makes the TAP, or makes an existing one like this, and brings it up. Returns its name.
    ///
    /// What is as it should be already is left alone, so that a second call succeeds without
    /// privilege, and on a TAP that a program has open.
    pub fn create(&self) -> Result<InterfaceName, CreateError> {
        let existing = taps::find(&self.name).map_err(CreateError::List)?;
        let is_new = existing.is_none();
        let name = match existing {
            Some(tap) if self.is_satisfied_by(&tap) => tap.name,
            _ => self.open().map_err(|source| CreateError::Open { name: self.name.clone(), source })?,
        };
        let set_up = self.set_up(&name);
        if is_new && set_up.is_err() {
            // Half a TAP helps nobody. Should it not go either, the first error is the one to tell.
            let _ = Self::delete(&name);
        }
        set_up.map(|()| name)
    }

    /// Sets up the kernel's side, as far as it is not as it should be.
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

    /// Deletes the persistent TAP of this name.
    pub fn delete(name: &InterfaceName) -> Result<(), DeleteError> {
        match super::tap::delete_persistent(name) {
            Ok(()) => Ok(()),
            Err(OpenError::Absent(name)) => Err(DeleteError::Absent(name)),
            Err(error) => Err(DeleteError::Open(error)),
        }
    }

    /// Whether an existing TAP needs no attaching to, which would fail while a program has it open.
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
            Self::Absent(name) => write!(f, "there is no TAP {name} to delete"),
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
