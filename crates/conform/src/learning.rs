//! Cases about learning, for each policy. docs/spec/security.md has a table of the policies.

use std::net::Ipv4Addr;

use serde_json::Value;

use super::arp::ANY_SENDER;
use super::case::{Case, CaseResult};
use super::frames::{
    Arp, BROADCAST, GROUP, Mac, NETWORK_BROADCAST, OTHER, OTHER_MAC, PEER_MAC, REPLY, REQUEST, STATIC,
    STATIC_MAC, TESTED_IP, TESTED_MAC, ZERO, mac,
};
use super::session::{Session, Station};
use super::tested_host::LearnPolicy::{self, Permissive, Rfc826};

pub(crate) const CASES: &[Case] = &[
    Case::of_arp_cache(
        "sender of a request for the host is learned",
        "RFC 826; TC8 03, 04",
        request_for_host,
    ),
    Case::of_arp_cache(
        "sender of an unsolicited reply is learned according to the policy",
        "security",
        reply_to_host,
    ),
    Case::of_arp_cache(
        "sender of a packet for another host is learned according to the policy",
        "RFC 826; TC8 38",
        for_other_host,
    ),
    Case::of_arp_cache(
        "sender of an announcement is learned according to the policy",
        "security; TC8 05, 06",
        announcements,
    ),
    Case::of_arp_cache("second MAC address replaces the first", "RFC 826; TC8 32..35", replaced),
    Case::of_arp_cache("known sender is updated by any packet", "RFC 826", updated),
    Case::of_arp_cache("known sender is updated by an unassigned operation", "RFC 826", unnamed_operations)
        .linux_differs("checks the operation first and drops all packets except requests and replies"),
    Case::of_arp_cache("move is reported with both MAC addresses", "security", move_is_reported)
        .linux_not_run("reports neighbors by netlink, which the suite does not read"),
    Case::of_arp_cache("static entry is not changed by a claim", "security", static_entry),
    Case::of_arp_cache("claim to a static entry is reported", "security", claim_is_reported)
        .linux_not_run("does not report rejected claims"),
    Case::of_arp_cache("sender of a probe is not learned", "RFC 5227 1.1", probes),
    Case::of_arp_cache(
        "sender of a packet with an unknown hardware type is not learned",
        "RFC 826; TC8 22",
        hardware_types,
    ),
    Case::of_arp_cache(
        "sender of a packet with an unknown protocol type is not learned",
        "RFC 826; TC8 28",
        protocol_types,
    ),
    Case::of_arp_cache(
        "sender of a packet with other address lengths is not learned",
        "RFC 826",
        address_lengths,
    ),
    Case::of_arp_cache(
        "sender of an operation of another standard is not learned",
        "RFC 903, 2390, 5494",
        foreign_operations,
    ),
    Case::of_arp_cache("sender of a truncated packet is not learned", "security", truncated),
    Case::of_arp_cache("broadcast sender MAC address is not learned", "security", broadcast_sender_mac)
        .linux_differs(ANY_SENDER),
    Case::of_arp_cache("multicast sender MAC address is not learned", "security", multicast_sender_mac)
        .linux_differs(ANY_SENDER),
    Case::of_arp_cache("zero sender MAC address is not learned", "security", zero_sender_mac)
        .linux_differs(ANY_SENDER),
    Case::of_arp_cache("local sender MAC address is not learned", "security", own_echo)
        .linux_differs(ANY_SENDER),
    Case::of_arp_cache("invalid sender IP address is not learned", "security", invalid_sender_ip),
    Case::of_arp_cache("ARP cache has a limit", "security", limited)
        .linux_not_run("shares the limit of its table among all namespaces"),
];

/// Kind of an ARP packet. The number is the operation.
#[derive(Clone, Copy)]
enum ArpKind {
    /// Packet with the host as target.
    ToHost(u16),
    /// Packet with another host as target.
    ToOther(u16),
    /// Announcement.
    Announcement(u16),
}

