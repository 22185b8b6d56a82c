//! `tapstack watch` on several interfaces.

use std::error::Error;
use std::net::Ipv4Addr;
use std::process::Command;

use nix::sys::signal::Signal;
use tap::linux::Tap;

use super::capture::Scratch;
use super::claims::line_with;
use super::running::{PersistentTapGuard, Running, open_tap};
use super::verdicts::{station_request, stop};
use testbed::frames::{arp, send};
use testbed::installed::installed;
use testbed::kernel::delete_link;
use testbed::program::{exit_and_text, run};
use testbed::schema::check_lines;
use testbed::{Case, TestResult};

pub(crate) const CASES: &[Case] = &[
    ("watch_of_interfaces_has_table_of_each_and_names_it", own_tables),
    ("watch_of_interfaces_exits_1_on_conflict_on_one", conflict_on_one),
    ("watch_of_interfaces_serves_quiet_interface_when_other_is_flooded", flooded_interface),
    ("watch_of_interfaces_prints_json_with_interface", json),
    ("watch_of_interfaces_runs_commands_with_interface", commands),
    ("watch_of_interfaces_keeps_known_addresses_of_each", known_addresses),
    ("watch_of_interfaces_captures_frames_of_each", own_capture),
    ("watch_of_capture_has_table_of_each_interface", captured_interfaces),
    ("watch_of_capture_counts_frames_of_further_interfaces", further_interfaces),
    ("tshark_names_interface_of_frames_of_watch", tshark_reads),
    ("watch_of_interfaces_reports_link_of_each", links),
    ("watch_of_interfaces_names_those_that_received_nothing", silent_interfaces),
    ("watch_of_interfaces_continues_when_one_is_deleted", deleted_interface),
    ("watch_rejects_unusable_interfaces", unusable_interfaces),
];

const A: [u8; 6] = [2, 0, 0, 0, 0, 0xa];
const B: [u8; 6] = [2, 0, 0, 0, 0, 0xb];
const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 7);
const WATCH: [&str; 5] = ["watch", "-I", "two0", "-I", "two1"];

/// Opens the interfaces of [`WATCH`].
fn interfaces() -> Result<[Tap; 2], Box<dyn Error>> {
    Ok([open_tap("two0")?, open_tap("two1")?])
}

/// Returns a broadcast ARP request of this station from [`ADDRESS`]. The target is not the kernel.
fn claim(mac: [u8; 6]) -> Vec<u8> {
    arp([0xff; 6], 1, (mac, ADDRESS), ([0; 6], Ipv4Addr::new(10, 0, 0, 77)))
}

fn watch(more: &[&str]) -> Result<Running, Box<dyn Error>> {
    Running::command(&[&WATCH[..], more].concat())
}

/// Returns the next line without its date and time.
fn next(watch: &mut Running) -> Result<String, Box<dyn Error>> {
    let line = watch.line()?;
    Ok(line.get(27..).ok_or_else(|| format!("no event: {line}"))?.trim_end().to_owned())
}

fn own_tables() -> TestResult {
    let [mut first, mut second] = interfaces()?;
    let mut watch = watch(&["--plain"])?;
    assert_eq!(watch.first, "watching two0, two1\n");
    // On one interface, these claims would be a conflict.
    for (tap, name, mac) in [(&mut first, "two0", A), (&mut second, "two1", B)] {
        send(tap, &claim(mac))?;
        assert_eq!(next(&mut watch)?, format!("{name} new 10.0.0.7 is at {}", link::MacAddr::new(mac)));
    }
    send(&mut first, &claim(A))?;
    send(&mut second, &claim(A))?;
    assert_eq!(next(&mut watch)?, "two1 moved 10.0.0.7 from 02:00:00:00:00:0b to 02:00:00:00:00:0a");
    let (code, out, errors) = watch.stop()?;
    assert_eq!((code, errors.as_str()), (Some(0), ""), "{out}");
    let lines: Vec<_> = out.lines().collect();
    assert_eq!(lines.len(), 4, "{out}");
    for (place, name, changes) in [(0, "two0", "0 changes"), (2, "two1", "1 change")] {
        assert!(lines[place].starts_with(&format!("{name}: 2 packets in ")), "{out}");
        assert_eq!(
            lines[place + 1],
            format!("{name}: 1 address: 1 fresh, 0 quiet, 0 gone; {changes}, 0 conflicts")
        );
    }
    Ok(())
}

