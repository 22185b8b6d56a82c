//! Tests of `tapstack host`: output, options, errors, and the ARP cache of the kernel.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use link::MacAddr;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tap::linux::{Interface, PacketSocket};
use tap::{Batch, Device, Pool};

use super::running::{PersistentTapGuard, Running};
use super::screen::program;
use testbed::frames::{arp, is_arp, receive, send, wait_until_answering};
use testbed::kernel::{delete_link, kernel_neighbor, send_from_kernel};
use testbed::program::{command, exit_and_text, run};
use testbed::schema::check_lines;
use testbed::{Case, ROOT_TAP, TestResult, USER_TAP, wait_for};

pub(crate) const CASES: &[Case] = &[
    ("kernel_arp_cache_contains_host_mac", kernel_table),
    ("tap_created_by_host_is_up_with_mtu_and_deleted_after", created_tap),
    ("existing_tap_is_left_unchanged", existing_tap),
    ("host_json_prints_each_event_as_object", host_json_prints_each_event_as_object),
    ("host_quiet_prints_ready_and_counters", host_quiet_prints_ready_and_counters),
    ("host_verbose_prints_frames_like_tcpdump", verbose_prints_frames),
    ("host_exits_0_on_termination_signals", termination_signals),
    ("host_prints_counters_and_ends_on_hangup", hangup),
    ("host_json_omits_foreign_frames_unless_verbose", foreign_frames),
    ("host_continues_when_output_is_closed", output_closed),
    ("host_continues_when_output_is_not_read", output_not_read),
    ("host_prints_arp_cache_on_sigusr1", host_prints_table_on_sigusr1),
    ("learn_policies_add_documented_senders", learn_policies_add_documented_senders),
    ("unconfirmed_entry_expires", unconfirmed_entry_expires),
    ("host_continues_when_link_goes_down_and_up", host_continues_when_link_goes_down_and_up),
    ("host_exits_2_with_message_when_tap_is_deleted", deleted_tap),
    ("host_memory_is_constant_after_100000_requests", many_requests),
    ("host_in_vlan_receives_and_sends_tagged_frames", host_in_vlan_receives_and_sends_tagged_frames),
    ("kernel_mac_address_is_rejected_on_tap", kernel_mac_address),
    ("host_warns_at_start_when_networks_differ", different_networks),
    ("host_exits_2_with_message_for_invalid_arguments", invalid_arguments),
    ("busy_tap_error_names_process", busy_tap),
    ("kernel_address_is_added_and_others_are_kept", kernel_address_is_added),
    ("host_keeps_no_udp_port_open", host_keeps_no_udp_port_open),
];

pub(crate) const UNPRIVILEGED: &[Case] = &[
    ("tap_owner_runs_host_without_privilege", tap_owner_runs_host_without_privilege),
    ("tap_of_other_user_is_rejected_with_message", tap_of_other_user),
];

pub(super) const HOST_IP: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
const PEER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 7);
const PEER_MAC: [u8; 6] = [2, 0, 0, 0, 0, 7];
pub(super) const MAC: &str = "02:00:00:00:00:02";
const HOST_MAC: [u8; 6] = [2, 0, 0, 0, 0, 2];

/// Starts a host on a new TAP, with the kernel at 10.0.0.1/24.
pub(super) fn start(name: &str, more: &[&str]) -> Result<(Running, Interface), Box<dyn std::error::Error>> {
    let arguments = ["--tap", name, "--address", "10.0.0.2/24", "--kernel", "10.0.0.1/24", "--mac", MAC];
    let running = Running::start(&[&arguments, more].concat())?;
    Ok((running, Interface::named(&name.parse()?)?))
}

pub(super) fn request() -> Vec<u8> {
    arp([0xff; 6], 1, (PEER_MAC, PEER), ([0; 6], HOST_IP))
}

fn reply() -> Vec<u8> {
    arp(PEER_MAC, 2, (HOST_MAC, HOST_IP), (PEER_MAC, PEER))
}