impl ArpKind {
    const ALL: [ArpKind; 6] = [
        ArpKind::ToHost(1),
        ArpKind::ToHost(2),
        ArpKind::ToOther(1),
        ArpKind::ToOther(2),
        ArpKind::Announcement(1),
        ArpKind::Announcement(2),
    ];

    fn from(self, sender: Station) -> Arp {
        let (operation, target) = match self {
            ArpKind::ToHost(operation) => (operation, (TESTED_MAC, TESTED_IP)),
            ArpKind::ToOther(operation) => (operation, (OTHER_MAC, OTHER)),
            ArpKind::Announcement(operation) => (operation, (BROADCAST, sender.1)),
        };
        Arp { source: sender.0, operation, sender, target, ..REQUEST }
    }
}

/// Sends a packet of a new station and expects that the host learns the station with these policies only.
fn learned_under(session: &mut Session, kind: ArpKind, policies: &[LearnPolicy]) -> CaseResult {
    let new_station = session.new_station()?;
    let mac_address = policies.contains(&session.policy).then_some(new_station.0);
    session.expect_learned(&kind.from(new_station).frame(), new_station.1, mac_address)
}

/// Makes the host learn a new station.
fn introduced_station(session: &mut Session) -> Result<Station, String> {
    let new_station = session.new_station()?;
    session.expect_learned(
        &ArpKind::ToHost(1).from(new_station).frame(),
        new_station.1,
        Some(new_station.0),
    )?;
    Ok(new_station)
}

/// Returns the station with another MAC address, which is different for each number.
fn with_new_mac(station: Station, number: u8) -> Station {
    let [first, .., last] = station.0;
    ([first, 0, 0, 9, number, last], station.1)
}

// proves: learn-request, rfc826-add
fn request_for_host(session: &mut Session) -> CaseResult {
    let new_station = session.new_station()?;
    let reply = Arp { destination: new_station.0, target: new_station, ..REPLY };
    // The host must not send a request before the reply.
    session.wire.expect_reply(&ArpKind::ToHost(1).from(new_station).frame(), &reply.frame())?;
    match session.mac_of(new_station.1)? {
        Some(mac_address) if mac_address == new_station.0 => Ok(()),
        other => Err(format!("MAC address of {} in the ARP cache is {other:02x?}", new_station.1)),
    }
}

// proves: learn-reply-cautious, learn-reply-rfc826, learn-permissive
fn reply_to_host(session: &mut Session) -> CaseResult {
    learned_under(session, ArpKind::ToHost(2), &[Rfc826, Permissive])
}

// proves: learn-other, learn-permissive, rfc826-not-local
fn for_other_host(session: &mut Session) -> CaseResult {
    learned_under(session, ArpKind::ToOther(1), &[Permissive])?;
    learned_under(session, ArpKind::ToOther(2), &[Permissive])
}

// proves: learn-other, learn-permissive
fn announcements(session: &mut Session) -> CaseResult {
    learned_under(session, ArpKind::Announcement(1), &[Permissive])?;
    learned_under(session, ArpKind::Announcement(2), &[Permissive])
}

// TC8 uses announcements for all four pairs of operations. A policy that does not learn from announcements adds no
// entry.
// proves: learn-move, learn-permissive
fn replaced(session: &mut Session) -> CaseResult {
    for (first, second) in [(1, 1), (2, 2), (1, 2), (2, 1)] {
        let new_station = session.new_station()?;
        let later = with_new_mac(new_station, 1);
        session.wire.send_and_collect(&ArpKind::Announcement(first).from(new_station).frame())?;
        let mac_address = (session.policy == Permissive).then_some(later.0);
        session.expect_learned(
            &ArpKind::Announcement(second).from(later).frame(),
            new_station.1,
            mac_address,
        )?;
    }
    Ok(())
}

