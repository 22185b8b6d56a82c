//! IPv6 headers (RFC 8200), as far as summaries and filters need them.

use std::net::Ipv6Addr;

use inet::IpProtocol;

/// Next header of ICMP for IPv6 (RFC 4443 1).
pub(crate) const ICMP6: IpProtocol = IpProtocol(58);
/// Length of the fixed header, in bytes (RFC 8200 3).
const HEADER: usize = 40;

/// A datagram with its extension headers skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ipv6Datagram<'a> {
    pub(crate) source: Ipv6Addr,
    pub(crate) destination: Ipv6Addr,
    pub(crate) traffic_class: u8,
    pub(crate) flow_label: u32,
    pub(crate) hop_limit: u8,
    /// Value of the first Next Header field.
    pub(crate) next_header: u8,
    /// Length of extension headers and data according to the header, in bytes; 0 in a jumbogram.
    pub(crate) payload_length: usize,
    /// Extension headers.
    extensions: &'a [u8],
    /// Protocol of the data, or the number of the first extension header that is unknown or incomplete.
    pub(crate) protocol: IpProtocol,
    /// Captured data behind the extension headers.
    pub(crate) payload: &'a [u8],
    /// Fragment header, if the datagram has one.
    pub(crate) fragment: Option<Fragment>,
}

/// Fields of a fragment header (RFC 8200 4.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fragment {
    /// Offset in bytes.
    pub(crate) offset: usize,
    pub(crate) is_last: bool,
}

/// An extension header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extension<'a> {
    pub(crate) number: u8,
    next_header: u8,
    bytes: &'a [u8],
    pub(crate) fragment: Option<Fragment>,
}

impl<'a> Ipv6Datagram<'a> {
    /// Parses a datagram. The capture may have truncated it, and padding may follow it.
    pub(crate) fn parse(bytes: &'a [u8]) -> Option<Ipv6Datagram<'a>> {
        let (header, rest) = bytes.split_first_chunk::<HEADER>()?;
        let [v0, v1, v2, v3, l0, l1, next_header, hop_limit, addresses @ ..] = *header;
        if v0 >> 4 != 6 {
            return None;
        }
        let (source, destination) = addresses.split_first_chunk::<16>()?;
        let payload_length = usize::from(u16::from_be_bytes([l0, l1]));
        // The length of a jumbogram is in an option (RFC 2675).
        let rest = if payload_length == 0 { rest } else { rest.get(..payload_length).unwrap_or(rest) };
        let mut datagram = Ipv6Datagram {
            source: Ipv6Addr::from(*source),
            destination: Ipv6Addr::from(*destination.first_chunk::<16>()?),
            traffic_class: v0 << 4 | v1 >> 4,
            flow_label: u32::from_be_bytes([0, v1 & 0xf, v2, v3]),
            hop_limit,
            next_header,
            payload_length,
            extensions: rest,
            protocol: IpProtocol(next_header),
            payload: rest,
            fragment: None,
        };
        let mut skipped = 0;
        for extension in datagram.extensions() {
            skipped += extension.bytes.len();
            datagram.protocol = IpProtocol(extension.next_header);
            datagram.fragment = extension.fragment.or(datagram.fragment);
        }
        (datagram.extensions, datagram.payload) = rest.split_at_checked(skipped)?;
        Some(datagram)
    }

    /// Returns the extension headers. A fragment other than the first has none behind its fragment header.
    pub(crate) fn extensions(&self) -> impl Iterator<Item = Extension<'a>> + use<'a> {
        let (mut number, mut rest) = (self.next_header, self.extensions);
        std::iter::from_fn(move || {
            let extension = Extension::parse(number, rest)?;
            rest = rest.get(extension.bytes.len()..)?;
            number = extension.next_header;
            if extension.fragment.is_some_and(|fragment| fragment.offset > 0) {
                rest = &[];
            }
            Some(extension)
        })
    }

    /// Returns whether the payload is the start of the data.
    pub(crate) fn is_start(&self) -> bool {
        self.fragment.is_none_or(|fragment| fragment.offset == 0)
    }

    /// Returns the length of the data according to the header. `length` is the length of the datagram in its frame, which is
    /// used for a jumbogram.
    pub(crate) fn data_length(&self, length: usize) -> usize {
        let total =
            if self.payload_length == 0 { length.saturating_sub(HEADER) } else { self.payload_length };
        total.saturating_sub(self.extensions.len())
    }
}

impl<'a> Extension<'a> {
    /// Parses the extension header with this number. Returns `None` if this is another header, or if it is incomplete.
    fn parse(number: u8, bytes: &'a [u8]) -> Option<Extension<'a>> {
        let &[next_header, size] = bytes.first_chunk()?;
        let length = match number {
            // Hop-by-hop options, routing, destination options: in units of 8 bytes, without the first 8.
            0 | 43 | 60 => (usize::from(size) + 1) * 8,
            44 => 8,
            // Authentication header: in units of 4 bytes, without the first 8 (RFC 4302 2.2).
            51 => (usize::from(size) + 2) * 4,
            _ => return None,
        };
        let bytes = bytes.get(..length)?;
        let fragment = match (number, bytes) {
            (44, &[_, _, high, low, ..]) => {
                let field = u16::from_be_bytes([high, low]);
                Some(Fragment { offset: usize::from(field & !7), is_last: field & 1 == 0 })
            }
            _ => None,
        };
        Some(Extension { number, next_header, bytes, fragment })
    }

    /// Returns the length in bytes.
    pub(crate) fn length(&self) -> usize {
        self.bytes.len()
    }
}

#[cfg(test)]
mod tests;