fn conflict_on_one() -> TestResult {
    let [_first, mut second] = interfaces()?;
    let watch = watch(&["--plain", "--fail-on", "conflict", "-w", "60"])?;
    for mac in [A, B, A] {
        send(&mut second, &claim(mac))?;
    }
    let (code, out, errors) = watch.end()?;
    assert_eq!(code, Some(1), "{out}{errors}");
    let conflict =
        "tapstack: two1: address conflict: 10.0.0.7 is claimed by 02:00:00:00:00:0b and 02:00:00:00:00:0a\n";
    assert_eq!(errors, conflict);
    Ok(())
}

/// The frames wait in the receive queues while the process is stopped. The number of frames fits into the queue.
fn flooded_interface() -> TestResult {
    let [mut first, mut second] = interfaces()?;
    let mut watch = watch(&["--plain"])?;
    stop(&watch)?;
    for number in 0..400 {
        send(&mut first, &station_request(number))?;
    }
    send(&mut second, &claim(B))?;
    watch.signal(Signal::SIGCONT)?;
    let mut before = 0;
    while !next(&mut watch)?.starts_with("two1 new 10.0.0.7 ") {
        before += 1;
    }
    // A turn receives up to 64 frames of each interface. The first turn may have begun before the frames arrived.
    assert!(before <= 2 * 64, "{before} events of the flooded interface came first");
    let (code, out, _) = watch.stop()?;
    assert_eq!(code, Some(0));
    assert!(out.contains("two0: 400 packets in "), "{out}");
    Ok(())
}

fn json() -> TestResult {
    let [_first, mut second] = interfaces()?;
    let mut watch = watch(&["--json"])?;
    let mut lines = watch.first.clone();
    send(&mut second, &claim(B))?;
    while !lines.contains(r#""event":"new""#) {
        lines += &watch.line()?;
    }
    let (code, out, errors) = watch.stop()?;
    assert_eq!((code, errors.as_str()), (Some(0), ""));
    lines += &out;
    check_lines("watch", &lines);
    let objects: Vec<serde_json::Value> =
        lines.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let events: Vec<_> = objects
        .iter()
        .map(|object| {
            (object["interface"].as_str().unwrap_or_default(), object["event"].as_str().unwrap_or_default())
        })
        .collect();
    let expected = [
        ("two0", "start"),
        ("two1", "start"),
        ("two1", "new"),
        ("two0", "statistics"),
        ("two1", "address"),
        ("two1", "statistics"),
    ];
    assert_eq!(events, expected, "{lines}");
    Ok(())
}

fn commands() -> TestResult {
    let [mut first, mut second] = interfaces()?;
    let log = Scratch::new("interfaces.log");
    let command = format!("echo $TAPSTACK_INTERFACE,$TAPSTACK_IP,$TAPSTACK_MAC >> {}", log.name());
    let mut watch = watch(&["--plain", "--exec", &command])?;
    for (tap, mac) in [(&mut first, A), (&mut second, B)] {
        send(tap, &claim(mac))?;
        next(&mut watch)?;
    }
    let (code, out, errors) = watch.stop()?;
    assert_eq!((code, errors.as_str()), (Some(0), ""));
    for name in ["two0", "two1"] {
        assert!(
            out.contains(&format!("\n{name}:          1  commands of --exec started\n"))
                || out.ends_with(&format!("\n{name}:          1  commands of --exec started\n")),
            "{out}"
        );
    }
    let text = std::fs::read_to_string(&log.0)?;
    let mut lines: Vec<_> = text.lines().collect();
    // Commands run at the same time.
    lines.sort_unstable();
    assert_eq!(lines, ["two0,10.0.0.7,02:00:00:00:00:0a", "two1,10.0.0.7,02:00:00:00:00:0b"]);
    Ok(())
}

