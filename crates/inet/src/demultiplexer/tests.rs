use std::cell::Cell;
use std::hash::BuildHasher;
use std::net::Ipv4Addr;

use base::KeyedHash;
use proptest::prelude::*;

use super::*;

fn binding(addresses: &str, port: u16) -> Binding {
    Binding { addresses: addresses.parse().unwrap(), port }
}

fn address(text: &str) -> SocketAddrV4 {
    text.parse().unwrap()
}

/// Returns a demultiplexer with these sockets, at places from 0.
fn with(sockets: &[(Binding, Option<SocketAddrV4>)]) -> Demultiplexer {
    let mut all = Demultiplexer::new(sockets.len(), 1);
    for (place, (local, peer)) in (0..).zip(sockets) {
        all.insert(place, *local, *peer).unwrap();
    }
    all
}

// proves: udp-most-exact-binding
#[test]
fn longest_prefix_is_found_in_any_order_of_insertion() {
    let prefixes = ["0.0.0.0/0", "10.0.0.0/8", "10.0.0.0/24", "10.0.0.2/32"];
    let peer = address("10.0.0.1:9");
    for rotation in 0..4 {
        let mut sockets: Vec<_> = prefixes.iter().map(|prefix| (binding(prefix, 53), None)).collect();
        sockets.rotate_left(rotation);
        let all = with(&sockets);
        let found = |local: &str| {
            let place = all.find(address(local), peer)?;
            Some(sockets[index(place)].0.addresses.to_string())
        };
        assert_eq!(found("10.0.0.2:53").as_deref(), Some("10.0.0.2/32"));
        assert_eq!(found("10.0.0.3:53").as_deref(), Some("10.0.0.0/24"));
        assert_eq!(found("10.0.1.2:53").as_deref(), Some("10.0.0.0/8"));
        assert_eq!(found("11.0.0.2:53").as_deref(), Some("0.0.0.0/0"));
        assert_eq!(found("10.0.0.2:54"), None);
    }
}

// proves: udp-connected
#[test]
fn connected_socket_is_found_by_its_peer_only_and_precedes_others() {
    let local = binding("10.0.0.2/32", 53);
    let peer = address("10.0.0.1:4000");
    let all = with(&[(local, None), (local, Some(peer)), (binding("0.0.0.0/0", 54), Some(peer))]);
    assert_eq!(all.find(address("10.0.0.2:53"), peer), Some(1));
    for other in ["10.0.0.1:4001", "10.0.0.3:4000"] {
        assert_eq!(all.find(address("10.0.0.2:53"), address(other)), Some(0));
    }
    assert_eq!(all.find(address("10.0.0.7:54"), peer), Some(2));
    assert_eq!(all.find(address("10.0.0.7:54"), address("10.0.0.1:4001")), None);
    // The peer 0.0.0.0:0 is a peer like any other.
    let unspecified = address("0.0.0.0:0");
    let all = with(&[(local, Some(unspecified))]);
    assert_eq!(all.find(address("10.0.0.2:53"), unspecified), Some(0));
    assert_eq!(all.find(address("10.0.0.2:53"), peer), None);
}

// proves: tcp-interface
#[test]
fn socket_of_an_interface_is_found_for_packets_of_this_interface_only() {
    let (local, peer) = (binding("10.0.0.2/32", 53), address("10.0.0.1:4000"));
    let mut all = Demultiplexer::new(8, 1);
    let interfaces = [0, 1, 254, 255, 256, 511, u16::MAX].map(InterfaceId);
    for (place, interface) in (0..).zip(interfaces) {
        all.insert_on(interface, place, local, peer).unwrap();
        assert_eq!(all.insert_on(interface, 7, local, peer), Err(BindingInUse));
    }
    all.insert(7, binding("0.0.0.0/0", 53), None).unwrap();
    for (place, interface) in (0..).zip(interfaces) {
        assert_eq!(all.find_on(interface, address("10.0.0.2:53"), peer), Some(place));
        assert_eq!(all.find_on(interface, address("10.0.0.2:53"), address("10.0.0.1:4001")), Some(7));
    }
    assert_eq!(all.find_on(InterfaceId(2), address("10.0.0.2:53"), peer), Some(7));
    assert_eq!(all.find(address("10.0.0.2:53"), peer), Some(7));
    for place in 0..7 {
        all.remove(place);
    }
    assert_eq!((all.bound.in_use, all.connected.in_use), (1 << 32, 0));
}

