//! Vendor names of MAC addresses.
//!
//! IEEE's lists have no license and change every month, so no list is compiled in. The lists are read from known paths of the
//! system or from `--ouifile`.

mod line;

use std::collections::HashMap;
use std::path::Path;

use link::MacAddr;

use crate::failure::Failure;
use crate::input::read;
use line::VendorLine;

/// Known paths of vendor files, most complete first. All files of a row are read.
const INSTALLED_FILES: &[&[&str]] = &[
    &["/usr/share/arp-scan/ieee-oui.txt", "/etc/arp-scan/mac-vendor.txt"],
    &[
        "/usr/share/ieee-data/oui.csv",
        "/usr/share/ieee-data/mam.csv",
        "/usr/share/ieee-data/oui36.csv",
        "/usr/share/ieee-data/iab.csv",
    ],
    &["/usr/share/ieee-data/oui.txt"],
    &["/usr/share/wireshark/manuf"],
    &["/usr/share/nmap/nmap-mac-prefixes"],
];

/// The first bits of a MAC address (the other bits are zero), and the number of these bits.
type Prefix = (u64, u32);

/// Vendor names by prefix.
#[derive(Debug, Default)]
pub(crate) struct Vendors {
    names: HashMap<Prefix, Box<str>>,
    /// The prefix lengths in use, longest first.
    lengths: Vec<u32>,
    /// Number of lines that could not be parsed.
    invalid_lines: u64,
}

impl Vendors {
    /// Reads vendor names from a file.
    pub(crate) fn from_file(path: &Path) -> Result<Vendors, Failure> {
        let name = path.display();
        let mut vendors = Vendors::default();
        let bytes = read(path).map_err(|error| Failure::new(format!("cannot read {name}: {error}")))?;
        vendors.add(&bytes);
        if vendors.names.is_empty() {
            return Err(Failure::new(format!("{name} contains no vendor names"))
                .hint("write lines such as `00005E<tab>IANA`"));
        }
        Ok(vendors)
    }

    /// Reads vendor names from the installed files.
    pub(crate) fn installed() -> Vendors {
        let mut vendors = Vendors::default();
        for row in INSTALLED_FILES {
            for bytes in row.iter().filter_map(|path| read(Path::new(path)).ok()) {
                vendors.add(&bytes);
            }
            if !vendors.names.is_empty() {
                break;
            }
        }
        vendors
    }

    /// Whether there are no names.
    pub(crate) fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Returns the number of lines that could not be parsed.
    pub(crate) fn invalid_lines(&self) -> u64 {
        self.invalid_lines
    }

    /// Returns the name for the longest known prefix of this address.
    pub(crate) fn name(&self, address: MacAddr) -> Option<&str> {
        let address = address.bytes().into_iter().fold(0, |bits, byte| bits << 8 | u64::from(byte));
        let prefixes = self.lengths.iter().map(|length| (address & line::mask(*length), *length));
        prefixes.filter_map(|prefix| self.names.get(&prefix)).map(Box::as_ref).next()
    }

    /// Adds the names in a text. A later name replaces an earlier name for the same prefix.
    fn add(&mut self, bytes: &[u8]) {
        for bytes in bytes.split(|byte| *byte == b'\n') {
            match line::read(&String::from_utf8_lossy(bytes)) {
                VendorLine::Entry(prefix, name) => {
                    self.names.insert(prefix, name);
                }
                VendorLine::Other => {}
                VendorLine::Invalid => self.invalid_lines += 1,
            }
        }
        self.lengths = self.names.keys().map(|(_, length)| *length).collect();
        self.lengths.sort_unstable_by(|one, other| other.cmp(one));
        self.lengths.dedup();
    }
}

#[cfg(test)]
mod tests;
