//! ICMP messages: their header on the wire, their type, and a valid message.

use std::fmt;

use inet::checksum;
use zerocopy::network_endian::U16;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::{IcmpDropReason, IcmpError, QuotedDatagram};

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
    /// What the message is.
    pub kind: u8,
    /// What it is in particular.
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
    pub kind: u8,
    /// Zero.
    pub code: u8,
    /// The checksum of the whole message.
    pub checksum: U16,
    /// Whose echo it is.
    pub identifier: U16,
    /// Which of his.
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

/// A message that is long enough and has the right checksum: a view into the bytes it was parsed from.
#[derive(Clone, Copy, Debug)]
pub struct IcmpMessage<'a> {
    header: &'a IcmpHeader,
    data: &'a [u8],
}

/// What a message says.
#[derive(Clone, Copy, Debug)]
pub enum IcmpBody<'a> {
    /// Send this back.
    Request(Echo<'a>),
    /// This came back.
    Reply(Echo<'a>),
    /// A datagram went wrong.
    Error(IcmpError, QuotedDatagram<'a>),
    /// Something else.
    Other,
}

/// What an echo carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Echo<'a> {
    /// Whose it is.
    pub identifier: u16,
    /// Which of his.
    pub sequence: u16,
    /// What else he sent.
    pub data: &'a [u8],
}

impl<'a> IcmpMessage<'a> {
    /// Reads a message, all of a datagram's data.
    // Its result is read at once by whoever called: across crates it would go through memory.
    #[inline]
    pub fn parse(bytes: &'a [u8]) -> Result<IcmpMessage<'a>, IcmpDropReason> {
        // spec: rfc792-length
        let (header, data) = IcmpHeader::ref_from_prefix(bytes).map_err(|_| IcmpDropReason::Truncated)?;
        // spec: rfc792-checksum
        if !checksum::is_valid(bytes) {
            return Err(IcmpDropReason::Checksum);
        }
        Ok(IcmpMessage { header, data })
    }

    /// What it is.
    pub fn kind(&self) -> IcmpType {
        IcmpType(self.header.kind)
    }

    /// What it is in particular.
    pub fn code(&self) -> u8 {
        self.header.code
    }

    /// What it says. Fails if it is about a datagram and quotes none.
    #[inline]
    pub fn body(&self) -> Result<IcmpBody<'a>, IcmpDropReason> {
        Ok(match self.kind() {
            IcmpType::ECHO_REQUEST => IcmpBody::Request(self.echo()),
            IcmpType::ECHO_REPLY => IcmpBody::Reply(self.echo()),
            kind if kind.is_error() => {
                let problem = IcmpError { kind, code: self.code(), rest: self.header.rest };
                IcmpBody::Error(problem, QuotedDatagram::parse(self.data).ok_or(IcmpDropReason::Quote)?)
            }
            _ => IcmpBody::Other,
        })
    }

    fn echo(&self) -> Echo<'a> {
        let [a, b, c, d] = self.header.rest;
        Echo { identifier: u16::from_be_bytes([a, b]), sequence: u16::from_be_bytes([c, d]), data: self.data }
    }
}

impl Echo<'_> {
    /// Bytes before the data.
    pub const HEADER: usize = size_of::<EchoHeader>();

    /// Writes an echo request, or a reply, that fills `message`. Fails if that has not just as much room
    /// as header and data take.
    pub fn write_to(&self, kind: IcmpType, message: &mut [u8]) -> Result<(), IcmpDropReason> {
        let (header, data) = EchoHeader::mut_from_prefix(message).map_err(|_| IcmpDropReason::Truncated)?;
        if data.len() != self.data.len() {
            return Err(IcmpDropReason::Truncated);
        }
        header.kind = kind.0;
        header.code = 0;
        header.checksum.set(0);
        header.identifier.set(self.identifier);
        header.sequence.set(self.sequence);
        data.copy_from_slice(self.data);
        set_checksum(message)
    }
}

/// Rewrites the valid echo request `message` into its reply where it lies: identifier, sequence number
/// and data stay as they are (RFC 792).
pub fn reply_in_place(message: &mut [u8]) -> Result<(), IcmpDropReason> {
    let (header, data) = EchoHeader::mut_from_prefix(message).map_err(|_| IcmpDropReason::Truncated)?;
    if IcmpType(header.kind) != IcmpType::ECHO_REQUEST {
        return Err(IcmpDropReason::UnsupportedType);
    }
    // spec: rfc792-echo
    let was = u16::from_be_bytes([header.kind, header.code]);
    header.kind = IcmpType::ECHO_REPLY.0;
    header.code = 0;
    let mut sum = checksum::update(header.checksum.get(), was, 0);
    // RFC 1624 3 relies on a word that is not zero, and a reply may have none: then the sum is plus
    // zero, and its complement all ones.
    let is_nothing =
        || header.identifier.get() == 0 && header.sequence.get() == 0 && data.iter().all(|byte| *byte == 0);
    if sum == 0 && is_nothing() {
        sum = u16::MAX;
    }
    header.checksum.set(sum);
    Ok(())
}

/// Puts the checksum into a message whose checksum field is zero.
pub(crate) fn set_checksum(message: &mut [u8]) -> Result<(), IcmpDropReason> {
    let sum = checksum::of(message);
    let (header, _) = IcmpHeader::mut_from_prefix(message).map_err(|_| IcmpDropReason::Truncated)?;
    header.checksum.set(sum);
    Ok(())
}

#[cfg(test)]
mod tests;
