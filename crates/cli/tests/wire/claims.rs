//! Address claims of `tapstack host`: probe, announcement, defense, loss.

use std::net::Ipv4Addr;

use tap::linux::{Interface, PacketSocket};

use super::running::{PersistentTapGuard, Running};
use testbed::frames::{arp, discard, is_arp, receive, send, wait_until_answering};
use testbed::kernel::{create_bridge, delete_link};
use testbed::veth::{NEAR, Veth};
use testbed::{Case, TestResult, wait_for};

pub(crate) const CASES: &[Case] = &[
    ("host_replies_after_probe_and_announcement", probe_and_announce),
    ("address_in_use_is_abandoned_and_error_names_owner", address_in_use),
    ("conflicting_hosts_follow_defend_policy_without_storm", conflicting_hosts),
    ("host_exits_1_when_address_is_lost_in_use", address_lost_in_use),
    ("host_claims_no_address_while_tap_is_down", tap_down),
    ("address_is_probed_and_announced_again_when_tap_comes_up", tap_comes_up),
    ("address_taken_while_tap_was_down_is_abandoned", taken_while_down),
    ("address_is_probed_again_when_carrier_returns", carrier_returns),
    ("newly_selected_address_is_printed_with_quiet", new_address),
    ("host_without_address_exits_2_and_names_options", without_address),
    ("host_answers_arp_for_proxied_range", proxied_range),
];

const HOST_IP: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
const OTHER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 9);
const UNSPECIFIED: Ipv4Addr = Ipv4Addr::UNSPECIFIED;
const PEER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 7);
const PEER_MAC: [u8; 6] = [2, 0, 0, 0, 0, 7];
const HOST_MAC: [u8; 6] = [2, 0, 0, 0, 0, 2];
const MAC: &str = "02:00:00:00:00:02";
const ZERO: [u8; 6] = [0; 6];
const BROADCAST: [u8; 6] = [0xff; 6];

/// Returns an ARP request of the peer.
fn request(target: Ipv4Addr) -> Vec<u8> {
    arp(BROADCAST, 1, (PEER_MAC, PEER), (ZERO, target))
}

/// Returns the next line that contains `word`.
pub(super) fn line_with(host: &mut Running, word: &str) -> Result<String, Box<dyn std::error::Error>> {
    loop {
        let line = host.line().map_err(|error| format!("no line contains {word:?}: {error}"))?;
        if line.contains(word) {
            return Ok(line);
        }
    }
}

// proves: rfc5227-start, rfc5227-answers, rfc5227-broadcast, rfc3927-broadcast
fn probe_and_announce() -> TestResult {
    let (tap, other) = (PersistentTapGuard::create("probe0")?, PersistentTapGuard::create("local0")?);
    let mut socket = PacketSocket::open(tap.0.name())?;
    let mut host = Running::begin(&["--tap", "probe0", "--address", "10.0.0.2/24", "--mac", MAC])?;
    let mut link_local = Running::begin(&["--tap", "local0", "--link-local", "--mac", MAC])?;
    assert!(host.first.ends_with(" probing 10.0.0.2\n"), "{}", host.first);

    send(&mut socket, &request(HOST_IP))?;
    for _ in 0..3 {
        // A reply to the request would be received before the probe.
        let probe = receive(&mut socket, |bytes| bytes.get(12..14) == Some(&[8, 6]))?;
        assert_eq!(probe, arp(BROADCAST, 1, (HOST_MAC, UNSPECIFIED), (ZERO, HOST_IP)));
    }
    let announcement = arp(BROADCAST, 1, (HOST_MAC, HOST_IP), (ZERO, HOST_IP));
    assert_eq!(receive(&mut socket, is_arp(1))?, announcement);
    line_with(&mut host, " bound 10.0.0.2 at 02:00:00:00:00:02")?;
    assert_eq!(host.line()?, "ready probe0 02:00:00:00:00:02 10.0.0.2/24\n");
    send(&mut socket, &request(HOST_IP))?;
    assert_eq!(receive(&mut socket, is_arp(2))?, arp(PEER_MAC, 2, (HOST_MAC, HOST_IP), (PEER_MAC, PEER)));
    assert_eq!(receive(&mut socket, is_arp(1))?, announcement);

    let ready = line_with(&mut link_local, "ready ")?;
    let network: ipnet::Ipv4Net = ready.split(' ').nth(3).ok_or("no address")?.trim().parse()?;
    assert!(network.addr().is_link_local() && network.prefix_len() == 16, "{ready}");
    let mut socket = PacketSocket::open(other.0.name())?;
    send(&mut socket, &request(network.addr()))?;
    let reply = arp(BROADCAST, 2, (HOST_MAC, network.addr()), (PEER_MAC, PEER));
    assert_eq!(receive(&mut socket, is_arp(2))?[..32], reply[..32]);
    assert_eq!((host.stop()?.0, link_local.stop()?.0), (Some(0), Some(0)));
    Ok(())
}

