//! IPv4 datagrams, byte by byte.

use std::net::Ipv4Addr;

use super::checksum::checksum;
use super::frames::{Mac, TESTED_IP, TESTED_MAC, hex};
use super::session::Station;

pub(crate) const ICMP: u8 = 1;
pub(crate) const MORE_FRAGMENTS: u16 = 0x2000;
const DONT_FRAGMENT: u16 = 0x4000;
/// Length in bytes of the data in a fragment that fills a frame.
pub(crate) const FRAGMENT_UNIT: usize = 1_480;

/// Returns the peer with this number.
pub(crate) const fn peer(number: u8) -> Station {
    ([2, 0, 0, 0, 3, number], Ipv4Addr::new(10, 0, 0, number))
}

/// Fields of a datagram and its frame.
#[derive(Clone, Copy)]
pub(crate) struct Ip {
    pub(crate) destination: Mac,
    pub(crate) source: Mac,
    pub(crate) version_and_length: u8,
    pub(crate) type_of_service: u8,
    /// Total length in the header, or `None` for the actual length.
    pub(crate) total_length: Option<u16>,
    pub(crate) identification: u16,
    pub(crate) flags_and_offset: u16,
    pub(crate) time_to_live: u8,
    pub(crate) protocol: u8,
    /// Bits that are inverted in the header checksum.
    pub(crate) error: u16,
    pub(crate) from: Ipv4Addr,
    pub(crate) to: Ipv4Addr,
    pub(crate) options: &'static [u8],
}

impl Ip {
    /// Returns a datagram from a peer to the host under test.
    pub(crate) const fn from(peer: Station) -> Ip {
        Ip {
            destination: TESTED_MAC,
            source: peer.0,
            version_and_length: 0x45,
            type_of_service: 0,
            total_length: None,
            identification: 0x0c0f,
            flags_and_offset: 0,
            time_to_live: 64,
            protocol: ICMP,
            error: 0,
            from: peer.1,
            to: TESTED_IP,
            options: &[],
        }
    }

    /// Returns the datagram with this data.
    pub(crate) fn datagram(&self, data: &[u8]) -> Vec<u8> {
        let length = 20 + self.options.len() + data.len();
        let total = self.total_length.unwrap_or(u16::try_from(length).unwrap_or(u16::MAX));
        let header = |checksum: u16| {
            [
                &[self.version_and_length, self.type_of_service][..],
                &total.to_be_bytes(),
                &self.identification.to_be_bytes(),
                &self.flags_and_offset.to_be_bytes(),
                &[self.time_to_live, self.protocol],
                &checksum.to_be_bytes(),
                &self.from.octets(),
                &self.to.octets(),
                self.options,
            ]
            .concat()
        };
        // The checksum covers the length in the header length field, but at most the datagram.
        let header_length = usize::from(self.version_and_length & 0x0f) * 4;
        let zero = [header(0), data.to_vec()].concat();
        let checksum = checksum(zero.get(..header_length).unwrap_or(&zero)) ^ self.error;
        [header(checksum), data.to_vec()].concat()
    }

    /// Returns the frame with this data, unpadded.
    pub(crate) fn frame(&self, data: &[u8]) -> Vec<u8> {
        [&self.destination[..], &self.source, &[8, 0], &self.datagram(data)].concat()
    }

    /// Returns the frame with the fragment of the data from byte `start` to byte `end`, exclusive.
    pub(crate) fn fragment(&self, data: &[u8], start: usize, end: usize) -> Vec<u8> {
        let end = end.min(data.len());
        let more = if end < data.len() { MORE_FRAGMENTS } else { 0 };
        let units = u16::try_from(start / 8).unwrap_or(u16::MAX);
        Ip { flags_and_offset: more | units, ..*self }.frame(data.get(start..end).unwrap_or_default())
    }

    /// Returns the frames of all fragments of the data, each with up to `step` bytes.
    pub(crate) fn fragments(&self, data: &[u8], step: usize) -> Vec<Vec<u8>> {
        (0..data.len()).step_by(step).map(|start| self.fragment(data, start, start + step)).collect()
    }
}

/// Returns an ICMP message with this type and code, these next four bytes, and this data.
pub(crate) fn message(kind: [u8; 2], rest: [u8; 4], data: &[u8]) -> Vec<u8> {
    let mut bytes = [&kind[..], &[0, 0], &rest, data].concat();
    let [high, low] = checksum(&bytes).to_be_bytes();
    for (place, byte) in [(2, high), (3, low)] {
        if let Some(to) = bytes.get_mut(place) {
            *to = byte;
        }
    }
    bytes
}

