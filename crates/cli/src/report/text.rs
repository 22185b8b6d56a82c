//! Events of a host as text.

use std::net::Ipv4Addr;

use anstyle::Style;
use arp::{ClaimEvent, NeighborEvent};
use host::HostEvent;

use crate::color::{EMPHASIS, ERROR, WARNING};

/// Returns the text of an event.
pub(super) fn event_text(event: HostEvent) -> String {
    match event {
        HostEvent::Arp(_, arp::ArpEvent::Claim(event)) => claim_text(event),
        HostEvent::Arp(_, arp::ArpEvent::Neighbor(event)) => neighbor_text(event),
    }
}

/// Returns the style of the first word of an event's text.
pub(super) fn event_style(event: HostEvent) -> Style {
    match event {
        HostEvent::Arp(
            _,
            arp::ArpEvent::Claim(
                ClaimEvent::ProbeConflict { .. } | ClaimEvent::Conflict { .. } | ClaimEvent::Ceased { .. },
            ),
        ) => ERROR,
        HostEvent::Arp(
            _,
            arp::ArpEvent::Neighbor(
                NeighborEvent::Forgotten { .. }
                | NeighborEvent::Moved { .. }
                | NeighborEvent::StaticConflict { .. }
                | NeighborEvent::Refused { .. },
            ),
        ) => WARNING,
        HostEvent::Arp(..) => EMPHASIS,
    }
}

fn neighbor_text(event: NeighborEvent<Ipv4Addr>) -> String {
    match event {
        NeighborEvent::Learned { ip, mac } => format!("learned {ip} is at {mac}"),
        NeighborEvent::Resolving { ip } => format!("resolving {ip}"),
        NeighborEvent::Forgotten { ip } => format!("resolution_failed {ip}: no ARP reply"),
        NeighborEvent::Moved { ip, from, to } => format!("moved {ip} from {from} to {to}"),
        NeighborEvent::StaticConflict { ip, mac } => {
            format!("static_conflict {ip}: {mac} claims the address of a static entry")
        }
        NeighborEvent::Changed { ip, from, to } => format!("state_changed {ip} from {from} to {to}"),
        NeighborEvent::Expired { ip } => format!("expired {ip}"),
        NeighborEvent::Evicted { ip } => format!("evicted {ip}: ARP cache full"),
        NeighborEvent::Refused { ip } => format!("table_full {ip}: ARP cache full"),
    }
}

fn claim_text(event: ClaimEvent) -> String {
    match event {
        ClaimEvent::Probing { ip } => format!("probing {ip}"),
        ClaimEvent::Bound { ip, mac } => format!("bound {ip} at {mac}"),
        ClaimEvent::ProbeConflict { ip, mac } => {
            format!("probe_conflict {ip}: {mac} uses it or probes for it")
        }
        ClaimEvent::Conflict { ip, mac } => {
            format!("conflict {ip}: also used by {mac}")
        }
        ClaimEvent::Defended { ip, mac } => format!("defended {ip} against {mac}"),
        ClaimEvent::Ceased { ip, mac } => format!("ceased {ip}: used by {mac}"),
    }
}