fn kernel_table() -> TestResult {
    let tap = PersistentTapGuard::create("tap0")?;
    let host = Running::start(&["--tap", "tap0", "--address", "10.0.0.2/24"])?;
    let mac = host.first.split(' ').nth(2).ok_or("no MAC address")?.to_owned();
    assert_eq!(host.first, format!("ready tap0 {mac} 10.0.0.2/24\n"));
    assert!(mac.starts_with("02:"), "not a locally administered address: {mac}");

    send_from_kernel(HOST_IP, b"hello")?;
    let entry = kernel_neighbor(&tap.0, HOST_IP)?;
    assert_eq!(entry.to_string(), format!("10.0.0.2 dev tap0 lladdr {mac} REACHABLE"));
    let (code, out, _) = host.stop()?;
    assert_eq!(code, Some(0));
    assert!(out.contains("learned 10.0.0.1 is at "), "{out}");
    assert!(out.contains("1  arp: replies sent\n"), "{out}");

    let again = Running::start(&["--tap", "tap0", "--address", "10.0.0.2/24"])?;
    assert!(again.first.contains(&mac), "the MAC address differs from the first start");
    Ok(())
}

// proves: rfc1122-mtu
fn created_tap() -> TestResult {
    let (host, interface) = start("made0", &["--mtu", "1400"])?;
    assert!(interface.is_up()?);
    assert_eq!((interface.mtu()?, interface.address()?), (1_400, Some("10.0.0.1/24".parse()?)));
    host.stop()?;
    assert!(!interface.exists());
    Ok(())
}

fn existing_tap() -> TestResult {
    let tap = PersistentTapGuard::create("exists0")?;
    tap.0.set_up(false)?;
    let host = Running::start(&["--tap", "exists0", "--address", "10.0.0.2/24", "--mtu", "900", "--json"])?;
    assert!(host.first.contains("\"mtu\":900"), "{}", host.first);
    assert!(!tap.0.is_up()?, "the host set the link up");
    assert_eq!(tap.0.mtu()?, 1_500);
    host.stop()?;
    assert!(tap.0.exists());
    Ok(())
}

fn host_json_prints_each_event_as_object() -> TestResult {
    let (mut host, interface) = start("json0", &["--json", "-v"])?;
    let mut socket = PacketSocket::open(interface.name())?;
    send(&mut socket, &request())?;
    receive(&mut socket, is_arp(2))?;
    send(&mut socket, &[0xff; 20])?;
    let mut lines = vec![host.first.clone()];
    while !lines.iter().any(|line| line.contains("\"dropped\"")) {
        lines.push(host.line()?);
    }
    let (code, out, _) = host.stop()?;
    assert_eq!(code, Some(0));
    lines.extend(out.lines().map(str::to_owned));
    let mut events = BTreeSet::new();
    for line in &lines {
        check_lines("host", line);
        let object: serde_json::Value =
            serde_json::from_str(line).map_err(|error| format!("{line}: {error}"))?;
        events.insert(object["event"].as_str().ok_or("no event")?.to_owned());
    }
    let expected = ["counters", "dropped", "frame", "learned", "ready"];
    assert_eq!(events.into_iter().collect::<Vec<_>>(), expected);
    Ok(())
}

fn host_quiet_prints_ready_and_counters() -> TestResult {
    let (host, interface) = start("quiet0", &["-q"])?;
    let mut socket = PacketSocket::open(interface.name())?;
    send(&mut socket, &request())?;
    receive(&mut socket, is_arp(2))?;
    let (_, out, _) = host.stop()?;
    assert!(out.lines().all(|line| line.starts_with(' ')), "a line is not a counter: {out}");
    assert!(out.contains("1  tap: received\n") && out.contains("1  tap: transmitted\n"), "{out}");
    Ok(())
}

fn verbose_prints_frames() -> TestResult {
    let (mut host, interface) = start("verb0", &["-v"])?;
    let mut socket = PacketSocket::open(interface.name())?;
    send(&mut socket, &request())?;
    let (arrived, departed) = (host.line()?, host.line()?);
    assert!(arrived.ends_with("In  02:00:00:00:00:07 > ff:ff:ff:ff:ff:ff, ethertype ARP (0x0806), length 42: Request who-has 10.0.0.2 tell 10.0.0.7, length 28\n"), "{arrived}");
    assert!(departed.ends_with("Out 02:00:00:00:00:02 > 02:00:00:00:00:07, ethertype ARP (0x0806), length 42: Reply 10.0.0.2 is-at 02:00:00:00:00:02, length 28\n"), "{departed}");
    Ok(())
}

