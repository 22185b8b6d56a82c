//! UDP datagrams that may be valid, from few addresses and ports.

use std::net::Ipv4Addr;

use inet::{IpProtocol, checksum};
use ipv4::{Datagram, Fragments, Ipv4Fields};
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use link::MacAddr;
use tap::Checksum;

/// First local address. Eight hosts have consecutive IP and MAC addresses.
pub(crate) const FIRST: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 8);
pub(crate) const FIRST_MAC: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 8]);
/// Local address of a host in a network with a broadcast address.
pub(crate) const OTHER: Ipv4Addr = Ipv4Addr::new(10, 1, 0, 2);
pub(crate) const OTHER_MAC: MacAddr = MacAddr::new([2, 0, 0, 0, 1, 2]);
/// Broadcast address of the network of [`OTHER`].
const DIRECTED_BROADCAST: Ipv4Addr = Ipv4Addr::new(10, 1, 0, 255);
/// The other stations. The last station is in the network of [`OTHER`].
pub(crate) const PEERS: [(Ipv4Addr, MacAddr); 3] = [
    (Ipv4Addr::new(10, 0, 0, 1), MacAddr::new([2, 0, 0, 0, 0, 1])),
    (Ipv4Addr::new(10, 0, 0, 2), MacAddr::new([2, 0, 0, 0, 0, 2])),
    (Ipv4Addr::new(10, 1, 0, 1), MacAddr::new([2, 0, 0, 0, 1, 1])),
];

/// Few ports, so that datagrams are for sockets.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(crate) struct Port(u8);

/// A UDP datagram to the hosts. Most values of each field are valid, so that most datagrams are.
#[derive(Arbitrary, Debug)]
pub(crate) struct UdpInput {
    source: u8,
    source_port: Port,
    destination: u8,
    destination_port: Port,
    frame_destination: u8,
    /// Length of the data, in units of 1/32 byte.
    data: u16,
    padding: u8,
    length_excess: i8,
    checksum: u8,
    device: u8,
    fragments: u8,
    pub(crate) time_to_live: u8,
    pub(crate) type_of_service: u8,
}

/// The destination of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Destination {
    /// The host with this number.
    Local(u8),
    Broadcast(Ipv4Addr),
    /// An address of no host, or a multicast group.
    Other(Ipv4Addr),
}

impl Port {
    pub(crate) fn number(self) -> u16 {
        [7, 53, 4_000, 40_000][usize::from(self.0 % 4)]
    }
}

/// Returns one of the nine local addresses.
pub(crate) fn local(number: u8) -> Ipv4Addr {
    match number % 9 {
        8 => OTHER,
        number => Ipv4Addr::from_bits(FIRST.to_bits() + u32::from(number)),
    }
}

/// Returns the MAC address of one of the nine hosts.
pub(crate) fn local_mac(number: u8) -> MacAddr {
    match number % 9 {
        8 => OTHER_MAC,
        number => FIRST_MAC.plus(number.into()).expect("MAC address should exist"),
    }
}

impl UdpInput {
    pub(crate) fn source(&self) -> Ipv4Addr {
        match self.source % 16 {
            13 => DIRECTED_BROADCAST,
            14 => Ipv4Addr::new(224, 0, 0, 1),
            15 => local(self.source / 16),
            number => PEERS[usize::from(number) % PEERS.len()].0,
        }
    }

    /// Returns the source port, which may be zero.
    pub(crate) fn source_port(&self) -> u16 {
        if self.source_port.0 == 0 { 0 } else { self.source_port.number() }
    }

    pub(crate) fn destination(&self) -> Destination {
        match self.destination % 16 {
            12 => Destination::Other(Ipv4Addr::new(10, 0, 0, 16)),
            13 => Destination::Other(Ipv4Addr::new(224, 0, 0, 251)),
            14 => Destination::Broadcast(Ipv4Addr::BROADCAST),
            15 => Destination::Broadcast(DIRECTED_BROADCAST),
            number => Destination::Local(number % 9),
        }
    }

    pub(crate) fn destination_port(&self) -> u16 {
        self.destination_port.number()
    }

