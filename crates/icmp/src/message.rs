//! ICMP messages with a valid checksum, and echo replies.

use inet::checksum;
use zerocopy::FromBytes;

use crate::header::set_checksum;
use crate::{EchoHeader, IcmpDropReason, IcmpError, IcmpHeader, IcmpType, QuotedDatagram};

/// A view of a message with a complete header and a valid checksum.
#[derive(Clone, Copy, Debug)]
pub struct IcmpMessage<'a> {
    header: &'a IcmpHeader,
    data: &'a [u8],
}

/// The body of a message, by its type.
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
    /// Identifier, with which the sender assigns replies to a process.
    pub identifier: u16,
    /// Sequence number of the request.
    pub sequence: u16,
    /// Data. The data of a reply is the data of the request.
    pub data: &'a [u8],
}

impl<'a> IcmpMessage<'a> {
    /// Parses a message. `bytes` is all data of the datagram.
    // Inlined across crates, because the caller reads the result immediately.
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

    /// Parses the body. Fails if an error does not quote an IPv4 header.
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
    /// Length of the header before the data, in bytes.
    pub const HEADER: usize = size_of::<EchoHeader>();

    /// Writes an echo request or reply with its checksum. Fails unless the length of `message` is the length of header
    /// and data.
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

/// Rewrites a valid echo request into its reply, in place (RFC 792). Identifier, sequence number and data do not
/// change.
///
/// Fails if `message` is not an echo request.
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
    // The update of RFC 1624 3 is correct only if the reply contains a word other than zero. The sum of a reply of
    // zeros is +0, so the checksum of this reply is all ones.
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