fn termination_signals() -> TestResult {
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let (host, _) = start("signal0", &[])?;
        host.signal(signal)?;
        assert_eq!(host.end()?.0, Some(0), "{signal}");
    }
    Ok(())
}

fn hangup() -> TestResult {
    let (host, _) = start("hup0", &[])?;
    host.signal(Signal::SIGHUP)?;
    let (code, out, errors) = host.end()?;
    assert_eq!((code, errors.as_str()), (Some(0), ""));
    assert!(out.contains("  tap: system calls\n"), "no counters: {out}");

    // SIGHUP is ignored, as under `nohup`.
    let tap = PersistentTapGuard::create("nohup0")?;
    let script = "trap '' HUP; exec \"$0\" host --tap nohup0 --address 10.0.0.2/24 --no-probe";
    let mut child = std::process::Command::new("sh")
        .args(["-c", script])
        .arg(program())
        .stdout(std::process::Stdio::piped())
        .spawn()?;
    let pid = Pid::from_raw(i32::try_from(child.id())?);
    let mut socket = PacketSocket::open(tap.0.name())?;
    wait_until_answering(&mut socket, HOST_IP)?;
    kill(pid, Signal::SIGHUP)?;
    wait_until_answering(&mut socket, HOST_IP)?;
    kill(pid, Signal::SIGTERM)?;
    assert_eq!(child.wait()?.code(), Some(0));
    Ok(())
}

fn foreign_frames() -> TestResult {
    for (more, frames) in [(&[][..], 0), (&["-v"], 20)] {
        let (host, interface) = start("foreign0", &[&["--json"], more].concat())?;
        let mut socket = PacketSocket::open(interface.name())?;
        wait_until_answering(&mut socket, HOST_IP)?;
        for _ in 0..20 {
            // The datagram is sent to a multicast group without members, such as mDNS.
            send(&mut socket, &[&[1, 0, 0x5e, 0, 0, 0xfb][..], &PEER_MAC, &[8, 0], &[0; 46]].concat())?;
        }
        wait_until_answering(&mut socket, HOST_IP)?;
        let (_, out, _) = host.stop()?;
        assert_eq!(
            out.lines()
                .filter(|line| line.contains("\"destination_not_local\"") && line.contains("\"dropped\""))
                .count(),
            frames,
            "{out}"
        );
        assert!(out.contains("\"destination_not_local\":20"), "{out}");
    }
    Ok(())
}

fn output_closed() -> TestResult {
    let (host, interface) = start("pipe0", &["-v"])?;
    let mut host = host;
    host.close_output();
    let mut socket = PacketSocket::open(interface.name())?;
    for _ in 0..3 {
        send(&mut socket, &request())?;
        assert_eq!(receive(&mut socket, is_arp(2))?, reply());
    }
    assert_eq!(host.stop()?.0, Some(0));
    Ok(())
}

fn output_not_read() -> TestResult {
    let (host, interface) = start("slow0", &["-v"])?;
    let mut socket = PacketSocket::open(interface.name())?;
    // About 300 bytes each, in total more than the capacity of the pipe and the output buffer.
    for _ in 0..3_000 {
        send(&mut socket, &request())?;
        assert_eq!(receive(&mut socket, is_arp(2))?, reply());
    }
    host.signal(Signal::SIGTERM)?;
    assert_eq!(host.end()?.0, Some(0));
    Ok(())
}

fn host_prints_table_on_sigusr1() -> TestResult {
    let statics = ["--static", "10.0.0.50=02:00:00:00:00:50", "--arp-timeout", "600"];
    let (mut host, interface) = start("table0", &statics)?;
    let mut socket = PacketSocket::open(interface.name())?;
    send(&mut socket, &request())?;
    receive(&mut socket, is_arp(2))?;
    assert!(host.line()?.contains(" learned 10.0.0.7 is at 02:00:00:00:00:07"));
    // Another station claims the address of the static entry.
    send(&mut socket, &arp([0xff; 6], 1, (PEER_MAC, [10, 0, 0, 50].into()), ([0; 6], HOST_IP)))?;
    receive(&mut socket, is_arp(2))?;
    assert!(host.line()?.contains(" static_conflict 10.0.0.50: 02:00:00:00:00:07 claims"));
    host.signal(Signal::SIGUSR1)?;
    assert_eq!(host.line()?, "10.0.0.7 dev table0 lladdr 02:00:00:00:00:07 STALE\n");
    assert_eq!(host.line()?, "10.0.0.50 dev table0 lladdr 02:00:00:00:00:50 PERMANENT\n");
    assert_eq!(host.stop()?.0, Some(0));
    Ok(())
}

