//! Events of a host as text.

use std::net::Ipv4Addr;

use anstyle::Style;
use arp::{ClaimEvent, NeighborEvent};
use host::{EchoReply, HostEvent};

use crate::color::{EMPHASIS, ERROR, WARNING};

/// Returns the text of an event.
pub(super) fn event_text(event: HostEvent) -> String {
    match event {
        HostEvent::Arp(arp::ArpEvent::Claim(event)) => claim_text(event),
        HostEvent::Arp(arp::ArpEvent::Neighbor(event)) => neighbor_text(event),
        HostEvent::EchoReply(EchoReply { from, sequence, time_to_live, length, .. }) => {
            format!("echoed {length} octets from {from}: icmp_seq={sequence} ttl={time_to_live}")
        }
        HostEvent::DeliveryFailed(event) => format!("undelivered {event}"),
    }
}

/// Returns the style of the first word of an event's text.
pub(super) fn event_style(event: HostEvent) -> Style {
    match event {
        HostEvent::Arp(arp::ArpEvent::Claim(
            ClaimEvent::ProbeConflict { .. } | ClaimEvent::Conflict { .. } | ClaimEvent::Ceased { .. },
        )) => ERROR,
        HostEvent::DeliveryFailed(_)
        | HostEvent::Arp(arp::ArpEvent::Neighbor(
            NeighborEvent::Forgotten { .. }
            | NeighborEvent::Moved { .. }
            | NeighborEvent::StaticConflict { .. }
            | NeighborEvent::Refused { .. },
        )) => WARNING,
        _ => EMPHASIS,
    }
}

fn neighbor_text(event: NeighborEvent<Ipv4Addr>) -> String {
    match event {
        NeighborEvent::Learned { ip, mac } => format!("learned {ip} is at {mac}"),
        NeighborEvent::Resolving { ip } => format!("asking who has {ip}"),
        NeighborEvent::Forgotten { ip } => format!("forgotten {ip}: nobody answered for it"),
        NeighborEvent::Moved { ip, from, to } => format!("moved {ip} from {from} to {to}"),
        NeighborEvent::StaticConflict { ip, mac } => {
            format!("held {ip} is static and {mac} claims it")
        }
        NeighborEvent::Changed { ip, from, to } => format!("changed {ip} from {from} to {to}"),
        NeighborEvent::Expired { ip } => format!("expired {ip}"),
        NeighborEvent::Evicted { ip } => format!("evicted {ip} to make room"),
        NeighborEvent::Refused { ip } => format!("refused {ip}: no capacity left in the ARP cache"),
    }
}

fn claim_text(event: ClaimEvent) -> String {
    match event {
        ClaimEvent::Probing { ip } => format!("probing {ip}: does anybody have it?"),
        ClaimEvent::Bound { ip, mac } => format!("using {ip} at {mac}"),
        ClaimEvent::ProbeConflict { ip, mac } => {
            format!("taken {ip}: {mac} has it or wants it too")
        }
        ClaimEvent::Conflict { ip, mac } => {
            format!("conflict {ip} is used by {mac} too")
        }
        ClaimEvent::Defended { ip, mac } => format!("defended {ip} against {mac}"),
        ClaimEvent::Ceased { ip, mac } => format!("ceased {ip} is left to {mac}"),
    }
}