/// Identifier and sequence number of all echo messages.
pub(crate) const ECHO_ID: [u8; 4] = [0x12, 0x34, 0, 7];

pub(crate) fn echo_request(data: &[u8]) -> Vec<u8> {
    message([8, 0], ECHO_ID, data)
}

pub(crate) fn echo_reply(data: &[u8]) -> Vec<u8> {
    message([0, 0], ECHO_ID, data)
}

/// Returns `length` bytes of data in which adjacent bytes differ.
pub(crate) fn data(length: usize) -> Vec<u8> {
    (0..=250).cycle().take(length).collect()
}

/// Datagram or fragment sent by the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReceivedDatagram {
    pub(crate) type_of_service: u8,
    pub(crate) identification: [u8; 2],
    /// Whether routers may not fragment the datagram.
    pub(crate) dont_fragment: bool,
    pub(crate) offset: usize,
    pub(crate) is_last: bool,
    pub(crate) data: Vec<u8>,
}

impl ReceivedDatagram {
    /// Parses a frame with a datagram or fragment of a protocol from the host to a peer.
    ///
    /// Returns an error if a field is not as expected.
    pub(crate) fn read(frame: &[u8], to: Station, protocol: u8) -> Result<ReceivedDatagram, String> {
        ReceivedDatagram::read_from((TESTED_MAC, TESTED_IP), frame, to, protocol)
    }

    /// Parses a frame with a datagram or fragment from a host to a peer: see [`ReceivedDatagram::read`].
    fn read_from(from: Station, frame: &[u8], to: Station, protocol: u8) -> Result<ReceivedDatagram, String> {
        let invalid = |what: &str| format!("{what}: {}", hex(frame));
        let head = [&to.0[..], &from.0, &[8, 0]].concat();
        let Some(datagram) = frame.strip_prefix(&head[..]) else {
            return Err(invalid("not a datagram from the host to the peer"));
        };
        let Some((header, _)) = datagram.split_first_chunk::<20>() else {
            return Err(invalid("truncated header"));
        };
        let [version, type_of_service, t, l, i, d, f, o, ttl, sent_protocol, _, _, addresses @ ..] = *header;
        if version != 0x45 || checksum(header) != 0 {
            return Err(invalid("invalid header"));
        }
        if (ttl, sent_protocol) != (64, protocol) {
            return Err(invalid(&format!("time to live is not 64 or protocol is not {protocol}")));
        }
        if addresses[..] != [from.1.octets(), to.1.octets()].concat()[..] {
            return Err(invalid("unexpected addresses"));
        }
        let total = usize::from(u16::from_be_bytes([t, l]));
        let data = datagram.get(20..total).ok_or_else(|| invalid("total length beyond the frame"))?;
        if datagram.iter().skip(total).any(|byte| *byte != 0) {
            return Err(invalid("nonzero padding"));
        }
        let flags = u16::from_be_bytes([f, o]);
        Ok(ReceivedDatagram {
            type_of_service,
            identification: [i, d],
            dont_fragment: flags & DONT_FRAGMENT != 0,
            offset: usize::from(flags & 0x1fff) * 8,
            is_last: flags & MORE_FRAGMENTS == 0,
            data: data.to_vec(),
        })
    }
}

/// Returns the datagram of a protocol from the host to a peer in these frames, reassembled if fragmented.
pub(crate) fn reassemble(frames: &[Vec<u8>], to: Station, protocol: u8) -> Result<ReceivedDatagram, String> {
    reassemble_from((TESTED_MAC, TESTED_IP), frames, to, protocol)
}

/// Returns the datagram from one of several hosts in these frames: see [`reassemble`].
pub(crate) fn reassemble_from(
    from: Station,
    frames: &[Vec<u8>],
    to: Station,
    protocol: u8,
) -> Result<ReceivedDatagram, String> {
    let mut fragments: Vec<ReceivedDatagram> = frames
        .iter()
        .map(|frame| ReceivedDatagram::read_from(from, frame, to, protocol))
        .collect::<Result<_, _>>()?;
    fragments.sort_by_key(|fragment| fragment.offset);
    let mut fragments = fragments.into_iter();
    let mut whole = fragments.next().ok_or("no reply")?;
    for fragment in fragments {
        if fragment.identification != whole.identification
            || fragment.offset != whole.data.len()
            || whole.is_last
        {
            return Err(format!("{} frames do not form one datagram", frames.len()));
        }
        whole.data.extend(&fragment.data);
        whole.is_last = fragment.is_last;
    }
    if whole.is_last { Ok(whole) } else { Err("incomplete datagram".to_owned()) }
}