// proves: learn-move, rfc826-merge
fn updated(session: &mut Session) -> CaseResult {
    let mut station = introduced_station(session)?;
    for (kind, number) in ArpKind::ALL.into_iter().zip(1..) {
        station = with_new_mac(station, number);
        session.expect_learned(&kind.from(station).frame(), station.1, Some(station.0))?;
    }
    Ok(())
}

// proves: rfc826-merge, rfc826-operation-last
fn unnamed_operations(session: &mut Session) -> CaseResult {
    let station = with_new_mac(introduced_station(session)?, 1);
    session.expect_learned(&ArpKind::ToOther(6).from(station).frame(), station.1, Some(station.0))
}

// proves: learn-move
fn move_is_reported(session: &mut Session) -> CaseResult {
    let station = introduced_station(session)?;
    for (kind, number) in ArpKind::ALL.into_iter().zip(1..) {
        let (from, to) = (with_new_mac(station, number), with_new_mac(station, number + 1));
        session.wire.send_and_collect(&ArpKind::ToHost(1).from(from).frame())?;
        session.take_events()?;
        session.wire.send_and_collect(&kind.from(to).frame())?;
        let (from, to) = (mac(from.0), mac(to.0));
        expect_event(session, "moved", station.1, &[("old_mac", &from), ("mac", &to)])?;
    }
    Ok(())
}

/// Expects exactly this event for an address.
fn expect_event(session: &mut Session, event: &str, ip: Ipv4Addr, more: &[(&str, &str)]) -> CaseResult {
    let reported = session.take_events()?;
    let ip = ip.to_string();
    let expected = [&[("event", event), ("ip", &ip)], more].concat();
    let is = |line: &Value, (key, value): (&str, &str)| line.get(key).and_then(Value::as_str) == Some(value);
    match reported.as_slice() {
        [line] if expected.iter().all(|field| is(line, *field)) => Ok(()),
        other => Err(format!("events {other:?} instead of {expected:?}")),
    }
}

const CLAIM: Station = (PEER_MAC, STATIC);

// proves: static-entry
fn static_entry(session: &mut Session) -> CaseResult {
    for kind in ArpKind::ALL {
        session.expect_learned(&kind.from(CLAIM).frame(), STATIC, Some(STATIC_MAC))?;
    }
    Ok(())
}

// proves: static-entry
fn claim_is_reported(session: &mut Session) -> CaseResult {
    for kind in ArpKind::ALL {
        session.take_events()?;
        session.wire.send_and_collect(&kind.from(CLAIM).frame())?;
        expect_event(session, "static_conflict", STATIC, &[("mac", &mac(PEER_MAC))])?;
    }
    Ok(())
}

// proves: rfc5227-probe-not-learned
fn probes(session: &mut Session) -> CaseResult {
    let known = introduced_station(session)?;
    let probe = |sender: Mac, target| {
        let sender = (sender, Ipv4Addr::UNSPECIFIED);
        Arp { source: sender.0, sender, target: (ZERO, target), ..REQUEST }.frame()
    };
    let targets = [TESTED_IP, OTHER, known.1, STATIC];
    session.expect_unchanged(&targets.map(|target| probe([2, 0, 0, 0, 3, 1], target)))
}

/// Sends packets of all kinds, changed by `change`, from a known and from a new station. Expects that the ARP cache
/// does not change.
fn expect_not_learned(session: &mut Session, change: impl Fn(Arp) -> Arp) -> CaseResult {
    let known = with_new_mac(introduced_station(session)?, 1);
    let new_station = session.new_station()?;
    let packets = ArpKind::ALL.into_iter().flat_map(|kind| [kind.from(known), kind.from(new_station)]);
    let frames: Vec<_> = packets.map(|packet| change(packet).padded(&[0; 18])).collect();
    session.expect_unchanged(&frames)
}