/// Two TAPs on a bridge, which is deleted on drop.
pub(crate) struct Bridged {
    near: PersistentTapGuard,
    pub(crate) far: PersistentTapGuard,
    bridge: Interface,
}

impl Bridged {
    pub(crate) fn new() -> Result<Bridged, Box<dyn std::error::Error>> {
        let (near, far) = (PersistentTapGuard::create("near0")?, PersistentTapGuard::create("far0")?);
        create_bridge("bridge0", &[&near.0, &far.0])?;
        Ok(Bridged { near, far, bridge: Interface::named(&"bridge0".parse()?)? })
    }

    /// Starts a host on each TAP, both with the same address. Frames may be lost until the bridge forwards frames.
    fn hosts(&self, options: &[&str]) -> Result<(Running, Running), Box<dyn std::error::Error>> {
        let (near, far) = (self.near.0.name().as_str(), self.far.0.name().as_str());
        let begin = |tap, last: &str, more: &[&str]| {
            let mac = format!("02:00:00:00:00:{last}");
            // io_uring may release the TAP only some time after the end of the program.
            let host = ["--tap", tap, "--address", "10.0.0.2/24", "--mac", &mac, "--io", "read-write"];
            Running::begin(&[&host, more].concat())
        };
        Ok((begin(near, "0a", options)?, begin(far, "0b", options)?))
    }
}

impl Drop for Bridged {
    fn drop(&mut self) {
        let _ = delete_link(&self.bridge);
    }
}

// proves: rfc5227-last, rfc5227-probe-conflict
fn address_in_use() -> TestResult {
    let _wire = Bridged::new()?;
    let near = ["--tap", "near0", "--address", "10.0.0.2/24", "--mac", "02:00:00:00:00:0a"];
    let first = Running::start(&near)?;
    let second = Running::begin(&["--tap", "far0", "--address", "10.0.0.2/24", "--mac", MAC])?;
    let (code, out, errors) = second.end()?;
    assert_eq!(code, Some(1), "{errors}");
    assert!(
        errors.starts_with("tapstack: cannot use 10.0.0.2: 02:00:00:00:00:0a uses or probes"),
        "{errors}"
    );
    assert!(
        out.contains(" probe_conflict 10.0.0.2: 02:00:00:00:00:0a uses it") && !out.contains("ready"),
        "{out}"
    );
    assert_eq!(first.stop()?.0, Some(0));
    Ok(())
}

// proves: rfc5227-always, rfc5227-once, rfc5227-cease, rfc5227-defend-interval, rfc5227-last
fn conflicting_hosts() -> TestResult {
    let wire = Bridged::new()?;
    let (mut first, mut second) = wire.hosts(&["--no-probe", "--announce"])?;
    line_with(&mut first, " defended 10.0.0.2 against 02:00:00:00:00:0b")?;
    line_with(&mut second, " defended 10.0.0.2 against 02:00:00:00:00:0a")?;
    // For ten seconds, neither host may defend again. If one host started late, the hosts may not conflict again in
    // this time. A third station therefore causes a conflict with both hosts.
    let mut socket = PacketSocket::open(wire.bridge.name())?;
    send(&mut socket, &arp(BROADCAST, 1, (PEER_MAC, HOST_IP), (ZERO, OTHER)))?;
    for host in [&mut first, &mut second] {
        line_with(host, " conflict 10.0.0.2: also used by 02:00:00:00:00:07")?;
    }
    for host in [first, second] {
        let (code, out, _) = host.stop()?;
        assert_eq!(code, Some(0));
        let line = out.lines().find(|line| line.ends_with("arp: probes and announcements sent"));
        let count: u32 = line.and_then(|line| line.split_whitespace().next()).ok_or("no count")?.parse()?;
        assert!((2..=3).contains(&count), "expected two announcements and at most one defense: {out}");
    }
    for policy in ["once", "cease"] {
        let (mut first, mut second) = wire.hosts(&["--no-probe", "--announce", "--defend", policy])?;
        wait_for("end of a host", || (first.has_ended() || second.has_ended()).then_some(()))?;
        // If both hosts sent at the same time, both give up the address.
        let (one, other) = if first.has_ended() { (first, second) } else { (second, first) };
        let (code, _, errors) = one.end()?;
        assert_eq!(code, Some(1), "{policy}: {errors}");
        assert!(errors.starts_with("tapstack: gave up 10.0.0.2: 02:00:00:00:00:0"), "{errors}");
        drop(other);
    }
    Ok(())
}

