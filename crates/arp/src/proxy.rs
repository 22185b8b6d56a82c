//! Answering for others: proxy ARP (RFC 1027).

use std::fmt;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use link::MacAddr;

use crate::{Arp, LINK_LOCAL, Packet};

/// The ranges that we answer for although nobody there is ours, each under a hardware address of ours.
#[derive(Debug, Default)]
pub(crate) struct Proxies {
    ranges: Vec<(Ipv4Net, MacAddr)>,
}

/// Why nobody can be a proxy for a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyError {
    /// It lies within the segment's own network.
    OwnSegment,
    /// It lies within 169.254.0.0/16, which is on every segment.
    LinkLocal,
    /// The hardware address is not ours.
    InvalidMac,
}

impl<P> Arp<P> {
    /// Answers requests for the hosts of `range` with `mac`, so that what is for them comes to us.
    ///
    /// Never answered are a request for an address on the segment itself, one of a host of the range itself, one for a
    /// broadcast address, a probe, an announcement, and anything while no address of ours is in use.
    pub fn add_proxy(&mut self, range: Ipv4Net, mac: MacAddr) -> Result<(), ProxyError> {
        // spec: rfc1027-segment
        if self.config.network.is_some_and(|network| network.contains(&range)) {
            return Err(ProxyError::OwnSegment);
        }
        // spec: rfc3927-proxy
        if LINK_LOCAL.contains(&range) {
            return Err(ProxyError::LinkLocal);
        }
        if !self.locals.has_mac(mac) {
            return Err(ProxyError::InvalidMac);
        }
        self.proxies.ranges.push((range.trunc(), mac));
        Ok(())
    }

    /// As whom we answer for the target of a packet, if it is one that we are a proxy for.
    pub(crate) fn proxy_mac(&self, packet: Packet<'_>) -> Option<MacAddr> {
        let (sender, target) = (packet.sender_protocol(), packet.target_protocol());
        let (range, mac) = self.proxies.ranges.iter().find(|(range, _)| range.contains(&target))?;
        // spec: rfc1027-segment
        // spec: rfc3927-proxy
        let is_here = |address| self.config.network.is_some_and(|network| network.contains(address));
        let near = is_here(&target) || LINK_LOCAL.contains(&target);
        // Who probes for an address, or announces it, is there: to answer would take it away.
        // spec: rfc1027-probe
        let claimed = sender.is_unspecified() || sender == target;
        // A host of the range that asks here, and is not of this segment's network: the range is on this side of
        // the proxy, and the target with it.
        // spec: rfc1027-same-range
        let mut ranges = self.proxies.ranges.iter();
        let together =
            !is_here(&sender) && ranges.any(|(range, _)| range.contains(&sender) && range.contains(&target));
        // spec: rfc1027-ranges
        let answered =
            !near && !together && !claimed && !is_broadcast(*range, target) && !self.locals.is_empty();
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
            Self::OwnSegment => "its hosts are on our own segment and reply for themselves; name a range beyond the network of our address",
            Self::LinkLocal => "link-local addresses belong to hosts on our own segment; name a range outside 169.254.0.0/16",
            Self::InvalidMac => "the hardware address is not one of ours",
        })
    }
}

impl std::error::Error for ProxyError {}

#[cfg(test)]
mod tests;
