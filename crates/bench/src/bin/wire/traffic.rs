//! Requests and their expected replies.

use std::net::{Ipv4Addr, SocketAddrV4};

/// Kind of request that is one frame, and is answered by one frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RequestKind {
    Arp,
    Ping,
    Udp,
}

/// Consecutive IP addresses with consecutive MAC addresses.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AddressRange {
    pub(crate) ip: Ipv4Addr,
    pub(crate) mac: [u8; 6],
    pub(crate) count: u32,
}

/// The requester.
pub(crate) const REQUESTER: AddressRange =
    AddressRange { ip: Ipv4Addr::new(10, 0, 0, 1), mac: [2, 0, 0, 0, 0, 1], count: 1 };
/// The responder.
pub(crate) const RESPONDER: AddressRange =
    AddressRange { ip: Ipv4Addr::new(10, 0, 0, 2), mac: [2, 0, 0, 0, 0, 2], count: 1 };
/// The gateway of the responder. It is no station of the bench, so the kernel that has the interface drops frames to it
/// before it reads their IP header.
pub(crate) const GATEWAY: AddressRange =
    AddressRange { ip: Ipv4Addr::new(10, 0, 0, 254), mac: [2, 0, 0, 0, 0, 254], count: 1 };
/// MAC address that no station of the bench has.
pub(crate) const ABSENT_MAC: [u8; 6] = [2, 0, 0, 0, 0, 3];
/// Prefix length of the network of the requester and the responder.
pub(crate) const PREFIX: u8 = 8;

/// Requests of one kind between requesters and responders.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Traffic {
    pub(crate) kind: RequestKind,
    pub(crate) requesters: AddressRange,
    pub(crate) responders: AddressRange,
}

/// A request and its reply.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    pub(crate) request: Vec<u8>,
    reply: Vec<u8>,
    kind: RequestKind,
}

/// Offsets of the IP header and its payload in the frame of a ping or UDP datagram.
pub(crate) const IP: usize = 14;
pub(crate) const PAYLOAD: usize = IP + 20;
/// Length of the data of a ping in bytes, as `ping` sends by default.
const PING_DATA: u8 = 56;
/// Length of the data of a UDP datagram, in bytes.
const UDP_DATA: u8 = 64;
const ICMP: u8 = 1;
const UDP: u8 = 17;
/// UDP port of the requester.
pub(crate) const PORT: u16 = 50_000;
/// UDP and TCP port of the echo service (RFC 862).
pub(crate) const ECHO_PORT: u16 = 7;
/// TCP port of the discard service (RFC 863).
pub(crate) const DISCARD_PORT: u16 = 9;
/// TCP port of the character generator service (RFC 864).
pub(crate) const CHARGEN_PORT: u16 = 19;

impl AddressRange {
    /// Returns the nth host of the range. The first host follows the last host.
    pub(crate) fn at(&self, n: u32) -> (Ipv4Addr, [u8; 6]) {
        let step = n % self.count.max(1);
        let mut wide = [0; 8];
        wide[2..].copy_from_slice(&self.mac);
        let wide = u64::from_be_bytes(wide) + u64::from(step);
        let [_, _, mac @ ..] = wide.to_be_bytes();
        (Ipv4Addr::from(u32::from(self.ip) + step), mac)
    }
}

impl Traffic {
    /// Returns the traffic of one requester and one responder.
    pub(crate) fn plain(kind: RequestKind) -> Traffic {
        Traffic { kind, requesters: REQUESTER, responders: RESPONDER }
    }

    /// Returns whether a UDP socket receives the replies. The kernel has only one address of the requester, so a packet
    /// socket receives the replies to several requesters.
    pub(crate) fn has_udp_socket(&self) -> bool {
        self.kind == RequestKind::Udp && self.requesters.count == 1
    }

    /// Returns the exchanges in the order of sending. With many hosts, each exchange has another host, and successive
    /// exchanges have hosts with distant addresses.
    pub(crate) fn exchanges(&self) -> Vec<Exchange> {
        /// Limit on the number of exchanges in memory.
        const MAX_EXCHANGES: u32 = 1 << 16;
        /// The step is odd, so that it visits each element of a power of two, and large, so that successive elements
        /// are far apart.
        const STRIDE: u32 = 0x9e37_79b1;
        let different = self.requesters.count.max(self.responders.count).min(MAX_EXCHANGES);
        (0..different).map(|n| self.exchange(n.wrapping_mul(STRIDE))).collect()
    }

    fn exchange(&self, n: u32) -> Exchange {
        let (requester, responder) = (self.requesters.at(n), self.responders.at(n));
        let (request, reply) = match self.kind {
            RequestKind::Arp => arp(requester, responder),
            RequestKind::Ping => ping(requester, responder),
            RequestKind::Udp => udp(requester, responder),
        };
        Exchange { request, reply, kind: self.kind }
    }
}

impl Exchange {
    /// Returns the exchange with a MAC address that no station has.
    pub(crate) fn to_absent_host(&self) -> Exchange {
        let mut exchange = self.clone();
        exchange.request[..6].copy_from_slice(&ABSENT_MAC);
        exchange
    }

