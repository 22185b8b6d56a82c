//! The JSON that `--json` prints: one object a line, each with an `event`.

use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::net::Ipv4Addr;

use arp::{Change, ClaimEvent, Neighbor};
use capture::Direction;
use host::{Counter, DropReason, HostEvent};
use ipnet::Ipv4Net;
use link::MacAddr;
use serde::{Serialize, Serializer};
use tap::Instant;
use tap::linux::InterfaceName;

use super::{Ready, Suppressed};
use crate::output::json;

/// One line. Times are nanoseconds since the command began.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(super) enum Line {
    Ready {
        interface: String,
        hardware_address: Option<String>,
        address: Option<Ipv4Net>,
        vlan: Option<u16>,
        mtu: usize,
        hosts: Vec<Ready>,
    },
    Learned(Told),
    Moved {
        time: u64,
        protocol_address: Ipv4Addr,
        from: String,
        to: String,
    },
    Held(Told),
    Changed {
        time: u64,
        protocol_address: Ipv4Addr,
        from: &'static str,
        to: &'static str,
    },
    Asking(About),
    Forgotten(About),
    Expired(About),
    Evicted(About),
    Refused(About),
    Probing(About),
    Using(Told),
    Taken(Told),
    Conflict(Told),
    Defended(Told),
    Ceased(Told),
    Echoed {
        time: u64,
        from: Ipv4Addr,
        to: Ipv4Addr,
        identifier: u16,
        sequence: u16,
        octets: usize,
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
        reason: String,
    },
    Suppressed {
        time: u64,
        event_name: &'static str,
        reason: Option<String>,
        count: u64,
    },
    Frame {
        time: u64,
        direction: &'static str,
        length: usize,
        octets: String,
    },
    #[serde(rename = "neighbour")]
    Neighbor {
        interface: String,
        protocol_address: Ipv4Addr,
        hardware_address: Option<String>,
        state: &'static str,
    },
    Counters {
        counters: BTreeMap<&'static str, BTreeMap<String, u64>>,
    },
}

/// What happened to an address.
#[derive(Debug, Serialize)]
pub(super) struct About {
    time: u64,
    protocol_address: Ipv4Addr,
}

/// What happened to an address, and at which station.
#[derive(Debug, Serialize)]
pub(super) struct Told {
    time: u64,
    protocol_address: Ipv4Addr,
    hardware_address: String,
}

impl About {
    fn new(time: u64, protocol_address: Ipv4Addr) -> About {
        About { time, protocol_address }
    }
}

impl Told {
    fn new(time: u64, protocol_address: Ipv4Addr, hardware: MacAddr) -> Told {
        Told { time, protocol_address, hardware_address: hardware.to_string() }
    }
}

impl Line {
    /// The first host's address stands beside the list of all, too.
    pub(super) fn ready(interface: &InterfaceName, mtu: usize, hosts: &[Ready]) -> Line {
        let first = hosts.first();
        Line::Ready {
            interface: interface.as_str().to_owned(),
            hardware_address: first.map(|host| host.hardware_address.to_string()),
            address: first.map(|host| host.address),
            vlan: first.and_then(|host| host.vlan),
            mtu,
            hosts: hosts.to_vec(),
        }
    }

    pub(super) fn event(now: Instant, event: HostEvent) -> Line {
        let time = now.as_nanos();
        match event {
            HostEvent::Arp(arp::Event::Claim(event)) => Line::claim(time, event),
            HostEvent::Arp(arp::Event::Neighbor(change)) => Line::change(time, change),
            HostEvent::EchoReply(reply) => Line::Echoed {
                time,
                from: reply.from,
                to: reply.to,
                identifier: reply.identifier,
                sequence: reply.sequence,
                octets: reply.length,
                time_to_live: reply.time_to_live,
            },
            HostEvent::DeliveryFailed(undelivered) => Line::Undelivered {
                time,
                from: undelivered.from,
                source: undelivered.source,
                destination: undelivered.destination,
                protocol: undelivered.protocol.0,
                kind: undelivered.problem.kind().0,
                code: undelivered.problem.code(),
                problem: undelivered.problem.to_string(),
            },
        }
    }

