//! UDP datagrams, byte by byte.

use std::net::Ipv4Addr;

use super::checksum::{UDP, checksum};
use super::datagrams::{Ip, ReceivedDatagram, reassemble_from};
use super::frames::{TESTED_IP, TESTED_MAC, hex};
use super::session::Station;

/// Ports of the services on the host under test.
pub(crate) const ECHO: u16 = 7;
pub(crate) const DISCARD: u16 = 9;
pub(crate) const DAYTIME: u16 = 13;
pub(crate) const CHARGEN: u16 = 19;
/// Port without a service.
pub(crate) const CLOSED: u16 = 40_000;
/// Port of the peers.
pub(crate) const CLIENT: u16 = 12_345;
/// Length in bytes of the longest data in a frame.
pub(crate) const MAX_WHOLE: usize = 1_472;

/// Fields of a UDP header.
#[derive(Clone, Copy)]
pub(crate) struct Udp {
    pub(crate) source: u16,
    pub(crate) destination: u16,
    /// Length in the header, or `None` for the actual length.
    pub(crate) length: Option<u16>,
    pub(crate) checksum: UdpChecksum,
}

/// Checksum in a UDP header.
#[derive(Clone, Copy)]
pub(crate) enum UdpChecksum {
    Valid,
    /// Zero: the sender computed no checksum.
    Absent,
    /// Valid checksum with these bits inverted.
    Inverted(u16),
}

impl Udp {
    /// Returns the header of a datagram from a peer to a port of the host.
    pub(crate) const fn to(port: u16) -> Udp {
        Udp { source: CLIENT, destination: port, length: None, checksum: UdpChecksum::Valid }
    }

    /// Returns header and data of a UDP datagram between the addresses of `ip`.
    pub(crate) fn datagram(&self, ip: &Ip, data: &[u8]) -> Vec<u8> {
        let length = self.length.unwrap_or(u16::try_from(8 + data.len()).unwrap_or(u16::MAX));
        let with_checksum = |sum: u16| {
            let words = [self.source, self.destination, length, sum].map(u16::to_be_bytes);
            [words.as_flattened(), data].concat()
        };
        let valid = checksum(&[pseudo_header(ip.from, ip.to, length), with_checksum(0)].concat());
        with_checksum(match self.checksum {
            UdpChecksum::Absent => 0,
            UdpChecksum::Valid if valid == 0 => u16::MAX,
            UdpChecksum::Valid => valid,
            UdpChecksum::Inverted(bits) => valid ^ bits,
        })
    }

    /// Returns the frame of a datagram from a peer to the host.
    pub(crate) fn frame(&self, from: Station, data: &[u8]) -> Vec<u8> {
        let ip = udp_from(from);
        ip.frame(&self.datagram(&ip, data))
    }
}

/// Returns the IPv4 header of a UDP datagram from a peer to the host.
pub(crate) const fn udp_from(peer: Station) -> Ip {
    Ip { protocol: UDP, ..Ip::from(peer) }
}

/// Returns a UDP datagram to a closed port, without a checksum.
pub(crate) fn to_closed_port(data: &[u8]) -> Vec<u8> {
    let udp = Udp { checksum: UdpChecksum::Absent, ..Udp::to(CLOSED) };
    // A datagram without a checksum does not depend on the addresses.
    udp.datagram(&udp_from(([0; 6], Ipv4Addr::UNSPECIFIED)), data)
}

fn pseudo_header(from: Ipv4Addr, to: Ipv4Addr, length: u16) -> Vec<u8> {
    [&from.octets()[..], &to.octets(), &[0, UDP], &length.to_be_bytes()].concat()
}

/// UDP datagram sent by the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReceivedUdp {
    pub(crate) ip: ReceivedDatagram,
    pub(crate) source: u16,
    pub(crate) destination: u16,
    pub(crate) data: Vec<u8>,
}

impl ReceivedUdp {
    /// Parses the frames of one UDP datagram from the host to a peer, reassembled if fragmented.
    ///
    /// Returns an error if a field is not as expected, or if the datagram has no valid checksum.
    pub(crate) fn read(frames: &[Vec<u8>], to: Station) -> Result<ReceivedUdp, String> {
        ReceivedUdp::read_from((TESTED_MAC, TESTED_IP), frames, to)
    }

    /// Parses the frames of one UDP datagram from a host to a peer: see [`ReceivedUdp::read`].
    pub(crate) fn read_from(from: Station, frames: &[Vec<u8>], to: Station) -> Result<ReceivedUdp, String> {
        let ip = reassemble_from(from, frames, to, UDP)?;
        let invalid = |what: &str| format!("{what}: {}", hex(&ip.data));
        let Some((&[s, o, d, e, high, low, c, k], data)) = ip.data.split_first_chunk::<8>() else {
            return Err(invalid("truncated UDP header"));
        };
        let length = u16::from_be_bytes([high, low]);
        if usize::from(length) != ip.data.len() {
            return Err(invalid("invalid UDP length"));
        }
        let pseudo_header = pseudo_header(from.1, to.1, length);
        if [c, k] == [0, 0] || checksum(&[pseudo_header, ip.data.clone()].concat()) != 0 {
            return Err(invalid("no valid UDP checksum"));
        }
        Ok(ReceivedUdp {
            source: u16::from_be_bytes([s, o]),
            destination: u16::from_be_bytes([d, e]),
            data: data.to_vec(),
            ip,
        })
    }

    /// Returns whether the datagram is the echo of this data, sent with this header.
    pub(crate) fn is_echo(&self, sent: Udp, data: &[u8]) -> bool {
        (self.source, self.destination) == (sent.destination, sent.source) && self.data == data
    }
}
