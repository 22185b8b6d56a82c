//! Text output of an inquiry, in the format of iputils. Lines with round-trip times and the verdict follow.

use std::time::Duration;

use arp::Operation;
use arptools::inquiry::{
    Inquiry, InquiryCounts, InquiryOutcome, InquiryReply, InquiryStation, InquiryTimes, Purpose,
};
use link::MacAddr;
use tap::linux::InterfaceName;

use super::shared_address;
use crate::color::{ERROR, Styler};
use crate::percent::Percent;

/// An event of an inquiry to print.
#[derive(Clone, Copy, Debug)]
pub(super) enum ArpingEvent<'a> {
    Start { interface: &'a InterfaceName },
    Reply(InquiryReply),
    Statistics(InquiryOutcome),
}

/// Returns the text of an event, without a line break at the end. Statistics have several lines.
pub(super) fn lines(styler: Styler, inquiry: &Inquiry, event: &ArpingEvent<'_>) -> String {
    let plan = inquiry.plan();
    match event {
        ArpingEvent::Start { interface } => {
            format!("ARPING {} from {} {interface}", plan.target, plan.sender.ip)
        }
        ArpingEvent::Reply(reply) => reply_text(styler, inquiry, reply),
        ArpingEvent::Statistics(outcome) => {
            let verdict = verdict_text(styler, inquiry, *outcome);
            let lines = [Some(statistics_text(inquiry)), times_text(inquiry), verdict];
            lines.into_iter().flatten().collect::<Vec<_>>().join("\n")
        }
    }
}

fn reply_text(styler: Styler, inquiry: &Inquiry, reply: &InquiryReply) -> String {
    let (packet, sender) = (reply.packet, inquiry.plan().sender);
    let destination = if reply.is_broadcast { "Broadcast" } else { "Unicast" };
    let kind = if packet.operation == Operation::REQUEST { "request" } else { "reply" };
    let from = format!("{} [{}]", packet.sender_protocol, UppercaseMac(packet.sender_hardware));
    // The target is printed if it is not the sender of the request.
    let ip = (packet.target_protocol != sender.ip).then(|| packet.target_protocol.to_string());
    let mac =
        (packet.target_hardware != sender.mac).then(|| format!("[{}]", UppercaseMac(packet.target_hardware)));
    let target: Vec<_> = [ip, mac].into_iter().flatten().collect();
    let target = if target.is_empty() { String::new() } else { format!(" for {}", target.join(" ")) };
    let time = reply
        .round_trip
        .map_or_else(|| "UNSOLICITED?".to_owned(), |time| format!("{}ms", Milliseconds(time)));
    let duplicate = if reply.is_duplicate { " (DUP!)" } else { "" };
    let other = reply.other_mac.map(|mac| styler.apply(ERROR, &format!("(CONFLICT: also at {mac})")));
    let conflict = other.map(|mark| format!(" {mark}")).unwrap_or_default();
    format!("{destination} {kind} from {from}{target}  {time}{duplicate}{conflict}")
}

fn statistics_text(inquiry: &Inquiry) -> String {
    let counts = inquiry.counts();
    let details = [
        (counts.received_requests, "request(s)"),
        (counts.received_broadcast, "broadcast(s)"),
        (counts.duplicates, "duplicate(s)"),
    ];
    let details: Vec<_> = details
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    let details = if details.is_empty() { String::new() } else { format!(" ({})", details.join(", ")) };
    format!(
        "Sent {} probes ({} broadcast(s))\nReceived {} response(s){details}",
        counts.sent,
        counts.broadcast,
        counts.received.saturating_add(counts.duplicates)
    )
}

/// Returns the line of answered requests and their round-trip times, or `None` if no request was sent.
fn times_text(inquiry: &Inquiry) -> Option<String> {
    let InquiryCounts { sent, received, .. } = *inquiry.counts();
    if inquiry.plan().purpose != Purpose::Find || sent == 0 {
        return None;
    }
    let loss = Percent { part: sent.saturating_sub(received), total: sent };
    let times = inquiry.times().map(|InquiryTimes { min, mean, max }| {
        let [min, mean, max] = [min, mean, max].map(Milliseconds);
        format!("\nrtt min/avg/max = {min}/{mean}/{max} ms")
    });
    let requests = if sent == 1 { "request" } else { "requests" };
    Some(format!("{received} of {sent} {requests} answered, {loss}% loss{}", times.unwrap_or_default()))
}

/// Returns the line of a verdict: who uses the address. Returns `None` without a verdict.
fn verdict_text(styler: Styler, inquiry: &Inquiry, outcome: InquiryOutcome) -> Option<String> {
    let target = inquiry.plan().target;
    match outcome {
        InquiryOutcome::Free => Some(format!("{target} is free")),
        InquiryOutcome::InUse => {
            let (claiming, probing): (Vec<_>, Vec<_>) =
                inquiry.stations().iter().partition(|station| station.is_claiming);
            let (use_text, stations) =
                if claiming.is_empty() { ("probed", probing) } else { ("in use", claiming) };
            let macs: Vec<_> = stations.iter().map(|InquiryStation { mac, .. }| mac.to_string()).collect();
            Some(format!("{target} is {use_text} by {}", macs.join(", ")))
        }
        _ => shared_address(inquiry).map(|shared| styler.apply(ERROR, &shared.to_string())),
    }
}

/// A time in milliseconds, rounded to the microsecond.
struct Milliseconds(Duration);

impl std::fmt::Display for Milliseconds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let micros = (self.0.as_nanos() + 500) / 1_000;
        write!(f, "{}.{:03}", micros / 1_000, micros % 1_000)
    }
}

/// A MAC address in upper case, the format of iputils.
struct UppercaseMac(MacAddr);

impl std::fmt::Display for UppercaseMac {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.to_string().to_uppercase())
    }
}

#[cfg(test)]
mod tests;
