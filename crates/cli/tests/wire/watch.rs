//! `tapstack watch` without a screen: output lines and exit codes.

use std::error::Error;
use std::io::Write;
use std::net::Ipv4Addr;
use std::process::Stdio;

use nix::sys::signal::Signal;
use tap::linux::Tap;

use super::capture::Scratch;
use super::running::{PersistentTapGuard, Running, open_tap, wait_for_carrier};
use super::verdicts::{capture, station_request};
use testbed::frames::{arp, send};
use testbed::kernel::{delete_link, kernel_neighbor, send_from_kernel};
use testbed::program::{command, exit_and_text, run};
use testbed::schema::check_lines;
use testbed::{Case, ROOT_TAP, TestResult, USER_TAP, wait_for};

pub(crate) const CASES: &[Case] = &[
    ("watch_reports_new_moved_and_conflicting_addresses", reports_events),
    ("watch_exits_1_on_conflict_with_fail_on", exits_on_conflict),
    ("watch_exits_1_on_other_events_with_fail_on", exits_on_other_events),
    ("watch_keeps_known_addresses_across_runs", known_addresses),
    ("watch_runs_command_on_each_event", runs_commands),
    ("watch_of_file_waits_for_commands", runs_commands_of_file),
    ("watch_exits_1_on_event_when_output_fails", event_precedes_output_failure),
    ("watch_ignores_stations", ignores_stations),
    ("watch_receives_frames_of_kernel_and_all_vlans", receives_both_directions),
    ("watch_of_own_capture_reports_same_events", own_capture),
    ("slow_reader_receives_all_lines_of_watched_file", slow_reader),
    ("watch_on_tap_is_passive_or_acts_as_host", on_tap),
    ("watch_ends_on_signal_deadline_or_closed_stdout", ends_on_signal_deadline_closed_stdout),
    ("watch_with_fail_on_does_not_exit_0_when_stdout_is_closed_early", closed_stdout_with_fail_on),
    ("watch_exits_2_when_source_is_unusable", unusable_source),
];

pub(crate) const UNPRIVILEGED: &[Case] =
    &[("unprivileged_watch_receives_on_tap_not_on_interface", unprivileged)];

const A: [u8; 6] = [2, 0, 0, 0, 0, 0xa];
const B: [u8; 6] = [2, 0, 0, 0, 0, 0xb];
const REQUESTER: [u8; 6] = [2, 0, 0, 0, 0, 1];
const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 7);
const BROADCAST: [u8; 6] = [0xff; 6];

/// Returns an ARP announcement of `ADDRESS` by this station.
fn announcement(mac: [u8; 6]) -> Vec<u8> {
    arp(BROADCAST, 1, (mac, ADDRESS), ([0; 6], ADDRESS))
}

/// Returns a broadcast ARP reply with the sender `ADDRESS` and a target address that is not the kernel's.
pub(crate) fn reply(mac: [u8; 6]) -> Vec<u8> {
    arp(BROADCAST, 2, (mac, ADDRESS), (REQUESTER, Ipv4Addr::new(10, 0, 0, 77)))
}

/// Returns the next event line, without its time.
fn next(watch: &mut Running) -> Result<String, Box<dyn Error>> {
    let line = watch.line()?;
    // 2026-11-22 08:07:10.123456
    let is_timed =
        line.get(4..5) == Some("-") && line.get(19..20) == Some(".") && line.get(26..27) == Some(" ");
    assert!(is_timed, "{line}");
    Ok(line[27..].trim_end().to_owned())
}

