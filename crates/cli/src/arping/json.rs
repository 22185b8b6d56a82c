//! Events of an inquiry as JSON: one object a line, each with an `event`.

use std::net::Ipv4Addr;

use arp::Operation;
use arptools::inquiry::{Inquiry, InquiryCounts, InquiryOutcome, InquiryReply};
use serde::Serialize;
use tap::Instant;

use super::text::ArpingEvent;
use crate::output::json;

/// A line of JSON. Times are nanoseconds; `time` is since the start of the command.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum ArpingJson {
    Start {
        time: u64,
        interface: String,
        target: Ipv4Addr,
        protocol_address: Ipv4Addr,
        hardware_address: String,
    },
    /// A reply or, while probing, any packet that shows the address to be in use.
    Reply {
        time: u64,
        operation: u16,
        sender_protocol_address: Ipv4Addr,
        sender_hardware_address: String,
        target_protocol_address: Ipv4Addr,
        target_hardware_address: String,
        broadcast: bool,
        round_trip: Option<u128>,
        duplicate: bool,
    },
    Statistics {
        time: u64,
        target: Ipv4Addr,
        outcome: &'static str,
        sent: u64,
        broadcast: u64,
        refused: u64,
        received: u64,
        duplicates: u64,
        strays: u64,
    },
}

/// Returns an event as one line, without the line feed.
pub(super) fn line(now: Instant, inquiry: &Inquiry, event: &ArpingEvent<'_>) -> String {
    json(&ArpingJson::new(now.as_nanos(), inquiry, event))
}

impl ArpingJson {
    fn new(time: u64, inquiry: &Inquiry, event: &ArpingEvent<'_>) -> ArpingJson {
        let plan = inquiry.plan();
        match *event {
            ArpingEvent::Start { interface } => ArpingJson::Start {
                time,
                interface: interface.as_str().to_owned(),
                target: plan.target,
                protocol_address: plan.sender.ip,
                hardware_address: plan.sender.mac.to_string(),
            },
            ArpingEvent::Reply(reply) => ArpingJson::reply(time, reply),
            ArpingEvent::Statistics(outcome) => {
                let InquiryCounts { sent, broadcast, refused, received, duplicates, unrelated, .. } =
                    *inquiry.counts();
                let (target, outcome) = (plan.target, outcome_name(outcome));
                ArpingJson::Statistics {
                    time,
                    target,
                    outcome,
                    sent,
                    broadcast,
                    refused,
                    received,
                    duplicates,
                    strays: unrelated,
                }
            }
        }
    }

    fn reply(
        time: u64,
        InquiryReply { packet, is_broadcast, round_trip, is_duplicate }: InquiryReply,
    ) -> ArpingJson {
        let Operation(operation) = packet.operation;
        ArpingJson::Reply {
            time,
            operation,
            sender_protocol_address: packet.sender_protocol,
            sender_hardware_address: packet.sender_hardware.to_string(),
            target_protocol_address: packet.target_protocol,
            target_hardware_address: packet.target_hardware.to_string(),
            broadcast: is_broadcast,
            round_trip: round_trip.map(|time| time.as_nanos()),
            duplicate: is_duplicate,
        }
    }
}

fn outcome_name(outcome: InquiryOutcome) -> &'static str {
    match outcome {
        InquiryOutcome::Answered => "answered",
        InquiryOutcome::NoReply => "silent",
        InquiryOutcome::InUse => "taken",
        InquiryOutcome::Free => "free",
        InquiryOutcome::Announced => "announced",
        InquiryOutcome::NothingSent => "unasked",
        InquiryOutcome::Impaired => "hindered",
        InquiryOutcome::Unfinished => "unfinished",
    }
}

#[cfg(test)]
mod tests;
