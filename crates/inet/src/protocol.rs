//! What a datagram carries.

use std::fmt;

/// The protocol of a datagram's data: an open number with names for those known here (RFC 790, now
/// IANA's).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IpProtocol(pub u8);

impl IpProtocol {
    /// The Internet Control Message Protocol (RFC 792).
    pub const ICMP: IpProtocol = IpProtocol(1);
    /// Group management (RFC 3376).
    pub const IGMP: IpProtocol = IpProtocol(2);
    /// The Transmission Control Protocol (RFC 9293).
    pub const TCP: IpProtocol = IpProtocol(6);
    /// The User Datagram Protocol (RFC 768).
    pub const UDP: IpProtocol = IpProtocol(17);

    /// The name that tcpdump gives it.
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
