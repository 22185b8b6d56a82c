//! Datagrams to the host, and what it says to them.

use std::net::Ipv4Addr;
use std::time::Duration;

use super::case::CaseResult;
use super::datagrams::{Ip, Said, data, echo_reply, echo_request, peer, whole};
use super::frames::{Arp, OUR_MAC, OURS, REPLY, REQUEST, hex};
use super::session::Station;
use super::wire::Wire;

/// How long a host may take for what waits for an answer by ARP.
const PATIENCE: Duration = Duration::from_secs(5);

impl Wire {
    /// Lets the host know a peer: it asks for the host and is answered.
    pub(crate) fn acquaint(&mut self, peer: Station) -> Result<(), String> {
        self.overlook([question(peer).frame(), directly(peer).frame()]);
        let request = Arp { source: peer.0, sender: peer, ..REQUEST };
        let reply = Arp { destination: peer.0, target: peer, ..REPLY };
        self.answered(&request.frame(), &reply.frame())
    }

    /// Sends frames of a peer whom the host knows, and returns all that it says to them.
    pub(crate) fn exchange(&mut self, from: Station, frames: &[Vec<u8>]) -> Result<Vec<Vec<u8>>, String> {
        self.acquaint(from)?;
        let Some((last, before)) = frames.split_last() else { return Ok(Vec::new()) };
        for frame in before {
            self.send(frame)?;
        }
        self.ask(last)
    }

    /// Wants the host to say nothing to these frames of a peer.
    pub(crate) fn mute(&mut self, from: Station, frames: &[Vec<u8>]) -> CaseResult {
        match self.exchange(from, frames)?.first() {
            None => Ok(()),
            Some(answer) => {
                let frame = frames.last().map(|frame| hex(frame)).unwrap_or_default();
                Err(format!("{frame} was answered with {}", hex(answer)))
            }
        }
    }

    /// Wants these frames of a peer to be answered by an echo reply with this data.
    pub(crate) fn echoed(&mut self, from: Station, frames: &[Vec<u8>], data: &[u8]) -> Result<Said, String> {
        let heard = self.exchange(from, frames)?;
        let said = whole(&heard, from).map_err(|error| format!("{error}; asked by {}", shown(frames)))?;
        if said.data == echo_reply(data) {
            return Ok(said);
        }
        Err(format!("{} was answered with {}", shown(frames), hex(&said.data)))
    }

    /// Wants a plain echo request of a peer to be answered: so the host is well.
    pub(crate) fn is_well(&mut self, from: Station) -> CaseResult {
        let data = data(56);
        self.echoed(from, &[Ip::from(from).frame(&echo_request(&data))], &data).map(drop)
    }

    /// Wants an ICMP error of this type and code about a datagram, with its header and the start of its
    /// data.
    pub(crate) fn refused(&mut self, from: Station, ip: &Ip, data: &[u8], kind: [u8; 2]) -> CaseResult {
        let heard = self.exchange(from, &[[ip.frame(data), vec![0xee; 6]].concat()])?;
        let said = whole(&heard, from)?.data;
        let about = ip.datagram(data);
        let quoted = said.get(8..).unwrap_or_default();
        if !said.starts_with(&kind) || super::datagrams::checksum(&said) != 0 {
            return Err(format!("{} was answered with {}", hex(&about), hex(&said)));
        }
        if quoted.len() < 28.min(about.len()) || !about.starts_with(quoted) {
            return Err(format!("{} was quoted as {}", hex(&about), hex(quoted)));
        }
        Ok(())
    }

    /// Lets a stranger send a frame; once the host asks for him it is told, and then is to send him a
    /// datagram.
    pub(crate) fn resolved(&mut self, stranger: Station, frame: &[u8]) -> Result<Vec<u8>, String> {
        self.send(frame)?;
        let asked = self.next(PATIENCE)?.ok_or("the host does not ask who the stranger is")?;
        if asked != question(stranger).frame() {
            return Err(format!("{} is no request for {}", hex(&asked), stranger.1));
        }
        let reply = Arp {
            destination: OUR_MAC,
            source: stranger.0,
            sender: stranger,
            target: (OUR_MAC, OURS),
            ..REPLY
        };
        self.send(&reply.frame())?;
        self.next(PATIENCE)?.ok_or_else(|| "what waited for the stranger is lost".to_owned())
    }
}

/// The host's request for a peer, by broadcast.
fn question(peer: Station) -> Arp {
    let sender = (OUR_MAC, OURS);
    Arp { source: OUR_MAC, sender, target: ([0; 6], peer.1), ..REQUEST }
}

/// The same to the peer alone.
fn directly(peer: Station) -> Arp {
    Arp { destination: peer.0, ..question(peer) }
}

fn shown(frames: &[Vec<u8>]) -> String {
    match frames {
        [only] => hex(only),
        more => format!("{} frames", more.len()),
    }
}

/// A datagram from a peer of the suite with another source.
pub(crate) fn forged(number: u8, source: Ipv4Addr) -> Ip {
    Ip { from: source, ..Ip::from(peer(number)) }
}
