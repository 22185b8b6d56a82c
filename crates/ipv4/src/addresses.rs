//! The check of source addresses, and the MAC addresses of multicast groups.

use std::net::Ipv4Addr;

use address::{AddressState, AddressTable};
use inet::is_valid_host;
use link::MacAddr;

use crate::Ipv4DropReason;

/// Checks that `source` is valid as the source of a datagram that was received for `destination`. Fails with the reason
/// to drop the datagram.
#[inline]
pub(crate) fn check_source(
    table: &AddressTable,
    source: Ipv4Addr,
    destination: Ipv4Addr,
) -> Result<(), Ipv4DropReason> {
    // spec: rfc1122-source
    if source.is_multicast() {
        Err(Ipv4DropReason::SourceGroup)
    } else if source.is_loopback() {
        Err(Ipv4DropReason::SourceLoopback)
    } else if table.contains(source) {
        // A neighbor may use the address of a local host. For the other local hosts, it is a neighbor like any other.
        // spec: source-local, conflict-of-one-address
        let is_neighbor = matches!(table.state(source), Some(AddressState::Conflict { .. }));
        if is_neighbor && source != destination { Ok(()) } else { Err(Ipv4DropReason::SourceLocal) }
    } else if table.is_broadcast(source) {
        Err(Ipv4DropReason::SourceBroadcast)
    // spec: rfc1122-source
    } else if !is_valid_host(source) {
        Err(Ipv4DropReason::SourceReserved)
    } else {
        Ok(())
    }
}

/// Returns the MAC address of a multicast group: 01:00:5e and the lower 23 bits of the group (RFC 1112 6.4). Returns
/// `None` for an address that is not multicast.
pub fn multicast_mac(group: Ipv4Addr) -> Option<MacAddr> {
    let [_, b, c, d] = group.octets();
    group.is_multicast().then(|| MacAddr::new([1, 0, 0x5e, b & 0x7f, c, d]))
}

#[cfg(test)]
mod tests;
