//! Who made the hardware: the names that stand behind the first octets of a hardware address.
//!
//! IEEE's lists are nobody's to license, and are a month old when they are compiled in. So they are read where the
//! system, or the person, has them.

mod line;

use std::collections::HashMap;
use std::path::Path;

use link::MacAddr;

use super::file::read;
use crate::failure::Failure;
use line::VendorLine;

/// Where such files are found, the most exact first; those of a row belong together.
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

/// The first bits of a hardware address, the others zero, and how many they are.
type Prefix = (u64, u32);

/// Names by prefix.
#[derive(Debug, Default)]
pub(super) struct Vendors {
    names: HashMap<Prefix, Box<str>>,
    /// The lengths that there are, the longest first.
    lengths: Vec<u32>,
    /// Lines that were not understood.
    invalid_lines: u64,
}

impl Vendors {
    /// The names in this file.
    pub(super) fn from_file(path: &Path) -> Result<Vendors, Failure> {
        let name = path.display();
        let mut vendors = Vendors::default();
        let octets = read(path).map_err(|error| Failure::new(format!("cannot read {name}: {error}")))?;
        vendors.add(&octets);
        if vendors.names.is_empty() {
            return Err(Failure::new(format!(
                "{name} holds no vendor's name; a line is such as `00005E<tab>IANA`"
            )));
        }
        Ok(vendors)
    }

    /// The names in the files that are installed; none if none is.
    pub(super) fn installed() -> Vendors {
        let mut vendors = Vendors::default();
        for row in INSTALLED_FILES {
            for octets in row.iter().filter_map(|path| read(Path::new(path)).ok()) {
                vendors.add(&octets);
            }
            if !vendors.names.is_empty() {
                break;
            }
        }
        vendors
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// How many lines were not understood.
    pub(super) fn invalid_lines(&self) -> u64 {
        self.invalid_lines
    }

    /// The name behind the longest prefix that is known of this address.
    pub(super) fn name(&self, address: MacAddr) -> Option<&str> {
        let address = address.octets().into_iter().fold(0, |bits, octet| bits << 8 | u64::from(octet));
        let prefixes = self.lengths.iter().map(|length| (address & line::mask(*length), *length));
        prefixes.filter_map(|prefix| self.names.get(&prefix)).map(Box::as_ref).next()
    }

    /// Adds the names in these octets; of two for one prefix the later one counts.
    fn add(&mut self, octets: &[u8]) {
        for octets in octets.split(|octet| *octet == b'\n') {
            match line::read(&String::from_utf8_lossy(octets)) {
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
