//! ICMP headers on the wire, and the type of a message.

use std::fmt;

use inet::checksum;
use zerocopy::network_endian::U16;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::IcmpDropReason;

/// The head of every message (RFC 792).
///
/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |     Type      |     Code      |          Checksum             |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                    what the type makes of it                  |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
///
/// Any 8 bytes are a value of it; what makes sense of them is [`crate::IcmpMessage`].
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct IcmpHeader {
    /// Type.
    pub icmp_type: u8,
    /// Code.
    pub code: u8,
    /// The checksum of the whole message.
    pub checksum: U16,
    /// A pointer, an MTU, nothing: as the type has it.
    pub rest: [u8; 4],
}

const _: () = assert!(size_of::<IcmpHeader>() == 8);

/// The head of an echo request or reply (RFC 792, "Echo or Echo Reply Message").
///
/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |     Type      |     Code      |          Checksum             |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |           Identifier          |        Sequence Number        |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct EchoHeader {
    /// 8 for a request, 0 for a reply.
    pub icmp_type: u8,
    /// Zero.
    pub code: u8,
    /// The checksum of the whole message.
    pub checksum: U16,
    /// Identifier: which process asks.
    pub identifier: U16,
    /// Sequence number of the request.
    pub sequence: U16,
}

const _: () = assert!(size_of::<EchoHeader>() == 8);

/// The type of a message: an open number with names for those known here.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IcmpType(pub u8);

impl IcmpType {
    /// The answer to an echo request.
    pub const ECHO_REPLY: IcmpType = IcmpType(0);
    /// A datagram did not arrive.
    pub const UNREACHABLE: IcmpType = IcmpType(3);
    /// Send more slowly; deprecated (RFC 6633).
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

/// Writes the checksum of a message whose checksum field is zero.
pub(crate) fn set_checksum(message: &mut [u8]) -> Result<(), IcmpDropReason> {
    let sum = checksum::of(message);
    let (header, _) = IcmpHeader::mut_from_prefix(message).map_err(|_| IcmpDropReason::Truncated)?;
    header.checksum.set(sum);
    Ok(())
}

#[cfg(test)]
mod tests;
