//! Datagrams to the host, and what it says to them.

use std::net::Ipv4Addr;
use std::time::Duration;

use super::case::CaseResult;
use super::datagrams::{Ip, ReceivedDatagram, data, echo_reply, echo_request, peer, whole};
use super::frame_socket::FrameSocket;
use super::frames::{Arp, REPLY, REQUEST, TESTED_IP, TESTED_MAC, hex};
use super::session::Station;

/// How long a host may take for what waits for an answer by ARP.
const TIMEOUT: Duration = Duration::from_secs(5);

impl FrameSocket {
    /// Lets the host know a peer: it asks for the host and is answered.
    pub(crate) fn introduce(&mut self, peer: Station) -> Result<(), String> {
        self.ignore([question(peer).frame(), unicast_request(peer).frame()]);
        let request = Arp { source: peer.0, sender: peer, ..REQUEST };
        let reply = Arp { destination: peer.0, target: peer, ..REPLY };
        self.expect_reply(&request.frame(), &reply.frame())
    }

    /// Sends frames of a peer whom the host knows, and returns all that it says to them.
    pub(crate) fn exchange(&mut self, from: Station, frames: &[Vec<u8>]) -> Result<Vec<Vec<u8>>, String> {
        self.introduce(from)?;
        let Some((last, before)) = frames.split_last() else { return Ok(Vec::new()) };
        for frame in before {
            self.send(frame)?;
        }
        self.ask(last)
    }

    /// Wants the host to say nothing to these frames of a peer.
    pub(crate) fn expect_no_answer(&mut self, from: Station, frames: &[Vec<u8>]) -> CaseResult {
        match self.exchange(from, frames)?.first() {
            None => Ok(()),
            Some(answer) => {
                let frame = frames.last().map(|frame| hex(frame)).unwrap_or_default();
                Err(format!("{frame} was answered with {}", hex(answer)))
            }
        }
    }

    /// Wants these frames of a peer to be answered by an echo reply with this data.
    pub(crate) fn expect_echo(
        &mut self,
        from: Station,
        frames: &[Vec<u8>],
        data: &[u8],
    ) -> Result<ReceivedDatagram, String> {
        let received = self.exchange(from, frames)?;
        let datagram =
            whole(&received, from).map_err(|error| format!("{error}; asked by {}", describe(frames)))?;
        if datagram.data == echo_reply(data) {
            return Ok(datagram);
        }
        Err(format!("{} was answered with {}", describe(frames), hex(&datagram.data)))
    }

    /// Wants a plain echo request of a peer to be answered: so the host is well.
    pub(crate) fn expect_alive(&mut self, from: Station) -> CaseResult {
        let data = data(56);
        self.expect_echo(from, &[Ip::from(from).frame(&echo_request(&data))], &data).map(drop)
    }

    /// Wants an ICMP error of this type and code about a datagram, with its header and the start of its
    /// data.
    pub(crate) fn expect_error(&mut self, from: Station, ip: &Ip, data: &[u8], kind: [u8; 2]) -> CaseResult {
        let received = self.exchange(from, &[[ip.frame(data), vec![0xee; 6]].concat()])?;
        let datagram = whole(&received, from)?.data;
        let about = ip.datagram(data);
        let quoted = datagram.get(8..).unwrap_or_default();
        if !datagram.starts_with(&kind) || super::datagrams::checksum(&datagram) != 0 {
            return Err(format!("{} was answered with {}", hex(&about), hex(&datagram)));
        }
        if quoted.len() < 28.min(about.len()) || !about.starts_with(quoted) {
            return Err(format!("{} was quoted as {}", hex(&about), hex(quoted)));
        }
        Ok(())
    }

    /// Lets a stranger send a frame; once the host asks for him it is told, and then is to send him a
    /// datagram.
    pub(crate) fn expect_resolution(
        &mut self,
        new_station: Station,
        frame: &[u8],
    ) -> Result<Vec<u8>, String> {
        self.send(frame)?;
        let asked = self.next(TIMEOUT)?.ok_or("the host does not ask who the stranger is")?;
        if asked != question(new_station).frame() {
            return Err(format!("{} is no request for {}", hex(&asked), new_station.1));
        }
        let reply = Arp {
            destination: TESTED_MAC,
            source: new_station.0,
            sender: new_station,
            target: (TESTED_MAC, TESTED_IP),
            ..REPLY
        };
        self.send(&reply.frame())?;
        self.next(TIMEOUT)?.ok_or_else(|| "what waited for the stranger is lost".to_owned())
    }
}

/// The host's request for a peer, by broadcast.
fn question(peer: Station) -> Arp {
    let sender = (TESTED_MAC, TESTED_IP);
    Arp { source: TESTED_MAC, sender, target: ([0; 6], peer.1), ..REQUEST }
}

/// The same to the peer alone.
fn unicast_request(peer: Station) -> Arp {
    Arp { destination: peer.0, ..question(peer) }
}

fn describe(frames: &[Vec<u8>]) -> String {
    match frames {
        [only] => hex(only),
        more => format!("{} frames", more.len()),
    }
}

/// A datagram from a peer of the suite with another source.
pub(crate) fn forged(number: u8, source: Ipv4Addr) -> Ip {
    Ip { from: source, ..Ip::from(peer(number)) }
}
