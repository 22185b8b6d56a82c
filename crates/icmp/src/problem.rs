//! What goes wrong with datagrams, and how their senders are told.

use std::fmt;
use std::net::Ipv4Addr;

use zerocopy::FromBytes;

use crate::message::set_checksum;
use crate::wire::IcmpHeader;
use crate::{Dropped, Kind};

/// What an error says of a datagram: type, code, and four octets whose sense depends on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Problem {
    pub(crate) kind: Kind,
    pub(crate) code: u8,
    pub(crate) rest: [u8; 4],
}

impl Problem {
    /// No route leads to the destination's network.
    pub const NETWORK_UNREACHABLE: Problem = Problem::unreachable(0);
    /// The destination does not answer.
    pub const HOST_UNREACHABLE: Problem = Problem::unreachable(1);
    /// The destination does not speak the protocol.
    pub const PROTOCOL_UNREACHABLE: Problem = Problem::unreachable(2);
    /// Nobody at the destination listens on the port.
    pub const PORT_UNREACHABLE: Problem = Problem::unreachable(3);
    /// The datagram ran out of hops.
    pub const HOPS_EXCEEDED: Problem = Problem { kind: Kind::TIME_EXCEEDED, code: 0, rest: [0; 4] };
    /// Not all of its fragments came in time.
    pub const REASSEMBLY_EXCEEDED: Problem = Problem { kind: Kind::TIME_EXCEEDED, code: 1, rest: [0; 4] };

    /// Octets of the longest error we send: with a header of 20 octets it fills the 576 octets that
    /// every host can take (RFC 1812 4.3.2.3).
    pub const LONGEST: usize = 576 - 20;
    /// Octets before the quotation.
    pub const HEADER: usize = size_of::<IcmpHeader>();

    /// Some destination is unreachable, for the reason with this code (RFC 792, RFC 1122 3.2.2.1).
    pub const fn unreachable(code: u8) -> Problem {
        Problem { kind: Kind::UNREACHABLE, code, rest: [0; 4] }
    }

    /// The datagram may not be fragmented, and does not fit into this MTU, in octets (RFC 1191 4).
    pub const fn fragmentation_needed(mtu: u16) -> Problem {
        let [high, low] = mtu.to_be_bytes();
        Problem { kind: Kind::UNREACHABLE, code: 4, rest: [0, 0, high, low] }
    }

    /// The octet of the header at `pointer` makes no sense.
    pub const fn parameter(pointer: u8) -> Problem {
        Problem { kind: Kind::PARAMETER_PROBLEM, code: 0, rest: [pointer, 0, 0, 0] }
    }

    /// Its type.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Its code.
    pub fn code(&self) -> u8 {
        self.code
    }

    /// Which octet of the header makes no sense, if that is the problem.
    pub fn pointer(&self) -> Option<u8> {
        let [pointer, ..] = self.rest;
        (self.kind == Kind::PARAMETER_PROBLEM && self.code == 0).then_some(pointer)
    }

    /// The MTU in octets that the datagram does not fit into, if that is the problem; zero from
    /// gateways older than RFC 1191.
    pub fn mtu(&self) -> Option<u16> {
        let [.., high, low] = self.rest;
        (self.kind == Kind::UNREACHABLE && self.code == 4).then_some(u16::from_be_bytes([high, low]))
    }

    /// The gateway that is nearer, if that is the problem (RFC 792, "Redirect Message").
    pub fn gateway(&self) -> Option<Ipv4Addr> {
        (self.kind == Kind::REDIRECT).then_some(self.rest.into())
    }

    /// Writes the error to the start of `message`, with as much of the datagram `about` as
    /// [`Problem::LONGEST`] and `message` have room for. Returns its length in octets.
    ///
    /// Whether it may be sent at all, [`crate::Icmp::error`] says.
    pub fn write_to(&self, about: &[u8], message: &mut [u8]) -> Result<usize, Dropped> {
        let length = (Self::HEADER + about.len()).min(Self::LONGEST).min(message.len());
        let message = message.get_mut(..length).unwrap_or_default();
        let (header, quote) = IcmpHeader::mut_from_prefix(message).map_err(|_| Dropped::Truncated)?;
        header.kind = self.kind.0;
        header.code = self.code;
        header.checksum.set(0);
        // spec: rfc792-unused
        header.rest = self.rest;
        // spec: rfc792-quote
        for (to, from) in quote.iter_mut().zip(about) {
            *to = *from;
        }
        set_checksum(message)?;
        Ok(length)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match (self.kind, self.code) {
            (Kind::UNREACHABLE, 0) => "network unreachable",
            (Kind::UNREACHABLE, 1) => "host unreachable",
            (Kind::UNREACHABLE, 2) => "protocol unreachable",
            (Kind::UNREACHABLE, 3) => "port unreachable",
            (Kind::UNREACHABLE, 4) => "fragmentation needed",
            (Kind::UNREACHABLE, 5) => "source route failed",
            (Kind::UNREACHABLE, 9 | 10 | 13) => "administratively prohibited",
            (Kind::TIME_EXCEEDED, 0) => "time to live exceeded",
            (Kind::TIME_EXCEEDED, 1) => "reassembly time exceeded",
            (kind, code) => return write!(f, "{kind} code {code}"),
        };
        f.write_str(text)
    }
}

#[cfg(test)]
mod tests;
