//! Datagrams that the tester sends.

use std::net::{Ipv4Addr, SocketAddrV4};

use inet::IpProtocol;
use ipv4::{Fragments, Ipv4Fields};
use udp::UdpFields;

use crate::packets::{HOST, PEER, Station};
use crate::tester::CaseError;

/// Port of the host's socket.
pub(super) const PORT: u16 = 7_000;
/// Port of the tester.
pub(super) const TESTER_PORT: u16 = 4_000;
/// MTU of the segment.
const MTU: usize = 1_500;

/// A datagram to the host. By default, the datagram is valid.
#[derive(Clone, Debug)]
pub(super) struct Input {
    /// The station that sends the frame.
    pub(super) from: Station,
    /// Source address, if the address is not that of the station.
    pub(super) source: Option<Ipv4Addr>,
    pub(super) source_port: u16,
    pub(super) destination_port: u16,
    pub(super) data: Vec<u8>,
    /// Bytes of the IP datagram after the end of the UDP datagram.
    pub(super) padding: Vec<u8>,
    /// Length field, if it is not the length of header and data.
    pub(super) length: Option<u16>,
    pub(super) checksum: ChecksumField,
}

/// The checksum field of a datagram.
#[derive(Clone, Copy, Debug)]
pub(super) enum ChecksumField {
    Correct,
    Wrong,
    Zero,
}

impl Input {
    /// Returns a valid datagram from [`PEER`] to the socket of the host.
    pub(super) fn new(data: &[u8]) -> Input {
        Input {
            from: PEER,
            source: None,
            source_port: TESTER_PORT,
            destination_port: PORT,
            data: data.to_vec(),
            padding: Vec::new(),
            length: None,
            checksum: ChecksumField::Correct,
        }
    }

    /// Makes an invalid datagram valid.
    pub(super) fn repair(&mut self) {
        self.data.append(&mut self.padding);
        *self = Input { from: self.from, ..Input::new(&self.data) };
    }

    /// Returns the source address and port.
    pub(super) fn source(&self) -> SocketAddrV4 {
        SocketAddrV4::new(self.source.unwrap_or(self.from.ip), self.source_port)
    }

    /// Returns the frames with the datagram, or with its fragments.
    pub(super) fn frames(&self) -> Result<Vec<Vec<u8>>, CaseError> {
        let fields = Ipv4Fields::new(IpProtocol::UDP, *self.source().ip(), HOST.ip);
        let payload = self.payload()?;
        let mut frames = Vec::new();
        for fragment in Fragments::of(payload.len(), MTU, false)? {
            let part = payload.get(fragment.range.clone()).unwrap_or_default();
            let mut datagram = [&[0; Ipv4Fields::LENGTH], part].concat();
            let fields = Ipv4Fields {
                identification: 7,
                fragment_offset: fragment.range.start,
                more_fragments: fragment.more_fragments,
                ..fields
            };
            fields.write_to(&mut datagram)?;
            frames.push([&HOST.mac.bytes()[..], &self.from.mac.bytes(), &[8, 0], &datagram].concat());
        }
        Ok(frames)
    }

    /// Returns header, data and padding.
    fn payload(&self) -> Result<Vec<u8>, CaseError> {
        let destination = SocketAddrV4::new(HOST.ip, self.destination_port);
        let mut datagram = [&[0; UdpFields::LENGTH], &self.data[..]].concat();
        UdpFields { source: self.source(), destination }.write_to(&mut datagram)?;
        let [_, _, _, _, high, low, first, second, ..] = &mut datagram[..] else {
            return Err("the datagram has no header".into());
        };
        if let Some(length) = self.length {
            [*high, *low] = length.to_be_bytes();
        }
        match self.checksum {
            ChecksumField::Correct => {}
            ChecksumField::Wrong => *second ^= 1,
            ChecksumField::Zero => [*first, *second] = [0, 0],
        }
        Ok([datagram, self.padding.clone()].concat())
    }
}
