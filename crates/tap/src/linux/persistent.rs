//! TAPs that outlive the program: made once with privilege, attached to ever after without.

use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;

use ipnet::Ipv4Net;
use nix::unistd::{User, getuid};

use super::open_error::NODE;
use super::printable::Printable;
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
    /// It takes privilege: to make a TAP, to change another user's, or to open the node at all.
    NotPermitted {
        /// The TAP.
        name: InterfaceName,
        /// What was refused.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
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
        let is_new = existing.is_none();
        let name = match existing {
            Some(tap) if self.is_met_by(&tap) => tap.name,
            _ => self.open().map_err(|error| CreateError::of_open(&self.name, error))?,
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
        let refused = |error| CreateError::of_interface(name, error);
        let interface = Interface::named(name).map_err(CreateError::List)?;
        if let Some(mtu) = self.mtu.filter(|mtu| interface.mtu().ok() != Some(*mtu)) {
            interface.set_mtu(mtu).map_err(refused)?;
        }
        if let Some(address) = self.address {
            interface.ensure_address(address).map_err(refused)?;
        }
        if !interface.is_up().map_err(refused)? {
            interface.set_up(true).map_err(refused)?;
        }
        Ok(())
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

/// The id of the user at the keyboard: the one behind `sudo`, if there is one.
pub fn caller() -> u32 {
    behind_sudo(getuid().as_raw(), std::env::var("SUDO_UID").ok().as_deref())
}

/// Only root can have come by `sudo`; for anybody else the variable is a leftover.
fn behind_sudo(uid: u32, sudo_uid: Option<&str>) -> u32 {
    sudo_uid.filter(|_| uid == 0).and_then(|text| text.parse().ok()).unwrap_or(uid)
}

/// The id of a user, from the name or the number that a person typed.
pub fn user_id(user: &str) -> Result<u32, UnknownUser> {
    match User::from_name(user) {
        Ok(Some(found)) => Ok(found.uid.as_raw()),
        // The last number stands for nobody at all.
        _ => user.parse().ok().filter(|uid| *uid != u32::MAX).ok_or_else(|| UnknownUser(user.to_owned())),
    }
}

/// The name of the user with this id, or the number where there is none. What a terminal would obey is escaped.
pub fn user_name(uid: u32) -> String {
    match User::from_uid(uid.into()) {
        Ok(Some(user)) => Printable(&user.name).to_string(),
        _ => uid.to_string(),
    }
}

/// What still keeps a TAP's owner out, if the node's file mode does: a sentence with its mend.
pub fn closed_to(owner: u32) -> Option<String> {
    let mode = fs::metadata(NODE).ok()?.permissions().mode();
    let everybody = 0o006;
    (owner != 0 && mode & everybody != everybody).then(|| {
        format!("{NODE} is closed to {} by its file mode; `sudo chmod 0666 {NODE}`", user_name(owner))
    })
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
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

impl CreateError {
    fn of_open(name: &InterfaceName, error: OpenError) -> CreateError {
        match error {
            OpenError::NotPermitted(_) | OpenError::OwnedByAnother { .. } => Self::not_permitted(name, error),
            OpenError::NodeRefused(_) if !getuid().is_root() => Self::not_permitted(name, error),
            other => Self::Open(other),
        }
    }

    fn of_interface(name: &InterfaceName, error: InterfaceError) -> CreateError {
        if error.is_not_permitted() { Self::not_permitted(name, error) } else { Self::Interface(error) }
    }

    fn not_permitted(name: &InterfaceName, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::NotPermitted { name: name.clone(), source: Box::new(source) }
    }
}

impl fmt::Display for CreateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotPermitted { name, .. } => {
                write!(f, "cannot make TAP {name}: that takes CAP_NET_ADMIN; `{}`", as_root())
            }
            Self::Open(error) => error.fmt(f),
            Self::Interface(error) => error.fmt(f),
            Self::List(error) => write!(f, "cannot list the interfaces: {error}"),
        }
    }
}

impl std::error::Error for CreateError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::NotPermitted { source, .. } => Some(source.as_ref()),
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
