//! The counters of a host as one list.

use base::{Reason, ReasonCounters};
use tcp::TcpCounters;

use crate::interface::HostInterface;
use crate::sockets::DatagramSocketKind;

/// One counter of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counter {
    /// The layer that counts: `link`, `arp`, `ipv4`, `icmp`, `udp`, `tcp` or `host`.
    pub layer: &'static str,
    /// Name for programs: an identifier in snake case, unique in its layer. The name does not change between versions.
    pub name: &'static str,
    /// Description of the counter for users.
    pub text: &'static str,
    /// The count.
    pub count: u64,
    /// Whether the counter counts dropped packets.
    pub is_loss: bool,
}

/// Returns all counters of an interface.
pub(crate) fn of_interface(interface: &HostInterface) -> Vec<Counter> {
    let own = &interface.counters;
    let mut all = vec![event("link", "accepted", "accepted", interface.link.accepted())];
    all.extend(losses("link", interface.link.dropped()));
    all.extend(of_arp(interface));
    all.push(event("ipv4", "accepted", "accepted", interface.ipv4.accepted()));
    all.extend(losses("ipv4", interface.ipv4.dropped()));
    all.extend(losses("ipv4", interface.ipv4.reassembly().failures()));
    all.push(event("ipv4", "sent", "sent", own.datagrams_sent));
    all.push(loss("ipv4", "no_route", "no route to the destination", own.no_route));
    let evicted = interface.path_mtus.evicted();
    all.push(event("ipv4", "path_mtus_evicted", "path MTUs evicted: table full", evicted));
    all.push(event("icmp", "accepted", "accepted", interface.icmp.accepted()));
    all.extend(losses("icmp", interface.icmp.dropped()));
    all.push(event("icmp", "echo_requests_sent", "echo requests sent by sockets", own.echo_requests));
    all.push(event(
        "icmp",
        "echo_replies_delivered",
        "echo replies delivered to sockets",
        own.echo_delivered,
    ));
    all.push(loss("icmp", "no_socket", "no socket for the echo reply or ICMP error", own.icmp_no_socket));
    all.extend(losses("icmp", interface.socket_dropped(DatagramSocketKind::Echo)));
    all.push(event("icmp", "failures_lost", "failures lost: failure queue full", own.failures_lost));
    all.push(event("icmp", "echo_replies_sent", "echo replies sent", own.echo_replies));
    all.push(event("icmp", "errors_sent", "errors sent", own.icmp_errors));
    let suppressed = interface.icmp.suppressed().iter();
    all.extend(suppressed.map(|(reason, count)| event("icmp", reason.name(), reason.text(), count)));
    all.push(event("udp", "delivered", "delivered to sockets", own.udp_delivered));
    all.push(event("udp", "sent", "sent by sockets", own.udp_sent));
    all.extend(losses("udp", &interface.udp_dropped));
    all.extend(losses("udp", interface.socket_dropped(DatagramSocketKind::Udp)));
    all.push(event("tcp", "accepted", "accepted", own.tcp_accepted));
    all.push(event("tcp", "sent", "sent", own.tcp_sent));
    all.push(event("tcp", "invalid_options", "invalid options ignored", own.tcp_invalid_options));
    all.extend(losses("tcp", &interface.tcp_dropped));
    all.extend([
        loss("host", "unsupported_ethertype", "unsupported EtherType", own.unsupported_ether_type),
        loss("host", "address_not_in_use", "destination address not in use", own.address_not_in_use),
        loss(
            "host",
            "wrong_destination_mac",
            "destination MAC address is of another local host",
            own.wrong_mac,
        ),
        loss("host", "no_listener", "broadcast or multicast, no listener", own.no_listener),
    ]);
    all.extend(losses("host", &interface.tx_dropped));
    all
}

/// Returns the counter of frames on ports without an interface.
pub(crate) fn no_interface(count: u64) -> Counter {
    loss("host", "no_interface", "no interface on the port", count)
}