    pub(crate) fn frame_destination(&self) -> MacAddr {
        match (self.frame_destination % 8, self.destination()) {
            (6, _) => local_mac(self.frame_destination / 8),
            (7, _) => MacAddr::BROADCAST,
            (_, Destination::Local(number)) => local_mac(number),
            _ => MacAddr::BROADCAST,
        }
    }

    fn data(&self) -> Vec<u8> {
        (0..self.data / 32).map(|number| number.to_le_bytes()[0]).collect()
    }

    /// Returns the length field.
    pub(crate) fn claimed_length(&self) -> u16 {
        let excess = if self.length_excess % 4 == 3 { self.length_excess } else { 0 };
        (8 + self.data / 32).saturating_add_signed(excess.into())
    }

    /// Returns whether the checksum is the sum of the datagram, or zero.
    pub(crate) fn has_valid_checksum(&self) -> bool {
        self.checksum % 8 < 7
    }

    /// Returns the payload of the IP datagram: header, data and padding.
    pub(crate) fn payload(&self) -> Vec<u8> {
        let mut payload = Vec::new();
        payload.extend(self.source_port().to_be_bytes());
        payload.extend(self.destination_port().to_be_bytes());
        payload.extend(self.claimed_length().to_be_bytes());
        payload.extend([0, 0]);
        payload.extend(self.data());
        payload.extend(vec![0xee; usize::from(self.padding % 32)]);
        if self.checksum % 8 != 6 {
            let sum = if self.has_valid_checksum() { self.sum(&payload) } else { !self.sum(&payload) };
            payload[6..8].copy_from_slice(&if sum == 0 { u16::MAX } else { sum }.to_be_bytes());
        }
        payload
    }

    /// Returns the checksum of the claimed bytes with the pseudo-header, with a checksum field of zero.
    fn sum(&self, payload: &[u8]) -> u16 {
        let claimed = payload.get(..self.claimed_length().into()).unwrap_or(payload);
        let mut covered = [self.source().octets(), self.destination().address().octets()].concat();
        covered.extend([0, 17]);
        covered.extend(self.claimed_length().to_be_bytes());
        covered.extend(claimed);
        checksum::of(&covered)
    }

    /// Returns the length of the longest fragment with its header.
    pub(crate) fn fragment_mtu(&self) -> usize {
        match self.fragments % 4 {
            3 => Ipv4Fields::LENGTH + 48 + usize::from(self.fragments / 4) * 8,
            _ => Datagram::MAX_LENGTH,
        }
    }

    /// Returns the state of the checksum that the device reports.
    pub(crate) fn device_state(&self) -> Checksum {
        match self.device % 4 {
            2 => Checksum::Verified,
            3 => Checksum::Partial { start: 34, offset: 6 },
            _ => Checksum::None,
        }
    }

    /// Returns the frames with the datagram or its fragments.
    pub(crate) fn frames(&self, identification: u16) -> Vec<Vec<u8>> {
        let fields = Ipv4Fields {
            identification,
            time_to_live: self.time_to_live,
            type_of_service: self.type_of_service,
            ..Ipv4Fields::new(IpProtocol::UDP, self.source(), self.destination().address())
        };
        let payload = self.payload();
        let fragments = Fragments::of(payload.len(), self.fragment_mtu(), false);
        let frames = fragments.expect("payload should be fragmented").map(|fragment| {
            let mut datagram = vec![0; Ipv4Fields::LENGTH];
            datagram.extend_from_slice(&payload[fragment.range.clone()]);
            let fields = Ipv4Fields {
                fragment_offset: fragment.range.start,
                more_fragments: fragment.more_fragments,
                ..fields
            };
            fields.write_to(&mut datagram).expect("buffer should hold an IPv4 header");
            [&self.frame_destination().bytes()[..], &[2, 0, 0, 0, 0, 1], &[8, 0], &datagram].concat()
        });
        frames.collect()
    }
}

impl Destination {
    pub(crate) fn address(self) -> Ipv4Addr {
        match self {
            Self::Local(number) => local(number),
            Self::Broadcast(address) | Self::Other(address) => address,
        }
    }
}
