//! What happened that somebody may want to know.

use std::fmt;
use std::net::Ipv4Addr;

use icmp::{IcmpError, QuotedDatagram};
use inet::IpProtocol;

/// What happened, beyond the verdict on a single frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostEvent {
    /// To a neighbor, or to an address of ours.
    Arp(arp::Event),
    /// An echo request of ours was answered.
    EchoReply(EchoReply),
    /// A datagram of ours did not arrive.
    DeliveryFailed(DeliveryFailure),
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
    pub length: usize,
    /// How many more hops the answer might have taken.
    pub time_to_live: u8,
    /// Where its data is first another than expected, if the host was told what to expect
    /// ([`Host::expect_echo_data`](crate::Host::expect_echo_data)). Data that is missing is no mismatch.
    pub mismatch: Option<DataMismatch>,
}

/// A byte of data that changed on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DataMismatch {
    /// Which byte of the data, from 0 on.
    pub offset: usize,
    /// What it was expected to be.
    pub expected: u8,
    /// What was received.
    pub received: u8,
}

impl DataMismatch {
    /// The first mismatch between expected and received data.
    pub(crate) fn between(expected: &[u8], received: &[u8]) -> Option<DataMismatch> {
        let mut pairs = expected.iter().zip(received).enumerate();
        let (offset, (expected, received)) = pairs.find(|(_, (expected, received))| expected != received)?;
        Some(DataMismatch { offset, expected: *expected, received: *received })
    }
}

/// A datagram of ours that did not arrive, as somebody said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeliveryFailure {
    /// Who said so: somebody on the way, or we ourselves.
    pub from: Ipv4Addr,
    /// Why.
    pub problem: IcmpError,
    /// Who sent the datagram: one of us.
    pub source: Ipv4Addr,
    /// Whom it was for.
    pub destination: Ipv4Addr,
    /// The protocol of its data.
    pub protocol: IpProtocol,
    /// Identifier and sequence number, if it was an echo request.
    pub echo: Option<(u16, u16)>,
}

impl DeliveryFailure {
    pub(crate) fn new(from: Ipv4Addr, problem: IcmpError, about: &QuotedDatagram<'_>) -> DeliveryFailure {
        DeliveryFailure {
            from,
            problem,
            source: about.source(),
            destination: about.destination(),
            protocol: about.protocol(),
            echo: about.echo(),
        }
    }
}

impl fmt::Display for DeliveryFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let DeliveryFailure { from, problem, source, destination, protocol, .. } = self;
        write!(f, "{protocol} from {source} to {destination}: {problem}, says {from}")
    }
}
