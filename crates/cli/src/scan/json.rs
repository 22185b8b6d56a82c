//! Events of a sweep as JSON: one object a line, each with an `event`.

use std::net::Ipv4Addr;

use arptools::sweep::{Sweep, SweepCounts, SweepOutcome, SweepReply};
use link::MacAddr;
use serde::Serialize;
use tap::Instant;
use tap::linux::InterfaceName;

use super::text::ScanEvent;
use crate::output::json;

/// A line of JSON. Times are nanoseconds; `time` is since the start of the command.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum ScanJson<'a> {
    Start {
        time: u64,
        interface: String,
        protocol_address: Ipv4Addr,
        hardware_address: String,
        hosts: u64,
        passes: u32,
        pace: u128,
    },
    Reply {
        time: u64,
        protocol_address: Ipv4Addr,
        hardware_address: String,
        vendor: Option<&'a str>,
        number: u16,
        duplicate: bool,
        conflict_with: Option<String>,
        broadcast: bool,
    },
    Statistics {
        time: u64,
        outcome: &'static str,
        hosts: u64,
        asked: u64,
        sent: u64,
        refused: u64,
        answered: u64,
        duplicates: u64,
        conflicts: u64,
        contested: u64,
        strays: u64,
        lost: u64,
        elapsed: u128,
    },
}

/// Returns an event as one line, without the line feed.
pub(super) fn line<'a>(
    now: Instant,
    interface: &InterfaceName,
    sweep: &Sweep,
    names: impl Fn(MacAddr) -> Option<&'a str>,
    event: &ScanEvent,
) -> String {
    let (time, plan) = (now.as_nanos(), sweep.plan());
    let line = match *event {
        ScanEvent::Start => ScanJson::Start {
            time,
            interface: interface.as_str().to_owned(),
            protocol_address: plan.sender.ip,
            hardware_address: plan.sender.mac.to_string(),
            hosts: sweep.targets(),
            passes: plan.passes,
            pace: plan.interval.as_nanos(),
        },
        ScanEvent::Reply { reply: SweepReply { packet, number, other_mac }, is_broadcast } => {
            ScanJson::Reply {
                time,
                protocol_address: packet.sender_protocol,
                hardware_address: packet.sender_hardware.to_string(),
                vendor: names(packet.sender_hardware),
                number,
                duplicate: number > 1,
                conflict_with: other_mac.map(|mac| mac.to_string()),
                broadcast: is_broadcast,
            }
        }
        ScanEvent::Statistics { outcome, elapsed, lost } => {
            let SweepCounts {
                requested,
                sent,
                refused,
                answered,
                duplicates,
                conflicts,
                contested,
                unrelated,
            } = *sweep.counts();
            ScanJson::Statistics {
                time,
                outcome: outcome_name(outcome),
                hosts: sweep.targets(),
                asked: requested,
                sent,
                refused,
                answered,
                duplicates,
                conflicts,
                contested,
                strays: unrelated,
                lost,
                elapsed: elapsed.as_nanos(),
            }
        }
    };
    json(&line)
}

fn outcome_name(outcome: SweepOutcome) -> &'static str {
    match outcome {
        SweepOutcome::Found => "found",
        SweepOutcome::BelowLimit => "fewer",
        SweepOutcome::NoReply => "silent",
        SweepOutcome::NothingSent => "unasked",
        SweepOutcome::Impaired => "hindered",
        SweepOutcome::Unfinished => "unfinished",
    }
}

#[cfg(test)]
mod tests;
