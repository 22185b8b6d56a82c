use std::collections::HashSet;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use super::*;
use crate::Operation;
use address::AddressState;
use proptest::prelude::*;

const MAC: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 2]);
const PEER_MAC: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 1]);
const SECOND: Duration = Duration::from_secs(1);

/// The selection of an address, and the table of the only host.
struct Host {
    link_local: LinkLocal,
    table: AddressTable,
}

impl Host {
    fn new(now: Instant, mac: MacAddr, defense: Defense, seed: u64) -> Host {
        Host::with_table(AddressTable::default(), now, mac, defense, seed)
    }

    /// Returns a host on the segment of other local hosts.
    fn with_table(mut table: AddressTable, now: Instant, mac: MacAddr, defense: Defense, seed: u64) -> Host {
        Host { link_local: LinkLocal::new(now, &mut table, mac, defense, seed), table }
    }
}

impl Deref for Host {
    type Target = LinkLocal;

    fn deref(&self) -> &LinkLocal {
        &self.link_local
    }
}

impl DerefMut for Host {
    fn deref_mut(&mut self) -> &mut LinkLocal {
        &mut self.link_local
    }
}

fn at(seconds: u64) -> Instant {
    Instant::from_nanos(seconds * 1_000_000_000)
}

fn receive(host: &mut Host, now: Instant, fields: PacketFields) -> Option<ClaimEvent> {
    let mut bytes = [0; PacketFields::LENGTH];
    fields.write_to(&mut bytes).unwrap();
    host.link_local.receive(now, &mut host.table, Packet::parse(&bytes).unwrap())
}

/// Returns an announcement of the address by another host.
fn other_user(ip: Ipv4Addr) -> PacketFields {
    PacketFields {
        operation: Operation::REQUEST,
        sender_hardware: PEER_MAC,
        sender_protocol: ip,
        target_hardware: MacAddr::ZERO,
        target_protocol: ip,
    }
}

fn drain(host: &mut Host, now: Instant) -> Vec<PacketFields> {
    let due: Vec<_> = std::iter::from_fn(|| host.link_local.poll(now, &mut host.table)).take(10).collect();
    assert!(due.len() < 10, "more than 10 packets are due at {now:?}");
    due
}

/// Polls at each deadline until no action is scheduled. Returns the time of the last poll.
fn run(host: &mut Host) -> Instant {
    let mut now = Instant::ORIGIN;
    for _ in 0..20 {
        let Some(deadline) = host.deadline() else {
            return now;
        };
        now = deadline;
        drain(host, now);
    }
    panic!("more than 20 deadlines");
}

/// Returns the candidates of a station when each has a conflict as soon as it is selected.
fn candidates(mac: MacAddr, seed: u64, count: u64) -> Vec<Ipv4Addr> {
    let mut host = Host::new(at(0), mac, Defense::Once, seed);
    (1..=count)
        .map(|turn| {
            let candidate = host.candidate();
            let now = at(100 * turn);
            receive(&mut host, now, other_user(candidate)).unwrap();
            drain(&mut host, now);
            candidate
        })
        .collect()
}

#[test]
fn link_local_binds_first_candidate_without_conflict() {
    let mut host = Host::new(at(0), MAC, Defense::Once, 1);
    let mut sent = Vec::new();
    let mut addresses = Vec::new();
    for _ in 0..5 {
        let now = host.deadline().unwrap();
        sent.extend(drain(&mut host, now));
        addresses.push(host.address());
    }
    assert_eq!(host.deadline(), None);
    let local = host.candidate();
    let senders: Vec<_> = sent.iter().map(|fields| fields.sender_protocol).collect();
    let none = Ipv4Addr::UNSPECIFIED;
    assert_eq!(senders, [none, none, none, local, local]);
    assert_eq!(addresses, [None, None, None, Some(local), Some(local)]);
    assert!(sent.iter().all(|fields| (fields.sender_hardware, fields.target_protocol) == (MAC, local)));
    assert_eq!(host.take_event(), Some(ClaimEvent::Bound { ip: local, mac: MAC }));
    assert_eq!((host.take_event(), host.conflicts), (None, 0));
}

// proves: rfc3927-range
#[test]
fn candidates_cover_prefix_except_first_and_last_256_addresses() {
    let mut random = Random::new(1);
    let mut drawn = vec![false; 0x1_0000];
    for _ in 0..1_500_000 {
        let [169, 254, high, low] = draw(&mut random).octets() else {
            panic!("another prefix");
        };
        drawn[usize::from(high) * 256 + usize::from(low)] = true;
    }
    let expected: Vec<bool> = (0..0x1_0000).map(|index| (0x100..=0xfeff).contains(&index)).collect();
    assert!(drawn == expected);
}

