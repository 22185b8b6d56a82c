//! Events in words.

use std::net::Ipv4Addr;

use anstyle::Style;
use arp::{Change, ClaimEvent};
use host::{EchoReply, HostEvent};

use crate::color::{BAD, WARNING, WORD};

/// What happened, in words.
pub(super) fn sentence(event: HostEvent) -> String {
    match event {
        HostEvent::Arp(arp::Event::Claim(event)) => of_claim(event),
        HostEvent::Arp(arp::Event::Neighbor(event)) => of_neighbor(event),
        HostEvent::EchoReply(EchoReply { from, sequence, time_to_live, length, .. }) => {
            format!("echoed {length} octets from {from}: icmp_seq={sequence} ttl={time_to_live}")
        }
        HostEvent::DeliveryFailed(event) => format!("undelivered {event}"),
    }
}

/// How the first word of its sentence looks: what somebody must see to, what is worth a look, the rest.
pub(super) fn style(event: HostEvent) -> Style {
    match event {
        HostEvent::Arp(arp::Event::Claim(
            ClaimEvent::ProbeConflict { .. } | ClaimEvent::Conflict { .. } | ClaimEvent::Ceased { .. },
        )) => BAD,
        HostEvent::DeliveryFailed(_)
        | HostEvent::Arp(arp::Event::Neighbor(
            Change::Forgotten { .. } | Change::Moved { .. } | Change::Held { .. } | Change::Refused { .. },
        )) => WARNING,
        _ => WORD,
    }
}

fn of_neighbor(event: Change<Ipv4Addr>) -> String {
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

fn of_claim(event: ClaimEvent) -> String {
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