// proves: rfc5227-last, rfc5227-cease
fn address_lost_in_use() -> TestResult {
    let tap = PersistentTapGuard::create("lost0")?;
    let mut socket = PacketSocket::open(tap.0.name())?;
    let options = ["--no-probe", "--defend", "cease", "--json"];
    let host = Running::begin(&[&["--tap", "lost0", "--address", "10.0.0.2/24"][..], &options].concat())?;
    wait_until_answering(&mut socket, HOST_IP)?;
    send(&mut socket, &arp(BROADCAST, 1, (PEER_MAC, HOST_IP), (ZERO, HOST_IP)))?;
    let (code, out, errors) = host.end()?;
    assert_eq!(code, Some(1), "{errors}");
    let ceased = r#""event":"ceased","ip":"10.0.0.2","mac":"02:00:00:00:00:07"}"#;
    assert!(out.contains(ceased) && out.contains(r#""event":"counters","#), "{out}");
    Ok(())
}

// proves: rfc5227-probe-refused
fn tap_down() -> TestResult {
    let tap = PersistentTapGuard::create("void0")?;
    tap.0.set_up(false)?;
    let mut host = Running::begin(&["--tap", "void0", "--address", "10.0.0.2/24", "--mac", MAC])?;
    assert!(host.first.ends_with(" probing 10.0.0.2\n"), "{}", host.first);
    tap.0.set_up(true)?;
    let mut socket = PacketSocket::open(tap.0.name())?;
    // The first probe may be sent before the socket is open.
    for _ in 0..2 {
        let probe = receive(&mut socket, |bytes| bytes.get(12..14) == Some(&[8, 6]))?;
        assert_eq!(probe, arp(BROADCAST, 1, (HOST_MAC, UNSPECIFIED), (ZERO, HOST_IP)));
    }
    line_with(&mut host, " bound 10.0.0.2 at 02:00:00:00:00:02")?;
    let (code, _, errors) = host.stop()?;
    let sentence =
        "tapstack: interface void0 is down\nhint: bring up the interface: `sudo ip link set void0 up`\n";
    assert_eq!((code, errors.as_str()), (Some(0), sentence));
    Ok(())
}

/// Checks that the next ARP packets of the host are three probes and two announcements.
fn receive_probes_and_announcements(socket: &mut PacketSocket) -> TestResult {
    for sender in [UNSPECIFIED, UNSPECIFIED, UNSPECIFIED, HOST_IP, HOST_IP] {
        let packet = receive(socket, |bytes| {
            bytes.get(12..14) == Some(&[8, 6]) && bytes.get(22..28) == Some(&HOST_MAC)
        })?;
        assert_eq!(packet, arp(BROADCAST, 1, (HOST_MAC, sender), (ZERO, HOST_IP)));
    }
    Ok(())
}

// proves: rfc5227-link-up
fn tap_comes_up() -> TestResult {
    let tap = PersistentTapGuard::create("back0")?;
    let mut host = Running::begin(&["--tap", "back0", "--address", "10.0.0.2/24", "--mac", MAC])?;
    line_with(&mut host, "ready back0 ")?;
    let mut socket = PacketSocket::open(tap.0.name())?;
    tap.0.set_up(false)?;
    line_with(&mut host, " link is down")?;
    // Until its link went down, the host announced its address.
    discard(&mut socket)?;
    tap.0.set_up(true)?;
    line_with(&mut host, " link is up, mtu 1500")?;
    line_with(&mut host, " probing 10.0.0.2")?;
    // The host must not send an ARP reply before the announcements.
    receive_probes_and_announcements(&mut socket)?;
    line_with(&mut host, "ready back0 ")?;
    wait_until_answering(&mut socket, HOST_IP)?;
    assert_eq!(host.stop()?.0, Some(0));
    Ok(())
}

// proves: rfc5227-link-up
fn taken_while_down() -> TestResult {
    let tap = PersistentTapGuard::create("gone0")?;
    let host = ["--tap", "gone0", "--address", "10.0.0.2/24", "--mac", MAC, "--defend", "cease", "--json"];
    let mut host = Running::begin(&host)?;
    line_with(&mut host, "\"event\":\"ready\"")?;
    let mut socket = PacketSocket::open(tap.0.name())?;
    tap.0.set_up(false)?;
    let down = line_with(&mut host, "\"event\":\"link\"")?;
    assert!(down.contains("\"up\":false,\"carrier\":false,\"mtu\":1500}"), "{down}");
    discard(&mut socket)?;
    tap.0.set_up(true)?;
    receive(&mut socket, |bytes| bytes.get(22..28) == Some(&HOST_MAC))?;
    send(&mut socket, &arp(HOST_MAC, 2, (PEER_MAC, HOST_IP), (HOST_MAC, UNSPECIFIED)))?;
    let (code, _, errors) = host.end()?;
    assert_eq!(code, Some(1), "{errors}");
    let expected = "tapstack: gave up 10.0.0.2: 02:00:00:00:00:07 uses or probes for the address too";
    assert!(errors.starts_with(expected), "{errors}");
    Ok(())
}

// proves: rfc5227-link-up
fn carrier_returns() -> TestResult {
    let veth = Veth::new()?;
    let far = veth.far_interface()?;
    let mut host = Running::begin(&["-I", NEAR, "--address", "10.0.0.2/24", "--mac", MAC])?;
    line_with(&mut host, "ready near0 ")?;
    let mut socket = veth.far_socket()?;
    veth.in_far_namespace(|| far.set_up(false).map_err(|error| error.to_string()))?;
    line_with(&mut host, " link has no carrier")?;
    discard(&mut socket)?;
    veth.in_far_namespace(|| far.set_up(true).map_err(|error| error.to_string()))?;
    line_with(&mut host, " link is up")?;
    receive_probes_and_announcements(&mut socket)?;
    line_with(&mut host, "ready near0 ")?;
    veth.near.set_mtu(900)?;
    line_with(&mut host, " link is up, mtu 900")?;
    assert_eq!(host.stop()?.0, Some(0));
    Ok(())
}

// proves: rfc3927-next
fn new_address() -> TestResult {
    let tap = PersistentTapGuard::create("anew0")?;
    let mut socket = PacketSocket::open(tap.0.name())?;
    let mut host = Running::begin(&["--tap", "anew0", "--link-local", "--defend", "cease", "-q"])?;
    let address = |ready: &str| -> Result<ipnet::Ipv4Net, Box<dyn std::error::Error>> {
        Ok(ready
            .strip_prefix("ready anew0 ")
            .and_then(|rest| rest.split(' ').nth(1))
            .ok_or("no ready line")?
            .trim()
            .parse()?)
    };
    let first = address(&host.first)?;
    send(&mut socket, &arp(BROADCAST, 1, (PEER_MAC, first.addr()), (ZERO, first.addr())))?;
    let second = address(&host.line()?)?;
    assert_ne!(first, second);
    assert_eq!(host.stop()?.0, Some(0));
    Ok(())
}

// proves: rfc3927-one-scope
fn without_address() -> TestResult {
    let both = ["--tap", "none0", "--link-local", "--address", "10.0.0.2/24"];
    assert_eq!(Running::begin(&both)?.end()?.0, Some(2));
    let (code, _, errors) = Running::begin(&["--tap", "none0"])?.end()?;
    assert_eq!(code, Some(2));
    assert!(errors.contains("missing option: --address <IP/PREFIX>, --link-local or --hosts"), "{errors}");
    Ok(())
}

// proves: rfc1027-ranges, rfc1027-segment
fn proxied_range() -> TestResult {
    let tap = PersistentTapGuard::create("proxy0")?;
    let mut socket = PacketSocket::open(tap.0.name())?;
    let proxies = ["--proxy", "10.1.0.0/16", "--proxy", "192.0.2.0/24", "--mac", MAC];
    let host = Running::start(&[&["--tap", "proxy0", "--address", "10.0.0.2/24"][..], &proxies].concat())?;
    wait_until_answering(&mut socket, HOST_IP)?;
    for target in [[10, 0, 0, 9], [10, 1, 255, 255], [10, 2, 0, 1]] {
        send(&mut socket, &request(target.into()))?;
    }
    for target in [[10, 1, 7, 7], [192, 0, 2, 200]] {
        send(&mut socket, &request(target.into()))?;
        let reply = arp(PEER_MAC, 2, (HOST_MAC, target.into()), (PEER_MAC, PEER));
        assert_eq!(receive(&mut socket, is_arp(2))?, reply);
    }
    assert_eq!(host.stop()?.0, Some(0));
    Ok(())
}
