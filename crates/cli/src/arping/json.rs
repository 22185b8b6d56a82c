//! Events of an inquiry as JSON: one object per line.

use std::net::Ipv4Addr;
use std::time::Duration;

use arp::Operation;
use arptools::inquiry::{Inquiry, InquiryCounts, InquiryOutcome, InquiryReply, InquiryTimes, Purpose};
use schemars::JsonSchema;
use serde::Serialize;

use super::text::ArpingEvent;
use crate::clock::Moment;
use crate::json::{EventObject, Mac, nanos};
use crate::output::json;

/// `tapstack arping --json`
///
/// With `-q`, no object is printed.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
#[schemars(rename = "arping")]
pub(super) enum ArpingJson {
    /// Printed before the first request.
    Start {
        /// Interface or TAP.
        interface: String,
        /// Local IP address, the sender of the requests; 0.0.0.0 for probes.
        local_ip: Ipv4Addr,
        /// Local MAC address.
        local_mac: Mac,
        /// IP address that is requested.
        target_ip: Ipv4Addr,
    },
    /// A reply; for a probe, any packet that shows that the address is in use.
    Reply {
        /// ARP operation: 1 is a request, 2 is a reply.
        operation: u16,
        /// Sender IP address of the packet.
        ip: Ipv4Addr,
        /// Sender MAC address of the packet.
        mac: Mac,
        /// Target IP address of the packet.
        target_ip: Ipv4Addr,
        /// Target MAC address of the packet.
        target_mac: Mac,
        /// Whether the frame was broadcast.
        broadcast: bool,
        /// Time since the request that the reply answers, or since the last request, in nanoseconds; null without a request.
        rtt_ns: Option<u64>,
        /// Whether the request already had a reply.
        duplicate: bool,
        /// MAC address of the first reply, if it differs from `mac`: the two stations are in conflict. Otherwise null.
        other_mac: Option<Mac>,
    },
    /// The last object.
    Statistics {
        /// IP address that was requested.
        target_ip: Ipv4Addr,
        /// Result.
        outcome: ArpingOutcome,
        /// Packets sent.
        sent: u64,
        /// Packets sent as broadcasts.
        broadcasts: u64,
        /// Packets that the interface rejected.
        send_failures: u64,
        /// First replies to requests; for probes, packets that show that the address is in use.
        received: u64,
        /// Further replies to the same request.
        duplicates: u64,
        /// Other ARP packets received.
        unmatched: u64,
        /// Requests without a reply; null for probes and announcements.
        unanswered: Option<u64>,
        /// MAC addresses of the stations that replied, or that use or probe for the address (`-D`): at most 16, in the
        /// order of their replies.
        macs: Vec<Mac>,
        /// Minimum round-trip time, in nanoseconds; null without a reply to a request.
        rtt_min_ns: Option<u64>,
        /// Mean round-trip time, in nanoseconds; null without a reply to a request.
        rtt_mean_ns: Option<u64>,
        /// Maximum round-trip time, in nanoseconds; null without a reply to a request.
        rtt_max_ns: Option<u64>,
    },
}

/// Result of an inquiry.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(super) enum ArpingOutcome {
    /// A station replied for the address.
    Answered,
    /// No station replied, and nothing was lost.
    NoReply,
    /// Another station uses the address or probes for it (`-D`).
    InUse,
    /// No station uses the address (`-D`).
    Free,
    /// The address was announced (`-U`, `-A`).
    Announced,
    /// No packet was sent.
    NothingSent,
    /// No reply, but packets were rejected or lost.
    Impaired,
    /// The command ended before the probes were complete.
    Unfinished,
}

/// Returns an event as one line, without the line feed.
pub(super) fn line(at: Moment, inquiry: &Inquiry, event: &ArpingEvent<'_>) -> String {
    json(&EventObject::new(at, ArpingJson::new(inquiry, event)))
}

impl ArpingJson {
    fn new(inquiry: &Inquiry, event: &ArpingEvent<'_>) -> ArpingJson {
        let plan = inquiry.plan();
        match *event {
            ArpingEvent::Start { interface } => ArpingJson::Start {
                interface: interface.as_str().to_owned(),
                local_ip: plan.sender.ip,
                local_mac: Mac(plan.sender.mac),
                target_ip: plan.target,
            },
            ArpingEvent::Reply(reply) => ArpingJson::reply(reply),
            ArpingEvent::Statistics(outcome) => {
                let InquiryCounts { sent, broadcast, refused, received, duplicates, unrelated, .. } =
                    *inquiry.counts();
                let is_request = plan.purpose == Purpose::Find;
                let times = inquiry.times().filter(|_| is_request);
                let time = |of: fn(InquiryTimes) -> Duration| times.map(|times| nanos(of(times)));
                ArpingJson::Statistics {
                    target_ip: plan.target,
                    outcome: outcome.into(),
                    sent,
                    broadcasts: broadcast,
                    send_failures: refused,
                    received,
                    duplicates,
                    unmatched: unrelated,
                    unanswered: is_request.then(|| sent.saturating_sub(received)),
                    macs: inquiry.stations().iter().map(|station| Mac(station.mac)).collect(),
                    rtt_min_ns: time(|times| times.min),
                    rtt_mean_ns: time(|times| times.mean),
                    rtt_max_ns: time(|times| times.max),
                }
            }
        }
    }

    fn reply(reply: InquiryReply) -> ArpingJson {
        let InquiryReply { packet, is_broadcast, round_trip, is_duplicate, other_mac } = reply;
        let Operation(operation) = packet.operation;
        ArpingJson::Reply {
            operation,
            ip: packet.sender_protocol,
            mac: Mac(packet.sender_hardware),
            target_ip: packet.target_protocol,
            target_mac: Mac(packet.target_hardware),
            broadcast: is_broadcast,
            rtt_ns: round_trip.map(nanos),
            duplicate: is_duplicate,
            other_mac: other_mac.map(Mac),
        }
    }
}

impl From<InquiryOutcome> for ArpingOutcome {
    fn from(outcome: InquiryOutcome) -> ArpingOutcome {
        match outcome {
            InquiryOutcome::Answered => ArpingOutcome::Answered,
            InquiryOutcome::NoReply => ArpingOutcome::NoReply,
            InquiryOutcome::InUse => ArpingOutcome::InUse,
            InquiryOutcome::Free => ArpingOutcome::Free,
            InquiryOutcome::Announced => ArpingOutcome::Announced,
            InquiryOutcome::NothingSent => ArpingOutcome::NothingSent,
            InquiryOutcome::Impaired => ArpingOutcome::Impaired,
            InquiryOutcome::Unfinished => ArpingOutcome::Unfinished,
        }
    }
}

#[cfg(test)]
mod tests;
