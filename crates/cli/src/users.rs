//! Users of this machine, by name and number.

use std::fmt;
use std::fs;
use std::os::unix::fs::PermissionsExt;

use nix::unistd::{User, getuid};
use tap::linux::Printable;

use crate::error_message::ErrorMessage;

/// Error: no user has this name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownUser(String);

/// Returns the id of the user who runs this program: the caller of `sudo`, if there is one.
pub fn caller() -> u32 {
    behind_sudo(getuid().as_raw(), std::env::var("SUDO_UID").ok().as_deref())
}

/// Returns `SUDO_UID` only for root: `sudo` does not set this variable for other users.
fn behind_sudo(uid: u32, sudo_uid: Option<&str>) -> u32 {
    sudo_uid.filter(|_| uid == 0).and_then(|text| text.parse().ok()).unwrap_or(uid)
}

/// Returns the id of a user, from a name or a number.
pub fn user_id(user: &str) -> Result<u32, UnknownUser> {
    match User::from_name(user) {
        Ok(Some(found)) => Ok(found.uid.as_raw()),
        // The highest number means no user.
        _ => user.parse().ok().filter(|uid| *uid != u32::MAX).ok_or_else(|| UnknownUser(user.to_owned())),
    }
}

/// Returns the name of the user with this id, or the number if there is no such user. Control characters are escaped.
pub fn user_name(uid: u32) -> String {
    match User::from_uid(uid.into()) {
        Ok(Some(user)) => Printable(&user.name).to_string(),
        _ => uid.to_string(),
    }
}

/// Returns who may attach to a TAP: a user's name, a group's number, or anyone.
pub(crate) fn tap_owner(owner: Option<u32>, group: Option<u32>) -> String {
    match (owner, group) {
        (Some(uid), _) => user_name(uid),
        (None, Some(gid)) => format!("group {gid}"),
        (None, None) => "anyone".to_owned(),
    }
}

/// Returns a warning if the file mode of `/dev/net/tun` does not permit this user to open the device.
pub fn closed_to(owner: u32) -> Option<ErrorMessage> {
    const NODE: &str = "/dev/net/tun";
    const READ_AND_WRITE: u32 = 0o006;
    let mode = fs::metadata(NODE).ok()?.permissions().mode();
    (owner != 0 && mode & READ_AND_WRITE != READ_AND_WRITE).then(|| {
        ErrorMessage::new(format!("the file mode of {NODE} does not permit {} to open it", user_name(owner)))
            .hint_command("allow all users to open the device", format!("sudo chmod 0666 {NODE}"))
    })
}

impl fmt::Display for UnknownUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown user '{}'", self.0)
    }
}

impl std::error::Error for UnknownUser {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_id_accepts_names_and_numbers() {
        assert_eq!(user_id("root"), Ok(0));
        assert_eq!(user_id("4242"), Ok(4242));
        assert!(user_id("no such user").is_err());
        assert!(user_id("4294967295").is_err());
    }

    #[test]
    fn caller_is_user_behind_sudo_only_when_root() {
        assert_eq!(behind_sudo(0, Some("1000")), 1000);
        assert_eq!(behind_sudo(0, None), 0);
        assert_eq!(behind_sudo(0, Some("nonsense")), 0);
        assert_eq!(behind_sudo(1001, Some("1000")), 1001);
    }
}
