//! The JSON that `--json` prints: one object a line, each with an `event`.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::Ipv4Addr;

use arp::Event;
use host::{Counter, Dropped};
use ipnet::Ipv4Net;
use link::MacAddr;
use serde::Serialize;
use tap::Instant;

use super::Direction;

/// One line. Times are nanoseconds since the command began.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(super) enum Line {
    Ready { interface: String, hardware_address: String, address: Ipv4Net, vlan: Option<u16>, mtu: usize },
    Learned { time: u64, protocol_address: Ipv4Addr, hardware_address: String },
    Moved { time: u64, protocol_address: Ipv4Addr, from: String, to: String },
    Refused { time: u64, protocol_address: Ipv4Addr, hardware_address: String },
    Conflict { time: u64, protocol_address: Ipv4Addr, hardware_address: String },
    Dropped { time: u64, source: Option<String>, layer: &'static str, reason: String },
    Frame { time: u64, direction: &'static str, length: usize, octets: String },
    Counters { counters: BTreeMap<&'static str, BTreeMap<String, u64>> },
}

impl Line {
    pub(super) fn event(now: Instant, event: Event) -> Line {
        let time = now.as_nanos();
        match event {
            Event::Learned { protocol, hardware } => {
                Line::Learned { time, protocol_address: protocol, hardware_address: hardware.to_string() }
            }
            Event::Moved { protocol, from, to } => {
                Line::Moved { time, protocol_address: protocol, from: from.to_string(), to: to.to_string() }
            }
            Event::Refused { protocol, hardware } => {
                Line::Refused { time, protocol_address: protocol, hardware_address: hardware.to_string() }
            }
            Event::Conflict { protocol, hardware } => {
                Line::Conflict { time, protocol_address: protocol, hardware_address: hardware.to_string() }
            }
        }
    }

    pub(super) fn dropped(
        now: Instant,
        source: Option<MacAddr>,
        layer: &'static str,
        reason: Dropped,
    ) -> Line {
        Line::Dropped {
            time: now.as_nanos(),
            source: source.map(|source| source.to_string()),
            layer,
            reason: reason.to_string(),
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
            direction: match direction {
                Direction::In => "in",
                Direction::Out => "out",
            },
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
