//! Questions to hosts whose address is of their own choice, and to hosts that answer for others:
//! RFC 3927 and RFC 1027.

use std::net::Ipv4Addr;
use std::time::Duration;

use super::case::{CaseResult, FreshHostCase};
use super::claims::{expect, may_be_followed};
use super::frame_socket::{FrameSocket, TimedFrame};
use super::frames::{
    ANNOUNCEMENT, Arp, BROADCAST, OTHER, PEER_MAC, PROBE, REPLY, REQUEST, TESTED_MAC, ZERO, hex, target_of,
};
use super::test_tap::TestTap;

pub(crate) const FRESH_HOST_CASES: &[FreshHostCase] = &[
    FreshHostCase::new("--link-local probes for one of its addresses", "RFC 3927 2.1, 2.2.1", link_local),
    FreshHostCase::new("--link-local asks for the same at each start", "RFC 3927 2.1", same_at_each_start),
    FreshHostCase::new("--link-local goes on to the next if one is taken", "RFC 3927 2.2.1", next_candidate),
    FreshHostCase::new("--proxy answers for its range alone", "RFC 1027", proxy),
    FreshHostCase::new(
        "--proxy lets those be who probe or announce",
        "RFC 1027, RFC 5227 2.5",
        proxy_and_probes,
    ),
    FreshHostCase::new("--proxy of a wide range leaves the own network out", "RFC 1027", proxy_around_home),
    FreshHostCase::new("--proxy of the host's own network is refused", "RFC 1027", proxy_at_home),
];

/// How long a host may take for the next probe.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The address that the next frame probes for, and that frame.
fn candidate(test_tap: &mut TestTap) -> Result<(Ipv4Addr, TimedFrame), String> {
    let received = test_tap.wire.next_timed(TIMEOUT)?.ok_or("no probe comes")?;
    let candidate = target_of(&received.bytes).ok_or("a frame without a target")?;
    if received.bytes != about(PROBE, candidate).frame() {
        return Err(format!("{} is no probe", hex(&received.bytes)));
    }
    let [first, second, third, _] = candidate.octets();
    if (first, second) != (169, 254) || !(1..=254).contains(&third) {
        return Err(format!("{candidate} is out of the range"));
    }
    Ok((candidate, received))
}

/// A probe or an announcement of another address.
fn about(packet: Arp, address: Ipv4Addr) -> Arp {
    let sender = if packet.sender.1.is_unspecified() { packet.sender.1 } else { address };
    Arp { sender: (packet.sender.0, sender), target: (packet.target.0, address), ..packet }
}

// proves: rfc3927-range, rfc3927-broadcast
fn link_local(test_tap: &mut TestTap) -> CaseResult {
    let mut host = test_tap.start_without_address(&["--link-local"])?;
    let (address, _) = candidate(test_tap)?;
    for _ in 0..2 {
        expect(&mut test_tap.wire, &about(PROBE, address))?;
    }
    expect(&mut test_tap.wire, &about(ANNOUNCEMENT, address))?;
    let ready = host.wait_until_ready()?;
    if ready.get("address").and_then(serde_json::Value::as_str) != Some(&format!("{address}/16")) {
        return Err(format!("it probed for {address}, and says {ready}"));
    }
    expect(&mut test_tap.wire, &about(ANNOUNCEMENT, address))?;
    let sender = (PEER_MAC, Ipv4Addr::new(169, 254, 7, 7));
    test_tap.wire.send(&Arp { sender, target: (ZERO, address), ..REQUEST }.frame())?;
    let reply = Arp { destination: BROADCAST, sender: (TESTED_MAC, address), target: sender, ..REPLY };
    expect(&mut test_tap.wire, &reply).map(drop)
}

// proves: rfc3927-seed
fn same_at_each_start(test_tap: &mut TestTap) -> CaseResult {
    let host = test_tap.start_without_address(&["--link-local"])?;
    let (first, _) = candidate(test_tap)?;
    drop(host);
    let _host = test_tap.start_without_address(&["--link-local"])?;
    let (second, _) = candidate(test_tap)?;
    if first == second { Ok(()) } else { Err(format!("{first}, and then {second}")) }
}