fn reports_events() -> TestResult {
    let mut tap = open_tap("wat0")?;
    let mut watch = Running::command(&["watch", "-I", "wat0"])?;
    assert_eq!(watch.first, "watching wat0\n");
    let probe = arp(BROADCAST, 1, (B, Ipv4Addr::UNSPECIFIED), ([0; 6], ADDRESS));
    let mismatch = [&BROADCAST[..], &B, &announcement(A)[12..]].concat();
    let rows = [
        (&announcement(A), &["new 10.0.0.7 is at 02:00:00:00:00:0a"][..]),
        (&probe, &["probe 10.0.0.7 by 02:00:00:00:00:0b; in use by 02:00:00:00:00:0a"]),
        (&mismatch, &["mismatch 10.0.0.7: 02:00:00:00:00:0a sent by 02:00:00:00:00:0b"]),
        (&reply(B), &["moved 10.0.0.7 from 02:00:00:00:00:0a to 02:00:00:00:00:0b"]),
        (&reply(A), &["conflict 10.0.0.7: both 02:00:00:00:00:0b and 02:00:00:00:00:0a"]),
        (&announcement(BROADCAST), &["invalid from ff:ff:ff:ff:ff:ff: invalid sender MAC address"]),
    ];
    for (bytes, lines) in rows {
        send(&mut tap, bytes)?;
        for line in lines {
            assert_eq!(next(&mut watch)?, *line);
        }
        if *bytes == announcement(A) {
            assert_eq!(next(&mut watch)?, "announced 10.0.0.7 is at 02:00:00:00:00:0a");
        }
    }
    let (code, out, errors) = watch.stop()?;
    assert_eq!((code, errors.as_str()), (Some(0), ""), "{out}");
    assert!(out.starts_with("6 packets in "), "{out}");
    assert!(out.contains("\n1 address: 1 fresh, 0 quiet, 0 gone; 2 changes, 1 conflict\n"), "{out}");
    Ok(())
}