// proves: rfc826-hardware-type
fn hardware_types(session: &mut Session) -> CaseResult {
    expect_not_learned(session, |packet| Arp { hardware_type: 2, ..packet })?;
    expect_not_learned(session, |packet| Arp { hardware_type: 0x0100, ..packet })
}

// proves: rfc826-protocol-type
fn protocol_types(session: &mut Session) -> CaseResult {
    expect_not_learned(session, |packet| Arp { protocol_type: 0x0801, ..packet })?;
    expect_not_learned(session, |packet| Arp { protocol_type: 0x86dd, ..packet })
}

// proves: rfc826-lengths
fn address_lengths(session: &mut Session) -> CaseResult {
    expect_not_learned(session, |packet| Arp { hardware_length: 8, ..packet })?;
    expect_not_learned(session, |packet| Arp { protocol_length: 16, ..packet })
}

// proves: rfc826-foreign
fn foreign_operations(session: &mut Session) -> CaseResult {
    [0, 3, 4, 8, 9, 24, 25, 65_535]
        .into_iter()
        .try_for_each(|operation| expect_not_learned(session, |packet| Arp { operation, ..packet }))
}

// proves: truncated
fn truncated(session: &mut Session) -> CaseResult {
    let known = with_new_mac(introduced_station(session)?, 1);
    let frame = ArpKind::ToHost(1).from(known).frame();
    let frames: Vec<_> = (14..42).map(|length| frame.get(..length).unwrap_or_default().to_vec()).collect();
    session.expect_unchanged(&frames)
}

// proves: sender-hardware-station
fn broadcast_sender_mac(session: &mut Session) -> CaseResult {
    expect_not_learned(session, |packet| Arp { sender: (BROADCAST, packet.sender.1), ..packet })
}

// proves: sender-hardware-station
fn multicast_sender_mac(session: &mut Session) -> CaseResult {
    expect_not_learned(session, |packet| Arp { sender: (GROUP, packet.sender.1), ..packet })
}

// proves: sender-hardware-station
fn zero_sender_mac(session: &mut Session) -> CaseResult {
    expect_not_learned(session, |packet| Arp { sender: (ZERO, packet.sender.1), ..packet })
}

// proves: sender-hardware-local
fn own_echo(session: &mut Session) -> CaseResult {
    expect_not_learned(session, |packet| Arp { sender: (TESTED_MAC, packet.sender.1), ..packet })
}

// proves: sender-protocol-host
fn invalid_sender_ip(session: &mut Session) -> CaseResult {
    let addresses =
        [[255; 4], NETWORK_BROADCAST.octets(), [224, 0, 0, 1], [127, 0, 0, 1]].map(Ipv4Addr::from);
    let frames =
        addresses.iter().flat_map(|address| ArpKind::ALL.map(|kind| kind.from((PEER_MAC, *address)).frame()));
    session.expect_unchanged(&frames.collect::<Vec<_>>())
}

/// Default capacity of the ARP cache.
const CAPACITY: usize = 1_024;

// proves: table-bound, table-eviction
fn limited(session: &mut Session) -> CaseResult {
    for number in 0..2_000_u16 {
        let [high, low] = number.to_be_bytes();
        let new_station = ([2, 0, 0, 4, high, low], Ipv4Addr::new(10, 8, high, low));
        let reply = Arp { destination: new_station.0, target: new_station, ..REPLY };
        session.wire.expect_reply(&ArpKind::ToHost(1).from(new_station).frame(), &reply.frame())?;
    }
    let table = session.table()?;
    // `table` does not contain the static entry that ends the output of the host.
    if table.len() >= CAPACITY {
        return Err(format!("{} entries", table.len() + 1));
    }
    match table.get(&STATIC) {
        Some(&STATIC_MAC) => Ok(()),
        other => {
            Err(format!("MAC address of the static entry is {other:02x?}, among {} entries", table.len()))
        }
    }
}
