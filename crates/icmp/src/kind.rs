//! What a message is.

use std::fmt;

/// The type of a message: an open number with names for those known here.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IcmpType(pub u8);

impl IcmpType {
    /// The answer to an echo request.
    pub const ECHO_REPLY: IcmpType = IcmpType(0);
    /// A datagram did not arrive.
    pub const UNREACHABLE: IcmpType = IcmpType(3);
    /// Send more slowly; nobody may send this any more (RFC 6633).
    pub const SOURCE_QUENCH: IcmpType = IcmpType(4);
    /// Another gateway is nearer.
    pub const REDIRECT: IcmpType = IcmpType(5);
    /// Send this back.
    pub const ECHO_REQUEST: IcmpType = IcmpType(8);
    /// A datagram was given up.
    pub const TIME_EXCEEDED: IcmpType = IcmpType(11);
    /// A header makes no sense.
    pub const PARAMETER_PROBLEM: IcmpType = IcmpType(12);

    /// Whether it speaks of a datagram that went wrong (RFC 1122 3.2.2).
    pub const fn is_error(self) -> bool {
        matches!(
            self,
            Self::UNREACHABLE
                | Self::SOURCE_QUENCH
                | Self::REDIRECT
                | Self::TIME_EXCEEDED
                | Self::PARAMETER_PROBLEM
        )
    }

    /// Whether it is known to ask or to answer: echo, router discovery (RFC 1256), timestamps,
    /// information, address masks.
    pub const fn is_query(self) -> bool {
        matches!(self.0, 0 | 8 | 9 | 10 | 13..=18)
    }

    /// The name that tcpdump gives it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ECHO_REPLY => "echo reply",
            Self::UNREACHABLE => "unreachable",
            Self::SOURCE_QUENCH => "source quench",
            Self::REDIRECT => "redirect",
            Self::ECHO_REQUEST => "echo request",
            Self::TIME_EXCEEDED => "time exceeded",
            Self::PARAMETER_PROBLEM => "parameter problem",
            _ => "type",
        }
    }
}

impl fmt::Display for IcmpType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name(), self.0)
    }
}

impl fmt::Debug for IcmpType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests;
