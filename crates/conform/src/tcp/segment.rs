//! TCP segments, byte by byte.

use crate::checksum::{TCP, checksum};
use crate::datagrams::{Ip, ReceivedDatagram};
use crate::frames::hex;
use crate::session::Station;

pub(super) const FIN: u8 = 0x01;
pub(super) const SYN: u8 = 0x02;
pub(super) const RST: u8 = 0x04;
pub(super) const PSH: u8 = 0x08;
pub(super) const ACK: u8 = 0x10;
pub(super) const URG: u8 = 0x20;

/// Kinds of options.
pub(super) const MSS: u8 = 2;
pub(super) const WINDOW_SCALE: u8 = 3;
pub(super) const SACK_PERMITTED: u8 = 4;
pub(super) const SACK: u8 = 5;
pub(super) const TIMESTAMPS: u8 = 8;

/// Fields of a segment to the host.
#[derive(Clone, Debug, Default)]
pub(super) struct Segment {
    pub(super) source: u16,
    pub(super) destination: u16,
    pub(super) sequence: u32,
    pub(super) acknowledgment: u32,
    /// Data offset in units of four bytes, or `None` for the actual offset.
    pub(super) data_offset: Option<u8>,
    pub(super) flags: u8,
    pub(super) window: u16,
    /// Inverted bits of the checksum.
    pub(super) error: u16,
    pub(super) urgent: u16,
    /// Options, which zeros extend to a multiple of four bytes.
    pub(super) options: Vec<u8>,
    pub(super) data: Vec<u8>,
}

impl Segment {
    /// Returns the bytes of the segment between the addresses of `ip`.
    pub(super) fn bytes(&self, ip: &Ip) -> Vec<u8> {
        let mut options = self.options.clone();
        options.resize(options.len().next_multiple_of(4), 0);
        let words = u8::try_from(5 + options.len() / 4).unwrap_or(u8::MAX);
        let offset = self.data_offset.unwrap_or(words) << 4;
        let with_checksum = |sum: u16| {
            [
                &self.source.to_be_bytes()[..],
                &self.destination.to_be_bytes(),
                &self.sequence.to_be_bytes(),
                &self.acknowledgment.to_be_bytes(),
                &[offset, self.flags],
                &self.window.to_be_bytes(),
                &sum.to_be_bytes(),
                &self.urgent.to_be_bytes(),
                &options,
                &self.data,
            ]
            .concat()
        };
        let bytes = with_checksum(0);
        let valid = checksum(&[pseudo_header(ip, bytes.len()), bytes].concat());
        with_checksum(valid ^ self.error)
    }

    /// Returns the frame of the segment from a peer to the host.
    pub(super) fn frame(&self, from: Station) -> Vec<u8> {
        self.frame_in(&Ip { protocol: TCP, ..Ip::from(from) })
    }

    /// Returns the frame of the segment in a datagram with these fields.
    pub(super) fn frame_in(&self, ip: &Ip) -> Vec<u8> {
        ip.frame(&self.bytes(ip))
    }
}

/// Returns the pseudo-header of a segment with this length.
pub(super) fn pseudo_header(ip: &Ip, length: usize) -> Vec<u8> {
    let length = u16::try_from(length).unwrap_or(u16::MAX);
    [&ip.from.octets()[..], &ip.to.octets(), &[0, TCP], &length.to_be_bytes()].concat()
}

/// Segment sent by the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Received {
    pub(super) source: u16,
    pub(super) destination: u16,
    pub(super) sequence: u32,
    pub(super) acknowledgment: u32,
    pub(super) flags: u8,
    pub(super) window: u16,
    /// Kinds and data of the options, without NOP and EOL.
    pub(super) options: Vec<(u8, Vec<u8>)>,
    pub(super) data: Vec<u8>,
}

impl Received {
    /// Parses a frame with a segment from the host to a peer. Returns an error if a field is not as expected, or if the
    /// checksum is invalid.
    pub(super) fn read(frame: &[u8], to: Station) -> Result<Received, String> {
        let datagram = ReceivedDatagram::read(frame, to, TCP)?;
        let bytes = datagram.data;
        let invalid = |what: &str| format!("{what}: {}", hex(&bytes));
        let Some((header, _)) = bytes.split_first_chunk::<20>() else {
            return Err(invalid("truncated TCP header"));
        };
        let [so, sp, de, dp, s @ .., _, _, _, _] = *header;
        let [s0, s1, s2, s3, a0, a1, a2, a3, offset, flags, high, low] = s;
        let ip = Ip { from: crate::frames::TESTED_IP, to: to.1, ..Ip::from(to) };
        if checksum(&[pseudo_header(&ip, bytes.len()), bytes.clone()].concat()) != 0 {
            return Err(invalid("invalid TCP checksum"));
        }
        let options =
            bytes.get(20..usize::from(offset >> 4) * 4).ok_or_else(|| invalid("invalid data offset"))?;
        Ok(Received {
            source: u16::from_be_bytes([so, sp]),
            destination: u16::from_be_bytes([de, dp]),
            sequence: u32::from_be_bytes([s0, s1, s2, s3]),
            acknowledgment: u32::from_be_bytes([a0, a1, a2, a3]),
            flags,
            window: u16::from_be_bytes([high, low]),
            options: read_options(options).ok_or_else(|| invalid("invalid options"))?,
            data: bytes.get(usize::from(offset >> 4) * 4..).unwrap_or_default().to_vec(),
        })
    }

    /// Returns the length of the segment in sequence numbers.
    pub(super) fn length(&self) -> u32 {
        let flags = u32::from(self.flags & SYN != 0) + u32::from(self.flags & FIN != 0);
        u32::try_from(self.data.len()).unwrap_or(u32::MAX).saturating_add(flags)
    }

    /// Returns the data of an option, or `None` without the option.
    pub(super) fn option(&self, kind: u8) -> Option<&[u8]> {
        self.options.iter().find(|(other, _)| *other == kind).map(|(_, data)| &data[..])
    }

    /// Returns the SACK blocks: first and last sequence number, exclusive.
    pub(super) fn sack_blocks(&self) -> Vec<(u32, u32)> {
        let words = |block: &[u8]| Some((word(block.get(..4)?)?, word(block.get(4..)?)?));
        self.option(SACK).unwrap_or_default().chunks(8).filter_map(words).collect()
    }
}

impl std::fmt::Display for Received {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Received { sequence, acknowledgment, flags, window, data, .. } = self;
        write!(
            f,
            "flags {flags:#04x} seq {sequence} ack {acknowledgment} win {window} length {}",
            data.len()
        )?;
        let blocks = self.sack_blocks();
        if blocks.is_empty() { Ok(()) } else { write!(f, " sack {blocks:?}") }
    }
}

/// Reads a number of four bytes.
pub(super) fn word(bytes: &[u8]) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.try_into().ok()?))
}

fn read_options(mut bytes: &[u8]) -> Option<Vec<(u8, Vec<u8>)>> {
    let mut options = Vec::new();
    while let Some((kind, rest)) = bytes.split_first() {
        match kind {
            0 => break,
            1 => bytes = rest,
            _ => {
                let length = usize::from(*rest.first()?);
                options.push((*kind, bytes.get(2..length)?.to_vec()));
                bytes = bytes.get(length..)?;
            }
        }
    }
    Some(options)
}
