//! File of known addresses: `watch --known`.
//!
//! A line has an IP address with an optional VLAN and an optional interface, and a MAC address:
//! `10.0.0.7@5%eth0 02:00:00:00:00:07`. Without an interface, the line applies to each interface that has no line of its own
//! for this address. A watch of several interfaces adds lines with interfaces. A comment starts with `#`; in the name of an interface, `#` starts no comment.
//!
//! The file may be edited while `watch` runs: `watch` reads a changed file again before it reports a new or moved
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
use tap::linux::InterfaceName;

use crate::error_message::ErrorMessage;
use crate::failure::Failure;
use crate::input;
use crate::local_time::LocalSecond;
use crate::values::{interface_name, ip_address, station_mac, vlan};

/// Maximum number of known addresses.
const MAX_ADDRESSES: usize = 65_536;
/// Time from a change to the replacement of the file.
const SAVE_DELAY: Duration = Duration::from_secs(5);
/// Maximum number of attempts to replace a file that is edited at the same time.
const SAVE_ATTEMPTS: usize = 8;
/// First line of a new file.
const HEADER: &str = "# Known addresses of tapstack watch: IP[@VLAN][%INTERFACE] MAC # comment\n";

/// The known addresses, and the changes that are not in the file yet.
#[derive(Debug)]
pub(super) struct KnownAddresses {
    path: PathBuf,
    /// The version of the file with these addresses.
    version: Option<FileVersion>,
    macs: BTreeMap<KnownAddress, MacAddr>,
    /// Changed addresses, with the time of the first change.
    changes: BTreeMap<KnownAddress, (MacAddr, Instant)>,
    save_at: Option<Instant>,
}

/// An address, on one interface or on each interface without a line of its own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct KnownAddress {
    address: VlanAddress,
    interface: Option<String>,
}

/// The interface of an event.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct EventOrigin<'a> {
    /// `None` for a capture.
    pub(super) interface: Option<&'a InterfaceName>,
    /// Whether several interfaces are watched.
    pub(super) is_one_of_several: bool,
}

/// Result of the review of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Review {
    /// Event to report, or `None` if the file has this MAC address of a new or moved address already.
    pub(super) event: Option<CensusEvent>,
    /// Whether the address was not added to the known addresses because the list was full.
    pub(super) is_full: bool,
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
            Failure::new(why.context(format!("cannot read known addresses from {}", input::name(path))))
        };
        if path == Path::new("-") {
            return Err(failure("watch replaces the file".into())
                .hint("use the name of a file, or ./- for a file named -"));
        }
        // A symbolic link keeps its target.
        let path_of_file = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        // A change after this moment has another version.
        let version = FileVersion::of(&path_of_file);
        let text = read_text(&path_of_file).map_err(|error| failure(error.to_string().as_str().into()))?;
        let macs = parse(&text).map_err(failure)?;
        let (path, changes) = (path_of_file, BTreeMap::new());
        Ok(KnownAddresses { path, version, macs, changes, save_at: None })
    }

    /// Reviews an event of an interface. Adds new and moved addresses to the known addresses.
    pub(super) fn review(&mut self, now: Instant, origin: EventOrigin<'_>, event: CensusEvent) -> Review {
        let (address, mac) = match event {
            CensusEvent::New { address, mac } => (address, mac),
            CensusEvent::Moved { address, to, .. } => (address, to),
            _ => return Review { event: Some(event), is_full: false },
        };
        self.reread();
        let known = self.known(origin, address);
        let event = match (event, known) {
            (_, Some(known)) if known == mac => return Review { event: None, is_full: false },
            (CensusEvent::New { .. }, Some(from)) => CensusEvent::Moved { address, from, to: mac },
            _ => event,
        };
        let is_added = self.add(now, origin, address, mac);
        Review { event: Some(event), is_full: !is_added }
    }

    /// Returns the known MAC address of an address on an interface.
    fn known(&self, origin: EventOrigin<'_>, address: VlanAddress) -> Option<MacAddr> {
        let of = |interface: Option<String>| self.macs.get(&KnownAddress { address, interface }).copied();
        let own = origin.interface.and_then(|name| of(Some(name.as_str().to_owned())));
        own.or_else(|| of(None))
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
            self.macs.extend(self.changes.iter().map(|(address, (mac, _))| (address.clone(), *mac)));
        }
    }

    /// Adds an address, or changes its MAC address. Returns false if the list is full.
    ///
    /// A watch of one interface changes the line of the interface, or else the line without an interface. A watch of several
    /// interfaces has a line for each interface.
    fn add(&mut self, now: Instant, origin: EventOrigin<'_>, address: VlanAddress, mac: MacAddr) -> bool {
        let interface = origin.interface.map(|name| name.as_str().to_owned());
        let mut key = KnownAddress { address, interface };
        if !origin.is_one_of_several && !self.macs.contains_key(&key) {
            key.interface = None;
        }
        if self.macs.len() >= MAX_ADDRESSES && !self.macs.contains_key(&key) {
            return false;
        }
        self.macs.insert(key.clone(), mac);
        let first = self.changes.get(&key).map_or(now, |(_, first)| *first);
        self.changes.insert(key, (mac, first));
        self.save_at.get_or_insert(now + SAVE_DELAY);
        true
    }

    /// Returns when the file is due to be replaced.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.save_at
    }

    /// Replaces the file if that is due, see [`KnownAddresses::save`]. After a failure, the changes are kept for the next
    /// attempt.
    pub(super) fn save_if_due(&mut self, now: Instant) -> Result<Vec<Option<String>>, Failure> {
        match self.save_at {
            Some(at) if now >= at => {
                self.save_at = Some(now + SAVE_DELAY);
                self.save()
            }
            _ => Ok(Vec::new()),
        }
    }

    /// Replaces the file by a file with all changes. Starts again if the file is edited at the same time. Returns the
    /// interfaces of the addresses that were not added because the list was full.
    pub(super) fn save(&mut self) -> Result<Vec<Option<String>>, Failure> {
        let failure = format!("cannot write known addresses to {}", self.path.display());
        for _ in 0..SAVE_ATTEMPTS {
            let version = FileVersion::of(&self.path);
            match self.save_version(version) {
                Ok(Some(rejected)) => return Ok(rejected),
                Ok(None) => {}
                Err(error) => {
                    return Err(Failure::new(format!("{failure}: {error}"))
                        .hint("use a file in a directory that this user can write to"));
                }
            }
        }
        Err(Failure::new(format!("{failure}: another process keeps changing the file")))
    }

    /// Replaces this version of the file, like [`KnownAddresses::save`]. Returns `None` if the file has another version.
    fn save_version(&mut self, version: Option<FileVersion>) -> io::Result<Option<Vec<Option<String>>>> {
        let text = read_text(&self.path)?;
        let text = if text.is_empty() { HEADER } else { &text };
        let (text, rejected) = with_changes(text, &self.changes);
        if !replace(&self.path, version, &text)? {
            return Ok(None);
        }
        self.changes.clear();
        self.save_at = None;
        Ok(Some(rejected))
    }
}