/// Returns the counter of paths that were selected.
pub(crate) fn paths_selected(count: u64) -> Counter {
    event("host", "paths_selected", "paths selected: not in the path cache", count)
}

/// Returns the counters of the connections of a host.
pub(crate) fn of_tcp(counters: &TcpCounters) -> [Counter; 14] {
    [
        event("tcp", "active_opens", "connections opened by users", counters.active_opens),
        event("tcp", "passive_opens", "connections accepted by listeners", counters.passive_opens),
        event("tcp", "half_open_timeouts", "half-open connections timed out", counters.half_open_timeouts),
        event("tcp", "syn_ack_retransmissions", "SYN,ACK retransmitted", counters.syn_ack_retransmissions),
        event("tcp", "cookies_sent", "SYN,ACK with a cookie sent", counters.cookies_sent),
        event("tcp", "cookies_accepted", "connections established with a cookie", counters.cookies_accepted),
        event(
            "tcp",
            "time_wait_evicted",
            "connections in TIME-WAIT ended: table full",
            counters.time_wait_evicted,
        ),
        event("tcp", "time_wait_reused", "connections in TIME-WAIT replaced", counters.time_wait_reused),
        event("tcp", "orphans_reset", "closed connections reset: limit reached", counters.orphans_reset),
        event("tcp", "resets_sent", "resets sent to segments for no connection", counters.resets_sent),
        event("tcp", "resets_suppressed", "resets not sent: rate limit", counters.resets_suppressed),
        event(
            "tcp",
            "resets_lost",
            "resets of aborted connections not sent: queue full",
            counters.resets_lost,
        ),
        event("tcp", "ignored_sack_blocks", "SACK blocks ignored", counters.ignored_sack_blocks),
        event(
            "tcp",
            "unresolved_lost",
            "SYN segments that wait for a timeout instead of their next hop: list full",
            counters.unresolved_lost,
        ),
    ]
}

fn of_arp(interface: &HostInterface) -> Vec<Counter> {
    let table = interface.arp.neighbors().counts();
    let mut all = vec![event("arp", "replies_sent", "replies sent", interface.counters.arp_replies)];
    all.extend(losses("arp", interface.arp.dropped()));
    all.extend([
        event(
            "arp",
            "probes_and_announcements_sent",
            "probes and announcements sent",
            interface.arp.claim_packets_sent(),
        ),
        event(
            "arp",
            "probes_and_announcements_refused",
            "probes and announcements refused by the device",
            interface.arp.claim_packets_refused(),
        ),
        event(
            "arp",
            "defenses_suppressed",
            "address defenses not sent: rate limit of all addresses reached",
            interface.arp.defenses_suppressed(),
        ),
        event("arp", "requests_sent", "requests sent", table.requests),
        event("arp", "requests_refused", "requests refused by the device", table.requests_refused),
        event("arp", "entries_expired", "entries expired", table.expired),
        event("arp", "entries_evicted", "entries evicted", table.evicted),
        event("arp", "resolutions_failed", "resolutions failed", table.failed),
        event("arp", "table_full", "addresses not resolved: ARP cache full", table.refused),
        loss("arp", "pending_packets_dropped", "next hop not resolved", table.returned),
        event("arp", "events_lost", "events lost: event queue full", interface.arp.events_lost()),
    ]);
    all
}

/// Returns the drop counters of a layer, one for each reason.
fn losses<R: Reason>(layer: &'static str, counters: &ReasonCounters<R>) -> Vec<Counter> {
    counters.iter().map(|(reason, count)| loss(layer, reason.name(), reason.text(), count)).collect()
}

fn event(layer: &'static str, name: &'static str, text: &'static str, count: u64) -> Counter {
    Counter { layer, name, text, count, is_loss: false }
}

fn loss(layer: &'static str, name: &'static str, text: &'static str, count: u64) -> Counter {
    Counter { is_loss: true, ..event(layer, name, text, count) }
}