fn learn_policies_add_documented_senders() -> TestResult {
    let announcement = arp([0xff; 6], 2, (PEER_MAC, PEER), ([0xff; 6], PEER));
    for (policy, learns) in [("cautious", false), ("rfc826", false), ("permissive", true)] {
        let (host, interface) = start("learn0", &["--learn", policy])?;
        let mut socket = PacketSocket::open(interface.name())?;
        send(&mut socket, &announcement)?;
        let other = arp([0xff; 6], 1, ([2, 0, 0, 0, 0, 8], [10, 0, 0, 8].into()), ([0; 6], HOST_IP));
        send(&mut socket, &other)?;
        receive(&mut socket, is_arp(2))?;
        let (_, out, _) = host.stop()?;
        assert_eq!(out.contains("learned 10.0.0.7"), learns, "{policy}: {out}");
    }
    Ok(())
}

fn unconfirmed_entry_expires() -> TestResult {
    let (mut host, interface) = start("age0", &["--arp-timeout", "1", "--json"])?;
    let mut socket = PacketSocket::open(interface.name())?;
    send(&mut socket, &request())?;
    let (learned, expired) = (host.line()?, host.line()?);
    assert!(learned.contains("\"learned\"") && expired.contains("\"expired\""), "{learned}{expired}");
    Ok(())
}

fn host_continues_when_link_goes_down_and_up() -> TestResult {
    let (host, interface) = start("down0", &[])?;
    interface.set_up(false)?;
    // The time is long enough for the host to detect that the link is down.
    std::thread::sleep(std::time::Duration::from_millis(50));
    interface.set_up(true)?;
    send_from_kernel(HOST_IP, b"hello")?;
    assert_eq!(kernel_neighbor(&interface, HOST_IP)?.mac_address, Some(HOST_MAC));
    assert_eq!(host.stop()?.0, Some(0));
    Ok(())
}

fn deleted_tap() -> TestResult {
    let (host, interface) = start("del0", &[])?;
    delete_link(&interface)?;
    let (code, _, errors) = host.end()?;
    assert_eq!(code, Some(2));
    assert_eq!(errors, "tapstack: TAP del0: the device was deleted while in use\n");
    Ok(())
}

fn many_requests() -> TestResult {
    // Hosts of a range send no unsolicited packets.
    let range = ["--hosts", "10.0.0.2/32", "--mac-base", MAC, "--kernel", "10.0.0.1/24"];
    let host = Running::begin(&[&["--tap", "many0", "-q"][..], &range].concat())?;
    let interface = Interface::named(&"many0".parse()?)?;
    let mut socket = PacketSocket::open(interface.name())?;
    let mut pool = Pool::new(1_500, 128);
    let (mut outgoing, mut incoming) = (Batch::new(64), Batch::new(64));
    let request = request();
    let mut exchange = |count: u32| -> TestResult {
        let (mut sent, mut answered) = (0, 0);
        while answered < count {
            while sent - answered < 64 && sent < count {
                let mut frame = pool.take().ok_or("no frame")?;
                frame.write(&request)?;
                outgoing.push(frame).map_err(|_| "the batch is full")?;
                sent += 1;
            }
            socket.transmit(&mut outgoing, &mut pool)?;
            wait_for("reply", || {
                socket.receive(&mut pool, &mut incoming).ok().filter(|received| received.frames > 0)
            })?;
            while let Some(frame) = incoming.pop() {
                answered += u32::from(is_arp(2)(frame.bytes()));
                pool.give(frame);
            }
        }
        Ok(())
    };
    exchange(1_000)?;
    let before = host.resident()?;
    exchange(99_000)?;
    let after = host.resident()?;
    // Memory may grow by a few frames, not with each request.
    assert!(after < before + 64, "resident memory grew from {before} to {after} pages");
    let (_, out, _) = host.stop()?;
    assert!(out.contains("    100000  arp: replies sent\n"), "{out}");
    Ok(())
}

