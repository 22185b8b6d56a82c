//! Negative results: "free", "no reply" and "no conflict" are reported only if no frame was lost.

use std::error::Error;
use std::fs::File;
use std::io::Write;
use std::net::Ipv4Addr;
use std::thread::sleep;
use std::time::Duration;

use nix::sys::signal::Signal;
use tap::Device;
use tap::linux::PacketSocket;

use super::capture::Scratch;
use super::claims::line_with;
use super::hosts::checksum;
use super::running::{PersistentTapGuard, Running, open_tap};
use testbed::frames::{arp, is_arp, receive, send};
use testbed::program::{exit_and_text, run};
use testbed::veth::{NEAR, Veth};
use testbed::{Case, TestResult};

pub(crate) const CASES: &[Case] = &[
    ("stopped_arping_has_no_result_when_frames_were_lost", arping_loses_frames),
    ("stopped_arping_reads_queued_frames_before_end", arping_reads_queue),
    ("stopped_scan_has_no_result_when_frames_were_lost", scan_loses_frames),
    ("stopped_watch_has_no_result_when_frames_were_lost", watch_loses_frames),
    ("watch_with_full_table_has_no_result_without_conflict", full_census),
    ("watch_of_damaged_capture_has_no_result_without_conflict", truncated_capture),
    ("watch_reports_link_down_and_up", link_down_and_up),
    ("arping_and_scan_have_no_result_when_link_flaps", link_flaps),
    ("ping_exits_2_when_tap_is_down", ping_on_tap_that_is_down),
    ("ping_exits_1_when_data_changed", changed_data),
];

const TARGET: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 9);
const KERNEL: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const BROADCAST: [u8; 6] = [0xff; 6];
/// Exceeds the capacity of a receive queue.
const FLOOD: u32 = 4_000;

/// An address that no station has.
const ABSENT: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 77);

/// Returns an ARP request of station `number`. The target is not the kernel, which would add each sender to its
/// neighbor table. The limit of 1,024 entries applies to all network namespaces together, so the kernel would not
/// answer other tests.
pub(crate) fn station_request(number: u32) -> Vec<u8> {
    let [.., a, b, c] = number.to_be_bytes();
    arp(BROADCAST, 1, ([2, 1, 0, a, b, c], Ipv4Addr::new(10, 1 + a, b, c)), ([0; 6], ABSENT))
}

/// Returns an ARP request from a station that claims [`TARGET`].
fn claim(last: u8) -> Vec<u8> {
    arp(BROADCAST, 1, ([2, 0, 0, 0, 0, last], TARGET), ([0; 6], KERNEL))
}

fn is_request(bytes: &[u8]) -> bool {
    is_arp(1)(bytes) && bytes.ends_with(&TARGET.octets())
}

/// Suspends a process and waits until it is stopped.
pub(crate) fn stop(running: &Running) -> TestResult {
    running.signal(Signal::SIGSTOP)?;
    testbed::wait_for("stopped process", || {
        let status = std::fs::read_to_string(format!("/proc/{}/status", running.pid())).ok()?;
        status.contains("\nState:\tT").then_some(())
    })
}

/// Suspends a process, floods its receive queue, and resumes it.
fn flood(running: &Running, device: &mut impl Device) -> TestResult {
    stop(running)?;
    for number in 0..FLOOD {
        send(device, &station_request(number))?;
    }
    running.signal(Signal::SIGCONT)
}

fn check_end(running: Running, code: i32, part: &str) -> TestResult {
    let (ended, out, errors) = running.end()?;
    assert_eq!(ended, Some(code), "{out}{errors}");
    assert!(errors.contains(part), "{out}{errors}");
    Ok(())
}

fn arping_loses_frames() -> TestResult {
    let mut tap = open_tap("lose0")?;
    let ask = |more: &[&str]| Running::command(&[&["arping", "-I", "lose0"], more, &["10.0.0.9"]].concat());
    // No further request and no time limit is due until the interruption.
    for more in ["-b", "-D"] {
        let arping = ask(&[more, "-i", "3600"])?;
        receive(&mut tap, is_request)?;
        flood(&arping, &mut tap)?;
        arping.signal(Signal::SIGINT)?;
        check_end(arping, 2, "tapstack: no result for 10.0.0.9: the kernel dropped ")?;
    }
    // A received conflict is a result, even if frames were lost.
    let arping = ask(&["-D"])?;
    receive(&mut tap, is_request)?;
    stop(&arping)?;
    send(&mut tap, &claim(7))?;
    flood(&arping, &mut tap)?;
    check_end(arping, 1, "")
}

