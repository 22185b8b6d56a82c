//! IP protocol numbers.

use std::fmt;

/// Protocol number of a datagram's payload (RFC 790, now assigned by IANA). Any number is valid, and some numbers have
/// names.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IpProtocol(pub u8);

impl IpProtocol {
    /// The Internet Control Message Protocol (RFC 792).
    pub const ICMP: IpProtocol = IpProtocol(1);
    /// The Internet Group Management Protocol (RFC 3376).
    pub const IGMP: IpProtocol = IpProtocol(2);
    /// The Transmission Control Protocol (RFC 9293).
    pub const TCP: IpProtocol = IpProtocol(6);
    /// The User Datagram Protocol (RFC 768).
    pub const UDP: IpProtocol = IpProtocol(17);

    /// Returns the name, as tcpdump prints it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ICMP => "ICMP",
            Self::IGMP => "IGMP",
            Self::TCP => "TCP",
            Self::UDP => "UDP",
            _ => "Unknown",
        }
    }
}

impl fmt::Display for IpProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name(), self.0)
    }
}

impl fmt::Debug for IpProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests;
