//! UDP datagrams that a capture may have truncated, and the protocol of their data.

use simple_dns::Packet;

use crate::layout::UDP_HEADER;

/// Ports of DNS and multicast DNS, and of DHCP servers and clients.
const DNS_PORTS: [u16; 2] = [53, 5_353];
const DHCP_PORTS: [u16; 2] = [67, 68];

/// A UDP datagram according to its length field.
#[derive(Debug)]
pub(crate) enum UdpDatagram<'a> {
    /// The capture ends before or in the length field.
    Truncated,
    /// The length field has this value, which is below the length of the header.
    BelowHeader(usize),
    /// The length field promises this amount of data, which exceeds the IP datagram.
    BeyondDatagram(usize),
    /// The length field is valid.
    Valid {
        /// Length of the data, in bytes.
        length: usize,
        /// Captured part of the data.
        data: &'a [u8],
        /// Protocol of the data, if it is supported.
        application: Option<Application<'a>>,
    },
}

/// Protocol of the data of a UDP datagram.
#[derive(Debug)]
pub(crate) enum Application<'a> {
    /// A complete message of DNS or multicast DNS.
    Dns(Packet<'a>),
    /// A request or reply of BOOTP or DHCP.
    Dhcp,
}

impl<'a> UdpDatagram<'a> {
    /// Parses a datagram. The data of the IP datagram is `length` bytes long according to its header; `bytes` is the captured
    /// part. The length field of a fragment covers the whole datagram, and the protocol of its data is not determined.
    pub(crate) fn parse(bytes: &'a [u8], length: usize, is_fragment: bool) -> UdpDatagram<'a> {
        let Some(&[s0, s1, d0, d1, high, low]) = bytes.first_chunk() else { return UdpDatagram::Truncated };
        let claimed = usize::from(u16::from_be_bytes([high, low]));
        let Some(claimed_data) = claimed.checked_sub(UDP_HEADER) else {
            return UdpDatagram::BelowHeader(claimed);
        };
        if claimed > length.max(UDP_HEADER) && !is_fragment {
            return UdpDatagram::BeyondDatagram(claimed_data);
        }
        let data = bytes.get(UDP_HEADER..).unwrap_or_default();
        let data = data.get(..claimed_data).unwrap_or(data);
        let ports = [u16::from_be_bytes([s0, s1]), u16::from_be_bytes([d0, d1])];
        let application = if is_fragment { None } else { Application::of(ports, data) };
        UdpDatagram::Valid { length: claimed_data, data, application }
    }
}

impl<'a> Application<'a> {
    /// Returns the protocol of data between these ports. Data with a port of DNS or DHCP may belong to another protocol.
    fn of(ports: [u16; 2], data: &'a [u8]) -> Option<Application<'a>> {
        let has_one_of = |known: [u16; 2]| ports.iter().any(|port| known.contains(port));
        if has_one_of(DNS_PORTS) {
            return Packet::parse(data).ok().map(Application::Dns);
        }
        // RFC 2131 2: "1 = BOOTREQUEST, 2 = BOOTREPLY".
        let is_dhcp = has_one_of(DHCP_PORTS) && matches!(data.first(), Some(1 | 2));
        is_dhcp.then_some(Application::Dhcp)
    }
}
