//! Proxy ARP (RFC 1027).

use std::fmt;
use std::net::Ipv4Addr;

use address::AddressTable;
use ipnet::Ipv4Net;
use link::MacAddr;

use crate::detection::LINK_LOCAL;
use crate::packet::Packet;

/// Proxy ranges: addresses of other hosts, each range with the local MAC address for the reply.
#[derive(Debug, Default)]
pub(crate) struct Proxies {
    ranges: Vec<(Ipv4Net, MacAddr)>,
}

/// Error of a proxy range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyError {
    /// The range is within the segment's own network.
    OwnSegment,
    /// The range is within 169.254.0.0/16, which is on-link on every segment.
    LinkLocal,
    /// The MAC address is not local.
    InvalidMac,
}

impl Proxies {
    /// Adds a range: see [`crate::Arp::add_proxy`].
    pub(crate) fn add(
        &mut self,
        range: Ipv4Net,
        mac: MacAddr,
        network: Option<Ipv4Net>,
        table: &AddressTable,
    ) -> Result<(), ProxyError> {
        // spec: rfc1027-segment
        if network.is_some_and(|network| network.contains(&range)) {
            return Err(ProxyError::OwnSegment);
        }
        // spec: rfc3927-proxy
        if LINK_LOCAL.contains(&range) {
            return Err(ProxyError::LinkLocal);
        }
        if !table.has_mac(mac) {
            return Err(ProxyError::InvalidMac);
        }
        self.ranges.push((range.trunc(), mac));
        Ok(())
    }

    /// Removes the ranges with this MAC address.
    pub(crate) fn remove(&mut self, mac: MacAddr) {
        self.ranges.retain(|(_, of_range)| *of_range != mac);
    }

    /// Returns the MAC address for the reply, if this host is a proxy for the target of a packet.
    pub(crate) fn mac_for(
        &self,
        packet: Packet<'_>,
        network: Option<Ipv4Net>,
        table: &AddressTable,
    ) -> Option<MacAddr> {
        let (sender, target) = (packet.sender_protocol(), packet.target_protocol());
        let (range, mac) = self.ranges.iter().find(|(range, _)| range.contains(&target))?;
        // spec: rfc1027-segment
        // spec: rfc3927-proxy
        let is_local_network = |address| network.is_some_and(|network| network.contains(address));
        let is_on_link = is_local_network(&target) || LINK_LOCAL.contains(&target);
        // The sender of a probe or an announcement claims the address, so a reply would cause a conflict.
        // spec: rfc1027-probe
        let is_claim = sender.is_unspecified() || sender == target;
        // A sender outside this network but inside a range shows that the range is on this segment, so the target is on
        // this segment too.
        // spec: rfc1027-same-range
        let mut ranges = self.ranges.iter();
        let is_same_range = !is_local_network(&sender)
            && ranges.any(|(range, _)| range.contains(&sender) && range.contains(&target));
        // spec: rfc1027-ranges
        let is_proxied = !is_on_link
            && !is_same_range
            && !is_claim
            && !is_broadcast(*range, target)
            && table.has_address_in_use();
        is_proxied.then_some(*mac)
    }
}

/// Returns whether an address of a range cannot be a host. Such an address is the range's broadcast address, in the
/// current or the old form, or an invalid host address.
fn is_broadcast(range: Ipv4Net, target: Ipv4Addr) -> bool {
    // spec: rfc1027-broadcast
    let ends = target == range.broadcast() || target == range.network();
    (ends && range.prefix_len() < 31) || !inet::is_valid_host(target)
}

impl fmt::Display for ProxyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OwnSegment => "range is within the local network, where hosts answer for themselves",
            Self::LinkLocal => "range is within 169.254.0.0/16, where hosts answer for themselves",
            Self::InvalidMac => "MAC address is not local",
        })
    }
}

impl std::error::Error for ProxyError {}