/// Reads a regular file. Returns an empty text if the file does not exist.
fn read_text(path: &Path) -> io::Result<String> {
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(String::new()),
        Ok(metadata) if !metadata.is_file() => return Err(io::Error::other("not a regular file")),
        metadata => metadata?,
    };
    input::read_text(path)
}

/// Replaces this version of a file atomically. The new file has the owner and the permissions of the old file. Returns
/// false if the file has another version.
fn replace(path: &Path, version: Option<FileVersion>, text: &str) -> io::Result<bool> {
    let mut name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let new = path.with_file_name(name);
    let replaced = write_like(path, &new, text).and_then(|()| {
        let is_edited = FileVersion::of(path) != version;
        if is_edited { Ok(false) } else { fs::rename(&new, path).map(|()| true) }
    });
    if !matches!(replaced, Ok(true)) {
        // The old file stays.
        let _ = fs::remove_file(&new);
    }
    replaced
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
fn parse(text: &str) -> Result<BTreeMap<KnownAddress, MacAddr>, ErrorMessage> {
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
fn parse_line(line: &str) -> Result<Option<(KnownAddress, MacAddr)>, ErrorMessage> {
    let (entry, _) = split_comment(line);
    let words: Vec<_> = entry.split_whitespace().collect();
    match words[..] {
        [] => Ok(None),
        [address, mac] => {
            let split = |text, at| match str::split_once(text, at) {
                Some((before, after)) => (before, Some(after)),
                None => (text, None),
            };
            let (address, interface) = split(address, '%');
            let (ip, number) = split(address, '@');
            let address = VlanAddress { vlan: number.map(vlan).transpose()?, ip: ip_address(ip)? };
            let interface = interface.map(interface_name).transpose()?;
            let interface = interface.map(|name| name.as_str().to_owned());
            Ok(Some((KnownAddress { address, interface }, station_mac(mac)?)))
        }
        _ => Err(ErrorMessage::new("expected an IP address and a MAC address")
            .hint("write e.g. 10.0.0.7 02:00:00:00:00:07 # printer")),
    }
}

/// Splits a line into its entry and its comment. The name of an interface extends to a space, and may contain `#`.
fn split_comment(line: &str) -> (&str, Option<&str>) {
    let has_name = |word: &&str| word.split_once('%').is_some_and(|(address, _)| !address.contains('#'));
    let address = line.split_whitespace().next().filter(has_name);
    let rest = address.and_then(|word| line.split_once(word)).map_or(line, |(_, rest)| rest);
    let comment = rest.split_once('#').map(|(_, comment)| comment);
    let entry = comment.and_then(|comment| line.strip_suffix(comment)?.strip_suffix('#'));
    (entry.unwrap_or(line), comment)
}

/// Returns the text with the changed addresses. Other lines, and the comments of all lines, stay. Also returns the
/// interfaces of the addresses that were not added because the text has the maximum of addresses.
fn with_changes(
    text: &str,
    changes: &BTreeMap<KnownAddress, (MacAddr, Instant)>,
) -> (String, Vec<Option<String>>) {
    let mut present = HashSet::new();
    let mut lines: Vec<_> = text
        .lines()
        .map(|line| {
            let parsed = parse_line(line).ok().flatten();
            let Some((address, old)) = parsed else { return line.to_owned() };
            let change = changes.get(&address);
            present.insert(address.clone());
            let Some((new, _)) = change else { return line.to_owned() };
            let (_, comment) = split_comment(line);
            let comment = comment.map(|comment| format!("  #{comment}"));
            if old == *new { line.to_owned() } else { entry(&address, *new) + &comment.unwrap_or_default() }
        })
        .collect();
    let mut added = changes.iter().filter(|(address, _)| !present.contains(*address));
    let available = MAX_ADDRESSES.saturating_sub(present.len());
    lines.extend(added.by_ref().take(available).map(|(address, (mac, first))| {
        format!("{}  # first seen {}", entry(address, *mac), LocalSecond(*first))
    }));
    lines.push(String::new());
    (lines.join("\n"), added.map(|(address, _)| address.interface.clone()).collect())
}

/// Returns a line without its comment.
fn entry(KnownAddress { address, interface }: &KnownAddress, mac: MacAddr) -> String {
    let interface = interface.as_deref().map(|name| format!("%{name}")).unwrap_or_default();
    format!("{:<15} {mac}", format!("{address}{interface}"))
}

#[cfg(test)]
mod tests;
