//! Frames, octet by octet.

use std::net::Ipv4Addr;

pub(super) const KERNEL: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
pub(super) const OURS: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
pub(super) const PEER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 7);
pub(super) const OTHER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 99);
/// A neighbor that a person entered.
pub(super) const STATIC: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 98);
pub(super) const STATIC_MAC: Mac = [2, 0, 0, 0, 0, 98];
/// The last address that a host may have.
pub(super) const LAST: Ipv4Addr = Ipv4Addr::new(223, 255, 255, 254);
pub(super) const OUR_MAC: Mac = [2, 0, 0, 0, 0, 2];
pub(super) const PEER_MAC: Mac = [2, 0, 0, 0, 0, 7];
pub(super) const OTHER_MAC: Mac = [2, 0, 0, 0, 0, 99];
pub(super) const BROADCAST: Mac = [0xff; 6];
pub(super) const GROUP: Mac = [1, 0, 0x5e, 0, 0, 1];
/// A group that no host has a reason to join.
pub(super) const STRANGE_GROUP: Mac = [1, 0, 0x5e, 0x7f, 0, 99];
pub(super) const NETWORK_BROADCAST: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 255);
pub(super) const ZERO: Mac = [0; 6];

pub(super) type Mac = [u8; 6];

/// The fields of an ARP frame, to be varied one at a time.
#[derive(Clone, Copy)]
pub(super) struct Arp {
    pub(super) destination: Mac,
    pub(super) source: Mac,
    pub(super) hardware_type: u16,
    pub(super) protocol_type: u16,
    pub(super) hardware_length: u8,
    pub(super) protocol_length: u8,
    pub(super) operation: u16,
    pub(super) sender: (Mac, Ipv4Addr),
    pub(super) target: (Mac, Ipv4Addr),
}

/// The peer's request for our address, by broadcast.
pub(super) const REQUEST: Arp = Arp {
    destination: BROADCAST,
    source: PEER_MAC,
    hardware_type: 1,
    protocol_type: 0x0800,
    hardware_length: 6,
    protocol_length: 4,
    operation: 1,
    sender: (PEER_MAC, PEER),
    target: (ZERO, OURS),
};

/// The one reply to [`REQUEST`].
pub(super) const REPLY: Arp = Arp {
    destination: PEER_MAC,
    source: OUR_MAC,
    operation: 2,
    sender: (OUR_MAC, OURS),
    target: (PEER_MAC, PEER),
    ..REQUEST
};

/// How the host says that the address is its own.
pub(super) const ANNOUNCEMENT: Arp =
    Arp { destination: BROADCAST, source: OUR_MAC, sender: (OUR_MAC, OURS), target: (ZERO, OURS), ..REQUEST };

/// How the host asks whether anybody has the address.
pub(super) const PROBE: Arp = Arp { sender: (OUR_MAC, Ipv4Addr::UNSPECIFIED), ..ANNOUNCEMENT };

/// How the peer says that the host's address is its own.
pub(super) const CONFLICT: Arp = Arp { sender: (PEER_MAC, OURS), ..REQUEST };

impl Arp {
    /// The 28 octets of the packet.
    pub(super) fn packet(&self) -> Vec<u8> {
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

    /// The frame, unpadded: 42 octets.
    pub(super) fn frame(&self) -> Vec<u8> {
        self.behind(&[8, 6])
    }

    /// The frame with other octets between the addresses and the packet.
    pub(super) fn behind(&self, head: &[u8]) -> Vec<u8> {
        [&self.destination[..], &self.source, head, &self.packet()].concat()
    }

    /// The frame with octets behind the packet.
    pub(super) fn padded(&self, padding: &[u8]) -> Vec<u8> {
        [&self.frame()[..], padding].concat()
    }
}

/// A hardware address in colons.
pub(super) fn mac(octets: Mac) -> String {
    octets.map(|octet| format!("{octet:02x}")).join(":")
}

/// A hardware address read from colons.
pub(super) fn parse_mac(text: &str) -> Option<Mac> {
    let octets: Option<Vec<u8>> = text.split(':').map(|octet| u8::from_str_radix(octet, 16).ok()).collect();
    octets?.try_into().ok()
}

/// Octets in hexadecimal, for a message.
pub(super) fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect::<Vec<_>>().concat()
}

/// The target protocol address of an ARP frame.
pub(super) fn target_of(frame: &[u8]) -> Option<Ipv4Addr> {
    let octets: [u8; 4] = frame.get(38..42)?.try_into().ok()?;
    Some(octets.into())
}
