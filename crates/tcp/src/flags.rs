//! The control bits of a header (RFC 9293 3.1).

use std::fmt;
use std::ops::BitOr;

/// Control bits of a segment.
///
/// `Display` prints the names of the flags that are set, separated by spaces.
///
/// ```
/// use tcp::Flags;
///
/// let flags = Flags::SYN | Flags::ACK;
/// assert!(flags.contains(Flags::SYN) && !flags.contains(Flags::SYN | Flags::FIN));
/// assert_eq!(flags.to_string(), "SYN ACK");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Flags(u8);

impl Flags {
    /// No flag.
    pub const NONE: Flags = Flags(0);
    /// No more data from the sender.
    pub const FIN: Flags = Flags(0x01);
    /// Synchronize sequence numbers.
    pub const SYN: Flags = Flags(0x02);
    /// Reset the connection.
    pub const RST: Flags = Flags(0x04);
    /// Push function.
    pub const PSH: Flags = Flags(0x08);
    /// The acknowledgment number is significant.
    pub const ACK: Flags = Flags(0x10);
    /// The urgent pointer is significant.
    pub const URG: Flags = Flags(0x20);
    /// ECN-Echo (RFC 3168).
    pub const ECE: Flags = Flags(0x40);
    /// Congestion window reduced (RFC 3168).
    pub const CWR: Flags = Flags(0x80);

    /// All flags with their names, from the lowest bit.
    pub const ALL: [(Flags, &'static str); 8] = [
        (Flags::FIN, "FIN"),
        (Flags::SYN, "SYN"),
        (Flags::RST, "RST"),
        (Flags::PSH, "PSH"),
        (Flags::ACK, "ACK"),
        (Flags::URG, "URG"),
        (Flags::ECE, "ECE"),
        (Flags::CWR, "CWR"),
    ];

    /// Creates the flags from their byte in the header.
    #[inline]
    pub const fn from_bits(bits: u8) -> Flags {
        Flags(bits)
    }

    /// Returns the byte in the header.
    #[inline]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Returns whether all of `flags` are set.
    #[inline]
    pub const fn contains(self, flags: Flags) -> bool {
        self.0 & flags.0 == flags.0
    }

    /// Returns these flags and `flags`.
    #[must_use]
    #[inline]
    pub const fn with(self, flags: Flags) -> Flags {
        Flags(self.0 | flags.0)
    }

    /// Returns these flags without `flags`.
    #[must_use]
    #[inline]
    pub const fn without(self, flags: Flags) -> Flags {
        Flags(self.0 & !flags.0)
    }
}

impl BitOr for Flags {
    type Output = Flags;

    #[inline]
    fn bitor(self, flags: Flags) -> Flags {
        self.with(flags)
    }
}

impl fmt::Display for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = Self::ALL.iter().filter(|(flag, _)| self.contains(*flag)).map(|(_, name)| *name);
        for (place, name) in names.enumerate() {
            f.write_str(if place == 0 { "" } else { " " })?;
            f.write_str(name)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
