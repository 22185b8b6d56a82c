//! `tapstack arping`: exit codes and output, on an interface and on a TAP.

use std::error::Error;
use std::net::Ipv4Addr;

use nix::sys::signal::Signal;
use tap::linux::Tap;

use super::capture::{Scratch, wait_for_packet};
use super::running::{PersistentTapGuard, Running, open_tap};
use testbed::frames::{arp, is_arp, receive, send};
use testbed::kernel::{add_address, delete_link, disable_arp};
use testbed::program::{exit_and_text, run};
use testbed::schema::check_lines;
use testbed::{Case, ROOT_TAP, TestResult, USER_TAP, wait_for};

pub(crate) const CASES: &[Case] = &[
    ("arping_exit_code_matches_result_on_interface", on_interface),
    ("arping_exit_code_matches_result_on_tap", on_tap),
    ("arping_exits_2_with_message_when_it_cannot_send", cannot_send),
    ("arping_has_no_result_when_link_goes_down", link_goes_down),
    ("arping_shows_duplicates_and_ignores_replies_to_other_hosts", duplicates_are_shown),
    ("arping_fails_on_conflict_when_requested", fails_on_conflict),
    ("arping_counts_late_replies_for_their_own_requests", late_replies),
    ("arping_probe_fails_when_other_host_probes_same_address", other_host_probes),
    ("concurrent_arpings_do_not_mix_replies", concurrent_arpings),
    ("arping_in_vlan_receives_only_that_vlan", in_vlan),
    ("arping_announcements_match_standard_byte_by_byte", announcements),
    ("arping_uses_kernel_address_of_longest_prefix", nearest_address),
    ("arping_ends_on_signal_or_closed_output", signal_or_closed_output),
    ("arping_prints_nothing_or_json_by_option", quiet_or_json),
];

pub(crate) const UNPRIVILEGED: &[Case] = &[("arping_exits_2_without_privilege", without_privilege)];

const KERNEL: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const TARGET: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
const UNSPECIFIED: Ipv4Addr = Ipv4Addr::UNSPECIFIED;
const PEER_MAC: [u8; 6] = [2, 0, 0, 0, 0, 7];
const THIRD_MAC: [u8; 6] = [2, 0, 0, 0, 0, 8];
const BROADCAST: [u8; 6] = [0xff; 6];
const ZERO: [u8; 6] = [0; 6];

/// Runs `arping` to its end. Returns exit code, standard output and standard error.
fn arping(device: &[&str], more: &[&str]) -> std::io::Result<(Option<i32>, String, String)> {
    Ok(exit_and_text(&run(&[&["arping"], device, more].concat())?))
}

/// Rows of arguments, exit code, start of the second line, and numbers of sent packets.
type Rows<'a> = &'a [(&'a [&'a str], i32, &'a str, &'a str)];

fn check(device: &[&str], rows: Rows<'_>) -> TestResult {
    for (more, code, line, sent) in rows {
        let (ended, out, errors) = arping(device, more)?;
        assert_eq!((ended, errors.as_str()), (Some(*code), ""), "{more:?}: {out}");
        let lines: Vec<_> = out.lines().collect();
        assert!(lines[0].starts_with("ARPING 10.0.0."), "{more:?}: {out}");
        assert!(lines[1].starts_with(line), "{more:?}: {out}");
        assert!(out.contains(&format!("\nSent {sent} broadcast(s))\nReceived ")), "{more:?}: {out}");
    }
    Ok(())
}

