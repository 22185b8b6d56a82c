use std::collections::BTreeSet;

use super::*;

const LOCAL: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const PEER: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 2), 80);

// proves: rfc6056-unique
#[test]
fn selection_tries_every_port_once_and_fails_when_none_is_free() {
    for seed in 0..20 {
        let mut tried = Vec::new();
        let selected = EphemeralPorts::new(seed).select(|port| {
            tried.push(port);
            false
        });
        assert_eq!(selected, None);
        assert_eq!(tried.len(), 28_232);
        assert_eq!(tried.into_iter().collect::<BTreeSet<_>>(), EphemeralPorts::RANGE.collect());
    }
}

// proves: rfc6056-unique
#[test]
fn only_free_port_is_selected() {
    for free in [32_768, 32_769, 45_000, 60_998, 60_999] {
        let mut ports = EphemeralPorts::new(free.into());
        assert_eq!(ports.select(|port| port == free), Some(free));
    }
}

// proves: rfc6056-unpredictable
#[test]
fn selected_ports_differ_by_seed_and_cover_range_evenly() {
    let select = |seed, count| {
        let mut ports = EphemeralPorts::new(seed);
        (0..count).filter_map(move |_| ports.select(|_| true)).collect::<Vec<_>>()
    };
    assert_eq!(select(1, 100), select(1, 100));
    assert_ne!(select(1, 100), select(2, 100));
    let mut counts = [0_u32; 8];
    for port in select(3, 8_000) {
        counts[usize::from(port - 32_768) / 3_529] += 1;
    }
    assert!(counts.iter().all(|count| (850..1_150).contains(count)), "{counts:?}");
}

// proves: rfc6056-unpredictable
#[test]
fn difference_of_consecutive_ports_is_not_constant() {
    let mut ports = EphemeralPorts::new(7);
    let selected: Vec<_> = (0..1_000).filter_map(|_| ports.select(|_| true)).collect();
    let differences: BTreeSet<_> = selected.windows(2).map(|pair| pair[1].wrapping_sub(pair[0])).collect();
    assert!(differences.len() > 900, "{} differences", differences.len());
}

// proves: rfc6056-hash, rfc6056-unique
#[test]
fn selection_for_destination_tries_every_port_once_and_continues_behind_last_port() {
    for seed in 0..20 {
        let mut ports = EphemeralPorts::new(seed);
        let mut tried = Vec::new();
        let selected = ports.select_for(LOCAL, PEER, |port| {
            tried.push(port);
            false
        });
        assert_eq!(selected, None);
        assert_eq!(tried.len(), 28_232);
        assert_eq!(tried.iter().copied().collect::<BTreeSet<_>>(), EphemeralPorts::RANGE.collect());
        // The circle is complete, so the next selections repeat the order.
        let selected: Vec<_> = (0..3).filter_map(|_| ports.select_for(LOCAL, PEER, |_| true)).collect();
        assert_eq!(selected, tried[..3]);
    }
}

// proves: rfc6056-hash
#[test]
fn ports_of_each_destination_have_their_own_order() {
    let (other_address, other_port) = (SocketAddrV4::new(LOCAL, 80), SocketAddrV4::new(*PEER.ip(), 81));
    let destinations =
        [(LOCAL, PEER), (LOCAL, other_address), (LOCAL, other_port), (Ipv4Addr::new(10, 0, 0, 3), PEER)];
    let first = |seed, (local, peer)| EphemeralPorts::new(seed).select_for(local, peer, |_| true);
    for seed in 0..20 {
        let ports: BTreeSet<_> =
            destinations.into_iter().map(|destination| first(seed, destination)).collect();
        assert_eq!(ports.len(), destinations.len(), "seed {seed}: two destinations have the same first port");
    }
    let by_seed: BTreeSet<_> = (0..100).map(|seed| first(seed, (LOCAL, PEER))).collect();
    assert!(by_seed.len() > 95, "{} first ports of 100 seeds", by_seed.len());
}

// proves: rfc6056-hash
#[test]
fn port_of_destination_is_reused_after_all_other_ports() {
    let mut ports = EphemeralPorts::new(5);
    let mut select = || ports.select_for(LOCAL, PEER, |_| true);
    let first = select();
    let others = (0..100_000).take_while(|_| select() != first).count();
    assert_eq!(others, 28_231);
}
