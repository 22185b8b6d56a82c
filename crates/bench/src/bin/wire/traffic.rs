//! Requests, and what must come back.

use std::fmt;
use std::net::Ipv4Addr;

use clap::ValueEnum;
use serde::Serialize;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Load {
    /// Who has this address?
    Arp,
    /// Echo requests with 56 octets of data
    Ping,
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Load::Arp => "ARP",
            Load::Ping => "ping",
        })
    }
}

/// Consecutive addresses with consecutive hardware addresses.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AddressRange {
    pub(crate) ip: Ipv4Addr,
    pub(crate) mac: [u8; 6],
    pub(crate) count: u32,
}

/// Who asks.
pub(crate) const REQUESTER: AddressRange =
    AddressRange { ip: Ipv4Addr::new(10, 0, 0, 1), mac: [2, 0, 0, 0, 0, 1], count: 1 };
/// Who answers.
pub(crate) const RESPONDER: AddressRange =
    AddressRange { ip: Ipv4Addr::new(10, 0, 0, 2), mac: [2, 0, 0, 0, 0, 2], count: 1 };
/// A station that is not there.
const ABSENT_MAC: [u8; 6] = [2, 0, 0, 0, 0, 3];
/// The network that both are in.
pub(crate) const PREFIX: u8 = 8;

/// Who asks whom for what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Traffic {
    pub(crate) load: Load,
    pub(crate) requesters: AddressRange,
    pub(crate) responders: AddressRange,
}

/// A request and its reply.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    pub(crate) request: Vec<u8>,
    reply: Vec<u8>,
    load: Load,
}

/// Where the headers of a ping end and begin.
const IP: usize = 14;
const ICMP: usize = IP + 20;
/// Octets of data, as many as `ping` sends.
const DATA: usize = 56;

impl AddressRange {
    /// The nth of them, from the start again beyond the last.
    fn at(&self, n: u32) -> (Ipv4Addr, [u8; 6]) {
        let step = n % self.count.max(1);
        let mut wide = [0; 8];
        wide[2..].copy_from_slice(&self.mac);
        let wide = u64::from_be_bytes(wide) + u64::from(step);
        let [_, _, mac @ ..] = wide.to_be_bytes();
        (Ipv4Addr::from(u32::from(self.ip) + step), mac)
    }
}

impl Traffic {
    /// One asks one.
    pub(crate) fn plain(load: Load) -> Traffic {
        Traffic { load, requesters: REQUESTER, responders: RESPONDER }
    }

    /// The exchanges in the order in which they are to be had, as often as wanted. Where there are many
    /// hosts, each is another's, and neighbors in the row are far from each other in time.
    pub(crate) fn exchanges(&self) -> Vec<Exchange> {
        /// No more different ones than this: they have to be remembered.
        const MAX_EXCHANGES: u32 = 1 << 16;
        /// Odd and large: it visits all of a power of two, and jumps far.
        const STRIDE: u32 = 0x9e37_79b1;
        let different = self.requesters.count.max(self.responders.count).min(MAX_EXCHANGES);
        (0..different).map(|n| self.exchange(n.wrapping_mul(STRIDE))).collect()
    }

    fn exchange(&self, n: u32) -> Exchange {
        let (requester, responder) = (self.requesters.at(n), self.responders.at(n));
        let (request, reply) = match self.load {
            Load::Arp => arp(requester, responder),
            Load::Ping => ping(requester, responder),
        };
        Exchange { request, reply, load: self.load }
    }
}

impl Exchange {
    /// The same to a station that nobody is.
    pub(crate) fn to_absent_host(&self) -> Exchange {
        let mut exchange = self.clone();
        exchange.request[..6].copy_from_slice(&ABSENT_MAC);
        exchange
    }

    /// The reply to this frame, if it asks whether the one who asks is still there, as it may.
    pub(crate) fn answer_to(frame: &[u8]) -> Option<Vec<u8>> {
        let (responder, requester) = (RESPONDER.at(0), REQUESTER.at(0));
        let packet: &[u8; 42] = frame.first_chunk()?;
        let is_question = packet[12..14] == [8, 6]
            && packet[20..22] == [0, 1]
            && packet[28..32] == responder.0.octets()
            && packet[38..] == requester.0.octets();
        // What it is told is what it would say were it the one asked.
        is_question.then(|| arp(responder, requester).1)
    }

    /// Whether this frame is the reply, octet by octet; of a ping's IP header only what must be so.
    pub(crate) fn is_answered_by(&self, frame: &[u8]) -> bool {
        let Some(frame) = frame.get(..self.reply.len()) else { return false };
        match self.load {
            Load::Arp => frame == self.reply,
            Load::Ping => {
                let (headers, expected) = (&frame[IP..ICMP], &self.reply[IP..ICMP]);
                frame[..IP] == self.reply[..IP]
                    && headers[..1] == expected[..1]
                    && headers[2..4] == expected[2..4]
                    && headers[9] == expected[9]
                    && headers[12..] == expected[12..]
                    && sum(headers) == 0xffff
                    && frame[ICMP..] == self.reply[ICMP..]
            }
        }
    }
}

/// Someone: his protocol and his hardware address.
type Host = (Ipv4Addr, [u8; 6]);

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
    let datagram = |kind: u8, from: Host, to: Host| {
        let data: Vec<u8> = (0..).take(DATA).collect();
        let mut message = [&[kind, 0, 0, 0, 0, 7, 0, 1], &data[..]].concat();
        write_checksum(&mut message, 2);
        let length = (20 + 8 + DATA).to_be_bytes();
        let mut header = vec![0x45, 0, length[6], length[7], 0, 0, 0x40, 0, 64, 1, 0, 0];
        header.extend(from.0.octets());
        header.extend(to.0.octets());
        write_checksum(&mut header, 10);
        [&to.1[..], &from.1, &[8, 0], &header, &message].concat()
    };
    (datagram(8, requester, responder), datagram(0, responder, requester))
}

fn write_checksum(bytes: &mut [u8], at: usize) {
    let sum = (!sum(bytes)).to_be_bytes();
    bytes[at..at + 2].copy_from_slice(&sum);
}

/// The Internet checksum before its complement (RFC 1071).
fn sum(bytes: &[u8]) -> u16 {
    let mut sum: u32 = bytes.chunks(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]]))).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    u16::try_from(sum).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests;