/// The peer is a host of tapstack. The sender address is the kernel's.
fn on_interface() -> TestResult {
    let host = ["--tap", "arp0", "--address", "10.0.0.2/24", "--kernel", "10.0.0.1/24"];
    let host = Running::start(&[&host[..], &["--mac", "02:00:00:00:00:0a"]].concat())?;
    let reply = "Unicast reply from 10.0.0.2 [02:00:00:00:00:0A]  ";
    check(
        &["-I", "arp0"],
        &[
            // The first reply arrives before the second request.
            (&["-i", "1", "-c", "2", "10.0.0.2"], 0, reply, "2 probes (1"),
            (&["-i", "0.05", "-c", "3", "-b", "10.0.0.2"], 0, reply, "3 probes (3"),
            (&["-i", "30", "-f", "10.0.0.2"], 0, reply, "1 probes (1"),
            (&["-i", "0.05", "-c", "2", "10.0.0.9"], 1, "Sent 2 ", "2 probes (2"),
            (&["-i", "30", "-D", "10.0.0.2"], 1, reply, "1 probes (1"),
            (&["-i", "0.05", "-D", "10.0.0.9"], 0, "Sent 3 ", "3 probes (3"),
            (&["-i", "0.05", "-U", "-c", "2", "10.0.0.1"], 0, "Sent 2 ", "2 probes (2"),
            (&["-i", "0.05", "-A", "-c", "2", "10.0.0.1"], 0, "Sent 2 ", "2 probes (2"),
        ],
    )?;
    let (code, out, _) =
        arping(&["-I", "arp0"], &["-c", "1", "--source-mac", "02:00:00:00:00:55", "10.0.0.2"])?;
    assert_eq!(code, Some(0), "{out}");
    // arping did not reply to a request.
    let (code, out, _) = host.stop()?;
    assert_eq!(code, Some(0));
    assert!(out.contains("  arp: replies sent\n") && !out.contains("dropped: sender"), "{out}");
    Ok(())
}

/// The peer is the kernel. The sender is a station on a TAP.
fn on_tap() -> TestResult {
    let _tap = PersistentTapGuard::create("from0")?;
    let reply = "Unicast reply from 10.0.0.1 [";
    check(
        &["--tap", "from0", "--address", "10.0.0.2/24"],
        &[
            // The first reply arrives before the second request.
            (&["-i", "1", "-c", "2", "10.0.0.1"], 0, reply, "2 probes (1"),
            // The deadline precedes the second request.
            (&["-i", "30", "-w", "0.04", "10.0.0.9"], 1, "Sent 1 ", "1 probes (1"),
            (&["-i", "30", "-D", "10.0.0.1"], 1, reply, "1 probes (1"),
            (&["-i", "0.05", "-D", "-c", "1", "10.0.0.9"], 0, "Sent 1 ", "1 probes (1"),
            (&["-i", "0.05", "-U", "-c", "2", "10.0.0.2"], 0, "Sent 2 ", "2 probes (2"),
            (&["-i", "0.05", "-A", "-c", "2", "10.0.0.2"], 0, "Sent 2 ", "2 probes (2"),
        ],
    )?;
    // arping creates the TAP and deletes it at the end.
    let made = ["--tap", "new1", "--address", "10.7.0.2/24", "--kernel", "10.7.0.1/24"];
    let (code, out, _) = arping(&made, &["-c", "1", "10.7.0.1"])?;
    assert_eq!(code, Some(0), "{out}");
    assert_eq!(arping(&["-I", "new1"], &["10.7.0.1"])?.0, Some(2));
    Ok(())
}

