//! `EtherType` numbers.

use std::fmt;

/// `EtherType`: the protocol number of a frame's payload. Any number is valid, and some numbers have names.
///
/// `EtherTypes` start at 1,536 (0x0600). In a header, a number up to 1,500 is a length, and 1,501 to 1,535 are
/// undefined (IEEE 802.3 3.2.6).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EtherType(pub u16);

impl EtherType {
    /// The smallest number that is an `EtherType`.
    pub const FIRST: u16 = 1_536;
    /// Internet Protocol, version 4 (RFC 894).
    pub const IPV4: EtherType = EtherType(0x0800);
    /// Address Resolution Protocol (RFC 826).
    pub const ARP: EtherType = EtherType(0x0806);
    /// Customer VLAN tag (IEEE 802.1Q).
    pub const VLAN: EtherType = EtherType(0x8100);
    /// Internet Protocol, version 6 (RFC 2464).
    pub const IPV6: EtherType = EtherType(0x86dd);
    /// Service VLAN tag (IEEE 802.1ad).
    pub const SERVICE_VLAN: EtherType = EtherType(0x88a8);

    /// Returns whether this number announces a VLAN tag.
    // spec: ethernet-tags
    pub const fn is_tag(self) -> bool {
        matches!(self, Self::VLAN | Self::SERVICE_VLAN)
    }

    /// Returns the name, as tcpdump prints it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::IPV4 => "IPv4",
            Self::ARP => "ARP",
            Self::VLAN => "802.1Q",
            Self::IPV6 => "IPv6",
            Self::SERVICE_VLAN => "802.1Q-QinQ",
            _ => "Unknown",
        }
    }
}

impl fmt::Display for EtherType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({:#06x})", self.name(), self.0)
    }
}

impl fmt::Debug for EtherType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests;