fn exits_on_conflict() -> TestResult {
    let mut tap = open_tap("con0")?;
    let error =
        "tapstack: address conflict: 10.0.0.7 is claimed by 02:00:00:00:00:0a and 02:00:00:00:00:0b\n";
    for (more, has_lines) in [(&[][..], true), (&["--json"][..], true), (&["-q"], false)] {
        let arguments = [&["watch", "-I", "con0", "--fail-on", "conflict", "-w", "20"], more].concat();
        let mut child = command(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        // The conflict is repeated until the watch receives it.
        wait_for("end of the watch", || {
            for mac in [A, B] {
                send(&mut tap, &reply(mac)).ok()?;
            }
            child.try_wait().is_ok_and(|ended| ended.is_some()).then_some(())
        })?;
        let (code, out, errors) = exit_and_text(&child.wait_with_output()?);
        assert_eq!(code, Some(1), "{more:?}: {out}{errors}");
        // The replies may be received in either order.
        assert!(
            [error, &error.replace("0a and 02:00:00:00:00:0b", "0b and 02:00:00:00:00:0a")]
                .contains(&errors.as_str()),
            "{errors}"
        );
        assert_eq!(out.contains("conflict"), has_lines, "{out}");
    }
    // Without --fail-on, a conflict is not a failure.
    let mut watch = Running::command(&["watch", "-I", "con0", "--json"])?;
    let mut lines = watch.first.clone();
    for mac in [A, B] {
        send(&mut tap, &reply(mac))?;
    }
    while !lines.contains("\"conflict\"") {
        lines += &watch.line()?;
    }
    let (code, out, _) = watch.stop()?;
    lines += &out;
    check_lines("watch", &lines);
    assert_eq!(code, Some(0), "{lines}");
    assert!(lines.contains(r#""event":"address""#) && lines.contains(r#""conflicts":1"#), "{lines}");
    Ok(())
}

fn exits_on_other_events() -> TestResult {
    let mut tap = open_tap("evt0")?;
    let mismatch = [&BROADCAST[..], &B, &announcement(A)[12..]].concat();
    let rows = [
        ("new", vec![announcement(A)], "new 10.0.0.7 is at 02:00:00:00:00:0a"),
        ("new,moved", vec![announcement(A)], "new 10.0.0.7 is at 02:00:00:00:00:0a"),
        (
            "moved,conflict",
            vec![announcement(A), announcement(B)],
            "moved 10.0.0.7 from 02:00:00:00:00:0a to 02:00:00:00:00:0b",
        ),
        (
            "mismatch",
            vec![announcement(A), mismatch],
            "mismatch 10.0.0.7: 02:00:00:00:00:0a sent by 02:00:00:00:00:0b",
        ),
    ];
    for (events, frames, message) in rows {
        let watch = Running::command(&["watch", "-I", "evt0", "--fail-on", events, "-w", "60", "--plain"])?;
        for bytes in &frames {
            send(&mut tap, bytes)?;
        }
        let (code, out, errors) = watch.end()?;
        assert_eq!((code, errors), (Some(1), format!("tapstack: {message}\n")), "{events}: {out}");
    }
    // Other events do not end the watch.
    let mut watch = Running::command(&["watch", "-I", "evt0", "--fail-on", "moved,mismatch", "--plain"])?;
    send(&mut tap, &announcement(A))?;
    next(&mut watch)?;
    let (code, out, errors) = watch.stop()?;
    assert_eq!((code, errors.as_str()), (Some(0), ""), "{out}");
    let (code, _, errors) = exit_and_text(&run(&["watch", "-I", "evt0", "--fail-on", "gone"])?);
    assert!(code == Some(2) && errors.contains("invalid value 'gone'"), "{errors}");
    Ok(())
}

fn known_addresses() -> TestResult {
    let mut tap = open_tap("kno0")?;
    let file = Scratch::new("known.txt");
    let watch = ["watch", "-I", "kno0", "--plain", "--known", file.name(), "--fail-on", "new,moved"];
    let watch_once =
        |tap: &mut Tap, frame: &[u8], seconds: &str| -> Result<(Option<i32>, String), Box<dyn Error>> {
            let watch = Running::command(&[&watch[..], &["-w", seconds]].concat())?;
            send(tap, frame)?;
            let (code, _, errors) = watch.end()?;
            Ok((code, errors))
        };
    let new = "tapstack: new 10.0.0.7 is at 02:00:00:00:00:0a\n".to_owned();
    assert_eq!(watch_once(&mut tap, &announcement(A), "60")?, (Some(1), new));
    let text = std::fs::read_to_string(&file.0)?;
    let line = "\n10.0.0.7        02:00:00:00:00:0a  # first seen ";
    assert!(text.starts_with("# Known addresses of tapstack watch: ") && text.contains(line), "{text}");
    // The next run knows the address, and an edited comment stays.
    let edited = text.split("# first").next().unwrap_or_default().to_owned() + "# printer\n";
    std::fs::write(&file.0, &edited)?;
    assert_eq!(watch_once(&mut tap, &announcement(A), "1")?, (Some(0), String::new()));
    assert_eq!(std::fs::read_to_string(&file.0)?, edited);
    let moved = "tapstack: moved 10.0.0.7 from 02:00:00:00:00:0a to 02:00:00:00:00:0b\n".to_owned();
    assert_eq!(watch_once(&mut tap, &announcement(B), "60")?, (Some(1), moved));
    assert_eq!(std::fs::read_to_string(&file.0)?, edited.replace(":0a", ":0b"));
    assert_eq!(watch_once(&mut tap, &announcement(B), "1")?, (Some(0), String::new()));
    for (bad, part) in [
        (
            "/nowhere/known.txt",
            "cannot write known addresses to /nowhere/known.txt: No such file or directory",
        ),
        ("/dev/null", "cannot read known addresses from /dev/null: not a regular file"),
        (
            "-",
            "cannot read known addresses from standard input: watch replaces the file\n\
             hint: use the name of a file, or ./- for a file named -\n",
        ),
    ] {
        let (code, _, errors) = exit_and_text(&run(&["watch", "-I", "kno0", "--known", bad])?);
        assert!(code == Some(2) && errors.contains(part), "{errors}");
    }
    std::fs::write(&file.0, "10.0.0.7\n")?;
    let (code, _, errors) = exit_and_text(&run(&watch)?);
    assert!(
        code == Some(2) && errors.contains(": line 1: expected an IP address and a MAC address"),
        "{errors}"
    );
    Ok(())
}

fn runs_commands() -> TestResult {
    let mut tap = open_tap("cmd0")?;
    let log = Scratch::new("exec.log");
    let command = format!(
        "cat >> {0}; echo $TAPSTACK_EVENT,$TAPSTACK_IP,$TAPSTACK_MAC,$TAPSTACK_INTERFACE >> {0}; exit 3",
        log.name()
    );
    let mut watch = Running::command(&["watch", "-I", "cmd0", "--plain", "--exec", &command])?;
    send(&mut tap, &arp(BROADCAST, 1, (A, ADDRESS), ([0; 6], Ipv4Addr::new(10, 0, 0, 77))))?;
    assert_eq!(next(&mut watch)?, "new 10.0.0.7 is at 02:00:00:00:00:0a");
    let (code, out, errors) = watch.stop()?;
    assert_eq!((code, errors.as_str()), (Some(0), ""));
    assert!(
        out.contains("\n         1  commands of --exec started\n         1  commands of --exec failed"),
        "{out}"
    );
    let text = std::fs::read_to_string(&log.0)?;
    let lines: Vec<_> = text.lines().collect();
    check_lines("watch", lines[0]);
    assert_eq!(lines[1..], ["new,10.0.0.7,02:00:00:00:00:0a,cmd0"], "{text}");
    Ok(())
}

/// A capture with more events than can run or wait for their commands.
fn runs_commands_of_file() -> TestResult {
    let file = capture("commands.pcap", (0..300).map(station_request), 65_535)?;
    let (code, out, errors) = exit_and_text(&run(&["watch", file.name(), "--plain", "--exec", "exec true"])?);
    assert_eq!((code, errors.as_str()), (Some(0), ""));
    assert!(out.contains("\n       300  commands of --exec started\n"), "{out}");
    assert!(!out.contains("events without a command"), "{out}");
    Ok(())
}

fn event_precedes_output_failure() -> TestResult {
    let file = capture("full-disk.pcap", [station_request(1)].into_iter(), 65_535)?;
    let watch = ["watch", file.name(), "--plain", "--fail-on"];
    for (event, expected) in [("new", 1), ("conflict", 2)] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full")?;
        let mut command = command(&[&watch[..], &[event]].concat());
        let (code, _, errors) = exit_and_text(&command.stdout(full).stderr(Stdio::piped()).output()?);
        assert_eq!(code, Some(expected), "{errors}");
        assert!(errors.contains("cannot write to standard output: "), "{errors}");
        assert_eq!(errors.contains("tapstack: new 10.1.0.1 is at "), expected == 1, "{errors}");
    }
    Ok(())
}

fn ignores_stations() -> TestResult {
    let mut tap = open_tap("ign0")?;
    for ignored in ["02:00:00:00:00:0a", "10.0.0.7", "10.0.0.0/29"] {
        let words = ["watch", "-I", "ign0", "--plain", "--fail-on", "new", "--ignore", ignored];
        let watch = Running::command(&words)?;
        send(&mut tap, &announcement(A))?;
        let other = Ipv4Addr::new(10, 0, 0, 9);
        send(&mut tap, &arp(BROADCAST, 1, (B, other), ([0; 6], ADDRESS)))?;
        let (code, out, errors) = watch.end()?;
        assert_eq!((code, errors.as_str()), (Some(1), "tapstack: new 10.0.0.9 is at 02:00:00:00:00:0b\n"));
        assert!(out.contains("\n         1  frames of ignored stations"), "{out}");
    }
    let (code, _, errors) = exit_and_text(&run(&["watch", "-I", "ign0", "--ignore", "host"])?);
    assert!(
        code == Some(2) && errors.contains("expected a MAC address, an IP address or a range"),
        "{errors}"
    );
    Ok(())
}

fn receives_both_directions() -> TestResult {
    let mut tap = open_tap("way0")?;
    let mac = link::MacAddr::new(tap.interface().mac_address()?);
    let mut watch = Running::command(&["watch", "-I", "way0"])?;
    let mut vlan_5 = Running::command(&["watch", "-I", "way0", "--vlan", "5"])?;
    send_from_kernel(Ipv4Addr::new(10, 0, 0, 99), b"hello")?;
    assert_eq!(next(&mut watch)?, format!("new 10.0.0.1 is at {mac}"));
    let plain = announcement(A);
    for vlan in [6, 5] {
        send(&mut tap, &[&plain[..12], &[0x81, 0, 0, vlan], &plain[12..]].concat())?;
        assert_eq!(next(&mut watch)?, format!("new 10.0.0.7@{vlan} is at 02:00:00:00:00:0a"));
        assert_eq!(next(&mut watch)?, format!("announced 10.0.0.7@{vlan} is at 02:00:00:00:00:0a"));
    }
    assert_eq!(next(&mut vlan_5)?, "new 10.0.0.7@5 is at 02:00:00:00:00:0a");
    assert_eq!((watch.stop()?.0, vlan_5.stop()?.0), (Some(0), Some(0)));
    Ok(())
}

/// Returns the event lines of an output, without their times.
fn events(lines: &str) -> Vec<String> {
    lines
        .lines()
        .filter_map(|line| line.get(27..).filter(|_| line.get(4..5) == Some("-")))
        .map(str::to_owned)
        .collect()
}

fn own_capture() -> TestResult {
    let mut tap = open_tap("rec0")?;
    let file = Scratch::new("watch.pcapng");
    let mut watch = Running::command(&["watch", "-I", "rec0", "--pcap", file.name()])?;
    let frames = [announcement(A), announcement(B), reply(A), reply(B)];
    for bytes in &frames {
        send(&mut tap, bytes)?;
    }
    let mut lines = String::new();
    while !lines.contains("conflict") {
        lines += &watch.line()?;
    }
    // The last frame does not cause an event.
    wait_for("capture of all frames", || {
        let (_, decoded, _) = exit_and_text(&run(&["decode", file.name()]).ok()?);
        (decoded.lines().count() == frames.len()).then_some(())
    })?;
    let (code, out, _) = watch.stop()?;
    assert_eq!(code, Some(0));
    let live = events(&(lines + &out));
    assert_eq!(live.len(), 5, "{live:?}");
    // The capture contains the same events at the same times, and a decision on each frame.
    let (code, out, errors) = exit_and_text(&run(&["watch", file.name()])?);
    assert_eq!((code, errors.as_str()), (Some(0), ""));
    assert_eq!(events(&out), live);
    let (_, decoded, _) = exit_and_text(&run(&["decode", "-t", "-v", file.name()])?);
    for comment in ["new", "moved from 02:00:00:00:00:0a", "conflict with 02:00:00:00:00:0b"] {
        assert!(decoded.contains(&format!("[comment: {comment}]")), "{decoded}");
    }
    let (code, out, errors) =
        exit_and_text(&run(&["watch", file.name(), "--json", "--fail-on", "conflict"])?);
    assert_eq!(code, Some(1));
    assert!(errors.contains("address conflict: 10.0.0.7"), "{errors}");
    check_lines("watch", &out);
    assert!(out.contains(r#""packets":4,"#), "the capture was not read to its end: {out}");
    // The watch reads a complete and a truncated capture from a pipe.
    let bytes = std::fs::read(&file.0)?;
    for (bytes, code) in [(&bytes[..], 0), (&bytes[..bytes.len() - 9], 2)] {
        let mut child = command(&["watch", "-"]);
        let mut child = child.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        child.stdin.take().ok_or("standard input is not a pipe")?.write_all(bytes)?;
        let (ended, out, errors) = exit_and_text(&child.wait_with_output()?);
        assert_eq!((ended, errors.is_empty()), (Some(code), code == 0), "{errors}");
        assert!(out.contains(" new 10.0.0.7 is at ") && out.contains(" packets in "), "{out}");
    }
    Ok(())
}

/// Returns a pcap file of announcements of `count` addresses, a hundred per second.
fn announcement_file(count: u32) -> Vec<u8> {
    let mut file =
        vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 1, 0, 0, 0];
    for number in 0..count {
        let [.., a, b] = number.to_be_bytes();
        let (seconds, micros) = (number / 100, number % 100 * 10_000);
        let header = [seconds, micros, 42, 42];
        file.extend(header.iter().flat_map(|field| field.to_le_bytes()));
        file.extend(arp(BROADCAST, 1, ([2, 0, 0, 1, a, b], [10, 1, a, b].into()), ([0; 6], ADDRESS)));
    }
    file
}

fn slow_reader() -> TestResult {
    let file = Scratch::new("many.pcap");
    // 10,000 lines exceed the capacity of the pipe and the output buffer. 2,000 lines fit into both.
    for count in [10_000, 2_000] {
        std::fs::write(&file.0, announcement_file(count))?;
        let child = command(&["watch", file.name()]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        // The pause is longer than the time for which the output of a live watch waits for its reader.
        std::thread::sleep(std::time::Duration::from_millis(1_500));
        let (code, out, errors) = exit_and_text(&child.wait_with_output()?);
        assert_eq!((code, errors.as_str()), (Some(0), ""));
        assert_eq!(out.matches(" new 10.1.").count(), usize::try_from(count)?);
        assert!(out.len() > 100_000, "{}", out.len());
        assert!(out.contains(&format!("\n{count} addresses: {count} fresh")), "{out}");
    }
    std::fs::write(&file.0, announcement_file(10_000))?;
    // A reader that has stopped reading does not delay the end after a signal.
    let mut watch = Running::command(&["watch", "--json", file.name()])?;
    while !watch.line()?.contains(r#""event":"address""#) {}
    watch.signal(Signal::SIGINT)?;
    wait_for("end of the watch", || watch.has_ended().then_some(()))?;
    let (code, _, errors) = watch.end()?;
    assert_eq!(code, Some(0));
    assert!(errors.ends_with(": the reader of standard output is too slow\n"), "{errors}");
    Ok(())
}

fn on_tap() -> TestResult {
    let tap = PersistentTapGuard::create("wtap0")?;
    let mut watch = Running::command(&["watch", "--tap", "wtap0"])?;
    wait_for_carrier(&tap.0)?;
    send_from_kernel(Ipv4Addr::new(10, 0, 0, 2), b"hello")?;
    assert!(next(&mut watch)?.starts_with("new 10.0.0.1 is at "));
    let (code, out, _) = watch.stop()?;
    assert_eq!(code, Some(0), "{out}");
    assert!(out.contains("\n1 address: 1 fresh,"), "an address other than 10.0.0.1 was found: {out}");
    // With --address, watch acts as a host on the TAP.
    let file = Scratch::new("hosted.pcapng");
    let mut watch =
        Running::command(&["watch", "--tap", "wtap0", "--address", "10.0.0.2/24", "--pcap", file.name()])?;
    let entry = wait_for("ARP entry of the kernel", || {
        send_from_kernel(Ipv4Addr::new(10, 0, 0, 2), b"hello").ok()?;
        kernel_neighbor(&tap.0, Ipv4Addr::new(10, 0, 0, 2)).ok()
    })?;
    let mac = link::MacAddr::new(entry.mac_address.ok_or("no MAC address")?);
    assert!(next(&mut watch)?.starts_with("new 10.0.0.1 is at "));
    assert_eq!(next(&mut watch)?, format!("new 10.0.0.2 is at {mac}"));
    assert_eq!(watch.stop()?.0, Some(0));
    let (_, decoded, _) = exit_and_text(&run(&["decode", "-t", "-v", file.name()])?);
    assert!(decoded.contains("[comment: new; learned, answered]"), "{decoded}");
    Ok(())
}

fn ends_on_signal_deadline_closed_stdout() -> TestResult {
    let mut tap = open_tap("over0")?;
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        let watch = Running::command(&["watch", "-I", "over0"])?;
        watch.signal(signal)?;
        let (code, out, errors) = watch.end()?;
        assert_eq!((code, errors.as_str()), (Some(0), ""), "{signal}: {out}");
        assert!(out.starts_with("0 packets in ") && out.lines().count() == 2, "{out}");
    }
    let (code, out, _) = exit_and_text(&run(&["watch", "-I", "over0", "-w", "0.05"])?);
    assert_eq!((code, out.lines().count()), (Some(0), 3), "{out}");
    let (code, out, errors) = exit_and_text(&run(&["watch", "-I", "over0", "-w", "0.05", "-q"])?);
    assert_eq!((code, out.as_str(), errors.as_str()), (Some(0), "", ""));
    // The writer of the pipe does not write even a file header.
    let mut silent = command(&["watch", "-", "-w", "0.05"]).stdin(Stdio::piped()).spawn()?;
    let writer = silent.stdin.take();
    assert_eq!(silent.wait()?.code(), Some(2));
    drop(writer);
    let mut watch = Running::command(&["watch", "-I", "over0"])?;
    watch.close_output();
    wait_for("end of the watch", || {
        let sender = Ipv4Addr::new(10, 0, 0, u8::try_from(watch.pid() % 200).ok()? + 20);
        send(&mut tap, &arp(BROADCAST, 1, (A, sender), ([0; 6], ADDRESS))).ok()?;
        watch.has_ended().then_some(())
    })?;
    let (code, _, errors) = watch.end()?;
    assert_eq!((code, errors.as_str()), (Some(0), ""));
    Ok(())
}

fn closed_stdout_with_fail_on() -> TestResult {
    let with_conflict = (1..4).map(station_request).chain([reply(A), reply(B)]);
    let with_conflict = capture("closed-conflict.pcap", with_conflict, 65_535)?;
    let without = capture("closed.pcap", (1..4).map(station_request), 65_535)?;
    let conflict =
        "tapstack: address conflict: 10.0.0.7 is claimed by 02:00:00:00:00:0a and 02:00:00:00:00:0b\n";
    let unread =
        "tapstack: no result: the capture was not read to its end\nhint: let the command run to the end\n";
    // A file is read to its end, and the result of a pipe is unknown.
    for (file, is_pipe, expected) in [
        (&with_conflict, false, (Some(1), conflict)),
        (&without, false, (Some(0), "")),
        (&without, true, (Some(2), unread)),
    ] {
        let (reader, closed) = std::io::pipe()?;
        drop(reader);
        let source = if is_pipe { "-" } else { file.name() };
        let mut child = command(&["watch", source, "--plain", "--fail-on", "conflict"]);
        let mut child = child.stdin(Stdio::piped()).stdout(closed).stderr(Stdio::piped()).spawn()?;
        let mut input = child.stdin.take().ok_or("standard input is not a pipe")?;
        input.write_all(if is_pipe { std::fs::read(&file.0)? } else { Vec::new() }.as_slice())?;
        drop(input);
        let (code, _, errors) = exit_and_text(&child.wait_with_output()?);
        assert_eq!((code, errors.as_str()), expected, "{source}");
    }
    let mut tap = open_tap("clo0")?;
    let mut watch = Running::command(&["watch", "-I", "clo0", "--plain", "--fail-on", "conflict"])?;
    watch.close_output();
    send(&mut tap, &announcement(A))?;
    let (code, _, errors) = watch.end()?;
    let message = "tapstack: no result: the reader closed standard output\nhint: use -q, or a reader that reads to the end\n";
    assert_eq!((code, errors.as_str()), (Some(2), message));
    Ok(())
}

fn unusable_source() -> TestResult {
    let down = PersistentTapGuard::create("down0")?;
    down.0.set_up(false)?;
    let rows: [(&[&str], &str); 9] = [
        (&["-I", "absent0"], "interface absent0 does not exist"),
        (&["-I", "down0"], "down0 is down\nhint: bring up the interface"),
        (&["-I", "lo"], "lo does not carry Ethernet frames"),
        (&["--tap", "down0"], "down0 is down\nhint: bring up the interface"),
        (&["/nowhere/a.pcap"], "cannot read /nowhere/a.pcap: No such file or directory"),
        (&["/proc/self/status"], "cannot read /proc/self/status: not a pcap or pcapng file"),
        (&[], "missing option or argument: --interface <NAME>, --tap <NAME> or <FILE>\n"),
        (&["-I", "down0", "a.pcap"], "cannot be used with"),
        (&["a.pcap", "--pcap", "b.pcapng"], "cannot be used with"),
    ];
    for (arguments, part) in rows {
        for more in [&["--plain"][..], &["--json", "--fail-on", "conflict"]] {
            let (code, out, errors) =
                exit_and_text(&run(&[&["watch", "-w", "1"], arguments, more].concat())?);
            assert_eq!((code, out.as_str()), (Some(2), ""), "{arguments:?}: {errors}");
            assert!(errors.contains(part), "{arguments:?}: {errors}");
        }
    }
    // While the link is down, the absence of a conflict is not a result.
    let (tap, idle) = (open_tap("mute0")?, PersistentTapGuard::create("idle1")?);
    let watch = Running::command(&["watch", "-I", "mute0", "--fail-on", "conflict"])?;
    tap.interface().set_up(false)?;
    watch.signal(Signal::SIGINT)?;
    let (code, _, errors) = watch.end()?;
    assert_eq!(code, Some(2), "{errors}");
    assert!(errors.contains("no result: mute0 was down or had no carrier"), "{errors}");
    let silent = ["watch", "-I", "idle1", "-w", "0.05"];
    let (code, _, errors) = exit_and_text(&run(&silent)?);
    assert_eq!(code, Some(2), "{errors}");
    assert!(errors.contains("received nothing: idle1 was down or had no carrier"), "{errors}");
    let (code, _, errors) = exit_and_text(&run(&[&silent[..], &["--fail-on", "conflict"]].concat())?);
    assert_eq!(code, Some(2), "{errors}");
    assert!(errors.contains("no result: idle1 was down or had no carrier"), "{errors}");
    drop(idle);
    let tap = open_tap("gone0")?;
    let watch = Running::command(&["watch", "-I", "gone0"])?;
    delete_link(tap.interface())?;
    let (code, out, errors) = watch.end()?;
    assert_eq!(code, Some(2), "{out}");
    assert!(out.contains("0 packets in ") && errors.starts_with("tapstack: gone0: "), "{out}{errors}");
    Ok(())
}

fn unprivileged() -> TestResult {
    let (code, out, errors) = exit_and_text(&run(&["watch", "-I", USER_TAP])?);
    assert_eq!((code, out.as_str()), (Some(2), ""), "{errors}");
    assert!(errors.contains("CAP_NET_RAW is required\nhint: run the command as root: `sudo /"), "{errors}");
    assert_eq!(exit_and_text(&run(&["watch", "--tap", ROOT_TAP])?).0, Some(2));
    let mut watch = Running::command(&["watch", "--tap", USER_TAP])?;
    send_from_kernel(Ipv4Addr::new(10, 0, 0, 2), b"hello")?;
    assert!(next(&mut watch)?.starts_with("new 10.0.0.1 is at "));
    assert_eq!(watch.stop()?.0, Some(0));
    Ok(())
}
