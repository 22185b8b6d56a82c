//! Cases about link-local addresses (RFC 3927) and proxy ARP (RFC 1027).

use std::net::Ipv4Addr;

use super::case::{CaseResult, FreshHostCase};
use super::claims::{EXIT_TIMEOUT, expect, is_due};
use super::frame_socket::{FRAME_TIMEOUT, FrameSocket, TimedFrame};
use super::frames::{
    ANNOUNCEMENT, Arp, BROADCAST, OTHER, PEER_MAC, PROBE, REPLY, REQUEST, TESTED_MAC, ZERO, hex, target_of,
};
use super::test_tap::TestTap;

pub(crate) const FRESH_HOST_CASES: &[FreshHostCase] = &[
    FreshHostCase::new("--link-local probes for a link-local address", "RFC 3927 2.1, 2.2.1", link_local),
    FreshHostCase::new(
        "--link-local probes for the same address at each start",
        "RFC 3927 2.1",
        same_at_each_start,
    ),
    FreshHostCase::new(
        "--link-local probes for another address after a conflict",
        "RFC 3927 2.2.1",
        next_candidate,
    ),
    FreshHostCase::new("--proxy replies only for its range", "RFC 1027", proxy),
    FreshHostCase::new(
        "--proxy ignores probes and announcements",
        "RFC 1027, RFC 5227 2.5",
        proxy_and_probes,
    ),
    FreshHostCase::new("--proxy of a wide range excludes the local network", "RFC 1027", proxy_of_wide_range),
    FreshHostCase::new("--proxy of the local network is rejected", "RFC 1027", proxy_of_local_network),
];

/// Receives a probe. Returns its target address and the frame.
fn candidate(test_tap: &mut TestTap) -> Result<(Ipv4Addr, TimedFrame), String> {
    let received = test_tap.wire.next_timed(FRAME_TIMEOUT)?.ok_or("no probe")?;
    let candidate = target_of(&received.bytes).ok_or("truncated frame")?;
    if received.bytes != with_address(PROBE, candidate).frame() {
        return Err(format!("not a probe: {}", hex(&received.bytes)));
    }
    let [first, second, third, _] = candidate.octets();
    if (first, second) != (169, 254) || !(1..=254).contains(&third) {
        return Err(format!("{candidate} is outside 169.254.1.0 to 169.254.254.255"));
    }
    Ok((candidate, received))
}

/// Returns a probe or an announcement for another address.
fn with_address(packet: Arp, address: Ipv4Addr) -> Arp {
    let sender = if packet.sender.1.is_unspecified() { packet.sender.1 } else { address };
    Arp { sender: (packet.sender.0, sender), target: (packet.target.0, address), ..packet }
}

// proves: rfc3927-range, rfc3927-broadcast
fn link_local(test_tap: &mut TestTap) -> CaseResult {
    let mut host = test_tap.start_without_address(&["--link-local"])?;
    let (address, _) = candidate(test_tap)?;
    for _ in 0..2 {
        expect(&mut test_tap.wire, &with_address(PROBE, address))?;
    }
    expect(&mut test_tap.wire, &with_address(ANNOUNCEMENT, address))?;
    let ready = host.wait_until_ready()?;
    let ip = ready.get("ip").and_then(serde_json::Value::as_str);
    if (ip, ready.get("prefix_length")) != (Some(&address.to_string()), Some(&16.into())) {
        return Err(format!("event `ready` does not report the probed address {address}: {ready}"));
    }
    expect(&mut test_tap.wire, &with_address(ANNOUNCEMENT, address))?;
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
    if first == second {
        Ok(())
    } else {
        Err(format!("different addresses at two starts: {first} and {second}"))
    }
}

// proves: rfc3927-next
fn next_candidate(test_tap: &mut TestTap) -> CaseResult {
    let _host = test_tap.start_without_address(&["--link-local"])?;
    let (taken, probe) = candidate(test_tap)?;
    test_tap.wire.send(&Arp { sender: (PEER_MAC, taken), target: (ZERO, OTHER), ..REQUEST }.frame())?;
    let (mut next, second) = candidate(test_tap)?;
    if next == taken && is_due(&probe, &second) {
        (next, _) = candidate(test_tap)?;
    }
    if next == taken { Err(format!("another probe for {taken} after a conflict")) } else { Ok(()) }
}

/// Expects a proxy reply for this address.
fn expect_proxy_reply(wire: &mut FrameSocket, address: [u8; 4]) -> CaseResult {
    let address = Ipv4Addr::from(address);
    let reply = Arp { sender: (TESTED_MAC, address), ..REPLY };
    wire.expect_reply(&Arp { target: (ZERO, address), ..REQUEST }.frame(), &reply.frame())
}

/// Expects no reply to a request for this address.
fn expect_no_proxy_reply(wire: &mut FrameSocket, address: [u8; 4]) -> CaseResult {
    wire.expect_no_reply(&Arp { target: (ZERO, address.into()), ..REQUEST }.frame())
}

// proves: rfc1027-ranges, rfc1027-segment, rfc1027-broadcast
fn proxy(test_tap: &mut TestTap) -> CaseResult {
    let mut host = test_tap.start(&["--no-probe", "--proxy", "10.9.0.0/24", "--proxy", "10.9.2.0/24"])?;
    host.wait_until_ready()?;
    for address in [[10, 9, 0, 1], [10, 9, 0, 254], [10, 9, 2, 7]] {
        expect_proxy_reply(&mut test_tap.wire, address)?;
    }
    let outside = [[10, 8, 255, 255], [10, 9, 1, 1], [10, 9, 3, 1]];
    let local = [[10, 0, 0, 99], [10, 0, 0, 255]];
    let invalid = [[10, 9, 0, 0], [10, 9, 0, 255], [10, 9, 2, 255], [255; 4]];
    for address in outside.iter().chain(&local).chain(&invalid) {
        expect_no_proxy_reply(&mut test_tap.wire, *address)?;
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
    expect_proxy_reply(&mut test_tap.wire, proxied.octets())
}

// proves: rfc1027-segment
fn proxy_of_wide_range(test_tap: &mut TestTap) -> CaseResult {
    let mut host = test_tap.start(&["--no-probe", "--proxy", "10.0.0.0/8"])?;
    host.wait_until_ready()?;
    expect_proxy_reply(&mut test_tap.wire, [10, 0, 1, 1])?;
    expect_proxy_reply(&mut test_tap.wire, [10, 255, 255, 254])?;
    for address in [[10, 0, 0, 1], [10, 0, 0, 99], [10, 0, 0, 255], [10, 255, 255, 255], [11, 0, 0, 1]] {
        expect_no_proxy_reply(&mut test_tap.wire, address)?;
    }
    Ok(())
}

fn proxy_of_local_network(test_tap: &mut TestTap) -> CaseResult {
    for range in ["10.0.0.0/24", "10.0.0.128/25"] {
        let code = test_tap.exit_code_when_started(&["--no-probe", "--proxy", range], EXIT_TIMEOUT)?;
        if code != Some(2) {
            return Err(format!("{range}: exit code of the host is {code:?} instead of 2"));
        }
    }
    Ok(())
}
