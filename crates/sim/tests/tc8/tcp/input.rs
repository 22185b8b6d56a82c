//! Segments that the tester sends.

use std::net::{Ipv4Addr, SocketAddrV4};

use inet::IpProtocol;
use ipv4::Ipv4Fields;
use tcp::{Flags, Options, SegmentFields, SequenceNumber};

use crate::packets::{HOST, PEER, Station};
use crate::tester::CaseError;

/// Port of the listener of the host.
pub(super) const PORT: u16 = 7_000;
/// First port of the tester.
pub(super) const TESTER_PORT: u16 = 4_000;

/// A segment to the host. By default, the segment is valid.
#[derive(Clone, Debug)]
pub(super) struct Input {
    /// The station that sends the frame.
    pub(super) from: Station,
    /// Source address, if the address is not that of the station.
    pub(super) source: Option<Ipv4Addr>,
    pub(super) fields: SegmentFields,
    pub(super) data: Vec<u8>,
    /// Bytes of options, which replace the options of the fields. The length is a multiple of 4.
    pub(super) raw_options: Vec<u8>,
    /// Upper four bits of the data offset, if they are not the length of the header.
    pub(super) data_offset: Option<u8>,
    pub(super) checksum: ChecksumField,
}

/// The checksum field of a segment.
#[derive(Clone, Copy, Debug)]
pub(super) enum ChecksumField {
    Correct,
    Wrong,
    Zero,
}

impl Input {
    /// Returns a segment from a port of [`PEER`] to a port of the host.
    pub(super) fn new(ports: (u16, u16), numbers: (SequenceNumber, SequenceNumber), flags: Flags) -> Input {
        let (sequence, acknowledgment) = numbers;
        Input {
            from: PEER,
            source: None,
            fields: SegmentFields {
                source: SocketAddrV4::new(PEER.ip, ports.0),
                destination: SocketAddrV4::new(HOST.ip, ports.1),
                sequence,
                acknowledgment,
                flags,
                window: 65_535,
                urgent_pointer: 0,
                options: Options::default(),
            },
            data: Vec::new(),
            raw_options: Vec::new(),
            data_offset: None,
            checksum: ChecksumField::Correct,
        }
    }

    /// Returns the segment with data.
    pub(super) fn with_data(self, data: &[u8]) -> Input {
        Input { data: data.to_vec(), ..self }
    }

    /// Returns the segment with another sequence number.
    pub(super) fn at(mut self, sequence: SequenceNumber) -> Input {
        self.fields.sequence = sequence;
        self
    }

    /// Returns the segment with another acknowledgment number.
    pub(super) fn acknowledging(mut self, acknowledgment: SequenceNumber) -> Input {
        self.fields.acknowledgment = acknowledgment;
        self
    }

    /// Returns the segment from another station.
    pub(super) fn of_station(mut self, station: Station) -> Input {
        self.from = station;
        self.fields.source.set_ip(station.ip);
        self
    }

    /// Removes what makes the segment invalid.
    pub(super) fn repair(&mut self) {
        (self.source, self.data_offset, self.checksum) = (None, None, ChecksumField::Correct);
    }

    /// Returns the frame with the segment.
    pub(super) fn frame(&self) -> Result<Vec<u8>, CaseError> {
        let mut fields = self.fields;
        if let Some(source) = self.source {
            fields.source.set_ip(source);
        }
        let length = fields.header_length() + self.raw_options.len();
        let mut segment = [&vec![0; length], &self.data[..]].concat();
        fields.write_to(&mut segment)?;
        if !self.raw_options.is_empty() {
            segment
                .get_mut(fields.header_length()..length)
                .ok_or("no options")?
                .copy_from_slice(&self.raw_options);
        }
        let offset = self.data_offset.unwrap_or(u8::try_from(length / 4)?);
        *segment.get_mut(12).ok_or("no data offset")? = offset << 4;
        set_checksum(&mut segment, (*fields.source.ip(), *fields.destination.ip()))?;
        match self.checksum {
            ChecksumField::Correct => {}
            ChecksumField::Wrong => *segment.get_mut(17).ok_or("no checksum")? ^= 1,
            ChecksumField::Zero => segment.get_mut(16..18).ok_or("no checksum")?.fill(0),
        }
        let mut datagram = [&[0; Ipv4Fields::LENGTH], &segment[..]].concat();
        Ipv4Fields::new(IpProtocol::TCP, *fields.source.ip(), *fields.destination.ip())
            .write_to(&mut datagram)?;
        Ok([&HOST.mac.bytes()[..], &self.from.mac.bytes(), &[8, 0], &datagram].concat())
    }
}

/// Sets the checksum of a segment.
fn set_checksum(segment: &mut [u8], (source, destination): (Ipv4Addr, Ipv4Addr)) -> Result<(), CaseError> {
    segment.get_mut(16..18).ok_or("no checksum")?.fill(0);
    let length = u16::try_from(segment.len())?.to_be_bytes();
    let pseudo_header =
        [&source.octets()[..], &destination.octets(), &[0, IpProtocol::TCP.0], &length].concat();
    let checksum = inet::checksum::of(&[&pseudo_header, &*segment].concat());
    segment.get_mut(16..18).ok_or("no checksum")?.copy_from_slice(&checksum.to_be_bytes());
    Ok(())
}
