//! TAPs that outlive the program: made once with privilege, attached to ever after without.

use std::fmt;
use std::io;

use ipnet::Ipv4Net;
use nix::unistd::{User, getuid};

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
    /// The longest payload of a frame, in octets; the kernel's default is 1,500.
    pub mtu: Option<usize>,
    /// The kernel's own address on it and its prefix.
    pub address: Option<Ipv4Net>,
}

/// Why a persistent TAP could not be made.
#[derive(Debug)]
pub enum CreateError {
    /// It takes `CAP_NET_ADMIN`, in a container or out of one.
    NotPermitted(Box<dyn std::error::Error + Send + Sync>),
    /// The TAP could not be opened.
    Open(OpenError),
    /// The kernel's side could not be set up.
    Interface(InterfaceError),
    /// The list of TAPs could not be read.
    List(io::Error),
}

/// There is no user of this name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownUser(String);

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
        let name = match existing {
            Some(tap) if self.is_met_by(&tap) => tap.name,
            _ => self.open()?,
        };
        let interface = Interface::named(&name).map_err(CreateError::List)?;
        if let Some(mtu) = self.mtu.filter(|mtu| interface.mtu().ok() != Some(*mtu)) {
            interface.set_mtu(mtu)?;
        }
        if let Some(address) = self.address.filter(|to| interface.address().ok() != Some(Some(*to))) {
            interface.set_address(address)?;
        }
        if !interface.is_up()? {
            interface.set_up(true)?;
        }
        Ok(name)
    }

    /// Deletes the persistent TAP of this name.
    pub fn delete(name: &InterfaceName) -> Result<(), DeleteError> {
        match super::tap::unpersist(name) {
            Ok(()) => Ok(()),
            Err(OpenError::Absent(name)) => Err(DeleteError::Absent(name)),
            Err(error) => Err(DeleteError::Open(error)),
        }
    }

    /// Whether an existing TAP needs no attaching to, which would fail while a program has it open.
    fn is_met_by(&self, tap: &taps::TapInterface) -> bool {
        tap.is_tap
            && tap.persistent
            && !tap.multi_queue
            && (self.owner.is_none() || self.owner == tap.owner)
            && (self.group.is_none() || self.group == tap.group)
    }

    fn open(&self) -> Result<InterfaceName, CreateError> {
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

/// The id of the user at the keyboard: the one behind `sudo`, if there is one.
pub fn caller() -> u32 {
    let behind_sudo = std::env::var("SUDO_UID").ok().and_then(|uid| uid.parse().ok());
    match behind_sudo {
        Some(uid) if getuid().is_root() => uid,
        _ => getuid().as_raw(),
    }
}

/// The id of a user, from the name or the number that a person typed.
pub fn user_id(user: &str) -> Result<u32, UnknownUser> {
    match User::from_name(user) {
        Ok(Some(found)) => Ok(found.uid.as_raw()),
        _ => user.parse().map_err(|_| UnknownUser(user.to_owned())),
    }
}

/// The name of the user with this id, or the number where there is none.
pub fn user_name(uid: u32) -> String {
    match User::from_uid(uid.into()) {
        Ok(Some(user)) => user.name,
        _ => uid.to_string(),
    }
}

/// This very command, with `sudo` before it and the caller as `--user` behind it.
pub fn as_root() -> String {
    let program = std::env::current_exe().unwrap_or_else(|_| "tapstack".into());
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let names_user = arguments.iter().any(|argument| argument.starts_with("--user"));
    let mut words = vec!["sudo".to_owned(), quoted(&program.to_string_lossy())];
    words.extend(arguments.iter().map(|argument| quoted(argument)));
    if !names_user {
        words.extend(["--user".to_owned(), quoted(&user_name(caller()))]);
    }
    words.join(" ")
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

impl From<OpenError> for CreateError {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::NotPermitted(_) | OpenError::OwnedByAnother { .. } => Self::NotPermitted(error.into()),
            other => Self::Open(other),
        }
    }
}

impl From<InterfaceError> for CreateError {
    fn from(error: InterfaceError) -> Self {
        if error.is_not_permitted() { Self::NotPermitted(error.into()) } else { Self::Interface(error) }
    }
}

impl fmt::Display for CreateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotPermitted(error) => error.fmt(f),
            Self::Open(error) => error.fmt(f),
            Self::Interface(error) => error.fmt(f),
            Self::List(error) => write!(f, "cannot list the interfaces: {error}"),
        }
    }
}

impl std::error::Error for CreateError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::NotPermitted(error) => Some(error.as_ref()),
            Self::Open(error) => Some(error),
            Self::Interface(error) => Some(error),
            Self::List(error) => Some(error),
        }
    }
}

impl fmt::Display for UnknownUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there is no user `{}`; `getent passwd` lists those there are", self.0)
    }
}

impl std::error::Error for UnknownUser {}

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

#[cfg(test)]
mod tests;
