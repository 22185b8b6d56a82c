//! Primitives of a filter.

use std::net::IpAddr;

use inet::IpProtocol;
use ipnet::IpNet;
use link::{EtherType, MacAddr};

use super::facts::FrameFacts;

/// Which of two addresses or ports must match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Source,
    Destination,
    Either,
    Both,
}

/// A test of a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Primitive {
    EtherType(EtherType),
    /// IP protocol, in IPv4, in IPv6 or in both.
    Protocol(Option<EtherType>, IpProtocol),
    /// IP address in this network, in frames of this EtherType or of all.
    Net(Option<EtherType>, Direction, IpNet),
    Mac(Direction, MacAddr),
    /// Port in this range, of this protocol or of all with ports.
    Ports(Option<IpProtocol>, Direction, [u16; 2]),
    Broadcast,
    Multicast,
    /// Any VLAN tag, or a tag of this VLAN.
    Vlan(Option<u16>),
    AtMost(usize),
    AtLeast(usize),
}

impl Direction {
    fn matches<T>(self, pair: &[T; 2], test: impl Fn(&T) -> bool) -> bool {
        let [source, destination] = pair;
        match self {
            Self::Source => test(source),
            Self::Destination => test(destination),
            Self::Either => test(source) || test(destination),
            Self::Both => test(source) && test(destination),
        }
    }
}

impl Primitive {
    pub(super) fn matches(&self, facts: &FrameFacts) -> bool {
        let has_type = |expected: &Option<EtherType>| expected.is_none() || *expected == facts.ether_type;
        match self {
            Self::EtherType(ether_type) => facts.ether_type == Some(*ether_type),
            Self::Protocol(ether_type, protocol) => has_type(ether_type) && facts.protocol == Some(*protocol),
            Self::Net(ether_type, direction, network) => {
                let is_in = |address: &IpAddr| network.contains(address);
                has_type(ether_type)
                    && facts.addresses.is_some_and(|addresses| direction.matches(&addresses, is_in))
            }
            Self::Mac(direction, mac) => direction.matches(&facts.macs, |found| *found == Some(*mac)),
            Self::Ports(protocol, direction, [first, last]) => {
                let is_in = |port: &u16| (*first..=*last).contains(port);
                (protocol.is_none() || *protocol == facts.protocol)
                    && facts.ports.is_some_and(|ports| direction.matches(&ports, is_in))
            }
            Self::Broadcast => facts.is_broadcast,
            Self::Multicast => facts.is_multicast,
            Self::Vlan(None) => facts.vlans.iter().any(Option::is_some),
            Self::Vlan(vlan) => facts.vlans.contains(vlan),
            Self::AtMost(length) => facts.length <= *length,
            Self::AtLeast(length) => facts.length >= *length,
        }
    }
}
