//! Events of a host as JSON: one object a line, each with an `event`.

use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::net::Ipv4Addr;

use arp::{ClaimEvent, Neighbor, NeighborEvent};
use capture::Direction;
use host::{Counter, DropReason, HostEvent};
use ipnet::Ipv4Net;
use link::MacAddr;
use serde::{Serialize, Serializer};
use tap::Instant;
use tap::linux::InterfaceName;

use super::{ReadyHosts, SuppressedLines};
use crate::output::json;

/// One line. Times are in nanoseconds since the start of the command.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(super) enum ReportLine {
    Ready {
        interface: String,
        #[serde(rename = "hardware_address")]
        mac: Option<String>,
        address: Option<Ipv4Net>,
        vlan: Option<u16>,
        mtu: usize,
        hosts: Vec<ReadyHosts>,
    },
    Learned(IpAndMac),
    Moved {
        time: u64,
        #[serde(rename = "protocol_address")]
        ip: Ipv4Addr,
        from: String,
        to: String,
    },
    Held(IpAndMac),
    Changed {
        time: u64,
        #[serde(rename = "protocol_address")]
        ip: Ipv4Addr,
        from: &'static str,
        to: &'static str,
    },
    Asking(IpOnly),
    Forgotten(IpOnly),
    Expired(IpOnly),
    Evicted(IpOnly),
    Refused(IpOnly),
    Probing(IpOnly),
    Using(IpAndMac),
    Taken(IpAndMac),
    Conflict(IpAndMac),
    Defended(IpAndMac),
    Ceased(IpAndMac),
    Echoed {
        time: u64,
        from: Ipv4Addr,
        to: Ipv4Addr,
        identifier: u16,
        sequence: u16,
        #[serde(rename = "octets")]
        bytes: usize,
        time_to_live: u8,
    },
    Undelivered {
        time: u64,
        from: Ipv4Addr,
        source: Ipv4Addr,
        destination: Ipv4Addr,
        protocol: u8,
        kind: u8,
        code: u8,
        problem: String,
    },
    Dropped {
        time: u64,
        source: Option<String>,
        layer: &'static str,
        reason: &'static str,
    },
    Suppressed {
        time: u64,
        event_name: &'static str,
        reason: Option<&'static str>,
        count: u64,
    },
    Frame {
        time: u64,
        direction: &'static str,
        length: usize,
        #[serde(rename = "octets")]
        bytes: String,
    },
    #[serde(rename = "neighbour")]
    Neighbor {
        interface: String,
        #[serde(rename = "protocol_address")]
        ip: Ipv4Addr,
        #[serde(rename = "hardware_address")]
        mac: Option<String>,
        state: &'static str,
    },
    Counters {
        counters: BTreeMap<&'static str, BTreeMap<&'static str, u64>>,
    },
}

/// An event of an IP address.
#[derive(Debug, Serialize)]
pub(super) struct IpOnly {
    time: u64,
    #[serde(rename = "protocol_address")]
    ip: Ipv4Addr,
}

/// An event of an IP address and a MAC address.
#[derive(Debug, Serialize)]
pub(super) struct IpAndMac {
    time: u64,
    #[serde(rename = "protocol_address")]
    ip: Ipv4Addr,
    #[serde(rename = "hardware_address")]
    mac: String,
}

impl IpOnly {
    fn new(time: u64, ip: Ipv4Addr) -> IpOnly {
        IpOnly { time, ip }
    }
}

impl IpAndMac {
    fn new(time: u64, ip: Ipv4Addr, mac: MacAddr) -> IpAndMac {
        IpAndMac { time, ip, mac: mac.to_string() }
    }
}

impl ReportLine {
    /// A host is ready. The first host's address precedes the list of all.
    pub(super) fn ready(interface: &InterfaceName, mtu: usize, hosts: &[ReadyHosts]) -> ReportLine {
        let first = hosts.first();
        ReportLine::Ready {
            interface: interface.as_str().to_owned(),
            mac: first.map(|host| host.mac.to_string()),
            address: first.map(|host| host.address),
            vlan: first.and_then(|host| host.vlan),
            mtu,
            hosts: hosts.to_vec(),
        }
    }

