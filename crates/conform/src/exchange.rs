//! Exchange of datagrams with the host.

use std::net::Ipv4Addr;

use super::case::CaseResult;
use super::datagrams::{ICMP, Ip, ReceivedDatagram, data, echo_reply, echo_request, peer, reassemble};
use super::frame_socket::{ArpPeer, FrameSocket};
use super::frames::{Arp, REPLY, REQUEST, TESTED_IP, TESTED_MAC, hex};
use super::session::Station;

impl FrameSocket {
    /// Sends an ARP request from a peer, so that the host learns the peer.
    pub(crate) fn introduce(&mut self, peer: Station) -> Result<(), String> {
        self.add_peer(arp_peer((TESTED_MAC, TESTED_IP), peer));
        let request = Arp { source: peer.0, sender: peer, ..REQUEST };
        let reply = Arp { destination: peer.0, target: peer, ..REPLY };
        self.expect_reply(&request.frame(), &reply.frame())
    }

    /// Makes the host learn a peer, sends the frames of the peer, and returns all frames that the host sends.
    pub(crate) fn exchange(&mut self, from: Station, frames: &[Vec<u8>]) -> Result<Vec<Vec<u8>>, String> {
        self.introduce(from)?;
        let Some((last, before)) = frames.split_last() else { return Ok(Vec::new()) };
        for frame in before {
            self.send(frame)?;
        }
        self.send_and_collect(last)
    }

    /// Expects no frame from the host after these frames of a peer.
    pub(crate) fn expect_no_frame(&mut self, from: Station, frames: &[Vec<u8>]) -> CaseResult {
        match self.exchange(from, frames)?.first() {
            None => Ok(()),
            Some(reply) => {
                let frame = frames.last().map(|frame| hex(frame)).unwrap_or_default();
                Err(format!("reply to {frame}: {}", hex(reply)))
            }
        }
    }

    /// Expects an echo reply with this data after these frames of a peer.
    pub(crate) fn expect_echo(
        &mut self,
        from: Station,
        frames: &[Vec<u8>],
        data: &[u8],
    ) -> Result<ReceivedDatagram, String> {
        let received = self.exchange(from, frames)?;
        let datagram = reassemble(&received, from, ICMP)
            .map_err(|error| format!("{error}; sent {}", describe(frames)))?;
        if datagram.data == echo_reply(data) {
            return Ok(datagram);
        }
        Err(format!("reply to {}: {}", describe(frames), hex(&datagram.data)))
    }

    /// Expects a reply to a valid echo request, which shows that the host still works.
    pub(crate) fn expect_alive(&mut self, from: Station) -> CaseResult {
        let data = data(56);
        self.expect_echo(from, &[Ip::from(from).frame(&echo_request(&data))], &data).map(drop)
    }

    /// Expects an ICMP error with this type and code that quotes the header and the start of the data of a datagram.
    pub(crate) fn expect_error(&mut self, from: Station, ip: &Ip, data: &[u8], kind: [u8; 2]) -> CaseResult {
        let received = self.exchange(from, &[[ip.frame(data), vec![0xee; 6]].concat()])?;
        let datagram = reassemble(&received, from, ICMP)?.data;
        let sent = ip.datagram(data);
        let quoted = datagram.get(8..).unwrap_or_default();
        if !datagram.starts_with(&kind) || super::checksum::checksum(&datagram) != 0 {
            return Err(format!("reply to {}: {}", hex(&sent), hex(&datagram)));
        }
        if quoted.len() < 28.min(sent.len()) || !sent.starts_with(quoted) {
            return Err(format!("quotation of {} differs: {}", hex(&sent), hex(quoted)));
        }
        Ok(())
    }

    /// Sends a frame from an unknown station and replies to the ARP request of the host. Returns the next frame of the
    /// host.
    pub(crate) fn expect_resolution(
        &mut self,
        new_station: Station,
        frame: &[u8],
    ) -> Result<Vec<u8>, String> {
        self.send(frame)?;
        let request = self.next_reply("ARP request for the unknown station")?;
        let peer = arp_peer((TESTED_MAC, TESTED_IP), new_station);
        if peer.requests.first() != Some(&request) {
            return Err(format!("not an ARP request for {}: {}", new_station.1, hex(&request)));
        }
        self.send(&peer.reply)?;
        // The host repeats its request if the suite is late.
        self.add_peer(peer);
        self.next_reply("frame after the ARP reply")
    }
}

/// Returns the requests of a host for a peer, and the reply of the peer.
pub(crate) fn arp_peer(host: Station, peer: Station) -> ArpPeer {
    let broadcast = Arp { source: host.0, sender: host, target: ([0; 6], peer.1), ..REQUEST };
    let unicast = Arp { destination: peer.0, ..broadcast };
    let reply = Arp { destination: host.0, source: peer.0, sender: peer, target: host, ..REPLY };
    ArpPeer { requests: [broadcast.frame(), unicast.frame()], reply: reply.frame() }
}

/// Returns one frame in hexadecimal, or the number of frames.
pub(crate) fn describe(frames: &[Vec<u8>]) -> String {
    match frames {
        [only] => hex(only),
        more => format!("{} frames", more.len()),
    }
}

/// Returns a datagram from the peer with this number, with another source address.
pub(crate) fn forged(number: u8, source: Ipv4Addr) -> Ip {
    Ip { from: source, ..Ip::from(peer(number)) }
}
