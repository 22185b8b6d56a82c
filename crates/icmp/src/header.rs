//! ICMP headers on the wire, and message types.

use std::fmt;

use inet::checksum;
use zerocopy::network_endian::U16;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::IcmpDropReason;

/// The header of every message (RFC 792).
///
/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |     Type      |     Code      |          Checksum             |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                     depends on the type                       |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
///
/// Every sequence of 8 bytes is a valid value. [`IcmpMessage::parse`](crate::IcmpMessage::parse) validates the
/// checksum.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct IcmpHeader {
    /// Message type: see [`IcmpType`].
    pub icmp_type: u8,
    /// Code, which refines the type.
    pub code: u8,
    /// Checksum of the whole message.
    pub checksum: U16,
    /// Four bytes that depend on the type: an MTU, a pointer, a gateway address, an identifier and sequence number, or
    /// unused.
    pub rest: [u8; 4],
}

const _: () = assert!(size_of::<IcmpHeader>() == 8);

/// The header of an echo request or reply (RFC 792, "Echo or Echo Reply Message").
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
    /// Message type: 8 for a request, 0 for a reply.
    pub icmp_type: u8,
    /// Code: zero.
    pub code: u8,
    /// Checksum of the whole message.
    pub checksum: U16,
    /// Identifier, with which the sender assigns replies to a process.
    pub identifier: U16,
    /// Sequence number of the request.
    pub sequence: U16,
}

const _: () = assert!(size_of::<EchoHeader>() == 8);

/// A message type: an open number, with names for the types that this crate uses.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IcmpType(pub u8);

impl IcmpType {
    /// Echo Reply.
    pub const ECHO_REPLY: IcmpType = IcmpType(0);
    /// Destination Unreachable.
    pub const UNREACHABLE: IcmpType = IcmpType(3);
    /// Source Quench, deprecated by RFC 6633.
    pub const SOURCE_QUENCH: IcmpType = IcmpType(4);
    /// Redirect to another gateway.
    pub const REDIRECT: IcmpType = IcmpType(5);
    /// Echo Request.
    pub const ECHO_REQUEST: IcmpType = IcmpType(8);
    /// Time Exceeded, of hops or of reassembly.
    pub const TIME_EXCEEDED: IcmpType = IcmpType(11);
    /// Parameter Problem: an invalid header field.
    pub const PARAMETER_PROBLEM: IcmpType = IcmpType(12);

    /// Returns whether this type is an error message (RFC 1122 3.2.2).
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

    /// Returns whether this type is a query message, request or reply: echo, router discovery (RFC 1256), timestamp,
    /// information or address mask.
    pub const fn is_query(self) -> bool {
        matches!(self.0, 0 | 8 | 9 | 10 | 13..=18)
    }

    /// Returns the name of the type in the output of tcpdump, or `type` for a type without a name.
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

/// Computes and writes the checksum of a message. Before the call, the checksum field is zero.
pub(crate) fn set_checksum(message: &mut [u8]) -> Result<(), IcmpDropReason> {
    let sum = checksum::of(message);
    let (header, _) = IcmpHeader::mut_from_prefix(message).map_err(|_| IcmpDropReason::Truncated)?;
    header.checksum.set(sum);
    Ok(())
}

#[cfg(test)]
mod tests;
