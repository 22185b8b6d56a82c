//! Questions about who is learned: the table in docs/spec/security.md, policy by policy.

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
    Case::of_table("who asks for us is learned", "RFC 826; TC8 03, 04", request_for_us),
    Case::of_table("an unasked reply to us teaches what the policy says", "security", reply_to_us),
    Case::of_table("a packet for another teaches what the policy says", "RFC 826; TC8 38", for_another),
    Case::of_table("an announcement teaches what the policy says", "security; TC8 05, 06", announcements),
    Case::of_table("a second hardware address supersedes the first", "RFC 826; TC8 32..35", superseded),
    Case::of_table("a known sender is followed, whatever it sends", "RFC 826", followed),
    Case::of_table("an operation without a name is followed too", "RFC 826", unnamed_operations)
        .linux_differs("it looks at the operation first, and drops all but requests and replies"),
    Case::of_table("a move is told with both addresses", "security", move_is_reported)
        .linux_not_asked("it tells of neighbours by netlink, which the suite does not watch"),
    Case::of_table("a static entry is held against a claim", "security", static_entry),
    Case::of_table("a claim to a static entry is told", "security", claim_is_reported)
        .linux_not_asked("it does not tell of claims that it turns away"),
    Case::of_table("a probe teaches nothing", "RFC 5227 1.1", probes),
    Case::of_table("another hardware type teaches nothing", "RFC 826; TC8 22", hardware_types),
    Case::of_table("another protocol type teaches nothing", "RFC 826; TC8 28", protocol_types),
    Case::of_table("other lengths of addresses teach nothing", "RFC 826", address_lengths),
    Case::of_table("operations of other standards teach nothing", "RFC 903, 2390, 5494", foreign_operations),
    Case::of_table("what is truncated teaches nothing", "security", truncated),
    Case::of_table("a sender at the broadcast address teaches nothing", "security", at_broadcast)
        .linux_differs(ANY_SENDER),
    Case::of_table("a sender at a group's address teaches nothing", "security", at_group)
        .linux_differs(ANY_SENDER),
    Case::of_table("a sender at address zero teaches nothing", "security", at_zero).linux_differs(ANY_SENDER),
    Case::of_table("a sender at our own hardware address teaches nothing", "security", own_echo)
        .linux_differs(ANY_SENDER),
    Case::of_table("a sender that is no host teaches nothing", "security", no_host),
    Case::of_table("the table is bounded", "security", bounded)
        .linux_not_asked("its table has one bound for all namespaces, and others live in them"),
];

/// How to learn something new of its sender: an operation, and whom it is for.
#[derive(Clone, Copy)]
enum ArpKind {
    /// By a packet for the host.
    ToUs(u16),
    /// By a packet for somebody else.
    ToAnother(u16),
    /// By a packet about itself.
    Announcement(u16),
}

impl ArpKind {
    const ALL: [ArpKind; 6] = [
        ArpKind::ToUs(1),
        ArpKind::ToUs(2),
        ArpKind::ToAnother(1),
        ArpKind::ToAnother(2),
        ArpKind::Announcement(1),
        ArpKind::Announcement(2),
    ];

    fn from(self, sender: Station) -> Arp {
        let (operation, target) = match self {
            ArpKind::ToUs(operation) => (operation, (TESTED_MAC, TESTED_IP)),
            ArpKind::ToAnother(operation) => (operation, (OTHER_MAC, OTHER)),
            ArpKind::Announcement(operation) => (operation, (BROADCAST, sender.1)),
        };
        Arp { source: sender.0, operation, sender, target, ..REQUEST }
    }
}

/// Sends a packet of a stranger's, which is to be learned under these policies and no others.
fn learned_under(session: &mut Session, way: ArpKind, policies: &[LearnPolicy]) -> CaseResult {
    let new_station = session.new_station()?;
    let place = policies.contains(&session.policy).then_some(new_station.0);
    session.expect_learned(&way.from(new_station).frame(), new_station.1, place)
}

/// Makes a stranger known.
fn introduced_station(session: &mut Session) -> Result<Station, String> {
    let new_station = session.new_station()?;
    session.expect_learned(
        &ArpKind::ToUs(1).from(new_station).frame(),
        new_station.1,
        Some(new_station.0),
    )?;
    Ok(new_station)
}

/// Another hardware address for the same station, a new one for each number.
fn with_new_mac(station: Station, number: u8) -> Station {
    let [first, .., last] = station.0;
    ([first, 0, 0, 9, number, last], station.1)
}