/// Frames that arrive while the process is stopped are in the receive queue when the time limit ends.
fn arping_reads_queue() -> TestResult {
    let mut tap = open_tap("late0")?;
    let arping = Running::command(&["arping", "-I", "late0", "-D", "-c", "1", "10.0.0.9"])?;
    receive(&mut tap, is_request)?;
    stop(&arping)?;
    for number in 0..300 {
        send(&mut tap, &station_request(number))?;
    }
    send(&mut tap, &claim(7))?;
    // The time is longer than the probe.
    sleep(Duration::from_millis(2_200));
    arping.signal(Signal::SIGCONT)?;
    let (ended, out, errors) = arping.end()?;
    assert_eq!(ended, Some(1), "{out}{errors}");
    assert!(out.contains(" from 10.0.0.9 [02:00:00:00:00:07]"), "the conflict is not printed: {out}");
    Ok(())
}

fn scan_loses_frames() -> TestResult {
    let mut tap = open_tap("lose1")?;
    let scan = Running::command(&["scan", "-I", "lose1", "-r", "1", "-t", "60000", "-q", "10.0.0.9"])?;
    receive(&mut tap, is_request)?;
    flood(&scan, &mut tap)?;
    scan.signal(Signal::SIGINT)?;
    check_end(scan, 2, "tapstack: no result of the scan: the kernel dropped ")
}

fn watch_loses_frames() -> TestResult {
    let mut tap = open_tap("lose2")?;
    let watch = |name: [&str; 2]| {
        Running::command(&[&["watch"], &name[..], &["--fail-on", "conflict", "--plain"]].concat())
    };
    let lost = "tapstack: no result: the kernel dropped ";
    let watching = watch(["-I", "lose2"])?;
    flood(&watching, &mut tap)?;
    watching.signal(Signal::SIGINT)?;
    check_end(watching, 2, lost)?;
    // A read from a TAP does not report losses. The interface counts lost frames.
    let held = PersistentTapGuard::create("lose3")?;
    let mut socket = PacketSocket::open(held.0.name())?;
    let watching = watch(["--tap", "lose3"])?;
    flood(&watching, &mut socket)?;
    watching.signal(Signal::SIGINT)?;
    check_end(watching, 2, lost)?;
    // Without losses, the absence of a conflict is a result.
    let watching = watch(["--tap", "lose3"])?;
    send(&mut socket, &station_request(1))?;
    watching.signal(Signal::SIGINT)?;
    check_end(watching, 0, "")
}

/// Writes a capture of these frames with a snap length of `kept` bytes.
pub(crate) fn capture(
    name: &str,
    frames: impl Iterator<Item = Vec<u8>>,
    kept: usize,
) -> Result<Scratch, Box<dyn Error>> {
    let scratch = Scratch::new(name);
    let mut bytes = Vec::new();
    for word in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 65_535, 1] {
        bytes.extend(word.to_le_bytes());
    }
    for frame in frames {
        let (length, captured) = (frame.len(), frame.len().min(kept));
        for word in [1_700_000_000, 0, u32::try_from(captured)?, u32::try_from(length)?] {
            bytes.extend(word.to_le_bytes());
        }
        bytes.extend(&frame[..captured]);
    }
    File::create(&scratch.0)?.write_all(&bytes)?;
    Ok(scratch)
}

fn fails_on_conflict(capture: &Scratch) -> std::io::Result<(Option<i32>, String, String)> {
    Ok(exit_and_text(&run(&["watch", capture.name(), "--fail-on", "conflict", "-q"])?))
}