fn cannot_send() -> TestResult {
    let (down, idle) = (PersistentTapGuard::create("dead0")?, PersistentTapGuard::create("idle0")?);
    down.0.set_up(false)?;
    let (held, off) = (open_tap("held0")?, open_tap("off0")?);
    disable_arp(off.interface())?;
    let tap = ["--tap", "dead0", "--address", "10.0.0.2/24"];
    let rows: [(&[&str], &str); 13] = [
        (&["-I", "absent0", "10.0.0.9"], "interface absent0 does not exist"),
        (&["-I", "dead0", "10.0.0.9"], "dead0 is down\nhint: bring up the interface"),
        (&[&tap[..], &["10.0.0.9"]].concat(), "dead0 is down\nhint: bring up the interface"),
        (&["-I", "idle0", "10.0.0.9"], "idle0 has no carrier"),
        (&["-I", "lo", "10.0.0.9"], "lo does not carry Ethernet frames"),
        (
            &["-I", "off0", "10.0.0.9"],
            "ARP is disabled on off0\nhint: enable ARP: `sudo ip link set off0 arp on`",
        ),
        (&["-I", "held0", "224.0.0.1"], "invalid target 224.0.0.1: a multicast address"),
        (&["-I", "held0", "--source-mac", "ff:ff:ff:ff:ff:ff", "10.0.0.9"], "is the broadcast MAC address"),
        (&["-I", "held0", "-c", "0", "10.0.0.9"], "of at least 1"),
        (&["-I", "held0", "-i", "0", "10.0.0.9"], "from 0.001 to 86400"),
        (&["-I", "held0", "127.0.0.1"], "invalid target 127.0.0.1: a loopback address"),
        (&["192.0.2.9"], "no route to 192.0.2.9\nhint: select the interface with `-I NAME`\n"),
        (&["--tap", "new0", "10.0.0.9"], "--address <IP/PREFIX>"),
    ];
    for (arguments, part) in rows {
        for more in [&[][..], &["-D"]] {
            let (code, out, errors) = arping(&["-w", "1"], &[more, arguments].concat())?;
            assert_eq!((code, out.as_str()), (Some(2), ""), "{arguments:?}: {errors}");
            assert!(errors.contains(part), "{arguments:?}: {errors}");
        }
    }
    // With -D, these targets are valid.
    let rows = [
        ("192.0.2.1", "set the sender address with `-s IP`"),
        ("10.0.0.1", "does not answer its own ARP requests"),
    ];
    for (target, part) in rows {
        let (code, out, errors) = arping(&["-I", "held0"], &[target])?;
        assert_eq!((code, out.as_str()), (Some(2), ""), "{errors}");
        assert!(errors.contains(part) && errors.matches('\n').count() == 2, "{errors}");
    }
    drop((idle, held));
    Ok(())
}

fn link_goes_down() -> TestResult {
    let file = Scratch::new("fall0.pcapng");
    // The link is down for further requests, or no further request is due until the end.
    let rows: [(&[&str], bool); 4] = [
        (&["-D", "-w", "3600", "-i", "0.1"], true),
        (&["-D", "-i", "3600"], false),
        (&["-i", "0.1"], true),
        (&["-c", "1", "-i", "3600"], false),
    ];
    for (more, is_refused) in rows {
        // The queue of a new TAP has no earlier requests.
        let mut tap = open_tap("fall0")?;
        let words = ["arping", "-I", "fall0", "--pcap", file.name()];
        let child = Running::command(&[&words[..], more, &["10.0.0.9"]].concat())?;
        assert!(child.first.starts_with("ARPING 10.0.0.9 "), "{}", child.first);
        receive(&mut tap, |bytes| is_arp(1)(bytes) && bytes.ends_with(&[10, 0, 0, 9]))?;
        tap.interface().set_up(false)?;
        if is_refused {
            wait_for_packet(&file, "refused by the interface")?;
        }
        let (ended, out, errors) = child.stop()?;
        assert_eq!(ended, Some(2), "{more:?}: {out}{errors}");
        assert!(errors.starts_with("tapstack: no result for 10.0.0.9: fall0 was down"), "{errors}");
        assert_eq!(errors.contains("fall0 refused"), is_refused, "{more:?}: {errors}");
    }
    let tap = open_tap("fall0")?;
    let child = Running::command(&["arping", "-I", "fall0", "-i", "0.05", "10.0.0.9"])?;
    assert!(!child.first.is_empty());
    delete_link(tap.interface())?;
    assert_eq!(child.end()?.0, Some(2));
    Ok(())
}

/// Receives the next ARP request for the target, and checks it. Returns the MAC address of the kernel.
fn receive_request(tap: &mut Tap, destination: [u8; 6], from: Ipv4Addr) -> Result<[u8; 6], Box<dyn Error>> {
    let mac = tap.interface().mac_address()?;
    // The kernel also uses this wire, but does not request the target.
    let request = receive(tap, |bytes| is_arp(1)(bytes) && bytes.ends_with(&TARGET.octets()))?;
    let target_mac = if destination == BROADCAST { ZERO } else { destination };
    assert_eq!(request, arp(destination, 1, (mac, from), (target_mac, TARGET)));
    Ok(mac)
}

