//! File of known addresses: `watch --known`.
//!
//! A line has an IP address with an optional VLAN, and a MAC address: `10.0.0.7@5 02:00:00:00:00:07`. A comment starts
//! with `#`. The file may be edited while `watch` runs: `watch` reads a changed file again before it reports a new or moved
//! address and before it replaces the file, and keeps all lines that it does not change.

use std::collections::{BTreeMap, HashSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};
use std::time::Duration;

use arptools::census::{CensusEvent, VlanAddress};
use link::MacAddr;
use tap::Instant;

use crate::error_message::ErrorMessage;
use crate::failure::Failure;
use crate::input::read;
use crate::local_time::LocalSecond;
use crate::values::{ip_address, station_mac, vlan};

/// Maximum number of known addresses.
const MAX_ADDRESSES: usize = 65_536;
/// Time from a change to the replacement of the file.
const SAVE_DELAY: Duration = Duration::from_secs(5);
/// First line of a new file.
const HEADER: &str = "# Known addresses of tapstack watch: IP[@VLAN] MAC # comment\n";

/// The known addresses, and the changes that are not in the file yet.
#[derive(Debug)]
pub(super) struct KnownAddresses {
    path: PathBuf,
    /// The version of the file with these addresses.
    version: Option<FileVersion>,
    macs: BTreeMap<VlanAddress, MacAddr>,
    /// Changed addresses, with the time of the first change.
    changes: BTreeMap<VlanAddress, (MacAddr, Instant)>,
    save_at: Option<Instant>,
    /// Addresses that were not added because the list was full.
    pub(super) not_added: u64,
}

/// Values that differ after a change of a file: device and inode, size, and time of the last change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FileVersion([u64; 3], [i64; 2]);

impl FileVersion {
    /// Returns the version of a file, or `None` if the file does not exist.
    fn of(path: &Path) -> Option<FileVersion> {
        let metadata = fs::metadata(path).ok()?;
        let changed = [metadata.mtime(), metadata.mtime_nsec()];
        Some(FileVersion([metadata.dev(), metadata.ino(), metadata.size()], changed))
    }
}

impl KnownAddresses {
    /// Reads the file. A file that does not exist is created by the first [`KnownAddresses::save`].
    pub(super) fn read(path: &Path) -> Result<KnownAddresses, Failure> {
        let failure = |why: ErrorMessage| {
            Failure::new(why.context(format!("cannot read known addresses from {}", path.display())))
        };
        // A symbolic link keeps its target.
        let path_of_file = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        // A change after this moment has another version.
        let version = FileVersion::of(&path_of_file);
        let text = read_text(&path_of_file).map_err(|error| failure(error.to_string().as_str().into()))?;
        let macs = parse(&text).map_err(failure)?;
        let (path, changes) = (path_of_file, BTreeMap::new());
        Ok(KnownAddresses { path, version, macs, changes, save_at: None, not_added: 0 })
    }

    /// Returns the event to report instead of `event`, or `None` if the file has this MAC address of a new or moved address
    /// already. Adds new and moved addresses to the known addresses.
    pub(super) fn review(&mut self, now: Instant, event: CensusEvent) -> Option<CensusEvent> {
        if matches!(event, CensusEvent::New { .. } | CensusEvent::Moved { .. }) {
            self.reread();
        }
        match event {
            CensusEvent::New { address, mac } => match self.macs.get(&address).copied() {
                Some(known) if known == mac => None,
                Some(from) => {
                    self.add(now, address, mac);
                    Some(CensusEvent::Moved { address, from, to: mac })
                }
                None => {
                    self.add(now, address, mac);
                    Some(event)
                }
            },
            CensusEvent::Moved { address, to, .. } if self.macs.get(&address) == Some(&to) => None,
            CensusEvent::Moved { address, to, .. } => {
                self.add(now, address, to);
                Some(event)
            }
            _ => Some(event),
        }
    }

    /// Reads the file again if it was edited. A file that cannot be read or parsed does not change the known addresses.
    fn reread(&mut self) {
        let version = FileVersion::of(&self.path);
        if version.is_none() || version == self.version {
            return;
        }
        self.version = version;
        let text = read_text(&self.path).map_err(|error| ErrorMessage::new(error.to_string()));
        if let Ok(macs) = text.and_then(|text| parse(&text)) {
            self.macs = macs;
            self.macs.extend(self.changes.iter().map(|(address, (mac, _))| (*address, *mac)));
        }
    }

    fn add(&mut self, now: Instant, address: VlanAddress, mac: MacAddr) {
        if self.macs.len() >= MAX_ADDRESSES && !self.macs.contains_key(&address) {
            self.not_added = self.not_added.saturating_add(1);
            return;
        }
        self.macs.insert(address, mac);
        let first = self.changes.get(&address).map_or(now, |(_, first)| *first);
        self.changes.insert(address, (mac, first));
        self.save_at.get_or_insert(now + SAVE_DELAY);
    }

