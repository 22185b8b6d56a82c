//! Hardware addresses.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// An Ethernet hardware address: six octets, as they stand on the wire.
#[derive(
    Clone, Copy, PartialEq, Eq, Hash, Default, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(transparent)]
pub struct MacAddr([u8; 6]);

const _: () = assert!(size_of::<MacAddr>() == 6);

/// A text that is no hardware address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MacAddrError(String);

impl MacAddr {
    /// ff:ff:ff:ff:ff:ff, every station on the wire.
    pub const BROADCAST: MacAddr = MacAddr([0xff; 6]);
    /// 00:00:00:00:00:00, no station at all.
    pub const ZERO: MacAddr = MacAddr([0; 6]);

    /// The address with these octets.
    pub const fn new(octets: [u8; 6]) -> MacAddr {
        MacAddr(octets)
    }

    /// Its octets.
    pub const fn octets(self) -> [u8; 6] {
        self.0
    }

    /// It as a number, its first octet the highest: addresses in a series count up.
    #[inline]
    pub const fn number(self) -> u64 {
        let [a, b, c, d, e, f] = self.0;
        // As the octets lie in a register, and then turned: octet by octet costs three times as much.
        u64::from_le_bytes([a, b, c, d, e, f, 0, 0]).swap_bytes() >> 16
    }

    /// Whether it names a group of stations; broadcast is one (IEEE 802: the first octet's lowest bit).
    pub const fn is_group(self) -> bool {
        let [first, ..] = self.0;
        first & 1 == 1
    }

    /// Whether it may be the address of one station: neither a group nor zero.
    pub fn is_station(self) -> bool {
        !self.is_group() && self != Self::ZERO
    }

    /// The locally administered station address that stands for `name`: the same for the same name
    /// on every machine and at every start.
    pub fn derived_from(name: &str) -> MacAddr {
        // FNV-1a, 64 bits: its definition is fixed, unlike that of the standard library's hasher.
        let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, octet| {
            (hash ^ u64::from(octet)).wrapping_mul(0x0100_0000_01b3)
        });
        let [_, _, _, b, c, d, e, f] = hash.to_be_bytes();
        MacAddr([0x02, b, c, d, e, f])
    }

    /// The address `steps` further up, or none beyond ff:ff:ff:ff:ff:ff.
    #[inline]
    pub fn plus(self, steps: u64) -> Option<MacAddr> {
        let number = self.number().checked_add(steps).filter(|number| *number >> 48 == 0)?;
        let [a, b, c, d, e, f, ..] = (number << 16).to_be_bytes();
        Some(MacAddr([a, b, c, d, e, f]))
    }
}

/// In the order of their octets, which is that of their numbers: six octets are compared at once.
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
        // All at once: a write for each octet costs ten times as much, and captures are full of addresses.
        let mut text = [b':'; 17];
        for (digits, octet) in text.chunks_mut(3).zip(self.0) {
            if let [high, low, ..] = digits {
                (*high, *low) = (digit(octet >> 4), digit(octet & 0x0f));
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

    /// Six bytes in hexadecimal: one or two digits each with colons or hyphens between, or twelve digits, bare or
    /// with a dot after each four.
    fn from_str(text: &str) -> Result<Self, MacAddrError> {
        let error = || MacAddrError(text.to_owned());
        let groups: Vec<_> = text.split('.').collect();
        if (groups.len() == 3 && groups.iter().all(|group| group.len() == 4)) || text.len() == 12 {
            let digits = groups.concat();
            let is_number = digits.len() == 12 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
            if let (true, Ok(number)) = (is_number, u64::from_str_radix(&digits, 16)) {
                let [_, _, octets @ ..] = number.to_be_bytes();
                return Ok(MacAddr(octets));
            }
        }
        let mut parts = text.split(if text.contains('-') { '-' } else { ':' });
        let mut octets = [0; 6];
        for octet in &mut octets {
            let part = parts.next().ok_or_else(error)?;
            let digits = matches!(part.len(), 1 | 2) && part.bytes().all(|b| b.is_ascii_hexdigit());
            *octet = u8::from_str_radix(part, 16).ok().filter(|_| digits).ok_or_else(error)?;
        }
        parts.next().map_or(Ok(MacAddr(octets)), |_| Err(error()))
    }
}

impl fmt::Display for MacAddrError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is no hardware address; one looks like 02:00:00:00:00:01", self.0)
    }
}

impl std::error::Error for MacAddrError {}

impl From<[u8; 6]> for MacAddr {
    fn from(octets: [u8; 6]) -> Self {
        MacAddr(octets)
    }
}

#[cfg(test)]
mod tests;