fn duplicates_are_shown() -> TestResult {
    let mut tap = open_tap("twice0")?;
    let mut child = Running::command(&["arping", "-I", "twice0", "-i", "0.3", "-c", "2", "10.0.0.2"])?;
    assert_eq!(child.first, "ARPING 10.0.0.2 from 10.0.0.1 twice0\n");
    let mac = receive_request(&mut tap, BROADCAST, KERNEL)?;
    // These packets are not replies to this request: another target IP address, target MAC address or sender, and a
    // request.
    send(&mut tap, &arp(mac, 2, (PEER_MAC, TARGET), (mac, Ipv4Addr::new(10, 0, 0, 77))))?;
    send(&mut tap, &arp(mac, 2, (PEER_MAC, TARGET), (THIRD_MAC, KERNEL)))?;
    send(&mut tap, &arp(mac, 2, (PEER_MAC, Ipv4Addr::new(10, 0, 0, 3)), (mac, KERNEL)))?;
    send(&mut tap, &arp(mac, 1, (PEER_MAC, TARGET), (mac, KERNEL)))?;
    send(&mut tap, &arp(mac, 2, (PEER_MAC, TARGET), (mac, KERNEL)))?;
    send(&mut tap, &arp(BROADCAST, 2, (THIRD_MAC, TARGET), (mac, KERNEL)))?;
    assert!(child.line()?.starts_with("Unicast reply from 10.0.0.2 [02:00:00:00:00:07]  "));
    let second = child.line()?;
    assert!(second.starts_with("Broadcast reply from 10.0.0.2 [02:00:00:00:00:08]  "), "{second}");
    assert!(second.ends_with("ms (DUP!) (CONFLICT: also at 02:00:00:00:00:07)\n"), "{second}");
    receive_request(&mut tap, PEER_MAC, KERNEL)?;
    let (code, out, _) = child.end()?;
    let end = "Sent 2 probes (1 broadcast(s))\nReceived 2 response(s) (1 broadcast(s), 1 duplicate(s))\n\
        1 of 2 requests answered, 50% loss\nrtt min/avg/max = ";
    assert_eq!(code, Some(0));
    assert!(out.starts_with(end) && out.ends_with(&format!(" ms\n{TWO_STATIONS}\n")), "{out}");
    Ok(())
}

const TWO_STATIONS: &str = "10.0.0.2 is used by two stations: 02:00:00:00:00:07, 02:00:00:00:00:08";