fn host_in_vlan_receives_and_sends_tagged_frames() -> TestResult {
    let (host, interface) = start("vlan0", &["--vlan", "5"])?;
    assert_eq!(host.first, format!("ready vlan0 {MAC} 10.0.0.2/24@5\n"), "the VLAN is missing in `ready`");
    let mut socket = PacketSocket::open(interface.name())?;
    let tagged = |frame: Vec<u8>| [&frame[..12], &[0x81, 0, 0, 5], &frame[12..]].concat();
    send(&mut socket, &request())?;
    send(&mut socket, &tagged(request()))?;
    let answer = receive(&mut socket, |bytes| bytes.starts_with(&PEER_MAC))?;
    assert_eq!(answer, tagged(reply()));
    let (_, out, _) = host.stop()?;
    assert!(out.contains("1  link: dropped: another VLAN"), "{out}");
    Ok(())
}

// proves: shared-mac
fn kernel_mac_address() -> TestResult {
    let tap = PersistentTapGuard::create("same0")?;
    let mac = MacAddr::new(tap.0.mac_address()?).to_string();
    let commands: [&[&str]; 4] = [
        &["host", "--tap", "same0", "--address", "10.0.0.2/24", "--no-probe", "--mac", &mac],
        &["ping", "--tap", "same0", "--address", "10.0.0.2/24", "-c", "1", "--mac", &mac, "10.0.0.1"],
        &[
            "arping",
            "--tap",
            "same0",
            "--address",
            "10.0.0.2/24",
            "-c",
            "1",
            "--source-mac",
            &mac,
            "10.0.0.1",
        ],
        &["scan", "--tap", "same0", "--address", "10.0.0.2/24", "--source-mac", &mac, "10.0.0.1"],
    ];
    for words in commands {
        let (code, _, errors) = exit_and_text(&run(words)?);
        assert_eq!(code, Some(2), "{words:?}: {errors}");
        assert!(
            errors.starts_with(&format!("tapstack: {mac} is the kernel's MAC address on same0\n")),
            "{errors}"
        );
    }
    Ok(())
}

fn different_networks() -> TestResult {
    let arguments = ["--tap", "reach0", "--address", "10.0.0.2/24", "--kernel"];
    for (kernel, more, lines) in [
        ("192.168.9.1/24", &[][..], 2),
        ("10.0.0.1/24", &[], 0),
        ("192.168.9.1/24", &["--gateway", "10.0.0.1"], 0),
    ] {
        let host = Running::start(&[&arguments[..], &[kernel], more].concat())?;
        let (code, _, errors) = host.stop()?;
        assert_eq!((code, errors.lines().count()), (Some(0), lines), "{kernel}: {errors}");
        assert!(lines == 0 || errors.contains("different networks"), "{errors}");
    }
    Ok(())
}

fn invalid_arguments() -> TestResult {
    let with = |tap, address| ["host", "--tap", tap, "--address", address];
    let kernel = |address| ["host", "--tap", "k0", "--address", "10.0.0.2/24", "--kernel", address];
    let cases: [(&[&str], &str); 17] = [
        (&kernel("10.0.0.2/24"), "10.0.0.2 is already an address of this machine"),
        (&kernel("224.0.0.1/24"), "224.0.0.1 is a multicast address"),
        (&with("tap%s", "10.0.0.2/24"), "invalid value 'tap%s' for '--tap <NAME>'"),
        (&with("all", "10.0.0.2/24"), "reserved by the kernel"),
        (&[&with("tap0", "10.0.0.2/24")[..], &["--static", "10.0.0.1"]].concat(), "e.g. 10.0.0.1=02:"),
        (&["host"], "--tap"),
        (&with("tap0", "10.0.0.2"), "e.g. 10.0.0.2/24"),
        (&with("tap0", "10.0.0.0/24"), "10.0.0.0 is the network address of 10.0.0.0/24"),
        (&with("a-name-too-long0", "10.0.0.2/24"), "use a name such as tap0"),
        (&with("lo", "10.0.0.2/24"), "`ip link`"),
        (
            &[&with("tap0", "10.0.0.2/24")[..], &["--mac", "01:00:5e:00:00:01"]].concat(),
            "is a multicast MAC address",
        ),
        (&[&with("tap0", "10.0.0.2/24")[..], &["--mac", "nonsense"]].concat(), "six bytes in hexadecimal"),
        (&[&with("tap0", "10.0.0.2/24")[..], &["--mtu", "1"]].concat(), "from 68 to 65521"),
        (&[&with("p0", "10.0.0.2/24")[..], &["--proxy", "10.0.0.0/25"]].concat(), "within the local network"),
        (
            &[&with("p0", "10.0.0.2/24")[..], &["--no-probe", "--static", "10.0.0.2=02:00:00:00:00:07"]]
                .concat(),
            "cannot add the static entry 10.0.0.2=02:00:00:00:00:07: the IP address is local",
        ),
        (&[&with("p0", "10.0.0.2/24")[..], &["--link-local"]].concat(), "cannot be used with"),
        (
            &["host", "--tap", "p0", "--link-local", "--defend", "always"],
            "use `--defend once` or `--defend cease`",
        ),
    ];
    for (arguments, part) in cases {
        let (code, _, errors) = exit_and_text(&run(arguments)?);
        assert_eq!(code, Some(2), "{arguments:?}: {errors}");
        assert!(errors.contains(part), "{arguments:?}: {errors}");
    }
    Ok(())
}