#[test]
fn same_binding_is_refused_and_changes_nothing() {
    let local = binding("10.0.0.0/24", 53);
    let peer = address("10.0.0.1:4000");
    let mut all = Demultiplexer::new(8, 1);
    all.insert(0, local, None).unwrap();
    all.insert(1, local, Some(peer)).unwrap();
    assert_eq!(all.insert(2, local, None), Err(BindingInUse));
    // Host bits are ignored.
    assert_eq!(all.insert(2, binding("10.0.0.9/24", 53), None), Err(BindingInUse));
    assert_eq!(all.insert(2, local, Some(peer)), Err(BindingInUse));
    assert_eq!(
        all.insert(0, binding("10.0.0.0/24", 54), None),
        Err(BindingInUse),
        "a place has two bindings"
    );
    assert_eq!(
        all.insert(8, binding("10.0.0.0/24", 54), None),
        Err(BindingInUse),
        "a place is out of bounds"
    );
    assert!(contains(&all, binding("10.0.0.9/24", 53), None));
    assert!(!contains(&all, binding("10.0.0.0/24", 54), None));
    for other in ["10.0.0.0/25", "10.0.0.0/23", "10.0.0.0/32", "0.0.0.0/0"] {
        assert!(!contains(&all, binding(other, 53), None));
    }
    all.insert(2, binding("10.0.0.0/25", 53), None).unwrap();
    all.remove(0);
    all.remove(0);
    all.remove(7);
    all.remove(8);
    assert_eq!(all.find(address("10.0.0.200:53"), address("10.0.0.1:4001")), None);
    all.insert(3, local, None).unwrap();
    assert_eq!(all.find(address("10.0.0.200:53"), address("10.0.0.1:4001")), Some(3));
    assert_eq!(format!("{all:?}"), "Demultiplexer(3 sockets)");
}

#[test]
fn prefix_length_is_searched_only_while_a_binding_has_it() {
    let mut all = Demultiplexer::new(3, 1);
    assert_eq!((all.bound.in_use, all.connected.in_use), (0, 0));
    all.insert(0, binding("10.0.0.0/24", 1), None).unwrap();
    all.insert(1, binding("10.0.0.0/24", 2), None).unwrap();
    all.insert(2, binding("10.0.0.2/32", 1), Some(address("10.0.0.1:1"))).unwrap();
    assert_eq!((all.bound.in_use, all.connected.in_use), (1 << 8, 1));
    all.remove(0);
    assert_eq!((all.bound.in_use, all.connected.in_use), (1 << 8, 1));
    all.remove(1);
    all.remove(2);
    assert_eq!((all.bound.in_use, all.connected.in_use), (0, 0));
}

/// Returns how many cells of the index a lookup of each of these peers reads, on average, with one connected socket for
/// each peer.
fn cells_per_lookup(seed: u64, peers: &[SocketAddrV4]) -> f64 {
    let local = binding("10.0.0.2/32", 80);
    let mut all = Demultiplexer::new(peers.len(), seed);
    for (place, peer) in (0..).zip(peers) {
        all.insert(place, local, Some(*peer)).unwrap();
    }
    let reads = Cell::new(0_u32);
    for (place, peer) in (0..).zip(peers) {
        let key = key_of(local, Some((*peer, ANY_INTERFACE)));
        let is_match = |other| {
            reads.set(reads.get() + 1);
            other == place
        };
        assert_eq!(all.index.find(hashed(key), is_match), Some(place));
        assert_eq!(all.find(address("10.0.0.2:80"), *peer), Some(place));
    }
    f64::from(reads.get()) / f64::from(u32::try_from(peers.len()).unwrap())
}

// proves: socket-hash-keyed, tcp-hash-keyed
#[test]
fn colliding_keys_cost_no_more_than_random_ones_under_another_seed() {
    // 512 peers that share one of 1,024 cells under seed 1.
    let cells = 1_024;
    let local = binding("10.0.0.2/32", 80);
    let home = |peer: &SocketAddrV4| {
        KeyedHash::new(1).hash_one(hashed(key_of(local, Some((*peer, ANY_INTERFACE))))) >> 32 & (cells - 1)
    };
    let candidates = (0..).map(|number: u32| {
        let [a, b, port @ ..] = number.to_be_bytes();
        SocketAddrV4::new(Ipv4Addr::new(192, 0, a, b), u16::from_be_bytes(port))
    });
    let colliding: Vec<_> = candidates.filter(|peer| home(peer) == 7).take(512).collect();
    assert!(cells_per_lookup(1, &colliding) > 200.0, "the keys do not collide under their own seed");
    for seed in 2..50 {
        let cells = cells_per_lookup(seed, &colliding);
        assert!(cells < 2.0, "seed {seed}: {cells} cells");
    }
}

#[test]
fn patterns_of_addresses_and_ports_cost_no_more_than_random_ones() {
    let peer = |number: u32, address_step: u32, port_step: u32| {
        let port = u16::try_from(1_024 + number.wrapping_mul(port_step) % 60_000).unwrap();
        SocketAddrV4::new(Ipv4Addr::from_bits(0x0a00_0000 + number.wrapping_mul(address_step)), port)
    };
    for seed in 0..8 {
        for steps in [(0, 1), (1, 0), (1, 1), (256, 1), (65_536, 2), (1 << 16, 1), (257, 59)] {
            let peers: Vec<_> = (0..512).map(|number| peer(number, steps.0, steps.1)).collect();
            let cells = cells_per_lookup(seed, &peers);
            assert!(cells < 2.0, "seed {seed}, {steps:?}: {cells} cells");
        }
    }
}