// proves: learn-request, rfc826-add
fn request_for_us(session: &mut Session) -> CaseResult {
    let new_station = session.new_station()?;
    let reply = Arp { destination: new_station.0, target: new_station, ..REPLY };
    // No request of the host's own comes before the reply.
    session.wire.expect_reply(&ArpKind::ToUs(1).from(new_station).frame(), &reply.frame())?;
    match session.mac_of(new_station.1)? {
        Some(place) if place == new_station.0 => Ok(()),
        other => Err(format!("{} is at {other:02x?} in the table", new_station.1)),
    }
}

// proves: learn-reply-cautious, learn-reply-rfc826, learn-permissive
fn reply_to_us(session: &mut Session) -> CaseResult {
    learned_under(session, ArpKind::ToUs(2), &[Rfc826, Permissive])
}

// proves: learn-other, learn-permissive, rfc826-not-local
fn for_another(session: &mut Session) -> CaseResult {
    learned_under(session, ArpKind::ToAnother(1), &[Permissive])?;
    learned_under(session, ArpKind::ToAnother(2), &[Permissive])
}

// proves: learn-other, learn-permissive
fn announcements(session: &mut Session) -> CaseResult {
    learned_under(session, ArpKind::Announcement(1), &[Permissive])?;
    learned_under(session, ArpKind::Announcement(2), &[Permissive])
}

/// TC8 takes announcements for all four pairs: who is known by none stays so.
// proves: learn-move, learn-permissive
fn superseded(session: &mut Session) -> CaseResult {
    for (first, second) in [(1, 1), (2, 2), (1, 2), (2, 1)] {
        let new_station = session.new_station()?;
        let later = with_new_mac(new_station, 1);
        session.wire.ask(&ArpKind::Announcement(first).from(new_station).frame())?;
        let place = (session.policy == Permissive).then_some(later.0);
        session.expect_learned(&ArpKind::Announcement(second).from(later).frame(), new_station.1, place)?;
    }
    Ok(())
}

// proves: learn-move, rfc826-merge
fn followed(session: &mut Session) -> CaseResult {
    let mut station = introduced_station(session)?;
    for (way, number) in ArpKind::ALL.into_iter().zip(1..) {
        station = with_new_mac(station, number);
        session.expect_learned(&way.from(station).frame(), station.1, Some(station.0))?;
    }
    Ok(())
}

// proves: rfc826-merge, rfc826-operation-last
fn unnamed_operations(session: &mut Session) -> CaseResult {
    let station = with_new_mac(introduced_station(session)?, 1);
    session.expect_learned(&ArpKind::ToAnother(6).from(station).frame(), station.1, Some(station.0))
}

// proves: learn-move
fn move_is_reported(session: &mut Session) -> CaseResult {
    let station = introduced_station(session)?;
    for (way, number) in ArpKind::ALL.into_iter().zip(1..) {
        let (from, to) = (with_new_mac(station, number), with_new_mac(station, number + 1));
        session.wire.ask(&ArpKind::ToUs(1).from(from).frame())?;
        session.take_events()?;
        session.wire.ask(&way.from(to).frame())?;
        let (from, to) = (mac(from.0), mac(to.0));
        expect_event(session, "moved", station.1, &[("from", &from), ("to", &to)])?;
    }
    Ok(())
}

/// Wants to be told this of an address, once, and nothing else.
fn expect_event(session: &mut Session, event: &str, protocol: Ipv4Addr, more: &[(&str, &str)]) -> CaseResult {
    let reported = session.take_events()?;
    let protocol = protocol.to_string();
    let expected = [&[("event", event), ("protocol_address", &protocol)], more].concat();
    let is = |line: &Value, (key, value): (&str, &str)| line.get(key).and_then(Value::as_str) == Some(value);
    match reported.as_slice() {
        [line] if expected.iter().all(|field| is(line, *field)) => Ok(()),
        other => Err(format!("told {other:?} instead of {expected:?}")),
    }
}

const CLAIM: Station = (PEER_MAC, STATIC);

// proves: static-held
fn static_entry(session: &mut Session) -> CaseResult {
    for way in ArpKind::ALL {
        session.expect_learned(&way.from(CLAIM).frame(), STATIC, Some(STATIC_MAC))?;
    }
    Ok(())
}

// proves: static-held
fn claim_is_reported(session: &mut Session) -> CaseResult {
    for way in ArpKind::ALL {
        session.take_events()?;
        session.wire.ask(&way.from(CLAIM).frame())?;
        expect_event(session, "held", STATIC, &[("hardware_address", &mac(PEER_MAC))])?;
    }
    Ok(())
}