fn known_addresses() -> TestResult {
    let [mut first, mut second] = interfaces()?;
    let file = Scratch::new("known-interfaces.txt");
    std::fs::write(&file.0, "10.0.0.9 02:00:00:00:00:09 # without an interface\n")?;
    let options = ["--plain", "--known", file.name()];
    let mut learning = watch(&options)?;
    for (tap, name, mac) in [(&mut first, "two0", A), (&mut second, "two1", B)] {
        send(tap, &claim(mac))?;
        assert_eq!(next(&mut learning)?, format!("{name} new 10.0.0.7 is at {}", link::MacAddr::new(mac)));
    }
    assert_eq!(learning.stop()?.0, Some(0));
    let text = std::fs::read_to_string(&file.0)?;
    let lines: Vec<_> = text.lines().filter_map(|line| line.split("  # first seen").next()).collect();
    let expected = [
        "10.0.0.9 02:00:00:00:00:09 # without an interface",
        "10.0.0.7%two0   02:00:00:00:00:0a",
        "10.0.0.7%two1   02:00:00:00:00:0b",
    ];
    assert_eq!(lines, expected);
    // Each interface knows its address, and the address without an interface. The station of the other interface has moved.
    let mut watch = watch(&[&options[..], &["--fail-on", "new,moved"]].concat())?;
    let other = arp([0xff; 6], 1, ([2, 0, 0, 0, 0, 9], [10, 0, 0, 9].into()), ([0; 6], ADDRESS));
    for bytes in [claim(B), other] {
        send(&mut second, &bytes)?;
    }
    send(&mut first, &claim(B))?;
    assert_eq!(next(&mut watch)?, "two0 moved 10.0.0.7 from 02:00:00:00:00:0a to 02:00:00:00:00:0b");
    let (code, out, errors) = watch.end()?;
    let moved = "tapstack: two0: moved 10.0.0.7 from 02:00:00:00:00:0a to 02:00:00:00:00:0b\n";
    assert_eq!((code, errors.as_str()), (Some(1), moved), "{out}");
    assert!(out.contains("two1: 2 packets in "), "{out}");
    let text = std::fs::read_to_string(&file.0)?;
    assert!(text.contains("\n10.0.0.7%two0   02:00:00:00:00:0b  # first seen "), "{text}");
    Ok(())
}

/// Captures one frame on each interface, and two on the second.
fn capture(file: &Scratch) -> TestResult {
    let mut taps = interfaces()?;
    let mut watch = watch(&["--plain", "--pcap", file.name()])?;
    for (place, mac) in [(0, A), (1, B), (1, A)] {
        send(&mut taps[place], &claim(mac))?;
        next(&mut watch)?;
    }
    assert_eq!(watch.stop()?.0, Some(0));
    Ok(())
}

fn own_capture() -> TestResult {
    let file = Scratch::new("interfaces.pcapng");
    capture(&file)?;
    let (code, out, errors) = exit_and_text(&run(&["decode", "-t", "-e", "-v", file.name()])?);
    assert_eq!((code, errors.as_str()), (Some(0), ""), "{out}");
    let lines: Vec<_> = out.lines().collect();
    assert_eq!(lines.len(), 3, "{out}");
    for (line, [mac, comment]) in lines.iter().zip([
        ["02:00:00:00:00:0a", "[comment: new]"],
        ["02:00:00:00:00:0b", "[comment: new]"],
        ["02:00:00:00:00:0a", "[comment: moved from 02:00:00:00:00:0b]"],
    ]) {
        assert!(line.starts_with(mac) && line.contains(comment), "{out}");
    }
    Ok(())
}

