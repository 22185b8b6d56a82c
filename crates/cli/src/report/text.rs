//! Events of a host as text.

use std::net::Ipv4Addr;

use anstyle::Style;
use arp::{Change, ClaimEvent};
use host::{EchoReply, HostEvent};

use crate::color::{EMPHASIS, ERROR, WARNING};

/// Returns the text of an event.
pub(super) fn event_text(event: HostEvent) -> String {
    match event {
        HostEvent::Arp(arp::Event::Claim(event)) => claim_text(event),
        HostEvent::Arp(arp::Event::Neighbor(event)) => neighbor_text(event),
        HostEvent::EchoReply(EchoReply { from, sequence, time_to_live, length, .. }) => {
            format!("echoed {length} octets from {from}: icmp_seq={sequence} ttl={time_to_live}")
        }
        HostEvent::DeliveryFailed(event) => format!("undelivered {event}"),
    }
}

/// Returns the style of the first word of an event's text.
pub(super) fn event_style(event: HostEvent) -> Style {
    match event {
        HostEvent::Arp(arp::Event::Claim(
            ClaimEvent::ProbeConflict { .. } | ClaimEvent::Conflict { .. } | ClaimEvent::Ceased { .. },
        )) => ERROR,
        HostEvent::DeliveryFailed(_)
        | HostEvent::Arp(arp::Event::Neighbor(
            Change::Forgotten { .. } | Change::Moved { .. } | Change::Held { .. } | Change::Refused { .. },
        )) => WARNING,
        _ => EMPHASIS,
    }
}

fn neighbor_text(event: Change<Ipv4Addr>) -> String {
    match event {
        Change::Learned { protocol, hardware } => format!("learned {protocol} is at {hardware}"),
        Change::Asking { protocol } => format!("asking who has {protocol}"),
        Change::Forgotten { protocol } => format!("forgotten {protocol}: nobody answered for it"),
        Change::Moved { protocol, from, to } => format!("moved {protocol} from {from} to {to}"),
        Change::Held { protocol, hardware } => {
            format!("held {protocol} is static and {hardware} claims it")
        }
        Change::Changed { protocol, from, to } => format!("changed {protocol} from {from} to {to}"),
        Change::Expired { protocol } => format!("expired {protocol}"),
        Change::Evicted { protocol } => format!("evicted {protocol} to make room"),
        Change::Refused { protocol } => format!("refused {protocol}: no capacity left in the ARP cache"),
    }
}

fn claim_text(event: ClaimEvent) -> String {
    match event {
        ClaimEvent::Probing { protocol } => format!("probing {protocol}: does anybody have it?"),
        ClaimEvent::Bound { protocol, hardware } => format!("using {protocol} at {hardware}"),
        ClaimEvent::ProbeConflict { protocol, hardware } => {
            format!("taken {protocol}: {hardware} has it or wants it too")
        }
        ClaimEvent::Conflict { protocol, hardware } => {
            format!("conflict {protocol} is used by {hardware} too")
        }
        ClaimEvent::Defended { protocol, hardware } => format!("defended {protocol} against {hardware}"),
        ClaimEvent::Ceased { protocol, hardware } => format!("ceased {protocol} is left to {hardware}"),
    }
}