// proves: rfc5227-probe-teaches-nothing
fn probes(session: &mut Session) -> CaseResult {
    let known = introduced_station(session)?;
    let asks = |sender: Mac, target| {
        let sender = (sender, Ipv4Addr::UNSPECIFIED);
        Arp { source: sender.0, sender, target: (ZERO, target), ..REQUEST }.frame()
    };
    let targets = [TESTED_IP, OTHER, known.1, STATIC];
    session.expect_unchanged(&targets.map(|target| asks([2, 0, 0, 0, 3, 1], target)))
}

/// Announcements, requests for us and replies to us that differ from good ones, of somebody new and
/// of somebody known. None is to be believed.
fn invalid_senders(session: &mut Session, spoil: impl Fn(Arp) -> Arp) -> CaseResult {
    let known = with_new_mac(introduced_station(session)?, 1);
    let new_station = session.new_station()?;
    let packets = ArpKind::ALL.into_iter().flat_map(|way| [way.from(known), way.from(new_station)]);
    let frames: Vec<_> = packets.map(|packet| spoil(packet).padded(&[0; 18])).collect();
    session.expect_unchanged(&frames)
}

// proves: rfc826-hardware-type
fn hardware_types(session: &mut Session) -> CaseResult {
    invalid_senders(session, |packet| Arp { hardware_type: 2, ..packet })?;
    invalid_senders(session, |packet| Arp { hardware_type: 0x0100, ..packet })
}

// proves: rfc826-protocol-type
fn protocol_types(session: &mut Session) -> CaseResult {
    invalid_senders(session, |packet| Arp { protocol_type: 0x0801, ..packet })?;
    invalid_senders(session, |packet| Arp { protocol_type: 0x86dd, ..packet })
}

// proves: rfc826-lengths
fn address_lengths(session: &mut Session) -> CaseResult {
    invalid_senders(session, |packet| Arp { hardware_length: 8, ..packet })?;
    invalid_senders(session, |packet| Arp { protocol_length: 16, ..packet })
}

// proves: rfc826-foreign
fn foreign_operations(session: &mut Session) -> CaseResult {
    [0, 3, 4, 8, 9, 24, 25, 65_535]
        .into_iter()
        .try_for_each(|operation| invalid_senders(session, |packet| Arp { operation, ..packet }))
}

// proves: truncated
fn truncated(session: &mut Session) -> CaseResult {
    let known = with_new_mac(introduced_station(session)?, 1);
    let frame = ArpKind::ToUs(1).from(known).frame();
    let frames: Vec<_> = (14..42).map(|length| frame.get(..length).unwrap_or_default().to_vec()).collect();
    session.expect_unchanged(&frames)
}

// proves: sender-hardware-station
fn at_broadcast(session: &mut Session) -> CaseResult {
    invalid_senders(session, |packet| Arp { sender: (BROADCAST, packet.sender.1), ..packet })
}

// proves: sender-hardware-station
fn at_group(session: &mut Session) -> CaseResult {
    invalid_senders(session, |packet| Arp { sender: (GROUP, packet.sender.1), ..packet })
}

// proves: sender-hardware-station
fn at_zero(session: &mut Session) -> CaseResult {
    invalid_senders(session, |packet| Arp { sender: (ZERO, packet.sender.1), ..packet })
}

// proves: sender-hardware-local
fn own_echo(session: &mut Session) -> CaseResult {
    invalid_senders(session, |packet| Arp { sender: (TESTED_MAC, packet.sender.1), ..packet })
}

// proves: sender-protocol-host
fn no_host(session: &mut Session) -> CaseResult {
    let addresses =
        [[255; 4], NETWORK_BROADCAST.octets(), [224, 0, 0, 1], [127, 0, 0, 1]].map(Ipv4Addr::from);
    let frames =
        addresses.iter().flat_map(|address| ArpKind::ALL.map(|way| way.from((PEER_MAC, *address)).frame()));
    session.expect_unchanged(&frames.collect::<Vec<_>>())
}

/// The host's own default.
const BOUND: usize = 1_024;

// proves: table-bound, table-eviction
fn bounded(session: &mut Session) -> CaseResult {
    for number in 0..2_000_u16 {
        let [high, low] = number.to_be_bytes();
        let new_station = ([2, 0, 0, 4, high, low], Ipv4Addr::new(10, 8, high, low));
        let reply = Arp { destination: new_station.0, target: new_station, ..REPLY };
        session.wire.expect_reply(&ArpKind::ToUs(1).from(new_station).frame(), &reply.frame())?;
    }
    let table = session.table()?;
    // One entry more ends the table, and is not counted here.
    if table.len() >= BOUND {
        return Err(format!("{} entries", table.len() + 1));
    }
    match table.get(&STATIC) {
        Some(&STATIC_MAC) => Ok(()),
        other => Err(format!("the static entry has become {other:02x?}, among {} entries", table.len())),
    }
}
