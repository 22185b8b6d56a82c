//! IPv4 datagrams, byte by byte.

use std::net::Ipv4Addr;

use super::frames::{Mac, TESTED_IP, TESTED_MAC, hex};
use super::session::Station;

pub(crate) const ICMP: u8 = 1;
pub(crate) const UDP: u8 = 17;
pub(crate) const MORE_FRAGMENTS: u16 = 0x2000;
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

/// Returns the Internet checksum (RFC 1071).
pub(crate) fn checksum(bytes: &[u8]) -> u16 {
    let words = bytes.chunks(2).map(|word| match *word {
        [high, low] => u32::from(u16::from_be_bytes([high, low])),
        [high] => u32::from(high) << 8,
        _ => 0,
    });
    let sum = words.sum::<u32>();
    let folded = (sum & 0xffff) + (sum >> 16);
    let [.., high, low] = (!((folded & 0xffff) + (folded >> 16))).to_be_bytes();
    u16::from_be_bytes([high, low])
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

/// Returns a UDP datagram to a closed port, without a checksum.
pub(crate) fn udp(data: &[u8]) -> Vec<u8> {
    let [high, low] = u16::try_from(8 + data.len()).unwrap_or(u16::MAX).to_be_bytes();
    [&[0x30, 0x39, 0x9c, 0x40, high, low, 0, 0][..], data].concat()
}

/// Returns a UDP datagram to a closed port, with a changed length or checksum. `between` is the source and the
/// destination.
pub(crate) fn udp_with(
    between: (Ipv4Addr, Ipv4Addr),
    data: &[u8],
    length: Option<u16>,
    error: u16,
) -> Vec<u8> {
    let mut bytes = udp(data);
    if let (Some(length), Some(place)) = (length, bytes.get_mut(4..6)) {
        place.copy_from_slice(&length.to_be_bytes());
    }
    let length = bytes.get(4..6).unwrap_or_default();
    let pseudo_header = [&between.0.octets()[..], &between.1.octets(), &[0, UDP], length, &bytes].concat();
    let sum = checksum(&pseudo_header) ^ error;
    if let Some(place) = bytes.get_mut(6..8) {
        place.copy_from_slice(&sum.to_be_bytes());
    }
    bytes
}

/// Datagram or fragment sent by the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReceivedDatagram {
    pub(crate) type_of_service: u8,
    pub(crate) identification: [u8; 2],
    pub(crate) offset: usize,
    pub(crate) is_last: bool,
    pub(crate) data: Vec<u8>,
}

impl ReceivedDatagram {
    /// Parses a frame with an ICMP datagram or fragment from the host to a peer.
    ///
    /// Returns an error if a field is not as expected.
    pub(crate) fn read(frame: &[u8], to: Station) -> Result<ReceivedDatagram, String> {
        let invalid = |what: &str| format!("{what}: {}", hex(frame));
        let head = [&to.0[..], &TESTED_MAC, &[8, 0]].concat();
        let Some(datagram) = frame.strip_prefix(&head[..]) else {
            return Err(invalid("not a datagram from the host to the peer"));
        };
        let Some((header, _)) = datagram.split_first_chunk::<20>() else {
            return Err(invalid("truncated header"));
        };
        let [version, type_of_service, t, l, i, d, f, o, ttl, protocol, _, _, addresses @ ..] = *header;
        if version != 0x45 || checksum(header) != 0 {
            return Err(invalid("invalid header"));
        }
        if (ttl, protocol) != (64, ICMP) {
            return Err(invalid("time to live is not 64 or protocol is not ICMP"));
        }
        if addresses[..] != [TESTED_IP.octets(), to.1.octets()].concat()[..] {
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
            offset: usize::from(flags & 0x1fff) * 8,
            is_last: flags & MORE_FRAGMENTS == 0,
            data: data.to_vec(),
        })
    }
}

/// Returns the datagram in these frames, reassembled if fragmented.
pub(crate) fn reassemble(frames: &[Vec<u8>], to: Station) -> Result<ReceivedDatagram, String> {
    let mut fragments: Vec<ReceivedDatagram> =
        frames.iter().map(|frame| ReceivedDatagram::read(frame, to)).collect::<Result<_, _>>()?;
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
