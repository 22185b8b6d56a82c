//! The programs that set interfaces up unasked, and whether they let a TAP be.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::sections::{Section, matches_glob, sections};

/// Which of them run, and what they would do to a TAP.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct InterfaceManagers {
    /// Whether its files keep `NetworkManager` off TAPs, if it runs.
    pub(super) network_manager_ignores_taps: Option<bool>,
    pub(super) networkd: Networkd,
}

/// What `systemd-networkd` would do to a TAP.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Networkd {
    /// It does not run.
    #[default]
    Absent,
    /// None of its files sets a TAP up.
    IgnoresTaps,
    /// This one does.
    ManagesTaps(PathBuf),
}

/// The TAP that people have.
const TAP: &str = "tap0";
/// Where `NetworkManager` reads what it is told.
const NETWORK_MANAGER: [&str; 4] = [
    "/usr/lib/NetworkManager/conf.d",
    "/run/NetworkManager/conf.d",
    "/etc/NetworkManager",
    "/etc/NetworkManager/conf.d",
];
/// Where `systemd-networkd` does: of two files of one name the later folder's counts.
const NETWORKD: [&str; 4] = [
    "/usr/lib/systemd/network",
    "/usr/local/lib/systemd/network",
    "/run/systemd/network",
    "/etc/systemd/network",
];

impl InterfaceManagers {
    pub(super) fn find() -> InterfaceManagers {
        let running = running();
        let runs = |name: &str| running.iter().any(|program| program == name);
        InterfaceManagers {
            network_manager_ignores_taps: runs("NetworkManager").then(|| {
                ignores_taps(files(&NETWORK_MANAGER, "conf").values().map(|(_, text)| text.as_str()))
            }),
            // The kernel cuts a program's name after fifteen octets.
            networkd: match runs("systemd-network").then(|| manages_taps(&files(&NETWORKD, "network"))) {
                None => Networkd::Absent,
                Some(None) => Networkd::IgnoresTaps,
                Some(Some(path)) => Networkd::ManagesTaps(path),
            },
        }
    }
}

/// The programs that run, as far as they can be seen.
fn running() -> Vec<String> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    processes
        .filter_map(|process| fs::read_to_string(process.path().join("comm")).ok())
        .map(|name| name.trim_end().to_owned())
        .collect()
}

/// The files with this ending, by name: a later folder's replaces an earlier one's.
fn files(folders: &[&str], ending: &str) -> BTreeMap<String, (PathBuf, String)> {
    let entries = folders.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten().flatten();
    entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == ending))
        .filter_map(|path| {
            let name = Path::new(path.file_name()?).display().to_string();
            let text = fs::read_to_string(&path).ok()?;
            Some((name, (path, text)))
        })
        .collect()
}

/// Whether one of the files keeps `NetworkManager` off TAPs.
pub(super) fn ignores_taps<'a>(files: impl IntoIterator<Item = &'a str>) -> bool {
    files.into_iter().flat_map(sections).any(|section| {
        let unmanaged = section.sets("managed", &["0", "no", "false", "off"]);
        section.settings.iter().any(|(key, value)| match key.trim_end_matches('+') {
            "unmanaged-devices" => lists_taps(value),
            "match-device" => unmanaged && lists_taps(value),
            _ => false,
        })
    })
}

/// Whether a list of devices, as `NetworkManager` takes it, names TAPs.
fn lists_taps(devices: &str) -> bool {
    devices.split([';', ',']).map(str::trim).any(|device| match device.split_once(':') {
        Some(("interface-name", pattern)) => matches_glob(TAP, pattern.trim_start_matches('=')),
        Some((kind, name)) => kind == "type" && name == "tun",
        None => matches_glob(TAP, device),
    })
}

/// The first file by which `systemd-networkd` sets TAPs up, unless one before it says to let them be.
pub(super) fn manages_taps(files: &BTreeMap<String, (PathBuf, String)>) -> Option<PathBuf> {
    let (path, sections) =
        files.values().map(|(path, text)| (path, sections(text))).find(|(_, sections)| {
            sections.iter().any(|section| section.name == "Match" && matches_taps(section))
        })?;
    let unmanaged =
        |section: &Section| section.name == "Link" && section.sets("Unmanaged", &["yes", "true", "1", "on"]);
    (!sections.iter().any(unmanaged)).then(|| path.clone())
}

/// Whether a TAP is what the section describes. One that describes nothing matches nothing.
fn matches_taps(section: &Section) -> bool {
    let met = |(key, patterns): &(String, String)| {
        let any = |what: &str| patterns.split_whitespace().any(|pattern| matches_glob(what, pattern));
        match key.as_str() {
            "Name" => any(TAP),
            "Type" => any("ether"),
            "Kind" | "Driver" => any("tun"),
            // A TAP has neither a path nor an address that anybody could have written down.
            _ => false,
        }
    };
    !section.settings.is_empty() && section.settings.iter().all(met)
}
