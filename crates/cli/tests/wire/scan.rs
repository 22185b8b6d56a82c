//! `tapstack scan`: exit codes, text and JSON.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::Ipv4Addr;
use std::process::{Child, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tap::linux::{Interface, Tap};

use super::capture::{Scratch, wait_for_packet};
use super::common::on_terminal;
use super::running::{PersistentTapGuard, Running, open_tap};
use testbed::frames::{arp, is_arp, receive, send};
use testbed::kernel::delete_link;
use testbed::program::{command, exit_and_text, run};
use testbed::schema::check_lines;
use testbed::{Case, ROOT_TAP, TestResult, USER_TAP, wait_for};

pub(crate) const CASES: &[Case] = &[
    ("scan_exit_code_matches_result_on_interface", on_interface),
    ("scan_exit_code_matches_result_on_tap", on_tap),
    ("scan_exits_2_with_message_when_it_cannot_send", cannot_send),
    ("scan_and_arping_use_interface_of_route_to_targets", interface_of_route),
    ("scan_has_no_result_when_link_goes_down", link_goes_down),
    ("scan_shows_duplicates_and_conflicts", duplicates_and_conflicts),
    ("scan_fails_on_conflict_when_requested", fails_on_conflict),
    ("scan_lists_station_with_many_addresses", one_station_with_many_addresses),
    ("scan_in_vlan_receives_only_that_vlan", in_vlan),
    ("scan_finds_all_of_4096_hosts", many_hosts),
    ("concurrent_scans_and_kernel_see_no_duplicates", concurrent_scans),
    ("scan_reads_ranges_from_file", ranges_from_file),
    ("scan_ends_on_signal_or_closed_output", signal_or_closed_output),
    ("scan_json_matches_schema", as_json),
    ("scan_progress_is_drawn_only_on_terminal", on_terminals),
];

pub(crate) const UNPRIVILEGED: &[Case] = &[("scan_exits_2_without_privilege", without_privilege)];

const KERNEL: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const TARGET: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
const PEER_MAC: [u8; 6] = [2, 0, 0, 0, 0, 7];
const THIRD_MAC: [u8; 6] = [2, 0, 0, 0, 0, 8];
const BROADCAST: [u8; 6] = [0xff; 6];

/// Short timeout for scans without replies.
const SHORT: [&str; 2] = ["-t", "60"];
/// Options of a scan that ends after one reply, even on a slow machine.
const ONE: [&str; 4] = ["-t", "3000", "-M", "1"];

/// Runs a scan of one pass to its end. Returns exit code, standard output and standard error.
fn scan(device: &[&str], more: &[&str]) -> std::io::Result<(Option<i32>, String, String)> {
    Ok(exit_and_text(&run(&[&["scan", "-r", "1"], device, more].concat())?))
}

/// Starts four hosts at 10.0.0.16 to 10.0.0.19 on a new TAP, with the kernel at 10.0.0.1.
pub(crate) fn range_of_four(name: &str) -> Result<Running, Box<dyn std::error::Error>> {
    let hosts = ["--hosts", "10.0.0.16/30", "--mac-base", "02:11:00:00:00:00", "--kernel", "10.0.0.1/24"];
    Running::begin(&[&["--tap", name], &hosts[..]].concat())
}

/// Writes a vendor file for these hosts.
fn vendors(name: &str) -> Result<Scratch, Box<dyn std::error::Error>> {
    let file = Scratch::new(name);
    std::fs::write(
        file.name(),
        "021100\tThe Makers & Sons\n0211000000010\tToo long\n021100000001\tMade by hand\n",
    )?;
    Ok(file)
}

fn on_interface() -> TestResult {
    let host = range_of_four("many1")?;
    let on = ["-I", "many1"];
    let rows: [(&[&str], i32, &str); 8] = [
        (&["-t", "3000", "-M", "1", "10.0.0.16"], 0, ": 1 host scanned in "),
        (&["-t", "3000", "-M", "1", "10.0.0.19", "10.0.0.9"], 0, " 1 responded\n"),
        (&["-t", "60", "10.0.0.9-10.0.0.11"], 1, ": 3 hosts scanned in "),
        (&["-t", "3000", "-M", "2", "10.0.0.16/30"], 0, " 2 responded\n"),
        (&["-t", "500", "--limit", "5", "10.0.0.16/28"], 1, " 4 responded\n"),
        (&["-t", "500", "-R", "-i", "1", "10.0.0.16/28", "10.0.0.16/30"], 0, ": 16 hosts scanned in "),
        // One address of the range is the sender address.
        (&["-t", "60", "10.0.0.0:255.255.255.248"], 1, ": 7 hosts scanned in "),
        (&["-t", "3000", "-M", "4", "-s", "0.0.0.0", "10.0.0.16/30"], 0, ", IPv4: 0.0.0.0\n"),
    ];
    for (more, code, part) in rows {
        let (ended, out, errors) = scan(&on, &[&["-q"], more].concat())?;
        assert_eq!((ended, errors.as_str()), (Some(code), ""), "{more:?}: {out}");
        assert!(out.starts_with("Interface: many1, type: EN10MB, MAC: "), "{out}");
        assert!(out.contains("\nEnding tapstack ") && out.contains(part), "{more:?}: {out}");
    }
    let file = vendors("plain.txt")?;
    let (code, out, errors) = scan(&on, &["-t", "3000", "-M", "2", "-x", "-O", file.name(), "10.0.0.16/31"])?;
    let expected =
        "10.0.0.16\t02:11:00:00:00:00\tThe Makers & Sons\n10.0.0.17\t02:11:00:00:00:01\tMade by hand\n";
    assert_eq!((code, out.as_str()), (Some(0), expected));
    assert_eq!(errors, "tapstack: ignored 1 invalid line in the vendor file\n");
    let (code, out, errors) = scan(&on, &[&ONE[..], &["-x", "-q", "10.0.0.18"]].concat())?;
    assert_eq!((code, out.as_str(), errors.as_str()), (Some(0), "10.0.0.18\t02:11:00:00:00:02\n", ""));
    assert_eq!(host.stop()?.0, Some(0));
    Ok(())
}

/// The peer is the kernel. The sender is a station on a TAP.
fn on_tap() -> TestResult {
    let _tap = PersistentTapGuard::create("near2")?;
    let from = ["--tap", "near2", "--address", "10.0.0.2/29"];
    for (more, code, part) in [
        (&["-t", "500", "-l"][..], 0, ": 7 hosts scanned in "),
        (&["-t", "3000", "-M", "1", "10.0.0.0/30"], 0, " 1 responded\n"),
        (&["-t", "60", "10.0.0.9"], 1, " 0 responded\n"),
    ] {
        let (ended, out, errors) = scan(&from, &[&["-q"], more].concat())?;
        assert_eq!(ended, Some(code), "{more:?}: {out}{errors}");
        assert!(out.contains(part), "{more:?}: {out}");
        assert_eq!(out.contains("\n10.0.0.1\t"), code == 0, "{out}");
    }
    Ok(())
}

fn cannot_send() -> TestResult {
    let (down, idle) = (PersistentTapGuard::create("dead1")?, PersistentTapGuard::create("idle1")?);
    down.0.set_up(false)?;
    let held = open_tap("held1")?;
    let bare = Tap::open("bare1")?;
    bare.interface().set_up(true)?;
    let rows: [(&[&str], &str); 24] = [
        (&["-I", "absent0", "10.0.0.9"], "interface absent0 does not exist"),
        (&["-I", "dead1", "10.0.0.9"], "dead1 is down\nhint: bring up the interface"),
        (
            &["--tap", "dead1", "--address", "10.0.0.2/24", "-l"],
            "dead1 is down\nhint: bring up the interface",
        ),
        (&["-I", "idle1", "10.0.0.9"], "idle1 has no carrier"),
        (
            &["-I", "held1", "192.0.2.0/24"],
            "has no address in a network to scan\nhint: set the sender address",
        ),
        (&["-I", "bare1", "-l"], "bare1 has no IPv4 address, so its network is unknown"),
        (&["-I", "held1", "10.0.0.1"], "the only target, 10.0.0.1, is the sender address of the scan"),
        (&["-I", "held1", "224.0.0.0/24"], "224.0.0.0 is a multicast address"),
        (
            &["-I", "held1", "-s", "127.0.0.1", "10.0.0.9"],
            "invalid sender address 127.0.0.1: a loopback address",
        ),
        (&["-I", "held1", "10.0.0.0/7"], "too many target addresses: 33554432 (limit 16777216, a /8)"),
        (&["-I", "held1", "10.0.0.9-10.0.0.3"], "10.0.0.3 is lower than 10.0.0.9"),
        (&["-I", "held1", "a name"], "e.g. 10.0.0.1, 10.0.0.0/24 or 10.0.0.1-9"),
        (&["-I", "held1", "10.0.0.9", "--exclude", "10.0.0.0-20"], "no target addresses"),
        (&["-I", "held1", "-f", "/dev/null"], "no target addresses"),
        (&["-I", "held1", "-f", "/nonexistent"], "cannot read /nonexistent: No such file"),
        (&["-I", "held1", "-f", "/dev/zero"], "cannot read /dev/zero: longer than 64 MiB"),
        (&["-I", "held1", "-O", "/dev/zero", "10.0.0.9"], "cannot read /dev/zero: longer than 64 MiB"),
        (&["-I", "held1", "-O", "/dev/null", "10.0.0.9"], "/dev/null contains no vendor names"),
        (&["-I", "held1", "--rate", "0", "10.0.0.9"], "expected 1 to 10,000,000 requests per second"),
        (&["-I", "held1", "-b", "0.5", "10.0.0.9"], "expected a factor from 1 to 100"),
        (&["-I", "held1", "-l", "10.0.0.9"], "cannot be used with"),
        (&["-I", "held1"], "missing option or argument: <RANGE>, --file <FILE> or --localnet\n"),
        (&["192.0.2.9"], "no route to 192.0.2.9\nhint: select the interface with `-I NAME`\n"),
        (&["10.0.0.9", "127.0.0.2"], "invalid value '127.0.0.2' for '[RANGE]...': 127.0.0.2 is a loopback"),
    ];
    for (arguments, part) in rows {
        let (code, out, errors) = scan(&SHORT, &[arguments, &["-x"]].concat())?;
        assert_eq!((code, out.as_str()), (Some(2), ""), "{arguments:?}: {errors}");
        assert!(errors.contains(part), "{arguments:?}: {errors}");
    }
    drop((idle, held, bare));
    Ok(())
}

fn interface_of_route() -> TestResult {
    let host = range_of_four("near3")?;
    let target = ["-q", "10.0.0.16"];
    let (code, out, errors) = scan(&ONE, &target)?;
    assert_eq!((code, errors.as_str()), (Some(0), ""), "{out}");
    assert!(out.starts_with("Interface: near3, ") && out.contains("\n10.0.0.16\t"), "{out}");
    // Without a default route, the interface is the only one with an address.
    let (code, out, errors) =
        scan(&ONE, &["-q", "-l", "--exclude", "10.0.0.0-15", "--exclude", "10.0.0.17/32"])?;
    assert_eq!((code, errors.as_str()), (Some(0), ""), "{out}");
    assert!(out.contains(" with 239 hosts\n") && out.contains("\n10.0.0.16\t"), "{out}");

    let other = Tap::open("near4")?;
    other.interface().add_address("10.0.1.1/24".parse()?)?;
    other.interface().set_up(true)?;
    other.interface().add_route("192.0.2.0/24".parse()?, Some([10, 0, 1, 9].into()))?;
    let rows: [(&[&str], &str); 5] = [
        (
            &["scan", "-l"],
            "several interfaces have IPv4 addresses: near3, near4\nhint: select one with `-I NAME`",
        ),
        (
            &["scan", "10.0.0.0/24", "10.0.1.0/24"],
            "the targets are on two interfaces: near3 and near4\nhint: scan the targets of each interface in a run",
        ),
        (
            &["arping", "192.0.2.7"],
            "192.0.2.7 is not on a local network: its route leads to gateway 10.0.1.9 on near4\nhint: use `-I near4`",
        ),
        (&["arping", "198.51.100.7"], "no route to 198.51.100.7\nhint: select the interface with `-I NAME`"),
        (&["arping", "--address", "10.0.0.2/24", "10.0.0.1"], "missing option: --tap <NAME>"),
    ];
    for (words, part) in rows {
        let (code, out, errors) = exit_and_text(&run(words)?);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{words:?}: {errors}");
        assert!(errors.contains(part), "{words:?}: {errors}");
    }
    // The address of the kernel leads to its interface.
    for (words, code, part) in [
        (&["arping", "-c", "1", "-w", "5", "10.0.0.17"][..], 0, "ARPING 10.0.0.17 from 10.0.0.1 near3\n"),
        (&["arping", "-D", "-c", "1", "10.0.0.16"], 1, "ARPING 10.0.0.16 from 0.0.0.0 near3\n"),
        (&["arping", "-U", "-c", "1", "10.0.0.1"], 0, "ARPING 10.0.0.1 from 10.0.0.1 near3\n"),
    ] {
        let (ended, out, errors) = exit_and_text(&run(words)?);
        assert_eq!((ended, errors.as_str()), (Some(code), ""), "{words:?}: {out}");
        assert!(out.starts_with(part), "{words:?}: {out}");
    }
    // The interface of the default route precedes the others.
    let near = Interface::named(&"near3".parse()?)?;
    near.add_route("0.0.0.0/0".parse()?, Some([10, 0, 0, 16].into()))?;
    let (code, out, _) = scan(&ONE, &["-q", "-l"])?;
    assert_eq!(code, Some(0));
    assert!(out.starts_with("Interface: near3, "), "{out}");
    assert_eq!(host.stop()?.0, Some(0));
    Ok(())
}

fn link_goes_down() -> TestResult {
    let file = Scratch::new("fall1.pcapng");
    // The link is down for a further request, or after the last request.
    let rows: [(&[&str], bool); 2] =
        [(&["-b", "1", "-r", "100", "-t", "100"], true), (&["-r", "1", "-t", "60000"], false)];
    for (more, is_refused) in rows {
        // The queue of a new TAP has no earlier requests.
        let mut tap = open_tap("fall1")?;
        let words = ["scan", "-I", "fall1", "-q", "--pcap", file.name()];
        let child = Running::command(&[&words[..], more, &["10.0.0.9"]].concat())?;
        receive(&mut tap, |bytes| is_arp(1)(bytes) && bytes.ends_with(&[10, 0, 0, 9]))?;
        tap.interface().set_up(false)?;
        if is_refused {
            wait_for_packet(&file, "refused by the interface")?;
        }
        let (ended, out, errors) = child.stop()?;
        assert_eq!(ended, Some(2), "{more:?}: {out}{errors}");
        assert!(errors.contains("tapstack: no result of the scan: fall1 was down"), "{errors}");
    }
    let tap = open_tap("fall1")?;
    let child = Running::command(&["scan", "-I", "fall1", "-q", "-r", "100", "10.0.0.9"])?;
    delete_link(tap.interface())?;
    assert_eq!(child.end()?.0, Some(2));
    Ok(())
}

fn duplicates_and_conflicts() -> TestResult {
    let mut tap = open_tap("twice1")?;
    let mac = tap.interface().mac_address()?;
    let request = |bytes: &[u8]| is_arp(1)(bytes) && bytes.ends_with(&TARGET.octets());
    let reply = |from| arp(mac, 2, (from, TARGET), (mac, KERNEL));
    let known = "10.0.0.2\t02:00:00:00:00:07\t(Unknown: locally administered)";
    let other = "10.0.0.2\t02:00:00:00:00:08\t(Unknown: locally administered)";
    let conflict = "(CONFLICT: also at 02:00:00:00:00:07)";
    let all = format!("{known}\n{known} (DUP: 2)\n{other} (DUP: 3) {conflict}\n");
    let without_duplicates = format!("{known}\n{other} (DUP: 3) {conflict}\n");
    // An installed vendor file might name a vendor.
    let file = vendors("twice.txt")?;
    for (more, expected) in [(&[][..], all), (&["-g"], without_duplicates)] {
        let words = ["scan", "-I", "twice1", "-r", "1", "-t", "60000", "-x", "-O", file.name()];
        let mut child = start(&[&words[..], more, &["10.0.0.2"]].concat())?;
        assert_eq!(receive(&mut tap, request)?, arp(BROADCAST, 1, (mac, KERNEL), ([0; 6], TARGET)));
        // These packets are not replies to this request: another target IP address, target MAC address or sender, and a
        // request.
        send(&mut tap, &arp(mac, 2, (PEER_MAC, TARGET), (mac, Ipv4Addr::new(10, 0, 0, 77))))?;
        send(&mut tap, &arp(mac, 2, (PEER_MAC, TARGET), (THIRD_MAC, KERNEL)))?;
        send(&mut tap, &arp(mac, 2, (PEER_MAC, Ipv4Addr::new(10, 0, 0, 3)), (mac, KERNEL)))?;
        send(&mut tap, &arp(mac, 1, (PEER_MAC, TARGET), (mac, KERNEL)))?;
        for from in [PEER_MAC, PEER_MAC, THIRD_MAC] {
            send(&mut tap, &reply(from))?;
        }
        let (code, out, _) = interrupt_after(&mut child, expected.lines().count())?;
        assert_eq!((code, out), (Some(0), expected), "{more:?}");
    }
    Ok(())
}

/// Starts the program. The first line of its output may depend on the test.
fn start(words: &[&str]) -> std::io::Result<Child> {
    command(words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()
}

/// Interrupts a scan after this number of lines for the target. Returns exit code, output and errors.
fn interrupt_after(
    child: &mut Child,
    count: usize,
) -> Result<(Option<i32>, String, String), Box<dyn std::error::Error>> {
    let mut from = BufReader::new(child.stdout.take().ok_or("standard output is not a pipe")?);
    let (mut out, mut errors) = (String::new(), String::new());
    while out.matches("10.0.0.2\t").count() < count || !out.ends_with('\n') {
        if from.read_line(&mut out)? == 0 {
            return Err(format!("the scan ended before it was interrupted: {out}").into());
        }
    }
    kill(Pid::from_raw(i32::try_from(child.id())?), Signal::SIGINT)?;
    from.read_to_string(&mut out)?;
    child.stderr.take().ok_or("standard error is not a pipe")?.read_to_string(&mut errors)?;
    Ok((child.wait()?.code(), out, errors))
}

/// Starts a scan with `--fail-on conflict`, and replies from these stations.
fn scan_with_replies(
    tap: &mut Tap,
    more: &[&str],
    stations: &[[u8; 6]],
) -> Result<Child, Box<dyn std::error::Error>> {
    let mac = tap.interface().mac_address()?;
    let words = ["scan", "-I", "twice2", "-r", "1", "-q", "--fail-on", "conflict"];
    let child = start(&[&words[..], more, &["10.0.0.2"]].concat())?;
    receive(tap, |bytes| is_arp(1)(bytes) && bytes.ends_with(&TARGET.octets()))?;
    for from in stations {
        send(tap, &arp(mac, 2, (*from, TARGET), (mac, KERNEL)))?;
    }
    Ok(child)
}

fn fails_on_conflict() -> TestResult {
    let mut tap = open_tap("twice2")?;
    let both = "10.0.0.2 is used by two stations: 02:00:00:00:00:07, 02:00:00:00:00:08\n";
    let message = format!("tapstack: address conflict: {both}");
    // A conflict is a result although the scan is interrupted.
    let long = ["-t", "60000"];
    let mut child = scan_with_replies(&mut tap, &long, &[PEER_MAC, THIRD_MAC])?;
    let (code, out, errors) = interrupt_after(&mut child, 2)?;
    assert_eq!((code, errors.as_str()), (Some(1), message.as_str()), "{out}");
    assert!(out.ends_with(&format!(" replied for 1 address\n{both}")), "{out}");
    let mut child = scan_with_replies(&mut tap, &[&long[..], &["-x"]].concat(), &[PEER_MAC, THIRD_MAC])?;
    let (code, out, errors) = interrupt_after(&mut child, 2)?;
    assert_eq!((code, errors.as_str(), out.lines().count()), (Some(1), message.as_str(), 2), "{out}");
    // A complete scan without a conflict.
    for (time, stations, expected) in [("5000", &[PEER_MAC, PEER_MAC][..], 0), ("60", &[], 1)] {
        let child = scan_with_replies(&mut tap, &["-t", time], stations)?;
        let (code, out, errors) = exit_and_text(&child.wait_with_output()?);
        assert_eq!((code, errors.as_str()), (Some(expected), ""), "{out}");
    }
    // A scan that was interrupted, or that lost frames, may have missed the second station.
    for flaps in [false, true] {
        let mut child = scan_with_replies(&mut tap, &long, &[PEER_MAC])?;
        if flaps {
            tap.interface().set_up(false)?;
            tap.interface().set_up(true)?;
        }
        let (code, _, errors) = interrupt_after(&mut child, 1)?;
        assert_eq!(code, Some(2), "{errors}");
        let reason = if flaps { "twice2 was down" } else { "interrupted before the scan was complete" };
        assert!(errors.starts_with(&format!("tapstack: no result of the scan: {reason}")), "{errors}");
    }
    let (code, _, errors) = scan(&["-I", "twice2"], &["--fail-on", "conflict", "-M", "1", "10.0.0.2"])?;
    assert!(code == Some(2) && errors.contains("cannot be used with"), "{errors}");
    Ok(())
}

/// A host with proxy ARP replies for every address of a range.
fn one_station_with_many_addresses() -> TestResult {
    let proxy = ["--tap", "prox1", "--address", "10.0.0.2/28", "--kernel", "10.0.0.1/24"];
    let more = ["--proxy", "10.0.0.16/29", "--mac", "02:00:00:00:00:0a"];
    let host = Running::start(&[&proxy[..], &more].concat())?;
    let (code, out, _) = scan(&["-I", "prox1"], &["-q", "--fail-on", "conflict", "10.0.0.17-10.0.0.20"])?;
    assert_eq!(code, Some(0), "{out}");
    let line = "\n02:00:00:00:00:0a replied for 4 addresses, from 10.0.0.17 to 10.0.0.20\n";
    assert!(out.ends_with(line), "{out}");
    let (_, out, _) = scan(&["-I", "prox1"], &["--json", "10.0.0.17-10.0.0.20"])?;
    check_lines("scan", &out);
    let shared = r#""shared_macs":[{"mac":"02:00:00:00:00:0a","addresses":4,"first_ip":"10.0.0.17","last_ip":"10.0.0.20"}]"#;
    assert!(out.contains(shared), "{out}");
    assert_eq!(host.stop()?.0, Some(0));
    Ok(())
}

fn in_vlan() -> TestResult {
    let host = ["--tap", "tag2", "--address", "10.0.0.2/24", "--kernel", "10.0.0.1/24", "--vlan", "5"];
    let host = Running::start(&host)?;
    for (more, expected) in [
        (&["-t", "3000", "-M", "1", "-Q", "5"][..], 0),
        (&["-t", "60", "--vlan", "6"], 1),
        (&["-t", "60"], 1),
    ] {
        let (code, out, _) = scan(&["-I", "tag2"], &[more, &["-x", "-q", "10.0.0.2"]].concat())?;
        assert_eq!(
            (code, out.lines().count()),
            (Some(expected), usize::from(expected == 0)),
            "{more:?}: {out}"
        );
    }
    assert_eq!(host.stop()?.0, Some(0));
    Ok(())
}

/// A scan in random order finds each host once, with its MAC address. No line is lost if the reader starts late.
fn many_hosts() -> TestResult {
    let many = ["--tap", "many2", "--hosts", "10.1.0.0/20", "--mac-base", "02:11:00:00:00:00"];
    let host = Running::begin(&[&many[..], &["--kernel", "10.2.0.1/8", "-q"]].concat())?;
    let file = Scratch::new("long.txt");
    let name = "The Makers".repeat(12);
    std::fs::write(file.name(), format!("0211\t{name}\n"))?;
    // 4,096 lines exceed the capacity of the pipe and the output buffer. 1,024 lines fit.
    for (range, count) in [("10.1.0.0/20", 4_096_u16), ("10.1.0.0/22", 1_024)] {
        let pace = ["--rate", "20000", "-r", "5", "-t", "150", "-x", "-R"];
        let words = [&["scan", "-I", "many2"], &pace[..], &["-O", file.name(), range]].concat();
        let child = command(&words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        std::thread::sleep(std::time::Duration::from_millis(500));
        let (code, out, errors) = exit_and_text(&child.wait_with_output()?);
        assert_eq!(code, Some(0), "{errors}");
        let found: Vec<_> = out.lines().filter(|line| !line.contains("(DUP")).map(str::to_owned).collect();
        let host = |number: u16| {
            let [high, low] = number.to_be_bytes();
            format!("10.1.{high}.{low}\t02:11:00:00:{high:02x}:{low:02x}\t{name}")
        };
        let expected: Vec<_> = (0..count).map(host).collect();
        assert!(found != expected, "the order is not random");
        let sorted = |mut lines: Vec<String>| {
            lines.sort_unstable();
            lines
        };
        assert!(sorted(found) == sorted(expected), "{} lines: {errors}", out.lines().count());
    }
    assert_eq!(host.stop()?.0, Some(0));
    Ok(())
}

fn concurrent_scans() -> TestResult {
    let host = range_of_four("both0")?;
    let words = ["scan", "-I", "both0", "-x", "-q", "-r", "1", "-t", "700", "-i", "30", "10.0.0.16/30"];
    let children: Vec<_> = (0..3).map(|_| Running::command(&words)).collect::<Result<_, _>>()?;
    // The kernel resolves the last two addresses at the same time.
    for last in [18, 19] {
        testbed::kernel::send_from_kernel(Ipv4Addr::new(10, 0, 0, last), b"hello")?;
    }
    for child in children {
        let first = child.first.clone();
        let (code, out, errors) = child.end()?;
        assert_eq!((code, errors.as_str()), (Some(0), ""));
        assert_eq!((first + &out).lines().count(), 4, "{out}");
        assert!(!out.contains("DUP"), "{out}");
    }
    assert_eq!(host.stop()?.0, Some(0));
    Ok(())
}

fn ranges_from_file() -> TestResult {
    let host = range_of_four("file0")?;
    let mut child =
        command(&["scan", "-I", "file0", "-t", "3000", "-M", "3", "-x", "-q", "-f", "-", "10.0.0.19"]);
    let mut child = child.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    child
        .stdin
        .take()
        .ok_or("standard input is not a pipe")?
        .write_all(b"# hosts\n10.0.0.16/31   # the first two\n\n10.0.0.17\n")?;
    let (code, out, _) = exit_and_text(&child.wait_with_output()?);
    let hosts = ["16\t02:11:00:00:00:00", "17\t02:11:00:00:00:01", "19\t02:11:00:00:00:03"];
    assert_eq!((code, out), (Some(0), hosts.map(|host| format!("10.0.0.{host}\n")).concat()));
    let file = Scratch::new("ranges.txt");
    std::fs::write(file.name(), "10.0.0.16\n10.0.0.300\n")?;
    let (code, _, errors) = scan(&["-I", "file0"], &["-f", file.name()])?;
    assert_eq!(code, Some(2));
    assert!(errors.contains(&format!("{}:2: invalid target '10.0.0.300': ", file.name())), "{errors}");
    assert_eq!(host.stop()?.0, Some(0));
    Ok(())
}

fn signal_or_closed_output() -> TestResult {
    let host = range_of_four("end1")?;
    let slow = ["scan", "-I", "end1", "-q", "-i", "100"];
    // One scan finds a host, the other scan finds no host.
    for (signal, range, code) in
        [(Signal::SIGINT, "10.0.0.16-10.0.0.255", 0), (Signal::SIGTERM, "10.0.0.30-10.0.0.255", 2)]
    {
        let mut child = Running::command(&[&slow[..], &[range]].concat())?;
        assert!(child.line()?.starts_with("Starting tapstack "));
        if code == 0 {
            assert!(child.line()?.starts_with("10.0.0.16\t"));
        }
        // The time is long enough for at least one request.
        std::thread::sleep(std::time::Duration::from_millis(150));
        child.signal(signal)?;
        let (ended, out, errors) = child.end()?;
        assert_eq!(ended, Some(code), "{out}{errors}");
        assert!(
            (out.contains(" requests sent, ") || out.contains("\n1 request sent, "))
                && out.contains("\nEnding tapstack "),
            "{out}"
        );
        assert_eq!(errors.contains("interrupted before the scan was complete"), code == 2, "{errors}");
    }
    let mut child = Running::command(&[&slow[..], &["-x", "10.0.0.16-10.0.0.255"]].concat())?;
    assert!(child.first.starts_with("10.0.0.16\t"));
    child.close_output();
    wait_for("end of the scan", || child.has_ended().then_some(()))?;
    let (code, _, errors) = child.end()?;
    assert_eq!((code, errors.contains("Broken pipe")), (Some(0), false), "{errors}");
    assert_eq!(host.stop()?.0, Some(0));
    Ok(())
}

fn as_json() -> TestResult {
    let host = range_of_four("json0")?;
    let file = vendors("json.txt")?;
    let (code, out, _) = scan(
        &["-I", "json0"],
        &["-t", "500", "-i", "50u", "--json", "-O", file.name(), "10.0.0.16/31", "10.0.0.9"],
    )?;
    assert_eq!(code, Some(0));
    check_lines("scan", &out);
    let objects: Vec<serde_json::Value> = out.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let events: Vec<_> = objects.iter().map(|object| object["event"].as_str().unwrap_or_default()).collect();
    assert_eq!(events, ["start", "reply", "reply", "statistics"]);
    assert_eq!((&objects[0]["targets"], &objects[2]["vendor"]), (&3.into(), &"Made by hand".into()));
    assert_eq!((&objects[0]["passes"], &objects[0]["interval_ns"]), (&1.into(), &50_000.into()));
    let end = &objects[3];
    assert_eq!(
        (&end["outcome"], &end["answered"], &end["requested"]),
        (&"found".into(), &2.into(), &3.into())
    );
    assert_eq!(host.stop()?.0, Some(0));
    Ok(())
}

fn on_terminals() -> TestResult {
    let host = range_of_four("bar0")?;
    let file = vendors("bar.txt")?;
    let words = ["scan", "-I", "bar0", "-t", "500", "-r", "1", "10.0.0.16-10.0.0.40"];
    let shown = on_terminal(&[&words[..], &["-O", file.name()]].concat(), &[])?;
    assert!(shown.contains("pass 1 of 1 ["), "{shown:?}");
    let lines: Vec<_> = shown.split(['\r', '\n']).filter(|line| line.contains("10.0.0.1")).collect();
    for last in 16..20 {
        let line = format!("10.0.0.{last}\t02:11:00:00:00:{:02x}\t", last - 16);
        // Lines are printed while the bar is hidden.
        assert!(lines.iter().any(|shown| shown.contains(&line) && !shown.contains("pass")), "{shown:?}");
    }
    for quiet in [&["-q"][..], &["-x", "-O", file.name()], &["--json", "-O", file.name()]] {
        let shown = on_terminal(&[&words[..], &["-M", "4"], quiet].concat(), &[])?;
        assert!(!shown.contains("pass 1") && !shown.contains("[="), "{quiet:?}: {shown:?}");
    }
    assert_eq!(host.stop()?.0, Some(0));
    Ok(())
}

fn without_privilege() -> TestResult {
    let (code, out, errors) = scan(&["-I", USER_TAP], &["-t", "60", "10.0.0.2"])?;
    assert_eq!((code, out.as_str()), (Some(2), ""), "{errors}");
    assert!(errors.contains("CAP_NET_RAW is required\nhint: run the command as root: `sudo /"), "{errors}");
    assert_eq!(scan(&["--tap", ROOT_TAP, "--address", "10.0.1.2/24"], &["-l"])?.0, Some(2));
    // The user's own TAP requires no privilege.
    let (code, out, _) =
        scan(&["--tap", USER_TAP, "--address", "10.0.0.2/24"], &[&ONE[..], &["10.0.0.1"]].concat())?;
    assert_eq!(code, Some(0), "{out}");
    Ok(())
}