    pub(super) fn event(now: Instant, event: HostEvent) -> ReportLine {
        let time = now.as_nanos();
        match event {
            HostEvent::Arp(arp::ArpEvent::Claim(event)) => ReportLine::claim(time, event),
            HostEvent::Arp(arp::ArpEvent::Neighbor(change)) => ReportLine::change(time, change),
            HostEvent::EchoReply(reply) => ReportLine::Echoed {
                time,
                from: reply.from,
                to: reply.to,
                identifier: reply.identifier,
                sequence: reply.sequence,
                bytes: reply.length,
                time_to_live: reply.time_to_live,
            },
            HostEvent::DeliveryFailed(undelivered) => ReportLine::Undelivered {
                time,
                from: undelivered.from,
                source: undelivered.source,
                destination: undelivered.destination,
                protocol: undelivered.protocol.0,
                kind: undelivered.problem.icmp_type().0,
                code: undelivered.problem.code(),
                problem: undelivered.problem.to_string(),
            },
        }
    }

    fn claim(time: u64, event: ClaimEvent) -> ReportLine {
        match event {
            ClaimEvent::Probing { ip } => ReportLine::Probing(IpOnly::new(time, ip)),
            ClaimEvent::Bound { ip, mac } => ReportLine::Using(IpAndMac::new(time, ip, mac)),
            ClaimEvent::ProbeConflict { ip, mac } => ReportLine::Taken(IpAndMac::new(time, ip, mac)),
            ClaimEvent::Conflict { ip, mac } => ReportLine::Conflict(IpAndMac::new(time, ip, mac)),
            ClaimEvent::Defended { ip, mac } => ReportLine::Defended(IpAndMac::new(time, ip, mac)),
            ClaimEvent::Ceased { ip, mac } => ReportLine::Ceased(IpAndMac::new(time, ip, mac)),
        }
    }

    fn change(time: u64, change: NeighborEvent<Ipv4Addr>) -> ReportLine {
        match change {
            NeighborEvent::Learned { ip, mac } => ReportLine::Learned(IpAndMac::new(time, ip, mac)),
            NeighborEvent::Moved { ip, from, to } => {
                ReportLine::Moved { time, ip, from: from.to_string(), to: to.to_string() }
            }
            NeighborEvent::StaticConflict { ip, mac } => ReportLine::Held(IpAndMac::new(time, ip, mac)),
            NeighborEvent::Changed { ip, from, to } => {
                ReportLine::Changed { time, ip, from: from.name(), to: to.name() }
            }
            NeighborEvent::Resolving { ip } => ReportLine::Asking(IpOnly::new(time, ip)),
            NeighborEvent::Forgotten { ip } => ReportLine::Forgotten(IpOnly::new(time, ip)),
            NeighborEvent::Expired { ip } => ReportLine::Expired(IpOnly::new(time, ip)),
            NeighborEvent::Evicted { ip } => ReportLine::Evicted(IpOnly::new(time, ip)),
            NeighborEvent::Refused { ip } => ReportLine::Refused(IpOnly::new(time, ip)),
        }
    }

    pub(super) fn neighbor(interface: &InterfaceName, entry: &Neighbor<Ipv4Addr>) -> ReportLine {
        ReportLine::Neighbor {
            interface: interface.as_str().to_owned(),
            ip: entry.ip,
            mac: entry.mac.map(|mac| mac.to_string()),
            state: entry.state.name(),
        }
    }

    pub(super) fn dropped(now: Instant, source: Option<MacAddr>, reason: DropReason) -> ReportLine {
        ReportLine::Dropped {
            time: now.as_nanos(),
            source: source.map(|source| source.to_string()),
            layer: reason.layer(),
            reason: reason.name(),
        }
    }

    pub(super) fn suppressed(now: Instant, suppressed: &SuppressedLines) -> ReportLine {
        ReportLine::Suppressed {
            time: now.as_nanos(),
            event_name: suppressed.kind.name(),
            reason: suppressed.kind.reason_name(),
            count: suppressed.count,
        }
    }

    pub(super) fn frame(now: Instant, direction: Direction, bytes: &[u8]) -> ReportLine {
        let mut digits = String::with_capacity(2 * bytes.len());
        for byte in bytes {
            // Writing to a String does not fail.
            let _ = write!(digits, "{byte:02x}");
        }
        ReportLine::Frame {
            time: now.as_nanos(),
            direction: direction.name(),
            length: bytes.len(),
            bytes: digits,
        }
    }

    pub(super) fn counters(counters: &[Counter]) -> ReportLine {
        let mut layers: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
        for Counter { layer, name, count, .. } in counters {
            layers.entry(*layer).or_default().insert(*name, *count);
        }
        ReportLine::Counters { counters: layers }
    }
}

/// Serializes a value as its text.
pub(super) fn as_text<T: fmt::Display, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

impl fmt::Display for ReportLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&json(self))
    }
}
