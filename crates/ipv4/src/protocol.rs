//! What a datagram carries.

use std::fmt;

/// The protocol of a datagram's data: an open number with names for those known here (RFC 790, now
/// IANA's).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Protocol(pub u8);

impl Protocol {
    /// The Internet Control Message Protocol (RFC 792).
    pub const ICMP: Protocol = Protocol(1);
    /// Group management (RFC 3376).
    pub const IGMP: Protocol = Protocol(2);
    /// The Transmission Control Protocol (RFC 9293).
    pub const TCP: Protocol = Protocol(6);
    /// The User Datagram Protocol (RFC 768).
    pub const UDP: Protocol = Protocol(17);

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

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name(), self.0)
    }
}

impl fmt::Debug for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests;
