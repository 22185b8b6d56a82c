//! Events of a sweep as JSON: one object per line.

use std::net::Ipv4Addr;

use arptools::sweep::{Sweep, SweepCounts, SweepOutcome, SweepReply};
use link::MacAddr;
use schemars::JsonSchema;
use serde::Serialize;
use tap::linux::InterfaceName;

use super::event::{Difference, ReplyEvent, ScanEvent};
use super::stations::{ScanStations, StationAddresses};
use crate::clock::Moment;
use crate::json::{EventObject, Mac, nanos};
use crate::output::json;
use crate::shared_address::SharedAddress;

/// `tapstack scan --json`
#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
#[schemars(rename = "scan")]
pub(super) enum ScanJson<'a> {
    /// Printed before the first request.
    Start {
        /// Interface or TAP.
        interface: String,
        /// Local IP address: the sender of the requests.
        local_ip: Ipv4Addr,
        /// Local MAC address.
        local_mac: Mac,
        /// Number of IP addresses to request, without the local address.
        targets: u64,
        /// Number of requests for an address without a reply.
        passes: u32,
        /// Time between two requests, in nanoseconds.
        interval_ns: u64,
    },
    /// A reply.
    Reply {
        /// IP address.
        ip: Ipv4Addr,
        /// MAC address of its station.
        mac: Mac,
        /// Vendor of the MAC address; null if the vendor is unknown.
        vendor: Option<&'a str>,
        /// Number of the reply for this IP address, from 1 to 4095; further replies have the number 4095 too.
        reply_number: u16,
        /// Whether the reply is not the first reply for this IP address.
        duplicate: bool,
        /// MAC address of the first reply, if it differs from `mac`: the two stations are in conflict. Otherwise null.
        other_mac: Option<Mac>,
        /// Whether the frame was broadcast.
        broadcast: bool,
        /// Time since the last request for this IP address, in nanoseconds.
        rtt_ns: u64,
        /// Name of the IP address; null if it has no name, or without `--resolve`.
        name: Option<&'a str>,
    },
    /// An IP address that replied, and did not reply in the scan of `--compare`.
    Added {
        /// IP address.
        ip: Ipv4Addr,
        /// MAC addresses of its stations.
        macs: Vec<Mac>,
    },
    /// An IP address that did not reply, and replied in the scan of `--compare`.
    Gone {
        /// IP address.
        ip: Ipv4Addr,
        /// MAC addresses of its stations in that scan.
        old_macs: Vec<Mac>,
    },
    /// An IP address with other stations than in the scan of `--compare`.
    Moved {
        /// IP address.
        ip: Ipv4Addr,
        /// MAC addresses of its stations in that scan.
        old_macs: Vec<Mac>,
        /// MAC addresses of its stations.
        macs: Vec<Mac>,
    },
    /// The last object.
    Statistics {
        /// Result.
        outcome: ScanOutcome,
        /// Number of IP addresses to request.
        targets: u64,
        /// IP addresses for which a request was sent.
        requested: u64,
        /// Requests sent.
        sent: u64,
        /// Requests that the interface rejected.
        send_failures: u64,
        /// IP addresses with a reply.
        answered: u64,
        /// Further replies from the MAC address that replied first.
        duplicates: u64,
        /// Further replies from other MAC addresses.
        conflicts: u64,
        /// IP addresses with replies from several MAC addresses.
        contested: u64,
        /// Other ARP packets, and replies after `--limit` was reached.
        unmatched: u64,
        /// Frames that the kernel reports as lost.
        frames_lost: u64,
        /// Time from the start of the sweep to its end, in nanoseconds.
        duration_ns: u64,
        /// IP addresses with replies from several MAC addresses: at most 1,024, in ascending order.
        shared_addresses: Vec<SharedAddressFields>,
        /// MAC addresses that replied for several IP addresses: at most 16, those with the most IP addresses first.
        shared_macs: Vec<SharedMacFields>,
        /// IP addresses that are not counted in `shared_macs`: the table of 65,536 MAC addresses was full.
        uncounted: u64,
        /// Number of differences from the scan of `--compare`; null without `--compare`.
        differences: Option<usize>,
    },
}

/// An IP address with several stations.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub(super) struct SharedAddressFields {
    /// IP address.
    ip: Ipv4Addr,
    /// MAC addresses of its stations: at most 16, in the order of their replies.
    macs: Vec<Mac>,
}