// proves: rfc3927-seed
#[test]
fn candidates_depend_on_mac_only() {
    assert_eq!(candidates(MAC, 1, 20), candidates(MAC, 2, 20));
    let first: HashSet<_> = (0..100).map(|step| candidates(MAC.plus(step).unwrap(), 1, 1)[0]).collect();
    assert!(first.len() >= 99, "{}", first.len());
    // Each byte of the MAC address changes the candidate.
    let mut bytes = MAC.bytes();
    for place in 0..6 {
        bytes[place] ^= 0x10;
        assert_ne!(candidates(MacAddr::new(bytes), 1, 1), candidates(MAC, 1, 1));
        bytes[place] ^= 0x10;
    }
}

#[test]
fn probe_delays_depend_on_seed_and_not_on_previous_candidate() {
    let deadlines: HashSet<_> =
        (0..100).map(|seed| Host::new(at(0), MAC, Defense::Once, seed).deadline()).collect();
    assert_eq!(deadlines.len(), 100);
    let mut host = Host::new(at(0), MAC, Defense::Once, 1);
    let first = host.deadline();
    let candidate = host.candidate();
    receive(&mut host, at(0), other_user(candidate));
    assert_ne!(host.deadline(), first);
}

// proves: rfc3927-next
#[test]
fn probe_conflict_selects_next_candidate_at_once() {
    let mut host = Host::new(at(0), MAC, Defense::Once, 1);
    let first = host.candidate();
    let event = ClaimEvent::ProbeConflict { ip: first, mac: PEER_MAC };
    assert_eq!(receive(&mut host, at(1), other_user(first)), Some(event));
    assert_eq!(host.conflicts, 1);
    let second = host.candidate();
    assert_ne!(second, first);
    assert!(host.deadline().unwrap() <= at(2));
    run(&mut host);
    assert_eq!(host.address(), Some(second));
}

// proves: rfc3927-once, rfc3927-next
#[test]
fn link_local_defends_once_then_selects_next_candidate() {
    let mut host = Host::new(at(0), MAC, Defense::Once, 1);
    let now = run(&mut host) + 100 * SECOND;
    let first = host.address().unwrap();
    host.take_event();

    let event = ClaimEvent::Defended { ip: first, mac: PEER_MAC };
    assert_eq!(receive(&mut host, now, other_user(first)), Some(event));
    assert_eq!(drain(&mut host, now), [PacketFields { sender_hardware: MAC, ..other_user(first) }]);
    assert_eq!((host.address(), host.conflicts), (Some(first), 0));

    let event = ClaimEvent::Ceased { ip: first, mac: PEER_MAC };
    assert_eq!(receive(&mut host, now, other_user(first)), Some(event));
    assert_eq!((host.address(), host.conflicts), (None, 1));
    assert_ne!(host.candidate(), first);
    run(&mut host);
    assert_eq!(host.address(), Some(host.candidate()));
    assert_eq!(host.take_event(), Some(ClaimEvent::Bound { ip: host.candidate(), mac: MAC }));
}

// proves: rfc5227-rate
#[test]
fn candidates_are_rate_limited_after_ten_conflicts() {
    let expected = candidates(MAC, 1, 20);
    let mut host = Host::new(at(0), MAC, Defense::Once, 1);
    let mut selections = vec![at(0)];
    let mut now = at(0);
    for _ in 0..50 {
        if selections.len() == 15 {
            break;
        }
        now = host.deadline().unwrap();
        if !drain(&mut host, now).is_empty() {
            // Another host answers each probe.
            let candidate = host.candidate();
            receive(&mut host, now, other_user(candidate)).unwrap();
        }
        if host.candidate() != expected[selections.len() - 1] {
            selections.push(now);
        }
    }
    assert_eq!(selections.len(), 15);
    let gaps: Vec<_> = selections.windows(2).map(|pair| pair[1].since(pair[0])).collect();
    // Each of the first nine conflicts selects a new address immediately. After later conflicts, the selection waits a
    // minute.
    assert!(gaps[..9].iter().all(|gap| *gap <= SECOND), "{gaps:?}");
    assert!(gaps[9..].iter().all(|gap| *gap == RATE_LIMIT_INTERVAL), "{gaps:?}");
    assert!(now < at(10 * 60));
}

// proves: rfc5227-rate
#[test]
fn link_local_sends_nothing_and_has_no_address_while_rate_limited() {
    let mut host = Host::new(at(0), MAC, Defense::Once, 1);
    for turn in 1..=10 {
        let candidate = host.candidate();
        receive(&mut host, at(0), other_user(candidate)).unwrap();
        assert_eq!(host.conflicts, turn);
    }
    let last = host.candidate();
    assert_eq!((host.address(), host.claimed(), host.deadline()), (None, None, Some(at(60))));
    assert_eq!(receive(&mut host, at(1), other_user(last)), None);
    assert_eq!(host.conflicts, 10);
    assert_eq!(drain(&mut host, at(59)), []);
    assert_eq!(host.candidate(), last);
    drain(&mut host, at(60));
    assert_ne!(host.candidate(), last);
    assert_eq!(host.claimed(), Some(host.candidate()));
}

