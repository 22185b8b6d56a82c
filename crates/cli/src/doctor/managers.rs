//! Network managers that configure interfaces, and whether they ignore TAPs.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Which network managers run, and what they do to a TAP.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct InterfaceManagers {
    /// Whether `NetworkManager` ignores TAPs, if it runs.
    pub(super) network_manager_ignores_taps: Option<bool>,
    pub(super) networkd: Networkd,
}

/// What `systemd-networkd` does to a TAP.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Networkd {
    /// `systemd-networkd` does not run.
    #[default]
    Absent,
    /// No file of `systemd-networkd` matches a TAP.
    IgnoresTaps,
    /// This file matches a TAP.
    ManagesTaps(PathBuf),
}

/// The usual name of a TAP.
const TAP: &str = "tap0";
/// Directories of `NetworkManager`'s configuration.
const NETWORK_MANAGER: [&str; 4] = [
    "/usr/lib/NetworkManager/conf.d",
    "/run/NetworkManager/conf.d",
    "/etc/NetworkManager",
    "/etc/NetworkManager/conf.d",
];
/// Directories of `systemd-networkd`'s configuration. If two directories contain a file of the same name, the file in the later directory applies.
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
            // The kernel truncates a program's name to 15 bytes.
            networkd: match runs("systemd-network").then(|| manages_taps(&files(&NETWORKD, "network"))) {
                None => Networkd::Absent,
                Some(None) => Networkd::IgnoresTaps,
                Some(Some(path)) => Networkd::ManagesTaps(path),
            },
        }
    }
}

/// Returns the names of the visible programs that run.
fn running() -> Vec<String> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    processes
        .filter_map(|process| fs::read_to_string(process.path().join("comm")).ok())
        .map(|name| name.trim_end().to_owned())
        .collect()
}

/// Reads the files with this extension, by name. A file in a later directory replaces a file of the same name.
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

/// Whether one of these files makes `NetworkManager` ignore TAPs.
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

/// Whether a list of devices in the syntax of `NetworkManager` contains TAPs.
fn lists_taps(devices: &str) -> bool {
    devices.split([';', ',']).map(str::trim).any(|device| match device.split_once(':') {
        Some(("interface-name", pattern)) => matches_glob(TAP, pattern.trim_start_matches('=')),
        Some((kind, name)) => kind == "type" && name == "tun",
        None => matches_glob(TAP, device),
    })
}

/// Returns the first file by which `systemd-networkd` manages TAPs, unless the file makes TAPs unmanaged.
pub(super) fn manages_taps(files: &BTreeMap<String, (PathBuf, String)>) -> Option<PathBuf> {
    let (path, sections) =
        files.values().map(|(path, text)| (path, sections(text))).find(|(_, sections)| {
            sections.iter().any(|section| section.name == "Match" && matches_taps(section))
        })?;
    let unmanaged =
        |section: &Section| section.name == "Link" && section.sets("Unmanaged", &["yes", "true", "1", "on"]);
    (!sections.iter().any(unmanaged)).then(|| path.clone())
}

/// Whether a section matches a TAP. An empty section matches nothing.
fn matches_taps(section: &Section) -> bool {
    let matches = |(key, patterns): &(String, String)| {
        let any = |what: &str| patterns.split_whitespace().any(|pattern| matches_glob(what, pattern));
        match key.as_str() {
            "Name" => any(TAP),
            "Type" => any("ether"),
            "Kind" | "Driver" => any("tun"),
            // A TAP has neither a path nor a fixed MAC address.
            _ => false,
        }
    };
    !section.settings.is_empty() && section.settings.iter().all(matches)
}

/// A section: its name and its settings.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Section {
    name: String,
    settings: Vec<(String, String)>,
}

impl Section {
    /// Whether the section sets this key to one of these values.
    fn sets(&self, key: &str, values: &[&str]) -> bool {
        self.settings.iter().any(|(name, value)| name == key && values.contains(&value.as_str()))
    }
}

/// Parses the sections of a file.
fn sections(text: &str) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with(['#', ';'])) {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            sections.push(Section { name: name.to_owned(), settings: Vec::new() });
        } else if let (Some((key, value)), Some(section)) = (line.split_once('='), sections.last_mut()) {
            section.settings.push((key.trim().to_owned(), value.trim().to_owned()));
        }
    }
    sections
}

/// Whether a text matches a pattern with `*` and `?`.
pub(super) fn matches_glob(text: &str, pattern: &str) -> bool {
    let mut rest = pattern.chars();
    match rest.next() {
        None => text.is_empty(),
        Some('*') => {
            let mut tails = text.char_indices().map(|(at, _)| at).chain([text.len()]);
            tails.any(|at| text.get(at..).is_some_and(|tail| matches_glob(tail, rest.as_str())))
        }
        Some(expected) => {
            let mut others = text.chars();
            others.next().is_some_and(|first| expected == '?' || expected == first)
                && matches_glob(others.as_str(), rest.as_str())
        }
    }
}