fn full_census() -> TestResult {
    let many = || (0..65_537).map(station_request);
    let full = capture("full.pcap", many(), 65_535)?;
    let (code, _, errors) = fails_on_conflict(&full)?;
    assert_eq!(code, Some(2), "{errors}");
    assert!(errors.contains("no result: the table of addresses was full 1 times"), "{errors}");
    // A conflict after the flood is still detected.
    let claims = [7, 8, 7].map(claim);
    let conflict = capture("conflict.pcap", many().chain(claims), 65_535)?;
    let (code, _, errors) = fails_on_conflict(&conflict)?;
    assert_eq!(code, Some(1), "{errors}");
    Ok(())
}

fn truncated_capture() -> TestResult {
    let claims = || [7, 8, 7].map(claim).into_iter();
    assert_eq!(fails_on_conflict(&capture("whole.pcap", claims(), 42)?)?.0, Some(1));
    let (code, _, errors) = fails_on_conflict(&capture("cut.pcap", claims(), 40)?)?;
    assert_eq!(code, Some(2), "{errors}");
    assert!(errors.contains("no result: 3 frames were cut short"), "{errors}");
    // An unreadable rest of the capture does not hide an earlier conflict.
    for (frames, code) in [(3, 1), (1, 2)] {
        let broken = capture("broken.pcap", claims().take(frames), 42)?;
        File::options().append(true).open(&broken.0)?.write_all(&[7; 9])?;
        let (ended, _, errors) = fails_on_conflict(&broken)?;
        assert_eq!(ended, Some(code), "{errors}");
        assert!(errors.contains("cannot read"), "{errors}");
    }
    Ok(())
}

