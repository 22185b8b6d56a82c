//! All counters of a host in one list.

use base::{Reason, ReasonCounters};

use crate::Host;
use crate::stack::Stack;

/// One counter of a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counter {
    /// The layer that counts: `link`, `arp`, `ipv4`, `icmp`, `udp` or `host`.
    pub layer: &'static str,
    /// What is counted, in words.
    pub name: String,
    /// How often it happened.
    pub count: u64,
    /// Whether it counts what was turned away or lost.
    pub is_loss: bool,
}

impl Host {
    /// Every counter there is, zeros too, lowest layer first. Those of several VLANs are added up.
    pub fn counters(&self) -> Vec<Counter> {
        let mut all: Vec<Counter> = Vec::new();
        for stack in self.stacks() {
            for counter in stack.counters() {
                match all.iter_mut().find(|other| other.layer == counter.layer && other.name == counter.name)
                {
                    Some(other) => other.count = other.count.saturating_add(counter.count),
                    None => all.push(counter),
                }
            }
        }
        all
    }
}

impl Stack {
    fn counters(&self) -> Vec<Counter> {
        let gain = |layer, name: &str, count| counter(layer, name, count, false);
        let loss = |layer, name: &str, count| counter(layer, name, count, true);
        let mut all = vec![gain("link", "accepted", self.link.accepted())];
        all.extend(losses("link", self.link.dropped()));
        all.extend(self.arp_counters());
        all.push(gain("ipv4", "accepted", self.ipv4.accepted()));
        all.extend(losses("ipv4", self.ipv4.dropped()));
        all.extend(losses("ipv4", self.ipv4.reassembly().given_up()));
        all.push(gain("ipv4", "sent", self.counts.datagrams));
        all.push(loss("ipv4", "no route", self.counts.unroutable));
        all.push(gain("icmp", "accepted", self.icmp.accepted()));
        all.extend(losses("icmp", self.icmp.dropped()));
        all.push(gain("icmp", "echo requests answered", self.counts.echoed));
        all.push(gain("icmp", "errors sent", self.counts.errors));
        all.extend(
            self.icmp
                .withheld()
                .iter()
                .map(|(reason, count)| counter("icmp", &format!("error withheld: {reason}"), count, false)),
        );
        all.extend(losses("udp", &self.udp));
        all.push(loss("host", "protocol not spoken", self.counts.unspoken));
        all.push(loss("host", "address not in use", self.counts.not_in_use));
        all.push(loss("host", "sent to another station than the destination's", self.counts.wrong_station));
        all.push(loss("host", "to many, and nobody wants it", self.counts.unwanted));
        all.extend(losses("host", &self.unsent));
        let unheard = self.counts.events_lost.saturating_add(self.ipv4.reassembly().events_lost());
        all.push(gain("host", "events lost", unheard));
        all
    }

    fn arp_counters(&self) -> Vec<Counter> {
        let gain = |name: &str, count| counter("arp", name, count, false);
        let table = self.arp.neighbors().counts();
        let mut all = vec![gain("answered", self.counts.answered)];
        all.extend(losses("arp", self.arp.dropped()));
        all.extend([
            gain("probes and announcements", self.arp.said()),
            gain("defences withheld: too many conflicts at once", self.arp.defences_withheld()),
            gain("asked", table.asked),
            gain("entries expired", table.expired),
            gain("entries evicted", table.evicted),
            gain("resolutions failed", table.failed),
            gain("entries refused: no capacity left in the ARP cache", table.refused),
            counter("arp", "payloads given back unsent", table.returned, true),
            gain("events lost", self.arp.events_lost()),
        ]);
        all
    }
}

/// What a layer turned away, reason by reason.
fn losses<R: Reason>(layer: &'static str, tally: &ReasonCounters<R>) -> Vec<Counter> {
    tally.iter().map(|(reason, count)| counter(layer, &reason.to_string(), count, true)).collect()
}

fn counter(layer: &'static str, name: &str, count: u64, is_loss: bool) -> Counter {
    Counter { layer, name: name.to_owned(), count, is_loss }
}