#[test]
fn long_kept_address_is_replaced_at_once() {
    let mut host = Host::new(at(0), MAC, Defense::Once, 1);
    for _ in 0..9 {
        let candidate = host.candidate();
        receive(&mut host, at(0), other_user(candidate)).unwrap();
    }
    run(&mut host);
    let kept = host.address().unwrap();
    let now = at(1_000);
    receive(&mut host, now, other_user(kept));
    receive(&mut host, now, other_user(kept));
    drain(&mut host, now);
    assert_ne!(host.candidate(), kept);
    assert!(host.deadline().unwrap() <= now + SECOND);
}

// proves: many-link-local
#[test]
fn candidate_is_no_address_of_another_local_host() {
    let first = Host::new(at(0), MAC, Defense::Once, 1).candidate();
    let mut table = AddressTable::default();
    table.add(AddressRange { first, last: first, mac: PEER_MAC, prefix: 16 }).unwrap();
    let mut host = Host::with_table(table, at(0), MAC, Defense::Once, 1);
    let second = host.candidate();
    assert_ne!(second, first);
    assert_eq!(host.table.state(second), Some(AddressState::Tentative));
    // A conflict removes the candidate from the table, and adds the next.
    receive(&mut host, at(1), other_user(second)).unwrap();
    assert_eq!((host.table.state(second), host.table.mac_of(first)), (None, Some(PEER_MAC)));
    assert_eq!(host.table.state(host.candidate()), Some(AddressState::Tentative));
}

#[test]
fn selection_is_repeated_each_minute_when_all_addresses_are_local() {
    let mut table = AddressTable::default();
    let (first, last) = (LINK_LOCAL.network(), LINK_LOCAL.broadcast());
    table.add(AddressRange { first, last, mac: MacAddr::new([2, 1, 0, 0, 0, 0]), prefix: 32 }).unwrap();
    let mut host = Host::with_table(table, at(0), MAC, Defense::Once, 1);
    assert_eq!((host.claimed(), host.deadline()), (None, Some(at(60))));
    assert!(drain(&mut host, at(60)).is_empty());
    assert_eq!((host.claimed(), host.deadline()), (None, Some(at(120))));
    (0x0100..0xff00).for_each(|low| host.table.remove((0xa9fe_0000 + low).into()));
    drain(&mut host, at(120));
    assert!(host.claimed().is_some());
}

/// Returns arbitrary times: near the end of the range, anywhere, or in the first five minutes.
fn instant() -> impl Strategy<Value = Instant> {
    prop_oneof![
        (0_u64..100).prop_map(|before| Instant::from_nanos(u64::MAX - before)),
        any::<u64>().prop_map(Instant::from_nanos),
        (0_u64..300_000).prop_map(|millis| at(0) + Duration::from_millis(millis)),
    ]
}

proptest! {
    #[test]
    fn poll_terminates_for_arbitrary_packets_and_clock(
        seed: u64,
        start in instant(),
        steps in prop::collection::vec((instant(), any::<bool>(), any::<[u8; 28]>()), 0..60),
    ) {
        let mut host = Host::new(start, MAC, Defense::Once, seed);
        for (now, is_conflict, bytes) in steps {
            if is_conflict {
                let candidate = host.candidate();
                receive(&mut host, now, other_user(candidate));
            } else if let Ok(packet) = Packet::parse(&bytes) {
                host.link_local.receive(now, &mut host.table, packet);
            }
            drain(&mut host, now);
            prop_assert!(host.deadline().is_none_or(|deadline| deadline > now));
            prop_assert!(host.address().is_none_or(|address| address == host.candidate()));
        }
    }

    // proves: rfc5227-rate
    #[test]
    fn candidates_are_one_per_minute_at_most_after_ten_conflicts(
        seed: u64,
        pauses in prop::collection::vec(0_u64..40_000, 0..60),
    ) {
        let mut host = Host::new(at(0), MAC, Defense::Once, seed);
        let mut selections = vec![(at(0), host.candidate())];
        let mut now = at(0);
        for pause in pauses {
            receive(&mut host, now, other_user(selections[selections.len() - 1].1));
            for pause in [0, pause] {
                now = now + Duration::from_millis(pause);
                drain(&mut host, now);
                if host.candidate() != selections[selections.len() - 1].1 {
                    selections.push((now, host.candidate()));
                }
            }
        }
        for pair in selections.windows(2).skip(9) {
            prop_assert!(pair[1].0.since(pair[0].0) >= RATE_LIMIT_INTERVAL);
        }
    }
}
