//! What happened that somebody may want to know.

use std::fmt;
use std::net::Ipv4Addr;

use icmp::{Problem, Quoted};
use ipv4::Protocol;

/// What happened, beyond the verdict on a single frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// To a neighbour, or to an address of ours.
    Arp(arp::Event),
    /// An echo request of ours was answered.
    Echo(EchoReply),
    /// A datagram of ours did not arrive.
    Undelivered(Undelivered),
}

/// The answer to an echo request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EchoReply {
    /// Who answered.
    pub from: Ipv4Addr,
    /// Which address of ours it was answered to.
    pub to: Ipv4Addr,
    /// Whose the request was.
    pub identifier: u16,
    /// Which of his.
    pub sequence: u16,
    /// Octets of the ICMP message, header and data.
    pub octets: usize,
    /// How many more hops the answer might have taken.
    pub time_to_live: u8,
}

/// A datagram of ours that did not arrive, as somebody said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Undelivered {
    /// Who said so: somebody on the way, or we ourselves.
    pub from: Ipv4Addr,
    /// Why.
    pub problem: Problem,
    /// Who sent the datagram: one of us.
    pub source: Ipv4Addr,
    /// Whom it was for.
    pub destination: Ipv4Addr,
    /// The protocol of its data.
    pub protocol: Protocol,
    /// Identifier and sequence number, if it was an echo request.
    pub echo: Option<(u16, u16)>,
}

impl Undelivered {
    pub(crate) fn new(from: Ipv4Addr, problem: Problem, about: &Quoted<'_>) -> Undelivered {
        Undelivered {
            from,
            problem,
            source: about.source(),
            destination: about.destination(),
            protocol: about.protocol(),
            echo: about.echo(),
        }
    }
}

impl fmt::Display for Undelivered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Undelivered { from, problem, source, destination, protocol, .. } = self;
        write!(f, "{protocol} from {source} to {destination}: {problem}, says {from}")
    }
}