fn captured_interfaces() -> TestResult {
    let mut taps = interfaces()?;
    let file = Scratch::new("tables.pcapng");
    let mut live = watch(&["--plain", "--pcap", file.name()])?;
    for (place, mac) in [(0, A), (1, B), (0, A), (1, B)] {
        send(&mut taps[place], &claim(mac))?;
    }
    for _ in 0..2 {
        next(&mut live)?;
    }
    assert_eq!(live.stop()?.0, Some(0));
    let known = Scratch::new("tables.txt");
    let options = ["watch", "--fail-on", "conflict,moved", "--known", known.name(), file.name()];
    let (code, out, errors) = exit_and_text(&run(&options)?);
    assert_eq!((code, errors.as_str()), (Some(0), ""), "{out}");
    for (name, mac) in [("two0", A), ("two1", B)] {
        let mac = link::MacAddr::new(mac);
        assert!(out.contains(&format!(" {name} new 10.0.0.7 is at {mac}\n")), "{out}");
        assert!(out.contains(&format!("\n{name}: 1 address: 1 fresh, ")), "{out}");
        let text = std::fs::read_to_string(&known.0)?;
        assert!(text.contains(&format!("\n10.0.0.7%{name}   {mac}  #")), "{text}");
    }
    let (code, out, errors) = exit_and_text(&run(&["watch", "--json", file.name()])?);
    assert_eq!((code, errors.as_str()), (Some(0), ""), "{out}");
    check_lines("watch", &out);
    for name in ["two0", "two1"] {
        for event in ["start", "new", "address", "statistics"] {
            let part = format!(r#""interface":"{name}","event":"{event}""#);
            assert_eq!(out.matches(&part).count(), 1, "{part}: {out}");
        }
    }
    Ok(())
}

fn further_interfaces() -> TestResult {
    let mut bytes = Vec::new();
    capture::write::section(&mut bytes, "test");
    for _ in 0..17 {
        capture::write::interface(&mut bytes, capture::LinkType::ETHERNET, "");
    }
    for interface in 0..17 {
        let data = &claim(A);
        let packet = capture::write::EnhancedPacket { interface, time: 1, data, flags: 1, comment: None };
        capture::write::packet(&mut bytes, &packet);
    }
    let file = Scratch::new("further.pcapng");
    std::fs::write(&file.0, bytes)?;
    let (code, out, errors) = exit_and_text(&run(&["watch", file.name()])?);
    assert_eq!(code, Some(2), "{out}{errors}");
    assert!(
        errors.contains("1 frame of further interfaces omitted: at most 16 are supported\nhint: "),
        "{errors}"
    );
    assert!(out.contains("\nif15: 1 packet in 0s: ") && !out.contains("if16"), "{out}");
    Ok(())
}

fn tshark_reads() -> TestResult {
    let tshark = installed("tshark")?;
    let file = Scratch::new("tshark.pcapng");
    capture(&file)?;
    let fields = ["-T", "fields", "-e", "frame.interface_id", "-e", "frame.interface_name"];
    let output = Command::new(tshark).args(["-n", "-r", file.name()]).args(fields).output()?;
    let (code, out, _) = exit_and_text(&output);
    assert_eq!((code, out.as_str()), (Some(0), "0\ttwo0\n1\ttwo1\n1\ttwo1\n"));
    Ok(())
}

fn links() -> TestResult {
    let [mut first, second] = interfaces()?;
    let mut running = watch(&["--plain"])?;
    second.interface().set_up(false)?;
    line_with(&mut running, " two1 link is down\n")?;
    // The other interface receives meanwhile.
    send(&mut first, &claim(A))?;
    assert_eq!(next(&mut running)?, "two0 new 10.0.0.7 is at 02:00:00:00:00:0a");
    second.interface().set_up(true)?;
    line_with(&mut running, " two1 link is up, mtu 1500\n")?;
    let (code, out, errors) = running.stop()?;
    assert_eq!((code, errors.as_str()), (Some(0), ""), "{out}");
    assert!(out.contains("two1:          1  link losses: ") && !out.contains("two0:          1"), "{out}");
    // With --fail-on, there is no result.
    let mut running = watch(&["--json", "--fail-on", "conflict"])?;
    second.interface().set_up(false)?;
    let line = line_with(&mut running, r#""interface":"two1","event":"link","up":false,"#)?;
    check_lines("watch", &line);
    let (code, _, errors) = running.stop()?;
    let message = "tapstack: no result: two1: the interface was down or had no carrier\n\
        hint: try again when `ip link show two1` shows it up\n";
    assert_eq!((code, errors.as_str()), (Some(2), message));
    Ok(())
}

fn silent_interfaces() -> TestResult {
    let _alive = open_tap("half0")?;
    let _idle = [PersistentTapGuard::create("half1")?, PersistentTapGuard::create("half2")?];
    let watch = |names: [&str; 2]| {
        let [first, second] = names;
        let arguments = ["watch", "--plain", "-w", "0.05", "-I", first, "-I", second];
        run(&arguments).map(|output| exit_and_text(&output))
    };
    let (code, out, errors) = watch(["half0", "half1"])?;
    let message = "tapstack: received nothing on 1 of 2 interfaces: half1: the interface was down or had no carrier\n\
        hint: try again when `ip link show half1` shows it up\n";
    assert_eq!((code, errors.as_str()), (Some(2), message), "{out}");
    let (code, out, errors) = watch(["half1", "half2"])?;
    let message = "tapstack: received nothing: half1: the interface was down or had no carrier; \
        half2: the interface was down or had no carrier\n\
        hint: try again when `ip link show half1` shows it up\n\
        hint: try again when `ip link show half2` shows it up\n";
    assert_eq!((code, errors.as_str()), (Some(2), message), "{out}");
    Ok(())
}

fn deleted_interface() -> TestResult {
    let deleted = "tapstack: two1: the device was deleted while in use\n";
    let incomplete =
        format!("{deleted}tapstack: not watched to the end: two1: the device was deleted while in use\n");
    let conflict =
        "tapstack: two0: address conflict: 10.0.0.7 is claimed by 02:00:00:00:00:0b and 02:00:00:00:00:0a\n";
    for (has_conflict, expected, end) in [(false, 2, String::new()), (true, 1, conflict.to_owned())] {
        let [mut first, second] = interfaces()?;
        let mut running = watch(&["--plain", "--fail-on", "conflict"])?;
        delete_link(second.interface())?;
        line_with(&mut running, " two1 link is down\n")?;
        send(&mut first, &claim(A))?;
        assert_eq!(next(&mut running)?, "two0 new 10.0.0.7 is at 02:00:00:00:00:0a");
        if has_conflict {
            for mac in [B, A] {
                send(&mut first, &claim(mac))?;
            }
        } else {
            running.signal(Signal::SIGINT)?;
        }
        let (code, out, errors) = running.end()?;
        assert_eq!((code, errors), (Some(expected), format!("{incomplete}{end}")), "{out}");
        assert!(out.contains("two0: ") && out.contains("two1: 0 packets in "), "{out}");
    }
    // Without an interface, the watch ends.
    let taps = interfaces()?;
    let running = watch(&["--plain"])?;
    for tap in &taps {
        delete_link(tap.interface())?;
    }
    let (code, out, errors) = running.end()?;
    assert_eq!(code, Some(2), "{out}{errors}");
    for name in ["two0", "two1"] {
        assert!(
            errors.contains(&format!("tapstack: {name}: the device was deleted while in use\n")),
            "{errors}"
        );
    }
    Ok(())
}

fn unusable_interfaces() -> TestResult {
    let _taps = interfaces()?;
    let many: Vec<_> = (0..17).flat_map(|number| ["-I".to_owned(), format!("many{number}")]).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    let rows: [(&[&str], &str); 9] = [
        (&["-I", "two0"], "interface two0 is named twice\nhint: use -I once for each interface\n"),
        (&["-I", "absent1"], "interface absent1 does not exist\n"),
        (
            &["-I", "two0,two1"],
            "interface two0,two1 does not exist\nhint: use -I for each interface: `-I two0 -I two1`\n",
        ),
        (
            &["-I", ",two0,,two1,"],
            "interface ,two0,,two1, does not exist\nhint: use -I for each interface: `-I two0 -I two1`\n",
        ),
        (&["-I", "two0,"], "interface two0, does not exist\n"),
        (&["-I", "lo"], "lo does not carry Ethernet frames"),
        (&many, "19 interfaces: at most 16 are supported\nhint: "),
        (&["--tap", "two1"], "cannot be used with"),
        (&["a.pcap"], "cannot be used with"),
    ];
    for (more, part) in rows {
        let (code, out, errors) = exit_and_text(&run(&[&WATCH[..], &["--plain", "-w", "1"], more].concat())?);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{more:?}: {errors}");
        assert!(errors.contains(part), "{more:?}: {errors}");
        assert!(!errors.contains("-I `"), "a hint has an option without a name: {errors}");
    }
    Ok(())
}
