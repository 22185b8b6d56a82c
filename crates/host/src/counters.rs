//! The counters of a host as one list.

use base::{Reason, ReasonCounters};

use crate::stack::Stack;

/// One counter of a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counter {
    /// The layer that counts: `link`, `arp`, `ipv4`, `icmp`, `udp` or `host`.
    pub layer: &'static str,
    /// What is counted.
    pub name: String,
    /// The count.
    pub count: u64,
    /// Whether it counts drops or losses.
    pub is_loss: bool,
}

/// Returns all counters of a stack.
pub(crate) fn of_stack(stack: &Stack) -> Vec<Counter> {
    let gain = |layer, name: &str, count| counter(layer, name, count, false);
    let loss = |layer, name: &str, count| counter(layer, name, count, true);
    let mut all = vec![gain("link", "accepted", stack.link.accepted())];
    all.extend(losses("link", stack.link.dropped()));
    all.extend(of_arp(stack));
    all.push(gain("ipv4", "accepted", stack.ipv4.accepted()));
    all.extend(losses("ipv4", stack.ipv4.dropped()));
    all.extend(losses("ipv4", stack.ipv4.reassembly().failures()));
    all.push(gain("ipv4", "sent", stack.counters.datagrams_sent));
    all.push(loss("ipv4", "no route", stack.counters.no_route));
    all.push(gain("icmp", "accepted", stack.icmp.accepted()));
    all.extend(losses("icmp", stack.icmp.dropped()));
    all.push(gain("icmp", "echo requests answered", stack.counters.echo_replies));
    all.push(gain("icmp", "errors sent", stack.counters.icmp_errors));
    all.extend(
        stack
            .icmp
            .suppressed()
            .iter()
            .map(|(reason, count)| counter("icmp", &format!("error withheld: {reason}"), count, false)),
    );
    all.extend(losses("udp", &stack.udp_dropped));
    all.push(loss("host", "protocol not spoken", stack.counters.unsupported_protocol));
    all.push(loss("host", "address not in use", stack.counters.address_not_in_use));
    all.push(loss("host", "sent to another station than the destination's", stack.counters.wrong_mac));
    all.push(loss("host", "to many, and nobody wants it", stack.counters.no_listener));
    all.extend(losses("host", &stack.tx_dropped));
    let events_lost = stack.events.lost().saturating_add(stack.ipv4.reassembly().events_lost());
    all.push(gain("host", "events lost", events_lost));
    all
}

fn of_arp(stack: &Stack) -> Vec<Counter> {
    let gain = |name: &str, count| counter("arp", name, count, false);
    let table = stack.arp.neighbors().counts();
    let mut all = vec![gain("answered", stack.counters.arp_replies)];
    all.extend(losses("arp", stack.arp.dropped()));
    all.extend([
        gain("probes and announcements", stack.arp.claim_packets_sent()),
        gain("defences withheld: too many conflicts at once", stack.arp.defenses_suppressed()),
        gain("asked", table.requests),
        gain("entries expired", table.expired),
        gain("entries evicted", table.evicted),
        gain("resolutions failed", table.failed),
        gain("entries refused: no capacity left in the ARP cache", table.refused),
        counter("arp", "payloads given back unsent", table.returned, true),
        gain("events lost", stack.arp.events_lost()),
    ]);
    all
}

/// Returns the drop counters of a layer, one for each reason.
fn losses<R: Reason>(layer: &'static str, tally: &ReasonCounters<R>) -> Vec<Counter> {
    tally.iter().map(|(reason, count)| counter(layer, &reason.to_string(), count, true)).collect()
}

fn counter(layer: &'static str, name: &str, count: u64, is_loss: bool) -> Counter {
    Counter { layer, name: name.to_owned(), count, is_loss }
}
