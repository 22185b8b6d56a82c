//! SYNs with forged sources behind a gateway.

use super::*;
use crate::path_cache::PathCache;

const FIRST: inet::InterfaceId = inet::InterfaceId(0);
const GATEWAY: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 6);
const GATEWAY_MAC: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 6]);
const OTHER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 7);
const OTHER_MAC: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 7]);

/// Returns a host with a listener on port 80, two neighbors, and the first of them as its gateway.
fn host_with_gateway() -> TestHost {
    let mut host = TestHost::with_known_peer();
    for (ip, mac) in [(GATEWAY, GATEWAY_MAC), (OTHER, OTHER_MAC)] {
        host.host.add_static(NOW, ip, mac).unwrap();
    }
    host.host.add_gateway(GATEWAY.into()).unwrap();
    host.host.listen_tcp(&at_port(80)).unwrap();
    host
}

/// Returns the frame of a SYN from a forged source.
fn forged_syn(number: u32) -> Vec<u8> {
    let source = Ipv4Addr::from_bits(0xc612_0000 + number);
    let peer = Peer { address: SocketAddrV4::new(source, PEER_PORT), ..Peer::new(PEER_PORT, 80) };
    peer.frame(Flags::SYN, b"")
}

/// Sends SYNs from forged sources. Checks that each is answered, and returns the destination MAC address of all answers.
fn answers_to(host: &mut TestHost, numbers: std::ops::Range<u32>) -> MacAddr {
    let syns: Vec<_> = numbers.map(forged_syn).collect();
    let answers = host.exchange(&syns);
    assert_eq!(answers.len(), syns.len(), "a SYN has no answer, or several answers");
    assert!(sent(&answers).iter().all(|sent| sent.segment.flags == Flags::SYN | Flags::ACK));
    let to = MacAddr::new(*answers[0].first_chunk().unwrap());
    assert!(answers.iter().all(|frame| frame[..6] == to.bytes()), "the answers have several destinations");
    to
}

// proves: path-cache-flood
#[test]
fn answers_to_forged_sources_store_only_the_path_to_the_gateway() {
    let mut host = host_with_gateway();
    let before = host.count("host", "paths_selected");
    // The first SYNs become half-open connections, and cookies answer the others.
    let count = u32::try_from(3 * PathCache::CAPACITY).unwrap();
    for first in (0..count).step_by(32) {
        assert_eq!(answers_to(&mut host, first..first + 32), GATEWAY_MAC);
    }
    assert!(host.count("tcp", "cookies_sent") > 1_024, "the listener has sent few cookies");
    assert_eq!(host.count("host", "paths_selected"), before + 1);
}

// proves: path-cache-flood
#[test]
fn repeated_answers_to_forged_sources_store_no_path() {
    let mut host = host_with_gateway();
    assert_eq!(answers_to(&mut host, 0..32), GATEWAY_MAC);
    let before = host.count("host", "paths_selected");
    let repeated = host.advance(Duration::from_millis(1_500));
    assert_eq!(repeated.len(), 32, "a SYN,ACK is not repeated");
    assert!(
        repeated.iter().all(|frame| frame[..6] == GATEWAY_MAC.bytes()),
        "a SYN,ACK has another destination"
    );
    assert_eq!(host.count("host", "paths_selected"), before, "a repeated SYN,ACK has stored a path");
}

// proves: path-cache-flood
#[test]
fn answers_to_forged_sources_through_the_next_gateway_store_no_path() {
    let mut host = TestHost::with_known_peer();
    host.host.add_static(NOW, OTHER, OTHER_MAC).unwrap();
    for gateway in [GATEWAY, OTHER] {
        host.host.add_gateway(gateway.into()).unwrap();
    }
    host.host.listen_tcp(&at_port(80)).unwrap();
    let before = host.count("host", "paths_selected");
    let syns: Vec<_> = (0..8).map(forged_syn).collect();
    let mut answers = host.exchange(&syns);
    answers.extend(host.advance(Duration::from_secs(10)));
    answers.retain(|frame| frame[..6] == OTHER_MAC.bytes());
    assert!(answers.len() >= syns.len(), "the next gateway has received {} answers", answers.len());
    let selected = host.count("host", "paths_selected") - before;
    assert!(selected <= 2, "more than the paths to the gateways are stored: {selected}");
}

// proves: path-cache-flood
#[test]
fn answer_to_a_neighbor_stores_no_path() {
    let mut host = host_with_gateway();
    let before = host.count("host", "paths_selected");
    let answers = host.exchange(&[Peer::new(PEER_PORT, 80).frame(Flags::SYN, b"")]);
    assert_eq!(answers.len(), 1);
    assert_eq!(host.count("host", "paths_selected"), before);
}

// proves: path-cache-flood
#[test]
fn reset_of_aborted_connection_stores_no_path() {
    let (mut host, _, id) = TestHost::connected();
    let before = host.count("host", "paths_selected");
    host.host.abort_tcp(host.now, id, &mut host.pool);
    let [reset] = &sent(&host.exchange(&[]))[..] else { panic!("not one reset") };
    assert_eq!(reset.segment.flags, Flags::RST | Flags::ACK);
    assert_eq!(host.count("host", "paths_selected"), before, "a reset has stored a path");
}

// proves: path-cache-flood, path-cache-generations
#[test]
fn answers_follow_the_route() {
    let mut host = host_with_gateway();
    assert_eq!(answers_to(&mut host, 0..2), GATEWAY_MAC);
    host.host.remove_route("0.0.0.0/0".parse().unwrap(), FIRST).unwrap();
    host.host.add_gateway(OTHER.into()).unwrap();
    assert_eq!(answers_to(&mut host, 0..2), OTHER_MAC);
    host.host.add_route("198.18.0.0/15".parse().unwrap(), GATEWAY.into()).unwrap();
    assert_eq!(answers_to(&mut host, 0..2), GATEWAY_MAC);
}