// proves: rfc3927-next
fn next_candidate(test_tap: &mut TestTap) -> CaseResult {
    let _host = test_tap.start_without_address(&["--link-local"])?;
    let (taken, probe) = candidate(test_tap)?;
    test_tap.wire.send(&Arp { sender: (PEER_MAC, taken), target: (ZERO, OTHER), ..REQUEST }.frame())?;
    let is_late = may_be_followed(test_tap, &probe);
    let (mut next, _) = candidate(test_tap)?;
    if next == taken && is_late {
        (next, _) = candidate(test_tap)?;
    }
    if next == taken { Err(format!("{taken} is taken, and probed for again")) } else { Ok(()) }
}

/// Wants an answer in the name of this address.
fn stands_for(wire: &mut FrameSocket, address: [u8; 4]) -> CaseResult {
    let address = Ipv4Addr::from(address);
    let reply = Arp { sender: (TESTED_MAC, address), ..REPLY };
    wire.expect_reply(&Arp { target: (ZERO, address), ..REQUEST }.frame(), &reply.frame())
}

/// Wants no answer to a request for this address.
fn does_not_stand_for(wire: &mut FrameSocket, address: [u8; 4]) -> CaseResult {
    wire.expect_no_reply(&Arp { target: (ZERO, address.into()), ..REQUEST }.frame())
}

// proves: rfc1027-ranges, rfc1027-segment, rfc1027-broadcast
fn proxy(test_tap: &mut TestTap) -> CaseResult {
    let mut host = test_tap.start(&["--no-probe", "--proxy", "10.9.0.0/24", "--proxy", "10.9.2.0/24"])?;
    host.wait_until_ready()?;
    for address in [[10, 9, 0, 1], [10, 9, 0, 254], [10, 9, 2, 7]] {
        stands_for(&mut test_tap.wire, address)?;
    }
    let beyond = [[10, 8, 255, 255], [10, 9, 1, 1], [10, 9, 3, 1]];
    let at_home = [[10, 0, 0, 99], [10, 0, 0, 255]];
    let invalid = [[10, 9, 0, 0], [10, 9, 0, 255], [10, 9, 2, 255], [255; 4]];
    for address in beyond.iter().chain(&at_home).chain(&invalid) {
        does_not_stand_for(&mut test_tap.wire, *address)?;
    }
    Ok(())
}

// proves: rfc1027-probe
fn proxy_and_probes(test_tap: &mut TestTap) -> CaseResult {
    let mut host = test_tap.start(&["--no-probe", "--proxy", "10.9.0.0/24"])?;
    host.wait_until_ready()?;
    let proxied = Ipv4Addr::new(10, 9, 0, 7);
    for sender in [Ipv4Addr::UNSPECIFIED, proxied] {
        let claim = Arp { sender: (PEER_MAC, sender), target: (ZERO, proxied), ..REQUEST };
        test_tap.wire.expect_no_reply(&claim.frame())?;
    }
    stands_for(&mut test_tap.wire, proxied.octets())
}

// proves: rfc1027-segment
fn proxy_around_home(test_tap: &mut TestTap) -> CaseResult {
    let mut host = test_tap.start(&["--no-probe", "--proxy", "10.0.0.0/8"])?;
    host.wait_until_ready()?;
    stands_for(&mut test_tap.wire, [10, 0, 1, 1])?;
    stands_for(&mut test_tap.wire, [10, 255, 255, 254])?;
    for address in [[10, 0, 0, 1], [10, 0, 0, 99], [10, 0, 0, 255], [10, 255, 255, 255], [11, 0, 0, 1]] {
        does_not_stand_for(&mut test_tap.wire, address)?;
    }
    Ok(())
}

fn proxy_at_home(test_tap: &mut TestTap) -> CaseResult {
    for range in ["10.0.0.0/24", "10.0.0.128/25"] {
        let code = test_tap.exit_code_when_started(&["--no-probe", "--proxy", range], TIMEOUT)?;
        if code != Some(2) {
            return Err(format!("{range}: the host ends with {code:?}"));
        }
    }
    Ok(())
}
