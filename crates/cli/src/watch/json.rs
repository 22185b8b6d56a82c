//! Events of a watch as JSON, one object a line.

use std::net::Ipv4Addr;

use arptools::census::{Counts, Event, Row, Subject};
use link::VlanId;
use serde::Serialize;
use tap::Instant;

use super::observer::Observer;
use super::text::presences;
use crate::output::json;

/// One line. Times are in nanoseconds since 1970.
#[derive(Debug, Serialize)]
struct EventObject {
    event: &'static str,
    time: u64,
    #[serde(flatten)]
    fields: EventFields,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum EventFields {
    Start {
        source: String,
    },
    Claim(ClaimFields),
    Moved {
        #[serde(flatten)]
        subject: SubjectFields,
        from: String,
        to: String,
    },
    Conflict {
        #[serde(flatten)]
        claim: ClaimFields,
        other: String,
    },
    Probe {
        #[serde(flatten)]
        claim: ClaimFields,
        holder: Option<String>,
    },
    Mismatch {
        #[serde(flatten)]
        claim: ClaimFields,
        source: String,
    },
    Odd {
        source: String,
        vlan: Option<u16>,
        reason: String,
    },
    Returned {
        #[serde(flatten)]
        claim: ClaimFields,
        silence: u128,
    },
    Many {
        #[serde(rename = "hardware_address")]
        mac: String,
        addresses: u32,
    },
    Flood {
        #[serde(rename = "hardware_address")]
        mac: Option<String>,
        packets: u32,
    },
    Evicted(SubjectFields),
    Address(Box<AddressFields>),
    Statistics(Box<StatisticsFields>),
}

/// Fields of an IP address.
#[derive(Debug, Serialize)]
struct SubjectFields {
    #[serde(rename = "protocol_address")]
    ip: Ipv4Addr,
    vlan: Option<u16>,
}

/// Fields of an IP address and of the MAC address that claims it.
#[derive(Debug, Serialize)]
struct ClaimFields {
    #[serde(flatten)]
    subject: SubjectFields,
    #[serde(rename = "hardware_address")]
    mac: String,
}

#[derive(Debug, Serialize)]
struct AddressFields {
    #[serde(flatten)]
    claim: ClaimFields,
    state: &'static str,
    former: Option<String>,
    conflict: Option<String>,
    first: u64,
    last: u64,
    requests: u64,
    replies: u64,
    announcements: u64,
    probes: u64,
    asked: u64,
    changes: u64,
}

#[derive(Debug, Serialize)]
struct StatisticsFields {
    elapsed: u128,
    packets: u64,
    requests: u64,
    replies: u64,
    announcements: u64,
    probes: u64,
    odd: u64,
    turned_away: u64,
    broadcast: u64,
    ignored: u64,
    addresses: usize,
    fresh: usize,
    quiet: usize,
    gone: usize,
    entered: u64,
    changed: u64,
    conflicts: u64,
    evicted: u64,
    displaced: u64,
    hushed: u64,
    events_lost: u64,
    frames_lost: u64,
    link_losses: u64,
}

/// Returns the first line.
pub(super) fn start(now: Instant, source: &str) -> String {
    line(now, "start", EventFields::Start { source: source.to_owned() })
}

/// Returns the line of an event.
pub(super) fn event(now: Instant, event: Event) -> String {
    let (name, fields) = match event {
        Event::New { subject, hardware } => ("new", EventFields::Claim(claim(subject, hardware))),
        Event::Moved { subject, from, to } => {
            let subject = SubjectFields::from(subject);
            ("moved", EventFields::Moved { subject, from: from.to_string(), to: to.to_string() })
        }
        Event::Conflict { subject, hardware, other } => {
            ("conflict", EventFields::Conflict { claim: claim(subject, hardware), other: other.to_string() })
        }
        Event::Probe { subject, hardware, holder } => {
            let holder = holder.map(|holder| holder.to_string());
            ("probe", EventFields::Probe { claim: claim(subject, hardware), holder })
        }
        Event::Announcement { subject, hardware } => {
            ("announcement", EventFields::Claim(claim(subject, hardware)))
        }
        Event::Mismatch { subject, hardware, source } => (
            "mismatch",
            EventFields::Mismatch { claim: claim(subject, hardware), source: source.to_string() },
        ),
        Event::Odd { source, vlan, reason } => {
            let (source, reason) = (source.to_string(), reason.to_string());
            ("odd", EventFields::Odd { source, vlan: vlan.map(VlanId::number), reason })
        }
        Event::Gone { subject, hardware } => ("gone", EventFields::Claim(claim(subject, hardware))),
        Event::Returned { subject, hardware, silence } => (
            "returned",
            EventFields::Returned { claim: claim(subject, hardware), silence: silence.as_nanos() },
        ),
        Event::Many { hardware, addresses } => {
            ("many", EventFields::Many { mac: hardware.to_string(), addresses })
        }
        Event::Flood { hardware, packets } => {
            let mac = hardware.map(|hardware| hardware.to_string());
            ("flood", EventFields::Flood { mac, packets })
        }
        Event::Full { subject, hardware } => ("full", EventFields::Claim(claim(subject, hardware))),
        Event::Evicted { subject } => ("evicted", EventFields::Evicted(subject.into())),
    };
    line(now, name, fields)
}

/// Returns the line of an address in the final table.
pub(super) fn address(now: Instant, row: &Row) -> String {
    let text = |hardware: link::MacAddr| hardware.to_string();
    let address = AddressFields {
        claim: claim(row.subject, row.hardware),
        state: row.presence.name(),
        former: row.former.map(text),
        conflict: row.conflict.map(text),
        first: row.first.as_nanos(),
        last: row.last.as_nanos(),
        requests: row.requests,
        replies: row.replies,
        announcements: row.announcements,
        probes: row.probes,
        asked: row.asked,
        changes: row.changes,
    };
    line(now, "address", EventFields::Address(Box::new(address)))
}

/// Returns the last line.
pub(super) fn statistics(observer: &Observer, frames_lost: u64) -> String {
    let counts = observer.counts();
    let Counts { requests, replies, announcements, probes, dropped, turned_away, broadcast, .. } = counts;
    let Counts { entered, changed, conflicts, evicted, hushed, events_lost, .. } = counts;
    let [fresh, quiet, gone] = presences(observer);
    let statistics = StatisticsFields {
        elapsed: observer.began.map_or(0, |began| observer.now.since(began).as_nanos()),
        packets: counts.packets(),
        requests,
        replies,
        announcements,
        probes,
        odd: dropped,
        turned_away,
        broadcast,
        ignored: observer.ignored,
        addresses: observer.census.len(),
        fresh,
        quiet,
        gone,
        entered,
        changed,
        conflicts,
        evicted,
        displaced: counts.displaced,
        hushed,
        events_lost,
        frames_lost,
        link_losses: observer.link_losses,
    };
    line(observer.now, "statistics", EventFields::Statistics(Box::new(statistics)))
}

fn line(now: Instant, event: &'static str, fields: EventFields) -> String {
    json(&EventObject { event, time: now.as_nanos(), fields })
}

fn claim(subject: Subject, hardware: link::MacAddr) -> ClaimFields {
    ClaimFields { subject: subject.into(), mac: hardware.to_string() }
}

impl From<Subject> for SubjectFields {
    fn from(Subject { protocol, vlan }: Subject) -> SubjectFields {
        SubjectFields { ip: protocol, vlan: vlan.map(VlanId::number) }
    }
}

#[cfg(test)]
mod tests;
