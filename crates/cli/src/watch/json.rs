//! The same as JSON, one object a line, each with an `event`.

use std::net::Ipv4Addr;

use arptools::census::{Counts, Event, Row, Subject};
use link::VlanId;
use serde::Serialize;
use tap::Instant;

use super::observer::Observer;
use super::words::presences;
use crate::output::json;

/// One line. Times are nanoseconds since 1970.
#[derive(Debug, Serialize)]
struct Line {
    event: &'static str,
    time: u64,
    #[serde(flatten)]
    what: What,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum What {
    Start {
        source: String,
    },
    Claim(Claim),
    Moved {
        #[serde(flatten)]
        about: About,
        from: String,
        to: String,
    },
    Conflict {
        #[serde(flatten)]
        claim: Claim,
        other: String,
    },
    Probe {
        #[serde(flatten)]
        claim: Claim,
        holder: Option<String>,
    },
    Mismatch {
        #[serde(flatten)]
        claim: Claim,
        source: String,
    },
    Odd {
        source: String,
        vlan: Option<u16>,
        reason: String,
    },
    Returned {
        #[serde(flatten)]
        claim: Claim,
        silence: u128,
    },
    Many {
        hardware_address: String,
        addresses: u32,
    },
    Flood {
        hardware_address: Option<String>,
        packets: u32,
    },
    Evicted(About),
    Address(Box<Address>),
    Statistics(Box<Statistics>),
}

/// An address.
#[derive(Debug, Serialize)]
struct About {
    protocol_address: Ipv4Addr,
    vlan: Option<u16>,
}

/// An address, and who claims it.
#[derive(Debug, Serialize)]
struct Claim {
    #[serde(flatten)]
    about: About,
    hardware_address: String,
}

#[derive(Debug, Serialize)]
struct Address {
    #[serde(flatten)]
    claim: Claim,
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
struct Statistics {
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

/// The first line.
pub(super) fn start(now: Instant, source: &str) -> String {
    line(now, "start", What::Start { source: source.to_owned() })
}

/// An event.
pub(super) fn event(now: Instant, event: Event) -> String {
    let (name, what) = match event {
        Event::New { subject, hardware } => ("new", What::Claim(claim(subject, hardware))),
        Event::Moved { subject, from, to } => {
            let about = About::from(subject);
            ("moved", What::Moved { about, from: from.to_string(), to: to.to_string() })
        }
        Event::Conflict { subject, hardware, other } => {
            ("conflict", What::Conflict { claim: claim(subject, hardware), other: other.to_string() })
        }
        Event::Probe { subject, hardware, holder } => {
            let holder = holder.map(|holder| holder.to_string());
            ("probe", What::Probe { claim: claim(subject, hardware), holder })
        }
        Event::Announcement { subject, hardware } => ("announcement", What::Claim(claim(subject, hardware))),
        Event::Mismatch { subject, hardware, source } => {
            ("mismatch", What::Mismatch { claim: claim(subject, hardware), source: source.to_string() })
        }
        Event::Odd { source, vlan, reason } => {
            let (source, reason) = (source.to_string(), reason.to_string());
            ("odd", What::Odd { source, vlan: vlan.map(VlanId::number), reason })
        }
        Event::Gone { subject, hardware } => ("gone", What::Claim(claim(subject, hardware))),
        Event::Returned { subject, hardware, silence } => {
            ("returned", What::Returned { claim: claim(subject, hardware), silence: silence.as_nanos() })
        }
        Event::Many { hardware, addresses } => {
            ("many", What::Many { hardware_address: hardware.to_string(), addresses })
        }
        Event::Flood { hardware, packets } => {
            let hardware_address = hardware.map(|hardware| hardware.to_string());
            ("flood", What::Flood { hardware_address, packets })
        }
        Event::Full { subject, hardware } => ("full", What::Claim(claim(subject, hardware))),
        Event::Evicted { subject } => ("evicted", What::Evicted(subject.into())),
    };
    line(now, name, what)
}

/// One address, at the end.
pub(super) fn address(now: Instant, row: &Row) -> String {
    let text = |hardware: link::MacAddr| hardware.to_string();
    let address = Address {
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
    line(now, "address", What::Address(Box::new(address)))
}

/// The last line.
pub(super) fn statistics(observer: &Observer, frames_lost: u64) -> String {
    let counts = observer.counts();
    let Counts { requests, replies, announcements, probes, dropped, turned_away, broadcast, .. } = counts;
    let Counts { entered, changed, conflicts, evicted, hushed, events_lost, .. } = counts;
    let [fresh, quiet, gone] = presences(observer);
    let statistics = Statistics {
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
    line(observer.now, "statistics", What::Statistics(Box::new(statistics)))
}

fn line(now: Instant, event: &'static str, what: What) -> String {
    json(&Line { event, time: now.as_nanos(), what })
}

fn claim(subject: Subject, hardware: link::MacAddr) -> Claim {
    Claim { about: subject.into(), hardware_address: hardware.to_string() }
}

impl From<Subject> for About {
    fn from(Subject { protocol, vlan }: Subject) -> About {
        About { protocol_address: protocol, vlan: vlan.map(VlanId::number) }
    }
}

#[cfg(test)]
mod tests;
