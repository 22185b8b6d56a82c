//! Proxy ARP (RFC 1027).

use std::fmt;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use link::MacAddr;

use crate::address::{LINK_LOCAL, LocalBindings};
use crate::packet::Packet;

/// Ranges of other hosts' addresses that this host replies for, each with a local MAC address.
#[derive(Debug, Default)]
pub(crate) struct Proxies {
    ranges: Vec<(Ipv4Net, MacAddr)>,
}

/// Errors of a proxy range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyError {
    /// It lies within the segment's own network.
    OwnSegment,
    /// It lies within 169.254.0.0/16, which is on every segment.
    LinkLocal,
    /// The hardware address is not ours.
    InvalidMac,
}

impl Proxies {
    /// Adds a range: see [`crate::Arp::add_proxy`].
    pub(crate) fn add(
        &mut self,
        range: Ipv4Net,
        mac: MacAddr,
        network: Option<Ipv4Net>,
        locals: &LocalBindings,
    ) -> Result<(), ProxyError> {
        // spec: rfc1027-segment
        if network.is_some_and(|network| network.contains(&range)) {
            return Err(ProxyError::OwnSegment);
        }
        // spec: rfc3927-proxy
        if LINK_LOCAL.contains(&range) {
            return Err(ProxyError::LinkLocal);
        }
        if !locals.has_mac(mac) {
            return Err(ProxyError::InvalidMac);
        }
        self.ranges.push((range.trunc(), mac));
        Ok(())
    }

    /// Returns the MAC address to reply with, if this host is a proxy for the target of a packet.
    pub(crate) fn mac_for(
        &self,
        packet: Packet<'_>,
        network: Option<Ipv4Net>,
        locals: &LocalBindings,
    ) -> Option<MacAddr> {
        let (sender, target) = (packet.sender_protocol(), packet.target_protocol());
        let (range, mac) = self.ranges.iter().find(|(range, _)| range.contains(&target))?;
        // spec: rfc1027-segment
        // spec: rfc3927-proxy
        let is_here = |address| network.is_some_and(|network| network.contains(address));
        let near = is_here(&target) || LINK_LOCAL.contains(&target);
        // Who probes for an address, or announces it, is there: to answer would take it away.
        // spec: rfc1027-probe
        let claimed = sender.is_unspecified() || sender == target;
        // A host of the range that asks here, and is not of this segment's network: the range is on this side of
        // the proxy, and the target with it.
        // spec: rfc1027-same-range
        let mut ranges = self.ranges.iter();
        let together =
            !is_here(&sender) && ranges.any(|(range, _)| range.contains(&sender) && range.contains(&target));
        // spec: rfc1027-ranges
        let answered = !near && !together && !claimed && !is_broadcast(*range, target) && !locals.is_empty();
        answered.then_some(*mac)
    }
}

/// Whether an address of a range names no one host: a broadcast in its newer or its older form, a group, or an address
/// that no host can have.
fn is_broadcast(range: Ipv4Net, target: Ipv4Addr) -> bool {
    // spec: rfc1027-broadcast
    let ends = target == range.broadcast() || target == range.network();
    (ends && range.prefix_len() < 31) || !inet::is_valid_host(target)
}

impl fmt::Display for ProxyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OwnSegment => "its hosts are on our own segment and answer for themselves; name a range beyond the network of our address",
            Self::LinkLocal => "link-local addresses belong to hosts on our own segment; name a range outside 169.254.0.0/16",
            Self::InvalidMac => "the hardware address is not one of ours",
        })
    }
}

impl std::error::Error for ProxyError {}
