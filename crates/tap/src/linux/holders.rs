//! Which processes hold a TAP, as `/proc` tells it.

use std::fs;
use std::path::Path;

use super::InterfaceName;
use super::open_error::Holder;

/// The processes of this network namespace that hold the TAP open and that the caller may look at.
pub(super) fn holders(name: &InterfaceName) -> Vec<Holder> {
    // The same name may be held in another namespace by somebody who is not in our way.
    let here = fs::read_link("/proc/self/ns/net").ok();
    let Ok(processes) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    processes
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path())))
        .filter(|(_, process)| here.is_some() && fs::read_link(process.join("ns/net")).ok() == here)
        .filter(|(_, process)| holds(process, name))
        .map(|(pid, process)| Holder { pid, command: command(&process) })
        .collect()
}

/// The name of a process, which it may have chosen: any bytes but zero.
fn command(process: &Path) -> String {
    let name = fs::read(process.join("comm")).unwrap_or_default();
    let name = name.strip_suffix(b"\n").unwrap_or(&name);
    String::from_utf8_lossy(name).into_owned()
}

/// Whether one of the process's open files is a tun file bound to `name`.
fn holds(process: &Path, name: &InterfaceName) -> bool {
    let Ok(files) = fs::read_dir(process.join("fdinfo")) else {
        return false;
    };
    files.flatten().any(|file| {
        fs::read_to_string(file.path()).is_ok_and(|info| {
            info.lines().filter_map(|line| line.strip_prefix("iff:")).any(|held| held.trim() == name.as_str())
        })
    })
}
