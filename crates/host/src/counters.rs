//! All counters of a host in one list.

use crate::Host;

/// One counter of a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counter {
    /// The layer that counts: `link`, `arp` or `host`.
    pub layer: &'static str,
    /// What is counted, in words.
    pub name: String,
    /// How often it happened.
    pub count: u64,
    /// Whether it counts what was turned away or lost.
    pub is_loss: bool,
}

impl Host {
    /// Every counter there is, zeros too, lowest layer first.
    pub fn counters(&self) -> Vec<Counter> {
        let gain = |layer, name: &str, count| counter(layer, name, count, false);
        let loss = |layer, name: &str, count| counter(layer, name, count, true);
        let (link, arp) = (self.link(), self.arp());
        let mut all = vec![gain("link", "accepted", link.accepted())];
        all.extend(link.dropped().iter().map(|(reason, count)| loss("link", &reason.to_string(), count)));
        all.push(gain("arp", "answered", self.answered()));
        all.extend(arp.dropped().iter().map(|(reason, count)| loss("arp", &reason.to_string(), count)));
        let table = arp.neighbours().counts();
        all.push(gain("arp", "probes and announcements", arp.said()));
        all.push(gain("arp", "asked", table.asked));
        all.push(gain("arp", "entries expired", table.expired));
        all.push(gain("arp", "entries evicted", table.evicted));
        all.push(gain("arp", "resolutions failed", table.failed));
        all.push(gain("arp", "entries refused: the translation table is full", table.refused));
        all.push(loss("arp", "payloads given back unsent", table.returned));
        all.push(gain("arp", "events lost", arp.events_lost()));
        all.push(loss("host", "protocol not spoken", self.unspoken()));
        all.push(loss("host", "no address in use", self.addressless()));
        all.push(loss("host", "too many frames wait for the wire", self.congested()));
        all
    }
}

fn counter(layer: &'static str, name: &str, count: u64, is_loss: bool) -> Counter {
    Counter { layer, name: name.to_owned(), count, is_loss }
}
