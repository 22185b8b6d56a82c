//! ARP frames, byte by byte.

use std::net::Ipv4Addr;

pub(crate) const KERNEL: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
/// IP address of the host under test.
pub const TESTED_IP: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
pub(crate) const PEER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 7);
pub(crate) const OTHER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 99);
/// Neighbor with a static entry.
pub(crate) const STATIC: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 98);
pub(crate) const STATIC_MAC: Mac = [2, 0, 0, 0, 0, 98];
/// Highest valid host address.
pub(crate) const LAST: Ipv4Addr = Ipv4Addr::new(223, 255, 255, 254);
/// MAC address of the host under test.
pub const TESTED_MAC: Mac = [2, 0, 0, 0, 0, 2];
pub(crate) const PEER_MAC: Mac = [2, 0, 0, 0, 0, 7];
pub(crate) const OTHER_MAC: Mac = [2, 0, 0, 0, 0, 99];
pub(crate) const BROADCAST: Mac = [0xff; 6];
pub(crate) const GROUP: Mac = [1, 0, 0x5e, 0, 0, 1];
/// Multicast group that no host joins.
pub(crate) const UNJOINED_GROUP: Mac = [1, 0, 0x5e, 0x7f, 0, 99];
pub(crate) const NETWORK_BROADCAST: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 255);
pub(crate) const ZERO: Mac = [0; 6];

/// MAC address.
pub type Mac = [u8; 6];

/// Fields of an ARP frame.
#[derive(Clone, Copy)]
pub(crate) struct Arp {
    pub(crate) destination: Mac,
    pub(crate) source: Mac,
    pub(crate) hardware_type: u16,
    pub(crate) protocol_type: u16,
    pub(crate) hardware_length: u8,
    pub(crate) protocol_length: u8,
    pub(crate) operation: u16,
    pub(crate) sender: (Mac, Ipv4Addr),
    pub(crate) target: (Mac, Ipv4Addr),
}

/// Broadcast request of the peer for the address of the host.
pub(crate) const REQUEST: Arp = Arp {
    destination: BROADCAST,
    source: PEER_MAC,
    hardware_type: 1,
    protocol_type: 0x0800,
    hardware_length: 6,
    protocol_length: 4,
    operation: 1,
    sender: (PEER_MAC, PEER),
    target: (ZERO, TESTED_IP),
};

/// Reply to [`REQUEST`].
pub(crate) const REPLY: Arp = Arp {
    destination: PEER_MAC,
    source: TESTED_MAC,
    operation: 2,
    sender: (TESTED_MAC, TESTED_IP),
    target: (PEER_MAC, PEER),
    ..REQUEST
};

/// Announcement of the host.
pub(crate) const ANNOUNCEMENT: Arp = Arp {
    destination: BROADCAST,
    source: TESTED_MAC,
    sender: (TESTED_MAC, TESTED_IP),
    target: (ZERO, TESTED_IP),
    ..REQUEST
};

/// Probe of the host.
pub(crate) const PROBE: Arp = Arp { sender: (TESTED_MAC, Ipv4Addr::UNSPECIFIED), ..ANNOUNCEMENT };

/// Request of the peer with the address of the host as sender, which is a conflict.
pub(crate) const CONFLICT: Arp = Arp { sender: (PEER_MAC, TESTED_IP), ..REQUEST };

impl Arp {
    /// Returns the ARP packet: 28 bytes.
    pub(crate) fn packet(&self) -> Vec<u8> {
        [
            &self.hardware_type.to_be_bytes()[..],
            &self.protocol_type.to_be_bytes(),
            &[self.hardware_length, self.protocol_length],
            &self.operation.to_be_bytes(),
            &self.sender.0,
            &self.sender.1.octets(),
            &self.target.0,
            &self.target.1.octets(),
        ]
        .concat()
    }

    /// Returns the frame, unpadded: 42 bytes.
    pub(crate) fn frame(&self) -> Vec<u8> {
        self.with_header(&[8, 6])
    }

    /// Returns the frame, with these bytes between the MAC addresses and the packet.
    pub(crate) fn with_header(&self, header: &[u8]) -> Vec<u8> {
        [&self.destination[..], &self.source, header, &self.packet()].concat()
    }

    /// Returns the frame with padding.
    pub(crate) fn padded(&self, padding: &[u8]) -> Vec<u8> {
        [&self.frame()[..], padding].concat()
    }
}

/// Returns a request of the peer for an address.
pub fn request_for(address: Ipv4Addr) -> Vec<u8> {
    request_from(REQUEST.sender, address)
}

/// Returns a broadcast request of this sender for an address.
pub fn request_from(sender: (Mac, Ipv4Addr), address: Ipv4Addr) -> Vec<u8> {
    Arp { source: sender.0, sender, target: (ZERO, address), ..REQUEST }.frame()
}

/// Formats a MAC address with colons.
pub fn mac(bytes: Mac) -> String {
    bytes.map(|byte| format!("{byte:02x}")).join(":")
}

/// Parses a MAC address with colons.
pub fn parse_mac(text: &str) -> Option<Mac> {
    let bytes: Option<Vec<u8>> = text.split(':').map(|byte| u8::from_str_radix(byte, 16).ok()).collect();
    bytes?.try_into().ok()
}

/// Formats bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}

/// Returns the target IP address of an ARP frame.
pub(crate) fn target_of(frame: &[u8]) -> Option<Ipv4Addr> {
    let bytes: [u8; 4] = frame.get(38..42)?.try_into().ok()?;
    Some(bytes.into())
}