fn fails_on_conflict() -> TestResult {
    let mut tap = open_tap("two0")?;
    let conflict = format!("tapstack: address conflict: {TWO_STATIONS}\n");
    for (option, format) in [(&["-d"][..], &[][..]), (&["--fail-on", "conflict"], &["--json"])] {
        let words = [&["arping", "-I", "two0", "-i", "0.2"], option, format, &["10.0.0.2"]].concat();
        let child = Running::command(&words)?;
        let mac = receive_request(&mut tap, BROADCAST, KERNEL)?;
        send(&mut tap, &arp(mac, 2, (PEER_MAC, TARGET), (mac, KERNEL)))?;
        // The next request is broadcast too, so that it reaches the second station.
        receive_request(&mut tap, BROADCAST, KERNEL)?;
        send(&mut tap, &arp(mac, 2, (THIRD_MAC, TARGET), (mac, KERNEL)))?;
        let (code, out, errors) = child.end()?;
        assert_eq!((code, errors.as_str()), (Some(1), conflict.as_str()), "{out}");
        if format.is_empty() {
            assert!(out.ends_with(&format!("\n{TWO_STATIONS}\n")), "{out}");
        } else {
            check_lines("arping", &out);
            assert!(out.contains(r#""other_mac":"02:00:00:00:00:07""#), "{out}");
            assert!(out.contains(r#""macs":["02:00:00:00:00:07","02:00:00:00:00:08"]"#), "{out}");
        }
    }
    // Without a conflict, the result is that of the requests.
    for (replies, expected) in [(true, 0), (false, 1)] {
        let child = Running::command(&["arping", "-I", "two0", "-d", "-c", "1", "10.0.0.2"])?;
        let mac = receive_request(&mut tap, BROADCAST, KERNEL)?;
        if replies {
            send(&mut tap, &arp(mac, 2, (PEER_MAC, TARGET), (mac, KERNEL)))?;
        }
        assert_eq!(child.end()?.0, Some(expected));
    }
    // If the link was down, a reply of a second station may have been lost.
    let mut child = Running::command(&["arping", "-I", "two0", "-d", "-i", "60", "10.0.0.2"])?;
    let mac = receive_request(&mut tap, BROADCAST, KERNEL)?;
    send(&mut tap, &arp(mac, 2, (PEER_MAC, TARGET), (mac, KERNEL)))?;
    assert!(child.line()?.contains(" reply from 10.0.0.2 ["), "no line about the reply");
    tap.interface().set_up(false)?;
    tap.interface().set_up(true)?;
    let (code, _, errors) = child.stop()?;
    assert_eq!(code, Some(2));
    assert!(errors.starts_with("tapstack: no result for 10.0.0.2: two0 was down"), "{errors}");
    for other in ["-D", "-U", "-A", "-f"] {
        let (code, _, errors) = arping(&["-I", "two0", "-d", other], &["10.0.0.2"])?;
        assert!(code == Some(2) && errors.contains("cannot be used with"), "{errors}");
    }
    Ok(())
}

/// Each reply is sent after the next request.
fn late_replies() -> TestResult {
    let mut tap = open_tap("slow0")?;
    let mut child = Running::command(&["arping", "-I", "slow0", "-b", "-i", "0.2", "10.0.0.2"])?;
    let mut mac = receive_request(&mut tap, BROADCAST, KERNEL)?;
    for _ in 0..2 {
        mac = receive_request(&mut tap, BROADCAST, KERNEL)?;
        send(&mut tap, &arp(mac, 2, (PEER_MAC, TARGET), (mac, KERNEL)))?;
    }
    send(&mut tap, &arp(mac, 2, (PEER_MAC, TARGET), (mac, KERNEL)))?;
    for _ in 0..3 {
        let line = child.line()?;
        assert!(line.starts_with("Unicast reply from 10.0.0.2 [") && line.ends_with("ms\n"), "{line}");
    }
    let (code, out, _) = child.stop()?;
    assert_eq!(code, Some(0));
    assert!(out.contains("\nReceived 3 response(s)\n3 of "), "{out}");
    Ok(())
}

fn other_host_probes() -> TestResult {
    let mut tap = open_tap("rival0")?;
    let probe = arp(BROADCAST, 1, (PEER_MAC, UNSPECIFIED), (ZERO, TARGET));
    // Any packet with the address as sender is a conflict.
    let other = arp(BROADCAST, 1, (PEER_MAC, TARGET), (ZERO, Ipv4Addr::new(10, 0, 0, 77)));
    let rows = [(probe, "request from 0.0.0.0 [", "probed"), (other, "request from 10.0.0.2 [", "in use")];
    for (packet, line, verdict) in rows {
        let child = Running::command(&["arping", "-I", "rival0", "-D", "10.0.0.2"])?;
        assert_eq!(child.first, "ARPING 10.0.0.2 from 0.0.0.0 rival0\n");
        receive_request(&mut tap, BROADCAST, UNSPECIFIED)?;
        send(&mut tap, &packet)?;
        let (code, out, errors) = child.end()?;
        assert_eq!((code, errors.as_str()), (Some(1), ""), "{out}");
        let end = format!(
            "\nReceived 1 response(s) (1 request(s), 1 broadcast(s))\n10.0.0.2 is {verdict} by 02:00:00:00:00:07\n"
        );
        assert!(out.contains(line) && out.ends_with(&end), "{out}");
    }
    Ok(())
}

fn concurrent_arpings() -> TestResult {
    let many = ["--tap", "many0", "--hosts", "10.1.0.0/24", "--kernel", "10.2.0.1/8"];
    let host = Running::begin(&many)?;
    let start = |target| Running::command(&["arping", "-I", "many0", "-i", "0.3", "-c", "5", target]);
    let mut running = Vec::new();
    for target in ["10.1.0.5", "10.1.0.6", "10.1.0.6"] {
        // Wait for the replies, so that no reply is in flight when the next arping starts.
        let mut child = start(target)?;
        let lines = child.line()? + &child.line()?;
        running.push((target, lines, child));
    }
    for (target, lines, child) in running {
        let (code, out, _) = child.end()?;
        let out = lines + &out;
        assert_eq!(code, Some(0), "{out}");
        assert_eq!(out.matches(&format!(" reply from {target} [")).count(), 5, "{out}");
        let end = "\nReceived 5 response(s)\n5 of 5 requests answered, 0% loss\nrtt min/avg/max = ";
        assert!(out.contains(end), "{out}");
    }
    assert_eq!(host.stop()?.0, Some(0));
    Ok(())
}

fn in_vlan() -> TestResult {
    let host = ["--tap", "tag0", "--address", "10.0.0.2/24", "--kernel", "10.0.0.1/24", "--vlan", "5"];
    let host = Running::start(&host)?;
    for (more, expected) in [(&["--vlan", "5"][..], 0), (&["--vlan", "6"], 1), (&[], 1)] {
        let (code, out, _) = arping(&["-I", "tag0", "-c", "1"], &[more, &["10.0.0.2"]].concat())?;
        assert_eq!(code, Some(expected), "{more:?}: {out}");
    }
    host.stop()?;
    // A reply is valid only with the VLAN tag of the request, or without a tag if the request has no tag.
    let mut tap = open_tap("tag1")?;
    let mac = tap.interface().mac_address()?;
    let plain = arp(mac, 2, (PEER_MAC, TARGET), (mac, KERNEL));
    let tagged = [&plain[..12], &[0x81, 0, 0, 5], &plain[12..]].concat();
    let untagged: &[&str] = &[];
    for (vlan, ignored, counted) in [(&["--vlan", "5"][..], &plain, &tagged), (untagged, &tagged, &plain)] {
        let words = [&["arping", "-I", "tag1", "-f", "-w", "10"], vlan, &["10.0.0.2"]].concat();
        let child = Running::command(&words)?;
        receive(&mut tap, |bytes| bytes.ends_with(&TARGET.octets()))?;
        for bytes in [ignored, ignored, counted] {
            send(&mut tap, bytes)?;
        }
        let (code, out, _) = child.end()?;
        assert_eq!((code, out.lines().count()), (Some(0), 5), "{out}");
        let end = "\nReceived 1 response(s)\n1 of 1 request answered, 0% loss\n";
        assert!(!out.contains("DUP") && out.contains(end), "{out}");
    }
    Ok(())
}

fn announcements() -> TestResult {
    let mut tap = open_tap("ann0")?;
    let mac = tap.interface().mac_address()?;
    let rows = [("-U", 1, ZERO), ("-A", 2, mac)];
    for (letter, operation, target) in rows {
        let (code, out, _) = arping(&["-I", "ann0", letter, "-c", "1"], &["10.0.0.2"])?;
        assert_eq!(code, Some(0), "{out}");
        let packet = receive(&mut tap, |bytes| bytes.ends_with(&TARGET.octets()))?;
        assert_eq!(packet, arp(BROADCAST, operation, (mac, TARGET), (target, TARGET)));
    }
    Ok(())
}

fn nearest_address() -> TestResult {
    let tap = open_tap("near1")?;
    add_address(tap.interface(), "10.0.0.17/28".parse()?)?;
    add_address(tap.interface(), "192.0.2.1/24".parse()?)?;
    for (target, source) in [("10.0.0.2", "10.0.0.1"), ("10.0.0.18", "10.0.0.17"), ("192.0.2.9", "192.0.2.1")]
    {
        let (code, out, _) = arping(&["-I", "near1", "-w", "0.05"], &[target])?;
        assert_eq!(code, Some(1));
        assert!(out.starts_with(&format!("ARPING {target} from {source} near1\n")), "{out}");
    }
    let (_, out, _) = arping(&["-I", "near1", "-w", "0.05"], &["-s", "10.0.0.99", "10.0.0.2"])?;
    assert!(out.starts_with("ARPING 10.0.0.2 from 10.0.0.99 near1\n"), "{out}");
    Ok(())
}

fn signal_or_closed_output() -> TestResult {
    let _tap = PersistentTapGuard::create("end0")?;
    let options = ["arping", "--tap", "end0", "--address", "10.0.0.2/24", "-i", "0.02"];
    let rows = [
        (Signal::SIGINT, &["10.0.0.1"][..], 0),
        (Signal::SIGTERM, &["10.0.0.9"], 1),
        (Signal::SIGINT, &["-D", "10.0.0.9"], 2),
    ];
    for (signal, target, expected) in rows {
        let mut child = Running::command(&[&options[..], target].concat())?;
        if expected == 0 {
            child.line()?;
        }
        // The time is long enough for at least one request.
        std::thread::sleep(std::time::Duration::from_millis(100));
        child.signal(signal)?;
        let (code, out, errors) = child.end()?;
        assert_eq!(code, Some(expected), "{out}{errors}");
        assert!(out.contains("Sent ") && out.contains("\nReceived "), "{out}");
        assert_eq!(errors.contains("no result for 10.0.0.9: the probe ended"), expected == 2, "{errors}");
    }
    let mut child = Running::command(&[&options[..], &["10.0.0.1"]].concat())?;
    assert!(child.line()?.contains(" reply from 10.0.0.1 ["));
    child.close_output();
    wait_for("end of the arping", || child.has_ended().then_some(()))?;
    let (code, _, errors) = child.end()?;
    assert_eq!((code, errors.as_str()), (Some(0), ""));
    Ok(())
}

fn quiet_or_json() -> TestResult {
    let _tap = PersistentTapGuard::create("mute0")?;
    let options = ["--tap", "mute0", "--address", "10.0.0.2/24", "-i", "0.02"];
    let (code, out, errors) = arping(&options, &["-q", "-c", "2", "10.0.0.1"])?;
    assert_eq!((code, out.as_str(), errors.as_str()), (Some(0), "", ""));
    let (code, out, _) = arping(&options, &["--json", "-c", "2", "10.0.0.1"])?;
    assert_eq!(code, Some(0));
    check_lines("arping", &out);
    let objects: Vec<serde_json::Value> = out.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let events: Vec<_> = objects.iter().map(|object| object["event"].as_str().unwrap_or_default()).collect();
    assert_eq!(events, ["start", "reply", "reply", "statistics"]);
    assert_eq!((&objects[3]["outcome"], &objects[3]["received"]), (&"answered".into(), &2.into()));
    let (code, out, _) = exit_and_text(&run(&["arping", "-V"])?);
    assert!(code == Some(0) && out.ends_with(&format!(" {}\n", env!("CARGO_PKG_VERSION"))), "{out}");
    Ok(())
}

fn without_privilege() -> TestResult {
    for letter in ["-f", "-D", "-U"] {
        let (code, out, errors) = arping(&["-I", USER_TAP, letter], &["10.0.0.2"])?;
        assert_eq!((code, out.as_str()), (Some(2), ""), "{errors}");
        assert!(
            errors.contains("CAP_NET_RAW is required\nhint: run the command as root: `sudo /"),
            "{errors}"
        );
        let (code, _, errors) =
            arping(&["--tap", ROOT_TAP, "--address", "10.0.1.2/24", letter], &["10.0.1.1"])?;
        assert_eq!(code, Some(2), "{errors}");
    }
    // The user's own TAP requires no privilege.
    let (code, out, _) = arping(&["--tap", USER_TAP, "--address", "10.0.0.2/24", "-c", "1"], &["10.0.0.1"])?;
    assert_eq!(code, Some(0), "{out}");
    Ok(())
}
