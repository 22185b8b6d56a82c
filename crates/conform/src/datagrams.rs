//! Datagrams, octet by octet.

use std::net::Ipv4Addr;

use super::frames::{Mac, TESTED_IP, TESTED_MAC, hex};
use super::session::Station;

pub(crate) const ICMP: u8 = 1;
pub(crate) const UDP: u8 = 17;
pub(crate) const MORE_FRAGMENTS: u16 = 0x2000;
/// Octets of data in a fragment that fills a frame.
pub(crate) const FRAGMENT_UNIT: usize = 1_480;

/// A peer who speaks IPv4: the number says which.
pub(crate) const fn peer(number: u8) -> Station {
    ([2, 0, 0, 0, 3, number], Ipv4Addr::new(10, 0, 0, number))
}

/// The fields of a datagram in its frame, to be varied one at a time.
#[derive(Clone, Copy)]
pub(crate) struct Ip {
    pub(crate) destination: Mac,
    pub(crate) source: Mac,
    pub(crate) version_and_length: u8,
    pub(crate) type_of_service: u8,
    /// What the header says; the truth if it says nothing.
    pub(crate) total_length: Option<u16>,
    pub(crate) identification: u16,
    pub(crate) flags_and_offset: u16,
    pub(crate) time_to_live: u8,
    pub(crate) protocol: u8,
    /// Changes the checksum.
    pub(crate) error: u16,
    pub(crate) from: Ipv4Addr,
    pub(crate) to: Ipv4Addr,
    pub(crate) options: &'static [u8],
}

impl Ip {
    /// A datagram from a peer to us.
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

    /// The datagram with this data.
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
        // The checksum is that of the header as long as it says it is, as far as there is one.
        let claimed = usize::from(self.version_and_length & 0x0f) * 4;
        let zero = [header(0), data.to_vec()].concat();
        let checksum = checksum(zero.get(..claimed).unwrap_or(&zero)) ^ self.error;
        [header(checksum), data.to_vec()].concat()
    }

    /// The frame with this data, unpadded.
    pub(crate) fn frame(&self, data: &[u8]) -> Vec<u8> {
        [&self.destination[..], &self.source, &[8, 0], &self.datagram(data)].concat()
    }

    /// The frame with the fragment of this data that starts at an octet and ends before another.
    pub(crate) fn part(&self, data: &[u8], start: usize, end: usize) -> Vec<u8> {
        let end = end.min(data.len());
        let more = if end < data.len() { MORE_FRAGMENTS } else { 0 };
        let units = u16::try_from(start / 8).unwrap_or(u16::MAX);
        Ip { flags_and_offset: more | units, ..*self }.frame(data.get(start..end).unwrap_or_default())
    }

    /// The frames of all fragments of this data, each so many octets long at most.
    pub(crate) fn parts(&self, data: &[u8], step: usize) -> Vec<Vec<u8>> {
        (0..data.len()).step_by(step).map(|start| self.part(data, start, start + step)).collect()
    }
}

/// RFC 1071, as plain as can be.
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

/// An ICMP message: type and code, four octets more, and data.
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

/// What every echo of the suite has as its identifier and sequence number.
pub(crate) const ECHO_ID: [u8; 4] = [0x12, 0x34, 0, 7];

pub(crate) fn echo_request(data: &[u8]) -> Vec<u8> {
    message([8, 0], ECHO_ID, data)
}

pub(crate) fn echo_reply(data: &[u8]) -> Vec<u8> {
    message([0, 0], ECHO_ID, data)
}

/// So many octets, none like its neighbors.
pub(crate) fn data(length: usize) -> Vec<u8> {
    (0..=250).cycle().take(length).collect()
}

/// A UDP datagram to a port that nobody listens on, without a checksum.
pub(crate) fn udp(data: &[u8]) -> Vec<u8> {
    let [high, low] = u16::try_from(8 + data.len()).unwrap_or(u16::MAX).to_be_bytes();
    [&[0x30, 0x39, 0x9c, 0x40, high, low, 0, 0][..], data].concat()
}

/// A UDP datagram to a closed port, with its length and its checksum changed. `between` is its source and its destination.
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

/// What a frame of the host says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReceivedDatagram {
    pub(crate) type_of_service: u8,
    pub(crate) identification: [u8; 2],
    pub(crate) offset: usize,
    pub(crate) is_last: bool,
    pub(crate) data: Vec<u8>,
}

impl ReceivedDatagram {
    /// Reads a frame that is to be an ICMP datagram, or a part of one, from us to a peer.
    pub(crate) fn read(frame: &[u8], to: Station) -> Result<ReceivedDatagram, String> {
        let strange = |what: &str| format!("{what}: {}", hex(frame));
        let head = [&to.0[..], &TESTED_MAC, &[8, 0]].concat();
        let Some(datagram) = frame.strip_prefix(&head[..]) else {
            return Err(strange("no datagram from the host to its peer"));
        };
        let Some((header, _)) = datagram.split_first_chunk::<20>() else {
            return Err(strange("a header that is cut short"));
        };
        let [version, type_of_service, t, l, i, d, f, o, ttl, protocol, _, _, addresses @ ..] = *header;
        if version != 0x45 || checksum(header) != 0 {
            return Err(strange("a bad header"));
        }
        if (ttl, protocol) != (64, ICMP) {
            return Err(strange("a time to live other than 64, or another protocol than ICMP"));
        }
        if addresses[..] != [TESTED_IP.octets(), to.1.octets()].concat()[..] {
            return Err(strange("the wrong addresses"));
        }
        let total = usize::from(u16::from_be_bytes([t, l]));
        let data = datagram.get(20..total).ok_or_else(|| strange("a total length beyond the frame"))?;
        if datagram.iter().skip(total).any(|byte| *byte != 0) {
            return Err(strange("padding that is not zero"));
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

/// The data of the one datagram that these frames are, whole or in parts.
pub(crate) fn whole(frames: &[Vec<u8>], to: Station) -> Result<ReceivedDatagram, String> {
    let mut parts: Vec<ReceivedDatagram> =
        frames.iter().map(|frame| ReceivedDatagram::read(frame, to)).collect::<Result<_, _>>()?;
    parts.sort_by_key(|part| part.offset);
    let mut parts = parts.into_iter();
    let mut whole = parts.next().ok_or("no answer")?;
    for part in parts {
        if part.identification != whole.identification || part.offset != whole.data.len() || whole.is_last {
            return Err(format!("{} frames that are not one datagram", frames.len()));
        }
        whole.data.extend(&part.data);
        whole.is_last = part.is_last;
    }
    if whole.is_last { Ok(whole) } else { Err("a datagram without an end".to_owned()) }
}
