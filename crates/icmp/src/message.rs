//! A valid ICMP message, and echo replies.

use inet::checksum;
use zerocopy::FromBytes;

use crate::header::set_checksum;
use crate::{EchoHeader, IcmpDropReason, IcmpError, IcmpHeader, IcmpType, QuotedDatagram};

/// A message that is long enough and has the right checksum: a view into the bytes it was parsed from.
#[derive(Clone, Copy, Debug)]
pub struct IcmpMessage<'a> {
    header: &'a IcmpHeader,
    data: &'a [u8],
}

/// The body of a message.
#[derive(Clone, Copy, Debug)]
pub enum IcmpBody<'a> {
    /// An echo request.
    Request(Echo<'a>),
    /// An echo reply.
    Reply(Echo<'a>),
    /// An error about a datagram.
    Error(IcmpError, QuotedDatagram<'a>),
    /// Any other type.
    Other,
}

/// The fields of an echo request or reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Echo<'a> {
    /// Identifier: which process asks.
    pub identifier: u16,
    /// Sequence number of the request.
    pub sequence: u16,
    /// Data, returned unchanged.
    pub data: &'a [u8],
}

impl<'a> IcmpMessage<'a> {
    /// Parses a message, which is all of a datagram's data.
    // The caller reads the result at once: across crates it would go through memory.
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

    /// Returns the type.
    pub fn icmp_type(&self) -> IcmpType {
        IcmpType(self.header.icmp_type)
    }

    /// Returns the code.
    pub fn code(&self) -> u8 {
        self.header.code
    }

    /// Parses the body. Fails if an error quotes no datagram.
    #[inline]
    pub fn body(&self) -> Result<IcmpBody<'a>, IcmpDropReason> {
        Ok(match self.icmp_type() {
            IcmpType::ECHO_REQUEST => IcmpBody::Request(self.echo()),
            IcmpType::ECHO_REPLY => IcmpBody::Reply(self.echo()),
            icmp_type if icmp_type.is_error() => {
                let error = IcmpError { icmp_type, code: self.code(), rest: self.header.rest };
                IcmpBody::Error(
                    error,
                    QuotedDatagram::parse(self.data).ok_or(IcmpDropReason::NoQuotedDatagram)?,
                )
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
    pub fn write_to(&self, icmp_type: IcmpType, message: &mut [u8]) -> Result<(), IcmpDropReason> {
        let (header, data) = EchoHeader::mut_from_prefix(message).map_err(|_| IcmpDropReason::Truncated)?;
        if data.len() != self.data.len() {
            return Err(IcmpDropReason::Truncated);
        }
        header.icmp_type = icmp_type.0;
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
    if IcmpType(header.icmp_type) != IcmpType::ECHO_REQUEST {
        return Err(IcmpDropReason::UnsupportedType);
    }
    // spec: rfc792-echo
    let old_word = u16::from_be_bytes([header.icmp_type, header.code]);
    header.icmp_type = IcmpType::ECHO_REPLY.0;
    header.code = 0;
    let mut sum = checksum::update(header.checksum.get(), old_word, 0);
    // RFC 1624 3 relies on a word that is not zero, and a reply may have none: then the sum is plus
    // zero, and its complement all ones.
    let is_all_zeros =
        || header.identifier.get() == 0 && header.sequence.get() == 0 && data.iter().all(|byte| *byte == 0);
    if sum == 0 && is_all_zeros() {
        sum = u16::MAX;
    }
    header.checksum.set(sum);
    Ok(())
}

#[cfg(test)]
mod tests;