fn link_down_and_up() -> TestResult {
    // The watch reads from an interface, then from a TAP.
    let held = open_tap("link0")?;
    let other = PersistentTapGuard::create("link1")?;
    let sources = [("-I", "link0", held.interface()), ("--tap", "link1", &other.0)];
    for (option, name, interface) in sources {
        for json in [false, true] {
            let format = if json { "--json" } else { "--plain" };
            let mut watch = Running::command(&["watch", option, name, format])?;
            let [down, up] = if json {
                [r#""event":"link","#, r#""up":true,"carrier":true,"mtu":1500}"#]
            } else {
                [" link is down\n", " link is up, mtu 1500\n"]
            };
            interface.set_up(false)?;
            let line = line_with(&mut watch, down)?;
            assert!(!json || line.contains(r#""up":false,"carrier":false"#), "{line}");
            interface.set_up(true)?;
            line_with(&mut watch, up)?;
            let (code, out, errors) = watch.stop()?;
            assert_eq!((code, errors.as_str()), (Some(0), ""), "{out}");
            if json {
                testbed::schema::check_lines("watch", &line);
                assert!(out.contains(r#""link_losses":1,"#), "{out}");
            } else {
                assert!(out.contains("1  link losses: down or no carrier"), "{out}");
            }
            // With --fail-on, there is no result.
            let watch = Running::command(&["watch", option, name, "--fail-on", "conflict", "--plain"])?;
            interface.set_up(false)?;
            interface.set_up(true)?;
            watch.signal(Signal::SIGINT)?;
            check_end(watch, 2, &format!("no result: {name} was down or had no carrier"))?;
        }
    }
    // A link that goes down, then up without a carrier, is counted as one loss.
    let veth = Veth::new()?;
    let far = veth.far_interface()?;
    let mut watch = Running::command(&["watch", "-I", NEAR, "--json"])?;
    veth.near.set_up(false)?;
    line_with(&mut watch, r#""up":false,"#)?;
    far.set_up(false)?;
    veth.near.set_up(true)?;
    line_with(&mut watch, r#""up":true,"carrier":false,"#)?;
    far.set_up(true)?;
    line_with(&mut watch, r#""up":true,"carrier":true,"#)?;
    let (_, out, _) = watch.stop()?;
    assert!(out.contains(r#""link_losses":1,"#), "{out}");
    // A TAP loses its carrier when the attached process closes it.
    let tap = PersistentTapGuard::create("link2")?;
    let end = tap::linux::Tap::open("link2")?;
    testbed::wait_for("carrier", || {
        tap.0.carrier().is_ok_and(|carrier| carrier == tap::linux::CarrierState::Up).then_some(())
    })?;
    let mut watch = Running::command(&["watch", "-I", "link2", "--plain"])?;
    drop(end);
    line_with(&mut watch, " link has no carrier\n")?;
    let end = tap::linux::Tap::open("link2")?;
    line_with(&mut watch, " link is up, mtu 1500\n")?;
    assert_eq!(watch.stop()?.0, Some(0));
    drop(end);
    Ok(())
}

/// The link is up again when the command ends, and no packet was sent while it was down.
fn link_flaps() -> TestResult {
    let mut tap = open_tap("flap0")?;
    for (words, part) in [
        (&["arping", "-I", "flap0", "-c", "1", "10.0.0.9"][..], "no result for 10.0.0.9: flap0 was down"),
        (&["arping", "-I", "flap0", "-D", "-c", "1", "10.0.0.9"], "no result for 10.0.0.9: flap0 was down"),
        (
            &["scan", "-I", "flap0", "-q", "-r", "1", "-t", "800", "10.0.0.9"],
            "no result of the scan: flap0 was down",
        ),
    ] {
        let running = Running::command(words)?;
        receive(&mut tap, is_request)?;
        tap.interface().set_up(false)?;
        tap.interface().set_up(true)?;
        check_end(running, 2, part)?;
    }
    Ok(())
}

fn ping_on_tap_that_is_down() -> TestResult {
    let down = PersistentTapGuard::create("down3")?;
    down.0.set_up(false)?;
    let words = ["ping", "--tap", "down3", "--address", "10.0.0.2/24", "-c", "1", "-W", "0.2", "10.0.0.1"];
    let (code, out, errors) = exit_and_text(&run(&words)?);
    assert_eq!((code, out.as_str()), (Some(2), ""), "{errors}");
    assert!(errors.contains("down3 is down") && errors.matches("is down").count() == 1, "{errors}");
    // If a TAP goes down while ping runs, ping also has no result.
    down.0.set_up(true)?;
    let ping = Running::command(&[&words[..7], &["-W", "5", "10.0.0.77"]].concat())?;
    down.0.set_up(false)?;
    check_end(ping, 2, "tapstack: no result for 10.0.0.77: down3 was down or had no carrier")
}

/// The peer replies to each echo request with one byte changed and a valid checksum.
fn changed_data() -> TestResult {
    let held = PersistentTapGuard::create_without_address("echo3")?;
    let mut peer = PacketSocket::open(held.0.name())?;
    let station = ["ping", "--tap", "echo3", "--address", "10.0.0.2/24", "--mac", "02:00:00:00:00:02"];
    for json in [false, true] {
        let more = if json { &["--json"][..] } else { &[] };
        let ping = Running::command(&[&station[..], more, &["-c", "1", "10.0.0.9"]].concat())?;
        receive(&mut peer, is_request)?;
        send(
            &mut peer,
            &arp(
                [2, 0, 0, 0, 0, 2],
                2,
                ([2, 0, 0, 0, 0, 7], TARGET),
                ([2, 0, 0, 0, 0, 2], [10, 0, 0, 2].into()),
            ),
        )?;
        let request = receive(&mut peer, |bytes| bytes[12..14] == [8, 0] && bytes[23] == 1)?;
        send(&mut peer, &reply_with_changed_byte(&request))?;
        let (code, out, errors) = ping.end()?;
        assert_eq!(code, Some(1), "{out}{errors}");
        let parts = if json {
            [r#""mismatch":{"offset":20,"expected":20,"received":235}"#, r#""mismatches":1"#]
        } else {
            ["\nwrong data byte #20 should be 0x14 but was 0xeb\n", " 1 received, +1 changed, "]
        };
        assert!(parts.iter().all(|part| out.contains(part)), "{out}");
    }
    Ok(())
}

/// Returns the echo reply to a request, with data byte 20 inverted.
fn reply_with_changed_byte(request: &[u8]) -> Vec<u8> {
    let (header, message) = request.split_at(34);
    let addresses = [&header[30..34], &header[26..30]].concat();
    let mut reply = [&header[6..12], &header[..6], &header[12..26], &addresses, message].concat();
    reply[34] = 0;
    reply[34 + 8 + 20] ^= 0xff;
    reply[36..38].fill(0);
    let checksum = checksum(&reply[34..]);
    reply[36..38].copy_from_slice(&checksum);
    reply
}
