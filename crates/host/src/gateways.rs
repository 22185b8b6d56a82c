//! Gateways that have failed (RFC 1122 3.3.1.4).

use std::net::Ipv4Addr;

use arp::NeighborState;

use crate::interface::Context;

/// Handles the failure of a neighbor. Returns whether the neighbor is a gateway that other gateways replace, for at least
/// one of its networks.
// RFC 1122 3.3.1.4: "Failure to ARP or to re-validate ARP mappings may be used as negative advice for the corresponding IP
// address."
// spec: rfc1122-default-gateways
pub(crate) fn fail(cx: &mut Context<'_>, neighbor: Ipv4Addr) -> bool {
    cx.shared.routes.fail(cx.now, neighbor, cx.interface.id)
}

/// Returns whether the last resolution of a neighbor failed.
pub(crate) fn has_failed(cx: &Context<'_>, neighbor: Ipv4Addr) -> bool {
    let entry = cx.interface.arp.neighbors().get(neighbor);
    entry.is_some_and(|entry| entry.state == NeighborState::Failed)
}

/// Uses the gateways of an interface that have failed and are reachable again, and sends ARP requests to the others from
/// time to time.
// spec: rfc1122-default-gateways
pub(crate) fn check(cx: &mut Context<'_>) {
    let id = cx.interface.id;
    let neighbors = cx.interface.arp.neighbors_mut();
    let is_known = |gateway: &Ipv4Addr| {
        neighbors
            .get(*gateway)
            .is_some_and(|entry| !matches!(entry.state, NeighborState::Incomplete | NeighborState::Failed))
    };
    let known = cx.shared.routes.failed(id).find(is_known);
    if let Some(gateway) = known {
        cx.shared.routes.restore(gateway, id);
    }
    // RFC 1122 3.3.1.5: "Another is to rank the gateways in priority order, and when the current default gateway is not the
    // highest priority one, to "ping" the higher-priority gateways slowly to detect when they return to service."
    if let Some(gateway) = cx.shared.routes.retry(cx.now, id) {
        neighbors.request(cx.now, gateway);
    }
}