    /// Returns the reply to this frame if it is an ARP request of the responder for the requester.
    pub(crate) fn answer_to(frame: &[u8]) -> Option<Vec<u8>> {
        let (responder, requester) = (RESPONDER.at(0), REQUESTER.at(0));
        let packet: &[u8; 42] = frame.first_chunk()?;
        let is_request = packet[12..14] == [8, 6]
            && packet[20..22] == [0, 1]
            && packet[28..32] == responder.0.octets()
            && packet[38..] == requester.0.octets();
        // The roles of requester and responder are exchanged.
        is_request.then(|| arp(responder, requester).1)
    }

    /// Returns whether a UDP datagram with this source and data is the expected reply.
    pub(crate) fn is_echoed_by(&self, source: SocketAddrV4, data: &[u8]) -> bool {
        let (header, expected) = self.reply[IP..].split_at(PAYLOAD + 8 - IP);
        self.kind == RequestKind::Udp
            && header[12..16] == source.ip().octets()
            && header[20..22] == source.port().to_be_bytes()
            && data == expected
    }

    /// Returns whether a frame is the expected reply, byte by byte. The fields of the IP header that a host may
    /// choose are not compared.
    pub(crate) fn is_answered_by(&self, frame: &[u8]) -> bool {
        let Some(frame) = frame.get(..self.reply.len()) else { return false };
        match self.kind {
            RequestKind::Arp => frame == self.reply,
            RequestKind::Ping | RequestKind::Udp => {
                let (headers, expected) = (&frame[IP..PAYLOAD], &self.reply[IP..PAYLOAD]);
                frame[..IP] == self.reply[..IP]
                    && headers[..1] == expected[..1]
                    && headers[2..4] == expected[2..4]
                    && headers[9] == expected[9]
                    && headers[12..] == expected[12..]
                    && sum(headers) == 0xffff
                    && frame[PAYLOAD..] == self.reply[PAYLOAD..]
            }
        }
    }
}

/// IP address and MAC address of a host.
pub(crate) type Host = (Ipv4Addr, [u8; 6]);

fn arp(requester: Host, responder: Host) -> (Vec<u8>, Vec<u8>) {
    let packet = |to: [u8; 6], operation: u8, sender: Host, target: Host| {
        [
            &to[..],
            &sender.1,
            &[8, 6, 0, 1, 8, 0, 6, 4, 0, operation],
            &sender.1,
            &sender.0.octets(),
            &target.1,
            &target.0.octets(),
        ]
        .concat()
    };
    (packet([255; 6], 1, requester, (responder.0, [0; 6])), packet(requester.1, 2, responder, requester))
}

fn ping(requester: Host, responder: Host) -> (Vec<u8>, Vec<u8>) {
    let message = |kind: u8| {
        let data: Vec<u8> = (0..PING_DATA).collect();
        let mut message = [&[kind, 0, 0, 0, 0, 7, 0, 1], &data[..]].concat();
        write_checksum(&mut message, 2);
        message
    };
    (datagram(requester, responder, ICMP, &message(8)), datagram(responder, requester, ICMP, &message(0)))
}

/// Returns a UDP datagram and its echo.
fn udp(requester: Host, responder: Host) -> (Vec<u8>, Vec<u8>) {
    let length = 8 + UDP_DATA;
    let pseudo_header = [&requester.0.octets()[..], &responder.0.octets(), &[0, UDP, 0, length]].concat();
    let message = |from: u16, to: u16| {
        let data: Vec<u8> = (0..UDP_DATA).collect();
        [&from.to_be_bytes()[..], &to.to_be_bytes(), &[0, length, 0, 0], &data].concat()
    };
    // The sum does not depend on the direction.
    let checksum = match !sum(&[&pseudo_header[..], &message(PORT, ECHO_PORT)].concat()) {
        // In UDP, a checksum of zero means that the datagram has none (RFC 768).
        0 => u16::MAX,
        checksum => checksum,
    };
    let with_checksum = |mut message: Vec<u8>| {
        message[6..8].copy_from_slice(&checksum.to_be_bytes());
        message
    };
    let request = with_checksum(message(PORT, ECHO_PORT));
    let reply = with_checksum(message(ECHO_PORT, PORT));
    (datagram(requester, responder, UDP, &request), datagram(responder, requester, UDP, &reply))
}

/// Returns the frame of an IP datagram.
pub(crate) fn datagram(from: Host, to: Host, protocol: u8, payload: &[u8]) -> Vec<u8> {
    [&headers(from, to, protocol, payload.len())[..], payload].concat()
}

/// Returns the Ethernet and IP headers of a datagram with a payload of `length` bytes.
pub(crate) fn headers(from: Host, to: Host, protocol: u8, length: usize) -> Vec<u8> {
    let length = (20 + length).to_be_bytes();
    let mut header = vec![0x45, 0, length[6], length[7], 0, 0, 0x40, 0, 64, protocol, 0, 0];
    header.extend(from.0.octets());
    header.extend(to.0.octets());
    write_checksum(&mut header, 10);
    [&to.1[..], &from.1, &[8, 0], &header].concat()
}

pub(crate) fn write_checksum(bytes: &mut [u8], at: usize) {
    let sum = (!sum(bytes)).to_be_bytes();
    bytes[at..at + 2].copy_from_slice(&sum);
}

/// Returns the Internet checksum before its complement (RFC 1071).
pub(crate) fn sum(bytes: &[u8]) -> u16 {
    let mut sum: u32 = bytes.chunks(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]]))).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    u16::try_from(sum).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests;