/// A demultiplexer that compares all sockets.
#[derive(Default)]
struct Model(Vec<(Place, Binding, Option<SocketAddrV4>)>);

impl Model {
    fn insert(
        &mut self,
        place: Place,
        local: Binding,
        peer: Option<SocketAddrV4>,
    ) -> Result<(), BindingInUse> {
        let local = Binding { addresses: local.addresses.trunc(), ..local };
        if self.0.iter().any(|other| other.0 == place || (other.1, other.2) == (local, peer)) {
            return Err(BindingInUse);
        }
        self.0.push((place, local, peer));
        Ok(())
    }

    fn find(&self, local: SocketAddrV4, peer: SocketAddrV4) -> Option<Place> {
        let is_match = |(_, binding, other): &&(Place, Binding, Option<SocketAddrV4>)| {
            binding.addresses.contains(local.ip())
                && binding.port == local.port()
                && other.is_none_or(|other| other == peer)
        };
        let best = |(_, binding, other): &&(Place, Binding, Option<SocketAddrV4>)| {
            (other.is_some(), binding.addresses.prefix_len())
        };
        self.0.iter().filter(is_match).max_by_key(best).map(|(place, ..)| *place)
    }
}

/// An address of a few, so that bindings overlap.
fn few_addresses() -> impl Strategy<Value = Ipv4Addr> {
    prop_oneof![
        (0..4_u32).prop_map(|last| Ipv4Addr::from_bits(0x0a00_0000 | last)),
        (0..32_u32).prop_map(|bit| Ipv4Addr::from_bits(0x0a00_0000 ^ (1 << bit))),
    ]
}

fn few_peers() -> impl Strategy<Value = SocketAddrV4> {
    (few_addresses(), 0..3_u16).prop_map(|(address, port)| SocketAddrV4::new(address, port))
}

fn few_bindings() -> impl Strategy<Value = Binding> {
    (few_addresses(), prop_oneof![Just(0), Just(24), Just(31), Just(32), 0..=32_u8], 0..3_u16).prop_map(
        |(address, length, port)| Binding { addresses: Ipv4Net::new(address, length).unwrap(), port },
    )
}

/// Returns whether a socket has this binding and this peer.
fn contains(all: &Demultiplexer, local: Binding, peer: Option<SocketAddrV4>) -> bool {
    all.find_key(key_of(local, peer.map(|peer| (peer, ANY_INTERFACE)))).is_some()
}

/// A call of a demultiplexer.
#[derive(Clone, Debug)]
enum Call {
    Insert(Place, Binding, Option<SocketAddrV4>),
    Remove(Place),
    Find(SocketAddrV4, SocketAddrV4),
}

fn calls() -> impl Strategy<Value = Call> {
    prop_oneof![
        2 => (0..34_u32, few_bindings(), proptest::option::of(few_peers()))
            .prop_map(|(place, local, peer)| Call::Insert(place, local, peer)),
        1 => (0..34_u32).prop_map(Call::Remove),
        4 => (few_peers(), few_peers()).prop_map(|(local, peer)| Call::Find(local, peer)),
    ]
}

proptest! {
    // proves: udp-most-exact-binding, udp-connected
    #[test]
    fn demultiplexer_agrees_with_comparison_of_all_sockets(
        seed in any::<u64>(),
        calls in proptest::collection::vec(calls(), 0..120),
    ) {
        // The model has no bound: the places 32 and 33 are outside the demultiplexer.
        let (mut all, mut model) = (Demultiplexer::new(32, seed), Model::default());
        for call in calls {
            match call {
                Call::Insert(place @ 32.., local, peer) => {
                    prop_assert_eq!(all.insert(place, local, peer), Err(BindingInUse));
                }
                Call::Insert(place, local, peer) => {
                    let truncated = Binding { addresses: local.addresses.trunc(), ..local };
                    let exists = model.0.iter().any(|other| (other.1, other.2) == (truncated, peer));
                    prop_assert_eq!(contains(&all, local, peer), exists);
                    prop_assert_eq!(all.insert(place, local, peer), model.insert(place, local, peer));
                }
                Call::Remove(place) => {
                    all.remove(place);
                    model.0.retain(|other| other.0 != place);
                }
                Call::Find(local, peer) => prop_assert_eq!(all.find(local, peer), model.find(local, peer)),
            }
        }
        for (place, local, peer) in model.0 {
            prop_assert!(contains(&all, local, peer));
            all.remove(place);
            prop_assert!(!contains(&all, local, peer));
        }
        prop_assert_eq!((all.bound.in_use, all.connected.in_use), (0, 0));
    }
}
