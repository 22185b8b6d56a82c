//! Events of a watch as JSON, one object a line.

use std::net::Ipv4Addr;

use arptools::census::{CensusCounts, CensusEntry, CensusEvent, VlanAddress};
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
        address: VlanAddressFields,
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
        #[serde(rename = "holder")]
        owner: Option<String>,
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
    Evicted(VlanAddressFields),
    Address(Box<AddressFields>),
    Statistics(Box<StatisticsFields>),
}

/// Fields of an IP address.
#[derive(Debug, Serialize)]
struct VlanAddressFields {
    #[serde(rename = "protocol_address")]
    ip: Ipv4Addr,
    vlan: Option<u16>,
}

/// Fields of an IP address and of the MAC address that claims it.
#[derive(Debug, Serialize)]
struct ClaimFields {
    #[serde(flatten)]
    address: VlanAddressFields,
    #[serde(rename = "hardware_address")]
    mac: String,
}

#[derive(Debug, Serialize)]
struct AddressFields {
    #[serde(flatten)]
    claim: ClaimFields,
    state: &'static str,
    #[serde(rename = "former")]
    previous: Option<String>,
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
    #[serde(rename = "hushed")]
    suppressed: u64,
    events_lost: u64,
    frames_lost: u64,
    link_losses: u64,
}

/// Returns the first line.
pub(super) fn start(now: Instant, source: &str) -> String {
    line(now, "start", EventFields::Start { source: source.to_owned() })
}

/// Returns the line of an event.
pub(super) fn event(now: Instant, event: CensusEvent) -> String {
    let (name, fields) = match event {
        CensusEvent::New { address, mac } => ("new", EventFields::Claim(claim(address, mac))),
        CensusEvent::Moved { address, from, to } => {
            let address = VlanAddressFields::from(address);
            ("moved", EventFields::Moved { address, from: from.to_string(), to: to.to_string() })
        }
        CensusEvent::Conflict { address, mac, other } => {
            ("conflict", EventFields::Conflict { claim: claim(address, mac), other: other.to_string() })
        }
        CensusEvent::Probe { address, mac, owner } => {
            let owner = owner.map(|owner| owner.to_string());
            ("probe", EventFields::Probe { claim: claim(address, mac), owner })
        }
        CensusEvent::Announcement { address, mac } => {
            ("announcement", EventFields::Claim(claim(address, mac)))
        }
        CensusEvent::Mismatch { address, mac, source } => {
            ("mismatch", EventFields::Mismatch { claim: claim(address, mac), source: source.to_string() })
        }
        CensusEvent::Invalid { source, vlan, reason } => {
            let (source, reason) = (source.to_string(), reason.to_string());
            ("odd", EventFields::Odd { source, vlan: vlan.map(VlanId::number), reason })
        }
        CensusEvent::Gone { address, mac } => ("gone", EventFields::Claim(claim(address, mac))),
        CensusEvent::Returned { address, mac, silence } => {
            ("returned", EventFields::Returned { claim: claim(address, mac), silence: silence.as_nanos() })
        }
        CensusEvent::ManyAddresses { mac, addresses } => {
            ("many", EventFields::Many { mac: mac.to_string(), addresses })
        }
        CensusEvent::Flood { mac, packets } => {
            let mac = mac.map(|mac| mac.to_string());
            ("flood", EventFields::Flood { mac, packets })
        }
        CensusEvent::Full { address, mac } => ("full", EventFields::Claim(claim(address, mac))),
        CensusEvent::Evicted { address } => ("evicted", EventFields::Evicted(address.into())),
    };
    line(now, name, fields)
}

/// Returns the line of an address in the final table.
pub(super) fn address(now: Instant, row: &CensusEntry) -> String {
    let text = |mac: link::MacAddr| mac.to_string();
    let address = AddressFields {
        claim: claim(row.address, row.mac),
        state: row.presence.name(),
        previous: row.previous.map(text),
        conflict: row.conflict.map(text),
        first: row.first.as_nanos(),
        last: row.last.as_nanos(),
        requests: row.requests,
        replies: row.replies,
        announcements: row.announcements,
        probes: row.probes,
        asked: row.requested,
        changes: row.changes,
    };
    line(now, "address", EventFields::Address(Box::new(address)))
}

/// Returns the last line.
pub(super) fn statistics(observer: &Observer, frames_lost: u64) -> String {
    let counts = observer.counts();
    let CensusCounts { requests, replies, announcements, probes, dropped, rejected, broadcast, .. } = counts;
    let CensusCounts { added, changed, conflicts, evicted, suppressed, events_lost, .. } = counts;
    let [fresh, quiet, gone] = presences(observer);
    let statistics = StatisticsFields {
        elapsed: observer.began.map_or(0, |began| observer.now.since(began).as_nanos()),
        packets: counts.packets(),
        requests,
        replies,
        announcements,
        probes,
        odd: dropped,
        turned_away: rejected,
        broadcast,
        ignored: observer.ignored,
        addresses: observer.census.len(),
        fresh,
        quiet,
        gone,
        entered: added,
        changed,
        conflicts,
        evicted,
        displaced: counts.displaced,
        suppressed,
        events_lost,
        frames_lost,
        link_losses: observer.link_losses,
    };
    line(observer.now, "statistics", EventFields::Statistics(Box::new(statistics)))
}

fn line(now: Instant, event: &'static str, fields: EventFields) -> String {
    json(&EventObject { event, time: now.as_nanos(), fields })
}

fn claim(address: VlanAddress, mac: link::MacAddr) -> ClaimFields {
    ClaimFields { address: address.into(), mac: mac.to_string() }
}

impl From<VlanAddress> for VlanAddressFields {
    fn from(VlanAddress { ip, vlan }: VlanAddress) -> VlanAddressFields {
        VlanAddressFields { ip, vlan: vlan.map(VlanId::number) }
    }
}

#[cfg(test)]
mod tests;
