//! MAC addresses, and sets of them.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// An Ethernet MAC address: six bytes in the order of the wire.
#[derive(
    Clone, Copy, PartialEq, Eq, Hash, Default, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(transparent)]
pub struct MacAddr([u8; 6]);

const _: () = assert!(size_of::<MacAddr>() == 6);

/// A text that is no MAC address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MacAddrError(String);

impl MacAddr {
    /// ff:ff:ff:ff:ff:ff, every station on the wire.
    pub const BROADCAST: MacAddr = MacAddr([0xff; 6]);
    /// 00:00:00:00:00:00, no station at all.
    pub const ZERO: MacAddr = MacAddr([0; 6]);

    /// Creates the address with these bytes.
    pub const fn new(bytes: [u8; 6]) -> MacAddr {
        MacAddr(bytes)
    }

    /// Returns the bytes.
    pub const fn bytes(self) -> [u8; 6] {
        self.0
    }

    /// Returns the address as a number, most significant byte first: consecutive addresses are consecutive numbers.
    #[inline]
    pub const fn number(self) -> u64 {
        let [a, b, c, d, e, f] = self.0;
        // As the bytes lie in a register, and then turned: byte by byte costs three times as much.
        u64::from_le_bytes([a, b, c, d, e, f, 0, 0]).swap_bytes() >> 16
    }

    /// Returns whether this is a group address, broadcast included (IEEE 802: the lowest bit of the first byte).
    pub const fn is_group(self) -> bool {
        let [first, ..] = self.0;
        first & 1 == 1
    }

    /// Returns whether this may be the address of one station: neither a group nor zero.
    pub fn is_station(self) -> bool {
        !self.is_group() && self != Self::ZERO
    }

    /// Derives a locally administered unicast address from `name`: the same on every machine and at every start.
    pub fn derived_from(name: &str) -> MacAddr {
        // FNV-1a, 64 bits: its definition is fixed, unlike that of the standard library's hasher.
        let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let [_, _, _, b, c, d, e, f] = hash.to_be_bytes();
        MacAddr([0x02, b, c, d, e, f])
    }

    /// Returns the address `steps` above this one, or none beyond ff:ff:ff:ff:ff:ff.
    #[inline]
    pub fn plus(self, steps: u64) -> Option<MacAddr> {
        let number = self.number().checked_add(steps).filter(|number| *number >> 48 == 0)?;
        let [a, b, c, d, e, f, ..] = (number << 16).to_be_bytes();
        Some(MacAddr([a, b, c, d, e, f]))
    }
}

/// Compares the bytes in order, all six at once.
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
        // All at once: a write for each byte costs ten times as much, and captures are full of addresses.
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

    /// Six bytes in hexadecimal: one or two digits each with colons or hyphens between, or twelve digits, bare or
    /// with a dot after each four.
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
        write!(f, "`{}` is no hardware address; one looks like 02:00:00:00:00:01", self.0)
    }
}

impl std::error::Error for MacAddrError {}

impl From<[u8; 6]> for MacAddr {
    fn from(bytes: [u8; 6]) -> Self {
        MacAddr(bytes)
    }
}

/// A set of MAC addresses, kept as ranges: 65,536 consecutive addresses cost no more than one.
#[derive(Clone, Debug, Default)]
pub struct MacSet {
    /// First and last address of each range as numbers, sorted, without overlap.
    ranges: Vec<(u64, u64)>,
}

impl MacSet {
    /// Creates the set of one address.
    pub fn one(address: MacAddr) -> MacSet {
        let mut set = MacSet::default();
        set.add(address, address);
        set
    }

    /// Adds all addresses from `first` to `last`. Adjacent ranges become one.
    pub fn add(&mut self, first: MacAddr, last: MacAddr) {
        self.ranges.push((first.number(), last.number()));
        self.ranges.sort_unstable();
        self.ranges.dedup_by(|later, earlier| {
            let joined = later.0 <= earlier.1.saturating_add(1);
            if joined {
                earlier.1 = earlier.1.max(later.1);
            }
            joined
        });
    }

    /// Returns whether `address` is in the set.
    #[inline]
    pub fn contains(&self, address: MacAddr) -> bool {
        let number = address.number();
        // Most sets have one range.
        if let [(first, last)] = *self.ranges.as_slice() {
            return first <= number && number <= last;
        }
        let after = self.ranges.partition_point(|(first, _)| *first <= number);
        let range = after.checked_sub(1).and_then(|place| self.ranges.get(place));
        range.is_some_and(|(_, last)| number <= *last)
    }
}

#[cfg(test)]
mod tests;