/// A station with several IP addresses.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub(super) struct SharedMacFields {
    /// MAC address.
    mac: Mac,
    /// Number of its IP addresses.
    addresses: u64,
    /// Lowest IP address.
    first_ip: Ipv4Addr,
    /// Highest IP address.
    last_ip: Ipv4Addr,
}

/// Result of a sweep.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(super) enum ScanOutcome {
    /// A station replied or, with `--limit`, that number of stations.
    Found,
    /// Fewer stations replied than `--limit`, and nothing was lost.
    BelowLimit,
    /// No station replied, and nothing was lost.
    NoReply,
    /// No request was sent.
    NothingSent,
    /// Too few replies, but requests were rejected or frames were lost.
    Impaired,
    /// The command ended before the sweep was complete.
    Unfinished,
}

/// Returns an event as one line, without the line feed.
pub(super) fn line<'a>(
    at: Moment,
    interface: &InterfaceName,
    (sweep, stations): (&Sweep, &ScanStations),
    vendors: impl Fn(MacAddr) -> Option<&'a str>,
    event: &'a ScanEvent,
) -> String {
    let plan = sweep.plan();
    let event = match event {
        ScanEvent::Start => ScanJson::Start {
            interface: interface.as_str().to_owned(),
            local_ip: plan.sender.ip,
            local_mac: Mac(plan.sender.mac),
            targets: sweep.targets(),
            passes: plan.passes,
            interval_ns: nanos(plan.interval),
        },
        ScanEvent::Reply(ReplyEvent { reply, name, .. }) => {
            let SweepReply { packet, is_broadcast, number, other_mac, rtt } = *reply;
            ScanJson::Reply {
                ip: packet.sender_protocol,
                mac: Mac(packet.sender_hardware),
                vendor: vendors(packet.sender_hardware),
                reply_number: number,
                duplicate: number > 1,
                other_mac: other_mac.map(Mac),
                broadcast: is_broadcast,
                rtt_ns: nanos(rtt),
                name: name.as_deref(),
            }
        }
        ScanEvent::Difference(Difference { ip, old, new }) => {
            let (ip, old_macs, macs) = (*ip, macs(old), macs(new));
            match (old_macs.is_empty(), macs.is_empty()) {
                (true, _) => ScanJson::Added { ip, macs },
                (false, true) => ScanJson::Gone { ip, old_macs },
                (false, false) => ScanJson::Moved { ip, old_macs, macs },
            }
        }
        ScanEvent::Statistics { outcome, elapsed, lost, differences } => {
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
                outcome: (*outcome).into(),
                targets: sweep.targets(),
                requested,
                sent,
                send_failures: refused,
                answered,
                duplicates,
                conflicts,
                contested,
                unmatched: unrelated,
                frames_lost: *lost,
                duration_ns: nanos(*elapsed),
                shared_addresses: stations.shared().map(SharedAddressFields::from).collect(),
                shared_macs: stations
                    .with_several_addresses()
                    .into_iter()
                    .map(SharedMacFields::from)
                    .collect(),
                uncounted: stations.uncounted(),
                differences: *differences,
            }
        }
    };
    json(&EventObject::new(at, event))
}

fn macs(of: &[MacAddr]) -> Vec<Mac> {
    of.iter().copied().map(Mac).collect()
}

impl From<&SharedAddress> for SharedAddressFields {
    fn from(shared: &SharedAddress) -> SharedAddressFields {
        SharedAddressFields { ip: shared.ip, macs: shared.macs.iter().copied().map(Mac).collect() }
    }
}

impl From<StationAddresses> for SharedMacFields {
    fn from(StationAddresses { mac, count, first, last }: StationAddresses) -> SharedMacFields {
        SharedMacFields { mac: Mac(mac), addresses: count, first_ip: first, last_ip: last }
    }
}

impl From<SweepOutcome> for ScanOutcome {
    fn from(outcome: SweepOutcome) -> ScanOutcome {
        match outcome {
            SweepOutcome::Found => ScanOutcome::Found,
            SweepOutcome::BelowLimit => ScanOutcome::BelowLimit,
            SweepOutcome::NoReply => ScanOutcome::NoReply,
            SweepOutcome::NothingSent => ScanOutcome::NothingSent,
            SweepOutcome::Impaired => ScanOutcome::Impaired,
            SweepOutcome::Unfinished => ScanOutcome::Unfinished,
        }
    }
}

#[cfg(test)]
mod tests;