    fn claim(time: u64, event: ClaimEvent) -> Line {
        match event {
            ClaimEvent::Probing { protocol } => Line::Probing(About::new(time, protocol)),
            ClaimEvent::Bound { protocol, hardware } => Line::Using(Told::new(time, protocol, hardware)),
            ClaimEvent::ProbeConflict { protocol, hardware } => {
                Line::Taken(Told::new(time, protocol, hardware))
            }
            ClaimEvent::Conflict { protocol, hardware } => {
                Line::Conflict(Told::new(time, protocol, hardware))
            }
            ClaimEvent::Defended { protocol, hardware } => {
                Line::Defended(Told::new(time, protocol, hardware))
            }
            ClaimEvent::Ceased { protocol, hardware } => Line::Ceased(Told::new(time, protocol, hardware)),
        }
    }

    fn change(time: u64, change: Change<Ipv4Addr>) -> Line {
        match change {
            Change::Learned { protocol, hardware } => Line::Learned(Told::new(time, protocol, hardware)),
            Change::Moved { protocol, from, to } => {
                Line::Moved { time, protocol_address: protocol, from: from.to_string(), to: to.to_string() }
            }
            Change::Held { protocol, hardware } => Line::Held(Told::new(time, protocol, hardware)),
            Change::Changed { protocol, from, to } => {
                Line::Changed { time, protocol_address: protocol, from: from.name(), to: to.name() }
            }
            Change::Asking { protocol } => Line::Asking(About::new(time, protocol)),
            Change::Forgotten { protocol } => Line::Forgotten(About::new(time, protocol)),
            Change::Expired { protocol } => Line::Expired(About::new(time, protocol)),
            Change::Evicted { protocol } => Line::Evicted(About::new(time, protocol)),
            Change::Refused { protocol } => Line::Refused(About::new(time, protocol)),
        }
    }

    pub(super) fn neighbor(interface: &InterfaceName, entry: &Neighbor<Ipv4Addr>) -> Line {
        Line::Neighbor {
            interface: interface.as_str().to_owned(),
            protocol_address: entry.protocol,
            hardware_address: entry.hardware.map(|hardware| hardware.to_string()),
            state: entry.state.name(),
        }
    }

    pub(super) fn dropped(
        now: Instant,
        source: Option<MacAddr>,
        layer: &'static str,
        reason: DropReason,
    ) -> Line {
        Line::Dropped {
            time: now.as_nanos(),
            source: source.map(|source| source.to_string()),
            layer,
            reason: reason.to_string(),
        }
    }

    pub(super) fn suppressed(now: Instant, suppressed: &Suppressed) -> Line {
        Line::Suppressed {
            time: now.as_nanos(),
            event_name: suppressed.kind.name(),
            reason: suppressed.kind.reason(),
            count: suppressed.count,
        }
    }

    pub(super) fn frame(now: Instant, direction: Direction, octets: &[u8]) -> Line {
        let mut digits = String::with_capacity(2 * octets.len());
        for octet in octets {
            // Writing to a String does not fail.
            let _ = write!(digits, "{octet:02x}");
        }
        Line::Frame {
            time: now.as_nanos(),
            direction: direction.name(),
            length: octets.len(),
            octets: digits,
        }
    }

    pub(super) fn counters(counters: &[Counter]) -> Line {
        let mut layers: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
        for Counter { layer, name, count, .. } in counters {
            layers.entry(*layer).or_default().insert(name.clone(), *count);
        }
        Line::Counters { counters: layers }
    }
}

/// A value as people write it.
pub(super) fn in_words<T: fmt::Display, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&json(self))
    }
}
