//! Hosts configured with the same address.

use std::time::Duration;

use arp::Defense::{Always, Cease, Once};
use arp::{Defense, StartMode};
use host::HostConfig;
use proptest::prelude::*;
use sim::{Faults, NodeId, RecordedFrame, Segment};
use tap::Instant;

use super::properties::faults;
use super::{SECOND, TEST, at, config, ip, mac, segment};

/// Last byte of the contended address.
const ADDRESS: u8 = 2;

/// A host that uses the contended address.
#[derive(Clone, Debug)]
struct Contender {
    start: StartMode,
    defense: Defense,
    /// Start time of the host, in milliseconds.
    start_ms: u64,
}

fn contenders() -> impl Strategy<Value = Vec<Contender>> {
    let start = prop::sample::select(vec![StartMode::Immediate, StartMode::Announce, StartMode::Probe]);
    let contender = (start, prop::sample::select(vec![Cease, Once, Always]), 0_u64..20_000)
        .prop_map(|(start, defense, start_ms)| Contender { start, defense, start_ms });
    prop::collection::vec(contender, 2..4)
}

/// Runs the contenders for 90 seconds, with faults during the first 30 seconds. Each contender sends to a further
/// address every second, because hosts that have sent all their announcements would not detect the conflict.
fn compete(contenders: &[Contender], faults: Faults) -> (Segment, Vec<NodeId>) {
    let mut segment = segment(faults);
    let nodes: Vec<NodeId> = (10..)
        .zip(contenders)
        .map(|(last, Contender { start, defense, .. })| {
            let config = HostConfig { mac: mac(last), start: *start, defense: *defense, ..config(ADDRESS) };
            let node = segment.add(&config).unwrap();
            segment.stop(node);
            node
        })
        .collect();
    // Time in milliseconds, contender, and the destination of a payload. Without a destination, the contender starts.
    let mut timeline: Vec<(u64, usize, Option<u8>)> = Vec::new();
    for (index, contender) in contenders.iter().enumerate() {
        timeline.push((contender.start_ms, index, None));
        let sends = (0_u8..90).map(|second| (u64::from(second) * 1_000 + [0, 137, 611][index], second));
        timeline.extend(sends.map(|(millis, second)| (millis, index, Some(100 + second))));
    }
    timeline.push((30_000, usize::MAX, None));
    timeline.sort_unstable();
    for (millis, index, destination) in timeline {
        segment.run_until(at(Duration::from_millis(millis))).unwrap();
        match (nodes.get(index), destination) {
            (None, _) => segment.set_faults(Faults::NONE),
            (Some(node), None) => segment.start(*node).unwrap(),
            (Some(node), Some(last)) => drop(segment.send(*node, ip(last), TEST, b"")),
        }
    }
    (segment, nodes)
}

/// Returns the times at which a host announced the address.
fn announcements(captured: &[RecordedFrame], node: NodeId) -> Vec<Instant> {
    let is_one = |frame: &&RecordedFrame| {
        frame.from == node
            && frame.arp().is_some_and(|fields| {
                let own_ip = ip(ADDRESS);
                (fields.sender_protocol, fields.target_protocol) == (own_ip, own_ip)
            })
    };
    captured.iter().filter(is_one).map(|frame| frame.at).collect()
}

proptest! {
    // proves: rfc5227-cease, rfc5227-once, rfc5227-always, rfc5227-defend-interval, rfc5227-given-up
    #[test]
    fn at_most_one_host_keeps_address_unless_all_always_defend(
        contenders in contenders(),
        faults in faults(),
    ) {
        let (mut segment, nodes) = compete(&contenders, faults);
        let defenses: Vec<Defense> = contenders
            .iter()
            .zip(&nodes)
            .filter(|(_, node)| segment.host(**node).unwrap().address().is_some())
            .map(|(contender, _)| contender.defense)
            .collect();
        prop_assert!(defenses.len() <= 1 || defenses.iter().all(|defense| *defense == Always), "{:?}", defenses);
        let captured = segment.take_captured();
        for node in nodes {
            let host = segment.host(node).unwrap();
            prop_assert_eq!(host.address().is_none(), host.ceased().is_some());
            // Two announcements at the start, then at most one in ten seconds.
            let announced = announcements(&captured, node);
            let burst = announced.windows(4).find(|four| four[3].since(four[0]) < 10 * SECOND);
            prop_assert!(burst.is_none(), "{:?}", burst);
        }
    }
}

/// Returns a contender that starts at this second.
fn contender(start: StartMode, defense: Defense, second: u64) -> Contender {
    Contender { start, defense, start_ms: second * 1_000 }
}

// proves: rfc5227-probe-conflict
#[test]
fn first_host_keeps_address_when_second_probes() {
    for defense in [Cease, Once, Always] {
        let contenders = [contender(StartMode::Probe, defense, 0), contender(StartMode::Probe, defense, 15)];
        let (segment, nodes) = compete(&contenders, Faults::NONE);
        let keeps = |index: usize| segment.host(nodes[index]).unwrap().address().is_some();
        assert_eq!((keeps(0), keeps(1)), (true, false), "{defense:?}");
    }
}

// proves: rfc5227-always, rfc5227-defend-interval
#[test]
fn defenses_are_rate_limited_when_all_hosts_always_defend() {
    let contenders = [
        contender(StartMode::Announce, Always, 0),
        contender(StartMode::Announce, Always, 0),
        contender(StartMode::Announce, Always, 1),
    ];
    let (mut segment, nodes) = compete(&contenders, Faults::NONE);
    let captured = segment.take_captured();
    for node in nodes {
        assert!(segment.host(node).unwrap().address().is_some());
        let count = announcements(&captured, node).len();
        assert!(
            (9..=11).contains(&count),
            "expected two announcements, then one per ten seconds for 90 seconds, not {count}"
        );
    }
}
