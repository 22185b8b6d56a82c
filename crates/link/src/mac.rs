//! MAC addresses.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// Ethernet MAC address: six bytes in network order.
#[derive(
    Clone, Copy, PartialEq, Eq, Hash, Default, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(transparent)]
pub struct MacAddr([u8; 6]);

const _: () = assert!(size_of::<MacAddr>() == 6);

/// Error of parsing a MAC address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MacAddrError(String);

impl MacAddr {
    /// The broadcast address, ff:ff:ff:ff:ff:ff.
    pub const BROADCAST: MacAddr = MacAddr([0xff; 6]);
    /// The zero address, 00:00:00:00:00:00, which no station has.
    pub const ZERO: MacAddr = MacAddr([0; 6]);

    /// Creates the address with these bytes.
    pub const fn new(bytes: [u8; 6]) -> MacAddr {
        MacAddr(bytes)
    }

    /// Returns the bytes.
    pub const fn bytes(self) -> [u8; 6] {
        self.0
    }

    /// Returns the address as a 48-bit number, first byte most significant. Consecutive addresses have consecutive
    /// numbers.
    #[inline]
    pub const fn number(self) -> u64 {
        let [a, b, c, d, e, f] = self.0;
        // One load and one byte swap: a third of the cost of shifting in byte after byte.
        u64::from_le_bytes([a, b, c, d, e, f, 0, 0]).swap_bytes() >> 16
    }

    /// Returns whether this is a group address: multicast or broadcast (IEEE 802: the lowest bit of the first byte).
    pub const fn is_group(self) -> bool {
        let [first, ..] = self.0;
        first & 1 == 1
    }

    /// Returns whether a single station may have this address: it is neither a group address nor zero.
    pub fn is_station(self) -> bool {
        !self.is_group() && self != Self::ZERO
    }

    /// Derives a locally administered unicast address from `name`. The same name always gives the same address.
    pub fn derived_from(name: &str) -> MacAddr {
        // FNV-1a, 64 bits. Unlike the hash of the standard library, FNV-1a never changes.
        let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let [_, _, _, b, c, d, e, f] = hash.to_be_bytes();
        MacAddr([0x02, b, c, d, e, f])
    }

    /// Returns the address `steps` above this address, or `None` above ff:ff:ff:ff:ff:ff.
    #[inline]
    pub fn plus(self, steps: u64) -> Option<MacAddr> {
        let number = self.number().checked_add(steps).filter(|number| *number >> 48 == 0)?;
        let [a, b, c, d, e, f, ..] = (number << 16).to_be_bytes();
        Some(MacAddr([a, b, c, d, e, f]))
    }
}

/// Orders addresses by their bytes, first byte first.
impl Ord for MacAddr {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        self.number().cmp(&other.number())
    }
}

impl PartialOrd for MacAddr {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for MacAddr {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DIGITS: [u8; 16] = *b"0123456789abcdef";
        let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().unwrap_or_default();
        // One write of the whole text: a write per byte takes ten times as long.
        let mut text = [b':'; 17];
        for (digits, byte) in text.chunks_mut(3).zip(self.0) {
            if let [high, low, ..] = digits {
                (*high, *low) = (digit(byte >> 4), digit(byte & 0x0f));
            }
        }
        formatter.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for MacAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for MacAddr {
    type Err = MacAddrError;

    /// Parses six bytes in hexadecimal. The text has one or two digits per byte, separated by colons or hyphens. Or it
    /// has twelve digits, optionally with a dot after each group of four digits.
    fn from_str(text: &str) -> Result<Self, MacAddrError> {
        let error = || MacAddrError(text.to_owned());
        let groups: Vec<_> = text.split('.').collect();
        if (groups.len() == 3 && groups.iter().all(|group| group.len() == 4)) || text.len() == 12 {
            let digits = groups.concat();
            let is_number = digits.len() == 12 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
            if let (true, Ok(number)) = (is_number, u64::from_str_radix(&digits, 16)) {
                let [_, _, bytes @ ..] = number.to_be_bytes();
                return Ok(MacAddr(bytes));
            }
        }
        let mut parts = text.split(if text.contains('-') { '-' } else { ':' });
        let mut bytes = [0; 6];
        for byte in &mut bytes {
            let part = parts.next().ok_or_else(error)?;
            let digits = matches!(part.len(), 1 | 2) && part.bytes().all(|b| b.is_ascii_hexdigit());
            *byte = u8::from_str_radix(part, 16).ok().filter(|_| digits).ok_or_else(error)?;
        }
        parts.next().map_or(Ok(MacAddr(bytes)), |_| Err(error()))
    }
}

impl fmt::Display for MacAddrError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invalid MAC address `{}` (expected e.g. 02:00:00:00:00:02)", self.0)
    }
}

impl std::error::Error for MacAddrError {}

impl From<[u8; 6]> for MacAddr {
    fn from(bytes: [u8; 6]) -> Self {
        MacAddr(bytes)
    }
}

/// The MAC addresses of the local hosts on a link.
pub trait LocalMacs {
    /// Returns whether a MAC address is local.
    fn has_mac(&self, mac: MacAddr) -> bool;
}

/// The MAC address of a single host.
impl LocalMacs for MacAddr {
    #[inline]
    fn has_mac(&self, mac: MacAddr) -> bool {
        *self == mac
    }
}

#[cfg(test)]
mod tests;
