//! Text output of an inquiry, in the format of iputils.

use std::time::Duration;

use arp::Operation;
use arptools::inquiry::{Inquiry, InquiryReply};
use link::MacAddr;
use tap::linux::InterfaceName;

/// An event of an inquiry to print.
#[derive(Clone, Copy, Debug)]
pub(super) enum ArpingEvent<'a> {
    Start { interface: &'a InterfaceName },
    Reply(InquiryReply),
    Statistics(arptools::inquiry::InquiryOutcome),
}

/// Returns the text of an event, without a line break at the end. Statistics have several lines.
pub(super) fn lines(inquiry: &Inquiry, event: &ArpingEvent<'_>) -> String {
    let plan = inquiry.plan();
    match event {
        ArpingEvent::Start { interface } => {
            format!("ARPING {} from {} {interface}", plan.target, plan.sender.ip)
        }
        ArpingEvent::Reply(reply) => reply_text(inquiry, reply),
        ArpingEvent::Statistics(_) => statistics_text(inquiry),
    }
}

fn reply_text(inquiry: &Inquiry, reply: &InquiryReply) -> String {
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
    let time = reply.round_trip.map_or_else(|| " UNSOLICITED?".to_owned(), milliseconds);
    let duplicate = if reply.is_duplicate { " (DUP!)" } else { "" };
    format!("{destination} {kind} from {from}{target}  {}{duplicate}", time.trim_start())
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

/// Formats a time in milliseconds, rounded to the microsecond.
fn milliseconds(time: Duration) -> String {
    let micros = (time.as_nanos() + 500) / 1_000;
    format!("{}.{:03}ms", micros / 1_000, micros % 1_000)
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