    /// Returns when the file is due to be replaced.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.save_at
    }

    /// Replaces the file if that is due. After a failure, the changes are kept for the next attempt.
    pub(super) fn save_if_due(&mut self, now: Instant) -> Result<(), Failure> {
        match self.save_at {
            Some(at) if now >= at => {
                self.save_at = Some(now + SAVE_DELAY);
                self.save()
            }
            _ => Ok(()),
        }
    }

    /// Replaces the file by a file with all changes.
    pub(super) fn save(&mut self) -> Result<(), Failure> {
        let failure = |error: io::Error| {
            let name = self.path.display();
            Failure::new(format!("cannot write known addresses to {name}: {error}"))
                .hint("use a file in a directory that this user can write to")
        };
        let text = read_text(&self.path).map_err(failure)?;
        let text = if text.is_empty() { HEADER } else { &text };
        replace(&self.path, &with_changes(text, &self.changes)).map_err(failure)?;
        self.changes.clear();
        self.save_at = None;
        Ok(())
    }
}

/// Reads a regular file. Returns an empty text if the file does not exist.
fn read_text(path: &Path) -> io::Result<String> {
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(String::new()),
        Ok(metadata) if !metadata.is_file() => return Err(io::Error::other("not a regular file")),
        metadata => metadata?,
    };
    String::from_utf8(read(path)?).map_err(|_| io::Error::other("not a text file"))
}

/// Replaces a file atomically. The new file has the owner and the permissions of the old file.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let mut name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let new = path.with_file_name(name);
    let written = write_like(path, &new, text).and_then(|()| fs::rename(&new, path));
    if written.is_err() {
        // The old file stays.
        let _ = fs::remove_file(&new);
    }
    written
}

/// Writes a new file with the owner and the permissions of the file `old`, if `old` exists.
fn write_like(old: &Path, new: &Path, text: &str) -> io::Result<()> {
    let mut file: File = OpenOptions::new().write(true).create_new(true).open(new)?;
    if let Ok(metadata) = fs::metadata(old) {
        let (created, mode) = (file.metadata()?, metadata.mode());
        if (created.uid(), created.gid()) != (metadata.uid(), metadata.gid()) {
            fchown(&file, Some(metadata.uid()), Some(metadata.gid()))?;
        }
        file.set_permissions(fs::Permissions::from_mode(mode))?;
    }
    file.write_all(text.as_bytes())?;
    file.sync_data()
}

/// Parses the lines of a file.
fn parse(text: &str) -> Result<BTreeMap<VlanAddress, MacAddr>, ErrorMessage> {
    let mut macs = BTreeMap::new();
    for (number, line) in (1_u32..).zip(text.lines()) {
        let parsed = parse_line(line).map_err(|why| why.context(format!("line {number}")))?;
        macs.extend(parsed);
        if macs.len() > MAX_ADDRESSES {
            return Err(ErrorMessage::new("more than 65,536 addresses"));
        }
    }
    Ok(macs)
}

/// Parses a line. Returns `None` for a line without an address.
fn parse_line(line: &str) -> Result<Option<(VlanAddress, MacAddr)>, ErrorMessage> {
    let entry = line.split('#').next().unwrap_or_default();
    let words: Vec<_> = entry.split_whitespace().collect();
    match words[..] {
        [] => Ok(None),
        [address, mac] => {
            let (ip, number) = address.split_once('@').map_or((address, None), |(ip, vlan)| (ip, Some(vlan)));
            let vlan = number.map(vlan).transpose()?;
            Ok(Some((VlanAddress { vlan, ip: ip_address(ip)? }, station_mac(mac)?)))
        }
        _ => Err(ErrorMessage::new("expected an IP address and a MAC address")
            .hint("write e.g. 10.0.0.7 02:00:00:00:00:07 # printer")),
    }
}

/// Returns the text with the changed addresses. Other lines, and the comments of all lines, stay.
fn with_changes(text: &str, changes: &BTreeMap<VlanAddress, (MacAddr, Instant)>) -> String {
    let mut done = HashSet::new();
    let mut lines: Vec<_> = text
        .lines()
        .map(|line| {
            let parsed = parse_line(line).ok().flatten();
            let Some((address, old)) = parsed else { return line.to_owned() };
            let Some((new, _)) = changes.get(&address) else { return line.to_owned() };
            done.insert(address);
            if old == *new {
                return line.to_owned();
            }
            let comment = line.split_once('#').map(|(_, comment)| format!("  #{comment}"));
            format!("{:<15} {new}{}", address.to_string(), comment.unwrap_or_default())
        })
        .collect();
    let added = changes.iter().filter(|(address, _)| !done.contains(*address));
    lines.extend(added.map(|(address, (mac, first))| {
        format!("{:<15} {mac}  # first seen {}", address.to_string(), LocalSecond(*first))
    }));
    lines.push(String::new());
    lines.join("\n")
}

#[cfg(test)]
mod tests;