fn kernel_address_is_added() -> TestResult {
    let tap = PersistentTapGuard::create("tap5")?;
    let mut all: Vec<ipnet::Ipv4Net> = vec!["10.0.0.1/24".parse()?];
    for kernel in ["192.168.5.1/24", "10.0.0.1/24", "10.7.0.1/30"] {
        let arguments = ["--tap", "tap5", "--address", "10.0.0.2/24", "--kernel", kernel];
        Running::start(&arguments)?.stop()?;
        let address = kernel.parse()?;
        if !all.contains(&address) {
            all.push(address);
        }
        assert_eq!(tap.0.addresses()?, all);
    }
    Ok(())
}

fn host_keeps_no_udp_port_open() -> TestResult {
    let (host, _) = start("udp0", &[])?;
    let sockets = std::fs::read_to_string(format!("/proc/{}/net/udp", host.pid()))?;
    assert_eq!(sockets.lines().count(), 1, "{sockets}");
    host.stop()?;
    Ok(())
}

fn busy_tap() -> TestResult {
    let (host, _) = start("busy0", &[])?;
    let (code, _, errors) = exit_and_text(&run(&["host", "--tap", "busy0", "--address", "10.0.0.3/24"])?);
    assert_eq!(code, Some(2));
    assert!(errors.contains(&format!("process {} (", host.pid())), "{errors}");
    assert!(errors.contains(&format!("`kill {}`", host.pid())), "{errors}");

    // A `busy0` in another network namespace is not reported.
    let script = "exec \"$0\" host -q --no-probe --tap busy0 --address 10.0.0.2/24";
    let program = format!("/proc/{}/exe", host.pid());
    let mut lab =
        command(&["lab", "--", "sh", "-c", script, &program]).stdout(std::process::Stdio::piped()).spawn()?;
    let mut ready = [0; 6];
    std::io::Read::read_exact(lab.stdout.as_mut().ok_or("standard output is not a pipe")?, &mut ready)?;
    let (_, _, errors) = exit_and_text(&run(&["host", "--tap", "busy0", "--address", "10.0.0.3/24"])?);
    kill(Pid::from_raw(i32::try_from(lab.id())?), Signal::SIGTERM)?;
    lab.wait()?;
    assert_eq!(errors.matches("process ").count(), 1, "{errors}");
    Ok(())
}

fn tap_owner_runs_host_without_privilege() -> TestResult {
    let host = Running::start(&["--tap", USER_TAP, "--address", "10.0.0.2/24", "--mac", MAC])?;
    send_from_kernel(HOST_IP, b"hello")?;
    let entry = kernel_neighbor(&Interface::named(&USER_TAP.parse()?)?, HOST_IP)?;
    assert_eq!(entry.mac_address, Some(HOST_MAC));
    assert_eq!(host.stop()?.0, Some(0));
    Ok(())
}

fn tap_of_other_user() -> TestResult {
    for (name, part) in [
        (ROOT_TAP, "it belongs to root\nhint: use another name\nhint: or replace the TAP: `sudo "),
        ("new0", "CAP_NET_ADMIN is required"),
    ] {
        let (code, out, errors) = exit_and_text(&run(&["host", "--tap", name, "--address", "10.0.0.2/24"])?);
        assert_eq!((code, out.as_str()), (Some(2), ""));
        assert!(errors.contains(part), "{errors}");
    }
    Ok(())
}
